"""The CPU engine: many training steps in one native call, many rows in one prediction.

    NativeEngine (this file) and NativePredictor (predict): arguments, checked by door; kernels, by
    instruction_sets
        threads                       a team of threads, slice by slice; signals
            side_by_side              networks that threads train one after another
            steps, predict            one thread's part
                rows                  rows of a batch
                passes                forward and backward pass, stage by stage:
                    dense, bfloat16   .. matrix products
                    activations, noise, normalization
                    losses            .. of the last stage of each head
                updates               an update of all parameters
                    tasks             .. of a piece of them

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

To split the first product by columns of its weight too would let fewer weights cross caches, for a
barrier more: by the model of `benches/scaling.py` it gains at most 6 % at 16 threads of one L3.

Threads never share a sum, so their number does not change a bit of the result.
"""

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.weakref cimport PyWeakref_NewRef
from cython.parallel cimport parallel, threadid
from libc.math cimport INFINITY, isfinite, sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport getenv
from libc.string cimport memcpy, memset

from fastnn._core.cpu.kernels cimport *

from fastnn._core.program import aligned_zeros
from fastnn._core.sparse import is_sparse

cnp.import_array()

# Operations of a row in the stages that multiply nothing.
cdef double OTHER_OPERATIONS_OF_ROW = 1000

include "engine_parts/records.pxi"
include "engine_parts/buffers.pxi"
include "engine_parts/threads.pxi"
include "engine_parts/rows.pxi"
include "engine_parts/bfloat16.pxi"
include "engine_parts/dense.pxi"
include "engine_parts/activations.pxi"
include "engine_parts/noise.pxi"
include "engine_parts/normalization.pxi"
include "engine_parts/losses.pxi"
include "engine_parts/passes.pxi"
include "engine_parts/tasks.pxi"
include "engine_parts/updates.pxi"
include "engine_parts/steps.pxi"
include "engine_parts/instruction_sets.pxi"
include "engine_parts/door.pxi"
include "engine_parts/predict.pxi"


cdef class NativeEngine:
    """Training of one state of one program, in place.

    Parameters
    ----------
    program : Program
    state : State
        Its arenas are the engine's: nothing is copied.
    optimizer : int
        Code of its update rule, see ``codes.py``.
    max_batch : int
        Rows to make room for; more is made when a call needs it.
    n_threads : int
    seed : int
        Key of all random masks, 64 bits.
    isa : str, optional
        Instruction set; by default the fastest, or what FASTNN_ISA names.
    """

    cdef readonly object program, state
    cdef public object team        # says how many of the threads work, slice by slice; None: all
    cdef Job job
    cdef bint busy
    cdef InputRows rows            # of the call under way
    cdef int n_threads, real
    cdef int64_t n_targets    # numbers, or classes, of a row
    cdef int64_t n_column_sums
    cdef dict buffers
    cdef object arenas, tasks, operands, targets
    cdef OperandSizes sizes

    def __init__(self, program, state, int optimizer, int64_t max_batch, int n_threads, seed,
                 isa=None):
        cdef Job *job = &self.job
        cdef int index
        cdef bint takes
        begin_job(job, program, isa)
        self.program, self.state, self.n_threads, self.buffers = program, state, n_threads, {}
        self.real = real_type(program.dtype)
        for index in range(job.n_stages):
            if job.stages[index].kind == STAGE_OUTPUT:
                job.n_heads += 1
                takes = takes_classes(job.stages + index)
                self.n_targets += 1 if takes else job.stages[index].n_out
        job.call.targets = <HeadTargets *> self.buffer("targets", job.n_heads, HEAD_TARGETS)
        self.take_arenas()
        if program.n_squares:
            job.buffers.squares = self.buffer("squares", program.n_squares)
        job.update.optimizer, job.seed = optimizer, seed
        if program.bfloat16:
            self.plan_operands(choose_isa(isa))
        else:
            job.arenas.transposed = self.buffer("transposed", program.n_transposed)
        job.buffers.ones = self.buffer("ones", job.panel)
        self.buffers["ones"][:] = 1
        self.plan_tasks()
        self.reserve(max_batch)

    cdef take_arenas(self):
        """Check the arenas of the state, and keep them alive in case that it gets others."""
        cdef Arenas *arenas = &self.job.arenas
        cdef int64_t n = self.program.n_parameters
        state = self.state
        self.arenas = state.parameters, state.statistics, state.slots, state.average
        arenas.n_parameters = n
        arenas.parameters = arena(state.parameters, "parameters", self.real, n)
        arenas.statistics = arena(state.statistics, "statistics", self.real,
                                  self.program.n_statistics)
        arenas.slots = arena(state.slots, "slots", self.real, len(state.slots) * n)
        if len(state.average):
            arenas.average = arena(state.average, "average", self.real, n)

    cdef char *buffer(self, name, n, dtype=None) except? NULL:
        """Return zeroed memory that lives as long as the engine, in the place of the former."""
        dtype = self.program.dtype if dtype is None else dtype
        self.buffers[name] = aligned_zeros(max(1, n), dtype)
        return data(self.buffers[name])

    cdef plan_tasks(self):
        """List the tasks, and allocate their sums and the memory of each thread."""
        cdef Job *job = &self.job
        cdef TaskSums *sums = &job.sums
        cdef int64_t scratch, size, widest = 0
        cdef int index
        self.tasks, scratch, self.n_column_sums = plan_tasks(job.stages, job.n_stages,
                                                             self.program.n_vectors)
        job.tasks, job.n_tasks = <const Task *> data(self.tasks), len(self.tasks)
        size = job.n_tasks * CACHE_LINE
        sums.l2 = self.buffer("sums", 5 * size, np.uint8)
        sums.l1 = sums.l2 + size
        sums.gradient_squares = sums.l1 + size
        sums.weight_squares = sums.gradient_squares + size
        sums.norm_squares = sums.weight_squares + size
        job.scratch.column_scales = scratch
        for index in range(job.n_stages):
            widest = max(widest, job.stages[index].ld_out)
        scratch += widest
        job.scratch.bfloat16_rows = scratch * job.itemsize
        scratch += self.sizes.rows * sizeof(uint32_t) // job.itemsize
        job.scratch.size = (scratch + job.panel) * job.itemsize   # a line between two threads
        job.scratch.start = self.buffer("workers", self.n_threads * (scratch + job.panel))

    cdef plan_operands(self, int isa):
        """Lay out the operands in bfloat16, and allocate those of the weights."""
        cdef Job *job = &self.job
        job.bfloat16.kernels = fastnn_bfloat16_kernels(isa)
        self.operands = np.empty(job.n_stages, OPERANDS)
        job.bfloat16.operands = <const Operands *> data(self.operands)
        self.sizes = lay_out_operands(job.stages, job.n_stages, True,
                                      <Operands *> data(self.operands))
        job.bfloat16.weights = <uint32_t *> self.buffer("weights", self.sizes.weights, np.uint32)

    cdef reserve(self, int64_t n_rows):
        """Allocate the buffers of a batch of n_rows rows, if those that there are are smaller."""
        cdef Job *job = &self.job
        if n_rows <= job.buffers.max_batch:
            return
        chunks = quotient_up(n_rows, ROW_CHUNK)
        job.buffers.values = self.buffer("values", n_rows * self.program.n_values)
        job.buffers.deltas = self.buffer("deltas", n_rows * self.program.n_gradients)
        if self.program.n_sums:
            job.buffers.partials = self.buffer("partials", chunks * self.program.n_sums)
        job.buffers.row_loss = self.buffer("row_loss", n_rows * job.n_heads)
        pairs = quotient_up(n_rows, 2) * self.sizes.batch
        if pairs:
            job.bfloat16.rows = <uint32_t *> self.buffer("pairs", pairs, np.uint32)
        job.buffers.max_batch = n_rows   # when all of it is there

    cdef reserve_sparse(self, InputRows rows, int64_t n_rows):
        """Allocate the buffers of a batch of sparse rows."""
        cdef SparseBatch *sparse = &self.job.sparse
        if rows.rows.indptr == NULL:
            return
        n = rows.most_entries(n_rows)
        sparse.offsets = <int64_t *> self.buffer("offsets", n_rows + 1, np.int64)
        sparse.columns = <int32_t *> self.buffer("columns", n, np.int32)
        sparse.entries = self.buffer("entries", n)
        sparse.starts = <int64_t *> self.buffer("starts", rows.rows.n_cols, np.int64)
        sparse.ends = <int64_t *> self.buffer("ends", rows.rows.n_cols, np.int64)
        sparse.entry_rows = <int32_t *> self.buffer("entry_rows", n, np.int32)
        sparse.entry_values = self.buffer("entry_values", n)

    cdef plan_update(self):
        """Decide what an update consists of, and allocate what that needs."""
        cdef Job *job = &self.job
        cdef bint used[N_COEFS]
        find_used_columns(job, used)
        plan_update(job, used)
        job.arenas.read = job.arenas.parameters
        if job.update.stores_gradient:
            job.arenas.gradient = self.buffer_once("gradient", job.arenas.n_parameters)
        if job.update.limits_columns:
            job.sums.column_squares = self.buffer_once("column_squares", self.n_column_sums)
        if job.update.shifts_parameters:
            job.arenas.read = self.buffer_once("read", job.arenas.n_parameters)
        job.mixing.is_used = job.mode == TRAIN and used[COEF_MIX_WEIGHT]
        if job.mixing.is_used:
            self.reserve_mixing()

    cdef char *buffer_once(self, name, n) except? NULL:
        """Return the buffer of that name, allocated when it is first asked for."""
        if name not in self.buffers:
            return self.buffer(name, n)
        return data(self.buffers[name])

    cdef reserve_mixing(self):
        """Allocate what mixed rows need, once."""
        cdef Job *job = &self.job
        cdef MixingBuffers *mixing = &job.mixing
        if mixing.size > 0:
            return
        # Of a block of rows, in the widest head.
        cdef int64_t ld = 0
        cdef int index
        for index in range(job.n_stages):
            if job.stages[index].kind == STAGE_OUTPUT:
                ld = max(ld, job.stages[index].ld_out)
        cdef int64_t size = ROW_BLOCK * (2 * ld + 1) * job.itemsize
        mixing.memory = self.buffer("mixed", self.n_threads * size, np.uint8)
        mixing.partners = <int64_t *> self.buffer("partners", self.n_threads * ROW_BLOCK, np.int64)
        mixing.size = size

    cdef prepare(self, Mode mode, X, y, sample_weight, order, int64_t batch_size, coefficients,
                 losses, grad_norms, double total, grad):
        """Check what a call works on, and make room for it."""
        cdef Job *job = &self.job
        cdef Call *call = &job.call
        cdef InputRows rows = InputRows(X, self.program.n_features)
        cdef int64_t n_rows = rows.rows.n_rows, n_steps = len(coefficients)
        self.rows = rows   # which stays alive so
        call.n_rows = n_rows if order is None else len(order)
        call.batch_size = batch_size = min(batch_size, call.n_rows)
        job.mode, job.progress.in_range = mode, True
        call.rows, call.n_steps = &rows.rows, n_steps
        self.read_targets(y, n_rows)
        call.weights = call.grad_norms = NULL
        if sample_weight is not None:
            call.weights = checked(sample_weight, "sample_weight", self.real, n_rows)
        call.order = NULL
        if order is not None:
            call.order = <const int64_t *> checked(order, "order", cnp.NPY_INT64, call.n_rows)
        call.coefficients = <const double *> checked(coefficients, "coefficients", cnp.NPY_DOUBLE,
                                                     n_steps * N_COEFS)
        call.n_losses = 2 if np.size(losses) == 2 * n_steps else 2 + job.n_heads
        call.losses = <double *> checked(losses, "losses", cnp.NPY_DOUBLE, call.n_losses * n_steps)
        if grad_norms is not None:
            call.grad_norms = <double *> checked(grad_norms, "grad_norms", cnp.NPY_DOUBLE, n_steps)
        if grad is not None:
            job.arenas.gradient = arena(grad, "grad", self.real, job.arenas.n_parameters)
        if batch_size < 1 or (n_steps - 1) * batch_size >= call.n_rows:
            raise ValueError(f"{n_steps} steps of {batch_size} need more than {call.n_rows} rows.")
        if not rows_exist(job):
            raise ValueError(f"order has numbers of rows that X, of {n_rows} rows, has not.")
        if not classes_exist(job):
            raise ValueError("y has numbers of classes that the network has no outputs for.")
        call.step, call.weight_sum = self.state.step, total
        call.row_cost = self.program.flops + OTHER_OPERATIONS_OF_ROW
        self.reserve(batch_size)
        self.reserve_sparse(rows, batch_size)
        self.plan_update()

    cdef read_targets(self, y, int64_t n_rows):
        """Check the targets of the rows, and find those of each head."""
        cdef Job *job = &self.job
        cdef HeadTargets *heads = <HeadTargets *> job.call.targets
        cdef bint classes = takes_classes(job.stages + job.n_stages - 1)
        cdef char *first
        cdef int64_t size
        cdef int head
        record = self.program.target_record
        if self.program.needs_records or getattr(y, "dtype", None) == record:
            first = checked_records(y, record, n_rows)
            for head in range(job.n_heads):
                kind, offset = record.fields[str(head)]
                heads[head] = HeadTargets(first + <int64_t> offset,
                                          record.itemsize // kind.base.itemsize)
            return
        first = checked(y, "y", cnp.NPY_INT32 if classes else self.real, n_rows * self.n_targets,
                        job.n_heads > 1)
        size = sizeof(int32_t) if classes else job.itemsize
        for head in range(job.n_heads):   # of several, each has a class or a number of each row
            heads[head] = HeadTargets(first + head * n_rows * size,
                                      1 if classes or job.n_heads > 1 else self.n_targets)

    cdef claim(self):
        """Claim the engine for a call: one at a time."""
        cdef bint was_busy
        with cython.critical_section(self):
            was_busy, self.busy = self.busy, True
        if was_busy:
            raise RuntimeError(
                "This network is being trained, and cannot be from a second thread, a signal "
                "handler or a callback at the same time: wait until that has ended, or train a "
                "copy."
            )
        self.job.progress.n_done = 0

    cdef release(self, Mode mode):
        """Release the engine, and count the steps that were taken."""
        self.busy, self.rows = False, None
        if mode == TRAIN:
            self.state.step += self.job.progress.n_done

    cdef run(self, Mode mode, X, y, sample_weight, order, int64_t batch_size, coefficients, losses,
             grad_norms, double total, grad):
        """Do steps of one kind; return how many were done."""
        cdef Job *job = &self.job
        self.claim()
        try:
            self.prepare(mode, X, y, sample_weight, order, batch_size, coefficients, losses,
                         grad_norms, total, grad)
            run_team(run_steps, job, self.team, self.n_threads, &job.progress.n_done,
                     job.call.n_steps)
        finally:
            self.release(mode)
        check_columns(job)
        return job.progress.n_done

    def train_steps(self, X, y, sample_weight, order, batch_size, coefficients, losses,
                    grad_norms=None):
        """Take len(coefficients) steps; return how many were taken.

        Fewer were taken when the loss of a step was not finite: that step is not applied.
        ``losses`` (n_steps, 2) receives each step's mean data loss and penalty; with as many more
        columns as there are heads, their mean losses too, without their weights.
        ``grad_norms`` (n_steps,) receives, where the table asks for it, the norm of the gradient of
        both, before it is clipped, over the parameters that learn; its other elements stay.
        ``y`` has the classes, or numbers, of several heads one head after the other, (n_rows,
        n_heads) in Fortran order; or, for heads of any kinds, a record for each row:
        ``program.target_record``.
        KeyboardInterrupt comes between steps, or leaves one that is not applied;
        ``state.step`` tells how many were taken.
        """
        return self.run(TRAIN, X, y, sample_weight, order, batch_size, coefficients, losses,
                        grad_norms, 0, None)

    def _evaluate(self, X, y, sample_weight, order, int64_t block, coefficients, losses,
                  double total):
        self.run(EVALUATE, X, y, sample_weight, order, block, coefficients, losses, None, total,
                 None)

    def _sum_gradients(self, X, y, sample_weight, int64_t block, coefficients, losses,
                       double total, grad):
        self.run(GRADIENT, X, y, sample_weight, None, block, coefficients, losses, None, total,
                 grad)


include "engine_parts/side_by_side.pxi"
