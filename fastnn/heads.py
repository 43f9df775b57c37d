"""Heads of a multi-task network, and their common loss."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

from ._core.codes import Loss
from ._specs.constraints import Interval, OneOf
from ._specs.spec import Spec
from .activations import ACTIVATIONS, HIDDEN_ACTIVATIONS, ActivationSpec
from .layers import Heads
from .losses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    LossSpec,
    check_output_activation,
    output_stage,
    row_and_parameter,
)


@dataclass
class Head(Spec):
    """Head of a `MultiTaskMLP`: an output layer with its own targets and loss.

    Parameters
    ----------
    loss : str or spec of a loss, default=None
        A loss of `MLPRegressor` for numbers, or of `MLPClassifier` for labels; 'squared_error' is
        for numbers. None is 'squared_error' for floats, and 'log_loss' for labels; for indicators
        of several labels, this is the cross-entropy of a logistic unit for each.
    weight : float, default=1.0
        Factor of the loss in the sum over all heads.
    output_activation : str or ActivationSpec, default=None
        Activation of the output layer; see `MLPRegressor`. None is the one that belongs to the
        loss.
    """

    loss: Any = None
    weight: float = 1.0
    output_activation: Any = None

    _parameter_constraints: ClassVar[dict] = {
        "loss": [None, OneOf({*CLASSIFICATION_LOSSES, *REGRESSION_LOSSES}), LossSpec],
        "weight": [Interval(Real, 0, None, closed="left")],
        "output_activation": [
            None,
            OneOf({*ACTIVATIONS, *HIDDEN_ACTIVATIONS}),
            ActivationSpec,
        ],
    }


# It has no name that a user could give.
_MIXED = Loss("mixed", -2)


@dataclass
class MixedLoss(Spec):
    """Weighted sum of the losses of heads, created by `MultiTaskMLP`.

    Parameters
    ----------
    heads : list of Head
        The heads, with their losses.
    uncertainty : bool, default=False
        Whether the loss of each head is weighted by a trained log variance.
    """

    heads: Any
    uncertainty: bool = False

    _parameter_constraints: ClassVar[dict] = {"heads": [list], "uncertainty": ["boolean"]}
    parameter: ClassVar[float] = 0.0
    quantiles: ClassVar[tuple] = ()

    def row(self) -> Loss:
        """Return a row as of `LOSSES`."""
        return _MIXED

    def native(self, dtype) -> dict[str, int]:
        """Return nothing: those of heads are in `stages`."""
        return {}

    def check(self, activations) -> None:
        """Raise a ValueError for heads that no estimator makes."""
        for head, activation in zip(self.validate().heads, activations, strict=True):
            known = head.loss != "soft_log_loss"  # for which 'log_loss' stands
            Head(head.loss if known else None, head.weight).validate()
            check_output_activation(head.loss, activation)

    def output_activations(self) -> tuple[str | ActivationSpec, ...]:
        """Return the activation of each head, after checking that it goes with the loss."""
        return tuple(check_output_activation(h.loss, h.output_activation) for h in self.heads)

    def stages(self, output: Heads, dtype) -> list[dict[str, Any]]:
        """Return what `Compiler.outputs` needs of each head."""
        heads = zip(self.heads, output.activation, output.units, strict=True)
        return [self._stage(*head, dtype) for head in heads]

    def _stage(self, head, activation, n_outputs, dtype):
        code, parameter, activation = output_stage(head.loss, activation)
        functions = {} if isinstance(head.loss, str) else head.loss.native(dtype)
        return functions | {
            "activation": activation,
            "code": code,
            "parameter": parameter,
            "loss_weight": float(head.weight),
            "groups": n_terms(head.loss, n_outputs) if self.uncertainty else 0,
        }


def n_terms(loss: str | LossSpec, n_outputs: int) -> int:
    """Return of how many outputs a loss is the sum: 1 where it compares those of a row."""
    row, _ = row_and_parameter(loss)
    return 1 if row.class_codes or row.output_activation == "softmax" else n_outputs
