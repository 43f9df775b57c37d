"""Identification of a training: checksums of its data and of the parameters that affect it."""

import re
import zlib
from collections.abc import Mapping
from functools import partial
from numbers import Number
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from .._core.device_arrays import DeviceRows, to_host
from .._data.rows import BLOCK

#: Parameters that do not affect the results, or only the length of training.
_FREE = {"callbacks", "max_iter", "n_jobs", "verbose"}


class Mark(NamedTuple):
    """Description of a value, and its checksum."""

    shown: str
    checksum: int


def identity(model, fresh, X, y, sample_weight, held_out) -> dict[str, Mark]:
    """Return marks of everything that determines the result of a training, by name.

    Parameters
    ----------
    model : estimator
    fresh : bool
        Whether a new network is trained, or the fitted one.
    X, y, sample_weight
        As the engine reads them.
    held_out : tuple or None
        X, y and sample_weight of validation data passed to `fit`, not split off.
    """
    given = model.get_params(deep=False)
    found = {name: value for name, value in given.items() if name not in _FREE}
    found |= {"X": X, "y": y, "sample_weight": sample_weight}
    if held_out is not None:
        names = "X_val", "y_val", "sample_weight_val"
        found |= dict(zip(names, held_out, strict=True))
    marks = {name: Mark(_shown(value), _checksum(value)) for name, value in found.items()}
    if not fresh:
        network, history = model._network, vars(model._history)
        numbers = {name: value for name, value in history.items() if name != "columns"}
        start = network.arenas(), network.state.step, numbers
        marks["the fitted network that warm_start goes on from"] = Mark("there", _checksum(start))
    return marks


def difference(one: dict[str, Mark], here: dict[str, Mark]) -> str | None:
    """Describe the first difference between two trainings; None if there is none."""
    none = Mark("None", _checksum(None))  # for absent values
    for name in {**here, **one}:
        old, new = one.get(name, none), here.get(name, none)
        if old.checksum != new.checksum:
            if old.shown == new.shown:
                return f"{name} has other values"
            return f"{name} was {old.shown} and is {new.shown}"
    return None


def _shown(value) -> str:
    if isinstance(value, np.ndarray | DeviceRows) or issparse(value):
        return f"{value.dtype} of shape {value.shape}"
    text = getattr(value, "__qualname__", None) or repr(value)
    text = re.sub(r"\s+", " ", re.sub(r" at 0x\w+", "", text))
    return text if len(text) <= 60 else text[:57] + "..."


def _checksum(value) -> int:
    """Return a checksum that is the same in every process, for any value that can be pickled.

    The checksum of a function covers its name, code and closure, not the functions it calls.
    """
    checksum, within = 0, set[int]()

    def add(*parts):
        nonlocal checksum
        for part in parts:
            checksum = zlib.crc32(part.encode() if isinstance(part, str) else part, checksum)

    def visit(value):
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, str | bytes | Number):
            add(repr(value), ";")
            return
        if isinstance(value, type):
            add(value.__qualname__, ";")
            return
        if id(value) in within:  # it contains itself
            add("...;")
            return
        within.add(id(value))
        add(type(value).__name__, "(")
        for part in _parts(value, add):
            visit(part)
        add(")")
        within.discard(id(value))

    visit(value)
    return checksum


def _parts(value, add) -> Any:
    """Return the parts of a value; the elements of arrays are added directly."""
    if isinstance(value, np.ndarray | DeviceRows) and value.dtype != object:
        add(f"{value.dtype}{value.shape}")
        for block in _blocks(value):
            add(np.ascontiguousarray(block).reshape(-1).view(np.uint8))
        return ()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if issparse(value):
        value = value.tocsr()
        return value.shape, value.data, value.indices, value.indptr
    if isinstance(value, Mapping):
        return [pair for item in sorted(value.items(), key=repr) for pair in item]
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, FunctionType):
        closed_over = [cell.cell_contents for cell in value.__closure__ or ()]
        defaults = value.__defaults__, value.__kwdefaults__
        return value.__qualname__, value.__code__, defaults, closed_over
    if isinstance(value, CodeType):
        return value.co_code, value.co_consts, value.co_names
    if isinstance(value, MethodType):
        return value.__func__, value.__self__
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if hasattr(value, "py_func"):  # compiled by Numba
        return (value.py_func,)
    if hasattr(value, "get_params"):
        return (value.get_params(deep=False),)
    reduced = value.__reduce_ex__(4)  # as in pickle
    if isinstance(reduced, str):
        return (reduced,)
    return [*reduced[:3], *map(list, filter(None, reduced[3:5]))]


def _blocks(array):
    """Yield blocks of rows, small enough that a copy of one does not matter."""
    if array.ndim < 2 or not array.size:
        yield array
        return
    step = max(1, BLOCK // (array.size // len(array)))
    for start in range(0, len(array), step):
        if isinstance(array, DeviceRows):
            numbers = np.arange(start, min(start + step, len(array)))
            yield to_host(array[numbers].array)
        else:
            yield array[start : start + step]
