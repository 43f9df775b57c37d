# Rows read into the engine's type.

def gather(X, dtype, order=None, int64_t first_row=0, n_rows=None, isa=None):
    """Read rows of dense X into the engine's type."""
    cdef const Kernels *k = choose_kernels(isa, dtype)
    cdef InputRows rows = InputRows(X)
    cdef const int64_t *row_numbers = numbers_of(order)
    n = len(order) if order is not None else X.shape[0] - first_row if n_rows is None else n_rows
    out = rows_of(np.zeros((n, X.shape[1]), dtype))
    k.gather(&rows.rows, row_numbers, first_row, n, out.shape[1], data(out))
    return out[:, : X.shape[1]]


cdef Mixing mixing_record(mixing):
    cdef Mixing m
    m.weight, m.shift, m.first, m.run, m.n_runs, m.stride = mixing
    return m


def mix_rows(X, dtype, mixing, order=None, int64_t start=0, n_rows=None, int64_t first_row=0,
             isa=None, int repeat=1):
    """Mix rows first_row .. of a batch, which is X[order], or n_rows rows from `start`.

    `mixing` is (weight, shift, first, run, n_runs, stride), see program.h.
    """
    cdef const Kernels *k = choose_kernels(isa, dtype)
    cdef InputRows rows = InputRows(X)
    cdef Mixing mixed = mixing_record(mixing)
    cdef const int64_t *row_numbers = numbers_of(order)
    cdef const int64_t *own = NULL
    cdef int _i
    cdef int64_t n = len(order) if order is not None else n_rows
    if order is not None:
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
