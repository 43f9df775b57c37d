"""Weights of the losses of several heads, trained log variances among them.

Twin of ``cpu/headweights.h``. `numbers` has a row for each head: the factor of its loss, and what
is added to it; then its mean loss in this batch, and the part of the weight of all rows in that.
"""

from ._numba import cuda
from .columns import ACCUMULATES, block_sum
from .elementary import exponential
from .kernels import THREADS, device, kernel, real
from .losses import TRAINS, factor_of
from .rows import row_of
from .steps import CURSOR, HALTED, N_ROWS, START

FACTOR, ADDED, LOSS, PART = range(4)


@kernel
def head_weight(log_variance, weight, terms, numbers):
    """Factor of the loss of a head, and what is added to it, by one thread."""
    numbers[FACTOR] = weight * exponential(-log_variance[0])
    numbers[ADDED] = weight * terms / real(2) * log_variance[0]


@kernel
def log_variance_gradient(numbers, weight, terms, gradient):
    """gradient[0] (+)= the derivative of the loss of all heads, by one thread."""
    own = weight * terms / real(2) * numbers[PART] - numbers[FACTOR] * numbers[LOSS]
    gradient[0] = gradient[0] + own if ACCUMULATES else own


@kernel
def scale_gradient(words, reals, numbers, dz, n):
    """dz of a head, times the factor of its loss."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            dz[i, j] *= numbers[FACTOR]


@device
def loss_of_thread(words, reals, at, row_loss, head, weights, order):
    """The weighted sum of the losses of a head over the rows that are the thread's."""
    total = real(0)
    for i in range(cuda.threadIdx.x, words[at, N_ROWS], THREADS):
        row = row_of(order, words[at, START] + i)
        total += row_loss[head, i] * factor_of(reals, at, weights, row)
    return total


@device
def part_of_thread(words, reals, at, weights, order):
    """The part of the weight of all rows that is in those of the thread."""
    total = real(0)
    for i in range(cuda.threadIdx.x, words[at, N_ROWS], THREADS):
        total += factor_of(reals, at, weights, row_of(order, words[at, START] + i))
    return total


@kernel
def mean_losses(words, reals, row_loss, weights, order, losses, numbers, n_heads):
    """The mean loss of each head, and their weighted sum -> losses of the step, by one block.

    Where that is not finite and TRAINS, training halts.
    """
    at = words[0, CURSOR]
    part = block_sum(part_of_thread(words, reals, at, weights, order))
    total = real(0)
    for head in range(n_heads):
        loss = block_sum(loss_of_thread(words, reals, at, row_loss, head, weights, order))
        total += loss * numbers[head, FACTOR] + numbers[head, ADDED] * part
        if cuda.threadIdx.x == 0:
            numbers[head, LOSS] = loss
            numbers[head, PART] = part
            losses[at - 1, 3 + head] = loss
    if cuda.threadIdx.x == 0:
        losses[at - 1, 0] = total
        if TRAINS and total - total != real(0):
            words[0, HALTED] = 1
