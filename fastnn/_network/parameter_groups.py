"""Learning rate factors of groups of parameters: factors in the table of stages."""

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real

import numpy as np

from .._core.codes import Kind
from .._core.program import Program

GROUPS = ("weights", "biases", "normalization", "log_variances")


def check_factors(factors: Mapping, program: Program) -> int:
    """Refuse factors that are no numbers, or of unknown groups and layers.

    Returns the number of layers.
    """
    n_layers = program.stages["kind"].tolist().count(Kind.DENSE)
    for key, factor in factors.items():
        is_layer = isinstance(key, Integral) and not isinstance(key, bool)
        if not is_layer and key not in GROUPS:
            raise ValueError(
                f"learning_rate_factors has the key {key!r}: it must be one of "
                f"{', '.join(map(repr, GROUPS))}, or the number of a layer."
            )
        if is_layer and not -n_layers <= key < n_layers:
            raise ValueError(
                f"learning_rate_factors has the layer {key}, but there are {n_layers} layers, "
                f"numbered 0 to {n_layers - 1}, or -1 to {-n_layers} from the end."
            )
        if not isinstance(factor, Real) or not 0 <= float(factor) < np.inf:
            raise ValueError(
                f"learning_rate_factors[{key!r}] must be a number of at least 0, got {factor!r}."
            )
    return n_layers


def with_factors(program: Program, factors: Mapping) -> Program:
    """Return a program that multiplies the learning rate by all factors of a parameter."""
    stages, n_layers = program.stages.copy(), check_factors(factors, program)
    n_before = 0
    for stage in stages:
        is_dense = bool(stage["kind"] == Kind.DENSE)
        n_before += is_dense
        layer = max(n_before - 1, 0)  # a norm belongs to the layer before, or to the first
        own = float(factors.get(layer, 1.0)) * float(factors.get(layer - n_layers, 1.0))
        groups = Kind(stage["kind"]).groups
        for field, group in zip(("weight_factor", "bias_factor"), groups, strict=True):
            stage[field] = own * float(factors.get(group, 1.0))
    return replace(program, stages=stages)
