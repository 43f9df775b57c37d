"""ONNX Runtime, which only predicts."""

from itertools import pairwise

import numpy as np

import measure

OPSET, IR_VERSION = 17, 8  # such as any version of the last years reads


class ONNXRuntime:
    """A session with the network of the workload, in as many threads; its weights are random."""

    distributions = ("onnx", "onnxruntime")
    import_line = "import onnxruntime"

    def __init__(self, workload, X, y, threads=None):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or measure.available_threads()
        self.session = onnxruntime.InferenceSession(network(workload), options)

    @staticmethod
    def lacks(workload, threads=None):
        return None

    def predict_proba(self, X):
        return self.session.run(None, {"rows": X})[0]


def network(workload):
    """Return the network as ONNX's bytes: products with biases, ReLU, probabilities."""
    from onnx import helper, numpy_helper

    sizes = workload.n_features, *workload.hidden, workload.n_outputs
    rng, number = np.random.default_rng(0), helper.np_dtype_to_tensor_dtype(np.dtype("float32"))
    parameters, nodes, values = [], [], "rows"
    for layer, shape in enumerate(pairwise(sizes)):
        most = np.sqrt(6 / sum(shape))
        arrays = {
            f"weights {layer}": rng.uniform(-most, most, shape),
            f"biases {layer}": np.zeros(shape[1]),
        }
        parameters += [numpy_helper.from_array(a.astype("f"), name) for name, a in arrays.items()]
        nodes.append(helper.make_node("Gemm", [values, *arrays], [f"z {layer}"]))
        function, values = "Relu", f"values {layer}"
        if layer == len(workload.hidden):
            function = "Softmax" if workload.n_outputs > 1 else "Sigmoid"
        nodes.append(helper.make_node(function, [f"z {layer}"], [values]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("rows", number, ["n", sizes[0]])],
        [helper.make_tensor_value_info(values, number, ["n", sizes[-1]])],
        parameters,
    )
    versions = {"opset_imports": [helper.make_opsetid("", OPSET)], "ir_version": IR_VERSION}
    return helper.make_model(graph, **versions).SerializeToString()
