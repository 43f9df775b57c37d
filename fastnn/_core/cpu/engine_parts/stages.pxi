# Forward and backward pass of some rows, a stage each.

cdef void of_user(const Job *job, const Stage *stage, uint64_t function, int64_t n_rows,
                  const char *x, char *y) noexcept nogil:
    """A function that the user wrote, of all but the padding: 0 need not be in its domain."""
    cdef int64_t row
    for row in range(n_rows):
        (<Elementwise> <size_t> function)(stage.n_out, x + row * stage.ld_out * job.itemsize,
                                          y + row * stage.ld_out * job.itemsize)


cdef void forward(const Job *job, const Worker *worker, int index, int64_t first,
                  int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Kernels *k = job.kernels
    cdef int64_t ld = stage.ld_out, row = 0
    cdef MatrixRows input = stage_input(job, worker, stage, first)
    cdef const char *x = input.first   # only dense stages read rows in another order
    cdef char *y = value(job, worker, stage.y, first, ld)
    cdef bint drops = job.mode == TRAIN and stage.rate > 0
    cdef Mask drawn

    if stage.kind == STAGE_DENSE and stage.x == 0 and job.call.rows.indptr != NULL:
        k.csr_matmul(n_rows, ld, job.sparse.offsets + first, job.sparse.columns, job.sparse.entries,
                     parameter(job, stage.weight), parameter(job, stage.bias), y)
    elif stage.kind == STAGE_DENSE and job.bfloat16.kernels != NULL:
        forward_bfloat16(job, worker, index, first, n_rows)
    elif stage.kind == STAGE_DENSE:
        k.matmul(n_rows, stage.n_in, stage.n_out, x, input.ld, input.order,
                 parameter(job, stage.weight), ld, parameter(job, stage.bias), y, ld, False)
    elif stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm(n_rows, ld, x, vector(job, worker, stage, SCALE), parameter(job, stage.bias),
                     y)
    elif stage.kind == STAGE_ROW_NORM:
        k.rownorm(n_rows, stage.n_out, ld, stage.groups, stage.epsilon, x,
                  parameter(job, stage.weight), parameter(job, stage.bias), stage.code, y,
                  value(job, worker, stage.other, first, 2 * stage.groups))
    elif stage.kind == STAGE_PRELU:
        k.prelu(n_rows, ld, x, parameter(job, stage.weight), stage.code, y)
    elif stage.kind == STAGE_MAXOUT:
        k.maxout(n_rows, stage.groups, stage.n_out, input.ld, ld, x, y)
    elif stage.kind == STAGE_ACTIVATION and drops:   # RReLU
        drawn = mask(job, worker, index)
        k.rrelu(&drawn, first, n_rows, ld, stage.parameter, x, y)
    elif stage.kind == STAGE_ACTIVATION and stage.function:
        of_user(job, stage, stage.function, n_rows, x, y)
        of_user(job, stage, stage.derivative, n_rows, x,
                value(job, worker, stage.other, first, ld))
    elif stage.kind == STAGE_ACTIVATION and stage.other >= 0 and job.mode != PREDICT:
        k.activation_with_derivative(stage.code, n_rows * ld, x, y,
                                     value(job, worker, stage.other, first, ld))
    elif stage.kind == STAGE_ACTIVATION:
        k.activation(stage.code, stage.parameter, n_rows * ld, x, y)
    elif stage.kind == STAGE_BN_STATISTICS and job.mode in (TRAIN, GRADIENT):
        while row < n_rows:
            k.batchnorm_partial(min(<int64_t> ROW_CHUNK, n_rows - row), ld,
                                x + row * ld * job.itemsize,
                                partial(job, stage, False, (first + row) // ROW_CHUNK))
            row += ROW_CHUNK
    elif stage.kind == STAGE_BN_APPLY:
        k.batchnorm(n_rows, ld, x, vector(job, worker, stage, MEAN),
                    vector(job, worker, stage, INVERSE_STD), parameter(job, stage.weight),
                    parameter(job, stage.bias), y)
    elif stage.kind == STAGE_DROPOUT and job.mode == TRAIN:
        drawn = dropout_mask(job, worker, index)
        if stage.x == 0 and job.call.rows.indptr != NULL:
            k.dropout_csr(&drawn, first, n_rows, job.sparse.offsets + first, job.sparse.columns,
                          job.sparse.entries)
        else:
            k.dropout(&drawn, first, n_rows, ld, x, y)
    elif stage.kind == STAGE_DROPOUT and stage.code == DROPOUT_ORIGINAL:
        if stage.x == 0 and job.call.rows.indptr != NULL:
            row = job.sparse.offsets[first]
            y = job.sparse.entries + row * job.itemsize
            k.scaled(job.sparse.offsets[first + n_rows] - row, 1 - stage.rate, y, y)
        else:
            k.scaled(n_rows * ld, 1 - stage.rate, x, y)
    elif stage.kind == STAGE_NOISE and job.mode == TRAIN:
        drawn = mask(job, worker, index)
        k.normal_noise(&drawn, first, n_rows, stage.n_out, ld, x, y)
    elif (stage.kind == STAGE_DROPOUT or stage.kind == STAGE_NOISE) and stage.x != stage.y:
        memcpy(y, x, n_rows * ld * job.itemsize)
    elif stage.kind == STAGE_JOIN:
        drawn = mask(job, worker, index)
        k.residual(&drawn if drops else NULL, first, n_rows, ld,
                   value(job, worker, stage.other, first, ld), x, y)
    elif stage.kind == STAGE_OUTPUT and job.mode == PREDICT:
        k.output(stage.code, stage.parameter, n_rows, stage.n_out, ld, y)
    elif stage.kind == STAGE_OUTPUT and worker.mixing.weight != 1:
        mixed_loss(job, worker, stage, first, n_rows)
    elif stage.kind == STAGE_OUTPUT:
        find_loss(job, worker, stage, n_rows, y, shifted(worker.order, first), worker.start + first,
                  job.call.weights, delta(job, stage.dy, first, ld),
                  losses_of_rows(job, stage.head, first))


cdef inline void sum_gradient(const Job *job, const Worker *worker, const Stage *stage,
                              int64_t first, int64_t n_rows, const char *x,
                              char *dy) noexcept nogil:
    """Backward pass of a chunk of rows of a stage whose parameters' gradients are sums over rows.
    """
    cdef const Kernels *k = job.kernels
    cdef int64_t ld = stage.ld_out
    cdef char *sums = partial(job, stage, False, first // ROW_CHUNK)
    if stage.kind == STAGE_PRELU:
        k.prelu_gradient(n_rows, ld, x, parameter(job, stage.weight), stage.code, dy, sums)
    elif stage.kind == STAGE_WEIGHT_NORM:
        k.weightnorm_gradient(n_rows, ld, x, vector(job, worker, stage, SCALE), dy, sums)
    else:
        k.rownorm_gradient(n_rows, stage.n_out, ld, stage.groups, x,
                           value(job, worker, stage.other, first, 2 * stage.groups),
                           parameter(job, stage.weight), stage.code, dy, sums, stage.n_sums // 2)


cdef void backward(const Job *job, const Worker *worker, int index, int64_t first,
                   int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Kernels *k = job.kernels
    if stage.kind == STAGE_DENSE and job.bfloat16.kernels != NULL:
        backward_bfloat16(job, worker, index, first, n_rows)
        return
    if stage.dx < 0:
        return
    cdef int64_t ld_in = stage.ld_in, ld = stage.ld_out, row = 0, at
    cdef char *x = value(job, worker, stage.x, first, ld_in)
    cdef char *y = value(job, worker, stage.y, first, ld)
    cdef char *dx = delta(job, stage.dx, first, ld_in)
    cdef char *dy = delta(job, stage.dy, first, ld)
    cdef bint drops = job.mode == TRAIN and stage.rate > 0
    cdef Mask drawn

    if stage.kind == STAGE_DENSE:
        k.matmul(n_rows, stage.n_out, stage.n_in, dy, ld, NULL,
                 job.arenas.transposed + stage.transposed * job.itemsize, ld_in, NULL, dx, ld_in,
                 stage.adds)
    elif stage.kind == STAGE_ACTIVATION and drops:
        drawn = mask(job, worker, index)
        k.rrelu_gradient(&drawn, first, n_rows, ld, stage.parameter, y, dy)
    elif stage.kind == STAGE_ACTIVATION:
        k.activation_gradient(stage.code, stage.parameter, n_rows * ld, y,
                              value(job, worker, stage.other, first, ld), dy)
    elif stage.kind == STAGE_DROPOUT and job.mode == TRAIN:
        drawn = dropout_mask(job, worker, index)
        k.dropout(&drawn, first, n_rows, ld, dy, dy)
    elif stage.kind == STAGE_DROPOUT and stage.code == DROPOUT_ORIGINAL:
        k.scaled(n_rows * ld, 1 - stage.rate, dy, dy)
    elif stage.kind == STAGE_JOIN:
        drawn = mask(job, worker, index)
        k.residual(&drawn if drops else NULL, first, n_rows, ld, NULL, dy, dx)
    elif stage.kind == STAGE_FORK:
        k.residual(NULL, first, n_rows, ld, delta(job, stage.other, first, ld), dy, dx)
    elif stage.kind == STAGE_MAXOUT:
        k.maxout_gradient(n_rows, stage.groups, stage.n_out, ld_in, ld, x, y, dy, dx)
    elif stage.kind in (STAGE_ROW_NORM, STAGE_PRELU, STAGE_WEIGHT_NORM):
        while row < n_rows:
            at = row * ld * job.itemsize
            sum_gradient(job, worker, stage, first + row, min(<int64_t> ROW_CHUNK, n_rows - row),
                         x + at, dy + at)
            row += ROW_CHUNK
    elif stage.kind == STAGE_BN_APPLY:
        while row < n_rows:
            k.batchnorm_gradient_partial(
                min(<int64_t> ROW_CHUNK, n_rows - row), ld, x + row * ld * job.itemsize,
                vector(job, worker, stage, MEAN), vector(job, worker, stage, INVERSE_STD),
                dy + row * ld * job.itemsize, partial(job, stage, True, (first + row) // ROW_CHUNK))
            row += ROW_CHUNK
    elif stage.kind == STAGE_BN_STATISTICS:
        k.batchnorm_gradient(n_rows, worker.n_rows, ld, x, vector(job, worker, stage, MEAN),
                             vector(job, worker, stage, INVERSE_STD), parameter(job, stage.weight),
                             vector(job, worker, stage, D_SHIFT),
                             vector(job, worker, stage, D_SCALE), worker.n_rows == 1, dy)
