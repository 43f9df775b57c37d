# Batch norm, row norm (layers and groups) and weight norm.
#
# Batch norm is two stages: sums over all rows of the batch, then the rows themselves. Between the
# two each thread merges the partial sums of all.

cdef inline void forward_batch_statistics(const Job *job, const Block *b) noexcept nogil:
    cdef int64_t row = 0
    if job.mode == PREDICT or job.mode == EVALUATE:
        return
    while row < b.n_rows:
        job.kernels.batchnorm_partial(min(<int64_t> ROW_CHUNK, b.n_rows - row), b.ld,
                                      b.x + row * b.ld * job.itemsize,
                                      partial(job, b.stage, False, (b.first + row) // ROW_CHUNK))
        row += ROW_CHUNK


cdef void merge_batch_statistics(const Job *job, const Worker *worker,
                                 const Stage *stage) noexcept nogil:
    """Compute the mean and deviation of the batch, or take the moving ones."""
    cdef int64_t ld = stage.ld_out, size = ld * job.itemsize
    cdef char *mean = vector(job, worker, stage, MEAN)
    cdef char *variance = vector(job, worker, stage, VARIANCE)
    cdef const char *moving = job.arenas.statistics + stage.statistics * job.itemsize
    if job.mode == PREDICT or job.mode == EVALUATE or worker.n_rows == 1:   # one has no variance
        memcpy(mean, moving, size)
        memcpy(variance, moving + size, size)
    else:
        job.kernels.batchnorm_merge(worker.n_rows, ld, partial(job, stage, False, 0), mean,
                                    variance)
        if stage.groups:   # of means only: the moving variance is 1
            memcpy(variance, moving + size, size)
    job.kernels.batchnorm_inverse_std(ld, stage.epsilon, variance,
                                      vector(job, worker, stage, INVERSE_STD))


cdef inline void forward_batch_norm(const Job *job, const Worker *worker,
                                    const Block *b) noexcept nogil:
    job.kernels.batchnorm(b.n_rows, b.ld, b.x, vector(job, worker, b.stage, MEAN),
                          vector(job, worker, b.stage, INVERSE_STD),
                          parameter(job, b.stage.weight), parameter(job, b.stage.bias), b.y)


cdef inline void backward_batch_norm(const Job *job, const Worker *worker,
                                     const Block *b) noexcept nogil:
    """Sum what the gradients of scale and shift, and of all rows, need."""
    job.kernels.batchnorm_gradient_partial(
        b.n_rows, b.ld, b.x, vector(job, worker, b.stage, MEAN),
        vector(job, worker, b.stage, INVERSE_STD), b.dy,
        partial(job, b.stage, True, b.first // ROW_CHUNK))


cdef void merge_batch_gradients(const Job *job, const Worker *worker,
                                const Stage *stage) noexcept nogil:
    """Compute the gradients of scale and shift."""
    job.kernels.batchnorm_gradient_merge(worker.n_rows, stage.ld_out, partial(job, stage, True, 0),
                                         vector(job, worker, stage, D_SHIFT),
                                         vector(job, worker, stage, D_SCALE))
    if stage.groups:   # the scale stays 1, and no variance takes part
        memset(vector(job, worker, stage, D_SCALE), 0, stage.ld_out * job.itemsize)


cdef inline void move_batch_statistics(const Job *job, const Worker *worker,
                                       const Stage *stage) noexcept nogil:
    """Move the means and variances that predictions use; one row has no variance."""
    cdef char *moving = job.arenas.statistics + stage.statistics * job.itemsize
    if worker.n_rows > 1:
        job.kernels.batchnorm_moving(worker.n_rows, stage.ld_out, stage.momentum, stage.parameter,
                                     vector(job, worker, stage, MEAN),
                                     vector(job, worker, stage, VARIANCE), moving,
                                     moving + stage.ld_out * job.itemsize)


cdef inline void backward_batch_statistics(const Job *job, const Worker *worker,
                                           const Block *b) noexcept nogil:
    job.kernels.batchnorm_gradient(
        b.n_rows, worker.n_rows, b.ld, b.x, vector(job, worker, b.stage, MEAN),
        vector(job, worker, b.stage, INVERSE_STD), parameter(job, b.stage.weight),
        vector(job, worker, b.stage, D_SHIFT), vector(job, worker, b.stage, D_SCALE),
        worker.n_rows == 1, b.dy)


cdef inline void forward_row_norm(const Job *job, const Worker *worker,
                                  const Block *b) noexcept nogil:
    cdef const Stage *stage = b.stage
    job.kernels.rownorm(b.n_rows, stage.n_out, b.ld, stage.groups, stage.epsilon, b.x,
                        parameter(job, stage.weight), parameter(job, stage.bias), stage.code, b.y,
                        value(job, worker, stage.other, b.first, 2 * stage.groups))


cdef inline void backward_row_norm(const Job *job, const Worker *worker, const Block *b,
                                   char *sums) noexcept nogil:
    cdef const Stage *stage = b.stage
    job.kernels.rownorm_gradient(b.n_rows, stage.n_out, b.ld, stage.groups, b.x,
                                 value(job, worker, stage.other, b.first, 2 * stage.groups),
                                 parameter(job, stage.weight), stage.code, b.dy, sums,
                                 stage.n_sums // 2)


cdef void store_column_squares(const Job *job, int index, const Span *span) noexcept nogil:
    """Rewrite the sums of squares of the rows of a weight, if a weight norm needs them."""
    cdef const Stage *stage = job.stages + index
    if (stage + 1).kind == STAGE_WEIGHT_NORM:
        job.kernels.column_squares(span.rows, span.columns, parameter(job, span.offset),
                                   squares(job, stage + 1, first_row(stage, span)))


cdef void merge_weight_norms(const Job *job, const Worker *worker) noexcept nogil:
    """Compute the norms of all columns from the sums of all tasks."""
    cdef const Stage *stage
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind == STAGE_WEIGHT_NORM:
            job.kernels.weightnorm_merge(quotient_up((stage - 1).n_in, TASK_ROWS), stage.ld_out,
                                         squares(job, stage, 0), parameter(job, stage.weight),
                                         vector(job, worker, stage, INVERSE_NORM),
                                         vector(job, worker, stage, SCALE))


cdef inline void forward_weight_norm(const Job *job, const Worker *worker,
                                     const Block *b) noexcept nogil:
    job.kernels.weightnorm(b.n_rows, b.ld, b.x, vector(job, worker, b.stage, SCALE),
                           parameter(job, b.stage.bias), b.y)


cdef inline void backward_weight_norm(const Job *job, const Worker *worker, const Block *b,
                                      char *sums) noexcept nogil:
    job.kernels.weightnorm_gradient(b.n_rows, b.ld, b.x, vector(job, worker, b.stage, SCALE), b.dy,
                                    sums)


cdef void merge_weight_norm_gradients(const Job *job, const Worker *worker) noexcept nogil:
    """Sum the gradients of scales and biases over the batch."""
    cdef const Stage *stage
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind == STAGE_WEIGHT_NORM:
            job.kernels.column_sums(worker.n_rows, stage.n_sums, partial(job, stage, False, 0),
                                    vector(job, worker, stage, D_SUMS), False)


cdef inline void weight_norm_gradient(const Job *job, const Worker *worker, const Task *task,
                                      char *g) noexcept nogil:
    """Compute the gradient of lengths or biases, of which the batch is summed by now."""
    cdef const Stage *stage = job.stages + task.stage
    cdef const char *sums = vector(job, worker, stage, D_SUMS)
    cdef bint accumulates = job.mode != TRAIN
    if task.group == BIASES:
        job.kernels.column_sums(1, stage.ld_out, sums + stage.ld_out * job.itemsize, g,
                                accumulates)
    else:
        job.kernels.weightnorm_vectors(stage.ld_out, sums,
                                       vector(job, worker, stage, INVERSE_NORM), g, accumulates)


cdef inline void correct_weight_gradient(const Job *job, const Worker *worker, const Stage *stage,
                                         const Span *span, char *g) noexcept nogil:
    """Add what the norm of a weight makes of its gradient."""
    cdef const Stage *norm = stage + 1
    job.kernels.weightnorm_correct(span.rows, span.columns, vector(job, worker, norm, D_SUMS),
                                   vector(job, worker, norm, SCALE),
                                   vector(job, worker, norm, INVERSE_NORM),
                                   parameter(job, span.offset), g)
