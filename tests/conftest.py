"""Set up all tests: no window, the installed package, the same examples, a GPU or not."""

import os

os.environ.setdefault("MPLBACKEND", "agg")
# Threads that wait leave their core to the other processes of `pytest -n`: spinning takes half the
# time of all tests. Read when OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Child processes test the package that this one tests, not the source folder they start in.
os.environ["PYTHONSAFEPATH"] = "1"

import pytest
from hypothesis import settings

from support.devices import find_device

# The same examples every time: a failure of one run is a failure of the next.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")


def pytest_configure():
    """Refuse to begin where tests have to run on a GPU and there is none."""
    if os.environ.get("FASTNN_REQUIRE_CUDA") == "1" and find_device() != "gpu":
        raise pytest.UsageError(
            "FASTNN_REQUIRE_CUDA=1 asks for tests on a GPU, and Numba finds none: they need an "
            "NVIDIA GPU with its driver, numba-cuda, and NUMBA_ENABLE_CUDASIM unset."
        )


#: Marks of tests that take minutes: they run where ``-m`` names them, and else are left out.
LONG = {"whole", "cuda"}


def pytest_collection_modifyitems(config, items):
    """Leave out what takes minutes, unless it is asked for, or kernels have to run on a GPU."""
    left_out = {mark for mark in LONG if mark not in config.option.markexpr}
    if os.environ.get("FASTNN_REQUIRE_CUDA") == "1":
        left_out.discard("cuda")
    long = {item for item in items if not left_out.isdisjoint(m.name for m in item.iter_markers())}
    config.hook.pytest_deselected(items=list(long))
    items[:] = [item for item in items if item not in long]
