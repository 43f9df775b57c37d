"""Diagnostics in numbers: each is what its formula says."""

import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from fastnn import (
    BatchNorm,
    Dense,
    Maxout,
    MLPClassifier,
    MLPRegressor,
    PReLU,
    Residual,
    diagnostics,
)
from fastnn.diagnostics import (
    activations_of,
    check_gradients,
    check_training,
    curvature,
    initial_loss,
    input_scale,
    layer_health,
    overfit_tiny_subset,
)
from support.diagnosed import X_R, Y_R, X, Y, classifier, found, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
