# A task of an update: gradient, penalty, optimizer's step, and what follows.

# What a task costs beside its rows, in rows of a weight; biases cost as much.
cdef enum:
    ROWS_FOR_A_CALL = 3


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
    if job.mode == TRAIN and not job.update.stores_gradient:
        return worker.scratch + task.scratch * job.itemsize
    return job.arenas.gradient + task_offset(job, task) * job.itemsize


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
    cdef const char *dy = deltas_out(job, stage, 0)
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
        k.matmul_transposed(1, worker.n_rows, stage.n_out, job.buffers.ones, 0, NULL, dy, ld, g, ld,
                            not train)
    elif reads_sparse(job, stage):
        k.csr_weight_gradient(task.first, task.last, ld, job.sparse.starts, job.sparse.ends,
                              job.sparse.entry_rows, job.sparse.entry_values, dy, g, not train)
    elif job.bfloat16.kernels != NULL:
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
    if worker.reports_norm:
        square_gradient(job, worker, index, coefficients)
    if train and (still or job.update.changes_gradient):
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
    cdef char *square = job.sums.norm_squares + index * CACHE_LINE
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
    cdef char *penalty = job.sums.l2 + index * CACHE_LINE
    cdef char *magnitude = job.sums.l1 + index * CACHE_LINE
    cdef char *square = job.sums.gradient_squares + index * CACHE_LINE
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
    elif job.update.clips_norm:
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
    cdef char *w = job.arenas.parameters + offset * job.itemsize
    cdef char *g = gradient(job, worker, task)
    # The last line of a thread's memory takes sums that nobody needs.
    cdef char *penalty = worker.scratch + job.scratch.size - CACHE_LINE
    cdef char *moving
    if stage.kind == STAGE_BN_APPLY and worker.n_rows > 1:
        moving = job.arenas.statistics + stage.statistics * job.itemsize
        k.batchnorm_moving(worker.n_rows, stage.ld_out, stage.momentum,
                           vector(job, worker, stage, MEAN), vector(job, worker, stage, VARIANCE),
                           moving, moving + stage.ld_out * job.itemsize)
    if factor == 0:
        return
    if not job.update.changes_gradient:
        penalty = job.sums.l2 + index * CACHE_LINE
        memset(penalty, 0, CACHE_LINE)
        l2 = coefficients[COEF_L2] * worker.scale * is_weight
    elif clip < 1:
        k.multiply(n, clip, g)
    # That of LAMB is a part of its direction, of which the rate comes later.
    decay = coefficients[COEF_DECAY] * is_weight * (1 if job.update.uses_trust_ratio else factor)
    k.optimize(job.update.optimizer, n, coefficients, factor, l2, decay, w, g,
               job.arenas.slots + offset * job.itemsize, job.arenas.n_parameters, penalty)
    if not is_weight and not job.update.changes_gradient:
        memset(penalty, 0, CACHE_LINE)
    if job.update.uses_trust_ratio and is_weight:
        k.sum_squares(n, w, job.sums.weight_squares + index * CACHE_LINE)
        k.sum_squares(n, g, job.sums.gradient_squares + index * CACHE_LINE)
    elif job.update.uses_trust_ratio:
        k.add_scaled(n, -coefficients[COEF_LEARNING_RATE] * factor, g, w)


cdef void conclude(const Job *job, int index, const double *coefficients, const double *after,
                   uint32_t next_step) noexcept nogil:
    """What follows when the parameters of a task are those that the step leaves."""
    cdef const Task *task = job.tasks + index
    cdef int64_t offset = task_offset(job, task) * job.itemsize
    if job.arenas.average != NULL and coefficients[COEF_AVERAGE] > 0:
        job.kernels.average(task_length(job, task), coefficients[COEF_AVERAGE],
                            job.arenas.parameters + offset, job.arenas.average + offset)
    publish(job, index, after, next_step)


cdef void publish(const Job *job, int index, const double *coefficients,
                  uint32_t step) noexcept nogil:
    """Let forward and backward of a step see the parameters of a task as they are now."""
    cdef const Task *task = job.tasks + index
    cdef const Stage *stage = job.stages + task.stage
    cdef const Kernels *k = job.kernels
    cdef int64_t offset = task_offset(job, task) * job.itemsize, n = task_length(job, task)
    cdef const char *w = job.arenas.parameters + offset
    cdef Mask noise
    if job.arenas.read != job.arenas.parameters and coefficients != NULL:
        if job.update.optimizer == OPT_LOOK_AHEAD:
            k.look_ahead(n, coefficients[COEF_OWN], w, job.arenas.slots + offset,
                         job.arenas.read + offset)
            w = job.arenas.read + offset
        if of_weight(task) and coefficients[COEF_WEIGHT_NOISE] > 0:
            noise.seed, noise.step, noise.stage = job.seed, step, task.stage
            noise.rate = coefficients[COEF_WEIGHT_NOISE]
            k.normal_noise(&noise, task.first, task.last - task.first, stage.n_out, stage.ld_out,
                           w, job.arenas.read + offset)
        elif w == job.arenas.parameters + offset:
            memcpy(job.arenas.read + offset, w, n * job.itemsize)
    transpose_rows(job, task)


cdef void transpose_rows(const Job *job, const Task *task) noexcept nogil:
    """Rewrite what other passes need of the rows of a weight: transposed, for the input gradient,
    in bfloat16 for forward too, and sums of squares."""
    cdef const Stage *stage = job.stages + task.stage
    if of_weight(task):
        store_column_squares(job, task.stage, task.first, task.last)
    if job.bfloat16.kernels != NULL and task.last > 0:
        convert_weights(job, task.stage, task.first, task.last)
        return
    if not of_weight(task) or stage.transposed < 0:
        return
    job.kernels.transpose(task.first, task.last, stage.n_out, parameter(job, stage.weight),
                          stage.ld_out, job.arenas.transposed + stage.transposed * job.itemsize,
                          stage.ld_in)
