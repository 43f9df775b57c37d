"""Losses that compare the outputs of a row: softmax cross-entropies, and margins between classes.

A part of ``losses.py``, whose table names their functions.
"""

import math

import numpy as np

from ._numba import cuda
from .columns import block_max, block_sum
from .elementary import exponential, logarithm
from .kernels import THREADS, device, kernel, real
from .losses import MIXES, SMOOTHING, SMOOTHS, factor_of, mixed, positive_part, sign, smoothed
from .mix import MIX_WEIGHT, partner_of
from .rows import row_of
from .steps import CURSOR, N_ROWS, SHIFT, START


@device
def highest_of_thread(z, i, n):
    """The highest output of a row, of those that are the thread's."""
    most = real(-math.inf)
    for j in range(cuda.threadIdx.x, n, THREADS):
        most = z[i, j] if z[i, j] > most else most
    return most


@device
def powers_of_thread(z, i, n, most):
    """z becomes exp(z - most), of those that are the thread's; their sum."""
    total = real(0)
    for j in range(cuda.threadIdx.x, n, THREADS):
        z[i, j] = exponential(z[i, j] - most)
        total += z[i, j]
    return total


@device
def target_of_class(targets, row, j):
    """The probability of a class, where the target is one class."""
    return real(1) if targets[row] == j else real(0)


@device
def target_of_row(targets, row, j):
    """Target of an output if the targets are rows of probabilities."""
    return real(targets[row, j])


@device
def class_target(targets, row, j):
    """Placeholder to which one of the two functions above is bound."""
    return real(targets[row, j])


@device
def softmax_target(words, reals, at, targets, order, i, j, n):
    """The probability of a class, mixed and smoothed: the loss is linear in it."""
    start = words[at, START]
    y = class_target(targets, row_of(order, start + i), j)
    if MIXES:
        partner = row_of(order, start + partner_of(i, words[at, SHIFT], words[at, N_ROWS]))
        y = mixed(reals[at, MIX_WEIGHT], y, class_target(targets, partner, j))
    return smoothed(y, reals[at, SMOOTHING], n) if SMOOTHS else y


@device
def softmax_loss(words, reals, at, i, z, targets, order, weights, dz, n, parameter):
    """Softmax cross-entropy: log(sum(exp(z))) - sum(y z).

    Numba links a function that has shared memory only once: one function calls those for sums.
    """
    factor = factor_of(reals, at, weights, row_of(order, words[at, START] + i))
    chosen = real(0)
    for j in range(cuda.threadIdx.x, n, THREADS):
        y = softmax_target(words, reals, at, targets, order, i, j, n)
        if y != real(0):  # 0 times infinity is no part of the sum
            chosen += y * z[i, j]
    chosen = block_sum(chosen)
    most = block_max(highest_of_thread(z, i, n))
    total = block_sum(powers_of_thread(z, i, n, most))
    for j in range(cuda.threadIdx.x, n, THREADS):
        y = softmax_target(words, reals, at, targets, order, i, j, n)
        z[i, j] /= total
        dz[i, j] = (z[i, j] - y) * factor
    return most + logarithm(total) - chosen


@device
def weston_watkins(z, i, n, right):
    """Sum of the margin violations of all other classes.

    Returns the loss, the class that is compared with all, and the number of those that count.
    """
    value, n_near = real(0), real(0)
    for j in range(cuda.threadIdx.x, n, THREADS):
        if j != right:
            above = positive_part(real(1) + z[i, j] - z[i, right])
            value += above
            n_near += sign(above)
    value = block_sum(value)
    return value, np.int64(right), block_sum(n_near)


@device
def weston_watkins_slope(z, i, j, right, rival, n_near):
    """The derivative with respect to z[i, j]."""
    if j == right:
        return -n_near
    return real(1) if real(1) + z[i, j] - z[i, right] > real(0) else real(0)


@device
def is_higher(one, at, other, other_at):
    """Return whether an output is higher; the first of equal ones is, and NaN is the highest."""
    if one != one or other != other:
        return one != one and (other == other or at < other_at)
    return one > other or (one == other and at < other_at)


@device
def block_highest(value, at):
    """The highest of all threads' outputs and its column, for each of them."""
    most = cuda.shared.array(THREADS, real)
    columns = cuda.shared.array(THREADS, np.int64)
    thread = cuda.threadIdx.x
    cuda.syncthreads()  # those before may still be read
    most[thread] = value
    columns[thread] = at
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half:
            other = thread + half
            if is_higher(most[other], columns[other], most[thread], columns[thread]):
                most[thread], columns[thread] = most[other], columns[other]
        cuda.syncthreads()
        half //= 2
    return most[0], columns[0]


@device
def crammer_singer(z, i, n, right):
    """Margin violation of the highest of the other classes.

    Returns the loss, that class, and whether it comes closer than 1 to the right one.
    """
    most, rival = real(-math.inf), np.int64(right)
    for j in range(cuda.threadIdx.x, n, THREADS):
        if j != right and is_higher(z[i, j], j, most, rival):
            most, rival = z[i, j], j
    most, rival = block_highest(most, rival)
    value = positive_part(real(1) + most - z[i, right])
    return value, rival, real(1) if value > real(0) else real(0)


@device
def crammer_singer_slope(z, i, j, right, rival, is_near):
    """The derivative with respect to z[i, j]."""
    if j == rival:
        return is_near
    return -is_near if j == right else real(0)


@device
def margin(z, i, n, right):
    """Placeholder to which one of the functions above is bound."""
    return real(0), np.int64(right), real(0)


@device
def margin_slope(z, i, j, right, rival, near):
    """Placeholder to which one of the functions above is bound."""
    return real(0)


@device
def margin_loss(words, reals, at, i, z, targets, order, weights, dz, n, parameter):
    """A loss that compares the class of a row, an integer, with all others."""
    n_rows, start, mix = words[at, N_ROWS], words[at, START], reals[at, MIX_WEIGHT]
    row = row_of(order, start + i)
    factor, right = factor_of(reals, at, weights, row), targets[row]
    total, rival, near = margin(z, i, n, right)
    if MIXES:
        partner = row_of(order, start + partner_of(i, words[at, SHIFT], n_rows))
        other_right = targets[partner]
        value, other_rival, other_near = margin(z, i, n, other_right)
        total = mixed(mix, total, value)
    for j in range(cuda.threadIdx.x, n, THREADS):
        slope = margin_slope(z, i, j, right, rival, near)
        if MIXES:
            other = margin_slope(z, i, j, other_right, other_rival, other_near)
            slope = mixed(mix, slope, other)
        dz[i, j] = slope * factor
    return total


@kernel
def softmax_output(words, reals, z, n, parameter):
    """z -> softmax of each row, in place, a block for a row."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    for i in range(cuda.blockIdx.x, n_rows, cuda.gridDim.x):
        most = block_max(highest_of_thread(z, i, n))
        total = block_sum(powers_of_thread(z, i, n, most))
        for j in range(cuda.threadIdx.x, n, THREADS):
            z[i, j] /= total
