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


cdef inline bint drops_units(const Job *job) noexcept nogil:
    """Return whether dropout acts: in training, and in predictions that ask for it."""
    return job.mode == TRAIN or job.call.drops_units


cdef inline void copy_rows(const Job *job, const Block *b) noexcept nogil:
    """Let rows through as they are, in a stage that is off."""
    if b.x != b.y:
        memcpy(b.y, b.x, b.n_rows * b.ld * job.itemsize)


cdef inline void forward_dropout(const Job *job, const Worker *worker,
                                 const Block *b) noexcept nogil:
    cdef const Kernels *k = job.kernels
    cdef const int64_t *offsets = shifted(job.sparse.offsets, b.first)
    cdef bint sparse = reads_sparse(job, b.stage)
    cdef int64_t first = b.first
    cdef Mask drawn
    cdef char *entries
    if drops_units(job):
        if job.mode == PREDICT:   # a mask is that of the row, whatever the block
            first += worker.start
        drawn = dropout_mask(job, worker, b.index)
        if sparse:
            k.dropout_csr(&drawn, first, b.n_rows, offsets, job.sparse.columns,
                          job.sparse.entries)
        else:
            k.dropout(&drawn, first, b.n_rows, b.ld, b.x, b.y)
    elif b.stage.code != DROPOUT_ORIGINAL:
        copy_rows(job, b)
    elif sparse:
        entries = job.sparse.entries + offsets[0] * job.itemsize
        k.scaled(offsets[b.n_rows] - offsets[0], 1 - b.stage.rate, entries, entries)
    else:
        k.scaled(b.n_rows * b.ld, 1 - b.stage.rate, b.x, b.y)


cdef inline void backward_dropout(const Job *job, const Worker *worker,
                                  const Block *b) noexcept nogil:
    cdef Mask drawn
    if job.mode == TRAIN:
        drawn = dropout_mask(job, worker, b.index)
        job.kernels.dropout(&drawn, b.first, b.n_rows, b.ld, b.dy, b.dy)
    elif b.stage.code == DROPOUT_ORIGINAL:
        job.kernels.scaled(b.n_rows * b.ld, 1 - b.stage.rate, b.dy, b.dy)


cdef inline void forward_noise(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    cdef Mask drawn
    if job.mode == TRAIN:
        drawn = mask(job, worker, b.index)
        job.kernels.normal_noise(&drawn, b.first, b.n_rows, b.stage.n_out, b.ld, b.x, b.y)
    else:
        copy_rows(job, b)


cdef inline void forward_join(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    """Add the values that skipped a block of layers to those that went through it."""
    cdef Mask drawn = mask(job, worker, b.index)
    cdef bint drops = job.mode == TRAIN and b.stage.rate > 0
    job.kernels.residual(&drawn if drops else NULL, b.first, b.n_rows, b.ld,
                         value(job, worker, b.stage.other, b.first, b.ld), b.x, b.y)


cdef inline void backward_join(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    cdef Mask drawn = mask(job, worker, b.index)
    cdef bint drops = job.mode == TRAIN and b.stage.rate > 0
    job.kernels.residual(&drawn if drops else NULL, b.first, b.n_rows, b.ld, NULL, b.dy,
                         deltas_in(job, b))


cdef inline void backward_fork(const Job *job, const Block *b) noexcept nogil:
    """Add the gradient that skipped a block of layers to the one that went through it."""
    job.kernels.residual(NULL, b.first, b.n_rows, b.ld, delta(job, b.stage.other, b.first, b.ld),
                         b.dy, deltas_in(job, b))
