"""Rows of data."""

import numpy as np

from .._numba import cuda
from ..kernels import kernels_of
from ..launch import ONE_BLOCK, over_matrix
from .tables import coefficients_of, on_device, row_numbers, rows_of, tables


def gather(X, dtype, order=None, first_row=0, n_rows=None):
    """Rows of dense X in the engine's type."""
    n = len(order) if order is not None else X.shape[0] - first_row if n_rows is None else n_rows
    return _gathered("gather", X, dtype, order, first_row, n, None)


def mix_rows(X, dtype, mixing, order=None, start=0, n_rows=None, first_row=0):
    """Rows first_row .. of a batch, mixed; the batch is X[order], or n_rows rows from `start`.

    `mixing` is (weight, shift, first, run, n_runs, stride), see program.h.
    """
    names = [f"MIX_{name}" for name in ("WEIGHT", "SHIFT", "FIRST", "RUN", "N_RUNS", "STRIDE")]
    coefficients = coefficients_of(**dict(zip(names, mixing, strict=True)))
    n = n_rows if order is None else len(order)
    return _gathered("mix_rows", X, dtype, order, start, n, coefficients)[first_row:]


def _gathered(name, X, dtype, order, start, n_rows, coefficients):
    dtype, n = np.dtype(dtype), X.shape[1]
    x = cuda.to_device(rows_of(np.zeros((n_rows, n), dtype)))
    step = tables(dtype, n_rows, start, coefficients=coefficients)
    kernels_of(dtype)(name, ORDERED=order is not None)[over_matrix(n_rows, n)](
        *step, *on_device(X), row_numbers(order), x
    )
    return x.copy_to_host()[:, :n]


def weighted_sum(values, weights=None, order=None):
    """Sum of values times weights[order], in the type of the values."""
    dtype = values.dtype
    arrays = on_device(values, np.ones_like(values) if weights is None else weights)
    total = on_device(np.zeros(1, dtype))[0]
    kernels_of(dtype)("weighted_sum", ORDERED=order is not None)[ONE_BLOCK](
        *arrays, row_numbers(order), total, len(values)
    )
    return total.copy_to_host()[0]
