"""Targets of networks, and predictions from their outputs."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._data.labels import Labels

#: Probabilities are at least so large where their logarithms are compared.
_LEAST_PROBABILITY = 1e-6
#: Targets of a higher skewness than this are worth a transform.
_SKEWED = 1.0


class ClassTargets:
    """Classes of the training rows.

    Parameters
    ----------
    y : ndarray
        Their labels.

    Attributes
    ----------
    labels : Labels
    loss, soft_loss : str
        Loss of a network, and of one that learns the predictions of others.
    n_outputs : int
        Number of its outputs.
    transforms : tuple
        Transforms of the targets that configurations may choose from: none.
    """

    is_classifier, transforms = True, (None,)

    def __init__(self, y):
        self.labels = Labels(y)
        self.loss, self.n_outputs = self.labels.loss("log_loss"), self.labels.n_outputs
        self.soft_loss = "soft_log_loss" if self.loss == "log_loss" else self.loss

    def encode(self, classes, transform):
        """Return targets for the networks."""
        if self.loss == "log_loss":
            return classes.astype(np.int32)
        return classes.astype(np.float32).reshape(-1, 1)

    def encode_decisions(self, probabilities, transform):
        """Return targets for a network of loss `soft_loss` from probabilities of the classes."""
        own = probabilities[:, -1:] if self.n_outputs == 1 else probabilities
        return np.ascontiguousarray(own, np.float32)

    def true_decisions(self, classes):
        """Return the predictions that are right."""
        return np.eye(len(self.labels.classes))[classes]

    def decode(self, outputs, transform):
        """Return the probabilities of the classes for outputs of networks."""
        if len(self.labels.classes) == 1:
            return np.ones(outputs.shape)
        outputs = outputs.astype(np.float64)
        if self.n_outputs == 1:
            return np.concatenate([1 - outputs, outputs], axis=-1)
        return outputs / outputs.sum(axis=-1, keepdims=True)

    def mean_loss(self, probabilities, classes, weights):
        """Return the mean log loss."""
        own = probabilities[np.arange(len(classes)), classes]
        losses = -np.log(np.clip(own, _LEAST_PROBABILITY, 1))
        return float(np.average(losses, weights=weights))


class NumberTargets:
    """Numbers of the training rows, and their transforms.

    Parameters
    ----------
    y : ndarray of float64
    weights : ndarray or None
        Weights of the rows.
    transform : str or None
        A name of `TRANSFORMS`; "auto" is those that make the targets less skewed, and none.

    Attributes
    ----------
    loss, soft_loss, n_outputs, transforms
        As those of `ClassTargets`.
    low, high : float
        Range of the targets.
    """

    is_classifier, n_outputs = False, 1
    loss = soft_loss = "squared_error"

    def __init__(self, y, weights, transform):
        self.low, self.high = float(y.min()), float(y.max())
        if transform == "auto":
            self.transforms = (None, *_less_skewed(y))
        else:
            TRANSFORMS[transform].check(transform, self.low)
            self.transforms = (transform,)
        self._moments = {}
        for name in self.transforms:
            values = TRANSFORMS[name].forward(y)
            mean = float(np.average(values, weights=weights))
            std = math.sqrt(np.average((values - mean) ** 2, weights=weights))
            if not math.isfinite(std):
                raise ValueError("y has values so large that their squares overflow: scale it.")
            self._moments[name] = mean, std or 1.0

    def encode(self, y, transform):
        """Return standardised targets for the networks."""
        mean, std = self._moments[transform]
        values = (TRANSFORMS[transform].forward(y) - mean) / std
        return np.ascontiguousarray(values.reshape(-1, 1), np.float32)

    encode_decisions = encode

    def true_decisions(self, y):
        """Return the predictions that are right."""
        return y

    def decode(self, outputs, transform):
        """Return predictions for outputs of networks, within the range of the targets."""
        mean, std = self._moments[transform]
        values = outputs[..., 0].astype(np.float64) * std + mean
        forward, inverse, _ = TRANSFORMS[transform]
        return inverse(np.clip(values, forward(self.low), forward(self.high)))

    def mean_loss(self, predictions, y, weights):
        """Return the mean squared error."""
        return float(np.average((predictions - y) ** 2, weights=weights))

    def bias_factor(self, predictions, y, weights):
        """Return the factor of predictions with the least squared error.

        The inverse of a transform makes of a mean less than the mean of the targets.
        """
        weights = np.ones_like(y) if weights is None else weights
        squares = weights @ predictions**2
        return float(weights @ (predictions * y) / squares) if squares else 1.0


class Transform(NamedTuple):
    """An increasing function of the targets, its inverse, and the least target that it is for."""

    forward: Callable
    inverse: Callable
    least: float

    def check(self, name, low):
        """Raise a ValueError if there is a target that it is not for."""
        if low < self.least:
            least = "above 0" if self.least else "of 0 or more"
            raise ValueError(
                f"target_transform={name!r} needs targets {least}, and the lowest is {low:.6g}: "
                "use target_transform='auto' or None."
            )


TRANSFORMS = {
    None: Transform(np.asarray, np.asarray, -math.inf),
    "log": Transform(np.log, np.exp, np.finfo(np.float64).tiny),
    "sqrt": Transform(np.sqrt, np.square, 0.0),
}


def _skewness(values):
    centred = values - values.mean()
    std = math.sqrt(np.mean(centred**2))
    return float(np.mean((centred / std) ** 3)) if std else 0.0


def _less_skewed(y):
    """Return the strongest transform that makes targets less skewed, in a list; empty if none."""
    before = _skewness(y)
    for name in ("log", "sqrt"):
        transform = TRANSFORMS[name]
        fits = before > _SKEWED and y.min() >= transform.least
        if fits and abs(_skewness(transform.forward(y))) < before:
            return [name]
    return []
