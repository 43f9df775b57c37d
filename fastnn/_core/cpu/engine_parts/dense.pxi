# Dense stages: matrix products.

cdef inline void forward_dense(const Job *job, const Worker *worker, int index, int64_t first,
                               int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const char *weight = parameter(job, stage.weight)
    cdef const char *bias = parameter(job, stage.bias)
    cdef char *y = values_out(job, worker, stage, first)
    cdef MatrixRows x
    if reads_sparse(job, stage):
        job.kernels.csr_matmul(n_rows, stage.ld_out, job.sparse.offsets + first,
                               job.sparse.columns, job.sparse.entries, weight, bias, y)
    elif job.bfloat16.kernels != NULL:
        forward_bfloat16(job, worker, index, first, n_rows)
    else:
        x = stage_input(job, worker, stage, first)
        job.kernels.matmul(n_rows, stage.n_in, stage.n_out, x.first, x.ld, x.order, weight,
                           stage.ld_out, bias, y, stage.ld_out, False)


cdef inline void backward_dense(const Job *job, const Worker *worker, int index, int64_t first,
                                int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    if job.bfloat16.kernels != NULL:
        backward_bfloat16(job, worker, index, first, n_rows)
    elif stage.dx >= 0:
        job.kernels.matmul(n_rows, stage.n_out, stage.n_in, deltas_out(job, stage, first),
                           stage.ld_out, NULL,
                           job.arenas.transposed + stage.transposed * job.itemsize, stage.ld_in,
                           NULL, deltas_in(job, stage, first), stage.ld_in, stage.adds)


cdef inline void weight_gradient(const Job *job, const Worker *worker, const Task *task,
                                 char *g) noexcept nogil:
    """Compute the gradient of a task's rows of a weight, over the whole batch."""
    cdef const Stage *stage = job.stages + task.stage
    cdef const Span *span = &task.span
    cdef const char *dy = deltas_out(job, stage, 0)
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
    job.kernels.matmul_transposed(1, worker.n_rows, stage.n_out, job.buffers.ones, 0, NULL,
                                  deltas_out(job, stage, 0), stage.ld_out, g, stage.ld_out,
                                  job.mode != TRAIN)


cdef inline void transpose_weights(const Job *job, const Stage *stage,
                                   const Span *span) noexcept nogil:
    """Rewrite the transposed rows of a weight, for the input gradient."""
    cdef int64_t row = first_row(stage, span)
    job.kernels.transpose(row, row + span.rows, stage.n_out, parameter(job, stage.weight),
                          stage.ld_out, job.arenas.transposed + stage.transposed * job.itemsize,
                          stage.ld_in)
