"""Processing of gradients before the optimizer, and of weights after it.

Penalties, clipping, limits of the norm, where Nesterov's momentum looks, and the end of a step.
Twin of ``cpu/gradients.h``. Zeros, as in the padding of rows, stay zeros.
"""

import math

from fastnn._core.codes import Column

from ._numba import cuda
from .columns import block_sum, lane_sum
from .elementary import maximum, minimum, square_root
from .kernels import COLUMNS, LANES, SMALLEST, THREADS, column_kernel, device, kernel, real
from .normal import normal_at
from .steps import CURSOR, HALTED, SCALE, STEP
from .tasks import BASE, BIASES, FIRST, GROUP, LD, LENGTH, N_COLUMNS, STAGE, WEIGHTS

L2, L1, OWN = int(Column.L2), int(Column.L1), int(Column.OWN)
BIAS_PENALTY, WEIGHT_NOISE = int(Column.BIAS_PENALTY), int(Column.WEIGHT_NOISE)
CLIP_VALUE, CLIP_NORM = int(Column.CLIP_VALUE), int(Column.CLIP_NORM)
MAX_NORM, GRAD_NORM = int(Column.MAX_NORM), int(Column.GRAD_NORM)
SOFT_THRESHOLD = int(Column.SOFT_THRESHOLD)

# What callers bind: whether parameters are read ahead of where they are, and with noise; whether a
# step has a penalty; whether it is one of training.
LOOKS_AHEAD, ADDS_NOISE, PENALISES, TRAINS = False, False, True, True


@kernel
def publish(words, reals, tasks, parameters, velocity, read, key_0, key_1):
    """read = parameters as forward and backward of the step see them.

    They are momentum times velocity ahead, and weights have noise. It has a block for each task.
    """
    at, task = words[0, CURSOR], cuda.blockIdx.x
    begin = tasks[task, FIRST]
    base, ld, n = tasks[task, BASE], tasks[task, LD], tasks[task, N_COLUMNS]
    noise = real(0)
    if ADDS_NOISE and tasks[task, GROUP] == WEIGHTS:
        noise = reals[at, WEIGHT_NOISE]
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        value = parameters[e]
        if LOOKS_AHEAD:
            value += reals[at, OWN] * velocity[e]
        if ADDS_NOISE and noise > real(0):
            row = (e - base) // ld
            column = e - base - row * ld
            if column < n:
                value += noise * normal_at(
                    row, column, words[at, STEP], tasks[task, STAGE], key_0, key_1
                )
        read[e] = value


@device
def penalised_part(reals, at, group):
    """Fraction of the penalty that applies to a group."""
    if group == WEIGHTS:
        return real(1)
    return reals[at, BIAS_PENALTY] if group == BIASES else real(0)


@device
def penalty_slopes(reals, at, group):
    """Factors of the parameter and of its sign in the gradient of the penalty.

    The sign has none where a soft threshold follows.
    """
    part = penalised_part(reals, at, group) * reals[at, SCALE]
    l1 = real(0) if reals[at, SOFT_THRESHOLD] > real(0) else reals[at, L1]
    return part * reals[at, L2], part * l1


@device
def clip_limit(reals, at):
    """Largest magnitude of an element of the gradient."""
    limit = reals[at, CLIP_VALUE]
    return limit if limit > real(0) else real(math.inf)


@device
def finished(g, w, l2, l1, limit):
    """A gradient with those of the penalties, cut to -limit .. limit.

    The subgradient of |w| at 0 is 0. NaN passes through.
    """
    sign = l1 if w > real(0) else (-l1 if w < real(0) else real(0))
    g = g + l2 * w + sign
    return limit if g > limit else (-limit if g < -limit else g)


@device
def wants_norm(reals, at):
    """Return whether the norm of the gradient before clipping is requested."""
    return reals[at, GRAD_NORM] > real(0)


@device
def unclipped_square(g, w, l2, l1):
    """Square of a gradient with those of the penalties, before clipping."""
    g = finished(g, w, l2, l1, real(math.inf))
    return g * g


@device
def squares_of_thread(tasks, task, factor, read, gradient, l2, l1):
    """The sum of these squares over the thread's part of a task, 0 where parameters stay.

    A kernel that calls `block_sum` cannot call another function that does: Numba would link it, and
    its shared memory, twice.
    """
    begin, total = tasks[task, FIRST], real(0)
    if factor == real(0):
        return total
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        total += unclipped_square(gradient[e], read[e], l2, l1)
    return total


@kernel
def finish_gradient(words, reals, tasks, factors, read, gradient, squares, unclipped_squares):
    """Add the gradients of penalties to those of tasks, and clip them by value, in place.

    squares[task] = sum of g^2, 0 for frozen parameters; unclipped_squares[task] is the same before
    clipping, if the norm is requested. It has a block for each task.
    """
    if words[0, HALTED] != 0:
        return
    at, task = words[0, CURSOR], cuda.blockIdx.x
    l2, l1 = penalty_slopes(reals, at, tasks[task, GROUP])
    limit = clip_limit(reals, at)
    if wants_norm(reals, at):
        total = block_sum(squares_of_thread(tasks, task, factors[task], read, gradient, l2, l1))
        if cuda.threadIdx.x == 0:
            unclipped_squares[task] = total
    begin, total = tasks[task, FIRST], real(0)
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        g = finished(gradient[e], read[e], l2, l1, limit)
        gradient[e] = g
        total += g * g
    total = block_sum(total)
    if cuda.threadIdx.x == 0:
        squares[task] = total if factors[task] != real(0) else real(0)


@device
def sum_of_thread(values, first, last):
    """The sum of values[first:last], of those that are the thread's."""
    own = real(0)
    for i in range(first + cuda.threadIdx.x, last, THREADS):
        own += values[i]
    return own


@device
def sum_of(values, first, last):
    """The sum of values[first:last], for each thread of the block."""
    return block_sum(sum_of_thread(values, first, last))


@kernel
def clip_factor(words, reals, squares, clip, n_tasks):
    """clip[0] = what takes the gradient to a norm of at most CLIP_NORM, by one block."""
    if words[0, HALTED] != 0:
        return
    most = reals[words[0, CURSOR], CLIP_NORM]
    norm = square_root(sum_of(squares, 0, n_tasks))
    if cuda.threadIdx.x == 0:
        clip[0] = minimum(most / (norm + real(1e-6)), real(1)) if most > real(0) else real(1)


@column_kernel
def limit_columns(words, reals, w, factor, n_in, n):
    """Columns of a weight (n_in, n) get a norm of at most MAX_NORM, if that is above 0."""
    most = reals[words[0, CURSOR], MAX_NORM]
    if words[0, HALTED] != 0 or factor == real(0) or not most > real(0):
        return
    j = cuda.blockIdx.x * COLUMNS + cuda.threadIdx.x
    square = real(0)
    if j < n:
        for i in range(cuda.threadIdx.y, n_in, LANES):
            square += w[i, j] * w[i, j]
    norm = square_root(lane_sum(square))
    if j < n and norm > most:
        scale = most / maximum(norm, SMALLEST)
        for i in range(cuda.threadIdx.y, n_in, LANES):
            w[i, j] *= scale


@device
def penalty_of(reals, at, squares, magnitudes):
    """The penalty of a step, of the sums of w^2 and |w| of all that is penalised."""
    penalty = real(0.5) * reals[at, L2] * reals[at, SCALE] * squares
    if reals[at, L1] > real(0):
        penalty += reals[at, L1] * reals[at, SCALE] * magnitudes
    return penalty


@kernel
def end_step(words, reals, penalties, magnitudes, unclipped_squares, losses, n_tasks):
    """The penalty of a step and the norm of its gradient -> losses, and on to the next.

    By one block, the last of the step.
    """
    if words[0, HALTED] != 0:
        return
    at = words[0, CURSOR]
    penalty = real(0)
    if TRAINS and PENALISES:
        squares, sizes = sum_of(penalties, 0, n_tasks), sum_of(magnitudes, 0, n_tasks)
        penalty = penalty_of(reals, at, squares, sizes)
    if TRAINS and wants_norm(reals, at):
        norm = square_root(sum_of(unclipped_squares, 0, n_tasks))
        if cuda.threadIdx.x == 0:
            losses[at - 1, 2] = norm
    cuda.syncthreads()  # all have read which step this is
    if cuda.threadIdx.x == 0:
        if TRAINS:
            losses[at - 1, 1] = penalty
        words[0, CURSOR] = at + 1
