"""Tables that kernels read at each step; Python fills them for many steps at once.

Kernels take `words` (int64) and `reals` first. Row 0 of `words` is where the device stands: which
row of both tables is that of the step at hand, so that the same launches do every step, and whether
training has halted. The columns of `reals` are those of the table of coefficients, and some more.
"""

import numpy as np

from fastnn._core.codes import N_COEFFICIENTS, Column, DropoutForm, Kind

#: Columns of row 0 of `words`. The last kernel of ``small.py`` reads UPDATING in the place of both
#: others, which one of its blocks changes: it is the cursor, or 0 where training has halted. And it
#: counts in BLOCKS_DONE those of its blocks that have said what they know.
CURSOR, HALTED, UPDATING, BLOCKS_DONE = range(4)
#: Columns of the rows of steps: the place of the batch in the order of rows, its number of rows,
#: the number of the step for masks, the fields of ``Mixing`` in ``program.h``; then, for each
#: stage, the random word from which dropout keeps a value.
START, N_ROWS, STEP, SHIFT, BOX_FIRST, BOX_RUN, BOX_N_RUNS, BOX_STRIDE, KEEP_FROM = range(9)
#: Columns of `reals` behind those of coefficients: 1 / the sum of the batch's weights; then, for
#: each stage, the factor of what dropout keeps.
SCALE, KEEP_SCALE = N_COEFFICIENTS, N_COEFFICIENTS + 1

# 24 bits are what a float32 can hold of a rate.
MOST_DROPPED = 1 - 2.0**-24


def keep_from(rate):
    """The smallest random word (of 32 bits) with which dropout at this rate keeps a value."""
    return np.floor(np.asarray(rate) * 4294967296.0 + 0.5).astype(np.int64)


def step_tables(stages, dtype, batch_size, n_rows, coefficients, scale, first_step=0):
    """The tables of some steps, one after another through `n_rows` rows.

    Parameters
    ----------
    stages : ndarray of STAGE
    dtype : dtype
        Type of `reals`.
    batch_size, n_rows : int
    coefficients : ndarray of shape (n_steps, N_COEFFICIENTS)
    scale : float or ndarray of shape (n_steps,)
        1 / the sum of the weights of a batch.
    first_step : int, default=0
        Number of the first step.

    Returns
    -------
    words : ndarray of int64, shape (1 + n_steps, KEEP_FROM + n_stages)
    reals : ndarray of dtype, shape (1 + n_steps, KEEP_SCALE + n_stages)
    """
    n_steps, number = len(coefficients), np.arange(len(coefficients))
    words = np.zeros((1 + n_steps, KEEP_FROM + len(stages)), np.int64)
    reals = np.zeros((1 + n_steps, KEEP_SCALE + len(stages)), dtype)
    words[0, CURSOR] = 1
    of_step = words[1:]
    of_step[:, START] = number * batch_size
    of_step[:, N_ROWS] = np.minimum(batch_size, n_rows - of_step[:, START])
    of_step[:, STEP] = (first_step + number) & 0xFFFFFFFF
    # Mixing weight and fields lie side by side in both tables.
    first = Column.MIX_SHIFT
    of_step[:, SHIFT : BOX_STRIDE + 1] = coefficients[:, first : first + BOX_STRIDE + 1 - SHIFT]
    of_step[:, SHIFT] %= np.maximum(of_step[:, N_ROWS], 1)
    # A stage's rate: that of dropout times the factor of the step; of others as it is.
    is_dropout = stages["kind"] == Kind.DROPOUT
    factors = np.where(is_dropout, coefficients[:, [Column.DROPOUT]], 1.0)
    rates = np.minimum(stages["rate"] * factors, MOST_DROPPED)
    of_step[:, KEEP_FROM:] = keep_from(rates)
    keeps = 1 / (1 - rates)
    is_original = is_dropout & (stages["code"] == DropoutForm.ORIGINAL)
    keeps = np.where(is_original, 1.0, keeps)
    reals[1:, KEEP_SCALE:] = np.where(is_dropout, keeps * stages["parameter"], keeps)
    reals[1:, :N_COEFFICIENTS] = coefficients
    reals[1:, SCALE] = scale
    return words, reals
