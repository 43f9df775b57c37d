# Activations, with and without parameters.

# What Numba made of a user's function.
ctypedef void (*Elementwise)(int64_t n, const void *x, void *y) noexcept nogil

cdef void apply_user_function(const Job *job, const Block *b, uint64_t function,
                              char *y) noexcept nogil:
    """Apply a function that the user wrote to all but the padding: 0 need not be in its domain."""
    cdef int64_t row, stride = b.ld * job.itemsize
    for row in range(b.n_rows):
        (<Elementwise> <size_t> function)(b.stage.n_out, b.x + row * stride, y + row * stride)


cdef inline char *derivatives(const Job *job, const Worker *worker, const Block *b) noexcept nogil:
    """Return where the derivatives are, of activations that compute them with their values."""
    return value(job, worker, b.stage.other, b.first, b.ld)


cdef inline void forward_activation(const Job *job, const Worker *worker,
                                    const Block *b) noexcept nogil:
    cdef const Stage *stage = b.stage
    cdef const Kernels *k = job.kernels
    cdef Mask drawn
    if job.mode == TRAIN and stage.rate > 0:   # RReLU
        drawn = mask(job, worker, b.index)
        k.rrelu(&drawn, b.first, b.n_rows, b.ld, stage.parameter, b.x, b.y)
    elif stage.function:
        apply_user_function(job, b, stage.function, b.y)
        apply_user_function(job, b, stage.derivative, derivatives(job, worker, b))
    elif stage.other >= 0 and job.mode != PREDICT:
        k.activation_with_derivative(stage.code, b.n_rows * b.ld, b.x, b.y,
                                     derivatives(job, worker, b))
    else:
        k.activation(stage.code, stage.parameter, b.n_rows * b.ld, b.x, b.y)


cdef inline void backward_activation(const Job *job, const Worker *worker,
                                     const Block *b) noexcept nogil:
    cdef const Stage *stage = b.stage
    cdef Mask drawn
    if job.mode == TRAIN and stage.rate > 0:
        drawn = mask(job, worker, b.index)
        job.kernels.rrelu_gradient(&drawn, b.first, b.n_rows, b.ld, stage.parameter, b.y, b.dy)
    else:
        job.kernels.activation_gradient(stage.code, stage.parameter, b.n_rows * b.ld, b.y,
                                        derivatives(job, worker, b), b.dy)


cdef inline void forward_prelu(const Job *job, const Block *b) noexcept nogil:
    job.kernels.prelu(b.n_rows, b.ld, b.x, parameter(job, b.stage.weight), b.stage.code, b.y)


cdef inline void backward_prelu(const Job *job, const Block *b, char *sums) noexcept nogil:
    job.kernels.prelu_gradient(b.n_rows, b.ld, b.x, parameter(job, b.stage.weight), b.stage.code,
                               b.dy, sums)


cdef inline void forward_maxout(const Job *job, const Block *b) noexcept nogil:
    job.kernels.maxout(b.n_rows, b.stage.groups, b.stage.n_out, b.stage.ld_in, b.ld, b.x, b.y)


cdef inline void backward_maxout(const Job *job, const Block *b) noexcept nogil:
    job.kernels.maxout_gradient(b.n_rows, b.stage.groups, b.stage.n_out, b.stage.ld_in, b.ld, b.x,
                                b.y, b.dy, deltas_in(job, b))
