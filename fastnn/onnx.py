"""Converters for skl2onnx: after ``import fastnn.onnx``, it converts pipelines with networks.

A single fitted network is exported by its method `to_onnx`.

Examples
--------
>>> import fastnn.onnx  # doctest: +SKIP
>>> model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})  # doctest: +SKIP
"""

from ._export.onnx_graph import ROWS_NAME, label_type, prediction_graph
from ._export.prediction import prediction_of
from ._extras import pip_install
from .estimators import MLPClassifier, MLPRegressor

try:
    from onnx import TensorProto, helper
    from skl2onnx import update_registered_converter
    from skl2onnx.common.data_types import (
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        SequenceType,
        StringTensorType,
    )
except ImportError:
    raise ImportError(f"fastnn.onnx needs skl2onnx: {pip_install('onnx')}.") from None

__all__ = ["register"]

# Those of any classifier, which say what becomes of the probabilities.
_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}


def register():
    """Register the converters with skl2onnx, as the import of this module does.

    Call it only if other converters have been registered for `MLPClassifier` or `MLPRegressor`.
    """
    for estimator, options in ((MLPClassifier, _OPTIONS), (MLPRegressor, None)):
        update_registered_converter(
            estimator, f"Fastnn{estimator.__name__}", _set_output_types, _convert, options=options
        )


def _set_output_types(operator):
    """Set types and shapes of the outputs; numbers are float64 if the input is."""
    prediction = prediction_of(operator.raw_operator._network_to_export())
    n_rows = operator.inputs[0].get_first_dimension()
    number = FloatTensorType
    if isinstance(operator.inputs[0].type, DoubleTensorType):
        number = DoubleTensorType
    numbers = number([n_rows, prediction.n_outputs])
    operator.outputs[-1].type = SequenceType(number()) if len(prediction.heads) > 1 else numbers
    if prediction.gives != "targets":
        is_text = label_type(prediction) == TensorProto.STRING
        labels = StringTensorType if is_text else Int64TensorType
        operator.outputs[0].type = labels([n_rows, *prediction.label_shape])


def _convert(scope, operator, container):
    """Append the nodes of a network under new names, between conversions of its type."""
    prediction = prediction_of(operator.raw_operator._network_to_export())
    number = TensorProto.FLOAT
    if isinstance(operator.inputs[0].type, DoubleTensorType):
        number = TensorProto.DOUBLE
    graph = prediction_graph(prediction, number)
    names = dict(zip(graph.outputs, operator.output_full_names, strict=True))
    names[ROWS_NAME] = operator.inputs[0].full_name
    for tensor in graph.constants:
        names[tensor.name] = tensor.name = scope.get_unique_variable_name(tensor.name)
        container.initializers.append(tensor)
    for node in graph.nodes:
        for output in node.output:
            if output not in names:
                names[output] = scope.get_unique_variable_name(output)
        container.add_node(
            node.op_type,
            [names[name] for name in node.input],
            [names[name] for name in node.output],
            name=scope.get_unique_operator_name(node.op_type),
            **{a.name: helper.get_attribute_value(a) for a in node.attribute},
        )


register()
