# Forward and backward pass of a batch, and sums over all of its rows.

cdef void store_column_squares(const Job *job, int index, int64_t first,
                               int64_t last) noexcept nogil:
    """Rewrite the sums of squares of the rows of a weight, if a weight norm needs them."""
    cdef const Stage *stage = job.stages + index
    if stage.kind == STAGE_DENSE and (stage + 1).kind == STAGE_WEIGHT_NORM:
        job.kernels.column_squares(last - first, stage.ld_out,
                                   parameter(job, stage.weight + first * stage.ld_out),
                                   squares(job, stage + 1, first))


cdef void merge_weight_norms(const Job *job, const Worker *worker, bint back) noexcept nogil:
    cdef int index
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_WEIGHT_NORM:
            merge(job, worker, job.stages + index, back)


cdef void merge(const Job *job, const Worker *worker, const Stage *stage,
                bint back) noexcept nogil:
    """Batch norm's vectors from the partial sums of all threads, weight norm's from all tasks'."""
    cdef int64_t ld = stage.ld_out
    cdef const Kernels *k = job.kernels
    cdef char *moving = job.arenas.statistics + stage.statistics * job.itemsize
    if stage.kind == STAGE_WEIGHT_NORM and back:
        k.column_sums(worker.n_rows, stage.n_sums, partial(job, stage, False, 0),
                      vector(job, worker, stage, D_SUMS), False)
        return
    if stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm_merge(quotient_up((stage - 1).n_in, TASK_ROWS), ld, squares(job, stage, 0),
                           parameter(job, stage.weight), vector(job, worker, stage, INVERSE_NORM),
                           vector(job, worker, stage, SCALE))
        return
    if back:
        k.batchnorm_gradient_merge(worker.n_rows, ld, partial(job, stage, True, 0),
                                   vector(job, worker, stage, D_SHIFT),
                                   vector(job, worker, stage, D_SCALE))
        return
    if job.mode in (PREDICT, EVALUATE) or worker.n_rows == 1:   # one has no variance
        memcpy(vector(job, worker, stage, MEAN), moving, ld * job.itemsize)
        memcpy(vector(job, worker, stage, VARIANCE), moving + ld * job.itemsize, ld * job.itemsize)
    else:
        k.batchnorm_merge(worker.n_rows, ld, partial(job, stage, False, 0),
                          vector(job, worker, stage, MEAN), vector(job, worker, stage, VARIANCE))
    k.batchnorm_inverse_std(ld, stage.epsilon, vector(job, worker, stage, VARIANCE),
                            vector(job, worker, stage, INVERSE_STD))


cdef void through_stages(Job *job, Worker *worker) noexcept nogil:
    """All stages, forward and back, for the worker's rows.

    Stages run by segments: a segment ends where one needs all rows of the batch, that is after
    batch norm's sums. Within a segment a block of rows goes through all stages at once. Where the
    team leaves, the next barrier says so too.
    """
    cdef int first = 0, last, index
    cdef int64_t row, n
    merge_weight_norms(job, worker, False)
    while first < job.n_stages:
        if job.stages[first].kind == STAGE_BN_APPLY:
            merge(job, worker, job.stages + first, False)
        last = first
        while last + 1 < job.n_stages and job.stages[last].kind != STAGE_BN_STATISTICS:
            last += 1
        row = worker.first
        while row < worker.last:
            n = min(<int64_t> ROW_BLOCK, worker.last - row)
            if leaves(job, worker, n * job.call.row_cost):
                break
            if first == 0:
                read_rows(job, worker, row, n)
            for index in range(first, last + 1):
                forward(job, worker, index, row, n)
            row += ROW_BLOCK
        first = last + 1
        if first < job.n_stages and barrier_wait(&job.progress.barrier, worker.team):
            return
    if job.mode == EVALUATE:
        return
    first = job.n_stages - 1
    while first >= 0:
        if job.stages[first].kind == STAGE_BN_STATISTICS:
            merge(job, worker, job.stages + first, True)
        last = first
        while last > 0 and job.stages[last].kind != STAGE_BN_APPLY:
            last -= 1
        row = worker.first
        while row < worker.last:
            n = min(<int64_t> ROW_BLOCK, worker.last - row)
            if leaves(job, worker, n * job.call.row_cost):
                break
            for index in range(first, last - 1, -1):
                backward(job, worker, index, row, n)
            row += ROW_BLOCK
        first = last - 1
        if first >= 0 and barrier_wait(&job.progress.barrier, worker.team):
            return
