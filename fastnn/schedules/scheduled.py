"""Parameters that follow a schedule."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from .._specs.spec import Spec
from .base import NOT_NEGATIVE, Steps
from .plateau import Adaptive
from .resolve import Warmup, resolve_schedule


@dataclass
class Scheduled(Spec):
    """Number that follows a schedule.

    It is accepted for `alpha`, `dropout`, `label_smoothing`, and the `weight_decay` of optimizers.

    Parameters
    ----------
    value : float
        The initial value.
    schedule : str, schedule or function, default="cosine"
        The schedule, except `Adaptive`, which is for the learning rate only. All values of dropout
        and label smoothing must be below 1.
    """

    value: float
    schedule: Any = "cosine"

    _parameter_constraints: ClassVar[dict] = {
        "value": [NOT_NEGATIVE],
        "schedule": [str, Spec, callable],
    }

    def validate(self):
        super().validate()
        schedule = resolve_schedule("schedule", self.schedule)
        while isinstance(schedule, Warmup):
            schedule = schedule._then
        if isinstance(schedule, Adaptive):
            raise ValueError(
                "Adaptive is a schedule of the learning rate only: in Scheduled, use "
                "ReduceOnPlateau."
            )
        return self

    def factors(self, steps: Steps) -> np.ndarray:
        """Return the value at each step, relative to the initial one."""
        return resolve_schedule("schedule", self.schedule).factors(steps)

    def values(self, steps: Steps) -> np.ndarray:
        """Return the value at each step."""
        return self.value * self.factors(steps)


def value_at(number, steps: Steps):
    """Return a number, or an array with one for each step if it is `Scheduled`."""
    return number.values(steps) if isinstance(number, Scheduled) else number


def spec_at(spec: Spec, steps: Steps):
    """Return a spec whose `Scheduled` numbers are replaced by arrays, with one for each step."""
    own = vars(spec)
    changing = {name: own[name].values(steps) for name in own if isinstance(own[name], Scheduled)}
    return replace(spec, **changing) if changing else spec  # type: ignore[type-var]
