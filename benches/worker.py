"""A process that holds one library and one workload, and does one thing at a time when asked.

    python benches/worker.py WORKLOAD COLUMN FOLDER THREADS      (started by compare.py)

Libraries keep threads that wait by spinning, and memory that they do not give back: in a process of
its own none disturbs the others, and what the process needs is what the library needs.
"""

import gc
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from select import select

STATUS = "/proc/{}/status"


def mebibytes(field, process="self"):
    """A field of a process's status on Linux, None elsewhere."""
    try:
        lines = Path(STATUS.format(process)).read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), None)


class Worker:
    """The end of the process that asks.

    Parameters
    ----------
    column : str
        By which the errors of the process are known.
    arguments : of the script
    script : str, default=this file
    environment : dict, optional
        Variables that are other than here.
    """

    def __init__(self, column, *arguments, script=__file__, environment=None):
        self.column = column
        command = [sys.executable, script, *map(str, arguments)]
        # What says how many threads to use, for some libraries only, says `restrict_to` to all.
        told = {name: v for name, v in os.environ.items() if not name.endswith("_NUM_THREADS")}
        told["PYTHONWARNINGS"] = "ignore"  # every epoch is run, whether it has converged or not
        told |= environment or {}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=told
        )

    def answer(self):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process ended."}
        if "error" in answer:
            raise RuntimeError(f"{self.column}: {answer['error']}")
        return answer

    def ask(self, *command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def call(self, *command):
        self.ask(*command)
        return self.answer()

    def watched_call(self, *command, interval=0.005):
        """Run `call` and measure the peak of anonymous memory from outside."""
        self.ask(*command)
        peak = 0.0
        while not select([self.process.stdout], [], [], interval)[0]:
            peak = max(peak, mebibytes("RssAnon", self.process.pid) or 0.0)
        return {**self.answer(), "anonymous": peak}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Work:
    """The end of the process that answers: a method for each thing that it can be asked for."""

    def __init__(self, workload, column, folder):
        from peers import COLUMNS
        from workloads import WORKLOADS

        self.workload, column = WORKLOADS[workload], COLUMNS[column]
        exec(column.library.import_line)
        self.X, self.y = self.workload.load_data(folder)
        self.loaded = {"resident": mebibytes("VmRSS"), "anonymous": mebibytes("RssAnon")}
        self.model = column.make(self.workload, self.X, self.y)

    def fit(self, seed):
        """Seconds, and MiB at the peak."""
        gc.collect()
        if sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
        start = time.perf_counter()
        self.model.fit(seed)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "peak": mebibytes("VmHWM")}

    def loss(self, n_rows):
        """Mean cross-entropy of training rows, the same formula for all; of a search its score."""
        import numpy as np

        if self.workload.grid:
            return {"loss": float(self.model.search_loss())}
        y = self.y[:n_rows]
        p = np.asarray(self.model.predict_proba(self.X[:n_rows]), dtype=np.float64)
        if p.shape[1] == 1:
            p = np.hstack([1 - p, p])
        return {"loss": float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-7)).mean())}

    def predict(self, n_rows, at_least=0.1):
        """Seconds of a call, of as many calls as take a while."""
        X, number = self.X[:n_rows], 1
        while True:
            start = time.perf_counter()
            for _ in range(number):
                self.model.predict_proba(X)
            seconds = time.perf_counter() - start
            if seconds >= at_least:
                return {"seconds": seconds / number}
            number = max(2 * number, int(1.2 * number * at_least / seconds))


def restrict_to(threads):
    """Restrict the process to some processors, so that all libraries use as many threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(make):
    """Answer what is asked for by methods of `make()`, until nothing is."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print does not get in between

    def answer(content):
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        work = make()
        answer(work.loaded)
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            start = time.process_time()
            content = getattr(work, name)(*arguments)
            answer({**content, "processor seconds": time.process_time() - start})
    except Exception:
        answer({"error": traceback.format_exc()})


def main():
    workload, column, folder, threads = sys.argv[1:]
    restrict_to(int(threads))
    serve(lambda: Work(workload, column, folder))


if __name__ == "__main__":
    main()
