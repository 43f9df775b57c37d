"""Diagnostics of a new network, before training."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.special import entr

from .._train.datasets import Dataset
from .._train.history import History
from .._train.lbfgs import LBFGSTraining
from .._train.settings import Settings
from ..losses import LOSSES, quantiles_of, row_and_parameter
from ..optimizers import LBFGS
from .finding import Finding, fmt
from .parameters import checked
from .probe import Probe, ignore_warnings, refuse_heads

# Largest ratio of the initial loss to that of a guess.
_MAX_OF_GUESS = 3.0
# Losses whose targets have the scale of the outputs, and the largest scale of these.
_SCALED = [name for name, row in LOSSES.items() if row.regression and row.any_activation]
_MAX_OF_TARGETS = 30.0


@dataclass(repr=False)
class InitialLoss(Finding):
    """Result of `initial_loss`.

    Attributes
    ----------
    loss : float
        The loss before training.
    guess : float
        The loss of equally probable classes for a classifier, and of the best constant prediction
        for a regressor.
    """

    loss: float
    guess: float

    title: ClassVar[str] = "initial loss"


@checked
def initial_loss(
    estimator: Any, X: Any, y: Any, *, max_rows: float = 2000, random_state: int | None = 0
) -> InitialLoss:
    """Compare the loss before training with that of a random guess.

    The initial loss should be near that of the same network with zero weights in the output layer:
    ``log(n_classes)`` for 'log_loss', or half the variance of the targets for 'squared_error'. A
    much higher loss means that weights or features are too large, or that the targets of a
    regression are not centred and scaled.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
    X, y
        As for `fit`.
    max_rows : int, default=2000
        Largest number of rows used.
    random_state : int, default=0
        Seed of the subsample.

    Returns
    -------
    finding : InitialLoss
    """
    probe = Probe(estimator, X, y, max_rows, random_state, fresh=True)
    loss, of_guess = probe.loss(), baseline_loss(probe)
    what = "guessing" if probe.is_classifier else "the best constant"
    numbers = f"{fmt(loss)}, where {what} has {fmt(of_guess)}"
    ok, verdict = True, numbers
    if not math.isfinite(loss):
        ok, verdict = False, "not finite: weights or features are far too large"
    elif loss > _MAX_OF_GUESS * of_guess + _tolerance(probe):
        ok = False
        advice = "take smaller initial weights, or scale the features"
        if not probe.is_classifier:
            advice = f"scale the targets (TransformedTargetRegressor), {advice}"
        verdict = f"{numbers}: the network starts far from its targets; {advice}"
    elif probe.targets.std() > _MAX_OF_TARGETS and (unscaled := target_scale_advice(probe)):
        ok, verdict = False, f"{numbers}: {unscaled}"
    return InitialLoss(ok, verdict + ".", loss, of_guess)


def target_scale_advice(probe):
    """Return advice if regression targets are on another scale than a new network's outputs.

    None if they are on the same scale, or if the loss does not compare values.
    """
    if probe.network.loss not in _SCALED:
        return None
    spread, mean = probe.targets.std(), probe.targets.mean()
    if 1 / _MAX_OF_TARGETS <= spread <= _MAX_OF_TARGETS and abs(mean) <= _MAX_OF_TARGETS:
        return None
    return (
        f"the targets vary by {fmt(spread)} about {fmt(mean)}, and the "
        "outputs of a new network by about 1; scale the targets (TransformedTargetRegressor)"
    )


def _tolerance(probe):
    """Return the excess over a guess that outputs of size 1 cause, for losses of margins."""
    row = row_and_parameter(probe.network.loss)[0]
    if not probe.is_classifier or row.probabilities:
        return 1e-12
    return 0.5 * probe.network.program.n_outputs / probe.loss_divisor


def baseline_loss(probe):
    """Return the loss of a network that ignores its input (see `InitialLoss`)."""
    refuse_heads(probe.model, "This check knows")
    before = probe.parameters
    for array in probe.network.coefs[-probe.n_heads :]:
        array[...] = 0
    biases = probe.network.intercepts[-probe.n_heads :]
    for array in biases:
        array[...] = 0
    loss = probe.loss()
    if not probe.is_classifier:
        loss = min(loss, _best_constant(probe, biases))
    probe.parameters = before
    return loss


def _best_constant(probe, biases):
    """Minimise the loss over the biases of output layers without weights."""
    from scipy.optimize import minimize

    mean = probe.targets.mean(axis=0)
    program = probe.network.program

    def objective(values):
        for array, own in zip(biases, np.split(values, len(biases)), strict=True):
            array[...] = own
        loss, _ = probe.differentiate()
        return loss, np.concatenate(program.intercepts(probe.arena)[-len(biases) :])

    starts = [np.zeros(mean.shape), mean]
    if quantiles := quantiles_of(probe.network.loss):
        columns = probe.targets[:, :: len(quantiles)]
        starts.append(np.quantile(columns, quantiles, axis=0).T.ravel())
    if probe.network.loss == "poisson" and (mean > 0).all():
        starts.append(np.log(mean))
    found = [minimize(objective, start, jac=True, method="L-BFGS-B").fun for start in starts]
    return min(found) / probe.loss_divisor


@dataclass(repr=False)
class RegularizationEffect(Finding):
    """Result of `regularization_effect`.

    Attributes
    ----------
    alphas : ndarray of shape (3,)
        No penalty, the estimator's `alpha`, and ten times that. If `alpha` is 0, or not used by the
        solver, 0.0001 replaces it.
    losses : ndarray of shape (3,)
        Initial losses with these penalties.
    """

    alphas: np.ndarray
    losses: np.ndarray

    title: ClassVar[str] = "regularisation"


@checked
def regularization_effect(
    estimator: Any, X: Any, y: Any, *, max_rows: float = 2000, random_state: int | None = 0
) -> RegularizationEffect:
    """Check that the initial loss increases with the penalty, but is larger than the penalty.

    Parameters
    ----------
    estimator, X, y, max_rows, random_state
        See `initial_loss`.

    Returns
    -------
    finding : RegularizationEffect
    """
    probe = Probe(estimator, X, y, max_rows, random_state, fresh=True)
    uses, alpha = probe.alpha > 0, probe.alpha or 1e-4 / probe.batch_size
    alphas = np.array([0.0, alpha, 10 * alpha])
    loss = probe.loss()
    penalties = np.array([probe.differentiate(alpha)[1] for alpha in alphas])
    losses = loss + penalties
    part, ok = penalties[1] / loss if loss > 0 else math.inf, True
    verdict = f"the loss rises with alpha; the penalty is {fmt(100 * part)} % of it"
    if not uses:
        verdict = "no penalty by alpha; with one, the loss would rise"
    if not np.isfinite(losses).all():
        ok, verdict = False, "the loss is not finite: weights or features are far too large"
    elif not penalties[1] < penalties[2]:
        ok, verdict = False, "the loss does not rise with alpha: all weights are zero"
    elif uses and part > 1:
        ok = False
        verdict = (
            f"the penalty is {fmt(part)} times the loss of the data, so that small weights "
            "count for more than the targets: a smaller alpha, or smaller initial weights"
        )
    return RegularizationEffect(ok, verdict + ".", alphas * probe.batch_size, losses)


@dataclass(repr=False)
class TinySubset(Finding):
    """Result of `overfit_tiny_subset`.

    Attributes
    ----------
    n_rows : int
    loss : float
        The final loss on the rows.
    guess : float
        The loss of a guess; see `InitialLoss`.
    """

    n_rows: int
    loss: float
    guess: float

    title: ClassVar[str] = "tiny subset"


@checked
def overfit_tiny_subset(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_rows: int = 20,
    max_iter: int = 500,
    max_rows: float = 2000,
    random_state: int | None = 0,
) -> TinySubset:
    """Check that the network can memorise a few rows.

    It is trained on them by L-BFGS from its initial parameters, without penalty, dropout and noise.
    If the loss stays above 1 % of that of a guess, then, independently of the learning rate,
    gradients are wrong, units are dead, targets contradict each other, or there are too few units.

    Parameters
    ----------
    estimator, X, y, max_rows, random_state
        See `initial_loss`.
    n_rows : int, default=20
        Number of rows, drawn from each class in turn.
    max_iter : int, default=500
        Largest number of iterations.

    Returns
    -------
    finding : TinySubset
    """
    probe = Probe(estimator, X, y, max_rows, random_state, fresh=True)
    probe.take(_few_rows(probe, n_rows, random_state))
    n_rows, of_guess = probe.X.shape[0], baseline_loss(probe)
    data = Dataset.of(probe.X, probe.targets, probe.sample_weight)
    optimizer = LBFGS(max_fun=20 * max_iter)
    settings = Settings(
        alpha=0.0,
        batch_size=n_rows,
        learning_rate_init=1.0,
        max_iter=max_iter,
        n_iter_no_change=np.inf,
        shuffle=False,
        tol=1e-10,
        verbose=False,
    )
    failed = False
    with ignore_warnings():
        try:
            LBFGSTraining(
                probe.engine(), probe.network.state, data, optimizer, settings, History()
            ).run()
        except ValueError:  # not finite
            failed = True
    loss = math.inf if failed else probe.loss()
    # The entropy of target probabilities is a lower bound of the loss.
    least = entr(probe.targets).sum(axis=1).mean() if probe.network.loss == "soft_log_loss" else 0
    ok = loss - least <= max(0.01 * (of_guess - least), 1e-9)
    fall = f"from {fmt(of_guess)} to {fmt(loss)}"
    verdict = f"{n_rows} rows are learned by heart: the loss goes {fall}"
    if failed:
        verdict = "the loss is not finite: weights or features are far too large"
    elif not ok:
        reason = "too few units, units that are dead or all the same, or a wrong derivative"
        if twins := _count_contradictions(probe):
            reason = f"{twins} of them equal others whose targets differ"
        elif unscaled := target_scale_advice(probe):
            reason = unscaled
        verdict = (
            f"{n_rows} rows cannot be learned by heart: the loss stays at {fmt(loss)}, where a "
            f"guess has {fmt(of_guess)}; {reason}"
        )
    return TinySubset(ok, verdict + ".", n_rows, loss, of_guess)


def _few_rows(probe, n_rows, random_state):
    """Draw the indices of a few rows, from each class in turn."""
    order = np.random.RandomState(random_state).permutation(probe.X.shape[0])
    classes = probe.network.encoder.class_numbers(probe.targets)
    if classes is not None:
        classes, turn = np.asarray(classes)[order], np.empty(len(order), int)
        for label in np.unique(classes):
            mine = classes == label
            turn[mine] = np.arange(mine.sum())
        order = order[np.argsort(turn, kind="stable")]
    return order[:n_rows]


def _count_contradictions(probe):
    """Count the rows that equal another one with different targets."""
    X = probe.X.toarray() if sparse.issparse(probe.X) else probe.X
    _, groups = np.unique(X, axis=0, return_inverse=True)
    targets = probe.targets.reshape(len(groups), -1)
    pairs = np.unique(np.column_stack([groups.ravel(), targets]), axis=0)
    of_groups = np.unique(pairs[:, 0], return_counts=True)
    mixed = of_groups[0][of_groups[1] > 1]
    return int(np.isin(groups.ravel(), mixed).sum())
