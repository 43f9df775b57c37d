"""Comparison of training and validation scores."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _num_samples

from .._core.device_arrays import to_host
from .._data.rows import validated_targets
from .._data.sample_weights import row_weights
from .._fit.scoring import score_by, scorings
from ..callbacks import LossJumps
from .finding import Finding, fmt, join_names
from .parameters import checked
from .probe import ignore_warnings, is_fitted, refuse_heads, silent_clone, unwrap
from .rows import row_gradients


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
    jumps : list of Jump
        Batches of the training at which the loss was above the mean of the first epoch, and far
        above that of the batches before; see `fastnn.callbacks.LossJumps`. Their `rows` are numbers
        in `X`, those with the largest gradients after training first.
    """

    train_score: float
    validation_score: float
    guess: float
    jumps: list = field(default_factory=list)

    title: ClassVar[str] = "generalisation"


@checked
def generalization(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    X_val: Any = None,
    y_val: Any = None,
    max_rows: float = 2000,
    random_state: int | None = 0,
) -> Generalization:
    """Check training and validation scores for underfitting and overfitting.

    A fitted estimator is scored as it is if `X_val` and `y_val` are given. Otherwise a clone is
    trained, on three quarters of the rows if no validation data is given; if its loss jumps, the
    verdict tells at which rows.

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
    refuse_heads(estimator, "This check knows")
    estimator, X, X_val = unwrap(estimator, X, X_val, y=y)
    given, model = X_val is not None, estimator
    X, X_val = to_host(X), to_host(X_val)
    y = validated_targets(estimator, y)
    check_consistent_length(X, y)
    X, y, numbers = _subsample(max_rows, random_state, X, y, np.arange(_num_samples(X)))
    if given:
        y_val = validated_targets(estimator, y_val)
        check_consistent_length(X_val, y_val)
        X_val, y_val = _subsample(max_rows, random_state, X_val, y_val)
    else:
        X, X_val, y, y_val, numbers, _ = split(estimator, X, y, random_state, numbers)
    jumps = []
    if not (is_fitted(estimator) and given):
        watch = LossJumps()
        model = silent_clone(estimator, random_state).set_params(callbacks=[watch])
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
        jumps = _high_jumps(watch.jumps_, model, X, y, numbers)
    finding = _interpret(*_scores(model, (X, y), (X_val, y_val)))
    finding.jumps = jumps
    if jumps:
        finding.verdict += f" {_sentence(max(jumps, key=lambda jump: jump.loss))}"
    return finding


def _high_jumps(jumps, model, X, y, numbers):
    """Return the jumps above the loss of the first epoch, with the numbers of their rows in `X`.

    The rows with the largest gradients come first.
    """
    found = []
    for jump in jumps:
        if jump.loss > model.history_["loss"][0]:
            rows = jump.rows
            if rows is not None:
                rows = numbers[row_gradients(model, X, y, rows=rows).rows]
            found.append(jump._replace(rows=rows))
    return found


def _sentence(jump):
    """Return where the loss jumped, in words."""
    where = f"In epoch {jump.epoch}, the loss jumped from {fmt(jump.usual)} to {fmt(jump.loss)}"
    if jump.rows is None:
        return f"{where}."
    return f"{where} at a batch with rows {join_names(jump.rows, 3)}."


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


def _subsample(max_rows, random_state, *arrays):
    """Draw at most `max_rows` rows of arrays."""
    n_rows = _num_samples(arrays[0])
    if n_rows <= max_rows:
        return arrays
    rows = np.random.RandomState(random_state).choice(n_rows, max_rows, replace=False)
    return [take(array, np.sort(rows)) for array in arrays]


def split(estimator, X, y, random_state, *others):
    """Split rows for training and validation, stratified if each class has several rows."""
    from sklearn.model_selection import train_test_split

    stratify = None
    if is_classifier(estimator) and np.ndim(y) == 1:
        counts = np.unique(np.asarray(y), return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= len(y) // 4:
            stratify = y
    given = {"test_size": 0.25, "random_state": random_state, "stratify": stratify}
    return train_test_split(X, y, *others, **given)
