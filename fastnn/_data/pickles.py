"""Validation of the content of pickles before it is used."""

from contextlib import contextmanager
from numbers import Integral

import numpy as np


@contextmanager
def damage_raises_value_error(what: str):
    """Convert errors inside the context to a ValueError that says that a pickle is damaged."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"This pickle of {what} is damaged, or was changed by hand: {error}"
        ) from error


def check_count(name: str, value, least: int = 0) -> None:
    """Raise a ValueError if a value is not a plausible count."""
    if not isinstance(value, Integral) or not least <= int(value) < 1 << 62:
        raise ValueError(f"{name} is {value!r}.")


def check_array(array) -> None:
    """Raise a ValueError unless it is an array, whose numbers cannot be taken for pointers."""
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{type(array)} is where an array belongs.")
    if array.dtype.hasobject != (array.dtype.kind == "O"):
        raise ValueError("the type of an array does not fit its memory.")


def check_arrays(arrays, shapes, dtype) -> None:
    """Raise a ValueError unless arrays have these shapes and this type."""
    for array, shape in zip(arrays, shapes, strict=True):
        check_array(array)
        if (array.shape, array.dtype) != (shape, dtype):
            raise ValueError(
                f"an array is {array.dtype} of shape {array.shape}, where {dtype} of shape {shape} "
                "belongs."
            )
