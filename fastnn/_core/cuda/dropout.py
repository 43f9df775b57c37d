"""Dropout (Srivastava et al., JMLR 15, 2014): twin of ``cpu/dropout.h``, which tells more.

The mask of an element is made of its random word, the same bits as the CPU's: recomputed wherever
it is needed, forward and backward, never stored.
"""

from ._numba import cuda
from .kernels import device, kernel, real
from .philox import random_word
from .steps import CURSOR, KEEP_FROM, KEEP_SCALE, N_ROWS, STEP


@device
def keeps(words, at, i, j, stage, key_0, key_1):
    """Whether dropout keeps the element (i, j) in the step."""
    word = random_word(i, j, words[at, STEP], stage, key_0, key_1)
    return word >= words[at, KEEP_FROM + stage]


@kernel
def dropout(words, reals, x, y, n, stage, key_0, key_1):
    """y = x times the factor of the stage, or 0 where it drops; x and y may be the same."""
    at = words[0, CURSOR]
    n_rows, factor = words[at, N_ROWS], reals[at, KEEP_SCALE + stage]
    for e in range(cuda.grid(1), n_rows * n, cuda.gridsize(1)):
        i = e // n
        j = e - i * n
        is_kept = keeps(words, at, i, j, stage, key_0, key_1)
        y[i, j] = x[i, j] * factor if is_kept else real(0)


@kernel
def scaled(words, reals, x, y, n, factor):
    """y = factor x; x and y may be the same."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    for e in range(cuda.grid(1), n_rows * n, cuda.gridsize(1)):
        i = e // n
        j = e - i * n
        y[i, j] = factor * x[i, j]
