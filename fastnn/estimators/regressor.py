"""Multi-layer perceptron regressor."""

import copy
from typing import ClassVar, Self

from sklearn.base import RegressorMixin

from .. import _typing as t
from .._data.encoders import RealTargets
from .._data.sample_weights import read_sample_weight
from .._network.predictions import values
from .._specs.suggestions import explains_arguments
from ..losses import LossSpec, quantiles_of
from . import docstrings
from .base import BaseMLP, available_if
from .parameter_constraints import OF_REGRESSORS


class MLPRegressor(RegressorMixin, BaseMLP):
    __doc__ = docstrings.REGRESSOR

    _parameter_constraints: ClassVar[dict] = OF_REGRESSORS

    def __init__(
        self,
        loss: t.Loss = "squared_error",
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
        output_activation: t.Activation | None = None,
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
        """Fit the network to rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows. Arrays of floats, integers or booleans are not copied, in any memory order,
            read-only or memory-mapped (`numpy.memmap`); nor are CSR matrices. A source of
            `fastnn.data` is read block by block in each epoch, and contains its own targets and
            weights.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val : {array-like, sparse matrix, Source} of shape (n_val, n_features), default=None
            Validation data. With `early_stopping`, it replaces rows held out of `X`. Otherwise it
            is only monitored: `validation_scores_` contains its score after each epoch.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Its targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MLPRegressor
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(BaseMLP._check_solver)
    @explains_arguments
    def partial_fit(
        self,
        X: t.Rows,
        y: t.Targets | None = None,
        sample_weight: t.Weights | None = None,
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
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data, which is only monitored: `history_` contains its scores after the call.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Its targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MLPRegressor
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation, partial=True)

    def predict(self, X: t.Rows) -> t.Array:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets. ``loss=Quantile([0.05, 0.5, 0.95])`` appends an axis of quantiles:
            (n_samples, n_quantiles) or (n_samples, n_outputs, n_quantiles).
        """
        return values(*self._outputs(X))

    def score(
        self, X: t.Rows, y: t.Targets | None = None, sample_weight: t.Weights | None = None
    ) -> float:
        """Return the coefficient of determination R2 of the predictions.

        With several quantiles, return the mean of their `sklearn.metrics.d2_pinball_score`. D2 is 1
        minus the ratio of the pinball loss to that of the best constant, which is the quantile of
        `y`.

        Parameters
        ----------
        X : {array-like, sparse matrix, Source} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        y, sample_weight = self._targets(X, y, sample_weight)
        sample_weight = read_sample_weight(sample_weight, y)
        if not quantiles_of(self._fitted().loss):
            return super().score(X, y, sample_weight)
        network, outputs = self._outputs(X)
        targets = network.encoder.encode(y, network.dtype, network.loss)
        return network.encoder.score(network.loss, targets, outputs, sample_weight)

    def _encoder(self, y, fitted, partial, classes):
        """Return the encoder of targets and the loss; `fitted` is the network to continue from."""
        loss = self.loss
        loss = copy.deepcopy(loss.validate()) if isinstance(loss, LossSpec) else loss
        encoder = RealTargets(1 if y.ndim == 1 else y.shape[1], quantiles_of(loss))
        if fitted is not None and encoder.shown_outputs != fitted.program.n_outputs:
            what = "y and its quantiles have" if encoder.quantiles else "y has"
            raise ValueError(
                f"{what} {encoder.shown_outputs} outputs, but was fitted with "
                f"{fitted.program.n_outputs}."
            )
        return encoder, loss

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags
