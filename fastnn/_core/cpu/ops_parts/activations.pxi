# Activations.

def activation(x, int code, double parameter=0, bint in_place=False, isa=None, int repeat=1):
    """Compute the values of an activation."""
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
    """Compute values and derivatives of the activations that have both at once."""
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
    """Multiply `gradient` by the derivative of the activation at its value `y`, or that given."""
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


def rrelu(x, double lower, double upper, uint64_t seed, int step=0, int stage=0,
          int64_t first_row=0, gradient=None, isa=None, int repeat=1):
    """Apply random slopes below zero to rows first_row .. of a batch, or to a gradient.

    With `gradient`, `x` stands for the values after the activation.
    """
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef Mask mask = Mask(seed, step, stage, upper - lower, 1)
    cdef int _i
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


def prelu(x, slope, isa=None):
    """Multiply x below zero by the slope of its column, or by that of all if there is one."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    rows, slopes = rows_of(x), rows_of(slope)
    out = np.zeros_like(rows)
    k.prelu(rows.shape[0], rows.shape[1], data(rows), data(slopes), len(slope) == 1, data(out))
    return out[:, : x.shape[1]]


def prelu_gradient(x, dy, slope, isa=None):
    """Compute the gradients with respect to x and to the slopes."""
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
    """Return the largest of k values that lie a k-th of the width apart."""
    cdef const Kernels *kernels = choose_kernels(isa, x.dtype)
    cdef int64_t n = x.shape[1] // k
    rows = rows_of(x)
    out = rows_of(np.full((len(x), n), np.nan, x.dtype))
    kernels.maxout(len(x), k, n, rows.shape[1], out.shape[1], data(rows), data(out))
    return out[:, :n]


def maxout_gradient(x, dy, int64_t k, isa=None):
    """Compute the gradient with respect to x."""
    cdef const Kernels *kernels = choose_kernels(isa, x.dtype)
    cdef int64_t n = x.shape[1] // k
    rows, y, d = rows_of(x), rows_of(maxout(x, k, isa)), rows_of(dy)
    out = np.zeros_like(rows)
    kernels.maxout_gradient(len(x), k, n, rows.shape[1], d.shape[1], data(rows), data(y), data(d),
                            data(out))
    return out[:, : x.shape[1]]
