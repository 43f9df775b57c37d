"""What the benches share: a fair environment, a measured peak, numbers with their spread."""

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


def alternate(calls, runs, pause=0.2):
    """Seconds of each call, measured in turns, so that a slow phase of the machine hits all alike.

    The pause lets the worker threads of the one before, which wait by spinning, go to sleep.
    """
    for call in calls.values():
        call()
    times = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            time.sleep(pause)
            times[name].append(seconds(call))
    return times


class Others:
    """How much of the processors other programs use while this one sleeps (Linux)."""

    def __init__(self):
        self.used = self.there = 0.0

    @staticmethod
    def _ticks():
        try:
            line = Path("/proc/stat").read_text().split("\n", 1)[0]
        except OSError:
            return 0, 0
        ticks = [int(number) for number in line.split()[1:9]]
        return sum(ticks), sum(ticks) - ticks[3] - ticks[4]  # but idle, and waiting for a disk

    def pause(self, seconds):
        time.sleep(seconds / 2)  # let what ran before come to rest
        all_before, used_before = self._ticks()
        time.sleep(seconds / 2)
        all_after, used_after = self._ticks()
        self.there += all_after - all_before
        self.used += used_after - used_before

    @property
    def share(self):
        return self.used / self.there if self.there else 0.0

    def warn(self, limit=0.05):
        if self.share > limit:
            warnings.warn(
                f"Other programs used {100 * self.share:.0f} % of the processors between the runs: "
                "libraries whose threads wait for each other by spinning suffer most from that. "
                "These figures say nothing; run again on a machine that is left alone.",
                stacklevel=2,
            )


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
