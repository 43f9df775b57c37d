"""A callback that keeps a training on disk, so that it can go on in another process."""

import math
import os
import pickle
import zlib
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..optimizers import LBFGS
from .base import Callback
from .files import check_folder, replace_file, warn_of_failure
from .stopping import MODE, sign_of

_FORMAT = 1


@dataclass
class Checkpoint(Callback):
    """Keep the training in a file, from which it can go on to the same bits.

    The file holds all that the next epoch depends on: parameters, the optimizer's state, history,
    the generator and the order of the rows, and what other callbacks remember. It is a pickle: load
    only those that you trust. At any time it is one whole checkpoint, the new or the one before,
    whatever happens to the process. Where it cannot be written, on a full disk say, training goes
    on with a warning.

    `load_checkpoint` makes a fitted estimator of it.

    Parameters
    ----------
    path : str or path-like
        The file.
    every : int, default=1
        Number of epochs between two checkpoints; the last epoch has one in any case.
    monitor : str, default=None
        A name in `history_`: only epochs that are the best so far have a checkpoint. None is all.
    mode : {"auto", "min", "max"}, default="auto"
        Whether less is better, or more, as for `EarlyStopping`.
    resume : bool, default=False
        Whether `fit` goes on from the file, where there is one: run the same program again after it
        was killed, with the same data and parameters. `max_iter` may be larger. Not for
        `partial_fit`, and not with 'lbfgs', whose memory SciPy does not give out.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from fastnn import MLPClassifier
    >>> from fastnn.callbacks import Checkpoint, load_checkpoint
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "iris.checkpoint"
    >>> saved = [Checkpoint(path, resume=True)]
    >>> _ = MLPClassifier(max_iter=20, tol=0, random_state=0, callbacks=saved).fit(X, y)
    >>> model = MLPClassifier(max_iter=30, tol=0, random_state=0, callbacks=saved).fit(X, y)
    >>> whole = MLPClassifier(max_iter=30, tol=0, random_state=0).fit(X, y)
    >>> model.loss_curve_ == whole.loss_curve_ == load_checkpoint(path).loss_curve_
    True
    """

    path: Any
    every: int = 1
    monitor: str | None = None
    mode: str = "auto"
    resume: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "path": [str, os.PathLike],
        "every": [Interval(Integral, 1, None, closed="left")],
        "monitor": [None, str],
        "mode": MODE,
        "resume": ["boolean"],
    }

    def on_fit_begin(self, context):
        check_folder(self.path, "Checkpoint")
        _check_pickles(context.parameters)
        self._best = -math.inf
        if self.monitor is not None:
            sign = sign_of(self.monitor, self.mode)
            seen = context.history.get(self.monitor, [])[context.first_epoch :]
            seen = seen[self.every - 1 :: self.every]
            self._best = max((sign * value for value in seen if value == value), default=-math.inf)

    def on_epoch_end(self, context):
        if self.monitor is not None:
            context.watched(self.monitor)

    def _on_epoch_over(self, context):
        if not math.isfinite(context.logs["loss"]):
            return  # what comes next is the best parameters of before, not these
        last = context._stops or context.epoch == context.n_epochs
        last = last and not context.is_partial
        if (context.epoch - context.first_epoch) % self.every and not last:
            return
        if self.monitor is not None:
            value = sign_of(self.monitor, self.mode) * context.watched(self.monitor)
            if not value > self._best:
                return
            self._best = value
        content = {"format": _FORMAT, "model": context._view(False), **context._place()}
        try:
            replace_file(Path(self.path), pickle.dumps(content, protocol=5))
        except OSError as error:
            warn_of_failure("Checkpoint", self.path, error)


def _check_pickles(parameters) -> None:
    """Refuse what would only fail after the first epoch; callbacks are left out of the file."""
    for name, value in parameters.items():
        if name == "callbacks":
            continue
        try:
            pickle.dumps(value)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"Checkpoint cannot write {name}={value!r}, which cannot be pickled: define "
                "functions and classes at the top of a module."
            ) from error


def _read(path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            content = pickle.load(file)
        number = content["format"]
    except (pickle.UnpicklingError, EOFError, TypeError, KeyError, IndexError) as error:
        raise ValueError(f"{str(path)!r} is no checkpoint of fastnn: {error}") from error
    if number > _FORMAT:
        raise ValueError(f"{str(path)!r} was written by a later fastnn: load it with that.")
    return content


def load_checkpoint(path):
    """The estimator of a checkpoint, as if its `fit` had ended there.

    Parameters
    ----------
    path : str or path-like
        A file that `Checkpoint` wrote. It is a pickle: load only those that you trust.

    Returns
    -------
    estimator : MLPClassifier or MLPRegressor
        Fitted; its parameter `callbacks` is None.
    """
    return _read(path)["model"]


def resumed(callbacks, optimizer, is_partial) -> dict[str, Any] | None:
    """What a fit with these callbacks goes on from, if there is something."""
    for callback in callbacks:
        if not isinstance(callback, Checkpoint) or not callback.resume or is_partial:
            continue
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                "Checkpoint(resume=True) cannot go on with solver='lbfgs', whose memory is not in "
                "the file: choose a solver such as 'adam', or resume=False."
            )
        if os.path.exists(callback.path):
            return _read(callback.path) | {"path": str(callback.path)}
    return None


def fingerprint(data) -> dict[str, Any]:
    """By what the data of a checkpoint is known again."""
    targets = np.ascontiguousarray(data.y)
    return {"shape": data.X.shape, "targets": zlib.crc32(targets.data)}


def check_same(saved, network, data) -> None:
    """Refuse a checkpoint of another network, or of other data."""
    own = saved["model"]._network
    if saved["data"] != fingerprint(data):
        raise ValueError(
            f"The checkpoint {saved['path']!r} is of other data, of shape "
            f"{saved['data']['shape']}: give the same, or remove the file."
        )
    if own.precision != network.precision:
        raise ValueError(
            f"The checkpoint {saved['path']!r} has precision={own.precision!r}, and this fit "
            f"{network.precision!r}: choose the same, or remove the file."
        )
