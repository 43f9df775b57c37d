"""Examples that a course on neural networks works out by hand, through the public estimators."""

import numpy as np
import pytest

from fastnn import SGD, MLPClassifier, MLPRegressor
from reference import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
PLAIN = {"solver": SGD(momentum=0.0), "alpha": 0.0}
ZEROS = {"weight_init": "zeros", "bias_init": "zeros"}


def test_one_step_of_backpropagation_in_a_network_with_two_inputs():
    """All units say 0.5 at first. The output's delta is (1 - 0.5) 0.5 (1 - 0.5) = 0.125.

    The hidden units' deltas are that times a weight of 0.
    """
    network = MLPRegressor(
        hidden_layer_sizes=(2,),
        activation="logistic",
        output_activation="logistic",
        learning_rate_init=0.5,
        batch_size=1,
        precision="float64",
        **PLAIN,
        **ZEROS,
    )
    network.partial_fit([[1.0, 0.0]], [1.0])
    assert network.loss_ == (1 - 0.5) ** 2 / 2
    np.testing.assert_array_equal(network.intercepts_[1], [0.0625])
    np.testing.assert_array_equal(network.coefs_[1], [[0.03125], [0.03125]])
    np.testing.assert_array_equal(network.coefs_[0], np.zeros((2, 2)))
    np.testing.assert_array_equal(network.intercepts_[0], np.zeros(2))


@pytest.mark.parametrize("output_activation", [None, "threshold"])
def test_the_perceptron_rule_learns_and(output_activation):
    """Row by row w += rate * (t - y) x, until no row is wrong any more."""
    rate, targets = 0.25, np.array([0, 0, 0, 1])
    perceptron = MLPClassifier(
        hidden_layer_sizes=(),
        loss="perceptron",
        output_activation=output_activation,
        learning_rate_init=rate,
        batch_size=1,
        shuffle=False,
        precision="float64",
        **PLAIN,
        **ZEROS,
    )
    w, b, n_wrong = np.zeros(2), 0.0, []
    for _ in range(20):
        n_wrong.append(0)
        for x, t in zip(CORNERS, targets, strict=True):
            error = t - float(w @ x + b > 0)
            w, b = w + rate * error * x, b + rate * error
            n_wrong[-1] += error != 0
        perceptron.partial_fit(CORNERS, targets, classes=[0, 1])
        np.testing.assert_array_equal(perceptron.coefs_[0][:, 0], w)
        np.testing.assert_array_equal(perceptron.intercepts_[0], [b])
        if n_wrong[-1] == 0:
            break
    assert 3 < len(n_wrong) < 20
    assert perceptron.loss_ == 0
    np.testing.assert_array_equal(perceptron.predict(CORNERS), targets)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_error"])
def test_xor_needs_a_hidden_layer(loss):
    """No line has two opposite corners on one side: three of four is the best without."""
    y = [0, 1, 1, 0]
    options = {"loss": loss, "solver": "lbfgs", "alpha": 1e-3, "max_iter": 1000}
    linear = MLPClassifier(hidden_layer_sizes=(), random_state=0, **options).fit(CORNERS, y)
    assert linear.score(CORNERS, y) <= 0.75
    hidden = MLPClassifier(hidden_layer_sizes=(8,), activation="relu", random_state=1, **options)
    assert hidden.fit(CORNERS, y).score(CORNERS, y) == 1


def test_xor_by_two_hidden_relus_written_down():
    """x XOR y = relu(x + y) - 2 relu(x + y - 1)."""
    network = MLPRegressor(
        hidden_layer_sizes=(2,),
        weight_init=[np.ones((2, 2)), np.array([[1.0], [-2.0]])],
        bias_init=[np.array([0.0, -1.0]), np.zeros(1)],
        learning_rate_init=0.1,
        **PLAIN,
    )
    network.partial_fit(CORNERS, [0.0, 1, 1, 0])
    assert network.loss_ == 0
    np.testing.assert_array_equal(network.predict(CORNERS), [0, 1, 1, 0])


def test_multiclass_hinges_are_their_formulas():
    """A linear network's first loss, by its decision function before the step."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    W, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
    z = X @ W + b
    right = z[np.arange(6), y]
    others = [[z[i, j] for j in range(3) if j != y[i]] for i in range(6)]
    expected = {
        "weston_watkins": [
            sum(max(0, 1 + other - right[i]) for other in others[i]) for i in range(6)
        ],
        "crammer_singer": [max(0, 1 + max(others[i]) - right[i]) for i in range(6)],
        "hinge": [
            max(0, 1 - right[i]) + sum(max(0, 1 + other) for other in others[i]) for i in range(6)
        ],
        "squared_hinge": [
            max(0, 1 - right[i]) ** 2 + sum(max(0, 1 + other) ** 2 for other in others[i])
            for i in range(6)
        ],
        "perceptron": [
            max(0, -right[i]) + sum(max(0, other) for other in others[i]) for i in range(6)
        ],
    }
    for loss, values in expected.items():
        model = MLPClassifier(
            hidden_layer_sizes=(),
            loss=loss,
            batch_size=6,
            weight_init=[W],
            bias_init=[b],
            learning_rate_init=0.1,
            **PLAIN,
        )
        model.partial_fit(X, y, classes=[0, 1, 2])
        assert model.loss_ == pytest.approx(np.mean(values))
        targets = np.eye(3)[y] if loss not in ("weston_watkins", "crammer_singer") else y
        step = X.T @ LOSSES[loss].delta(z, targets) / 6
        np.testing.assert_allclose(model.coefs_[0], W - 0.1 * step)
