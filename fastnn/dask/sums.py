"""Sums over partitions: losses, scores, gradients and moments."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _core
from .._core.program import Program, aligned_zeros
from .._network.batch_statistics import Moments, inputs_of
from .._train.datasets import Dataset
from ..losses import quantiles_of
from .rounds import Plan


class Gradient(NamedTuple):
    """Sum over rows of the data loss and of its gradient, divided by the weight of all rows."""

    loss: float
    vector: np.ndarray


def gradient_of(
    dataset: Dataset, plan: Plan, vector: np.ndarray, total: float, label_smoothing: float
) -> Gradient:
    """Return the sum over a partition, where `total` is the weight of all."""
    engine, state = plan.measuring_engine(vector, dataset.n_rows)
    gradient = aligned_zeros(len(state.parameters), state.parameters.dtype)
    loss = engine.add_gradient(*dataset[:3], total, gradient, label_smoothing)
    return Gradient(loss, gradient)


def sum_of_gradients(gradients: Sequence[Gradient]) -> Gradient:
    """Return the sum, in float64 and in this order."""
    vector = np.zeros(len(gradients[0].vector))
    for gradient in gradients:
        vector += gradient.vector
    return Gradient(sum(gradient.loss for gradient in gradients), vector)


def moments_of(dataset: Dataset, plan: Plan, vector: np.ndarray, stage: int) -> Moments:
    """Return the moments of the inputs of a stage over a partition."""
    moments = Moments()
    moments.add(_outputs(dataset.X, plan, vector, inputs_of(plan.program, stage)))
    return moments


class Evaluation(NamedTuple):
    """Weight, mean loss and score of the rows of a partition."""

    weight: float
    loss: float
    score: Any


def evaluation_of(
    dataset: Dataset, plan: Plan, vector: np.ndarray, encoder, with_score: bool
) -> Evaluation | None:
    """Return loss and score of a partition; None if its rows have no weight.

    The score of numbers is `Residuals`, of which R2 is computed.
    """
    X, y, sample_weight, _ = dataset
    if not dataset.total_weight:
        return None
    engine, _ = plan.measuring_engine(vector, dataset.n_rows)
    loss = engine.loss(X, y, sample_weight)
    score: Any = None
    if with_score:
        outputs = _outputs(X, plan, vector, plan.program)
        if encoder.kind == "continuous":
            score = residuals_of(y, outputs, sample_weight)
        else:
            score = encoder.score(plan.architecture.loss, y, outputs, sample_weight)
            score = score if np.isfinite(outputs).all() else np.nan
    return Evaluation(dataset.total_weight, loss, score)


def evaluation_of_all(parts: Sequence[Evaluation]) -> tuple[float, float]:
    """Return mean loss and score of all rows."""
    weights, losses, scores = zip(*parts, strict=True)
    loss = float(np.average(losses, weights=weights))
    if scores[0] is None:
        return loss, np.nan
    if isinstance(scores[0], Residuals):
        return loss, r2(scores)
    return loss, float(np.average(scores, weights=weights))


def refuse_quantiles(loss) -> None:
    """Raise a ValueError for several quantiles, whose score is not made of sums over rows."""
    if quantiles_of(loss):
        raise ValueError(
            "The score of several quantiles is not available on a cluster, as it compares with "
            "quantiles of all targets at once: train with scoring='loss', and score the rows of an "
            "array by to_local()."
        )


def _outputs(X, plan, vector, program: Program):
    _, state = plan.measuring_engine(vector, 1)
    predict = _core.make_predictor(program, state.parameters, state.statistics)
    return predict(X, _core.n_threads(plan.n_jobs, X.shape[0] * program.flops), False)[0]


class Residuals(NamedTuple):
    """Sums over rows of which R2 is computed, for each output.

    Attributes
    ----------
    weight : float
    mean : ndarray of shape (n_outputs,)
        Mean of the targets.
    squares, errors : ndarray of shape (n_outputs,)
        Sums of squares of targets minus their mean, and of targets minus predictions.
    """

    weight: float
    mean: np.ndarray
    squares: np.ndarray
    errors: np.ndarray


def residuals_of(y, predicted, sample_weight=None) -> Residuals:
    """Return the sums over some rows, whose weight is not 0."""
    y = np.asarray(y, np.float64).reshape(len(predicted), -1)
    weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    mean = weights @ y / weights.sum()
    errors = y - np.reshape(predicted, y.shape)
    return Residuals(weights.sum(), mean, weights @ np.square(y - mean), weights @ errors**2)


def _joined(one, other):
    """Return the sums over the rows of both (Chan et al. 1983, section 1)."""
    weight, away = one.weight + other.weight, other.mean - one.mean
    squares = one.squares + other.squares + away**2 * (one.weight * other.weight / weight)
    mean = one.mean + away * (other.weight / weight)
    return Residuals(weight, mean, squares, one.errors + other.errors)


def r2(parts: Sequence[Residuals]) -> float:
    """Return the mean R2 of the outputs; of constant targets it is 1 if there is no error, or 0."""
    total = parts[0]
    for part in parts[1:]:
        total = _joined(total, part)
    constant = total.squares == 0
    scores = 1 - total.errors / np.where(constant, 1.0, total.squares)
    return float(np.mean(np.where(constant, total.errors == 0, scores)))
