"""Matrix products by tensor cores, of inputs rounded to TF32: for ``precision="tf32"``.

A TF32 number has the exponent of a float32 and 11 significant bits. Both operands are rounded to
that, to nearest with ties away from zero, when they are brought to shared memory, so inputs are off
by 2^-11 of themselves at most. Their products are exact in float32. A tensor core adds four or
eight of them to a float32 sum at a time; how it rounds within, NVIDIA does not say, but it is taken
to be less exact than float32, by a few times. Biases, what products are added to, and all that is
no product of matrices are float32 as ever. The order of the sums depends on nothing but the depth
of the product: reruns give the same bits.

What `TF32` binds to the names of ``dense.py`` makes its kernels such ones. A block is of some warps
that lie beside each other over its tile; what is each one's consists of MMA_ROWS x MMA_COLUMNS
products of (16, 8) by (8, 8), and its 32 threads execute together one instruction for each. Which
thread holds which elements of the three matrices, its fragments, the instruction lays down: see
"Matrix Fragments for mma.m16n8k8" in NVIDIA's "Parallel Thread Execution ISA".
"""

import numpy as np

from ._numba import SIMULATED, cuda, inline_ptx
from .dense import STRIP, TILE_THREADS, load_strips, store_sum
from .kernels import device, real

# What `sizes` binds.
MMA_ROWS, MMA_COLUMNS, WARPS_ACROSS, PITCH = 1, 1, 1, 1


def sizes(tile, strip, rows, columns):
    """Bindings for tiles of that side, of warps with rows x columns products each."""
    across, down = tile // (8 * columns), tile // (16 * rows)
    return dict(
        TILE=tile,
        STRIP=strip,
        TILE_THREADS=32 * across * down,
        MMA_ROWS=rows,
        MMA_COLUMNS=columns,
        WARPS_ACROSS=across,
        # Rows of strips lie 8 or 24 banks apart: what a warp reads at once, 4 x 8, lies in all 32.
        PITCH=tile + 8,
    )


SIZES_ON_GPU = sizes(64, 16, 2, 4)
#: What makes products of ``dense.py`` products of TF32.
TF32 = dict(
    product_tile="tf32_product_tile",
    strip_value="tf32_value",
    **(sizes(16, 8, 1, 2) if SIMULATED else SIZES_ON_GPU),
)

if SIMULATED:

    @device
    def to_tf32(x):
        """Twin of the instruction: half of the last bit that stays is added to the magnitude."""
        bits = np.float32(x).view(np.uint32) + np.uint32(0x1000) & np.uint32(0xFFFFE000)
        return x if x != x else bits.view(np.float32)

    @device
    def multiply_add(c0, c1, c2, c3, a0, a1, a2, a3, b0, b1):
        """Twin of the instruction: the threads of a warp show each other their fragments."""
        fragments = cuda.shared.array((TILE_THREADS, 6), real)
        thread = cuda.threadIdx.x
        cuda.syncthreads()  # those before may still be read
        fragments[thread] = a0, a1, a2, a3, b0, b1
        cuda.syncthreads()
        warp, lane = thread - thread % 32, thread % 32
        group, member = lane // 4, lane % 4
        # The four threads of a group have two rows of a, and a column of b.
        of_a = fragments[warp + 4 * group : warp + 4 * group + 4, :4].T
        sums = [c0, c1, c2, c3]
        for e in range(2):
            first = warp + 4 * (2 * member + e)
            products = of_a @ fragments[first : first + 4, 4:]
            sums[e] += products[0, 0] + products[2, 1]
            sums[e + 2] += products[1, 0] + products[3, 1]
        return sums

else:
    to_tf32 = inline_ptx("cvt.rna.tf32.f32 $0, $1;", "r", "f")
    multiply_add = inline_ptx(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{$0, $1, $2, $3}, {$8, $9, $10, $11}, {$12, $13}, {$4, $5, $6, $7};",
        "ffff",
        "ffffrrrrrr",
    )


@device
def tf32_value(x):
    """The nearest TF32 number."""
    return to_tf32(x)


@device
def tf32_product_tile(a, b, bias, c, m, n, k, row, column):
    """The tile of c = a b + bias, (m, k) times (k, n), that begins at (row, column)."""
    a_strip = cuda.shared.array((STRIP, PITCH), real)
    b_strip = cuda.shared.array((STRIP, PITCH), real)
    sums = cuda.local.array((MMA_ROWS, MMA_COLUMNS, 4), real)
    of_a = cuda.local.array((MMA_ROWS, 4), real)
    warp, lane = cuda.threadIdx.x // 32, cuda.threadIdx.x % 32
    group, member = lane // 4, lane % 4
    own_row = warp // WARPS_ACROSS * (16 * MMA_ROWS) + group
    own_column = warp % WARPS_ACROSS * (8 * MMA_COLUMNS)
    for i in range(MMA_ROWS):
        for j in range(MMA_COLUMNS):
            for e in range(4):
                sums[i, j, e] = real(0)
    for begin in range(0, k, STRIP):
        load_strips(a, b, a_strip, b_strip, m, n, k, row, column, begin)
        cuda.syncthreads()
        for first in range(0, STRIP, 8):
            at = first + member
            for i in range(MMA_ROWS):
                for e in range(4):
                    of_a[i, e] = a_strip[at + e // 2 * 4, own_row + 16 * i + e % 2 * 8]
            for j in range(MMA_COLUMNS):
                of_column = own_column + 8 * j + group
                b0, b1 = b_strip[at, of_column], b_strip[at + 4, of_column]
                for i in range(MMA_ROWS):
                    (
                        sums[i, j, 0],
                        sums[i, j, 1],
                        sums[i, j, 2],
                        sums[i, j, 3],
                    ) = multiply_add(
                        sums[i, j, 0],
                        sums[i, j, 1],
                        sums[i, j, 2],
                        sums[i, j, 3],
                        of_a[i, 0],
                        of_a[i, 1],
                        of_a[i, 2],
                        of_a[i, 3],
                        b0,
                        b1,
                    )
        cuda.syncthreads()
    for i in range(MMA_ROWS):
        for j in range(MMA_COLUMNS):
            for e in range(4):
                at_row = row + own_row + 16 * i + e // 2 * 8
                at_column = column + own_column + 8 * j + 2 * member + e % 2
                store_sum(sums[i, j, e], bias, c, m, n, at_row, at_column)
