"""Tests of what needs a device: a GPU, or Numba's simulator (NUMBA_ENABLE_CUDASIM=1).

Where there is neither, they are not collected.
"""

import sys
import threading

import numpy as np
import pytest

from support.devices import SIMULATES, find_device

DEVICE = find_device()
collect_ignore_glob = [] if DEVICE else ["*"]

if SIMULATES:
    # Threads of the simulator wait more than they compute; with the usual 5 ms for each, all
    # takes seven times as long.
    sys.setswitchinterval(1e-4)

    # The simulator's own lets two threads of a block allocate an array of their own each, where
    # both are the first to ask, and looks at the source of all callers to tell the arrays apart.
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    _allocating = threading.Lock()

    def _shared_array(self, shape, dtype):
        caller = sys._getframe(1)
        key = caller.f_code, caller.f_lineno
        with _allocating:
            if key not in self._allocations:
                self._allocations[key] = np.empty(shape, dtype)
            return self._allocations[key]

    FakeCUDAShared.array = _shared_array


def pytest_collection_modifyitems(items):
    if SIMULATES:
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="tells something on a GPU only"))


def pytest_runtest_setup(item):
    """A file that was asked for by name is collected nevertheless."""
    if not DEVICE:
        pytest.fail("Set NUMBA_ENABLE_CUDASIM=1: there is no GPU here.", pytrace=False)
