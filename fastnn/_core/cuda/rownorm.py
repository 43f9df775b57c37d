"""Normalisation within a row, of groups of its columns: twin of ``cpu/rownorm.h``.

A group is n / groups neighbouring columns. Sums over the rows of the backward pass are those of
`column_sums` with `term_of_group`.
"""

from ._numba import cuda
from .batchnorm import normalised
from .columns import block_sum
from .elementary import maximum, square_root
from .kernels import SMALLEST, THREADS, device, kernel, real
from .steps import CURSOR, N_ROWS

# What callers bind: whether there are scale and shift, and whether they have a number for each
# group, not for each column; whether sums are added to what is there.
HAS_SCALE, PER_GROUP, ACCUMULATES = False, False, False


@kernel
def rownorm(words, reals, x, scale, shift, y, statistics, n, groups, epsilon):
    """y = scale * (x - mean) * inverse_std + shift, a block for each group of each row.

    `statistics` receives mean and inverse_std of each group.
    """
    n_rows = words[words[0, CURSOR], N_ROWS]
    width = n // groups
    for e in range(cuda.blockIdx.x, n_rows * groups, cuda.gridDim.x):
        i = e // groups
        g = e - i * groups
        first, end = g * width + cuda.threadIdx.x, (g + 1) * width
        total = real(0)
        for j in range(first, end, THREADS):
            total += x[i, j]
        mean = block_sum(total) / real(width)
        total = real(0)
        for j in range(first, end, THREADS):
            deviation = x[i, j] - mean
            total += deviation * deviation
        variance = block_sum(total) / real(width)
        inverse_std = real(1) / square_root(variance + maximum(epsilon, real(SMALLEST)))
        for j in range(first, end, THREADS):
            value = normalised(x[i, j], mean, inverse_std)
            if HAS_SCALE:
                at = g if PER_GROUP else j
                value = value * scale[at] + shift[at]
            y[i, j] = value
        if cuda.threadIdx.x == 0:
            statistics[i, 2 * g] = mean
            statistics[i, 2 * g + 1] = inverse_std


@kernel
def rownorm_gradient(words, reals, x, statistics, scale, dy, n, groups):
    """dx, in place of dy: that of batch norm, with the group in the batch's place."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    width = n // groups
    for e in range(cuda.blockIdx.x, n_rows * groups, cuda.gridDim.x):
        i = e // groups
        g = e - i * groups
        first, end = g * width + cuda.threadIdx.x, (g + 1) * width
        mean, inverse_std = statistics[i, 2 * g], statistics[i, 2 * g + 1]
        total, product = real(0), real(0)
        for j in range(first, end, THREADS):
            scaled = dy[i, j]
            if HAS_SCALE:
                scaled *= scale[g if PER_GROUP else j]
            total += scaled
            product += scaled * normalised(x[i, j], mean, inverse_std)
        total = block_sum(total) / real(width)
        product = block_sum(product) / real(width)
        for j in range(first, end, THREADS):
            scaled = dy[i, j]
            if HAS_SCALE:
                scaled *= scale[g if PER_GROUP else j]
            means = normalised(x[i, j], mean, inverse_std) * product + total
            dy[i, j] = inverse_std * (scaled - means)


@device
def term_of_group(x, i, j, statistics, width):
    """The normalised x, of groups of so many columns; a `column_term`."""
    g = j // width
    return normalised(x[i, j], statistics[i, 2 * g], statistics[i, 2 * g + 1])


@kernel
def group_sums(columns, sums, width, groups):
    """sums[g] (+)= the sum of the columns of a group."""
    for g in range(cuda.grid(1), groups, cuda.gridsize(1)):
        total = real(0)
        for j in range(g * width, (g + 1) * width):
            total += columns[j]
        sums[g] = sums[g] + total if ACCUMULATES else total
