"""Validation curves: scores are scikit-learn's, and zones what they say."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, validation_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, MLPRegressor
from fastnn.plots import ValidationCurveDisplay
from support.displayed import DIABETES, X_moons, drawn, legend, moons, y_moons

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    with pytest.raises(ValueError, match=r"^No value has a validation score: all trainings failed"):
        ValidationCurveDisplay(
            param_name="a",
            param_range=[1, 2],
            train_scores=np.full((2, 2), np.nan),
            test_scores=np.full((2, 2), np.nan),
        ).plot()
    partly = draw(param_range=[1.0, -1.0, 100.0])
    assert partly.zones_[1] is None and np.isnan(partly.test_scores[1]).all()
