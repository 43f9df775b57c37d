"""Optimizers: the size of their state, and the coefficients of their update rules at each step.

The update itself is native code. Everything that changes from step to step is computed here, for
many steps at once, as a table that the native loop reads row by row.
"""

from .._specs.registry import register
from .adam import LAMB, Adam, AdamW, AMSGrad, NAdam, RAdam
from .adaptive import Adadelta, Adagrad, RMSprop
from .base import Optimizer, StochasticOptimizer
from .lbfgs import LBFGS
from .momentum import SGD, Momentum
from .rprop import Rprop

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "rprop": Rprop,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "radam": RAdam,
    "amsgrad": AMSGrad,
    "lamb": LAMB,
    "lbfgs": LBFGS,
}
register(OPTIMIZERS, "solver")

__all__ = [
    "LAMB",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Momentum",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "StochasticOptimizer",
]
