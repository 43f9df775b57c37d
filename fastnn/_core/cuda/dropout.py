"""Dropout (Srivastava et al., JMLR 15, 2014): twin of ``cpu/dropout.h``, which has the details.

The mask of an element is made of its random word, the same bits as the CPU's: recomputed wherever
it is needed, forward and backward, never stored.
"""

from ._numba import cuda
from .kernels import device, kernel, real
from .philox import random_word
from .steps import CURSOR, KEEP_FROM, KEEP_SCALE, N_ROWS, STEP


@device
def keeps(words, at, i, j, stage, key_0, key_1):
    """Return whether dropout keeps the element (i, j) in the step."""
    word = random_word(i, j, words[at, STEP], stage, key_0, key_1)
    return word >= words[at, KEEP_FROM + stage]


@kernel
def dropout(words, reals, x, y, n, stage, key_0, key_1):
    """y = x times the factor of the stage, or 0 where it drops; x and y may be the same."""
    at = words[0, CURSOR]
    n_rows, factor = words[at, N_ROWS], reals[at, KEEP_SCALE + stage]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            is_kept = keeps(words, at, i, j, stage, key_0, key_1)
            y[i, j] = x[i, j] * factor if is_kept else real(0)


@kernel
def scaled(words, reals, x, y, n, factor):
    """y = factor x; x and y may be the same."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            y[i, j] = factor * x[i, j]
