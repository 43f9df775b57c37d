"""Heads: output layers side by side, each with a loss of its own targets."""

from typing import NamedTuple

import numpy as np

from fastnn.heads import MixedLoss
from fastnn.layers import Heads
from support.reference.losses import Loss, as_target, loss_of, smoothed


class Head(NamedTuple):
    """A head: its outputs among those of all, its loss and the constant weight of it.

    `terms` is the number of outputs that the loss is a sum over, where it has a log variance; 0
    where it has none. `before` is the activation of the output layer that is not the loss's own.
    """

    columns: slice
    loss: Loss
    output_activation: str
    before: str
    weight: float = 1.0
    terms: int = 0

    def target(self, z, y, smoothing):
        if not smoothing or self.output_activation not in ("softmax", "logistic"):
            return y
        n_classes = 2 if self.output_activation == "logistic" else z.shape[1]
        return smoothed(as_target(y, z), n_classes, smoothing)

    def value(self, z, y, smoothing=0.0):
        """The loss of each row, without weights."""
        z = z[:, self.columns]
        return self.loss.value(z, self.target(z, y, smoothing))

    def delta(self, z, y, smoothing=0.0):
        """The derivative of the loss with respect to the pre-activations."""
        z = z[:, self.columns]
        return self.loss.delta(z, self.target(z, y, smoothing))

    def weighted(self, log_variance=0.0):
        """Factor of the loss, and what is added to it.

        Kendall, Gal, Cipolla, "Multi-task learning using uncertainty to weigh losses" (2018), eq. 7
        and 10 with the log variance s = log(sigma^2): exp(-s) L + s / 2, of n outputs n s / 2, as
        half the squared error of each divided by the variance, and log(sigma), is minus the log
        likelihood of a normal distribution.
        """
        return self.weight * np.exp(-log_variance), self.weight * self.terms / 2 * log_variance


def heads_of(output_layer, loss):
    """The heads of an output layer; a Dense is one."""
    several = isinstance(output_layer, Heads)
    units = output_layer.units if several else (output_layer.units,)
    stops = np.cumsum(units)
    activations = output_layer.activation
    if not isinstance(activations, tuple):
        activations = (activations,) * len(units)
    mixed = isinstance(loss, MixedLoss)
    found = []
    for h, (n, stop, activation) in enumerate(zip(units, stops, activations, strict=True)):
        of = loss_of(loss.heads[h].loss) if mixed else loss_of(loss, h)
        output = activation if activation == "threshold" else of.output_activation
        before = "identity" if activation in (of.output_activation, "threshold") else activation
        found.append(Head(slice(stop - n, stop), of, output, before))
    if mixed:
        for h, head in enumerate(loss.heads):
            terms = 1 if found[h].output_activation == "softmax" else units[h]
            terms = 1 if head.loss in ("weston_watkins", "crammer_singer") else terms
            found[h] = found[h]._replace(weight=head.weight, terms=terms if loss.uncertainty else 0)
    return found


def targets_of(y, n_heads):
    """The targets of each head: fields of records, columns, or all of one head."""
    if y.dtype.names:
        return [y[name] for name in y.dtype.names]
    if n_heads is None:
        return [y]
    numbers = y.dtype.kind == "f"  # of a head with one unit
    return [y[:, [h]] if numbers else y[:, h] for h in range(n_heads)]
