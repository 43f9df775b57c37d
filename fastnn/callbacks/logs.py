"""Callbacks that log the history to a CSV file, TensorBoard or MLflow."""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from .._extras import pip_install
from .._files.atomic import check_folder, replace_file
from .base import Callback
from .files import append, warn_of_failure


def _lines(rows) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@dataclass
class CSVLogger(Callback):
    """Write `history_` to a CSV file: a header, and a line for each epoch.

    A fit that continues an earlier one also writes the earlier epochs. If the file cannot be
    written, for instance because the disk is full, training continues with a warning. The file then
    contains no incomplete line, and later epochs add the missing lines.

    Parameters
    ----------
    path : str or path-like
        The file. An existing one is replaced.
    """

    path: Any

    _parameter_constraints: ClassVar[dict] = {"path": [str, os.PathLike]}

    def on_fit_begin(self, context):
        check_folder(self.path, "CSVLogger")
        if not context.is_partial:
            self._written = None

    def _after_epoch_end(self, context):
        history, path = context.history, Path(self.path)
        columns, row = list(history), [values[-1] for values in history.values()]
        # The callback may have been used for another model in the meantime.
        before = columns, [value for values in history.values() for value in values[-2:-1]]
        try:
            if self._written == before and path.exists():
                append(path, _lines([row]))
            else:
                rows = zip(*history.values(), strict=True)
                replace_file(path, _lines([columns, *rows]).encode())
            self._written = columns, row
        except OSError as error:
            warn_of_failure("CSVLogger", path, error)

    _written: ClassVar[tuple | None] = None  # columns and last row of the file


def _numbers(logs):
    return {name: float(value) for name, value in logs.items() if name != "epoch"}


@dataclass
class TensorBoard(Callback):
    """Write the history as scalars for TensorBoard.

    It requires tensorboardX (``pip install "fastnn-mlp[tensorboard]"``), or PyTorch with
    tensorboard.

    Parameters
    ----------
    directory : str or path-like
        Folder of the event files, for ``tensorboard --logdir DIRECTORY``. Each fit adds a file.
    """

    directory: Any = "runs"

    _parameter_constraints: ClassVar[dict] = {"directory": [str, os.PathLike]}

    def on_fit_begin(self, context):
        self._writer = _summary_writer()(str(self.directory))

    def _after_epoch_end(self, context):
        for name, value in _numbers(context.logs).items():
            self._writer.add_scalar(name, value, context.epoch)
        self._writer.flush()

    def on_fit_end(self, context):
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    _writer: ClassVar[Any] = None


def _summary_writer():
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ImportError(
                "TensorBoard needs tensorboardX, or PyTorch with tensorboard: "
                f"{pip_install('tensorboard')}."
            ) from None
    return SummaryWriter


@dataclass
class MLflow(Callback):
    """Log the history as metrics of MLflow, and the parameters that differ from the defaults.

    They are logged to the active run. If there is none, a run is started for the fit and ended with
    it, as finished or failed. It requires mlflow (``pip install "fastnn-mlp[mlflow]"``).

    Parameters
    ----------
    run_name : str, default=None
        Name of the run, if one is started.
    """

    run_name: str | None = None

    _parameter_constraints: ClassVar[dict] = {"run_name": [None, str]}

    def on_fit_begin(self, context):
        try:
            import mlflow
        except ImportError:
            raise ImportError(f"MLflow needs mlflow: {pip_install('mlflow')}.") from None
        self._own = mlflow.active_run() is None
        if self._own:
            mlflow.start_run(run_name=self.run_name)
        if not context.first_epoch < context.epoch:  # otherwise they are logged already
            mlflow.log_params(context.parameters)

    def _after_epoch_end(self, context):
        import mlflow

        mlflow.log_metrics(_numbers(context.logs), step=context.epoch)

    def on_fit_end(self, context):
        if self._own:
            import mlflow

            mlflow.end_run("FINISHED" if context.error is None else "FAILED")
        self._own = False

    _own: ClassVar[bool] = False
