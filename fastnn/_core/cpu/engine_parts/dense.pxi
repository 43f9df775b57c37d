# Dense stages: matrix products. Their weight gradient is a task's.

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
