"""Cases of a course on deep learning, with their numbers."""

import numpy as np
import pytest

from engines import Engine
from fastnn import SGD, MLPRegressor
from problems import make_layers, make_network
from reference import clip_norm, elastic_net

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "most, clipped",
    [(1.5, [-1.0, -1.0, -0.5]), (3.0, [-2.0, -2.0, -1.0]), (3.5, [-2.0, -2.0, -1.0])],
)
def test_norm_clipping(most, clipped):
    """g if |g| <= c, else c g / |g|: of a linear unit with zero weights, rows (2, 2), target -1.

    The residual is 1, so that the gradient of weights and bias is (2, 2, 1), of norm 3.
    """
    gradient = [np.array([2.0, 2.0]), np.array([1.0])]
    expected = -np.concatenate(clip_norm(gradient, most))
    np.testing.assert_allclose(expected, clipped, rtol=1e-6)
    model = MLPRegressor(
        hidden_layer_sizes=(),
        solver=SGD(momentum=0.0),
        learning_rate_init=1.0,
        alpha=0.0,
        max_iter=1,
        weight_init="zeros",
        bias_init="zeros",
        clip_norm=most,
    )
    model.fit([[2.0, 2.0]], [-1.0])
    step = [*model.coefs_[0][:, 0], *model.intercepts_[0]]
    np.testing.assert_allclose(step, expected, rtol=1e-15)
    if most > 3:
        np.testing.assert_array_equal(step, clipped)


def test_elastic_net():
    """alpha ((1 - r) / 2 |w|^2 + r |w|_1) of w = (1, -2, 0), alpha = 1, r = 1 / 2.

    5 / 4 + 3 / 2 = 2.75; the gradient is w / 2 + sign(w) / 2.
    """
    w = np.array([1.0, -2.0, 0.0])
    value, gradient = elastic_net(w, 0.5, 0.5)
    assert value == 2.75
    np.testing.assert_array_equal(gradient, [1.0, -1.5, 0.0])

    layers = make_layers([1])
    network = make_network(np.random.default_rng(0), 3, layers, "squared_error")
    network.parameters[0] = {"coef": w[:, np.newaxis], "intercept": np.zeros(1)}
    X, y = np.zeros((1, 3)), np.zeros((1, 1))
    for model in (network, Engine(network, "squared_error")):
        data_loss, penalty, (g, *_), *_ = model.loss_and_grad(X, y, alpha=1.0, l1_ratio=0.5)
        assert (data_loss, penalty) == (0.0, 2.75)
        np.testing.assert_array_equal(g["coef"][:, 0], gradient)
    losses = Engine(network, "squared_error").train(X, y, 1, [0.1], alpha=1.0, l1_ratio=0.5)
    np.testing.assert_array_equal(losses, [[0.0, 2.75]])
