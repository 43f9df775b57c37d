"""Comparison of training and validation scores."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils import check_consistent_length

from .._core.device_arrays import to_host
from .._data.rows import validated_targets
from .._data.sample_weights import row_weights
from .._fit.scoring import score_by, scorings
from .finding import Finding, fmt
from .parameters import checked
from .probe import ignore_warnings, is_fitted, silent_clone, unwrap


@dataclass(repr=False)
class Generalization(Finding):
    """Result of `generalization`.

    Attributes
    ----------
    train_score, validation_score : float
        Scores by the estimator's `scoring` (the first of several) if it is a scorer of
        scikit-learn, otherwise by `score`: accuracy, or R2. Rows are weighted by `class_weight`.
    guess : float
        The score of a constant prediction.
    """

    train_score: float
    validation_score: float
    guess: float

    title: ClassVar[str] = "generalisation"


@checked
def generalization(estimator, X, y, *, X_val=None, y_val=None, max_rows=2000, random_state=0):
    """Check training and validation scores for underfitting and overfitting.

    A fitted estimator is scored as it is if `X_val` and `y_val` are given. Otherwise a clone is
    trained, on three quarters of the rows if no validation data is given.

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`.
    X_val, y_val : array-like, default=None
        Validation data.
    max_rows : int, default=2000
        Largest number of rows to train on and to score, for the estimator's number of epochs.

    Returns
    -------
    finding : Generalization

    Notes
    -----
    On a scale from 0 (the guess) to 1 (a perfect score), the training score should be at least 0.3,
    and the validation score at most 0.2 lower (Goodfellow, I., Bengio, Y. and Courville, A. "Deep
    learning", 2016, section 5.2).
    """
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val belong together: give both, or none.")
    estimator, X, X_val = unwrap(estimator, X, X_val, y=y)
    given, model = X_val is not None, estimator
    X, X_val = to_host(X), to_host(X_val)
    y = validated_targets(estimator, y)
    check_consistent_length(X, y)
    X, y = _subsample(X, y, max_rows, random_state)
    if given:
        y_val = validated_targets(estimator, y_val)
        check_consistent_length(X_val, y_val)
        X_val, y_val = _subsample(X_val, y_val, max_rows, random_state)
    else:
        X, X_val, y, y_val = split(estimator, X, y, random_state)
    if not (is_fitted(estimator) and given):
        model = silent_clone(estimator, random_state)
        with ignore_warnings():
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
    return _interpret(*_scores(model, (X, y), (X_val, y_val)))


def _scores(model, train, validation):
    """Return the name of the score, and the training, validation, guess and best possible score."""
    encoder, dtype, balance = model._network.encoder, np.dtype(np.float64), (train[1], None)
    balances = {"class_weight": model.class_weight, "labels": encoder}
    train, validation = (
        (X, y, row_weights(None, X, dtype, y=y, balance=balance, **balances))
        for X, y in (train, validation)
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
    classes = encoder.row_classes  # which validation data may lack
    of_train = score_by(scoring, model, *train, classes)
    return (
        name,
        of_train,
        *(score_by(scoring, one, *validation, classes) for one in (model, constant, right)),
    )


class _RightNumbers(RegressorMixin, BaseEstimator):
    """Regressor that predicts the targets."""

    def __init__(self, y):
        self.y = y

    def predict(self, X):
        return self.y


class _RightLabels(ClassifierMixin, BaseEstimator):
    """Classifier that predicts the labels with certainty, with the classes of another one."""

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


def _interpret(name, train, validation, guess, best):
    """Return a finding from the training, validation, guess and best possible score."""
    reach = max(best - guess, 1e-12)
    skill, skill_val = (train - guess) / reach, (validation - guess) / reach
    numbers = (
        f"{name} {fmt(train)} in training, {fmt(validation)} in validation (a guess has "
        f"{fmt(guess)})"
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
    """Return the score of a constant prediction."""
    if not is_classifier(model):
        return 0.0
    labels = model._network.encoder
    codes = labels.encode(y, np.float64, "log_loss")
    if labels.kind == "probabilities":
        codes = codes.argmax(axis=1)
    _, codes = np.unique(codes, axis=0, return_inverse=True)
    total = len(codes) if weights is None else weights.sum()
    return float(np.bincount(codes.ravel(), weights).max() / total)


def take(array, numbers):
    from sklearn.utils import _safe_indexing

    return _safe_indexing(array, numbers)


def _subsample(X, y, max_rows, random_state):
    """Draw at most `max_rows` rows, and their targets."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows <= max_rows:
        return X, y
    rows = np.random.RandomState(random_state).choice(n_rows, max_rows, replace=False)
    return take(X, np.sort(rows)), take(y, np.sort(rows))


def split(estimator, X, y, random_state):
    """Split rows for training and validation, stratified if each class has several rows."""
    from sklearn.model_selection import train_test_split

    stratify = None
    if is_classifier(estimator) and np.ndim(y) == 1:
        counts = np.unique(np.asarray(y), return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= len(y) // 4:
            stratify = y
    return train_test_split(X, y, test_size=0.25, random_state=random_state, stratify=stratify)
