"""The ops of activations, noise and the other stages without a sum of rows; see ``ops.py``."""

import numpy as np

from . import activations
from .kernels import kernels_of
from .launch import ONE_BLOCK, over_columns, over_elements
from .ops import on_device, rows_of, tables


def _launch(name, shape, step_tables, *arguments, **bindings):
    """Run an elementwise kernel over the natural shape of its arrays."""
    kernel = kernels_of(step_tables[1].dtype)(name, **bindings)
    kernel[over_elements(shape[0] * shape[1])](*step_tables, *arguments)


def _cropped(rows, x, first_row=0):
    """Rows of the device in the natural shape of x."""
    return rows.copy_to_host()[first_row:, : np.atleast_2d(x).shape[1]].reshape(x.shape)


def _after(first_row, x):
    """`x` behind that many rows of zeros, in rows of padded width, and the natural shape of all."""
    rows = np.concatenate([np.zeros((first_row, x.shape[1]), x.dtype), x])
    return rows_of(rows), rows.shape


def _key(seed):
    """The two words of a seed."""
    return seed & 0xFFFFFFFF, seed >> 32


def activation(x, code, parameter=0, in_place=False):
    """The activation's values."""
    shape = np.atleast_2d(x).shape
    rows, y = on_device(rows_of(x), np.zeros_like(rows_of(x)))
    y = rows if in_place else y
    function = activations.VALUES[code]
    arguments = rows, y, shape[1], x.dtype.type(parameter)
    _launch("activation", shape, tables(x.dtype, len(rows)), *arguments, activation_value=function)
    return _cropped(y, x)


def activation_with_derivative(x, code):
    """Values and derivatives, of the activations that compute them together."""
    shape = np.atleast_2d(x).shape
    rows, y = on_device(rows_of(x), np.zeros_like(rows_of(x)))
    _launch(
        "activation_with_derivative",
        shape,
        tables(x.dtype, len(rows)),
        *(rows, y, rows, shape[1], x.dtype.type(0)),
        activation_pair=activations.PAIRS[code],
    )
    return _cropped(y, x), _cropped(rows, x)


def activation_gradient(y, gradient, code, parameter=0, derivative=None):
    """`gradient` times the derivative of the activation whose value is `y`, or the one given."""
    shape = np.atleast_2d(y).shape
    values = rows_of(y if derivative is None else derivative)
    values, g = on_device(values, rows_of(gradient.astype(y.dtype)))
    function = "derivative_kept" if derivative is not None else activations.DERIVATIVES[code]
    _launch(
        "activation_gradient",
        shape,
        tables(y.dtype, len(values)),
        *(values, g, shape[1], y.dtype.type(parameter)),
        activation_derivative=function,
    )
    return _cropped(g, y)


def dropout(x, rate, seed, step=0, stage=0, first_row=0, inverted=True):
    """Rows first_row .. of a batch with dropout."""
    rows, shape = _after(first_row, x)
    rows, y = on_device(rows, np.zeros_like(rows))
    rates = [0.0] * stage + [rate]
    steps = tables(x.dtype, shape[0], step=step, rates=rates, code=0 if inverted else 1)
    _launch("dropout", shape, steps, rows, y, shape[1], stage, *_key(seed))
    return _cropped(y, x, first_row)


def scaled(x, factor):
    """`x` times a factor."""
    shape = np.atleast_2d(x).shape
    (rows,) = on_device(rows_of(x))
    steps = tables(x.dtype, len(rows))
    _launch("scaled", shape, steps, rows, rows, shape[1], x.dtype.type(factor))
    return _cropped(rows, x)


def rrelu(x, lower, upper, seed, step=0, stage=0, first_row=0, gradient=None):
    """Rows first_row .. of a batch with random slopes below zero, or what they make of a gradient.

    With `gradient`, `x` stands for the values after the activation.
    """
    rows, shape = _after(first_row, x)
    to = np.zeros_like(rows) if gradient is None else _after(first_row, gradient)[0]
    rows, to = on_device(rows, to)
    interval = x.dtype.type(lower), x.dtype.type((upper - lower) * 2.0**-24)
    name = "rrelu" if gradient is None else "rrelu_gradient"
    steps = tables(x.dtype, shape[0], step=step)
    _launch(name, shape, steps, rows, to, shape[1], stage, *interval, *_key(seed))
    return _cropped(to, x, first_row)


def residual(skip, branch, rate, seed, step=0, stage=0, first_row=0):
    """skip + branch, skip None for zeros; rows go without the branch at this rate."""
    rows, shape = _after(first_row, branch)
    skipped = rows if skip is None else _after(first_row, skip)[0]
    rows, skipped, y = on_device(rows, skipped, np.zeros_like(rows))
    steps = tables(branch.dtype, shape[0], step=step, rates=[0.0] * stage + [rate])
    choice = {"DROPS": rate > 0, "HAS_SKIP": skip is not None}
    _launch("residual", shape, steps, skipped, rows, y, shape[1], stage, *_key(seed), **choice)
    return _cropped(y, branch, first_row)


def normal_noise(x, deviation, seed, step=0, stage=0, first_row=0):
    """Rows first_row .. of a matrix with normal noise added."""
    rows, shape = _after(first_row, x)
    rows, y = on_device(rows, np.zeros_like(rows))
    steps = tables(x.dtype, shape[0], step=step)
    arguments = rows, y, shape[1], stage, x.dtype.type(deviation), *_key(seed)
    _launch("normal_noise", shape, steps, *arguments)
    return _cropped(y, x, first_row)


def maxout(x, k):
    """The largest of k values that lie a k-th of the width apart."""
    shape = len(x), x.shape[1] // k
    rows, y = on_device(rows_of(x), rows_of(np.zeros(shape, x.dtype)))
    _launch("maxout", shape, tables(x.dtype, len(x)), rows, y, shape[1], k)
    return y.copy_to_host()[:, : shape[1]]


def maxout_gradient(x, dy, k):
    """The gradient with respect to x."""
    rows, y, d = on_device(rows_of(x), rows_of(maxout(x, k)), rows_of(dy))
    (dx,) = on_device(np.zeros(rows.shape, x.dtype))
    steps = tables(x.dtype, len(x))
    _launch("maxout_gradient", dy.shape, steps, rows, y, d, dx, dy.shape[1], k)
    return _cropped(dx, x)


def prelu(x, slope):
    """x, or the slope of its column (of all, if there is one only) times x below zero."""
    rows, slopes, y = on_device(rows_of(x), rows_of(slope)[0], np.zeros_like(rows_of(x)))
    steps, shared = tables(x.dtype, len(x)), len(slope) == 1
    _launch("prelu", x.shape, steps, rows, slopes, y, x.shape[1], SHARED_SLOPE=shared)
    return _cropped(y, x)


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
    _launch("prelu_gradient", x.shape, steps, rows, slopes, d, n, SHARED_SLOPE=shared)
    return _cropped(d, x), (total if shared else products).copy_to_host()[: len(slope)]
