# Training steps.

cdef int first_task(const Job *job, int part, int n_parts) noexcept nogil:
    """Where the tasks of thread `part` begin: contiguous, of about equal cost, so that a thread
    finds the weights it updates in its own cache at the next step."""
    cdef double total = 0, before = 0
    cdef int i
    for i in range(job.n_tasks):
        total += job.tasks[i].cost
    for i in range(job.n_tasks):
        if before + job.tasks[i].cost / 2 >= total * part / n_parts:
            return i
        before += job.tasks[i].cost
    return job.n_tasks


cdef void run_steps(Job *job, int thread, int n_threads) noexcept nogil:
    """What one thread does of all steps."""
    cdef Worker worker = new_worker(job, thread)
    cdef int task, tasks_begin = first_task(job, thread, n_threads)
    cdef int tasks_end = first_task(job, thread + 1, n_threads)
    cdef int64_t step, chunks, columns_begin = -1, columns_end = 0
    cdef const double *coefficients
    cdef const double *after
    cdef double total, mean_loss
    cdef int head
    cdef bint in_place = readable_in_place(job)
    cdef bint shares_columns = job.n_heads > 1 and reads_input(job, job.n_stages - 2)

    worker.team = n_threads
    worker.values, worker.capacity = job.buffers.values, job.buffers.max_batch
    if job.mixing.is_used:
        worker.mixed = job.mixing.memory + thread * job.mixing.size
        worker.partners = job.mixing.partners + thread * ROW_BLOCK
    for task in range(tasks_begin, tasks_end):
        if job.tasks[task].last > 0 and job.stages[job.tasks[task].stage].x == 0:
            columns_begin = job.tasks[task].first if columns_begin < 0 else columns_begin
            columns_end = job.tasks[task].last
        publish(job, task, job.call.coefficients, <uint32_t> job.call.step)
    if shares_columns:   # heads have the same columns, so that threads have not their own
        columns_begin = job.call.rows.n_cols * thread // n_threads
        columns_end = job.call.rows.n_cols * (thread + 1) // n_threads
    barrier_wait(&job.progress.barrier, n_threads)

    for step in range(job.call.n_steps):
        worker.start = step * job.call.batch_size
        worker.n_rows = min(job.call.batch_size, job.call.n_rows - worker.start)
        worker.order = shifted(job.call.order, worker.start)
        worker.step = <uint32_t> (job.call.step + step)
        worker.smoothing = job.call.coefficients[step * N_COEFS + COEF_SMOOTHING]
        chunks = quotient_up(worker.n_rows, ROW_CHUNK)
        worker.first = min(chunks * thread // n_threads * ROW_CHUNK, worker.n_rows)
        worker.last = min(chunks * (thread + 1) // n_threads * ROW_CHUNK, worker.n_rows)
        coefficients = job.call.coefficients + step * N_COEFS
        if job.mixing.is_used:
            worker.mixing = mixing_of(coefficients)
            worker.mixing.shift %= worker.n_rows
        worker.dropout = coefficients[COEF_DROPOUT]
        worker.reports_norm = job.call.grad_norms != NULL and coefficients[COEF_GRAD_NORM] > 0
        total = job.call.weight_sum
        if job.mode == TRAIN:
            job.kernels.weighted_sum(worker.n_rows, NULL, job.call.weights, worker.order,
                                     worker.start, &total)
        worker.scale = 1 / total if total > 0 else 0
        worker.input = input_rows(job, &worker, in_place)
        lay_out_entries(job, &worker)

        if not forward_pass(job, &worker) and job.mode != EVALUATE:
            backward_pass(job, &worker)
        if barrier_wait(&job.progress.barrier, n_threads):
            break

        mean_loss = 0
        for head in range(job.n_heads):
            job.kernels.weighted_sum(worker.n_rows, losses_of_rows(job, head, 0), job.call.weights,
                                     worker.order, worker.start, &total)
            mean_loss += total * worker.scale
        if thread == 0:
            job.call.losses[2 * step] = mean_loss
        if job.mode == TRAIN and not (isfinite(mean_loss) and job.progress.in_range):
            break   # every thread sees the same and leaves here; the step is not applied
        if job.mode == EVALUATE:
            barrier_wait(&job.progress.barrier, n_threads)
            if thread == 0:
                job.progress.n_done = step + 1
            continue
        after = coefficients + N_COEFS if step + 1 < job.call.n_steps else NULL
        if columns_begin >= 0 and job.call.rows.indptr != NULL:
            job.kernels.csr_columns(worker.n_rows, columns_begin, columns_end, job.sparse.offsets,
                                    job.sparse.columns, job.sparse.entries, job.sparse.starts,
                                    job.sparse.ends, job.sparse.entry_rows,
                                    job.sparse.entry_values)
            if shares_columns:
                barrier_wait(&job.progress.barrier, n_threads)
        merge_weight_norm_gradients(job, &worker)
        update(job, &worker, tasks_begin, tasks_end, coefficients, after)
        if barrier_wait(&job.progress.barrier, n_threads):
            break

        if thread == 0:
            job.progress.n_done = step + 1
            if job.mode == TRAIN:
                total = lane_sum(job, job.sums.l2, 0, job.n_tasks)
                job.call.losses[2 * step + 1] = 0.5 * coefficients[COEF_L2] * worker.scale * total
                if coefficients[COEF_L1] > 0:
                    total = lane_sum(job, job.sums.l1, 0, job.n_tasks)
                    job.call.losses[2 * step + 1] += coefficients[COEF_L1] * worker.scale * total
            if worker.reports_norm:
                job.call.grad_norms[step] = sqrt(lane_sum(job, job.sums.norm_squares, 0,
                                                          job.n_tasks))
    restore_denormals(worker.float_mode)
