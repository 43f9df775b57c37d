"""A limit of one thread for BLAS."""

import functools
import os
import threading
from contextlib import contextmanager

_lock = threading.Lock()
# Blocks that need the limit, and the numbers of threads of each pool before the first of them.
_users: set[object] = set()
_before: list[int] = []


@functools.cache
def _pools():
    """Return pools that the whole process shares, and pools of which each thread has its own."""
    from threadpoolctl import ThreadpoolController

    pools = ThreadpoolController().select(user_api="blas").lib_controllers
    own = [pool for pool in pools if getattr(pool, "threading_layer", None) == "openmp"]
    return [pool for pool in pools if pool not in own], own


def _set(pools, numbers):
    for pool, number in zip(pools, numbers, strict=True):
        # `set_num_threads` of threadpoolctl works in one thread only, whichever was the first.
        set_number = getattr(pool, "_real_set_num_threads", pool.set_num_threads)
        set_number(number)


@contextmanager
def one_thread():
    """Limit BLAS to one thread, from the first block that begins to the last that ends.

    threadpoolctl's limits nest in one thread only: of two threads, the one that ends second
    restores what the first had set. More threads would sum in another order, and those of SciPy's
    BLAS spin for a while after each of its few small calls, on processors that the engine needs.
    """
    shared, own = _pools()
    user, its_own = object(), [pool.num_threads for pool in own]
    try:
        with _lock:
            if not _users:
                _before[:] = [pool.num_threads for pool in shared]
                _set(shared, [1] * len(shared))
            _users.add(user)
        _set(own, [1] * len(own))
        yield
    finally:
        _set(own, its_own)
        with _lock:
            _users.discard(user)
            _restore_if_unused()


def _restore_if_unused():
    if _before and not _users:
        _set(_pools()[0], _before)
        _before.clear()


def _after_fork():
    """Start anew in a child process, where no other thread goes on to release the lock."""
    global _lock
    _lock = threading.Lock()
    _users.clear()
    _restore_if_unused()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
