"""The CPU engine: many training steps in one native call, many rows in one prediction.

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


# ---------------------------------------------------------------------------- what one call needs

cdef enum Mode:
    TRAIN      # dropout, batch statistics, optimizer
    GRADIENT   # no dropout, batch statistics, gradients summed over the calls
    PREDICT    # no dropout, moving statistics, output written
    EVALUATE   # no dropout, moving statistics, loss only

# Consecutive rows of one weight, or (last < 0) biases, or (last == 0) the vectors of a stage: scale
# and shift, slopes, the lengths of weight norm.
cdef struct Task:
    int32_t stage
    int64_t first, last
    int64_t scratch    # of this stage's gradient, in a thread's scratch
    int64_t columns    # of sums over its rows, one for each column
    double cost

# Where a dense stage has its operands in pairs of bfloat16, in words of 32 bits: weights and, where
# there is an input gradient, transposed weights among all weights; rows and gradients of a batch
# among the buffers of batches, as elements of one row that lie before them.
cdef struct Operands:
    int64_t weight, transposed, x, dz

cdef struct Job:
    Mode mode
    const Kernels *kernels
    int64_t itemsize, panel
    const Stage *stages
    int n_stages, n_heads       # heads: stages with a loss
    const Task *tasks
    int n_tasks
    int64_t max_batch, n_parameters, n_statistics
    # arenas; forward and backward read the parameters in another, where these are shifted
    char *parameters
    char *read
    char *average      # NULL for none
    char *slots
    char *statistics
    char *transposed
    char *gradient
    # buffers shared by the threads of a step
    char *values
    char *deltas
    char *partials
    char *squares
    char *row_loss
    # sums of each task: by lane, of w^2 and |w| before the step, of g^2 (then, with LAMB, of the
    # squares of the direction), of w^2 for LAMB, and of g^2 as it is told; by column, of w^2 after
    # the step
    char *penalties
    char *magnitudes
    char *gradient_squares
    char *weight_squares
    char *told_squares
    char *column_squares
    char *ones
    # buffers of each thread
    char *workers
    int64_t worker_size, worker_values, worker_scales
    bint mixes                  # rows of this call are mixed with each other
    char *mixed                 # then the loss of the partners' targets: z, gradient, loss ..
    int64_t *partners           # .. and their row numbers
    int64_t mixed_size
    # products in bfloat16; NULL where they are of the engine's type
    const Bfloat16Kernels *bfloat16
    const Operands *operands
    uint32_t *converted_weights     # NULL: convert them when they are read
    uint32_t *converted_rows
    int64_t worker_rows             # of a thread's memory, rows to multiply
    # a batch of sparse rows
    int64_t *offsets
    int64_t *starts
    int64_t *ends
    int64_t n_entries
    int32_t *columns
    int32_t *entry_rows
    char *entries
    char *entry_values
    # the call
    const Rows *rows
    const char *targets
    int64_t target_run          # bytes from the targets of one head to those of the next
    const char *weights
    const int64_t *order
    int64_t n_rows, batch_size, n_steps
    int64_t n_done, n_taken     # steps done, blocks of rows taken
    double row_cost             # operations of a row, forward or back
    const double *coefficients
    double *losses
    double *grad_norms          # NULL: nobody asks
    double weight_sum
    int optimizer
    bint finishes       # gradients are penalised or clipped before the optimizer has them
    bint clips_norm     # .. by the norm of all of them
    bint adapts         # LAMB: the norm of a weight decides the length of its step
    bint limits         # the norms of the columns of weights
    bint waits          # the optimizer has no gradient before all are there
    bint stores         # gradients, as the optimizer does not take them at once
    uint64_t seed
    int64_t step
    char *out
    int64_t n_outputs
    bint all_finite
    int in_range                # False: a sparse row has a column that there is not
    Barrier barrier

# Rows of a matrix, one after another or, where order is not NULL, those with the numbers order[0],
# order[1], ..
cdef struct MatrixRows:
    const char *first
    int64_t ld
    const int64_t *order

# What a thread works on: a batch, and the rows of it that are its own.
cdef struct Worker:
    int team                # number of threads
    int64_t n_rows          # of the batch
    int64_t first, last     # own rows
    const int64_t *order    # row numbers of the batch, NULL: start, start + 1, ..
    int64_t start
    uint32_t step
    double scale            # 1 / sum of the batch's weights
    double smoothing        # of the labels
    bint tells_norm         # of the gradient of this step
    char *values            # value buffers, and the number of rows that each has room for
    int64_t room
    MatrixRows input        # of the batch, gathered or where the user has them
    char *own               # vectors of normalisations, then the gradient of a task
    char *mixed             # its part of job.mixed, and of job.partners
    int64_t *partners
    Mixing mixing           # and what else the step has in the table
    double dropout
    bint looks              # for signals: the thread that called
    double cost             # operations since it saw the clock
    double next_look
    uint64_t mode           # of floating-point numbers, outside


# What Numba made of a user's function.
ctypedef void (*Elementwise)(int64_t n, const void *x, void *y) noexcept nogil


# ---------------------------------------------------------------------------------------- signals

cdef inline bint leaves(Job *job, Worker *worker, double cost) noexcept nogil:
    """Whether a signal ends the call: what was begun is left. `cost` is of what comes next."""
    if worker.looks:
        worker.cost += cost
        if worker.cost > OPERATIONS_BETWEEN_CLOCKS:
            worker.cost = 0
            look_for_signals(job, worker)
    return leaves_at_barrier(&job.barrier)


cdef void look_for_signals(Job *job, Worker *worker) noexcept nogil:
    """Let Python handle signals, if it is time to; an error of theirs ends the call."""
    cdef timespec clock
    clock_gettime(CLOCK_MONOTONIC, &clock)
    cdef double now = clock.tv_sec + 1e-9 * clock.tv_nsec
    if now < worker.next_look:
        return
    if worker.next_look > 0:
        restore_denormals(worker.mode)   # a handler runs anything
        with gil:
            if PyErr_CheckSignals() != 0:
                leave_at_barrier(&job.barrier)
        flush_denormals()
    worker.next_look = now + SECONDS_BETWEEN_LOOKS


cdef inline const int64_t *shifted(const int64_t *order, int64_t n) noexcept nogil:
    if order == NULL:
        return NULL
    return order + n


cdef inline char *value(const Job *job, const Worker *worker, int64_t offset, int64_t row,
                        int64_t ld) noexcept nogil:
    """Row `row` of a value buffer."""
    return worker.values + (offset * worker.room + row * ld) * job.itemsize


cdef inline MatrixRows stage_input(const Job *job, const Worker *worker, const Stage *stage,
                                   int64_t row) noexcept nogil:
    """What a stage reads, from row `row` of the batch on."""
    cdef MatrixRows rows = worker.input
    if stage.x != 0:
        rows = MatrixRows(value(job, worker, stage.x, 0, stage.ld_in), stage.ld_in, NULL)
    if rows.order == NULL:
        rows.first += row * rows.ld * job.itemsize
    else:
        rows.order += row
    return rows


cdef inline char *delta(const Job *job, int64_t offset, int64_t row, int64_t ld) noexcept nogil:
    """Row `row` of a gradient buffer."""
    return job.deltas + (offset * job.max_batch + row * ld) * job.itemsize


cdef inline char *parameter(const Job *job, int64_t offset) noexcept nogil:
    """As forward and backward read it, NULL for -1."""
    if offset < 0:
        return NULL
    return job.read + offset * job.itemsize


# Vectors of a stage that each thread has for itself: the same in every thread, recomputed by each
# from the chunks' partial sums rather than waited for.
cdef enum Vector:
    MEAN, VARIANCE, INVERSE_STD, D_SCALE, D_SHIFT   # of batch norm
    INVERSE_NORM = 0, SCALE, D_SUMS                 # of weight norm; D_SUMS are two

cdef inline char *vector(const Job *job, const Worker *worker, const Stage *stage,
                         Vector which) noexcept nogil:
    return worker.own + (stage.vectors + which * stage.ld_out) * job.itemsize


cdef inline char *partial(const Job *job, const Stage *stage, bint second,
                          int64_t chunk) noexcept nogil:
    """Sums over a chunk of rows; batch norm has those of the backward pass behind the first."""
    cdef int64_t chunks = quotient_up(job.max_batch, ROW_CHUNK)
    return job.partials + (stage.sums * chunks
                           + stage.n_sums * (second * chunks + chunk)) * job.itemsize


cdef inline Mask mask(const Job *job, const Worker *worker, int stage) noexcept nogil:
    cdef Mask m
    m.seed, m.step, m.stage = job.seed, worker.step, stage
    m.rate, m.scale = job.stages[stage].rate, 1
    return m


cdef inline Mask dropout_mask(const Job *job, const Worker *worker, int stage) noexcept nogil:
    """The same at this step's rate, which never reaches 1."""
    cdef Mask m = mask(job, worker, stage)
    m.rate = min(m.rate * worker.dropout, MOST_DROPPED)
    m.scale = 1 / (1 - m.rate) if job.stages[stage].code == DROPOUT_INVERTED else 1
    m.scale *= job.stages[stage].parameter
    return m


cdef inline const char *targets_of(const Job *job, const Stage *stage) noexcept nogil:
    """The targets of a head."""
    return job.targets + stage.head * job.target_run


cdef inline char *losses_of_rows(const Job *job, int64_t head, int64_t row) noexcept nogil:
    """The loss of a row of the batch in a head."""
    return job.row_loss + (head * job.max_batch + row) * job.itemsize


cdef void of_user(const Job *job, const Stage *stage, uint64_t function, int64_t n_rows,
                  const char *x, char *y) noexcept nogil:
    """A function that the user wrote, of all but the padding: 0 need not be in its domain."""
    cdef int64_t row
    for row in range(n_rows):
        (<Elementwise> <size_t> function)(stage.n_out, x + row * stage.ld_out * job.itemsize,
                                          y + row * stage.ld_out * job.itemsize)


# ------------------------------------------------------------------------------------- bfloat16

cdef inline uint32_t *pair_rows(const Job *job, int64_t offset, int64_t row,
                                int64_t ld) noexcept nogil:
    """Where rows `row` (even) and `row` + 1 of a batch lie as pairs."""
    return job.converted_rows + offset * quotient_up(job.max_batch, 2) + row // 2 * ld


cdef void forward_bfloat16(const Job *job, const Worker *worker, int index, int64_t first,
                           int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Operands *operands = job.operands + index
    cdef const Bfloat16Kernels *k = job.bfloat16
    cdef int64_t ld = stage.ld_out, half = stage.ld_in // 2
    cdef MatrixRows x = stage_input(job, worker, stage, first)
    cdef const char *bias = parameter(job, stage.bias)
    cdef char *y = value(job, worker, stage.y, first, ld)
    cdef char *rows = worker.own + job.worker_rows
    cdef uint32_t *pairs = NULL
    if job.mode == TRAIN or job.mode == GRADIENT:
        pairs = pair_rows(job, operands.x, first, stage.ld_in)
    k.convert(n_rows, stage.n_in, x.first, x.ld, x.order, rows, half, pairs, stage.ld_in)
    if job.converted_weights == NULL:
        k.matmul_converting(n_rows, stage.n_in, stage.n_out, rows, half,
                            parameter(job, stage.weight), ld, bias, y, ld)
    else:
        k.matmul(n_rows, quotient_up(stage.n_in, 2), stage.n_out, rows, half, NULL,
                 job.converted_weights + operands.weight, ld, bias, y, ld, False)


cdef void backward_bfloat16(const Job *job, const Worker *worker, int index, int64_t first,
                            int64_t n_rows) noexcept nogil:
    """The input gradient, if it is needed, and what the weight gradient will need."""
    cdef const Stage *stage = job.stages + index
    cdef const Operands *operands = job.operands + index
    cdef const Bfloat16Kernels *k = job.bfloat16
    cdef int64_t ld = stage.ld_out, ld_in = stage.ld_in
    cdef const char *dz = delta(job, stage.dy, first, ld)
    cdef uint32_t *pairs = pair_rows(job, operands.dz, first, ld)
    cdef char *rows = NULL
    if stage.dx >= 0:
        rows = worker.own + job.worker_rows
    k.convert(n_rows, stage.n_out, dz, ld, NULL, rows, ld // 2, pairs, ld)
    if stage.dx >= 0:
        k.matmul(n_rows, quotient_up(stage.n_out, 2), stage.n_in, rows, ld // 2, NULL,
                 job.converted_weights + operands.transposed, ld_in, NULL,
                 delta(job, stage.dx, first, ld_in), ld_in, stage.adds)


cdef void weight_gradient_bfloat16(const Job *job, const Worker *worker, const Task *task,
                                   char *g) noexcept nogil:
    cdef const Stage *stage = job.stages + task.stage
    cdef const Operands *operands = job.operands + task.stage
    cdef int64_t ld = stage.ld_out
    job.bfloat16.matmul_transposed(task.last - task.first, quotient_up(worker.n_rows, 2),
                                   stage.n_out, pair_rows(job, operands.x, 0, 0) + task.first,
                                   stage.ld_in, NULL, pair_rows(job, operands.dz, 0, 0), ld, g, ld,
                                   job.mode != TRAIN)


cdef void convert_weights(const Job *job, int index, int64_t first, int64_t last) noexcept nogil:
    """Rows first .. last of a weight as forward and input gradient read them; first is even."""
    cdef const Stage *stage = job.stages + index
    cdef const Operands *operands = job.operands + index
    cdef int64_t ld = stage.ld_out
    cdef const char *w = parameter(job, stage.weight)
    if stage.x == 0 and job.rows.indptr != NULL:   # sparse rows multiply the weights as they are
        return
    job.bfloat16.convert(last - first, stage.n_out, w + first * ld * job.itemsize, ld, NULL, NULL,
                         0, job.converted_weights + operands.weight + first // 2 * ld, ld)
    if operands.transposed >= 0:
        job.bfloat16.transpose_pairs(first, last, stage.n_out, w, ld,
                                     job.converted_weights + operands.transposed, stage.ld_in)


cdef void convert_all_weights(Job *job, int thread, int n_threads) noexcept nogil:
    """What one thread converts before a prediction."""
    cdef uint64_t mode = flush_denormals()
    cdef int index
    cdef int64_t first
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_DENSE:
            first = thread * TASK_ROWS
            while first < job.stages[index].n_in:
                convert_weights(job, index, first, min(first + <int64_t> TASK_ROWS,
                                                       job.stages[index].n_in))
                first += n_threads * TASK_ROWS
    restore_denormals(mode)


# ------------------------------------------------------------------------------ rows, a stage each

cdef void forward(const Job *job, const Worker *worker, int index, int64_t first,
                  int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Kernels *k = job.kernels
    cdef int64_t ld = stage.ld_out, row = 0
    cdef MatrixRows input = stage_input(job, worker, stage, first)
    cdef const char *x = input.first   # only dense stages read rows in another order
    cdef char *y = value(job, worker, stage.y, first, ld)
    cdef bint drops = job.mode == TRAIN and stage.rate > 0
    cdef Mask drawn

    if stage.kind == STAGE_DENSE and stage.x == 0 and job.rows.indptr != NULL:
        k.csr_matmul(n_rows, ld, job.offsets + first, job.columns, job.entries,
                     parameter(job, stage.weight), parameter(job, stage.bias), y)
    elif stage.kind == STAGE_DENSE and job.bfloat16 != NULL:
        forward_bfloat16(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_DENSE:
        k.matmul(n_rows, stage.n_in, stage.n_out, x, input.ld, input.order,
                 parameter(job, stage.weight), ld, parameter(job, stage.bias), y, ld, False)
    elif stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm(n_rows, ld, x, vector(job, worker, stage, SCALE), parameter(job, stage.bias),
                     y)
    elif stage.kind == STAGE_ROW_NORM:
        k.rownorm(n_rows, stage.n_out, ld, stage.groups, stage.epsilon, x,
                  parameter(job, stage.weight), parameter(job, stage.bias), stage.code, y,
                  value(job, worker, stage.other, first, 2 * stage.groups))
    elif stage.kind == STAGE_PRELU:
        k.prelu(n_rows, ld, x, parameter(job, stage.weight), stage.code, y)
    elif stage.kind == STAGE_MAXOUT:
        k.maxout(n_rows, stage.groups, stage.n_out, input.ld, ld, x, y)
    elif stage.kind == STAGE_ACTIVATION and drops:   # RReLU
        drawn = mask(job, worker, index)
        k.rrelu(&drawn, first, n_rows, ld, stage.parameter, x, y)
    elif stage.kind == STAGE_ACTIVATION and stage.function:
        of_user(job, stage, stage.function, n_rows, x, y)
        of_user(job, stage, stage.derivative, n_rows, x,
                value(job, worker, stage.other, first, ld))
    elif stage.kind == STAGE_ACTIVATION and stage.other >= 0 and job.mode != PREDICT:
        k.activation_with_derivative(stage.code, n_rows * ld, x, y,
                                     value(job, worker, stage.other, first, ld))
    elif stage.kind == STAGE_ACTIVATION:
        k.activation(stage.code, stage.parameter, n_rows * ld, x, y)
    elif stage.kind == STAGE_BN_STATISTICS and job.mode in (TRAIN, GRADIENT):
        while row < n_rows:
            k.batchnorm_partial(min(<int64_t> ROW_CHUNK, n_rows - row), ld,
                                x + row * ld * job.itemsize,
                                partial(job, stage, False, (first + row) // ROW_CHUNK))
            row += ROW_CHUNK
    elif stage.kind == STAGE_BN_APPLY:
        k.batchnorm(n_rows, ld, x, vector(job, worker, stage, MEAN),
                    vector(job, worker, stage, INVERSE_STD), parameter(job, stage.weight),
                    parameter(job, stage.bias), y)
    elif stage.kind == STAGE_DROPOUT and job.mode == TRAIN:
        drawn = dropout_mask(job, worker, index)
        if stage.x == 0 and job.rows.indptr != NULL:
            k.dropout_csr(&drawn, first, n_rows, job.offsets + first, job.columns, job.entries)
        else:
            k.dropout(&drawn, first, n_rows, ld, x, y)
    elif stage.kind == STAGE_DROPOUT and stage.code == DROPOUT_ORIGINAL:
        if stage.x == 0 and job.rows.indptr != NULL:
            y = job.entries + job.offsets[first] * job.itemsize
            k.scaled(job.offsets[first + n_rows] - job.offsets[first], 1 - stage.rate, y, y)
        else:
            k.scaled(n_rows * ld, 1 - stage.rate, x, y)
    elif stage.kind == STAGE_NOISE and job.mode == TRAIN:
        drawn = mask(job, worker, index)
        k.normal_noise(&drawn, first, n_rows, stage.n_out, ld, x, y)
    elif (stage.kind == STAGE_DROPOUT or stage.kind == STAGE_NOISE) and stage.x != stage.y:
        memcpy(y, x, n_rows * ld * job.itemsize)
    elif stage.kind == STAGE_JOIN:
        drawn = mask(job, worker, index)
        k.residual(&drawn if drops else NULL, first, n_rows, ld,
                   value(job, worker, stage.other, first, ld), x, y)
    elif stage.kind == STAGE_OUTPUT and job.mode == PREDICT:
        k.output(stage.code, stage.parameter, n_rows, stage.n_out, ld, y)
    elif stage.kind == STAGE_OUTPUT and worker.mixing.weight != 1:
        mixed_loss(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_OUTPUT:
        find_loss(job, worker, stage, n_rows, y, shifted(worker.order, first), worker.start + first,
                  job.weights, delta(job, stage.dy, first, ld),
                  losses_of_rows(job, stage.head, first))


cdef inline void find_loss(const Job *job, const Worker *worker, const Stage *stage, int64_t n_rows,
                           char *z, const int64_t *order, int64_t start, const char *weights,
                           char *dz, char *row_loss) noexcept nogil:
    """Loss and gradient of rows, of the targets and weights `order` or from `start` on."""
    if stage.function:
        job.kernels.loss_of_user(stage.function, stage.derivative, n_rows, stage.n_out,
                                 stage.ld_out, z, targets_of(job, stage), order, start, weights,
                                 worker.scale, dz, row_loss)
    else:
        job.kernels.loss(stage.code, stage.parameter, worker.smoothing, n_rows, stage.n_out,
                         stage.ld_out, z, targets_of(job, stage), order, start, weights,
                         worker.scale, dz, row_loss)


cdef inline void sum_gradient(const Job *job, const Worker *worker, const Stage *stage,
                              int64_t first, int64_t n_rows, const char *x,
                              char *dy) noexcept nogil:
    """Backward pass of a chunk of rows of a stage whose parameters' gradients are sums over rows.
    """
    cdef const Kernels *k = job.kernels
    cdef int64_t ld = stage.ld_out
    cdef char *sums = partial(job, stage, False, first // ROW_CHUNK)
    if stage.kind == STAGE_PRELU:
        k.prelu_gradient(n_rows, ld, x, parameter(job, stage.weight), stage.code, dy, sums)
    elif stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm_gradient(n_rows, ld, x, vector(job, worker, stage, SCALE), dy, sums)
    else:
        k.rownorm_gradient(n_rows, stage.n_out, ld, stage.groups, x,
                           value(job, worker, stage.other, first, 2 * stage.groups),
                           parameter(job, stage.weight), stage.code, dy, sums, stage.n_sums // 2)


cdef void mixed_loss(const Job *job, const Worker *worker, const Stage *stage, int64_t first,
                     int64_t n_rows) noexcept nogil:
    """The loss of mixed rows: that of their own targets and that of their partners', mixed."""
    cdef const Kernels *k = job.kernels
    cdef int64_t ld = stage.ld_out, size = ROW_BLOCK * ld * job.itemsize, i, partner
    cdef char *z = value(job, worker, stage.y, first, ld)
    cdef char *dy = delta(job, stage.dy, first, ld)
    cdef char *row_loss = losses_of_rows(job, stage.head, first)
    cdef char *other_z = worker.mixed
    cdef char *other_dy = worker.mixed + size
    cdef char *other_loss = worker.mixed + 2 * size
    for i in range(n_rows):
        partner = (first + i + worker.mixing.shift) % worker.n_rows
        worker.partners[i] = (worker.start + partner if worker.order == NULL
                              else worker.order[partner])
    memcpy(other_z, z, n_rows * ld * job.itemsize)   # a loss leaves the activation in its place
    find_loss(job, worker, stage, n_rows, z, shifted(worker.order, first), worker.start + first,
              NULL, dy, row_loss)
    find_loss(job, worker, stage, n_rows, other_z, worker.partners, 0, NULL, other_dy, other_loss)
    k.mix_losses(n_rows, ld, worker.mixing.weight, job.weights, shifted(worker.order, first),
                 worker.start + first, other_dy, other_loss, dy, row_loss)


cdef void backward(const Job *job, const Worker *worker, int index, int64_t first,
                   int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Kernels *k = job.kernels
    if stage.kind == STAGE_DENSE and job.bfloat16 != NULL:
        backward_bfloat16(job, worker, index, first, n_rows)
        return
    if stage.dx < 0:
        return
    cdef int64_t ld_in = stage.ld_in, ld = stage.ld_out, row = 0, at
    cdef char *x = value(job, worker, stage.x, first, ld_in)
    cdef char *y = value(job, worker, stage.y, first, ld)
    cdef char *dx = delta(job, stage.dx, first, ld_in)
    cdef char *dy = delta(job, stage.dy, first, ld)
    cdef bint drops = job.mode == TRAIN and stage.rate > 0
    cdef Mask drawn

    if stage.kind == STAGE_DENSE:
        k.matmul(n_rows, stage.n_out, stage.n_in, dy, ld, NULL,
                 job.transposed + stage.transposed * job.itemsize, ld_in, NULL, dx, ld_in,
                 stage.adds)
    elif stage.kind == STAGE_ACTIVATION and drops:
        drawn = mask(job, worker, index)
        k.rrelu_gradient(&drawn, first, n_rows, ld, stage.parameter, y, dy)
    elif stage.kind == STAGE_ACTIVATION:
        k.activation_gradient(stage.code, stage.parameter, n_rows * ld, y,
                              value(job, worker, stage.other, first, ld), dy)
    elif stage.kind == STAGE_DROPOUT and job.mode == TRAIN:
        drawn = dropout_mask(job, worker, index)
        k.dropout(&drawn, first, n_rows, ld, dy, dy)
    elif stage.kind == STAGE_DROPOUT and stage.code == DROPOUT_ORIGINAL:
        k.scaled(n_rows * ld, 1 - stage.rate, dy, dy)
    elif stage.kind == STAGE_JOIN:
        drawn = mask(job, worker, index)
        k.residual(&drawn if drops else NULL, first, n_rows, ld, NULL, dy, dx)
    elif stage.kind == STAGE_FORK:
        k.residual(NULL, first, n_rows, ld, delta(job, stage.other, first, ld), dy, dx)
    elif stage.kind == STAGE_MAXOUT:
        k.maxout_gradient(n_rows, stage.groups, stage.n_out, ld_in, ld, x, y, dy, dx)
    elif stage.kind in (STAGE_ROW_NORM, STAGE_PRELU, STAGE_WEIGHT_NORM):
        while row < n_rows:
            at = row * ld * job.itemsize
            sum_gradient(job, worker, stage, first + row, min(<int64_t> ROW_CHUNK, n_rows - row),
                         x + at, dy + at)
            row += ROW_CHUNK
    elif stage.kind == STAGE_BN_APPLY:
        while row < n_rows:
            k.batchnorm_gradient_partial(
                min(<int64_t> ROW_CHUNK, n_rows - row), ld, x + row * ld * job.itemsize,
                vector(job, worker, stage, MEAN), vector(job, worker, stage, INVERSE_STD),
                dy + row * ld * job.itemsize, partial(job, stage, True, (first + row) // ROW_CHUNK))
            row += ROW_CHUNK
    elif stage.kind == STAGE_BN_STATISTICS:
        k.batchnorm_gradient(n_rows, worker.n_rows, ld, x, vector(job, worker, stage, MEAN),
                             vector(job, worker, stage, INVERSE_STD), parameter(job, stage.weight),
                             vector(job, worker, stage, D_SHIFT),
                             vector(job, worker, stage, D_SCALE), worker.n_rows == 1, dy)


cdef inline char *squares(const Job *job, const Stage *stage, int64_t first) noexcept nogil:
    """Sums of squares of TASK_ROWS rows, from `first` on, of the weights before a weight norm."""
    return job.squares + (stage.squares + first // TASK_ROWS * stage.ld_out) * job.itemsize


cdef void store_column_squares(const Job *job, int index, int64_t first,
                               int64_t last) noexcept nogil:
    """Rewrite the sums of squares of the rows of a weight, if a weight norm needs them."""
    cdef const Stage *stage = job.stages + index
    if stage.kind == STAGE_DENSE and (stage + 1).kind == STAGE_WEIGHT_NORM:
        job.kernels.column_squares(last - first, stage.ld_out,
                                   parameter(job, stage.weight + first * stage.ld_out),
                                   squares(job, stage + 1, first))


cdef void merge_weight_norms(const Job *job, const Worker *worker, bint back) noexcept nogil:
    cdef int index
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_WEIGHT_NORM:
            merge(job, worker, job.stages + index, back)


cdef void merge(const Job *job, const Worker *worker, const Stage *stage,
                bint back) noexcept nogil:
    """Batch norm's vectors from the partial sums of all threads, weight norm's from all tasks'."""
    cdef int64_t ld = stage.ld_out
    cdef const Kernels *k = job.kernels
    cdef char *moving = job.statistics + stage.statistics * job.itemsize
    if stage.kind == STAGE_WEIGHT_NORM and back:
        k.column_sums(worker.n_rows, stage.n_sums, partial(job, stage, False, 0),
                      vector(job, worker, stage, D_SUMS), False)
        return
    if stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm_merge(quotient_up((stage - 1).n_in, TASK_ROWS), ld, squares(job, stage, 0),
                           parameter(job, stage.weight), vector(job, worker, stage, INVERSE_NORM),
                           vector(job, worker, stage, SCALE))
        return
    if back:
        k.batchnorm_gradient_merge(worker.n_rows, ld, partial(job, stage, True, 0),
                                   vector(job, worker, stage, D_SHIFT),
                                   vector(job, worker, stage, D_SCALE))
        return
    if job.mode in (PREDICT, EVALUATE) or worker.n_rows == 1:   # one has no variance
        memcpy(vector(job, worker, stage, MEAN), moving, ld * job.itemsize)
        memcpy(vector(job, worker, stage, VARIANCE), moving + ld * job.itemsize, ld * job.itemsize)
    else:
        k.batchnorm_merge(worker.n_rows, ld, partial(job, stage, False, 0),
                          vector(job, worker, stage, MEAN), vector(job, worker, stage, VARIANCE))
    k.batchnorm_inverse_std(ld, stage.epsilon, vector(job, worker, stage, VARIANCE),
                            vector(job, worker, stage, INVERSE_STD))


cdef void through_stages(Job *job, Worker *worker) noexcept nogil:
    """All stages, forward and back, for the worker's rows.

    Stages run by segments: a segment ends where one needs all rows of the batch, that is after
    batch norm's sums. Within a segment a block of rows goes through all stages at once. Where the
    team leaves, the next barrier says so too.
    """
    cdef int first = 0, last, index
    cdef int64_t row, n
    merge_weight_norms(job, worker, False)
    while first < job.n_stages:
        if job.stages[first].kind == STAGE_BN_APPLY:
            merge(job, worker, job.stages + first, False)
        last = first
        while last + 1 < job.n_stages and job.stages[last].kind != STAGE_BN_STATISTICS:
            last += 1
        row = worker.first
        while row < worker.last:
            n = min(<int64_t> ROW_BLOCK, worker.last - row)
            if leaves(job, worker, n * job.row_cost):
                break
            if first == 0:
                read_rows(job, worker, row, n)
            for index in range(first, last + 1):
                forward(job, worker, index, row, n)
            row += ROW_BLOCK
        first = last + 1
        if first < job.n_stages and barrier_wait(&job.barrier, worker.team):
            return
    if job.mode == EVALUATE:
        return
    first = job.n_stages - 1
    while first >= 0:
        if job.stages[first].kind == STAGE_BN_STATISTICS:
            merge(job, worker, job.stages + first, True)
        last = first
        while last > 0 and job.stages[last].kind != STAGE_BN_APPLY:
            last -= 1
        row = worker.first
        while row < worker.last:
            n = min(<int64_t> ROW_BLOCK, worker.last - row)
            if leaves(job, worker, n * job.row_cost):
                break
            for index in range(first, last - 1, -1):
                backward(job, worker, index, row, n)
            row += ROW_BLOCK
        first = last - 1
        if first >= 0 and barrier_wait(&job.barrier, worker.team):
            return


# ------------------------------------------------------------------------------- input and weights

cdef void lay_out_entries(const Job *job, const Worker *worker) noexcept nogil:
    """Where the entries of the worker's rows lie, if rows are sparse.

    Every thread sums all lengths and writes those of its own rows.
    """
    cdef int64_t offset = 0, i, row
    if job.rows.indptr == NULL:
        return
    for i in range(worker.last):
        if i >= worker.first:
            job.offsets[i] = offset
        row = worker.start + i if worker.order == NULL else worker.order[i]
        offset += job.rows.indptr[row + 1] - job.rows.indptr[row]
    if worker.last > worker.first:
        job.offsets[worker.last] = offset


cdef void read_rows(Job *job, const Worker *worker, int64_t first,
                    int64_t n_rows) noexcept nogil:
    """Some of the worker's rows of the batch, into the engine's type."""
    cdef int64_t ld = job.stages[0].ld_in
    cdef const int64_t *own_order = shifted(worker.order, first)
    cdef char *x = worker.values + first * ld * job.itemsize
    if job.rows.indptr != NULL:
        job.kernels.gather_csr(job.rows, own_order, worker.start + first, n_rows,
                               job.offsets + first, job.columns, job.entries, &job.in_range)
    elif worker.input.first == worker.values:
        job.kernels.gather(job.rows, own_order, worker.start + first, n_rows, ld, x)
        if worker.mixing.weight != 1:
            job.kernels.mix_rows(job.rows, worker.order, worker.start, worker.n_rows, first, n_rows,
                                 ld, &worker.mixing, x)


cdef inline bint of_weight(const Task *task) noexcept nogil:
    return task.last > 0


cdef inline bint of_bias(const Task *task) noexcept nogil:
    return task.last < 0


cdef inline int64_t task_offset(const Job *job, const Task *task) noexcept nogil:
    """Of the parameters of a task, in the arena."""
    cdef const Stage *stage = job.stages + task.stage
    if of_weight(task):
        return stage.weight + task.first * stage.ld_out
    return stage.bias if of_bias(task) else stage.weight


cdef inline int64_t task_length(const Job *job, const Task *task) noexcept nogil:
    cdef const Stage *stage = job.stages + task.stage
    if of_weight(task):
        return (task.last - task.first) * stage.ld_out
    return stage.ld_out if of_bias(task) or stage.kind == STAGE_WEIGHT_NORM else stage.n_sums


cdef inline double rate_factor(const Job *job, const Task *task) noexcept nogil:
    """What the learning rate of a task is multiplied by; 0: its parameters stay as they are."""
    cdef const Stage *stage = job.stages + task.stage
    return stage.bias_factor if of_bias(task) else stage.weight_factor


cdef inline char *gradient(const Job *job, const Worker *worker, const Task *task) noexcept nogil:
    """Where the gradient of a task is: in the thread's scratch, if nobody needs it later."""
    if job.mode == TRAIN and not job.stores:
        return worker.own + task.scratch * job.itemsize
    return job.gradient + task_offset(job, task) * job.itemsize


cdef void find_gradient(const Job *job, const Worker *worker, int index,
                        const double *coefficients) noexcept nogil:
    """The gradient of a task: of some rows of a weight, or of vectors."""
    cdef const Task *task = job.tasks + index
    cdef const Stage *stage = job.stages + task.stage
    cdef const Kernels *k = job.kernels
    cdef bint is_weight = of_weight(task)
    cdef bint train = job.mode == TRAIN, still = train and rate_factor(job, task) == 0
    cdef int64_t ld = stage.ld_out, n = task_length(job, task)
    cdef MatrixRows x = stage_input(job, worker, stage, 0)
    cdef const char *dy = delta(job, stage.dy, 0, ld)
    cdef char *g = gradient(job, worker, task)

    if stage.kind == STAGE_WEIGHT_NORM and of_bias(task):   # the sums are one chunk's by now
        k.column_sums(1, n, vector(job, worker, stage, D_SUMS) + ld * job.itemsize, g, not train)
    elif stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm_vectors(ld, vector(job, worker, stage, D_SUMS),
                             vector(job, worker, stage, INVERSE_NORM), g, not train)
    elif stage.kind == STAGE_ROW_NORM or stage.kind == STAGE_PRELU:
        k.column_sums(worker.n_rows, n, partial(job, stage, False, 0), g, not train)
    elif stage.kind == STAGE_BN_APPLY:
        memcpy(g, vector(job, worker, stage, D_SCALE), n * job.itemsize)
    elif still:
        memset(g, 0, n * job.itemsize)
    elif not is_weight:
        k.matmul_transposed(1, worker.n_rows, stage.n_out, job.ones, 0, NULL, dy, ld, g, ld,
                            not train)
    elif stage.x == 0 and job.rows.indptr != NULL:
        k.csr_weight_gradient(task.first, task.last, ld, job.starts, job.ends, job.entry_rows,
                              job.entry_values, dy, g, not train)
    elif job.bfloat16 != NULL:
        weight_gradient_bfloat16(job, worker, task, g)
    else:
        k.matmul_transposed(task.last - task.first, worker.n_rows, stage.n_out,
                            x.first + task.first * job.itemsize, x.ld, x.order, dy, ld, g, ld,
                            not train)
    if is_weight and not still and (stage + 1).kind == STAGE_WEIGHT_NORM:
        k.weightnorm_correct(task.last - task.first, ld, vector(job, worker, stage + 1, D_SUMS),
                             vector(job, worker, stage + 1, SCALE),
                             vector(job, worker, stage + 1, INVERSE_NORM),
                             parameter(job, task_offset(job, task)), g)
    if worker.tells_norm:
        square_gradient(job, worker, index, coefficients)
    if train and (still or job.finishes):
        finish(job, worker, index, coefficients)


cdef inline double penalised_part(const Task *task, const double *coefficients) noexcept nogil:
    """How much of the penalty a task has."""
    if of_weight(task):
        return 1
    return coefficients[COEF_BIAS_PENALTY] if of_bias(task) else 0


cdef void square_gradient(const Job *job, const Worker *worker, int index,
                          const double *coefficients) noexcept nogil:
    """Sum the squares of a task's gradient with that of the penalty, before anything is clipped.

    This is a look beside the update, whose arithmetic stays what it is without.
    """
    cdef const Task *task = job.tasks + index
    cdef char *square = job.told_squares + index * CACHE_LINE
    cdef double part = penalised_part(task, coefficients) * worker.scale
    if rate_factor(job, task) == 0:
        memset(square, 0, CACHE_LINE)
    else:
        job.kernels.gradient_squares(task_length(job, task), part * coefficients[COEF_L2],
                                     part * coefficients[COEF_L1],
                                     parameter(job, task_offset(job, task)),
                                     gradient(job, worker, task), square)


cdef void finish(const Job *job, const Worker *worker, int index,
                 const double *coefficients) noexcept nogil:
    """Add the gradient of the penalty, clip what results, and sum what the step will need."""
    cdef const Task *task = job.tasks + index
    cdef const Kernels *k = job.kernels
    cdef char *penalty = job.penalties + index * CACHE_LINE
    cdef char *magnitude = job.magnitudes + index * CACHE_LINE
    cdef char *square = job.gradient_squares + index * CACHE_LINE
    cdef char *g = gradient(job, worker, task)
    cdef int64_t n = task_length(job, task)
    cdef double limit = coefficients[COEF_CLIP_VALUE], part = penalised_part(task, coefficients)
    memset(penalty, 0, CACHE_LINE)
    memset(magnitude, 0, CACHE_LINE)
    k.finish_gradient(n, part * coefficients[COEF_L2] * worker.scale,
                      part * coefficients[COEF_L1] * worker.scale,
                      limit if limit > 0 else INFINITY,
                      parameter(job, task_offset(job, task)), g, penalty, magnitude)
    if part == 0:
        memset(penalty, 0, CACHE_LINE)
        memset(magnitude, 0, CACHE_LINE)
    if rate_factor(job, task) == 0:   # as if there were no gradient
        memset(square, 0, CACHE_LINE)
    elif job.clips_norm:
        k.sum_squares(n, g, square)


cdef void descend(const Job *job, const Worker *worker, int index, const double *coefficients,
                  double clip) noexcept nogil:
    """The optimizer's step of a task, with the gradient times `clip`, and moving averages."""
    cdef const Task *task = job.tasks + index
    cdef const Stage *stage = job.stages + task.stage
    cdef const Kernels *k = job.kernels
    cdef bint is_weight = of_weight(task)
    cdef int64_t offset = task_offset(job, task), n = task_length(job, task)
    cdef double factor = rate_factor(job, task), l2 = 0, decay = 0
    cdef char *w = job.parameters + offset * job.itemsize
    cdef char *g = gradient(job, worker, task)
    # The last line of a thread's memory takes sums that nobody needs.
    cdef char *penalty = worker.own + job.worker_size - CACHE_LINE
    cdef char *moving
    if stage.kind == STAGE_BN_APPLY and worker.n_rows > 1:
        moving = job.statistics + stage.statistics * job.itemsize
        k.batchnorm_moving(worker.n_rows, stage.ld_out, stage.momentum,
                           vector(job, worker, stage, MEAN), vector(job, worker, stage, VARIANCE),
                           moving, moving + stage.ld_out * job.itemsize)
    if factor == 0:
        return
    if not job.finishes:
        penalty = job.penalties + index * CACHE_LINE
        memset(penalty, 0, CACHE_LINE)
        l2 = coefficients[COEF_L2] * worker.scale * is_weight
    elif clip < 1:
        k.multiply(n, clip, g)
    # That of LAMB is a part of its direction, of which the rate comes later.
    decay = coefficients[COEF_DECAY] * is_weight * (1 if job.adapts else factor)
    k.optimize(job.optimizer, n, coefficients, factor, l2, decay, w, g,
               job.slots + offset * job.itemsize, job.n_parameters, penalty)
    if not is_weight and not job.finishes:
        memset(penalty, 0, CACHE_LINE)
    if job.adapts and is_weight:
        k.sum_squares(n, w, job.weight_squares + index * CACHE_LINE)
        k.sum_squares(n, g, job.gradient_squares + index * CACHE_LINE)
    elif job.adapts:
        k.add_scaled(n, -coefficients[COEF_LEARNING_RATE] * factor, g, w)


cdef inline void tasks_of_weight(const Job *job, int index, int *begin, int *end) noexcept nogil:
    """All tasks of the weight that a task has rows of."""
    begin[0], end[0] = index, index + 1
    while begin[0] > 0 and job.tasks[begin[0]].first > 0:
        begin[0] -= 1
    while end[0] < job.n_tasks and job.tasks[end[0]].first > 0:
        end[0] += 1


cdef double trust_ratio(const Job *job, int begin, int end) noexcept nogil:
    """LAMB: the norm of a weight divided by that of its direction; 1 where either is 0."""
    cdef int64_t n = (end - begin) * job.panel
    cdef double weight, direction
    job.kernels.weighted_sum(n, job.weight_squares + begin * CACHE_LINE, NULL, NULL, 0, &weight)
    job.kernels.weighted_sum(n, job.gradient_squares + begin * CACHE_LINE, NULL, NULL, 0,
                             &direction)
    return sqrt(weight / direction) if weight > 0 and direction > 0 else 1


cdef void update(Job *job, Worker *worker, int tasks_begin, int tasks_end,
                 const double *coefficients, const double *after) noexcept nogil:
    """All that a thread's tasks do at a step: gradients and, in training, what follows from them.

    Each task goes from its gradient to the optimizer at once, where nothing stands between. The
    team may leave while nothing has changed yet; the next barrier says so too.
    `after` are the coefficients of the next step, NULL after the last.
    """
    cdef bint train = job.mode == TRAIN, at_once = train and not (job.adapts or job.limits)
    cdef bint waits = job.waits or not train
    cdef const Kernels *k = job.kernels
    cdef const Task *task
    cdef const Stage *stage
    cdef int i, begin = 0, end = 0
    cdef int64_t n
    cdef double clip = 1, ratio = 1, most = coefficients[COEF_MAX_NORM]
    cdef char *scales

    for i in range(tasks_begin, tasks_end):
        if waits and leaves(job, worker, 2. * job.tasks[i].cost * worker.n_rows):
            break
        find_gradient(job, worker, i, coefficients)
        if not waits:
            descend(job, worker, i, coefficients, 1)
            if at_once:
                conclude(job, i, coefficients, after, worker.step + 1)
    if not train:
        return

    if job.waits:
        if barrier_wait(&job.barrier, worker.team):
            return
        if job.clips_norm and coefficients[COEF_CLIP_NORM] > 0:
            k.weighted_sum(job.n_tasks * job.panel, job.gradient_squares, NULL, NULL, 0, &clip)
            clip = min(1., coefficients[COEF_CLIP_NORM] / (sqrt(clip) + 1e-6))
        if job.clips_norm and job.adapts:   # whose sums take the place of these
            barrier_wait(&job.barrier, worker.team)
        for i in range(tasks_begin, tasks_end):
            descend(job, worker, i, coefficients, clip)
            if at_once:
                conclude(job, i, coefficients, after, worker.step + 1)

    if job.adapts:
        barrier_wait(&job.barrier, worker.team)
        for i in range(tasks_begin, tasks_end):
            task = job.tasks + i
            if not of_weight(task) or rate_factor(job, task) == 0:
                continue
            if i >= end:
                tasks_of_weight(job, i, &begin, &end)
                ratio = trust_ratio(job, begin, end)
            n = task_offset(job, task) * job.itemsize
            k.add_scaled(task_length(job, task),
                         -coefficients[COEF_LEARNING_RATE] * rate_factor(job, task) * ratio,
                         job.gradient + n, job.parameters + n)

    if job.limits:
        for i in range(tasks_begin, tasks_end):
            task = job.tasks + i
            if of_weight(task):
                k.column_squares(task.last - task.first, job.stages[task.stage].ld_out,
                                 job.parameters + task_offset(job, task) * job.itemsize,
                                 job.column_squares + task.columns * job.itemsize)
        barrier_wait(&job.barrier, worker.team)
        end = 0
        for i in range(tasks_begin, tasks_end):
            task, stage = job.tasks + i, job.stages + job.tasks[i].stage
            if not of_weight(task) or rate_factor(job, task) == 0:
                continue
            scales = worker.own + job.worker_scales * job.itemsize
            if i >= end:
                tasks_of_weight(job, i, &begin, &end)
                k.column_scales(end - begin, stage.ld_out,
                                job.column_squares + job.tasks[begin].columns * job.itemsize,
                                most if most > 0 else INFINITY, scales)
            k.scale_columns(task.last - task.first, stage.ld_out, scales,
                            job.parameters + task_offset(job, task) * job.itemsize)
    if not at_once:
        for i in range(tasks_begin, tasks_end):
            conclude(job, i, coefficients, after, worker.step + 1)


cdef void conclude(const Job *job, int index, const double *coefficients, const double *after,
                   uint32_t next_step) noexcept nogil:
    """What follows when the parameters of a task are those that the step leaves."""
    cdef const Task *task = job.tasks + index
    cdef int64_t offset = task_offset(job, task) * job.itemsize
    if job.average != NULL and coefficients[COEF_AVERAGE] > 0:
        job.kernels.average(task_length(job, task), coefficients[COEF_AVERAGE],
                            job.parameters + offset, job.average + offset)
    publish(job, index, after, next_step)


cdef void publish(const Job *job, int index, const double *coefficients,
                  uint32_t step) noexcept nogil:
    """Let forward and backward of a step see the parameters of a task as they are now."""
    cdef const Task *task = job.tasks + index
    cdef const Stage *stage = job.stages + task.stage
    cdef const Kernels *k = job.kernels
    cdef int64_t offset = task_offset(job, task) * job.itemsize, n = task_length(job, task)
    cdef const char *w = job.parameters + offset
    cdef Mask noise
    if job.read != job.parameters and coefficients != NULL:
        if job.optimizer == OPT_LOOK_AHEAD:
            k.look_ahead(n, coefficients[COEF_OWN], w, job.slots + offset, job.read + offset)
            w = job.read + offset
        if of_weight(task) and coefficients[COEF_WEIGHT_NOISE] > 0:
            noise.seed, noise.step, noise.stage = job.seed, step, task.stage
            noise.rate = coefficients[COEF_WEIGHT_NOISE]
            k.normal_noise(&noise, task.first, task.last - task.first, stage.n_out, stage.ld_out,
                           w, job.read + offset)
        elif w == job.parameters + offset:
            memcpy(job.read + offset, w, n * job.itemsize)
    transpose_rows(job, task)


cdef void transpose_rows(const Job *job, const Task *task) noexcept nogil:
    """Rewrite what other passes need of the rows of a weight: transposed, for the input gradient,
    in bfloat16 for forward too, and sums of squares."""
    cdef const Stage *stage = job.stages + task.stage
    if of_weight(task):
        store_column_squares(job, task.stage, task.first, task.last)
    if job.bfloat16 != NULL and task.last > 0:
        convert_weights(job, task.stage, task.first, task.last)
        return
    if not of_weight(task) or stage.transposed < 0:
        return
    job.kernels.transpose(task.first, task.last, stage.n_out, parameter(job, stage.weight),
                          stage.ld_out, job.transposed + stage.transposed * job.itemsize,
                          stage.ld_in)


cdef int first_task(const Job *job, int part, int n_parts) noexcept nogil:
    """Where the tasks of thread `part` begin: contiguous, of about equal cost, so that a thread
    finds the weights it updates in its own cache at the next step."""
    cdef double total = 0, before = 0
    cdef int i
    for i in range(job.n_tasks):
        total += job.tasks[i].cost
    for i in range(job.n_tasks):
        if before + job.tasks[i].cost / 2 >= total * part / n_parts:
            return i
        before += job.tasks[i].cost
    return job.n_tasks


# ------------------------------------------------------------------------------------------- steps

cdef Worker new_worker(const Job *job, int thread) noexcept nogil:
    """A thread as it begins; denormals are zero on it from now on."""
    cdef Worker worker
    memset(&worker, 0, sizeof(Worker))
    worker.own = job.workers + thread * job.worker_size
    worker.mixing.weight = 1
    worker.looks = thread == 0
    worker.mode = flush_denormals()
    return worker


cdef void run_steps(Job *job, int thread, int n_threads) noexcept nogil:
    """What one thread does of all steps."""
    cdef Worker worker = new_worker(job, thread)
    cdef int task, tasks_begin = first_task(job, thread, n_threads)
    cdef int tasks_end = first_task(job, thread + 1, n_threads)
    cdef int64_t step, chunks, columns_begin = -1, columns_end = 0
    cdef const double *coefficients
    cdef const double *after
    cdef double total, mean_loss
    cdef int head
    cdef bint in_place = readable_in_place(job)
    cdef bint shares_columns = job.n_heads > 1 and reads_input(job, job.n_stages - 2)

    worker.team = n_threads
    worker.values, worker.room = job.values, job.max_batch
    if job.mixes:
        worker.mixed = job.mixed + thread * job.mixed_size
        worker.partners = job.partners + thread * ROW_BLOCK
    for task in range(tasks_begin, tasks_end):
        if job.tasks[task].last > 0 and job.stages[job.tasks[task].stage].x == 0:
            columns_begin = job.tasks[task].first if columns_begin < 0 else columns_begin
            columns_end = job.tasks[task].last
        publish(job, task, job.coefficients, <uint32_t> job.step)
    if shares_columns:   # heads have the same columns, so that threads have not their own
        columns_begin = job.rows.n_cols * thread // n_threads
        columns_end = job.rows.n_cols * (thread + 1) // n_threads
    barrier_wait(&job.barrier, n_threads)

    for step in range(job.n_steps):
        worker.start = step * job.batch_size
        worker.n_rows = min(job.batch_size, job.n_rows - worker.start)
        worker.order = shifted(job.order, worker.start)
        worker.step = <uint32_t> (job.step + step)
        worker.smoothing = job.coefficients[step * N_COEFS + COEF_SMOOTHING]
        chunks = quotient_up(worker.n_rows, ROW_CHUNK)
        worker.first = min(chunks * thread // n_threads * ROW_CHUNK, worker.n_rows)
        worker.last = min(chunks * (thread + 1) // n_threads * ROW_CHUNK, worker.n_rows)
        coefficients = job.coefficients + step * N_COEFS
        if job.mixes:
            worker.mixing = mixing_of(coefficients)
            worker.mixing.shift %= worker.n_rows
        worker.dropout = coefficients[COEF_DROPOUT]
        worker.tells_norm = job.grad_norms != NULL and coefficients[COEF_GRAD_NORM] > 0
        total = job.weight_sum
        if job.mode == TRAIN:
            job.kernels.weighted_sum(worker.n_rows, NULL, job.weights, worker.order, worker.start,
                                     &total)
        worker.scale = 1 / total if total > 0 else 0
        worker.input = input_rows(job, &worker, in_place)
        lay_out_entries(job, &worker)

        through_stages(job, &worker)
        if barrier_wait(&job.barrier, n_threads):
            break

        mean_loss = 0
        for head in range(job.n_heads):
            job.kernels.weighted_sum(worker.n_rows, losses_of_rows(job, head, 0), job.weights,
                                     worker.order, worker.start, &total)
            mean_loss += total * worker.scale
        if thread == 0:
            job.losses[2 * step] = mean_loss
        if job.mode == TRAIN and not (isfinite(mean_loss) and job.in_range):
            break   # every thread sees the same and leaves here; the step is not applied
        if job.mode == EVALUATE:
            barrier_wait(&job.barrier, n_threads)
            if thread == 0:
                job.n_done = step + 1
            continue
        after = coefficients + N_COEFS if step + 1 < job.n_steps else NULL
        if columns_begin >= 0 and job.rows.indptr != NULL:
            job.kernels.csr_columns(worker.n_rows, columns_begin, columns_end, job.offsets,
                                    job.columns, job.entries, job.starts, job.ends, job.entry_rows,
                                    job.entry_values)
            if shares_columns:
                barrier_wait(&job.barrier, n_threads)
        merge_weight_norms(job, &worker, True)
        update(job, &worker, tasks_begin, tasks_end, coefficients, after)
        if barrier_wait(&job.barrier, n_threads):
            break

        if thread == 0:
            job.n_done = step + 1
            if job.mode == TRAIN:
                job.kernels.weighted_sum(job.n_tasks * job.panel, job.penalties, NULL, NULL, 0,
                                         &total)
                job.losses[2 * step + 1] = 0.5 * coefficients[COEF_L2] * worker.scale * total
                if coefficients[COEF_L1] > 0:
                    job.kernels.weighted_sum(job.n_tasks * job.panel, job.magnitudes, NULL, NULL, 0,
                                             &total)
                    job.losses[2 * step + 1] += coefficients[COEF_L1] * worker.scale * total
            if worker.tells_norm:
                job.kernels.weighted_sum(job.n_tasks * job.panel, job.told_squares, NULL, NULL, 0,
                                         &total)
                job.grad_norms[step] = sqrt(total)
    restore_denormals(worker.mode)


cdef inline bint reads_input(const Job *job, int index) noexcept nogil:
    """Whether a stage is a matrix product of the rows themselves."""
    return job.stages[index].kind == STAGE_DENSE and job.stages[index].x == 0


cdef inline bint takes_classes(const Stage *stage) noexcept nogil:
    """Whether the targets of a head are numbers of classes, one a row."""
    return stage.code in (LOSS_LOG, LOSS_WESTON_WATKINS, LOSS_CRAMMER_SINGER)


cdef void find_asked(const Job *job, bint *asked) noexcept nogil:
    """Which columns of the table differ from what is off in any step: from 1 of COEF_MIX_WEIGHT."""
    cdef int64_t i
    memset(asked, 0, N_COEFS * sizeof(bint))
    for i in range(job.n_steps * N_COEFS):
        asked[i % N_COEFS] |= job.coefficients[i] != (i % N_COEFS == COEF_MIX_WEIGHT)


cdef bint rows_exist(const Job *job) noexcept nogil:
    """Whether the data has all rows that the order names."""
    cdef uint64_t most = 0
    cdef int64_t i
    if job.order == NULL:
        return job.n_rows <= job.rows.n_rows
    for i in range(job.n_rows):
        most = max(most, <uint64_t> job.order[i])   # a negative number becomes a large one
    return most < <uint64_t> job.rows.n_rows


cdef bint classes_exist(const Job *job) noexcept nogil:
    """Whether each head has all classes that the rows are of."""
    cdef const Stage *stage
    cdef const int32_t *classes
    cdef uint32_t most
    cdef int64_t i
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind != STAGE_OUTPUT or not takes_classes(stage):
            continue
        classes, most = <const int32_t *> targets_of(job, stage), 0
        for i in range(job.n_rows):
            most = max(most, <uint32_t> classes[i if job.order == NULL else job.order[i]])
        if most >= <uint64_t> stage.n_out:
            return False
    return True


cdef inline Mixing mixing_of(const double *coefficients) noexcept nogil:
    cdef Mixing m
    m.weight, m.shift = coefficients[COEF_MIX_WEIGHT], <int64_t> coefficients[COEF_MIX_SHIFT]
    m.first, m.run = <int64_t> coefficients[COEF_MIX_FIRST], <int64_t> coefficients[COEF_MIX_RUN]
    m.n_runs = <int64_t> coefficients[COEF_MIX_N_RUNS]
    m.stride = <int64_t> coefficients[COEF_MIX_STRIDE]
    return m


cdef bint readable_in_place(const Job *job) noexcept nogil:
    """Whether rows of the data serve as they lie: the engine's type, columns side by side, and
    matrix products that read them, no stage that would write on them.

    Rows in any order are better copied together where many units read them again and again.
    """
    cdef const Stage *stage
    cdef int index
    cdef int64_t n_units = 0
    for index in range(job.n_stages):
        stage = job.stages + index
        n_units += stage.n_out * reads_input(job, index)
        if (stage.x == 0 and stage.kind != STAGE_DENSE
                and (job.mode == TRAIN or not (stage.kind == STAGE_NOISE
                                               or (stage.kind == STAGE_DROPOUT
                                                   and stage.code == DROPOUT_INVERTED)))):
            return False
    return (job.rows.indptr == NULL and job.rows.col_stride == 1 and not job.mixes
            and (job.order == NULL or n_units <= MOST_UNITS_IN_PLACE)
            and job.rows.dtype == (ROWS_FLOAT32 if job.itemsize == 4 else ROWS_FLOAT64))


cdef inline MatrixRows input_rows(const Job *job, const Worker *worker,
                                  bint in_place) noexcept nogil:
    """The rows of a batch: where the user has them, or where they will be gathered."""
    if not in_place:
        return MatrixRows(worker.values, job.stages[0].ld_in, NULL)
    if worker.order != NULL:
        return MatrixRows(<const char *> job.rows.data, job.rows.row_stride, worker.order)
    return MatrixRows(<const char *> job.rows.data
                      + worker.start * job.rows.row_stride * job.itemsize, job.rows.row_stride,
                      NULL)


cdef bint finite_rows(const Job *job, const Worker *worker) noexcept nogil:
    """Whether the rows that were read hold no NaN and no infinity."""
    cdef int finite = True
    cdef int64_t row
    if job.rows.indptr != NULL:
        job.kernels.all_finite(job.offsets[worker.n_rows], job.entries, &finite)
        return finite
    for row in range(worker.n_rows):
        job.kernels.all_finite(job.rows.n_cols,
                               worker.input.first + row * worker.input.ld * job.itemsize, &finite)
        if not finite:
            return False
    return True


cdef void predict_rows(Job *job, int thread, int n_threads) noexcept nogil:
    """What one thread predicts of all rows.

    Threads take blocks as they get done with others: where another program, or a BLAS that spins
    for work, holds a processor, the rest goes on.
    """
    cdef Worker worker = new_worker(job, thread)
    cdef int index
    cdef const Stage *stage
    cdef int64_t row, i, n
    cdef bint in_place = readable_in_place(job)
    cdef char *y
    cdef char *out
    cdef Job own = job[0]   # sparse rows are read into buffers of the thread

    worker.values, worker.room = worker.own + job.worker_values * job.itemsize, job.max_batch
    if job.rows.indptr != NULL:
        own.offsets += thread * (ROW_BLOCK + 1)
        own.columns += thread * job.n_entries
        own.entries += thread * job.n_entries * job.itemsize
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_BN_APPLY:
            merge(job, &worker, job.stages + index, False)
    merge_weight_norms(job, &worker, False)
    while True:
        row = take_ticket(&job.n_taken) * ROW_BLOCK
        if row >= job.n_rows:
            break
        n = min(<int64_t> ROW_BLOCK, job.n_rows - row)
        if leaves(job, &worker, n * job.row_cost):
            break
        worker.start, worker.n_rows, worker.last = row, n, n
        worker.input = input_rows(job, &worker, in_place)
        lay_out_entries(&own, &worker)
        read_rows(&own, &worker, 0, n)
        # This look at the rows also brings them into the cache.
        if not finite_rows(&own, &worker):
            job.all_finite = False
        if not own.in_range:
            job.in_range = False
        for index in range(job.n_stages):
            forward(&own, &worker, index, 0, n)
        out = job.out + row * job.n_outputs * job.itemsize
        for index in range(job.n_stages):
            stage = job.stages + index
            if stage.kind != STAGE_OUTPUT:
                continue
            y = value(job, &worker, stage.y, 0, stage.ld_out)
            for i in range(n):
                memcpy(out + i * job.n_outputs * job.itemsize, y + i * stage.ld_out * job.itemsize,
                       stage.n_out * job.itemsize)
            out += stage.n_out * job.itemsize
    restore_denormals(worker.mode)


ctypedef void (*Part)(Job *job, int thread, int n_threads) noexcept nogil

cdef void in_parallel(Part part, Job *job, int n_threads) noexcept nogil:
    """`part` in each of at most n_threads threads; one thread never enters OpenMP."""
    if n_threads == 1:
        part(job, 0, 1)
    else:
        keep_team(n_threads)
        with parallel(num_threads=n_threads):
            part(job, threadid(), team_size())


cdef int run_team(Part part, Job *job, int n_threads) except -1:
    """`part` in all threads, until it is done or a signal ends it."""
    job.n_done, job.n_taken = 0, 0
    memset(&job.barrier, 0, sizeof(Barrier))
    with nogil:
        in_parallel(part, job, n_threads)
    return -1 if leaves_at_barrier(&job.barrier) else 0


# ----------------------------------------------------------------------------- instruction sets

ISA_NAMES = [fastnn_isa_names[isa].decode() for isa in range(N_ISAS)]
AVAILABLE = {name: isa for isa, name in enumerate(ISA_NAMES) if fastnn_kernels(isa, False) != NULL}
FASTEST = ISA_NAMES[max(AVAILABLE.values())]


def isa_info():
    """Which instruction sets this build and this processor have, and which one is in use."""
    return {
        "compiled": [name for isa, name in enumerate(ISA_NAMES) if fastnn_isa_compiled(isa)],
        "available": list(AVAILABLE),
        "active": ISA_NAMES[choose_isa(None)],
        "bfloat16": "native" if choose_isa(None) == ISA_AVX512_BF16 else "emulated",
        "openmp": bool(HAS_OPENMP),
    }


cdef int choose_isa(name) except -1:
    """The set named, else the one FASTNN_ISA names, else the fastest that the processor has."""
    cdef const char *asked = getenv("FASTNN_ISA")   # os.environ takes as long as a small prediction
    if not name:
        name = asked.decode() if asked != NULL and asked[0] != 0 else FASTEST
    if name not in AVAILABLE:
        raise ValueError(
            f"The instruction set {name!r} (FASTNN_ISA) cannot run here; choose one of "
            f"{', '.join(AVAILABLE)}, or unset FASTNN_ISA for the fastest."
        )
    return AVAILABLE[name]


cdef const Kernels *choose_kernels(name, dtype) except NULL:
    return fastnn_kernels(choose_isa(name), np.dtype(dtype).itemsize == 8)


cdef const Bfloat16Kernels *choose_bfloat16_kernels(name) except NULL:
    return fastnn_bfloat16_kernels(choose_isa(name))


def startable_team(int64_t n_threads, int64_t stack_size):
    """How many of so many threads can work together, this one among them.

    It costs nothing where OpenMP has them already.
    """
    if n_threads > team_kept():
        with nogil:
            n_threads = 1 + startable_threads(n_threads - 1, stack_size)
    return n_threads


def most_openmp_threads():
    """What OpenMP would use: OMP_NUM_THREADS, or what threadpoolctl or joblib set."""
    return most_threads()


# ------------------------------------------------------------------------------ from Python objects

cdef char *data(array) except? NULL:
    return <char *> cnp.PyArray_DATA(<cnp.ndarray> array)


cdef int real_type(dtype) except -1:
    """NumPy's number of float32 or float64."""
    return cnp.NPY_DOUBLE if dtype.itemsize == 8 else cnp.NPY_FLOAT


cdef int row_type(cnp.ndarray rows) noexcept:
    """Code of the type of rows, -1 where no kernel reads it."""
    cdef int number = cnp.PyArray_TYPE(rows)
    if number == cnp.NPY_FLOAT:
        return ROWS_FLOAT32
    if number == cnp.NPY_DOUBLE:
        return ROWS_FLOAT64
    return ROWS_UINT8 if number == cnp.NPY_UBYTE else -1


cdef char *checked(array, name, int kind, int64_t size, bint by_columns=False) except? NULL:
    """The memory of an array, if it has so many numbers of that kind, one after another.

    Here is the door of the native code: what comes from Python passes it in every call, as others
    may have got at the array since the last one.
    """
    cdef cnp.ndarray known
    if isinstance(array, cnp.ndarray):
        known = <cnp.ndarray> array
        if (cnp.PyArray_TYPE(known) == kind and cnp.PyArray_SIZE(known) == size
                and cnp.PyArray_ISBEHAVED_RO(known)
                and (cnp.PyArray_IS_F_CONTIGUOUS(known) if by_columns
                     else cnp.PyArray_IS_C_CONTIGUOUS(known))):
            return <char *> cnp.PyArray_DATA(known)
    found = type(array).__name__
    if isinstance(array, cnp.ndarray):
        found = f"an array of {array.dtype} with the shape {array.shape}"
    raise ValueError(
        f"{name} must be {size} numbers of type {cnp.PyArray_DescrFromType(kind)}, one after "
        f"another in memory, and is {found}: it does not belong to this network or these rows, or "
        "was changed meanwhile."
    )


cdef char *arena(array, name, int kind, int64_t size) except? NULL:
    """The memory of an arena, which begins on a cache line."""
    cdef char *start = checked(array, name, kind, size)
    if <size_t> start % CACHE_LINE:
        raise ValueError(f"{name} must begin on a cache line, as aligned_zeros makes it.")
    return start


cdef bint rises(int64_t n_rows, const int64_t *indptr, int64_t n) noexcept nogil:
    """Whether row pointers never fall, and stay among n elements."""
    cdef int64_t row
    for row in range(n_rows):
        if indptr[row] > indptr[row + 1]:
            return False
    return indptr[0] >= 0 and indptr[n_rows] <= n


cdef class Data:
    """The user's rows as the kernels read them; keeps the arrays alive, and where they are."""

    def __cinit__(self, X, int64_t n_cols=-1):
        if isinstance(X, cnp.ndarray):
            self.read_dense(X)
        elif issparse(X) and X.format == "csr":
            self.read_sparse(X)
        else:
            raise TypeError(f"X must be an array or a CSR matrix, and is a {type(X).__name__}.")
        if n_cols >= 0 and self.rows.n_cols != n_cols:
            raise ValueError(
                f"X has {self.rows.n_cols} features, and this network has {n_cols}: it was fitted "
                "anew, or X was changed meanwhile."
            )

    cdef read_dense(self, cnp.ndarray X):
        cdef int64_t size = X.itemsize
        if (cnp.PyArray_NDIM(X) != 2 or row_type(X) < 0
                or not cnp.PyArray_ISNOTSWAPPED(X)):
            raise ValueError(
                "X must be a matrix of float32, float64 or uint8, and is an array of "
                f"{X.dtype} with the shape {np.shape(X)}."
            )
        if (not cnp.PyArray_ISALIGNED(X) or cnp.PyArray_STRIDE(X, 0) % size
                or cnp.PyArray_STRIDE(X, 1) % size):
            X = np.array(X, order="C")
        self.arrays, self.pins = (X,), pins(X)
        self.rows.n_rows, self.rows.n_cols = cnp.PyArray_DIM(X, 0), cnp.PyArray_DIM(X, 1)
        self.rows.row_stride = cnp.PyArray_STRIDE(X, 0) // size
        self.rows.col_stride = cnp.PyArray_STRIDE(X, 1) // size
        self.rows.data = data(X)
        self.rows.dtype = row_type(X)

    cdef read_sparse(self, X):
        """Row pointers are copied: what they say here stays true. Columns are looked at where
        kernels copy them."""
        n_rows, n_cols = X.shape
        values, columns = np.ascontiguousarray(X.data), np.ascontiguousarray(X.indices)
        indptr = np.array(X.indptr, np.int64)
        if columns.dtype != np.int32:
            columns = np.clip(columns, -1, LARGEST_COLUMN).astype(np.int32)
        if not (values.ndim == columns.ndim == indptr.ndim == 1 and len(indptr) == n_rows + 1
                and rises(n_rows, <const int64_t *> data(indptr), min(len(values), len(columns)))):
            raise ValueError(
                "The row pointers of the sparse X do not go with its rows and elements: they must "
                "not fall, nor point beyond. X was changed meanwhile, or made of wrong numbers."
            )
        if values.dtype.char not in "fd" or not values.dtype.isnative or n_cols > LARGEST_COLUMN:
            raise ValueError(
                "A sparse X must be of float32 or float64, with less than 2**31 columns, and is of "
                f"{values.dtype} with the shape {X.shape}."
            )
        self.arrays, self.pins = (values, indptr, columns), pins(values) + pins(columns)
        self.rows.n_rows, self.rows.n_cols = n_rows, n_cols
        self.rows.data = data(values)
        self.rows.indptr = <const int64_t *> data(indptr)
        self.rows.indices = <const int32_t *> data(columns)
        self.rows.dtype = row_type(values)

    cdef int64_t most_entries(self, int64_t n_rows) except -1:
        """The most elements that n_rows sparse rows can have together."""
        cdef int64_t n = 0, i, rest = self.rows.n_rows - n_rows
        cdef const int64_t *lengths
        if rest <= 0:
            return self.rows.indptr[self.rows.n_rows] - self.rows.indptr[0]
        sorted_ = np.partition(np.diff(self.arrays[1]), rest)
        lengths = <const int64_t *> data(sorted_)
        for i in range(rest, self.rows.n_rows):
            n += lengths[i]
        return n


cdef int check_columns(const Job *job) except -1:
    """Raise an error where kernels have found a column that there is not."""
    if not job.in_range:
        raise ValueError(
            "The sparse X has column numbers below 0 or beyond its width: it was changed "
            "meanwhile, or made of wrong numbers."
        )
    return 0


LARGEST_COLUMN = np.iinfo(np.int32).max


cdef struct Words:
    # How many words of 32 bits operands in bfloat16 take: all weights, a row of a batch, the rows
    # that a thread works on.
    int64_t weights, batch, rows


cdef Words lay_out_operands(const Stage *stages, int n_stages, bint training,
                            Operands *operands) noexcept nogil:
    """Fill in where dense stages have their operands; predictions need no transposed weights."""
    cdef Words words = Words(0, 0, 0)
    cdef const Stage *stage
    cdef Operands *place
    cdef int index
    for index in range(n_stages):
        stage, place = stages + index, operands + index
        if stage.kind != STAGE_DENSE:
            continue
        place.weight, place.transposed = words.weights, -1
        words.weights += quotient_up(stage.n_in, 2) * stage.ld_out
        if training and stage.dx >= 0:
            place.transposed = words.weights
            words.weights += quotient_up(stage.n_out, 2) * stage.ld_in
        place.x, place.dz = words.batch, words.batch + stage.ld_in
        words.batch += stage.ld_in + stage.ld_out
        words.rows = max(words.rows, ROW_BLOCK * max(stage.ld_in, stage.ld_out) // 2)
    return words


def predict(program, parameters, statistics, X, out, int n_threads, isa=None):
    """Fill `out` (n, n_outputs) with the network's output for the rows of X.

    Returns whether all of X was finite; where it was not, rows of `out` mean nothing.
    """
    cdef Job job
    cdef Data rows = Data(X, program.n_features)
    cdef Words words
    cdef int real = real_type(program.dtype)
    memset(&job, 0, sizeof(Job))
    job.mode = PREDICT
    job.kernels = choose_kernels(isa, program.dtype)
    job.itemsize, job.panel = program.dtype.itemsize, CACHE_LINE // program.dtype.itemsize
    job.stages, job.n_stages = <const Stage *> data(program.stages), len(program.stages)
    job.n_statistics, job.n_outputs = program.n_statistics, program.n_outputs
    job.parameters = arena(parameters, "parameters", real, program.n_parameters)
    job.statistics = arena(statistics, "statistics", real, job.n_statistics)
    job.read = job.parameters
    job.rows, job.n_rows = &rows.rows, rows.rows.n_rows
    job.out = checked(out, "out", real, rows.rows.n_rows * job.n_outputs)
    job.row_cost = program.flops + OTHER_OPERATIONS_OF_ROW
    n_threads = max(1, min(n_threads, rows.rows.n_rows // ROW_BLOCK))
    job.max_batch = min(ROW_BLOCK, rows.rows.n_rows)
    job.all_finite = job.in_range = True
    job.worker_values = program.n_vectors
    job.worker_size = (job.worker_values + job.max_batch * program.n_values) * job.itemsize
    if program.bfloat16:
        job.bfloat16 = choose_bfloat16_kernels(isa)
        operands = np.empty(job.n_stages, OPERANDS)
        job.operands = <const Operands *> data(operands)
        words = lay_out_operands(job.stages, job.n_stages, False, <Operands *> data(operands))
        job.worker_rows = job.worker_size
        job.worker_size += words.rows * sizeof(uint32_t)
        # One block of rows converts weights as it reads them, which costs less than to keep them.
        if rows.rows.n_rows > ROW_BLOCK:
            weights = aligned_zeros(words.weights, np.uint32)
            job.converted_weights = <uint32_t *> data(weights)
            in_parallel(convert_all_weights, &job, n_threads)
    workers = aligned_zeros(n_threads * job.worker_size, np.uint8)
    job.workers = data(workers)
    if rows.rows.indptr != NULL:
        job.n_entries = rows.most_entries(ROW_BLOCK)
        offsets = np.empty(n_threads * (ROW_BLOCK + 1), np.int64)
        columns = np.empty(n_threads * job.n_entries, np.int32)
        entries = np.empty(n_threads * job.n_entries, program.dtype)
        job.offsets, job.columns = <int64_t *> data(offsets), <int32_t *> data(columns)
        job.entries = data(entries)
    if program.n_squares:
        squares_of_weights = aligned_zeros(program.n_squares, program.dtype)
        job.squares = data(squares_of_weights)
        for index, stage in enumerate(program.stages):
            for first in range(0, stage["n_in"] * (stage["kind"] == STAGE_DENSE), TASK_ROWS):
                store_column_squares(&job, index, first, min(first + TASK_ROWS, stage["n_in"]))
    run_team(predict_rows, &job, n_threads)
    check_columns(&job)
    return job.all_finite


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
