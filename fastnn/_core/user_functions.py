"""Functions of the user, compiled by Numba to native code that engines call."""

import inspect
from collections.abc import Callable
from functools import cache

import numpy as np

from .._extras import pip_install

_NUMBERS = {1: "one number", 2: "two numbers"}
# Functions by the address of what was made of them.
_AT: dict[int, Callable] = {}


def compile_elementwise(function, dtype, n_arguments=1):
    """Compile ``y[i] = function(x[i])`` to a C function of (n, x, y), where y may be x.

    A function of two arguments becomes ``y[i] = function(x[i], t[i])``, a C function of (n, x, t,
    y). It is never freed, because stage tables hold its address.
    """
    return _compiled(function, np.dtype(dtype), n_arguments)


@cache
def _compiled(function, dtype, n_arguments):
    numba = _numba()
    errors = numba.core.errors
    real = numba.from_dtype(dtype)
    compiled = getattr(function, "py_func", function)
    if inspect.isfunction(compiled):  # Numba knows those of math and numpy
        compiled = numba.njit(error_model="numpy")(compiled)

    def loop(n, x, y):
        for i in range(n):
            y[i] = real(compiled(x[i]))

    def loop_of_two(n, x, t, y):
        for i in range(n):
            y[i] = real(compiled(x[i], t[i]))

    pointers = [numba.types.CPointer(real)] * (1 + n_arguments)
    signature = numba.types.void(numba.types.int64, *pointers)
    try:
        made = numba.cfunc(signature, error_model="numpy")(
            loop if n_arguments == 1 else loop_of_two
        )
        _AT[made.address] = getattr(function, "py_func", function)
        return made
    except (errors.NumbaError, errors.UnsupportedBytecodeError) as error:
        raise does_not_compile(function, n_arguments, error) from error


def does_not_compile(function, n_arguments, error, advice="functions of math or numpy"):
    """Return the error for a function of the user that Numba cannot compile."""
    name = getattr(function, "__name__", repr(function))
    reason = next(filter(None, map(str.strip, str(error).splitlines())))
    return ValueError(
        f"Numba cannot compile {name!r}: make it a function of {_NUMBERS[n_arguments]} that "
        f"consists of arithmetic, conditions and {advice} ({reason})."
    )


def function_at(address):
    """Return the user's function that is compiled to what is at an address of a stage table."""
    return _AT[address]


def _numba():
    try:
        import numba
    except ImportError as error:
        raise ImportError(f"A function of your own needs Numba: {pip_install('numba')}.") from error
    return numba
