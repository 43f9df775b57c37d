"""Progress bar of a training."""

import html
import sys
import time
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

from .._specs.constraints import Interval
from .base import Callback


@dataclass
class ProgressBar(Callback):
    """Show epochs, speed, losses, scores and the remaining time.

    In a notebook, and in a terminal with rich (``pip install rich``), it is a bar; elsewhere, plain
    lines on standard output. ``verbose=True`` of the estimator shows the bar where possible, and
    prints scikit-learn's lines elsewhere.

    Parameters
    ----------
    every : int, default=1
        Number of epochs between plain lines. The last epoch always has a line.
    """

    every: int = 1

    _parameter_constraints: ClassVar[dict] = {"every": [Interval(Integral, 1, None, closed="left")]}

    def on_fit_begin(self, context):
        self._began, self._first = time.perf_counter(), context.epoch
        self._display = _display(context.unit, context.epoch, context.n_epochs, self.every)

    def on_epoch_end(self, context):
        seconds = (time.perf_counter() - self._began) / (context.epoch - self._first)
        left = seconds * (context.n_epochs - context.epoch)
        hidden = "epoch", "grad_norm", "learning_rate"
        parts = [f"{k} {v:.4g}" for k, v in context.logs.items() if k not in hidden]
        parts.insert(0, f"{_duration(left)} left")
        if context.unit == "epoch":
            parts.append(f"{context.n_rows / seconds:.3g} rows/s")
        self._display.show(context.epoch, "  ".join(parts))

    def on_fit_end(self, context):
        display, self._display = self._display, None
        display.stop()

    _display: ClassVar[Any] = None


class _Lines:
    """Plain lines, every few epochs and at the end."""

    def __init__(self, unit, first, last, every):
        self._unit, self._last, self._every, self._line = unit, last, every, None

    def show(self, epoch, text):
        self._line = f"{self._unit} {epoch}/{self._last}  {text}"
        if epoch % self._every == 0:
            self.stop()

    def stop(self):
        if self._line is not None:
            print(self._line, flush=True)
        self._line = None


class _TerminalBar:
    """Bar in a terminal, by rich."""

    def __init__(self, unit, first, last):
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        number, width = f"{unit} {{task.completed:.0f}}/{last}", len(f"{unit} {last}/{last}")
        rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # if the line is too short
        self._bar = Progress(
            TextColumn(number, table_column=Column(min_width=width)),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[text]}", table_column=rest),
            expand=True,
        )
        self._task = self._bar.add_task("", total=last, completed=first, text="")
        self._bar.start()

    def show(self, epoch, text):
        self._bar.update(self._task, completed=epoch, text=text)

    def stop(self):
        self._bar.stop()


class _NotebookBar:
    """Bar in a notebook, updated at most ten times a second."""

    def __init__(self, unit, first, last):
        from IPython.display import display

        self._unit, self._last, self._sent = unit, last, time.perf_counter()
        self._content = self._drawn(first, "")
        self._handle = display(self._content, raw=True, display_id=True)

    def _drawn(self, epoch, text):
        text = f"{self._unit} {epoch}/{self._last}  {text}"
        bar = f'<progress value="{epoch}" max="{self._last}"></progress>'
        style = "font-family: monospace; white-space: pre"
        drawn = f'<div style="{style}">{bar} {html.escape(text)}</div>'
        return {"text/plain": text, "text/html": drawn}

    def show(self, epoch, text):
        self._content = self._drawn(epoch, text)
        if time.perf_counter() - self._sent >= 0.1:
            self._sent = time.perf_counter()
            self._handle.update(self._content, raw=True)

    def stop(self):
        self._handle.update(self._content, raw=True)


def _display(unit, first, last, every):
    """Return the best display available for the epochs `first` to `last`, or another unit."""
    if _is_notebook():
        return _NotebookBar(unit, first, last)
    if shows_bars():
        from rich.errors import LiveError

        try:
            return _TerminalBar(unit, first, last)
        except LiveError:  # another bar is active, such as that of a search in threads
            pass
    return _Lines(unit, first, last, every)


def _is_notebook() -> bool:
    """Return whether a Jupyter kernel runs this process (it has imported IPython)."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def shows_bars() -> bool:
    """Return whether this is a notebook, or a terminal with rich installed."""
    if _is_notebook():
        return True
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
