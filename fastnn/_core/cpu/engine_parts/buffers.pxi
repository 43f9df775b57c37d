# Where values, gradients, parameters and sums lie.

cdef enum:
    CACHE_LINE = 64


cdef inline const int64_t *shifted(const int64_t *order, int64_t n) noexcept nogil:
    """Return the row numbers from the n-th on, NULL for none."""
    if order == NULL:
        return NULL
    return order + n


cdef inline char *value(const Job *job, const Worker *worker, int64_t offset, int64_t row,
                        int64_t ld) noexcept nogil:
    """Return row `row` of a value buffer."""
    return worker.values + (offset * worker.capacity + row * ld) * job.itemsize


cdef inline MatrixRows stage_input(const Job *job, const Worker *worker, const Stage *stage,
                                   int64_t row) noexcept nogil:
    """Return the input of a matrix product, from row `row` of the batch on.

    The product of the data itself may read it where the user has it.
    """
    cdef MatrixRows rows = worker.input
    if stage.x != 0:
        rows = MatrixRows(value(job, worker, stage.x, 0, stage.ld_in), stage.ld_in, NULL)
    if rows.order == NULL:
        rows.first += row * rows.ld * job.itemsize
    else:
        rows.order += row
    return rows


cdef inline bint reads_sparse(const Job *job, const Stage *stage) noexcept nogil:
    """Return whether a stage reads the data, and the data is sparse."""
    return stage.x == 0 and job.call.rows.indptr != NULL


cdef inline char *delta(const Job *job, int64_t offset, int64_t row, int64_t ld) noexcept nogil:
    """Return row `row` of a gradient buffer."""
    return job.buffers.deltas + (offset * job.buffers.max_batch + row * ld) * job.itemsize


cdef inline char *deltas_in(const Job *job, const Block *b) noexcept nogil:
    """Return the gradient with respect to the input of a stage."""
    return delta(job, b.stage.dx, b.first, b.stage.ld_in)


cdef inline char *parameter(const Job *job, int64_t offset) noexcept nogil:
    """Return a parameter as forward and backward read it, NULL for -1."""
    if offset < 0:
        return NULL
    return job.arenas.read + offset * job.itemsize


# Vectors of a stage that each thread has for itself: the same in every thread, recomputed by each
# from the chunks' partial sums rather than waited for.
cdef enum Vector:
    MEAN, VARIANCE, INVERSE_STD, D_SCALE, D_SHIFT   # of batch norm
    INVERSE_NORM = 0, SCALE, D_SUMS                 # of weight norm; D_SUMS are two
    HEAD_WEIGHTS = 0                                # of an output: two float64

cdef inline char *vector(const Job *job, const Worker *worker, const Stage *stage,
                         Vector which) noexcept nogil:
    """Return a vector of a stage in the memory of the thread."""
    return worker.scratch + (stage.vectors + which * stage.ld_out) * job.itemsize


cdef inline char *partial(const Job *job, const Stage *stage, bint second,
                          int64_t chunk) noexcept nogil:
    """Return the sums over a chunk of rows, NULL for a stage that has none.

    Batch norm has those of the backward pass behind those of the forward pass.
    """
    cdef int64_t chunks = quotient_up(job.buffers.max_batch, ROW_CHUNK)
    cdef int64_t at = stage.sums * chunks + stage.n_sums * (second * chunks + chunk)
    if stage.n_sums == 0:
        return NULL
    return job.buffers.partials + at * job.itemsize


cdef inline char *squares(const Job *job, const Stage *stage, int64_t first) noexcept nogil:
    """Return the sums of squares of TASK_ROWS rows, from `first` on, of weights that are normed."""
    cdef int64_t at = stage.squares + first // TASK_ROWS * stage.ld_out
    return job.buffers.squares + at * job.itemsize


cdef inline const HeadTargets *targets_of(const Job *job, const Stage *stage) noexcept nogil:
    """Return the targets of a head."""
    return job.call.targets + stage.head


cdef inline char *losses_of_rows(const Job *job, int64_t head, int64_t row) noexcept nogil:
    """Return the loss of a row of the batch in a head."""
    return job.buffers.row_loss + (head * job.buffers.max_batch + row) * job.itemsize
