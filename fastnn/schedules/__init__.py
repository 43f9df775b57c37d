"""Schedules of hyperparameters that change during training, mainly the learning rate.

A schedule is a factor of the initial value as a function of the step. The factors of many steps are
computed at once, in float64; the engine reads them from its table of steps.
"""

from .base import Schedule, Steps
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
from .resolve import (  # noqa: F401
    SCHEDULES,
    SKLEARN_SCHEDULES,
    CustomSchedule,
    Warmup,
    resolve_schedule,
)
from .scheduled import Scheduled, spec_at, value_at  # noqa: F401

__all__ = [
    "Adaptive",
    "Constant",
    "CosineDecay",
    "CustomSchedule",
    "ExponentialDecay",
    "InvScaling",
    "InverseDecay",
    "LinearDecay",
    "OneCycle",
    "PolynomialDecay",
    "ReduceOnPlateau",
    "Schedule",
    "Scheduled",
    "StepDecay",
    "Steps",
    "Warmup",
]
