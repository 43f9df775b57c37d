"""Optimizers: twin of ``cpu/optimizers.h``, which describes each rule.

A rule works on one parameter. It takes its own coefficients, the learning rate, the factor that is
in this rate, the part of the weight that decays, the parameter, its gradient and three slots, of
which it has as many as it needs; and returns the parameter and the slots. Where parameter, gradient
and slots are 0, as in the padding of rows, every rule leaves them 0.
"""

from fastnn._core.codes import Column, Rule

from ._numba import cuda
from .columns import block_sum
from .elementary import maximum, minimum, square_root
from .gradients import (
    clip_limit,
    finished,
    penalised_part,
    penalty_slopes,
    squares_of_thread,
    sum_of,
    wants_norm,
)
from .kernels import SMALLEST, THREADS, device, kernel, real
from .steps import CURSOR, HALTED, SCALE
from .tasks import FIRST, GROUP, LENGTH, WEIGHT, WEIGHT_BEGIN, WEIGHT_END, WEIGHTS

LEARNING_RATE, DECAY, OWN = int(Column.LEARNING_RATE), int(Column.DECAY), int(Column.OWN)
SOFT_THRESHOLD = int(Column.SOFT_THRESHOLD)

# What callers bind: slots of the rule; whether `finish_gradient` ran before; whether weights decay
# before the rule has them, which with LAMB is a part of the direction; whether there is a penalty.
N_SLOTS, IS_FINISHED, DECAYS_AT_ONCE, PENALISES = 0, False, True, True
# And for `soft_threshold`: the slot whose root divides the step, below 0 for none, and the place of
# its epsilon among the rule's own coefficients; whether a velocity takes part, and is Nesterov's.
ROOT_SLOT, ROOT_EPSILON, HAS_VELOCITY, IS_NESTEROVS = -1, 0, False, False


@device
def own_coefficients(reals, at):
    """Return the rule's own coefficients."""
    return (
        reals[at, OWN],
        reals[at, OWN + 1],
        reals[at, OWN + 2],
        reals[at, OWN + 3],
        reals[at, OWN + 4],
        reals[at, OWN + 5],
        reals[at, OWN + 6],
    )


@device
def sgd(own, rate, factor, decay, w, g, s0, s1, s2):
    return w - rate * g, s0, s1, s2


@device
def momentum(own, rate, factor, decay, w, g, s0, s1, s2):
    velocity = own[0] * s0 - rate * g
    return w + velocity, velocity, s1, s2


@device
def nesterov(own, rate, factor, decay, w, g, s0, s1, s2):
    velocity = own[0] * s0 - rate * g
    return w + (own[0] * velocity - rate * g), velocity, s1, s2


@device
def adam(own, rate, factor, decay, w, g, s0, s1, s2):
    """scikit-learn's, which adds epsilon to the root before the bias is corrected.

    Its own: beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon.
    """
    first = own[0] * s0 + own[1] * g
    second = own[2] * s1 + own[3] * g * g
    root = square_root(second) + maximum(own[4], SMALLEST)
    return w - rate * first / root, first, second, s2


@device
def averaged(own, rate, factor, decay, w, g, s0, s1, s2):
    """Momentum by an average or a sum; own coefficients: beta, and the weight of the gradient."""
    mean = own[0] * s0 + own[1] * g
    return w - rate * mean, mean, s1, s2


@device
def nesterov_averaged(own, rate, factor, decay, w, g, s0, s1, s2):
    mean = own[0] * s0 + own[1] * g
    return w - rate * (own[0] * mean + own[1] * g), mean, s1, s2


@device
def adagrad(own, rate, factor, decay, w, g, s0, s1, s2):
    """Adagrad; own coefficients: epsilon."""
    total = s0 + g * g
    return w - rate * g / (square_root(total) + maximum(own[0], SMALLEST)), total, s1, s2


@device
def adadelta(own, rate, factor, decay, w, g, s0, s1, s2):
    """Adadelta; own coefficients: rho, 1 - rho, epsilon."""
    epsilon = maximum(own[2], SMALLEST)
    square = own[0] * s0 + own[1] * g * g
    change = square_root(s1 + epsilon) / square_root(square + epsilon) * g
    changes = own[0] * s1 + own[1] * change * change
    return w - rate * change, square, changes, s2


@device
def rmsprop(own, rate, factor, decay, w, g, s0, s1, s2):
    """RMSprop; own coefficients: rho, 1 - rho, epsilon; of the next two rules also momentum."""
    square = own[0] * s0 + own[1] * g * g
    return w - rate * g / (square_root(square) + maximum(own[2], SMALLEST)), square, s1, s2


@device
def rmsprop_momentum(own, rate, factor, decay, w, g, s0, s1, s2):
    square = own[0] * s0 + own[1] * g * g
    velocity = own[3] * s1 + g / (square_root(square) + maximum(own[2], SMALLEST))
    return w - rate * velocity, square, velocity, s2


@device
def rmsprop_centered(own, rate, factor, decay, w, g, s0, s1, s2):
    """The mean square about the mean, which rounding may take below 0."""
    square = own[0] * s0 + own[1] * g * g
    mean = own[0] * s2 + own[1] * g
    variance = maximum(square - mean * mean, real(0))
    velocity = own[3] * s1 + g / (square_root(variance) + maximum(own[2], SMALLEST))
    return w - rate * velocity, square, velocity, mean


@device
def rprop(own, rate, factor, decay, w, g, s0, s1, s2):
    """A size of 0 is one that has not begun: it does with the first gradient, at the learning rate.

    A gradient whose product with the last is below the last coefficient is forgotten, and the
    parameter stays for this step. Its own: eta_minus, eta_plus, step_min, step_max, and 0 or minus
    infinity.
    """
    turn = g * s0
    begun = s1 if s1 > real(0) else rate
    growth = own[1] if turn > real(0) else (own[0] if turn < real(0) else real(1))
    bounded = minimum(maximum(begun * growth, maximum(own[2], SMALLEST)), own[3])
    size = s1 if g == real(0) else bounded
    remembered = real(0) if turn < own[4] else g
    step = size if remembered > real(0) else (-size if remembered < real(0) else real(0))
    return w - step, remembered, size, s2


@device
def moments(own, rate, factor, decay, w, g, s0, s1, s2):
    """AdamW, NAdam and RAdam: they differ in their coefficients.

    The learning rate is the weight of the first moment, divided by what corrects its bias; the
    gradient's weight is a learning rate too. Its own: beta_1, 1 - beta_1, beta_2, 1 - beta_2,
    weights of the root, epsilon and the gradient.
    """
    first = own[0] * s0 + own[1] * g
    second = own[2] * s1 + own[3] * g * g
    root = own[4] * square_root(second) + maximum(own[5], SMALLEST)
    return w - (rate * first + own[6] * factor * g) / root, first, second, s2


@device
def amsgrad(own, rate, factor, decay, w, g, s0, s1, s2):
    """AMSGrad; own: beta_1, 1 - beta_1, beta_2, 1 - beta_2, weight of the root, epsilon."""
    first = own[0] * s0 + own[1] * g
    second = own[2] * s1 + own[3] * g * g
    largest = maximum(second, s2)
    root = own[4] * square_root(largest) + maximum(own[5], SMALLEST)
    return w - rate * first / root, first, second, largest


@device
def lamb(own, rate, factor, decay, w, g, s0, s1, s2):
    """The first half of LAMB: it returns the direction of the step in place of the parameter.

    The length of the step depends on the norms of the whole layer. Its own: beta_1, 1 - beta_1,
    beta_2, 1 - beta_2, weights of the root, epsilon and the first moment.
    """
    first = own[0] * s0 + own[1] * g
    second = own[2] * s1 + own[3] * g * g
    root = own[4] * square_root(second) + maximum(own[5], SMALLEST)
    return decay * w + own[6] * first / root, first, second, s2


#: The name of the rule of each code, for `update_rule`.
RULES = {
    Rule.SGD: "sgd",
    Rule.MOMENTUM: "momentum",
    Rule.NESTEROV: "nesterov",
    Rule.ADAM: "adam",
    Rule.AVERAGED: "averaged",
    Rule.ADAGRAD: "adagrad",
    Rule.ADADELTA: "adadelta",
    Rule.RMSPROP: "rmsprop",
    Rule.RMSPROP_MOMENTUM: "rmsprop_momentum",
    Rule.RMSPROP_CENTERED: "rmsprop_centered",
    Rule.RPROP: "rprop",
    Rule.MOMENTS: "moments",
    Rule.AMSGRAD: "amsgrad",
    # The same step; the gradient is taken elsewhere.
    Rule.LOOK_AHEAD: "momentum",
    Rule.LAMB: "lamb",
    Rule.NESTEROV_AVERAGED: "nesterov_averaged",
}


#: Bindings of `soft_threshold`; it has none of other rules.
PROXIMAL = {
    Rule.ADAM: {"ROOT_SLOT": 1, "ROOT_EPSILON": 4},
    Rule.ADAGRAD: {"ROOT_SLOT": 0, "ROOT_EPSILON": 0},
    Rule.MOMENTUM: {"HAS_VELOCITY": True},
    Rule.LOOK_AHEAD: {"HAS_VELOCITY": True},
    Rule.NESTEROV: {"HAS_VELOCITY": True, "IS_NESTEROVS": True},
}


@device
def update_rule(own, rate, factor, decay, w, g, s0, s1, s2):
    """Placeholder to which one of the rules above is bound."""
    return w, s0, s1, s2


@device
def rate_and_decay(reals, at, group, factor):
    """The learning rate of a group, and what part of its parameters decays."""
    rate, decay = reals[at, LEARNING_RATE] * factor, real(0)
    if group == WEIGHTS:
        decay = reals[at, DECAY] * factor if DECAYS_AT_ONCE else reals[at, DECAY]
    return rate, decay


@device
def updated(own, rate, factor, decay, w, g, slots, e):
    """Apply the rule to parameter e, and write its slots."""
    s0, s1, s2 = real(0), real(0), real(0)
    if N_SLOTS > 0:
        s0 = slots[0, e]
    if N_SLOTS > 1:
        s1 = slots[1, e]
    if N_SLOTS > 2:
        s2 = slots[2, e]
    if DECAYS_AT_ONCE:
        w -= decay * w
    w, s0, s1, s2 = update_rule(own, rate, factor, decay, w, g, s0, s1, s2)
    if N_SLOTS > 0:
        slots[0, e] = s0
    if N_SLOTS > 1:
        slots[1, e] = s1
    if N_SLOTS > 2:
        slots[2, e] = s2
    return w


@kernel
def optimize(
    words,
    reals,
    tasks,
    factors,
    read,
    parameters,
    gradient,
    slots,
    clip,
    penalties,
    magnitudes,
    unclipped_squares,
):
    """Step of the optimizer, with the sums of the penalty.

    penalties[task] = sum of w^2 and magnitudes[task] = sum of |w| of penalised parameters, before
    the step; unclipped_squares[task] is as in `finish_gradient`. LAMB does not change parameters,
    but replaces the gradient by its direction. It has a block for each task.
    """
    if words[0, HALTED] != 0:
        return
    at, task = words[0, CURSOR], cuda.blockIdx.x
    group, factor = tasks[task, GROUP], factors[task]
    part, limit = penalised_part(reals, at, group), clip_limit(reals, at)
    l2, l1 = penalty_slopes(reals, at, group)
    rate, decay = rate_and_decay(reals, at, group, factor)
    own = own_coefficients(reals, at)
    scale = clip[0] if IS_FINISHED else real(1)
    if not IS_FINISHED and wants_norm(reals, at):
        total = block_sum(squares_of_thread(tasks, task, factor, read, gradient, l2, l1))
        if cuda.threadIdx.x == 0:
            unclipped_squares[task] = total
    square, magnitude = real(0), real(0)
    begin = tasks[task, FIRST]
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        seen = read[e]
        if PENALISES:
            square += seen * seen
            magnitude += abs(seen)
        if factor != real(0):
            g = gradient[e]
            g = g * scale if IS_FINISHED else finished(g, seen, l2, l1, limit)
            w = updated(own, rate, factor, decay, parameters[e], g, slots, e)
            if DECAYS_AT_ONCE:
                parameters[e] = w
            else:
                gradient[e] = w
    if PENALISES:
        square, magnitude = block_sum(square), block_sum(magnitude)
        if cuda.threadIdx.x == 0:
            penalties[task] = square if part != real(0) else real(0)
            magnitudes[task] = magnitude if part != real(0) else real(0)


@kernel
def soft_threshold(words, reals, tasks, factors, parameters, slots):
    """Move penalised parameters towards 0 after a step, and their velocities with them.

    With Nesterov momentum, a step contains 1 + momentum times the new update. It has a block for
    each task.
    """
    at, task = words[0, CURSOR], cuda.blockIdx.x
    threshold = reals[at, SOFT_THRESHOLD] * penalised_part(reals, at, tasks[task, GROUP])
    threshold *= factors[task] * reals[at, SCALE]
    if words[0, HALTED] != 0 or not threshold > real(0):
        return
    begin = tasks[task, FIRST]
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        limit, w = threshold, parameters[e]
        if ROOT_SLOT >= 0:
            root = square_root(slots[ROOT_SLOT, e])
            limit /= root + maximum(reals[at, OWN + ROOT_EPSILON], SMALLEST)
        change = minimum(maximum(w, -limit), limit)
        parameters[e] = w - change
        if HAS_VELOCITY:
            slots[0, e] -= change / (real(1) + reals[at, OWN]) if IS_NESTEROVS else change


@kernel
def lamb_sums(words, reals, tasks, parameters, gradient, weight_squares, direction_squares):
    """The sums of squares of each task's parameters, and of the direction of their step."""
    if words[0, HALTED] != 0:
        return
    task = cuda.blockIdx.x
    begin, weight, direction = tasks[task, FIRST], real(0), real(0)
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        weight += parameters[e] * parameters[e]
        direction += gradient[e] * gradient[e]
    weight, direction = block_sum(weight), block_sum(direction)
    if cuda.threadIdx.x == 0:
        weight_squares[task] = weight
        direction_squares[task] = direction


@kernel
def trust_ratios(words, reals, tasks, weight_squares, direction_squares, ratios, n_weights):
    """The norm of each weight divided by that of its direction; 1 where either is 0.

    It has a block for each weight.
    """
    weight = cuda.blockIdx.x
    if words[0, HALTED] != 0 or weight >= n_weights:
        return
    begin, end = tasks[weight, WEIGHT_BEGIN], tasks[weight, WEIGHT_END]
    norm = square_root(sum_of(weight_squares, begin, end))
    length = square_root(sum_of(direction_squares, begin, end))
    if cuda.threadIdx.x == 0:
        ratios[weight] = norm / length if norm > real(0) and length > real(0) else real(1)


@kernel
def lamb_step(words, reals, tasks, factors, parameters, gradient, ratios):
    """The second half of LAMB: the step along its direction. It has a block for each task."""
    at, task = words[0, CURSOR], cuda.blockIdx.x
    if words[0, HALTED] != 0 or factors[task] == real(0):
        return
    rate, weight = reals[at, LEARNING_RATE] * factors[task], tasks[task, WEIGHT]
    if weight >= 0:
        rate *= ratios[weight]
    begin = tasks[task, FIRST]
    for e in range(begin + cuda.threadIdx.x, begin + tasks[task, LENGTH], THREADS):
        parameters[e] -= rate * gradient[e]
