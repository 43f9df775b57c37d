"""Layers, and the stack of layers that the parameters of an estimator describe."""

from copy import copy
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

from ._specs.constraints import Interval, OneOf
from ._specs.spec import Layer, resolve
from ._specs.suggestions import suggest_value
from .activations import HIDDEN_ACTIVATIONS, ActivationSpec, pieces, refuse_threshold
from .normalization import NORMALIZATIONS, Normalization
from .normalization import BatchNorm as BatchNorm

_RATE = Interval(Real, 0, 1, closed="left")


@dataclass
class Dropout(Layer):
    """Dropout: in training, random units are set to zero in each row.

    Parameters
    ----------
    rate : float or sequence of float, default=0.5
        The fraction of hidden units that are dropped; a sequence has one rate for each hidden
        layer.
    input_rate : float, default=0.0
        The fraction of features that are dropped.
    inverted : bool, default=True
        Whether values are scaled in training or in prediction, so that their expectation is the
        same in both. True divides the values that are kept by ``1 - rate`` in training. False is
        the original form, in which prediction multiplies all outputs of the layer by ``1 - rate``;
        this is equivalent to multiplying the weights of the next layer by it after training. The
        learned weights of that layer are larger by ``1 / (1 - rate)`` in the original form.

    References
    ----------
    Srivastava, N. et al. "Dropout: a simple way to prevent neural networks from overfitting"
    (2014), section 4 and figure 2 for the original form, section 10 for the inverted one.
    """

    rate: Any = 0.5
    input_rate: float = 0.0
    inverted: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "rate": [_RATE, "array-like"],
        "input_rate": [_RATE],
        "inverted": ["boolean"],
    }

    def add_to(self, compiler):
        compiler.dropout(self)

    def _of(self, rate):
        return float(rate) if self.inverted else Dropout(float(rate), inverted=False)

    def of_input(self):
        """The rate of the input, or a spec of it where dropout is not inverted."""
        return self._of(self.input_rate)

    def rates(self, n_hidden: int) -> list:
        """Return a rate for each hidden layer, or a spec if dropout is not inverted."""
        if isinstance(self.rate, Real):
            return [self._of(self.rate)] * n_hidden
        rates = list(self.rate)
        if len(rates) != n_hidden:
            raise ValueError(
                f"dropout has {len(rates)} rates for {n_hidden} hidden layers: give one for each, "
                "or a single number."
            )
        if not all(isinstance(rate, Real) and 0 <= float(rate) < 1 for rate in rates):
            raise ValueError(f"dropout rates must be numbers in [0, 1), got {rates}.")
        return [self._of(rate) for rate in rates]


@dataclass
class Dense(Layer):
    """Fully connected layer, with activation, normalization and dropout.

    Parameters
    ----------
    units : int
        Number of outputs. With a `Maxout` activation, each is the maximum of several linear units.
    activation : str or ActivationSpec, default="relu"
        The activation function, by name or by spec.
    normalization : {"batch", "layer", "group", "weight"}, Normalization or None, default=None
        Normalisation before or after the activation, or of the weights.
    dropout : float or Dropout, default=0.0
        Rate of the dropout at the end of the layer.
    """

    units: int
    activation: str | ActivationSpec = "relu"
    normalization: str | Normalization | None = None
    dropout: float | Dropout = 0.0

    _parameter_constraints: ClassVar[dict] = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "activation": [OneOf(HIDDEN_ACTIVATIONS), ActivationSpec],
        "normalization": [None, OneOf(NORMALIZATIONS), Normalization],
        "dropout": [_RATE, Dropout],
    }

    def add_to(self, compiler):
        normalization = self.normalization
        position = normalization and normalization.position
        compiler.dense(
            int(self.units) * pieces(self.activation), normalizes_weights=position == "weights"
        )
        if position == "before":
            normalization.add_to(compiler)
        compiler.activation(self.activation)
        if position == "after":
            normalization.add_to(compiler)
        compiler.dropout(self.dropout)


@dataclass
class Heads(Layer):
    """Output layers side by side, each with its own loss and targets.

    They share the layers before them (Caruana, "Multitask learning", 1997, section 2).

    Parameters
    ----------
    units : tuple of int
        Number of outputs of each layer.
    activation : str or tuple of (str or ActivationSpec), default="softmax"
        The activation of all layers, or of each.
    """

    units: tuple
    activation: Any = "softmax"


@dataclass
class Residual(Layer):
    """Residual block, which adds its input to the output of its layers: ``y = x + f(x)``.

    The last layer must have as many units as the block has inputs.

    Parameters
    ----------
    layers : list of layers
        The layers of f: `Dense`, normalizations, activations, `Dropout`, or residual blocks.
    drop_rate : float, default=0.0
        Stochastic depth: the probability that f is skipped for a row in a training step, in [0, 1).
        Otherwise f(x) is divided by ``1 - drop_rate`` in training, so that prediction needs no
        scaling.

    References
    ----------
    He, K. et al. "Deep residual learning for image recognition" (2016).

    Huang, G. et al. "Deep networks with stochastic depth" (2016), section 3.
    """

    layers: Any
    drop_rate: float = 0.0

    _parameter_constraints: ClassVar[dict] = {"layers": [list, tuple], "drop_rate": [_RATE]}
    is_block: ClassVar[bool] = True

    def add_to(self, compiler):
        compiler.residual(self.layers, float(self.drop_rate))


def leaves(layers):
    """The layers one after another, those of residual blocks in place of the blocks."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from leaves(layer.layers)
        else:
            yield layer


def dense_activations(layers):
    """Return the activation of each dense layer: its own, or the next layer if it is one.

    The output layer, or each of several heads, counts as having that of the layer before, as in
    scikit-learn.
    """
    found = []
    for layer in leaves(layers[:-1]):
        if isinstance(layer, Dense):
            found.append(layer.activation)
        elif isinstance(layer, str | ActivationSpec) and found[-1:] == ["identity"]:
            found[-1] = layer
    n_heads = len(layers[-1].units) if isinstance(layers[-1], Heads) else 1
    return [*found, *[found[-1] if found else "identity"] * n_heads]


def checked(layer):
    """A copy of a layer whose parameters are validated and whose names are specs.

    Parameters
    ----------
    layer : Layer or str
        A string is an activation.

    Returns
    -------
    Layer or str
    """
    refuse_threshold(layer.activation if isinstance(layer, Dense) else layer)
    if isinstance(layer, str):
        if layer in NORMALIZATIONS:
            spec = NORMALIZATIONS[layer].__name__
            raise ValueError(
                f"{layer!r} in layers is no activation, and normalizations have no names there: "
                f"use {spec}(), or Dense(units, normalization={layer!r})."
            )
        if layer not in HIDDEN_ACTIVATIONS:
            raise ValueError(
                f"{layer!r} in layers is no activation: the known ones are "
                f"{', '.join(map(repr, HIDDEN_ACTIVATIONS))}."
                f"{suggest_value('layers', layer, HIDDEN_ACTIVATIONS)}"
            )
        return layer
    if not isinstance(layer, Layer):
        raise ValueError(
            f"layers are Dense(units), Residual([...]), Dropout(rate), normalizations and "
            f"activations, got {layer!r}."
        )
    layer = copy(layer.validate())
    if isinstance(layer, Dense):
        if not isinstance(layer.activation, str):
            layer.activation = checked(layer.activation)
        if isinstance(layer.dropout, Dropout):
            layer.dropout = checked(layer.dropout)
        if layer.normalization is not None:
            layer.normalization = copy(
                resolve("normalization", layer.normalization, NORMALIZATIONS)
            )
    elif isinstance(layer, Residual):
        layer.layers = [checked(inner) for inner in layer.layers]
        if not layer.layers:
            raise ValueError("A residual block needs a layer: Residual([Dense(100)]).")
    elif isinstance(layer, Dropout):
        if not isinstance(layer.rate, Real):
            raise ValueError(f"Dropout in layers has one rate, got {layer.rate!r}.")
        if layer.input_rate:
            raise ValueError(
                "Dropout in layers has no input_rate: put a Dropout before the first layer."
            )
    return layer
