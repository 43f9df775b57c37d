# An update of all parameters, in tasks.

# An update of so many operations waits for all gradients, to be left before it changes anything;
# of so many rows, since to store a gradient takes little beside computing it.
cdef double OPERATIONS_OF_LONG_UPDATE = 1e9
cdef enum:
    ROWS_OF_LONG_UPDATE = 1024


cdef void find_used_columns(const Job *job, bint *used) noexcept nogil:
    """Tell which columns of the table are not off in all steps: 1 for COEF_MIX_WEIGHT, else 0."""
    cdef int64_t i
    memset(used, 0, N_COEFS * sizeof(bint))
    for i in range(job.call.n_steps * N_COEFS):
        used[i % N_COEFS] |= job.call.coefficients[i] != (i % N_COEFS == COEF_MIX_WEIGHT)


cdef void plan_update(Job *job, const bint *used) noexcept nogil:
    """Decide what an update consists of, by the columns of the table that are used."""
    cdef UpdatePlan *plan = &job.update
    cdef bint train = job.mode == TRAIN
    plan.shifts_parameters = train and (used[COEF_WEIGHT_NOISE]
                                        or plan.optimizer == OPT_LOOK_AHEAD)
    plan.clips_norm = train and used[COEF_CLIP_NORM]
    plan.limits_columns = train and used[COEF_MAX_NORM]
    plan.uses_trust_ratio = train and plan.optimizer == OPT_LAMB
    plan.changes_gradient = plan.clips_norm or plan.shifts_parameters or train and (
        used[COEF_L1] or used[COEF_BIAS_PENALTY] or used[COEF_CLIP_VALUE])
    plan.needs_all_gradients = plan.clips_norm or train and (
        job.call.batch_size >= ROWS_OF_LONG_UPDATE
        and 2. * job.call.batch_size * job.arenas.n_parameters > OPERATIONS_OF_LONG_UPDATE)
    plan.stores_gradient = plan.needs_all_gradients or plan.uses_trust_ratio


cdef int first_task(const Job *job, int part, int n_parts) noexcept nogil:
    """Return where the tasks of thread `part` begin.

    They are contiguous and of about equal cost, so that a thread finds the weights it updates in
    its own cache at the next step.
    """
    cdef double total = 0, before = 0
    cdef int i
    for i in range(job.n_tasks):
        total += job.tasks[i].cost
    for i in range(job.n_tasks):
        if before + job.tasks[i].cost / 2 >= total * part / n_parts:
            return i
        before += job.tasks[i].cost
    return job.n_tasks


cdef void update(Job *job, Worker *worker, const double *coefficients,
                 const double *after) noexcept nogil:
    """Compute the gradients of a thread's tasks and, in training, change their parameters.

    Each task goes from its gradient to the optimizer at once, where nothing stands between. The
    team may leave while nothing has changed yet; the next barrier says so too.
    `after` are the coefficients of the next step, NULL after the last.
    """
    cdef const UpdatePlan *plan = &job.update
    cdef bint train = job.mode == TRAIN, waits = plan.needs_all_gradients or not train
    cdef bint completes = not (plan.uses_trust_ratio or plan.limits_columns)
    cdef double clip = 1
    cdef int i

    if waits:
        for i in range(worker.first_task, worker.last_task):
            if interrupted(job, worker, 2. * job.tasks[i].cost * worker.n_rows):
                break
            compute_gradient(job, worker, i, coefficients)
        if not train or wait_for_team(job, worker) == LEAVE_NOW:
            return
        clip = clip_factor(job, coefficients)
        if plan.clips_norm and plan.uses_trust_ratio:   # whose sums take the place of these
            wait_for_team(job, worker)
    for i in range(worker.first_task, worker.last_task):
        if worker.team > 1 and job.bfloat16.kernels == NULL:   # others have read them
            claim_lines(at_span(job, job.arenas.read, &job.tasks[i].span),
                        length(&job.tasks[i].span) * job.itemsize)
        if not waits:
            compute_gradient(job, worker, i, coefficients)
        apply_optimizer(job, worker, i, coefficients, clip)
        if completes:
            complete_task(job, i, coefficients, after, worker.step + 1)
    if plan.uses_trust_ratio:
        step_by_trust_ratio(job, worker, coefficients)
    if plan.limits_columns:
        limit_columns(job, worker, coefficients)
    if not completes:
        for i in range(worker.first_task, worker.last_task):
            complete_task(job, i, coefficients, after, worker.step + 1)


cdef inline double sum_of_tasks(const Job *job, const char *sums, int begin,
                                int end) noexcept nogil:
    """Add up the sums of some tasks, in the order of the tasks."""
    cdef double total
    job.kernels.weighted_sum((end - begin) * job.panel, sums + begin * CACHE_LINE, NULL, NULL, 0,
                             &total)
    return total


cdef double clip_factor(const Job *job, const double *coefficients) noexcept nogil:
    """Return what all gradients are multiplied by to have at most the norm that is allowed."""
    cdef double norm
    if not job.update.clips_norm or coefficients[COEF_CLIP_NORM] <= 0:
        return 1
    norm = sqrt(sum_of_tasks(job, job.sums.gradient_squares, 0, job.n_tasks))
    return min(1., coefficients[COEF_CLIP_NORM] / (norm + 1e-6))


cdef inline bint is_of_weight(const Job *job, int index, int stage) noexcept nogil:
    return (0 <= index < job.n_tasks and job.tasks[index].stage == stage
            and job.tasks[index].group == WEIGHTS)


cdef inline void tasks_of_weight(const Job *job, int index, int *begin, int *end) noexcept nogil:
    """Find all tasks of the weight that a task belongs to."""
    cdef int stage = job.tasks[index].stage
    begin[0], end[0] = index, index + 1
    while is_of_weight(job, begin[0] - 1, stage):
        begin[0] -= 1
    while is_of_weight(job, end[0], stage):
        end[0] += 1


cdef inline bint learns_weight(const Job *job, const Task *task) noexcept nogil:
    return task.group == WEIGHTS and rate_factor(job, task) != 0


cdef double trust_ratio(const Job *job, int begin, int end) noexcept nogil:
    """Return the norm of a weight divided by that of LAMB's direction; 1 where either is 0."""
    cdef double weight = sum_of_tasks(job, job.sums.weight_squares, begin, end)
    cdef double direction = sum_of_tasks(job, job.sums.gradient_squares, begin, end)
    return sqrt(weight / direction) if weight > 0 and direction > 0 else 1


cdef void step_by_trust_ratio(Job *job, Worker *worker, const double *coefficients) noexcept nogil:
    """Take LAMB's steps, whose length depends on whole weights."""
    cdef const Task *task
    cdef int i, begin = 0, end = 0
    cdef double ratio = 1
    wait_for_team(job, worker)
    for i in range(worker.first_task, worker.last_task):
        task = job.tasks + i
        if not learns_weight(job, task):
            continue
        if i >= end:
            tasks_of_weight(job, i, &begin, &end)
            ratio = trust_ratio(job, begin, end)
        job.kernels.add_scaled(
            length(&task.span), -coefficients[COEF_LEARNING_RATE] * rate_factor(job, task) * ratio,
            at_span(job, job.arenas.gradient, &task.span),
            at_span(job, job.arenas.parameters, &task.span))


cdef void limit_columns(Job *job, Worker *worker, const double *coefficients) noexcept nogil:
    """Scale the columns of weights whose norm is larger than is allowed."""
    cdef const Task *task
    cdef int i, begin = 0, end = 0
    cdef double largest = coefficients[COEF_MAX_NORM]
    cdef char *scales = worker.scratch + job.scratch.column_scales * job.itemsize
    for i in range(worker.first_task, worker.last_task):
        task = job.tasks + i
        if task.group == WEIGHTS:
            job.kernels.column_squares(task.span.rows, task.span.columns,
                                       at_span(job, job.arenas.parameters, &task.span),
                                       column_squares(job, i))
    wait_for_team(job, worker)
    for i in range(worker.first_task, worker.last_task):
        task = job.tasks + i
        if not learns_weight(job, task):
            continue
        if i >= end:
            tasks_of_weight(job, i, &begin, &end)
            job.kernels.column_scales(end - begin, task.span.columns, column_squares(job, begin),
                                      largest if largest > 0 else INFINITY, scales)
        job.kernels.scale_columns(task.span.rows, task.span.columns, scales,
                                  at_span(job, job.arenas.parameters, &task.span))


cdef inline char *column_squares(const Job *job, int index) noexcept nogil:
    """Return the sums of squares of the columns of a task."""
    return job.sums.column_squares + job.tasks[index].column_sums * job.itemsize
