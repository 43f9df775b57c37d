# Predictions.

# Rows that are worth another thread. One row is predicted by one: of a network of 784-512-512-10,
# whose weights lie in the third cache, two took 16 µs in place of 31 in rapid succession, but 125
# in place of 59 a millisecond after the last call, when the other thread sleeps.
cdef enum:
    LEAST_OF_BLOCK = 16


cdef inline int64_t rows_of_block(int64_t n_rows, int n_threads) noexcept nogil:
    """Return how many rows a thread takes at a time: all threads take as many blocks."""
    cdef int64_t blocks = quotient_up(quotient_up(n_rows, ROW_BLOCK), n_threads) * n_threads
    return quotient_up(n_rows, max(<int64_t> 1, blocks))


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
    worker.step, worker.dropout = <uint32_t> job.call.step, 1
    if job.call.rows.indptr != NULL:
        own.sparse.offsets += thread * (ROW_BLOCK + 1)
        own.sparse.columns += thread * job.sparse.n_entries
        own.sparse.entries += thread * job.sparse.n_entries * job.itemsize
    for index in range(job.n_stages):
        if job.stages[index].kind == STAGE_BN_APPLY:
            merge_batch_statistics(job, &worker, job.stages + index)
    merge_weight_norms(job, &worker)
    while asked_to_leave(&job.progress.barrier) == STAY:
        row = take_ticket(&job.progress.n_taken) * job.buffers.max_batch
        if row >= job.call.n_rows:
            break
        n = min(job.buffers.max_batch, job.call.n_rows - row)
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
    end_worker(job, &worker)


ctypedef fused real_number:
    float
    double


cdef inline void write_both_classes(int64_t n_rows, const real_number *p, int64_t ld,
                                    real_number *out) noexcept nogil:
    """Write the probabilities of two classes, of which the network has that of the second."""
    cdef int64_t i
    for i in range(n_rows):
        out[2 * i], out[2 * i + 1] = 1 - p[i * ld], p[i * ld]


cdef inline void write_outputs(const Job *job, const Worker *worker) noexcept nogil:
    """Write the outputs of a block of rows, those of one head beside those of the other."""
    cdef const Stage *stage
    cdef const char *y
    cdef int64_t size = job.itemsize, width = job.call.n_outputs * size, i
    cdef char *out = job.call.out + worker.start * width
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind != STAGE_OUTPUT:
            continue
        y = value(job, worker, stage.y, 0, stage.ld_out)
        if job.call.both_classes and size == sizeof(float):
            write_both_classes(worker.n_rows, <const float *> y, stage.ld_out, <float *> out)
        elif job.call.both_classes:
            write_both_classes(worker.n_rows, <const double *> y, stage.ld_out, <double *> out)
        else:
            for i in range(worker.n_rows):
                memcpy(out + i * width, y + i * stage.ld_out * size, stage.n_out * size)
        out += stage.n_out * size


# What the threads of the last prediction worked in: the next one touches no new pages of memory.
cdef enum:
    MOST_SPARE = 1 << 22
cdef cnp.ndarray spare = None
cdef object SPARE = object()   # whoever exchanges it without the GIL locks this


cdef cnp.ndarray take_memory(int64_t size):
    """Return so many bytes or more, from a cache line on, with any content."""
    global spare
    cdef cnp.ndarray memory
    with cython.critical_section(SPARE):
        memory, spare = spare, None
    return aligned_zeros(size, np.uint8) if memory is None or memory.size < size else memory


cdef leave_memory(cnp.ndarray memory):
    """Keep memory for the next prediction."""
    global spare
    if memory.size <= MOST_SPARE:
        with cython.critical_section(SPARE):
            spare = memory


cdef class NativePredictor:
    """Predictions of one network, which threads may ask for at once.

    Parameters
    ----------
    program : Program
    parameters, statistics : ndarray
        Arenas. Each call reads them anew.
    isa : str, optional
        Instruction set; by default the fastest, or what FASTNN_ISA names.
    """

    cdef readonly object program, parameters, statistics
    cdef Job job    # of every call, but for its rows
    cdef object isa, operands, team
    cdef OperandSizes sizes
    cdef int real
    cdef int64_t n_features, n_values, n_squares

    def __init__(self, program, parameters, statistics, isa=None):
        cdef Job *job = &self.job
        begin_job(job, program, isa)
        self.program, self.parameters, self.statistics = program, parameters, statistics
        self.isa, self.real = isa, real_type(program.dtype)
        self.n_features, self.n_values = program.n_features, program.n_values
        self.n_squares = program.n_squares
        job.mode = PREDICT
        job.progress.all_finite = job.progress.in_range = True
        job.arenas.parameters = arena(parameters, "parameters", self.real, program.n_parameters)
        job.arenas.statistics = arena(statistics, "statistics", self.real, program.n_statistics)
        job.arenas.read = job.arenas.parameters
        job.call.n_outputs = program.n_outputs
        job.call.row_cost = program.flops + OTHER_OPERATIONS_OF_ROW
        job.scratch.values = program.n_vectors
        if program.bfloat16:
            self.operands = np.empty(job.n_stages, OPERANDS)
            job.bfloat16.operands = <const Operands *> data(self.operands)
            self.sizes = lay_out_operands(job.stages, job.n_stages, False,
                                          <Operands *> data(self.operands))

    def __call__(self, X, int n_threads=1, bint both_classes=False, draw=None):
        """Return the outputs for the rows of X, and whether all of X was finite.

        Where it was not, rows of the outputs mean nothing. If `both_classes`, the output of a
        network that has but one is the probability of the second class, and that of the first comes
        before it. `draw` is a seed and a number, whose masks dropout applies as in training.
        """
        cdef Job job = self.job
        cdef InputRows rows = InputRows(X, self.n_features)
        cdef int64_t n_rows = rows.rows.n_rows
        cdef cnp.npy_intp[2] shape
        shape[0], shape[1] = n_rows, 2 if both_classes else job.call.n_outputs
        outputs = cnp.PyArray_EMPTY(2, shape, self.real, False)
        self.choose_kernels(&job)
        job.call.rows, job.call.n_rows = &rows.rows, n_rows
        job.call.out, job.call.n_outputs, job.call.both_classes = (
            data(outputs), shape[1], both_classes)
        n_threads = max(1, min(n_threads, n_rows // LEAST_OF_BLOCK))
        job.buffers.max_batch = rows_of_block(n_rows, n_threads)
        if draw is not None:
            job.seed, job.call.step = draw
            job.call.drops_units = True
            # Masks are made of several rows at once.
            job.buffers.max_batch = quotient_up(job.buffers.max_batch, ROW_CHUNK) * ROW_CHUNK
        job.scratch.size = job.scratch.values + job.buffers.max_batch * self.n_values
        job.scratch.size *= job.itemsize
        kept = []   # arrays that the job points to
        if self.operands is not None:
            kept.append(self.prepare_bfloat16(&job, n_threads))
        if rows.rows.indptr != NULL:
            kept += prepare_sparse(&job, rows, n_threads, self.program.dtype)
        if self.n_squares:
            kept += prepare_weight_norms(&job, self.program)
        memory = take_memory(n_threads * job.scratch.size)
        job.scratch.start = data(memory)
        self.predict_blocks(&job, n_threads)
        leave_memory(memory)
        check_columns(&job)
        return outputs, job.progress.all_finite

    cdef predict_blocks(self, Job *job, int n_threads):
        """Predict all blocks of rows, in as many threads as the team says."""
        cdef int64_t n_blocks = quotient_up(job.call.n_rows, max(1, job.buffers.max_batch))
        if n_threads == 1:
            run_team(predict_rows, job, None, 1, &job.progress.n_taken, n_blocks)
            return
        with cython.critical_section(self):
            team, self.team = self.team, None   # a call beside this one has a team of its own
        if team is None or team.most < n_threads:
            team = self.new_team(n_threads)
        run_team(predict_rows, job, team, n_threads, &job.progress.n_taken, n_blocks)
        with cython.critical_section(self):
            self.team = team

    cdef choose_kernels(self, Job *job):
        """Take those of the instruction set that FASTNN_ISA names now."""
        cdef int isa = choose_isa(self.isa)
        job.kernels = fastnn_kernels(isa, self.real == cnp.NPY_DOUBLE)
        if self.operands is not None:
            job.bfloat16.kernels = fastnn_bfloat16_kernels(isa)

    cdef prepare_bfloat16(self, Job *job, int n_threads):
        """Convert the weights; return their array.

        One block of rows converts weights as it reads them, which costs less than to keep them.
        """
        job.scratch.bfloat16_rows = job.scratch.size
        job.scratch.size += self.sizes.rows * sizeof(uint32_t)
        if job.call.n_rows <= job.buffers.max_batch:
            return None
        weights = aligned_zeros(self.sizes.weights, np.uint32)
        job.bfloat16.weights = <uint32_t *> data(weights)
        in_parallel(convert_all_weights, job, n_threads)
        return weights


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
