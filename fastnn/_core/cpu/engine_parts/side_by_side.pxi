# Steps of several networks side by side, each network on one thread.

# Jobs that threads take one after another. The first thread checks signals, and ends those of all.
cdef struct Queue:
    Job **jobs
    int64_t n_jobs, n_taken, n_finished, ended
    double next_check


cdef void work_through(Queue *queue, int thread) noexcept nogil:
    """Take the steps of one network after another, until none is left or a signal ends all."""
    cdef int64_t i = take_ticket(&queue.n_taken)
    cdef Job *job
    while i < queue.n_jobs:
        job = queue.jobs[i]
        if thread > 0:
            job.progress.ended = &queue.ended
        if tickets_taken(&queue.ended) == 0:
            run_steps(job, 0, 1)
        take_ticket(&queue.n_finished)
        if thread == 0:
            check_signals_between(queue, asked_to_leave(&job.progress.barrier) == LEAVE_NOW)
        i = take_ticket(&queue.n_taken)
    if thread == 0:
        while tickets_taken(&queue.n_finished) < queue.n_jobs:
            yield_processor()
            check_signals_between(queue, False)


cdef void check_signals_between(Queue *queue, bint ended) noexcept nogil:
    """End the steps of all networks, if a signal has ended those of one, or does now."""
    cdef double now = seconds_now()
    if tickets_taken(&queue.ended) > 0:
        return
    if not ended and now >= queue.next_check:
        ended, queue.next_check = handle_signals() != 0, now + SECONDS_BETWEEN_CHECKS
    if ended:
        take_ticket(&queue.ended)


cdef int run_side_by_side(list engines, int n_threads) except -1:
    """Take the steps of engines that are prepared, those with the most operations first."""
    cdef NativeEngine engine
    cdef Queue queue
    cdef int i
    jobs = np.empty(len(engines), np.intp)
    queue.jobs, queue.n_jobs = <Job **> data(jobs), len(engines)
    queue.n_taken = queue.n_finished = queue.ended = 0
    queue.next_check = seconds_now() + SECONDS_BETWEEN_CHECKS
    for i, engine in enumerate(sorted(engines, key=operations_of_call, reverse=True)):
        begin_progress(&engine.job)
        queue.jobs[i] = &engine.job
    with nogil:
        if n_threads == 1:
            work_through(&queue, 0)
        else:
            keep_team(n_threads)
            with parallel(num_threads=n_threads):
                work_through(&queue, threadid())
    return -1 if queue.ended > 0 else 0


def operations_of_call(NativeEngine engine):
    """Return the number of operations that the steps of an engine need, in one direction."""
    return engine.job.call.n_rows * engine.job.call.row_cost


def train_side_by_side(calls, int n_threads):
    """Take the steps of several networks in one native call; return how many each has taken.

    Each thread trains one network after another, and none waits for another. Networks learn the
    same bits as by `train_steps` of each.

    Parameters
    ----------
    calls : sequence of (Engine, tuple)
        Engines of different states, each with all arguments of its `train_steps`.
    n_threads : int
        Threads that share the networks; not more than there are networks are used.

    Returns
    -------
    n_steps : list of int
        What each `train_steps` would return. KeyboardInterrupt comes between steps;
        ``state.step`` of each engine tells how many it has taken.
    """
    cdef NativeEngine engine
    if not len({id(engine.state) for engine, _ in calls}) == len(calls) > 0:
        raise ValueError("calls must be of one network or more, and of none twice.")
    claimed = []
    try:
        for engine, arguments in calls:
            engine.claim()
            claimed.append(engine)
            X, y, weights, order, batch_size, coefficients, losses, grad_norms = arguments
            engine.prepare(TRAIN, X, y, weights, order, batch_size, coefficients, losses,
                           grad_norms, 0, None)
        run_side_by_side(claimed, max(1, min(n_threads, len(claimed))))
    finally:
        for engine in claimed:
            engine.release(TRAIN)
    for engine in claimed:
        check_columns(&engine.job)
    return [(<NativeEngine> engine).job.progress.n_done for engine in claimed]
