"""Arrays that users have on the GPU already: looked at, and copied where that is asked for."""

import numpy as np

from fastnn._core.codes import N_COEFFICIENTS
from fastnn._core.program import STAGE

from ._numba import cuda, device_array, device_errors, start
from .kernels import kernels_of
from .launch import over_matrix
from .steps import step_tables


def to_host(array):
    """A copy of any array on the GPU, as NumPy's."""
    start()
    return device_array(array).copy_to_host()


def _tables(dtype, n_rows):
    """The tables of one step of so many rows, on the device."""
    no_stages, neutral = np.empty(0, STAGE), np.zeros((1, N_COEFFICIENTS))
    tables = step_tables(no_stages, dtype, n_rows, n_rows, neutral, 1.0)
    return [cuda.to_device(table) for table in tables]


def _real(dtype):
    """The type that values of this one become in an engine at the least."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def all_finite(rows):
    """Return whether all values of a `DeviceRows` are finite."""
    if rows.dtype.kind != "f":
        return True
    start()
    (n_rows, n), dtype = rows.shape, _real(rows.dtype)
    found = cuda.to_device(np.zeros(1, np.int64))
    with device_errors():
        kernel = kernels_of(dtype)("find_not_finite")
        grid = over_matrix(n_rows, n)
        kernel[grid](*_tables(dtype, n_rows), device_array(rows.array), n, found)
    return not found.copy_to_host()[0]


def take_rows(rows, numbers):
    """Copy some rows of a `DeviceRows` to a new array on the device."""
    start()
    n, dtype = rows.shape[1], _real(rows.dtype)
    n_bytes = len(numbers) * n * dtype.itemsize
    with device_errors("a copy of the rows for validation", n_bytes):
        out = cuda.device_array((len(numbers), n), dtype)
        order = cuda.to_device(np.ascontiguousarray(numbers, np.int64))
        kernel = kernels_of(dtype)("gather", ORDERED=True)
        grid = over_matrix(len(numbers), n)
        kernel[grid](*_tables(dtype, len(numbers)), device_array(rows.array), order, out)
    return out
