"""Constraints of the parameters of diagnostics."""

import math
from numbers import Integral, Real

from .._specs.constraints import Interval, Options, checks_arguments

_COUNT = Interval(Integral, 1, None, closed="left")

#: Decorator that checks the parameters of a diagnostic.
checked = checks_arguments(
    {
        "max_rows": [Interval(Integral, 2, None, closed="left"), Options(Real, {math.inf})],
        "random_state": [None, Interval(Integral, 0, 2**32 - 1, closed="both")],
        "n_rows": [_COUNT],
        "max_iter": [_COUNT],
        "n_elements": [_COUNT],
        "n_eigenvalues": [_COUNT],
        "n_rounds": [Interval(Integral, 2, None, closed="left")],
        "n_steps": [Interval(Integral, 10, None, closed="left")],
        "n_points": [Interval(Integral, 2, None, closed="left")],
        "distance": [Interval(Real, 0, None, closed="neither")],
        "min_rate": [Interval(Real, 0, None, closed="neither")],
        "max_rate": [Interval(Real, 0, None, closed="neither")],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "skip": [list, tuple, set, frozenset],
    }
)
