"""Hidden features of a network, as a transformer of scikit-learn."""

from numbers import Integral
from typing import Any, Self

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from . import _typing as t
from .diagnostics.probe import up_to_layer
from .estimators.base import BaseMLP

__all__ = ["FeatureExtractor"]


class FeatureExtractor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Transformer that returns the activations of a hidden layer of a network.

    Another estimator can learn from these features. This is faster than `transfer` with frozen
    hidden layers, because each row passes through them once, not in each epoch.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, MultiTaskMLP or FrozenEstimator
        The network; `fit` fits a clone of it. ``sklearn.frozen.FrozenEstimator(model)`` uses a
        fitted network without training.
    layer : int, default=-1
        Number of the hidden layer; negative numbers count from the last one. Features are the
        activations after normalization, as in prediction.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.
    n_features_in_ : int
        Number of features of the network.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Defined only if the network was fitted on rows with feature names.

    References
    ----------
    Yosinski, J., Clune, J., Bengio, Y. and Lipson, H. "How transferable are features in deep neural
    networks?" (2014).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from fastnn import FeatureExtractor, MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> is_large = y >= 5
    >>> network = MLPClassifier((64, 16), max_iter=20, random_state=0).fit(X / 16, is_large)
    >>> features = FeatureExtractor(FrozenEstimator(network))
    >>> make_pipeline(features, KNeighborsClassifier()).fit(X / 16, y).score(X / 16, y) > 0.9
    True
    """

    def __init__(self, estimator: Any, *, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: t.Rows, y: t.Targets | None = None, **fit_params: Any) -> Self:
        """Fit the network, unless it is a `FrozenEstimator`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : array-like, default=None
            The targets.
        **fit_params : dict
            Other arguments of the `fit` of the network.

        Returns
        -------
        self : FeatureExtractor

        Raises
        ------
        ValueError
            If the network has no hidden layer of this number.
        TypeError
            If `estimator` is not a network of fastnn.
        """
        is_frozen = isinstance(self.estimator, FrozenEstimator)
        given = self.estimator.estimator if is_frozen else self.estimator
        if not isinstance(given, BaseMLP):
            raise TypeError(
                "FeatureExtractor needs an MLPClassifier or another network of fastnn, or a "
                f"FrozenEstimator of one, got {type(given).__name__}."
            )
        model = given if is_frozen else clone(given).fit(X, y, **fit_params)
        network = model._fitted()
        features = up_to_layer(network, _hidden_layer(network, self.layer))
        self.estimator_, self._n_features_out = model, features.program.n_outputs
        return self

    def transform(self, X: t.Rows) -> t.Array:
        """Return the activations of the layer.

        Parameters
        ----------
        X : {array-like, sparse matrix, source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        features : ndarray of shape (n_samples, units)
            The activations, in the precision of the network.
        """
        check_is_fitted(self)
        network = self.estimator_._fitted()
        features = up_to_layer(network, _hidden_layer(network, self.layer))
        return self.estimator_._twin(_network=features)._outputs(X)[1]

    @property
    def n_features_in_(self):
        check_is_fitted(self)
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        check_is_fitted(self)
        return self.estimator_.feature_names_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = not isinstance(self.estimator, FrozenEstimator)
        return tags


def _hidden_layer(network, layer):
    """Return the number of a hidden layer, counted from the first."""
    n_hidden = len(network.coefs) - network.program.n_heads
    is_number = isinstance(layer, Integral) and not isinstance(layer, bool)
    if not is_number or not -n_hidden <= layer < n_hidden:
        known = f"{n_hidden}, numbered {-n_hidden} to {n_hidden - 1}" if n_hidden else "none"
        raise ValueError(f"layer={layer!r} is no hidden layer of this network, which has {known}.")
    return int(layer) % n_hidden
