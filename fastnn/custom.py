"""Specs of activations and losses that consist of functions of the user."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from ._core.user_functions import compile_elementwise
from ._specs.constraints import OneOf
from .activations import ELEMENTWISE, ActivationSpec
from .losses import CUSTOM, LossSpec


@dataclass
class CustomActivation(ActivationSpec):
    """An elementwise activation function of one's own.

    Numba (``pip install "fastnn-mlp[numba]"``) compiles both functions the first time they are
    used, so they consist of arithmetic, conditions and the functions of `math` and `numpy`.

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
            "function": compile_elementwise(self.value, dtype).address,
            "derivative": compile_elementwise(self.derivative, dtype).address,
        }


@dataclass
class CustomLoss(LossSpec):
    """A loss function of one's own, for regression.

    It is summed over the outputs of a row. Numba (``pip install "fastnn-mlp[numba]"``) compiles
    both functions the first time they are used, so they consist of arithmetic, conditions and the
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
            "function": compile_elementwise(self.value, dtype, 2).address,
            "derivative": compile_elementwise(self.derivative, dtype, 2).address,
        }
