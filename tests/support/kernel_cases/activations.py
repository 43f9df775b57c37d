"""Cases of activations, those with parameters among them."""

from functools import partial

import numpy as np

from fastnn import activations
from fastnn.activations import ELU, LeakyReLU, RReLU
from support import reference
from support.kernel_cases.registry import WIDTHS, case, float64
from support.reference import ACTIVATIONS


def pre_activations(rng, dtype):
    """Return numbers where activations bend, where they are flat, and close to zero."""
    return np.concatenate(
        [
            np.linspace(-20, 20, 401),
            rng.choice([-1, 1], 200) * 10.0 ** rng.uniform(-30, 3, 200),
            [0.0, -0.0],
        ]
    ).astype(dtype)


# Specs, and all names that stand for the defaults.
EACH_ACTIVATION = [name for name in ACTIVATIONS if name != "identity"]
EACH_ACTIVATION += [LeakyReLU(0.3), LeakyReLU(0.0), LeakyReLU(2.0), ELU(0.2), ELU(3.0)]
EACH_ACTIVATION += [RReLU(0.1, 0.9)]


def native(activation):
    """The row of an activation, and the code and parameter that kernels take."""
    row, parameter = activations.row_and_parameter(activation)
    return row, (row.code, parameter)


@case
def activation(ops, some, rng, dtype, eps):
    """Good to three units in the last place; where the true value is denormal, to that.

    GELUs are good to six, and amplify two roundings of the polynomial in z whose exponential they
    are made of. That of "gelu_tanh" may overflow where the value is 1e-36.
    """
    exponents = {
        "gelu": lambda z: z**2 / 2,
        "gelu_tanh": lambda z: np.abs(reference.gelu_tanh_argument(z)[0]),
    }
    for each in EACH_ACTIVATION:
        row, arguments = native(each)
        x = pre_activations(rng, dtype)
        z = float64(x)[0]
        expected = reference.activation(each).value(z)
        units = 6 + 2 * exponents[row.name](z) if row.name in exponents else 4
        least = 1e-36 if row.name == "gelu_tanh" and dtype == np.float32 else np.finfo(dtype).tiny
        bound = units * eps * np.abs(expected) + least
        yield partial(ops.activation, x, *arguments), expected, bound
        if not row.keeps_derivative:
            yield partial(ops.activation, x, *arguments, in_place=True), expected, bound


@case
def activation_gradient(ops, some, rng, dtype, eps):
    """Compute it from the rounded value y: 1 - y has an error of the size of y's."""
    for each in EACH_ACTIVATION:
        row, arguments = native(each)
        value, derivative = reference.activation(each)
        x = pre_activations(rng, dtype)
        z = float64(x)[0]
        y, g = value(z).astype(dtype), rng.standard_normal(z.shape).astype(dtype)
        expected, bound = g * derivative(z), 4 * eps * abs(g)
        yield partial(times_derivative, ops, x, y, g, row, arguments), expected, bound


def times_derivative(ops, x, y, gradient, row, arguments):
    """`gradient` times the derivative at x, where the value is y, as the engine computes it."""
    if not row.keeps_derivative:
        return ops.activation_gradient(y, gradient, *arguments)
    values, derivative = ops.activation_with_derivative(x, row.code)
    np.testing.assert_array_equal(values, ops.activation(x, *arguments))
    return ops.activation_gradient(y, gradient, row.code, derivative=derivative)


@case
def prelu(ops, some, rng, dtype, eps):
    for n, m in some([(n, m) for n in (1, 9) for m in WIDTHS]):
        x = rng.standard_normal((n, m)).astype(dtype)
        for slope in rng.uniform(-1, 1, 1).astype(dtype), rng.uniform(-1, 1, m).astype(dtype):
            expected = reference.prelu_forward(*float64(x, slope))
            yield partial(ops.prelu, x, slope), expected, eps * np.abs(expected)


@case
def prelu_gradient(ops, some, rng, dtype, eps):
    """The sums are of all elements where the slope is shared."""
    for n, m in some([(n, m) for n in (1, 8, 29) for m in WIDTHS]):
        x, dy = rng.standard_normal((2, n, m)).astype(dtype)
        for slope in rng.uniform(-1, 1, 1).astype(dtype), rng.uniform(-1, 1, m).astype(dtype):
            expected = reference.prelu_backward(*float64(x, slope, dy))
            yield partial(ops.prelu_gradient, x, dy, slope), expected, 2 * n * m * eps


def pieces(some, rng, dtype):
    """Small whole numbers, so that several are the largest."""
    widths, sizes = (1, 15, 16, 17, 33), (1, 2, 3, 5)
    for n, m, k in some([(n, m, k) for n in (1, 9) for m in widths for k in sizes]):
        yield rng.integers(-2, 3, (n, m * k)).astype(dtype), rng.normal(0, 1, (n, m)), k


@case
def maxout(ops, some, rng, dtype, eps):
    for x, _, k in pieces(some, rng, dtype):
        yield partial(ops.maxout, x, k), reference.maxout_forward(x, k), 0


@case
def maxout_gradient(ops, some, rng, dtype, eps):
    for x, dy, k in pieces(some, rng, dtype):
        dy = dy.astype(dtype)
        yield partial(ops.maxout_gradient, x, dy, k), reference.maxout_backward(x, k, dy), 0
