# Updates of parameters.

def average(w, average, double weight, isa=None, int repeat=1):
    """Move the average of vectors like `w`, in which `w` gets this weight."""
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
    """Take one step; return parameters, slots, and the sum of squares of the parameters before.

    `w` and `g` are vectors, `slots` has a row per slot, `coefficients` is a row of the table. LAMB
    takes them for all weights of a layer.
    """
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    cdef int _i
    w_row, g_row = rows_of(w), rows_of(g)
    slot_rows = rows_of(np.zeros((3, w.size), w.dtype))
    slot_rows[: len(slots), : w.size] = slots
    penalty = lanes_of(w)
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


def soft_threshold(w, slots, int code, coefficients, double threshold, isa=None):
    """Move a vector and its slots as after the step of `optimize` that left them."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    w_row, slot_rows = rows_of(w), rows_of(np.zeros((3, w.size), w.dtype))
    slot_rows[: len(slots), : w.size] = slots
    coefficients = np.ascontiguousarray(coefficients, np.float64)
    cdef int64_t n = w_row.shape[1]
    k.soft_threshold(code, n, <const double *> data(coefficients), threshold, data(w_row),
                     data(slot_rows), n)
    return w_row[0, : w.size], slot_rows[: len(slots), : w.size]


def finish_gradient(w, g, double l2, double l1, double limit, isa=None, int repeat=1):
    """Add the gradient of the penalties and clip to -limit .. limit; sum w^2 and |w|."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    cdef int _i
    w_row, g_row = rows_of(w), rows_of(g)
    squares, magnitudes = (lanes_of(w) for _ in range(2))
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
    """Sum the squares of a gradient with those of the penalties, in the order of sum_squares."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    w_row, g_row, sums = rows_of(w), rows_of(g), lanes_of(w)
    k.gradient_squares(w_row.shape[1], l2, l1, data(w_row), data(g_row), data(sums))
    return float(sums.sum(dtype=float))


def sum_squares(x, isa=None):
    """Sum the squares of a vector, by lanes of its type that are added in float64."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    row, sums = rows_of(x), lanes_of(x)
    k.sum_squares(row.shape[1], data(row), data(sums))
    return float(sums.sum(dtype=float))


def multiply(x, double factor, isa=None):
    """Compute ``factor * x`` of a vector."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    row = rows_of(x)
    k.multiply(row.shape[1], factor, data(row))
    return row[0, : x.size]


def look_ahead(w, velocity, double momentum, isa=None):
    """Compute ``w + momentum * velocity`` of vectors."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    w_row, velocity_row = rows_of(w), rows_of(velocity)
    ahead = np.full_like(w_row, np.nan)
    k.look_ahead(ahead.shape[1], momentum, data(w_row), data(velocity_row), data(ahead))
    return ahead[0, : w.size]


def limit_columns(w, double most, int64_t rows_per_part=TASK_ROWS, isa=None):
    """Scale columns of `w` to a norm of at most `most`, by parts as in the engine."""
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
