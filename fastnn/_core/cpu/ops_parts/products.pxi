# Matrix products.

def matmul(a, b, bias=None, c=None, order=None, isa=None, int repeat=1):
    """Compute ``a[order] @ b + bias``, added to `c` where that is given."""
    return product(a, b, bias, c, order, False, isa, repeat)


def matmul_transposed(a, b, c=None, order=None, isa=None, int repeat=1):
    """Compute ``a[order].T @ b``, added to `c` where that is given."""
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
    cdef const int64_t *row_numbers = numbers_of(order)
    cdef char *a_data = data(a)
    cdef char *b_data = data(b_rows)
    cdef char *bias_data = NULL
    cdef char *out_data = data(out)
    cdef bint accumulate = c is not None
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
    """Transpose rows first .. last of `w` into an otherwise zero matrix."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    rows = rows_of(w)
    out = rows_of(np.zeros((w.shape[1], w.shape[0]), w.dtype))
    k.transpose(first, last, w.shape[1], data(rows), rows.shape[1], data(out), out.shape[1])
    return out[:, : w.shape[0]]


def words_of(n_rows, n_columns):
    """Return zeros for pairs of bfloat16: words of 32 bits in rows of padded width."""
    return aligned_zeros((n_rows, padded(n_columns, np.uint32)), np.uint32)


def bfloat16_layouts(x, isa=None):
    """Convert float32 `x` (n, m) to rows (n, m / 2), pairs (n / 2, m) and transposed (m / 2, n)."""
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
    """Compute ``a @ b + bias`` of rounded `a` and `b`, all float32, added to `c` if that is given.

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


def csr_matmul(X, w, bias, isa=None):
    """Compute ``X @ w + bias`` for CSR rows."""
    cdef const Kernels *k = choose_kernels(isa, w.dtype)
    weights, bias_row = rows_of(w), rows_of(bias)
    out = rows_of(np.zeros((X.shape[0], w.shape[1]), w.dtype))
    offsets, values = X.indptr.astype(np.int64), X.data.astype(w.dtype)
    k.csr_matmul(X.shape[0], out.shape[1], <const int64_t *> data(offsets),
                 <const int32_t *> data(X.indices), data(values), data(weights), data(bias_row),
                 data(out))
    return out[:, : w.shape[1]]


def csr_weight_gradient(X, dz, int64_t first=0, last=None, isa=None):
    """Compute rows first .. last of ``X.T @ dz`` for CSR rows."""
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


def fma_chain(int64_t n, dtype=np.float32, isa=None):
    """Do n rounds of independent fused multiply-adds; return how many operations that was.

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
