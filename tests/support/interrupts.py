"""Ctrl-C in the course of a call, for scripts in processes of their own."""

import os
import signal
import threading
import time


class CtrlC:
    """Ctrl-C that reaches this process after so many seconds."""

    def __init__(self, seconds):
        self._thread = threading.Thread(target=self._send, args=(seconds,))
        self._thread.start()

    def _send(self, seconds):
        time.sleep(seconds)
        self._sent = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    def answered(self):
        """Return the seconds since it was sent."""
        seconds = time.perf_counter() - self._sent
        self._thread.join()
        return seconds
