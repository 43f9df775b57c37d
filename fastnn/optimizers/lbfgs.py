"""Limited-memory BFGS."""

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

from .._core.codes import Rule
from .._specs.constraints import Interval
from .base import Optimizer


@dataclass
class LBFGS(Optimizer):
    """Limited-memory BFGS, a quasi-Newton method that uses all rows and has no learning rate.

    Parameters
    ----------
    max_fun : int, default=15000
        Maximum number of evaluations of the loss.
    """

    max_fun: int = 15000

    _parameter_constraints: ClassVar[dict] = {
        "max_fun": [Interval(Integral, 1, None, closed="left")]
    }
    code: ClassVar[int] = Rule.SGD  # not used: SciPy takes the steps
    n_slots: ClassVar[int] = 0
    full_batch: ClassVar[bool] = True
