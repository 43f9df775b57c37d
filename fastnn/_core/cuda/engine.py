"""The CUDA engine: many training steps replayed from graphs, many rows in one prediction.

Twin of ``cpu/engine.pyx``, with the same methods. ``plan`` lists the launches of a step, and
``launch.py`` runs them. The arenas of the state are copied to the device when a
call begins and back when it ends, for whoever changes or reads them in between; rows and targets
stay there from one call to the next.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np

from fastnn._core.codes import N_COEFFICIENTS, Column
from fastnn._core.device_arrays import DeviceRows
from fastnn._core.engine_base import EngineBase
from fastnn._core.program import State

from ._numba import device_errors, start
from .data import Data, Uploads, check_data, check_width, in_chunks, on_device, whole
from .launch import Memory, Replay, new_stream
from .plan import EVALUATE, GRADIENT, PREDICT, TRAIN, Arenas, Call, Plan
from .steps import CURSOR, START, step_tables

# Rows that go through the network together where there is no batch.
ROWS_PER_BLOCK = 1 << 13

# Plans that are kept, with the arrays that they know.
MOST_REPLAYS = 16

# Columns that are off where they are 0, or what a step with nothing special has in them.
SWITCHES = (
    Column.L1,
    Column.L2,
    Column.CLIP_NORM,
    Column.MAX_NORM,
    Column.WEIGHT_NOISE,
    Column.SMOOTHING,
    Column.AVERAGE,
    Column.SOFT_THRESHOLD,
)


class Engine(EngineBase):
    """Trains one state of one program in place.

    Parameters
    ----------
    program : Program
    state : State
        Its arenas are read when a call begins, and written when it ends.
    optimizer : int
        Code of its update rule, see ``codes.py``.
    max_batch : int
        Parameter of the CPU engine, ignored: each call allocates room for its batches.
    n_threads : int
        Parameter of the CPU engine, ignored.
    seed : int
        Key of all random masks, 64 bits.
    """

    rows_per_block = ROWS_PER_BLOCK

    def __init__(self, program, state, optimizer, max_batch, n_threads, seed):
        start(program.tf32)
        self.program, self.state = program, state
        self._optimizer, self._uploads = optimizer, Uploads()
        self._steps = Steps(program, seed)
        self._busy = False

    def _run(self, *arguments, **more):
        """Call `_do`, one call at a time."""
        if self._busy:
            raise RuntimeError(
                "This network is being trained, and cannot be from a second thread, a signal "
                "handler or a callback at the same time: wait until that has ended, or train a "
                "copy."
            )
        self._busy = True
        try:
            return self._do(*arguments, **more)
        finally:
            self._busy = False

    def _do(
        self,
        mode,
        X,
        y,
        sample_weight,
        order,
        batch_size,
        coefficients,
        losses,
        total=None,
        grad_norms=None,
    ):
        """Run a step of this mode for each row of `coefficients`; return how many were done."""
        check_data(self.program, X, y, sample_weight, order)
        n, n_steps = X.shape[0] if order is None else len(order), len(coefficients)
        batch_size = min(batch_size, n)
        if total is None:
            scale = _scales(n, batch_size, n_steps, sample_weight, order)
        else:
            scale = 1 / total if total > 0 else 0.0
        program, state, steps = self.program, self.state, self._steps
        tables = step_tables(
            program.stages, program.dtype, batch_size, n, coefficients, scale, state.step
        )
        stays = self._uploads.keeps(X)
        call = Call(
            mode,
            is_ordered=order is not None and stays,
            has_weights=sample_weight is not None,
            optimizer=self._optimizer,
            n_slots=len(state.slots),
            columns=frozenset(column for column in SWITCHES if coefficients[:, column].any()),
            mixes=mode == TRAIN and bool((coefficients[:, Column.MIX_WEIGHT] != 1).any()),
            tells_heads=losses.shape[1] > 2,
        )
        n_heads, n_done = program.n_heads, 0
        with device_errors(), steps.arenas_of(state, mode):
            rows = X, y, sample_weight, order, n_steps, n_heads, steps.buffer
            for first, last, data in (
                whole(*rows, self._uploads) if stays else in_chunks(*rows, batch_size)
            ):
                of_chunk = [table[first + 1 : last + 1] for table in tables]
                try:
                    steps.run(call, data, batch_size, *of_chunk)
                finally:
                    n_done += steps.n_done
                    state.step += steps.n_done * (mode == TRAIN)
                results = steps.results()
                losses[first : first + len(results), :2] = results[:, :2]
                if call.tells_heads:
                    losses[first : first + len(results), 2:] = results[:, 3:]
                if grad_norms is not None:
                    wanted = coefficients[first : first + steps.n_done, Column.GRAD_NORM]
                    wanted = wanted.nonzero()[0]
                    grad_norms[first + wanted] = results[wanted, 2]
                if steps.n_done < last - first:
                    break
        return n_done

    def train_steps(
        self, X, y, sample_weight, order, batch_size, coefficients, losses, grad_norms=None
    ):
        """Take len(coefficients) steps; returns how many were taken.

        Fewer were taken when the loss of a step was not finite: that step is not applied.
        ``losses`` (n_steps, 2) receives each step's mean data loss and penalty; with as many more
        columns as there are heads, their mean losses too, without their weights.
        ``grad_norms`` (n_steps,) receives, where the table asks for it, the norm of the gradient of
        both, before it is clipped, over the parameters that learn; its other elements stay.
        ``y`` has the classes, or numbers, of several heads one head after the other, (n_rows,
        n_heads) in Fortran order; or, for heads of any kinds, a record for each row:
        ``program.target_record``.
        KeyboardInterrupt comes between steps; ``state.step`` tells how many were taken.
        """
        rows = X, y, sample_weight, order
        return self._run(TRAIN, *rows, batch_size, coefficients, losses, grad_norms=grad_norms)

    def _evaluate(self, *arguments):
        self._run(EVALUATE, *arguments)

    def _sum_gradients(self, X, y, sample_weight, block, coefficients, losses, total, grad):
        with device_errors():
            gradient = self._steps.buffer("gradient", grad.shape)
            gradient.copy_to_device(grad)
        self._run(GRADIENT, X, y, sample_weight, None, block, coefficients, losses, total)
        gradient.copy_to_host(grad)


def _scales(n, batch_size, n_steps, sample_weight, order):
    """1 / the sum of the weights of each batch; 0 where that is 0."""
    starts = np.arange(n_steps) * batch_size
    if sample_weight is None:
        totals = np.minimum(batch_size, n - starts).astype(float)
    else:
        weights = sample_weight[:n] if order is None else sample_weight[order]
        totals = np.add.reduceat(weights.astype(float), starts)
    return np.divide(1.0, totals, out=np.zeros(n_steps), where=totals > 0)


class Steps:
    """Steps of one program on the device: its arenas and tables there, and what was planned.

    Parameters
    ----------
    program : Program
    seed : int

    Attributes
    ----------
    n_done : int
        Steps of the last run that were done: one with a loss that is not finite was not.
    """

    def __init__(self, program, seed):
        self._program, self._seed = program, seed
        self._stream = new_stream()
        self._memory = Memory(self._stream)
        self._buffers: dict = {}
        self._replays: dict = {}
        self.n_done = self._n_steps = 0

    def buffer(self, name, shape, dtype=None):
        """The memory of that name; plans that know a smaller one, or another, are forgotten."""
        dtype = np.dtype(self._program.dtype if dtype is None else dtype)
        held = self._buffers.get(name)
        fits = held is not None and held.dtype == dtype and held.shape[1:] == shape[1:]
        if not fits or held.shape[0] < shape[0]:
            self._replays.clear()
            # Padding, which no kernel writes, has to be zero.
            make = self._memory.zeros if dtype == self._program.dtype else self._memory.empty
            held = self._buffers[name] = make(shape, dtype)
        return held

    @contextmanager
    def arenas_of(self, state, mode):
        """Copy the arenas of the state to the device, and back at the end."""
        names = ["parameters", "statistics"] + ["slots", "average"] * (mode == TRAIN)
        arenas = {name: getattr(state, name) for name in names if getattr(state, name).size}
        for name, arena in arenas.items():
            self.buffer(name, arena.shape).copy_to_device(arena)
        try:
            yield
        finally:
            if mode == TRAIN:
                for name, arena in arenas.items():
                    self._buffers[name].copy_to_host(arena)

    def run(self, call, data, batch_size, words, reals, **outputs):
        """Run the steps of these tables, until all are done or Ctrl-C is pressed."""
        self.n_done, self._n_steps = 0, len(reals)
        words = np.concatenate([np.zeros_like(words[:1]), words])
        words[0, CURSOR] = 1
        words[1:, START] -= words[1, START]
        self._fill("words", words)
        self._fill("reals", np.concatenate([reals[:1], reals]))
        self.buffer("losses", (len(reals), 3 + self._program.n_heads))
        replay = self._replay(call, data, batch_size, outputs)
        try:
            replay.run(len(reals))
        finally:
            self._stream.synchronize()
            self.n_done = int(self._buffers["words"][:1].copy_to_host()[0, CURSOR]) - 1

    def _fill(self, name, values):
        self.buffer(name, values.shape, values.dtype)[: len(values)].copy_to_device(values)

    def results(self):
        """The mean data loss, the penalty and, where asked for, the norm and the losses of heads.

        They include the steps of the last run, even a step that was not taken because its loss was
        not finite.
        """
        n = min(self._n_steps, self.n_done + 1)
        return self._buffers["losses"][:n].copy_to_host()

    def _replay(self, call, data, batch_size, outputs):
        """Return a replay of such a step, cached by arrays and by the rounded batch size.

        How products are summed up follows from that size, and from nothing that happened before.
        """
        room = 1 << (batch_size - 1).bit_length()
        arrays = data.X, data.order, *data.targets, data.weights, *outputs.values()
        key = call, room, *map(id, arrays)
        if key not in self._replays:
            if len(self._replays) == MOST_REPLAYS:
                self._replays.clear()
            n = self._program.n_parameters
            if call.has_gradients:
                self.buffer("gradient", (n,))
            if call.shifts:
                self.buffer("read", (n,))
            arenas = Arenas(**self._buffers | vars(data) | outputs)
            plan = Plan(self._program, arenas, call, room, self._seed, self._memory)
            self._replays[key] = Replay(plan.launches, self._stream)
        return self._replays[key]


class _Predictions:
    """Predictions with any parameters of one program."""

    def __init__(self, program):
        self.program = program
        self._steps = Steps(program, 0)

    def predict(self, parameters, statistics, X, out):
        """Fill `out`; returns whether all of X was finite."""
        check_width(self.program, X)
        steps, n = self._steps, X.shape[0]
        block = min(n, ROWS_PER_BLOCK)
        n_steps, n_outputs = -(-n // block), out.shape[1]
        coefficients = np.zeros((n_steps, N_COEFFICIENTS))
        tables = step_tables(self.program.stages, self.program.dtype, block, n, coefficients, 0.0)
        found = steps.buffer("found", (1,), np.int64)
        found.copy_to_device(np.zeros(1, np.int64))
        state = State(parameters, statistics, np.empty(0))
        with steps.arenas_of(state, PREDICT):
            if isinstance(X, DeviceRows):
                chunks = [(0, n_steps, Data(on_device(X)))]
            else:
                chunks = in_chunks(X, None, None, None, n_steps, 1, steps.buffer, block)
            for first, last, data in chunks:
                rows = slice(first * block, min(n, last * block))
                n_rows = rows.stop - rows.start
                results = steps.buffer("out", (n_rows, n_outputs))
                of_chunk = [table[first + 1 : last + 1] for table in tables]
                steps.run(Call(PREDICT), data, block, *of_chunk, out=results, found=found)
                out[rows] = results[:n_rows].copy_to_host()
        return not found.copy_to_host()[0]


# The last predictions, for whoever validates, or predicts again, comes with the same program; and
# who makes them, one thread at a time.
_last: list = []
_predicting = threading.Lock()


class Predictor:
    """Predictions of one network; see `Predictor` of the CPU engine."""

    def __init__(self, program, parameters, statistics):
        self.program, self.parameters, self.statistics = program, parameters, statistics

    def __call__(self, X, n_threads=1, both_classes=False):
        """Return the outputs for the rows of X, and whether all of X was finite."""
        program = self.program
        out = np.empty((X.shape[0], program.n_outputs), program.dtype)
        start(program.tf32)
        with _predicting, device_errors():
            if not _last or _last[0].program is not program:
                _last[:] = [_Predictions(program)]
            finite = _last[0].predict(self.parameters, self.statistics, X, out)
        return np.hstack([1 - out, out]) if both_classes else out, finite
