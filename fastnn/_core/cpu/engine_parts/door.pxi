# The door of native code: what comes from Python is checked here, in every call.

LARGEST_COLUMN = np.iinfo(np.int32).max


def are_same(tuple first not None, tuple second not None):
    """Return whether two tuples hold the same objects, which are not compared by value.

    Each prediction asks; `all(map(operator.is_, ..))` takes four times as long.
    """
    cdef Py_ssize_t i, n = len(first)
    if len(second) != n:
        return False
    for i in range(n):
        if first[i] is not second[i]:
            return False
    return True


cdef char *data(array) except? NULL:
    """Return the memory of an array."""
    return <char *> cnp.PyArray_DATA(<cnp.ndarray> array)


cdef int real_type(dtype) except -1:
    """Return NumPy's number of float32 or float64."""
    return cnp.NPY_DOUBLE if dtype.itemsize == 8 else cnp.NPY_FLOAT


cdef int row_type(cnp.ndarray rows) noexcept:
    """Return the code of the type of rows, -1 where no kernel reads it."""
    cdef int number = cnp.PyArray_TYPE(rows), size = rows.itemsize
    if number == cnp.NPY_FLOAT:
        return ROWS_FLOAT32
    if number == cnp.NPY_DOUBLE:
        return ROWS_FLOAT64
    if number == cnp.NPY_UBYTE or number == cnp.NPY_BOOL:
        return ROWS_UINT8
    if number == cnp.NPY_FLOAT16:
        return ROWS_FLOAT16
    if cnp.PyArray_ISSIGNED(rows) and cnp.PyArray_ISINTEGER(rows):
        return (ROWS_INT8 if size == 1 else ROWS_INT16 if size == 2
                else ROWS_INT32 if size == 4 else ROWS_INT64)
    if cnp.PyArray_ISUNSIGNED(rows):
        return ROWS_UINT16 if size == 2 else ROWS_UINT32 if size == 4 else ROWS_UINT64
    return -1


cdef char *checked(array, name, int kind, int64_t size, bint by_columns=False) except? NULL:
    """Return the memory of an array, if it has so many numbers of that kind, one after another.

    This is checked in every call: others may have changed the array since the last one.
    """
    cdef cnp.ndarray known
    if isinstance(array, cnp.ndarray):
        known = <cnp.ndarray> array
        if (cnp.PyArray_TYPE(known) == kind and cnp.PyArray_SIZE(known) == size
                and cnp.PyArray_ISBEHAVED_RO(known)
                and (cnp.PyArray_IS_F_CONTIGUOUS(known) if by_columns
                     else cnp.PyArray_IS_C_CONTIGUOUS(known))):
            return <char *> cnp.PyArray_DATA(known)
    found = type(array).__name__
    if isinstance(array, cnp.ndarray):
        found = f"an array of {array.dtype} with the shape {array.shape}"
    raise ValueError(
        f"{name} must be {size} numbers of type {cnp.PyArray_DescrFromType(kind)}, one after "
        f"another in memory, and is {found}: it does not belong to this network or these rows, or "
        "was changed meanwhile."
    )


cdef char *checked_records(array, record, int64_t n_rows) except? NULL:
    """Return the memory of an array of records, if it has one of this type for each row."""
    cdef cnp.ndarray known = <cnp.ndarray?> array
    cdef char *first = <char *> cnp.PyArray_DATA(known)
    # Types of records that differ in their alignment only are equal.
    if (cnp.PyArray_NDIM(known) == 1 and cnp.PyArray_DIM(known, 0) == n_rows
            and known.descr == record and cnp.PyArray_ISCARRAY_RO(known)
            and <size_t> first % <size_t> record.alignment == 0):
        return first
    raise ValueError(
        f"y must be {n_rows} records of type {record}, one after another in memory, and is an "
        f"array of {array.dtype} with the shape {array.shape}: it does not belong to this network "
        "or these rows, or was changed meanwhile."
    )


cdef char *arena(array, name, int kind, int64_t size) except? NULL:
    """Return the memory of an arena, which begins on a cache line."""
    cdef char *start = checked(array, name, kind, size)
    if <size_t> start % CACHE_LINE:
        raise ValueError(f"{name} must begin on a cache line, as aligned_zeros makes it.")
    return start


cdef list pins(array):
    """Return what keeps others from resizing an array: the quick `pins` of memory.py."""
    found = []
    while isinstance(array, cnp.ndarray):
        found.append(PyWeakref_NewRef(array, None))
        array = cnp.get_array_base(<cnp.ndarray> array)
    return found


cdef bint rises(int64_t n_rows, const int64_t *indptr, int64_t n) noexcept nogil:
    """Return whether row pointers never fall, and stay among n elements."""
    cdef int64_t row
    for row in range(n_rows):
        if indptr[row] > indptr[row + 1]:
            return False
    return indptr[0] >= 0 and indptr[n_rows] <= n


cdef class InputRows:
    """Rows of the user as the kernels read them; the arrays are kept alive, and where they are."""

    def __cinit__(self, X, int64_t n_cols=-1):
        if isinstance(X, cnp.ndarray):
            self.read_dense(X)
        elif is_sparse(X) and X.format == "csr":
            self.read_sparse(X)
        else:
            raise TypeError(f"X must be an array or a CSR matrix, and is a {type(X).__name__}.")
        if n_cols >= 0 and self.rows.n_cols != n_cols:
            raise ValueError(
                f"X has {self.rows.n_cols} features, and this network has {n_cols}: it was fitted "
                "anew, or X was changed meanwhile."
            )

    cdef read_dense(self, cnp.ndarray X):
        cdef int64_t size = X.itemsize
        if (cnp.PyArray_NDIM(X) != 2 or row_type(X) < 0
                or not cnp.PyArray_ISNOTSWAPPED(X)):
            raise ValueError(
                "X must be a matrix of numbers, of at most 64 bits each, and is an array of "
                f"{X.dtype} with the shape {np.shape(X)}."
            )
        if (not cnp.PyArray_ISALIGNED(X) or cnp.PyArray_STRIDE(X, 0) % size
                or cnp.PyArray_STRIDE(X, 1) % size):
            X = np.array(X, order="C")
        self.arrays, self.pins = (X,), pins(X)
        self.rows.n_rows, self.rows.n_cols = cnp.PyArray_DIM(X, 0), cnp.PyArray_DIM(X, 1)
        self.rows.row_stride = cnp.PyArray_STRIDE(X, 0) // size
        self.rows.col_stride = cnp.PyArray_STRIDE(X, 1) // size
        self.rows.data = data(X)
        self.rows.dtype = row_type(X)

    cdef read_sparse(self, X):
        """Copy the row pointers, so that what is checked stays true; kernels check the columns."""
        n_rows, n_cols = X.shape
        values, columns = np.ascontiguousarray(X.data), np.ascontiguousarray(X.indices)
        indptr = np.array(X.indptr, np.int64)
        if columns.dtype != np.int32:
            columns = np.clip(columns, -1, LARGEST_COLUMN).astype(np.int32)
        if not (values.ndim == columns.ndim == indptr.ndim == 1 and len(indptr) == n_rows + 1
                and rises(n_rows, <const int64_t *> data(indptr), min(len(values), len(columns)))):
            raise ValueError(
                "The row pointers of the sparse X do not go with its rows and elements: they must "
                "not fall, nor point beyond. X was changed meanwhile, or made of wrong numbers."
            )
        if values.dtype.char not in "fd" or not values.dtype.isnative or n_cols > LARGEST_COLUMN:
            raise ValueError(
                "A sparse X must be of float32 or float64, with less than 2**31 columns, and is of "
                f"{values.dtype} with the shape {X.shape}."
            )
        self.arrays, self.pins = (values, indptr, columns), pins(values) + pins(columns)
        self.rows.n_rows, self.rows.n_cols = n_rows, n_cols
        self.rows.data = data(values)
        self.rows.indptr = <const int64_t *> data(indptr)
        self.rows.indices = <const int32_t *> data(columns)
        self.rows.dtype = row_type(values)

    cdef int64_t most_entries(self, int64_t n_rows) except -1:
        """Return the most elements that n_rows sparse rows can have together."""
        cdef int64_t n = 0, i, rest = self.rows.n_rows - n_rows
        cdef const int64_t *lengths
        if rest <= 0:
            return self.rows.indptr[self.rows.n_rows] - self.rows.indptr[0]
        sorted_ = np.partition(np.diff(self.arrays[1]), rest)
        lengths = <const int64_t *> data(sorted_)
        for i in range(rest, self.rows.n_rows):
            n += lengths[i]
        return n


cdef bint rows_exist(const Job *job) noexcept nogil:
    """Return whether the data has all rows that the order names."""
    cdef uint64_t most = 0
    cdef int64_t i
    if job.call.order == NULL:
        return job.call.n_rows <= job.call.rows.n_rows
    for i in range(job.call.n_rows):
        most = max(most, <uint64_t> job.call.order[i])   # a negative number becomes a large one
    return most < <uint64_t> job.call.rows.n_rows


cdef bint classes_exist(const Job *job) noexcept nogil:
    """Return whether each head has all classes that the rows are of."""
    cdef const Stage *stage
    cdef const HeadTargets *targets
    cdef const int32_t *classes
    cdef uint32_t most
    cdef int64_t i, row
    cdef int index
    for index in range(job.n_stages):
        stage = job.stages + index
        if stage.kind != STAGE_OUTPUT or not takes_classes(stage):
            continue
        targets, most = targets_of(job, stage), 0
        classes = <const int32_t *> targets.first
        for i in range(job.call.n_rows):
            row = i if job.call.order == NULL else job.call.order[i]
            most = max(most, <uint32_t> classes[row * targets.stride])
        if most >= <uint64_t> stage.n_out:
            return False
    return True


cdef int check_columns(const Job *job) except -1:
    """Raise an error where kernels have found a column that there is not."""
    if not job.progress.in_range:
        raise ValueError(
            "The sparse X has column numbers below 0 or beyond its width: it was changed "
            "meanwhile, or made of wrong numbers."
        )
    return 0


cdef begin_job(Job *job, program, isa):
    """Clear a job and give it a network."""
    memset(job, 0, sizeof(Job))
    job.kernels = choose_kernels(isa, program.dtype)
    job.itemsize, job.panel = program.dtype.itemsize, CACHE_LINE // program.dtype.itemsize
    job.stages, job.n_stages = <const Stage *> data(program.stages), len(program.stages)
