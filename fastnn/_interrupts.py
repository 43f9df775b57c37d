"""Ctrl-C for threads other than the main thread, which alone gets it from Python."""

import ctypes
import threading

#: Held by a thread while it starts another. Until the new one runs, CPython knows both by the same
#: identifier: an exception for the old one may reach the new one, which then ends before it reports
#: that it has started, so that the old one waits for it forever.
STARTING = threading.Lock()


def interrupt(threads):
    """Raise KeyboardInterrupt in threads that are still running."""
    with STARTING:
        for thread in threads:
            if thread.is_alive():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
                )
