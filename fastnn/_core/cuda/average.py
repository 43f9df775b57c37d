"""Averages of the parameters that training goes through: twin of ``cpu/average.h``."""

from fastnn._core.codes import Column

from ._numba import cuda
from .kernels import kernel, real
from .steps import CURSOR, HALTED

AVERAGE = int(Column.AVERAGE)


@kernel
def average(words, reals, parameters, average, n):
    """average += weight (parameters - average), all n of the arena.

    In this form the average of parameters that stay comes to be these parameters.
    """
    weight = reals[words[0, CURSOR], AVERAGE]
    if words[0, HALTED] != 0 or not weight > real(0):
        return
    for e in range(cuda.grid(1), n, cuda.gridsize(1)):
        average[e] += weight * (parameters[e] - average[e])
