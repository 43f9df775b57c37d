"""Predictions as ONNX models.

Operators are those of opset 13 (2020), none of which has changed its inputs since, so that the
nodes fit into a graph of a later opset too. ONNX Runtime has some activations in float32 only: in
float64 they are made of simpler operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._extras import pip_install

try:
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    raise ImportError(f"to_onnx needs the package onnx: {pip_install('onnx')}.") from None

from .._files.atomic import check_folder, replace_file
from . import operations as ops
from .prediction import Prediction, prediction_of

OPSET, IR_VERSION = 13, 7
#: Name of the input.
ROWS_NAME = "X"
# What a file of protocol buffers can hold.
_MOST_BYTES = 2**31 - 1


class Graph:
    """Nodes and constants of a graph, which is called with an operator to append it.

    Parameters
    ----------
    dtype : dtype
        Type of constants that are given as numbers.
    """

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        self.tensor_type = helper.np_dtype_to_tensor_dtype(self.dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.outputs: list[str] = []

    def __call__(self, operator, *inputs, name=None, **attributes) -> str:
        """Append a node; return the name of its output. Arrays as inputs become constants."""
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        name = name or f"{operator.lower()}_{len(self.nodes)}"
        unused = [f"{name}_places"] if operator == "TopK" else []
        self.nodes.append(helper.make_node(operator, names, [name, *unused], name, **attributes))
        return name

    def output(self, name, operator, *inputs, **attributes):
        """Append a node whose output is one of the graph."""
        self.outputs.append(self(operator, *inputs, name=name, **attributes))

    def constant(self, values) -> str:
        """Append a constant: floats in the type of the graph, and integers and strings as such."""
        values = np.asarray(values)
        if values.dtype.kind == "f":
            values = values.astype(self.dtype)
        elif values.dtype.kind in "iu":
            values = values.astype(np.int64)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


# Activations with an operator of their own, and the attribute that the parameter is.
_OPERATORS = {
    "logistic": ("Sigmoid", ""),
    "tanh": ("Tanh", ""),
    "relu": ("Relu", ""),
    "exp": ("Exp", ""),
}
_OPERATORS_OF_FLOAT32 = {
    "leaky_relu": ("LeakyRelu", "alpha"),
    "rrelu": ("LeakyRelu", "alpha"),
    "elu": ("Elu", "alpha"),
    "selu": ("Selu", ""),
    "softplus": ("Softplus", ""),
    "softsign": ("Softsign", ""),
}
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _leaky(g, x, slope):
    return g("Sub", g("Relu", x), g("Mul", g("Relu", g("Neg", x)), slope))


def _elu(g, x, alpha, scale=1.0):
    below = g("Sub", g("Exp", g("Min", x, 0.0)), 1.0)
    return g("Add", g("Mul", g("Relu", x), scale), g("Mul", below, alpha * scale))


def _softplus(g, x):
    size = g("Exp", g("Neg", g("Abs", x)))
    return g("Add", g("Relu", x), g("Log", g("Add", size, 1.0)))


def _gelu(g, x):
    """Return x (1 + erf(x / sqrt(2))) / 2; ONNX Runtime has erf in float32 only."""
    scaled = g("Mul", x, math.sqrt(0.5))
    if g.dtype == np.float32:
        erf = g("Erf", scaled)
    else:
        erf = g("Erf", g("Cast", scaled, to=TensorProto.FLOAT))
        erf = g("Cast", erf, to=g.tensor_type)
    return g("Mul", g("Mul", x, g("Add", erf, 1.0)), 0.5)


def _gelu_tanh(g, x):
    """Return x logistic(x (a + b x^2)), which is the same."""
    a, b = 2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715
    inner = g("Add", g("Mul", g("Mul", x, x), b), a)
    return g("Mul", x, g("Sigmoid", g("Mul", x, inner)))


# Functions of (graph, x, parameter).
_FORMULAS = {
    "hardtanh": lambda g, x, a: g("Clip", x, -1.0, 1.0),
    "leaky_relu": _leaky,
    "rrelu": _leaky,
    "elu": _elu,
    "selu": lambda g, x, a: _elu(g, x, _SELU_ALPHA, _SELU_SCALE),
    "gelu": lambda g, x, a: _gelu(g, x),
    "gelu_tanh": lambda g, x, a: _gelu_tanh(g, x),
    "silu": lambda g, x, a: g("Mul", x, g("Sigmoid", x)),
    "mish": lambda g, x, a: g("Mul", x, g("Tanh", _activation(g, "softplus", x))),
    "softplus": lambda g, x, a: _softplus(g, x),
    "softsign": lambda g, x, a: g("Div", x, g("Add", g("Abs", x), 1.0)),
    "softmax": lambda g, x, a: g("Softmax", x, axis=1),
    "threshold": lambda g, x, a: g("Cast", g("Greater", x, 0.0), to=g.tensor_type),
}


def _activation(g, name, x, parameter=0.0):
    operators = _OPERATORS | (_OPERATORS_OF_FLOAT32 if g.dtype == np.float32 else {})
    if name not in operators:
        return _FORMULAS[name](g, x, parameter)
    operator, attribute = operators[name]
    return g(operator, x, **({attribute: parameter} if attribute else {}))


def _scale(g, x, step):
    x = x if step.center is None else g("Sub", x, step.center)
    x = x if step.scale is None else g("Mul", x, step.scale)
    return x if step.shift is None else g("Add", x, step.shift)


def _row_norm(g, x, step):
    """Normalize along the last axis of (rows, groups, columns); 0 keeps a size as it is."""

    def mean(values):
        sums = g("ReduceSum", values, np.array([2]), keepdims=1)
        return g("Div", sums, float(step.n_in // step.groups))

    x = g("Reshape", x, np.array([0, step.groups, step.n_in // step.groups]))
    deviations = g("Sub", x, mean(x))
    variance = mean(g("Mul", deviations, deviations))
    normalized = g("Div", deviations, g("Sqrt", g("Add", variance, step.epsilon)))
    return g("Reshape", normalized, np.array([0, step.n_in]))


def _prelu(g, x, step):
    return g("PRelu", x, step.slope) if g.dtype == np.float32 else _leaky(g, x, step.slope)


def _maxout(g, x, step):
    starts = range(0, step.n_in, step.n_out)
    parts = [_columns(g, x, start, start + step.n_out) for start in starts]
    return g("Max", *parts)


def _columns(g, x, start, stop):
    return g("Slice", x, np.array([start]), np.array([stop]), np.array([1]))


def _both_classes(g, x):
    return g("Concat", g("Sub", 1.0, x), x, axis=1)


def _normalize(g, x):
    sums = g("ReduceSum", x, np.array([1]), keepdims=1)
    all_zero = g("Cast", g("Equal", sums, 0.0), to=g.tensor_type)
    x = g("Add", x, all_zero)
    return g("Div", x, g("ReduceSum", x, np.array([1]), keepdims=1))


def _sort(g, *values):
    *values, step = values
    x = g("Reshape", g("Concat", *values, axis=1), np.array([-1, step.n_group]))
    x = g("TopK", x, np.array([step.n_group]), axis=1, largest=0)
    return g("Reshape", x, np.array([-1, step.n_out]))


# Functions of (graph, names of the values that are read, operation).
_WRITERS: dict[type, Callable[..., str]] = {
    ops.Dense: lambda g, x, step: g("Gemm", x, step.weights, step.bias),
    ops.Scale: _scale,
    ops.RowNorm: _row_norm,
    ops.Activation: lambda g, x, step: _activation(g, step.name, x, step.parameter),
    ops.PReLU: _prelu,
    ops.Maxout: _maxout,
    ops.Add: lambda g, x, other, step: g("Add", x, other),
    ops.BothClasses: lambda g, x, step: _both_classes(g, x),
    ops.Normalize: lambda g, x, step: _normalize(g, x),
    ops.Sort: _sort,
}


def _label(g, prediction, x, head):
    """Append the labels of a head, of shape (n_rows, 1) or (n_rows, n_labels)."""
    if prediction.decides != "largest":
        x = g("Cast", g("Greater", x, prediction.boundary), to=TensorProto.INT64)
    if prediction.is_multilabel:
        return x
    if head.width > 1:
        x = g("ArgMax", x, axis=1, keepdims=1)
    classes = onnx_classes(head.classes)
    return x if np.array_equal(classes, np.arange(len(classes))) else g("Gather", classes, x)


def onnx_classes(classes):
    """Return classes as int64 or strings, or raise a ValueError if they are neither."""
    if classes.dtype.kind == "f" and np.array_equal(classes, classes.astype(np.int64)):
        return classes.astype(np.int64)
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(object)
    raise ValueError(
        f"Labels of ONNX are whole numbers or strings, and the classes are {classes}: fit with "
        "y converted to strings."
    )


def prediction_graph(prediction: Prediction, tensor_type: int | None = None) -> Graph:
    """Return the graph of a prediction.

    Parameters
    ----------
    prediction : Prediction
    tensor_type : int, default=None
        Type of the rows and of the numbers that are predicted, as a number of `TensorProto`; None
        for that of the network.
    """
    g = Graph(prediction.dtype)
    casts = tensor_type not in (None, g.tensor_type)
    names = {ops.ROWS: g("Cast", ROWS_NAME, to=g.tensor_type) if casts else ROWS_NAME}
    for step in prediction.steps:
        names[step.y] = _WRITERS[type(step)](g, *(names[value] for value in step.reads), step)
    numbers = [names[head.value] for head in prediction.heads]
    shown = [g("Cast", x, to=tensor_type) for x in numbers] if casts else numbers
    if prediction.gives == "targets":
        g.output("variable", "Identity", *shown)
        return g
    heads = zip(numbers, prediction.heads, strict=True)
    labels = [_label(g, prediction, x, head) for x, head in heads]
    if len(labels) > 1:
        _check_one_type(prediction)
        g.output("label", "Concat", *labels, axis=1)
        g.output("probabilities", "SequenceConstruct", *shown)
    else:
        shape = np.array([-1, *prediction.label_shape])
        g.output("label", "Reshape", *labels, shape)
        g.output(prediction.gives, "Identity", *shown)
    return g


def _check_one_type(prediction):
    kinds = {onnx_classes(head.classes).dtype.kind for head in prediction.heads}
    if len(kinds) > 1:
        raise ValueError(
            "The columns of y have labels of several types, and those of an array of ONNX are all "
            "numbers or all strings: fit with y converted to strings."
        )


def label_type(prediction: Prediction) -> int:
    """Return the type of the labels, as a number of `TensorProto`."""
    classes = prediction.heads[0].classes
    is_text = classes is not None and onnx_classes(classes).dtype.kind == "O"
    return TensorProto.STRING if is_text else TensorProto.INT64


def onnx_model(prediction: Prediction, version: str):
    """Return a prediction as a `ModelProto` of this version of fastnn."""
    graph = prediction_graph(prediction)
    if sum(len(tensor.raw_data) for tensor in graph.constants) > _MOST_BYTES:
        raise ValueError("A model of ONNX has at most 2 GB, and the parameters have more.")
    numbers, values = graph.tensor_type, helper.make_tensor_value_info
    infos = [values(graph.outputs[-1], numbers, ["n", prediction.n_outputs])]
    if len(prediction.heads) > 1:
        infos = [helper.make_tensor_sequence_value_info(graph.outputs[-1], numbers, None)]
    if prediction.gives != "targets":
        infos.insert(0, values("label", label_type(prediction), ["n", *prediction.label_shape]))
    rows = values(ROWS_NAME, numbers, ["n", prediction.n_features])
    return helper.make_model(
        helper.make_graph(graph.nodes, "fastnn", [rows], infos, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fastnn",
        producer_version=version,
    )


def write_onnx(network, path, version: str):
    """Return the model of a fitted network; write it to a file if `path` is not None."""
    path = None if path is None else check_folder(path, "to_onnx")
    model = onnx_model(prediction_of(network), version)
    if path is not None:
        replace_file(path, model.SerializeToString())
    return model
