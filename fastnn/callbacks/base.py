"""Base class of callbacks, the context passed to hooks, and the list of callbacks of a fit."""

import math
import threading
from contextlib import contextmanager
from typing import Any

from .._specs.spec import Spec
from .._train.snapshot import Snapshot


class Callback(Spec):
    """Base class of callbacks, whose hooks are called during training.

    A subclass overrides some hooks. Each hook receives a `Context`, and may return True to end
    training normally. The parameters of `__init__`, which `dataclass` can generate, are those of
    `get_params`, so that `clone` and `GridSearchCV` support them.

    An error in a hook is raised by `fit`, and the estimator is unchanged. Even then, `on_fit_end`
    is called for every callback whose `on_fit_begin` was called.

    The attributes of a callback can be read after the fit. If a fit starts while another one uses
    the callback, in a thread or within a hook, it uses a copy with the attributes from before the
    other fit, so that no fit sees the state of another. To read the attributes of both, pass a
    separate callback to each estimator, as `clone` does.

    Attributes
    ----------
    batch_interval : int, default=1
        Number of batches between calls of `on_batch_end`. It does not change the result.

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from fastnn.callbacks import Callback
    >>> from sklearn.datasets import load_iris
    >>> class UntilGood(Callback):
    ...     def on_epoch_end(self, context):
    ...         return context.logs["loss"] < 0.5
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(callbacks=[UntilGood()], random_state=0).fit(X, y)
    >>> model.history_["loss"][-1] < 0.5 <= model.history_["loss"][-2]
    True
    """

    batch_interval = 1

    def __repr__(self):
        given = ", ".join(f"{k}={v!r}" for k, v in self.get_params(deep=False).items())
        return f"{type(self).__name__}({given})"

    def on_fit_begin(self, context: "Context") -> None:
        """Called before the first epoch, when everything is prepared."""

    def on_epoch_begin(self, context: "Context") -> Any:
        """Called before each epoch, or iteration of 'lbfgs'. True skips it and ends training.

        It is called again, before `set_state`, if training resumes within an epoch. If 'lbfgs' has
        converged, no iteration follows.
        """

    def on_batch_end(self, context: "Context") -> Any:
        """Called after every `batch_interval` batches. Return True to end the epoch and training.

        It is never called with 'lbfgs', which has no batches.
        """

    def on_epoch_end(self, context: "Context") -> Any:
        """Called after each epoch, when the history contains it. Return True to end training."""

    def on_fit_end(self, context: "Context") -> None:
        """Called after training has ended, or failed with `context.error`."""

    # For `Checkpoint`.

    def get_state(self) -> Any:
        """Return the state to store in a checkpoint, in addition to the history."""

    def set_state(self, state: Any, context) -> None:
        """Restore a state from `get_state`, unless it is None; called after `on_fit_begin`."""

    def _after_epoch_end(self, context) -> None:
        """Called after `on_epoch_end` of all callbacks."""

    # Number of batches between two calls of `_after_batch`; 0: it is not called.
    _checkpoint_interval = 0

    def _after_batch(self, context) -> None:
        """Called within an epoch, after `on_batch_end` of all callbacks."""


class Context:
    """State of a training, passed to hooks.

    Attributes
    ----------
    epoch : int
        Number of the epoch as in `history_`, from 1. Epochs of earlier calls that this one
        continues are counted; before the first epoch, it is their number.
    first_epoch : int
        Number of epochs before this training. All calls of `partial_fit` are one training.
    n_epochs : int
        Number of the last planned epoch; in `partial_fit`, of the current one.
    n_rows : int
        Number of training rows.
    batch, n_batches : int
        Number of the last batch in its epoch, from 1, and number of batches in an epoch.
    rows : ndarray of int or None
        In `on_batch_end`, the indices in `X` of the rows of the last batches. None if they are
        unknown: for a source or a cluster, for rows read in blocks or parts, and for rows augmented
        by a function of all rows.
    logs : dict
        Values of the last epoch in the history; in `on_batch_end`, the "loss" of the last batches.
    history : dict of list
        The `history_` so far.
    learning_rate : float or None
        Learning rate of the last step; before the first step, the initial rate. None for 'lbfgs'.
    parameters : dict
        Parameters of the estimator that differ from the defaults.
    is_partial : bool
        Whether the call is `partial_fit`.
    error : BaseException or None
        The error that ended training.
    unit : str
        "epoch", or "network" for an ensemble such as `TabularMLPClassifier`, which counts networks.
    """

    unit = "epoch"

    def __init__(
        self, history, settings, state, n_batches, n_rows, learning_rate, parameters, model
    ):
        self._history, self._state, self._model = history, state, model
        self.parameters = parameters
        self.history = history.columns
        self.is_partial, self.error = settings.partial, None
        begun = history.n_recorded
        self.epoch, self.batch, self.n_batches, self.n_rows = begun, 0, n_batches, n_rows
        self.rows = None
        self.first_epoch = 0 if settings.partial else begun - history.n_iter
        self.n_epochs = begun - (not settings.partial) * history.n_iter + settings.max_iter
        self.logs: dict[str, float] = {
            name: values[-1] for name, values in self.history.items() if values
        }
        self.learning_rate = learning_rate
        self._stops, self._checkpoint = False, None  # for a `Checkpoint`

    @property
    def model(self) -> Any:
        """Copy of the estimator, as if training had ended now."""
        return self._model(True)

    def log(self, name: str, value: float) -> None:
        """Add a number to the history of this epoch, in `on_epoch_end`."""
        self.logs[name] = value
        self._history.add(name, value)

    def scale_learning_rate(self, factor: float) -> None:
        """Multiply the learning rate of the schedule by a factor, from the next epoch on."""
        if self.learning_rate is None:
            raise ValueError("solver='lbfgs' has no learning rate to change.")
        self._history.rate_factor *= factor

    def snapshot(self):
        """Return a copy of the parameters, whose ``restore()`` puts them back."""
        return Snapshot(self._state)

    def watched(self, name: str) -> float:
        """Return the value of this name in the last epoch; a ValueError lists the names."""
        try:
            return self.logs[name]
        except KeyError:
            known = ", ".join(map(repr, self.history))
            advice = ""
            if name.startswith("val_"):
                advice = " Scores need validation data: X_val and y_val, or early_stopping=True."
            elif name.startswith("train_"):
                advice = " Scores of training rows need train_score=True."
            raise ValueError(
                f"monitor={name!r} is not in the history, which has {known}.{advice}"
            ) from None


class _CallbacksInUse:
    """Registry of callbacks that take part in a fit, with their attributes from before it."""

    def __init__(self):
        self._in_use: dict[int, tuple[Callback, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def acquire(self, callback):
        """Return the callback, or a copy if another fit uses it."""
        with self._lock:
            if id(callback) not in self._in_use:
                self._in_use[id(callback)] = callback, vars(callback).copy()
                return callback
            _, before = self._in_use[id(callback)]
        copied = object.__new__(type(callback))
        vars(copied).update(before)
        return copied

    def release(self, callbacks):
        for callback in callbacks:
            self._in_use.pop(id(callback), None)


_callbacks_in_use = _CallbacksInUse()


class CallbackList:
    """The callbacks of one fit, which is a ``with`` block.

    Parameters
    ----------
    callbacks : list of Callback
    context : Context
        Passed to their hooks.
    origin : dict
        Data that a checkpoint stores about the whole fit.
    states : list of tuple, optional
        Class name and state of each callback, from a checkpoint to resume.
    within_epoch : bool, default=False
        Whether the checkpoint was written within an epoch.
    """

    def __init__(self, callbacks, context, origin, states=(), within_epoch=False):
        self._within_epoch = within_epoch
        self._given, self._context, self._begun = callbacks, context, []
        self._callbacks = []  # within a fit
        self._origin, self._states = origin, states
        base = Callback.on_batch_end
        intervals = [c.batch_interval for c in callbacks if type(c).on_batch_end is not base]
        #: Steps between two calls of `on_batch_end`; 0 if no callback has that hook.
        self.batch_interval = math.gcd(*intervals)
        #: Steps between two calls of `after_batch`; 0 if no callback wants any.
        self.checkpoint_interval = math.gcd(*(one._checkpoint_interval for one in callbacks))

    @contextmanager
    def _hook(self, callback, name):
        try:
            yield getattr(callback, name)
        except Exception as error:
            error.add_note(f"This was {name} of {callback!r} in epoch {self._context.epoch}.")
            raise

    def _call(self, name, callbacks=None):
        """Call a hook of all, and return whether one of them returned True."""
        stops = False
        for callback in self._callbacks if callbacks is None else callbacks:
            with self._hook(callback, name) as hook:
                stops = bool(hook(self._context)) or stops
        return stops

    def __enter__(self):
        self._callbacks = [_callbacks_in_use.acquire(callback) for callback in self._given]
        try:
            for callback in self._callbacks:
                self._begun.append(callback)
                self._call("on_fit_begin", [callback])
            if self._within_epoch:
                self._begin_epoch_again()
            for callback, (name, state) in zip(self._callbacks, self._states, strict=False):
                if state is not None and type(callback).__name__ == name:
                    callback.set_state(state, self._context)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def _begin_epoch_again(self):
        """Call `on_epoch_begin` of an epoch that goes on: what it does to the rate was done."""
        history = self._context._history
        rate_factor = history.rate_factor
        self._call("on_epoch_begin")
        history.rate_factor = rate_factor

    def __exit__(self, kind, error, traceback):
        self._context.error, failure = error, None
        try:
            for callback in self._begun:
                try:
                    self._call("on_fit_end", [callback])
                except Exception as its_error:
                    failure = failure or its_error
        finally:
            _callbacks_in_use.release(self._callbacks)
        if failure is not None and error is None:
            raise failure

    def on_epoch_begin(self):
        """Return whether training ends before this epoch."""
        return self._call("on_epoch_begin")

    def on_batch_end(self, batch, loss, rate, rows=None):
        """Return whether training ends after this batch, of rows with these numbers."""
        context = self._context
        context.rows = rows
        context.batch, context.logs, context.learning_rate = batch, {"loss": loss}, rate
        due = [
            callback
            for callback in self._callbacks
            if batch % callback.batch_interval == 0 or batch == context.n_batches
        ]
        return self._call("on_batch_end", due)

    def on_epoch_end(self, rate, stops, checkpoint):
        """Return whether training ends after this epoch, or `stops` anyway.

        `checkpoint` is a function that returns the state of training for a checkpoint.
        """
        context = self._context
        context.epoch, context.batch, context.rows = context.epoch + 1, 0, None
        context.logs = {name: values[-1] for name, values in context.history.items()}
        context.learning_rate = rate
        stops = self._call("on_epoch_end") or stops
        self._offer(checkpoint, stops)
        self._call("_after_epoch_end")
        return stops

    def after_batch(self, batch, checkpoint):
        """Call `_after_batch` of those that are due; `checkpoint` is as for `on_epoch_end`."""
        self._context.batch = batch
        self._offer(checkpoint, False)
        wanted = [one for one in self._callbacks if one._checkpoint_interval]
        self._call("_after_batch", [one for one in wanted if batch % one._checkpoint_interval == 0])

    def _offer(self, checkpoint, stops):
        """Set the function of the context that returns what a checkpoint keeps."""
        context = self._context
        states = [(type(one).__name__, one.get_state()) for one in self._callbacks]
        context._stops = stops
        context._checkpoint = lambda: checkpoint(stops) | {"callbacks": states} | self._origin
