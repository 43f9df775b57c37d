"""Round of training: steps on each partition from one state, and the mean of the resulting states.

All functions depend only on their arguments, not on the process or the number of threads, so that a
lost task can be repeated.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from .. import _core
from .._core.codes import Column
from .._core.program import Program, State, new_arena
from .._network.architecture import Architecture
from .._network.parameter_groups import with_factors
from .._train.datasets import Dataset
from ..optimizers import SGD


@dataclass
class Plan:
    """Part of a training that all of its rounds have in common.

    Attributes
    ----------
    architecture : Architecture
    factors : mapping or None
        Factors of the learning rate.
    optimizer : int
        Code of its update rule.
    n_slots : int
        Number of its slots.
    averages : bool
        Whether the state has an average of the parameters.
    batch_size : int
        Most rows of a step.
    seed : int
        Seed of all that is drawn at random.
    shuffle : bool
    mixing : Mixing or None
    loss_divisor : int
        Divisor of the engine's data loss, in reports.
    n_jobs : int or None
        The estimator's.
    """

    architecture: Architecture
    factors: Mapping | None
    optimizer: int
    n_slots: int
    averages: bool
    batch_size: int
    seed: int
    shuffle: bool
    mixing: Any
    loss_divisor: int
    n_jobs: int | None

    @functools.cached_property
    def program(self) -> Program:
        """The compiled network, which is of this process."""
        program = self.architecture.compile()
        return with_factors(program, self.factors) if self.factors else program

    def __getstate__(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def state(self, vector: np.ndarray, step: int = 0) -> State:
        """Return a state of the numbers of a vector."""
        state = State.new(self.program, self.n_slots)
        if self.averages:
            state.average = new_arena(self.program.n_parameters, self.program.dtype)
        unpack(vector, state)
        state.step = step
        return state

    def engine(self, state: State, batch_size: int, n_steps: int, number: int):
        """Return an engine for some steps on the partition of this number."""
        operations = 3 * batch_size * self.program.flops  # one pass forward, two back
        n_threads = _core.n_threads(self.n_jobs, operations, n_steps)
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0] >> 1)
        return _core.make_engine(self.program, state, self.optimizer, batch_size, n_threads, seed)

    def measuring_engine(self, vector: np.ndarray, n_rows: int):
        """Return an engine that trains nothing, and its state of parameters and statistics."""
        state = State.new(self.program, 0)
        unpack(vector, state)
        n_threads = _core.n_threads(self.n_jobs, n_rows * self.program.flops)
        rule = SGD(momentum=0.0).code  # which has no slots
        return _core.make_engine(self.program, state, rule, 1, n_threads, 0), state


class Round(NamedTuple):
    """Steps that each partition takes by itself.

    Attributes
    ----------
    epoch : int
    start : int
        Number of steps of the epoch before these.
    step : int
        Number of steps that the optimizer took before these.
    table : ndarray of shape (n_steps, N_COEFFICIENTS)
        The table of the steps, see ``_train/step_table.py``.
    """

    epoch: int
    start: int
    step: int
    table: np.ndarray


class Result(NamedTuple):
    """Result of a round on one partition, or the weighted sum of several.

    Attributes
    ----------
    vector : ndarray
        All arenas of the state, one after the other.
    loss : float
        Sum of the losses of the rows; NaN if that of a step was not finite.
    norms : ndarray of shape (2,)
        Sum and number of the norms of gradients that were measured.
    """

    vector: np.ndarray
    loss: float
    norms: np.ndarray


def pack(state: State) -> np.ndarray:
    """Return a vector of all arenas of a state."""
    return np.concatenate([arena.ravel() for arena in _arenas(state)])


def unpack(vector: np.ndarray, state: State) -> None:
    """Write the numbers of a vector into the arenas of a state."""
    start = 0
    for arena in _arenas(state):
        arena.reshape(-1)[...] = vector[start : start + arena.size]
        start += arena.size


def _arenas(state):
    arenas = state.parameters, state.statistics, state.slots, state.average
    return [arena for arena in arenas if arena.size]


def rows_of_round(n_rows: int, batch_size: int, start: int, n_steps: int) -> int:
    """Return the number of rows that a partition of `n_rows` trains on in a round."""
    return max(0, min(n_rows - start * batch_size, n_steps * batch_size))


def take_round(
    partition: Dataset, number: int, plan: Plan, vector: np.ndarray, round: Round
) -> Result:
    """Take the steps of a round on the partition of this number, from the state of the vector."""
    X, y, sample_weight, rows = partition
    size, start = plan.batch_size, round.start * plan.batch_size
    rows = _in_order(plan, round.epoch, number, rows)[start : start + len(round.table) * size]
    n_steps = -(-len(rows) // size)
    sizes = np.full(n_steps, float(size))
    sizes[-1] = len(rows) - size * (n_steps - 1)
    table = round.table[:n_steps].copy()
    if plan.mixing is not None:
        drawn = _generator(plan.seed, round.epoch, number, round.start)
        plan.mixing.draw(table, sizes, X.shape[1], drawn)
    state = plan.state(vector, round.step)
    losses, norms = np.empty((n_steps, 2)), np.empty(n_steps)
    engine = plan.engine(state, min(size, len(rows)), n_steps, number)
    n_done = engine.train_steps(X, y, sample_weight, rows, size, table, losses, norms)
    data_loss, penalty = losses.T
    loss = sizes @ (data_loss / plan.loss_divisor + penalty) if n_done == n_steps else math.nan
    measured = norms[:n_done][table[:n_done, Column.GRAD_NORM] > 0]
    return Result(pack(state), float(loss), np.array([measured.sum(), len(measured)]))


def weighted_sum(results: Sequence[Result], weights: Sequence[float] | None = None) -> Result:
    """Return the sum of weighted vectors, in float64 and in this order; all else is added."""
    vector = np.zeros(len(results[0].vector))
    for i, result in enumerate(results):
        vector += result.vector if weights is None else np.float64(weights[i]) * result.vector
    return Result(
        vector,
        sum(result.loss for result in results),
        np.sum([result.norms for result in results], axis=0),
    )


def vector_of(total: Result, dtype) -> np.ndarray:
    """Return the vector of a sum over all partitions, in the precision of the network."""
    return total.vector.astype(dtype)


def report_of(total: Result) -> tuple[float, np.ndarray]:
    """Return loss and norms of a sum over all partitions."""
    return total.loss, total.norms


def _in_order(plan, epoch, number, rows):
    """Return the rows of a partition in the order of an epoch."""
    if not plan.shuffle:
        return rows
    return rows[_permutation(plan.seed, epoch, number, len(rows))]


@functools.lru_cache(maxsize=8)
def _permutation(seed, epoch, number, n):
    """Draw a permutation, which the next round of the epoch needs again."""
    return _generator(seed, epoch, number).permutation(n)


def _generator(*seeds):
    """Return a generator whose numbers are the same in every version of NumPy."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seeds)))
