"""The user's rows, read where they lie on the device: gathered into the engine's type.

Twin of ``cpu/rows.h``; sparse rows come here as dense ones, block by block.
"""

from ._numba import cuda
from .columns import block_sum
from .kernels import THREADS, device, kernel, real
from .steps import CURSOR, N_ROWS, START

# Whether rows come in an order of their own, or as they lie; callers bind it.
ORDERED = True


@device
def row_of(order, position):
    """The row of the data at a position in the order of rows."""
    return order[position] if ORDERED else position


@kernel
def gather(words, reals, X, order, x):
    """The rows of a batch -> x (n_rows, ld); padding is left."""
    at, n = words[0, CURSOR], X.shape[1]
    n_rows, start = words[at, N_ROWS], words[at, START]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        row = row_of(order, start + i)
        for j in range(thread[0], n, threads[0]):
            x[i, j] = real(X[row, j])


@kernel
def scatter(words, reals, y, out, first, n):
    """n columns of y (n_rows, ld) -> those of `out` from `first` on, in the rows of the batch."""
    at = words[0, CURSOR]
    n_rows, start = words[at, N_ROWS], words[at, START]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            out[start + i, first + j] = y[i, j]


@kernel
def find_not_finite(words, reals, x, n, found):
    """found[0] = 1 where a value of the first n columns is NaN or infinite."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            if x[i, j] - x[i, j] != real(0):
                found[0] = 1


@kernel
def weighted_sum(values, weights, order, total, n):
    """total[0] = sum of values times weights[order], by one block."""
    own = real(0)
    for i in range(cuda.threadIdx.x, n, THREADS):
        own += values[i] * weights[row_of(order, i)]
    own = block_sum(own)
    if cuda.threadIdx.x == 0:
        total[0] = own


@kernel
def clear(array):
    """Fill a vector with zeros."""
    for e in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[e] = real(0)
