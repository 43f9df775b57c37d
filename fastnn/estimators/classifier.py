"""Multi-layer perceptron classifier."""

import functools
from types import MethodType
from typing import ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length

from .. import _typing as t
from .._data.encoders import make_labels, read_classes
from .._data.labels import is_column, weighted_fraction
from .._data.multioutput import MultioutputLabels
from .._data.sample_weights import read_sample_weight
from .._network.predictions import confidence_scores, probabilities
from .._specs.suggestions import explains_arguments, suggest_arguments_of
from ..losses import COMPARING_LOSSES, LOSSES
from . import docstrings
from .base import BaseMLP, available_if
from .parameter_constraints import OF_CLASSIFIERS


def _check_probabilities(model):
    """Return True, or raise an AttributeError for a model whose outputs are no probabilities."""
    # The loss of the fitted network, else the one that is asked for, if it is known.
    network = model.__dict__.get("_network")
    row = LOSSES.get(model.loss if network is None else network.loss)
    if row is None or not row.probabilities:
        raise AttributeError(
            f"loss={model.loss!r} gives no probabilities: use decision_function, or "
            "loss='log_loss'."
        )
    return True


class _OfProbabilities:
    """Descriptor of a method for models with probabilities, as by scikit-learn's `available_if`.

    For a fitted model it takes a third of the time, which matters if one row is predicted.
    """

    def __init__(self, method):
        self._method, self._checked = method, available_if(_check_probabilities)(method)
        functools.update_wrapper(self, method)

    def __get__(self, model, owner=None):
        network = None if model is None else model.__dict__.get("_network")
        if network is not None and LOSSES[network.architecture.loss].probabilities:
            return MethodType(self._method, model)
        return self._checked.__get__(model, owner)


@suggest_arguments_of
class MLPClassifier(ClassifierMixin, BaseMLP):
    __doc__ = docstrings.CLASSIFIER

    _parameter_constraints: ClassVar[dict] = OF_CLASSIFIERS

    def __init__(
        self,
        hidden_layer_sizes: t.LayerSizes = (100,),
        activation: t.Activations = "relu",
        *,
        solver: t.Solver = "adam",
        alpha: t.Number = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: t.Rate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool | str = True,
        random_state: t.Seed = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        normalization: t.Norm = None,
        dropout: t.Dropouts = 0.0,
        device: str = "cpu",
        precision: str = "auto",
        n_jobs: int | None = None,
        weight_init: t.Initial = None,
        bias_init: t.Initial = None,
        layers: t.Layers = None,
        scoring: t.Scoring = None,
        averaging: t.Average = None,
        augment: t.Augmentation = None,
        input_noise: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        learning_rate_factors: t.Factors = None,
        l1_ratio: float = 0.0,
        l1_update: str = "gradient",
        penalize_intercepts: bool = False,
        max_norm: float | None = None,
        weight_noise: float = 0.0,
        callbacks: t.Callbacks = None,
        train_score: t.TrainScore = False,
        train_score_rows: int | None = None,
        loss: t.Loss = "log_loss",
        output_activation: t.Activation | None = None,
        label_smoothing: t.Number = 0.0,
        class_weight: t.ClassWeight = None,
    ) -> None:
        self._set_parameters(locals())

    @explains_arguments
    def fit(
        self,
        X: t.Rows,
        y: t.Targets | None = None,
        sample_weight: t.Weights | None = None,
        *,
        X_val: t.Rows | None = None,
        y_val: t.Targets | None = None,
        sample_weight_val: t.Weights | None = None,
    ) -> Self:
        """Fit the network to rows and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows. Arrays of floats, integers or booleans are not copied, in any memory order,
            read-only or memory-mapped (`numpy.memmap`); nor are CSR matrices. A source of
            `fastnn.data` is read block by block in each epoch, and contains its own targets and
            weights.
        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_labels), \
(n_samples, n_classes) or (n_samples, n_targets)
            The labels. A label indicator matrix consists of zeros and ones. Rows of class
            probabilities, whose sum is 1, are trained with the softmax cross-entropy; the classes
            are then the indices of the columns. For multiclass-multioutput targets, which are not
            all zeros and ones, the network has an output layer for each column, and the loss is the
            sum of their cross-entropies.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val : {array-like, sparse matrix, Source} of shape (n_val, n_features), default=None
            Validation data. With `early_stopping`, it replaces rows held out of `X`. Otherwise it
            is only monitored: `validation_scores_` contains its score after each epoch.
        y_val : {array-like, sparse matrix} of shape (n_val,), (n_val, n_labels) or \
(n_val, n_targets), default=None
            Its labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MLPClassifier
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(BaseMLP._check_solver)
    @explains_arguments
    def partial_fit(
        self,
        X: t.Rows,
        y: t.Targets | None = None,
        sample_weight: t.Weights | None = None,
        classes: t.ClassLists | None = None,
        *,
        X_val: t.Rows | None = None,
        y_val: t.Targets | None = None,
        sample_weight_val: t.Weights | None = None,
    ) -> Self:
        """Train on some rows for one epoch, continuing from the last call.

        For rows that do not fit in memory, consider passing a source of `fastnn.data` to `fit`,
        which supports shuffling, validation and early stopping.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.
        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_labels) or \
(n_samples, n_targets)
            The labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        classes : array-like of shape (n_classes,) or list of n_targets such, default=None
            The labels of all calls, required in the first call; `y` may lack some of them. For
            multiclass-multioutput targets, a list with the labels of each column.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data, which is only monitored: `history_` contains its scores after the call.
        y_val : {array-like, sparse matrix} of shape (n_val,), (n_val, n_labels) or \
(n_val, n_targets), default=None
            Its labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MLPClassifier
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation, partial=True, classes=classes)

    def predict(self, X: t.Rows) -> t.Array:
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_targets)
            The labels, of the type passed to `fit`.
        """
        network, outputs = self._outputs(X)
        return network.encoder.decode(outputs, network.architecture.loss)

    def decision_function(self, X: t.Rows) -> t.Arrays:
        """Return confidence scores (logits): the pre-activations of the output layer.

        With ``loss='squared_error'``, they are the outputs minus 0.5.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            For two classes, the score of the second class, which is predicted if the score is
            positive. For more classes, scores in the order of `classes_`; the class with the
            highest score is predicted. For multiclass-multioutput targets, a list with the scores
            of each column.
        """
        return confidence_scores(*self._outputs(X, pre_activation=True))

    @_OfProbabilities
    def predict_proba(self, X: t.Rows) -> t.Arrays:
        """Predict the probability of each class, or of each label.

        It is not available for losses without probabilities, such as 'hinge'. With
        ``loss='binary_log_loss'`` and more than two classes, the outputs of a row are normalised to
        sum to 1.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), or list of n_targets such
            Probabilities in the order of `classes_`.
        """
        return probabilities(*self._outputs(X, both_classes=True))

    @_OfProbabilities
    def predict_log_proba(self, X: t.Rows) -> t.Arrays:
        """Predict the logarithm of the probability of each class, or of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), or list of n_targets such
            Log-probabilities in the order of `classes_`.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # -inf is the logarithm of what was rounded to 0
            if isinstance(probabilities, list):
                return [np.log(part, out=part) for part in probabilities]
            return np.log(probabilities, out=probabilities)

    def _encoder(self, y, fitted, partial, classes):
        """Return the encoder of labels and the loss; `fitted` is the network to continue from."""
        if classes is not None:
            classes = read_classes(classes)
        if fitted is None:
            labels = self._new_labels(y, partial, classes)
        else:
            labels = fitted.encoder
            if not partial:
                labels.check_same(y)
            elif classes is not None and not labels.same_classes(classes):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                    f"{labels.classes!r}"
                )
        loss = labels.loss(self.loss)
        if self.label_smoothing != 0 and not LOSSES[loss].probabilities:
            raise ValueError(
                f"label_smoothing mixes probabilities, of which loss={self.loss!r} has none: set "
                "it to 0, or use loss='log_loss' or 'binary_log_loss'."
            )
        return labels, loss

    @staticmethod
    def _new_labels(y, partial, classes):
        if partial and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        labels = make_labels(y, classes)
        if partial and labels.kind == "probabilities" and len(labels.classes) != len(classes):
            raise ValueError(
                f"y has the probabilities of {len(labels.classes)} classes, but {len(classes)} "
                "were passed."
            )
        return labels

    def score(
        self, X: t.Rows, y: t.Targets | None = None, sample_weight: t.Weights | None = None
    ) -> float:
        """Return the accuracy; for multilabel and multioutput targets, the subset accuracy.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.
        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_labels), \
(n_samples, n_classes) or (n_samples, n_targets)
            The labels; for probabilities, the most probable class of each row is used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        targets, weights = self._targets(X, y, sample_weight)
        network = self.__dict__.get("_network")
        if network is not None:
            labels = network.encoder
            targets = labels.true_labels(targets)
        if network is not None and targets is not None:
            predicted = self.predict(X)
            if predicted.shape[0] != targets.shape[0]:
                check_consistent_length(predicted, targets)  # raises
            weights = read_sample_weight(weights, targets)
            # For few labels scikit-learn's function takes far longer than the prediction. It does
            # not support multiclass-multioutput targets.
            if labels.kind == MultioutputLabels.kind:
                return weighted_fraction((predicted == targets).all(axis=1), weights)
            if is_column(predicted) and is_column(targets):
                return weighted_fraction(predicted == targets, weights)
        return super().score(X, targets, weights)

    def _fitted_attributes(self, network, history, stochastic):
        classes = {"classes_": network.encoder.classes}
        return super()._fitted_attributes(network, history, stochastic) | classes

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss not in COMPARING_LOSSES
        tags.target_tags.multi_output = self.loss == "log_loss"
        return tags
