"""Each diagnostic finds the fault that is planted for it, and a healthy training has none."""

import math
import warnings
from copy import deepcopy

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    SGD,
    CustomActivation,
    CustomLoss,
    Dense,
    MLPClassifier,
    Scheduled,
    diagnostics,
    initializers,
)
from fastnn.diagnostics import (
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
from support.diagnosed import (
    X_R,
    Y_R,
    X,
    Y,
    classifier,
    found,
    half_derivative,
    loss_derivative,
    loss_value,
    regressor,
    rng,
    square,
    square_derivative,
    wrong_derivative,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
