"""Sums over a block's values, and over the rows of a batch for each column.

Each sum is of one order, whatever the device: threads sum what is their own, then halves of the
block are added to each other. Twin of ``cpu/columns.h``, which has another order.
"""

from ._numba import cuda
from .kernels import COLUMNS, LANES, THREADS, column_kernel, device, real
from .steps import CURSOR, N_ROWS

# What callers bind.
ACCUMULATES, WITH_PRODUCTS = False, True


@device
def block_sum(value):
    """The sum of all threads' values, for each of them; all threads of a block call it."""
    sums = cuda.shared.array(THREADS, real)
    thread = cuda.threadIdx.x
    cuda.syncthreads()  # the sum before may still be read
    sums[thread] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half:
            sums[thread] += sums[thread + half]
        cuda.syncthreads()
        half //= 2
    return sums[0]


@device
def block_max(value):
    """The largest of all threads' values, for each of them."""
    most = cuda.shared.array(THREADS, real)
    thread = cuda.threadIdx.x
    cuda.syncthreads()
    most[thread] = value
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half and most[thread + half] > most[thread]:
            most[thread] = most[thread + half]
        cuda.syncthreads()
        half //= 2
    return most[0]


@device
def lane_sum(value):
    """The sum over the threads of a column, for each of them; blocks are (COLUMNS, LANES)."""
    sums = cuda.shared.array((LANES, COLUMNS), real)
    column, lane = cuda.threadIdx.x, cuda.threadIdx.y
    cuda.syncthreads()
    sums[lane, column] = value
    cuda.syncthreads()
    half = LANES // 2
    while half > 0:
        if lane < half:
            sums[lane, column] += sums[lane + half, column]
        cuda.syncthreads()
        half //= 2
    return sums[0, column]


@device
def term_itself(x, i, j, mean, inverse):
    """x: the gradient of a factor of the column."""
    return x[i, j]


@device
def term_normalised(x, i, j, mean, inverse):
    """The normalised x, of batch norm."""
    return (x[i, j] - mean[j]) * inverse[j]


@device
def term_nothing(x, i, j, mean, inverse):
    """0: batch norm of means only has no scale to train."""
    return real(0)


@device
def column_term(x, i, j, mean, inverse):
    """Factor of dy; placeholder to which one of the functions ``term_..`` is bound."""
    return x[i, j]


@column_kernel
def column_sums(words, reals, x, dy, mean, inverse, products, sums, n):
    """products[j] (+)= sum of dy * column_term, and sums[j] (+)= sum of dy, over the rows."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    j = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    product, total = real(0), real(0)
    if j < n:
        for i in range(cuda.threadIdx.y, n_rows, LANES):
            total += dy[i, j]
            if WITH_PRODUCTS:
                product += dy[i, j] * column_term(x, i, j, mean, inverse)
    total = lane_sum(total)
    if WITH_PRODUCTS:
        product = lane_sum(product)
    if j < n and cuda.threadIdx.y == 0:
        sums[j] = sums[j] + total if ACCUMULATES else total
        if WITH_PRODUCTS:
            products[j] = products[j] + product if ACCUMULATES else product
