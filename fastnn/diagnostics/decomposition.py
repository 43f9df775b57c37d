"""Decomposition of the expected loss into bias and variance, by bootstrap."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _num_samples

from .. import _typing as t
from .._core.device_arrays import to_host
from .._train.training import INTERRUPTED
from .._warnings import held_warnings
from ..estimators.base import BaseMLP
from ..many import fit_many
from .finding import fmt
from .parameters import checked
from .probe import refuse_heads, silent_clone
from .scores import split, take


@dataclass(repr=False)
class BiasVariance:
    """Result of `bias_variance`: losses of each row, whose means are those of all rows.

    Attributes
    ----------
    is_squared : bool
        Whether the loss is the squared error, rather than the 0-1 loss.
    n_rounds : int
        Number of bootstrap samples.
    main : ndarray of shape (n_val,) or (n_val, n_outputs)
        The main prediction of each row: the mean, or the most frequent label.
    row_loss, row_bias, row_variance : ndarray of shape (n_val,)
        Expected loss, bias and variance of each row, means over the outputs.
    """

    is_squared: bool
    n_rounds: int
    main: np.ndarray
    row_loss: np.ndarray
    row_bias: np.ndarray
    row_variance: np.ndarray

    @property
    def loss(self) -> float:
        """Expected loss: the mean over rounds and rows."""
        return float(self.row_loss.mean())

    @property
    def bias(self) -> float:
        """Mean loss of the main predictions: the squared bias, or their error rate, with noise."""
        return float(self.row_bias.mean())

    @property
    def variance(self) -> float:
        """Mean loss of the predictions with respect to the main predictions."""
        return float(self.row_variance.mean())

    @property
    def net_variance(self) -> float:
        """Increase of the loss by variance, ``loss - bias``; `variance` for the squared error."""
        return self.loss - self.bias

    @property
    def unbiased_variance(self) -> float:
        """Part of the variance that increases the loss: of rows without bias."""
        return float(np.maximum(self.row_loss - self.row_bias, 0).mean())

    @property
    def biased_variance(self) -> float:
        """Part of the variance that decreases the 0-1 loss: of rows whose main label is wrong."""
        return float(np.maximum(self.row_bias - self.row_loss, 0).mean())

    def __repr__(self):
        if self.is_squared:
            terms = f"squared error {fmt(self.loss)} = squared bias {fmt(self.bias)}"
            return (
                f"<BiasVariance, {self.n_rounds} rounds: {terms} + variance {fmt(self.variance)}>"
            )
        terms = f"error {fmt(self.loss)} = bias {fmt(self.bias)}"
        return (
            f"<BiasVariance, {self.n_rounds} rounds: {terms} + unbiased variance "
            f"{fmt(self.unbiased_variance)} - biased variance {fmt(self.biased_variance)}>"
        )


@checked
def bias_variance(
    estimator: Any,
    X: Any,
    y: Any,
    n_rounds: int = 50,
    *,
    X_val: t.Rows | None = None,
    y_val: Any = None,
    n_jobs: int | None = None,
    random_state: int | None = 0,
) -> BiasVariance:
    """Decompose the expected loss on other rows into bias and variance, by bootstrap.

    The expectation is over training sets: a clone is fitted to each of `n_rounds` bootstrap
    samples, which have as many rows as the training data, drawn with replacement. The loss is the
    squared error of a regression, and the 0-1 loss of a classification.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, Pipeline or another estimator of scikit-learn
        Not modified. If it has a `random_state`, all clones start from the same parameters, and the
        variance is that of the rows alone; with None each clone has another seed.
    X, y
        Rows and targets, as for `fit`: numbers, or one label for each row.
    n_rounds : int, default=50
        Number of bootstrap samples, at least 2.
    X_val, y_val : array-like, default=None
        Rows to predict. None splits off a quarter of the rows.
    n_jobs : int, default=None
        Number of threads that fit networks side by side; see `fit_many`. Other estimators are
        fitted one after another.
    random_state : int, default=0
        Seed of the samples, the split and the clones.

    Returns
    -------
    result : BiasVariance

    Notes
    -----
    With f the prediction of a fit for a row with target y, E the mean over the fits, and F the main
    prediction:

    - Squared error: F = E f, and ``E (y - f)^2 = (y - F)^2 + E (f - F)^2``, squared bias and
      variance (Geman, S., Bienenstock, E. and Doursat, R. "Neural networks and the bias/variance
      dilemma", 1992, section 3).
    - 0-1 loss: F is the most frequent label. The bias is 1 where F is not y; the variance is
      ``P(f != F)``. It increases the loss of rows without bias by as much, and decreases that of
      others by ``P(f = y)`` (Domingos, P. "A unified bias-variance decomposition", 2000, sections 2
      and 3). So ``loss = bias + unbiased_variance - biased_variance``.

    The noise of the targets is part of the bias, because one target of each row is known. Targets
    `y_val` without noise, where the function is known, give the bias alone. Bootstrap samples of
    one data set are more similar than data sets would be, so that the variance is underestimated.
    The definitions, and for other estimators the numbers, are those of
    ``mlxtend.evaluate.bias_variance_decomp``, which does not split the variance.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.diagnostics import bias_variance
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> simple = MLPClassifier((2,), solver="lbfgs", alpha=10.0, random_state=0)
    >>> flexible = MLPClassifier((20,), solver="lbfgs", alpha=0.0, random_state=0)
    >>> results = [bias_variance(model, X, y, n_rounds=8) for model in (simple, flexible)]
    >>> results[0].variance < results[1].variance
    True
    """
    refuse_heads(estimator, "bias_variance is of")
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val belong together: give both, or none.")
    y, is_class = _targets(estimator, y, "y"), is_classifier(estimator)
    X = to_host(X)
    check_consistent_length(X, y)
    if X_val is None:
        X, X_val, y, y_val = split(estimator, X, y, random_state)
    else:
        X_val, y_val = to_host(X_val), _targets(estimator, y_val, "y_val")
        check_consistent_length(X_val, y_val)
    draws = np.random.RandomState(random_state)
    n_rows = _num_samples(X)
    samples = [draws.randint(0, n_rows, n_rows) for _ in range(n_rounds)]
    models = [_seeded(estimator, int(draws.randint(2**31 - 1))) for _ in samples]
    _fit(models, X, y, samples, n_jobs)
    predictions = np.array([model.predict(X_val) for model in models])
    if predictions.shape[1:] != y_val.shape:
        raise ValueError(
            "bias_variance needs one prediction for each target: y_val has the shape "
            f"{y_val.shape}, and the predictions {predictions.shape[1:]}. Choose one of several "
            "quantiles."
        )
    main = _most_frequent(predictions) if is_class else predictions.mean(axis=0)
    losses = _zero_one if is_class else _squared
    return BiasVariance(
        not is_class,
        n_rounds,
        main,
        losses(predictions, y_val).mean(axis=0),
        losses(main[np.newaxis], y_val)[0].astype(float),
        losses(predictions, main).mean(axis=0),
    )


def _targets(estimator, y, name):
    y = np.asarray(to_host(y))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if not is_classifier(estimator):
        return check_array(y, dtype="numeric", ensure_2d=False, input_name=name)
    if y.ndim != 1:
        raise ValueError(
            f"bias_variance needs one label for each row, and {name} has the shape {y.shape}: call "
            "it for each column."
        )
    return y


def _seeded(estimator, seed):
    """Return a clone that has this seed where the estimator has none."""
    if isinstance(estimator, BaseMLP):
        return silent_clone(estimator, seed)
    params = estimator.get_params()
    own = [name for name, value in params.items() if value is None]
    own = [name for name in own if name.rpartition("__")[2] == "random_state"]
    return clone(estimator).set_params(**dict.fromkeys(own, seed))


def _fit(models, X, y, samples, n_jobs):
    """Fit each model to its sample, without warnings; Ctrl-C ends all."""
    with held_warnings() as messages:
        if isinstance(models[0], BaseMLP):
            fit_many(models, X, y, rows=samples, n_jobs=n_jobs)
        else:
            for model, rows in zip(models, samples, strict=True):
                model.fit(take(X, rows), take(y, rows))
                if messages and messages[-1][0] == INTERRUPTED:
                    break
    if any(message.startswith(INTERRUPTED) for message, _ in messages):
        raise KeyboardInterrupt


def _most_frequent(predictions):
    """Return the most frequent label of each row; of equally frequent ones the first in order."""
    labels, codes = np.unique(predictions, return_inverse=True)
    codes = codes.reshape(predictions.shape)
    counts = np.array([(codes == code).sum(axis=0) for code in range(len(labels))])
    return labels[counts.argmax(axis=0)]


def _zero_one(predictions, y):
    return predictions != y


def _squared(predictions, y):
    """Return squared errors of shape (n_rounds, n_rows), means over the outputs."""
    errors = np.square(predictions - y)
    return errors.reshape(*errors.shape[:2], -1).mean(axis=2)
