"""Loss and gradient over many rows: the same for the engines of all devices."""

import numpy as np

from .codes import N_COEFFICIENTS, Column
from .penalties import add_penalty


class EngineBase:
    """Base class of engines: passes over all rows, one block of rows after the other.

    Each subclass has `program`, `state`, and two methods that make a pass for each row of
    `coefficients`, where `total` is the sum of the weights of all rows: ``_evaluate(X, y,
    sample_weight, order, block, coefficients, losses, total)``, and ``_sum_gradients(X, y,
    sample_weight, block, coefficients, losses, total, grad)``.

    Attributes
    ----------
    rows_per_block : int
        Rows that go through the network together where there is no batch.
    """

    rows_per_block: int

    def loss(self, X, y, sample_weight, order=None):
        """Return the mean data loss of the rows of X, of those in `order`, as in prediction.

        That is without dropout, penalty and label smoothing, and with batch norm's moving averages.
        """
        n = X.shape[0] if order is None else len(order)
        total = float(n)
        if sample_weight is not None:
            chosen = sample_weight if order is None else sample_weight[order]
            total = float(chosen.sum(dtype=np.float64))
        block = min(n, self.rows_per_block)
        coefficients, losses = _tables(n, block)
        self._evaluate(X, y, sample_weight, order, block, coefficients, losses, total)
        return float(losses[:, 0].sum())

    def loss_and_grad(
        self,
        X,
        y,
        sample_weight,
        alpha,
        grad,
        label_smoothing=0.0,
        l1_ratio=0.0,
        penalize_intercepts=False,
    ):
        """Compute loss and gradient over all rows, without dropout; return (data loss, penalty).

        Batch norm takes the statistics of all rows and leaves its moving averages alone. ``grad``
        has the layout of ``state.parameters`` and is overwritten.
        """
        total = float(X.shape[0] if sample_weight is None else sample_weight.sum(dtype=np.float64))
        grad[...] = 0
        loss = self.add_gradient(X, y, sample_weight, total, grad, label_smoothing)
        penalty = add_penalty(
            self.program, self.state.parameters, grad, alpha / total, l1_ratio, penalize_intercepts
        )
        return loss, penalty

    def add_gradient(
        self, X, y, sample_weight, total, grad, label_smoothing=0.0, as_in_prediction=False
    ):
        """Add the gradient of the data loss of rows to ``grad``, and return that loss.

        Both are sums over the rows, divided by `total`: the sum of the weights of all rows, if
        these are some of them. Batch norm takes the statistics of the rows, or, if
        `as_in_prediction`, its moving averages, as for rows that come one by one.
        """
        n = X.shape[0]
        block = min(n, self.rows_per_block)
        if self.program.n_statistics:
            block = 1 if as_in_prediction else n
        coefficients, losses = _tables(n, block)
        coefficients[:, Column.SMOOTHING] = label_smoothing
        self._sum_gradients(X, y, sample_weight, block, coefficients, losses, total, grad)
        return float(losses[:, 0].sum())


def _tables(n, block):
    """Return coefficients that ask for nothing, and room for losses, of each block of n rows."""
    n_blocks = -(-n // max(1, block))
    return np.zeros((n_blocks, N_COEFFICIENTS)), np.zeros((n_blocks, 2))
