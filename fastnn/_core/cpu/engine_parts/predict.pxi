# Predictions.

cdef void predict_rows(Job *job, int thread, int n_threads) noexcept nogil:
    """Predict one thread's part of all rows.

    Threads take blocks as they get done with others: where another program, or a BLAS that spins
    for work, holds a processor, the rest goes on.
    """
    cdef Worker worker = new_worker(job, thread, n_threads)
    cdef int index
    cdef const Stage *stage
    cdef int64_t row, i, n
    cdef char *y
    cdef char *out
    cdef Job own = job[0]   # sparse rows are read into buffers of the thread

    worker.values = worker.scratch + job.scratch.values * job.itemsize
    worker.capacity = job.buffers.max_batch
    worker.reads_in_place = readable_in_place(job)
    if job.call.rows.indptr != NULL:
        own.sparse.offsets += thread * (ROW_BLOCK + 1)
        own.sparse.columns += thread * job.sparse.n_entries
        own.sparse.entries += thread * job.sparse.n_entries * job.itemsize
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_BN_APPLY:
            merge_batch_statistics(job, &worker, job.stages + index)
    merge_weight_norms(job, &worker)
    while True:
        row = take_ticket(&job.progress.n_taken) * ROW_BLOCK
        if row >= job.call.n_rows:
            break
        n = min(<int64_t> ROW_BLOCK, job.call.n_rows - row)
        if interrupted(job, &worker, n * job.call.row_cost):
            break
        worker.start, worker.n_rows, worker.last = row, n, n
        worker.input = input_rows(job, &worker)
        lay_out_entries(&own, &worker)
        read_rows(&own, &worker, 0, n)
        # This look at the rows also brings them into the cache.
        if not finite_rows(&own, &worker):
            job.progress.all_finite = False
        if not own.progress.in_range:
            job.progress.in_range = False
        for index in range(job.n_stages):
            forward(&own, &worker, index, 0, n)
        out = job.call.out + row * job.call.n_outputs * job.itemsize
        for index in range(job.n_stages):
            stage = job.stages + index
            if stage.kind != STAGE_OUTPUT:
                continue
            y = value(job, &worker, stage.y, 0, stage.ld_out)
            for i in range(n):
                memcpy(out + i * job.call.n_outputs * job.itemsize,
                       y + i * stage.ld_out * job.itemsize, stage.n_out * job.itemsize)
            out += stage.n_out * job.itemsize
    restore_denormals(worker.float_mode)


def predict(program, parameters, statistics, X, out, int n_threads, isa=None):
    """Fill `out` (n, n_outputs) with the network's output for the rows of X.

    Return whether all of X was finite; where it was not, rows of `out` mean nothing.
    """
    cdef Job job
    cdef InputRows rows = InputRows(X, program.n_features)
    cdef OperandSizes sizes
    cdef Span span
    cdef int real = real_type(program.dtype), index
    cdef int64_t first
    begin_job(&job, program, isa)
    job.mode = PREDICT
    job.call.n_outputs = program.n_outputs
    job.arenas.parameters = arena(parameters, "parameters", real, program.n_parameters)
    job.arenas.statistics = arena(statistics, "statistics", real, program.n_statistics)
    job.arenas.read = job.arenas.parameters
    job.call.rows, job.call.n_rows = &rows.rows, rows.rows.n_rows
    job.call.out = checked(out, "out", real, rows.rows.n_rows * job.call.n_outputs)
    job.call.row_cost = program.flops + OTHER_OPERATIONS_OF_ROW
    n_threads = max(1, min(n_threads, rows.rows.n_rows // ROW_BLOCK))
    job.buffers.max_batch = min(ROW_BLOCK, rows.rows.n_rows)
    job.progress.all_finite = job.progress.in_range = True
    job.scratch.values = program.n_vectors
    job.scratch.size = job.scratch.values + job.buffers.max_batch * program.n_values
    job.scratch.size *= job.itemsize
    if program.bfloat16:
        job.bfloat16.kernels = choose_bfloat16_kernels(isa)
        operands = np.empty(job.n_stages, OPERANDS)
        job.bfloat16.operands = <const Operands *> data(operands)
        sizes = lay_out_operands(job.stages, job.n_stages, False, <Operands *> data(operands))
        job.scratch.bfloat16_rows = job.scratch.size
        job.scratch.size += sizes.rows * sizeof(uint32_t)
        # One block of rows converts weights as it reads them, which costs less than to keep them.
        if rows.rows.n_rows > ROW_BLOCK:
            weights = aligned_zeros(sizes.weights, np.uint32)
            job.bfloat16.weights = <uint32_t *> data(weights)
            in_parallel(convert_all_weights, &job, n_threads)
    workers = aligned_zeros(n_threads * job.scratch.size, np.uint8)
    job.scratch.start = data(workers)
    if rows.rows.indptr != NULL:
        job.sparse.n_entries = rows.most_entries(ROW_BLOCK)
        offsets = np.empty(n_threads * (ROW_BLOCK + 1), np.int64)
        columns = np.empty(n_threads * job.sparse.n_entries, np.int32)
        entries = np.empty(n_threads * job.sparse.n_entries, program.dtype)
        job.sparse.offsets = <int64_t *> data(offsets)
        job.sparse.columns = <int32_t *> data(columns)
        job.sparse.entries = data(entries)
    if program.n_squares:
        squares_of_weights = aligned_zeros(program.n_squares, program.dtype)
        job.buffers.squares = data(squares_of_weights)
        for index in range(job.n_stages):
            if job.stages[index].kind == STAGE_DENSE:
                for first in range(0, job.stages[index].n_in, TASK_ROWS):
                    span = rows_of_weight(job.stages + index, first)
                    store_column_squares(&job, index, &span)
    run_team(predict_rows, &job, n_threads)
    check_columns(&job)
    return job.progress.all_finite
