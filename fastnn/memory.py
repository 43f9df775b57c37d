"""Arrays that others can reach: held where they are, as they are, while an engine works."""

import weakref

import numpy as np


def pins(array):
    """Weak references to an array and to what it is a view of.

    As long as there is one, NumPy refuses to resize the array, with ``refcheck=False`` too.
    """
    found = []
    while isinstance(array, np.ndarray):
        found.append(weakref.ref(array))
        array = array.base
    return found


class Owner:
    """What keeps the memory of an array: it is no array itself, that could be resized."""

    def __init__(self, interface, *kept):
        self.__array_interface__, self._kept = interface, kept


def held(array):
    """A view of the same numbers, that has a shape and a type of its own.

    Whoever sets those of `array` in place does not change it, and nobody can resize `array`
    as long as it lives.
    """
    return np.asarray(Owner(array.__array_interface__, array, pins(array)))
