"""What fastnn computes: the whole network in plain NumPy float64, to be read from top to bottom.

Everything fast is tested against this file, and this file against finite differences. It contains
formulas and where they come from, and nothing that is there for speed.

    random bits -> activations -> losses -> dense, batch norm, dropout -> optimizers -> network

The registries (``ACTIVATIONS``, ``LOSSES``, ``OPTIMIZERS``) are dicts by name: tests run over them.
"""

import itertools
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp, ndtr, softmax, xlogy

from fastnn.activations import Maxout, PReLU, RReLU
from fastnn.layers import Dense, Dropout, Heads, Residual
from fastnn.normalization import BatchNorm, Normalization, WeightNorm

# --- random bits ----------------------------------------------------------------------------------

_WORD = 0xFFFFFFFF


def philox4x32(counter, key):
    """Four random 32-bit words for each counter: Philox4x32-10.

    Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). Ten rounds of
    two 32 x 32 -> 64 bit products; the low halves stay, the high halves are mixed with the two
    other words and with a key that walks along a Weyl sequence.

    Parameters
    ----------
    counter : four arrays (or ints) below 2**32, broadcast together
    key : two ints below 2**32

    Returns
    -------
    list of four uint32 arrays
    """
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _WORD, (p0 >> 32) ^ c3 ^ k1, p0 & _WORD
        k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
    return [word.astype(np.uint32) for word in (c0, c1, c2, c3)]


def keep_mask(rate, shape, seed, step, stage):
    """Which elements of a batch a dropout stage keeps at a step: True with probability 1 - rate.

    The counter tells where the element lies, so the same mask can be had again at any time and on
    any device. Four rows of a column share one counter: each takes one of its four words.
    """
    rows, columns = (np.arange(length)[:, np.newaxis] for length in shape)
    key = (seed & _WORD, seed >> 32)
    words = philox4x32((columns.T, rows // 4, step, stage), key)
    bits = np.choose(rows % 4, words)
    return bits >= min(round(rate * 2**32), _WORD)


def normal_noise(shape, seed, step, stage):
    """Standard normals for each element of a batch or of a weight: Box and Muller (1958).

    The words are those of `keep_mask`. Of two of them, the upper 24 bits give a radius
    sqrt(-2 log u) and an angle; the first of two rows is its cosine, the second its sine.
    """
    rows, columns = (np.arange(length)[:, np.newaxis] for length in shape)
    key = (seed & _WORD, seed >> 32)
    words = philox4x32((columns.T, rows // 4, step, stage), key)
    bits = [word.astype(float) // 2**8 for word in words]
    radius = np.sqrt(-2 * np.log((np.choose(rows % 4 // 2, bits[::2]) + 1) / 2**24))
    angle = 2 * np.pi * (np.choose(rows % 4 // 2, bits[1::2]) + 0.5) / 2**24 - np.pi / 4
    return radius * np.where(rows % 2, np.sin(angle), np.cos(angle))


# --- activations ----------------------------------------------------------------------------------


class Activation(NamedTuple):
    """An elementwise function of the pre-activation z, and its derivative.

    Both take the parameter of the activation, if it has one, as a second argument.
    """

    value: callable
    derivative: callable


def elu(z, alpha=1.0):
    """Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential
    linear units" (2016).
    """
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_derivative(z, alpha=1.0):
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


# Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks" (2017), eq. 14.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def gelu_derivative(z):
    return ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def gelu_tanh_argument(z):
    """Twice the argument of the tanh (Hendrycks and Gimpel 2016), and its derivative."""
    root = np.sqrt(2 / np.pi)
    return 2 * root * (z + 0.044715 * z**3), 2 * root * (1 + 3 * 0.044715 * z**2)


def gelu_tanh(z):
    """z (1 + tanh(a)) / 2 = z logistic(2 a), which does not cancel where z is far below zero."""
    return z * expit(gelu_tanh_argument(z)[0])


def gelu_tanh_derivative(z):
    a, da = gelu_tanh_argument(z)
    return expit(a) + z * expit(a) * expit(-a) * da


def silu_derivative(z):
    return expit(z) + z * expit(z) * expit(-z)


def mish(z):
    """Misra, "Mish: a self regularized non-monotonic activation function" (2020)."""
    return z * np.tanh(softplus(z))


def mish_derivative(z):
    return np.tanh(softplus(z)) + z * expit(z) / np.cosh(np.minimum(softplus(z), 300)) ** 2


def softplus(z):
    """log(1 + e^z) (Dugas et al., "Incorporating second-order functional knowledge", 2001)."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


ACTIVATIONS = {
    "identity": Activation(lambda z: z, lambda z: np.ones_like(z)),
    "logistic": Activation(expit, lambda z: expit(z) * expit(-z)),
    "tanh": Activation(np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": Activation(lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    # Collobert, "Large scale machine learning" (2004).
    "hardtanh": Activation(lambda z: np.clip(z, -1, 1), lambda z: (abs(z) < 1).astype(z.dtype)),
    # Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
    "leaky_relu": Activation(
        lambda z, negative_slope=0.01: np.where(z > 0, z, negative_slope * z),
        lambda z, negative_slope=0.01: np.where(z > 0, 1.0, negative_slope),
    ),
    "elu": Activation(elu, elu_derivative),
    "selu": Activation(
        lambda z: SELU_SCALE * elu(z, SELU_ALPHA),
        lambda z: SELU_SCALE * elu_derivative(z, SELU_ALPHA),
    ),
    # Hendrycks and Gimpel, "Gaussian error linear units" (2016): z P(Z <= z), Z standard normal.
    "gelu": Activation(lambda z: z * ndtr(z), gelu_derivative),
    "gelu_tanh": Activation(gelu_tanh, gelu_tanh_derivative),
    # Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units" (2018).
    "silu": Activation(lambda z: z * expit(z), silu_derivative),
    "mish": Activation(mish, mish_derivative),
    "softplus": Activation(softplus, expit),
    # Bergstra, Desjardins, Lamblin, Bengio, "Quadratic polynomials learn better image features"
    # (2009).
    "softsign": Activation(lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
    # Xu et al., "Empirical evaluation of rectified activations" (2015), in prediction; training
    # has `random_slopes`.
    "rrelu": Activation(
        lambda z, lower=1 / 8, upper=1 / 3: np.where(z > 0, z, (lower + upper) / 2 * z),
        lambda z, lower=1 / 8, upper=1 / 3: np.where(z > 0, 1.0, (lower + upper) / 2),
    ),
}


def random_slopes(spec, shape, seed, step, stage):
    """The slopes of RReLU at a step: uniform, made of the upper 24 bits of the words of a mask."""
    rows, columns = (np.arange(length)[:, np.newaxis] for length in shape)
    words = philox4x32((columns.T, rows // 4, step, stage), (seed & _WORD, seed >> 32))
    uniform = (np.choose(rows % 4, words) >> 8) / 2**24
    return spec.lower + (spec.upper - spec.lower) * uniform


def is_rrelu(of):
    return of == "rrelu" or isinstance(of, RReLU)


def activation(of):
    """The functions that a name or a spec of `fastnn.activations` stands for."""
    if isinstance(of, str):
        return ACTIVATIONS[of]
    value, derivative = ACTIVATIONS[of.name]
    if of.name in ("gelu", "gelu_tanh"):  # two names in place of a parameter
        return Activation(value, derivative)
    parameters = of.get_params()
    return Activation(partial(value, **parameters), partial(derivative, **parameters))


OUTPUT_ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "softmax": lambda z: softmax(z, axis=1),
    "exp": np.exp,
    # Rosenblatt, "The perceptron" (1958). Nothing is trained through it.
    "threshold": lambda z: (z > 0).astype(float),
}

# --- losses ---------------------------------------------------------------------------------------


class Loss(NamedTuple):
    """A loss of one row, summed over the outputs, and its gradient.

    Both are functions of the pre-activation z and the target y, and of the parameter of the loss,
    if it has one.
    """

    output_activation: str
    value: callable
    delta: callable


def canonical(output_activation, value):
    """A loss with the output activation that is its canonical link.

    Its gradient with respect to z is activation(z) - y (Bishop, Pattern Recognition and Machine
    Learning, 2006, section 4.3.6).
    """

    def delta(z, y):
        return OUTPUT_ACTIVATIONS[output_activation](z) - as_target(y, z)

    return Loss(output_activation, value, delta)


def of_errors(value, derivative):
    """A loss that is a function of the errors z - y."""

    def total(z, y, *parameter):
        return np.sum(value(z - y, *parameter), axis=1)

    return Loss("identity", total, lambda z, y, *parameter: derivative(z - y, *parameter))


def of_sides(value, derivative):
    """A loss of z on the right side of 0: of s z, where s is 1 for the target 1, -1 for 0."""

    def total(z, y):
        return np.sum(value((2 * y - 1) * z), axis=1)

    return Loss("identity", total, lambda z, y: (2 * y - 1) * derivative((2 * y - 1) * z))


def as_target(y, z):
    """Targets in the shape of the output: class codes become one-hot rows."""
    return np.eye(z.shape[1])[y] if y.ndim == 1 else y


def _squared_error(z, y):
    """Half the squared error: minus the log likelihood of a normal distribution around z."""
    return 0.5 * np.sum((z - y) ** 2, axis=1)


def _log_loss(z, y):
    """Cross-entropy of softmax(z): minus the log likelihood of the true class."""
    return logsumexp(z, axis=1) - np.sum(as_target(y, z) * z, axis=1)


def _binary_log_loss(z, y):
    """Cross-entropy of logistic(z): -y log p - (1 - y) log(1 - p), written with log(1 + e^z)."""
    return np.sum(np.logaddexp(0, z) - y * z, axis=1)


def _poisson(z, y):
    """Half the Poisson deviance of exp(z): zero where exp(z) = y."""
    return np.sum(xlogy(y, y) - y * z - y + np.exp(z), axis=1)


def huber(e, delta=1.0):
    """Huber, "Robust estimation of a location parameter" (1964)."""
    return np.where(abs(e) <= delta, e**2 / 2, delta * (abs(e) - delta / 2))


def huber_derivative(e, delta=1.0):
    return np.where(abs(e) <= delta, e, delta * np.sign(e))


def minkowski(e, p=2.0):
    """Hanson and Burr, "Minkowski-r back-propagation" (1988)."""
    return abs(e) ** p / p


def minkowski_derivative(e, p=2.0):
    return np.sign(e) * abs(e) ** (p - 1)


def pinball(e, quantile=0.5):
    """Koenker and Bassett, "Regression quantiles" (1978); e is how much too high the output is."""
    return np.maximum(-quantile * e, (1 - quantile) * e)


def pinball_derivative(e, quantile=0.5):
    return np.select([e > 0, e < 0], [1 - quantile, -quantile], 0.0)


def margins(z, y):
    """1 + z_j - z_c of all classes j but c = y, where it is -inf."""
    rows = np.arange(len(z))
    above = 1 + z - z[rows, y][:, np.newaxis]
    above[rows, y] = -np.inf
    return above


def weston_watkins(z, y):
    """Weston and Watkins, "Support vector machines for multi-class pattern recognition" (1999).

    With a margin of 1, where they have 2, as in PyTorch's MultiMarginLoss, which divides by the
    number of classes.
    """
    return np.sum(np.maximum(margins(z, y), 0), axis=1)


def weston_watkins_delta(z, y):
    near = (margins(z, y) > 0).astype(float)
    return near - near.sum(axis=1, keepdims=True) * np.eye(z.shape[1])[y]


def crammer_singer(z, y):
    """Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector
    machines" (2001), eq. 3: of the other classes only the highest counts.
    """
    return np.maximum(margins(z, y).max(axis=1), 0)


def crammer_singer_delta(z, y):
    one_hot, above = np.eye(z.shape[1]), margins(z, y)
    wrong = above.max(axis=1, keepdims=True) > 0
    return np.where(wrong, one_hot[above.argmax(axis=1)] - one_hot[y], 0.0)


def _perceptron(z, y):
    """Rosenblatt's rule as the gradient of a loss (Bishop 2006, eq. 4.54): max(0, -s z)."""
    return np.sum(np.maximum((1 - 2 * y) * z, 0), axis=1)


def _perceptron_delta(z, y):
    """At z = 0, where there is a kink, as if z were below."""
    return OUTPUT_ACTIVATIONS["threshold"](z) - y


LOSSES = {
    "squared_error": canonical("identity", _squared_error),
    "log_loss": canonical("softmax", _log_loss),
    "binary_log_loss": canonical("logistic", _binary_log_loss),
    "poisson": canonical("exp", _poisson),
    "absolute_error": of_errors(np.abs, np.sign),
    "huber": of_errors(huber, huber_derivative),
    "minkowski": of_errors(minkowski, minkowski_derivative),
    "quantile": of_errors(pinball, pinball_derivative),
    # Cortes and Vapnik, "Support-vector networks" (1995): the slack of a soft margin.
    "hinge": of_sides(lambda m: np.maximum(1 - m, 0), lambda m: np.where(m < 1, -1.0, 0.0)),
    "squared_hinge": of_sides(
        lambda m: np.maximum(1 - m, 0) ** 2, lambda m: -2 * np.maximum(1 - m, 0)
    ),
    "perceptron": Loss("identity", _perceptron, _perceptron_delta),
    "weston_watkins": Loss("identity", weston_watkins, weston_watkins_delta),
    "crammer_singer": Loss("identity", crammer_singer, crammer_singer_delta),
    "soft_log_loss": canonical("softmax", _log_loss),
}


def loss_of(of):
    """The functions that a name or a spec of `fastnn.losses` stands for."""
    if isinstance(of, str):
        return LOSSES[of]
    output_activation, value, delta = LOSSES[of.name]
    (parameter,) = of.get_params().values()
    return Loss(
        output_activation,
        lambda z, y: value(z, y, parameter),
        lambda z, y: delta(z, y, parameter),
    )


def smoothed(y, n_classes, smoothing):
    """Szegedy et al., "Rethinking the Inception architecture" (2016), section 7."""
    return (1 - smoothing) * y + smoothing / n_classes


# --- dense ----------------------------------------------------------------------------------------


def dense_forward(x, coef, intercept):
    """z = x W + b."""
    return x @ coef + intercept


def dense_backward(x, coef, dz):
    """Gradients with respect to x, W and b (Bishop 2006, section 5.3.1)."""
    return dz @ coef.T, x.T @ dz, dz.sum(axis=0)


# --- rounded products -----------------------------------------------------------------------------


def bfloat16(x):
    """The nearest number of 8 significant bits, ties to even; denormals of float32 are zero.

    Kalamkar et al., "A study of BFLOAT16 for deep learning training" (2019), section 2.
    """
    x = np.array(x, np.float32, ndmin=1)
    bits = x.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + (bits >> 16 & 1) & np.uint32(0xFFFF0000)
    rounded[(bits & 0x7F800000) == 0] = 0
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32)).astype(float)


def tf32(x):
    """The nearest number of 11 significant bits, ties away from zero.

    NVIDIA, "Parallel Thread Execution ISA", ``cvt.rna.tf32.f32``.
    """
    x = np.array(x, np.float32, ndmin=1)
    rounded = x.view(np.uint32) + np.uint32(0x1000) & np.uint32(0xFFFFE000)
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32)).astype(float)


def rounded_forward(rounds, x, coef, intercept):
    """z = x W + b, as mixed-precision training has it (Kalamkar et al. 2019, section 3)."""
    return rounds(x) @ rounds(coef) + intercept


def rounded_backward(rounds, x, coef, dz):
    """The gradients of `dense_backward`, of rounded arguments; that of b is not a product."""
    dx, dw, _ = dense_backward(rounds(x), rounds(coef), rounds(dz))
    return dx, dw, dz.sum(axis=0)


# --- batch norm -----------------------------------------------------------------------------------


def batch_norm_statistics(x):
    """Mean and (biased) variance of every column over the rows of a batch."""
    return x.mean(axis=0), x.var(axis=0)


def batch_norm_forward(x, scale, shift, mean, variance, epsilon):
    """Ioffe and Szegedy, "Batch normalization" (2015), algorithm 1."""
    return scale * (x - mean) / np.sqrt(variance + epsilon) + shift


def batch_norm_backward(x, scale, mean, variance, epsilon, dy, constant_statistics):
    """Gradients with respect to x, scale and shift (Ioffe and Szegedy 2015, section 3).

    The mean and the variance depend on every row, unless they are constants (moving averages).
    The two terms subtracted are what the batch's mean and variance take out of the gradient.
    """
    deviation = np.sqrt(variance + epsilon)
    x_hat = (x - mean) / deviation
    dscale, dshift = np.sum(dy * x_hat, axis=0), dy.sum(axis=0)
    dx_hat = dy * scale
    if constant_statistics:
        return dx_hat / deviation, dscale, dshift
    through_mean = dx_hat.mean(axis=0)
    through_variance = x_hat * np.mean(dx_hat * x_hat, axis=0)
    return (dx_hat - through_mean - through_variance) / deviation, dscale, dshift


def moving_average(average, mean, variance, n_rows, momentum):
    """Averages for prediction (Ioffe and Szegedy 2015, section 3.1), with the unbiased variance.

    `momentum` is the weight of the new batch.
    """
    return {
        "mean": (1 - momentum) * average["mean"] + momentum * mean,
        "variance": (1 - momentum) * average["variance"]
        + momentum * variance * n_rows / (n_rows - 1),
    }


# --- layer, group and instance norm ---------------------------------------------------------------
# Each is normalisation of groups of consecutive columns in every row (Wu and He, "Group
# normalization", 2018, equations 1 to 4): of one group (Ba, Kiros, Hinton, "Layer normalization",
# 2016), or of channels (Ulyanov, Vedaldi, Lempitsky, "Instance normalization", 2016).


def n_groups(norm):
    """Of a spec of `fastnn.normalization`."""
    return getattr(norm, "n_groups", getattr(norm, "n_channels", 1))


def row_norm_forward(x, groups, epsilon, scale=None, shift=None):
    """Scale and shift have a number for each column, or for each group."""
    parts = x.reshape(len(x), groups, -1)
    deviation = np.sqrt(parts.var(axis=2, keepdims=True) + epsilon)
    normalised = ((parts - parts.mean(axis=2, keepdims=True)) / deviation).reshape(x.shape)
    if scale is None:
        return normalised
    repeats = x.shape[1] // len(scale)
    return np.repeat(scale, repeats) * normalised + np.repeat(shift, repeats)


def row_norm_backward(x, groups, epsilon, dy, scale=None):
    """Gradients with respect to x, scale and shift: of each group as batch norm's of a column."""
    repeats = 1 if scale is None else x.shape[1] // len(scale)
    normalised = row_norm_forward(x, groups, epsilon)
    parts, x_hat = (a.reshape(len(x), groups, -1) for a in (x, normalised))
    dx_hat = dy if scale is None else dy * np.repeat(scale, repeats)
    dx_hat = dx_hat.reshape(parts.shape)
    through_mean = dx_hat.mean(axis=2, keepdims=True)
    through_variance = x_hat * np.mean(dx_hat * x_hat, axis=2, keepdims=True)
    deviation = np.sqrt(parts.var(axis=2, keepdims=True) + epsilon)
    dx = ((dx_hat - through_mean - through_variance) / deviation).reshape(x.shape)
    if scale is None:
        return dx, None, None
    dscale, dshift = (a.sum(axis=0).reshape(-1, repeats).sum(axis=1) for a in (dy * normalised, dy))
    return dx, dscale, dshift


# --- weight norm ----------------------------------------------------------------------------------


def normalised_weights(v, g):
    """Salimans and Kingma, "Weight normalization" (2016), equation 2, for each column."""
    return g * v / np.linalg.norm(v, axis=0)


def normalised_weights_backward(v, g, dw):
    """Gradients with respect to v and g (Salimans and Kingma 2016, equation 3)."""
    norm = np.linalg.norm(v, axis=0)
    dg = np.sum(dw * v, axis=0) / norm
    return g / norm * dw - g * dg / norm**2 * v, dg


# --- activations with parameters, or of several values --------------------------------------------


def prelu_forward(x, slope):
    """He et al., "Delving deep into rectifiers" (2015), equation 1; of one slope or of many."""
    return np.where(x > 0, x, slope * x)


def prelu_backward(x, slope, dy):
    """Gradients with respect to x and the slopes (He et al. 2015, equations 2 and 3)."""
    dslope = np.sum(np.where(x > 0, 0, x) * dy, axis=0)
    dslope = dslope.sum(keepdims=True) if len(slope) == 1 else dslope
    return np.where(x > 0, 1, slope) * dy, dslope


def maxout_forward(x, k):
    """Goodfellow et al., "Maxout networks" (2013), section 2.

    Piece p of unit j is column p n + j.
    """
    return x.reshape(len(x), k, -1).max(axis=1)


def maxout_backward(x, k, dy):
    """The gradient goes to the largest, of several to the first."""
    parts = x.reshape(len(x), k, -1)
    largest = parts.argmax(axis=1)[:, np.newaxis]
    dx = np.where(np.arange(k)[:, np.newaxis] == largest, dy[:, np.newaxis], 0.0)
    return dx.reshape(x.shape)


# --- dropout --------------------------------------------------------------------------------------


def dropout(x, keep, rate):
    """Srivastava et al., "Dropout" (2014), section 4, inverted: scaled in training (section 10).

    It is linear in x, so that the backward pass is the same function of the gradient.
    """
    return np.where(keep, x / (1 - rate), 0.0)


class Kept(NamedTuple):
    """What a dropout stage does at a step: a mask, and a factor of what is kept."""

    mask: object
    factor: float

    def __call__(self, x):
        return np.where(self.mask, x * self.factor, 0.0)


def as_dropout(of):
    """The spec that a rate stands for."""
    return of if isinstance(of, Dropout) else Dropout(of)


# --- residual blocks ------------------------------------------------------------------------------
# He et al., "Deep residual learning for image recognition" (2016): y = x + f(x). With stochastic
# depth (Huang et al., "Deep networks with stochastic depth", 2016) f(x) is dropped for whole rows:
# it is `dropout` with a mask of one column, inverted as in torchvision.

# --- mixing rows ----------------------------------------------------------------------------------


class Mixing(NamedTuple):
    """How the rows of a batch are mixed: a row keeps `weight` of itself.

    The rest is of its partner, the row `shift` rows later. Where there are runs, the rest is what
    lies in them: n_runs runs of `run` columns, `stride` apart, from column `first`.
    """

    weight: float = 1.0
    shift: int = 0
    first: int = 0
    run: int = 0
    n_runs: int = 0
    stride: int = 0


def partners(a, mixing):
    """The partner of each row of a batch."""
    return np.roll(a, -mixing.shift, axis=0)


def mix_rows(x, mixing):
    """Zhang et al., "mixup" (2018), eq. 1; Yun et al., "CutMix" (2019), eq. 1, with runs."""
    if mixing.n_runs == 0:
        return mixing.weight * x + (1 - mixing.weight) * partners(x, mixing)
    runs = mixing.first + mixing.stride * np.arange(mixing.n_runs)[:, np.newaxis]
    columns = (runs + np.arange(mixing.run)).ravel()
    mixed = x.copy()
    mixed[:, columns] = partners(x, mixing)[:, columns]
    return mixed


# --- penalties and limits -------------------------------------------------------------------------


def elastic_net(w, l2, l1):
    """Penalty of weights and its gradient: Zou and Hastie, "Regularization and variable selection
    via the elastic net" (2005), with half the square. The subgradient of |w| at 0 is 0.
    """
    return 0.5 * l2 * np.sum(w**2) + l1 * np.sum(np.abs(w)), l2 * w + l1 * np.sign(w)


def clip_norm(gradients, most):
    """Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013),
    algorithm 1, with PyTorch's 1e-6. The norm is of all arrays together.
    """
    return [min(1.0, most / (norm_of(gradients) + 1e-6)) * g for g in gradients]


def norm_of(gradients):
    """The length of all arrays together."""
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def limit_norms(coef, most):
    """Srivastava et al., "Dropout" (2014), section 5.1: of the weights that come into a unit."""
    norms = np.sqrt(np.sum(coef**2, axis=0))
    return coef * np.where(norms > most, most / np.maximum(norms, 1e-300), 1.0)


# --- optimizers -----------------------------------------------------------------------------------
# Each updates the slots in place and returns the new parameter. t counts the steps from 1.


def sgd(w, g, slots, t, learning_rate):
    """Robbins and Monro, "A stochastic approximation method" (1951)."""
    return w - learning_rate * g


def momentum(w, g, slots, t, learning_rate, momentum=0.9):
    """Sutskever et al., "On the importance of initialization and momentum" (2013), eq. 1-2."""
    (v,) = slots
    v[...] = momentum * v - learning_rate * g
    return w + v


def nesterov(w, g, slots, t, learning_rate, momentum=0.9):
    """Nesterov's momentum (Sutskever et al. 2013, eq. 3-4), with w where the gradient is taken.

    That change of variable is Bengio, Boulanger-Lewandowski, Pascanu, "Advances in optimizing
    recurrent networks" (2013), section 3.5.
    """
    (v,) = slots
    v[...] = momentum * v - learning_rate * g
    return w + momentum * v - learning_rate * g


def adam(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma and Ba, "Adam" (2015), algorithm 1 in the order of the last lines of section 2."""
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    learning_rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - learning_rate * m / (np.sqrt(v) + epsilon)


def averaged(w, g, slots, t, learning_rate, beta=0.9):
    """Momentum as a moving average: the first moment of Adam, without correction of its bias."""
    (m,) = slots
    m[...] = beta * m + (1 - beta) * g
    return w - learning_rate * m


def adagrad(w, g, slots, t, learning_rate, epsilon=1e-10):
    """Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011), figure 1."""
    (s,) = slots
    s[...] = s + g**2
    return w - learning_rate * g / (np.sqrt(s) + epsilon)


def adadelta(w, g, slots, t, learning_rate, rho=0.9, epsilon=1e-6):
    """Zeiler, "ADADELTA" (2012), algorithm 1, times a learning rate."""
    s, u = slots
    s[...] = rho * s + (1 - rho) * g**2
    change = np.sqrt(u + epsilon) / np.sqrt(s + epsilon) * g
    u[...] = rho * u + (1 - rho) * change**2
    return w - learning_rate * change


def rmsprop(w, g, slots, t, learning_rate, rho=0.99, epsilon=1e-8):
    """Tieleman and Hinton, Coursera lecture 6.5 (2012)."""
    (s,) = slots
    s[...] = rho * s + (1 - rho) * g**2
    return w - learning_rate * g / (np.sqrt(s) + epsilon)


def rmsprop_momentum(w, g, slots, t, learning_rate, rho=0.99, epsilon=1e-8, momentum=0.9):
    """The same with momentum, in PyTorch's form: the learning rate is not in the velocity."""
    s, v = slots
    s[...] = rho * s + (1 - rho) * g**2
    v[...] = momentum * v + g / (np.sqrt(s) + epsilon)
    return w - learning_rate * v


def rmsprop_centered(w, g, slots, t, learning_rate, rho=0.99, epsilon=1e-8, momentum=0.9):
    """Graves, "Generating sequences" (2013), eq. 38-41, in PyTorch's form."""
    s, v, m = slots
    s[...] = rho * s + (1 - rho) * g**2
    m[...] = rho * m + (1 - rho) * g
    v[...] = momentum * v + g / (np.sqrt(np.maximum(s - m**2, 0)) + epsilon)
    return w - learning_rate * v


def rprop(w, g, slots, t, learning_rate, eta_minus=0.5, eta_plus=1.2, step_min=1e-6, step_max=50.0):
    """Riedmiller and Braun, "RPROP" (1993); iRprop- of Igel and Huesken (2000).

    A size of 0 stands for one that has not begun. The learning rate is the first size.
    """
    previous, size = slots
    turn = np.sign(g) * np.sign(previous)
    factor = np.select([turn > 0, turn < 0], [eta_plus, eta_minus], 1.0)
    begun = np.where(size > 0, size, learning_rate)
    size[...] = np.where(g == 0, size, np.clip(begun * factor, step_min, step_max))
    previous[...] = np.where(turn < 0, 0.0, g)
    return w - np.sign(previous) * size


def adamw(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01):
    """Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2."""
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * (m_hat / (np.sqrt(v_hat) + epsilon) + weight_decay * w)


def nadam(
    w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=0.004
):
    """Dozat, "Incorporating Nesterov momentum into Adam" (2016), algorithm 2."""
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    mu = [beta_1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in range(1, t + 2)]
    m_hat = mu[t] * m / (1 - np.prod(mu)) + (1 - mu[t - 1]) * g / (1 - np.prod(mu[:t]))
    return w - learning_rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def radam(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Liu et al., "On the variance of the adaptive learning rate" (2020), algorithm 2.

    The threshold is the 5 of the authors' code, and epsilon lies where PyTorch has it.
    """
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    limit = 2 / (1 - beta_2) - 1
    length = limit - 2 * t * beta_2**t / (1 - beta_2**t)
    if length <= 5:
        return w - learning_rate * m_hat
    r = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
    return w - learning_rate * m_hat * np.sqrt(r * (1 - beta_2**t)) / (np.sqrt(v) + epsilon)


def amsgrad(w, g, slots, t, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (2018), algorithm 2.

    As in PyTorch, the bias of both moments is corrected.
    """
    m, v, u = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    u[...] = np.maximum(u, v)
    m_hat, u_hat = m / (1 - beta_1**t), u / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(u_hat) + epsilon)


def lamb(
    w,
    g,
    slots,
    t,
    learning_rate,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-6,
    weight_decay=0.01,
    adapts=True,
):
    """You et al., "Large batch optimization for deep learning" (2020), algorithm 2, phi(x) = x.

    w are all weights of a layer. In the authors' code vectors do not decay, and do not adapt: their
    ratio is 1. It is 1 too where a norm is 0.
    """
    m, v = slots
    m[...] = beta_1 * m + (1 - beta_1) * g
    v[...] = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    u = m_hat / (np.sqrt(v_hat) + epsilon) + weight_decay * w
    norms = np.linalg.norm(w), np.linalg.norm(u)
    ratio = norms[0] / norms[1] if adapts and all(norms) else 1.0
    return w - learning_rate * ratio * u


class Optimizer(NamedTuple):
    """An update rule, and how many arrays of the parameter's shape it remembers.

    One that is decoupled has a weight decay, of the coefs only, in place of the L2 penalty. `still`
    are hyperparameters, with their values, of the parameters that are no coefs.
    """

    update: callable
    n_slots: int
    decoupled: bool = False
    still: tuple = ()


OPTIMIZERS = {
    "sgd": Optimizer(sgd, 0),
    "momentum": Optimizer(momentum, 1),
    "nesterov": Optimizer(nesterov, 1),
    "adam": Optimizer(adam, 2),
    "averaged": Optimizer(averaged, 1),
    "adagrad": Optimizer(adagrad, 1),
    "adadelta": Optimizer(adadelta, 2),
    "rmsprop": Optimizer(rmsprop, 1),
    "rmsprop_momentum": Optimizer(rmsprop_momentum, 2),
    "rmsprop_centered": Optimizer(rmsprop_centered, 3),
    "rprop": Optimizer(rprop, 2),
    "adamw": Optimizer(adamw, 2, decoupled=True, still=(("weight_decay", 0.0),)),
    "nadam": Optimizer(nadam, 2),
    "radam": Optimizer(radam, 2),
    "amsgrad": Optimizer(amsgrad, 3),
    # The same step as momentum's; the gradient is taken elsewhere.
    "look_ahead": Optimizer(momentum, 1),
    "lamb": Optimizer(lamb, 2, decoupled=True, still=(("weight_decay", 0.0), ("adapts", False))),
}

# --- network --------------------------------------------------------------------------------------


def leaves(layers):
    """The layers one after another, those of residual blocks in place of the blocks, and a dense
    layer for each head."""
    found = []
    for layer in layers:
        if isinstance(layer, Residual):
            found += leaves(layer.layers)
        elif isinstance(layer, Heads):
            found += [Dense(n, layer.activation) for n in layer.units]
        else:
            found.append(layer)
    return found


def stage_table(layers, input_dropout=0.0, input_noise=0.0, output_activation="identity"):
    """The stages of a network in the order of the forward pass: (kind, spec, leaf) triples.

    `output_activation` is what comes before the loss, which may contain another.

    The spec tells what the stage is made of, and the leaf is the number of its layer. A stage's
    place in this list is part of the counter of its random bits. Batch norm takes two places, as
    its statistics need all rows before the first can be normalised; weight norm takes one behind
    the dense layer; the identity takes none. A residual block lies between a fork and a join. Each
    head is a dense layer with an output of its own.
    """
    numbers = itertools.count()

    def normalization(norm, i):
        if isinstance(norm, WeightNorm):
            return [("weight_norm", norm, i)]
        if not isinstance(norm, BatchNorm):
            return [("row_norm", norm, i)]
        return [("batch_norm_statistics", norm, i), ("batch_norm", norm, i)]

    def activation(spec, i):
        spec = (
            {"prelu": PReLU(), "maxout": Maxout()}.get(spec, spec)
            if isinstance(spec, str)
            else spec
        )
        kinds = {PReLU: "prelu", Maxout: "maxout"}
        return [(kinds.get(type(spec), "activation"), spec, i)] if spec != "identity" else []

    def stages(layer):
        if isinstance(layer, Residual):
            inside = [stage for inner in layer.layers for stage in stages(inner)]
            return [("fork", layer, None), *inside, ("join", layer, None)]
        i = next(numbers)
        if isinstance(layer, Normalization):
            return normalization(layer, i)
        if isinstance(layer, Dropout):
            return [("dropout", layer, i)] if layer.rate else []
        if not isinstance(layer, Dense):
            return activation(layer, i)
        act = activation(layer.activation, i)
        norm = normalization(layer.normalization, i) if layer.normalization else []
        before = norm and layer.normalization.position != "after"
        after = norm + act if before else act + norm
        drop = [("dropout", as_dropout(layer.dropout), i)] if as_dropout(layer.dropout).rate else []
        return [("dense", layer, i), *after, *drop]

    first = [("noise", input_noise, None)] if input_noise else []
    if as_dropout(input_dropout).rate:
        first.append(("dropout", as_dropout(input_dropout), None))
    hidden = [stage for layer in layers[:-1] for stage in stages(layer)]
    last = next(numbers)
    if isinstance(layers[-1], Heads):
        heads = [("dense", head, last + h) for h, head in enumerate(leaves(layers[-1:]))]
        ends = [
            stage for _, head, i in heads for stage in (("dense", head, i), ("output", head, i))
        ]
        return [*first, *hidden, *ends]
    before = [("activation", output_activation, last)] if output_activation != "identity" else []
    return [*first, *hidden, ("dense", layers[-1], last), *before, ("output", layers[-1], last)]


class Network:
    """A stack of layers, trained one batch after the other.

    Parameters
    ----------
    layers : list of specs of fastnn.layers and fastnn.activations
        The last is the output layer, a Dense. Its activation is the loss's; or another, that comes
        before the loss; or the threshold, that counts in prediction only. Or the last are `Heads`:
        targets have a column for each, outputs lie side by side, and losses are summed (Caruana,
        "Multitask learning", 1997).
    loss : str or LossSpec
        Key of `LOSSES`, or a spec.
    parameters : list of dict
        For each of the `leaves` of the layers "coef" and "intercept", if it is dense, and what its
        normalisation and its activation have: "scale" and "shift", "g", "slope".
    statistics : list of dict
        For each leaf the moving "mean" and "variance", or nothing.
    rounds : callable, optional
        What rounds the numbers that dense layers multiply: `bfloat16` or `tf32`.
    """

    def __init__(
        self,
        layers,
        loss,
        parameters,
        statistics,
        input_dropout=0.0,
        seed=0,
        input_noise=0.0,
        rounds=None,
        n_features=None,
    ):
        self.n_features = n_features or len(parameters[0]["coef"])
        self.dense_forward, self.dense_backward = dense_forward, dense_backward
        if rounds is not None:
            self.dense_forward = partial(rounded_forward, rounds)
            self.dense_backward = partial(rounded_backward, rounds)
        self.layers, self.loss = layers, loss_of(loss)
        self.parameters, self.statistics = parameters, statistics
        self.input_dropout, self.input_noise, self.seed = input_dropout, input_noise, seed
        own, before = self.loss.output_activation, layers[-1].activation
        self.output_activation = before if before == "threshold" else own
        stage = "identity" if before in (own, "threshold") else before
        self.stages = stage_table(layers, input_dropout, input_noise, stage)
        self.widths = layers[-1].units if isinstance(layers[-1], Heads) else None
        self.slots, self.step, self.average = None, 0, None
        self.grad_norms = []  # of all steps: of the gradient before anything is clipped

    def heads(self, z, y=None):
        """Pre-activations and targets of each head, or of the only one."""
        if self.widths is None:
            return [(z, y)]
        parts = np.split(z, np.cumsum(self.widths)[:-1], axis=1)
        return [(part, None if y is None else y[:, h]) for h, part in enumerate(parts)]

    def value(self, z, y, smoothing=0.0):
        """The loss of each row, summed over the heads."""
        return sum(
            self.loss.value(part, self._target(part, of, smoothing))
            for part, of in self.heads(z, y)
        )

    def delta(self, z, y, smoothing=0.0):
        """The derivative of the loss of each row with respect to the pre-activations."""
        return np.hstack(
            [
                self.loss.delta(part, self._target(part, of, smoothing))
                for part, of in self.heads(z, y)
            ]
        )

    def _target(self, z, y, smoothing):
        if not smoothing:
            return y
        n_classes = 2 if self.output_activation == "logistic" else z.shape[1]
        return smoothed(as_target(y, z), n_classes, smoothing)

    def forward(self, x, training, step=None, dropout_factor=1.0):
        """Pre-activation of the output layer; and for each stage what its backward pass needs.

        In training, batch norm uses the batch's statistics, but a batch of one row has none: it is
        normalised as in prediction. Dropout, noise and random slopes act at the steps of a training
        only (`step` given), dropout at its rates times a factor. Without a step, the original form
        of dropout scales by the probability of keeping a value (Srivastava et al. 2014, figure 2).
        """
        tape, forks, outputs = [], [], []
        for stage, (kind, spec, i) in enumerate(self.stages[:-1]):
            parameters = None if i is None else self.parameters[i]
            saved = x
            if kind == "output":  # of a head; the next begins where this one did
                outputs.append(x)
                x = tape[-1]
            elif kind == "dense":
                x = self.dense_forward(x, self._weights(i), parameters["intercept"])
            elif kind == "row_norm":
                scale, shift = parameters.get("scale"), parameters.get("shift")
                x = row_norm_forward(x, n_groups(spec), spec.epsilon, scale, shift)
            elif kind == "prelu":
                x = prelu_forward(x, parameters["slope"])
            elif kind == "maxout":
                x = maxout_forward(x, spec.k)
            elif kind == "activation" and step is not None and is_rrelu(spec):
                spec = RReLU() if isinstance(spec, str) else spec
                slopes = random_slopes(spec, x.shape, self.seed, step, stage)
                saved = np.where(x > 0, 1.0, slopes)
                x = x * saved
            elif kind == "activation":
                saved = activation(spec).derivative(x)
                x = activation(spec).value(x)
            elif kind == "noise" and step is not None:
                x = x + spec * normal_noise(x.shape, self.seed, step, stage)
            elif kind == "batch_norm_statistics":
                constant = not training or len(x) == 1
                average = self.statistics[i]
                mean, variance = (
                    (average["mean"], average["variance"]) if constant else batch_norm_statistics(x)
                )
                saved = mean, variance, constant
            elif kind == "batch_norm":
                mean, variance, _ = tape[-1]
                scale, shift = parameters["scale"], parameters["shift"]
                x = batch_norm_forward(x, scale, shift, mean, variance, spec.epsilon)
            elif kind == "dropout":
                saved = Kept(True, 1.0 if spec.inverted else 1 - spec.rate)
                if step is not None:
                    rate = min(spec.rate * dropout_factor, 1 - 2**-24)
                    keep = keep_mask(rate, x.shape, self.seed, step, stage)
                    saved = Kept(keep, 1 / (1 - rate) if spec.inverted else 1.0)
                x = saved(x)
            elif kind == "fork":
                forks.append(x)
            elif kind == "join":
                saved = np.ones((len(x), 1), bool), 0.0
                if spec.drop_rate and step is not None:
                    keep = keep_mask(spec.drop_rate, (len(x), 1), self.seed, step, stage)
                    saved = keep, spec.drop_rate
                x = forks.pop() + dropout(x, *saved)
            tape.append(saved)
        return np.hstack([*outputs, x]), tape

    def _weights(self, i):
        """What a dense layer multiplies by; its coefs, but for weight norm."""
        p = self.parameters[i]
        return normalised_weights(p["coef"], p["g"]) if "g" in p else p["coef"]

    def predict(self, x):
        """Output of the network for new rows."""
        z, _ = self.forward(x, training=False)
        return np.hstack([OUTPUT_ACTIVATIONS[self.output_activation](z) for z, _ in self.heads(z)])

    def loss_and_grad(
        self,
        x,
        y,
        sample_weight=None,
        alpha=0.0,
        step=None,
        mixing=None,
        dropout_factor=1.0,
        l1_ratio=0.0,
        penalize_intercepts=False,
        smoothing=0.0,
    ):
        """Data loss, penalty, their gradient and the tape of the forward pass.

        The data loss is the weighted mean over the rows. As in scikit-learn, the penalty is divided
        by the sum of the weights, and only the coefs are penalised, if not the intercepts too.
        Smoothing is of targets that are probabilities: of all classes, or of yes and no.

        The loss of mixed rows is that of their own targets, and that of their partners', mixed;
        each row has its own weight (Zhang et al. 2018).
        """
        weight = np.ones(len(x)) if sample_weight is None else sample_weight
        total = weight.sum()
        mixing = mixing or Mixing()
        z, tape = self.forward(mix_rows(x, mixing), True, step, dropout_factor)
        pairs = [(mixing.weight, y), (1 - mixing.weight, partners(y, mixing))]
        data_loss = weight @ sum(part * self.value(z, of, smoothing) for part, of in pairs) / total
        delta = sum(part * self.delta(z, of, smoothing) for part, of in pairs)
        gradient = self.backward(tape, delta * weight[:, np.newaxis] / total)
        penalty, l2, l1 = 0.0, alpha * (1 - l1_ratio) / total, alpha * l1_ratio / total
        for p, g in zip(self.parameters, gradient, strict=True):
            named = ("coef", "intercept") if penalize_intercepts else ("coef",)
            for name in p.keys() & named:
                own, slope = elastic_net(p[name], l2, l1)
                penalty += own
                g[name] = g[name] + slope
        return data_loss, penalty, gradient, tape

    def backward(self, tape, delta):
        """Gradient of every parameter, from the gradient with respect to the last pre-activation.

        Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors" (1986).
        """
        gradient, skipped = [{} for _ in self.parameters], []
        *others, (delta, _) = self.heads(delta)
        above = 0.0  # what the heads after this one have made of theirs
        for stage in reversed(range(len(tape))):
            (kind, spec, i), saved = self.stages[stage], tape[stage]
            if kind == "output":
                above, (delta, _) = above + delta, others.pop()
            elif kind == "dense":
                delta, gradient[i]["coef"], gradient[i]["intercept"] = self.dense_backward(
                    saved, self._weights(i), delta
                )
                if "g" in self.parameters[i]:
                    v, g = self.parameters[i]["coef"], self.parameters[i]["g"]
                    gradient[i]["coef"], gradient[i]["g"] = normalised_weights_backward(
                        v, g, gradient[i]["coef"]
                    )
                if not others:  # of one head, or the first of several
                    delta, above = delta + above, 0.0
            elif kind == "row_norm":
                scale = self.parameters[i].get("scale")
                delta, dscale, dshift = row_norm_backward(
                    saved, n_groups(spec), spec.epsilon, delta, scale
                )
                gradient[i] |= {} if scale is None else {"scale": dscale, "shift": dshift}
            elif kind == "prelu":
                slope = self.parameters[i]["slope"]
                delta, gradient[i]["slope"] = prelu_backward(saved, slope, delta)
            elif kind == "maxout":
                delta = maxout_backward(saved, spec.k, delta)
            elif kind == "activation":
                delta = delta * saved
            elif kind == "batch_norm":
                mean, variance, constant = tape[stage - 1]
                scale = self.parameters[i]["scale"]
                delta, gradient[i]["scale"], gradient[i]["shift"] = batch_norm_backward(
                    saved, scale, mean, variance, spec.epsilon, delta, constant
                )
            elif kind == "dropout":
                delta = saved(delta)
            elif kind == "join":
                skipped.append(delta)
                delta = dropout(delta, *saved)
            elif kind == "fork":
                delta = delta + skipped.pop()
        return gradient

    def train(
        self,
        x,
        y,
        optimizer,
        batch_size,
        learning_rates,
        alpha=0.0,
        sample_weight=None,
        order=None,
        mixings=None,
        dropout_factors=None,
        average_weights=None,
        smoothing=0.0,
        l1_ratio=0.0,
        penalize_intercepts=False,
        clip_value=None,
        clip_norm=None,
        max_norm=None,
        weight_noise=0.0,
        factors=None,
        weight_decay=None,
        **hyperparameters,
    ):
        """One step for each batch of the rows in `order`; returns [data loss, penalty] of each.

        After each step the average of the parameters moves towards them by its part of
        `average_weights`: Polyak and Juditsky, "Acceleration of stochastic approximation by
        averaging" (1992).

        `factors` holds the learning rate's for each layer, by name as the parameters; 0 freezes.
        `mixings` has a `Mixing` for each step, `dropout_factors` a factor of all rates of dropout.
        """
        rule = OPTIMIZERS[optimizer]
        if self.slots is None:
            self.slots = [
                {name: [np.zeros_like(w) for _ in range(rule.n_slots)] for name, w in p.items()}
                for p in self.parameters
            ]
        decay = 0.0  # of the rules that have a decay beside the penalty
        if rule.decoupled:
            alpha = 0.0
            hyperparameters |= {} if weight_decay is None else {"weight_decay": weight_decay}
        else:
            decay = weight_decay or 0.0
        factors = factors or [dict.fromkeys(p, 1.0) for p in self.parameters]
        order = np.arange(len(x)) if order is None else order
        if self.average is None:
            self.average = [
                {name: np.zeros_like(w) for name, w in p.items()} for p in self.parameters
            ]
        starts = range(0, len(order), batch_size)
        average_weights = np.zeros(len(starts)) if average_weights is None else average_weights
        losses = []
        mixings = mixings or [Mixing()] * len(starts)
        keeps = [1.0] * len(starts) if dropout_factors is None else dropout_factors
        for start, learning_rate, weight_of_new, mixing, factor in zip(
            starts, learning_rates, average_weights, mixings, keeps, strict=True
        ):
            rows = order[start : start + batch_size]
            weight = None if sample_weight is None else sample_weight[rows]
            ahead = hyperparameters.get("momentum", 0.9) if optimizer == "look_ahead" else 0.0
            kept, self.parameters = self.parameters, self._shifted(ahead, weight_noise)
            data_loss, penalty, gradient, tape = self.loss_and_grad(
                x[rows],
                y[rows],
                weight,
                alpha,
                self.step,
                mixing,
                factor,
                l1_ratio,
                penalize_intercepts,
                smoothing,
            )
            self.parameters = kept
            learning = self._learning(gradient, factors)
            self.grad_norms.append(norm_of([gradient[i][name] for i, name in learning]))
            self._clip(gradient, factors, clip_value, clip_norm)
            self._average_statistics(tape, len(rows))
            self.step += 1
            for p, g, s, f in zip(self.parameters, gradient, self.slots, factors, strict=True):
                for name in [name for name in p if f[name] > 0]:
                    rate = f[name] * learning_rate
                    own = (p[name], g[name], s[name], self.step, rate)
                    still = dict(rule.still if name != "coef" else ())
                    shrink = rate * decay * p[name] if name == "coef" else 0.0
                    p[name] = rule.update(*own, **hyperparameters | still) - shrink
                    if max_norm is not None and name == "coef":
                        p[name] = limit_norms(p[name], max_norm)
            for a, p in zip(self.average, self.parameters, strict=True):
                for name in p:
                    a[name] = a[name] + weight_of_new * (p[name] - a[name])
            losses.append([data_loss, penalty])
        return np.array(losses)

    def _shifted(self, momentum, weight_noise):
        """The parameters where a step takes its gradient: those of the network, but for Nesterov's
        momentum in the form of Sutskever et al. (2013), eq. 3, and for noise on the coefs.

        Noise: Murray and Edwards, "Enhanced MLP performance and fault tolerance resulting from
        synaptic weight noise during training" (1994); Graves, "Practical variational inference for
        neural networks" (2011). It is drawn as the masks of dropout.
        """
        shifted = [dict(p) for p in self.parameters]
        for p, s in zip(shifted, self.slots, strict=True):
            for name in p if momentum else ():
                p[name] = p[name] + momentum * s[name][0]
        for stage, (kind, _, i) in enumerate(self.stages):
            if kind == "dense" and weight_noise:
                w = shifted[i]["coef"]
                noise = normal_noise(w.shape, self.seed, self.step, stage)
                shifted[i]["coef"] = w + weight_noise * noise
        return shifted

    @staticmethod
    def _learning(gradient, factors):
        """Places and names of the parameters that are not frozen."""
        return [(i, name) for i, g in enumerate(gradient) for name in g if factors[i][name] > 0]

    def _clip(self, gradient, factors, value, norm):
        """By value, then by the norm over all parameters that are not frozen."""
        names = self._learning(gradient, factors)
        arrays = [gradient[i][name] for i, name in names]
        if value is not None:
            arrays = [np.clip(g, -value, value) for g in arrays]
        if norm is not None:
            arrays = clip_norm(arrays, norm)
        for (i, name), g in zip(names, arrays, strict=True):
            gradient[i][name] = g

    def _average_statistics(self, tape, n_rows):
        for (kind, spec, i), saved in zip(self.stages[:-1], tape, strict=True):
            if kind == "batch_norm_statistics" and n_rows > 1:
                mean, variance, _ = saved
                self.statistics[i] = moving_average(
                    self.statistics[i], mean, variance, n_rows, spec.momentum
                )
