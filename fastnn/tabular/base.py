"""Base class of the estimators for tables."""

import copy
import functools
from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .. import _typing as t
from .._data.rows import read_targets
from .._files import models
from .._fit.locking import training_lock
from .._printed_tables import PrintedColumns
from .._specs.constraints import Interval, OneOf, check_parameters
from ..data.passes import in_memory, refuse_beside, rows_of, targets_to_score
from ..data.source import Source
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

    def fit(
        self, X: t.Rows, y: t.Targets | None = None, sample_weight: t.Weights | None = None
    ) -> Self:
        """Fit an ensemble of networks to a table and its targets.

        Parameters
        ----------
        X : {DataFrame, array-like, Source} of shape (n_samples, n_features)
            The table: a frame of pandas, polars or pyarrow, or an array. Its columns may be
            numbers, strings, categories, booleans, dates and times, with gaps. A source of
            `fastnn.data` is read into memory, with its targets and weights.
        y : array-like of shape (n_samples,)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in training, early stopping and the selection of networks. Rows of
            weight 0 are neither trained on nor held out.

        Returns
        -------
        self : estimator instance
            The fitted estimator. If `fit` raises an error, it is unchanged. After Ctrl-C it
            contains the complete networks, with a warning, or is unchanged if there are none.
        """
        with training_lock(self, type(self).__name__):
            check_parameters(self)
            from .fitting import Fit  # what only training needs is loaded here

            if isinstance(X, Source):
                refuse_beside(X, y, sample_weight)
                X, y, sample_weight = in_memory(X)
            learned = Fit(self).run(X, y, sample_weight)
            for name in self._optional_attributes - learned.keys():
                self.__dict__.pop(name, None)
            self.__dict__.update(learned)
        return self

    #: Fitted attributes that there may not be.
    _optional_attributes = frozenset(("_importances", "compression_", "feature_names_in_"))

    @property
    def feature_importances_(self) -> t.Array:
        """Importances of the columns: ndarray of shape (`n_features_in_`,).

        Permutation importances: the increase of the loss of training rows if a column is permuted,
        scaled to a sum of 1. Each row is predicted by the networks that have not seen it. They are
        computed from at most 1,000 rows when first accessed, which takes less time than `fit`, but
        some seconds with 1,000 columns.
        """
        check_is_fitted(self, "_ensemble")
        if not hasattr(self, "_importances"):
            from .importances import permutation_importances

            training = self._training_of("feature_importances_")
            self._importances = permutation_importances(self._ensemble, training, self.n_jobs)
        return self._importances

    def compress(self) -> Self:
        """Distil the ensemble into an estimator with a single network.

        The network is trained on the predictions of the ensemble for the training rows and for
        modified copies of them. The estimator accepts the same tables.

        Returns
        -------
        estimator : estimator instance
            A fitted estimator of the same class. `compression_` contains the mean losses of the
            network and of the ensemble on training rows that were held out.

        References
        ----------
        Hinton, G. et al. "Distilling the knowledge in a neural network" (2015), section 2.
        """
        check_is_fitted(self, "_ensemble")
        from .distillation import distil

        training = self._training_of("compress()")
        learned = distil(self._ensemble, training, self.oof_decision_, self.n_jobs)
        small = copy.copy(self)
        small.__dict__.pop("_importances", None)
        small.__dict__.update(learned)
        return small

    def _training_of(self, name):
        """Return the training rows, or raise an error where they are gone."""
        if (training := getattr(self, "_training", None)) is None:
            raise AttributeError(
                f"{name} needs the training rows, which no file or pickle contains: use it "
                "before saving, or fit again."
            )
        return training

    def save(self, path: t.Path) -> None:
        """Save the fitted estimator to a file, which `fastnn.load` loads.

        The file contains the parameters, the types of the columns with their levels, the networks
        and the fitted attributes, but not the rows, which `feature_importances_` and `compress`
        need. Loading it executes no code. If writing fails, no incomplete file remains. `callbacks`
        are not saved.

        Parameters
        ----------
        path : str or path-like
            The file. An existing file is replaced when the new one is complete.

        Raises
        ------
        ValueError
            If a parameter or the name of a column is an object that cannot be stored.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self, "_ensemble")
        models.write(path, self._get_parts())

    #: Fitted attributes that are not in a file: the rows, and what the ensemble tells.
    _derived = frozenset(("_ensemble", "_training", "networks_", "columns_"))

    def _get_parts(self):
        parameters = models.parameters_of(self)
        known = {*parameters, *self._derived, *models.NOT_SAVED}
        return {
            "estimator": type(self),
            "parameters": parameters,
            "ensemble": self._ensemble.bare(),
            "attributes": {name: one for name, one in vars(self).items() if name not in known},
        }

    def _set_parts(self, parts):
        models.set_parameters(self, parts)
        ensemble = parts["ensemble"]
        ensemble.check()
        learned = {"_ensemble": ensemble, "networks_": ensemble.members}
        self.__dict__.update(parts["attributes"] | learned, columns_=ensemble.columns.table())
        self._print_history()

    def __getstate__(self):
        state = {k: v for k, v in super().__getstate__().items() if k != "_training"}
        return state | ({"history_": dict(self.history_)} if "history_" in state else {})

    def __setstate__(self, state):
        super().__setstate__(state)
        self._print_history()

    def _print_history(self):
        if "history_" in vars(self):
            self.history_ = PrintedColumns(self.history_)

    def _decisions(self, X):
        check_is_fitted(self, "_ensemble")
        if isinstance(X, Source):
            return np.concatenate([self._decisions(rows.X) for rows in rows_of(X)])
        return self._ensemble.decisions(X, self.n_jobs)

    def _targets(self, X, y, sample_weight):
        return targets_to_score(X, y, sample_weight, functools.partial(read_targets, self))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
