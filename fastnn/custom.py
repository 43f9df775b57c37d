"""Functions of the user, compiled by Numba to native code that the engine calls."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from .activations import ActivationSpec


@dataclass
class CustomActivation(ActivationSpec):
    """An elementwise activation function of one's own.

    Numba (``pip install "fastnn[numba]"``) compiles both functions the first time they are used, so
    they consist of arithmetic, conditions and the functions of `math` and `numpy`.

    Parameters
    ----------
    value : callable
        ``value(x)``, of one number.
    derivative : callable
        ``derivative(x)``, the derivative of `value` at x. It is not checked.

    Notes
    -----
    To be pickled, they must be functions of a module, not lambdas. The number of threads does not
    change the result; another processor may, where Numba compiles for it otherwise.

    Examples
    --------
    >>> from fastnn import CustomActivation, MLPRegressor
    >>> def square(x):
    ...     return x * x
    >>> def twice(x):
    ...     return 2 * x
    >>> model = MLPRegressor(activation=CustomActivation(square, twice))
    """

    value: Callable[[float], float]
    derivative: Callable[[float], float]

    _parameter_constraints: ClassVar[dict] = {"value": [callable], "derivative": [callable]}
    name: ClassVar[str] = "custom"

    def native(self, dtype):
        """Addresses of the compiled functions, for the stage table."""
        return {
            "function": _elementwise(self.value, np.dtype(dtype)).address,
            "derivative": _elementwise(self.derivative, np.dtype(dtype)).address,
        }


@cache  # for good: stage tables hold addresses of what is compiled
def _elementwise(function, dtype):
    """``y[i] = function(x[i])`` as a C function of (n, x, y), where y may be x."""
    numba = _numba()
    real = numba.from_dtype(dtype)
    compiled = numba.njit(error_model="numpy")(getattr(function, "py_func", function))

    def loop(n, x, y):
        for i in range(n):
            y[i] = real(compiled(x[i]))

    pointer = numba.types.CPointer(real)
    signature = numba.types.void(numba.types.int64, pointer, pointer)
    try:
        return numba.cfunc(signature, error_model="numpy")(loop)
    except numba.core.errors.NumbaError as error:
        name = getattr(function, "__name__", repr(function))
        reason = next(filter(None, map(str.strip, str(error).splitlines())))
        raise ValueError(
            f"Numba cannot compile {name!r}: make it a function of one number that consists of "
            f"arithmetic, conditions and functions of math or numpy ({reason})."
        ) from error


def _numba():
    try:
        import numba
    except ImportError as error:
        raise ImportError(
            'A function of your own needs Numba: pip install "fastnn[numba]".'
        ) from error
    return numba
