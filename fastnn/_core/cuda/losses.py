"""Losses of a row as functions of the last pre-activation z: twin of ``cpu/losses.h``.

A loss of single outputs has one line in the table below: its value in terms of z, its derivative
in terms of the output, and the output. Losses that compare the outputs of a row are functions of
``class_losses.py``. All do the same with the same arguments: z becomes the output activation, dz
the gradient with respect to z, and they return the loss of the row.

Row i of the batch has the target and the weight of row ``row_of(order, start + i)`` of the data; of
mixed rows, loss and gradient are those of their own targets and of their partners', mixed. Values
come from z, not from rounded probabilities, so none can be log(0). NaN passes to the value:
comparisons are written such that it is what remains.
"""

from fastnn._core.codes import LOSSES, Column

from ._numba import cuda
from .columns import block_sum
from .elementary import exponential, logarithm, logarithm_of_1_plus
from .kernels import SMALLEST, THREADS, device, kernel, real
from .mix import MIX_WEIGHT, partner_of
from .rows import row_of
from .steps import CURSOR, HALTED, N_ROWS, SCALE, SHIFT, START

#: Column of `reals`: how much of a target is spread over all classes.
SMOOTHING = int(Column.SMOOTHING)

# What callers bind: whether rows have weights, are mixed, have labels that are smoothed; whether
# training goes on with the losses.
HAS_WEIGHTS, MIXES, SMOOTHS, TRAINS = False, False, False, False
# What the tables below bind: whether a target is a probability, and can be smoothed.
IS_PROBABILITY = False


# --- formulas -------------------------------------------------------------------------------------
# z is the pre-activation, y the target, a the loss's parameter.


@device
def sign(x):
    """1, -1, or 0 at 0."""
    if x > real(0):
        return real(1)
    return real(-1) if x < real(0) else real(0)


@device
def magnitude(x):
    return -x if x < real(0) else x


@device
def positive_part(x):
    return real(0) if x < real(0) else x


@device
def side(y):
    """1 for the target 1, -1 for the target 0."""
    return real(2) * y - real(1)


@device
def power(size, p):
    """size^p, where size is not negative; 0 where it is denormal."""
    if size < real(SMALLEST):
        return real(0)
    return exponential(p * logarithm(size))


@device
def cut_off(x, most):
    """x, at most so far away from 0."""
    x = most if x > most else x
    return -most if x < -most else x


@device
def squared_error_loss(z, y, a):
    return real(0.5) * (z - y) * (z - y)


@device
def error(z, y, a):
    """The derivative of all losses that fit their output activation."""
    return z - y


@device
def binary_log_loss(z, y, a):
    return logarithm_of_1_plus(exponential(-magnitude(z))) + positive_part(z) - z * y


@device
def poisson_loss(z, y, a):
    """Half the deviance: y log(y) - y z - y + exp(z), 0 log(0) = 0."""
    return y * logarithm(y if y > real(0) else real(1)) - y * z - y + exponential(z)


@device
def absolute_error_loss(z, y, a):
    return magnitude(z - y)


@device
def absolute_error_derivative(z, y, a):
    return sign(z - y)


@device
def huber_loss(z, y, a):
    """e^2 / 2, or a (|e| - a / 2) where |e| > a."""
    bounded = cut_off(z - y, a)
    return bounded * (z - y - real(0.5) * bounded)


@device
def huber_derivative(z, y, a):
    return cut_off(z - y, a)


@device
def minkowski_loss(z, y, a):
    return power(magnitude(z - y), a) / a


@device
def minkowski_derivative(z, y, a):
    return sign(z - y) * power(magnitude(z - y), a - real(1))


@device
def quantile_loss(z, y, a):
    return (real(1) - a) * (z - y) if z > y else a * (y - z)


@device
def quantile_derivative(z, y, a):
    if z > y:
        return real(1) - a
    return -a if z < y else real(0)


@device
def hinge_loss(z, y, a):
    return positive_part(real(1) - side(y) * z)


@device
def hinge_derivative(z, y, a):
    return -side(y) if real(1) - side(y) * z > real(0) else real(0)


@device
def squared_hinge_loss(z, y, a):
    return hinge_loss(z, y, a) * hinge_loss(z, y, a)


@device
def squared_hinge_derivative(z, y, a):
    return real(-2) * side(y) * hinge_loss(z, y, a)


@device
def perceptron_loss(z, y, a):
    return positive_part(-side(y) * z)


@device
def perceptron_derivative(z, y, a):
    """Derivative of the perceptron loss; at 0 that of z < 0, as in Rosenblatt's rule."""
    return (real(1) if z > real(0) else real(0)) - y


@device
def linear_loss(z, y, a):
    return z * y


@device
def linear_derivative(z, y, a):
    return y


@device
def exponential_output(z, a):
    return exponential(z)


@device
def threshold_output(z, a):
    """The parameter tells whether there is a threshold."""
    if a == real(0):
        return z
    return real(1) if z > real(0) else real(0)


@device
def user_loss(z, y):
    """A function of the user's is bound to it."""
    return z


@device
def user_loss_derivative(z, y):
    """A function of the user's is bound to it."""
    return z


@device
def loss_value(z, y, a):
    """Placeholder to which one of the functions above is bound."""
    return real(user_loss(z, y))


@device
def loss_derivative(z, y, a):
    """Placeholder for a derivative by the output z, bound to a function above."""
    return real(user_loss_derivative(z, y))


@device
def output_activation(z, a):
    """Placeholder to which one of the functions above is bound."""
    return z


# --- losses ---------------------------------------------------------------------------------------


@device
def factor_of(reals, at, weights, row):
    """Factor of the gradient of a row."""
    return weights[row] * reals[at, SCALE] if HAS_WEIGHTS else reals[at, SCALE]


@device
def smoothed(y, smoothing, n_classes):
    """A probability, part of it spread over all classes."""
    return (real(1) - smoothing) * y + smoothing / real(n_classes)


@device
def output_target(reals, at, targets, row, j):
    """The target of a single output."""
    y = real(targets[row, j])
    return smoothed(y, reals[at, SMOOTHING], 2) if SMOOTHS and IS_PROBABILITY else y


@device
def outputs_loss(words, reals, at, i, z, targets, order, weights, dz, n, parameter):
    """A loss of single outputs, summed over those of the row; targets are (rows, n)."""
    n_rows, start, mix = words[at, N_ROWS], words[at, START], reals[at, MIX_WEIGHT]
    row = row_of(order, start + i)
    factor, total = factor_of(reals, at, weights, row), real(0)
    for j in range(cuda.threadIdx.x, n, THREADS):
        own, y = z[i, j], output_target(reals, at, targets, row, j)
        output = output_activation(own, parameter)
        value = loss_value(own, y, parameter)
        slope = loss_derivative(output, y, parameter)
        if MIXES:
            partner = row_of(order, start + partner_of(i, words[at, SHIFT], n_rows))
            y = output_target(reals, at, targets, partner, j)
            value = mixed(mix, value, loss_value(own, y, parameter))
            slope = mixed(mix, slope, loss_derivative(output, y, parameter))
        total += value
        z[i, j] = output
        dz[i, j] = slope * factor
    return block_sum(total)


@device
def mixed(weight, own, others):
    """Weighted mean of a row and its partner."""
    return weight * own + (real(1) - weight) * others


@device
def loss_of_row(words, reals, at, i, z, targets, order, weights, dz, n, parameter):
    """The loss of row i of the batch, for each thread of the block, which z and dz are ready for.

    One of the functions ``.._loss`` of a row is bound to it.
    """
    return outputs_loss(words, reals, at, i, z, targets, order, weights, dz, n, parameter)


@kernel
def loss(words, reals, z, targets, order, weights, dz, row_loss, n, parameter):
    """A loss of the package, a block for a row."""
    at = words[0, CURSOR]
    for i in range(cuda.blockIdx.x, words[at, N_ROWS], cuda.gridDim.x):
        value = loss_of_row(words, reals, at, i, z, targets, order, weights, dz, n, parameter)
        if cuda.threadIdx.x == 0:
            row_loss[i] = value


@kernel
def loss_of_user(words, reals, z, targets, order, weights, dz, row_loss, n, parameter):
    """Loss and gradient by functions of the user's; z is not changed."""
    at = words[0, CURSOR]
    for i in range(cuda.blockIdx.x, words[at, N_ROWS], cuda.gridDim.x):
        value = outputs_loss(words, reals, at, i, z, targets, order, weights, dz, n, parameter)
        if cuda.threadIdx.x == 0:
            row_loss[i] = value


# --- outputs of predictions -----------------------------------------------------------------------


@kernel
def output(words, reals, z, n, parameter):
    """z -> output activation, in place."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            z[i, j] = output_activation(z[i, j], parameter)


# --- the loss of a batch --------------------------------------------------------------------------


@device
def losses_of_thread(words, reals, at, row_loss, weights, order, n_heads):
    """The weighted sum of the losses of the rows that are the thread's."""
    n_rows, start = words[at, N_ROWS], words[at, START]
    total = real(0)
    for head in range(n_heads):
        for i in range(cuda.threadIdx.x, n_rows, THREADS):
            total += row_loss[head, i] * factor_of(reals, at, weights, row_of(order, start + i))
    return total


@kernel
def mean_loss(words, reals, row_loss, weights, order, losses, n_heads):
    """The weighted mean of the rows' losses (n_heads, rows) -> losses of the step, by one block.

    Training halts if the loss is not finite and TRAINS.
    """
    at = words[0, CURSOR]
    total = block_sum(losses_of_thread(words, reals, at, row_loss, weights, order, n_heads))
    if cuda.threadIdx.x == 0:
        losses[at - 1, 0] = total
        if TRAINS and total - total != real(0):
            words[0, HALTED] = 1


# --- codes ----------------------------------------------------------------------------------------


def _of_outputs(value, derivative, activation="output_activation", probability=False):
    return {
        "loss_of_row": "outputs_loss",
        "loss_value": value,
        "loss_derivative": derivative,
        "output_activation": activation,
        "IS_PROBABILITY": probability,
    }


_BINDINGS: dict[str, dict] = {
    "squared_error": _of_outputs("squared_error_loss", "error"),
    "binary_log_loss": _of_outputs("binary_log_loss", "error", "logistic", True),
    "poisson": _of_outputs("poisson_loss", "error", "exponential_output"),
    "absolute_error": _of_outputs("absolute_error_loss", "absolute_error_derivative"),
    "huber": _of_outputs("huber_loss", "huber_derivative"),
    "minkowski": _of_outputs("minkowski_loss", "minkowski_derivative"),
    "quantile": _of_outputs("quantile_loss", "quantile_derivative"),
    "hinge": _of_outputs("hinge_loss", "hinge_derivative"),
    "squared_hinge": _of_outputs("squared_hinge_loss", "squared_hinge_derivative"),
    "perceptron": _of_outputs("perceptron_loss", "perceptron_derivative"),
    "linear": _of_outputs("linear_loss", "linear_derivative"),
    "log_loss": {"loss_of_row": "softmax_loss", "class_target": "target_of_class"},
    "soft_log_loss": {"loss_of_row": "softmax_loss", "class_target": "target_of_row"},
    "weston_watkins": {
        "loss_of_row": "margin_loss",
        "margin": "weston_watkins",
        "margin_slope": "weston_watkins_slope",
    },
    "crammer_singer": {
        "loss_of_row": "margin_loss",
        "margin": "crammer_singer",
        "margin_slope": "crammer_singer_slope",
    },
}

_OUTPUTS: dict[str, tuple[str, dict]] = {
    "log_loss": ("softmax_output", {}),
    "soft_log_loss": ("softmax_output", {}),
    "binary_log_loss": ("output", {"output_activation": "logistic"}),
    "poisson": ("output", {"output_activation": "exponential_output"}),
    "perceptron": ("output", {"output_activation": "threshold_output"}),
}


_NAMES = {row.code: name for name, row in LOSSES.items()}


def loss_kernel(code):
    """The kernel of a loss, by its code: (name, what is bound)."""
    return "loss", _BINDINGS[_NAMES[code]]


def output_kernel(code):
    """Return the kernel of a loss's output activation in predictions; None for the identity."""
    return _OUTPUTS.get(_NAMES[code])
