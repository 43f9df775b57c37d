"""Drawing of the initial parameters of a network."""

from collections.abc import Iterator

import numpy as np

from .._specs.spec import resolve
from ..initializers import (
    BIAS_INITIALIZERS,
    WEIGHT_INITIALIZERS,
    Initializer,
    Pretrained,
    ScikitLearn,
)


class _UserInitializer(Initializer):
    """User's array, or function ``f(random_state, fan_in, fan_out)`` that returns one."""

    def __init__(self, kind, init):
        self.kind, self.init = kind, init

    def draw(self, random_state, shape, fan_in, fan_out):
        given = self.init(random_state, fan_in, fan_out) if callable(self.init) else self.init
        try:
            values = np.asarray(given, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{self.kind} must be names, specs, arrays of numbers or functions that return "
                f"arrays, got {given!r}."
            ) from error
        if values.shape != shape:
            raise ValueError(
                f"{self.kind} gives an array of shape {values.shape} to a layer with {fan_in} "
                f"inputs and {fan_out} outputs, which needs {shape}."
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{self.kind} contains NaN or infinity.")
        return values


def draw_parameters(
    random_state, shapes, activations, weight_init=None, bias_init=None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw the weights and biases of each layer, in this order.

    Parameters
    ----------
    random_state : RandomState
    shapes : list of (fan_in, fan_out)
        Shape of each layer.
    activations : list of (str or ActivationSpec)
        Activation of each layer; for the output layer, scikit-learn's rule uses that of the hidden
        layers.
    weight_init, bias_init : optional
        A name, a spec, an array or a function, for all layers, or a list with one for each. None is
        `ScikitLearn`.
    """
    defaults = [ScikitLearn(2.0 if name == "logistic" else 6.0) for name in activations]
    weights = _initializer_per_layer("weight_init", weight_init, WEIGHT_INITIALIZERS, defaults)
    biases = _initializer_per_layer("bias_init", bias_init, BIAS_INITIALIZERS, defaults)
    for weight, bias, (fan_in, fan_out) in zip(weights, biases, shapes, strict=True):
        yield (
            weight.draw(random_state, (fan_in, fan_out), fan_in, fan_out),
            bias.draw(random_state, (fan_out,), fan_in, fan_out),
        )


def _initializer_per_layer(kind, init, registry, defaults) -> list[Initializer]:
    """Return an initializer for each layer."""
    n_layers = len(defaults)
    inits = init if isinstance(init, list | tuple) else [init] * n_layers
    if len(inits) != n_layers:
        raise ValueError(
            f"{kind} is a list of {len(inits)}, but there are {n_layers} layers: give one for "
            "each, the output layer included."
        )
    specs = []
    for one, default in zip(inits, defaults, strict=True):
        if one is None:
            specs.append(default)
        elif isinstance(one, Pretrained):
            raise ValueError("Pretrained is for all layers: use weight_init=Pretrained(..).")
        elif isinstance(one, str | Initializer):
            specs.append(resolve(kind, one, registry))
        elif isinstance(one, type):
            raise ValueError(f"{kind} is the class {one.__name__}: give an instance of it.")
        else:
            specs.append(_UserInitializer(kind, one))
    return specs
