"""Loss of a network near its parameters: along the gradient, and in a random plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _typing as t
from .parameters import checked
from .probe import Probe


@checked
def loss_along_gradient(
    estimator: Any,
    X: Any,
    y: Any,
    rates: t.ArrayLike,
    *,
    max_rows: float = 2000,
    random_state: int | None = 0,
) -> tuple[t.Array, float]:
    """Compute the loss after one step of gradient descent, for several learning rates.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted or not: the step starts from the fitted parameters, or from the initial ones.
    X, y
        As for `fit`. All rows are one batch, also for batch norm.
    rates : array-like of shape (n_rates,)
        The learning rates. 0 is the loss without a step.
    max_rows : int, default=2000
        Largest number of rows used.
    random_state : int, default=0
        Seed of the subsample, and of an estimator that has none.

    Returns
    -------
    losses : ndarray of shape (n_rates,)
        Mean loss of the rows without the penalty, at ``parameters - rate * gradient``.
    slope : float
        Derivative of the loss with respect to the rate at 0: minus the squared norm of the
        gradient, divided by the number of outputs where the loss is their mean.

    References
    ----------
    Santurkar, S., Tsipras, D., Ilyas, A. and Madry, A. "How does batch normalization help
    optimization?" (2018), section 3.1.

    Examples
    --------
    >>> from fastnn import MLPRegressor
    >>> from fastnn.diagnostics import loss_along_gradient
    >>> model = MLPRegressor(hidden_layer_sizes=(), weight_init="zeros", bias_init="zeros")
    >>> losses, slope = loss_along_gradient(model, [[1.0], [-1.0]], [1.0, -1.0], [0, 0.5, 1])
    >>> losses, slope  # of (w - 1)**2 / 2, from w = 0
    (array([0.5  , 0.125, 0.   ]), -1.0)
    """
    rates = np.asarray(rates, float)
    if rates.ndim != 1 or not np.isfinite(rates).all():
        raise ValueError(f"rates must be a list of finite numbers, got {rates!r}.")
    probe = Probe(estimator, X, y, max_rows, random_state)
    start, gradient = probe.parameters, probe.gradient()
    losses = _losses(probe, (start - rate * gradient for rate in rates))
    return losses, -float(gradient @ gradient) / probe.loss_divisor


@dataclass
class LossLandscape:
    """Result of `loss_landscape`.

    Attributes
    ----------
    distances : ndarray of shape (n_points,)
        Coordinates along either direction. At 1, the weights of each unit are changed by as much as
        their norm.
    losses : ndarray of shape (n_points, n_points)
        Mean losses of the rows: ``losses[i, j]`` at ``distances[i]`` along the first direction, and
        ``distances[j]`` along the second.
    """

    distances: np.ndarray
    losses: np.ndarray


@checked
def loss_landscape(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    distance: float = 1.0,
    n_points: int = 21,
    max_rows: float = 500,
    random_state: int | None = 0,
) -> LossLandscape:
    """Compute the loss in a plane of two random directions through the parameters of a network.

    A direction has normally distributed weights. The weights of each unit are scaled to the norm of
    its weights in the network (filter normalization), so that networks can be compared whose
    weights have different scales. Biases and normalizations are not changed.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted or not: the centre has the fitted parameters, or the initial ones.
    X, y
        As for `fit`. All rows are one batch, also for batch norm.
    distance : float, default=1.0
        The plane extends so far from its centre, in each direction.
    n_points : int, default=21
        Number of points along each direction. An odd number includes the centre.
    max_rows : int, default=500
        Largest number of rows used.
    random_state : int, default=0
        Seed of the directions and the subsample, and of an estimator that has none.

    Returns
    -------
    landscape : LossLandscape

    References
    ----------
    Li, H., Xu, Z., Taylor, G., Studer, C. and Goldstein, T. "Visualizing the loss landscape of
    neural nets" (2018), section 4.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.diagnostics import loss_landscape
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(solver="lbfgs", max_iter=50, random_state=0).fit(X, y)
    >>> landscape = loss_landscape(model, X, y, n_points=5)
    >>> landscape.losses.argmin()  # the centre of 5 x 5 points
    np.int64(12)
    """
    probe = Probe(estimator, X, y, max_rows, random_state)
    drawing = np.random.RandomState(random_state)
    start, first, second = probe.parameters, _direction(probe, drawing), _direction(probe, drawing)
    distances = np.linspace(-distance, distance, n_points)
    places = (start + a * first + b * second for a in distances for b in distances)
    return LossLandscape(distances, _losses(probe, places).reshape(n_points, n_points))


def _direction(probe, drawing):
    """Draw a direction whose weights have, for each unit, the norm of the network's."""
    arena = np.zeros_like(probe.arena)
    pairs = zip(probe.network.program.coefs(arena), probe.network.coefs, strict=True)
    for drawn, weights in pairs:
        drawn[...] = drawing.standard_normal(drawn.shape)
        drawn *= np.linalg.norm(weights, axis=0) / np.linalg.norm(drawn, axis=0)
    return probe.flat(arena)


def _losses(probe, places):
    """Return the losses at several parameters; those that overflow are infinite."""
    losses = []
    with np.errstate(over="ignore", invalid="ignore"):
        for place in places:
            probe.parameters = place
            losses.append(probe.loss())
    return np.nan_to_num(np.array(losses), nan=np.inf, posinf=np.inf)
