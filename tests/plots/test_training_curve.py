"""Training curves: lines are the history, or that of another library."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import log_loss

from fastnn import MLPClassifier
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.plots import TrainingCurveDisplay
from support.displayed import X_train, X_val, classifier, legend, moons, wine, y_train, y_val

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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


class LogsNorm(Callback):
    def on_epoch_end(self, context):
        context.log("norm", float(sum((coef**2).sum() for coef in context.model.coefs_)))


def test_columns_are_grouped_by_what_they_measure():
    scoring = ["accuracy", "neg_log_loss"]
    model = MLPClassifier((8,), max_iter=3, scoring=scoring, train_score=True, random_state=0)
    model.set_params(callbacks=[LogsNorm()])
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    display = curves(model)
    assert [list_of(ax, display) for ax in display.axes_] == [
        ["loss", "train_loss", "val_loss"],
        ["train_accuracy", "val_accuracy"],
        ["train_neg_log_loss", "val_neg_log_loss"],
    ]
    assert [ax.get_ylabel() for ax in display.axes_] == ["loss", "accuracy", "neg_log_loss"]
    assert legend(display.axes_[1]) == ["training accuracy", "validation accuracy"]
    display = curves(model, columns=["val_accuracy", "norm", "train_accuracy", "seconds"])
    assert [list_of(ax, display) for ax in display.axes_] == [
        ["val_accuracy", "train_accuracy"],
        ["norm"],
        ["seconds"],
    ]
    assert display.lines_["norm"].get_ydata().tolist() == model.history_["norm"]
    assert curves(model, columns=["train_accuracy"]).axes_[0].get_ylabel() == "training accuracy"


def list_of(ax, display):
    return [name for name, line in display.lines_.items() if line.axes is ax]


def marked(display):
    [at] = {int(line.get_xdata()[0]) for line in display.best_lines_}
    assert len(display.best_lines_) == len(display.axes_)
    return at


def test_the_epoch_that_was_kept_is_marked():
    """Check the marked epoch by its loss, which is that of the fitted parameters."""
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
    """Check that earlier calls are ignored, except by early_stopping."""
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
    for columns in "loss", []:
        with pytest.raises(ValueError, match=r"^columns must be a list of names"):
            curves(classifier, columns=columns)
    with pytest.raises(ValueError, match="columns and panels both name what to draw"):
        curves(classifier, columns=["loss"], panels=["loss"])
    with pytest.raises(ValueError, match="name what to draw in columns, of 'epoch', 'seconds'"):
        TrainingCurveDisplay.from_history({"epoch": [1, 2], "seconds": [1, 2]})
