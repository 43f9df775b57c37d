"""After training: scores of training and validation."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from ..device_arrays import to_host
from ..sparse_matrices import sound
from .finding import Finding, number
from .probe import cloned, is_fitted, opened, quietly


@dataclass(repr=False)
class Generalization(Finding):
    """What `generalization` found.

    Attributes
    ----------
    train_score, validation_score : float
        As `score` tells them: accuracy, or R2.
    guess : float
        The score of the same answer for all rows.
    """

    train_score: float
    validation_score: float
    guess: float

    title: ClassVar[str] = "generalisation"


def generalization(estimator, X, y, *, X_val=None, y_val=None, max_rows=2000, random_state=0):
    """Whether the network underfits, overfits, or neither, by its scores.

    A fitted estimator is scored as it is, where `X_val` and `y_val` are given. Else a clone is
    trained, on three quarters of the rows where none are given for validation.

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`.
    X_val, y_val : array-like, default=None
        Rows that were not trained on.
    max_rows : int, default=2000
        So many rows are trained on and scored, for as many epochs as the estimator has.

    Returns
    -------
    finding : Generalization

    Notes
    -----
    Of the way from a guess to a perfect score, training should go at least three tenths, and
    validation no less than two tenths less than that. (Goodfellow, I., Bengio, Y. and Courville, A.
    "Deep learning", 2016, section 5.2.)
    """
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val belong together: give both, or none.")
    estimator, X, X_val = opened(estimator, X, X_val, y=y)
    given, model = X_val is not None, estimator
    X, y, X_val, y_val = map(to_host, (X, y, X_val, y_val))
    X, y = _drawn(X, y, max_rows, random_state)
    if given:
        X_val, y_val = _drawn(X_val, y_val, max_rows, random_state)
    else:
        X, X_val, y, y_val = _split(estimator, X, y, random_state)
    if not (is_fitted(estimator) and given):
        model = cloned(estimator, random_state)
        with quietly():
            try:
                model.fit(X, y)
            except ValueError as error:
                if "non-finite" not in str(error):
                    raise
                model = None
        if model is None or not math.isfinite(model.loss_):
            verdict = (
                "training diverges: a lower learning_rate_init, smaller initial weights, or scale "
                "the features."
            )
            return Generalization(False, verdict, math.nan, math.nan, math.nan)
    scores = model.score(X, y), model.score(X_val, y_val)
    guess = _score_of_guess(model, y_val)
    return _judged_scores(*scores, guess)


def _judged_scores(train, validation, guess):
    skill, skill_val = ((score - guess) / max(1 - guess, 1e-12) for score in (train, validation))
    numbers = (
        f"score {number(train)} in training, {number(validation)} in validation (a guess has "
        f"{number(guess)})"
    )
    if guess == 1:
        ok, what = False, "all targets are the same"
    elif skill_val < 0.1 < min(skill, skill - skill_val):
        ok = False
        what = (
            "rows are learned by heart and nothing that holds for others: look for targets that "
            "are shuffled or wrong, or more rows"
        )
    elif skill < 0.3:
        ok = False
        what = (
            "underfitting: a higher learning rate, more epochs or units, less regularisation, or "
            "the targets are mostly noise"
        )
    elif skill - skill_val > 0.2:
        ok = False
        what = "overfitting: more rows, alpha, dropout, early_stopping, or fewer units"
    else:
        ok, what = True, "neither underfitting nor overfitting"
    return Generalization(ok, f"{what}; {numbers}.", train, validation, guess)


def _score_of_guess(model, y):
    """The score of the same answer for all rows."""
    if not hasattr(model, "classes_"):
        return 0.0
    y = sound(y, "y").toarray() if sparse.issparse(y) else np.asarray(y)
    if y.ndim == 2 and model._labels.kind == "probabilities":
        y = y.argmax(axis=1)
    return float(np.unique(y, axis=0, return_counts=True)[1].max() / len(y))


def _rows(array, numbers):
    from sklearn.utils import _safe_indexing

    return _safe_indexing(array, numbers)


def _drawn(X, y, max_rows, random_state):
    """At most so many rows, and their targets."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows <= max_rows:
        return X, y
    rows = np.random.RandomState(random_state).choice(n_rows, max_rows, replace=False)
    return _rows(X, np.sort(rows)), _rows(y, np.sort(rows))


def _split(estimator, X, y, random_state):
    """Rows to train on and to validate with, by classes where each has several rows."""
    from sklearn.base import is_classifier
    from sklearn.model_selection import train_test_split

    stratify = None
    if is_classifier(estimator) and np.ndim(y) == 1:
        counts = np.unique(np.asarray(y), return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= len(y) // 4:
            stratify = y
    return train_test_split(X, y, test_size=0.25, random_state=random_state, stratify=stratify)
