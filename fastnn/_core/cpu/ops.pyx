"""Each kernel as a Python call, for tests and benches; the engine calls the same tables.

Arrays go in and come out in their natural shapes; rows are padded and cropped here. Every
function takes ``isa``, the name of an instruction set, and works in the type of its first array.
``repeat`` calls the kernel that many times on the same data, to time it without Python.
"""

import numpy as np

cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint64_t

from fastnn._core.cpu.engine cimport Data, choose_bfloat16_kernels, choose_kernels, data
from fastnn._core.cpu.kernels cimport *

from fastnn.program import aligned_zeros, padded

cnp.import_array()


def rows_of(a):
    """A copy of a 2-D array (or a row) in rows of padded width."""
    a = np.atleast_2d(a)
    out = aligned_zeros((a.shape[0], padded(a.shape[1], a.dtype)), a.dtype)
    out[:, : a.shape[1]] = a
    return out


def matmul(a, b, bias=None, c=None, order=None, isa=None, int repeat=1):
    """``a[order] @ b + bias``, added to `c` where that is given."""
    return product(a, b, bias, c, order, False, isa, repeat)


def matmul_transposed(a, b, c=None, order=None, isa=None, int repeat=1):
    """``a[order].T @ b``, added to `c` where that is given."""
    return product(a, b, None, c, order, True, isa, repeat)


cdef product(a, b, bias, c, order, bint transposed, isa, int repeat):
    cdef const Kernels *k = choose_kernels(isa, a.dtype)
    cdef int _i
    b_rows = rows_of(b)
    bias_row = None if bias is None else rows_of(bias)
    n_rows, n_columns = a.shape if order is None else (len(order), a.shape[1])
    cdef int64_t n = n_columns if transposed else n_rows, n_k = n_rows if transposed else n_columns
    out = rows_of(np.zeros((n, b.shape[1]), a.dtype) if c is None else c)
    cdef int64_t n_cols = b.shape[1], lda = a.strides[0] // a.itemsize, ld = out.shape[1]
    cdef const int64_t *row_numbers = NULL
    cdef char *a_data = data(a)
    cdef char *b_data = data(b_rows)
    cdef char *bias_data = NULL
    cdef char *out_data = data(out)
    cdef bint accumulate = c is not None
    if order is not None:
        row_numbers = <const int64_t *> data(order)
    if bias is not None:
        bias_data = data(bias_row)
    with nogil:
        for _i in range(repeat):
            if transposed:
                k.matmul_transposed(n, n_k, n_cols, a_data, lda, row_numbers, b_data, ld, out_data,
                                    ld, accumulate)
            else:
                k.matmul(n, n_k, n_cols, a_data, lda, row_numbers, b_data, ld, bias_data, out_data,
                         ld, accumulate)
    return out[:, : b.shape[1]]


def transpose(w, int64_t first, int64_t last, isa=None):
    """Rows first..last of `w` transposed into an otherwise zero matrix."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    rows = rows_of(w)
    out = rows_of(np.zeros((w.shape[1], w.shape[0]), w.dtype))
    k.transpose(first, last, w.shape[1], data(rows), rows.shape[1], data(out), out.shape[1])
    return out[:, : w.shape[0]]


def words_of(n_rows, n_columns):
    """Zeros for pairs of bfloat16: words of 32 bits in rows of padded width."""
    return aligned_zeros((n_rows, padded(n_columns, np.uint32)), np.uint32)


def bfloat16_layouts(x, isa=None):
    """`x` (n, m) in float32 as rows (n, m / 2), pairs (n / 2, m) and transposed (m / 2, n)."""
    cdef const Bfloat16Kernels *k = choose_bfloat16_kernels(isa)
    cdef uint64_t mode
    rows_of_x = rows_of(x)
    cdef int64_t n = x.shape[0], m = x.shape[1], n_half = quotient_up(n, 2)
    cdef int64_t m_half = quotient_up(m, 2)
    rows, pairs, transposed = words_of(n, m_half), words_of(n_half, m), words_of(m_half, n)
    mode = flush_denormals()
    k.convert(n, m, data(rows_of_x), rows_of_x.shape[1], NULL, data(rows), rows.shape[1],
              data(pairs), pairs.shape[1])
    k.transpose_pairs(0, n, m, data(rows_of_x), rows_of_x.shape[1], data(transposed),
                      transposed.shape[1])
    restore_denormals(mode)
    return rows[:, :m_half], pairs[:, :m], transposed[:, :n]


def bfloat16_matmul(a, b, bias=None, c=None, kind="forward", isa=None, int repeat=1):
    """``a @ b + bias`` of rounded `a` and `b`, all float32, added to `c` where that is given.

    The operands are laid out as for the "forward" product, the "input_gradient" or the
    "weight_gradient", which has no bias; "converting" is the forward product of few rows, which
    needs one.
    """
    cdef const Bfloat16Kernels *k = choose_bfloat16_kernels(isa)
    cdef int _i
    cdef uint64_t mode
    cdef int64_t n = a.shape[0], n_k = a.shape[1], n_cols = b.shape[1]
    left = bfloat16_layouts(np.ascontiguousarray(a), isa)[0]
    right = bfloat16_layouts(b, isa)[1]
    if kind == "weight_gradient":
        left = bfloat16_layouts(a.T, isa)[1]
    if kind == "input_gradient":
        right = bfloat16_layouts(b.T, isa)[2]
    weights = rows_of(b)
    bias_row = None if bias is None else rows_of(bias)
    out = rows_of(np.zeros((n, n_cols), np.float32) if c is None else c)
    cdef int64_t lda = left.strides[0] // 4, ld = out.shape[1]
    cdef char *a_data = data(left)
    cdef char *b_data = data(weights if kind == "converting" else right)
    cdef char *bias_data = NULL
    cdef char *out_data = data(out)
    cdef bint accumulate = c is not None, converting = kind == "converting"
    cdef bint transposed = kind == "weight_gradient"
    if bias is not None:
        bias_data = data(bias_row)
    with nogil:
        mode = flush_denormals()
        for _i in range(repeat):
            if converting:
                k.matmul_converting(n, n_k, n_cols, a_data, lda, b_data, ld, bias_data, out_data,
                                    ld)
            elif transposed:
                k.matmul_transposed(n, quotient_up(n_k, 2), n_cols, a_data, lda, NULL, b_data, ld,
                                    out_data, ld, accumulate)
            else:
                k.matmul(n, quotient_up(n_k, 2), n_cols, a_data, lda, NULL, b_data, ld, bias_data,
                         out_data, ld, accumulate)
        restore_denormals(mode)
    return out[:, :n_cols]


def activation(x, int code, double parameter=0, bint in_place=False, isa=None, int repeat=1):
    """The activation's values."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef int64_t n = x.size
    cdef int _i
    y = aligned_zeros(x.shape, x.dtype)
    if in_place:
        y[...] = x
    values = y if in_place else np.ascontiguousarray(x)
    cdef char *x_data = data(values)
    cdef char *y_data = data(y)
    with nogil:
        for _i in range(repeat):
            k.activation(code, parameter, n, x_data, y_data)
    return y


def activation_with_derivative(x, int code, isa=None, int repeat=1):
    """Values and derivatives, of the activations that compute them together."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef int64_t n = x.size
    cdef int _i
    x = np.ascontiguousarray(x)
    y, d = aligned_zeros(x.shape, x.dtype), aligned_zeros(x.shape, x.dtype)
    cdef char *x_data = data(x)
    cdef char *y_data = data(y)
    cdef char *d_data = data(d)
    with nogil:
        for _i in range(repeat):
            k.activation_with_derivative(code, n, x_data, y_data, d_data)
    return y, d


def activation_gradient(y, gradient, int code, double parameter=0, derivative=None, isa=None,
                        int repeat=1):
    """`gradient` times the derivative of the activation whose value is `y`, or the one given."""
    cdef const Kernels *k = choose_kernels(isa, y.dtype)
    cdef int64_t n = y.size
    cdef int _i
    g = aligned_zeros(y.shape, y.dtype)
    g[...] = gradient
    y = np.ascontiguousarray(y)
    derivative = y if derivative is None else np.ascontiguousarray(derivative)
    cdef char *y_data = data(y)
    cdef char *d_data = data(derivative)
    cdef char *g_data = data(g)
    with nogil:
        for _i in range(repeat):
            k.activation_gradient(code, parameter, n, y_data, d_data, g_data)
    return g


def dropout(x, double rate, uint64_t seed, int step=0, int stage=0, int64_t first_row=0,
            bint inverted=True, isa=None, int repeat=1):
    """Rows first_row .. of a batch with dropout; first_row is a multiple of 4."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef Mask mask
    cdef int _i
    mask.seed, mask.step, mask.stage, mask.rate = seed, step, stage, rate
    mask.scale = 1 / (1 - rate) if inverted else 1
    rows = rows_of(x)
    out = np.zeros_like(rows)
    cdef int64_t n = rows.shape[0], ld = rows.shape[1]
    cdef char *x_data = data(rows)
    cdef char *y_data = data(out)
    with nogil:
        for _i in range(repeat):
            k.dropout(&mask, first_row, n, ld, x_data, y_data)
    return out[:, : x.shape[1]]


def dropout_csr(X, double rate, uint64_t seed, int step=0, int stage=0, int64_t first_row=0,
                bint inverted=True, isa=None):
    """The stored values of CSR rows with dropout."""
    cdef const Kernels *k = choose_kernels(isa, X.dtype)
    cdef Mask mask
    mask.seed, mask.step, mask.stage, mask.rate = seed, step, stage, rate
    mask.scale = 1 / (1 - rate) if inverted else 1
    values, offsets = X.data.copy(), X.indptr.astype(np.int64)
    k.dropout_csr(&mask, first_row, X.shape[0], <const int64_t *> data(offsets),
                  <const int32_t *> data(X.indices), data(values))
    return values


def scaled(x, double factor, isa=None):
    """`x` times a factor."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    y = np.ascontiguousarray(x).copy()
    k.scaled(y.size, factor, data(y), data(y))
    return y


def rrelu(x, double lower, double upper, uint64_t seed, int step=0, int stage=0,
          int64_t first_row=0, gradient=None, isa=None, int repeat=1):
    """Rows first_row .. of a batch with random slopes below zero, or what they make of a gradient.

    With `gradient`, `x` stands for the values after the activation.
    """
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef Mask mask
    cdef int _i
    mask.seed, mask.step, mask.stage, mask.rate = seed, step, stage, upper - lower
    rows = rows_of(x)
    out = np.zeros_like(rows) if gradient is None else rows_of(gradient)
    cdef int64_t n = rows.shape[0], ld = rows.shape[1]
    cdef char *x_data = data(rows)
    cdef char *y_data = data(out)
    cdef double middle = (lower + upper) / 2
    cdef bint is_value = gradient is None
    with nogil:
        for _i in range(repeat):
            if is_value:
                k.rrelu(&mask, first_row, n, ld, middle, x_data, y_data)
            else:
                k.rrelu_gradient(&mask, first_row, n, ld, middle, x_data, y_data)
    return out[:, : x.shape[1]]


def residual(skip, branch, double rate, uint64_t seed, int step=0, int stage=0,
             int64_t first_row=0, isa=None):
    """skip + branch, skip None for zeros; rows go without the branch at this rate."""
    cdef const Kernels *k = choose_kernels(isa, branch.dtype)
    cdef Mask mask
    mask.seed, mask.step, mask.stage, mask.rate = seed, step, stage, rate
    rows = rows_of(branch)
    skipped = None if skip is None else rows_of(skip)
    out = np.zeros_like(rows)
    k.residual(&mask if rate else NULL, first_row, rows.shape[0], rows.shape[1],
               NULL if skip is None else data(skipped), data(rows), data(out))
    return out[:, : branch.shape[1]]


def normal_noise(x, double deviation, uint64_t seed, int step=0, int stage=0, int64_t first_row=0,
                 isa=None, int repeat=1):
    """Rows first_row .. of a matrix with normal noise added; first_row is a multiple of 4."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef Mask mask
    cdef int _i
    mask.seed, mask.step, mask.stage, mask.rate = seed, step, stage, deviation
    rows = rows_of(x)
    out = np.full_like(rows, np.nan)
    cdef int64_t n_rows = rows.shape[0], n = x.shape[1], ld = rows.shape[1]
    cdef char *x_data = data(rows)
    cdef char *y_data = data(out)
    with nogil:
        for _i in range(repeat):
            k.normal_noise(&mask, first_row, n_rows, n, ld, x_data, y_data)
    assert not out[:, x.shape[1] :].any()
    return out[:, : x.shape[1]]


def batchnorm_statistics(x, isa=None):
    """Mean and biased variance of the columns, by chunks as the engine takes them."""
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
    """``scale * (x - mean) / sqrt(variance + epsilon) + shift``"""
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
    """Gradients with respect to x, scale and shift."""
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
                     isa=None):
    """The moving averages after a batch of n_rows rows, n_rows > 1."""
    cdef const Kernels *k = choose_kernels(isa, mean.dtype)
    moving = [rows_of(v) for v in (moving_mean, moving_variance)]
    batch = [rows_of(v) for v in (mean, variance)]
    k.batchnorm_moving(n_rows, moving[0].shape[1], momentum, data(batch[0]), data(batch[1]),
                       data(moving[0]), data(moving[1]))
    return moving[0][0, : len(mean)], moving[1][0, : len(mean)]


def rownorm(x, int64_t groups, double epsilon, scale=None, shift=None, isa=None, int repeat=1):
    """Rows with their groups normalised; scale and shift have a number for each column or group."""
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
    """Gradients with respect to x and, where there is a scale, to scale and shift."""
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


def prelu(x, slope, isa=None):
    """x, or the slope of its column (of all, if there is one only) times x below zero."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows, slopes = rows_of(x), rows_of(slope)
    out = np.zeros_like(rows)
    k.prelu(rows.shape[0], rows.shape[1], data(rows), data(slopes), len(slope) == 1, data(out))
    return out[:, : x.shape[1]]


def prelu_gradient(x, dy, slope, isa=None):
    """Gradients with respect to x and to the slopes."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows, d, slopes = rows_of(x), rows_of(dy), rows_of(slope)
    cdef int64_t n_rows = rows.shape[0], n = slopes.shape[1], chunk
    n_chunks = quotient_up(n_rows, ROW_CHUNK)
    partials, sums = aligned_zeros((n_chunks, n), x.dtype), aligned_zeros(n, x.dtype)
    for chunk in range(n_chunks):
        first = chunk * ROW_CHUNK
        k.prelu_gradient(min(ROW_CHUNK, n_rows - first), rows.shape[1], data(rows[first:]),
                         data(slopes), len(slope) == 1, data(d[first:]), data(partials[chunk]))
    k.column_sums(n_rows, n, data(partials), data(sums), False)
    return d[:, : x.shape[1]], sums[: len(slope)]


def maxout(x, int64_t k, isa=None):
    """The largest of k values that lie a k-th of the width apart."""
    cdef const Kernels *kernels = choose_kernels(isa, x.dtype)
    cdef int64_t n = x.shape[1] // k
    rows = rows_of(x)
    out = rows_of(np.full((len(x), n), np.nan, x.dtype))
    kernels.maxout(len(x), k, n, rows.shape[1], out.shape[1], data(rows), data(out))
    return out[:, :n]


def maxout_gradient(x, dy, int64_t k, isa=None):
    """The gradient with respect to x."""
    cdef const Kernels *kernels = choose_kernels(isa, x.dtype)
    cdef int64_t n = x.shape[1] // k
    rows, y, d = rows_of(x), rows_of(maxout(x, k, isa)), rows_of(dy)
    out = np.zeros_like(rows)
    kernels.maxout_gradient(len(x), k, n, rows.shape[1], d.shape[1], data(rows), data(y), data(d),
                            data(out))
    return out[:, : x.shape[1]]


def _weight_norms(v, g, isa):
    """(1 / norm, scale) of each column, by tasks as the engine takes them."""
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
    """``xv * g / |v| + bias``, `xv` being x times v."""
    cdef const Kernels *k = choose_kernels(isa, v.dtype)
    rows, bias_row = rows_of(xv), rows_of(bias)
    _, scale = _weight_norms(v, g, isa)
    out = np.zeros_like(rows)
    k.weightnorm(rows.shape[0], rows.shape[1], data(rows), data(scale), data(bias_row), data(out))
    return out[:, : xv.shape[1]]


def weightnorm_gradient(xv, dy, v, g, isa=None):
    """Gradients with respect to `xv`, to g and to the bias, and what the norm adds to that of v."""
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


def loss(z, targets, int code, order=None, weights=None, double scale=1.0, double parameter=0.0,
         double smoothing=0.0, isa=None, int repeat=1):
    """(output activation, gradient with respect to z, loss of each row)"""
    cdef const Kernels *k = choose_kernels(isa, z.dtype)
    cdef const int64_t *row_numbers = NULL
    cdef const char *row_weights = NULL
    cdef int _i
    rows = rows_of(z)
    delta, row_loss = np.zeros_like(rows), aligned_zeros(z.shape[0], z.dtype)
    if order is not None:
        row_numbers = <const int64_t *> data(order)
    if weights is not None:
        row_weights = data(weights)
    cdef int64_t n_rows = z.shape[0], n = z.shape[1], ld = rows.shape[1]
    cdef char *z_data = data(rows)
    cdef const char *target_data = data(targets)
    cdef char *delta_data = data(delta)
    cdef char *loss_data = data(row_loss)
    for _i in range(repeat):
        k.loss(code, parameter, smoothing, n_rows, n, ld, z_data, target_data, row_numbers, 0,
               row_weights, scale, delta_data, loss_data)
    return rows[:, : z.shape[1]], delta[:, : z.shape[1]], row_loss


def loss_of_user(z, targets, uint64_t value, uint64_t derivative, order=None, weights=None,
                 double scale=1.0, isa=None):
    """(gradient with respect to z, loss of each row), of the addresses of the user's functions"""
    cdef const Kernels *k = choose_kernels(isa, z.dtype)
    cdef const int64_t *row_numbers = NULL
    cdef const char *row_weights = NULL
    rows = rows_of(z)
    delta, row_loss = np.zeros_like(rows), aligned_zeros(z.shape[0], z.dtype)
    if order is not None:
        row_numbers = <const int64_t *> data(order)
    if weights is not None:
        row_weights = data(weights)
    k.loss_of_user(value, derivative, z.shape[0], z.shape[1], rows.shape[1], data(rows),
                   data(targets), row_numbers, 0, row_weights, scale, data(delta), data(row_loss))
    return delta[:, : z.shape[1]], row_loss


def output(z, int code, double parameter=0.0, isa=None):
    """The output activation that belongs to a loss."""
    cdef const Kernels *k = choose_kernels(isa, z.dtype)
    rows = rows_of(z)
    k.output(code, parameter, z.shape[0], z.shape[1], rows.shape[1], data(rows))
    return rows[:, : z.shape[1]]


def average(w, average, double weight, isa=None, int repeat=1):
    """The average of vectors like `w`, after `w` has got this weight in it."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    cdef int _i
    w_row, average_row = rows_of(w), rows_of(average)
    cdef int64_t n = w_row.shape[1]
    cdef char *w_data = data(w_row)
    cdef char *average_data = data(average_row)
    with nogil:
        for _i in range(repeat):
            k.average(n, weight, w_data, average_data)
    return average_row[0, : average.size]


def optimize(w, g, slots, int code, coefficients, double l2=0.0, double decay=0.0,
             double factor=1.0, isa=None, int repeat=1):
    """(parameters, slots, sum of squares of the parameters before) after one step.

    `w` and `g` are vectors, `slots` has a row per slot, `coefficients` is a row of the table. LAMB
    takes them for all weights of a layer.
    """
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    cdef int _i
    w_row, g_row = rows_of(w), rows_of(g)
    slot_rows = rows_of(np.zeros((3, w.size), w.dtype))
    slot_rows[: len(slots), : w.size] = slots
    penalty = aligned_zeros(64 // w.itemsize, w.dtype)
    coefficients = np.ascontiguousarray(coefficients, np.float64)
    cdef int64_t n = w_row.shape[1]
    cdef const double *table_row = <const double *> data(coefficients)
    cdef char *w_data = data(w_row)
    cdef char *g_data = data(g_row)
    cdef char *slots_data = data(slot_rows)
    cdef char *penalty_data = data(penalty)
    with nogil:
        for _i in range(repeat):
            k.optimize(code, n, table_row, factor, l2, decay, w_data, g_data, slots_data, n,
                       penalty_data)
    if code == OPT_LAMB:
        ratio = np.sqrt(sum_squares(w_row[0], isa) / sum_squares(g_row[0], isa))
        k.add_scaled(n, -table_row[COEF_LEARNING_RATE] * factor * ratio, g_data, w_data)
    return w_row[0, : w.size], slot_rows[: len(slots), : w.size], float(penalty.sum(dtype=float))


def finish_gradient(w, g, double l2, double l1, double limit, isa=None, int repeat=1):
    """(gradient with those of the penalties, clipped to -limit .. limit; sums of w^2 and |w|)"""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    cdef int _i
    w_row, g_row = rows_of(w), rows_of(g)
    squares, magnitudes = (aligned_zeros(64 // w.itemsize, w.dtype) for _ in range(2))
    cdef int64_t n = w_row.shape[1]
    cdef char *w_data = data(w_row)
    cdef char *g_data = data(g_row)
    cdef char *squares_data = data(squares)
    cdef char *magnitudes_data = data(magnitudes)
    with nogil:
        for _i in range(repeat):
            k.finish_gradient(n, l2, l1, limit, w_data, g_data, squares_data, magnitudes_data)
    return (g_row[0, : w.size], float(squares.sum(dtype=float)), float(magnitudes.sum(dtype=float)))


def gradient_squares(w, g, double l2, double l1, isa=None):
    """The sum of the squares of a gradient with those of the penalties, added as by sum_squares."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    w_row, g_row, sums = rows_of(w), rows_of(g), aligned_zeros(64 // w.itemsize, w.dtype)
    k.gradient_squares(w_row.shape[1], l2, l1, data(w_row), data(g_row), data(sums))
    return float(sums.sum(dtype=float))


def sum_squares(x, isa=None):
    """The sum of the squares of a vector, by lanes of its type that are added in float64."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    row, sums = rows_of(x), aligned_zeros(64 // x.itemsize, x.dtype)
    k.sum_squares(row.shape[1], data(row), data(sums))
    return float(sums.sum(dtype=float))


def multiply(x, double factor, isa=None):
    """``factor * x`` of a vector."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    row = rows_of(x)
    k.multiply(row.shape[1], factor, data(row))
    return row[0, : x.size]


def look_ahead(w, velocity, double momentum, isa=None):
    """``w + momentum * velocity`` of vectors."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    w_row, velocity_row = rows_of(w), rows_of(velocity)
    ahead = np.full_like(w_row, np.nan)
    k.look_ahead(ahead.shape[1], momentum, data(w_row), data(velocity_row), data(ahead))
    return ahead[0, : w.size]


def limit_columns(w, double most, int64_t rows_per_part=TASK_ROWS, isa=None):
    """`w` with columns of a norm of at most `most`, by parts as the engine takes them."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    rows = rows_of(w)
    cdef int64_t n = rows.shape[0], ld = rows.shape[1], n_parts = quotient_up(n, rows_per_part), i
    parts, scales = aligned_zeros((n_parts, ld), w.dtype), aligned_zeros(ld, w.dtype)
    for i in range(n_parts):
        first = i * rows_per_part
        k.column_squares(min(rows_per_part, n - first), ld, data(rows[first:]), data(parts[i]))
    k.column_scales(n_parts, ld, data(parts), most, data(scales))
    k.scale_columns(n, ld, data(scales), data(rows))
    return rows[:, : w.shape[1]]


def gather(X, dtype, order=None, int64_t first_row=0, n_rows=None, isa=None):
    """Rows of dense X in the engine's type."""
    cdef const Kernels *k = choose_kernels(isa, dtype)
    cdef Data rows = Data(X)
    cdef const int64_t *row_numbers = NULL
    n = len(order) if order is not None else X.shape[0] - first_row if n_rows is None else n_rows
    if order is not None:
        row_numbers = <const int64_t *> data(order)
    out = rows_of(np.zeros((n, X.shape[1]), dtype))
    k.gather(&rows.rows, row_numbers, first_row, n, out.shape[1], data(out))
    return out[:, : X.shape[1]]


cdef Mixing mixing_record(mixing):
    cdef Mixing m
    m.weight, m.shift, m.first, m.run, m.n_runs, m.stride = mixing
    return m


def mix_rows(X, dtype, mixing, order=None, int64_t start=0, n_rows=None, int64_t first_row=0,
             isa=None, int repeat=1):
    """Rows first_row .. of a batch, mixed; the batch is X[order], or n_rows rows from `start`.

    `mixing` is (weight, shift, first, run, n_runs, stride), see program.h.
    """
    cdef const Kernels *k = choose_kernels(isa, dtype)
    cdef Data rows = Data(X)
    cdef Mixing mixed = mixing_record(mixing)
    cdef const int64_t *row_numbers = NULL
    cdef const int64_t *own = NULL
    cdef int _i
    cdef int64_t n = len(order) if order is not None else n_rows
    if order is not None:
        row_numbers = <const int64_t *> data(order)
        own = row_numbers + first_row
    out = rows_of(np.zeros((n - first_row, X.shape[1]), dtype))
    cdef int64_t ld = out.shape[1]
    cdef char *out_data = data(out)
    with nogil:
        for _i in range(repeat):
            k.gather(&rows.rows, own, start + first_row, n - first_row, ld, out_data)
            k.mix_rows(&rows.rows, row_numbers, start, n, first_row, n - first_row, ld, &mixed,
                       out_data)
    return out[:, : X.shape[1]]


def mix_losses(delta, row_loss, other_delta, other_loss, double mix_weight, weights=None,
               order=None, isa=None):
    """(gradient, loss of each row), mixed."""
    cdef const Kernels *k = choose_kernels(isa, delta.dtype)
    cdef const int64_t *row_numbers = NULL
    cdef const char *row_weights = NULL
    rows, other = rows_of(delta), rows_of(other_delta)
    own_loss = row_loss.copy()
    if order is not None:
        row_numbers = <const int64_t *> data(order)
    if weights is not None:
        row_weights = data(weights)
    k.mix_losses(rows.shape[0], rows.shape[1], mix_weight, row_weights, row_numbers, 0, data(other),
                 data(other_loss), data(rows), data(own_loss))
    return rows[:, : delta.shape[1]], own_loss


def csr_matmul(X, w, bias, isa=None):
    """``X @ w + bias`` for CSR rows."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    weights, bias_row = rows_of(w), rows_of(bias)
    out = rows_of(np.zeros((X.shape[0], w.shape[1]), w.dtype))
    offsets, values = X.indptr.astype(np.int64), X.data.astype(w.dtype)
    k.csr_matmul(X.shape[0], out.shape[1], <const int64_t *> data(offsets),
                 <const int32_t *> data(X.indices), data(values), data(weights), data(bias_row),
                 data(out))
    return out[:, : w.shape[1]]


def csr_weight_gradient(X, dz, int64_t first=0, last=None, isa=None):
    """``X.T @ dz``, its rows first .. last, for CSR rows."""
    cdef const Kernels *k = choose_kernels(isa, dz.dtype)
    cdef int64_t end = X.shape[1] if last is None else last
    offsets, values = X.indptr.astype(np.int64), X.data.astype(dz.dtype)
    starts, ends = np.zeros(X.shape[1], np.int64), np.zeros(X.shape[1], np.int64)
    entry_rows, entry_values = np.zeros(X.nnz, np.int32), np.zeros(X.nnz, dz.dtype)
    dz_rows = rows_of(dz)
    dw = rows_of(np.zeros((end - first, dz.shape[1]), dz.dtype))
    k.csr_columns(X.shape[0], first, end, <const int64_t *> data(offsets),
                  <const int32_t *> data(X.indices), data(values), <int64_t *> data(starts),
                  <int64_t *> data(ends), <int32_t *> data(entry_rows), data(entry_values))
    k.csr_weight_gradient(first, end, dw.shape[1], <const int64_t *> data(starts),
                          <const int64_t *> data(ends), <const int32_t *> data(entry_rows),
                          data(entry_values), data(dz_rows), data(dw), False)
    return dw[:, : dz.shape[1]]


def weighted_sum(values, weights=None, order=None, isa=None):
    """Sum of values times weights[order], in float64."""
    cdef const Kernels *k = choose_kernels(isa, values.dtype)
    cdef const int64_t *row_numbers = NULL
    cdef const char *row_weights = NULL
    cdef double total
    if order is not None:
        row_numbers = <const int64_t *> data(order)
    if weights is not None:
        row_weights = data(weights)
    k.weighted_sum(values.size, data(values), row_weights, row_numbers, 0, &total)
    return total


def fma_chain(int64_t n, dtype=np.float32, isa=None):
    """Do n rounds of independent fused multiply-adds; returns how many operations that was.

    Timed, it gives the most arithmetic that one core can do. `dtype` may be "bfloat16".
    """
    cdef bint bfloat16 = dtype == "bfloat16"
    cdef const Kernels *k = choose_kernels(isa, np.float32 if bfloat16 else dtype)
    cdef const Bfloat16Kernels *pairs = choose_bfloat16_kernels(isa)
    cdef int64_t n_operations
    with nogil:
        if bfloat16:
            pairs.dot_chain(n, &n_operations)
        else:
            k.fma_chain(n, &n_operations)
    return n_operations


def struct_sizes():
    """Sizes of the C records that Python mirrors."""
    return {"Stage": sizeof(Stage)}


def constants():
    """The codes of program.h by name, which the registries of Python repeat."""
    return {
        "DENSE": STAGE_DENSE,
        "BN_STATISTICS": STAGE_BN_STATISTICS,
        "BN_APPLY": STAGE_BN_APPLY,
        "ACTIVATION": STAGE_ACTIVATION,
        "DROPOUT": STAGE_DROPOUT,
        "OUTPUT": STAGE_OUTPUT,
        "FORK": STAGE_FORK,
        "JOIN": STAGE_JOIN,
        "ROW_NORM": STAGE_ROW_NORM,
        "PRELU": STAGE_PRELU,
        "MAXOUT": STAGE_MAXOUT,
        "WEIGHT_NORM": STAGE_WEIGHT_NORM,
        "TASK_ROWS": TASK_ROWS,
        "NOISE": STAGE_NOISE,
        "identity": ACT_IDENTITY,
        "logistic": ACT_LOGISTIC,
        "tanh": ACT_TANH,
        "relu": ACT_RELU,
        "softmax": ACT_SOFTMAX,
        "exp": ACT_EXP,
        "hardtanh": ACT_HARDTANH,
        "leaky_relu": ACT_LEAKY_RELU,
        "elu": ACT_ELU,
        "selu": ACT_SELU,
        "gelu": ACT_GELU,
        "gelu_tanh": ACT_GELU_TANH,
        "silu": ACT_SILU,
        "mish": ACT_MISH,
        "softplus": ACT_SOFTPLUS,
        "softsign": ACT_SOFTSIGN,
        "rrelu": ACT_RRELU,
        "threshold": ACT_THRESHOLD,
        "squared_error": LOSS_SQUARED_ERROR,
        "log_loss": LOSS_LOG,
        "binary_log_loss": LOSS_BINARY_LOG,
        "poisson": LOSS_POISSON,
        "absolute_error": LOSS_ABSOLUTE_ERROR,
        "huber": LOSS_HUBER,
        "minkowski": LOSS_MINKOWSKI,
        "quantile": LOSS_QUANTILE,
        "hinge": LOSS_HINGE,
        "squared_hinge": LOSS_SQUARED_HINGE,
        "perceptron": LOSS_PERCEPTRON,
        "weston_watkins": LOSS_WESTON_WATKINS,
        "crammer_singer": LOSS_CRAMMER_SINGER,
        "soft_log_loss": LOSS_SOFT_LOG,
        "sgd": OPT_SGD,
        "momentum": OPT_MOMENTUM,
        "nesterov": OPT_NESTEROV,
        "adam": OPT_ADAM,
        "averaged": OPT_AVERAGED,
        "adagrad": OPT_ADAGRAD,
        "adadelta": OPT_ADADELTA,
        "rmsprop": OPT_RMSPROP,
        "rmsprop_momentum": OPT_RMSPROP_MOMENTUM,
        "rmsprop_centered": OPT_RMSPROP_CENTERED,
        "rprop": OPT_RPROP,
        "moments": OPT_MOMENTS,
        "amsgrad": OPT_AMSGRAD,
        "look_ahead": OPT_LOOK_AHEAD,
        "lamb": OPT_LAMB,
    }
