# An update of all parameters, in tasks.

# An update of so many operations waits for all gradients, to be left before it changes anything;
# of so many rows, since to store a gradient takes little beside computing it.
cdef double OPERATIONS_OF_LONG_UPDATE = 1e9
cdef enum:
    ROWS_OF_LONG_UPDATE = 1024


cdef inline void tasks_of_weight(const Job *job, int index, int *begin, int *end) noexcept nogil:
    """All tasks of the weight that a task has rows of."""
    begin[0], end[0] = index, index + 1
    while begin[0] > 0 and job.tasks[begin[0]].first > 0:
        begin[0] -= 1
    while end[0] < job.n_tasks and job.tasks[end[0]].first > 0:
        end[0] += 1


cdef inline double lane_sum(const Job *job, const char *sums, int begin, int end) noexcept nogil:
    """Add up the lanes of some tasks' sums, in the order of the tasks."""
    cdef double total
    job.kernels.weighted_sum((end - begin) * job.panel, sums + begin * CACHE_LINE, NULL, NULL, 0,
                             &total)
    return total


cdef double trust_ratio(const Job *job, int begin, int end) noexcept nogil:
    """LAMB: the norm of a weight divided by that of its direction; 1 where either is 0."""
    cdef double weight = lane_sum(job, job.sums.weight_squares, begin, end)
    cdef double direction = lane_sum(job, job.sums.gradient_squares, begin, end)
    return sqrt(weight / direction) if weight > 0 and direction > 0 else 1


cdef void update(Job *job, Worker *worker, int tasks_begin, int tasks_end,
                 const double *coefficients, const double *after) noexcept nogil:
    """All that a thread's tasks do at a step: gradients and, in training, what follows from them.

    Each task goes from its gradient to the optimizer at once, where nothing stands between. The
    team may leave while nothing has changed yet; the next barrier says so too.
    `after` are the coefficients of the next step, NULL after the last.
    """
    cdef const UpdatePlan *plan = &job.update
    cdef bint train = job.mode == TRAIN
    cdef bint at_once = train and not (plan.uses_trust_ratio or plan.limits_columns)
    cdef bint waits = plan.needs_all_gradients or not train
    cdef const Kernels *k = job.kernels
    cdef const Task *task
    cdef const Stage *stage
    cdef int i, begin = 0, end = 0
    cdef int64_t n
    cdef double clip = 1, ratio = 1, most = coefficients[COEF_MAX_NORM]
    cdef char *scales

    for i in range(tasks_begin, tasks_end):
        if waits and interrupted(job, worker, 2. * job.tasks[i].cost * worker.n_rows):
            break
        find_gradient(job, worker, i, coefficients)
        if not waits:
            descend(job, worker, i, coefficients, 1)
            if at_once:
                conclude(job, i, coefficients, after, worker.step + 1)
    if not train:
        return

    if plan.needs_all_gradients:
        if barrier_wait(&job.progress.barrier, worker.team):
            return
        if plan.clips_norm and coefficients[COEF_CLIP_NORM] > 0:
            clip = sqrt(lane_sum(job, job.sums.gradient_squares, 0, job.n_tasks))
            clip = min(1., coefficients[COEF_CLIP_NORM] / (clip + 1e-6))
        if plan.clips_norm and plan.uses_trust_ratio:   # whose sums take the place of these
            barrier_wait(&job.progress.barrier, worker.team)
        for i in range(tasks_begin, tasks_end):
            descend(job, worker, i, coefficients, clip)
            if at_once:
                conclude(job, i, coefficients, after, worker.step + 1)

    if plan.uses_trust_ratio:
        barrier_wait(&job.progress.barrier, worker.team)
        for i in range(tasks_begin, tasks_end):
            task = job.tasks + i
            if not of_weight(task) or rate_factor(job, task) == 0:
                continue
            if i >= end:
                tasks_of_weight(job, i, &begin, &end)
                ratio = trust_ratio(job, begin, end)
            n = task_offset(job, task) * job.itemsize
            k.add_scaled(task_length(job, task),
                         -coefficients[COEF_LEARNING_RATE] * rate_factor(job, task) * ratio,
                         job.arenas.gradient + n, job.arenas.parameters + n)

    if plan.limits_columns:
        for i in range(tasks_begin, tasks_end):
            task = job.tasks + i
            if of_weight(task):
                k.column_squares(task.last - task.first, job.stages[task.stage].ld_out,
                                 job.arenas.parameters + task_offset(job, task) * job.itemsize,
                                 job.sums.column_squares + task.columns * job.itemsize)
        barrier_wait(&job.progress.barrier, worker.team)
        end = 0
        for i in range(tasks_begin, tasks_end):
            task, stage = job.tasks + i, job.stages + job.tasks[i].stage
            if not of_weight(task) or rate_factor(job, task) == 0:
                continue
            scales = worker.scratch + job.scratch.column_scales * job.itemsize
            if i >= end:
                tasks_of_weight(job, i, &begin, &end)
                k.column_scales(end - begin, stage.ld_out,
                                job.sums.column_squares + job.tasks[begin].columns * job.itemsize,
                                most if most > 0 else INFINITY, scales)
            k.scale_columns(task.last - task.first, stage.ld_out, scales,
                            job.arenas.parameters + task_offset(job, task) * job.itemsize)
    if not at_once:
        for i in range(tasks_begin, tasks_end):
            conclude(job, i, coefficients, after, worker.step + 1)


cdef void find_asked(const Job *job, bint *asked) noexcept nogil:
    """Which columns of the table differ from what is off in any step: from 1 of COEF_MIX_WEIGHT."""
    cdef int64_t i
    memset(asked, 0, N_COEFS * sizeof(bint))
    for i in range(job.call.n_steps * N_COEFS):
        asked[i % N_COEFS] |= job.call.coefficients[i] != (i % N_COEFS == COEF_MIX_WEIGHT)
