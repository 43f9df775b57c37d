# Forward and backward pass: of rows in a stage, of a batch in all stages.

# Rows that go through all stages together, so that their values stay in the cache; a multiple
# of ROW_CHUNK and of the register tiles.
cdef enum:
    ROW_BLOCK = 96


cdef void forward(const Job *job, const Worker *worker, int index, int64_t first,
                  int64_t n_rows) noexcept nogil:
    """Compute the output of a stage for some rows of the batch."""
    cdef const Stage *stage = job.stages + index
    if stage.kind == STAGE_DENSE:
        forward_dense(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_WEIGHT_NORM:
        forward_weight_norm(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_ROW_NORM:
        forward_row_norm(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_PRELU:
        forward_prelu(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_MAXOUT:
        forward_maxout(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_ACTIVATION:
        forward_activation(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_BN_STATISTICS:
        forward_batch_statistics(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_BN_APPLY:
        forward_batch_norm(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_DROPOUT:
        forward_dropout(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_NOISE:
        forward_noise(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_JOIN:
        forward_join(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_OUTPUT:
        forward_output(job, worker, stage, first, n_rows)


cdef void backward(const Job *job, const Worker *worker, int index, int64_t first,
                   int64_t n_rows) noexcept nogil:
    """Compute the input gradient of a stage for some rows of the batch, and sums over them."""
    cdef const Stage *stage = job.stages + index
    if stage.kind == STAGE_DENSE:
        backward_dense(job, worker, index, first, n_rows)
    elif stage.dx < 0:
        return
    elif stage.kind == STAGE_ACTIVATION:
        backward_activation(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_DROPOUT:
        backward_dropout(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_JOIN:
        backward_join(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_FORK:
        backward_fork(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_MAXOUT:
        backward_maxout(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_BN_STATISTICS:
        backward_batch_statistics(job, worker, stage, first, n_rows)
    elif stage.kind in (STAGE_BN_APPLY, STAGE_ROW_NORM, STAGE_PRELU, STAGE_WEIGHT_NORM):
        backward_chunks(job, worker, stage, first, n_rows)


cdef inline void backward_chunks(const Job *job, const Worker *worker, const Stage *stage,
                                 int64_t first, int64_t n_rows) noexcept nogil:
    """Do the same for a stage with parameters whose gradients are sums, by chunks of rows."""
    cdef int64_t row = first, last = first + n_rows, n
    cdef char *sums
    while row < last:
        n = min(<int64_t> ROW_CHUNK, last - row)
        sums = partial(job, stage, False, row // ROW_CHUNK)
        if stage.kind == STAGE_PRELU:
            backward_prelu(job, worker, stage, row, n, sums)
        elif stage.kind == STAGE_WEIGHT_NORM:
            backward_weight_norm(job, worker, stage, row, n, sums)
        elif stage.kind == STAGE_ROW_NORM:
            backward_row_norm(job, worker, stage, row, n, sums)
        else:
            backward_batch_norm(job, worker, stage, row, n)
        row += ROW_CHUNK


cdef inline bint forward_pass(Job *job, Worker *worker) noexcept nogil:
    """Take the worker's rows through all stages; return whether the team leaves.

    Stages run by segments: a segment ends where one needs all rows of the batch, that is after
    batch norm's sums. Within a segment a block of rows goes through all stages at once. Where a
    signal came, the next barrier says so too.
    """
    cdef int first = 0, last, index
    cdef int64_t row, n
    merge_weight_norms(job, worker)
    while True:
        if job.stages[first].kind == STAGE_BN_APPLY:
            merge_batch_statistics(job, worker, job.stages + first)
        last = first
        while last + 1 < job.n_stages and job.stages[last].kind != STAGE_BN_STATISTICS:
            last += 1
        row = worker.first
        while row < worker.last:
            n = min(<int64_t> ROW_BLOCK, worker.last - row)
            if interrupted(job, worker, n * job.call.row_cost):
                break
            if first == 0:
                read_rows(job, worker, row, n)
            for index in range(first, last + 1):
                forward(job, worker, index, row, n)
            row += ROW_BLOCK
        first = last + 1
        if first == job.n_stages:
            return False
        if barrier_wait(&job.progress.barrier, worker.team):
            return True


cdef inline void backward_pass(Job *job, Worker *worker) noexcept nogil:
    """Take the gradients of the worker's rows back through all stages, by the same segments."""
    cdef int first = job.n_stages - 1, last, index
    cdef int64_t row, n
    while True:
        if job.stages[first].kind == STAGE_BN_STATISTICS:
            merge_batch_gradients(job, worker, job.stages + first)
        last = first
        while last > 0 and job.stages[last].kind != STAGE_BN_APPLY:
            last -= 1
        row = worker.first
        while row < worker.last:
            n = min(<int64_t> ROW_BLOCK, worker.last - row)
            if interrupted(job, worker, n * job.call.row_cost):
                break
            for index in range(first, last - 1, -1):
                backward(job, worker, index, row, n)
            row += ROW_BLOCK
        first = last - 1
        if first < 0 or barrier_wait(&job.progress.barrier, worker.team):
            return
