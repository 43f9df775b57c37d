"""Proximal steps of the L1 penalty: real zeros, and solutions of scikit-learn's linear models."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from fastnn import SGD, Dense, MLPClassifier, MLPRegressor, WeightNorm

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RATES = [
    (SGD(momentum=0.0), 0.3),
    (SGD(), 0.05),
    (SGD(nesterov=False), 0.05),
    (SGD(nesterov="look_ahead"), 0.05),
    (SGD(velocity="gradients"), 0.05),
    ("momentum", 0.3),
    ("adagrad", 0.5),
    ("adam", 0.05),
]


@pytest.mark.parametrize("solver, rate", RATES, ids=str)
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_solution_is_that_of_the_lasso_and_the_elastic_net(solver, rate, l1_ratio):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 10))
    y = X[:, :3] @ [2.0, -1.0, 0.5] + 0.3 * rng.standard_normal(60) + 1
    model = MLPRegressor(
        hidden_layer_sizes=(),
        solver=solver,
        learning_rate_init=rate,
        learning_rate="cosine",
        alpha=0.2 * 60,
        l1_ratio=l1_ratio,
        l1_update="proximal",
        batch_size=60,
        max_iter=800,
        n_iter_no_change=800,
        random_state=0,
    ).fit(X, y)
    expected = ElasticNet(alpha=0.2, l1_ratio=l1_ratio, tol=1e-14, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=1e-9)
    np.testing.assert_allclose(model.intercepts_[0], expected.intercept_, atol=1e-9)
    np.testing.assert_array_equal(model.coefs_[0][:, 0] == 0, expected.coef_ == 0)
    assert model.history_["zero_fraction"][-1] == np.mean(expected.coef_ == 0) == 0.7


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_useless_features_become_zero(dtype):
    """Batches and a hidden layer; the gradient of the penalty leaves no zero."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 20)).astype(dtype)
    options = {"alpha": 1.0, "l1_ratio": 1.0, "batch_size": 50, "max_iter": 40, "random_state": 0}
    options |= {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01}
    usual = MLPClassifier(**options).fit(X, X[:, 0] > 0)
    assert "zero_fraction" not in usual.history_
    assert all(coef.all() for coef in usual.coefs_)
    model = MLPClassifier(l1_update="proximal", **options).fit(X, X[:, 0] > 0)
    zeros = [coef == 0 for coef in model.coefs_]
    assert zeros[0][1:].mean() > 0.8
    assert not zeros[0][0].all()
    assert all(model.intercepts_[0])
    share = sum(map(np.sum, zeros)) / sum(each.size for each in zeros)
    assert model.history_["zero_fraction"][-1] == pytest.approx(share)
    assert model.score(X, X[:, 0] > 0) > 0.95


def test_partial_fit_tells_the_zeros_too():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 4))
    model = MLPRegressor(alpha=100.0, l1_ratio=1.0, l1_update="proximal", learning_rate_init=0.1)
    for _ in range(3):
        model.partial_fit(X, X[:, 0])
    assert len(model.history_["zero_fraction"]) == 3
    assert model.history_["zero_fraction"][-1] > 0


def test_weights_of_which_only_the_direction_counts_are_refused():
    layers = [Dense(4, "relu", WeightNorm())]
    model = MLPRegressor(layers=layers, l1_ratio=0.5, l1_update="proximal")
    with pytest.raises(ValueError, match="l1_update='proximal' makes weights zero"):
        model.fit(np.eye(4), np.arange(4.0))
