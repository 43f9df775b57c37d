"""The largest of k linear pieces (Goodfellow et al. 2013): twin of ``cpu/maxout.h``.

Piece p of unit j is column p n + j. The first of equal pieces counts. NaN passes through.
"""

from ._numba import cuda
from .kernels import kernel, real
from .steps import CURSOR, N_ROWS


@kernel
def maxout(words, reals, x, y, n, k):
    """y = the largest of the k pieces of each of n units."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            most = x[i, j]
            for p in range(1, k):
                other = x[i, p * n + j]
                if other > most or other != other:
                    most = other
            y[i, j] = most


@kernel
def maxout_gradient(words, reals, x, y, dy, dx, n, k):
    """dx = dy in the first piece that is the largest, 0 in the others; dx and x may be the same."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            left = dy[i, j]
            for p in range(k):
                taken = left if x[i, p * n + j] == y[i, j] else real(0)
                dx[i, p * n + j] = taken
                left -= taken
