"""Stages of a network in the order of the forward pass."""

import itertools

from fastnn.activations import Maxout, PReLU
from fastnn.layers import Dense, Dropout, Heads, Residual
from fastnn.normalization import BatchNorm, Normalization, WeightNorm
from support.reference.layers import as_dropout


def leaves(layers):
    """The layers one after another, those of residual blocks in place of the blocks, and a dense
    layer for each head."""
    found = []
    for layer in layers:
        if isinstance(layer, Residual):
            found += leaves(layer.layers)
        elif isinstance(layer, Heads):
            found += [Dense(n) for n in layer.units]
        else:
            found.append(layer)
    return found


def stage_table(layers, input_dropout=0.0, input_noise=0.0, output_activations=("identity",)):
    """The stages of a network in the order of the forward pass: (kind, spec, leaf) triples.

    `output_activations` are what comes before the loss of each head, which may contain another.

    The spec tells what the stage is made of, and the leaf is the number of its layer. A stage's
    place in this list is part of the counter of its random bits. Batch norm takes two places, as
    its statistics need all rows before the first can be normalised; weight norm takes one behind
    the dense layer; the identity takes none. A residual block lies between a fork and a join. Each
    head is a dense layer with an output of its own.
    """
    numbers = itertools.count()

    def normalization(norm, i):
        if isinstance(norm, WeightNorm):
            return [("weight_norm", norm, i)]
        if not isinstance(norm, BatchNorm):
            return [("row_norm", norm, i)]
        return [("batch_norm_statistics", norm, i), ("batch_norm", norm, i)]

    def activation(spec, i):
        spec = (
            {"prelu": PReLU(), "maxout": Maxout()}.get(spec, spec)
            if isinstance(spec, str)
            else spec
        )
        kinds = {PReLU: "prelu", Maxout: "maxout"}
        return [(kinds.get(type(spec), "activation"), spec, i)] if spec != "identity" else []

    def stages(layer):
        if isinstance(layer, Residual):
            inside = [stage for inner in layer.layers for stage in stages(inner)]
            return [("fork", layer, None), *inside, ("join", layer, None)]
        i = next(numbers)
        if isinstance(layer, Normalization):
            return normalization(layer, i)
        if isinstance(layer, Dropout):
            return [("dropout", layer, i)] if layer.rate else []
        if not isinstance(layer, Dense):
            return activation(layer, i)
        act = activation(layer.activation, i)
        norm = normalization(layer.normalization, i) if layer.normalization else []
        before = norm and layer.normalization.position != "after"
        after = norm + act if before else act + norm
        drop = [("dropout", as_dropout(layer.dropout), i)] if as_dropout(layer.dropout).rate else []
        return [("dense", layer, i), *after, *drop]

    first = [("noise", input_noise, None)] if input_noise else []
    if as_dropout(input_dropout).rate:
        first.append(("dropout", as_dropout(input_dropout), None))
    hidden = [stage for layer in layers[:-1] for stage in stages(layer)]
    heads = []
    for head, before in zip(leaves(layers[-1:]), output_activations, strict=True):
        i = next(numbers)
        own = [("activation", before, i)] if before != "identity" else []
        heads += [("dense", head, i), *own, ("output", head, i)]
    return [*first, *hidden, *heads]
