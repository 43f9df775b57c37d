"""Transforms of signals: rows of values over time, of one or several channels."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._specs.constraints import Interval
from .rows import AT_LEAST_ONE, BELOW_ONE, FINITE, FRACTION, OF_SIGNALS, RowTransform


class SignalTransform(RowTransform):
    """Base class of the transforms of signals."""

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
        """Transform signals of shape (n, length, channels); see `change`."""
        raise NotImplementedError


@dataclass
class TimeShift(SignalTransform):
    """Shift signals in time, by whole steps.

    Parameters
    ----------
    steps : int, default=5
        Largest shift in either direction.
    wrap : bool, default=False
        Whether values shifted out at one end come in at the other. If not, the value at the end
        is repeated.
    n_channels : int, default=1
        Number of channels. A row holds the values of all channels at the first time, and so on.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    """

    steps: int = 5
    wrap: bool = False
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "steps": [AT_LEAST_ONE],
        "wrap": ["boolean"],
        **OF_SIGNALS,
    }

    def change_signals(self, signals, rng):
        n, length, _ = signals.shape
        by = rng.integers(-self.steps, self.steps, n, endpoint=True)
        places = np.arange(length) - by[:, np.newaxis]
        places = places % length if self.wrap else np.clip(places, 0, length - 1)
        return np.take_along_axis(signals, places[..., np.newaxis], axis=1)


@dataclass
class Stretch(SignalTransform):
    """Stretch or compress signals in time about their middle, with linear interpolation.

    The value at an end is repeated where the signal is too short.

    Parameters
    ----------
    amount : float, default=0.1
        Durations are multiplied by a number drawn between ``1 - amount`` and ``1 + amount``;
        below 1.
    n_channels : int, default=1
        Number of channels. A row holds the values of all channels at the first time, and so on.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    """

    amount: float = 0.1
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "amount": [BELOW_ONE],
        **OF_SIGNALS,
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
    """Multiply each channel of a signal by a random number.

    Parameters
    ----------
    decibels : float, default=3.0
        The number is 10^(g / 20), with g drawn between ``-decibels`` and ``decibels``.
    n_channels : int, default=1
        Number of channels. A row holds the values of all channels at the first time, and so on.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].
    """

    decibels: float = 3.0
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "decibels": [Interval(Real, 0, 200, closed="right")],
        **OF_SIGNALS,
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
        Number of channels. A row holds the values of all channels at the first time, and so on.
    probability : float, default=1.0
        The fraction of rows that are transformed, in (0, 1].

    References
    ----------
    Park, D. S. et al. "SpecAugment" (2019), section 2, time masking.
    """

    length: float = 0.2
    fill: float = 0.0
    n_channels: int = 1
    probability: float = 1.0

    _parameter_constraints: ClassVar[dict] = {
        "length": [FRACTION],
        "fill": [FINITE],
        **OF_SIGNALS,
    }

    def change_signals(self, signals, rng):
        n, length, _ = signals.shape
        most = max(1, int(self.length * length))
        lengths = rng.integers(0, most, n, endpoint=True)
        begins = np.floor(rng.random(n) * (length - lengths + 1))[:, np.newaxis]
        times = np.arange(length)
        inside = (times >= begins) & (times < begins + lengths[:, np.newaxis])
        return np.where(inside[..., np.newaxis], signals.dtype.type(self.fill), signals)
