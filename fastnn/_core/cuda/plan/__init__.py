"""Launches of a step, stage by stage: with ``engine.py`` the twin of ``cpu/engine.pyx``.

    Plan (plan.py)            all launches, in order; arrays and sizes
        small                 a whole step of a small network
        dense                 ) forward and backward of kinds of stages,
        elementwise           ) side by side
        normalization         )
        outputs               heads: their losses, or predictions
        updates               tasks, the step of the optimizer and what follows
    call                      what steps have in common: what is asked for

A plan is made once for many steps of one kind. The CPU's fusions for the sake of its caches have no
counterpart here, except that an activation beside a product is computed with it.
"""

from .call import EVALUATE, GRADIENT, PREDICT, TRAIN, Arenas, Call
from .plan import Plan

__all__ = ["EVALUATE", "GRADIENT", "PREDICT", "TRAIN", "Arenas", "Call", "Plan"]
