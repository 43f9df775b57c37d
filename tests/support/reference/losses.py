"""Losses, and label smoothing."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, xlogy

from support.reference.activations import OUTPUT_ACTIVATIONS


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
    """Derivative of the perceptron loss; at z = 0 that of z < 0."""
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
    "linear": Loss("identity", lambda z, y: np.sum(z * y, axis=1), lambda z, y: y),
}


def loss_of(of, head=0):
    """The functions that a name or a spec of `fastnn.losses` stands for, in one of several heads.

    Several quantiles are those of the heads in turn.
    """
    if isinstance(of, str):
        return LOSSES[of]
    output_activation, value, delta = LOSSES[of.name]
    (parameter,) = of.get_params().values()
    if isinstance(parameter, list | tuple):
        parameter = parameter[head % len(parameter)]
    return Loss(
        output_activation,
        lambda z, y: value(z, y, parameter),
        lambda z, y: delta(z, y, parameter),
    )


def smoothed(y, n_classes, smoothing):
    """Szegedy et al., "Rethinking the Inception architecture" (2016), section 7."""
    return (1 - smoothing) * y + smoothing / n_classes
