"""A whole training step of a small network in four kernels, whatever its depth.

With few rows and narrow layers, a step takes as long as its launches and the memory that each of
them waits for. After `gather`, three kernels do what the others do one after another; they have no
twin, and ``plan/small.py`` says where they are launched:

small_first
    The first layer: a product of ``dense.py`` whose tiles end in `finish_units`.
small_rest
    A block takes a row through all other layers, finds its loss, and comes back to the first layer.
small_update
    The gradients of all weights: products whose tiles end in `update_run`, which takes the step of
    the optimizer at once.

A layer's units lie side by side in a row of `values`, and a 1 behind them; the rows of the data
come last. Biases lie behind the last row of their weight (see ``program.py``), and so each layer is
one product, without a bias, and so is its gradient. At the same place in `deltas` is what the
gradient of a unit will be multiplied by, from activation and dropout, and later that gradient.
"""

from ._numba import SIMULATED, cuda
from .activations import activation_pair
from .columns import block_sum
from .dense import TILE_COLUMNS, TILE_ROWS, product_tile
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
    unclipped_square,
    wants_norm,
)
from .kernels import THREADS, device, kernel, real
from .losses import loss_of_row, losses_of_thread
from .optimizers import own_coefficients, rate_and_decay, updated
from .steps import BLOCKS_DONE, CURSOR, HALTED, KEEP_SCALE, N_ROWS, UPDATING
from .tasks import BIASES, WEIGHTS

#: Units of the widest layer, and of all layers: `small_rest` has those of a row in shared memory.
MOST_UNITS, MOST_COLUMNS = 512, 2048
#: Threads of a block of `small_rest`, and how many of them have parts of one unit's sum at most.
REST_THREADS, MOST_LANES = (4, 2) if SIMULATED else (512, 16)
N_SUMS = max(REST_THREADS, MOST_UNITS)

#: Columns of the table of layers: inputs and units, place and row stride of the weight, columns of
#: the inputs and of the units in `values`, whether there is an activation, the stage of dropout, -1
#: for none.
N_INPUTS, N_UNITS, FIRST_WEIGHT, WEIGHT_LD, X_COLUMN, Y_COLUMN, IS_ACTIVE, DROP_STAGE = range(8)
#: Columns of the table of tiles: the layer, first input and first unit.
TILE_LAYER, TILE_INPUT, TILE_UNIT = range(3)

# What callers bind: whether there is dropout of units.
DROPS_UNITS = False


@device
def unit_of(words, reals, at, layers, layer, i, j, z, a, key_0, key_1):
    """The unit of a pre-activation, and its derivative."""
    y, slope = z, real(1)
    if layers[layer, IS_ACTIVE]:
        y, slope = activation_pair(z, a)
    stage = layers[layer, DROP_STAGE]
    if DROPS_UNITS and stage >= 0:
        is_kept = keeps(words, at, i, j, stage, key_0, key_1)
        factor = reals[at, KEEP_SCALE + stage]
        y, slope = (y * factor, slope * factor) if is_kept else (real(0), real(0))
    return y, slope


@device
def finish_units(numbers, bias, values, of, m, n, i, j, top, a):
    """A run of pre-activations of the first layer -> `values` and `deltas`."""
    words, reals, at, layers, deltas, key_0, key_1 = of
    if i < m:
        for e in range(4):
            if j + e < n:
                column = layers[0, Y_COLUMN] + j + e
                values[i, column], deltas[i, column] = unit_of(
                    words, reals, at, layers, 0, i, j + e, numbers[e], a, key_0, key_1
                )


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
    weight,
    parameters,
    x,
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
    n_rows, n, depth = words[at, N_ROWS], layers[0, N_UNITS], layers[0, N_INPUTS] + 1
    thread, block = cuda.threadIdx.x, cuda.blockIdx.y * cuda.gridDim.x + cuda.blockIdx.x
    if block == 0 and thread == 0:
        words[0, UPDATING] = at if words[0, HALTED] == 0 else 0
    of = words, reals, at, layers, deltas, key_0, key_1
    column = cuda.blockIdx.x * TILE_COLUMNS
    for row in range(cuda.blockIdx.y * TILE_ROWS, n_rows, cuda.gridDim.y * TILE_ROWS):
        product_tile(x, weight, weight, values, of, n_rows, n, 0, depth, row, column, 0, a)
    if PENALISES:
        first, step = block * THREADS + thread, cuda.gridDim.x * cuda.gridDim.y * THREADS
        square, magnitude = penalty_of_thread(reals, at, layers, parameters, first, step)
        square, magnitude = block_sum(square), block_sum(magnitude)
        if thread == 0:
            penalties[block] = square
            magnitudes[block] = magnitude


@device
def lanes_of(n):
    """Number of threads that share the sum of each of n units."""
    lanes = REST_THREADS // n
    return max(1, min(lanes, MOST_LANES))


@device
def weighted(parameters, first, step, x, x_first, x_step, n):
    """The sum of n products of parameters and of numbers in shared memory.

    The parameters of four products are asked for together.
    """
    total, e = real(0), 0
    while e + 3 < n:
        w = parameters[first + e * step]
        w_1 = parameters[first + (e + 1) * step]
        w_2 = parameters[first + (e + 2) * step]
        w_3 = parameters[first + (e + 3) * step]
        total += w * x[x_first + e * x_step]
        total += w_1 * x[x_first + (e + 1) * x_step]
        total += w_2 * x[x_first + (e + 2) * x_step]
        total += w_3 * x[x_first + (e + 3) * x_step]
        e += 4
    while e < n:
        total += parameters[first + e * step] * x[x_first + e * x_step]
        e += 1
    return total


@device
def forward_sums(sums, units, layers, layer, parameters, lanes):
    """sums[lane n + j] = part of the pre-activation of unit j; neighbours read neighbours."""
    n, depth = layers[layer, N_UNITS], layers[layer, N_INPUTS] + 1
    weight, ld = layers[layer, FIRST_WEIGHT], layers[layer, WEIGHT_LD]
    for e in range(cuda.threadIdx.x, lanes * n, REST_THREADS):
        lane = e // n
        first, x_first = weight + lane * ld + e - lane * n, layers[layer, X_COLUMN] + lane
        length = (depth - lane + lanes - 1) // lanes
        sums[e] = weighted(parameters, first, lanes * ld, units, x_first, lanes, length)


@device
def backward_sums(sums, slopes, layers, layer, parameters, lanes):
    """sums[k lanes + lane] = part of the gradient of input k; neighbours read neighbours."""
    n, depth = layers[layer, N_INPUTS], layers[layer, N_UNITS]
    weight, ld = layers[layer, FIRST_WEIGHT], layers[layer, WEIGHT_LD]
    for e in range(cuda.threadIdx.x, lanes * n, REST_THREADS):
        k = e // lanes
        lane = e - k * lanes
        first, x_first = weight + k * ld + lane, layers[layer, Y_COLUMN] + lane
        length = (depth - lane + lanes - 1) // lanes
        sums[e] = weighted(parameters, first, lanes, slopes, x_first, lanes, length)


@device
def sum_of_lanes(sums, first, step, lanes):
    """The sum of the parts that lie `step` apart."""
    total = real(0)
    for lane in range(lanes):
        total += sums[first + lane * step]
    return total


@device
def forward_layers(words, reals, at, i, layers, parameters, sums, units, slopes, a, key_0, key_1):
    """Units and derivatives of all layers but the first; all threads of a block call it."""
    for layer in range(1, layers.shape[0]):
        n, first = layers[layer, N_UNITS], layers[layer, Y_COLUMN]
        lanes = lanes_of(n)
        forward_sums(sums, units, layers, layer, parameters, lanes)
        cuda.syncthreads()
        for j in range(cuda.threadIdx.x, n, REST_THREADS):
            total = sum_of_lanes(sums, j, n, lanes)
            units[first + j], slopes[first + j] = unit_of(
                words, reals, at, layers, layer, i, j, total, a, key_0, key_1
            )
        cuda.syncthreads()


@device
def backward_layers(layers, parameters, sums, slopes):
    """The gradients of the units of all layers but the last; all threads of a block call it."""
    for layer in range(layers.shape[0] - 1, 0, -1):
        n, first = layers[layer, N_INPUTS], layers[layer, X_COLUMN]
        lanes = lanes_of(n)
        backward_sums(sums, slopes, layers, layer, parameters, lanes)
        cuda.syncthreads()
        for k in range(cuda.threadIdx.x, n, REST_THREADS):
            slopes[first + k] *= sum_of_lanes(sums, k * lanes, 1, lanes)
        cuda.syncthreads()


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
    """Compute all layers but the first, the loss of each row, and the gradients of all units.

    z and dz are what `values` and `deltas` have of the last layer. A block takes a row, whose units
    it has in shared memory meanwhile.
    """
    sums = cuda.shared.array(N_SUMS, real)
    units = cuda.shared.array(MOST_COLUMNS, real)
    slopes = cuda.shared.array(MOST_COLUMNS, real)
    at, last, thread = words[0, CURSOR], layers.shape[0] - 1, cuda.threadIdx.x
    n_outputs, n_columns = layers[last, N_UNITS], layers[0, X_COLUMN]
    for i in range(cuda.blockIdx.x, words[at, N_ROWS], cuda.gridDim.x):
        for column in range(thread, n_columns, REST_THREADS):  # with the 1 behind each layer
            units[column], slopes[column] = values[i, column], deltas[i, column]
        cuda.syncthreads()
        forward_layers(
            words, reals, at, i, layers, parameters, sums, units, slopes, a, key_0, key_1
        )
        first = layers[last, Y_COLUMN]
        for j in range(thread, n_outputs, REST_THREADS):
            z[i, j] = units[first + j]
        cuda.syncthreads()
        value = loss_of_row(
            words, reals, at, i, z, targets, order, weights, dz, n_outputs, parameter
        )
        if thread == 0:
            row_loss[0, i] = value
        for j in range(thread, n_outputs, REST_THREADS):  # each thread has what it has written
            slopes[first + j] = dz[i, j]
        cuda.syncthreads()
        backward_layers(layers, parameters, sums, slopes)
        for column in range(thread, n_columns, REST_THREADS):
            values[i, column], deltas[i, column] = units[column], slopes[column]
        cuda.syncthreads()  # the next row has the same memory


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
    """Contribution of parameter e to the square of the norm of the gradient."""
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


@device
def update_run(numbers, bias, parameters, of, m, n, i, j, top, parameter):
    """A step of the optimizer for a run of parameters, of what their gradients are."""
    if i < m:
        reals, at, slots, factors, layer, first, ld, square = of
        group = WEIGHTS if i < m - 1 else BIASES
        factor, tells = factors[layer, group], wants_norm(reals, at)
        for e in range(4):
            if factor != real(0) and j + e < n:
                p, g = first + i * ld + j + e, numbers[e]
                if tells:
                    square[0] += square_one(reals, at, group, p, g, parameters)
                update_one(reals, at, group, factor, p, g, parameters, slots)


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
    square = cuda.local.array(1, real)
    square[0] = real(0)
    place = layers[layer, FIRST_WEIGHT], layers[layer, WEIGHT_LD]
    of = reals, at, slots, factors, layer, *place, square
    n_rows, none = words[at, N_ROWS], real(0)
    product_tile(x, dy, dy, parameters, of, n_inputs + 1, n, 0, n_rows, row, column, 0, none)
    if wants_norm(reals, at):
        total = block_sum(square[0])
        if thread == 0:
            tell_norm(words, at, total, squares, losses)
