"""Properties that the steps of a call share."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from fastnn._core.codes import Column, Rule

#: What a call does: train (dropout, batch statistics, optimizer), sum gradients (no dropout, batch
#: statistics), predict or find the loss (no dropout, moving statistics).
TRAIN, GRADIENT, PREDICT, EVALUATE = "train", "gradient", "predict", "evaluate"


@dataclass(frozen=True)
class Call:
    """Properties that the steps of a call share, such as the columns in use of their table."""

    mode: str
    is_ordered: bool = False
    has_weights: bool = False
    optimizer: int = 0
    n_slots: int = 0
    columns: frozenset = field(default_factory=frozenset)
    mixes: bool = False
    tells_heads: bool = False  # their losses, one by one

    @property
    def trains(self):
        return self.mode == TRAIN

    @property
    def has_gradients(self):
        return self.mode in (TRAIN, GRADIENT)

    @property
    def has_constant_statistics(self):
        """Return whether batch norm uses moving averages."""
        return self.mode in (PREDICT, EVALUATE)

    @property
    def adds_up(self):
        """Return whether gradients are added to those of the previous blocks of rows."""
        return self.mode == GRADIENT

    @property
    def looks_ahead(self):
        return self.trains and self.optimizer == Rule.LOOK_AHEAD

    @property
    def shifts(self):
        """Return whether forward and backward read other parameters than the optimizer updates."""
        return self.looks_ahead or (self.trains and Column.WEIGHT_NOISE in self.columns)

    @property
    def penalises(self):
        return self.trains and bool({Column.L1, Column.L2} & self.columns)

    @property
    def clips_norm(self):
        return self.trains and Column.CLIP_NORM in self.columns


class Arenas(SimpleNamespace):
    """Arrays of the device: parameters, slots, .. as in ``State``, tables, rows, targets."""
