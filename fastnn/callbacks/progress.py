"""Progress bar of a training."""

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

    In a notebook or a terminal, it is a bar, if tqdm is installed (``pip install tqdm``). Otherwise
    it prints plain lines to standard output. In a notebook, tqdm shows a widget if ipywidgets is
    installed, and text otherwise. ``verbose=True`` of the estimator shows the bar where possible,
    and prints the same lines as scikit-learn otherwise.

    Parameters
    ----------
    every : int, default=1
        Number of epochs between plain lines. The last epoch is always printed.
    """

    every: int = 1

    _parameter_constraints: ClassVar[dict] = {"every": [Interval(Integral, 1, None, closed="left")]}

    def on_fit_begin(self, context):
        self._began, self._first = time.perf_counter(), context.epoch
        if shows_bars():
            self._display = _Bar(context.unit, context.epoch, context.n_epochs)
        else:
            self._display = _Lines(context.unit, context.n_epochs, self.every)

    def on_epoch_end(self, context):
        seconds = (time.perf_counter() - self._began) / (context.epoch - self._first)
        hidden = "epoch", "grad_norm", "learning_rate"
        parts = [f"{k} {v:.4g}" for k, v in context.logs.items() if k not in hidden]
        if context.unit == "epoch":
            parts.append(f"{context.n_rows / seconds:.3g} rows/s")
        left = seconds * (context.n_epochs - context.epoch)
        self._display.show(context.epoch, left, "  ".join(parts))

    def on_fit_end(self, context):
        display, self._display = self._display, None
        display.stop()

    _display: ClassVar[Any] = None


class _Lines:
    """Plain lines, every few epochs and at the end."""

    def __init__(self, unit, last, every):
        self._unit, self._last, self._every, self._line = unit, last, every, None

    def show(self, epoch, left, text):
        self._line = f"{self._unit} {epoch}/{self._last}  {_duration(left)} left  {text}"
        if epoch % self._every == 0:
            self.stop()

    def stop(self):
        if self._line is not None:
            print(self._line, flush=True)
        self._line = None


class _Bar:
    """Bar of tqdm, updated at most ten times a second."""

    def __init__(self, unit, first, last):
        from tqdm.auto import tqdm

        self._bar = tqdm(
            desc=unit,
            unit=f" {unit}",
            initial=first,
            total=last,
            file=sys.stdout,
            dynamic_ncols=True,
        )

    def show(self, epoch, left, text):
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(epoch - self._bar.n)

    def stop(self):
        self._bar.close()


def shows_bars() -> bool:
    """Return whether this is a notebook or a terminal, and tqdm is installed."""
    if "ipykernel" not in sys.modules and not getattr(sys.stdout, "isatty", bool)():
        return False
    try:
        import tqdm  # noqa: F401
    except ImportError:
        return False
    return True


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
