"""Architecture of a network: its layers, its loss and the types of its numbers."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._data.pickles import check_count
from ..heads import MixedLoss
from ..layers import Dropout, checked
from ..losses import check_output_activation, output_stage
from .compiler import compile_program


@dataclass
class Architecture:
    """Layers, loss and types of numbers, which compile to a program.

    Parameters
    ----------
    n_features : int
    layers : list of layers
        The last is the output layer, a Dense or Heads.
    loss : str, LossSpec or MixedLoss
        One that goes with the activation of the output layer.
    dtype : dtype-like
        float32 or float64.
    input_dropout : float or Dropout, default=0.0
    input_noise : float, default=0.0
        Standard deviation of the noise on the input.
    bfloat16 : bool, default=False
        Whether matrix products take numbers rounded to bfloat16; `dtype` is float32 then.
    tf32 : bool, default=False
        Whether those of a GPU take numbers rounded to TF32; likewise.
    """

    n_features: int
    layers: list
    loss: Any
    dtype: Any
    input_dropout: Any = 0.0
    input_noise: float = 0.0
    bfloat16: bool = False
    tf32: bool = False

    def __post_init__(self):
        self.dtype = np.dtype(self.dtype)

    @property
    def precision(self):
        """Value of the estimators' parameter `precision`."""
        if self.bfloat16:
            return "bfloat16"
        return "tf32" if self.tf32 else self.dtype.name

    def compile(self):
        """Compile the layers and the loss to a program."""
        output, heads = self.layers[-1], None
        code, parameter, activation = output_stage(self.loss, output.activation)
        if isinstance(self.loss, MixedLoss):
            heads = self.loss.stages(output, self.dtype)
        try:
            return compile_program(
                self.n_features,
                self.layers,
                code,
                self.dtype,
                self.input_dropout,
                self.input_noise,
                parameter,
                activation,
                self.bfloat16,
                {} if isinstance(self.loss, str) else self.loss.native(self.dtype),
                self.tf32,
                heads,
            )
        except OverflowError:
            raise MemoryError(
                "A network of so many units needs more memory than there are addresses: choose "
                "fewer units."
            ) from None

    def check(self):
        """Raise a ValueError for an architecture that no estimator makes."""
        check_count("n_features", self.n_features, least=1)
        *hidden, output = self.layers
        for layer in hidden:
            checked(layer)
        if isinstance(self.loss, MixedLoss):
            self.loss.check(output.activation)
        else:
            check_output_activation(self.loss, output.activation)
        for n_units in np.atleast_1d(output.units).tolist():
            check_count("units", n_units, least=1)
        name, rounded = self.dtype.name, self.bfloat16 or self.tf32
        if name not in ("float32", "float64") or (rounded and name != "float32"):
            raise ValueError(
                f"a network of {name!r} with bfloat16={self.bfloat16!r}, tf32={self.tf32!r}."
            )
        dropout = self.input_dropout
        checked(dropout if isinstance(dropout, Dropout) else Dropout(dropout))
        if not 0 <= self.input_noise < math.inf:
            raise ValueError(f"input_noise is {self.input_noise!r}.")


def describe(program):
    """Return the widths of the layers, such as "784-100 normalised-10"."""
    layers = [str(program.n_features)]
    for arrays in program.shapes():
        units = f"-{arrays['coef'][1]}" if "coef" in arrays else ""
        layers.append(units + " normalised" * (not arrays.keys().isdisjoint({"scale", "g"})))
    return "".join(layers)
