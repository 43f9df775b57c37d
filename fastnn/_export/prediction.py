"""Predictions of estimators: operations, and the rule that makes labels of their outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._core.codes import LOSSES, Kind
from .operations import BothClasses, Normalize, Operation, Operations, Scale, Sort


class Head(NamedTuple):
    """Output layer, of which there may be several.

    Attributes
    ----------
    value, width : int
        Number of the value that is its outputs, and their number.
    classes : ndarray or None
        Classes in the order of the indices of labels; None for targets that are numbers and for
        multilabel targets, whose labels are 0 and 1.
    """

    value: int
    width: int
    classes: np.ndarray | None


@dataclass(frozen=True)
class Prediction:
    """Predictions of an estimator.

    Attributes
    ----------
    n_features : int
    dtype : dtype
        float32 or float64.
    steps : list of Operation
    heads : list of Head
    gives : {"probabilities", "scores", "targets"}
        Meaning of the outputs: those of `predict_proba`, `decision_function`, or `predict` of a
        regressor.
    decides : {"largest", "above", "first above", ""}
        Rule for the label of a head: the index of its largest output; whether outputs are above
        `boundary`, each by itself; the index of the first that is. "" for targets.
    boundary : float
    """

    n_features: int
    dtype: np.dtype
    steps: list[Operation]
    heads: list[Head]
    gives: str
    decides: str = ""
    boundary: float = 0.0

    @property
    def n_outputs(self) -> int:
        """Number of the outputs of all heads."""
        return sum(head.width for head in self.heads)

    @property
    def is_multilabel(self) -> bool:
        """Return whether a row has any number of labels, each of which is 0 or 1."""
        return self.gives != "targets" and self.heads[0].classes is None

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of the labels of a row, as `predict` returns them."""
        if self.is_multilabel:
            return (self.heads[0].width,)
        return (len(self.heads),) if len(self.heads) > 1 else ()


def predicted_values(program, state, n_quantiles: int = 0) -> Prediction:
    """Return what a program predicts as numbers, without labels.

    The heads of several quantiles of a target are sorted in ascending order.
    """
    operations = Operations(program, state.parameters, state.statistics)
    if n_quantiles:
        first, *others = operations.outputs
        fields = {"others": tuple(others), "n_group": n_quantiles}
        operations.outputs = [operations.append(Sort, first, program.n_outputs, **fields)]
    heads = [Head(value, operations.width(value), None) for value in operations.outputs]
    return Prediction(program.n_features, program.dtype, operations.steps, heads, "targets")


def prediction_of(network) -> Prediction:
    """Return what an estimator with this fitted network predicts."""
    program, labels = network.program, network.encoder
    _refuse_user_functions(program)
    if labels.kind == "continuous":
        return predicted_values(program, network.state, len(labels.quantiles))
    if labels.kind == "heads":
        raise ValueError(
            "A MultiTaskMLP has heads of several kinds, for which there is no export: save it, or "
            "fit an MLPClassifier or MLPRegressor for each."
        )
    loss, kind = LOSSES[network.loss], labels.kind
    thresholds = program.stages["parameter"][program.is_output]  # only a perceptron may have one
    if not loss.probabilities:
        program = program.of_pre_activations
    operations = Operations(program, network.state.parameters, network.state.statistics)
    values = [_shown(operations, value, kind, loss) for value in operations.outputs]
    heads = [
        Head(value, operations.width(value), classes)
        for value, classes in zip(values, _classes_of_heads(labels), strict=True)
    ]
    if kind == "multilabel-indicator" or (kind == "binary" and not loss.probabilities):
        decides = "above"
    else:
        is_perceptron = loss.name == "perceptron" and thresholds.any()
        decides = "first above" if is_perceptron else "largest"
    return Prediction(
        program.n_features,
        program.dtype,
        operations.steps,
        heads,
        gives="probabilities" if loss.probabilities else "scores",
        decides=decides,
        boundary=loss.boundary if loss.probabilities else 0.0,
    )


def _shown(operations, value, kind, loss):
    """Make probabilities of the outputs of a head, as `predict_proba` does, or scores."""
    width = operations.width(value)
    if loss.probabilities and kind == "binary":
        return operations.append(BothClasses, value, 2)
    if loss.name == "binary_log_loss" and kind == "multiclass":
        return operations.append(Normalize, value)
    if loss.name == "squared_error":
        center = np.full(width, loss.boundary)
        return operations.append(Scale, value, scale=None, center=center, shift=None)
    return value


def _classes_of_heads(labels):
    """Return the classes of each head; a single class twice, as there are two probabilities."""
    if labels.kind == "multilabel-indicator":
        return [None]
    classes = labels.classes if isinstance(labels.classes, list) else [labels.classes]
    binary = labels.kind == "binary"
    return [np.repeat(own, 2) if binary and len(own) == 1 else own for own in classes]


def _refuse_user_functions(program):
    """Raise a ValueError for a network with functions that the user wrote."""
    stages = program.stages
    if stages["function"][stages["kind"] == Kind.ACTIVATION].any():
        raise ValueError(
            "The network has a CustomActivation, a function of your own, which is Python and "
            "cannot be exported: use an activation by name, or save the model."
        )
