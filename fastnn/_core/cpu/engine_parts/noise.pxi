# Dropout, noise, and residual blocks, which drop rows of a branch.

# 24 bits are what a float32 can hold of a rate.
cdef double LARGEST_RATE = 1 - 2. ** -24


cdef inline Mask mask(const Job *job, const Worker *worker, int stage) noexcept nogil:
    """Return what a stage draws its random numbers of this step from."""
    cdef Mask m
    m.seed, m.step, m.stage = job.seed, worker.step, stage
    m.rate, m.scale = job.stages[stage].rate, 1
    return m


cdef inline Mask dropout_mask(const Job *job, const Worker *worker, int stage) noexcept nogil:
    """Return the same at this step's rate, which never reaches 1."""
    cdef Mask m = mask(job, worker, stage)
    m.rate = min(m.rate * worker.dropout, LARGEST_RATE)
    m.scale = 1 / (1 - m.rate) if job.stages[stage].code == DROPOUT_INVERTED else 1
    m.scale *= job.stages[stage].parameter
    return m


cdef inline void copy_rows(const Job *job, const Worker *worker, const Stage *stage, int64_t first,
                           int64_t n_rows) noexcept nogil:
    """Let rows through as they are, in a stage that is off."""
    if stage.x != stage.y:
        memcpy(values_out(job, worker, stage, first), values_in(job, worker, stage, first),
               n_rows * stage.ld_out * job.itemsize)


cdef inline void forward_dropout(const Job *job, const Worker *worker, int index, int64_t first,
                                 int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Kernels *k = job.kernels
    cdef const int64_t *offsets
    cdef char *x = values_in(job, worker, stage, first)
    cdef char *y = values_out(job, worker, stage, first)
    cdef int64_t n = n_rows * stage.ld_out
    cdef bint train = job.mode == TRAIN
    cdef Mask drawn
    if not train and stage.code != DROPOUT_ORIGINAL:
        copy_rows(job, worker, stage, first, n_rows)
        return
    if reads_sparse(job, stage):
        offsets = job.sparse.offsets + first
        x = y = job.sparse.entries + offsets[0] * job.itemsize
        n = offsets[n_rows] - offsets[0]
    if not train:
        k.scaled(n, 1 - stage.rate, x, y)
        return
    drawn = dropout_mask(job, worker, index)
    if reads_sparse(job, stage):
        k.dropout_csr(&drawn, first, n_rows, offsets, job.sparse.columns, job.sparse.entries)
    else:
        k.dropout(&drawn, first, n_rows, stage.ld_out, x, y)


cdef inline void backward_dropout(const Job *job, const Worker *worker, int index, int64_t first,
                                  int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef char *dy = deltas_out(job, stage, first)
    cdef Mask drawn
    if job.mode == TRAIN:
        drawn = dropout_mask(job, worker, index)
        job.kernels.dropout(&drawn, first, n_rows, stage.ld_out, dy, dy)
    elif stage.code == DROPOUT_ORIGINAL:
        job.kernels.scaled(n_rows * stage.ld_out, 1 - stage.rate, dy, dy)


cdef inline void forward_noise(const Job *job, const Worker *worker, int index, int64_t first,
                               int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef Mask drawn
    if job.mode != TRAIN:
        copy_rows(job, worker, stage, first, n_rows)
        return
    drawn = mask(job, worker, index)
    job.kernels.normal_noise(&drawn, first, n_rows, stage.n_out, stage.ld_out,
                             values_in(job, worker, stage, first),
                             values_out(job, worker, stage, first))


cdef inline void forward_join(const Job *job, const Worker *worker, int index, int64_t first,
                              int64_t n_rows) noexcept nogil:
    """Add the values that skipped a block to those that went through it."""
    cdef const Stage *stage = job.stages + index
    cdef Mask drawn = mask(job, worker, index)
    job.kernels.residual(&drawn if job.mode == TRAIN and stage.rate > 0 else NULL, first, n_rows,
                         stage.ld_out, value(job, worker, stage.other, first, stage.ld_out),
                         values_in(job, worker, stage, first),
                         values_out(job, worker, stage, first))


cdef inline void backward_join(const Job *job, const Worker *worker, int index, int64_t first,
                               int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef Mask drawn = mask(job, worker, index)
    job.kernels.residual(&drawn if job.mode == TRAIN and stage.rate > 0 else NULL, first, n_rows,
                         stage.ld_out, NULL, deltas_out(job, stage, first),
                         deltas_in(job, stage, first))


cdef inline void backward_fork(const Job *job, const Worker *worker, int index, int64_t first,
                               int64_t n_rows) noexcept nogil:
    """Add the gradient that skipped a block to the one that went through it."""
    cdef const Stage *stage = job.stages + index
    job.kernels.residual(NULL, first, n_rows, stage.ld_out,
                         delta(job, stage.other, first, stage.ld_out),
                         deltas_out(job, stage, first), deltas_in(job, stage, first))
