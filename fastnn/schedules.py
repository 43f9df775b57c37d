"""Learning rates that change from one epoch to the next."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from .specs import Spec


class Schedule(Spec):
    """Base of the schedules: the learning rate as a function of what has happened so far."""

    last_words: ClassVar[str] = "Stopping."

    def rate(self, learning_rate_init: float, n_seen: int, n_reductions: int) -> float:
        """Learning rate of an epoch.

        Parameters
        ----------
        learning_rate_init : float
            The rate to start with.
        n_seen : int
            Number of training rows seen before the epoch, in all epochs.
        n_reductions : int
            How often the rate was reduced because training stalled.
        """
        raise NotImplementedError

    def reduces(self, rate: float) -> bool:
        """Whether training goes on at a lower rate, where it stalled at this rate."""
        return False


@dataclass
class Constant(Schedule):
    """A constant learning rate."""

    def rate(self, learning_rate_init, n_seen, n_reductions):
        return float(learning_rate_init)


@dataclass
class InvScaling(Schedule):
    """Divide the learning rate by a power of the number of rows seen before the epoch.

    Parameters
    ----------
    power_t : float, default=0.5
        The power: rate = learning_rate_init / (n_seen + 1) ** power_t.
    """

    power_t: float = 0.5

    _parameter_constraints: ClassVar[dict] = {"power_t": [Interval(Real, 0, None, closed="left")]}

    def rate(self, learning_rate_init, n_seen, n_reductions):
        return float(learning_rate_init) / (n_seen + 1) ** self.power_t


@dataclass
class Adaptive(Schedule):
    """Divide the learning rate whenever training stalls.

    Parameters
    ----------
    divisor : float, default=5.0
        What the rate is divided by when neither loss nor validation score improve any more.
    minimum : float, default=1e-6
        Training stops when it stalls at this rate, or a lower one.
    """

    divisor: float = 5.0
    minimum: float = 1e-6

    _parameter_constraints: ClassVar[dict] = {
        "divisor": [Interval(Real, 1, None, closed="neither")],
        "minimum": [Interval(Real, 0, None, closed="neither")],
    }
    last_words: ClassVar[str] = "Learning rate too small. Stopping."

    def rate(self, learning_rate_init, n_seen, n_reductions):
        return float(learning_rate_init) / self.divisor**n_reductions

    def reduces(self, rate):
        return rate > self.minimum


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
}
