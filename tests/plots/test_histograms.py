"""Histograms of weights and activations: bars are counts of the network's numbers."""

import numpy as np
import polars as pl
import pytest

from fastnn import MLPClassifier
from fastnn.diagnostics import activations_of, layer_health
from fastnn.plots import ActivationHistogramDisplay, WeightHistogramDisplay
from support.displayed import (
    WINE,
    X_moons,
    X_train,
    X_val,
    classifier,
    counts,
    pixels,
    wine,
    y_moons,
    y_train,
    y_val,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_weights():
    display = WeightHistogramDisplay.from_estimator(classifier, bins=20)
    assert len(display.axes_) == 3
    for i, ax in enumerate(display.axes_):
        coefs = classifier.coefs_[i]
        assert len(ax.patches) == 20 and counts(ax) == coefs.size
        shape = "-".join(map(str, coefs.shape))
        assert ax.get_title() == f"layer {i} ({shape})\nstd {coefs.std():.3g}"
        edges = ax.patches[0].get_x(), ax.patches[-1].get_x() + ax.patches[-1].get_width()
        assert np.allclose(edges, [coefs.min(), coefs.max()], atol=1e-6)
    display = WeightHistogramDisplay.from_estimator(classifier, biases=True, log_scale=True)
    assert [counts(ax) for ax in display.axes_] == [16, 12, 10]
    assert display.axes_[0].get_xlabel() == "bias" and display.axes_[0].get_yscale() == "log"


def test_zeros_and_what_is_not_finite():
    display = WeightHistogramDisplay(
        weights=[np.array([0.0, 0, 1, 2, np.nan]), np.full(3, np.inf)], names=["a", "b"]
    ).plot()
    assert counts(display.axes_[0]) == 2
    assert display.axes_[0].get_title() == "a\nstd 0.829, 40 % zero (not drawn), 20 % not finite"
    assert display.axes_[1].get_title() == "b\n100 % not finite"
    display.plot(show_zeros=True)
    assert counts(display.axes_[0]) == 4 and "40 % zero," in display.axes_[0].get_title()


def test_many_layers():
    model = MLPClassifier((4,) * 9, max_iter=1, random_state=0).fit(X_moons, y_moons)
    display = WeightHistogramDisplay.from_estimator(model)
    assert len(display.axes_) == 10
    pixels(display)
    boxes = [ax.get_tightbbox() for ax in display.axes_]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
    assert {ax.get_xlabel() for ax in display.axes_} == {"weight"}


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_activations(activation):
    model = MLPClassifier((16, 8), activation, learning_rate_init=0.3, max_iter=5, random_state=0)
    model.fit(X_train, y_train)
    display = ActivationHistogramDisplay.from_estimator(model, X_val)
    health = layer_health(model, X_val, y_val)
    assert np.allclose(display.dead, health.dead) and np.allclose(
        display.saturated, health.saturated
    )
    assert max(health.dead if activation == "relu" else health.saturated) > 0
    for i, values in enumerate(activations_of(model, X_val)):
        title = display.axes_[i].get_title()
        assert counts(display.axes_[i]) == np.count_nonzero(values)
        if health.dead[i]:
            assert f"{100 * health.dead[i]:.3g} % of units dead" in title
        if health.saturated[i]:
            assert f"{100 * health.saturated[i]:.3g} % saturated" in title
        if (values == 0).any():
            assert f"{100 * (values == 0).mean():.3g} % zero (not drawn)" in title
    assert display.axes_[2].get_title().startswith("layer 2 (8-10): output\nstd ")


def test_activations_of_some_rows():
    display = ActivationHistogramDisplay.from_estimator(wine, WINE.data, max_rows=30)
    assert [values.shape for values in display.activations] == [(30, 8), (30, 3)]
    rows = np.sort(np.random.RandomState(0).choice(178, 30, replace=False))
    expected = activations_of(wine, WINE.data.iloc[rows])
    assert np.array_equal(display.activations[0], expected[0])
    frame = pl.DataFrame(WINE.data.to_dict("list"))
    again = ActivationHistogramDisplay.from_estimator(wine, frame, max_rows=30)
    assert np.array_equal(again.activations[0], expected[0])
    with pytest.raises(ValueError, match="X has 2 features"):
        ActivationHistogramDisplay.from_estimator(classifier, X_moons)


def test_activations_of_several_outputs():
    targets = np.column_stack([y_moons, X_moons[:, 0] // 1])
    model = MLPClassifier((6,), max_iter=2, random_state=0).fit(X_moons, targets)
    display = ActivationHistogramDisplay.from_estimator(model, X_moons)
    assert [name.endswith("output") for name in display.names] == [False, True, True]


@pytest.mark.parametrize("bins", [0, 2.5, "auto"])
def test_wrong_bins(bins):
    with pytest.raises(ValueError, match=r"^bins must be a whole number of at least 1, got "):
        WeightHistogramDisplay.from_estimator(classifier, bins=bins)
    with pytest.raises(ValueError, match=r"^bins must be a whole number of at least 1, got "):
        ActivationHistogramDisplay.from_estimator(classifier, X_val, bins=bins)
