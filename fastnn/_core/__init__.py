"""Engines that train and predict. This file holds the only switch between devices.

An engine module has ``Engine``, ``Predictor``, ``n_threads`` and ``train_side_by_side`` with the
same arguments on every device, so that nothing above knows which one works.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from typing import TYPE_CHECKING

from .._lazy import lazy_names

if TYPE_CHECKING:
    from .cpu.engine import are_same

__all__ = ["are_same"]

# Native code is loaded where something is trained or predicted.
__getattr__, __dir__ = lazy_names(__name__, {"cpu.engine": ("are_same",)})

DEVICES = ("cpu", "cuda")

#: What 'auto' takes to CUDA: so many floating-point operations in all, and so many in each step.
#: To compile the kernels of a network took 2 to 14 s on the host of an H200. A processor of two
#: cores does 5e12 operations in that time, and one of sixteen more. A small step took 30 µs, in
#: which a processor does about the second number.
LEAST_ON_CUDA, LEAST_OF_STEP = 1e13, 1e7

#: So few rows are predicted by one thread of the CPU engine.
ROWS_OF_ONE_THREAD = 31


@functools.cache
def engine_module(device: str):
    """Return the module of an engine, imported when it is first needed."""
    if device not in DEVICES:
        raise ValueError(
            f"device={device!r} is not known; choose one of "
            f"{', '.join(map(repr, (*DEVICES, 'auto')))}."
        )
    return importlib.import_module(f"{__name__}.{device}")


def device_of_data(device, on_gpu):
    """Return the device, or 'cuda' for 'auto' if some of the data is on a GPU.

    CUDA is started if it is used, or an error says why it is not available.
    """
    if device == "cpu" and on_gpu:
        raise ValueError(
            "X, y or sample_weight is on a GPU, and device='cpu' reads memory of the processor: "
            "pass device='cuda' or 'auto', or move it, by .cpu() of PyTorch or .get() of CuPy."
        )
    if device == "cuda" or on_gpu:
        require_cuda()
        return "cuda"
    return device


def chosen_device(device, program, n_rows, n_steps=1, *, on_gpu=False, trains=False):
    """The device that does the work; refuses what it cannot do, before anything is changed.

    Parameters
    ----------
    device : str
        'cpu', 'cuda', or 'auto': CUDA where the work is worth it and there is a GPU.
    program : Program
    n_rows, n_steps : int
        Rows of a step, and how many of these there are.
    on_gpu : bool, default=False
        Whether some of the data is on the GPU.
    trains : bool, default=False
        Whether it is training, a step of which is one pass forward and two back.
    """
    device = device_of_data(device, on_gpu)
    if device == "auto":
        operations = (3 if trains else 1) * n_rows * program.flops
        large = operations >= LEAST_OF_STEP and operations * n_steps >= LEAST_ON_CUDA
        # Products of bfloat16 are the processor's, those of TF32 the GPU's.
        large = large and not program.bfloat16
        wanted = large or (trains and program.tf32)
        device = "cuda" if wanted and cuda_problem() is None else "cpu"
    if device == "cuda":
        engine_module("cuda").refuse(program)
    elif device == "cpu" and trains and program.tf32:
        raise ValueError(
            "precision='tf32' trains with device='cuda' only, and here it is the CPU: choose "
            "precision='float32', or 'bfloat16'. A network that was fitted in tf32 predicts on the "
            "CPU in float32."
        )
    return device


def require_cuda():
    """Start CUDA, or raise the error that says why it cannot be."""
    importlib.import_module(f"{__name__}.cuda._numba").start()


def cuda_problem():
    """Return the reason why CUDA is not available, or None; numba-cuda need not be installed."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda is not installed"
    try:
        require_cuda()
    except (ImportError, RuntimeError) as error:
        return str(error)
    return None


def describe_cuda():
    """Return a line about CUDA and the GPU, for a bug report."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda is not installed"
    try:
        return importlib.import_module(f"{__name__}.cuda._numba").describe()
    except ImportError as error:
        return str(error)


def make_engine(program, state, optimizer, max_batch, n_threads, seed, device="cpu"):
    """Return an engine that trains `state` in place; see ``engine_base.py``."""
    return engine_module(device).Engine(program, state, optimizer, max_batch, n_threads, seed)


def outlives_fit(device):
    """Return whether an engine may be kept for another fit; one on a GPU holds rows there."""
    return device == "cpu"


def may_fail(device):
    """Return whether training may fail without user code, for instance for lack of GPU memory."""
    return device != "cpu"


def make_predictor(program, parameters, statistics, device="cpu"):
    """Return a predictor of these arenas, to call with rows; see `Predictor` of the CPU engine."""
    return engine_module(device).Predictor(program, parameters, statistics)


def n_threads(n_jobs, operations, repeats=1, device="cpu"):
    """Return the number of threads for `repeats` times so many operations."""
    return engine_module(device).n_threads(n_jobs, operations, repeats)


def share_threads(n_threads):
    """Count so many threads of the processor as available, in this context of Python."""
    engine_module("cpu").share_threads(n_threads)


def train_side_by_side(calls, n_threads, device="cpu"):
    """Take the steps of several engines of a device at once; return how many each has taken.

    Parameters
    ----------
    calls : sequence of (Engine, tuple)
        Engines of different states, each with the arguments of its `train_steps`.
    n_threads : int
        Threads that share the networks, each of which is trained by one.
    device : str
    """
    return engine_module(device).train_side_by_side(calls, n_threads)


def emulates_bfloat16():
    """Return whether bfloat16 is emulated, which is slower than float32."""
    return engine_module("cpu").isa_info()["bfloat16"] == "emulated"


# What only arrays on a GPU need.


def all_finite(rows):
    """Return whether all values of rows on the GPU are finite."""
    return engine_module("cuda").all_finite(rows)


def take_rows(rows, numbers):
    """Return a copy of some rows, on the GPU."""
    return engine_module("cuda").take_rows(rows, numbers)


def to_host(array):
    """Return a copy of an array on the GPU, as a NumPy array."""
    return engine_module("cuda").to_host(array)
