"""The CPU engine: many training steps in one native call, many rows in one prediction.

    Engine (this file), predict      arguments, checked by door; kernels, by instruction_sets
        threads                      a team of threads; signals
            steps, predict           one thread's part
                rows                 rows of a batch
                passes               forward and backward pass of a batch
                    stages           .. of some rows in one stage
                        bfloat16     products in bfloat16
                        losses
                updates              an update of all parameters
                    tasks            .. of a piece of them

Each name is a file of `engine_parts`, which uses those below and right of it; all use `records` and
`buffers`. They are included, not modules of their own: so calls between them are direct, and the
compiler sees through them.

A step goes through the stage table forward and back. Rows of the batch are split among threads
for everything that is done row by row: gather, forward, loss, input gradients. Then the rows of
the weights are split: a task computes the gradient of TASK_ROWS rows over the whole batch and lets
the optimizer at it while it is in the cache, so no gradient is reduced across threads, and none is
stored. Between the two lies a barrier; batch norm needs two more, as its stages need all rows.
Where a step depends on all gradients or on a whole weight (its norm), the second part is cut there
by barriers, gradients are stored, and what tasks summed is combined in their order by each thread.

Threads never share a sum, so their number does not change a bit of the result.
"""

import numpy as np
from scipy.sparse import issparse

cimport numpy as cnp
from cython.parallel cimport parallel, threadid
from libc.math cimport INFINITY, isfinite, sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport getenv
from libc.string cimport memcpy, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from fastnn._core.cpu.kernels cimport *

from fastnn._core.penalties import add_penalty
from fastnn.memory import pins
from fastnn.program import aligned_zeros

cnp.import_array()

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept   # an error stays set until the call returns

# Between two looks for Ctrl-C lies about this time; the clock is read after so many operations, of
# which a row takes some in every stage that multiplies nothing.
cdef double SECONDS_BETWEEN_LOOKS = 0.05
cdef double OPERATIONS_BETWEEN_CLOCKS = 1e7
cdef double OTHER_OPERATIONS_OF_ROW = 1000
# An update of so many operations waits for all gradients, to be left before it changes anything;
# of so many rows, since to store a gradient takes little beside computing it.
cdef double OPERATIONS_OF_LONG_UPDATE = 1e9
# Rows that go through all stages together, so that their values stay in the cache; a multiple
# of ROW_CHUNK and of the register tiles.
cdef enum:
    ROW_BLOCK = 96
    ROWS_PER_GRADIENT_CALL = 1024
    ROWS_OF_LONG_UPDATE = 1024
    MOST_UNITS_IN_PLACE = 256
    ROWS_FOR_A_CALL = 3   # of a weight: what a task costs beside its rows; a row of biases costs so
    CACHE_LINE = 64
# 24 bits are what a float32 can hold of a rate.
cdef double MOST_DROPPED = 1 - 2. ** -24

TASK = np.dtype([("stage", np.int32), ("first", np.int64), ("last", np.int64),
                 ("scratch", np.int64), ("columns", np.int64), ("cost", np.float64)], align=True)
OPERANDS = np.dtype([(name, np.int64) for name in ("weight", "transposed", "x", "dz")])

include "engine_parts/records.pxi"
include "engine_parts/buffers.pxi"
include "engine_parts/threads.pxi"
include "engine_parts/rows.pxi"
include "engine_parts/bfloat16.pxi"
include "engine_parts/losses.pxi"
include "engine_parts/stages.pxi"
include "engine_parts/passes.pxi"
include "engine_parts/tasks.pxi"
include "engine_parts/updates.pxi"
include "engine_parts/steps.pxi"
include "engine_parts/instruction_sets.pxi"
include "engine_parts/door.pxi"
include "engine_parts/predict.pxi"


cdef class Engine:
    """Trains one state of one program in place.

    Parameters
    ----------
    program : Program
    state : State
        Its arenas are the engine's: nothing is copied.
    optimizer : int
        Code of the optimizer, see ``optimizers.py``.
    max_batch : int
        Rows to make room for; more is made when a call needs it.
    n_threads : int
    seed : int
        Key of all random masks, 64 bits.
    isa : str, optional
        Instruction set; by default the fastest, or what FASTNN_ISA names.
    """

    cdef readonly object program, state
    cdef Job job
    cdef bint busy
    cdef Data rows            # of the call under way
    cdef int n_threads, real
    cdef int64_t n_targets    # numbers, or classes, of a row
    cdef int64_t n_columns
    cdef dict buffers
    cdef object arenas, tasks, operands
    cdef Words words

    def __init__(self, program, state, int optimizer, int64_t max_batch, int n_threads, seed,
                 isa=None):
        cdef Job *job = &self.job
        cdef int index
        cdef bint takes
        memset(job, 0, sizeof(Job))
        self.program, self.state, self.n_threads, self.buffers = program, state, n_threads, {}
        job.kernels = choose_kernels(isa, program.dtype)
        job.itemsize, job.panel = program.dtype.itemsize, CACHE_LINE // program.dtype.itemsize
        job.stages, job.n_stages = <const Stage *> data(program.stages), len(program.stages)
        self.real = real_type(program.dtype)
        for index in range(job.n_stages):
            if job.stages[index].kind == STAGE_OUTPUT:
                job.n_heads += 1
                takes = takes_classes(job.stages + index)
                self.n_targets += 1 if takes else job.stages[index].n_out
        job.n_parameters, job.n_statistics = program.n_parameters, program.n_statistics
        # Kept alive here, in case that the state gets others.
        self.arenas = state.parameters, state.statistics, state.slots, state.average
        job.parameters = arena(state.parameters, "parameters", self.real, job.n_parameters)
        job.statistics = arena(state.statistics, "statistics", self.real, job.n_statistics)
        job.slots = arena(state.slots, "slots", self.real, len(state.slots) * job.n_parameters)
        if len(state.average):
            job.average = arena(state.average, "average", self.real, job.n_parameters)
        job.squares = self.buffer("squares", program.n_squares)
        job.optimizer, job.seed = optimizer, seed
        if program.bfloat16:
            self.plan_operands(choose_isa(isa))
        else:
            job.transposed = self.buffer("transposed", program.n_transposed)
        job.ones = self.buffer("ones", job.panel)
        self.buffers["ones"][:] = 1
        self.plan_tasks()
        self.make_room(max_batch)

    cdef char *buffer(self, name, n, dtype=None) except? NULL:
        """Zeroed memory that lives as long as the engine; a larger one replaces the former."""
        dtype = self.program.dtype if dtype is None else dtype
        self.buffers[name] = aligned_zeros(max(1, n), dtype)
        return data(self.buffers[name])

    cdef plan_tasks(self):
        cdef Job *job = &self.job
        cdef int64_t scratch = self.program.n_vectors, columns = 0
        tasks = []
        for index, stage in enumerate(self.program.stages):
            ld = int(stage["ld_out"])
            if stage["kind"] == STAGE_DENSE:
                n_in = int(stage["n_in"])
                for first in range(0, n_in, TASK_ROWS):
                    last = min(first + TASK_ROWS, n_in)
                    cost = (last - first + ROWS_FOR_A_CALL) * ld
                    tasks.append((index, first, last, scratch, columns, cost))
                    columns += ld
                scratch += TASK_ROWS * ld
            has_biases = stage["kind"] in (STAGE_DENSE, STAGE_WEIGHT_NORM) and stage["bias"] >= 0
            n_vectors = int(stage["n_sums"])
            if stage["kind"] == STAGE_WEIGHT_NORM:
                n_vectors = ld
            if n_vectors and stage["kind"] != STAGE_BN_STATISTICS:
                tasks.append((index, 0, 0, scratch, 0, n_vectors))
                scratch += n_vectors
            if has_biases:
                tasks.append((index, 0, -1, scratch, 0, ROWS_FOR_A_CALL * ld))
                scratch += ld
        self.tasks = np.array(tasks, TASK)
        job.tasks, job.n_tasks = <const Task *> data(self.tasks), len(tasks)
        self.n_columns = columns
        job.penalties = self.buffer("penalties", job.n_tasks * job.panel)
        job.magnitudes = self.buffer("magnitudes", job.n_tasks * job.panel)
        job.gradient_squares = self.buffer("gradient_squares", job.n_tasks * job.panel)
        job.weight_squares = self.buffer("weight_squares", job.n_tasks * job.panel)
        job.told_squares = self.buffer("told_squares", job.n_tasks * job.panel)
        job.worker_scales = scratch
        scratch += max(int(stage["ld_out"]) for stage in self.program.stages)
        job.worker_rows = scratch * job.itemsize
        scratch += self.words.rows * sizeof(uint32_t) // job.itemsize
        job.worker_size = (scratch + job.panel) * job.itemsize   # a line between two threads
        job.workers = self.buffer("workers", self.n_threads * (scratch + job.panel))

    cdef plan_operands(self, int isa):
        cdef Job *job = &self.job
        job.bfloat16 = fastnn_bfloat16_kernels(isa)
        self.operands = np.empty(job.n_stages, OPERANDS)
        job.operands = <const Operands *> data(self.operands)
        self.words = lay_out_operands(job.stages, job.n_stages, True,
                                      <Operands *> data(self.operands))
        job.converted_weights = <uint32_t *> self.buffer("weights", self.words.weights, np.uint32)

    cdef make_room(self, int64_t n_rows):
        cdef Job *job = &self.job
        if n_rows <= job.max_batch:
            return
        chunks = quotient_up(n_rows, ROW_CHUNK)
        job.values = self.buffer("values", n_rows * self.program.n_values)
        job.deltas = self.buffer("deltas", n_rows * self.program.n_gradients)
        job.partials = self.buffer("partials", chunks * self.program.n_sums)
        job.row_loss = self.buffer("row_loss", n_rows * job.n_heads)
        pairs = quotient_up(n_rows, 2) * self.words.batch
        job.converted_rows = <uint32_t *> self.buffer("pairs", pairs, np.uint32)
        job.max_batch = n_rows   # when all of it is there

    cdef make_sparse_room(self, Data rows, int64_t n_rows):
        cdef Job *job = &self.job
        if rows.rows.indptr == NULL:
            return
        n = rows.most_entries(n_rows)
        job.offsets = <int64_t *> self.buffer("offsets", n_rows + 1, np.int64)
        job.starts = <int64_t *> self.buffer("starts", rows.rows.n_cols, np.int64)
        job.ends = <int64_t *> self.buffer("ends", rows.rows.n_cols, np.int64)
        job.columns = <int32_t *> self.buffer("columns", n, np.int32)
        job.entry_rows = <int32_t *> self.buffer("entry_rows", n, np.int32)
        job.entries = self.buffer("entries", n)
        job.entry_values = self.buffer("entry_values", n)

    cdef plan_updates(self):
        """What an update consists of, by what the table of the steps asks for."""
        cdef Job *job = &self.job
        cdef bint asked[N_COEFS]
        find_asked(job, asked)
        cdef bint train = job.mode == TRAIN, noise = train and asked[COEF_WEIGHT_NOISE]
        cdef bint shifts = noise or (train and job.optimizer == OPT_LOOK_AHEAD)
        job.clips_norm = train and asked[COEF_CLIP_NORM]
        job.limits = train and asked[COEF_MAX_NORM]
        job.adapts = train and job.optimizer == OPT_LAMB
        job.finishes = job.clips_norm or shifts or train and (
            asked[COEF_L1] or asked[COEF_BIAS_PENALTY] or asked[COEF_CLIP_VALUE])
        job.waits = job.clips_norm or train and (
            job.batch_size >= ROWS_OF_LONG_UPDATE
            and 2. * job.batch_size * job.n_parameters > OPERATIONS_OF_LONG_UPDATE)
        job.stores = job.waits or job.adapts
        job.read = job.parameters
        if job.stores:
            job.gradient = self.kept("gradient", job.n_parameters)
        if job.limits:
            job.column_squares = self.kept("column_squares", self.n_columns)
        if shifts:
            job.read = self.kept("read", job.n_parameters)
        job.mixes = train and asked[COEF_MIX_WEIGHT]
        if job.mixes:
            self.make_mixing_room()

    cdef char *kept(self, name, n) except? NULL:
        """The buffer of that name, made when it is first asked for."""
        if name not in self.buffers:
            return self.buffer(name, n)
        return data(self.buffers[name])

    cdef make_mixing_room(self):
        cdef Job *job = &self.job
        if job.mixed_size > 0:
            return
        # Of a block of rows, in the widest head.
        cdef int64_t ld = 0
        cdef int index
        for index in range(job.n_stages):
            if job.stages[index].kind == STAGE_OUTPUT:
                ld = max(ld, job.stages[index].ld_out)
        cdef int64_t size = ROW_BLOCK * (2 * ld + 1) * job.itemsize
        job.mixed = self.buffer("mixed", self.n_threads * size, np.uint8)
        job.partners = <int64_t *> self.buffer("partners", self.n_threads * ROW_BLOCK, np.int64)
        job.mixed_size = size

    cdef prepare(self, Mode mode, X, y, sample_weight, order, int64_t batch_size, coefficients,
                 losses, grad_norms, grad):
        """Check what a call works on, and make room for it."""
        cdef Job *job = &self.job
        cdef Data rows = Data(X, self.program.n_features)
        cdef int64_t n_rows = rows.rows.n_rows, n_steps = len(coefficients)
        cdef bint classes = takes_classes(job.stages + job.n_stages - 1)
        self.rows = rows   # which stays alive so
        job.n_rows = n_rows if order is None else len(order)
        job.batch_size = batch_size = min(batch_size, job.n_rows)
        job.mode, job.rows, job.n_steps, job.in_range = mode, &rows.rows, n_steps, True
        job.targets = checked(y, "y", cnp.NPY_INT32 if classes else self.real,
                              n_rows * self.n_targets, job.n_heads > 1)
        job.target_run = n_rows * (sizeof(int32_t) if classes else job.itemsize)
        job.weights = job.grad_norms = NULL
        if sample_weight is not None:
            job.weights = checked(sample_weight, "sample_weight", self.real, n_rows)
        job.order = NULL
        if order is not None:
            job.order = <const int64_t *> checked(order, "order", cnp.NPY_INT64, job.n_rows)
        job.coefficients = <const double *> checked(coefficients, "coefficients", cnp.NPY_DOUBLE,
                                                    n_steps * N_COEFS)
        job.losses = <double *> checked(losses, "losses", cnp.NPY_DOUBLE, 2 * n_steps)
        if grad_norms is not None:
            job.grad_norms = <double *> checked(grad_norms, "grad_norms", cnp.NPY_DOUBLE, n_steps)
        if grad is not None:
            job.gradient = arena(grad, "grad", self.real, job.n_parameters)
        if batch_size < 1 or (n_steps - 1) * batch_size >= job.n_rows:
            raise ValueError(f"{n_steps} steps of {batch_size} need more than {job.n_rows} rows.")
        if not rows_exist(job):
            raise ValueError(f"order has numbers of rows that X, of {n_rows} rows, has not.")
        if classes and not classes_exist(job):
            raise ValueError("y has numbers of classes that the network has no outputs for.")
        job.step = self.state.step
        job.row_cost = self.program.flops + OTHER_OPERATIONS_OF_ROW
        self.make_room(batch_size)
        self.make_sparse_room(rows, batch_size)
        self.plan_updates()

    cdef run(self, Mode mode, X, y, sample_weight, order, int64_t batch_size, coefficients, losses,
             grad_norms, double total, grad):
        cdef Job *job = &self.job
        if self.busy:
            raise RuntimeError(
                "This network is being trained, and cannot be from a second thread, a signal "
                "handler or a callback at the same time: wait until that has ended, or train a "
                "copy."
            )
        self.busy, job.n_done, job.weight_sum = True, 0, total
        try:
            self.prepare(mode, X, y, sample_weight, order, batch_size, coefficients, losses,
                         grad_norms, grad)
            run_team(run_steps, job, self.n_threads)
        finally:
            self.busy, self.rows = False, None
            if mode == TRAIN:
                self.state.step += job.n_done
        check_columns(job)
        return job.n_done

    def train_steps(self, X, y, sample_weight, order, batch_size, coefficients, losses,
                    grad_norms=None):
        """Take len(coefficients) steps; returns how many were taken.

        Fewer were taken when the loss of a step was not finite: that step is not applied.
        ``losses`` (n_steps, 2) receives each step's mean data loss and penalty.
        ``grad_norms`` (n_steps,) receives, where the table asks for it, the norm of the gradient of
        both, before it is clipped, over the parameters that learn; its other elements stay.
        ``y`` has the targets of several heads one head after the other, (n_rows, n_heads) in
        Fortran order.
        KeyboardInterrupt comes between steps, or leaves one that is not applied;
        ``state.step`` tells how many were taken.
        """
        return self.run(TRAIN, X, y, sample_weight, order, batch_size, coefficients, losses,
                        grad_norms, 0, None)

    def loss(self, X, y, sample_weight, order=None):
        """Mean data loss of the rows of X, of those in `order`, as in prediction.

        That is without dropout, penalty and label smoothing, and with batch norm's moving averages.
        """
        n = X.shape[0] if order is None else len(order)
        total = float(n)
        if sample_weight is not None:
            chosen = sample_weight if order is None else sample_weight[order]
            total = float(chosen.sum(dtype=np.float64))
        block = min(n, ROWS_PER_GRADIENT_CALL)
        losses = np.zeros((quotient_up(n, max(1, block)), 2))
        self.run(EVALUATE, X, y, sample_weight, order, block, np.zeros((len(losses), N_COEFS)),
                 losses, None, total, None)
        return float(losses[:, 0].sum())

    def loss_and_grad(self, X, y, sample_weight, alpha, grad, label_smoothing=0.0, l1_ratio=0.0,
                      penalize_intercepts=False):
        """Loss and gradient over all rows, without dropout; returns (data loss, penalty).

        Batch norm takes the statistics of all rows and leaves its moving averages alone. ``grad``
        has the layout of ``state.parameters`` and is overwritten.
        """
        n = X.shape[0]
        total = float(n if sample_weight is None else sample_weight.sum(dtype=np.float64))
        block = n if self.program.n_statistics else min(n, ROWS_PER_GRADIENT_CALL)
        n_blocks = quotient_up(n, max(1, block))
        grad[...] = 0
        losses = np.zeros((n_blocks, 2))
        coefficients = np.zeros((n_blocks, N_COEFS))
        coefficients[:, COEF_SMOOTHING] = label_smoothing
        self.run(GRADIENT, X, y, sample_weight, None, block, coefficients, losses, None, total,
                 grad)
        penalty = add_penalty(self.program, self.state.parameters, grad, alpha / total, l1_ratio,
                              penalize_intercepts)
        return float(losses[:, 0].sum()), penalty
