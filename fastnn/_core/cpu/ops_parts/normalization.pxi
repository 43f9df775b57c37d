# Normalization.

def batchnorm_statistics(x, isa=None):
    """Compute mean and biased variance of the columns, by chunks of rows as in the engine."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows = rows_of(x)
    cdef int64_t n = x.shape[0], ld = rows.shape[1], chunk
    n_chunks = quotient_up(n, ROW_CHUNK)
    partials = aligned_zeros((n_chunks, 2 * ld), x.dtype)
    mean, variance = aligned_zeros(ld, x.dtype), aligned_zeros(ld, x.dtype)
    for chunk in range(n_chunks):
        first = chunk * ROW_CHUNK
        k.batchnorm_partial(min(ROW_CHUNK, n - first), ld, data(rows[first:]),
                            data(partials[chunk]))
    k.batchnorm_merge(n, ld, data(partials), data(mean), data(variance))
    return mean[: x.shape[1]], variance[: x.shape[1]]


def batchnorm(x, mean, variance, scale, shift, double epsilon, isa=None):
    """Compute ``scale * (x - mean) / sqrt(variance + epsilon) + shift``."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows = rows_of(x)
    out = np.zeros_like(rows)
    vectors = [rows_of(v) for v in (mean, scale, shift)]
    inverse_std = rows_of(variance)
    k.batchnorm_inverse_std(rows.shape[1], epsilon, data(inverse_std), data(inverse_std))
    k.batchnorm(rows.shape[0], rows.shape[1], data(rows), data(vectors[0]), data(inverse_std),
                data(vectors[1]), data(vectors[2]), data(out))
    return out[:, : x.shape[1]]


def batchnorm_gradient(x, dy, mean, variance, scale, double epsilon, bint constant_statistics=False,
                       isa=None):
    """Compute the gradients with respect to x, scale and shift."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows, d = rows_of(x), rows_of(dy)
    cdef int64_t n = rows.shape[0], ld = rows.shape[1], chunk
    n_chunks = quotient_up(n, ROW_CHUNK)
    partials = aligned_zeros((n_chunks, 2 * ld), x.dtype)
    d_shift, d_scale = aligned_zeros(ld, x.dtype), aligned_zeros(ld, x.dtype)
    mean, scale, inverse_std = rows_of(mean), rows_of(scale), rows_of(variance)
    k.batchnorm_inverse_std(ld, epsilon, data(inverse_std), data(inverse_std))
    for chunk in range(n_chunks):
        first = chunk * ROW_CHUNK
        k.batchnorm_gradient_partial(min(ROW_CHUNK, n - first), ld, data(rows[first:]), data(mean),
                                     data(inverse_std), data(d[first:]), data(partials[chunk]))
    k.batchnorm_gradient_merge(n, ld, data(partials), data(d_shift), data(d_scale))
    k.batchnorm_gradient(n, n, ld, data(rows), data(mean), data(inverse_std), data(scale),
                         data(d_shift), data(d_scale), constant_statistics, data(d))
    width = x.shape[1]
    return d[:, :width], d_scale[:width], d_shift[:width]


def batchnorm_moving(moving_mean, moving_variance, mean, variance, int64_t n_rows, double momentum,
                     double correction=1.0, isa=None):
    """Compute the moving averages after a batch of n_rows rows, n_rows > 1."""
    cdef const Kernels *k = choose_kernels(isa, mean.dtype)
    moving = [rows_of(v) for v in (moving_mean, moving_variance)]
    batch = [rows_of(v) for v in (mean, variance)]
    k.batchnorm_moving(n_rows, moving[0].shape[1], momentum, correction, data(batch[0]),
                       data(batch[1]), data(moving[0]), data(moving[1]))
    return moving[0][0, : len(mean)], moving[1][0, : len(mean)]


def rownorm(x, int64_t groups, double epsilon, scale=None, shift=None, isa=None, int repeat=1):
    """Normalize the groups of rows; scale and shift have a number for each column or group."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows = rows_of(x)
    out = np.full_like(rows, np.nan)
    statistics = aligned_zeros((len(x), 2 * groups), x.dtype)
    scale_row, shift_row = (None if v is None else rows_of(v) for v in (scale, shift))
    cdef bint per_group = scale is not None and len(scale) == groups
    cdef int64_t n_rows = rows.shape[0], n = x.shape[1], ld = rows.shape[1]
    cdef char *x_data = data(rows)
    cdef char *y_data = data(out)
    cdef char *scale_data = NULL
    cdef char *shift_data = NULL
    cdef char *statistics_data = data(statistics)
    cdef int _i
    if scale is not None:
        scale_data, shift_data = data(scale_row), data(shift_row)
    with nogil:
        for _i in range(repeat):
            k.rownorm(n_rows, n, ld, groups, epsilon, x_data, scale_data, shift_data, per_group,
                      y_data, statistics_data)
    assert not out[:, n:].any()
    return out[:, :n]


def rownorm_gradient(x, dy, int64_t groups, double epsilon, scale=None, isa=None, int repeat=1):
    """Compute the gradients with respect to x and, where there is a scale, to scale and shift."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows, d, ignored = rows_of(x), rows_of(dy), rows_of(x)
    statistics = aligned_zeros((len(x), 2 * groups), x.dtype)
    scale_row = rows_of(np.ones(1, x.dtype) if scale is None else scale)
    cdef int64_t n_rows = rows.shape[0], n = x.shape[1], ld = rows.shape[1], chunk
    cdef int64_t n_vector = scale_row.shape[1], n_scales = 0 if scale is None else len(scale)
    cdef int64_t n_chunks = quotient_up(n_rows, ROW_CHUNK), first
    partials = aligned_zeros((n_chunks, 2 * n_vector), x.dtype)
    sums = aligned_zeros(2 * n_vector, x.dtype)
    cdef char *scale_data = NULL
    cdef int _i
    if scale is not None:
        scale_data = data(scale_row)
    k.rownorm(n_rows, n, ld, groups, epsilon, data(rows), NULL, NULL, False, data(ignored),
              data(statistics))
    for _i in range(repeat):
        for chunk in range(n_chunks):
            first = chunk * ROW_CHUNK
            k.rownorm_gradient(min(ROW_CHUNK, n_rows - first), n, ld, groups, data(rows[first:]),
                               data(statistics[first:]), scale_data, n_scales == groups,
                               data(d[first:]), data(partials[chunk]), n_vector)
    k.column_sums(n_rows, 2 * n_vector, data(partials), data(sums), False)
    if scale is None:
        return d[:, :n]
    return d[:, :n], sums[:n_scales], sums[n_vector : n_vector + n_scales]


def _weight_norms(v, g, isa):
    """Compute 1 / norm and scale of each column, by tasks of rows as in the engine."""
    cdef const Kernels *k = choose_kernels(isa, v.dtype)
    v_rows, g_row = rows_of(v), rows_of(g)
    cdef int64_t n = v.shape[0], ld = v_rows.shape[1], task, first
    n_tasks = quotient_up(n, TASK_ROWS)
    squares = aligned_zeros((n_tasks, ld), v.dtype)
    inverse, scale = aligned_zeros(ld, v.dtype), aligned_zeros(ld, v.dtype)
    for task in range(n_tasks):
        first = task * TASK_ROWS
        k.column_squares(min(TASK_ROWS, n - first), ld, data(v_rows[first:]), data(squares[task]))
    k.weightnorm_merge(n_tasks, ld, data(squares), data(g_row), data(inverse), data(scale))
    return inverse, scale


def weightnorm(xv, v, g, bias, isa=None):
    """Compute ``xv * g / |v| + bias``, `xv` being x times v."""
    cdef const Kernels *k = choose_kernels(isa, v.dtype)
    rows, bias_row = rows_of(xv), rows_of(bias)
    _, scale = _weight_norms(v, g, isa)
    out = np.zeros_like(rows)
    k.weightnorm(rows.shape[0], rows.shape[1], data(rows), data(scale), data(bias_row), data(out))
    return out[:, : xv.shape[1]]


def weightnorm_gradient(xv, dy, v, g, isa=None):
    """Compute the gradients of `xv`, g and the bias, and what the norm adds to that of v."""
    cdef const Kernels *k = choose_kernels(isa, v.dtype)
    rows, d, v_rows = rows_of(xv), rows_of(dy), rows_of(v)
    cdef int64_t n = rows.shape[0], ld = rows.shape[1], chunk
    inverse, scale = _weight_norms(v, g, isa)
    n_chunks = quotient_up(n, ROW_CHUNK)
    partials, sums = aligned_zeros((n_chunks, 2 * ld), v.dtype), aligned_zeros(2 * ld, v.dtype)
    dg, dv = aligned_zeros(ld, v.dtype), np.zeros_like(v_rows)
    for chunk in range(n_chunks):
        first = chunk * ROW_CHUNK
        k.weightnorm_gradient(min(ROW_CHUNK, n - first), ld, data(rows[first:]), data(scale),
                              data(d[first:]), data(partials[chunk]))
    k.column_sums(n, 2 * ld, data(partials), data(sums), False)
    k.weightnorm_vectors(ld, data(sums), data(inverse), data(dg), False)
    k.weightnorm_correct(v.shape[0], ld, data(sums), data(scale), data(inverse), data(v_rows),
                         data(dv))
    width = v.shape[1]
    return d[:, :width], dg[:width], sums[ld : ld + width], dv[:, :width]
