"""Penalties, clipping, limits and noise of weights: columns of the table of steps."""

from dataclasses import dataclass

import numpy as np

from .._core.codes import Column, Kind, Rule
from .._core.program import Program
from ..optimizers import LBFGS, Optimizer, Rprop, StochasticOptimizer


@dataclass(frozen=True)
class Regularization:
    """Penalties, clipping, limits and noise of the weights, as the estimators document them.

    Parameters
    ----------
    l1_ratio : float
        Fraction of the penalty that is L1.
    l1_update : {"gradient", "proximal"}
    penalize_intercepts : bool
    clip_value, clip_norm, max_norm : float or None
    weight_noise : float

    Notes
    -----
    The order within a step: noise is added to the weights for the forward and backward pass; the
    gradient of the penalty is added to that of the loss; elements are clipped; the gradient is
    clipped by its norm; the optimizer takes its step; weights are moved towards zero by the
    threshold of a proximal L1 penalty; columns are scaled to the greatest norm.
    """

    l1_ratio: float = 0.0
    l1_update: str = "gradient"
    penalize_intercepts: bool = False
    clip_value: float | None = None
    clip_norm: float | None = None
    max_norm: float | None = None
    weight_noise: float = 0.0

    @property
    def is_proximal(self) -> bool:
        """Return whether a threshold takes the place of the gradient of the L1 penalty."""
        return self.l1_ratio > 0 and self.l1_update == "proximal"

    def fill(
        self,
        table: np.ndarray,
        optimizer: StochasticOptimizer,
        learning_rates: np.ndarray,
        first_step: int,
    ) -> None:
        """Write the columns of a table of steps that has the optimizer's."""
        if self.l1_ratio:
            strength = table[:, Column.L2]
            table[:, Column.L1] = self.l1_ratio * strength
            table[:, Column.L2] = (1 - self.l1_ratio) * strength
        if self.is_proximal:
            thresholds = optimizer.proximal_rates(learning_rates, first_step)
            table[:, Column.SOFT_THRESHOLD] = thresholds * table[:, Column.L1]
        others = (
            (Column.BIAS_PENALTY, self.penalize_intercepts),
            (Column.CLIP_VALUE, self.clip_value),
            (Column.CLIP_NORM, self.clip_norm),
            (Column.MAX_NORM, self.max_norm),
            (Column.WEIGHT_NOISE, self.weight_noise),
        )
        for column, value in others:
            if value:  # the others are 0 already
                table[:, column] = value

    def n_arrays(self, optimizer):
        """Return how many arrays of the size of all parameters an engine needs for this."""
        gradient = self.clip_norm is not None or optimizer.code == Rule.LAMB
        shifted = self.weight_noise > 0 or optimizer.code == Rule.LOOK_AHEAD
        return gradient + shifted

    def check(self, optimizer: Optimizer, solver) -> None:
        """Refuse what makes no sense with the optimizer, which the user calls `solver`."""
        lbfgs, rprop = isinstance(optimizer, LBFGS), isinstance(optimizer, Rprop)
        if not optimizer.uses_alpha:
            for name in ("l1_ratio", "penalize_intercepts"):
                if getattr(self, name):
                    raise ValueError(
                        f"{name} is about the penalty alpha, which solver={solver!r} does not use "
                        "as it decays weights by weight_decay: choose a solver such as 'adam'."
                    )
        if lbfgs and self.l1_ratio > 0:
            raise ValueError(
                f"solver={solver!r} needs a penalty with a gradient everywhere, and that of "
                "l1_ratio > 0 has none at zero: set l1_ratio=0.0, or choose a solver such as "
                "'adam'."
            )
        self._check_proximal(optimizer, solver)
        for name in ("clip_value", "clip_norm"):
            if getattr(self, name) is not None and (lbfgs or rprop):
                raise ValueError(
                    f"{name} has no useful effect with solver={solver!r}, which "
                    + ("chooses" if lbfgs else "uses only the signs of the gradient and chooses")
                    + " the lengths of its steps by itself: leave it out, or choose a solver such "
                    "as 'sgd' or 'adam'."
                )
        if lbfgs and self.max_norm is not None:
            raise ValueError(
                f"max_norm changes the weights after a step, and solver={solver!r} does not "
                "support this: choose a solver such as 'sgd' or 'adam', or a larger alpha."
            )
        if self.weight_noise > 0 and optimizer.full_batch:
            raise ValueError(
                f"weight_noise needs a solver such as 'sgd' or 'adam': {solver!r} cannot minimise "
                "a loss that changes at random."
            )

    def _check_proximal(self, optimizer, solver):
        """Refuse a proximal step where the optimizer has none."""
        proximal_rates = getattr(optimizer, "proximal_rates", None)
        if self.is_proximal and (not proximal_rates or proximal_rates(np.ones(1), 0) is None):
            raise ValueError(
                f"l1_update='proximal' is not available with solver={solver!r}: choose 'sgd', "
                "'momentum', 'adagrad' or 'adam', or set l1_update='gradient'."
            )


def zero_fraction(program: Program, parameters: np.ndarray) -> float:
    """Return the fraction of the weights that are exactly zero."""
    coefs = program.coefs(parameters)
    return 1 - sum(map(np.count_nonzero, coefs)) / sum(coef.size for coef in coefs)


def check_weight_norm(regularization: Regularization, program: Program):
    """Refuse to limit weights of which only the direction counts, or to make them zero."""
    if not (program.stages["kind"] == Kind.WEIGHT_NORM).any():
        return
    if regularization.max_norm is not None:
        raise ValueError(
            "max_norm limits the norm of weights, which WeightNorm() divides by that norm anyway: "
            "leave out either."
        )
    if regularization.is_proximal:
        raise ValueError(
            "l1_update='proximal' makes weights zero, and WeightNorm() divides by their norm: set "
            "l1_update='gradient', or leave out WeightNorm()."
        )
