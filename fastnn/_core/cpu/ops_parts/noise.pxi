# Dropout, noise and branches that rows go without.

def dropout(x, double rate, uint64_t seed, int step=0, int stage=0, int64_t first_row=0,
            bint inverted=True, isa=None, int repeat=1):
    """Apply dropout to rows first_row .. of a batch; first_row is a multiple of 4."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef Mask mask = Mask(seed, step, stage, rate, 1 / (1 - rate) if inverted else 1)
    cdef int _i
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
    """Apply dropout to the stored values of CSR rows."""
    cdef const Kernels *k = choose_kernels(isa, X.dtype)
    cdef Mask mask = Mask(seed, step, stage, rate, 1 / (1 - rate) if inverted else 1)
    values, offsets = X.data.copy(), X.indptr.astype(np.int64)
    k.dropout_csr(&mask, first_row, X.shape[0], <const int64_t *> data(offsets),
                  <const int32_t *> data(X.indices), data(values))
    return values


def scaled(x, double factor, isa=None):
    """Multiply `x` by a factor."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    y = np.ascontiguousarray(x).copy()
    k.scaled(y.size, factor, data(y), data(y))
    return y


def residual(skip, branch, double rate, uint64_t seed, int step=0, int stage=0,
             int64_t first_row=0, isa=None):
    """Add branch to skip, None for zeros; rows go without the branch at this rate."""
    cdef const Kernels *k = choose_kernels(isa, branch.dtype)
    cdef Mask mask = Mask(seed, step, stage, rate, 1)
    rows = rows_of(branch)
    skipped = None if skip is None else rows_of(skip)
    out = np.zeros_like(rows)
    k.residual(&mask if rate else NULL, first_row, rows.shape[0], rows.shape[1],
               NULL if skip is None else data(skipped), data(rows), data(out))
    return out[:, : branch.shape[1]]


def normal_noise(x, double deviation, uint64_t seed, int step=0, int stage=0, int64_t first_row=0,
                 isa=None, int repeat=1):
    """Add normal noise to rows first_row .. of a matrix; first_row is a multiple of 4."""
    cdef const Kernels *k = choose_kernels(isa, x.dtype)
    cdef Mask mask = Mask(seed, step, stage, deviation, 1)
    cdef int _i
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
