"""Rows of a batch mixed with other rows of it, mixup and CutMix: twin of ``cpu/mix.h``.

The mixing of losses is in `losses`.
"""

from fastnn._core.codes import Column

from ._numba import cuda
from .kernels import device, kernel, real
from .rows import row_of
from .steps import BOX_FIRST, BOX_N_RUNS, BOX_RUN, BOX_STRIDE, CURSOR, N_ROWS, SHIFT, START

#: Column of `reals`: how much of itself a row keeps.
MIX_WEIGHT = int(Column.MIX_WEIGHT)


@device
def partner_of(i, shift, n_rows):
    """The row of the batch that is mixed into row i."""
    return (i + shift) % n_rows


@device
def is_in_box(j, first, run, n_runs, stride):
    """Return whether column j is in one of n_runs runs, which begin `stride` apart."""
    along = j - first
    return along >= 0 and along // stride < n_runs and along % stride < run


@kernel
def mix_rows(words, reals, X, order, x):
    """The rows of a batch, gathered and mixed -> x (n_rows, ld); padding is left.

    x = weight x + (1 - weight) partner; with a box, x = partner there and x elsewhere.
    """
    at, n = words[0, CURSOR], X.shape[1]
    n_rows, start, shift = words[at, N_ROWS], words[at, START], words[at, SHIFT]
    first, run = words[at, BOX_FIRST], words[at, BOX_RUN]
    n_runs, stride = words[at, BOX_N_RUNS], words[at, BOX_STRIDE]
    weight = reals[at, MIX_WEIGHT]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        row = row_of(order, start + i)
        partner = row_of(order, start + partner_of(i, shift, n_rows))
        for j in range(thread[0], n, threads[0]):
            value = real(X[row, j])
            if weight != real(1):
                other = real(X[partner, j])
                if n_runs == 0:
                    value = weight * value + (real(1) - weight) * other
                elif is_in_box(j, first, run, n_runs, stride):
                    value = other
            x[i, j] = value
