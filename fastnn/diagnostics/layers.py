"""Diagnostics of layers: gradients, units and activations."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from .. import _typing as t
from .._core.device_arrays import to_host
from ..layers import dense_activations
from .finding import Finding, fmt, join_names
from .parameters import checked
from .probe import Probe, activations, magnitude, unwrap

_LIMITS = {"tanh": (-1, 1), "hardtanh": (-1, 1), "softsign": (-1, 1), "logistic": (0, 1)}


@dataclass(repr=False)
class LayerHealth(Finding):
    """Result of `layer_health`; arrays have one element for each dense layer, like `coefs_`.

    Attributes
    ----------
    names : list of str
    gradient_norm : ndarray of shape (n_layers,)
        Norm of the gradient of the loss with respect to the weights.
    weight_norm : ndarray of shape (n_layers,)
    activation_rms : ndarray of shape (n_layers,)
        Root mean square of the activations.
    dead : ndarray of shape (n_layers,)
        Fraction of the units that are 0 for all rows; 0 for output layers.
    saturated : ndarray of shape (n_layers,)
        Fraction of the values within 1 % of a limit of their activation.
    alike : ndarray of bool, of shape (n_layers,)
        Whether all units of a hidden layer are identical.
    """

    names: list
    gradient_norm: np.ndarray
    weight_norm: np.ndarray
    activation_rms: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    alike: np.ndarray

    title: ClassVar[str] = "layers"


@checked
def layer_health(
    estimator: Any, X: Any, y: Any, *, max_rows: float = 2000, random_state: int | None = 0
) -> LayerHealth:
    """Check each layer for vanishing or exploding gradients, and dead, saturated or equal units.

    Parameters
    ----------
    estimator, X, y, max_rows, random_state
        See `initial_loss`.

    Returns
    -------
    finding : LayerHealth

    Notes
    -----
    Faults are: more than half of the units dead, or 60 % of the values saturated; identical units;
    activations 30 times as large as the inputs, or a thousandth of them; gradients less than a
    thousandth of the output layer's, or more than a thousand times that.

    References
    ----------
    Glorot, X. and Bengio, Y. "Understanding the difficulty of training deep feedforward neural
    networks" (2010).
    """
    probe = Probe(estimator, X, y, max_rows, random_state)
    n_heads, network = probe.n_heads, probe.network
    values, gradients = probe.activations(), probe.gradients()
    norms = np.array([_norm(gradient) for gradient in gradients])
    weights = np.array([_norm(coef) for coef in network.coefs])
    rms = np.array([magnitude(value) for value in values])
    n_hidden = len(values) - n_heads
    dead, saturated = np.zeros(len(values)), np.zeros(len(values))
    alike = np.zeros(len(values), bool)
    for i, activation in enumerate(dense_activations(network.layers)[:n_hidden]):
        value = values[i]
        dead[i], saturated[i] = dead_and_saturated(value, activation)
        alike[i] = value.shape[1] > 1 and bool((np.ptp(value, axis=1) == 0).all())
    finding = LayerHealth(
        True, "", probe.layer_names(), norms, weights, rms, dead, saturated, alike
    )
    entries = probe.X.data if sparse.issparse(probe.X) else probe.X
    inputs = _norm(entries) / math.sqrt(math.prod(probe.X.shape))
    problems = list(_problems(finding, n_hidden, inputs))
    if not norms.any() and probe.loss() > 0:
        problems.append("all gradients are 0: nothing can be learned")
    finding.ok, finding.verdict = not problems, "; ".join(problems) + "."
    if not problems:
        finding.verdict = (
            f"gradient norms from {fmt(norms.min())} to {fmt(norms.max())}, at most "
            f"{fmt(100 * dead.max())} % of a layer's units are dead."
        )
    return finding


def dead_and_saturated(values, activation):
    """Return the fractions of units that are 0 for all rows, and of values near a limit."""
    dead, saturated = (values == 0).all(axis=0).mean(), 0.0
    if isinstance(activation, str) and activation in _LIMITS:
        low, high = _LIMITS[activation]
        margin = 0.01 * (high - low)
        saturated = ((values < low + margin) | (values > high - margin)).mean()
    return dead, saturated


def _norm(values):
    return magnitude(values) * math.sqrt(values.size)


def _problems(finding, n_hidden, inputs):
    """Yield sentences about faulty layers; `inputs` is the root mean square of the rows."""
    norms, rms = finding.gradient_norm, finding.activation_rms
    hidden = np.arange(len(norms)) < n_hidden
    dead, last = finding.dead > 0.5, norms[n_hidden:].max()
    rules = (
        (
            dead,
            f"{fmt(100 * finding.dead.max())} % of the units are 0 for all rows",
            "other initial weights or biases, a smaller learning rate, or 'leaky_relu'",
        ),
        (finding.alike & ~dead, "all units do the same", "draw the weights at random"),
        (
            finding.saturated > 0.6,
            f"{fmt(100 * finding.saturated.max())} % of the values are at the limits of the "
            "activation",
            "scale the features, or smaller initial weights",
        ),
        (
            hidden & (rms > 30 * inputs),
            "activations explode: they are more than 30 times as large as the inputs",
            "smaller initial weights, such as 'he_normal', or normalization",
        ),
        (
            hidden & ~dead & (rms < 1e-3 * min(inputs, 1)),
            "activations vanish: they are less than a thousandth of the inputs",
            "larger initial weights, such as 'he_normal', or normalization",
        ),
        (
            hidden & ~dead & (norms < 1e-3 * last),
            "gradients vanish: less than a thousandth of the output layer's",
            "other initial weights, normalization, Residual blocks, or 'relu' for 'logistic' and "
            "'tanh'",
        ),
        (
            (hidden & (norms > 1e3 * last) & (last > 0)) | ~np.isfinite(norms),
            "gradients explode: more than a thousand times the output layer's",
            "smaller initial weights, normalization, or clip_norm",
        ),
    )
    for which, what, advice in rules:
        if which.any():
            where = [finding.names[i] for i in np.flatnonzero(which)]
            yield f"{what} in {join_names(where)}: {advice}"


def activations_of(estimator: Any, X: Any) -> list[t.Array]:
    """Return the activations of each dense layer of a fitted network.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        A fitted one.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows.

    Returns
    -------
    activations : list of ndarray of shape (n_samples, units)
        One for each of `coefs_`: the values after activation and normalization, as in prediction,
        and before the sum in a residual block. The last one, or the last ones with several output
        layers, are the network's outputs.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.diagnostics import activations_of
    >>> model = MLPClassifier((5, 3), random_state=0).fit([[0.0], [1.0]], [0, 1])
    >>> [values.shape for values in activations_of(model, [[0.5]])]
    [(1, 5), (1, 3), (1, 1)]
    """
    model, X = unwrap(estimator, X)
    network = model._fitted()
    X = model.read(to_host(X))
    network.check_rows(X)
    return activations(network, X, model.n_jobs)
