# The rows of a batch, read into the engine's type.

# Rows in any order are copied together where more units than so many read them again and again; in
# bfloat16 they are read once, and converted.
cdef enum:
    MOST_UNITS_IN_PLACE = 256


cdef void lay_out_entries(const Job *job, const Worker *worker) noexcept nogil:
    """Compute where the entries of the worker's rows lie, if rows are sparse.

    Every thread sums all lengths and writes those of its own rows.
    """
    cdef int64_t offset = 0, i, row
    if job.call.rows.indptr == NULL:
        return
    for i in range(worker.last):
        if i >= worker.first:
            job.sparse.offsets[i] = offset
        row = worker.start + i if worker.order == NULL else worker.order[i]
        offset += job.call.rows.indptr[row + 1] - job.call.rows.indptr[row]
    if worker.last > worker.first:
        job.sparse.offsets[worker.last] = offset


cdef void read_rows(Job *job, const Worker *worker, int64_t first,
                    int64_t n_rows) noexcept nogil:
    """Read some of the worker's rows of the batch into the engine's type."""
    cdef int64_t ld = job.stages[0].ld_in
    cdef const int64_t *own_order = shifted(worker.order, first)
    cdef char *x = worker.values + first * ld * job.itemsize
    if job.call.rows.indptr != NULL:
        job.kernels.gather_csr(job.call.rows, own_order, worker.start + first, n_rows,
                               job.sparse.offsets + first, job.sparse.columns,
                               job.sparse.entries, &job.progress.in_range)
    elif worker.input.first == worker.values:
        job.kernels.gather(job.call.rows, own_order, worker.start + first, n_rows, ld, x)
        if worker.mixing.weight != 1:
            job.kernels.mix_rows(job.call.rows, worker.order, worker.start, worker.n_rows, first,
                                 n_rows, ld, &worker.mixing, x)


cdef inline bint reads_input(const Job *job, int index) noexcept nogil:
    """Return whether a stage is a matrix product of the rows themselves."""
    return job.stages[index].kind == STAGE_DENSE and job.stages[index].x == 0


cdef inline Mixing mixing_of(const double *coefficients) noexcept nogil:
    """Return how the table has the rows of a step mixed."""
    cdef Mixing m
    m.weight, m.shift = coefficients[COEF_MIX_WEIGHT], <int64_t> coefficients[COEF_MIX_SHIFT]
    m.first, m.run = <int64_t> coefficients[COEF_MIX_FIRST], <int64_t> coefficients[COEF_MIX_RUN]
    m.n_runs = <int64_t> coefficients[COEF_MIX_N_RUNS]
    m.stride = <int64_t> coefficients[COEF_MIX_STRIDE]
    return m


cdef bint readable_in_place(const Job *job) noexcept nogil:
    """Return whether matrix products can read the data where it lies.

    It has to be of the engine's type, with columns side by side, and no stage may write on it.
    """
    cdef const Rows *rows = job.call.rows
    cdef const Stage *stage
    cdef int index
    cdef int64_t n_units = 0
    for index in range(job.n_stages):
        stage = job.stages + index
        n_units += stage.n_out * reads_input(job, index)
        if (stage.x == 0 and stage.kind != STAGE_DENSE
                and (drops_units(job) or not (stage.kind == STAGE_NOISE
                                              or (stage.kind == STAGE_DROPOUT
                                                  and stage.code == DROPOUT_INVERTED)))):
            return False
    return (rows.indptr == NULL and rows.col_stride == 1 and not job.mixing.is_used
            and (job.call.order == NULL or n_units <= MOST_UNITS_IN_PLACE
                 or job.bfloat16.kernels != NULL)
            and rows.dtype == (ROWS_FLOAT32 if job.itemsize == 4 else ROWS_FLOAT64))


cdef inline MatrixRows input_rows(const Job *job, const Worker *worker) noexcept nogil:
    """Return the rows of a batch: where the user has them, or where they will be gathered."""
    cdef const char *data = <const char *> job.call.rows.data
    cdef int64_t stride = job.call.rows.row_stride
    if not worker.reads_in_place:
        return MatrixRows(worker.values, job.stages[0].ld_in, NULL)
    if worker.order != NULL:
        return MatrixRows(data, stride, worker.order)
    return MatrixRows(data + worker.start * stride * job.itemsize, stride, NULL)


cdef bint finite_rows(const Job *job, const Worker *worker) noexcept nogil:
    """Return whether the rows that were read hold no NaN and no infinity."""
    cdef int finite = True
    cdef int64_t row
    if job.call.rows.indptr != NULL:
        job.kernels.all_finite(job.sparse.offsets[worker.n_rows], job.sparse.entries, &finite)
        return finite
    for row in range(worker.n_rows):
        job.kernels.all_finite(job.call.rows.n_cols,
                               worker.input.first + row * worker.input.ld * job.itemsize, &finite)
        if not finite:
            return False
    return True


cdef inline void share_columns(const Job *job, Worker *worker) noexcept nogil:
    """Give a thread the columns of sparse rows whose entries it sorts: those of its own tasks.

    Several heads have tasks of the same columns: then threads have equal parts instead.
    """
    cdef const Task *task
    cdef const Stage *stage
    cdef int i, n_readers = 0
    for i in range(job.n_stages):
        n_readers += reads_input(job, i)
    worker.shares_columns = n_readers > 1
    worker.first_column, worker.last_column = -1, 0
    for i in range(worker.first_task, worker.last_task):
        task, stage = job.tasks + i, job.stages + job.tasks[i].stage
        if task.group == WEIGHTS and stage.x == 0:
            worker.last_column = first_row(stage, &task.span) + task.span.rows
            if worker.first_column < 0:
                worker.first_column = first_row(stage, &task.span)
    if worker.shares_columns:
        worker.first_column = job.call.rows.n_cols * worker.thread // worker.team
        worker.last_column = job.call.rows.n_cols * (worker.thread + 1) // worker.team


cdef inline void sort_entries(Job *job, Worker *worker) noexcept nogil:
    """Sort the entries of a sparse batch by column, for the weight gradient."""
    if job.call.rows.indptr == NULL or worker.first_column < 0:
        return
    job.kernels.csr_columns(worker.n_rows, worker.first_column, worker.last_column,
                            job.sparse.offsets, job.sparse.columns, job.sparse.entries,
                            job.sparse.starts, job.sparse.ends, job.sparse.entry_rows,
                            job.sparse.entry_values)
    if worker.shares_columns:
        wait_for_team(job, worker)
