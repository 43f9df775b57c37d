"""Rectifiers whose slope below zero is trained (He et al. 2015): twin of ``cpu/prelu.h``.

The gradient of the slopes is made by ``column_sums``, before that of x, which takes the place of
dy; where all columns share a slope, of the sums of columns.
"""

from ._numba import cuda
from .columns import ACCUMULATES, block_sum
from .kernels import THREADS, device, kernel, real
from .steps import CURSOR, N_ROWS

# Whether all columns have one slope; callers bind it.
SHARED_SLOPE = False


@kernel
def prelu(words, reals, x, slope, y, n):
    """y = x, or the slope times x below zero; x and y may be the same."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            value = x[i, j]
            own = slope[0] if SHARED_SLOPE else slope[j]
            y[i, j] = value if value > real(0) else own * value


@kernel
def prelu_gradient(words, reals, x, slope, dy, n):
    """dx in place of dy."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            own = slope[0] if SHARED_SLOPE else slope[j]
            dy[i, j] *= real(1) if x[i, j] > real(0) else own


@device
def term_below_zero(x, i, j, mean, inverse):
    """x where it is not above zero, else 0: for ``column_sums``."""
    return real(0) if x[i, j] > real(0) else x[i, j]


@kernel
def total_of_columns(columns, total, n):
    """total[0] (+)= the sum of n numbers, by one block."""
    own = real(0)
    for i in range(cuda.threadIdx.x, n, THREADS):
        own += columns[i]
    own = block_sum(own)
    if cuda.threadIdx.x == 0:
        total[0] = total[0] + own if ACCUMULATES else own
