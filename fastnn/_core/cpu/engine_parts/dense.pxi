# Dense stages: matrix products.

cdef inline void forward_dense(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    cdef const Stage *stage = b.stage
    cdef const char *weight = parameter(job, stage.weight)
    cdef const char *bias = parameter(job, stage.bias)
    cdef MatrixRows x
    if reads_sparse(job, stage):
        job.kernels.csr_matmul(b.n_rows, b.ld, job.sparse.offsets + b.first, job.sparse.columns,
                               job.sparse.entries, weight, bias, b.y)
    elif job.bfloat16.kernels != NULL:
        forward_bfloat16(job, worker, b)
    else:
        x = stage_input(job, worker, stage, b.first)
        job.kernels.matmul(b.n_rows, stage.n_in, stage.n_out, x.first, x.ld, x.order, weight, b.ld,
                           bias, b.y, b.ld, False)


cdef inline void backward_dense(const Job *job, const Worker *worker,
                                const Block *b) noexcept nogil:
    cdef const Stage *stage = b.stage
    if job.bfloat16.kernels != NULL:
        backward_bfloat16(job, worker, b)
    elif stage.dx >= 0:
        job.kernels.matmul(b.n_rows, stage.n_out, stage.n_in, b.dy, b.ld, NULL,
                           job.arenas.transposed + stage.transposed * job.itemsize, stage.ld_in,
                           NULL, deltas_in(job, b), stage.ld_in, stage.adds)


cdef inline void weight_gradient(const Job *job, const Worker *worker, const Task *task,
                                 char *g) noexcept nogil:
    """Compute the gradient of a task's rows of a weight, over the whole batch."""
    cdef const Stage *stage = job.stages + task.stage
    cdef const Span *span = &task.span
    cdef const char *dy = delta(job, stage.dy, 0, stage.ld_out)
    cdef int64_t row = first_row(stage, span), column = first_column(stage, span)
    cdef bint accumulates = job.mode != TRAIN
    cdef MatrixRows x
    dy += column * job.itemsize
    if reads_sparse(job, stage):
        job.kernels.csr_weight_gradient(row, row + span.rows, stage.ld_out, job.sparse.starts,
                                        job.sparse.ends, job.sparse.entry_rows,
                                        job.sparse.entry_values, dy, g, accumulates)
    elif job.bfloat16.kernels != NULL:
        weight_gradient_bfloat16(job, worker, task, g)
    else:
        x = stage_input(job, worker, stage, 0)
        job.kernels.matmul_transposed(span.rows, worker.n_rows, n_columns(stage, span),
                                      x.first + row * job.itemsize, x.ld, x.order, dy,
                                      stage.ld_out, g, span.stride, accumulates)
    if (stage + 1).kind == STAGE_WEIGHT_NORM:
        correct_weight_gradient(job, worker, stage, span, g)


cdef inline void bias_gradient(const Job *job, const Worker *worker, const Stage *stage,
                               char *g) noexcept nogil:
    """Compute the gradient of the biases: a product with a column of ones."""
    cdef int64_t ld = stage.ld_out
    job.kernels.matmul_transposed(1, worker.n_rows, stage.n_out, job.buffers.ones, 0, NULL,
                                  delta(job, stage.dy, 0, ld), ld, g, ld, job.mode != TRAIN)


cdef inline void transpose_weights(const Job *job, const Stage *stage,
                                   const Span *span) noexcept nogil:
    """Rewrite the transposed rows of a weight, for the input gradient."""
    cdef int64_t row = first_row(stage, span)
    job.kernels.transpose(row, row + span.rows, stage.n_out, parameter(job, stage.weight),
                          stage.ld_out, job.arenas.transposed + stage.transposed * job.itemsize,
                          stage.ld_in)
