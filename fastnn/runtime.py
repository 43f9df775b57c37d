"""Predictions of saved models, with only NumPy and the engine.

`load` reads a file of `MLPClassifier.save` or `MLPRegressor.save`. It does not import scikit-learn
and SciPy, so that a process starts in a fraction of a second. Predictions equal those of the
estimator bit for bit.
"""

from collections.abc import Collection
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core.codes import READABLE
from ._files.parts import Parts
from ._network.network import Network
from ._network.predictions import confidence_scores, probabilities, values
from .losses import LOSSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Classifier", "Regressor", "load"]

_TYPES = frozenset(READABLE)


def load(
    path: "str | PathLike[str]", *, n_jobs: int | None = None, trusted: Collection[str] = ()
) -> "Classifier | Regressor":
    """Load a saved model or a checkpoint for prediction.

    Parameters
    ----------
    path : str or path-like
        The file.
    n_jobs : int, default=None
        Number of threads. None is the number of processors, or fewer for few rows.
    trusted : collection of str, default=()
        Names of user-defined functions that may be imported, such as ``"my_module:my_function"``.

    Returns
    -------
    model : Classifier or Regressor
        The model. Several threads may predict with it at once.

    Raises
    ------
    ValueError
        If the file contains no network, is damaged, was written by a later version of fastnn, or
        names a function that is not trusted.
    OSError
        If the file cannot be read.
    """
    parts = Parts(path, None, trusted)
    with parts.checked():
        reads_arrays = "network" in parts and parts["reads_arrays"]
    if not reads_arrays:
        raise ValueError(
            f"{str(path)!r} is of an estimator that makes rows of numbers of its input: "
            "fastnn.load loads it, with scikit-learn."
        )
    with parts.checked():
        network, labels = parts["network"], parts["labels"]
        if not isinstance(network, Network):
            raise ValueError("it has no network.")
        if getattr(labels, "kind", None) == "heads":
            raise ValueError("it has heads of several kinds: fastnn.load loads it.")
        model = Regressor() if labels is None else Classifier()
        model._set(network, labels, parts["attributes"].get("feature_names_in_"), n_jobs)
    return model


class _Model:
    """Base class of the models.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str, or None
        Names of the features, if the estimator was fitted on a frame.
    """

    def _set(self, network, labels, names, n_jobs):
        if labels is not None:
            network.use_encoder(labels)
            self._has_probabilities = LOSSES[network.loss].probabilities
            self.classes_ = labels.classes
        self._network, self._n_jobs = network, n_jobs
        self.n_features_in_, self.feature_names_in_ = network.n_features, names

    def _rows(self, X):
        """Return rows that the engine reads."""
        if not (type(X) is np.ndarray and X.dtype in _TYPES):
            self._check_names(getattr(X, "columns", None))
            if hasattr(X, "tocsr"):
                raise ValueError("X is sparse: pass X.toarray().")
            X = np.asarray(X)
            if X.dtype not in _TYPES:
                X = X.astype(np.float64)
        if X.ndim != 2 or X.shape[1] != self.n_features_in_ or not len(X):
            raise ValueError(
                f"X must have the shape (n_rows, {self.n_features_in_}), with a row at least, and "
                f"has the shape {X.shape}; a row of one dimension is x[np.newaxis]."
            )
        return X

    def _check_names(self, columns):
        """Raise a ValueError for a frame with other columns than those of the training."""
        names = self.feature_names_in_
        if columns is not None and names is not None and list(columns) != list(names):
            raise ValueError(f"X must have the columns {list(names)}, in this order.")

    def _outputs(self, X, pre_activation=False, both_classes=False):
        network, X = self._network, self._rows(X)
        both_classes = both_classes and network.program.n_outputs == 1
        outputs, finite = network.predict(X, self._n_jobs, "cpu", pre_activation, both_classes)
        if not finite:
            if not np.isfinite(X).all():
                raise ValueError("X contains NaN or infinity.")
            raise ValueError(
                f"X contains a value too large for {network.dtype}, the precision of the network."
            )
        return network, outputs


class Regressor(_Model):
    """Network for regression, returned by `load`.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str, or None
        Names of the features, if the estimator was fitted on a frame.
    """

    def predict(self, X: Any) -> "NDArray[Any]":
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets. Several quantiles are appended as the last axis.
        """
        return values(*self._outputs(X))


class Classifier(_Model):
    """Network for classification, returned by `load`.

    Attributes
    ----------
    classes_ : ndarray, or list of ndarray
        The classes; for multiclass-multioutput targets, those of each column.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str, or None
        Names of the features, if the estimator was fitted on a frame.
    """

    def predict(self, X: Any) -> "NDArray[Any]":
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_targets)
            The labels, of the type passed to `fit`.
        """
        network, outputs = self._outputs(X)
        return network.encoder.decode(outputs, network.architecture.loss)

    def predict_proba(self, X: Any) -> "NDArray[Any] | Any":
        """Predict the probability of each class, or of each label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), or list of n_targets such
            Probabilities in the order of `classes_`.

        Raises
        ------
        AttributeError
            If the loss has no probabilities, such as 'hinge'.
        """
        if not self._has_probabilities:
            raise AttributeError(
                f"loss={self._network.loss!r} gives no probabilities: use decision_function."
            )
        return probabilities(*self._outputs(X, both_classes=True))

    def decision_function(self, X: Any) -> "NDArray[Any] | Any":
        """Return confidence scores (logits): the pre-activations of the output layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            The scores; see `MLPClassifier.decision_function`.
        """
        return confidence_scores(*self._outputs(X, pre_activation=True))
