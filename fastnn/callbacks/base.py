"""What a callback is, what it gets to know, and the callbacks of a fit as the trainer sees them."""

import math
import threading
from contextlib import contextmanager
from typing import Any

from .._specs.spec import Spec
from .._train.snapshot import Snapshot


class Callback(Spec):
    """Base of what is called in the course of a training.

    A subclass overrides the hooks it wants. Each gets a `Context`, and may return True: training
    ends then as it would by itself. The parameters of `__init__` are those of
    `get_params`, so that `clone` and `GridSearchCV` know them; dataclasses write it.

    Where a hook raises an error, `fit` does too, and the estimator is as it was. `on_fit_end` is
    called even then, for every callback whose `on_fit_begin` was.

    What a callback keeps in its attributes may be read after the fit. While it takes part in one,
    another fit that it is given to, in a thread or within a hook, works with a copy that has the
    attributes of before the first: no fit sees the state of another. To read those of both, give
    each estimator a callback of its own, as `clone` does.

    Attributes
    ----------
    batch_interval : int, default=1
        `on_batch_end` is called after this number of batches. Only where a callback has that hook,
        the engine is given fewer steps at a time: the results are the same to the bit.

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

    def on_fit_begin(self, context) -> None:
        """Called when everything is ready for the first epoch."""

    def on_epoch_begin(self, context) -> Any:
        """Called before each epoch, or iteration of 'lbfgs'. After True, it is left out.

        It may turn out after it that 'lbfgs' has converged, and that was all.
        """

    def on_batch_end(self, context) -> Any:
        """Called after every `batch_interval` batches. After True, the epoch ends here.

        There are no batches of 'lbfgs'.
        """

    def on_epoch_end(self, context) -> Any:
        """Called after each epoch, when it is in the history. After True, it is the last."""

    def on_fit_end(self, context) -> None:
        """Called when training is over, `context.error` is None, or has failed."""

    # For `Checkpoint`.

    def get_state(self) -> Any:
        """What has to be remembered to go on in another process, beside the history."""

    def set_state(self, state: Any, context) -> None:
        """Take over what `get_state` returned, which was not None, after `on_fit_begin`."""

    def _on_epoch_over(self, context) -> None:
        """Called when all others have seen the end of the epoch."""


class Context:
    """What callbacks get to know; to be read only, but for its methods.

    Attributes
    ----------
    epoch : int
        Number of the epoch as in `history_`, from 1: it counts those of earlier calls that this one
        goes on from. Before the first epoch, the number of these.
    first_epoch : int
        Number of epochs before this training, to which all calls of `partial_fit` belong.
    n_epochs : int
        Number of the last epoch that there may be; with `partial_fit` this one's.
    n_rows : int
        Number of training rows.
    batch, n_batches : int
        Number of the last batch in its epoch, from 1, and how many an epoch has.
    logs : dict
        What the history has of the last epoch; in `on_batch_end` the "loss" of the last batches.
    history : dict of list
        That is to be `history_`.
    learning_rate : float or None
        Of the last step; before the first one the initial rate. None for 'lbfgs'.
    parameters : dict
        Those of the estimator that are not defaults.
    is_partial : bool
        Whether this is `partial_fit`.
    error : BaseException or None
        With which training ended.
    """

    def __init__(
        self, history, settings, state, n_batches, n_rows, learning_rate, parameters, view
    ):
        self._history, self._state, self._view = history, state, view
        self.parameters = parameters
        self.history = history.columns
        self.is_partial, self.error = settings.partial, None
        begun = history.n_recorded
        self.epoch, self.batch, self.n_batches, self.n_rows = begun, 0, n_batches, n_rows
        self.first_epoch = 0 if settings.partial else begun - history.n_iter
        self.n_epochs = begun - (not settings.partial) * history.n_iter + settings.max_iter
        self.logs = {name: values[-1] for name, values in self.history.items() if values}
        self.learning_rate = learning_rate
        self._stops, self._place = False, None  # of a `Checkpoint`

    @property
    def model(self):
        """A fitted estimator, as if training had ended here: a copy, made when it is asked for."""
        return self._view(True)

    def log(self, name: str, value) -> None:
        """Add a number to the history of this epoch, in `on_epoch_end`."""
        self.logs[name] = value
        self._history.add(name, value)

    def scale_learning_rate(self, factor: float) -> None:
        """Multiply the learning rate from the next epoch on, whatever the schedule says."""
        if self.learning_rate is None:
            raise ValueError("solver='lbfgs' has no learning rate to change.")
        self._history.rate_factor *= factor

    def snapshot(self):
        """A copy of the parameters, whose ``restore()`` puts them back."""
        return Snapshot(self._state)

    def watched(self, name: str) -> float:
        """What the last epoch has of this name; a ValueError says which names there are."""
        try:
            return self.logs[name]
        except KeyError:
            known = ", ".join(map(repr, self.history))
            advice = ""
            if name.startswith("val_"):
                advice = " Scores need validation data: X_val and y_val, or early_stopping=True."
            raise ValueError(
                f"monitor={name!r} is not in the history, which has {known}.{advice}"
            ) from None


class _Claims:
    """Which callbacks take part in a fit, and what they had in their attributes before."""

    def __init__(self):
        self._taken: dict[int, tuple[Callback, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def take(self, callback):
        """The callback for one fit, or a copy where it takes part in another."""
        with self._lock:
            if id(callback) not in self._taken:
                self._taken[id(callback)] = callback, vars(callback).copy()
                return callback
            _, before = self._taken[id(callback)]
        copied = object.__new__(type(callback))
        vars(copied).update(before)
        return copied

    def give_back(self, callbacks):
        for callback in callbacks:
            self._taken.pop(id(callback), None)


_claims = _Claims()


class Watch:
    """The callbacks of one fit.

    Parameters
    ----------
    callbacks : list of Callback
    context : Context
        That they are given.
    origin : dict
        What else a checkpoint has to know of the fit.
    states : list of tuple, optional
        The name of the class and the state of each, of a checkpoint to go on from.
    """

    def __init__(self, callbacks, context, origin, states=()):
        self._given, self._context, self._begun = callbacks, context, []
        self._callbacks = []  # within a fit
        self._origin, self._states = origin, states
        base = Callback.on_batch_end
        intervals = [c.batch_interval for c in callbacks if type(c).on_batch_end is not base]
        #: Steps that the engine may take at a time; 0 is any number.
        self.batch_interval = math.gcd(*intervals)

    @contextmanager
    def _hook(self, callback, name):
        try:
            yield getattr(callback, name)
        except Exception as error:
            error.add_note(f"This was {name} of {callback!r} in epoch {self._context.epoch}.")
            raise

    def _call(self, name, callbacks=None):
        """Call this hook of all; tells whether one of them returned True."""
        stops = False
        for callback in self._callbacks if callbacks is None else callbacks:
            with self._hook(callback, name) as hook:
                stops = bool(hook(self._context)) or stops
        return stops

    def __enter__(self):
        self._callbacks = [_claims.take(callback) for callback in self._given]
        try:
            for callback in self._callbacks:
                self._begun.append(callback)
                self._call("on_fit_begin", [callback])
            for callback, (name, state) in zip(self._callbacks, self._states, strict=False):
                if state is not None and type(callback).__name__ == name:
                    callback.set_state(state, self._context)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, error, traceback):
        self._context.error, failure = error, None
        try:
            for callback in self._begun:
                try:
                    self._call("on_fit_end", [callback])
                except Exception as its_error:
                    failure = failure or its_error
        finally:
            _claims.give_back(self._callbacks)
        if failure is not None and error is None:
            raise failure

    def begins_epoch(self):
        return self._call("on_epoch_begin")

    def ends_batch(self, batch, loss, rate):
        context = self._context
        context.batch, context.logs, context.learning_rate = batch, {"loss": loss}, rate
        due = [
            callback
            for callback in self._callbacks
            if batch % callback.batch_interval == 0 or batch == context.n_batches
        ]
        return self._call("on_batch_end", due)

    def ends_epoch(self, rate, stops, place):
        """Tell all of the end of an epoch; returns whether training ends.

        `stops` is whether it does anyway, and `place` a function that returns where it is to go on.
        """
        context = self._context
        context.epoch, context.batch = context.epoch + 1, 0
        context.logs = {name: values[-1] for name, values in context.history.items()}
        context.learning_rate = rate
        stops = self._call("on_epoch_end") or stops
        states = [(type(one).__name__, one.get_state()) for one in self._callbacks]
        context._stops = stops
        context._place = lambda: place(stops) | {"callbacks": states} | self._origin
        self._call("_on_epoch_over")
        return stops
