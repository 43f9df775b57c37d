"""A thread that computes the next items of an iterator."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

from .._interrupts import STARTING

Item = TypeVar("Item")

# Items that wait to be taken. The thread holds one more.
_N_WAITING = 1
# Seconds between two looks at whether anybody still wants the items.
_PATIENCE = 0.05


class _Raised:
    """An error of the thread."""

    def __init__(self, error: BaseException):
        self.error = error


_END = object()


class ReadAhead(Iterator[Item]):
    """Iterator over items that a thread computes, two ahead of whoever takes them.

    The thread runs within a ``with`` block. An error of the items is raised where they are taken.
    """

    def __init__(self, items: Iterable[Item]):
        self._items = items
        self._queue: queue.Queue = queue.Queue(_N_WAITING)
        self._stops = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fastnn-read-ahead", daemon=True)

    def __enter__(self):
        with STARTING:
            self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stops.set()
        # A read that takes longer ends by itself, so that Ctrl-C is answered.
        self._thread.join(2 * _PATIENCE)

    def __next__(self) -> Item:
        while True:
            try:  # in short waits, so that Ctrl-C is answered
                item = self._queue.get(timeout=_PATIENCE)
                break
            except queue.Empty:
                continue
        if item is _END:
            raise StopIteration
        if isinstance(item, _Raised):
            raise item.error
        return item

    def _run(self):
        try:
            for item in self._items:
                if not self._put(item):
                    break
            else:
                self._put(_END)
        except BaseException as error:
            self._put(_Raised(error))
        finally:
            if hasattr(self._items, "close"):
                self._items.close()  # a generator may hold files open

    def _put(self, item):
        """Put an item into the queue; return False if nobody wants it."""
        while not self._stops.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
                return True
            except queue.Full:
                continue
        return False
