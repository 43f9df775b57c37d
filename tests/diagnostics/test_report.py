"""The report of all diagnostics: words, targets and options of every kind, bad input."""

import doctest
import importlib
import math
import warnings
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer

from fastnn import CustomActivation, MLPClassifier
from fastnn.callbacks import EarlyStopping
from fastnn.diagnostics import (
    check_gradients,
    check_training,
    curvature,
    generalization,
    initial_loss,
    layer_health,
    learning_rate_range,
    overfit_tiny_subset,
)
from support.diagnosed import X_R, Y_R, X, Y, classifier, found, regressor, square, wrong_derivative

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("module", ["", ".layers", ".rates", ".report"])
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(f"fastnn.diagnostics{module}"))
    assert result.attempted > 3
    assert result.failed == 0


def test_not_finite():
    huge = np.where(np.arange(64) == 20, 1e300, X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for check in (initial_loss, check_gradients, curvature, learning_rate_range, layer_health):
            assert not check(classifier(loss="hinge"), huge, Y).ok
        wild = regressor(solver="sgd", learning_rate_init=1e3)
        found(generalization(wild, X_R, Y_R), "diverges")


def test_report_in_words():
    report = check_training(classifier(learning_rate_init=1.0), X, Y, skip=["curvature"])
    text = repr(report)
    assert str(report) == text
    assert report.faults[0] == "learning_rate_range"
    assert "FAULT  learning rate" in text
    assert "-      curvature" in text
    assert max(map(len, text.splitlines())) <= 100
    html = report._repr_html_()
    assert html.count("<tr>") == 1 + 10 and ">FAULT</b>" in html and "in 9 checks, " in html
    assert "fault: 1 is far too high" in repr(report["learning_rate_range"])


def test_bad_input():
    with pytest.raises(TypeError, match="ends with one, got LogisticRegression"):
        check_training(LogisticRegression(), X, Y)
    with pytest.raises(ValueError, match="skip names 'nothing': the diagnostics are"):
        check_training(classifier(), X, Y, skip=["nothing"])
    with pytest.raises(ValueError, match="no learning rate to look for"):
        learning_rate_range(classifier(solver="lbfgs"), X, Y)
    with pytest.raises(ValueError, match="min_rate must be below max_rate"):
        learning_rate_range(classifier(), X, Y, min_rate=1.0, max_rate=0.1)
    with pytest.raises(ValueError, match="give both, or none"):
        generalization(classifier(), X, Y, X_val=X)
    with pytest.raises(ValueError, match="'max_rows' parameter of initial_loss must be an int"):
        initial_loss(classifier(), X, Y, max_rows=1)
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0"):
        initial_loss(MLPClassifier((0,)), X, Y)


LETTERS = np.array(list("abcdefghij"))[Y]
ARRAYS = {
    "letters": LETTERS,
    "numbers": Y,
    "labels": np.eye(10, dtype=int)[Y],
    "soft": np.full((len(Y), 10), 0.01) + 0.9 * np.eye(10)[Y],
    "three": np.column_stack([Y, Y > 4, Y]),
    "two": np.column_stack([Y, Y]),
}
# Targets, and the array of the same ones.
KINDS_OF_TARGETS = {
    "strings": (LETTERS, "letters"),
    "series": (pd.Series(LETTERS), "letters"),
    "categories": (pd.Categorical(LETTERS), "letters"),
    "frame of one": (pd.DataFrame({"a": LETTERS}), "letters"),
    "polars": (pl.Series(LETTERS), "letters"),
    "nullable": (pd.Series(Y, dtype="Int64"), "numbers"),
    "list": (LETTERS.tolist(), "letters"),
    "several labels": (sparse.csr_array(ARRAYS["labels"]), "labels"),
    "frame of several labels": (pd.DataFrame(ARRAYS["labels"]), "labels"),
    "soft": (sparse.csr_array(ARRAYS["soft"]), "soft"),
    "frame of soft": (pl.DataFrame(ARRAYS["soft"]), "soft"),
    "strings and numbers": (pd.DataFrame({"a": LETTERS, "b": Y > 4, "c": Y}), "three"),
    "two columns of strings": (pl.DataFrame({"a": LETTERS, "b": LETTERS}), "two"),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("kind", KINDS_OF_TARGETS)
def test_targets_of_every_kind(kind):
    y, array = KINDS_OF_TARGETS[kind]
    assert reports_about(y) == reports_about_array(array)


def reports_about(y):
    """Lines about a model, one with rows to validate on, and one that is fitted."""
    model = classifier(max_iter=10, learning_rate_init=0.01)
    reports = [
        check_training(model, X, y, max_rows=400, **given) for given in ({}, dict(X_val=X, y_val=y))
    ]
    reports.append(check_training(clone(model).fit(X, y), X, y))
    return [[*report._lines()] for report in reports]


@cache
def reports_about_array(name):
    return reports_about(ARRAYS[name])


@pytest.mark.parametrize(
    "options",
    [
        dict(early_stopping=True),
        dict(precision="float32"),
        dict(precision="bfloat16"),
        dict(class_weight="balanced"),
        dict(class_weight={digit: 1 + digit for digit in range(10)}),
        dict(scoring="f1_macro"),
        dict(scoring=["neg_log_loss", "accuracy"], early_stopping=True),
        dict(scoring={"mine": make_scorer(balanced_accuracy_score)}),
        dict(scoring="roc_auc_ovr"),
        dict(scoring="loss"),
        dict(scoring=lambda estimator, X, y: estimator.score(X, y)),
        dict(callbacks=[EarlyStopping("loss")]),
        dict(warm_start=True, verbose=True, averaging="ema"),
    ],
    ids=lambda options: ", ".join(map(str, options)),
)
@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_options_of_every_kind(options, as_rows, capsys):
    model = classifier(learning_rate_init=0.01, **options)
    report = check_training(model, as_rows(X), Y, skip=["curvature"])
    assert report.ok, report
    assert not capsys.readouterr().out


def test_generalization_is_judged_by_scoring_and_class_weight():
    rare = np.where(np.arange(len(X)) % 20 == 0, 1, 0)  # nothing to do with the rows
    plain = generalization(classifier(max_iter=5), X, rare)
    assert plain.guess == pytest.approx(0.95, abs=0.01)
    assert "score 0.9" in plain.verdict
    balanced = generalization(classifier(max_iter=5, class_weight="balanced"), X, rare)
    assert balanced.guess == pytest.approx(0.5, abs=0.05)
    for scoring, guess in (
        ("balanced_accuracy", 0.5),
        ("f1", 0.0),
        ("roc_auc", 0.5),
        ("neg_log_loss", -0.2),
    ):
        finding = generalization(classifier(max_iter=5, scoring=scoring), X, rare)
        assert finding.guess == pytest.approx(guess, abs=0.03)
        assert f"{scoring} " in finding.verdict
        of_ten = {"f1": "f1_macro", "roc_auc": "roc_auc_ovr"}.get(scoring, scoring)
        good = generalization(classifier(scoring=of_ten), X, Y)
        assert good.ok, good
    finding = generalization(regressor(max_iter=200, scoring="neg_mean_squared_error"), X_R, Y_R)
    assert finding.ok and finding.guess == pytest.approx(-1, abs=0.4)
    fitted = classifier().fit(X, Y).set_params(scoring="neg_log_loss")
    finding = generalization(fitted, X, Y, X_val=X[:100], y_val=Y[:100])
    assert finding.validation_score == pytest.approx(
        -log_loss(Y[:100], fitted.predict_proba(X[:100]), labels=fitted.classes_)
    )
    finding = generalization(fitted, X, Y, X_val=X[Y < 9], y_val=Y[Y < 9])
    assert finding.ok and math.isfinite(finding.guess)


@pytest.mark.parametrize("factor", [1e-6, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_the_scale_of_targets_is_no_fault_of_the_gradients(factor, offset, loss):
    model = regressor(loss=loss, max_iter=20)
    y = factor * (Y_R + offset)
    for one in (model, clone(model).fit(X_R, y)):
        assert check_gradients(one, X_R, y).ok
    for finding in (
        initial_loss(model, X_R, y),
        overfit_tiny_subset(model, X_R, y),
        curvature(model, X_R, y),
    ):
        assert finding.ok or "scale the targets" in finding.verdict, finding
    if factor == 1e6:
        found(initial_loss(model, X_R, y), "scale the targets")


def test_a_wrong_derivative_is_found_at_any_scale_of_targets():
    for factor in (1, 1e3, 1e6):
        model = regressor(activation=CustomActivation(square, wrong_derivative))
        found(check_gradients(model, X_R, factor * Y_R), "the gradients by coefs_[0]")
