"""What comes out of a pickle is looked at before anything is made of it."""

from contextlib import contextmanager
from numbers import Integral

import numpy as np


@contextmanager
def refusing_damage(what: str):
    """Whatever fails inside is a ValueError that says so in one sentence."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"This pickle of {what} is damaged, or was changed by hand: {error}"
        ) from error


def check_count(name: str, value, least: int = 0) -> None:
    """Refuse what is no whole number that counts something."""
    if not isinstance(value, Integral) or not least <= int(value) < 1 << 62:
        raise ValueError(f"{name} is {value!r}.")


def check_array(array) -> None:
    """Refuse what is no array, or one whose numbers NumPy would take for addresses of objects."""
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{type(array)} is where an array belongs.")
    if array.dtype.hasobject != (array.dtype.kind == "O"):
        raise ValueError("the type of an array does not fit its memory.")


def check_arrays(arrays, shapes, dtype) -> None:
    """Refuse all but arrays of these shapes and this type."""
    for array, shape in zip(arrays, shapes, strict=True):
        check_array(array)
        if (array.shape, array.dtype) != (shape, dtype):
            raise ValueError(
                f"an array is {array.dtype} of shape {array.shape}, where {dtype} of shape {shape} "
                "belongs."
            )
