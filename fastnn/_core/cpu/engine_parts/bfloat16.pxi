# Products in bfloat16, and where their operands lie.

OPERANDS = np.dtype([(name, np.int64) for name in ("weight", "transposed", "x", "dz")])


cdef inline uint32_t *pair_rows(const Job *job, int64_t offset, int64_t row,
                                int64_t ld) noexcept nogil:
    """Return rows `row` (even) and `row` + 1 of a batch as pairs."""
    return job.bfloat16.rows + offset * quotient_up(job.buffers.max_batch, 2) + row // 2 * ld


cdef void forward_bfloat16(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    cdef const Stage *stage = b.stage
    cdef const Operands *operands = job.bfloat16.operands + b.index
    cdef const Bfloat16Kernels *k = job.bfloat16.kernels
    cdef int64_t half = stage.ld_in // 2
    cdef MatrixRows x = stage_input(job, worker, stage, b.first)
    cdef const char *bias = parameter(job, stage.bias)
    cdef char *rows = worker.scratch + job.scratch.bfloat16_rows
    cdef uint32_t *pairs = NULL
    if job.mode == TRAIN or job.mode == GRADIENT:
        pairs = pair_rows(job, operands.x, b.first, stage.ld_in)
    k.convert(b.n_rows, stage.n_in, x.first, x.ld, x.order, rows, half, pairs, stage.ld_in)
    if job.bfloat16.weights == NULL:
        k.matmul_converting(b.n_rows, stage.n_in, stage.n_out, rows, half,
                            parameter(job, stage.weight), b.ld, bias, b.y, b.ld)
    else:
        k.matmul(b.n_rows, quotient_up(stage.n_in, 2), stage.n_out, rows, half, NULL,
                 job.bfloat16.weights + operands.weight, b.ld, bias, b.y, b.ld, False)


cdef void backward_bfloat16(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    """Compute the input gradient, if it is needed, and the operand of the weight gradient."""
    cdef const Stage *stage = b.stage
    cdef const Operands *operands = job.bfloat16.operands + b.index
    cdef const Bfloat16Kernels *k = job.bfloat16.kernels
    cdef uint32_t *pairs = pair_rows(job, operands.dz, b.first, b.ld)
    cdef char *rows = NULL
    if stage.dx >= 0:
        rows = worker.scratch + job.scratch.bfloat16_rows
    k.convert(b.n_rows, stage.n_out, b.dy, b.ld, NULL, rows, b.ld // 2, pairs, b.ld)
    if stage.dx >= 0:
        k.matmul(b.n_rows, quotient_up(stage.n_out, 2), stage.n_in, rows, b.ld // 2, NULL,
                 job.bfloat16.weights + operands.transposed, stage.ld_in, NULL, deltas_in(job, b),
                 stage.ld_in, stage.adds)


cdef void weight_gradient_bfloat16(const Job *job, const Worker *worker, const Task *task,
                                   char *g) noexcept nogil:
    cdef const Stage *stage = job.stages + task.stage
    cdef const Operands *operands = job.bfloat16.operands + task.stage
    cdef const Span *span = &task.span
    job.bfloat16.kernels.matmul_transposed(
        span.rows, quotient_up(worker.n_rows, 2), n_columns(stage, span),
        pair_rows(job, operands.x, 0, 0) + first_row(stage, span), stage.ld_in, NULL,
        pair_rows(job, operands.dz, 0, 0) + first_column(stage, span), stage.ld_out, g,
        span.stride, job.mode != TRAIN)


cdef void convert_weights(const Job *job, int index, const Span *span) noexcept nogil:
    """Convert rows of a weight for forward and input gradient; the first is even."""
    cdef const Stage *stage = job.stages + index
    cdef const Operands *operands = job.bfloat16.operands + index
    cdef int64_t row = first_row(stage, span), ld = stage.ld_out
    cdef const Bfloat16Kernels *k = job.bfloat16.kernels
    cdef uint32_t *weights = job.bfloat16.weights
    if reads_sparse(job, stage):   # which multiply the weights as they are
        return
    k.convert(span.rows, stage.n_out, parameter(job, span.offset), ld, NULL, NULL, 0,
              weights + operands.weight + row // 2 * ld, ld)
    if operands.transposed >= 0:
        k.transpose_pairs(row, row + span.rows, stage.n_out, parameter(job, stage.weight), ld,
                          weights + operands.transposed, stage.ld_in)


cdef void convert_all_weights(Job *job, int thread, int n_threads) noexcept nogil:
    """Convert one thread's part of all weights before a prediction."""
    cdef uint64_t mode = flush_denormals()
    cdef const Stage *stage
    cdef Span span
    cdef int index
    cdef int64_t first
    for index in range(job.n_stages):
        stage, first = job.stages + index, thread * TASK_ROWS
        while stage.kind == STAGE_DENSE and first < stage.n_in:
            span = rows_of_weight(stage, first)
            convert_weights(job, index, &span)
            first += n_threads * TASK_ROWS
    restore_denormals(mode)


# Words of 32 bits that operands in bfloat16 take: all weights, a row of a batch, the rows that a
# thread works on.
cdef struct OperandSizes:
    int64_t weights, batch, rows


cdef OperandSizes lay_out_operands(const Stage *stages, int n_stages, bint training,
                                   Operands *operands) noexcept nogil:
    """Fill in where dense stages have their operands; predictions need no transposed weights."""
    cdef OperandSizes sizes = OperandSizes(0, 0, 0)
    cdef const Stage *stage
    cdef Operands *place
    cdef int index
    for index in range(n_stages):
        stage, place = stages + index, operands + index
        if stage.kind != STAGE_DENSE:
            continue
        place.weight, place.transposed = sizes.weights, -1
        sizes.weights += quotient_up(stage.n_in, 2) * stage.ld_out
        if training and stage.dx >= 0:
            place.transposed = sizes.weights
            sizes.weights += quotient_up(stage.n_out, 2) * stage.ld_in
        place.x, place.dz = sizes.batch, sizes.batch + stage.ld_in
        sizes.batch += stage.ld_in + stage.ld_out
        sizes.rows = max(sizes.rows, ROW_BLOCK * max(stage.ld_in, stage.ld_out) // 2)
    return sizes
