"""Weight normalisation: twin of ``cpu/weightnorm.h``.

A unit's weights are g v / |v|, so that its output is (x v) scale + bias with scale = g / |v|. The
sums of its backward pass are those of `column_sums` with `term_itself`.
"""

from ._numba import cuda
from .columns import lane_sum
from .elementary import maximum, square_root
from .kernels import COLUMNS, LANES, SMALLEST, column_kernel, kernel, real
from .steps import CURSOR, N_ROWS

# Whether gradients are added to what is there; callers bind it.
ACCUMULATES = False


@column_kernel
def weightnorm_scales(words, reals, v, g, inverse, scale, n_in, n):
    """inverse = 1 / |v| and scale = g / |v|, of columns of n_in weights.

    Weights of zero stay finite.
    """
    j = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    total = real(0)
    if j < n:
        for i in range(cuda.threadIdx.y, n_in, LANES):
            total += v[i, j] * v[i, j]
    total = maximum(lane_sum(total), real(SMALLEST))
    if j < n and cuda.threadIdx.y == 0:
        inverse[j] = real(1) / square_root(total)
        scale[j] = g[j] * inverse[j]


@kernel
def weightnorm(words, reals, x, scale, bias, y, n):
    """y = x scale + bias"""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            y[i, j] = x[i, j] * scale[j] + bias[j]


@kernel
def weightnorm_gradient(words, reals, scale, dy, n):
    """dx = dy scale, in place of dy."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            dy[i, j] *= scale[j]


@kernel
def weightnorm_vectors(d_scale, inverse, d_sum, dg, d_bias, n):
    """dg (+)= d_scale / |v| and d_bias (+)= d_sum"""
    for j in range(cuda.grid(1), n, cuda.gridsize(1)):
        own = d_scale[j] * inverse[j]
        dg[j] = dg[j] + own if ACCUMULATES else own
        d_bias[j] = d_bias[j] + d_sum[j] if ACCUMULATES else d_sum[j]


@kernel
def weightnorm_correct(d_scale, scale, inverse, v, dv, n_in, n):
    """dv -= d_scale g / |v|^3 v: what the norm takes out of the gradient."""
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_in, threads[1]):
        for j in range(thread[0], n, threads[0]):
            dv[i, j] -= d_scale[j] * scale[j] * inverse[j] * inverse[j] * v[i, j]
