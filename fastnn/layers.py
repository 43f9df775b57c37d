"""Layers: what each is made of, and the stack of them that an estimator's parameters describe."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from .activations import ActivationSpec, add_activation, one_for_each, pieces
from .normalization import Normalization
from .specs import Layer

_RATE = Interval(Real, 0, 1, closed="left")


@dataclass
class Dropout(Layer):
    """Dropout: in training, random units are left out of every row.

    Parameters
    ----------
    rate : float or sequence of float, default=0.5
        The part of the units of the hidden layers that is left out; a sequence has one rate for
        each hidden layer.
    input_rate : float, default=0.0
        The part of the features that is left out.

    References
    ----------
    Srivastava, N. et al. "Dropout: a simple way to prevent neural networks from overfitting"
    (2014).
    """

    rate: Any = 0.5
    input_rate: float = 0.0

    _parameter_constraints: ClassVar[dict] = {"rate": [_RATE, "array-like"], "input_rate": [_RATE]}

    def add_to(self, compiler):
        compiler.dropout(float(self.rate))

    def rates(self, n_hidden: int) -> list[float]:
        """One rate for each hidden layer."""
        if isinstance(self.rate, Real):
            return [float(self.rate)] * n_hidden
        rates = list(self.rate)
        if len(rates) != n_hidden:
            raise ValueError(
                f"dropout has {len(rates)} rates for {n_hidden} hidden layers: give one for each, "
                "or a single number."
            )
        if not all(isinstance(rate, Real) and 0 <= float(rate) < 1 for rate in rates):
            raise ValueError(f"dropout rates must be numbers in [0, 1), got {rates}.")
        return [float(rate) for rate in rates]


@dataclass
class Dense(Layer):
    """A fully connected layer, with what follows it.

    Parameters
    ----------
    units : int
        Number of outputs. Under a `Maxout` activation, each is made of several linear ones.
    activation : str or ActivationSpec, default="relu"
        The activation function, by name or by spec.
    normalization : Normalization or None, default=None
        Normalisation, before or after the activation, or of the weights.
    dropout : float, default=0.0
        Rate of the dropout at the end of the layer.
    """

    units: int
    activation: str | ActivationSpec = "relu"
    normalization: Normalization | None = None
    dropout: float = 0.0

    def add_to(self, compiler):
        normalization = self.normalization
        position = normalization and normalization.position
        compiler.dense(
            int(self.units) * pieces(self.activation), normalizes_weights=position == "weights"
        )
        if position == "before":
            normalization.add_to(compiler)
        add_activation(compiler, self.activation)
        if position == "after":
            normalization.add_to(compiler)
        compiler.dropout(self.dropout)


def stack(hidden_sizes, activation, normalization, dropout, n_outputs, output_activation):
    """Hidden layers that are alike but for sizes, activations and dropout, and an output layer.

    Parameters
    ----------
    hidden_sizes : list of int
    activation : str, ActivationSpec or list of these
        The hidden layers' activation, of all or of each.
    normalization : Normalization or None
    dropout : Dropout
    n_outputs : int
    output_activation : str

    Returns
    -------
    list of Dense
    """
    n_hidden = len(hidden_sizes)
    rates, activations = dropout.rates(n_hidden), one_for_each(activation, n_hidden)
    return [
        *(
            Dense(units, own, normalization, rate)
            for units, own, rate in zip(hidden_sizes, activations, rates, strict=True)
        ),
        Dense(n_outputs, output_activation),
    ]
