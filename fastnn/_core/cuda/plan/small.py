"""Small steps of ``cuda/small.py``: the networks that have them, and their launches."""

import math
import re
from types import SimpleNamespace

import numpy as np

from fastnn._core.codes import Column, Kind, Rule
from fastnn._core.program import padded

from .. import activations, losses
from .._numba import SIMULATED
from ..dense import tiling
from ..launch import over_rows, over_tiles
from ..small import (
    DROP_STAGE,
    IS_ACTIVE,
    MOST_COLUMNS,
    MOST_UNITS,
    N_INPUTS,
    N_UNITS,
    REST_THREADS,
    X_COLUMN,
    Y_COLUMN,
)
from .outputs import of_losses, weighs_heads
from .updates import of_rule, slots_of

#: Operations of a step up to which it is small, an estimate: above, it counts that `small_rest`
#: reads weights once for a row, and large tiles once for 64 or 128 rows.
MOST_OPERATIONS = 1 << 28
#: Rows of a batch likewise: for one a block takes microseconds, however few its weights are, and a
#: GPU has some hundred blocks at a time.
MOST_ROWS = 1024


_LETTERS = {Kind.DENSE: "d", Kind.ACTIVATION: "a", Kind.DROPOUT: "x", Kind.OUTPUT: "o"}
_LAYERS = "x?(da?x?)*do"


def is_small(program, call, room):
    """Return whether these kernels support the network, and steps of `room` rows are small."""
    stages = program.stages
    kinds = "".join(_LETTERS.get(kind, "-") for kind in stages["kind"].tolist())
    hidden = stages[stages["kind"] == Kind.ACTIVATION]
    # Forward, backward and the gradients of weights take as long as each other.
    return bool(
        call.trains
        and room <= MOST_ROWS
        and 3 * room * program.flops <= MOST_OPERATIONS
        and re.fullmatch(_LAYERS, kinds)
        and not stages["function"].any()
        and not hidden["rate"].any()  # drawn at random
        and len(np.unique(hidden[["code", "parameter"]])) <= 1
        and stages["n_out"].max(where=stages["kind"] == Kind.DENSE, initial=0) <= MOST_UNITS
        and not program.tf32  # products of these kernels are not rounded
        and not call.mixes
        and not weighs_heads(program, call)
        and _n_columns(stages, program.dtype) <= MOST_COLUMNS
        and call.columns <= {Column.L1, Column.L2, Column.SMOOTHING}
        and call.optimizer not in (Rule.LOOK_AHEAD, Rule.LAMB)
    )


def _n_columns(stages, dtype):
    """Return the number of columns of `values` that units have."""
    return sum(padded(int(n) + 1, dtype) for n in stages["n_out"][stages["kind"] == Kind.DENSE])


def plan_layers(program):
    """Return the table of layers, and the factors of their learning rates.

    Returns
    -------
    layers : ndarray of int64, shape (n_layers, 8)
    factors : ndarray of float64, shape (n_layers, 2)
        Factors of the learning rate of weights and biases.
    """
    stages, layers, factors, column = program.stages, [], [], 0
    for index, stage in enumerate(stages):
        if stage["kind"] == Kind.DENSE:
            n_inputs, n_units, ld = (int(stage[name]) for name in ("n_in", "n_out", "ld_out"))
            assert stage["bias"] == stage["weight"] + n_inputs * ld
            before = layers[-1][Y_COLUMN] if layers else 0
            layers.append([n_inputs, n_units, int(stage["weight"]), ld, before, column, 0, -1])
            factors.append([stage["weight_factor"], stage["bias_factor"]])
            column += padded(n_units + 1, program.dtype)
        elif layers and stage["kind"] == Kind.ACTIVATION:
            layers[-1][IS_ACTIVE] = 1
        elif layers and stage["kind"] == Kind.DROPOUT:
            layers[-1][DROP_STAGE] = index
    assert column == _n_columns(stages, program.dtype)
    layers[0][X_COLUMN] = column  # rows of the data come last
    return np.array(layers), np.array(factors, float)


def values_with_ones(layers, room, dtype):
    """Return initial `values`, with the 1 after the units of each layer that no kernel writes."""
    n_columns = layers[0, X_COLUMN] + padded(int(layers[0, N_INPUTS]) + 1, dtype)
    values = np.zeros((room, n_columns), dtype)
    values[:, layers[:, X_COLUMN] + layers[:, N_INPUTS]] = 1
    return values


def plan_tiles(layers, rows, columns):
    """Return the table of tiles of all weights: their layer, first input and first unit."""
    return np.array(
        [
            (number, row, column)
            for number, layer in enumerate(layers)
            for row in range(0, layer[N_INPUTS] + 1, rows)
            for column in range(0, layer[N_UNITS], columns)
        ]
    )


def tilings(dtype):
    """Return the tilings of `small_first` and `small_update`.

    Tiles are small, to occupy all multiprocessors, with many groups, because the depth dominates.
    """
    if SIMULATED:
        return tiling(8, 8, 4, 4, 4, 2), tiling(8, 8, 4, 4, 4, 2)
    share = dtype.itemsize // 4
    return tiling(16, 16, 4, 4, 16, 16 // share), tiling(32, 32, 4, 4, 16, 4 // share)


def add_step(plan):
    """Add the launches of a small step to those of a plan."""
    layers, factors = plan_layers(plan.program)
    step = _arrays_of(plan, layers)
    _gather(plan, step.x)
    hidden = [stage for stage in plan.stages if stage.kind == Kind.ACTIVATION]
    of_units = activations.pair_of(hidden[0].code) if hidden else {}
    of_units["DROPS_UNITS"] = bool((layers[:, DROP_STAGE] >= 0).any())
    slope = plan.real(hidden[0].parameter if hidden else 0)
    _first(plan, step, slope, of_units)
    _rest(plan, step, slope, of_units)
    _update(plan, step, factors)


def _arrays_of(plan, layers):
    """Return the arrays of a step, the sizes of its tiles, and the first layer."""
    program, memory = plan.program, plan.memory
    first = next(stage for stage in plan.stages if stage.kind == Kind.DENSE)
    of_first, of_update = tilings(program.dtype)
    over_first = over_tiles(plan.room, first.n_out, of_first)
    first_column, last_column = int(layers[0, X_COLUMN]), layers[-1, Y_COLUMN]
    values = memory.upload(values_with_ones(layers, plan.room, program.dtype))
    deltas = memory.zeros((plan.room, first_column), program.dtype)
    sums = [memory.zeros(math.prod(over_first[0]), program.dtype) for _ in range(2)]
    return SimpleNamespace(
        layers=layers,
        table=memory.upload(layers),
        first=first,
        of_first=of_first,
        over_first=over_first,
        of_update=of_update,
        values=values,
        deltas=deltas,
        x=values[:, first_column:],
        of_outputs=[array[:, last_column:] for array in (values, deltas)],
        penalty_sums=sums,
    )


def _gather(plan, x):
    n = plan.program.n_features
    plan.add(plan.over(n), "gather", plan.arenas.X, plan.order, x, ORDERED=plan.call.is_ordered)
    if plan.stages[0].kind == Kind.DROPOUT:
        plan.add(plan.over(n), "dropout", x, x, n, 0, *plan.keys)


def _first(plan, step, slope, of_units):
    first, parameters = step.first, plan.arenas.parameters
    plan.add(
        step.over_first,
        "small_first",
        step.table,
        plan.view(parameters, first.weight, first.n_in + 1, first.ld_out),
        parameters,
        step.x,
        step.values,
        step.deltas,
        *step.penalty_sums,
        slope,
        *plan.keys,
        store_run="finish_units",
        PENALISES=plan.call.penalises,
        THREADS=step.of_first["TILE_THREADS"],
        **step.of_first,
        **of_units,
    )


def _rest(plan, step, slope, of_units):
    output = plan.stages[-1]
    _, of_loss = losses.loss_kernel(output.code)
    plan.add(
        over_rows(plan.room, REST_THREADS),
        "small_rest",
        step.table,
        plan.arenas.parameters,
        step.values,
        step.deltas,
        *step.of_outputs,
        plan.arenas.targets[0],
        plan.order,
        plan.weights,
        plan.row_loss,
        slope,
        plan.real(output.parameter),
        *plan.keys,
        THREADS=REST_THREADS,
        **of_units,
        **of_loss,
        **of_losses(plan.call),
    )


def _update(plan, step, factors):
    call, memory, of_update = plan.call, plan.memory, step.of_update
    tiles = plan_tiles(step.layers, of_update["TILE_ROWS"], of_update["TILE_COLUMNS"])
    plan.add(
        (len(tiles), of_update["TILE_THREADS"]),
        "small_update",
        step.table,
        memory.upload(tiles),
        memory.upload(factors.astype(plan.program.dtype)),
        step.values,
        step.deltas,
        plan.arenas.parameters,
        slots_of(plan),
        plan.row_loss,
        plan.weights,
        plan.order,
        *step.penalty_sums,
        memory.zeros(len(tiles), plan.program.dtype),
        plan.arenas.losses,
        store_run="update_run",
        A_TRANSPOSED=True,
        ORDERED=call.is_ordered,
        HAS_WEIGHTS=call.has_weights,
        THREADS=of_update["TILE_THREADS"],
        **of_update,
        **of_rule(call),
    )
