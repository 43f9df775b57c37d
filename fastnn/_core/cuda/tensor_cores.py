"""Matrix products by tensor cores, of inputs rounded to TF32: for ``precision="tf32"``.

A TF32 number has the exponent of a float32 and 11 significant bits. Both operands are rounded to
that, to nearest with ties away from zero, when they are brought to shared memory, so inputs are off
by 2^-11 of themselves at most. Their products are exact in float32. A tensor core adds four or
eight of them to a float32 sum at a time; how it rounds within, NVIDIA does not say, but it is taken
to be less exact than float32, by a few times. Biases, what products are added to, and all that is
no product of matrices are float32 as ever. The order of the sums depends on nothing but the depth
of the product: reruns give the same bits.

What `TF32` binds to the names of ``dense.py`` makes its kernels such ones. A group of threads is of
some warps that lie beside each other over its tile; what is each one's consists of MMA_ROWS x
MMA_COLUMNS products of (16, 8) by (8, 8), and its 32 threads execute together one instruction for
each. Which thread holds which elements of the three matrices, its fragments, the instruction lays
down: see "Matrix Fragments for mma.m16n8k8" in NVIDIA's "Parallel Thread Execution ISA". A thread
has two neighbours in a row of each product; columns of two products are dealt out such that it has
four.
"""

import numpy as np

from ._numba import SIMULATED, cuda, inline_ptx
from .dense import STRIP, TILE_THREADS, sizes_in_memory
from .kernels import device, real

# What `sizes` binds; MMA_COLUMNS is even.
MMA_ROWS, MMA_COLUMNS, WARPS_ACROSS = 1, 2, 1


def sizes(rows, columns, strip, mma_rows, mma_columns, groups=1):
    """Bindings for tiles of rows x columns, of warps with mma_rows x mma_columns products each."""
    across, down = columns // (8 * mma_columns), rows // (16 * mma_rows)
    return dict(
        TILE_ROWS=rows,
        TILE_COLUMNS=columns,
        N_RUNS=mma_rows * mma_columns,
        MMA_ROWS=mma_rows,
        MMA_COLUMNS=mma_columns,
        WARPS_ACROSS=across,
        # Rows of strips lie 8 banks apart: what a warp reads at once of the left operand, 4 x 8,
        # lies in all 32.
        **sizes_in_memory(rows, columns, 32 * across * down, strip, groups, pad=8),
    )


#: What makes products of ``dense.py`` products of TF32, but for the sizes.
TF32 = dict(
    multiply="tf32_multiply",
    run_row="tf32_run_row",
    run_column="tf32_run_column",
    strip_value="tf32_value",
)

#: As in ``dense.py``.
TILINGS_ON_GPU = (
    (120, sizes(128, 128, 16, 4, 4)),
    (60, sizes(64, 32, 16, 2, 2, 2)),
    (0, sizes(32, 32, 16, 1, 4, 2)),
)
TILINGS = ((0, sizes(16, 16, 8, 1, 2)),) if SIMULATED else TILINGS_ON_GPU

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
def warp_row(member):
    """Row in the tile of the products of a thread's warp."""
    return member // 32 // WARPS_ACROSS * (16 * MMA_ROWS)


@device
def warp_column(member):
    """First column of a warp."""
    return member // 32 % WARPS_ACROSS * (8 * MMA_COLUMNS)


@device
def tf32_run_row(run, member):
    """Row in the tile of a thread's run of four elements."""
    return warp_row(member) + run // (MMA_COLUMNS // 2) * 8 + member % 32 // 4


@device
def tf32_run_column(run, member):
    """First column of a run."""
    return warp_column(member) + run % (MMA_COLUMNS // 2) * 16 + member % 4 * 4


@device
def tf32_multiply(sums, strips, left, right, member):
    """sums += the thread's elements of the product of strips that begin at these rows."""
    of_left = cuda.local.array((MMA_ROWS, 4), real)
    group, quarter, half = member % 32 // 4, member % 4, MMA_COLUMNS // 2
    row = warp_row(member) + group
    column = warp_column(member) + group // 2 * 4 + group % 2
    for first in range(0, STRIP, 8):
        at, over = left + first + quarter, right + first + quarter
        for i in range(MMA_ROWS):
            for e in range(4):
                of_left[i, e] = strips[at + e // 2 * 4, row + 16 * i + e % 2 * 8]
        for j in range(MMA_COLUMNS):
            at_column, e = column + j // 2 * 16 + j % 2 * 2, j % 2 * 2
            b0, b1 = strips[over, at_column], strips[over + 4, at_column]
            for i in range(MMA_ROWS):
                upper = 2 * i * half + j // 2
                lower = upper + half
                (
                    sums[upper, e],
                    sums[upper, e + 1],
                    sums[lower, e],
                    sums[lower, e + 1],
                ) = multiply_add(
                    sums[upper, e],
                    sums[upper, e + 1],
                    sums[lower, e],
                    sums[lower, e + 1],
                    of_left[i, 0],
                    of_left[i, 1],
                    of_left[i, 2],
                    of_left[i, 3],
                    b0,
                    b1,
                )
