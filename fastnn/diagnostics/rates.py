"""Learning rate range test."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._fit.resolve import optimizer_of, settings_of
from .._train.step_table import step_table
from ..optimizers import LBFGS, Rprop
from ..schedules import Steps
from .finding import Finding, fmt
from .parameters import checked
from .probe import Probe, ignore_warnings


@dataclass(repr=False)
class LearningRateRange(Finding):
    """Result of `learning_rate_range`.

    Attributes
    ----------
    rates, losses : ndarray of shape (n_steps,)
        Learning rate of each step, and loss before it; they end early if the loss is not finite.
    smoothed : ndarray of shape (n_steps,)
        The losses, smoothed.
    lowest, highest : float
        Rates between which the loss decreases: after 10 % and after 95 % of its decrease. NaN if no
        rate lowers it.
    limit : float
        The rate at which half of the decrease is lost again; the last one if there is none.
    suggestion : float
        A rate to train with: a third of `highest`, but at least `lowest`.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    lowest: float
    highest: float
    limit: float
    suggestion: float

    title: ClassVar[str] = "learning rate"


@checked
def learning_rate_range(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    min_rate: float = 1e-7,
    max_rate: float = 10.0,
    n_steps: int = 320,
    max_rows: float = 10000,
    random_state: int | None = 0,
) -> LearningRateRange:
    """Train while the learning rate grows from step to step, to see where the loss decreases.

    The estimator's optimizer trains a new network, with its batches, penalty and dropout, but
    without `augment` and `averaging`, while the rate grows exponentially (Smith, "Cyclical learning
    rates for training neural networks", 2017, section 3.3, with an exponential ramp instead of a
    linear one).

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`.
    min_rate, max_rate : float, default=1e-7 and 10
        First and last rate.
    n_steps : int, default=320
        Number of steps.
    max_rows : int, default=10000
        Largest number of training rows.

    Returns
    -------
    finding : LearningRateRange
        Its verdict concerns the estimator's `learning_rate_init`.

    Raises
    ------
    ValueError
        If the solver has no learning rate, like 'lbfgs', or uses it at its first step only, like
        'rprop'.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.diagnostics import learning_rate_range
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> found = learning_rate_range(MLPClassifier(random_state=0), X / 16, y)
    >>> model = MLPClassifier(learning_rate_init=found.suggestion)
    """
    if not min_rate < max_rate < math.inf:
        raise ValueError(
            f"min_rate must be below max_rate, and that finite, got {min_rate!r} and {max_rate!r}."
        )
    probe = Probe(estimator, X, y, max_rows, random_state, fresh=True)
    rates = np.geomspace(float(min_rate), float(max_rate), n_steps)
    losses = _ramp(probe, rates, random_state)
    rates = rates[: len(losses)]
    return _interpret(probe.model.learning_rate_init, rates, losses)


def _check_has_rate(estimator):
    """Raise a ValueError if the solver has no learning rate."""
    if isinstance(optimizer_of(estimator), LBFGS | Rprop):
        raise ValueError(
            f"solver={estimator.solver!r} chooses the lengths of its steps by itself: there is no "
            "learning rate to look for."
        )


def _ramp(probe, rates, random_state):
    """Return the loss at each step, up to the last finite one."""
    model, network, n_steps = probe.model, probe.network, len(rates)
    _check_has_rate(model)
    optimizer, n_rows = optimizer_of(model), probe.X.shape[0]
    with ignore_warnings():
        settings = settings_of(model, optimizer, network, n_rows, partial=False)
    network.use_optimizer(optimizer)
    size = settings.batch_size
    per_epoch = -(-n_rows // size)
    numbers = np.arange(n_steps)
    steps = Steps(
        number=numbers,
        epoch=numbers // per_epoch,
        n_steps=n_steps,
        n_epochs=-(-n_steps // per_epoch),
        steps_per_epoch=per_epoch,
    )
    table = step_table(optimizer, rates, settings, steps, 0)
    engine = network.engine(
        optimizer, size, n_steps, model.n_jobs, "cpu", model.learning_rate_factors
    )
    drawing = np.random.RandomState(random_state)
    n_epochs = -(-n_steps * size // n_rows)
    order = np.concatenate([drawing.permutation(n_rows) for _ in range(n_epochs)])
    losses = np.full((n_steps, 2), np.nan)
    n_done = engine.train_steps(
        probe.X, probe.targets, probe.sample_weight, order[: n_steps * size], size, table, losses
    )
    return losses[:n_done, 0] / probe.loss_divisor


def _interpret(rate, rates, losses):
    """Return a finding about a rate from the losses at increasing rates."""
    from scipy.ndimage import gaussian_filter1d

    nowhere = dict.fromkeys(("lowest", "highest", "limit", "suggestion"), math.nan)
    if len(losses) < 10:
        verdict = "the loss is not finite at the lowest rates: weights or features are too large."
        return LearningRateRange(False, verdict, rates, losses, losses, **nowhere)
    n_first = max(5, len(losses) // 8)
    with np.errstate(over="ignore", invalid="ignore"):
        start, noise = losses[:n_first].mean(), losses[:n_first].std()
    # Clipped, so that exploding losses do not dominate their neighbourhood.
    smoothed = gaussian_filter1d(np.minimum(losses, 4 * abs(start) + 1e-12), 5, mode="nearest")
    best = int(smoothed.argmin())
    fall = start - smoothed[best]
    if not fall > max(noise, 0.02 * abs(start)):
        verdict = (
            f"no rate up to {fmt(rates[-1])} lowers the loss of {fmt(start)}: gradients "
            "vanish, units are dead, or the targets have nothing to do with the rows."
        )
        return LearningRateRange(False, verdict, rates, losses, smoothed, **nowhere)
    lowest, highest = (
        float(rates[np.argmax(smoothed <= start - part * fall)]) for part in (0.1, 0.95)
    )
    lost = np.flatnonzero(smoothed[best:] > start - 0.5 * fall)
    limit = float(rates[best + lost[0]] if len(lost) else rates[-1])
    suggestion = max(highest / 3, lowest)
    ok = min(suggestion / 30, lowest) <= rate <= limit
    judgement = "is fine" if ok else f"is far too {'high' if rate > limit else 'low'}"
    rise = f", and has risen again at {fmt(limit)}" if len(lost) else ""
    verdict = (
        f"{fmt(rate)} {judgement}: the loss falls between {fmt(lowest)} and "
        f"{fmt(highest)}{rise}. Suggested: {fmt(suggestion)}."
    )
    found = lowest, highest, limit, suggestion
    return LearningRateRange(ok, verdict, rates, losses, smoothed, *found)
