"""Launches of kernels: grids, memory of the device, and steps replayed from a graph.

A launch from Python takes as long as a small kernel's work, or longer. A step's launches are
therefore captured once, several steps in a graph, and a call replays graphs: what differs from
step to step, kernels read from tables (see ``steps.py``).
"""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ._numba import SIMULATED, cuda, device_errors
from .kernels import COLUMNS, LANES, THREADS, kernels_of

# Blocks of an elementwise kernel, and rows of tiles: enough for all multiprocessors; what is more
# they go through one after another. In the simulator few, so that this happens.
MOST_BLOCKS = 2 if SIMULATED else 4096

#: Steps in a graph; what is left of a call is replayed one by one.
STEPS_IN_GRAPH = 32
# Between two looks for Ctrl-C, as on the CPU.
SECONDS_PER_SLICE = 0.05


def over_elements(n):
    """Grid and block of a kernel that goes through a vector of n elements."""
    return max(1, min(-(-n // THREADS), MOST_BLOCKS)), THREADS


def over_matrix(n_rows, n):
    """Grid and block of a kernel over rows of n elements: columns are x, and rows y."""
    across = min(1 << max(0, n - 1).bit_length(), THREADS)
    down, n_across = THREADS // across, -(-n // across)
    n_down = max(1, min(-(-n_rows // down), MOST_BLOCKS // n_across))
    return (n_across, n_down), (across, down)


def over_rows(n, threads=THREADS):
    """Grid and block of a kernel with a block for each of n rows."""
    return max(1, min(n, MOST_BLOCKS)), threads


def over_columns(n):
    """Grid and block of a kernel with a few threads for each of n columns."""
    return -(-n // COLUMNS), (COLUMNS, LANES)


def over_tiles(m, n, bindings, n_parts=1):
    """Grid and block of a product of m rows and n columns, for the kernel's `bindings`."""
    across, down = -(-n // bindings["TILE_COLUMNS"]), -(-m // bindings["TILE_ROWS"])
    return (across, max(1, min(down, MOST_BLOCKS)), n_parts), bindings["TILE_THREADS"]


ONE_BLOCK = 1, THREADS


class Memory:
    """The memory of the current device, which is cleared in the order of a stream.

    What plans a step needs no other device than this: with a memory of NumPy arrays in its place,
    a test sees all launches without one.
    """

    def __init__(self, stream):
        self._stream = stream

    def empty(self, shape, dtype):
        n_bytes = math.prod(np.atleast_1d(shape).tolist()) * np.dtype(dtype).itemsize
        with device_errors(n_bytes=n_bytes):
            return cuda.device_array(shape, dtype)

    def zeros(self, shape, dtype):
        """Zeros of a type that kernels compute with."""
        array = self.empty(shape, dtype)
        if array.size:
            clear = kernels_of(array.dtype)("clear")
            clear[*over_elements(array.size), self._stream](array.reshape(array.size))
        return array

    def upload(self, array):
        """A copy of a contiguous array."""
        return cuda.to_device(array)


class Launch(NamedTuple):
    """A kernel and all that it is launched with."""

    name: str
    kernel: Any
    grid: Any
    block: Any
    args: tuple


class Replay:
    """Runs the launches of a step many times over.

    Parameters
    ----------
    launches : list of Launch
        Launches of a step. The last one moves the cursor to the next step.
    stream : stream
    """

    def __init__(self, launches, stream):
        self.launches, self._stream, self._graphs = launches, stream, {}
        self._is_loaded, self._slice = False, 1

    def run(self, n_steps):
        """Run n steps, in slices short enough to handle Ctrl-C between them."""
        done = 0
        while done < n_steps:
            size = min(self._slice, n_steps - done)
            began = time.perf_counter()
            with uninterrupted():
                self._queue(size)
                self._stream.synchronize()
            done += size
            seconds = max(time.perf_counter() - began, 1e-9)
            if size == self._slice:
                self._slice = max(1, int(size * min(8, SECONDS_PER_SLICE / seconds)))

    def _queue(self, n_steps):
        if SIMULATED:
            for _ in range(n_steps):
                self._launch(self._stream)
            return
        if not self._is_loaded:
            # The first step compiles and loads the kernels, which no capture may do.
            self._launch(self._stream)
            self._is_loaded, n_steps = True, n_steps - 1
        for size in (STEPS_IN_GRAPH, 1):
            for _ in range(n_steps // size):
                self._graph(size).launch(_core_stream(self._stream))
            n_steps %= size

    def _launch(self, stream):
        for launch in self.launches:
            launch.kernel[launch.grid, launch.block, stream](*launch.args)

    def _graph(self, n_steps):
        """Return a graph of n steps, captured when it is first requested."""
        if n_steps not in self._graphs:
            from cuda.core import Device

            device = Device()
            device.set_current()
            builder = device.create_graph_builder()
            with cuda.defer_cleanup():  # memory that is freed meanwhile would break the capture
                builder.begin_building()
                for _ in range(n_steps):
                    self._launch(builder)
                self._graphs[n_steps] = builder.end_building().complete()
        return self._graphs[n_steps]


def _core_stream(stream):
    from cuda.core import Stream

    return Stream.from_handle(int(stream))


@contextmanager
def uninterrupted():
    """Ctrl-C is answered at the end: what is launched of a step is launched as a whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = []
    before = signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        signal.raise_signal(signal.SIGINT)


def new_stream():
    """A stream that waits for copies, which go through the default stream, and they for it."""
    return cuda.stream()
