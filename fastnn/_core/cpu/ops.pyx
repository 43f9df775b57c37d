"""Each kernel as a Python call, for tests and benches; the engine calls the same tables.

The calls are in `ops_parts`, a file for each subject; records and codes of `program.h` are here.

Arrays go in and come out in their natural shapes; rows are padded and cropped here. Every
function takes ``isa``, the name of an instruction set, and works in the type of its first array.
``repeat`` calls the kernel that many times on the same data, to time it without Python.
"""

import numpy as np

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint64_t

from fastnn._core.cpu.engine cimport InputRows, choose_bfloat16_kernels, choose_kernels, data
from fastnn._core.cpu.kernels cimport *

from fastnn._core.program import aligned_zeros, padded

cnp.import_array()


def rows_of(a):
    """Copy a 2-D array (or a row) into rows of padded width."""
    a = np.atleast_2d(a)
    out = aligned_zeros((a.shape[0], padded(a.shape[1], a.dtype)), a.dtype)
    out[:, : a.shape[1]] = a
    return out


cdef lanes_of(a):
    """Return zeros for a sum by lanes: a cache line."""
    return aligned_zeros(64 // a.itemsize, a.dtype)


cdef char *optional(array) except? NULL:
    """Return the memory of an array, NULL for None."""
    return NULL if array is None else data(array)


cdef const int64_t *numbers_of(order) except? NULL:
    """Return the row numbers in `order`, NULL for None."""
    return <const int64_t *> optional(order)


include "ops_parts/products.pxi"
include "ops_parts/activations.pxi"
include "ops_parts/noise.pxi"
include "ops_parts/normalization.pxi"
include "ops_parts/losses.pxi"
include "ops_parts/updates.pxi"
include "ops_parts/rows.pxi"
include "constants.pxi"   # which setup.py makes of codes.py


def stage_bytes(fields):
    """Return the bytes of a `Stage` of these fields, for whoever has the same record in Python."""
    cdef Stage stage = fields
    return (<const char *> &stage)[: sizeof(Stage)]


def constants():
    """Return the codes that native code was built with, by their names in C."""
    return CONSTANTS
