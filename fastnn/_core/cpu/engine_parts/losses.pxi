# The loss of rows, and its gradient; the weights of the losses of several heads.

cdef inline bint takes_classes(const Stage *stage) noexcept nogil:
    """Return whether the targets of a head are numbers of classes, one a row."""
    return stage.code in (LOSS_LOG, LOSS_WESTON_WATKINS, LOSS_CRAMMER_SINGER)


cdef inline double *head_weights(const Job *job, const Worker *worker,
                                 const Stage *stage) noexcept nogil:
    """Return the factor of the loss of a head, and what is added to it, of this step.

    Each thread has them for itself, as another may change the log variance meanwhile.
    """
    return <double *> vector(job, worker, stage, HEAD_WEIGHTS)


cdef inline void weigh_heads(const Job *job, const Worker *worker) noexcept nogil:
    """Compute the weights of the losses of all heads from their log variances."""
    cdef const Stage *stage
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind == STAGE_OUTPUT and stage.weight >= 0:
            job.kernels.head_weight(stage.loss_weight, stage.groups, parameter(job, stage.weight),
                                    head_weights(job, worker, stage))


cdef inline double factor_of_loss(const Job *job, const Worker *worker,
                                  const Stage *stage) noexcept nogil:
    """Return the factor of the loss of a head."""
    if stage.weight < 0:
        return stage.loss_weight
    return head_weights(job, worker, stage)[0]


cdef inline double part_of_rows(const Job *job, const Worker *worker) noexcept nogil:
    """Return the part of the weight of all rows that is in this batch: 1 in training."""
    cdef double total
    job.kernels.weighted_sum(worker.n_rows, NULL, job.call.weights, worker.order, worker.start,
                             &total)
    return total * worker.scale


cdef inline double mean_loss(const Job *job, const Worker *worker,
                             const Stage *stage) noexcept nogil:
    """Return the mean loss of the batch in a head, without its weight."""
    cdef double total
    job.kernels.weighted_sum(worker.n_rows, losses_of_rows(job, stage.head, 0), job.call.weights,
                             worker.order, worker.start, &total)
    return total * worker.scale


cdef double batch_loss(const Job *job, const Worker *worker, double *of_heads) noexcept nogil:
    """Return the loss of the batch, the weighted sum of those of all heads.

    `of_heads`, if not NULL, receives the mean loss of each.
    """
    cdef const Stage *stage
    cdef double loss = 0, mean
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind != STAGE_OUTPUT:
            continue
        mean = mean_loss(job, worker, stage)
        if of_heads != NULL:
            of_heads[stage.head] = mean
        loss += mean * factor_of_loss(job, worker, stage)
        if stage.weight >= 0:
            loss += head_weights(job, worker, stage)[1] * part_of_rows(job, worker)
    return loss


cdef inline void gradient_of_log_variance(const Job *job, const Worker *worker,
                                          const Stage *stage, char *g) noexcept nogil:
    """Compute the gradient of the log variance of a head, or in parts add to it."""
    job.kernels.log_variance_gradient(
        stage.loss_weight, stage.groups, part_of_rows(job, worker),
        factor_of_loss(job, worker, stage), mean_loss(job, worker, stage), g, job.mode != TRAIN)


cdef inline void compute_loss(const Job *job, const Worker *worker, const Stage *stage,
                              int64_t n_rows, char *z, const int64_t *order, int64_t start,
                              const char *weights, char *dz, char *row_loss) noexcept nogil:
    """Compute loss and gradient of rows, with targets and weights `order`, or from `start` on.

    The loss is not weighted yet, as its gradient is.
    """
    cdef const HeadTargets *targets = targets_of(job, stage)
    cdef double scale = worker.scale * factor_of_loss(job, worker, stage)
    if stage.function:
        job.kernels.loss_of_user(stage.function, stage.derivative, n_rows, stage.n_out,
                                 stage.ld_out, z, targets.first, targets.stride, order, start,
                                 weights, scale, dz, row_loss)
    else:
        job.kernels.loss(stage.code, stage.parameter, worker.smoothing, n_rows, stage.n_out,
                         stage.ld_out, z, targets.first, targets.stride, order, start, weights,
                         scale, dz, row_loss)


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
