"""Updates of parameters."""

import numpy as np

from fastnn._core.codes import Rule

from ..kernels import kernels_of
from ..launch import ONE_BLOCK, over_columns, over_elements
from ..optimizers import PROXIMAL, RULES
from ..tasks import (
    BASE,
    FIRST,
    GROUP,
    LD,
    LENGTH,
    N_COLUMNS,
    N_TASK_COLUMNS,
    WEIGHT_BEGIN,
    WEIGHT_END,
    WEIGHTS,
    over_tasks,
    runs_of,
)
from .tables import on_device, rows_of, tables_with


def _tasks_of(n):
    """The tasks of one weight of one row, `n` elements in all."""
    first, lengths = runs_of(0, n)
    tasks = np.zeros((len(first), N_TASK_COLUMNS), np.int64)
    tasks[:, FIRST], tasks[:, LENGTH], tasks[:, GROUP] = first, lengths, WEIGHTS
    tasks[:, BASE], tasks[:, LD], tasks[:, N_COLUMNS] = 0, n, n
    tasks[0, WEIGHT_BEGIN], tasks[0, WEIGHT_END] = 0, len(tasks)
    return tasks


def _sums_of(n_tasks, dtype, n=1):
    """Room for so many sums of each task."""
    return on_device(*np.zeros((n, n_tasks), dtype))


def average(w, average, weight):
    """The average of vectors like `w`, after `w` has got this weight in it."""
    rows, averages = on_device(rows_of(w)[0], rows_of(average)[0])
    n = rows.shape[0]
    of_step = tables_with(w.dtype, AVERAGE=weight)
    kernels_of(w.dtype)("average")[over_elements(n)](*of_step, rows, averages, n)
    return averages.copy_to_host()[: average.size]


def optimize(w, g, slots, code, coefficients, l2=0.0, decay=0.0, factor=1.0):
    """(parameters, slots, sum of squares of the parameters before) after one step.

    `w` and `g` are vectors, `slots` has a row per slot, `coefficients` is a row of the table. LAMB
    takes them for all weights of a layer.
    """
    dtype, k, is_lamb = w.dtype, kernels_of(w.dtype), code == Rule.LAMB
    # The kernel multiplies the decay by the factor, but for LAMB's.
    of_step = tables_with(dtype, coefficients, L2=l2, DECAY=decay / (1.0 if is_lamb else factor))
    parameters, gradient = on_device(rows_of(w)[0], rows_of(g)[0])
    n = parameters.shape[0]
    slot_rows = np.zeros((3, n), dtype)
    slot_rows[: len(slots), : w.size] = slots
    tasks = _tasks_of(n)
    n_tasks, grid = len(tasks), over_tasks(len(tasks))
    slot_rows, tasks, factors, one = on_device(
        slot_rows, tasks, np.full(n_tasks, factor, dtype), np.ones(1, dtype)
    )
    squares, magnitudes, unclipped_squares, weight_squares, direction_squares = _sums_of(
        n_tasks, dtype, 5
    )
    kernel = k("optimize", update_rule=RULES[code], N_SLOTS=len(slots), DECAYS_AT_ONCE=not is_lamb)
    kernel[grid](
        *of_step,
        tasks,
        factors,
        parameters,
        parameters,
        gradient,
        slot_rows,
        one,
        squares,
        magnitudes,
        unclipped_squares,
    )
    if is_lamb:
        k("lamb_sums")[grid](
            *of_step, tasks, parameters, gradient, weight_squares, direction_squares
        )
        k("trust_ratios")[over_tasks(1)](*of_step, tasks, weight_squares, direction_squares, one, 1)
        k("lamb_step")[grid](*of_step, tasks, factors, parameters, gradient, one)
    return (
        parameters.copy_to_host()[: w.size],
        slot_rows.copy_to_host()[: len(slots), : w.size],
        float(squares.copy_to_host().sum(dtype=float)),
    )


def soft_threshold(w, slots, code, coefficients, threshold):
    """(parameters, slots) moved as after the step of `optimize` that left them."""
    of_step = tables_with(w.dtype, coefficients, SOFT_THRESHOLD=threshold)
    rows = rows_of(w)[0]
    slot_rows = np.zeros((3, len(rows)), w.dtype)
    slot_rows[: len(slots), : w.size] = slots
    tasks = _tasks_of(len(rows))
    grid, factors = over_tasks(len(tasks)), np.ones(len(tasks), w.dtype)
    tasks, factors, parameters, slot_rows = on_device(tasks, factors, rows, slot_rows)
    kernel = kernels_of(w.dtype)("soft_threshold", **PROXIMAL.get(code, {}))
    kernel[grid](*of_step, tasks, factors, parameters, slot_rows)
    slots = slot_rows.copy_to_host()[: len(slots), : w.size]
    return parameters.copy_to_host()[: w.size], slots


def finish_gradient(w, g, l2, l1, limit):
    """(gradient with those of the penalties, clipped to -limit .. limit; sums of w^2 and |w|)"""
    dtype, k = w.dtype, kernels_of(w.dtype)
    of_step = tables_with(dtype, L2=l2, L1=l1, CLIP_VALUE=limit)
    rows, gradient = on_device(rows_of(w)[0], rows_of(g)[0])
    tasks = _tasks_of(rows.shape[0])
    n_tasks, grid = len(tasks), over_tasks(len(tasks))
    # Parameters that stay as they are count in the penalty.
    tasks, factors, none, one = on_device(
        tasks, np.zeros(n_tasks, dtype), np.zeros((1, 1), dtype), np.ones(1, dtype)
    )
    clipped_squares, unclipped_squares, squares, magnitudes = _sums_of(n_tasks, dtype, 4)
    k("finish_gradient")[grid](
        *of_step, tasks, factors, rows, gradient, clipped_squares, unclipped_squares
    )
    k("optimize", update_rule="sgd", IS_FINISHED=True)[grid](
        *of_step,
        tasks,
        factors,
        rows,
        rows,
        gradient,
        none,
        one,
        squares,
        magnitudes,
        unclipped_squares,
    )
    sums = (float(each.copy_to_host().sum(dtype=float)) for each in (squares, magnitudes))
    return gradient.copy_to_host()[: w.size], *sums


def _square_sums(w, g, **columns):
    """Return the sums of squares of `finish_gradient`, finished and before clipping."""
    parameters, gradient = on_device(rows_of(w)[0], rows_of(g)[0])
    tasks = _tasks_of(parameters.shape[0])
    n_tasks = len(tasks)
    sums = _sums_of(n_tasks, w.dtype, 2)
    tasks, factors = on_device(tasks, np.ones(n_tasks, w.dtype))
    kernels_of(w.dtype)("finish_gradient")[over_tasks(n_tasks)](
        *tables_with(w.dtype, **columns), tasks, factors, parameters, gradient, *sums
    )
    return [float(each.copy_to_host().sum(dtype=float)) for each in sums]


def gradient_squares(w, g, l2, l1):
    """The sum of the squares of a gradient with those of the penalties, added as by sum_squares."""
    return _square_sums(w, g, L2=l2, L1=l1, CLIP_VALUE=0.1, GRAD_NORM=1.0)[1]


def sum_squares(x):
    """The sum of the squares of a vector, by tasks that are added in float64."""
    return _square_sums(x, x)[0]


def clip_factor(squares, most):
    """Return the factor that clips a gradient with these sums of squares."""
    (sums,) = on_device(squares)
    (clip,) = _sums_of(1, squares.dtype)
    kernels_of(squares.dtype)("clip_factor")[ONE_BLOCK](
        *tables_with(squares.dtype, CLIP_NORM=most), sums, clip, len(squares)
    )
    return clip.copy_to_host()[0]


def look_ahead(w, velocity, momentum):
    """``w + momentum * velocity`` of vectors."""
    parameters, velocities, ahead = on_device(
        rows_of(w)[0], rows_of(velocity)[0], np.full_like(rows_of(w)[0], np.nan)
    )
    tasks = _tasks_of(ahead.shape[0])
    grid = over_tasks(len(tasks))
    (tasks,) = on_device(tasks)
    kernels_of(w.dtype)("publish", LOOKS_AHEAD=True)[grid](
        *tables_with(w.dtype, OWN=momentum), tasks, parameters, velocities, ahead, 0, 0
    )
    return ahead.copy_to_host()[: w.size]


def limit_columns(w, most, rows_per_part=None):
    """`w` with columns of a norm of at most `most`; a column is not taken by parts."""
    (rows,) = on_device(rows_of(w))
    n_in, n = w.shape
    kernels_of(w.dtype)("limit_columns")[over_columns(n)](
        *tables_with(w.dtype, MAX_NORM=most), rows, w.dtype.type(1), n_in, n
    )
    return rows.copy_to_host()[:, :n]
