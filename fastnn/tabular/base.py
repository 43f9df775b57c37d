"""Base class of the estimators for tables."""

from numbers import Integral, Real
from typing import ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._fit.locking import training_lock
from .._specs.constraints import Interval, OneOf, check_parameters
from .configurations import PRESETS

_COUNT = Interval(Integral, 1, None, closed="left")


class BaseTabularMLP(BaseEstimator):
    """Base class of `TabularMLPClassifier` and `TabularMLPRegressor`."""

    _parameter_constraints: ClassVar[dict] = {
        "preset": [OneOf(PRESETS)],
        "categorical_features": [OneOf({"auto"}), "array-like"],
        "n_networks": [None, _COUNT],
        "n_folds": [None, _COUNT],
        "time_limit": [None, Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, _COUNT, Interval(Integral, None, -1, closed="right")],
        "callbacks": [None, list, tuple],
        "verbose": ["boolean"],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None):
        """Fit an ensemble to a table and its targets.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The table: a frame of pandas, polars or pyarrow, or an array. Its columns may be
            numbers, strings, categories, booleans, dates and times, with gaps.
        y : array-like of shape (n_samples,)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, in training, in stopping and in the choice of networks. A row of
            weight 0 is neither trained on nor held out.

        Returns
        -------
        self : estimator instance
            The fitted estimator. If fit raises an error, it is unchanged. After Ctrl-C it has the
            networks that are complete, with a warning, or is unchanged if there are none.
        """
        with training_lock(self, type(self).__name__):
            check_parameters(self)
            from .fitting import Fit  # what only training needs is loaded here

            learned = Fit(self).run(X, y, sample_weight)
            for name in self._optional_attributes - learned.keys():
                self.__dict__.pop(name, None)
            self.__dict__.update(learned)
        return self

    #: Fitted attributes that there may not be.
    _optional_attributes = frozenset(("feature_names_in_",))

    def _decisions(self, X):
        check_is_fitted(self, "_ensemble")
        return self._ensemble.decisions(X, self.n_jobs)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
