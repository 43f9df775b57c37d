"""A whole training step of a small network in three kernels, whatever its depth.

With few rows and narrow layers, a step takes as long as its launches and the memory that each of
them waits for. The three kernels do what the others do one after another, and have no twin:

small_first
    The first layer: a block for each tile of rows and units.
small_rest
    A block takes a row through all other layers, finds its loss, and comes back to the first layer.
small_update
    A block for each tile of a weight sums its gradient over the rows and updates it at once.

A layer's units lie side by side in a row of `values`, and a 1 behind them; the rows of the data
come last. Biases lie behind the last row of their weight (see ``program.py``), and so each layer is
one product, without a bias, and so is its gradient. At the same place in `deltas` is what the
gradient of a unit will be multiplied by, from activation and dropout, and later that gradient.
"""

import re

import numpy as np

from fastnn.optimizers import Rule
from fastnn.program import ACTIVATION, DENSE, DROPOUT, OUTPUT, Column, padded

from ._numba import SIMULATED, cuda
from .activations import activation_pair
from .columns import block_sum
from .dense import (
    PER_THREAD,
    TILE,
    add_products,
    tile_column,
    tile_row,
    tiling,
)
from .dropout import keeps
from .elementary import square_root
from .gradients import (
    PENALISES,
    clip_limit,
    finished,
    penalised_part,
    penalty_of,
    penalty_slopes,
    sum_of_thread,
    tells_norm,
    unclipped_square,
)
from .kernels import LANES, THREADS, device, kernel, real
from .losses import loss_of_row, losses_of_thread
from .optimizers import own_coefficients, rate_and_decay, updated
from .rows import row_of
from .steps import BLOCKS_DONE, CURSOR, HALTED, KEEP_SCALE, N_ROWS, START, UPDATING
from .tasks import BIASES, WEIGHTS

#: Operations of a step up to which it is small: an estimate for an H200, not measured. Below,
#: the general kernels leave most multiprocessors idle and wait for memory in each of some twenty
#: launches; above, it counts that `small_rest` reads weights once for a row, and large tiles once
#: for 64 rows.
MOST_OPERATIONS = 1 << 28
#: Rows of a batch, estimated likewise: for one a block takes microseconds, however few its weights
#: are, and a GPU has some hundred blocks at a time.
MOST_ROWS = 1024
#: Units of the widest layer: of each, a block has LANES sums in its shared memory.
MOST_UNITS = 512
N_SUMS = LANES * MOST_UNITS

#: Tiles of the first layer, small, so that there are as many as multiprocessors, and of weights.
FIRST_TILING = tiling(2, 1, 3) if SIMULATED else tiling(8, 1, 128)
UPDATE_TILING = tiling(4, 2, 3) if SIMULATED else tiling(32, 2, 32)

#: Columns of the table of layers: inputs and units, place and row stride of the weight, columns of
#: the inputs and of the units in `values`, whether there is an activation, the stage of dropout, -1
#: for none.
N_INPUTS, N_UNITS, FIRST_WEIGHT, WEIGHT_LD, X_COLUMN, Y_COLUMN, IS_ACTIVE, DROP_STAGE = range(8)
#: Columns of the table of tiles: the layer, first input and first unit.
TILE_LAYER, TILE_INPUT, TILE_UNIT = range(3)

# What callers bind: whether there is dropout of the rows of the data, and of units.
DROPS_ROWS, DROPS_UNITS = False, False


@device
def gathered(rows, i, k):
    """Element (i, k) of the batch, a 1 behind its last; it is kept for the gradient."""
    X, order, words, reals, values, first, key_0, key_1 = rows
    if k == X.shape[1]:
        return real(1)
    at = words[0, CURSOR]
    value = real(X[row_of(order, words[at, START] + i), k])
    if DROPS_ROWS:  # by the first stage
        is_kept = keeps(words, at, i, k, 0, key_0, key_1)
        value = value * reals[at, KEEP_SCALE] if is_kept else real(0)
    if cuda.blockIdx.x == 0:
        values[i, first + k] = value
    return value


@device
def finish_unit(words, reals, at, layers, layer, i, j, z, values, deltas, a, key_0, key_1):
    """The unit of a pre-activation and its derivative -> `values` and `deltas`."""
    y, slope = z, real(1)
    if layers[layer, IS_ACTIVE]:
        y, slope = activation_pair(z, a)
    stage = layers[layer, DROP_STAGE]
    if DROPS_UNITS and stage >= 0:
        is_kept = keeps(words, at, i, j, stage, key_0, key_1)
        factor = reals[at, KEEP_SCALE + stage]
        y, slope = (y * factor, slope * factor) if is_kept else (real(0), real(0))
    column = layers[layer, Y_COLUMN] + j
    values[i, column] = y
    deltas[i, column] = slope


@device
def penalty_of_thread(reals, at, layers, parameters, first, step):
    """The sums of w^2 and |w| of every step-th parameter that is penalised."""
    square, magnitude = real(0), real(0)
    for layer in range(layers.shape[0]):
        n_rows = layers[layer, N_INPUTS]
        if penalised_part(reals, at, BIASES) != real(0):
            n_rows += 1
        begin = layers[layer, FIRST_WEIGHT]
        for e in range(begin + first, begin + n_rows * layers[layer, WEIGHT_LD], step):
            square += parameters[e] * parameters[e]
            magnitude += abs(parameters[e])
    return square, magnitude


@kernel
def small_first(
    words,
    reals,
    layers,
    X,
    order,
    weight,
    parameters,
    values,
    deltas,
    penalties,
    magnitudes,
    a,
    key_0,
    key_1,
):
    """The first layer, its weight (n_inputs + 1, ld), and what the penalty of the step is made of.

    penalties and magnitudes get the sums of w^2 and |w| of each block.
    """
    at = words[0, CURSOR]
    n_rows, n = words[at, N_ROWS], layers[0, N_UNITS]
    thread, block = cuda.threadIdx.x, cuda.blockIdx.y * cuda.gridDim.x + cuda.blockIdx.x
    if block == 0 and thread == 0:
        words[0, UPDATING] = at if words[0, HALTED] == 0 else 0
    rows = X, order, words, reals, values, layers[0, X_COLUMN], key_0, key_1
    sums = cuda.local.array((PER_THREAD, PER_THREAD), real)
    column = cuda.blockIdx.x * TILE
    for row in range(cuda.blockIdx.y * TILE, n_rows, cuda.gridDim.y * TILE):
        add_products(sums, rows, weight, n_rows, n, X.shape[1] + 1, row, column)
        for i in range(PER_THREAD):
            for j in range(PER_THREAD):
                own, unit = row + tile_row(i), column + tile_column(j)
                if own < n_rows and unit < n:
                    z = sums[i, j]
                    finish_unit(
                        words, reals, at, layers, 0, own, unit, z, values, deltas, a, key_0, key_1
                    )
    if PENALISES:
        first, step = block * THREADS + thread, cuda.gridDim.x * cuda.gridDim.y * THREADS
        square, magnitude = penalty_of_thread(reals, at, layers, parameters, first, step)
        square, magnitude = block_sum(square), block_sum(magnitude)
        if thread == 0:
            penalties[block] = square
            magnitudes[block] = magnitude


@device
def add_forward(sums, x, i, first, parameters, weight, ld, depth, n):
    """sums[lane n + j] = part of that of x[i, first + k] times weight (k, j)."""
    for e in range(cuda.threadIdx.x, LANES * n, THREADS):
        lane = e // n
        j = e - lane * n
        total = real(0)
        for k in range(lane, depth, LANES):
            total += x[i, first + k] * parameters[weight + k * ld + j]
        sums[e] = total


@device
def add_backward(sums, dy, i, first, parameters, weight, ld, depth, n):
    """sums[lane n + k] = part of that of dy[i, first + j] times weight (k, j).

    Neighbouring threads read neighbouring weights, here too.
    """
    for e in range(cuda.threadIdx.x, LANES * n, THREADS):
        k, lane = e // LANES, e % LANES
        total = real(0)
        for j in range(lane, depth, LANES):
            total += dy[i, first + j] * parameters[weight + k * ld + j]
        sums[lane * n + k] = total


@device
def sum_of_lanes(sums, j, n):
    total = real(0)
    for lane in range(LANES):
        total += sums[lane * n + j]
    return total


@kernel
def small_rest(
    words,
    reals,
    layers,
    parameters,
    values,
    deltas,
    z,
    dz,
    targets,
    order,
    weights,
    row_loss,
    a,
    parameter,
    key_0,
    key_1,
):
    """All layers but the first, the loss of each row, and the gradients of all units.

    z and dz are what `values` and `deltas` have of the last layer. A block takes a row, and its
    threads read what others of them have written.
    """
    sums = cuda.shared.array(N_SUMS, real)
    at, last, thread = words[0, CURSOR], layers.shape[0] - 1, cuda.threadIdx.x
    n_outputs = layers[last, N_UNITS]
    for i in range(cuda.blockIdx.x, words[at, N_ROWS], cuda.gridDim.x):
        for layer in range(1, last + 1):
            first, weight, ld = (
                layers[layer, X_COLUMN],
                layers[layer, FIRST_WEIGHT],
                layers[layer, WEIGHT_LD],
            )
            depth, n = layers[layer, N_INPUTS] + 1, layers[layer, N_UNITS]
            add_forward(sums, values, i, first, parameters, weight, ld, depth, n)
            cuda.syncthreads()
            for j in range(thread, n, THREADS):
                total = sum_of_lanes(sums, j, n)
                finish_unit(
                    words, reals, at, layers, layer, i, j, total, values, deltas, a, key_0, key_1
                )
            cuda.syncthreads()
        value = loss_of_row(
            words, reals, at, i, z, targets, order, weights, dz, n_outputs, parameter
        )
        if thread == 0:
            row_loss[0, i] = value
        cuda.syncthreads()
        for layer in range(last, 0, -1):
            first, weight, ld = (
                layers[layer, Y_COLUMN],
                layers[layer, FIRST_WEIGHT],
                layers[layer, WEIGHT_LD],
            )
            depth, n = layers[layer, N_UNITS], layers[layer, N_INPUTS]
            add_backward(sums, deltas, i, first, parameters, weight, ld, depth, n)
            cuda.syncthreads()
            for k in range(thread, n, THREADS):
                deltas[i, layers[layer, X_COLUMN] + k] *= sum_of_lanes(sums, k, n)
            cuda.syncthreads()


@device
def update_one(reals, at, group, factor, e, g, parameters, slots):
    """A step of the optimizer for parameter e, of its gradient without that of the penalty."""
    l2, l1 = penalty_slopes(reals, at, group)
    rate, decay = rate_and_decay(reals, at, group, factor)
    w, own = parameters[e], own_coefficients(reals, at)
    g = finished(g, w, l2, l1, clip_limit(reals, at))
    parameters[e] = updated(own, rate, factor, decay, w, g, slots, e)


@device
def square_one(reals, at, group, e, g, parameters):
    """What parameter e adds to the square of the norm of the gradient."""
    l2, l1 = penalty_slopes(reals, at, group)
    return unclipped_square(g, parameters[e], l2, l1)


@device
def tell_norm(words, at, square, squares, losses):
    """losses[step, 2] = the root of the sum of what all blocks have; by one thread of each.

    The last block to come adds what each has left; whichever it is, the order is the same.
    """
    squares[cuda.blockIdx.x] = square
    cuda.threadfence()  # whoever sees the count that follows sees this square
    if cuda.atomic.add(words, (0, BLOCKS_DONE), 1) == cuda.gridDim.x - 1:
        cuda.threadfence()  # .. and reads none from before
        words[0, BLOCKS_DONE] = 0
        total = real(0)
        for block in range(cuda.gridDim.x):
            total += squares[block]
        losses[at - 1, 2] = square_root(total)


@kernel
def small_update(
    words,
    reals,
    layers,
    tiles,
    factors,
    values,
    deltas,
    parameters,
    slots,
    row_loss,
    weights,
    order,
    penalties,
    magnitudes,
    squares,
    losses,
):
    """The losses and the norm of the step, the step of the optimizer, and on to the next step.

    Where the loss is not finite, training halts. All blocks sum it in the same order, and so know.
    """
    at, thread = words[0, UPDATING], cuda.threadIdx.x
    if at == 0:
        return
    mean = block_sum(losses_of_thread(words, reals, at, row_loss, weights, order, 1))
    is_finite = mean - mean == real(0)
    if cuda.blockIdx.x == 0:
        penalty = real(0)
        if PENALISES:
            square = block_sum(sum_of_thread(penalties, 0, penalties.size))
            magnitude = block_sum(sum_of_thread(magnitudes, 0, magnitudes.size))
            penalty = penalty_of(reals, at, square, magnitude)
        if thread == 0:
            losses[at - 1, 0] = mean
            if is_finite:
                losses[at - 1, 1] = penalty
                words[0, CURSOR] = at + 1
            else:
                words[0, HALTED] = 1
    if not is_finite:
        return
    layer = tiles[cuda.blockIdx.x, TILE_LAYER]
    row, column = tiles[cuda.blockIdx.x, TILE_INPUT], tiles[cuda.blockIdx.x, TILE_UNIT]
    n_inputs, n = layers[layer, N_INPUTS], layers[layer, N_UNITS]
    x, dy = values[:, layers[layer, X_COLUMN] :], deltas[:, layers[layer, Y_COLUMN] :]
    sums = cuda.local.array((PER_THREAD, PER_THREAD), real)
    add_products(sums, x, dy, n_inputs + 1, n, words[at, N_ROWS], row, column)
    tells, square = tells_norm(reals, at), real(0)
    for i in range(PER_THREAD):
        for j in range(PER_THREAD):
            k, unit = row + tile_row(i), column + tile_column(j)
            group = WEIGHTS if k < n_inputs else BIASES
            factor = factors[layer, group]
            if k <= n_inputs and unit < n and factor != real(0):
                e = layers[layer, FIRST_WEIGHT] + k * layers[layer, WEIGHT_LD] + unit
                if tells:
                    square += square_one(reals, at, group, e, sums[i, j], parameters)
                update_one(reals, at, group, factor, e, sums[i, j], parameters, slots)
    if tells:
        square = block_sum(square)
        if thread == 0:
            tell_norm(words, at, square, squares, losses)


# --- when, and what it is given -------------------------------------------------------------------

_LETTERS = {DENSE: "d", ACTIVATION: "a", DROPOUT: "x", OUTPUT: "o"}
_LAYERS = "x?(da?x?)*do"


def is_small(program, call, room):
    """Whether steps of at most `room` rows are for these kernels, and small."""
    stages = program.stages
    kinds = "".join(_LETTERS.get(kind, "-") for kind in stages["kind"].tolist())
    activations = stages[stages["kind"] == ACTIVATION]
    # Forward, backward and the gradients of weights take as long as each other.
    return bool(
        call.trains
        and not program.tf32
        and room <= MOST_ROWS
        and 3 * room * program.flops <= MOST_OPERATIONS
        and re.fullmatch(_LAYERS, kinds)
        and not stages["function"].any()
        and not activations["rate"].any()  # drawn at random
        and len(np.unique(activations[["code", "parameter"]])) <= 1
        and stages["n_out"].max(where=stages["kind"] == DENSE, initial=0) <= MOST_UNITS
        and not program.tf32  # products of these kernels are not rounded
        and not call.mixes
        and call.columns <= {Column.L1, Column.L2, Column.SMOOTHING}
        and call.optimizer not in (Rule.LOOK_AHEAD, Rule.LAMB)
    )


def plan_layers(program):
    """The table of layers, factors of learning rates, and the columns of `values` and `deltas`.

    Returns
    -------
    layers : ndarray of int64, shape (n_layers, 8)
    factors : ndarray of float64, shape (n_layers, 2)
        Of weights and biases.
    """
    stages, layers, factors, column = program.stages, [], [], 0
    for index, stage in enumerate(stages):
        if stage["kind"] == DENSE:
            n_inputs, n_units, ld = (int(stage[name]) for name in ("n_in", "n_out", "ld_out"))
            assert stage["bias"] == stage["weight"] + n_inputs * ld
            before = layers[-1][Y_COLUMN] if layers else 0
            layers.append([n_inputs, n_units, int(stage["weight"]), ld, before, column, 0, -1])
            factors.append([stage["weight_factor"], stage["bias_factor"]])
            column += padded(n_units + 1, program.dtype)
        elif layers and stage["kind"] == ACTIVATION:
            layers[-1][IS_ACTIVE] = 1
        elif layers and stage["kind"] == DROPOUT:
            layers[-1][DROP_STAGE] = index
    layers[0][X_COLUMN] = column  # rows of the data come last
    return np.array(layers), np.array(factors, float)


def values_with_ones(layers, room, dtype):
    """What `values` are at first: the 1 behind the units of each layer, which no kernel writes."""
    n_columns = layers[0, X_COLUMN] + layers[0, N_INPUTS] + 1
    values = np.zeros((room, n_columns), dtype)
    values[:, layers[:, X_COLUMN] + layers[:, N_INPUTS]] = 1
    return values


def plan_tiles(layers, tile):
    """The table of tiles of all weights: their layer, first input and first unit."""
    return np.array(
        [
            (number, row, column)
            for number, layer in enumerate(layers)
            for row in range(0, layer[N_INPUTS] + 1, tile)
            for column in range(0, layer[N_UNITS], tile)
        ]
    )
