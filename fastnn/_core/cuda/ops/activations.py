"""Activations."""

import numpy as np

from .. import activations
from ..kernels import kernels_of
from ..launch import ONE_BLOCK, over_columns
from .tables import after, cropped, key_of, launch, on_device, rows_of, tables


def activation(x, code, parameter=0, in_place=False):
    """The activation's values."""
    shape = np.atleast_2d(x).shape
    rows, y = on_device(rows_of(x), np.zeros_like(rows_of(x)))
    y = rows if in_place else y
    function = activations.VALUES[code]
    arguments = rows, y, shape[1], x.dtype.type(parameter)
    launch("activation", shape, tables(x.dtype, len(rows)), *arguments, activation_value=function)
    return cropped(y, x)


def activation_with_derivative(x, code):
    """Values and derivatives, of the activations that compute them together."""
    shape = np.atleast_2d(x).shape
    rows, y = on_device(rows_of(x), np.zeros_like(rows_of(x)))
    launch(
        "activation_with_derivative",
        shape,
        tables(x.dtype, len(rows)),
        *(rows, y, rows, shape[1], x.dtype.type(0)),
        activation_pair=activations.PAIRS[code],
    )
    return cropped(y, x), cropped(rows, x)


def activation_gradient(y, gradient, code, parameter=0, derivative=None):
    """`gradient` times the derivative of the activation whose value is `y`, or the one given."""
    shape = np.atleast_2d(y).shape
    values = rows_of(y if derivative is None else derivative)
    values, g = on_device(values, rows_of(gradient.astype(y.dtype)))
    function = "derivative_kept" if derivative is not None else activations.DERIVATIVES[code]
    launch(
        "activation_gradient",
        shape,
        tables(y.dtype, len(values)),
        *(values, g, shape[1], y.dtype.type(parameter)),
        activation_derivative=function,
    )
    return cropped(g, y)


def rrelu(x, lower, upper, seed, step=0, stage=0, first_row=0, gradient=None):
    """Rows first_row .. of a batch with random slopes below zero, or what they make of a gradient.

    With `gradient`, `x` stands for the values after the activation.
    """
    rows, shape = after(first_row, x)
    to = np.zeros_like(rows) if gradient is None else after(first_row, gradient)[0]
    rows, to = on_device(rows, to)
    interval = x.dtype.type(lower), x.dtype.type((upper - lower) * 2.0**-24)
    name = "rrelu" if gradient is None else "rrelu_gradient"
    steps = tables(x.dtype, shape[0], step=step)
    launch(name, shape, steps, rows, to, shape[1], stage, *interval, *key_of(seed))
    return cropped(to, x, first_row)


def prelu(x, slope):
    """x, or the slope of its column (of all, if there is one only) times x below zero."""
    rows, slopes, y = on_device(rows_of(x), rows_of(slope)[0], np.zeros_like(rows_of(x)))
    steps, shared = tables(x.dtype, len(x)), len(slope) == 1
    launch("prelu", x.shape, steps, rows, slopes, y, x.shape[1], SHARED_SLOPE=shared)
    return cropped(y, x)


def prelu_gradient(x, dy, slope):
    """Gradients with respect to x and to the slopes."""
    n, shared, k = x.shape[1], len(slope) == 1, kernels_of(x.dtype)
    rows, d, slopes = on_device(rows_of(x), rows_of(dy), rows_of(slope)[0])
    products, sums, total = on_device(*np.zeros((3, rows.shape[1]), x.dtype))
    steps = tables(x.dtype, len(x))
    k("column_sums", column_term="term_below_zero")[over_columns(n)](
        *steps, rows, d, slopes, slopes, products, sums, n
    )
    if shared:
        k("total_of_columns")[ONE_BLOCK](products, total, n)
    launch("prelu_gradient", x.shape, steps, rows, slopes, d, n, SHARED_SLOPE=shared)
    return cropped(d, x), (total if shared else products).copy_to_host()[: len(slope)]


def maxout(x, k):
    """The largest of k values that lie a k-th of the width apart."""
    shape = len(x), x.shape[1] // k
    rows, y = on_device(rows_of(x), rows_of(np.zeros(shape, x.dtype)))
    launch("maxout", shape, tables(x.dtype, len(x)), rows, y, shape[1], k)
    return y.copy_to_host()[:, : shape[1]]


def maxout_gradient(x, dy, k):
    """The gradient with respect to x."""
    rows, y, d = on_device(rows_of(x), rows_of(maxout(x, k)), rows_of(dy))
    (dx,) = on_device(np.zeros(rows.shape, x.dtype))
    steps = tables(x.dtype, len(x))
    launch("maxout_gradient", dy.shape, steps, rows, y, d, dx, dy.shape[1], k)
    return cropped(dx, x)
