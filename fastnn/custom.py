"""Functions of the user, compiled by Numba to native code that the engine calls."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np

from ._specs.constraints import OneOf
from .activations import ELEMENTWISE, ActivationSpec
from .losses import CUSTOM, LossSpec

_NUMBERS = {1: "one number", 2: "two numbers"}
# Functions by the address of what was made of them.
_AT: dict[int, Callable] = {}


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


@dataclass
class CustomLoss(LossSpec):
    """A loss function of one's own, for regression.

    It is summed over the outputs of a row. Numba (``pip install "fastnn[numba]"``) compiles both
    functions the first time they are used, so they consist of arithmetic, conditions and the
    functions of `math` and `numpy`.

    Parameters
    ----------
    value : callable
        ``value(z, y)``, the loss of one output z and its target y.
    derivative : callable
        ``derivative(z, y)``, the derivative of `value` with respect to z. It is not checked.
    output_activation : str or ActivationSpec, default="identity"
        Activation of the output layer, whose value is z, where the estimator has no
        `output_activation` of its own.

    Notes
    -----
    To be pickled, they must be functions of a module, not lambdas. The number of threads does not
    change the result; another processor may, where Numba compiles for it otherwise.

    Examples
    --------
    >>> import math
    >>> from fastnn import CustomLoss, MLPRegressor
    >>> def log_cosh(z, y):
    ...     return math.log(math.cosh(z - y))
    >>> def tanh_of_error(z, y):
    ...     return math.tanh(z - y)
    >>> model = MLPRegressor(loss=CustomLoss(log_cosh, tanh_of_error))
    """

    value: Callable[[float, float], float]
    derivative: Callable[[float, float], float]
    output_activation: str | ActivationSpec = "identity"

    _parameter_constraints: ClassVar[dict] = {
        "value": [callable],
        "derivative": [callable],
        "output_activation": [OneOf(ELEMENTWISE), ActivationSpec],
    }
    name: ClassVar[str] = "custom"
    parameter: ClassVar[float] = 0.0

    def validate(self):
        super().validate()
        if isinstance(self.output_activation, ActivationSpec):
            self.output_activation.validate()
        return self

    def row(self):
        return replace(CUSTOM, output_activation=self.output_activation)

    def native(self, dtype):
        """Addresses of the compiled functions, for the stage table."""
        return {
            "function": _elementwise(self.value, np.dtype(dtype), 2).address,
            "derivative": _elementwise(self.derivative, np.dtype(dtype), 2).address,
        }


@cache  # for good: stage tables hold addresses of what is compiled
def _elementwise(function, dtype, n_arguments=1):
    """``y[i] = function(x[i])`` as a C function of (n, x, y), where y may be x.

    Of two arguments it is ``y[i] = function(x[i], t[i])``, a C function of (n, x, t, y).
    """
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
    """What to tell a user of whose function Numba makes nothing."""
    name = getattr(function, "__name__", repr(function))
    reason = next(filter(None, map(str.strip, str(error).splitlines())))
    return ValueError(
        f"Numba cannot compile {name!r}: make it a function of {_NUMBERS[n_arguments]} that "
        f"consists of arithmetic, conditions and {advice} ({reason})."
    )


def function_at(address):
    """The user's function of which `_elementwise` made what is at an address of a stage table."""
    return _AT[address]


def _numba():
    try:
        import numba
    except ImportError as error:
        raise ImportError(
            'A function of your own needs Numba: pip install "fastnn[numba]".'
        ) from error
    return numba
