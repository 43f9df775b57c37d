"""Declarations that ops.pyx shares with the engine."""

from libc.stdint cimport int64_t

cimport numpy as cnp

from fastnn._core.cpu.kernels cimport Bfloat16Kernels, Kernels, Rows

cdef char *data(array) except? NULL
cdef const Kernels *choose_kernels(name, dtype) except NULL
cdef const Bfloat16Kernels *choose_bfloat16_kernels(name) except NULL

cdef class InputRows:
    cdef Rows rows
    cdef object arrays, pins
    cdef read_dense(self, cnp.ndarray X)
    cdef read_sparse(self, X)
    cdef int64_t most_entries(self, int64_t n_rows) except -1
