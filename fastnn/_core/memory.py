"""Pinning of arrays, so that nobody can resize or free them while an engine works."""

from weakref import ref

import numpy as np
from numpy import ndarray


def pins(array):
    """Return weak references to an array and to the arrays it is a view of.

    While one exists, NumPy refuses to resize the array, even with ``refcheck=False``.
    """
    found = [ref(array)]
    while isinstance(array := array.base, ndarray):
        found.append(ref(array))
    return found


# Pins of arrays that must not be resized as long as they live.
_pinned: dict[int, ref] = {}


def _unpin(pin):
    del _pinned[id(pin)]


def pin(array):
    """Prevent an array that owns its memory from being resized as long as it lives."""
    found = ref(array, _unpin)
    _pinned[id(found)] = found


class _PinnedMemory:
    """Owner of the memory of an array, which is not an array and so cannot be resized."""

    def __init__(self, array):
        self.__array_interface__, self._kept = array.__array_interface__, (array, pins(array))


def pinned_view(array):
    """Return a view of an array with its own shape and type.

    Setting those of `array` in place does not affect the view, and nobody can resize `array` as
    long as the view exists.
    """
    return np.asarray(_PinnedMemory(array))
