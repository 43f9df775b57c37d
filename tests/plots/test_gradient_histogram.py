"""Histograms of gradients: those of weights and units agree, and epochs are those of a training."""

import numpy as np
import pytest

from fastnn import MLPClassifier
from fastnn.diagnostics.probe import Probe
from fastnn.plots import GradientHistogramDisplay
from support.displayed import WINE, X_moons, X_train, counts, legend, wine, y_moons, y_train

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAWN = GradientHistogramDisplay.from_estimator
MODEL = MLPClassifier((8, 6), "tanh", max_iter=5, random_state=0)
STOPS = MLPClassifier((8,), tol=10, n_iter_no_change=1, random_state=0)


def test_gradients_by_weights_are_sums_over_those_by_units():
    """The gradient by a weight is the mean over the rows of input times gradient by unit."""
    (weights,) = DRAWN(MODEL, X_moons, y_moons).gradients
    display = DRAWN(MODEL, X_moons, y_moons, of="units")
    (units,) = display.gradients
    probe = Probe(MODEL, X_moons, y_moons, 500, 0)
    inputs = [X_moons, *probe.activations()[:-1]]
    for weight, values, unit in zip(weights, inputs, units, strict=True):
        np.testing.assert_allclose(weight, values.T @ unit / len(X_moons), atol=1e-12)
    assert display.axes_[0].get_xlabel() == "gradient by unit"
    assert [counts(ax) for ax in display.axes_] == [120 * 8, 120 * 6, 120]


def test_epochs():
    display = DRAWN(MODEL, X_train, y_train, epochs=[3, 0, 1], max_rows=40, log_scale=True)
    assert display.epochs == [0, 1, 3] and len(display.axes_) == 3
    assert legend(display.axes_[0]) == ["epoch 0", "epoch 1", "epoch 3"]
    for epoch, gradients in zip(display.epochs, display.gradients, strict=True):
        model = MLPClassifier(**MODEL.get_params(deep=False) | {"max_iter": max(1, epoch)})
        if epoch:
            model.fit(X_train, y_train)
        expected = Probe(model, X_train, y_train, 40, 0).gradients()
        for found, own in zip(gradients, expected, strict=True):
            np.testing.assert_array_equal(found, own)
    deviations = ", ".join(f"{one[0].std():.3g}" for one in display.gradients)
    assert display.axes_[0].get_title() == f"layer 0 (64-8)\nstd {deviations}"
    assert not hasattr(MODEL, "coefs_")


def test_pipelines_and_fitted_networks():
    fitted, display = (
        wine[-1].coefs_[0].copy(),
        DRAWN(wine, WINE.data, WINE.target_names[WINE.target]),
    )
    assert [one.shape for one in display.gradients[0]] == [(13, 8), (8, 3)]
    np.testing.assert_array_equal(wine[-1].coefs_[0], fitted)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"of": "biases"}, "^of must be 'weights' or 'units', got 'biases'"),
        ({"epochs": [-1]}, r"^epochs must be whole numbers of at least 0, got \[-1\]"),
        ({"epochs": [0.5]}, "^epochs must be whole numbers"),
        ({"epochs": []}, "^epochs must be whole numbers"),
        ({"epochs": [6]}, "^Training has ended before epoch 6"),
        ({"random_state": -1}, "'random_state' parameter of GradientHistogramDisplay"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        DRAWN(STOPS, X_moons, y_moons, **parameters)


def test_units_of_several_heads():
    y = np.stack([y_moons, y_moons + 1], axis=1)
    (gradients,) = DRAWN(MODEL, X_moons, y, of="units").gradients
    assert [values.shape[1] for values in gradients] == [8, 6, 2, 2]


def test_units_of_batch_norm_are_refused():
    model = MLPClassifier((4,), normalization="batch", random_state=0)
    with pytest.raises(ValueError, match="of='units' is not possible with batch normalization"):
        DRAWN(model, X_moons, y_moons, of="units")
