# The threads of a call, and signals in the course of it.

cdef inline bint leaves(Job *job, Worker *worker, double cost) noexcept nogil:
    """Whether a signal ends the call: what was begun is left. `cost` is of what comes next."""
    if worker.looks:
        worker.cost += cost
        if worker.cost > OPERATIONS_BETWEEN_CLOCKS:
            worker.cost = 0
            look_for_signals(job, worker)
    return leaves_at_barrier(&job.progress.barrier)


cdef void look_for_signals(Job *job, Worker *worker) noexcept nogil:
    """Let Python handle signals, if it is time to; an error of theirs ends the call."""
    cdef timespec clock
    clock_gettime(CLOCK_MONOTONIC, &clock)
    cdef double now = clock.tv_sec + 1e-9 * clock.tv_nsec
    if now < worker.next_look:
        return
    if worker.next_look > 0:
        restore_denormals(worker.mode)   # a handler runs anything
        with gil:
            if PyErr_CheckSignals() != 0:
                leave_at_barrier(&job.progress.barrier)
        flush_denormals()
    worker.next_look = now + SECONDS_BETWEEN_LOOKS


cdef Worker new_worker(const Job *job, int thread) noexcept nogil:
    """A thread as it begins; denormals are zero on it from now on."""
    cdef Worker worker
    memset(&worker, 0, sizeof(Worker))
    worker.own = job.scratch.start + thread * job.scratch.size
    worker.mixing.weight = 1
    worker.looks = thread == 0
    worker.mode = flush_denormals()
    return worker


ctypedef void (*Part)(Job *job, int thread, int n_threads) noexcept nogil

cdef void in_parallel(Part part, Job *job, int n_threads) noexcept nogil:
    """`part` in each of at most n_threads threads; one thread never enters OpenMP."""
    if n_threads == 1:
        part(job, 0, 1)
    else:
        keep_team(n_threads)
        with parallel(num_threads=n_threads):
            part(job, threadid(), team_size())


cdef int run_team(Part part, Job *job, int n_threads) except -1:
    """`part` in all threads, until it is done or a signal ends it."""
    job.progress.n_done, job.progress.n_taken = 0, 0
    memset(&job.progress.barrier, 0, sizeof(Barrier))
    with nogil:
        in_parallel(part, job, n_threads)
    return -1 if leaves_at_barrier(&job.progress.barrier) else 0


def startable_team(int64_t n_threads, int64_t stack_size):
    """How many of so many threads can work together, this one among them.

    It costs nothing where OpenMP has them already.
    """
    if n_threads > team_kept():
        with nogil:
            n_threads = 1 + startable_threads(n_threads - 1, stack_size)
    return n_threads


def most_openmp_threads():
    """What OpenMP would use: OMP_NUM_THREADS, or what threadpoolctl or joblib set."""
    return most_threads()
