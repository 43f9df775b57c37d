"""The tasks of an update: runs of parameters, each of one array, that a block goes through.

Parameters, their gradients and the optimizer's slots lie in arenas of one layout, so that one
kernel updates all of a network. Which of them belong together is a table with a row for each task.
"""

import numpy as np

from fastnn._core.codes import Kind

from ._numba import SIMULATED
from .kernels import THREADS

#: Parameters of a task, padding included.
TASK_ELEMENTS = 32 if SIMULATED else 512

#: Columns of the table: where in the arena a task begins and how many parameters it has; of which
#: kind they are, and which stage has them; where their array begins, its row stride and its columns
#: without padding; the number of the weight they belong to, -1 for none. The last two are not of
#: the task: in row i they say where the tasks of the weight of number i begin and end.
FIRST, LENGTH, GROUP, STAGE, BASE, LD, N_COLUMNS, WEIGHT, WEIGHT_BEGIN, WEIGHT_END = range(10)
N_TASK_COLUMNS = 10

#: Groups: weights, biases, and the vectors of other stages, which have no penalty and no decay.
WEIGHTS, BIASES, VECTORS = range(3)


def runs_of(offset, length):
    """Return the first parameters of the tasks of an array, and their numbers of parameters."""
    first = np.arange(offset, offset + length, TASK_ELEMENTS)
    return first, np.minimum(TASK_ELEMENTS, offset + length - first)


def plan_tasks(program):
    """The tasks of all parameters of a program.

    Returns
    -------
    tasks : ndarray of int64, shape (n_tasks, N_TASK_COLUMNS)
    factors : ndarray of float64, shape (n_tasks,)
        Factors of the learning rate; 0 for frozen parameters. Kernels take them in their type.
    n_weights : int
    """
    tasks, factors, ranges = [], [], []
    n_tasks = 0

    def add(index, group, offset, length, ld, n_columns, factor):
        nonlocal n_tasks
        first, lengths = runs_of(offset, length)
        table = np.zeros((len(first), N_TASK_COLUMNS), np.int64)
        table[:, FIRST], table[:, LENGTH] = first, lengths
        table[:, GROUP], table[:, STAGE] = group, index
        table[:, BASE], table[:, LD], table[:, N_COLUMNS] = offset, ld, n_columns
        table[:, WEIGHT] = len(ranges) if group == WEIGHTS else -1
        if group == WEIGHTS:
            ranges.append((n_tasks, n_tasks + len(first)))
        tasks.append(table)
        factors.append(np.full(len(first), factor))
        n_tasks += len(first)

    for index, stage in enumerate(program.stages):
        kind, ld, n_out = int(stage["kind"]), int(stage["ld_out"]), int(stage["n_out"])
        of_weight, of_bias = float(stage["weight_factor"]), float(stage["bias_factor"])
        if kind == Kind.DENSE:
            length = int(stage["n_in"]) * ld
            add(index, WEIGHTS, int(stage["weight"]), length, ld, n_out, of_weight)
        n_vectors = ld if kind == Kind.WEIGHT_NORM else int(stage["n_sums"])
        if n_vectors and kind != Kind.BN_STATISTICS:
            add(index, VECTORS, int(stage["weight"]), n_vectors, n_vectors, n_vectors, of_weight)
        if kind in (Kind.DENSE, Kind.WEIGHT_NORM) and stage["bias"] >= 0:
            add(index, BIASES, int(stage["bias"]), ld, ld, n_out, of_bias)
    table = np.concatenate(tasks)
    table[: len(ranges), WEIGHT_BEGIN : WEIGHT_END + 1] = ranges
    return table, np.concatenate(factors), len(ranges)


def over_tasks(n_tasks):
    """Grid and block of a kernel that has a block for each task, or for each weight."""
    return n_tasks, THREADS
