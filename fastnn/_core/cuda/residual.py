"""Residual connections and stochastic depth: twin of ``cpu/residual.h``.

The random word of row i is that of dropout in its first column.
"""

from ._numba import cuda
from .kernels import kernel, real
from .philox import random_word
from .steps import CURSOR, KEEP_FROM, KEEP_SCALE, N_ROWS, STEP

# What callers bind: whether rows go without the branch, and whether there is a skip, or zeros.
DROPS, HAS_SKIP = True, True


@kernel
def residual(words, reals, skip, branch, y, n, stage, key_0, key_1):
    """y = skip + factor * branch, where the factor is one for the row; all may be the same.

    It is its own gradient: with respect to the branch without the skip.
    """
    at = words[0, CURSOR]
    n_rows, step, threshold = words[at, N_ROWS], words[at, STEP], words[at, KEEP_FROM + stage]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            value = branch[i, j]
            if DROPS:
                keeps = random_word(i, 0, step, stage, key_0, key_1) >= threshold
                value *= reals[at, KEEP_SCALE + stage] if keeps else real(0)
            y[i, j] = skip[i, j] + value if HAS_SKIP else value
