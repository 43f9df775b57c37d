"""Curvature of the loss."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._fit.resolve import optimizer_of
from ..optimizers import SGD, Momentum
from .finding import Finding, fmt
from .parameters import checked
from .probe import Probe
from .start import baseline_loss, target_scale_advice

# Largest number of parameters for which the whole Hessian is computed.
_MAX_DENSE = 300
# Eigenvalue at which a step of 0.01 increases the loss by that of a constant prediction.
_STEEP = 2e4


@dataclass(repr=False)
class Curvature(Finding):
    """Result of `curvature`.

    Attributes
    ----------
    eigenvalues : ndarray
        Eigenvalues of the Hessian, in decreasing order: all for a small network, else the largest
        ones and the smallest.
    condition_number : float
        The largest magnitude of an eigenvalue divided by the smallest; infinite if one is 0. A
        lower bound if not all are known.
    is_complete : bool
        Whether these are all eigenvalues.
    largest_rate : float
        2 divided by the largest eigenvalue. At higher rates plain gradient descent diverges along
        the steepest direction.
    """

    eigenvalues: np.ndarray
    condition_number: float
    is_complete: bool
    largest_rate: float

    title: ClassVar[str] = "curvature"


@checked
def curvature(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_eigenvalues: int = 5,
    max_rows: float = 200,
    random_state: int | None = 0,
) -> Curvature:
    """Compute extreme eigenvalues and condition number of the Hessian of the penalised loss.

    With up to 300 parameters the whole matrix is computed, else extreme eigenvalues by Lanczos'
    method (`scipy.sparse.linalg.eigsh`). Its products with vectors are central differences of the
    engine's gradients, with a step of 1e-8 times the norm of the parameters: accurate to about
    1e-7, and so short that it hardly ever crosses a kink of a ReLU. It takes some hundred
    gradients.

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`.
    n_eigenvalues : int, default=5
        Number of eigenvalues for a large network: the largest ones, and the smallest.
    max_rows : int, default=200
        Largest number of rows used.

    Returns
    -------
    finding : Curvature
        Faults are an eigenvalue above 20000 times the loss of a guess (see `InitialLoss`), as
        caused by an unscaled feature, and a learning rate of 'sgd' above `largest_rate` times
        ``1 + momentum``.

    References
    ----------
    LeCun, Y., Simard, P. and Pearlmutter, B. "Automatic learning rate maximization by on-line
    estimation of the Hessian's eigenvectors" (1993). Goodfellow, I., Bengio, Y. and Courville, A.
    "Deep learning" (2016), sections 4.2 and 4.3.1.
    """
    probe = Probe(estimator, X, y, max_rows, random_state)
    with np.errstate(over="ignore", invalid="ignore"):
        values, smallest, is_complete = _eigenvalues(probe, n_eigenvalues, random_state)
    if not len(values):
        verdict = "Lanczos' method did not converge: give more rows, or fewer n_eigenvalues."
        return Curvature(True, verdict, values, math.nan, is_complete, math.nan)
    if not np.isfinite(values).all():
        verdict = "not finite: weights or features are far too large."
        return Curvature(False, verdict, values, math.nan, is_complete, math.nan)
    sizes = np.abs(values)
    smallest = min(smallest, sizes.min())
    condition = float(sizes.max() / smallest) if smallest > 0 else math.inf
    top = float(values[0])
    largest_rate = 2 / top if top > 0 else math.inf
    bound = "" if is_complete else "at least "
    verdict = (
        f"eigenvalues from {fmt(values[-1])} to {fmt(top)}, condition number "
        f"{bound}{fmt(condition)}"
    )
    limit, rate = _stable_rate(probe.model, largest_rate), probe.model.learning_rate_init
    scale, ok = (baseline_loss(probe) or probe.loss()) * probe.loss_divisor, False
    if not sizes.any():
        verdict = "the loss is flat in all directions: nothing can be learned"
    elif top > _STEEP * scale:
        advice = target_scale_advice(probe) or "scale the features, or normalise"
        verdict += (
            "; along the steepest direction a step of 0.01 makes more of a difference than all "
            f"that there is to learn: {advice}"
        )
    elif rate > limit:
        verdict += (
            f"; gradient descent climbs at rates above {fmt(limit)}, and learning_rate_init is "
            f"{fmt(rate)}"
        )
    else:
        ok = True
    return Curvature(ok, verdict + ".", values, condition, is_complete, largest_rate)


def _stable_rate(model, largest_rate):
    """Return the rate above which a solver diverges on a quadratic; infinite if unknown."""
    optimizer = optimizer_of(model)
    if isinstance(optimizer, SGD):
        # Polyak's momentum raises 2 to 2 (1 + momentum); Nesterov's less.
        return largest_rate * (1 + optimizer.momentum)
    return largest_rate if isinstance(optimizer, Momentum) else math.inf


def _eigenvalues(probe, n, random_state):
    """Return eigenvalues, an upper bound of the smallest magnitude, and whether these are all.

    Eigenvalues are in decreasing order; NaN if gradients are not finite, and none if Lanczos'
    method did not converge.
    """
    from scipy.sparse.linalg import LinearOperator, minres

    here = probe.parameters
    size = len(here)
    length = 1e-8 * (1 + np.linalg.norm(here))

    def gradient(parameters):
        probe.parameters = parameters
        return probe.gradient(probe.alpha)

    def product(vector):
        vector = np.ravel(vector)
        norm = np.linalg.norm(vector)
        if norm == 0:
            return np.zeros(size)
        step = length / norm
        return (gradient(here + step * vector) - gradient(here - step * vector)) / (2 * step)

    if not np.isfinite(product(np.ones(size))).all():
        return np.full(1, math.nan), math.nan, False
    if size <= _MAX_DENSE:
        matrix = np.array([product(row) for row in np.eye(size)])
        return np.linalg.eigvalsh((matrix + matrix.T) / 2)[::-1], math.inf, True
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    first = np.random.RandomState(random_state).standard_normal(size)
    ends = _extreme(operator, "LA", max(1, n - 1), first), _extreme(operator, "SA", 1, first)
    # For every v, |H v| / |v| is an upper bound. An approximate solution of H v = first makes it
    # small, because it amplifies the directions of small eigenvalues.
    flat, _ = minres(operator, first, maxiter=20)
    shortest = np.linalg.norm(product(flat)) / max(np.linalg.norm(flat), 1e-300)
    return np.sort(np.concatenate(ends))[::-1], shortest, False


def _extreme(operator, which, n, first):
    """Return n eigenvalues at an end of the spectrum, or those found in limited time."""
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    common = dict(k=n, which=which, v0=first, ncv=max(20, 3 * n), tol=1e-2)
    for n_restarts in (4, 16):
        try:
            return eigsh(operator, maxiter=n_restarts, return_eigenvectors=False, **common)
        except ArpackNoConvergence as error:
            if len(error.eigenvalues):
                return error.eigenvalues
    return np.empty(0)
