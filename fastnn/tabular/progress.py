"""Progress of a fit of many networks, for callbacks."""

import threading

from .._fit.resolve import callbacks_of
from ..callbacks.base import CallbackList
from ..callbacks.checkpoint import keeps
from ..callbacks.progress import ProgressBar


class Progress:
    """State of a fit, passed to hooks; networks take the place of epochs.

    Attributes
    ----------
    epoch, n_epochs : int
        Numbers of networks trained and planned.
    n_rows : int
        Number of training rows.
    logs : dict
        Values of the last network in the history.
    history : dict of list
        The `history_` so far, in the order in which networks were completed.
    parameters : dict
        Parameters of the estimator.
    error : BaseException or None
        The error that ended the fit.
    """

    unit = "network"
    first_epoch, is_partial, learning_rate = 0, False, None

    def __init__(self, estimator, n_networks, n_rows):
        self.parameters = estimator.get_params(deep=False)
        self.epoch, self.n_epochs, self.n_rows = 0, n_networks, n_rows
        self.history: dict[str, list] = {}
        self.logs: dict[str, object] = {}
        self.error = None
        self._lock = threading.Lock()
        callbacks, verbose = callbacks_of(estimator)
        if verbose:
            callbacks.append(ProgressBar())
        if keeps(callbacks):
            raise ValueError(
                f"A Checkpoint keeps the training of one network, and a "
                f"{type(estimator).__name__} trains many: leave it out of callbacks."
            )
        self._callbacks = CallbackList(callbacks, self, {})

    def __enter__(self):
        self._callbacks.__enter__()
        return self

    def __exit__(self, *exception):
        self._callbacks.__exit__(*exception)

    def record(self, **row):
        """Record a network; return whether a callback ends the fit."""
        with self._lock:
            for name, value in row.items():
                self.history.setdefault(name, []).append(value)
            return self._callbacks.on_epoch_end(None, False, dict)
