"""Dropout and other noise."""

import numpy as np

from fastnn._core.codes import DropoutForm

from .tables import after, cropped, key_of, launch, on_device, rows_of, tables


def dropout(x, rate, seed, step=0, stage=0, first_row=0, inverted=True):
    """Rows first_row .. of a batch with dropout."""
    rows, shape = after(first_row, x)
    rows, y = on_device(rows, np.zeros_like(rows))
    rates = [0.0] * stage + [rate]
    form = DropoutForm.INVERTED if inverted else DropoutForm.ORIGINAL
    steps = tables(x.dtype, shape[0], step=step, rates=rates, form=form)
    launch("dropout", shape, steps, rows, y, shape[1], stage, *key_of(seed))
    return cropped(y, x, first_row)


def scaled(x, factor):
    """`x` times a factor."""
    shape = np.atleast_2d(x).shape
    (rows,) = on_device(rows_of(x))
    steps = tables(x.dtype, len(rows))
    launch("scaled", shape, steps, rows, rows, shape[1], x.dtype.type(factor))
    return cropped(rows, x)


def residual(skip, branch, rate, seed, step=0, stage=0, first_row=0):
    """skip + branch, skip None for zeros; rows go without the branch at this rate."""
    rows, shape = after(first_row, branch)
    skipped = rows if skip is None else after(first_row, skip)[0]
    rows, skipped, y = on_device(rows, skipped, np.zeros_like(rows))
    steps = tables(branch.dtype, shape[0], step=step, rates=[0.0] * stage + [rate])
    choice = {"DROPS": rate > 0, "HAS_SKIP": skip is not None}
    launch("residual", shape, steps, skipped, rows, y, shape[1], stage, *key_of(seed), **choice)
    return cropped(y, branch, first_row)


def normal_noise(x, deviation, seed, step=0, stage=0, first_row=0):
    """Rows first_row .. of a matrix with normal noise added."""
    rows, shape = after(first_row, x)
    rows, y = on_device(rows, np.zeros_like(rows))
    steps = tables(x.dtype, shape[0], step=step)
    arguments = rows, y, shape[1], stage, x.dtype.type(deviation), *key_of(seed)
    launch("normal_noise", shape, steps, *arguments)
    return cropped(y, x, first_row)
