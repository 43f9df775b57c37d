# Activations, with and without parameters.

# What Numba made of a user's function.
ctypedef void (*Elementwise)(int64_t n, const void *x, void *y) noexcept nogil

cdef void apply_user_function(const Job *job, const Stage *stage, uint64_t function,
                              int64_t n_rows, const char *x, char *y) noexcept nogil:
    """Apply a function that the user wrote to all but the padding: 0 need not be in its domain."""
    cdef int64_t row, stride = stage.ld_out * job.itemsize
    for row in range(n_rows):
        (<Elementwise> <size_t> function)(stage.n_out, x + row * stride, y + row * stride)


cdef inline void forward_activation(const Job *job, const Worker *worker, int index, int64_t first,
                                    int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const Kernels *k = job.kernels
    cdef int64_t n = n_rows * stage.ld_out
    cdef const char *x = values_in(job, worker, stage, first)
    cdef char *y = values_out(job, worker, stage, first)
    cdef char *derivative = value(job, worker, stage.other, first, stage.ld_out)
    cdef Mask drawn
    if job.mode == TRAIN and stage.rate > 0:   # RReLU
        drawn = mask(job, worker, index)
        k.rrelu(&drawn, first, n_rows, stage.ld_out, stage.parameter, x, y)
    elif stage.function:
        apply_user_function(job, stage, stage.function, n_rows, x, y)
        apply_user_function(job, stage, stage.derivative, n_rows, x, derivative)
    elif stage.other >= 0 and job.mode != PREDICT:
        k.activation_with_derivative(stage.code, n, x, y, derivative)
    else:
        k.activation(stage.code, stage.parameter, n, x, y)


cdef inline void backward_activation(const Job *job, const Worker *worker, int index,
                                     int64_t first, int64_t n_rows) noexcept nogil:
    cdef const Stage *stage = job.stages + index
    cdef const char *y = values_out(job, worker, stage, first)
    cdef char *dy = deltas_out(job, stage, first)
    cdef Mask drawn
    if job.mode == TRAIN and stage.rate > 0:
        drawn = mask(job, worker, index)
        job.kernels.rrelu_gradient(&drawn, first, n_rows, stage.ld_out, stage.parameter, y, dy)
    else:
        job.kernels.activation_gradient(stage.code, stage.parameter, n_rows * stage.ld_out, y,
                                        value(job, worker, stage.other, first, stage.ld_out), dy)


cdef inline void forward_prelu(const Job *job, const Worker *worker, const Stage *stage,
                               int64_t first, int64_t n_rows) noexcept nogil:
    job.kernels.prelu(n_rows, stage.ld_out, values_in(job, worker, stage, first),
                      parameter(job, stage.weight), stage.code,
                      values_out(job, worker, stage, first))


cdef inline void backward_prelu(const Job *job, const Worker *worker, const Stage *stage,
                                int64_t first, int64_t n_rows, char *sums) noexcept nogil:
    job.kernels.prelu_gradient(n_rows, stage.ld_out, values_in(job, worker, stage, first),
                               parameter(job, stage.weight), stage.code,
                               deltas_out(job, stage, first), sums)


cdef inline void forward_maxout(const Job *job, const Worker *worker, const Stage *stage,
                                int64_t first, int64_t n_rows) noexcept nogil:
    job.kernels.maxout(n_rows, stage.groups, stage.n_out, stage.ld_in, stage.ld_out,
                       values_in(job, worker, stage, first),
                       values_out(job, worker, stage, first))


cdef inline void backward_maxout(const Job *job, const Worker *worker, const Stage *stage,
                                 int64_t first, int64_t n_rows) noexcept nogil:
    job.kernels.maxout_gradient(n_rows, stage.groups, stage.n_out, stage.ld_in, stage.ld_out,
                                values_in(job, worker, stage, first),
                                values_out(job, worker, stage, first),
                                deltas_out(job, stage, first), deltas_in(job, stage, first))
