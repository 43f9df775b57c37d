"""Displays in common: parameters, axes of the user, examples, what is refused."""

import doctest
import inspect
import subprocess
import sys
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from fastnn import MLPClassifier, plots
from fastnn.plots import (
    ActivationFunctionDisplay,
    ActivationHistogramDisplay,
    BiasVarianceDisplay,
    DecisionBoundaryDisplay,
    FailureCasesDisplay,
    FeatureHistogramDisplay,
    GradientHistogramDisplay,
    GradientStepDisplay,
    LearningRateRangeDisplay,
    LossLandscapeDisplay,
    TrainingCurveDisplay,
    ValidationCurveDisplay,
    WeightHistogramDisplay,
)
from fastnn.plots.axes import shortened
from fastnn.plots.histograms import HistogramDisplay
from support.displayed import (
    NEEDED,
    ONES,
    X_train,
    classifier,
    constructor,
    drawn,
    pixels,
    y_train,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Of each parameter a value that is another picture than the default's.
CHANGES = {
    ActivationFunctionDisplay: dict(limits=(-1.0, 1.0), n_points=4, show_derivatives=False),
    ActivationHistogramDisplay: dict(
        max_rows=20, random_state=1, bins=7, show_zeros=True, log_scale=True
    ),
    BiasVarianceDisplay: dict(
        n_rounds=5, random_state=2, log_scale=True, mark_best=False, line_kw={"lw": 5}
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
    FeatureHistogramDisplay: dict(features=[1], max_rows=20, random_state=1),
    GradientHistogramDisplay: dict(epochs=[1, 2], of="units", max_rows=20, random_state=1),
    GradientStepDisplay: dict(
        max_rate=0.3,
        n_points=4,
        max_rows=20,
        random_state=1,
        show_tangent=False,
        line_kw={"lw": 5},
    ),
    LearningRateRangeDisplay: dict(
        min_rate=1e-4, max_rate=1.0, n_steps=50, max_rows=100, random_state=1, show_raw=False
    ),
    LossLandscapeDisplay: dict(distance=0.2, n_points=5, max_rows=20, random_state=1, levels=4),
    TrainingCurveDisplay: dict(
        name="a",
        columns=["loss", "seconds"],
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


OF_FITTED = {
    ActivationHistogramDisplay,
    DecisionBoundaryDisplay,
    FailureCasesDisplay,
    TrainingCurveDisplay,
    WeightHistogramDisplay,
}


@pytest.mark.parametrize(
    ("display", "name"), [(display, name) for display in CHANGES for name in CHANGES[display]]
)
def test_every_parameter_changes_the_picture(display, name):
    of_rows = {ActivationHistogramDisplay, FeatureHistogramDisplay, GradientHistogramDisplay}
    random = name == "random_state" and display in {*of_rows, GradientStepDisplay}
    start = {"max_rows": 50} if random else {}
    after = show(display, **start, **{name: CHANGES[display][name]})
    assert not np.array_equal(picture_of_defaults(display, **start), pixels(after))


def show(display, **parameters):
    if display is TrainingCurveDisplay:
        return display.from_estimator(stopped_early(), **parameters)
    return drawn(display, **parameters)


@cache
def stopped_early():
    """A network with an epoch to mark."""
    model = MLPClassifier((8,), max_iter=9, early_stopping=True, random_state=0)
    return model.fit(X_train, y_train)


@cache
def picture_of_defaults(display, **start):
    return pixels(show(display, **start))


def test_changes_are_complete():
    rare = {"estimator", "X", "y", "ax", "param_name", "param_range", "groups", "n_jobs"}
    rare |= {"error_score", "parameters", "cmap", "grad_norm", "self", "activations"}
    rare |= {"X_val", "y_val"}
    for display, changed in CHANGES.items():
        known = {*inspect.signature(constructor(display)).parameters}
        known |= {*inspect.signature(display.plot).parameters}
        if issubclass(display, HistogramDisplay) and display is not ActivationHistogramDisplay:
            known -= {"bins", "log_scale", "show_zeros"}  # of the base class
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


@pytest.mark.parametrize("display", [one for one in ONES if hasattr(one, "from_estimator")])
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
    if display not in OF_FITTED:
        return
    with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted yet"):
        display.from_estimator(make_pipeline(MLPClassifier()), *rest)


@pytest.mark.parametrize("display", ONES)
def test_missing_matplotlib(display, monkeypatch):
    made = drawn(display)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    message = rf'^{display.__name__} needs matplotlib: pip install "fastnn-mlp\[plots\]"\.$'
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
