# The loss of rows, and its gradient.

cdef inline bint takes_classes(const Stage *stage) noexcept nogil:
    """Return whether the targets of a head are numbers of classes, one a row."""
    return stage.code in (LOSS_LOG, LOSS_WESTON_WATKINS, LOSS_CRAMMER_SINGER)


cdef inline void compute_loss(const Job *job, const Worker *worker, const Stage *stage,
                              int64_t n_rows, char *z, const int64_t *order, int64_t start,
                              const char *weights, char *dz, char *row_loss) noexcept nogil:
    """Compute loss and gradient of rows, with targets and weights `order`, or from `start` on."""
    if stage.function:
        job.kernels.loss_of_user(stage.function, stage.derivative, n_rows, stage.n_out,
                                 stage.ld_out, z, targets_of(job, stage), order, start, weights,
                                 worker.scale, dz, row_loss)
    else:
        job.kernels.loss(stage.code, stage.parameter, worker.smoothing, n_rows, stage.n_out,
                         stage.ld_out, z, targets_of(job, stage), order, start, weights,
                         worker.scale, dz, row_loss)


cdef void compute_mixed_loss(const Job *job, const Worker *worker,
                             const Block *b) noexcept nogil:
    """Compute the loss of mixed rows: with their own and with their partners' targets, mixed."""
    cdef const Stage *stage = b.stage
    cdef int64_t size = ROW_BLOCK * b.ld * job.itemsize, start = worker.start + b.first, i, partner
    cdef const int64_t *order = shifted(worker.order, b.first)
    cdef char *row_loss = losses_of_rows(job, stage.head, b.first)
    cdef char *other_z = worker.mixed
    cdef char *other_dz = worker.mixed + size
    cdef char *other_loss = worker.mixed + 2 * size
    for i in range(b.n_rows):
        partner = (b.first + i + worker.mixing.shift) % worker.n_rows
        worker.partners[i] = (worker.start + partner if worker.order == NULL
                              else worker.order[partner])
    memcpy(other_z, b.y, b.n_rows * b.ld * job.itemsize)   # a loss leaves its activation there
    compute_loss(job, worker, stage, b.n_rows, b.y, order, start, NULL, b.dy, row_loss)
    compute_loss(job, worker, stage, b.n_rows, other_z, worker.partners, 0, NULL, other_dz,
                 other_loss)
    job.kernels.mix_losses(b.n_rows, b.ld, worker.mixing.weight, job.call.weights, order, start,
                           other_dz, other_loss, b.dy, row_loss)


cdef inline void forward_output(const Job *job, const Worker *worker,
                                const Block *b) noexcept nogil:
    """Compute the output of a head, and its loss and gradient where it is not a prediction."""
    cdef const Stage *stage = b.stage
    if job.mode == PREDICT:
        job.kernels.output(stage.code, stage.parameter, b.n_rows, stage.n_out, b.ld, b.y)
    elif worker.mixing.weight != 1:
        compute_mixed_loss(job, worker, b)
    else:
        compute_loss(job, worker, stage, b.n_rows, b.y, shifted(worker.order, b.first),
                     worker.start + b.first, job.call.weights, b.dy,
                     losses_of_rows(job, stage.head, b.first))
