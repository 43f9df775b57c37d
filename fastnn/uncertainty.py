"""Uncertainty of predictions: Monte-Carlo dropout."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import entr
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from . import _typing as t
from ._core.codes import Kind
from ._core.device_arrays import to_host
from ._network.predictions import confidence_scores, probabilities, values
from ._specs.constraints import Interval, checks_arguments
from .diagnostics.probe import find_network, refuse_heads, unwrap
from .losses import LOSSES

__all__ = ["SampledPredictions", "mc_dropout"]


@dataclass(frozen=True)
class SampledPredictions:
    """Moments of sampled predictions; result of `mc_dropout`.

    Attributes
    ----------
    mean, std : ndarray
        Mean and standard deviation over the samples, shaped like `predict` of a regressor,
        `predict_proba` of a classifier, or `decision_function` where its loss has no probabilities.
        The standard deviation does not include the noise of the targets.
    entropy : ndarray of shape (n_rows,) or (n_rows, n_labels), or None
        Entropy of the mean probabilities, in nats: the total uncertainty of the class, or of each
        label. None without probabilities.
    mutual_information : ndarray of the same shape, or None
        The uncertainty due to the parameters: the entropy minus the mean entropy of the samples. It
        is high if the samples are certain of different classes, and 0 if all agree.
    """

    mean: t.Array
    std: t.Array
    entropy: t.Array | None = None
    mutual_information: t.Array | None = None


@checks_arguments(
    {
        "n_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def mc_dropout(
    estimator: Any, X: Any, *, n_samples: int = 100, random_state: t.Seed = None
) -> SampledPredictions:
    """Return mean and spread of many predictions with dropout, as of an ensemble of networks.

    Dropout in prediction approximates the posterior of a Bayesian neural network: the spread of the
    predictions shows how uncertain they are given the training rows. Everything else is as in
    prediction. The computation runs on the CPU. Each row has its own masks, which depend on its
    position in `X`; the same seed gives the same bits for any number of threads.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
        A fitted estimator that was trained with dropout.
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        The rows.
    n_samples : int, default=100
        Number of predictions, at least 2.
    random_state : int, RandomState or None, default=None
        Seed of the masks.

    Returns
    -------
    predictions : SampledPredictions

    Raises
    ------
    ValueError
        If the network has no dropout, or `y` had several columns of classes or several heads.

    References
    ----------
    Gal, Y. and Ghahramani, Z. "Dropout as a Bayesian approximation: representing model uncertainty
    in deep learning" (2016), section 4.

    Gal, Y. "Uncertainty in deep learning" (2016), section 3.3.1: entropy and mutual information
    (Houlsby, N. et al. "Bayesian active learning for classification and preference learning", 2011,
    eq. 2).

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.uncertainty import mc_dropout
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(dropout=0.2, max_iter=300, random_state=0).fit(X, y)
    >>> mc_dropout(model, X, random_state=0).std.shape
    (150, 3)
    """
    model = find_network(estimator, "Monte-Carlo dropout is of")
    refuse_heads(model, "Monte-Carlo dropout is of")
    network = model._fitted()
    if Kind.DROPOUT not in network.program.random_kinds:
        raise ValueError(
            f"This {type(model).__name__} has no dropout, so that all samples would be the same: "
            "fit it with dropout=0.1, for instance."
        )
    if network.encoder.kind == "multiclass-multioutput":
        raise ValueError("mc_dropout is for one column of classes: fit an estimator for each.")
    model, X = unwrap(estimator, X)
    X = model.read(to_host(X))
    model._twin_of_arrays(callbacks=None, device="cpu")._outputs(X)  # refuses what it cannot read
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    classifies = is_classifier(model)
    probable = classifies and LOSSES[network.loss].probabilities
    how = dict(
        pre_activation=classifies and not probable,
        both_classes=probable and network.program.n_outputs == 1,
    )
    moments, inner = _Moments(), 0.0
    for number in range(n_samples):
        outputs, _ = network.predict(X, model.n_jobs, draw=(seed, number), **how)
        sample = _shown(network, outputs, classifies, probable).astype(float)
        moments.add(sample)
        if probable:
            inner += _entropy(network, sample) / n_samples
    mean, std = (part.astype(network.dtype) for part in (moments.mean, moments.std))
    if not probable:
        return SampledPredictions(mean, std)
    entropy = _entropy(network, moments.mean)
    information = np.maximum(entropy - inner, 0)
    return SampledPredictions(
        mean, std, entropy.astype(network.dtype), information.astype(network.dtype)
    )


class _Moments:
    """Mean and standard deviation of arrays that come one by one (Welford 1962)."""

    def __init__(self):
        self._n, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, sample):
        self._n += 1
        away = sample - self.mean
        self.mean = self.mean + away / self._n
        self._squares = self._squares + away * (sample - self.mean)

    @property
    def std(self):
        """Square root of the unbiased variance."""
        return np.sqrt(self._squares / (self._n - 1))


def _shown(network, outputs, classifies, probable):
    """Return what the estimator shows of outputs."""
    if not classifies:
        return values(network, outputs)
    return (probabilities if probable else confidence_scores)(network, outputs)


def _entropy(network, p):
    """Return the entropy of each row, or of each label."""
    if network.encoder.kind == "multilabel-indicator":
        return entr(p) + entr(1 - p)
    return entr(p).sum(axis=1)
