"""The worked examples of a deep-learning course, with their numbers."""

import numpy as np
import pytest

from fastnn import SGD, Adam, MLPRegressor, Momentum, RMSprop, Rprop
from fastnn._core.cpu import ops

GRADIENTS = np.array([1.0, 0.5, -2.0])


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
    """Where the parameter would be after another 0.9 v of the velocities above."""
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
