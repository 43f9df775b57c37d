"""Arrays of tests on the device, and the tables of one step."""

import numpy as np

from fastnn._core.codes import N_COEFFICIENTS, Column, Kind
from fastnn._core.program import STAGE, padded

from .._numba import cuda
from ..kernels import kernels_of
from ..launch import over_matrix
from ..steps import START, step_tables


def rows_of(a):
    """A copy of a 2-D array (or a row) in rows of padded width."""
    a = np.atleast_2d(a)
    out = np.zeros((a.shape[0], padded(a.shape[1], a.dtype)), a.dtype)
    out[:, : a.shape[1]] = a
    return out


def on_device(*arrays):
    """Copies of arrays on the device."""
    return [cuda.to_device(np.ascontiguousarray(array)) for array in arrays]


def tables(dtype, n_rows, start=0, step=0, rates=(0.0,), coefficients=None, form=0, scale=1.0):
    """The tables of one step of so many rows; `rates` are those of dropout, a stage each.

    `form` is that of dropout, `scale` 1 / the sum of the rows' weights.
    """
    stages = np.zeros(len(rates), STAGE)
    stages["kind"], stages["code"] = Kind.DROPOUT, form
    stages["rate"], stages["parameter"] = rates, 1.0
    table = np.zeros((1, N_COEFFICIENTS)) if coefficients is None else coefficients
    table[:, Column.DROPOUT] = 1.0
    words, reals = step_tables(stages, dtype, n_rows, n_rows, table, scale, step)
    words[1, START] = start
    return on_device(words, reals)


def coefficients_of(row=None, **columns):
    """A table of one step, in which nothing is mixed; `columns` are names of Column."""
    table = np.zeros((1, N_COEFFICIENTS)) if row is None else np.array(row, float).reshape(1, -1)
    for name, value in {"MIX_WEIGHT": 1.0, **columns}.items():
        table[0, Column[name]] = value
    return table


def tables_with(dtype, row=None, **columns):
    """The tables of a step with these coefficients, by the names of columns."""
    return tables(dtype, 1, coefficients=coefficients_of(row, **columns))


def launch(name, shape, step_tables, *arguments, **bindings):
    """Run an elementwise kernel over the natural shape of its arrays."""
    kernel = kernels_of(step_tables[1].dtype)(name, **bindings)
    kernel[over_matrix(*shape)](*step_tables, *arguments)


def cropped(rows, x, first_row=0):
    """Rows of the device in the natural shape of x."""
    return rows.copy_to_host()[first_row:, : np.atleast_2d(x).shape[1]].reshape(x.shape)


def after(first_row, x):
    """`x` behind that many rows of zeros, in rows of padded width, and the natural shape of all."""
    rows = np.concatenate([np.zeros((first_row, x.shape[1]), x.dtype), x])
    return rows_of(rows), rows.shape


def key_of(seed):
    """The two words of a seed."""
    return seed & 0xFFFFFFFF, seed >> 32


def padded_vectors(*vectors):
    """Copies of vectors in rows of padded width, on the device."""
    return on_device(*(rows_of(v)[0] for v in vectors))


def row_numbers(order):
    return on_device(np.zeros(1, np.int64) if order is None else np.asarray(order, np.int64))[0]
