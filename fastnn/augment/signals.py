"""Signals: rows of values over time, of one channel or, at each time, of several."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from .._specs.constraints import Interval
from .rows import BELOW_ONE, FINITE, PROBABILITY, RowTransform

_WHOLE = Interval(Integral, 1, None, closed="left")
_FRACTION = Interval(Real, 0, 1, closed="right")


class SignalTransform(RowTransform):
    """Base of the transforms of signals."""

    n_channels: int

    def check(self, n_features):
        if n_features % self.n_channels:
            raise ValueError(
                f"{type(self).__name__}(n_channels={self.n_channels}) is for rows of as many "
                f"values at each time, and {n_features} features are no multiple of it."
            )

    def change(self, rows, rng):
        signals = rows.reshape(len(rows), -1, self.n_channels)
        return self.change_signals(signals, rng).reshape(rows.shape)

    def change_signals(self, signals, rng):
        """As `change`, of shape (n, length, channels)."""
        raise NotImplementedError


@dataclass
class TimeShift(SignalTransform):
    """Signals come earlier or later, by whole steps of time.

    Parameters
    ----------
    steps : int, default=5
        At most so many, either way.
    wrap : bool, default=False
        Whether what leaves at one end comes in at the other. If not, the value at the end is
        repeated.
    n_channels : int, default=1
        Values at each time; a row has all those of the first time first.
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].
    """

    steps: int = 5
    wrap: bool = False
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "steps": [_WHOLE],
        "wrap": ["boolean"],
        "n_channels": [_WHOLE],
        "probability": [PROBABILITY],
    }

    def change_signals(self, signals, rng):
        n, length, _ = signals.shape
        by = rng.integers(-self.steps, self.steps, n, endpoint=True)
        places = np.arange(length) - by[:, np.newaxis]
        places = places % length if self.wrap else np.clip(places, 0, length - 1)
        return np.take_along_axis(signals, places[..., np.newaxis], axis=1)


@dataclass
class Stretch(SignalTransform):
    """Signals run faster or slower about their middle, with linear interpolation.

    The value at an end is repeated where nothing else is known.

    Parameters
    ----------
    amount : float, default=0.1
        Durations are multiplied by a number between ``1 - amount`` and ``1 + amount``, below 1.
    n_channels : int, default=1
        Values at each time; a row has all those of the first time first.
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].
    """

    amount: float = 0.1
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "amount": [BELOW_ONE],
        "n_channels": [_WHOLE],
        "probability": [PROBABILITY],
    }

    def change_signals(self, signals, rng):
        n, length, _ = signals.shape
        middle = (length - 1) / 2
        factors = rng.uniform(1 - self.amount, 1 + self.amount, n)[:, np.newaxis]
        places = np.clip(middle + (np.arange(length) - middle) / factors, 0, length - 1)
        before = places.astype(np.intp)
        part = (places - before).astype(signals.dtype)[..., np.newaxis]
        after = np.minimum(before + 1, length - 1)
        first, second = (
            np.take_along_axis(signals, indices[..., np.newaxis], axis=1)
            for indices in (before, after)
        )
        return first + part * (second - first)


@dataclass
class Gain(SignalTransform):
    """Each channel of a signal is multiplied by a number.

    Parameters
    ----------
    decibels : float, default=3.0
        The number is 10^(g / 20), with g between ``-decibels`` and ``decibels``.
    n_channels : int, default=1
        Values at each time; a row has all those of the first time first.
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].
    """

    decibels: float = 3.0
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "decibels": [Interval(Real, 0, 200, closed="right")],
        "n_channels": [_WHOLE],
        "probability": [PROBABILITY],
    }

    def change_signals(self, signals, rng):
        gains = rng.uniform(-self.decibels, self.decibels, (len(signals), 1, self.n_channels))
        return signals * (10 ** (gains / 20)).astype(signals.dtype)


@dataclass
class TimeMask(SignalTransform):
    """An interval of each signal is replaced by one number, in all channels.

    Parameters
    ----------
    length : float, default=0.2
        The part of the signal that an interval has at most, in (0, 1].
    fill : float, default=0.0
        The number.
    n_channels : int, default=1
        Values at each time; a row has all those of the first time first.
    probability : float, default=1.0
        The part of the rows that are changed, in (0, 1].

    References
    ----------
    Park, D. S. et al. "SpecAugment" (2019), section 2, time masking.
    """

    length: float = 0.2
    fill: float = 0.0
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "length": [_FRACTION],
        "fill": [FINITE],
        "n_channels": [_WHOLE],
        "probability": [PROBABILITY],
    }

    def change_signals(self, signals, rng):
        n, length, _ = signals.shape
        most = max(1, int(self.length * length))
        lengths = rng.integers(0, most, n, endpoint=True)
        begins = np.floor(rng.random(n) * (length - lengths + 1))[:, np.newaxis]
        times = np.arange(length)
        inside = (times >= begins) & (times < begins + lengths[:, np.newaxis])
        return np.where(inside[..., np.newaxis], signals.dtype.type(self.fill), signals)
