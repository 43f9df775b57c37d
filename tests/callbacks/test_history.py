"""The history of a fit: a table, its names and scores."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import make_scorer, median_absolute_error

from fastnn import MLPClassifier, MLPRegressor
from support.callback_fits import VALIDATION, Function, X, Y, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_history_is_a_table():
    scoring = ["f1_macro", "loss", make_scorer(median_absolute_error, greater_is_better=False)]
    model = classifier(scoring=scoring, learning_rate="cosine").fit(X, Y, **VALIDATION)
    table = pd.DataFrame(model.history_)
    names = ["epoch", "loss", "val_loss", "val_f1_macro", "val_median_absolute_error"]
    assert list(table) == [*names, "grad_norm", "learning_rate", "seconds"]
    assert list(table["epoch"]) == [1, 2, 3, 4, 5]
    assert list(table["loss"]) == model.loss_curve_
    assert list(table["val_f1_macro"]) == model.validation_scores_
    loss = classifier(scoring="loss", learning_rate="cosine").fit(X, Y, **VALIDATION)
    np.testing.assert_array_equal(-table["val_loss"], loss.validation_scores_)
    assert "val_loss" in loss.history_
    assert (table["seconds"] > 0).all()
    named = classifier(scoring={"a": "accuracy", "b": "loss"}).fit(X, Y, **VALIDATION)
    assert "val_a" in named.history_
    assert pickle.loads(pickle.dumps(model)).history_ == model.history_


@pytest.mark.parametrize(
    "estimator, name", [(MLPClassifier, "val_accuracy"), (MLPRegressor, "val_r2")]
)
def test_the_default_score_has_its_name(estimator, name):
    model = estimator(hidden_layer_sizes=(5,), max_iter=3, early_stopping=True).fit(X, Y)
    assert model.history_[name] == model.validation_scores_


def test_history_is_a_table_in_notebooks():
    model = classifier(max_iter=3).fit(X, Y)
    for one in (model, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        html = one.history_._repr_html_()
        cells = re.findall(r"<t[hd] [^>]*>(.*?)</t", html)
        assert cells[:3] == ["epoch", "loss", "grad_norm"] and len(cells) == 4 * len(one.history_)
        assert cells[-len(one.history_) :][:2] == ["3", f"{model.loss_:.4g}"]
    assert repr(model.history_) == repr(dict(model.history_))
    long = classifier(max_iter=50, n_iter_no_change=50).fit(X, Y).history_._repr_html_()
    assert "50 rows" in long and long.count("<tr>") == 1 + 8 + 1 + 8


def test_history_of_lbfgs():
    model = classifier(solver="lbfgs", max_iter=4).fit(X, Y)
    assert list(model.history_) == ["epoch", "loss", "grad_norm", "seconds"]
    assert len(model.history_["loss"]) == 4
    assert model.history_["loss"][-1] == model.loss_


def test_history_goes_on():
    model = classifier(max_iter=2, warm_start=True).fit(X, Y).fit(X, Y, **VALIDATION).fit(X, Y)
    assert model.history_["epoch"] == [1, 2, 3, 4, 5, 6]
    known = np.isfinite(model.history_["val_accuracy"])
    assert list(known) == [False, False, True, True, False, False]
    before = {name: [*values] for name, values in model.history_.items()}
    with pytest.raises(ZeroDivisionError):
        model.set_params(callbacks=[Function(lambda context: context.log("new", 1 / 0))]).fit(X, Y)
    np.testing.assert_equal(model.history_, before)
    model.set_params(callbacks=None).partial_fit(X, Y)
    assert model.history_["epoch"][-1] == 7
    assert model.set_params(warm_start=False).fit(X, Y).history_["epoch"] == [1, 2]


@pytest.mark.parametrize("scoring", [[], ["f1_macro", "f1_macro"], ["nonsense"]], ids=str)
def test_scores_that_cannot_be_told_apart_are_refused(scoring):
    with pytest.raises(ValueError, match="scoring"):
        classifier(scoring=scoring).fit(X, Y)
