"""Specs of user-defined activation and loss functions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from ._core.user_functions import compile_elementwise
from ._specs.constraints import OneOf
from .activations import ELEMENTWISE, ActivationSpec
from .losses import CUSTOM, LossSpec


@dataclass
class CustomActivation(ActivationSpec):
    """User-defined elementwise activation function.

    Numba (``pip install "fastnn-mlp[numba]"``) compiles both functions the first time they are
    used. They may contain arithmetic, conditions and the functions of `math` and `numpy`.

    Parameters
    ----------
    value : callable
        ``value(x)``, the activation of a number x.
    derivative : callable
        ``derivative(x)``, the derivative of `value` at x. It is not checked.

    Notes
    -----
    Only functions of a module can be pickled, not lambdas. The number of threads does not change
    the result, but results may differ between processors, for which Numba generates different code.

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
    """User-defined loss function for regression.

    The loss is summed over the outputs of a row. Numba (``pip install "fastnn-mlp[numba]"``)
    compiles both functions the first time they are used. They may contain arithmetic, conditions
    and the functions of `math` and `numpy`.

    Parameters
    ----------
    value : callable
        ``value(z, y)``, the loss of one output z and its target y.
    derivative : callable
        ``derivative(z, y)``, the derivative of `value` with respect to z. It is not checked.
    output_activation : str or ActivationSpec, default="identity"
        Activation of the output layer, which returns z. Not used if the estimator has an
        `output_activation`.

    Notes
    -----
    Only functions of a module can be pickled, not lambdas. The number of threads does not change
    the result, but results may differ between processors, for which Numba generates different code.

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
