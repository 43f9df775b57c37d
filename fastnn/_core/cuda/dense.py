"""Matrix products, tile by tile: twin of ``cpu/dense.h``.

A block computes TILE x TILE elements of the product. It goes through the depth of the product by
STRIP: the strips of both operands are brought to shared memory, from where each thread takes what
its own PER_THREAD x PER_THREAD elements need. Each element is one chain of additions, in order.

``tensor_cores.py`` has another `product_tile`, and other sizes, to be bound to these names.
"""

from ._numba import SIMULATED, cuda
from .kernels import device, kernel, real
from .steps import CURSOR, N_ROWS

PER_THREAD = 2 if SIMULATED else 4
TILE = 4 if SIMULATED else 64
STRIP = 3 if SIMULATED else 16
SIDE = TILE // PER_THREAD
#: Of a block.
TILE_THREADS = SIDE * SIDE

# What callers bind: which operands are read with rows and columns exchanged, whether there is a
# bias, whether the product is added to what is there.
A_TRANSPOSED, B_TRANSPOSED, HAS_BIAS, ADDS = False, False, False, False


def tiling(tile, per_thread, strip):
    """What to bind for tiles of another size."""
    side = tile // per_thread
    return dict(TILE=tile, PER_THREAD=per_thread, STRIP=strip, SIDE=side, TILE_THREADS=side**2)


@device
def element_of(a, i, k):
    """Of the left operand; what makes elements as they are read is bound to it."""
    return a[i, k]


@device
def strip_value(x):
    """What is kept of an element of an operand: all of it, or what a bound function leaves."""
    return x


@device
def load_strips(a, b, a_strip, b_strip, m, n, k, row, column, begin):
    """The strips of the tile at (row, column), from `begin` on; what lies outside is zero.

    Neighbouring threads read neighbouring addresses, whichever way an operand lies.
    """
    for e in range(cuda.threadIdx.x, STRIP * TILE, TILE_THREADS):
        if A_TRANSPOSED:
            at, i = e // TILE, e % TILE
        else:
            at, i = e % STRIP, e // STRIP
        value = real(0)
        if row + i < m and begin + at < k:
            if A_TRANSPOSED:
                value = a[begin + at, row + i]
            else:
                value = element_of(a, row + i, begin + at)
        a_strip[at, i] = strip_value(value)
        if B_TRANSPOSED:
            at, i = e % STRIP, e // STRIP
        else:
            at, i = e // TILE, e % TILE
        value = real(0)
        if column + i < n and begin + at < k:
            value = b[column + i, begin + at] if B_TRANSPOSED else b[begin + at, column + i]
        b_strip[at, i] = strip_value(value)


@device
def store_sum(total, bias, c, m, n, row, column):
    """An element of the product, if it lies inside."""
    if row < m and column < n:
        if HAS_BIAS:
            total += bias[column]
        if ADDS:
            total += c[row, column]
        c[row, column] = total


@device
def tile_row(i):
    """Row of a thread's elements within the tile; they lie SIDE apart."""
    return cuda.threadIdx.x // SIDE + i * SIDE


@device
def tile_column(j):
    """Their column: neighbouring threads have neighbouring ones."""
    return cuda.threadIdx.x % SIDE + j * SIDE


@device
def add_products(sums, a, b, m, n, k, row, column):
    """sums = the thread's elements of the tile of a b, (m, k) times (k, n), at (row, column)."""
    a_strip = cuda.shared.array((STRIP, TILE), real)
    b_strip = cuda.shared.array((STRIP, TILE), real)
    for i in range(PER_THREAD):
        for j in range(PER_THREAD):
            sums[i, j] = real(0)
    for begin in range(0, k, STRIP):
        load_strips(a, b, a_strip, b_strip, m, n, k, row, column, begin)
        cuda.syncthreads()
        for at in range(STRIP):
            for i in range(PER_THREAD):
                for j in range(PER_THREAD):
                    sums[i, j] += a_strip[at, tile_row(i)] * b_strip[at, tile_column(j)]
        cuda.syncthreads()


@device
def product_tile(a, b, bias, c, m, n, k, row, column):
    """The tile of c = a b + bias that begins at (row, column)."""
    sums = cuda.local.array((PER_THREAD, PER_THREAD), real)
    add_products(sums, a, b, m, n, k, row, column)
    for i in range(PER_THREAD):
        for j in range(PER_THREAD):
            at_row, at_column = row + tile_row(i), column + tile_column(j)
            store_sum(sums[i, j], bias, c, m, n, at_row, at_column)


@kernel
def matmul(words, reals, a, b, bias, c, n, k):
    """c (+)= a b + bias, for the rows of the batch; k columns of a, n of c.

    With B_TRANSPOSED the input gradient, of a weight as it lies.
    """
    n_rows = words[words[0, CURSOR], N_ROWS]
    column = cuda.blockIdx.x * TILE
    for row in range(cuda.blockIdx.y * TILE, n_rows, cuda.gridDim.y * TILE):
        product_tile(a, b, bias, c, n_rows, n, k, row, column)


@kernel
def matmul_transposed(words, reals, a, b, c, m, n):
    """c (+)= a^T b, (m, n), summed over the rows of the batch; A_TRANSPOSED has to be bound."""
    n_rows = words[words[0, CURSOR], N_ROWS]
    column = cuda.blockIdx.x * TILE
    for row in range(cuda.blockIdx.y * TILE, m, cuda.gridDim.y * TILE):
        product_tile(a, b, c, c, m, n, n_rows, row, column)
