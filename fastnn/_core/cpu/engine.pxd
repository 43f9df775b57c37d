"""What ops.pyx shares with the engine."""

from fastnn._core.cpu.kernels cimport Bfloat16Kernels, Kernels, Rows

cdef char *data(array) except? NULL
cdef const Kernels *choose_kernels(name, dtype) except NULL
cdef const Bfloat16Kernels *choose_bfloat16_kernels(name) except NULL

cdef class Data:
    cdef Rows rows
    cdef object arrays
