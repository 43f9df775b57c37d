"""Number of threads of a native call."""

from __future__ import annotations

import functools
import os
import re
import sys
from contextvars import ContextVar

from ..._warnings import warn
from .engine import most_openmp_threads, startable_team

#: Fewer floating-point operations than this between two barriers are not worth a thread.
LEAST_OF_STEP = 1e6
#: The same for all that is done at a stretch: threads that have gone to sleep take a while to come,
#: while the first one waits for them.
LEAST_OF_CALL = 5e6
#: No number of processors in one machine comes near to it.
MOST_THREADS = 4096

_forked = False
# Threads that there are for one call, where several share the processors.
_share = ContextVar("share", default=MOST_THREADS)


def share_threads(n_threads: int) -> None:
    """Count so many threads as available, in this context of Python."""
    _share.set(n_threads)


def _after_fork() -> None:
    # libgomp's threads do not exist in a forked child, and waiting for them would never end.
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def n_processors() -> int:
    """Return how many processors the process may use, which joblib takes long to find out."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return _count_processors(affinity, os.environ.get("LOKY_MAX_CPU_COUNT"))


@functools.cache
def _count_processors(affinity, limit):
    try:
        from joblib import cpu_count  # which respects limits of containers
    except ImportError:
        return affinity
    return cpu_count()


def _available() -> int:
    """Return how many threads there are for one call, where others share the processors.

    A task of dask has its share of the processors of its worker.
    """
    share, module = _share.get(), sys.modules.get("distributed.worker")
    if module is None:
        return share
    try:
        n_tasks = module.get_worker().state.nthreads
    except ValueError:  # this is not a task
        return share
    return min(share, max(1, n_processors() // n_tasks))


def _has_neighbours() -> bool:
    """Return whether joblib runs this in one of several threads that share the processors."""
    if "joblib" not in sys.modules:
        return False
    from joblib.parallel import ThreadingBackend, get_active_backend

    backend, _ = get_active_backend()
    return isinstance(backend, ThreadingBackend) and backend.nesting_level > 0


def n_threads(n_jobs: int | None, operations: float, repeats: float = 1) -> int:
    """Most threads for `repeats` times so many operations, with a barrier after each time.

    As many begin; a team may find out that fewer are faster, see ``teams.py``.

    Parameters
    ----------
    n_jobs : int or None
        None: as many as OpenMP, joblib and the process's share of the machine allow, but no more
        than have enough to do, and one in a thread that joblib runs beside others. A positive
        number: so many, but no more than there are processors for the process, or than
        OMP_NUM_THREADS. Negative numbers count back from the processors as in joblib: -1 is all of
        them.
    operations : float
        Floating-point operations between two barriers.
    repeats : float, default=1
        Number of repetitions without a pause.

    Returns
    -------
    int
        At least 1; always 1 in a forked child, where OpenMP cannot run. Fewer, with a warning,
        where the system starts no more.
    """
    wanted = min(_wanted(n_jobs, operations, repeats), MOST_THREADS)
    if wanted == 1:
        return 1
    n = startable_team(wanted, stack_size())
    if n < wanted:
        warn(
            f"Only {n} of {wanted} threads could be started, for lack of memory for their stacks "
            "or because of a limit on processes: set n_jobs to fewer."
        )
    return n


def stack_size() -> int:
    """Return the stack size of OpenMP's threads in bytes; 0 for the system's default."""
    asked = re.fullmatch(r"\s*(\d+)\s*([bkmg]?)\s*", os.environ.get("OMP_STACKSIZE", ""), re.I)
    return int(asked[1]) << 10 * "bkmg".index(asked[2].lower() or "k") if asked else 0


def _wanted(n_jobs, operations, repeats):
    if n_jobs == 0:
        raise ValueError("n_jobs must not be 0: use None for the default, or a number of threads.")
    if _forked:
        return 1
    # An explicit OMP_NUM_THREADS may exceed the processors, as in scikit-learn.
    is_limited = "OMP_NUM_THREADS" not in os.environ
    if n_jobs is not None and n_jobs > 0:
        most = n_processors() if is_limited else max(n_processors(), most_openmp_threads())
        return min(n_jobs, most, _available())
    if n_jobs is None:
        useful = min(operations / LEAST_OF_STEP, operations * repeats / LEAST_OF_CALL)
        if useful < 2:
            return 1
    most = min(most_openmp_threads(), _available())
    if is_limited:
        most = min(most, n_processors())
        # In joblib's processes, the variable tells their share.
        if n_jobs is None and most > 1 and _has_neighbours():
            return 1
    return int(min(most, useful)) if n_jobs is None else max(1, most + 1 + n_jobs)
