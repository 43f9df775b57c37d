"""Multi-layer perceptron for several tasks: heads of several kinds that share hidden layers."""

import copy
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_consistent_length

from .. import _typing as t
from .._data.heads import (
    frame_of,
    head_of,
    new_encoder,
    of_head,
    read_classes,
    read_heads,
    takes_numbers,
)
from .._data.labels import Labels
from .._data.sample_weights import read_sample_weight
from .._network.predictions import probabilities_of
from .._specs.suggestions import explains_arguments, suggest_arguments_of
from ..data.source import Source
from ..heads import Head, MixedLoss
from ..losses import row_and_parameter
from . import docstrings
from .base import BaseMLP, available_if
from .parameter_constraints import OF_SEVERAL_TASKS


@suggest_arguments_of
class MultiTaskMLP(BaseMLP):
    __doc__ = docstrings.OF_SEVERAL_TASKS

    _parameter_constraints: ClassVar[dict] = OF_SEVERAL_TASKS

    # Of the heads, each of which has its own.
    loss = output_activation = None

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
        heads: dict[str, Any] | None = None,
        task_weighting: str | None = None,
        label_smoothing: t.Number = 0.0,
    ) -> None:
        self._set_parameters(locals())

    @explains_arguments
    def fit(
        self,
        X: t.Rows,
        y: Any = None,
        sample_weight: t.Weights | None = None,
        *,
        X_val: t.Rows | None = None,
        y_val: Any = None,
        sample_weight_val: t.Weights | None = None,
    ) -> Self:
        """Fit the network to rows and the targets of all heads.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows; see `MLPRegressor.fit`.
        y : dict of array-like or frame
            The targets by the name of the head: arrays of shape (n_samples,) or (n_samples, n), or
            the columns of a frame of pandas, polars or another library. Floats are values, and all
            other types are labels; labels of shape (n_samples, n) are indicators of several labels.
            A structured array, as passed to scorers, is accepted too. Pass a frame for
            cross-validation, because scikit-learn cannot split a dict.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, in all heads.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data. With `early_stopping`, it replaces rows held out of `X`. Otherwise it
            is only monitored: `validation_scores_` contains its score after each epoch.
        y_val : dict of array-like or frame, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MultiTaskMLP
        """
        _refuse_source(X, X_val)
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(BaseMLP._check_solver)
    @explains_arguments
    def partial_fit(
        self,
        X: t.Rows,
        y: Any = None,
        sample_weight: t.Weights | None = None,
        classes: dict[str, Any] | None = None,
        *,
        X_val: t.Rows | None = None,
        y_val: Any = None,
        sample_weight_val: t.Weights | None = None,
    ) -> Self:
        """Train on some rows for one epoch, continuing from the last call.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : dict of array-like or frame
            The targets by the name of the head.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        classes : dict of array-like, default=None
            The labels of all calls, by the name of each head with one label per row; required in
            the first call.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data, which is only monitored.
        y_val : dict of array-like or frame, default=None
            Its targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MultiTaskMLP
        """
        _refuse_source(X, X_val)
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation, partial=True, classes=classes)

    def predict(self, X: t.Rows) -> Any:
        """Predict the targets of all heads.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : dict of ndarray or frame
            The predictions, in the type passed to `fit`: a frame is of the same library, and has
            the index of `X`.
        """
        network, outputs = self._outputs(X)
        encoder = network.encoder
        return frame_of(encoder.decode(outputs, network.loss), encoder.container, X)

    def predict_proba(self, X: t.Rows) -> dict[str, t.Array]:
        """Predict the probability of each class, or of each label, of the heads with probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        probabilities : dict of ndarray of shape (n_samples, n_classes)
            Probabilities by the name of the head, in the order of `classes_`. Heads of values, and
            heads whose loss has no probabilities, are omitted.
        """
        network, outputs = self._outputs(X)
        encoder = network.encoder
        heads = zip(
            encoder.encoders.items(), encoder.split(outputs), network.loss.heads, strict=True
        )
        return {
            name: probabilities_of(part, labels.kind, head.loss)
            for (name, labels), part, head in heads
            if row_and_parameter(head.loss)[0].probabilities
        }

    def scores(self, X: t.Rows, y: Any, sample_weight: t.Weights | None = None) -> dict[str, float]:
        """Return the score of each head: the accuracy of labels, R2 of values.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.
        y : dict of array-like or frame
            The targets by the name of the head.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        scores : dict of float
            The scores by the name of the head. For several labels per row, it is the subset
            accuracy.
        """
        network, outputs = self._outputs(X)
        encoder, y = network.encoder, read_heads(y)
        encoder.check_names(y)
        check_consistent_length(outputs, y)
        predicted = encoder.decode(outputs, network.loss)
        return encoder.scores_of_labels(y, predicted, read_sample_weight(sample_weight, y))

    def score(self, X: t.Rows, y: Any, sample_weight: t.Weights | None = None) -> float:
        """Return the mean over the heads of the accuracy of labels and R2 of values.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.
        y : dict of array-like or frame
            The targets by the name of the head.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        return float(np.mean(list(self.scores(X, y, sample_weight).values())))

    # ------------------------------------------------------------------------- parts of a fit

    def _read_heads(self, y):
        """Return the targets of all heads as records."""
        return read_heads(y)

    def _specs_of_heads(self, y, encoders):
        """Return a spec for each head of records of targets, with its loss, after checking them.

        `encoders` are those of an earlier call by name, if there was one.
        """
        given, names = self.heads, y.dtype.names
        if given is None:
            given = dict.fromkeys(names)
        for name in given.keys() ^ set(names):
            raise ValueError(
                f"heads and y must name the same heads, and {name!r} is in "
                f"{'heads' if name in given else 'y'} only: give heads={{..., {name!r}: None}} for "
                "the loss that goes with its targets, or leave it out."
            )
        return {name: _checked(name, given[name], y[name], encoders.get(name)) for name in names}

    def _encoder(self, y, fitted, partial, classes):
        """Return the encoder of targets and the loss; `fitted` is the network to continue from."""
        if fitted is None:
            heads = self._specs_of_heads(y, {})
            encoder = new_encoder(y, heads, partial, classes)
        else:
            encoder = fitted.encoder
            encoder.check_names(y)
            if fitted.loss.uncertainty != (self.task_weighting == "uncertainty"):
                raise ValueError(
                    f"task_weighting={self.task_weighting!r} is not that of the fitted network, "
                    "whose training goes on: leave it as it was, or fit anew."
                )
            if not partial:
                encoder.check_same(y)
            elif classes is not None and not encoder.same_classes(read_classes(classes)):
                raise ValueError("classes differ from those of the first call to partial_fit.")
            heads = self._specs_of_heads(y, encoder.encoders)
        return encoder, self._loss_of(encoder, heads)

    def _loss_of(self, encoder, heads):
        """Return the loss that the network is trained on."""
        found = []
        for name, part in encoder.encoders.items():
            head = heads[name]
            with of_head(name):
                if takes_numbers(head) == isinstance(part, Labels):
                    raise ValueError("the type of its targets differs from the first call.")
                loss = part.loss(head.loss) if isinstance(part, Labels) else head.loss
            found.append(Head(copy.deepcopy(loss), head.weight, head.output_activation))
        losses = [row_and_parameter(head.loss)[0] for head in found]
        if self.label_smoothing != 0 and not any(row.probabilities for row in losses):
            raise ValueError(
                "label_smoothing mixes probabilities, and no head has probabilities: set it to 0."
            )
        return MixedLoss(found, self.task_weighting == "uncertainty")

    def _fitted_attributes(self, network, history, stochastic):
        encoder = network.encoder
        activations = [getattr(one, "name", one) for one in network.layers[-1].activation]
        return super()._fitted_attributes(network, history, stochastic) | {
            "classes_": encoder.classes,
            "heads_": encoder.names,
            "task_weights_": network.task_weights(),
            "out_activation_": dict(zip(encoder.names, activations, strict=True)),
        }

    def _output_names(self, network):
        activations = zip(self.out_activation_.items(), network.loss.heads, strict=True)
        return [
            f"output {name}: {'identity' if _has_own_stage(head.loss) else activation}"
            for (name, activation), head in activations
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _has_own_stage(loss):
    return row_and_parameter(loss)[0].any_activation


def _refuse_source(*rows):
    if any(isinstance(one, Source) for one in rows):
        raise TypeError(
            "MultiTaskMLP trains on rows in memory, with a dict or a frame of targets, and got a "
            "source: read it into arrays, or use partial_fit for each part."
        )


def _checked(name, given, values, encoder):
    """Return the spec of a head with its loss, for these targets."""
    head = given if isinstance(given, Head) else Head(given)
    with of_head(name):
        head = head_of(values, copy.deepcopy(head).validate(), encoder)
        if not isinstance(head.loss, str):
            head.loss.validate()
            if head.loss.quantiles:
                raise ValueError(
                    f"{head.loss!r} has several quantiles: give each a head of its own, or use "
                    "MLPRegressor."
                )
    return head
