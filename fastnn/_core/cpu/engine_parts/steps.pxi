# Training steps, steps of a gradient over many rows, and of a loss.

cdef void run_steps(Job *job, int thread, int n_threads) noexcept nogil:
    """Do one thread's part of the steps that are left, as many as the slice has time for."""
    cdef Worker worker = new_worker(job, thread, n_threads)
    cdef const double *coefficients
    cdef const double *after
    cdef int64_t step
    cdef double loss
    cdef double *of_step
    cdef double *of_heads
    cdef Leave leave
    begin_steps(job, &worker)
    wait_for_team(job, &worker)
    for step in range(job.progress.n_done, job.call.n_steps):
        coefficients = job.call.coefficients + step * N_COEFS
        after = coefficients + N_COEFS if step + 1 < job.call.n_steps else NULL
        begin_step(job, &worker, step, coefficients)
        if not forward_pass(job, &worker) and job.mode != EVALUATE:
            backward_pass(job, &worker)
        if wait_for_team(job, &worker) == LEAVE_NOW:
            break
        of_step = job.call.losses + step * job.call.n_losses
        of_heads = of_step + 2 if thread == 0 and job.call.n_losses > 2 else NULL
        loss = batch_loss(job, &worker, of_heads)
        if thread == 0:
            of_step[0] = loss
        if job.mode == TRAIN and not (isfinite(loss) and job.progress.in_range):
            job.progress.is_over = True
            break   # every thread sees the same and leaves here; the step is not applied
        if job.mode != EVALUATE:
            sort_entries(job, &worker)
            merge_weight_norm_gradients(job, &worker)
            update(job, &worker, coefficients, after)
        leave = wait_for_team(job, &worker)
        if leave == LEAVE_NOW:
            break
        if thread == 0:
            job.progress.n_done = step + 1
            record_step(job, &worker, step, coefficients)
        if leave == LEAVE_AFTER_STEP:
            break
    end_worker(job, &worker)


cdef inline void begin_steps(Job *job, Worker *worker) noexcept nogil:
    """Give a thread its tasks and buffers, and let forward and backward see the parameters.

    A step leaves what the next one reads, so that only the first slice of a call has to.
    """
    cdef int i
    worker.values, worker.capacity = job.buffers.values, job.buffers.max_batch
    worker.reads_in_place = readable_in_place(job)
    if job.mixing.is_used:
        worker.mixed = job.mixing.memory + worker.thread * job.mixing.size
        worker.partners = job.mixing.partners + worker.thread * ROW_BLOCK
    worker.rows_together = rows_together(job)
    worker.first_task = first_task(job, worker.thread, worker.team)
    worker.last_task = first_task(job, worker.thread + 1, worker.team)
    if job.progress.n_done == 0:
        for i in range(worker.first_task, worker.last_task):
            refresh_copies(job, job.tasks + i, job.call.coefficients, <uint32_t> job.call.step)
    share_columns(job, worker)


cdef inline int64_t rows_together(const Job *job) noexcept nogil:
    """Return how many rows of a batch the same thread has to have.

    Sums and random masks go by several rows. Otherwise there are pairs, as in bfloat16: so a batch
    of 32 rows is shared by 16 threads.
    """
    cdef int index
    for index in range(job.n_stages):
        if job.stages[index].n_sums > 0 or job.stages[index].rate > 0:
            return ROW_CHUNK
    return 2


cdef inline void begin_step(Job *job, Worker *worker, int64_t step,
                            const double *coefficients) noexcept nogil:
    """Give a thread the batch of a step and its own rows of it."""
    cdef int64_t start = step * job.call.batch_size, together = worker.rows_together, pieces
    cdef double total = job.call.weight_sum
    worker.start, worker.order = start, shifted(job.call.order, start)
    worker.n_rows = min(job.call.batch_size, job.call.n_rows - start)
    pieces = quotient_up(worker.n_rows, together)
    worker.first = min(pieces * worker.thread // worker.team * together, worker.n_rows)
    worker.last = min(pieces * (worker.thread + 1) // worker.team * together, worker.n_rows)
    worker.step = <uint32_t> (job.call.step + step)
    worker.smoothing = coefficients[COEF_SMOOTHING]
    worker.dropout = coefficients[COEF_DROPOUT]
    worker.reports_norm = job.call.grad_norms != NULL and coefficients[COEF_GRAD_NORM] > 0
    if job.mixing.is_used:
        worker.mixing = mixing_of(coefficients)
        worker.mixing.shift %= worker.n_rows
    if job.mode == TRAIN:
        job.kernels.weighted_sum(worker.n_rows, NULL, job.call.weights, worker.order, start,
                                 &total)
    worker.scale = 1 / total if total > 0 else 0
    worker.input = input_rows(job, worker)
    lay_out_entries(job, worker)


cdef inline void record_step(Job *job, const Worker *worker, int64_t step,
                             const double *coefficients) noexcept nogil:
    """Write the penalty of a step and, where the table asks for it, the norm of the gradient."""
    cdef double total
    cdef double *penalty = job.call.losses + step * job.call.n_losses + 1
    if job.mode == TRAIN:
        total = sum_of_tasks(job, job.sums.l2, 0, job.n_tasks)
        penalty[0] = 0.5 * coefficients[COEF_L2] * worker.scale * total
        if coefficients[COEF_L1] > 0:
            total = sum_of_tasks(job, job.sums.l1, 0, job.n_tasks)
            penalty[0] += coefficients[COEF_L1] * worker.scale * total
    if worker.reports_norm:
        job.call.grad_norms[step] = sqrt(sum_of_tasks(job, job.sums.norm_squares, 0, job.n_tasks))
