"""Transfer of the hidden layers of a fitted network to an unfitted one."""

from collections.abc import Iterable
from numbers import Integral

import numpy as np
from sklearn.base import clone

from ..initializers import Pretrained
from .base import BaseMLP

# What describes the hidden layers; dropout is a part of training, unless `layers` contains it.
_HIDDEN_LAYERS = ("layers", "hidden_layer_sizes", "activation", "normalization")


def transferred(network, source, to, freeze):
    """Return a clone of `to` that starts from the hidden layers of a fitted estimator.

    Parameters
    ----------
    network : Network
        The fitted network of `source`.
    source, to : estimator
    freeze : bool or list of int
    """
    to = source if to is None else to
    if not isinstance(to, BaseMLP):
        raise TypeError(
            "transfer needs an MLPClassifier, MLPRegressor or MultiTaskMLP that is not in a "
            f"pipeline, and got {to!r}."
        )
    started = clone(to)
    if started.layers is None:
        hidden = {name: getattr(source, name) for name in _HIDDEN_LAYERS}
        if source.layers is not None:
            hidden["dropout"] = source.dropout
        started.set_params(**hidden)
    layers = network.program.named(network.state.parameters, network.state.statistics)
    layers = layers[: len(layers) - network.program.n_heads]
    arrays = [{name: np.array(array) for name, array in layer.items()} for layer in layers]
    n_hidden = sum("coef" in layer for layer in arrays)
    factors = {**(started.learning_rate_factors or {}), **_frozen(freeze, n_hidden)}
    return started.set_params(
        weight_init=Pretrained(arrays, started.weight_init), learning_rate_factors=factors or None
    )


def _frozen(freeze, n_hidden):
    """Return the factors of the learning rates of the frozen layers: 0 for each."""
    if isinstance(freeze, bool | np.bool_):
        return dict.fromkeys(range(n_hidden) if freeze else (), 0.0)
    layers = list(freeze) if isinstance(freeze, Iterable) and not isinstance(freeze, str) else None
    # A mask would be read as the numbers 0 and 1.
    if layers is None or any(isinstance(i, bool) or not isinstance(i, Integral) for i in layers):
        raise ValueError(
            f"freeze={freeze!r} must be True, False, or a list of the numbers of hidden layers."
        )
    for layer in layers:
        if not 0 <= layer < n_hidden:
            raise ValueError(
                f"freeze names layer {layer}, and the hidden layers of this network are numbered "
                f"0 to {n_hidden - 1}."
                if n_hidden
                else f"freeze names layer {layer}, and this network has no hidden layers."
            )
    return {int(layer): 0.0 for layer in layers}
