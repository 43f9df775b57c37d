"""Diagnostics find planted faults, and none in a healthy training."""

import doctest
import importlib
import math
import warnings
from copy import deepcopy
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from fastnn import (
    SGD,
    BatchNorm,
    CustomActivation,
    CustomLoss,
    Dense,
    Maxout,
    MLPClassifier,
    MLPRegressor,
    PReLU,
    Residual,
    Scheduled,
    diagnostics,
    initializers,
)
from fastnn.callbacks import EarlyStopping
from fastnn.diagnostics import (
    activations_of,
    check_gradients,
    check_training,
    curvature,
    generalization,
    initial_loss,
    input_scale,
    layer_health,
    learning_rate_range,
    overfit_tiny_subset,
    regularization_effect,
)
from fastnn.diagnostics.probe import Probe

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)
X, Y = load_digits(return_X_y=True)
X, Y = X[:600] / 16, Y[:600]
X_R, Y_R = make_regression(300, 10, noise=10, random_state=0)
Y_R = scale(Y_R)


def classifier(**parameters):
    return MLPClassifier((30,), **{"random_state": 0, "max_iter": 60, "n_jobs": 1, **parameters})


def regressor(**parameters):
    own = {"hidden_layer_sizes": (30,), "random_state": 0, "n_jobs": 1}
    return MLPRegressor(**own | parameters)


def square(x):
    return x * x if x > 0 else 0.0


def square_derivative(x):
    return 2 * x if x > 0 else 0.0


def wrong_derivative(x):
    return 1.5 * x if x > 0 else 0.0


def loss_value(z, y):
    return (z - y) ** 2


def loss_derivative(z, y):
    return 2 * (z - y)


def half_derivative(z, y):
    return z - y


# --- healthy --------------------------------------------------------------------------------------

HEALTHY = {
    "adam": (classifier(), X, Y),
    "sgd, deep": (
        MLPClassifier(
            (30,) * 3, solver="sgd", learning_rate_init=0.1, random_state=0, max_iter=60, n_jobs=1
        ),
        X,
        Y,
    ),
    "batch norm": (classifier(normalization="batch", dropout=0.2, learning_rate_init=0.01), X, Y),
    "tanh, lbfgs": (classifier(activation="tanh", solver="lbfgs"), X, Y),
    "hinge": (classifier(loss="hinge"), X, Y),
    "regression": (regressor(learning_rate_init=0.01), X_R, Y_R),
    "pipeline": (make_pipeline(StandardScaler(), classifier(learning_rate_init=0.003)), X * 100, Y),
    "sparse": (classifier(), sparse.csr_array(X), Y),
    "custom": (classifier(activation=CustomActivation(square, square_derivative)), X, Y),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_silent_on_a_healthy_run(case):
    report = check_training(*HEALTHY[case])
    assert report.ok, report
    assert set(report.findings) | set(report.skipped) == set(diagnostics.report._CHECKS)
    assert all(0 < len(finding.verdict) < 200 for finding in report.findings.values())


def test_of_a_fitted_one():
    model = classifier().fit(X, Y)
    before = deepcopy(vars(model))
    report = check_training(model, X, Y, X_val=X[:100], y_val=Y[:100])
    assert report.ok, report
    assert model.score(X, Y) == pytest.approx(report["generalization"].train_score)
    np.testing.assert_array_equal(model.coefs_[0], before["_network"].coefs[0])
    assert vars(model).keys() == before.keys()
    assert layer_health(model, X, Y).weight_norm[0] == pytest.approx(
        np.linalg.norm(model.coefs_[0])
    )


def test_the_estimator_is_left_as_it_is():
    drawing = np.random.RandomState(3)
    model = classifier(random_state=drawing)
    before, state = repr(model.get_params()), drawing.get_state()[1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = check_training(model, X, Y)
    assert repr(model.get_params()) == before
    assert not hasattr(model, "coefs_")
    np.testing.assert_array_equal(drawing.get_state()[1], state)
    assert str(first["initial_loss"]) == str(initial_loss(model, X, Y))


# --- planted faults -------------------------------------------------------------------------------


def found(finding, *words):
    assert not finding.ok
    assert all(word in finding.verdict for word in words), finding.verdict


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_learning_rate_too_high_or_too_low(solver):
    suggestion = learning_rate_range(classifier(solver=solver), X, Y).suggestion
    good = classifier(solver=solver, learning_rate_init=suggestion)
    assert learning_rate_range(good, X, Y).ok
    assert clone(good).fit(X, Y).score(X, Y) > 0.95
    high, low = (
        clone(good).set_params(learning_rate_init=factor * suggestion) for factor in (100, 0.01)
    )
    found(learning_rate_range(high, X, Y), "too high", "Suggested")
    found(learning_rate_range(low, X, Y), "too low", "Suggested")
    found(generalization(low, X, Y), "underfitting", "learning rate")
    assert not generalization(high, X, Y).ok


@pytest.mark.parametrize("initial", ["zeros", initializers.Constant(0.1)])
def test_units_that_are_all_the_same(initial):
    model = MLPClassifier((20, 10), weight_init=initial, bias_init=initial, random_state=0)
    found(layer_health(model, X, Y), "layer 0", "layer 1")
    found(overfit_tiny_subset(model, X, Y), "cannot be learned by heart")
    if initial == "zeros":
        found(regularization_effect(model, X, Y), "all weights are zero")
        assert math.isnan(learning_rate_range(model, X, Y).suggestion)


def test_dead_units():
    biases = [np.full(30, -20.0), np.zeros(10)]
    model = classifier(bias_init=biases)
    finding = layer_health(model, X, Y)
    found(finding, "100 % of the units", "layer 0 (64-30)", "leaky_relu")
    np.testing.assert_array_equal(finding.dead, [1, 0])
    found(learning_rate_range(model, X, Y), "no rate")
    biases[0][10:] = 0
    assert layer_health(classifier(bias_init=biases), X, Y).dead[0] == pytest.approx(1 / 3, abs=0.1)


def test_unscaled_feature():
    unscaled = X.copy()
    unscaled[:, 20] *= 1000
    found(input_scale(unscaled), "feature 20 unscaled", "StandardScaler")
    assert input_scale(unscaled).large == [20]
    found(initial_loss(classifier(), unscaled, Y), "scale the features")
    found(curvature(regressor(), X_R * [1, 1, 1e3, *[1] * 7], Y_R), "steep")
    scaled = make_pipeline(StandardScaler(), classifier())
    assert check_training(scaled, unscaled, Y, skip=["generalization"]).ok


def test_shuffled_labels():
    model = classifier(max_iter=300, learning_rate_init=0.01)
    finding = generalization(model, X, rng.permutation(Y))
    found(finding, "by heart", "shuffled")
    assert finding.train_score > 0.5 > 0.2 > finding.validation_score
    assert overfit_tiny_subset(model, X, rng.permutation(Y)).ok


def test_overfitting():
    noisy = Y_R + rng.standard_normal(len(Y_R))
    model = regressor(hidden_layer_sizes=(200, 200), learning_rate_init=0.01)
    found(generalization(model, X_R, noisy), "overfitting")


def test_wrong_derivative_of_an_activation():
    right = classifier(activation=CustomActivation(square, square_derivative))
    wrong = classifier(activation=CustomActivation(square, wrong_derivative))
    assert check_gradients(right, X, Y).functions == {
        "square_derivative": pytest.approx(0, abs=1e-8)
    }
    finding = check_gradients(wrong, X, Y)
    found(finding, "wrong_derivative(", "CustomActivation", "coefs_[0]")
    assert finding.functions["wrong_derivative"] > 0.2
    assert finding.errors["coefs_[1]"] < 1e-6 < 0.1 < finding.errors["coefs_[0]"]
    in_layers = MLPClassifier(layers=[Dense(10, CustomActivation(square, wrong_derivative))])
    found(check_gradients(in_layers, X, Y), "wrong_derivative(")


def test_wrong_derivative_of_a_loss():
    right, wrong = (
        regressor(loss=CustomLoss(loss_value, f)) for f in (loss_derivative, half_derivative)
    )
    assert check_gradients(right, X_R, Y_R).ok
    found(check_gradients(wrong, X_R, Y_R), "half_derivative(", "CustomLoss")


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_exploding_and_vanishing(activation):
    sizes = dict(hidden_layer_sizes=(30,) * 8, activation=activation, random_state=0)
    large = MLPClassifier(weight_init=initializers.Normal(std=1.5), **sizes)
    found(initial_loss(large, X, Y), "smaller initial weights")
    what = "activations explode" if activation == "relu" else "at the limits"
    found(layer_health(large, X, Y), what, "layer")
    small = MLPClassifier(weight_init=initializers.Normal(std=0.01), bias_init="zeros", **sizes)
    found(layer_health(small, X, Y), "activations vanish", "layer 2 (30-30)")
    assert layer_health(MLPClassifier(**sizes), X, Y).ok


def test_vanishing_gradients_of_logistic_units():
    deep = MLPClassifier((30,) * 8, activation="logistic", random_state=0)
    finding = layer_health(deep, X, Y)
    found(finding, "gradients vanish", "layer 0 (64-30)", "relu")
    assert finding.gradient_norm[0] < 1e-3 * finding.gradient_norm[-1]
    assert layer_health(deep.set_params(normalization="batch"), X, Y).ok


def test_too_strong_a_penalty():
    found(regularization_effect(classifier(alpha=1e4), X, Y), "smaller alpha")
    finding = regularization_effect(classifier(alpha=Scheduled(2.0, "linear")), X, Y)
    np.testing.assert_allclose(finding.alphas, [0, 2, 20])
    probe = Probe(classifier(), X, Y, 2000, 0)
    squares = sum(np.sum(coef**2) for coef in probe.network.coefs)
    np.testing.assert_allclose(np.diff(finding.losses), [squares / 200, 9 * squares / 200])


def test_contradicting_targets():
    twice, y = np.repeat(X[:10], 2, axis=0), np.arange(20) % 2
    found(overfit_tiny_subset(classifier(), twice, y), "20 of them equal others")


def test_targets_of_another_scale():
    found(initial_loss(regressor(), X_R, Y_R + 10), "scale the targets")
    found(initial_loss(regressor(), X_R, 100 * Y_R), "scale the targets")


def test_sgd_that_climbs():
    plain = regressor(hidden_layer_sizes=(5,), solver=SGD(momentum=0.0))
    limit = curvature(plain, X_R, Y_R).largest_rate
    steep = plain.set_params(learning_rate_init=1.5 * limit)
    found(curvature(steep, X_R, Y_R), "gradient descent climbs")
    assert curvature(steep.set_params(solver=SGD(momentum=0.9)), X_R, Y_R).ok


# --- numbers --------------------------------------------------------------------------------------


def test_guess_of_classes_and_of_values():
    assert initial_loss(classifier(), X, Y).guess == pytest.approx(math.log(10))
    assert initial_loss(classifier(), X, Y > 4).guess == pytest.approx(math.log(2))
    assert initial_loss(classifier(loss="hinge"), X, Y > 4).guess == pytest.approx(1)
    assert initial_loss(regressor(), X_R, Y_R + 3).guess == pytest.approx(Y_R.var() / 2, rel=1e-4)
    two = np.column_stack([Y_R, 2 * Y_R])
    assert initial_loss(regressor(), X_R, two).guess == pytest.approx(2.5 / 2, rel=1e-4)
    median = initial_loss(regressor(loss="absolute_error"), X_R, Y_R).guess
    assert median == pytest.approx(abs(Y_R - np.median(Y_R)).mean(), rel=0.01)
    counts = np.random.RandomState(0).poisson(3.0, 300)
    mean = counts.mean()
    deviance = np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / mean), 0).mean()
    finding = initial_loss(regressor(loss="poisson"), X_R, counts)
    assert finding.guess == pytest.approx(deviance, rel=1e-3)


def test_two_columns_of_classes():
    both = np.column_stack([Y, Y > 4])
    report = check_training(classifier(learning_rate_init=0.01), X, both)
    assert report.ok, report
    assert report["initial_loss"].guess == pytest.approx(math.log(10) + math.log(2))
    model = classifier(max_iter=3).fit(X, both)
    first, *heads = activations_of(model, X[:5])
    assert first.shape == (5, 30)
    for head, expected in zip(heads, model.predict_proba(X[:5]), strict=True):
        np.testing.assert_allclose(head, expected)


def test_rows_of_probabilities():
    mixed = np.full((len(Y), 10), 0.01)
    mixed[np.arange(len(Y)), Y] = 0.91
    finding = overfit_tiny_subset(classifier(), X, mixed)
    assert finding.ok, finding
    assert finding.loss == pytest.approx(-0.91 * math.log(0.91) - 0.09 * math.log(0.01), rel=1e-3)


def test_curvature_of_a_line():
    """Compare with the Hessian of a linear model, that of X and a column of ones."""
    model = MLPRegressor(hidden_layer_sizes=(), random_state=0, alpha=0.5, batch_size=10)
    finding = curvature(model, X_R, Y_R, max_rows=300)
    design = np.column_stack([X_R, np.ones(len(X_R))])
    penalty = np.diag([0.5 / 10] * 10 + [0])
    expected = np.linalg.eigvalsh(design.T @ design / len(X_R) + penalty)[::-1]
    assert finding.is_complete
    np.testing.assert_allclose(finding.eigenvalues, expected, rtol=1e-5)
    assert finding.condition_number == pytest.approx(expected[0] / expected[-1], rel=1e-4)
    assert finding.largest_rate == pytest.approx(2 / expected[0], rel=1e-5)


def test_lanczos_finds_the_ends(monkeypatch):
    model = MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", random_state=0)
    whole = curvature(model, X_R, Y_R)
    monkeypatch.setattr(diagnostics.hessian, "_MAX_DENSE", 0)
    ends = curvature(model, X_R, Y_R)
    assert whole.is_complete
    assert not ends.is_complete
    for i in (0, 1, -1):
        assert ends.eigenvalues[i] == pytest.approx(whole.eigenvalues[i], rel=0.05)
    assert 10 < ends.condition_number <= whole.condition_number * 1.01


@pytest.mark.parametrize(
    "parameters",
    [
        dict(hidden_layer_sizes=(7, 5), activation="gelu", normalization="layer"),
        dict(hidden_layer_sizes=(7, 5), activation=PReLU(), normalization="batch"),
        dict(hidden_layer_sizes=(7,), activation=Maxout(), normalization="weight", dropout=0.5),
        dict(layers=[Dense(6), Residual([Dense(6), BatchNorm(), "relu", Dense(6)]), "tanh"]),
        dict(hidden_layer_sizes=()),
    ],
    ids=str,
)
def test_activations_and_gradients_of_each_layer(parameters):
    """The output layer makes the output of what the layer before hands on."""
    model = MLPClassifier(random_state=0, max_iter=3, **parameters).fit(X, Y)
    values = activations_of(model, X[:50])
    assert [value.shape[1] for value in values[-1:]] == [10]
    assert len(values) == len(model.coefs_)
    np.testing.assert_allclose(values[-1], model.predict_proba(X[:50]))
    before = X[:50] if len(values) == 1 else values[-2]
    if "layers" not in parameters:
        scores = before @ model.coefs_[-1] + model.intercepts_[-1]
        np.testing.assert_allclose(scores, model.decision_function(X[:50]), rtol=1e-6, atol=1e-8)
    finding = check_gradients(model, X, Y)
    assert finding.ok, finding
    assert finding.n_checked > finding.n_kinks
    assert layer_health(model, X, Y).names[-1].startswith(f"layer {len(values) - 1} (")


def test_activations_of_relu():
    model = MLPClassifier((9, 6), random_state=0, max_iter=3).fit(X.astype(np.float32), Y)
    first, second, _ = activations_of(model, X[:20])
    expected = np.maximum(X[:20] @ model.coefs_[0] + model.intercepts_[0], 0)
    np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-5)
    assert second.dtype == np.float32
    with pytest.raises(NotFittedError):
        activations_of(MLPClassifier(), X)


def test_scale_of_inputs():
    rows = np.column_stack([X_R[:, :4], np.full(300, 7.0)])
    assert input_scale(rows).constant == [4]
    assert input_scale(rows).ok
    assert input_scale(sparse.csr_array(rows)).constant == [4]
    np.testing.assert_allclose(input_scale(sparse.csr_array(rows)).std[:4], rows.std(axis=0)[:4])
    rows[:, 1] = 2000 + 5 * rows[:, 1]
    found(input_scale(rows), "feature 1 unscaled")
    rows[:, 1] = 8 + 0.1 * X_R[:, 1]
    found(input_scale(rows), "subtract the mean")
    rows[:, 1] = 1e-6 * X_R[:, 1]
    found(input_scale(rows), "feature 1 with less than a thousandth")
    found(input_scale(X_R * 1e-4), "tiny")
    found(input_scale(X * 255), "unscaled")
    found(input_scale(np.ones((5, 2))), "no feature changes")


def test_missing_values_are_told_and_end_the_report():
    rows = X_R.copy()
    rows[3, 2] = np.nan
    report = check_training(regressor(), rows, Y_R)
    assert report.faults == ["input_scale"]
    assert report["input_scale"].missing == [2]
    assert "learning_rate_range" in report.skipped
    found(input_scale(sparse.csr_array(rows)), "NaN or infinite values in feature 2")


def test_names_of_features():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X_R.copy(), columns=[f"f{i}" for i in range(10)])
    table["f3"] *= 1e4
    report = check_training(regressor(), table, Y_R, skip=["generalization", "curvature"])
    found(report["input_scale"], "feature f3 unscaled")
    assert report.skipped == {"generalization": "by skip", "curvature": "by skip"}


# --- the report, and bad input --------------------------------------------------------------------


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
    assert report._repr_html_().count("<tr>") == 1 + 9
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
