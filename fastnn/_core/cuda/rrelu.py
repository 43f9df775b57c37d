"""Randomized leaky rectified units (Xu et al. 2015): twin of ``cpu/rrelu.h``.

The slope of an element is made of the upper 24 bits of its random word, which both types hold
exactly: recomputed wherever it is needed, never stored.
"""

from ._numba import cuda
from .kernels import device, kernel, real
from .philox import random_word
from .steps import CURSOR, N_ROWS, STEP


@device
def slope_at(row, column, step, stage, least, width, key_0, key_1):
    """The slope below zero: `least`, and a whole number below 2^24 times `width`."""
    bits = random_word(row, column, step, stage, key_0, key_1) >> 8
    return real(bits) * width + least


@kernel
def rrelu(words, reals, x, y, n, stage, least, width, key_0, key_1):
    """y = x, or slope x below zero; x and y may be the same."""
    at = words[0, CURSOR]
    n_rows, step = words[at, N_ROWS], words[at, STEP]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            value = x[i, j]
            slope = slope_at(i, j, step, stage, least, width, key_0, key_1)
            y[i, j] = value if value > real(0) else slope * value


@kernel
def rrelu_gradient(words, reals, y, gradient, n, stage, least, width, key_0, key_1):
    """gradient *= 1, or the slope where the value y is not above zero."""
    at = words[0, CURSOR]
    n_rows, step = words[at, N_ROWS], words[at, STEP]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            slope = slope_at(i, j, step, stage, least, width, key_0, key_1)
            gradient[i, j] *= real(1) if y[i, j] > real(0) else slope
