"""Matrix products, tile by tile: twin of ``cpu/dense.h``.

A block computes a tile of the product, TILE_ROWS x TILE_COLUMNS elements. It goes through the depth
of the product by strips of STRIP: while its threads multiply what they find of both operands in
shared memory, they already wait for the next strip, which they keep in registers meanwhile.
A thread holds ROWS_EACH x COLUMNS_EACH elements of the product, in runs of four.

If there are few tiles for many multiprocessors, a block is of several GROUPS of threads, each of
which takes every GROUPS-th strip; and the depth of a gradient, which is the number of rows of the
batch, is cut into parts that blocks of their own sum up. So each element is a sum of one order,
whatever the device.

The operation on a finished element is bound to `finish`: nothing, the activation, its derivative.
``tensor_cores.py`` has another `multiply`, and other sizes.
"""

from ._numba import SIMULATED, cuda
from .kernels import device, kernel, real
from .steps import CURSOR, N_ROWS
from .vectors import four_zeros, load_four, store_four

# What callers bind: sizes, see `tiling`.
TILE_ROWS, TILE_COLUMNS, ROWS_EACH, COLUMNS_EACH, STRIP, GROUPS = 8, 8, 4, 4, 8, 1
SIDE, GROUP_THREADS, TILE_THREADS, PITCH = 2, 4, 4, 8
N_LEFT, N_RIGHT, N_COLUMNS, N_RUNS, SHARED_ROWS = 4, 4, 2, 4, 16
# Which operands are read with rows and columns exchanged, whether there is a bias, whether the
# product is added to what is there, whether columns of the right operand are summed as well.
A_TRANSPOSED, B_TRANSPOSED, HAS_BIAS, ADDS, SUMS_COLUMNS = False, False, False, False, False


def tiling(rows, columns, rows_each, columns_each, strip, groups=1, pad=4):
    """Bindings for tiles of rows x columns, with rows_each x columns_each for each thread."""
    side = columns // columns_each
    group_threads = side * (rows // rows_each)
    return dict(
        TILE_ROWS=rows,
        TILE_COLUMNS=columns,
        ROWS_EACH=rows_each,
        COLUMNS_EACH=columns_each,
        N_RUNS=rows_each * columns_each // 4,
        SIDE=side,
        **sizes_in_memory(rows, columns, group_threads, strip, groups, pad),
    )


def sizes_in_memory(rows, columns, group_threads, strip, groups, pad):
    """Bindings for the parts of both strips in threads and in shared memory."""
    return dict(
        STRIP=strip,
        GROUPS=groups,
        GROUP_THREADS=group_threads,
        TILE_THREADS=groups * group_threads,
        N_LEFT=-(-rows * strip // (4 * group_threads)),
        N_RIGHT=-(-columns * strip // (4 * group_threads)),
        N_COLUMNS=-(-columns // group_threads),
        PITCH=max(rows, columns) + pad,
        # Strips of both operands for each group; later the tile for each, where there are several.
        SHARED_ROWS=groups * max(2 * strip, rows if groups > 1 else 0),
    )


#: From the largest to the smallest, by the size of a number: how many tiles a product must have at
#: least for them to be taken, and the tiles. Chosen by measuring 16 kinds of float32 on an H200,
#: which has 132 multiprocessors, for widths from 10 to 784 and batches from 128 to 4096: no product
#: takes more than 15 % longer than with the best of them. They do not depend on the device, and so
#: the bits do not.
TILINGS_ON_GPU = {
    4: (
        (60, tiling(128, 128, 8, 8, 16)),
        (80, tiling(64, 64, 8, 4, 16, 2)),
        (30, tiling(32, 32, 4, 4, 16, 4)),
        (0, tiling(16, 16, 4, 4, 16, 16)),
    ),
    8: (
        (60, tiling(64, 64, 4, 4, 16)),
        (30, tiling(32, 32, 4, 4, 16, 2)),
        (0, tiling(16, 16, 4, 4, 16, 8)),
    ),
}
#: What products choose from; in the simulator of few threads.
TILINGS = TILINGS_ON_GPU
if SIMULATED:
    TILINGS = dict.fromkeys((4, 8), ((3, tiling(8, 8, 8, 8, 4)), (0, tiling(8, 8, 4, 4, 4, 2))))

#: Blocks for the parts of a gradient, and rows of the batch that each has at least.
BLOCKS_FOR_PARTS, LEAST_OF_PART = (4, 4) if SIMULATED else (132, 256)


def n_tiles(m, n, bindings):
    """Number of tiles of a product of m rows and n columns."""
    return -(-m // bindings["TILE_ROWS"]) * -(-n // bindings["TILE_COLUMNS"])


def choose_tiling(m, n, tilings):
    """The largest tiles of which a product of m rows and n columns has enough."""
    return next(tiles for least, tiles in tilings if n_tiles(m, n, tiles) >= least)


def choose_tiling_and_parts(m, n, depth, tilings):
    """The largest tiles of which a gradient (m, n) has enough, in parts of the depth; their number.

    Blocks of their own sum up each part. They are a power of two.
    """
    for least, tiles in tilings:
        number = n_tiles(m, n, tiles)
        most = max(1, min(BLOCKS_FOR_PARTS // number, depth // LEAST_OF_PART))
        n_parts = 1 << (most.bit_length() - 1)
        if number * n_parts >= least:
            break
    return tiles, n_parts


@device
def strip_value(x):
    """Element of an operand, unchanged or rounded by a bound function."""
    return x


@device
def fetch_strip(held, n_held, operand, lies_across, tile, first, n, begin, depth, member):
    """The thread's part of a strip -> registers; what lies outside is zero.

    `first` is that of the tile's `tile` rows or columns, `n` their number in all. The strip is that
    of the depth from `begin` on. Where the operand lies across, its rows go along the depth.
    """
    for v in range(n_held):
        e = member + v * GROUP_THREADS
        numbers = four_zeros()
        if lies_across:
            i, at = first + e // (STRIP // 4), begin + e % (STRIP // 4) * 4
            if e < tile * STRIP // 4 and i < n and at < depth:
                numbers = load_four(operand, i, at)
        else:
            at, i = begin + e // (tile // 4), first + e % (tile // 4) * 4
            if e < tile * STRIP // 4 and i < n and at < depth:
                numbers = load_four(operand, at, i)
        for c in range(4):
            held[v, c] = numbers[c]


@device
def keep_strip(strips, held, n_held, lies_across, tile, top, member):
    """The thread's part of a strip, from registers -> rows of shared memory from `top` on."""
    for v in range(n_held):
        e = member + v * GROUP_THREADS
        if e < tile * STRIP // 4:
            a, b, c, d = (
                strip_value(held[v, 0]),
                strip_value(held[v, 1]),
                strip_value(held[v, 2]),
                strip_value(held[v, 3]),
            )
            if lies_across:
                at, i = top + e % (STRIP // 4) * 4, e // (STRIP // 4)
                strips[at, i] = a
                strips[at + 1, i] = b
                strips[at + 2, i] = c
                strips[at + 3, i] = d
            else:
                store_four(strips, top + e // (tile // 4), e % (tile // 4) * 4, (a, b, c, d))


@device
def run_row(run, member):
    """Row in the tile of a thread's run of four elements."""
    i = run // (COLUMNS_EACH // 4)
    return i // 4 * (TILE_ROWS // (ROWS_EACH // 4)) + member // SIDE * 4 + i % 4


@device
def run_column(run, member):
    """First column of a run."""
    return run % (COLUMNS_EACH // 4) * (4 * SIDE) + member % SIDE * 4


@device
def multiply_one(sums, strips, left, right, member):
    """sums += the thread's elements of the product of two rows of strips."""
    of_left = cuda.local.array(ROWS_EACH, real)
    for i in range(0, ROWS_EACH, 4):
        four = load_four(strips, left, run_row(i * (COLUMNS_EACH // 4), member))
        for c in range(4):
            of_left[i + c] = four[c]
    for j in range(COLUMNS_EACH // 4):
        of_right = load_four(strips, right, run_column(j, member))
        for i in range(ROWS_EACH):
            for c in range(4):
                sums[i * (COLUMNS_EACH // 4) + j, c] += of_left[i] * of_right[c]


@device
def multiply(sums, strips, left, right, member):
    """sums += the thread's elements of the product of strips that begin at these rows.

    Four rows in a turn, for the compiler does not unroll the loop: while it multiplies, the next
    ones come.
    """
    for at in range(0, STRIP, 4):
        multiply_one(sums, strips, left + at, right + at, member)
        multiply_one(sums, strips, left + at + 1, right + at + 1, member)
        multiply_one(sums, strips, left + at + 2, right + at + 2, member)
        multiply_one(sums, strips, left + at + 3, right + at + 3, member)


@device
def finish(numbers, of, i, j, parameter):
    """Finish four elements of a product from (i, j) on; callers bind another function."""
    return numbers


@device
def store_run(numbers, bias, c, of, m, n, i, j, top, parameter):
    """A run of the product, if it lies inside; padding stays zero. c begins at row `top`."""
    if i >= m or j >= n:
        return
    w, x, y, z = numbers
    if HAS_BIAS:
        own = load_four(bias, 0, j)
        w, x, y, z = w + own[0], x + own[1], y + own[2], z + own[3]
    if ADDS:
        own = load_four(c, top + i, j)
        w, x, y, z = w + own[0], x + own[1], y + own[2], z + own[3]
    w, x, y, z = finish((w, x, y, z), of, i, j, parameter)
    none = real(0)
    x, y, z = x if j + 1 < n else none, y if j + 2 < n else none, z if j + 3 < n else none
    store_four(c, top + i, j, (w, x, y, z))


@device
def add_columns(column_sums, strips, right, member):
    """Add the thread's columns of the right operand, of the strip that begins at this row."""
    for e in range(N_COLUMNS):
        j = member + e * GROUP_THREADS
        if j < TILE_COLUMNS:
            for at in range(STRIP):
                column_sums[e] += strips[right + at, j]


@device
def store_columns(column_sums, strips, c, n, column, row, group, member):
    """The sums of columns of all groups -> this row of c."""
    for e in range(N_COLUMNS):
        j = member + e * GROUP_THREADS
        if j < TILE_COLUMNS:
            strips[group, j] = column_sums[e]
    cuda.syncthreads()
    for j in range(cuda.threadIdx.x, min(TILE_COLUMNS, n - column), TILE_THREADS):
        total = strips[0, j]
        for other in range(1, GROUPS):
            total += strips[other, j]
        c[row, column + j] = c[row, column + j] + total if ADDS else total
    cuda.syncthreads()  # the next tile has the same memory


@device
def product_tile(a, b, bias, c, of, m, n, begin, end, row, column, top, parameter):
    """The tile at (row, column) of c = a b + bias, summed over the depth from `begin` to `end`."""
    strips = cuda.shared.array((SHARED_ROWS, PITCH), real)
    sums = cuda.local.array((N_RUNS, 4), real)
    of_a = cuda.local.array((N_LEFT, 4), real)
    of_b = cuda.local.array((N_RIGHT, 4), real)
    group, member = cuda.threadIdx.x // GROUP_THREADS, cuda.threadIdx.x % GROUP_THREADS
    left, right = group * STRIP, (GROUPS + group) * STRIP
    for run in range(N_RUNS):
        for e in range(4):
            sums[run, e] = real(0)
    column_sums = cuda.local.array(N_COLUMNS, real)
    for e in range(N_COLUMNS):
        column_sums[e] = real(0)
    at = begin + group * STRIP
    fetch_strip(of_a, N_LEFT, a, not A_TRANSPOSED, TILE_ROWS, row, m, at, end, member)
    fetch_strip(of_b, N_RIGHT, b, B_TRANSPOSED, TILE_COLUMNS, column, n, at, end, member)
    for _ in range(begin, end, GROUPS * STRIP):
        keep_strip(strips, of_a, N_LEFT, not A_TRANSPOSED, TILE_ROWS, left, member)
        keep_strip(strips, of_b, N_RIGHT, B_TRANSPOSED, TILE_COLUMNS, right, member)
        cuda.syncthreads()
        at += GROUPS * STRIP
        fetch_strip(of_a, N_LEFT, a, not A_TRANSPOSED, TILE_ROWS, row, m, at, end, member)
        fetch_strip(of_b, N_RIGHT, b, B_TRANSPOSED, TILE_COLUMNS, column, n, at, end, member)
        multiply(sums, strips, left, right, member)
        if SUMS_COLUMNS and row == 0:
            add_columns(column_sums, strips, right, member)
        cuda.syncthreads()
    if GROUPS == 1:
        for run in range(N_RUNS):
            numbers = sums[run, 0], sums[run, 1], sums[run, 2], sums[run, 3]
            i, j = row + run_row(run, member), column + run_column(run, member)
            store_run(numbers, bias, c, of, m, n, i, j, top, parameter)
    else:
        for run in range(N_RUNS):
            numbers = sums[run, 0], sums[run, 1], sums[run, 2], sums[run, 3]
            i = group * TILE_ROWS + run_row(run, member)
            store_four(strips, i, run_column(run, member), numbers)
        cuda.syncthreads()
        for e in range(cuda.threadIdx.x, TILE_ROWS * TILE_COLUMNS // 4, TILE_THREADS):
            i, j = e // (TILE_COLUMNS // 4), e % (TILE_COLUMNS // 4) * 4
            store_run(
                sum_of_groups(strips, i, j), bias, c, of, m, n, row + i, column + j, top, parameter
            )
        cuda.syncthreads()  # the next tile has the same memory
    if SUMS_COLUMNS and row == 0:
        store_columns(column_sums, strips, c, n, column, top + m, group, member)


@device
def sum_of_groups(strips, i, j):
    """A run of the tile, of what all groups have of it."""
    w, x, y, z = load_four(strips, i, j)
    for group in range(1, GROUPS):
        own = load_four(strips, group * TILE_ROWS + i, j)
        w, x, y, z = w + own[0], x + own[1], y + own[2], z + own[3]
    return w, x, y, z


@kernel
def matmul(words, reals, a, b, bias, c, of, n, k, parameter):
    """c (+)= a b + bias, for the rows of the batch; k columns of a, n of c.

    With B_TRANSPOSED the input gradient, of a weight as it lies. `finish` is given `of`.
    """
    n_rows = words[words[0, CURSOR], N_ROWS]
    column = cuda.blockIdx.x * TILE_COLUMNS
    for row in range(cuda.blockIdx.y * TILE_ROWS, n_rows, cuda.gridDim.y * TILE_ROWS):
        product_tile(a, b, bias, c, of, n_rows, n, 0, k, row, column, 0, parameter)


@kernel
def matmul_transposed(words, reals, a, b, c, m, n, n_parts):
    """c (+)= a^T b, (m, n), summed over the rows of the batch; A_TRANSPOSED has to be bound.

    With SUMS_COLUMNS the sums of the columns of b are behind it, in row m. The rows of the batch
    are in so many parts, and c has the sums of each, one part after another.
    """
    n_rows, part = words[words[0, CURSOR], N_ROWS], cuda.blockIdx.z
    size = -(-n_rows // (n_parts * GROUPS * STRIP)) * GROUPS * STRIP
    end = min((part + 1) * size, n_rows)
    top = part * (m + 1 if SUMS_COLUMNS else m)
    column = cuda.blockIdx.x * TILE_COLUMNS
    for row in range(cuda.blockIdx.y * TILE_ROWS, m, cuda.gridDim.y * TILE_ROWS):
        product_tile(a, b, c, c, c, m, n, part * size, end, row, column, top, real(0))


@kernel
def add_parts(parts, total, n_parts):
    """total (+)= the sum of the parts, which lie one after another; they are vectors."""
    for e in range(cuda.grid(1), total.size, cuda.gridsize(1)):
        own = total[e] if ADDS else real(0)
        for part in range(n_parts):
            own += parts[part * total.size + e]
        total[e] = own
