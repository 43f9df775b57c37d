# The threads of a call, and signals in the course of it.

cdef extern from "Python.h":
    ctypedef struct PyObject
    PyObject *PyObject_CallNoArgs(object function) noexcept
    void Py_XDECREF(PyObject *object)

# To run it lets Python handle signals, and raise what another thread has set for this one.
cdef object BYTECODE = eval("lambda: None")

# Between two checks for Ctrl-C lies about this time; the clock is read after so many operations.
cdef double SECONDS_BETWEEN_CHECKS = 0.05
cdef double OPERATIONS_BETWEEN_CLOCKS = 1e7


cdef inline bint interrupted(Job *job, Worker *worker, double operations) noexcept nogil:
    """Return whether a signal ends the call; `operations` are those of what comes next."""
    if worker.checks_signals:
        worker.operations += operations
        if worker.operations > OPERATIONS_BETWEEN_CLOCKS:
            worker.operations = 0
            check_signals(job, worker)
    elif job.progress.ended != NULL and tickets_taken(job.progress.ended) > 0:
        leave_at_barrier(&job.progress.barrier)
    return leaves_at_barrier(&job.progress.barrier)


cdef void check_signals(Job *job, Worker *worker) noexcept nogil:
    """Let Python handle signals, if it is time to; an error of theirs ends the call."""
    cdef double now = seconds_now()
    if now < worker.next_check:
        return
    if worker.next_check > 0:
        restore_denormals(worker.float_mode)   # a handler runs anything
        if handle_signals() != 0:
            leave_at_barrier(&job.progress.barrier)
        flush_denormals()
    worker.next_check = now + SECONDS_BETWEEN_CHECKS


cdef double seconds_now() noexcept nogil:
    cdef timespec clock
    clock_gettime(CLOCK_MONOTONIC, &clock)
    return clock.tv_sec + 1e-9 * clock.tv_nsec


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
    worker.float_mode = flush_denormals()
    return worker


cdef void in_parallel(Part part, Job *job, int n_threads) noexcept nogil:
    """Run `part` in each of at most n_threads threads; one thread never enters OpenMP."""
    if n_threads == 1:
        part(job, 0, 1)
    else:
        keep_team(n_threads)
        with parallel(num_threads=n_threads):
            part(job, threadid(), team_size())


cdef int run_team(Part part, Job *job, int n_threads) except -1:
    """Run `part` in all threads, until it is done or a signal ends it."""
    begin_progress(job)
    with nogil:
        in_parallel(part, job, n_threads)
    return -1 if leaves_at_barrier(&job.progress.barrier) else 0


cdef void begin_progress(Job *job) noexcept nogil:
    """Set the counters of a job to their values before its threads begin."""
    job.progress.n_done, job.progress.n_taken, job.progress.ended = 0, 0, NULL
    memset(&job.progress.barrier, 0, sizeof(Barrier))


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
