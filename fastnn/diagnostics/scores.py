"""After training: scores of training and validation."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils import check_consistent_length

from .._core.device_arrays import to_host
from .._data.rows import targets_of
from .._data.sample_weights import weights_of_rows
from .._fit.validation import score_by, scorings
from .finding import Finding, number
from .parameters import checked
from .probe import cloned, is_fitted, opened, quietly


@dataclass(repr=False)
class Generalization(Finding):
    """What `generalization` found.

    Attributes
    ----------
    train_score, validation_score : float
        By the estimator's `scoring` where it is a scorer of scikit-learn's, of several by the
        first; else as `score` tells them: accuracy, or R2. Rows are weighted by `class_weight`.
    guess : float
        The score of the same answer for all rows.
    """

    train_score: float
    validation_score: float
    guess: float

    title: ClassVar[str] = "generalisation"


@checked
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
    X, X_val = to_host(X), to_host(X_val)
    y = targets_of(estimator, y)
    check_consistent_length(X, y)
    X, y = _drawn(X, y, max_rows, random_state)
    if given:
        y_val = targets_of(estimator, y_val)
        check_consistent_length(X_val, y_val)
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
    return _judged_scores(*_scores(model, (X, y), (X_val, y_val)))


def _scores(model, train, validation):
    """What scores by, and the scores: of training, of validation, of a guess, and the best."""
    dtype, balance = np.dtype(np.float64), (train[1], None)
    train, validation = (
        (X, y, weights_of_rows(model, None, X, y, dtype, balance)) for X, y in (train, validation)
    )
    name, scoring = next(iter(scorings(model).items()))
    is_scorer = isinstance(scoring, str) or hasattr(scoring, "_score_func")  # of make_scorer
    if scoring == "loss" or not is_scorer:
        scores = model.score(*train), model.score(*validation)
        return "score", *scores, _score_of_guess(model, *validation[1:]), 1.0
    from sklearn.dummy import DummyClassifier, DummyRegressor  # slow to import

    guesses = is_classifier(model)
    constant = (DummyClassifier if guesses else DummyRegressor)().fit(*train)
    right = _RightLabels(validation[1], constant) if guesses else _RightNumbers(validation[1])
    if guesses:  # scorers are told of classes that validation data lack
        constant._labels = right._labels = model._labels
    of_train = score_by(scoring, model, *train)
    return (
        name,
        of_train,
        *(score_by(scoring, one, *validation) for one in (model, constant, right)),
    )


class _RightNumbers(RegressorMixin, BaseEstimator):
    """Predicts the targets."""

    def __init__(self, y):
        self.y = y

    def predict(self, X):
        return self.y


class _RightLabels(ClassifierMixin, BaseEstimator):
    """Predicts the labels, and is sure of them; it knows the classes of another estimator."""

    def __init__(self, y, other):
        self.y, self.classes_ = y, other.classes_

    def predict(self, X):
        return self.y

    def predict_proba(self, X):
        if np.ndim(self.y) == 2:
            return self.y
        return (self.y[:, np.newaxis] == self.classes_).astype(float)

    def decision_function(self, X):
        sure = self.predict_proba(X)
        return sure[:, 1] if np.ndim(self.y) == 1 and len(self.classes_) == 2 else sure


def _judged_scores(name, train, validation, guess, best):
    """A finding from scores of training, of validation, of a guess, and the best that there is."""
    reach = max(best - guess, 1e-12)
    skill, skill_val = (train - guess) / reach, (validation - guess) / reach
    numbers = (
        f"{name} {number(train)} in training, {number(validation)} in validation (a guess has "
        f"{number(guess)})"
    )
    if guess >= best:
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


def _score_of_guess(model, y, weights):
    """The score of the same answer for all rows."""
    if not is_classifier(model):
        return 0.0
    labels = model._labels
    answers = labels.encode(y, np.float64, class_codes=True)
    if labels.kind == "probabilities":
        answers = answers.argmax(axis=1)
    _, answers = np.unique(answers, axis=0, return_inverse=True)
    return float(
        np.bincount(answers.ravel(), weights).max()
        / (len(answers) if weights is None else weights.sum())
    )


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
    from sklearn.model_selection import train_test_split

    stratify = None
    if is_classifier(estimator) and np.ndim(y) == 1:
        counts = np.unique(np.asarray(y), return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= len(y) // 4:
            stratify = y
    return train_test_split(X, y, test_size=0.25, random_state=random_state, stratify=stratify)
