# A task of an update: gradient, penalty, optimizer's step, and what follows.

# What a task costs beside its rows, in rows of a weight; biases cost as much.
cdef enum:
    ROWS_FOR_A_CALL = 3

SPAN = np.dtype([(name, np.int64) for name in ("offset", "rows", "columns", "stride")])
TASK = np.dtype([("stage", np.int32), ("group", np.int32), ("span", SPAN), ("scratch", np.int64),
                 ("column_sums", np.int64), ("cost", np.float64)], align=True)


cdef inline Span rows_of_weight(const Stage *stage, int64_t first) noexcept nogil:
    """Return TASK_ROWS rows of a weight from row `first` on, or those that there are."""
    return Span(stage.weight + first * stage.ld_out, min(<int64_t> TASK_ROWS, stage.n_in - first),
                stage.ld_out, stage.ld_out)


cdef inline int64_t first_row(const Stage *stage, const Span *span) noexcept nogil:
    """Return the row of the weight that a span begins in."""
    return (span.offset - stage.weight) // span.stride


cdef inline int64_t first_column(const Stage *stage, const Span *span) noexcept nogil:
    """Return the column of the weight that a span begins with."""
    return (span.offset - stage.weight) % span.stride


cdef inline int64_t n_columns(const Stage *stage, const Span *span) noexcept nogil:
    """Return the number of columns of a span without padding."""
    return min(span.columns, stage.n_out - first_column(stage, span))


cdef inline int64_t length(const Span *span) noexcept nogil:
    """Return the number of parameters, padding included."""
    return span.rows * span.columns


cdef inline char *at_span(const Job *job, char *arena, const Span *span) noexcept nogil:
    """Return where the parameters, or what belongs to them, begin in an arena."""
    return arena + span.offset * job.itemsize


cdef inline char *lanes(char *sums, int index) noexcept nogil:
    """Return the sum, by lanes, of a task."""
    return sums + index * CACHE_LINE


cdef inline double rate_factor(const Job *job, const Task *task) noexcept nogil:
    """Return the factor of the learning rate; 0: the parameters stay as they are."""
    cdef const Stage *stage = job.stages + task.stage
    return stage.bias_factor if task.group == BIASES else stage.weight_factor


cdef inline double penalty_factor(const Task *task, const double *coefficients) noexcept nogil:
    """Return the factor of the penalty."""
    if task.group == WEIGHTS:
        return 1
    return coefficients[COEF_BIAS_PENALTY] if task.group == BIASES else 0


cdef inline double l1_slope(const double *coefficients) noexcept nogil:
    """Return the slope of the L1 penalty in the gradient; 0 where a soft threshold follows."""
    return 0 if coefficients[COEF_SOFT_THRESHOLD] > 0 else coefficients[COEF_L1]


cdef inline char *gradient(const Job *job, const Worker *worker, const Task *task) noexcept nogil:
    """Return where the gradient is: in the thread's memory, if nobody needs it later."""
    if job.mode == TRAIN and not job.update.stores_gradient:
        return worker.scratch + task.scratch * job.itemsize
    return at_span(job, job.arenas.gradient, &task.span)


cdef plan_tasks(const Stage *stages, int n_stages, int64_t scratch):
    """Return the tasks of a network, those of a weight one after another.

    Their gradients lie in a thread's memory from `scratch` on. Where these end, and where sums by
    column do, is returned too.
    """
    cdef const Stage *stage
    cdef Span span
    cdef int64_t column_sums = 0, n, first
    cdef int index
    tasks = []
    for index in range(n_stages):
        stage = stages + index
        if stage.kind == STAGE_DENSE:
            for first in range(0, stage.n_in, TASK_ROWS):
                span = rows_of_weight(stage, first)
                tasks.append(task_record(index, WEIGHTS, span, scratch, column_sums))
                column_sums += span.columns
            scratch += TASK_ROWS * stage.ld_out
        n = stage.ld_out if stage.kind == STAGE_WEIGHT_NORM else stage.n_sums
        if n and stage.kind != STAGE_BN_STATISTICS:
            tasks.append(task_record(index, VECTORS, Span(stage.weight, 1, n, n), scratch, 0))
            scratch += n
        n = stage.ld_out
        if stage.kind in (STAGE_DENSE, STAGE_WEIGHT_NORM) and stage.bias >= 0:
            tasks.append(task_record(index, BIASES, Span(stage.bias, 1, n, n), scratch, 0))
            scratch += n
    return np.array(tasks, TASK), scratch, column_sums


cdef tuple task_record(int stage, Group group, Span span, int64_t scratch, int64_t column_sums):
    """Return a task for an array of TASK."""
    cdef int64_t rows = span.rows + ROWS_FOR_A_CALL
    if group != WEIGHTS:
        rows = 1 if group == VECTORS else ROWS_FOR_A_CALL
    shape = span.offset, span.rows, span.columns, span.stride
    return stage, group, shape, scratch, column_sums, rows * span.columns


cdef void compute_gradient(const Job *job, const Worker *worker, int index,
                           const double *coefficients) noexcept nogil:
    """Compute the gradient of a task, and what the step needs to know of it."""
    cdef const Task *task = job.tasks + index
    cdef const Stage *stage = job.stages + task.stage
    cdef bint train = job.mode == TRAIN, fixed = train and rate_factor(job, task) == 0
    cdef int64_t n = length(&task.span)
    cdef char *g = gradient(job, worker, task)

    if fixed:
        memset(g, 0, n * job.itemsize)
    elif task.group == WEIGHTS:
        weight_gradient(job, worker, task, g)
    elif stage.kind == STAGE_DENSE:
        bias_gradient(job, worker, stage, g)
    elif stage.kind == STAGE_WEIGHT_NORM:
        weight_norm_gradient(job, worker, task, g)
    elif stage.kind == STAGE_BN_APPLY:
        memcpy(g, vector(job, worker, stage, D_SCALE), n * job.itemsize)
    elif stage.kind == STAGE_OUTPUT:
        gradient_of_log_variance(job, worker, stage, g)
    else:
        job.kernels.column_sums(worker.n_rows, n, partial(job, stage, False, 0), g, not train)
    if worker.reports_norm:
        sum_gradient_squares(job, worker, index, coefficients)
    if train and (fixed or job.update.changes_gradient):
        penalize_and_clip(job, worker, index, coefficients)


cdef void sum_gradient_squares(const Job *job, const Worker *worker, int index,
                               const double *coefficients) noexcept nogil:
    """Sum the squares of a task's gradient with that of the penalty, before anything is clipped.

    The gradient itself stays what it is, so that the update has the same bits as without.
    """
    cdef const Task *task = job.tasks + index
    cdef char *square = lanes(job.sums.norm_squares, index)
    cdef double scale = penalty_factor(task, coefficients) * worker.scale
    if rate_factor(job, task) == 0:
        memset(square, 0, CACHE_LINE)
    else:
        job.kernels.gradient_squares(length(&task.span), scale * coefficients[COEF_L2],
                                     scale * l1_slope(coefficients),
                                     at_span(job, job.arenas.read, &task.span),
                                     gradient(job, worker, task), square)


cdef void penalize_and_clip(const Job *job, const Worker *worker, int index,
                            const double *coefficients) noexcept nogil:
    """Add the gradient of the penalty, clip what results, and sum what the step will need."""
    cdef const Task *task = job.tasks + index
    cdef const Kernels *k = job.kernels
    cdef char *l2 = lanes(job.sums.l2, index)
    cdef char *l1 = lanes(job.sums.l1, index)
    cdef char *square = lanes(job.sums.gradient_squares, index)
    cdef char *g = gradient(job, worker, task)
    cdef int64_t n = length(&task.span)
    cdef double limit = coefficients[COEF_CLIP_VALUE], factor = penalty_factor(task, coefficients)
    memset(l2, 0, CACHE_LINE)
    memset(l1, 0, CACHE_LINE)
    k.finish_gradient(n, factor * coefficients[COEF_L2] * worker.scale,
                      factor * l1_slope(coefficients) * worker.scale,
                      limit if limit > 0 else INFINITY,
                      at_span(job, job.arenas.read, &task.span), g, l2, l1)
    if factor == 0:
        memset(l2, 0, CACHE_LINE)
        memset(l1, 0, CACHE_LINE)
    if rate_factor(job, task) == 0:   # as if there were no gradient
        memset(square, 0, CACHE_LINE)
    elif job.update.clips_norm:
        k.sum_squares(n, g, square)


cdef void apply_optimizer(const Job *job, const Worker *worker, int index,
                          const double *coefficients, double clip) noexcept nogil:
    """Take the optimizer's step of a task with the gradient times `clip`; move batch norm's means.

    LAMB has the direction of its step in the place of the gradient then.
    """
    cdef const Task *task = job.tasks + index
    cdef const Stage *stage = job.stages + task.stage
    cdef const UpdatePlan *plan = &job.update
    cdef const Kernels *k = job.kernels
    cdef bint is_weight = task.group == WEIGHTS
    cdef int64_t n = length(&task.span)
    cdef double factor = rate_factor(job, task), l2 = 0, decay = 0, threshold = 0
    cdef char *w = at_span(job, job.arenas.parameters, &task.span)
    cdef char *g = gradient(job, worker, task)
    # The last line of a thread's memory takes sums that nobody needs.
    cdef char *penalty = worker.scratch + job.scratch.size - CACHE_LINE
    if stage.kind == STAGE_BN_APPLY:
        move_batch_statistics(job, worker, stage)
    if factor == 0:
        return
    if not plan.changes_gradient:
        penalty = lanes(job.sums.l2, index)
        memset(penalty, 0, CACHE_LINE)
        l2 = coefficients[COEF_L2] * worker.scale * is_weight
    elif clip < 1:
        k.multiply(n, clip, g)
    # That of LAMB is a part of its direction, of which the rate comes later.
    decay = coefficients[COEF_DECAY] * is_weight * (1 if plan.uses_trust_ratio else factor)
    k.optimize(plan.optimizer, n, coefficients, factor, l2, decay, w, g,
               at_span(job, job.arenas.slots, &task.span), job.arenas.n_parameters, penalty)
    if not is_weight and not plan.changes_gradient:
        memset(penalty, 0, CACHE_LINE)
    threshold = coefficients[COEF_SOFT_THRESHOLD] * penalty_factor(task, coefficients)
    if threshold > 0:
        k.soft_threshold(plan.optimizer, n, coefficients, threshold * factor * worker.scale, w,
                         at_span(job, job.arenas.slots, &task.span), job.arenas.n_parameters)
    if plan.uses_trust_ratio and is_weight:
        k.sum_squares(n, w, lanes(job.sums.weight_squares, index))
        k.sum_squares(n, g, lanes(job.sums.gradient_squares, index))
    elif plan.uses_trust_ratio:
        k.add_scaled(n, -coefficients[COEF_LEARNING_RATE] * factor, g, w)


cdef void complete_task(const Job *job, int index, const double *coefficients,
                        const double *after, uint32_t next_step) noexcept nogil:
    """Do what follows when the parameters of a task are those that the step leaves."""
    cdef const Task *task = job.tasks + index
    if job.arenas.average != NULL and coefficients[COEF_AVERAGE] > 0:
        job.kernels.average(length(&task.span), coefficients[COEF_AVERAGE],
                            at_span(job, job.arenas.parameters, &task.span),
                            at_span(job, job.arenas.average, &task.span))
    refresh_copies(job, task, after, next_step)


cdef void refresh_copies(const Job *job, const Task *task, const double *coefficients,
                         uint32_t step) noexcept nogil:
    """Rewrite all that forward and backward of a step read of the parameters of a task.

    That is the arena `read`, if they are shifted; and weights in other layouts.
    """
    cdef const Stage *stage = job.stages + task.stage
    cdef const Span *span = &task.span
    cdef int64_t n = length(span)
    cdef const char *w = at_span(job, job.arenas.parameters, span)
    cdef char *read = at_span(job, job.arenas.read, span)
    cdef Mask noise
    if job.arenas.read != job.arenas.parameters and coefficients != NULL:
        if job.update.optimizer == OPT_LOOK_AHEAD:
            job.kernels.look_ahead(n, coefficients[COEF_OWN], w,
                                   at_span(job, job.arenas.slots, span), read)
            w = read
        if task.group == WEIGHTS and coefficients[COEF_WEIGHT_NOISE] > 0:
            noise.seed, noise.step, noise.stage = job.seed, step, task.stage
            noise.rate = coefficients[COEF_WEIGHT_NOISE]
            job.kernels.normal_noise(&noise, first_row(stage, span), span.rows, stage.n_out,
                                     span.stride, w, read)
        elif w != read:
            memcpy(read, w, n * job.itemsize)
    if task.group == WEIGHTS:
        store_column_squares(job, task.stage, span)
        if job.bfloat16.kernels != NULL:
            convert_weights(job, task.stage, span)
        elif stage.transposed >= 0:
            transpose_weights(job, stage, span)
