"""Arrays that others can reach: held where they are, as they are, while an engine works."""

from weakref import ref

import numpy as np
from numpy import ndarray


def pins(array):
    """Weak references to an array and to what it is a view of.

    As long as there is one, NumPy refuses to resize the array, with ``refcheck=False`` too.
    """
    found = [ref(array)]
    while isinstance(array := array.base, ndarray):
        found.append(ref(array))
    return found


# Pins of arrays that stay where they are as long as they live.
_pinned: dict[int, ref] = {}


def _unpin(pin):
    del _pinned[id(pin)]


def pin(array):
    """Let nobody resize an array that owns its memory, as long as it lives."""
    found = ref(array, _unpin)
    _pinned[id(found)] = found


class _Held:
    """What keeps the memory of an array: it is no array itself, that could be resized."""

    def __init__(self, array):
        self.__array_interface__, self._kept = array.__array_interface__, (array, pins(array))


def held(array):
    """A view of the same numbers, that has a shape and a type of its own.

    Whoever sets those of `array` in place does not change it, and nobody can resize `array`
    as long as it lives.
    """
    return np.asarray(_Held(array))
