# Predictions.

cdef void predict_rows(Job *job, int thread, int n_threads) noexcept nogil:
    """What one thread predicts of all rows.

    Threads take blocks as they get done with others: where another program, or a BLAS that spins
    for work, holds a processor, the rest goes on.
    """
    cdef Worker worker = new_worker(job, thread)
    cdef int index
    cdef const Stage *stage
    cdef int64_t row, i, n
    cdef bint in_place = readable_in_place(job)
    cdef char *y
    cdef char *out
    cdef Job own = job[0]   # sparse rows are read into buffers of the thread

    worker.values, worker.room = worker.own + job.worker_values * job.itemsize, job.max_batch
    if job.rows.indptr != NULL:
        own.offsets += thread * (ROW_BLOCK + 1)
        own.columns += thread * job.n_entries
        own.entries += thread * job.n_entries * job.itemsize
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_BN_APPLY:
            merge(job, &worker, job.stages + index, False)
    merge_weight_norms(job, &worker, False)
    while True:
        row = take_ticket(&job.n_taken) * ROW_BLOCK
        if row >= job.n_rows:
            break
        n = min(<int64_t> ROW_BLOCK, job.n_rows - row)
        if leaves(job, &worker, n * job.row_cost):
            break
        worker.start, worker.n_rows, worker.last = row, n, n
        worker.input = input_rows(job, &worker, in_place)
        lay_out_entries(&own, &worker)
        read_rows(&own, &worker, 0, n)
        # This look at the rows also brings them into the cache.
        if not finite_rows(&own, &worker):
            job.all_finite = False
        if not own.in_range:
            job.in_range = False
        for index in range(job.n_stages):
            forward(&own, &worker, index, 0, n)
        out = job.out + row * job.n_outputs * job.itemsize
        for index in range(job.n_stages):
            stage = job.stages + index
            if stage.kind != STAGE_OUTPUT:
                continue
            y = value(job, &worker, stage.y, 0, stage.ld_out)
            for i in range(n):
                memcpy(out + i * job.n_outputs * job.itemsize, y + i * stage.ld_out * job.itemsize,
                       stage.n_out * job.itemsize)
            out += stage.n_out * job.itemsize
    restore_denormals(worker.mode)


def predict(program, parameters, statistics, X, out, int n_threads, isa=None):
    """Fill `out` (n, n_outputs) with the network's output for the rows of X.

    Returns whether all of X was finite; where it was not, rows of `out` mean nothing.
    """
    cdef Job job
    cdef Data rows = Data(X, program.n_features)
    cdef Words words
    cdef int real = real_type(program.dtype)
    memset(&job, 0, sizeof(Job))
    job.mode = PREDICT
    job.kernels = choose_kernels(isa, program.dtype)
    job.itemsize, job.panel = program.dtype.itemsize, CACHE_LINE // program.dtype.itemsize
    job.stages, job.n_stages = <const Stage *> data(program.stages), len(program.stages)
    job.n_statistics, job.n_outputs = program.n_statistics, program.n_outputs
    job.parameters = arena(parameters, "parameters", real, program.n_parameters)
    job.statistics = arena(statistics, "statistics", real, job.n_statistics)
    job.read = job.parameters
    job.rows, job.n_rows = &rows.rows, rows.rows.n_rows
    job.out = checked(out, "out", real, rows.rows.n_rows * job.n_outputs)
    job.row_cost = program.flops + OTHER_OPERATIONS_OF_ROW
    n_threads = max(1, min(n_threads, rows.rows.n_rows // ROW_BLOCK))
    job.max_batch = min(ROW_BLOCK, rows.rows.n_rows)
    job.all_finite = job.in_range = True
    job.worker_values = program.n_vectors
    job.worker_size = (job.worker_values + job.max_batch * program.n_values) * job.itemsize
    if program.bfloat16:
        job.bfloat16 = choose_bfloat16_kernels(isa)
        operands = np.empty(job.n_stages, OPERANDS)
        job.operands = <const Operands *> data(operands)
        words = lay_out_operands(job.stages, job.n_stages, False, <Operands *> data(operands))
        job.worker_rows = job.worker_size
        job.worker_size += words.rows * sizeof(uint32_t)
        # One block of rows converts weights as it reads them, which costs less than to keep them.
        if rows.rows.n_rows > ROW_BLOCK:
            weights = aligned_zeros(words.weights, np.uint32)
            job.converted_weights = <uint32_t *> data(weights)
            in_parallel(convert_all_weights, &job, n_threads)
    workers = aligned_zeros(n_threads * job.worker_size, np.uint8)
    job.workers = data(workers)
    if rows.rows.indptr != NULL:
        job.n_entries = rows.most_entries(ROW_BLOCK)
        offsets = np.empty(n_threads * (ROW_BLOCK + 1), np.int64)
        columns = np.empty(n_threads * job.n_entries, np.int32)
        entries = np.empty(n_threads * job.n_entries, program.dtype)
        job.offsets, job.columns = <int64_t *> data(offsets), <int32_t *> data(columns)
        job.entries = data(entries)
    if program.n_squares:
        squares_of_weights = aligned_zeros(program.n_squares, program.dtype)
        job.squares = data(squares_of_weights)
        for index, stage in enumerate(program.stages):
            for first in range(0, stage["n_in"] * (stage["kind"] == STAGE_DENSE), TASK_ROWS):
                store_column_squares(&job, index, first, min(first + TASK_ROWS, stage["n_in"]))
    run_team(predict_rows, &job, n_threads)
    check_columns(&job)
    return job.all_finite
