# The loss of rows, and its gradient.

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
    k.mix_losses(n_rows, ld, worker.mixing.weight, job.call.weights, shifted(worker.order, first),
                 worker.start + first, other_dy, other_loss, dy, row_loss)


cdef inline bint takes_classes(const Stage *stage) noexcept nogil:
    """Whether the targets of a head are numbers of classes, one a row."""
    return stage.code in (LOSS_LOG, LOSS_WESTON_WATKINS, LOSS_CRAMMER_SINGER)
