"""Tasks done side by side, in threads that end with Ctrl-C."""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from sklearn import config_context, get_config

from .. import _core
from .._interrupts import interrupt


class SideBySide:
    """Tasks that threads take one after another, until all are done or Ctrl-C.

    Parameters
    ----------
    do : callable
        Does a task. It handles its own errors.

    Attributes
    ----------
    stops : bool
        Whether no further task is begun. A task may set it.
    interrupted : bool
        Whether Ctrl-C was pressed.
    """

    def __init__(self, do: Callable[[Any], None]):
        self._do, self.stops, self.interrupted = do, False, False

    def run(self, tasks: Iterable, n_threads: int, of_caller: Iterable = ()) -> None:
        """Do the tasks in so many threads, this one among them.

        A task may use its share of the threads. Those `of_caller` are done by this thread, one
        after another, before others.
        """
        queue = deque(tasks)
        n_workers = max(1, min(n_threads, len(queue)))
        context, helpers = contextvars.copy_context(), []
        context.run(_core.share_threads, max(1, n_threads // n_workers))
        try:
            for _ in range(n_workers - 1):
                work = context.copy().run
                helper = threading.Thread(target=work, args=(self._help, queue, get_config()))
                helper.start()
                helpers.append(helper)
            context.run(self._work, deque(of_caller))
            context.run(self._work, queue)
            if not self.stops:
                _join(helpers)
        except KeyboardInterrupt:  # in a task, between two, or while this thread waited
            self.interrupted = True
        finally:
            self.stops = True
            interrupt(helpers)
            _join(helpers)

    def _help(self, queue, config):
        try:
            with config_context(**config):
                self._work(queue)
        except KeyboardInterrupt:  # which the caller has passed on
            pass

    def _work(self, queue):
        """Do tasks until none is left."""
        while not self.stops:
            try:
                task = queue.popleft()
            except IndexError:
                return
            self._do(task)


def _join(threads):
    for thread in threads:
        thread.join()
