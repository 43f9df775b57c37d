"""The frame of an epoch, whoever takes its steps: callbacks, history, the end of training."""

import time
from typing import Any, NamedTuple

from .history import History
from .settings import Settings
from .snapshot import Snapshot

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed: the loss is not finite from the first batch on. Scale the features "
    "and check the targets."
)

INTERRUPTED = "Training interrupted by user."


class EpochResult(NamedTuple):
    """Result of the steps of an epoch.

    Attributes
    ----------
    loss : float
        Mean over the rows; NaN if the loss of a step was not finite.
    grad_norm : float
        Mean norm of the gradients, of the steps that measured it.
    n_rows : int
        Number of rows that were trained on.
    learning_rate : float or None
        Learning rate of the last step, if there is one.
    stops : bool
        Whether a callback ended the epoch, and training with it.
    head_losses : sequence of float
        Mean loss of each head, without its weight, if there are several with names.
    """

    loss: float
    grad_norm: float
    n_rows: int = 0
    learning_rate: float | None = None
    stops: bool = False
    head_losses: Any = ()


class Training:
    """Base class of trainings: any number of epochs, each from `begin_epoch` to `end_epoch`.

    Whoever drives the training takes the steps in between. So several trainings may be driven in
    turns, or the steps of several be taken together.

    Parameters
    ----------
    state : fastnn._core.program.State
        Its arenas are trained in place.
    settings : Settings
    history : History
        Continued in place.
    callbacks : fastnn.callbacks.base.CallbackList, optional
        Called at epochs and batches; may end training.
    """

    def __init__(self, state, settings: Settings, history: History, callbacks=None):
        self.state, self.settings, self.history = state, settings, history
        self.callbacks, self.stops = callbacks, False
        self.best = Snapshot(state)

    def begin_epoch(self) -> bool:
        """Return False if training is over; else begin another epoch."""
        if self.stops or self.history.n_iter >= self.settings.max_iter:
            return False
        self.stops = self.callbacks is not None and self.callbacks.on_epoch_begin()
        self._began = time.perf_counter()
        return not self.stops

    def end_epoch(self, result: EpochResult) -> None:
        """Record an epoch, and decide whether it was the last."""
        history, rate = self.history, result.learning_rate
        history.n_iter += 1
        history.loss = result.loss
        row = {"loss": history.loss, **self._validate(result), "grad_norm": result.grad_norm}
        row |= self._describe_parameters()
        if self.settings.heads is not None:
            row |= self._describe_heads(result.head_losses)
        if self.settings.partial:
            history.n_calls += 1
            row = {"call": history.n_calls, **row}
        if rate is not None:
            row["learning_rate"] = rate
        row["seconds"] = time.perf_counter() - self._began
        history.record(**row)
        if self.settings.verbose:
            self._print(row)
        self.stops = self._ends_after(result)
        if self.callbacks is not None:
            self.stops = self.callbacks.on_epoch_end(rate, self.stops, self.checkpoint)

    def checkpoint(self, stops: bool) -> dict[str, Any]:
        """Return what a checkpoint keeps, beside the model, after an epoch that `stops` or not."""
        return {"stops": stops}

    def _validate(self, result: EpochResult) -> dict[str, float]:
        """Return the scores of the validation data, by their names in the history."""
        return {}

    def _print(self, row: dict[str, float]) -> None:
        """Print the progress of an epoch, as scikit-learn does; `row` are its values."""
        print(f"Iteration {self.history.n_iter}, loss = {row['loss']:.8f}")

    def _describe_parameters(self) -> dict[str, float]:
        """Return columns of the history that describe the parameters after an epoch."""
        return {}

    def _describe_heads(self, losses) -> dict[str, float]:
        """Return the losses of the heads in an epoch, and their weights after it if trained."""
        network = self.settings.heads
        names = zip(network.head_names, losses, strict=False)
        row = {f"{name}_loss": float(loss) for name, loss in names}
        if network.log_variances:
            row |= {f"{name}_weight": w for name, w in network.task_weights().items()}
        return row

    def _ends_after(self, result: EpochResult) -> bool:
        """Return whether training ends after this epoch, whatever callbacks say."""
        return result.stops
