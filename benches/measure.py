"""Helpers of the benchmarks: a fair environment, a measured peak, numbers with their spread."""

import functools
import json
import os
import platform
import statistics
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib

# features, hidden layers, classes, rows of a batch
SHAPES = {
    "784-100-100-10, batch 128": (784, (100, 100), 10, 128),
    "784-512-512-10, batch 256": (784, (512, 512), 10, 256),
    "784-256-128-10, batch 200": (784, (256, 128), 10, 200),
    "784-100-100-10, batch 32": (784, (100, 100), 10, 32),
    "64-64-32-2, batch 200": (64, (64, 32), 2, 200),
}
SLOW_BLAS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def forced_blas():
    """Environment variables that may hold OpenBLAS to slower kernels than it would choose."""
    return [name for name in SLOW_BLAS if name in os.environ]


def restart_without_forced_blas():
    """OpenBLAS reads its variables when it is loaded, so start this script again without them."""
    if names := forced_blas():
        print(f"{', '.join(names)} set: starting again without.", file=sys.stderr, flush=True)
        environment = {name: value for name, value in os.environ.items() if name not in names}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def warn_about_forced_blas():
    if names := forced_blas():
        warnings.warn(
            f"{' and '.join(names)} may hold OpenBLAS to slow kernels: comparisons are not fair.",
            stacklevel=2,
        )


def available_threads():
    return joblib.cpu_count()


@functools.cache
def fma_peak(dtype, threads):
    """The most floating-point operations a second that this many threads did."""

    from fastnn._core.cpu import ops

    def chain(n):
        return sum(pool.map(lambda _: ops.fma_chain(n, dtype=dtype), range(threads)))

    best, n = 0.0, 1 << 16
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(20):
            start = time.perf_counter()
            operations = chain(n)
            elapsed = time.perf_counter() - start
            if elapsed < 0.02:
                n *= 2  # too short for the clock, and for all threads to be up
            else:
                best = max(best, operations / elapsed)
    return best


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


# Seconds that let worker threads of the library before, which wait by spinning, go to sleep.
PAUSE = 0.2


def alternate(calls, runs, pause=PAUSE):
    """Seconds of each call, measured in turns, so that a slow phase of the machine hits all."""
    for call in calls.values():
        call()
    times = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            time.sleep(pause)
            times[name].append(seconds(call))
    return times


class Others:
    """Measure the load of other programs on this number of threads (Linux; unknown elsewhere).

    Libraries whose threads wait for each other by spinning become several times slower where a
    processor is taken away, so what is compared should run alone.

    Parameters
    ----------
    threads : int
        Threads that measure. What others do on the remaining processors does not count.
    patience : float
        Seconds to wait, in all, for other programs to rest.
    """

    RESTING = 0.05  # what the system itself needs now and then
    TICKS = 2  # by which the counts of the system may be wrong

    def __init__(self, threads, patience=0.0):
        self.patience = patience
        self.part = min(1.0, threads / os.cpu_count())

    @staticmethod
    def _seconds():
        """Return total and busy seconds of all processors since boot."""
        try:
            line = Path("/proc/stat").read_text().split("\n", 1)[0]
        except OSError:
            return 0.0, 0.0
        seconds = [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in line.split()[1:9]]
        idle = seconds[3] + seconds[4]
        return sum(seconds), sum(seconds) - idle

    def wait(self, seconds=0.2):
        """Wait for the previous program to end, and then for other programs, up to a limit."""
        time.sleep(seconds / 2)
        while self.share(time.sleep, seconds / 2)[1] > self.RESTING and self.patience > 0:
            self.patience -= seconds / 2

    def share(self, call, *arguments, own=lambda answer: 0.0):
        """A call's answer, and the part of the threads' processors that others took meanwhile.

        ``own`` tells, by the answer, the processor seconds of the call itself.
        """
        before = self._seconds()
        answer = call(*arguments)
        there, used = (now - then for now, then in zip(self._seconds(), before, strict=True))
        if not there:
            return answer, 0.0
        taken = used - own(answer) - there * (1 - self.part)
        taken -= self.TICKS / os.sysconf("SC_CLK_TCK")
        return answer, max(0.0, taken / (there * self.part))


def spread(values, digits=2):
    """``median (smallest-largest)``"""
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def markdown_row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def markdown(header, rows):
    return "\n".join(map(markdown_row, [header, ["---"] + ["---:"] * (len(header) - 1), *rows]))


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def environment(threads):
    import numpy
    import scipy
    import sklearn

    import fastnn
    from fastnn._core.cpu import isa_info

    return {
        "processor": processor(),
        "threads": threads,
        "instruction set": isa_info()["active"],
        "python": platform.python_version(),
        **{module.__name__: module.__version__ for module in (fastnn, numpy, scipy, sklearn)},
    }


def write_json(path, content):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
