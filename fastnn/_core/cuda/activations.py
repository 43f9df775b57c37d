"""Hidden activations: value and derivative, one line each in the tables at the end.

Twin of ``cpu/activations.h``, which describes each. All take the parameter of those that
have one. NaN passes through, and so comparisons are written such that it is what remains.
"""

import math

from fastnn._core.codes import ACTIVATIONS

from ._numba import cuda
from .elementary import (
    exponential,
    exponential_minus_1,
    logarithm_of_1_plus,
    normal_distribution,
)
from .kernels import IS_DOUBLE, device, kernel, real
from .steps import CURSOR, N_ROWS
from .vectors import load_four

# The numbers that keep mean 0 and variance 1 (Klambauer et al. 2017).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
#: 1 / sqrt(2 pi)
DENSITY = 0.39894228040143268
#: Of x and x^3 in twice the argument of the tanh: 2 sqrt(2 / pi), and 0.044715 times that.
GELU_1, GELU_3 = 1.5957691216057308, 0.071354816272600244
LARGEST_SINGLE, LARGEST_DOUBLE = 3.4028234663852886e38, 1.7976931348623157e308


@device
def within(most, x):
    """x, or the end of -most .. most beyond which it lies."""
    x = most if x > most else x
    return -most if x < -most else x


@device
def logistic(x, a):
    return real(1) / (real(1) + exponential(-x))


@device
def logistic_derivative(y, a):
    return y * (real(1) - y)


@device
def hyperbolic_tangent(x, a):
    return real(math.tanh(x))


@device
def tanh_derivative(y, a):
    return real(1) - y * y


@device
def hardtanh(x, a):
    return within(real(1), x)


@device
def hardtanh_derivative(y, a):
    return real(0) if y <= real(-1) or y >= real(1) else real(1)


@device
def relu(x, a):
    return real(0) if x < real(0) else x


@device
def relu_derivative(y, a):
    return real(1) if y > real(0) else real(0)


@device
def leaky_relu(x, a):
    return x if x > real(0) else a * x


@device
def leaky_relu_derivative(y, a):
    return real(1) if y > real(0) else a


@device
def scaled_elu(x, alpha, scale):
    """scale * (x, or alpha (e^x - 1) below zero)"""
    below = within(real(80), real(0) if x > real(0) else x)
    return scale * x if x > real(0) else scale * alpha * exponential_minus_1(below)


@device
def scaled_elu_derivative(y, alpha, scale):
    return scale if y > real(0) else scale * alpha + y


@device
def elu(x, a):
    return scaled_elu(x, a, real(1))


@device
def elu_derivative(y, a):
    return scaled_elu_derivative(y, a, real(1))


@device
def selu(x, a):
    return scaled_elu(x, real(SELU_ALPHA), real(SELU_SCALE))


@device
def selu_derivative(y, a):
    return scaled_elu_derivative(y, real(SELU_ALPHA), real(SELU_SCALE))


@device
def softplus(x, a):
    size = -x if x < real(0) else x
    return logarithm_of_1_plus(exponential(-size)) + (real(0) if x < real(0) else x)


@device
def softplus_derivative(y, a):
    """logistic(x) = 1 - e^-y"""
    return -exponential_minus_1(real(-80) if y > real(80) else -y)


@device
def softsign(x, a):
    x = within(real(LARGEST_DOUBLE) if IS_DOUBLE else real(LARGEST_SINGLE), x)
    return x / (real(1) + (-x if x < real(0) else x))


@device
def softsign_derivative(y, a):
    rest = real(1) - (-y if y < real(0) else y)
    return rest * rest


# Those that follow return value and derivative: the one cannot be had from the other.


@device
def gelu(x, a):
    """x P(Z <= x), derivative P + x times the density"""
    x = real(-40) if x < real(-40) else x
    below, bell = normal_distribution(x)
    slope = real(DENSITY) * x * bell + below
    return x * below, real(1) if x > real(40) else slope


@device
def gelu_tanh(x, a):
    """(1 + tanh(w)) / 2 = logistic(2 w): 2 w = GELU_1 x + GELU_3 x^3"""
    x = real(-40) if x < real(-40) else x
    square = x * x
    e = exponential(-(x * (real(GELU_3) * x * x + real(GELU_1))))
    s = real(1) / (real(1) + e)
    slope = s * (x * e * s * (real(3) * real(GELU_3) * square + real(GELU_1)) + real(1))
    if x > real(8):
        slope = real(1)
    elif x < real(-8):
        slope = real(0)
    return x * s, slope


@device
def silu(x, a):
    """x s, s = logistic(x) = 1 / (1 + e), e = e^-x; derivative s (1 + x (1 - s)), 1 - s = e s.

    Far out e or x is infinite, and the derivative what it tends to.
    """
    x = real(-800) if x < real(-800) else x
    e = exponential(-x)
    s = real(1) / (real(1) + e)
    slope = s * (x * e * s + real(1))
    if x > real(80):
        slope = real(1)
    elif x < real(-80):
        slope = real(0)
    return x * s, slope


@device
def mish(x, a):
    """x tanh(log(1 + e^x)) = x n / (n + 2), n = e^x (e^x + 2)"""
    x = real(-800) if x < real(-800) else x
    e = exponential(real(30) if x > real(30) else x)
    n = e * (e + real(2))
    q = real(1) / (n + real(2))
    slope = real(4) * x * e * q * ((real(1) + e) * q) + n * q
    return x * (n * q), real(1) if x > real(80) else slope


@device
def gelu_value(x, a):
    return gelu(x, a)[0]


@device
def gelu_tanh_value(x, a):
    return gelu_tanh(x, a)[0]


@device
def silu_value(x, a):
    return silu(x, a)[0]


@device
def mish_value(x, a):
    return mish(x, a)[0]


@device
def derivative_kept(y, a):
    """Derivative of functions that store it in place of the value."""
    return y


@device
def activation_value(x, a):
    """Placeholder to which one of the functions above is bound."""
    return x


@device
def activation_derivative(y, a):
    """Placeholder for a derivative in terms of the value, bound to a function above."""
    return y


@device
def activation_pair(x, a):
    """Value and derivative; one of the functions above is bound to it."""
    return x, x


@device
def value_and_derivative(x, a):
    """Value and derivative of functions whose derivative is in terms of the value."""
    y = activation_value(x, a)
    return y, activation_derivative(y, a)


@device
def user_activation(x):
    """A function of the user's is bound to it."""
    return x


@device
def user_activation_derivative(x):
    """Placeholder for a user's derivative, in terms of x."""
    return x


@kernel
def activation(words, reals, x, y, n, a):
    """y = the activation of x, for the n columns of the batch's rows; they may be the same."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            y[i, j] = activation_value(x[i, j], a)


@kernel
def activation_with_derivative(words, reals, x, y, d, n, a):
    """The derivative, d, to be kept until the gradient comes; it may be x."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            value, derivative = activation_pair(x[i, j], a)
            y[i, j] = value
            d[i, j] = derivative


@kernel
def activation_of_user(words, reals, x, y, d, n):
    """Value and derivative by functions of the user's; d may be x."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            value = x[i, j]
            y[i, j] = real(user_activation(value))
            d[i, j] = real(user_activation_derivative(value))


@kernel
def activation_gradient(words, reals, y, gradient, n, a):
    """gradient *= the derivative where the value is y."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            gradient[i, j] *= activation_derivative(y[i, j], a)


@device
def finish_activation(numbers, of, i, j, a):
    """Elements of a product -> their activations; to be bound to `finish` of ``dense.py``."""
    w, x, y, z = numbers
    return (
        activation_value(w, a),
        activation_value(x, a),
        activation_value(y, a),
        activation_value(z, a),
    )


@device
def finish_derivative(numbers, of, i, j, a):
    """Elements of the gradient of values -> that of what they are the activation of.

    `of` has the values, or the derivatives if `activation_derivative` is `derivative_kept`.
    """
    w, x, y, z = numbers
    own = load_four(of, i, j)
    return (
        w * activation_derivative(own[0], a),
        x * activation_derivative(own[1], a),
        y * activation_derivative(own[2], a),
        z * activation_derivative(own[3], a),
    )


_DERIVATIVES_OF_VALUES = {
    "logistic": (logistic, logistic_derivative),
    "tanh": (hyperbolic_tangent, tanh_derivative),
    "relu": (relu, relu_derivative),
    "hardtanh": (hardtanh, hardtanh_derivative),
    "leaky_relu": (leaky_relu, leaky_relu_derivative),
    "elu": (elu, elu_derivative),
    "selu": (selu, selu_derivative),
    "softplus": (softplus, softplus_derivative),
    "softsign": (softsign, softsign_derivative),
    # As in prediction, with the middle of its slopes; in training: rrelu.py.
    "rrelu": (leaky_relu, leaky_relu_derivative),
}
_WITH_DERIVATIVES = {
    "gelu": (gelu_value, gelu),
    "gelu_tanh": (gelu_tanh_value, gelu_tanh),
    "silu": (silu_value, silu),
    "mish": (mish_value, mish),
}


def _by_code(table, column):
    return {ACTIVATIONS[name].code: row[column].__name__ for name, row in table.items()}


#: The functions to bind, by the code of the activation.
VALUES = _by_code(_DERIVATIVES_OF_VALUES | _WITH_DERIVATIVES, 0)
DERIVATIVES = _by_code(_DERIVATIVES_OF_VALUES, 1)
PAIRS = _by_code(_WITH_DERIVATIVES, 1)


def pair_of(code):
    """Return the bindings of `activation_pair` for an activation."""
    if code in PAIRS:
        return {"activation_pair": PAIRS[code]}
    return {
        "activation_pair": "value_and_derivative",
        "activation_value": VALUES[code],
        "activation_derivative": DERIVATIVES[code],
    }
