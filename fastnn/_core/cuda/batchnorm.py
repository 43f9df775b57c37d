"""Batch normalisation: twin of ``cpu/batchnorm.h``.

The sums of its backward pass are those of `column_sums` with `term_normalised`.
"""

from ._numba import cuda
from .columns import lane_sum
from .elementary import maximum, square_root
from .kernels import COLUMNS, LANES, SMALLEST, column_kernel, device, kernel, real
from .steps import CURSOR, HALTED, N_ROWS

# Whether statistics are not those of the batch; callers bind it. Of one row they never are, for it
# has no variance. And whether only means are those of the batch, as the variance stays 1.
CONSTANT_STATISTICS, ONLY_MEANS = False, False


@column_kernel
def batchnorm_statistics(
    words, reals, x, moving_mean, moving_variance, mean, variance, inverse_std, n, epsilon
):
    """Mean, biased variance and 1 / the standard deviation of the columns.

    With CONSTANT_STATISTICS they are the moving ones.
    """
    n_rows = words[words[0, CURSOR], N_ROWS]
    j = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    center, spread = real(0), real(0)
    if CONSTANT_STATISTICS or n_rows == 1:
        if j < n:
            center, spread = moving_mean[j], moving_variance[j]
    else:
        if j < n:
            for i in range(cuda.threadIdx.y, n_rows, LANES):
                center += x[i, j]
        center = lane_sum(center) / real(n_rows)
        if j < n:
            for i in range(cuda.threadIdx.y, n_rows, LANES):
                deviation = x[i, j] - center
                spread += deviation * deviation
        spread = lane_sum(spread) / real(n_rows)
        if ONLY_MEANS:
            spread = real(1)
    if j < n and cuda.threadIdx.y == 0:
        least = maximum(epsilon, real(SMALLEST))
        mean[j], variance[j] = center, spread
        inverse_std[j] = real(1) / square_root(spread + least)


@device
def normalised(x, mean, inverse_std):
    """x in standard deviations from the mean."""
    return (x - mean) * inverse_std


@kernel
def batchnorm(words, reals, x, mean, inverse_std, scale, shift, y, n):
    """y = scale * (x - mean) * inverse_std + shift"""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            y[i, j] = normalised(x[i, j], mean[j], inverse_std[j]) * scale[j] + shift[j]


@kernel
def batchnorm_gradient(words, reals, x, mean, inverse_std, scale, d_shift, d_scale, dy, n):
    """dx, in place of dy, from the sums of dy and of dy * normalised x.

    It is scale inverse_std (dy - mean dy - normalised x * mean (dy * normalised x)), without the
    means where the statistics are constant.
    """
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            gradient = dy[i, j]
            if not CONSTANT_STATISTICS and n_rows > 1:
                means = normalised(x[i, j], mean[j], inverse_std[j]) * d_scale[j] + d_shift[j]
                gradient -= means / real(n_rows)
            dy[i, j] = scale[j] * inverse_std[j] * gradient


@kernel
def batchnorm_moving(
    words, reals, mean, variance, moving_mean, moving_variance, n, momentum, correction
):
    """moving = (1 - momentum) moving + momentum batch, n / (n - correction) times its variance.

    A batch of one row has no variance, and a step that is not finite leaves no trace.
    """
    n_rows = words[words[0, CURSOR], N_ROWS]
    if words[0, HALTED] == 0 and n_rows > 1:
        unbiased = real(n_rows) / (real(n_rows) - correction)
        for j in range(cuda.grid(1), n, cuda.gridsize(1)):
            moving_mean[j] += momentum * (mean[j] - moving_mean[j])
            moving_variance[j] += momentum * (variance[j] * unbiased - moving_variance[j])
