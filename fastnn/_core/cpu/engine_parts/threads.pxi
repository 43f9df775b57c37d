# The threads of a call, slices of its time, and signals in the course of it.

cdef extern from "Python.h":
    ctypedef struct PyObject
    PyObject *PyObject_CallNoArgs(object function) noexcept
    void Py_XDECREF(PyObject *object)

# To run it lets Python handle signals, and raise what another thread has set for this one.
cdef object BYTECODE = eval("lambda: None")

# Between two checks for Ctrl-C lies about this time; the clock is read after so many operations.
cdef double SECONDS_BETWEEN_CHECKS = 0.05
cdef double OPERATIONS_BETWEEN_CLOCKS = 1e7

# Seconds of a slice that the thread that called waits for others that do not run, before it ends.
cdef double PATIENCE = 0.003


cdef inline Leave wait_for_team(Job *job, Worker *worker) noexcept nogil:
    """Wait until all threads have come as far; return the same to each: whether they leave.

    A slice ends early where others do not run.
    """
    cdef Leave leave = barrier_wait(&job.progress.barrier, worker.team, &worker.waited)
    if worker.waited > job.progress.patience and worker.checks_signals:
        ask_to_leave(&job.progress.barrier, LEAVE_AFTER_STEP)
    return leave


cdef inline bint interrupted(Job *job, Worker *worker, double operations) noexcept nogil:
    """Return whether a signal ends the call; `operations` are those of what comes next."""
    if worker.checks_signals:
        worker.operations += operations
        if worker.operations > OPERATIONS_BETWEEN_CLOCKS:
            worker.operations = 0
            look_at_clock(job, worker)
    elif job.progress.ended != NULL and tickets_taken(job.progress.ended) > 0:
        ask_to_leave(&job.progress.barrier, LEAVE_NOW)
    return asked_to_leave(&job.progress.barrier) == LEAVE_NOW


cdef void look_at_clock(Job *job, Worker *worker) noexcept nogil:
    """End the slice, or let Python handle signals, if it is time to.

    An error of a signal's handler ends the call.
    """
    cdef double now = seconds_now()
    if now >= job.progress.slice_end:
        ask_to_leave(&job.progress.barrier, LEAVE_AFTER_STEP)
    if now < worker.next_check:
        return
    if worker.next_check > 0:
        restore_denormals(worker.float_mode)   # a handler runs anything
        if handle_signals() != 0:
            ask_to_leave(&job.progress.barrier, LEAVE_NOW)
        flush_denormals()
    worker.next_check = now + SECONDS_BETWEEN_CHECKS


cdef int handle_signals() noexcept with gil:
    """Let Python handle signals; an error stays set until the call returns."""
    cdef PyObject *result = PyObject_CallNoArgs(BYTECODE)
    Py_XDECREF(result)
    return 0 if result != NULL else -1


cdef Worker new_worker(const Job *job, int thread, int n_threads) noexcept nogil:
    """Return a thread as it begins; denormals are zero on it from now on."""
    cdef Worker worker
    memset(&worker, 0, sizeof(Worker))
    worker.thread, worker.team = thread, n_threads
    worker.scratch = job.scratch.start + thread * job.scratch.size
    worker.mixing.weight = 1
    worker.checks_signals = thread == 0 and job.progress.ended == NULL
    worker.operations = OPERATIONS_BETWEEN_CLOCKS   # a slice of no time ends after one step
    worker.float_mode = flush_denormals()
    if n_threads > 1:
        worker.began = seconds_now()
    return worker


cdef void end_worker(Job *job, const Worker *worker) noexcept nogil:
    """Leave the thread as it was before, and count the time in which it worked."""
    restore_denormals(worker.float_mode)
    if worker.team > 1:
        add_to_shared(&job.progress.busy, seconds_now() - worker.began - worker.waited)


cdef void in_parallel(Part part, Job *job, int n_threads) noexcept nogil:
    """Run `part` in each of at most n_threads threads; one thread never enters OpenMP."""
    if n_threads == 1:
        part(job, 0, 1)
    else:
        keep_team(n_threads)
        with parallel(num_threads=n_threads):
            part(job, threadid(), team_size())


cdef int run_team(Part part, Job *job, team, int most, const int64_t *done,
                  int64_t total) except -1:
    """Run `part` until `total` is done, or a signal ends it.

    A team says, slice by slice, how many of the threads work; without one all of them do.
    """
    cdef double begin, seconds
    cdef int64_t before
    cdef int n_threads
    begin_progress(job)
    if team is None:
        return run_slice(part, job, most)
    while done[0] < total and not job.progress.is_over:
        n_threads, seconds = team.next_slice()
        begin, before = seconds_now(), done[0]
        begin_slice(job, begin + seconds)
        run_slice(part, job, max(1, min(n_threads, most)))
        team.record(min(done[0], total) - before, seconds_now() - begin, job.progress.busy,
                    asked_to_leave(&job.progress.barrier) != STAY)
        if handle_signals() != 0:
            return -1
    return 0


cdef int run_slice(Part part, Job *job, int n_threads) except -1:
    """Run `part` in all threads, until it is done, the slice is over, or a signal ends it."""
    with nogil:
        in_parallel(part, job, n_threads)
    return -1 if asked_to_leave(&job.progress.barrier) == LEAVE_NOW else 0


cdef void begin_progress(Job *job) noexcept nogil:
    """Set the counters of a job to their values before its threads begin."""
    job.progress.n_done, job.progress.n_taken, job.progress.ended = 0, 0, NULL
    job.progress.is_over = False
    begin_slice(job, INFINITY)


cdef void begin_slice(Job *job, double end) noexcept nogil:
    """Let the threads work until a time of the clock, or one of them does not run."""
    memset(&job.progress.barrier, 0, sizeof(Barrier))
    job.progress.slice_end, job.progress.busy = end, 0
    job.progress.patience = PATIENCE if end < INFINITY else INFINITY


def startable_team(int64_t n_threads, int64_t stack_size):
    """Return how many of so many threads can work together, this one among them.

    It costs nothing where OpenMP has them already.
    """
    if n_threads > team_kept():
        with nogil:
            n_threads = 1 + startable_threads(n_threads - 1, stack_size)
    return n_threads


def most_openmp_threads():
    """Return what OpenMP would use: OMP_NUM_THREADS, or what threadpoolctl or joblib set."""
    return most_threads()
