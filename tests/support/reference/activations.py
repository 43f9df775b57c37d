"""Activations, those with parameters among them, and what becomes of outputs."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtr, softmax

from fastnn.activations import RReLU
from support.reference.randomness import words_of


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
    uniform = (np.choose(*words_of(shape, seed, step, stage)) >> 8) / 2**24
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
