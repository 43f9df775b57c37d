# Predictions.

cdef void predict_rows(Job *job, int thread, int n_threads) noexcept nogil:
    """Predict one thread's part of all rows.

    Threads take blocks as they get done with others: where another program, or a BLAS that spins
    for work, holds a processor, the rest goes on.
    """
    cdef Worker worker = new_worker(job, thread, n_threads)
    cdef Job own = job[0]   # sparse rows are read into buffers of the thread
    cdef int64_t row, n
    cdef int index
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
        write_outputs(job, &worker)
    restore_denormals(worker.float_mode)


cdef inline void write_outputs(const Job *job, const Worker *worker) noexcept nogil:
    """Write the outputs of a block of rows, those of one head beside those of the other."""
    cdef const Stage *stage
    cdef const char *y
    cdef int64_t size = job.itemsize, width = job.call.n_outputs * size, i
    cdef char *out = job.call.out + worker.start * width
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind == STAGE_OUTPUT:
            y = value(job, worker, stage.y, 0, stage.ld_out)
            for i in range(worker.n_rows):
                memcpy(out + i * width, y + i * stage.ld_out * size, stage.n_out * size)
            out += stage.n_out * size


def predict(program, parameters, statistics, X, out, int n_threads, isa=None):
    """Fill `out` (n, n_outputs) with the network's output for the rows of X.

    Return whether all of X was finite; where it was not, rows of `out` mean nothing.
    """
    cdef Job job
    cdef InputRows rows = InputRows(X, program.n_features)
    cdef int real = real_type(program.dtype)
    cdef int64_t n_rows = rows.rows.n_rows
    begin_job(&job, program, isa)
    job.mode = PREDICT
    job.progress.all_finite = job.progress.in_range = True
    job.arenas.parameters = arena(parameters, "parameters", real, program.n_parameters)
    job.arenas.statistics = arena(statistics, "statistics", real, program.n_statistics)
    job.arenas.read = job.arenas.parameters
    job.call.rows, job.call.n_rows = &rows.rows, n_rows
    job.call.n_outputs = program.n_outputs
    job.call.out = checked(out, "out", real, n_rows * job.call.n_outputs)
    job.call.row_cost = program.flops + OTHER_OPERATIONS_OF_ROW
    n_threads = max(1, min(n_threads, n_rows // ROW_BLOCK))
    job.buffers.max_batch = min(ROW_BLOCK, n_rows)
    job.scratch.values = program.n_vectors
    job.scratch.size = job.scratch.values + job.buffers.max_batch * program.n_values
    job.scratch.size *= job.itemsize
    kept = []   # arrays that the job points to
    if program.bfloat16:
        kept += prepare_bfloat16(&job, n_threads, isa)
    if rows.rows.indptr != NULL:
        kept += prepare_sparse(&job, rows, n_threads, program.dtype)
    if program.n_squares:
        kept += prepare_weight_norms(&job, program)
    scratch = aligned_zeros(n_threads * job.scratch.size, np.uint8)
    job.scratch.start = data(scratch)
    run_team(predict_rows, &job, n_threads)
    check_columns(&job)
    return job.progress.all_finite


cdef list prepare_bfloat16(Job *job, int n_threads, isa):
    """Lay out the operands, and convert the weights; return the arrays.

    One block of rows converts weights as it reads them, which costs less than to keep them.
    """
    cdef OperandSizes sizes
    job.bfloat16.kernels = choose_bfloat16_kernels(isa)
    operands = np.empty(job.n_stages, OPERANDS)
    job.bfloat16.operands = <const Operands *> data(operands)
    sizes = lay_out_operands(job.stages, job.n_stages, False, <Operands *> data(operands))
    job.scratch.bfloat16_rows = job.scratch.size
    job.scratch.size += sizes.rows * sizeof(uint32_t)
    if job.call.n_rows <= ROW_BLOCK:
        return [operands]
    weights = aligned_zeros(sizes.weights, np.uint32)
    job.bfloat16.weights = <uint32_t *> data(weights)
    in_parallel(convert_all_weights, job, n_threads)
    return [operands, weights]


cdef list prepare_sparse(Job *job, InputRows rows, int n_threads, dtype):
    """Make room for a block of sparse rows in each thread; return the arrays."""
    cdef int64_t n = rows.most_entries(ROW_BLOCK)
    offsets = np.empty(n_threads * (ROW_BLOCK + 1), np.int64)
    columns, entries = np.empty(n_threads * n, np.int32), np.empty(n_threads * n, dtype)
    job.sparse.n_entries, job.sparse.offsets = n, <int64_t *> data(offsets)
    job.sparse.columns, job.sparse.entries = <int32_t *> data(columns), data(entries)
    return [offsets, columns, entries]


cdef list prepare_weight_norms(Job *job, program):
    """Sum the squares of the columns of all weights; return the array."""
    cdef Span span
    cdef int64_t first
    cdef int index
    sums = aligned_zeros(program.n_squares, program.dtype)
    job.buffers.squares = data(sums)
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_DENSE:
            for first in range(0, job.stages[index].n_in, TASK_ROWS):
                span = rows_of_weight(job.stages + index, first)
                store_column_squares(job, index, &span)
    return [sums]
