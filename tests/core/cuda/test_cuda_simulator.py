"""The tests of ``cuda/``, run by Numba's simulator, in processes of their own.

It is chosen by an environment variable before Numba is imported, and runs kernels as Python: a
thread of the GPU is a thread of Python.
"""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

from support import devices

#: Processes that share the tests; they compute in one thread at a time each.
N_PROCESSES = min(4, joblib.cpu_count())


@pytest.mark.cuda
@pytest.mark.skipif(not devices.CAN_COMPILE, reason="numba-cuda is missing, or simulates already")
def test_kernels_in_the_simulator():
    environment = os.environ | {
        "NUMBA_ENABLE_CUDASIM": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for name in ("FASTNN_REQUIRE_CUDA", "PYTEST_ADDOPTS"):  # the latter may share tests out too
        environment.pop(name, None)
    folder = Path(__file__).parent / "device"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    processes = [
        subprocess.Popen(
            command,
            env=environment | {"FASTNN_SHARE_OF_TESTS": f"{number}/{N_PROCESSES}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(N_PROCESSES)
    ]
    try:
        outputs = [process.communicate(timeout=1800)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    failed = [i for i, process in enumerate(processes) if process.returncode]
    if failed:
        pytest.fail("\n".join(outputs[i] for i in failed), pytrace=False)
