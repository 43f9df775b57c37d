"""Schedules by name, spec or function, and schedules that contain others."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from .._specs.constraints import Interval
from .._specs.registry import register
from .._specs.spec import Spec, resolve
from .base import AT_LEAST_ONE, FRACTION, PER, Schedule
from .cycles import CosineDecay, OneCycle
from .decays import (
    Constant,
    ExponentialDecay,
    InverseDecay,
    InvScaling,
    LinearDecay,
    PolynomialDecay,
    StepDecay,
)
from .plateau import Adaptive, ReduceOnPlateau


@dataclass
class Warmup(Schedule):
    """Increase linearly to the initial value, then follow another schedule.

    ::

        factor = start + (1 - start) t / length  for t < length

    The factor increases at each step. The following schedule counts steps and epochs from the end
    of the warm-up.

    Parameters
    ----------
    length : int or float, default=0.1
        Number of steps or epochs, or, if in (0, 1), the fraction of the planned steps.
    then : str, schedule or function, default="constant"
        The schedule that follows.
    start : float, default=0.1
        The first factor, in [0, 1].
    per : {"step", "epoch"}, default="step"
        The unit of `length`, unless it is a fraction.

    References
    ----------
    Goyal, P. et al. "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017), section
    2.2.
    """

    length: Any = 0.1
    then: Any = "constant"
    start: float = 0.1
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {
        "length": [AT_LEAST_ONE, Interval(Real, 0, 1, closed="neither")],
        "then": [str, Spec, callable],
        "start": [FRACTION],
        "per": [PER],
    }

    def validate(self):
        super().validate()
        resolve_schedule("then", self.then)
        return self

    @property
    def _then(self):
        return resolve_schedule("then", self.then)

    @property
    def last_words(self):
        return self._then.last_words

    def reduces(self, rate):
        return self._then.reduces(rate)

    def factors(self, steps):
        if not isinstance(self.length, Integral):
            length = max(1, round(self.length * steps.n_steps))
        else:
            length = int(self.length) * (steps.steps_per_epoch if self.per == "epoch" else 1)
        t = steps.number
        warm = self.start + (1 - self.start) * np.minimum(t / length, 1)
        if t[-1] < length:
            return warm
        return np.where(t < length, warm, self._then.factors(steps.after(length)))


@dataclass
class CustomSchedule(Schedule):
    """Schedule by a function of the step or epoch; a plain function is equivalent, per step.

    Parameters
    ----------
    function : callable
        ``function(t, n)`` returns the factor at step or epoch t, counted from 0, of n planned ones.
    per : {"step", "epoch"}, default="step"
        The unit of t and n.
    """

    function: Callable[[int, int], float]
    per: str = "step"

    _parameter_constraints: ClassVar[dict] = {"function": [callable], "per": [PER]}

    def validate(self):
        super().validate()
        try:
            inspect.signature(self.function).bind(0, 1)
        except TypeError as error:
            raise ValueError(
                f"The schedule {self.function!r} must be a function of two arguments ({error}): as "
                f"in `lambda t, n: 1 - t / n`, it takes the number of the {self.per} and how many "
                "are planned, and returns a factor of the initial value."
            ) from None
        except ValueError:  # the signature of a builtin may be unknown
            pass
        return self

    def at(self, t, n):
        return np.reshape([self._value(int(i), n) for i in np.ravel(t)], np.shape(t))

    def _value(self, t, n):
        value = self.function(t, n)
        if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            raise ValueError(
                f"The schedule {self.function!r} returned {value!r} at {self.per} {t} of {n}: it "
                "must return a finite number >= 0, by which the initial value is multiplied."
            )
        return float(value)


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "linear": LinearDecay,
    "inverse": InverseDecay,
    "polynomial": PolynomialDecay,
    "exponential": ExponentialDecay,
    "step": StepDecay,
    "cosine": CosineDecay,
    "one_cycle": OneCycle,
    "plateau": ReduceOnPlateau,
    "warmup": Warmup,
}
register(SCHEDULES, "learning_rate", "schedule", "then")

# Schedules of scikit-learn, which its Adam ignores.
SKLEARN_SCHEDULES = ("constant", "invscaling", "adaptive")


def resolve_schedule(kind: str, value, defaults: dict[str, Any] | None = None) -> Schedule:
    """Return the schedule given by a name, a spec or a function.

    Parameters
    ----------
    kind : str
        Name of the parameter, for the error message.
    value : str, Schedule or callable
    defaults : dict, optional
        Parameters of a schedule that is given by name.
    """
    if inspect.isclass(value) and issubclass(value, Schedule):
        raise ValueError(
            f"{kind}={value.__name__} is a class: give an instance, {value.__name__}()."
        )
    if isinstance(value, Spec) and not isinstance(value, Schedule):
        raise ValueError(f"{kind}={value!r} is no schedule: give one of fastnn.schedules.")
    if callable(value):
        return CustomSchedule(value).validate()
    return resolve(kind, value, SCHEDULES, defaults)
