"""Hidden activations: value and derivative, one line each in the table below.

Twin of ``cpu/activations.h``, which tells more about each.
"""

from ._numba import cuda
from .elementary import exponential
from .kernels import device, kernel, real
from .steps import CURSOR, N_ROWS


@device
def logistic(x, a):
    return real(1) / (real(1) + exponential(-x))


@device
def logistic_derivative(y, a):
    return y * (real(1) - y)


@device
def relu(x, a):
    return real(0) if x < real(0) else x


@device
def relu_derivative(y, a):
    return real(1) if y > real(0) else real(0)


@device
def activation_value(x, a):
    """One of the functions above is bound to it."""
    return x


@device
def activation_derivative(y, a):
    """Of the value; one of the functions above is bound to it."""
    return y


@kernel
def activation(words, reals, x, y, n, a):
    """y = the activation of x, for the n columns of the batch's rows; they may be the same."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    for e in range(cuda.grid(1), n_rows * n, cuda.gridsize(1)):
        i = e // n
        j = e - i * n
        y[i, j] = activation_value(x[i, j], a)


@kernel
def activation_gradient(words, reals, y, gradient, n, a):
    """gradient *= the derivative where the value is y."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    for e in range(cuda.grid(1), n_rows * n, cuda.gridsize(1)):
        i = e // n
        j = e - i * n
        gradient[i, j] *= activation_derivative(y[i, j], a)
