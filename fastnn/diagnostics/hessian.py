"""The curvature of the loss."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._fit.resolve import optimizer_of
from ..optimizers import SGD, Momentum
from .finding import Finding, number
from .parameters import checked
from .probe import Probe
from .start import guess, of_another_scale

# Of so many parameters the whole Hessian is found.
_MOST_DENSE = 300
# An eigenvalue that makes a step of 0.01 cost as much as the loss of a guess.
_STEEP = 2e4


@dataclass(repr=False)
class Curvature(Finding):
    """What `curvature` found.

    Attributes
    ----------
    eigenvalues : ndarray
        Of the Hessian, falling: of a small network all, else the largest and the smallest one.
    condition_number : float
        The largest magnitude of an eigenvalue divided by the smallest; infinite where one is 0.
        Where not all are known, it is at least this.
    is_complete : bool
        Whether these are all eigenvalues.
    largest_rate : float
        2 divided by the largest eigenvalue: at higher rates plain gradient descent climbs along the
        steepest direction.
    """

    eigenvalues: np.ndarray
    condition_number: float
    is_complete: bool
    largest_rate: float

    title: ClassVar[str] = "curvature"


@checked
def curvature(estimator, X, y, *, n_eigenvalues=5, max_rows=200, random_state=0):
    """Extreme eigenvalues and condition number of the Hessian of the loss, penalty included.

    Of up to 300 parameters the whole matrix is found, else its ends by Lanczos' method
    (`scipy.sparse.linalg.eigsh`). Its products with vectors are central differences of the
    engine's gradients over 1e-8 of the length of the parameters: exact to about 1e-7, and so short
    that hardly a kink of a ReLU lies within. It takes some hundred gradients.

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`.
    n_eigenvalues : int, default=5
        How many of a large network: the largest ones, and the smallest.
    max_rows : int, default=200
        So many rows are looked at.

    Returns
    -------
    finding : Curvature
        Faults are an eigenvalue above 20000 times the loss of a guess (see `InitialLoss`), as an
        unscaled feature makes it, and a learning rate of 'sgd' above `largest_rate`, times the room
        that its momentum gives.

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
        f"eigenvalues from {number(values[-1])} to {number(top)}, condition number "
        f"{bound}{number(condition)}"
    )
    limit, rate = _stable_rate(probe.model, largest_rate), probe.model.learning_rate_init
    scale, ok = (guess(probe) or probe.loss()) * probe.loss_divisor, False
    if not sizes.any():
        verdict = "the loss is flat in all directions: nothing can be learned"
    elif top > _STEEP * scale:
        advice = of_another_scale(probe) or "scale the features, or normalise"
        verdict += (
            "; along the steepest direction a step of 0.01 makes more of a difference than all "
            f"that there is to learn: {advice}"
        )
    elif rate > limit:
        verdict += (
            f"; gradient descent climbs at rates above {number(limit)}, and learning_rate_init is "
            f"{number(rate)}"
        )
    else:
        ok = True
    return Curvature(ok, verdict + ".", values, condition, is_complete, largest_rate)


def _stable_rate(model, largest_rate):
    """The rate above which a solver diverges on a quadratic; infinite where that is not known."""
    optimizer = optimizer_of(model)
    if isinstance(optimizer, SGD):
        # Polyak's momentum, for which 2 becomes 2 (1 + momentum); that of Nesterov has less.
        return largest_rate * (1 + optimizer.momentum)
    return largest_rate if isinstance(optimizer, Momentum) else math.inf


def _eigenvalues(probe, n, random_state):
    """Those of the Hessian, falling; an upper bound of the least magnitude; whether all are there.

    NaN if gradients are not finite; none if Lanczos' method did not converge.
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
    if size <= _MOST_DENSE:
        matrix = np.array([product(row) for row in np.eye(size)])
        return np.linalg.eigvalsh((matrix + matrix.T) / 2)[::-1], math.inf, True
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    first = np.random.RandomState(random_state).standard_normal(size)
    ends = _end(operator, "LA", max(1, n - 1), first), _end(operator, "SA", 1, first)
    # Of no vector is the product shorter than by the least eigenvalue; this one solves H v = first,
    # more or less, which lets small eigenvalues grow.
    flat, _ = minres(operator, first, maxiter=20)
    shortest = np.linalg.norm(product(flat)) / max(np.linalg.norm(flat), 1e-300)
    return np.sort(np.concatenate(ends))[::-1], shortest, False


def _end(operator, which, n, first):
    """The n eigenvalues at an end of the spectrum, or those that were found in a limited time."""
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    common = dict(k=n, which=which, v0=first, ncv=max(20, 3 * n), tol=1e-2)
    for n_restarts in (4, 16):
        try:
            return eigsh(operator, maxiter=n_restarts, return_eigenvectors=False, **common)
        except ArpackNoConvergence as error:
            if len(error.eigenvalues):
                return error.eigenvalues
    return np.empty(0)
