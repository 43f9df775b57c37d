"""A bar that shows how far a training is."""

import sys
import time
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from .base import Callback


@dataclass
class ProgressBar(Callback):
    """Show epochs, rate, losses, scores and the time that is left.

    In a terminal with rich (``pip install rich``) that is a bar, and elsewhere plain lines on
    standard output. ``verbose=True`` of the estimator shows the bar in a terminal, and else prints
    what scikit-learn does.

    Parameters
    ----------
    every : int, default=1
        Number of epochs between plain lines; the last one has a line in any case.
    """

    every: int = 1

    _parameter_constraints: ClassVar[dict] = {"every": [Interval(Integral, 1, None, closed="left")]}

    def on_fit_begin(self, context):
        self._began, self._first, self._bar = time.perf_counter(), context.epoch, None
        self._line = None
        if shows_bars():
            from rich.errors import LiveError
            from rich.progress import BarColumn, Progress, TextColumn
            from rich.table import Column

            number = f"epoch {{task.completed:.0f}}/{context.n_epochs}"
            width = len(f"epoch {context.n_epochs}/{context.n_epochs}")
            rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # where a line is too short
            self._bar = Progress(
                TextColumn(number, table_column=Column(min_width=width)),
                BarColumn(bar_width=10),
                TextColumn("{task.fields[text]}", table_column=rest),
                expand=True,
            )
            self._task = self._bar.add_task(
                "", total=context.n_epochs, completed=context.epoch, text=""
            )
            try:
                self._bar.start()
            except LiveError:  # another bar is shown, of a search in threads say
                self._bar = None

    def on_epoch_end(self, context):
        seconds = (time.perf_counter() - self._began) / (context.epoch - self._first)
        left = seconds * (context.n_epochs - context.epoch)
        hidden = "epoch", "grad_norm", "learning_rate", "seconds"
        parts = [f"{k} {v:.4g}" for k, v in context.logs.items() if k not in hidden]
        parts = [f"{_duration(left)} left", *parts, f"{context.n_rows / seconds:.3g} rows/s"]
        text = "  ".join(parts)
        if self._bar is not None:
            self._bar.update(self._task, completed=context.epoch, text=text)
            return
        self._line = f"epoch {context.epoch}/{context.n_epochs}  {text}"
        if context.epoch % self.every == 0:
            self._print()

    def _print(self):
        print(self._line, flush=True)
        self._line = None

    def on_fit_end(self, context):
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()
        elif self._line is not None:
            self._print()

    _bar: ClassVar[Any] = None
    _line: ClassVar[str | None] = None


def shows_bars() -> bool:
    """Whether standard output is a terminal, and rich is there."""
    if not (hasattr(sys.stdout, "isatty") and sys.stdout.isatty()):
        return False
    try:
        import rich  # noqa: F401
    except ImportError:
        return False
    return True


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
