"""The worked examples of a deep-learning course, with their numbers."""

import numpy as np
import pytest

from fastnn import SGD, Adam, MLPClassifier, MLPRegressor, Momentum, RMSprop, Rprop
from fastnn._core.cpu import ops
from support.engines import Engine
from support.problems import make_layers, make_network
from support.reference import LOSSES, clip_norm, elastic_net

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GRADIENTS = np.array([1.0, 0.5, -2.0])
PLAIN = {"solver": SGD(momentum=0.0), "alpha": 0.0}
ZEROS = {"weight_init": "zeros", "bias_init": "zeros"}


def path(spec, gradients, learning_rate=0.1, w=0.0):
    """The values of a parameter that starts at `w`, after each of these gradients."""
    table = spec.coefficients(np.full(len(gradients), learning_rate), 0.0, 0)
    slots, visited = np.zeros((spec.n_slots, 1)), []
    for row, gradient in zip(table, gradients, strict=True):
        (w,), slots, _ = ops.optimize(np.array([w]), np.array([gradient]), slots, spec.code, row)
        visited.append(w)
    return np.array(visited)


# --- recurrences ----------------------------------------------------------------------------------


def test_momentum():
    """v = 0.9 v + g: 1, 1.4, -0.74; the parameter goes -0.1 v."""
    velocities = [1.0, 1.4, -0.74]
    np.testing.assert_allclose(
        path(SGD(momentum=0.9, nesterov=False), GRADIENTS), -0.1 * np.cumsum(velocities)
    )


def test_momentum_as_a_moving_average():
    """m = 0.9 m + 0.1 g: 0.1, 0.14, -0.074: a tenth of the velocities above."""
    np.testing.assert_allclose(
        path(Momentum(beta=0.9), GRADIENTS), -0.1 * np.cumsum([0.1, 0.14, -0.074])
    )


def test_nesterov():
    """Compare with the parameters after another 0.9 v of the velocities above."""
    velocities = np.array([1.0, 1.4, -0.74])
    np.testing.assert_allclose(
        path(SGD(momentum=0.9), GRADIENTS), -0.1 * (np.cumsum(velocities) + 0.9 * velocities)
    )


def test_adam():
    """First moments 0.1, 0.14, -0.074 and second 0.001, 0.001249, 0.005247751, both corrected."""
    first = np.array([0.1, 0.14, -0.074]) / (1 - 0.9 ** np.arange(1, 4))
    second = np.array([0.001, 0.001249, 0.005247751]) / (1 - 0.999 ** np.arange(1, 4))
    np.testing.assert_allclose(
        path(Adam(epsilon=1e-12), GRADIENTS), -0.1 * np.cumsum(first / np.sqrt(second)), rtol=1e-9
    )
    assert path(Adam(), GRADIENTS)[0] == pytest.approx(-0.1)  # the first step is the rate itself


def test_rmsprop():
    """Mean squares with rho = 0.9: 0.1, 0.115, 0.5035."""
    squares = np.array([0.1, 0.115, 0.5035])
    np.testing.assert_allclose(
        path(RMSprop(rho=0.9, epsilon=1e-12), GRADIENTS),
        -0.1 * np.cumsum(GRADIENTS / np.sqrt(squares)),
        rtol=1e-9,
    )


def test_rprop():
    """Sizes 0.1, 0.12, then 0.06 at the turn, where the parameter waits, and again 0.06."""
    np.testing.assert_allclose(path(Rprop(), [3.0, 0.01, -5.0, -5.0]), [-0.1, -0.22, -0.22, -0.16])


def test_rprop_that_always_steps():
    """Sizes .01, .012, .0144, and at the turn .0072, in the direction of the new gradient."""
    np.testing.assert_allclose(
        path(Rprop(wait=False), [0.1, 0.1, 0.1, -0.5], learning_rate=0.01),
        [-0.01, -0.022, -0.0364, -0.0292],
    )


def test_rprop_goes_the_wrong_way_on_mini_batches():
    """Gradients 0.1, 0.1, 0.1, -0.5 sum to -0.2: downhill is up. Three small ones outvote it."""
    gradients = [0.1, 0.1, 0.1, -0.5]
    assert path(SGD(momentum=0.0), gradients)[-1] == pytest.approx(0.02)
    rprop = path(Rprop(), gradients, learning_rate=0.01)
    np.testing.assert_allclose(rprop[:3], [-0.01, -0.022, -0.0364])
    assert rprop[-1] < 0
    # RMSprop weighs the large one: after many rounds it is where it should go.
    assert path(RMSprop(rho=0.99), gradients * 100, learning_rate=0.01)[-1] > 0


# --- under- and overfitting -----------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 5])
def test_polynomial(order):
    """y = x^2 + 3 x + 3: a line cannot follow it, order 2 finds it, order 5 has terms to spare."""
    x = np.linspace(-2, 2, 41)
    y = x**2 + 3 * x + 3
    powers = np.column_stack([x**power for power in range(1, order + 1)])
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0.0, tol=1e-10, max_iter=5000, random_state=0
    ).fit(powers, y)
    coefficients = [*model.intercepts_[0], *model.coefs_[0][:, 0]]
    if order == 1:
        # The best line through x^2 is its mean, 1.4 here; what is left is its variance.
        np.testing.assert_allclose(coefficients, [4.4, 3], atol=1e-4)
        assert np.mean((model.predict(powers) - y) ** 2) == pytest.approx(np.var(x**2))
    else:
        expected = [3, 3, 1] + [0] * (order - 2)
        np.testing.assert_allclose(coefficients, expected, atol=1e-3)
        np.testing.assert_allclose(model.predict(powers), y, atol=1e-3)


def test_polynomials_by_gradient_descent():
    """Check the lab: order 2 ends best, and order 5 has been better than it ends.

    The draw is that of `examples/polynomial_steps.py`, with steps ten times as long.
    """
    rng = np.random.default_rng(72)
    x, grid = rng.uniform(-1, 1, 8), np.linspace(-1, 1, 201)
    y = x**2 + 3 * x + 3 + rng.uniform(-0.4, 0.4, 8)
    risks = {}
    for order in (1, 2, 5):
        model = MLPRegressor(
            hidden_layer_sizes=(),
            batch_size=8,
            learning_rate_init=0.1,
            max_iter=100,
            n_iter_no_change=np.inf,
            warm_start=True,
            precision="float64",
            **PLAIN,
            **ZEROS,
        )
        exponents = np.arange(1, order + 1)
        found = risks[order] = []
        for _ in range(20):
            model.fit(x[:, np.newaxis] ** exponents, y)
            away = model.predict(grid[:, np.newaxis] ** exponents) - (grid**2 + 3 * grid + 3)
            found.append(np.mean(away**2))
    assert risks[2][-1] < min(risks[1][-1], risks[5][-1]) / 3
    assert risks[2][-1] == pytest.approx(0.0069, abs=1e-4)
    best = int(np.argmin(risks[5]))
    assert best in (6, 7)  # after 700 or 800 steps
    assert risks[5][best] == pytest.approx(0.0065, abs=1e-4)
    assert risks[5][-1] == pytest.approx(0.0224, abs=1e-4)


# --- batch norm -----------------------------------------------------------------------------------


def test_batch_norm_backward_written_out():
    """The chain rule step by step (Ioffe and Szegedy 2015, section 3), for one unit."""
    x, dy = np.array([1.0, 2.0, 6.0]), np.array([0.5, -1.0, 2.0])
    scale, epsilon, n = 1.5, 1e-5, 3
    mean, variance = 3.0, 14 / 3
    dx_hat = dy * scale
    dvariance = np.sum(dx_hat * (x - mean)) * -0.5 * (variance + epsilon) ** -1.5
    dmean = np.sum(-dx_hat / np.sqrt(variance + epsilon)) + dvariance * np.mean(-2 * (x - mean))
    dx = dx_hat / np.sqrt(variance + epsilon) + dvariance * 2 * (x - mean) / n + dmean / n
    dscale, dshift = np.sum(dy * (x - mean) / np.sqrt(variance + epsilon)), 1.5

    column = [array[:, np.newaxis].copy() for array in (x, dy)]
    vectors = [np.array([value]) for value in (mean, variance, scale)]
    actual = ops.batchnorm_gradient(*column, *vectors, epsilon)
    for value, expected in zip(actual, (dx[:, np.newaxis], [dscale], [dshift]), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12)


# --- back-propagation, perceptrons, hinges --------------------------------------------------------

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def test_one_step_of_backpropagation_in_a_network_with_two_inputs():
    """Compute a step by hand: outputs are 0.5, and the delta is (1 - 0.5) 0.5 (1 - 0.5) = 0.125.

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
    """Check that three of four is the best without a hidden layer."""
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


# --- clipping and penalties -----------------------------------------------------------------------


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
