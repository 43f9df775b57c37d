# Forward and backward pass: of rows in a stage, of a batch in all stages.

# Rows that go through all stages together, so that their values stay in the cache; a multiple
# of ROW_CHUNK and of the register tiles.
cdef enum:
    ROW_BLOCK = 96


cdef inline Block block(const Job *job, const Worker *worker, int index, int64_t first,
                        int64_t n_rows) noexcept nogil:
    """Return some rows of the batch in a stage."""
    cdef const Stage *stage = job.stages + index
    cdef Block b = Block(stage, index, first, n_rows, stage.ld_out,
                         value(job, worker, stage.x, first, stage.ld_in),
                         value(job, worker, stage.y, first, stage.ld_out), NULL)
    if job.mode != PREDICT:
        b.dy = delta(job, stage.dy, first, stage.ld_out)
    return b


cdef void forward(const Job *job, const Worker *worker, int index, int64_t first,
                  int64_t n_rows) noexcept nogil:
    """Compute the output of a stage for some rows of the batch."""
    cdef Block b = block(job, worker, index, first, n_rows)
    cdef int kind = b.stage.kind
    if kind == STAGE_DENSE:
        forward_dense(job, worker, &b)
    elif kind == STAGE_WEIGHT_NORM:
        forward_weight_norm(job, worker, &b)
    elif kind == STAGE_ROW_NORM:
        forward_row_norm(job, worker, &b)
    elif kind == STAGE_PRELU:
        forward_prelu(job, &b)
    elif kind == STAGE_MAXOUT:
        forward_maxout(job, &b)
    elif kind == STAGE_ACTIVATION:
        forward_activation(job, worker, &b)
    elif kind == STAGE_BN_STATISTICS:
        forward_batch_statistics(job, &b)
    elif kind == STAGE_BN_APPLY:
        forward_batch_norm(job, worker, &b)
    elif kind == STAGE_DROPOUT:
        forward_dropout(job, worker, &b)
    elif kind == STAGE_NOISE:
        forward_noise(job, worker, &b)
    elif kind == STAGE_JOIN:
        forward_join(job, worker, &b)
    elif kind == STAGE_OUTPUT:
        forward_output(job, worker, &b)


cdef void backward(const Job *job, const Worker *worker, int index, int64_t first,
                   int64_t n_rows) noexcept nogil:
    """Compute the input gradient of a stage for some rows of the batch, and sums over them."""
    cdef Block b = block(job, worker, index, first, n_rows)
    cdef int kind = b.stage.kind
    if kind == STAGE_DENSE:
        backward_dense(job, worker, &b)
    elif b.stage.dx < 0:
        return
    elif kind == STAGE_ACTIVATION:
        backward_activation(job, worker, &b)
    elif kind == STAGE_DROPOUT:
        backward_dropout(job, worker, &b)
    elif kind == STAGE_JOIN:
        backward_join(job, worker, &b)
    elif kind == STAGE_FORK:
        backward_fork(job, &b)
    elif kind == STAGE_MAXOUT:
        backward_maxout(job, &b)
    elif kind == STAGE_BN_STATISTICS:
        backward_batch_statistics(job, worker, &b)
    elif kind in (STAGE_BN_APPLY, STAGE_ROW_NORM, STAGE_PRELU, STAGE_WEIGHT_NORM):
        backward_chunks(job, worker, &b)


cdef inline void backward_chunks(const Job *job, const Worker *worker,
                                 const Block *b) noexcept nogil:
    """Do the same for a stage with parameters whose gradients are sums, by chunks of rows."""
    cdef int64_t row = 0
    cdef Block chunk
    cdef char *sums
    while row < b.n_rows:
        chunk = block(job, worker, b.index, b.first + row,
                      min(<int64_t> ROW_CHUNK, b.n_rows - row))
        sums = partial(job, b.stage, False, chunk.first // ROW_CHUNK)
        if b.stage.kind == STAGE_PRELU:
            backward_prelu(job, &chunk, sums)
        elif b.stage.kind == STAGE_WEIGHT_NORM:
            backward_weight_norm(job, worker, &chunk, sums)
        elif b.stage.kind == STAGE_ROW_NORM:
            backward_row_norm(job, worker, &chunk, sums)
        else:
            backward_batch_norm(job, worker, &chunk)
        row += ROW_CHUNK


cdef inline bint forward_pass(Job *job, Worker *worker) noexcept nogil:
    """Take the worker's rows through all stages; return whether the team leaves now.

    Stages run by segments: a segment ends where one needs all rows of the batch, that is after
    batch norm's sums. Within a segment a block of rows goes through all stages at once. Where a
    signal came, the next barrier says so too.
    """
    cdef int first = 0, last, index
    cdef int64_t row, n
    merge_weight_norms(job, worker)
    if job.mode != PREDICT:
        weigh_heads(job, worker)
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
        if wait_for_team(job, worker) == LEAVE_NOW:
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
        if first < 0 or wait_for_team(job, worker) == LEAVE_NOW:
            return
