"""Worker processes of ``gpu.py``: one for each column, killed when it does not answer."""

import contextlib
import subprocess
from pathlib import Path
from select import select

from worker import Worker

WORKER = str(Path(__file__).parent / "gpu_worker.py")
#: Seconds that a worker may take for an answer.
PATIENCE = 120


class LimitedWorker(Worker):
    """Worker that is killed when it does not answer in time."""

    def answer(self):
        if not select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            raise RuntimeError(f"{self.column}: no answer in {PATIENCE} s")
        return super().answer()

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Workers:
    """Processes by column, started when they are needed, and anew after one has failed."""

    def __init__(self, dry):
        self.device = "cpu" if dry else "cuda"
        self.environment = {"NUMBA_ENABLE_CUDASIM": "1"} if dry else {}
        self.running = {}

    def call(self, column, *command):
        return self.start(column) and self.of(column, lambda worker: worker.call(*command))

    def of(self, column, what):
        """The answer of `what`; a process that failed is ended."""
        try:
            return what(self.running[column])
        except (RuntimeError, OSError):
            self.close(column)
            raise

    def start(self, column):
        if column not in self.running:
            self.running[column] = LimitedWorker(
                column, column, self.device, script=WORKER, environment=self.environment
            )
            self.of(column, lambda worker: worker.answer())
        return self.running[column]

    def close(self, *columns):
        for column in columns or list(self.running):
            if column in self.running:
                self.running.pop(column).close()
