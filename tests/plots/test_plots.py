"""Displays: what their artists say is what the network, the history or the rows say."""

import doctest
import inspect
import math
import subprocess
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_hex, to_rgba
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_digits, load_wine, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, train_test_split, validation_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn import MLPClassifier, MLPRegressor, plots
from fastnn.callbacks import EarlyStopping
from fastnn.diagnostics import activations_of, layer_health, learning_rate_range
from fastnn.plots import (
    ActivationHistogramDisplay,
    DecisionBoundaryDisplay,
    FailureCasesDisplay,
    LearningRateRangeDisplay,
    TrainingCurveDisplay,
    ValidationCurveDisplay,
    WeightHistogramDisplay,
)
from fastnn.plots.axes import shortened

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, random_state=0, stratify=y)
X_moons, y_moons = make_moons(120, noise=0.2, random_state=0)
WINE = load_wine(as_frame=True)
NAMES = WINE.target_names[WINE.target]
DIABETES = load_diabetes(as_frame=True)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nothing here is trained to the end
    classifier = MLPClassifier((16, 12), max_iter=6, random_state=0).fit(X_train, y_train)
    moons = MLPClassifier((16,), solver="lbfgs", max_iter=40, random_state=0)
    moons.fit(X_moons, y_moons)
    regressor = MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=0)
    regressor.fit(X_moons, X_moons[:, 0] ** 2)
    wine = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3, random_state=0))
    wine.fit(WINE.data, NAMES)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def pixels(display):
    """The picture, as numbers."""
    display.figure_.canvas.draw()
    return np.array(display.figure_.canvas.buffer_rgba())


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def counts(ax):
    return sum(bar.get_height() for bar in ax.patches)


# ------------------------------------------------------------------------- what all share


ONES = {
    ActivationHistogramDisplay: (classifier, X_val),
    DecisionBoundaryDisplay: (moons, X_moons, y_moons),
    FailureCasesDisplay: (classifier, X_val, y_val),
    LearningRateRangeDisplay: (classifier, X_train, y_train),
    TrainingCurveDisplay: (classifier,),
    ValidationCurveDisplay: (moons, X_moons, y_moons),
    WeightHistogramDisplay: (classifier,),
}
NEEDED = {
    FailureCasesDisplay: {"n_cases": 4},
    ValidationCurveDisplay: {"param_name": "alpha", "param_range": [1e-3, 100], "cv": 3},
}
# Of each parameter a value that is another picture than the default's.
CHANGES = {
    ActivationHistogramDisplay: dict(
        max_rows=20, random_state=1, bins=7, show_zeros=True, log_scale=True
    ),
    DecisionBoundaryDisplay: dict(
        grid_resolution=5,
        margin=1.0,
        colors=["red", "blue"],
        alpha=0.2,
        show_rows=False,
        size=90,
        show_legend=False,
    ),
    FailureCasesDisplay: dict(image_shape=(8, 8), n_cases=3, n_features=2),
    LearningRateRangeDisplay: dict(
        min_rate=1e-4, max_rate=1.0, n_steps=50, max_rows=100, random_state=1, show_raw=False
    ),
    TrainingCurveDisplay: dict(
        name="a",
        panels=["loss"],
        learning_rate=True,
        log_scale=True,
        mark_best=False,
        line_kw={"lw": 5},
    ),
    ValidationCurveDisplay: dict(
        cv=2,
        scoring="neg_log_loss",
        show_zones=False,
        mark_best=False,
        negate_score=True,
        score_name="a",
        score_type="test",
        std_display_style=None,
        line_kw={"lw": 5},
        fill_between_kw={"alpha": 1.0},
    ),
    WeightHistogramDisplay: dict(biases=True, bins=7, log_scale=True),
}


def drawn(display, **parameters):
    return display.from_estimator(*ONES[display], **NEEDED.get(display, {}) | parameters)


@pytest.mark.parametrize(
    ("display", "name"), [(display, name) for display in CHANGES for name in CHANGES[display]]
)
def test_every_parameter_changes_the_picture(display, name):
    start = {}
    if display is TrainingCurveDisplay:
        # With something to mark.
        model = MLPClassifier((8,), max_iter=9, early_stopping=True, random_state=0)
        before = display.from_estimator(model.fit(X_train, y_train))
        after = display.from_estimator(model, **{name: CHANGES[display][name]})
    else:
        if (display, name) == (ActivationHistogramDisplay, "random_state"):
            start = {"max_rows": 50}
        before = drawn(display, **start)
        after = drawn(display, **start, **{name: CHANGES[display][name]})
    assert not np.array_equal(pixels(before), pixels(after))


def test_changes_are_complete():
    rare = {"estimator", "X", "y", "ax", "param_name", "param_range", "groups", "n_jobs"}
    rare |= {"error_score", "parameters", "cmap", "grad_norm", "self"}
    for display, changed in CHANGES.items():
        known = {*inspect.signature(display.from_estimator).parameters}
        known |= {*inspect.signature(display.plot).parameters}
        if display is WeightHistogramDisplay:
            rare = rare | {"show_zeros"}  # which has a test of its own
        assert known - rare <= {*changed}, display


@pytest.mark.parametrize("display", ONES)
def test_plot_draws_again_elsewhere(display):
    first = drawn(display)
    picture = pixels(first)
    own = {"n_cases": 4} if display is FailureCasesDisplay else {}
    again = first.plot(**own)
    assert again is first
    assert np.array_equal(picture, pixels(again))
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    again.plot(right, **own)
    assert again.figure_ is figure
    figure.canvas.draw()
    mine = np.ravel(again.axes_ if hasattr(again, "axes_") else again.ax_)
    assert len(mine)
    for ax in mine:
        assert ax.has_data()
        assert ax.get_window_extent().x0 > left.get_window_extent().x1
    assert not left.has_data()


@pytest.mark.parametrize("display", ONES)
def test_nothing_is_cut_off(display):
    first = drawn(display)
    pixels(first)
    box, figure = first.figure_.get_tightbbox(), first.figure_.get_size_inches()
    assert box.x0 >= -0.02 and box.y0 >= -0.02
    assert box.x1 <= figure[0] + 0.02 and box.y1 <= figure[1] + 0.02


@pytest.mark.parametrize("display", ONES)
def test_foreign_and_unfitted_estimators(display):
    rest, needed = ONES[display][1:], NEEDED.get(display, {})
    with pytest.raises(
        TypeError,
        match=rf"^{display.__name__} draws an MLPClassifier or MLPRegressor, or a Pipeline that "
        "ends with one, got LogisticRegression: ",
    ):
        display.from_estimator(LogisticRegression(), *rest, **needed)
    with pytest.raises(TypeError, match="got Pipeline"):
        display.from_estimator(make_pipeline(LogisticRegression()), *rest, **needed)
    if display in (LearningRateRangeDisplay, ValidationCurveDisplay):  # they train clones
        return
    with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted yet"):
        display.from_estimator(make_pipeline(MLPClassifier()), *rest)


@pytest.mark.parametrize("display", ONES)
def test_missing_matplotlib(display, monkeypatch):
    made = drawn(display)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    message = rf'^{display.__name__} needs matplotlib: pip install "fastnn\[plots\]"\.$'
    with pytest.raises(ImportError, match=message):
        drawn(display)
    with pytest.raises(ImportError, match=message):
        made.plot()


def test_import_needs_no_matplotlib():
    script = (
        "import sys, fastnn; fastnn.plots.TrainingCurveDisplay; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("name", plots.__all__)
def test_examples(name):
    display = getattr(plots, name)
    module = sys.modules[display.__module__]
    result = doctest.testmod(module)
    assert result.attempted > 0 and not result.failed
    assert display.__module__.startswith("fastnn.plots.")


def test_axes_that_do_not_fit():
    _, axes = plt.subplots(1, 2)
    with pytest.raises(ValueError, match="ax has 2 axes, and 3 are needed"):
        WeightHistogramDisplay.from_estimator(classifier, ax=axes)
    display = WeightHistogramDisplay.from_estimator(classifier, ax=axes[0])
    with pytest.raises(ValueError, match="is already: pass axes_ of the display on it"):
        display.plot(axes[0])
    assert (display.plot(display.axes_).axes_ == display.axes_).all()
    free = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"as it is no subplot\. Or give 3 axes"):
        display.plot(free)


def test_shortened():
    assert shortened("abc", 3) == "abc"
    assert shortened("abcdefghi", 5) == "ab…hi"
    assert len(shortened("x" * 50, 16)) == 16


# ------------------------------------------------------------------------- training


def curves(model, **parameters):
    return TrainingCurveDisplay.from_estimator(model, **parameters)


def test_curves_are_the_history():
    scoring = ["accuracy", "f1_macro", "neg_log_loss"]
    model = MLPClassifier((8,), max_iter=5, scoring=scoring, random_state=0)
    display = curves(model.fit(X_train, y_train, X_val=X_val, y_val=y_val), learning_rate=True)
    panels = [
        ["loss", "val_loss"],
        ["val_accuracy", "val_f1_macro"],
        ["val_neg_log_loss"],
        ["learning_rate"],
    ]
    assert [name for names in panels for name in names] == list(display.lines_)
    assert len(display.axes_) == 4
    for ax, names in zip(display.axes_, panels, strict=True):
        assert ax.get_xlabel() == "epoch"
        for name in names:
            line = display.lines_[name]
            assert line.axes is ax
            assert line.get_xdata().tolist() == [1, 2, 3, 4, 5]
            assert line.get_ydata().tolist() == model.history_[name]
    labels = ["loss", "validation score", "validation neg_log_loss", "learning rate"]
    assert [ax.get_ylabel() for ax in display.axes_] == labels
    assert legend(display.axes_[0])[:2] == ["training loss", "validation loss"]
    assert legend(display.axes_[1]) == ["accuracy", "f1_macro"]
    assert display.axes_[2].get_legend() is None


def marked(display):
    [at] = {int(line.get_xdata()[0]) for line in display.best_lines_}
    assert len(display.best_lines_) == len(display.axes_)
    return at


def test_the_epoch_that_was_kept_is_marked():
    """By its loss, which is that of the parameters that predict."""
    for parameters, name in (
        (dict(early_stopping=True), "accuracy"),
        (dict(early_stopping=True, scoring="loss"), "loss"),
        (dict(early_stopping=True, scoring=["neg_log_loss", "f1_macro"]), "neg_log_loss"),
        (dict(callbacks=[EarlyStopping(restore_best=True)]), "val_loss"),
        (dict(callbacks=[EarlyStopping("val_accuracy", restore_best=True)]), "val_accuracy"),
    ):
        model = MLPClassifier((32,), learning_rate_init=0.03, random_state=0, **parameters)
        model.set_params(max_iter=25, n_iter_no_change=100)
        model.fit(X_train[:200], y_train[:200], X_val=X_val, y_val=y_val)
        display = curves(model)
        at = marked(display)
        assert at < 25, "the case tells nothing"
        loss = log_loss(y_val, model.predict_proba(X_val))
        assert math.isclose(model.history_["val_loss"][at - 1], loss, rel_tol=1e-5)
        assert legend(display.axes_[0])[2] == f"epoch {at}: kept, best {name}"


def test_kept_of_the_last_call():
    """What an earlier call had is gone, but for early_stopping, which compares with it."""
    stopping = EarlyStopping(restore_best=True)
    for parameters, rate, expected in (
        (dict(callbacks=[stopping]), 0.1, 12),
        (dict(early_stopping=True, scoring="loss"), 0.3, 8),
    ):
        model = MLPClassifier((32,), max_iter=8, warm_start=True, random_state=0, **parameters)
        data = dict(X_val=X_val, y_val=y_val)
        model.fit(X_train[:200], y_train[:200], **data)
        model.set_params(learning_rate_init=rate, max_iter=4)
        model.fit(X_train[:200], y_train[:200], **data)
        at = marked(curves(model))
        assert at == expected
        loss = log_loss(y_val, model.predict_proba(X_val))
        assert math.isclose(model.history_["val_loss"][at - 1], loss, rel_tol=1e-5)


def test_lowest_loss_where_the_last_epoch_is_kept():
    model = MLPClassifier((32,), learning_rate_init=0.1, max_iter=25, random_state=0)
    model.fit(X_train[:200], y_train[:200], X_val=X_val, y_val=y_val)
    at = marked(curves(model))
    assert at == 1 + np.argmin(model.history_["val_loss"]) < 25
    assert legend(curves(model).axes_[0])[2] == f"epoch {at}: lowest validation loss"
    assert not curves(model, mark_best=False).best_lines_
    assert not curves(classifier).best_lines_  # nothing is known of other rows


def test_pipeline_and_lbfgs():
    display = curves(wine)
    assert display.lines_["loss"].get_ydata().tolist() == wine[-1].history_["loss"]
    display = curves(moons, grad_norm=True, log_scale=True)
    assert display.lines_["grad_norm"].get_ydata().tolist() == moons.history_["grad_norm"]
    assert [ax.get_ylabel() for ax in display.axes_] == ["training loss", "norm of the gradient"]
    assert [ax.get_yscale() for ax in display.axes_] == ["log", "log"]


def test_partial_fit_and_gaps():
    model = MLPClassifier((8,), random_state=0)
    for _ in range(3):
        model.partial_fit(X_train, y_train, classes=range(10))
    assert curves(model).lines_["loss"].get_xdata().tolist() == [1, 2, 3]
    model = MLPClassifier((8,), max_iter=1, warm_start=True, random_state=0)
    for data in {}, dict(X_val=X_val, y_val=y_val), {}, {}:
        model.fit(X_train, y_train, **data)
    display = curves(model)
    alone, whole = display.lines_["val_loss"], display.lines_["loss"]
    assert np.isnan(alone.get_ydata()).tolist() == [True, False, True, True]
    assert alone.get_marker() == "o" and alone.get_markevery() == [False, True, False, False]
    assert whole.get_marker() == "None"
    assert marked(display) == 2


def test_one_epoch():
    model = MLPClassifier((8,), max_iter=1, random_state=0).fit(X_train, y_train)
    display = curves(model)
    assert display.lines_["loss"].get_marker() == "o"
    ticks = [tick for tick in display.axes_[0].get_xticks() if 0.9 < tick < 1.1]
    assert ticks == [1]


def test_several_networks_in_the_same_panels():
    models = []
    for alpha in 1e-4, 10.0:
        model = MLPClassifier((8,), alpha=alpha, max_iter=4, random_state=0)
        models.append(model.fit(X_train, y_train, X_val=X_val, y_val=y_val))
    one = curves(models[0], name="small")
    two = curves(models[1], name="large", ax=one.axes_)
    assert (one.axes_ == two.axes_).all()
    colors = [{line.get_color() for line in display.lines_.values()} for display in (one, two)]
    assert [len(one) for one in colors] == [1, 1] and colors[0] != colors[1]
    styles = [display.lines_["val_loss"].get_linestyle() for display in (one, two)]
    assert styles[0] == styles[1] != one.lines_["loss"].get_linestyle()
    assert legend(one.axes_[1]) == ["small: accuracy", "large: accuracy"]
    assert "large: validation loss" in legend(one.axes_[0])


def test_scale_and_style():
    model = MLPClassifier((8,), max_iter=4, random_state=0)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    display = curves(model, log_scale=True, line_kw={"c": "red", "lw": 4})
    assert [ax.get_yscale() for ax in display.axes_] == ["log", "linear"]
    for line in display.lines_.values():
        assert (line.get_color(), line.get_linewidth()) == ("red", 4)


@pytest.mark.parametrize("kind", [dict, pd.DataFrame, pl.DataFrame])
def test_from_history(kind):
    history = kind({"epoch": [5, 6, 7], "loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 2.0]})
    display = TrainingCurveDisplay.from_history(history, name="log")
    assert display.lines_["val_loss"].get_ydata().tolist() == [3, 1.5, 2.0]
    assert marked(display) == 6
    assert len(display.axes_) == 1


def test_history_of_another_library():
    display = TrainingCurveDisplay.from_history({"loss": [3, 2, 1]})
    assert display.lines_["loss"].get_xdata().tolist() == [1, 2, 3]
    display = TrainingCurveDisplay.from_history({"val_loss": [math.nan, math.nan]})
    assert not display.best_lines_


def test_wrong_histories():
    for history in (
        {},
        {"loss": []},
        {"loss": [1, 2], "val_loss": [1]},
        {"loss": [[1], [2]]},
        {"loss": 3},
    ):
        with pytest.raises(ValueError, match=r"^history must have columns of the same length, "):
            TrainingCurveDisplay.from_history(history)
    for history in {"loss": ["a"]}, [1.0, 2.0]:
        with pytest.raises(ValueError, match=r"^history must have columns of numbers by name"):
            TrainingCurveDisplay.from_history(history)
    with pytest.raises(ValueError, match=r"^The history has no 'val_loss': it has 'epoch', "):
        curves(classifier, panels=["loss", "val_loss"])
    with pytest.raises(ValueError, match="no 'grad_norm'"):
        TrainingCurveDisplay.from_history({"loss": [1.0]}, grad_norm=True)
    with pytest.raises(ValueError, match="no 'learning_rate'"):
        curves(moons, learning_rate=True)
    for panels in "loss", [], [[]]:
        with pytest.raises(ValueError, match=r"^panels must be a list of names"):
            curves(classifier, panels=panels)
    with pytest.raises(ValueError, match="name what to draw in panels, of 'epoch', 'seconds'"):
        TrainingCurveDisplay.from_history({"epoch": [1, 2], "seconds": [1, 2]})


# ------------------------------------------------------------------------- learning rates


def test_learning_rates():
    finding = learning_rate_range(classifier, X_train, y_train)
    ax = drawn(LearningRateRangeDisplay).ax_
    lines = {line.get_label().split(":")[0]: line for line in ax.get_lines()}
    assert lines["loss of a step"].get_xdata().tolist() == finding.rates.tolist()
    assert lines["loss of a step"].get_ydata().tolist() == finding.losses.tolist()
    assert lines["smoothed"].get_ydata().tolist() == finding.smoothed.tolist()
    for name, rate in (
        ("suggestion", finding.suggestion),
        ("half of the fall is lost", finding.limit),
        ("learning_rate_init", 0.001),
    ):
        assert set(lines[name].get_xdata()) == {rate}
        assert f"{name}: {rate:.3g}" in legend(ax)
    [band] = ax.patches
    assert np.allclose(
        band.get_extents().intervalx,
        ax.transData.transform([(finding.lowest, 1), (finding.highest, 1)])[:, 0],
    )
    assert ax.get_xscale() == "log"
    # What has exploded does not hide the rest.
    low, high = ax.get_ylim()
    assert low < finding.smoothed.min() and finding.losses[0] < high < finding.losses.max()


def test_finding_without_a_rate():
    finding = learning_rate_range(classifier, X_train, y_train, max_rate=1e-6)
    display = LearningRateRangeDisplay.from_finding(finding)
    assert legend(display.ax_) == ["loss of a step", "smoothed"]
    assert display.ax_.get_title() == "no rate lowers the loss"
    assert not display.ax_.patches
    display = LearningRateRangeDisplay.from_finding(finding, learning_rate_init=0.5)
    assert legend(display.ax_)[-1] == "learning_rate_init: 0.5"
    finding.rates = finding.rates[:0]
    with pytest.raises(ValueError, match=r"^There is nothing to draw: no rate up to 1e-06 "):
        LearningRateRangeDisplay.from_finding(finding)
    with pytest.raises(ValueError, match="chooses the lengths of its steps by itself"):
        LearningRateRangeDisplay.from_estimator(moons, X_moons, y_moons)


# ------------------------------------------------------------------------- histograms


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


# ------------------------------------------------------------------------- failures


def test_failures_are_sorted_and_told():
    display = FailureCasesDisplay.from_estimator(classifier, X_val, y_val, image_shape="square")
    predicted, sure = classifier.predict(X_val), classifier.predict_proba(X_val).max(axis=1)
    wrong = np.flatnonzero(predicted != y_val)
    assert len(wrong) > 20, "the case tells nothing"
    assert sorted(display.cases) == wrong.tolist()
    assert (np.diff(sure[display.cases]) <= 0).all()
    assert len(display.axes_) == 20
    title = f"{len(wrong)} of {len(y_val)} rows are wrong; the 20 surest"
    assert display.figure_.get_suptitle() == title
    for ax, row in zip(display.axes_, display.cases, strict=False):
        [image] = ax.get_images()
        assert np.allclose(image.get_array(), X_val[row].reshape(8, 8))
        told = f"target {y_val[row]}\npredicted {predicted[row]} ({100 * sure[row]:.0f} %)"
        assert ax.get_title() == told
    same = FailureCasesDisplay.from_predictions(
        y_val, predicted, X_val, confidence=sure, image_shape=(8, 8)
    )
    assert np.array_equal(pixels(same), pixels(display))
    plain = FailureCasesDisplay.from_predictions(y_val, predicted, X_val, image_shape=(8, 8))
    assert plain.cases.tolist() == wrong.tolist()
    assert (
        plain.axes_[0].get_title() == f"target {y_val[wrong[0]]}\npredicted {predicted[wrong[0]]}"
    )
    assert plain.figure_.get_suptitle().endswith("the first 20")


def test_bars_are_deviations():
    display = FailureCasesDisplay.from_estimator(wine, WINE.data, NAMES, n_features=4)
    assert len(display.axes_) == 9
    deviations = ((WINE.data - WINE.data.mean()) / WINE.data.std(ddof=0)).to_numpy()
    for ax, row in zip(display.axes_, display.cases, strict=False):
        chosen = np.argsort(-np.abs(deviations[row]))[:4][::-1]
        assert np.allclose([bar.get_width() for bar in ax.patches], deviations[row, chosen])
        labels = [text.get_text() for text in ax.get_yticklabels()]
        assert labels[0].startswith(shortened(WINE.data.columns[chosen[0]], 18))
        assert labels[0].endswith(f"= {WINE.data.iloc[row, chosen[0]]:.3g}")
        colors = {bar.get_facecolor() for bar in ax.patches if bar.get_width() > 0}
        assert colors.isdisjoint(bar.get_facecolor() for bar in ax.patches if bar.get_width() < 0)


@pytest.mark.parametrize("kind", ["pandas", "polars", "sparse"])
def test_rows_of_many_kinds(kind):
    expected = FailureCasesDisplay.from_estimator(classifier, X_val, y_val)
    rows = {
        "pandas": pd.DataFrame(X_val).set_axis([f"feature {i}" for i in range(64)], axis=1),
        "polars": pl.DataFrame(X_val, schema=[f"feature {i}" for i in range(64)]),
        "sparse": sparse.csr_matrix(X_val),
    }[kind]
    targets = pd.Series(y_val) if kind == "pandas" else y_val
    display = FailureCasesDisplay.from_predictions(
        targets, classifier.predict(X_val), rows, confidence=classifier.predict_proba(X_val).max(1)
    )
    assert display.cases.tolist() == expected.cases.tolist()
    assert np.array_equal(pixels(display), pixels(expected))
    kwargs = dict(image_shape="square", n_cases=4)
    images = [
        one.plot(**kwargs).axes_[3].get_images()[0].get_array() for one in (display, expected)
    ]
    assert np.array_equal(*images)


def test_sparse_rows_of_bytes():
    rows = (X_val * 16).astype(np.uint8)
    predicted = classifier.predict(X_val)
    one, other = (
        FailureCasesDisplay.from_predictions(y_val, predicted, kind(rows), n_cases=1)
        for kind in (np.asarray, sparse.csr_matrix)
    )
    assert np.array_equal(pixels(one), pixels(other))


def test_columns_without_numbers_and_missing_values():
    frame = pd.DataFrame(
        {"word": ["a", "b", "c", "a"] * 10, "number": np.arange(40.0), "none": 1.0}
    )
    targets = np.arange(40) % 2
    encode = make_column_transformer((OneHotEncoder(), ["word"]), remainder="passthrough")
    model = make_pipeline(encode, MLPClassifier((4,), max_iter=1, random_state=0))
    model.fit(frame, targets)
    display = FailureCasesDisplay.from_estimator(model, frame, targets)
    labels = [text.get_text().split(" =")[0] for text in display.axes_[0].get_yticklabels()]
    assert labels == ["none", "number"]
    frame.loc[3, "number"] = np.nan
    display = FailureCasesDisplay.from_predictions(targets, 1 - targets, frame, n_cases=4)
    assert [bar.get_width() for bar in display.axes_[3].patches] == [0, 0]
    with pytest.raises(ValueError, match="X has no numeric column"):
        FailureCasesDisplay.from_predictions(targets, 1 - targets, frame[["word"]])


def test_failures_of_losses_without_probabilities():
    model = MLPClassifier((8,), loss="hinge", max_iter=3, random_state=0).fit(X_train, y_train)
    display = FailureCasesDisplay.from_estimator(model, X_val, y_val)
    scores = np.sort(model.decision_function(X_val), axis=1)
    margins = (scores[:, -1] - scores[:, -2])[display.cases]
    assert (np.diff(margins) <= 0).all()
    assert f"(by {margins[0]:.2g})" in display.axes_[0].get_title()
    model = MLPClassifier((2,), loss="hinge", max_iter=1, random_state=0).fit(X_moons, y_moons)
    display = FailureCasesDisplay.from_estimator(model, X_moons, y_moons)
    assert (np.diff(np.abs(model.decision_function(X_moons))[display.cases]) <= 0).all()


def test_largest_errors():
    targets = X_moons[:, 0] ** 2
    display = FailureCasesDisplay.from_estimator(regressor, X_moons, targets, n_cases=5)
    errors = regressor.predict(X_moons) - targets
    assert display.cases.tolist() == np.argsort(-np.abs(errors), kind="stable").tolist()
    assert display.figure_.get_suptitle() == "the 5 largest errors of 120 rows"
    row = display.cases[0]
    predicted = f"{targets[row] + errors[row]:.4g} ({errors[row]:+.3g})"
    assert display.axes_[0].get_title() == f"target {targets[row]:.4g}\npredicted {predicted}"
    whole = FailureCasesDisplay.from_predictions(
        [1, 2, 3], [1, 2, 5], [[1], [2], [3]], regression=True
    )
    assert whole.cases.tolist() == [2, 0, 1]
    labels = FailureCasesDisplay.from_predictions([1, 2, 3], [1, 2, 5], [[1], [2], [3]])
    assert labels.cases.tolist() == [2]


def test_failures_of_several_targets():
    Y = np.column_stack([X_moons[:, 0] ** 2, X_moons[:, 1]])
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(X_moons, Y)
    display = FailureCasesDisplay.from_estimator(model, X_moons, Y)
    sizes = np.linalg.norm(model.predict(X_moons) - Y, axis=1)
    assert (np.diff(sizes[display.cases]) <= 0).all()
    assert display.axes_[0].get_title().startswith("target (")
    labels = np.column_stack([y_moons, X_moons[:, 0] > 0]).astype(int)
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X_moons, labels)
    display = FailureCasesDisplay.from_estimator(model, X_moons, labels)
    wrong = (model.predict(X_moons) != labels).any(axis=1)
    assert display.cases.tolist() == np.flatnonzero(wrong).tolist()
    columns = np.column_stack([y_moons, (X_moons[:, 0] // 1).astype(int)])
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X_moons, columns)
    display = FailureCasesDisplay.from_estimator(model, X_moons, columns)
    assert len(display.cases) == (model.predict(X_moons) != columns).any(axis=1).sum()
    soft = np.column_stack([0.9 - 0.8 * y_moons, 0.1 + 0.8 * y_moons])
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X_moons, soft)
    display = FailureCasesDisplay.from_estimator(model, X_moons, soft)
    assert len(display.cases) == (model.predict(X_moons) != y_moons).sum()


def test_no_failures():
    right = classifier.predict(X_val)
    display = FailureCasesDisplay.from_estimator(classifier, X_val, right, image_shape="square")
    [text] = display.axes_[0].texts
    assert text.get_text() == "All 450 rows are predicted right."
    _, axes = plt.subplots(1, 2)
    display.plot(axes)
    assert not any(ax.axison for ax in axes)


def test_one_failure_in_a_place_and_in_several():
    right = classifier.predict(X_val)
    targets = right.copy()
    targets[7] = (right[7] + 1) % 10
    _, axes = plt.subplots(1, 3)
    display = FailureCasesDisplay.from_estimator(classifier, X_val, targets, ax=axes[0])
    assert len(display.axes_) == 1 and display.axes_[0] is not axes[0]
    texts = [text.get_text() for ax in display.figure_.axes for text in ax.texts]
    assert texts == ["1 of 450 rows are wrong"]
    display.plot(axes[1:])
    assert display.axes_.tolist() == [axes[1]] and not axes[2].axison


def test_colour_images():
    rng = np.random.default_rng(0)
    rows = rng.integers(256, size=(6, 48)).astype(np.uint8)
    labels = np.array(list("abcabc"))
    display = FailureCasesDisplay.from_predictions(
        labels, labels[::-1], rows, image_shape=(4, 4, 3)
    )
    image = display.axes_[0].get_images()[0].get_array()
    assert image.shape == (4, 4, 3)
    low, high = rows.min(), rows.max()
    assert np.allclose(image, (rows[0].reshape(4, 4, 3) - low) / (high - low))
    display.plot(image_shape=(8, 6, 1))
    assert display.axes_[0].get_images()[0].get_array().shape == (8, 6)


def test_long_names_do_not_touch():
    names = np.array(["a class with quite a long name", "another such class", "c"])
    display = FailureCasesDisplay.from_predictions(
        names[y_val % 3], names[(y_val + 1) % 3], X_val, image_shape="square", n_cases=9
    )
    pixels(display)
    boxes = [ax.get_tightbbox() for ax in display.axes_]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_wrong_failures():
    predicted = classifier.predict(X_val)
    for parameters, message in (
        (dict(image_shape=(8, 9)), r"image_shape=\(8, 9\) has 72 numbers, and a row of X 64\."),
        (dict(image_shape="round"), "image_shape must be "),
        (dict(image_shape=(8, 4, 2)), "image_shape must be "),
        (dict(image_shape=64), "image_shape must be "),
        (dict(n_cases=0), "n_cases must be a whole number of at least 1, got 0"),
        (dict(n_features=None), "n_features must be a whole number of at least 1, got None"),
        (dict(n_features=1.5), "n_features must be a whole number of at least 1, got 1.5"),
        (dict(confidence=[0.5]), "inconsistent numbers of samples"),
    ):
        with pytest.raises(ValueError, match=message):
            FailureCasesDisplay.from_predictions(y_val, predicted, X_val, **parameters)
    with pytest.raises(ValueError, match="needs a square number of features, and X has 2"):
        FailureCasesDisplay.from_estimator(moons, X_moons, 1 - y_moons, image_shape="square")
    with pytest.raises(ValueError, match="must be of one shape"):
        FailureCasesDisplay.from_predictions(np.ones((3, 2)), np.ones(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FailureCasesDisplay.from_estimator(classifier, X_val, y_val[:-1])


# ------------------------------------------------------------------------- boundaries


def test_boundary_of_two_classes():
    display = drawn(DecisionBoundaryDisplay, grid_resolution=20)
    surface = display.surface
    grid = np.column_stack([surface.xx0.ravel(), surface.xx1.ravel()])
    assert np.allclose(surface.response.ravel(), moons.predict_proba(grid)[:, 1])
    low, high = X_moons.min(axis=0), X_moons.max(axis=0)
    assert np.allclose(grid[0], low - 0.1 * (high - low))
    assert np.allclose(grid[-1], high + 0.1 * (high - low))
    assert legend(display.ax_) == ["0", "1"]
    ramp, norm = surface.surface_.get_cmap(), surface.surface_.norm
    for label, points in enumerate(display.points_):
        assert np.allclose(points.get_offsets(), X_moons[y_moons == label])
        assert np.allclose(points.get_facecolor(), ramp(norm(float(label))), atol=0.01)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("feature 0", "feature 1")
    contours = [one for one in display.ax_.collections if hasattr(one, "levels")]
    [line] = [one for one in contours if len(one.levels) == 1]
    ends = np.concatenate([path.vertices for path in line.get_paths()])
    step = np.array([0.1, 0])
    sides = moons.predict_proba(ends + step) - moons.predict_proba(ends - step)
    assert np.abs(sides[:, 1]).mean() > 0.5  # the prediction changes there


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_boundary_of_three_named_classes(loss, kind):
    columns = ["alcohol", "proline"]
    frame = WINE.data[columns]
    if kind == "polars":
        frame = pl.DataFrame(frame.to_dict("list"))
    model = make_pipeline(
        StandardScaler(), MLPClassifier((8,), loss=loss, max_iter=50, random_state=0)
    )
    model.fit(frame, NAMES)
    display = DecisionBoundaryDisplay.from_estimator(model, frame, NAMES, grid_resolution=15)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alcohol", "proline")
    assert legend(display.ax_) == ["class_0", "class_1", "class_2"]
    response = display.surface.response
    assert response.shape == (15, 15, 3)
    assert display.probabilities == (loss == "log_loss")
    for points, color in zip(display.points_, display.surface.multiclass_colors_, strict=True):
        assert to_hex(points.get_facecolor()[0]) == to_hex(color)
    markers = {points.get_paths()[0].vertices.tobytes() for points in display.points_}
    assert len(markers) == 3  # told apart without colours too
    grid = type(frame)(
        {"alcohol": display.surface.xx0.ravel(), "proline": display.surface.xx1.ravel()}
    )
    assert np.array_equal(
        model.classes_[response.argmax(axis=2)].ravel(), np.asarray(model.predict(grid))
    )


def test_boundary_without_rows_and_with_own_colours():
    display = drawn(DecisionBoundaryDisplay, show_rows=False, colors=["#ff0000", (0, 0, 1)])
    assert not display.points_
    handles = display.ax_.get_legend().get_patches()
    assert [one.get_facecolor() for one in handles] == [to_rgba("red"), to_rgba("blue")]


def test_many_classes():
    labels = np.arange(120) % 13
    model = MLPClassifier((8,), max_iter=2, random_state=0).fit(X_moons, labels)
    display = DecisionBoundaryDisplay.from_estimator(model, X_moons, labels, grid_resolution=10)
    colors = {to_hex(points.get_facecolor()[0]) for points in display.points_}
    assert len(colors) == 13 == len(legend(display.ax_))


def test_surface_of_a_regressor():
    targets = X_moons[:, 0] ** 2
    display = DecisionBoundaryDisplay.from_estimator(
        regressor, X_moons.tolist(), targets, grid_resolution=20, cmap="plasma"
    )
    surface = display.surface
    grid = np.column_stack([surface.xx0.ravel(), surface.xx1.ravel()])
    assert np.allclose(surface.response.ravel(), regressor.predict(grid))
    [points] = display.points_
    assert np.allclose(points.get_array(), targets)
    assert points.get_clim() == surface.surface_.get_clim()
    assert points.get_cmap().name == surface.surface_.get_cmap().name == "plasma"
    low, high = points.get_clim()
    assert low <= targets.min() and targets.max() <= high
    assert display.colorbar_.ax.get_ylabel() == "prediction (surface), target (rows)"
    assert display.plot(show_legend=False).colorbar_ is None
    assert display.plot(show_rows=False).points_ == []
    assert display.colorbar_.ax.get_ylabel() == "prediction"


def test_rows_that_are_all_the_same_and_sparse():
    rows = np.column_stack([X_moons[:, 0], np.ones(120)])
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(rows, y_moons)
    display = DecisionBoundaryDisplay.from_estimator(model, sparse.csr_matrix(rows), y_moons)
    assert np.allclose(display.ax_.get_ylim(), (0.9, 1.1))


def test_wrong_boundaries():
    def draw(model, X, y, **parameters):
        return DecisionBoundaryDisplay.from_estimator(model, X, y, **parameters)

    with pytest.raises(
        ValueError, match=r"^DecisionBoundaryDisplay draws a network of two features"
    ):
        draw(classifier, X_val, y_val)
    with pytest.raises(ValueError, match="has classes not in"):
        draw(moons, X_moons, np.full(120, 5))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        draw(moons, X_moons, y_moons[1:])
    with pytest.raises(ValueError, match="margin must be 0 or more, got -1"):
        draw(moons, X_moons, y_moons, margin=-1)
    with pytest.raises(ValueError, match="grid_resolution must be greater than 1"):
        draw(moons, X_moons, y_moons, grid_resolution=1)
    for colors in "red", ["red"]:
        with pytest.raises(ValueError, match="colors must be a list of 2 colours"):
            draw(moons, X_moons, y_moons, colors=colors)
    for Y in np.column_stack([y_moons, 1 - y_moons]), np.column_stack([y_moons, y_moons + 1]):
        model = MLPClassifier((4,), max_iter=1, random_state=0).fit(X_moons, Y)
        with pytest.raises(ValueError, match="draws one target"):
            draw(model, X_moons, Y)
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(X_moons, X_moons)
    with pytest.raises(ValueError, match="draws one target"):
        draw(model, X_moons, X_moons)


# ------------------------------------------------------------------------- validation curves


def test_scores_are_those_of_scikit_learn():
    display = drawn(ValidationCurveDisplay)
    parameters = dict(param_name="alpha", param_range=[1e-3, 100], cv=3)
    expected = validation_curve(moons, X_moons, y_moons, **parameters)
    assert np.array_equal(display.train_scores, expected[0])
    assert np.array_equal(display.test_scores, expected[1])
    train, test = display.lines_
    assert np.allclose(train.get_ydata(), expected[0].mean(axis=1))
    assert np.allclose(test.get_ydata(), expected[1].mean(axis=1))
    assert train.get_xdata().tolist() == [1e-3, 100]
    assert legend(display.ax_)[:2] == ["training", "validation"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "accuracy")


def made(train, test, values=None, **parameters):
    """A display of means, with the same little spread over three folds."""
    spread = np.array([-0.01, 0, 0.01])
    scores = [np.add.outer(means, spread) for means in (train, test)]
    values = list(range(len(train))) if values is None else values
    return ValidationCurveDisplay(
        param_name="a",
        param_range=values,
        train_scores=scores[0],
        test_scores=scores[1],
        **parameters,
    ).plot()


def test_zones():
    display = made([0.5, 0.8, 0.9, 0.92, 1.0], [0.5, 0.79, 0.85, 0.85, 0.6])
    assert display.best_index_ == 2
    assert display.zones_ == ["underfitting", "underfitting", None, None, "overfitting"]
    assert legend(display.ax_) == [
        "training", "validation", "underfitting", "overfitting", "best: 2"
    ]  # fmt: skip
    spans = [
        band.get_extents().transformed(display.ax_.transData.inverted())
        for band in display.ax_.patches
    ]
    assert np.allclose(
        [[span.x0, span.x1] for span in spans], [[-0.2, 0.5], [0.5, 1.5], [3.5, 4.2]]
    )
    # Half of what is lost on new rows is lost in training too.
    assert made([0.9, 0.79], [0.8, 0.6]).zones_ == [None, "underfitting"]
    assert made([0.9, 0.81], [0.8, 0.6]).zones_ == [None, "overfitting"]


def test_zones_need_more_than_the_noise():
    folds = np.array([[0.8, 0.9, 0.7], [0.7, 0.95, 0.7]])
    display = ValidationCurveDisplay(
        param_name="a", param_range=[1, 2], train_scores=np.ones((2, 3)), test_scores=folds
    ).plot()
    assert display.zones_ == [None, None]
    single = ValidationCurveDisplay(
        param_name="a", param_range=[1, 2], train_scores=[[1.0], [1.0]], test_scores=[[0.9], [0.8]]
    ).plot()
    assert single.zones_ == [None, "overfitting"]


def test_zones_on_a_logarithmic_axis_in_any_order():
    display = made([1.0, 0.5, 0.5], [0.8, 0.5, 0.5], [1.0, 100.0, 1e4])
    assert display.ax_.get_xscale() == "log"
    spans = [
        band.get_extents().transformed(display.ax_.transData.inverted())
        for band in display.ax_.patches
    ]
    assert np.isclose(spans[0].x0, 10) and np.isclose(spans[1].x0, 1000)
    turned = made([0.5, 0.5, 1.0], [0.5, 0.5, 0.8], [1e4, 100.0, 1.0])
    again = [
        band.get_extents().transformed(turned.ax_.transData.inverted())
        for band in turned.ax_.patches
    ]
    assert np.allclose([span.x0 for span in again], [span.x0 for span in spans])


def test_values_that_are_no_numbers():
    values = [(4,), (8, 8), 16]
    display = ValidationCurveDisplay.from_estimator(
        MLPClassifier(max_iter=2, random_state=0),
        X_moons,
        y_moons,
        param_name="hidden_layer_sizes",
        param_range=values,
        cv=KFold(2),
        scoring="neg_log_loss",
        negate_score=True,
    )
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["(4,)", "(8, 8)", "16"]
    assert display.param_range == values
    assert display.lines_[0].get_xdata().tolist() == [0, 1, 2]
    assert display.ax_.get_ylabel() == "log_loss"
    assert np.allclose(display.lines_[1].get_ydata(), -display.test_scores.mean(axis=1))
    assert display.best_index_ == display.test_scores.mean(axis=1).argmax()


def test_validation_curve_of_a_pipeline_of_a_regressor():
    model = make_pipeline(
        StandardScaler(), MLPRegressor(solver="lbfgs", max_iter=20, random_state=0)
    )
    display = ValidationCurveDisplay.from_estimator(
        model,
        DIABETES.data,
        DIABETES.target,
        param_name="mlpregressor__alpha",
        param_range=np.array([0.0, 1.0, 1000.0]),
        cv=2,
        std_display_style="errorbar",
    )
    assert display.ax_.get_ylabel() == "r2" and display.ax_.get_xscale() == "symlog"
    assert len(display.errorbar_) == 2 and "training" in legend(display.ax_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:Scoring failed")
def test_wrong_validation_curves():
    def draw(**parameters):
        return drawn(ValidationCurveDisplay, **parameters)

    for values in [1.0], [], [1.0, 1.0]:
        with pytest.raises(
            ValueError, match=r"^param_range must have two values or more, all differ"
        ):
            draw(param_range=values)
    with pytest.raises(ValueError, match="Invalid parameter 'alpho'"):
        draw(param_name="alpho")
    with pytest.raises(ValueError, match="std_display_style"):
        draw(std_display_style="box")
    with pytest.raises(
        ValueError, match=r"^No value has a score of validation: all trainings failed"
    ):
        ValidationCurveDisplay(
            param_name="a",
            param_range=[1, 2],
            train_scores=np.full((2, 2), np.nan),
            test_scores=np.full((2, 2), np.nan),
        ).plot()
    partly = draw(param_range=[1.0, -1.0, 100.0])
    assert partly.zones_[1] is None and np.isnan(partly.test_scores[1]).all()
