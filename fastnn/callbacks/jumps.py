"""Callback that detects jumps of the loss."""

from collections import deque
from dataclasses import dataclass
from numbers import Integral, Real
from statistics import median
from typing import ClassVar, NamedTuple

import numpy as np

from .._specs.constraints import Interval
from .base import Callback

_COUNT = Interval(Integral, 1, None, closed="left")


class Jump(NamedTuple):
    """Batch whose loss was much larger than that of earlier batches.

    Attributes
    ----------
    epoch, batch : int
        Numbers of the epoch, and of the batch in it, from 1.
    loss : float
        Loss of the batch, before the step.
    usual : float
        Median loss of the preceding batches.
    rows : ndarray of int, or None
        Indices of its rows in `X`. None if they are unknown: for a source, for rows read in blocks
        or parts, and for rows augmented by a function of all rows.
    """

    epoch: int
    batch: int
    loss: float
    usual: float
    rows: np.ndarray | None


@dataclass
class LossJumps(Callback):
    """Detect batches at which the loss jumps, and record their rows.

    Either these rows are unusual (outliers, wrong targets), or an earlier step was too long.
    `fastnn.diagnostics.row_gradients` finds the rows with the largest gradients. A non-finite loss
    is not recorded, because it ends training.

    Parameters
    ----------
    factor : float, default=5.0
        A loss is a jump if it exceeds the median loss of the preceding batches by this factor. For
        negative losses, it is a jump if it exceeds the median by ``factor - 1`` times the absolute
        value of the median, or times the median deviation from it, if that is larger.
    window : int, default=20
        Number of preceding batches. The first ones of a training are not checked.
    n_jumps : int, default=10
        Maximum number of jumps to keep, those with the largest loss.

    Attributes
    ----------
    jumps_ : list of Jump
        The jumps in order, each with `epoch`, `batch`, `loss`, `usual` and `rows`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import MLPRegressor
    >>> from fastnn.callbacks import LossJumps
    >>> X = np.linspace(-1, 1, 1000)[:, np.newaxis]
    >>> y = X[:, 0].copy()
    >>> y[123] = 1000
    >>> jumps = LossJumps()
    >>> model = MLPRegressor(batch_size=10, max_iter=1, callbacks=[jumps], random_state=0).fit(X, y)
    >>> 123 in max(jumps.jumps_, key=lambda jump: jump.loss).rows
    True
    """

    factor: float = 5.0
    window: int = 20
    n_jumps: int = 10

    _parameter_constraints: ClassVar[dict] = {
        "factor": [Interval(Real, 1, None, closed="neither")],
        "window": [_COUNT],
        "n_jumps": [_COUNT],
    }

    def on_fit_begin(self, context):
        if not context.is_partial or self._losses is None:
            self.jumps_, self._losses = [], deque(maxlen=self.window)

    def on_batch_end(self, context):
        loss, losses = context.logs["loss"], self._losses
        if len(losses) == self.window and loss > self._limit(usual := median(losses)):
            jump = Jump(context.epoch + 1, context.batch, loss, usual, context.rows)
            self.jumps_.append(jump)
            if len(self.jumps_) > self.n_jumps:
                del self.jumps_[int(np.argmin([one.loss for one in self.jumps_]))]
        losses.append(loss)

    def _limit(self, usual):
        """Return the largest loss that is no jump.

        The median deviation is larger than the median only if there are losses below 0.
        """
        size = max(abs(usual), median(abs(loss - usual) for loss in self._losses))
        return usual + (self.factor - 1) * size

    def get_state(self):
        return {"losses": list(self._losses), "jumps": [tuple(jump) for jump in self.jumps_]}

    def set_state(self, state, context):
        self._losses = deque(state["losses"], maxlen=self.window)
        self.jumps_ = [Jump(*jump) for jump in state["jumps"]]

    _losses: ClassVar[deque | None] = None
