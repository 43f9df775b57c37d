# Where values, gradients, parameters and sums lie.

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
    return job.buffers.deltas + (offset * job.buffers.max_batch + row * ld) * job.itemsize


cdef inline char *parameter(const Job *job, int64_t offset) noexcept nogil:
    """As forward and backward read it, NULL for -1."""
    if offset < 0:
        return NULL
    return job.arenas.read + offset * job.itemsize


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
    cdef int64_t chunks = quotient_up(job.buffers.max_batch, ROW_CHUNK)
    cdef int64_t at = stage.sums * chunks + stage.n_sums * (second * chunks + chunk)
    return job.buffers.partials + at * job.itemsize


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
    return job.call.targets + stage.head * job.call.target_run


cdef inline char *losses_of_rows(const Job *job, int64_t head, int64_t row) noexcept nogil:
    """The loss of a row of the batch in a head."""
    return job.buffers.row_loss + (head * job.buffers.max_batch + row) * job.itemsize


cdef inline char *squares(const Job *job, const Stage *stage, int64_t first) noexcept nogil:
    """Sums of squares of TASK_ROWS rows, from `first` on, of the weights before a weight norm."""
    return job.buffers.squares + (stage.squares + first // TASK_ROWS * stage.ld_out) * job.itemsize
