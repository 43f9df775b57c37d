"""Fits of several estimators in parallel."""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from sklearn.utils import _safe_indexing, indexable

from . import _core
from . import _typing as t
from ._fit.resolve import check_values
from ._fit.side_by_side import SideBySide
from ._train.training import INTERRUPTED
from ._warnings import held_warnings, warn
from .estimators.base import BaseMLP


def fit_many(
    estimators: list[Any],
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    rows: Sequence[t.ArrayLike] | None = None,
    n_jobs: int | None = None,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
) -> list[Any]:
    """Fit several estimators to one data set in parallel, such as for folds, seeds or grids.

    Each thread fits one estimator at a time, then takes the next one in the list. This is faster
    than fitting one after another with all threads, especially for small networks. The results
    equal those of separate calls of `fit`, bit for bit.

    Parameters
    ----------
    estimators : list of MLPClassifier, MLPRegressor or MultiTaskMLP
        The estimators to fit, which must be separate objects. They are started in this order: put
        those that take longest first.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows, see `MLPClassifier.fit`.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), dict or frame
        The targets, see the `fit` of the estimators.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    rows : list of array-like of int, default=None
        For each estimator, the indices of its training rows, such as those of a fold. None is all
        rows.
    n_jobs : int, default=None
        Number of threads, as for an estimator: None is all that are available. If there are fewer
        estimators, the threads are shared among their fits. The `n_jobs` of an estimator limits the
        threads of its own fit.
    X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
        Validation data for all estimators.
    y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
        Its targets.
    sample_weight_val : array-like of shape (n_val,), default=None
        Its weights.

    Returns
    -------
    estimators : list
        The same objects, fitted.

    Raises
    ------
    TypeError, ValueError
        If the list or a parameter of an estimator is invalid. In this case no estimator is fitted.
        If a fit fails, its estimator is unchanged and the others are fitted. Then the first error
        is raised, with a note that names the estimator.
    KeyboardInterrupt
        If Ctrl-C is pressed before all fits have started. Fits in progress end with a warning and a
        usable estimator, as in `fit`.

    Notes
    -----
    Warnings are issued at the end, each once, with the indices of the estimators concerned.

    Callbacks and other user-defined functions are called in the threads of the fits, several at a
    time. Estimators that share a `RandomState` are fitted one after another. Estimators with a
    `device` other than 'cpu' are fitted one after another in the calling thread. A fit to some of
    the rows copies them, and frees the copy when it ends.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastnn import MLPClassifier, fit_many
    >>> X, y = load_iris(return_X_y=True)
    >>> models = [MLPClassifier(solver="lbfgs", random_state=seed) for seed in (0, 2, 3)]
    >>> [model.n_outputs_ for model in fit_many(models, X, y)]
    [3, 3, 3]
    """
    estimators = _checked(estimators, rows, n_jobs)
    if rows is not None:
        if isinstance(y, Mapping):
            from ._data.heads import read_heads  # slow to import

            y = read_heads(y)
        X, y, sample_weight = indexable(X, y, sample_weight)
    optional = {
        "sample_weight": sample_weight,
        "X_val": X_val,
        "y_val": y_val,
        "sample_weight_val": sample_weight_val,
    }
    given = {"X": X, "y": y} | {name: v for name, v in optional.items() if v is not None}

    def fit(index):
        if rows is None:
            estimators[index].fit(**given)
            return
        own = {
            name: _safe_indexing(given[name], rows[index])
            for name in ("X", "y", "sample_weight")
            if name in given
        }
        estimators[index].fit(**given | own)

    fits = _Fits(estimators, fit)
    fits.run(_core.n_threads(n_jobs, math.inf))
    fits.report()
    return estimators


def _checked(estimators, rows, n_jobs):
    """Return the list of estimators, or raise an error before any is fitted."""
    if isinstance(estimators, BaseMLP) or not hasattr(estimators, "__iter__"):
        raise TypeError(
            "estimators must be a list of estimators, such as [MLPClassifier(), MLPClassifier()], "
            f"and is a {type(estimators).__name__}."
        )
    estimators = list(estimators)
    if not estimators:
        raise ValueError("estimators is empty: give one or more to fit.")
    first = {}
    for index, estimator in enumerate(estimators):
        if not isinstance(estimator, BaseMLP):
            kind = "class" if isinstance(estimator, type) else type(estimator).__name__
            raise TypeError(
                f"estimators[{index}] is a {kind}, and fit_many fits objects of MLPClassifier and "
                "MLPRegressor."
            )
        if first.setdefault(id(estimator), index) != index:
            raise ValueError(
                f"estimators[{index}] and estimators[{first[id(estimator)]}] are one object, which "
                "can be fitted only once: give a clone (sklearn.base.clone)."
            )
    if not isinstance(n_jobs, Integral | None):
        raise TypeError(f"n_jobs must be a number of threads or None, and is {n_jobs!r}.")
    if not (rows is None or hasattr(rows, "__len__")):
        raise TypeError(f"rows must be a list of row numbers for each estimator, and is {rows!r}.")
    if rows is not None and len(rows) != len(estimators):
        raise ValueError(
            f"rows has row numbers for {len(rows)} estimators, and there are {len(estimators)}: "
            "give an array for each."
        )
    for index, estimator in enumerate(estimators):
        try:
            check_values(estimator)
        except Exception as error:
            error.add_note(_name(index, estimator))
            raise
    return estimators


def _name(index, estimator):
    return f"This was estimators[{index}], {estimator!r}."


class _Fits:
    """Fits of estimators that threads take one after another.

    Parameters
    ----------
    estimators : list
    fit : callable
        Fits the estimator of an index.
    """

    def __init__(self, estimators, fit):
        self._estimators, self._fit = estimators, fit
        self._fitted, self._warnings, self._errors = set(), {}, {}
        self._threads = SideBySide(self._do_in_turn)
        # Each element is a list of fits that go one after another.
        self._of_caller, in_turn = [], {}
        for index, estimator in enumerate(estimators):
            state = estimator.random_state
            draws_alone = state is None or isinstance(state, Integral)
            if estimator.device == "cpu":
                in_turn.setdefault(id(estimator if draws_alone else state), []).append(index)
            else:
                self._of_caller.append([index])
        self._shared = list(in_turn.values())

    def run(self, n_threads):
        """Do the fits in so many threads, this one among them, until all are done or Ctrl-C."""
        self._threads.run(self._shared, n_threads, self._of_caller)

    def _do_in_turn(self, indices):
        for index in indices:
            if not self._threads.stops:
                self._do(index)

    def _do(self, index):
        with held_warnings() as messages:
            try:
                self._fit(index)
                self._fitted.add(index)
            except KeyboardInterrupt:
                self._threads.stops = True
            except BaseException as error:
                self._errors[index] = error
        self._threads.stops |= any(message == INTERRUPTED for message, _ in messages)
        self._warnings[index] = messages

    def report(self):
        """Issue the warnings of all fits, and raise the error of the first that failed."""
        told = {}
        for index, messages in sorted(self._warnings.items()):
            for message in messages:
                told.setdefault(message, []).append(index)
        for (message, category), indices in told.items():
            warn(f"{message} ({_numbers(indices)})", category)
        if errors := sorted(self._errors.items()):
            (index, first), *others = errors
            first.add_note(_name(index, self._estimators[index]))
            for index, error in others:
                first.add_note(f"estimators[{index}] failed too: {type(error).__name__}: {error}")
            raise first
        if rest := sorted({*range(len(self._estimators))} - self._fitted):
            raise KeyboardInterrupt(f"not fitted: {_numbers(rest)}")


def _numbers(indices):
    return f"estimator{'s' * (len(indices) > 1)} {', '.join(map(str, indices))}"
