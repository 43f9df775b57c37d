"""Engines that train and predict. This file holds the only switch between devices.

An engine module has ``Engine``, ``predict`` and ``n_threads`` with the same arguments on every
device, so that nothing above knows which one works.
"""

from __future__ import annotations

import functools
import importlib

DEVICES = ("cpu",)


@functools.cache
def engine_module(device: str):
    """The module of an engine, imported when it is first needed."""
    if device not in DEVICES:
        raise ValueError(
            f"device={device!r} is not available in this version of fastnn; choose one of "
            f"{', '.join(map(repr, DEVICES))}."
        )
    return importlib.import_module(f"{__name__}.{device}")


def make_engine(program, state, optimizer, max_batch, n_threads, seed, device="cpu"):
    """An engine that trains `state` in place; see ``cpu/engine.pyx`` for its methods."""
    return engine_module(device).Engine(program, state, optimizer, max_batch, n_threads, seed)


def predict(program, parameters, statistics, X, out, n_threads, device="cpu"):
    """Fill `out` with the network's output for the rows of `X`; tells whether `X` was finite."""
    return engine_module(device).predict(program, parameters, statistics, X, out, n_threads)


def emulates_bfloat16(device="cpu"):
    """Whether products of bfloat16 take longer than those of float32, for want of instructions."""
    return engine_module(device).isa_info()["bfloat16"] == "emulated"


def n_threads(n_jobs, operations, repeats=1, device="cpu"):
    """How many threads should do so many operations so many times."""
    return engine_module(device).n_threads(n_jobs, operations, repeats)
