"""Each kernel as a Python call, for tests: twin of ``cpu/ops.pyx``.

Arrays go in and come out in their natural shapes; rows are padded and cropped here. Every function
works in the type of its first array.
"""

import numpy as np

from fastnn.program import STAGE, padded

from . import activations
from ._numba import cuda
from .kernels import kernels_of
from .launch import over_elements, over_tiles
from .steps import START, step_tables

# Of a table that leaves all as it is.
_COEFFICIENTS = np.zeros((1, 32))


def rows_of(a):
    """A copy of a 2-D array (or a row) in rows of padded width."""
    a = np.atleast_2d(a)
    out = np.zeros((a.shape[0], padded(a.shape[1], a.dtype)), a.dtype)
    out[:, : a.shape[1]] = a
    return out


def on_device(*arrays):
    """Copies of arrays on the device."""
    return [cuda.to_device(np.ascontiguousarray(array)) for array in arrays]


def tables(dtype, n_rows, start=0, step=0, rates=(0.0,), coefficients=None, scale=1.0):
    """The tables of one step of so many rows; `rates` are those of dropout, a stage each."""
    stages = np.zeros(len(rates), STAGE)
    stages["kind"], stages["rate"], stages["parameter"] = 4, rates, 1.0
    table = _COEFFICIENTS.copy() if coefficients is None else coefficients
    table[:, 10] = 1.0  # the factor of dropout rates
    words, reals = step_tables(stages, dtype, n_rows, n_rows, table, scale, step)
    words[1, START] = start
    return on_device(words, reals)


def matmul(a, b, bias=None, c=None, order=None):
    """``a[order] @ b + bias``, added to `c` where that is given."""
    a = a if order is None else a[order]
    m, n, k = a.shape[0], b.shape[1], a.shape[1]
    out = rows_of(np.zeros((m, n), a.dtype) if c is None else c)
    rows, weights, start = on_device(rows_of(a), rows_of(b), out)
    bias_row = on_device(rows_of(np.zeros(n, a.dtype) if bias is None else bias)[0])[0]
    kernel = kernels_of(a.dtype)("matmul", HAS_BIAS=bias is not None, ADDS=c is not None)
    kernel[over_tiles(m, n)](*tables(a.dtype, m), rows, weights, bias_row, start, n, k)
    return start.copy_to_host()[:, :n]


def activation(x, code, parameter=0, in_place=False):
    """The activation's values."""
    rows = rows_of(x)
    n_rows, n = rows.shape[0], np.atleast_2d(x).shape[1]
    x_rows, y = on_device(rows, np.zeros_like(rows))
    y = x_rows if in_place else y
    kernel = kernels_of(x.dtype)("activation", activation_value=activations.VALUES[code])
    kernel[over_elements(n_rows * n)](
        *tables(x.dtype, n_rows), x_rows, y, n, x.dtype.type(parameter)
    )
    return y.copy_to_host()[:, :n].reshape(x.shape)
