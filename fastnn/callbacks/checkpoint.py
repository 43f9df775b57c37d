"""Checkpoints of a training on disk, from which another process can resume."""

import math
import os
from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .. import _typing as t
from .._files.archive import seal_at, seal_of
from .._files.atomic import check_folder, replace_file
from .._files.models import estimator_of
from .._files.parts import Parts, check_parameters_fit, names_in, packed
from .._files.trees import checked_state
from .._network.network import Network
from .._specs.constraints import Interval
from .._train.history import History
from ..optimizers import LBFGS
from .base import Callback
from .files import warn_of_failure
from .identity import Mark, difference
from .stopping import MODE, sign_of


@dataclass
class Checkpoint(Callback):
    """Save the training to a file, from which it resumes bit for bit.

    The file contains the complete state of the training: parameters, the state of the optimizer,
    the history, the generator and the order of the rows, and the states of other callbacks. The
    file is always a complete checkpoint, the previous one or the new one, even if the process is
    killed. A checksum detects later damage. If the file cannot be written, for instance because the
    disk is full, training continues with a warning. If another training writes the same file in the
    meantime, an error is raised.

    `load_checkpoint` loads a fitted estimator from it. The file has the format of `fastnn.load`:
    loading executes no code, and user-defined functions and classes are stored as names.

    Parameters
    ----------
    path : str or path-like
        The file.
    every : int, default=1
        Number of epochs between two checkpoints. The last epoch always has one.
    monitor : str, default=None
        Name of a metric in `history_`; only epochs that improve it are saved. None saves all.
    mode : {"auto", "min", "max"}, default="auto"
        Whether smaller or larger values are better, as for `EarlyStopping`.
    resume : bool, default=False
        Whether `fit` continues from the file, if it exists: after the program was killed, run it
        again. A file of another training raises an error. To detect it, the values of rows,
        targets, weights and validation data are compared, and all parameters except `n_jobs`,
        `verbose` and `callbacks`; functions are compared by name and code. `max_iter` may be
        larger, unless a schedule depends on it. Each model, also in a search, needs a separate
        file. Not available with 'lbfgs', because SciPy does not expose its memory, and for
        `partial_fit`, which continues from the estimator returned by `load_checkpoint`; its first
        call refuses an existing file.
    batches : int, default=None
        Number of batches between two checkpoints within an epoch, for epochs that take hours. None
        writes none. Training resumes after the last of these batches. The earlier rows of a source
        are read again, but not used for training again. Not available with `monitor`, 'lbfgs',
        `partial_fit` and dask.

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
    batches: int | None = None

    _parameter_constraints: ClassVar[dict] = {
        "path": [str, os.PathLike],
        "every": [Interval(Integral, 1, None, closed="left")],
        "monitor": [None, str],
        "mode": MODE,
        "resume": ["boolean"],
        "batches": [None, Interval(Integral, 1, None, closed="left")],
    }

    @property
    def _checkpoint_interval(self):
        return self.batches or 0

    def on_fit_begin(self, context):
        check_folder(self.path, "Checkpoint")
        saved = {name: one for name, one in context.parameters.items() if name != "callbacks"}
        check_parameters_fit(saved, "Checkpoint")
        self._seal = seal_at(self.path)
        if context.is_partial and context.epoch == 0 and self._seal is not None:
            raise ValueError(
                f"Checkpoint: this call of partial_fit begins a training, and {str(self.path)!r} "
                "is of another: continue that with load_checkpoint, remove the file, or give "
                "another path."
            )
        if self.batches is not None:
            self._check_batches(context)
        self._best = -math.inf
        if self.monitor is not None:
            sign = sign_of(self.monitor, self.mode)
            seen = context.history.get(self.monitor, [])[context.first_epoch :]
            seen = seen[self.every - 1 :: self.every]
            self._best = max((sign * value for value in seen if value == value), default=-math.inf)

    def _check_batches(self, context):
        """Refuse checkpoints within an epoch where nothing could resume from them."""
        if self.monitor is not None:
            raise ValueError(
                f"Checkpoint: a file of the best epoch by monitor={self.monitor!r} is not one of "
                "the last batches: use a Checkpoint with batches and another with monitor, each "
                "with a file of its own."
            )
        if context.is_partial or context.learning_rate is None:
            what = "partial_fit, which does not resume" if context.is_partial else "solver='lbfgs'"
            raise ValueError(f"Checkpoint(batches={self.batches}) is not for {what}: leave it out.")

    def on_epoch_end(self, context):
        if self.monitor is not None:
            context.watched(self.monitor)

    def _after_epoch_end(self, context):
        if not math.isfinite(context.logs["loss"]):
            return  # the best earlier parameters will be restored
        last = context._stops or context.epoch == context.n_epochs
        last = last and not context.is_partial
        if (context.epoch - context.first_epoch) % self.every and not last:
            return
        if self.monitor is not None:
            value = sign_of(self.monitor, self.mode) * context.watched(self.monitor)
            if not value > self._best:
                return
            self._best = value
        self._write(context)

    def _after_batch(self, context):
        self._write(context)

    def _write(self, context):
        """Replace the file, unless another training has written it."""
        if seal_at(self.path) not in (self._seal, None):
            raise RuntimeError(
                f"Checkpoint: another training has written {str(self.path)!r} since this one "
                "began: give each a path of its own."
            )
        parts = context._model(False)._get_parts(training=True)
        content = packed("checkpoint", parts | context._checkpoint())
        try:
            replace_file(Path(self.path), content)
            self._seal = seal_of(content)
        except OSError as error:
            warn_of_failure("Checkpoint", self.path, error)


def load_checkpoint(path: t.Path, *, trusted: Collection[str] = ()) -> Any:
    """Load the estimator of a checkpoint, as if its `fit` had ended there.

    Parameters
    ----------
    path : str or path-like
        A file written by `Checkpoint`.
    trusted : collection of str, default=()
        Names of functions and classes that may be imported, such as ``"my_module:my_function"``.

    Returns
    -------
    estimator : MLPClassifier or MLPRegressor
        The fitted estimator. Its parameter `callbacks` is None.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, is damaged, was written by a later version of fastnn, or
        names a function or class that is not trusted.
    """
    return estimator_of(Parts(path, "checkpoint", trusted))


def keeps(callbacks) -> bool:
    """Return whether one of the callbacks is a `Checkpoint`."""
    return any(isinstance(callback, Checkpoint) for callback in callbacks)


def resumed(callbacks, optimizer, is_partial, parameters) -> dict[str, Any] | None:
    """Return the parts of the checkpoint to resume from, or None if there is no file.

    The latest of several checkpoints is chosen; "files" has the marks of all trainings, by path.
    The functions and classes in `parameters`, which the file names, are trusted.
    """
    found = {}
    for callback in callbacks:
        if not isinstance(callback, Checkpoint) or not callback.resume:
            continue
        if is_partial:
            raise ValueError(
                "Checkpoint(resume=True) is for fit, also of a source of fastnn.data: partial_fit "
                "continues from the estimator itself. load_checkpoint loads one from a file; or "
                "choose resume=False."
            )
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                "Checkpoint(resume=True) cannot resume solver='lbfgs', whose memory is not in the "
                "file: choose a solver such as 'adam', or resume=False."
            )
        if os.path.exists(callback.path):
            parts = Parts(callback.path, "checkpoint", names_in(parameters))
            with parts.checked():
                # The parameters are those of the estimator that is fitted.
                needed = {name: parts[name] for name in parts if name != "parameters"}
                _check_types(needed)
            found[str(callback.path)] = needed
    if not found:
        return None
    latest = max(found.values(), key=_progress)
    return latest | {"files": {path: content["training"] for path, content in found.items()}}


def _progress(content):
    """Return how far a training has come, in epochs and in steps."""
    return content["history"].n_recorded, content["network"].state.step


def _check_types(parts) -> None:
    """Raise a ValueError unless the parts of a checkpoint are what a training goes on from."""
    checked_state(parts["generator"])
    marks = all(isinstance(mark, Mark) for mark in parts["training"].values())
    if not (marks and isinstance(parts["network"], Network) and type(parts["history"]) is History):
        raise ValueError("its parts are of other types.")


def check_same(saved, training, n_rows: int) -> None:
    """Raise a ValueError for checkpoints of another training, or with invalid row indices."""
    for path, its_training in saved["files"].items():
        if (what := difference(its_training, training)) is not None:
            raise ValueError(
                f"The checkpoint {path!r} is of another training: {what}. Give the same, another "
                "path, or remove the file."
            )
    chosen, held_out = saved["split"]
    rows = saved.get("rows", chosen)  # those of a source have no numbers
    numbers = [] if rows is None else [rows, chosen]
    if held_out is not None and "X_val" not in training:
        numbers.append(held_out)
    if not (
        all(one.dtype == np.intp and one.ndim == 1 and len(one) for one in numbers)
        and all(one.min() >= 0 and one.max() < n_rows for one in numbers)
        and (rows is None or len(rows) == len(chosen))
    ):
        raise ValueError("The checkpoint was changed by hand: it has rows that are not in X.")
