"""Statements and constants of C99 for the operations of a prediction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import operations as ops
from .prediction import Prediction

#: Numbers on a line.
_PER_LINE = 8

# Of v, with the parameter a. What is written so keeps its accuracy far from 0.
_FORMULAS = {
    "identity": "v",
    "logistic": "1.0f / (1.0f + expf(-v))",
    "tanh": "tanhf(v)",
    "relu": "v < 0.0f ? 0.0f : v",
    "exp": "expf(v)",
    "hardtanh": "v > 1.0f ? 1.0f : v < -1.0f ? -1.0f : v",
    "leaky_relu": "v > 0.0f ? v : {a} * v",
    "rrelu": "v > 0.0f ? v : {a} * v",
    "elu": "v > 0.0f ? v : {a} * expm1f(v)",
    "selu": "1.05070099f * (v > 0.0f ? v : 1.67326324f * expm1f(v))",
    "gelu": "0.5f * v * erfcf(-0.707106781f * v)",
    "gelu_tanh": "v / (1.0f + expf(-v * (1.59576912f + 0.0713548163f * v * v)))",
    "silu": "v / (1.0f + expf(-v))",
    "mish": "v * tanhf(log1pf(expf(v)))",
    "softplus": "(v < 0.0f ? 0.0f : v) + log1pf(expf(-fabsf(v)))",
    "softsign": "v / (1.0f + fabsf(v))",
    "threshold": "v > 0.0f ? 1.0f : 0.0f",
}

_DENSE = """\
/* y = x W + b, W row by row */
static void dense(int n_in, int n_out, const float *restrict weights, const float *restrict bias,
                  const float *restrict x, float *restrict y)
{
    for (int j = 0; j < n_out; j++) y[j] = bias[j];
    for (int i = 0; i < n_in; i++, weights += n_out)
        for (int j = 0; j < n_out; j++) y[j] += x[i] * weights[j];
}
"""
_DENSE_INT8 = """\
/* y = (x W) * scales + b, W row by row */
static void dense(int n_in, int n_out, const signed char *restrict weights,
                  const float *restrict scales, const float *restrict bias,
                  const float *restrict x, float *restrict y)
{
    for (int j = 0; j < n_out; j++) y[j] = 0.0f;
    for (int i = 0; i < n_in; i++, weights += n_out)
        for (int j = 0; j < n_out; j++) y[j] += x[i] * weights[j];
    for (int j = 0; j < n_out; j++) y[j] = y[j] * scales[j] + bias[j];
}
"""
_ROW_NORM = """\
/* groups of so many columns with mean 0 and variance 1; y may be x */
static void row_norm(int groups, int width, float epsilon, const float *x, float *y)
{
    for (int g = 0; g < groups; g++, x += width, y += width) {
        float mean = 0.0f, variance = 0.0f;
        for (int j = 0; j < width; j++) mean += x[j];
        mean /= (float)width;
        for (int j = 0; j < width; j++) variance += (x[j] - mean) * (x[j] - mean);
        variance /= (float)width;
        for (int j = 0; j < width; j++) y[j] = (x[j] - mean) / sqrtf(variance + epsilon);
    }
}
"""
_SOFTMAX = """\
/* y may be x */
static void softmax(int n, const float *x, float *y)
{
    float most = x[0], sum = 0.0f;
    for (int j = 1; j < n; j++) most = x[j] > most ? x[j] : most;
    for (int j = 0; j < n; j++) y[j] = expf(x[j] - most);
    for (int j = 0; j < n; j++) sum += y[j];
    for (int j = 0; j < n; j++) y[j] /= sum;
}
"""
_NORMALIZE = """\
/* x divided by its sum; y may be x */
static void normalize(int n, const float *x, float *y)
{
    float sum = 0.0f;
    for (int j = 0; j < n; j++) sum += x[j];
    for (int j = 0; j < n; j++) y[j] = sum == 0.0f ? 1.0f / (float)n : x[j] / sum;
}
"""
_SORT = """\
/* groups of so many columns in ascending order, in place: insertion sort */
static void sort(int n, int n_group, float *x)
{
    for (int g = 0; g < n; g += n_group)
        for (int i = g + 1; i < g + n_group; i++)
            for (int j = i; j > g && x[j] < x[j - 1]; j--) {
                const float higher = x[j - 1];
                x[j - 1] = x[j];
                x[j] = higher;
            }
}
"""


def number(value) -> str:
    """Return a float32 as a constant of C, with all its digits."""
    text = f"{float(np.float32(value)):.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")


def int8_weights(weights) -> tuple[np.ndarray, np.ndarray]:
    """Round weights to integers from -127 to 127 times a scale for each unit; return both."""
    largest = np.abs(weights).max(axis=0)
    scales = np.where(largest > 0, largest / 127, 1.0)
    return np.rint(weights / scales).astype(np.int8), scales


class Places:
    """Places of the values: the input, the output, or a buffer that holds one after another.

    Attributes
    ----------
    sizes : list of int
        Lengths of the buffers.
    """

    def __init__(self, prediction: Prediction):
        self.sizes: list[int] = []
        self._last_read: dict[int, int] = {}
        self._held_until: list[int] = []  # number of the last step that needs a buffer's value
        self._places = {ops.ROWS: "x"}
        self._buffers: dict[int, int] = {}
        for i, step in enumerate(prediction.steps):
            self._last_read |= dict.fromkeys(step.reads, i)
        start = 0
        for head in prediction.heads:
            self._places[head.value] = f"(out + {start})" if start else "out"
            start += head.width
        for i, step in enumerate(prediction.steps):
            if step.y not in self._places:
                self._place(i, step)

    def __getitem__(self, value) -> str:
        return self._places[value]

    def _place(self, i, step):
        """Choose a buffer whose value is read no more; only products do not work in place."""
        end = i if isinstance(step, ops.Dense) else i + 1
        free = [buffer for buffer, until in enumerate(self._held_until) if until < end]
        own = self._buffers.get(step.x)
        buffer = own if own in free else free[0] if free else len(self.sizes)
        if buffer == len(self.sizes):
            self.sizes.append(0)
            self._held_until.append(0)
        self.sizes[buffer] = max(self.sizes[buffer], step.n_out)
        self._held_until[buffer] = self._last_read.get(step.y, i)
        self._buffers[step.y], self._places[step.y] = buffer, f"buffer_{buffer}"


class Source:
    """Constants, functions and statements that compute the outputs of a row.

    Parameters
    ----------
    prediction : Prediction
    quantized : bool
        Whether weights are constants of int8.

    Attributes
    ----------
    places : Places
    constants, functions, statements : list of str
    n_bytes : int
        Size of the constants.
    """

    def __init__(self, prediction: Prediction, quantized: bool):
        self.places, self.quantized = Places(prediction), quantized
        self.constants: list[str] = []
        self.functions: list[str] = []
        self.statements: list[str] = []
        self.n_bytes = 0
        for step in prediction.steps:
            _WRITERS[type(step)](self, step, self.places[step.x], self.places[step.y])

    def constant(self, name, values) -> str:
        """Append an array of floats, or of bytes for integers; return its name."""
        name = f"{name}_{len(self.constants)}"
        is_int8 = values.dtype == np.int8
        texts = [str(value) if is_int8 else number(value) for value in values.ravel().tolist()]
        lines = [
            "    " + ", ".join(texts[start : start + _PER_LINE])
            for start in range(0, len(texts), _PER_LINE)
        ]
        kind = "signed char" if is_int8 else "float"
        content = ",\n".join(lines)
        self.constants.append(f"static const {kind} {name}[{len(texts)}] = {{\n{content}}};\n")
        self.n_bytes += len(texts) * (1 if is_int8 else 4)
        return name

    def call(self, function, text, *arguments):
        """Append a call of a function with this text."""
        if text not in self.functions:
            self.functions.append(text)
        self.statements.append(f"{function}({', '.join(map(str, arguments))});")

    def each(self, n, y, formula):
        """Append a loop that computes each y[j] by a formula."""
        self.statements.append(f"for (int j = 0; j < {n}; j++) {y}[j] = {formula};")

    def each_of(self, n, x, y, formula):
        """Append such a loop with v for x[j]."""
        self.statements += [
            f"for (int j = 0; j < {n}; j++) {{",
            f"    const float v = {x}[j];",
            f"    {y}[j] = {formula};",
            "}",
        ]


def _dense(source, step, x, y):
    sizes = step.n_in, step.n_out
    arrays = {"weights": step.weights, "bias": step.bias}
    if source.quantized:
        weights, scales = int8_weights(step.weights)
        arrays = {"weights": weights, "scales": scales, "bias": step.bias}
    names = [source.constant(name, values) for name, values in arrays.items()]
    source.call("dense", _DENSE_INT8 if source.quantized else _DENSE, *sizes, *names, x, y)


def _scale(source, step, x, y):
    formula = f"{x}[j]"
    if step.center is not None:
        formula = f"({formula} - {source.constant('center', step.center)}[j])"
    if step.scale is not None:
        formula += f" * {source.constant('scale', step.scale)}[j]"
    if step.shift is not None:
        formula += f" + {source.constant('shift', step.shift)}[j]"
    source.each(step.n_out, y, formula)


def _row_norm(source, step, x, y):
    width, epsilon = step.n_in // step.groups, number(step.epsilon)
    source.call("row_norm", _ROW_NORM, step.groups, width, epsilon, x, y)


def _activation(source, step, x, y):
    if step.name == "softmax":
        source.call("softmax", _SOFTMAX, step.n_out, x, y)
    else:
        formula = _FORMULAS[step.name].replace("{a}", number(step.parameter))
        source.each_of(step.n_out, x, y, formula)


def _prelu(source, step, x, y):
    slope = source.constant("slope", step.slope)
    source.each_of(step.n_out, x, y, f"v > 0.0f ? v : {slope}[j] * v")


def _maxout(source, step, x, y):
    source.statements += [
        f"for (int j = 0; j < {step.n_out}; j++) {{",
        f"    float most = {x}[j];",
        f"    for (int k = j + {step.n_out}; k < {step.n_in}; k += {step.n_out})",
        f"        most = {x}[k] > most ? {x}[k] : most;",
        f"    {y}[j] = most;",
        "}",
    ]


def _add(source, step, x, y):
    source.each(step.n_out, y, f"{x}[j] + {source.places[step.other]}[j]")


def _both_classes(source, step, x, y):
    source.statements += [f"{y}[1] = {x}[0];", f"{y}[0] = 1.0f - {y}[1];"]


def _normalize(source, step, x, y):
    source.call("normalize", _NORMALIZE, step.n_out, x, y)


def _sort(source, step, x, y):
    for j, value in enumerate(step.reads):
        source.statements.append(f"{y}[{j}] = {source.places[value]}[0];")
    source.call("sort", _SORT, step.n_out, step.n_group, y)


# Functions of (source, operation, places of x and y).
_WRITERS: dict[type, Callable[..., None]] = {
    ops.Dense: _dense,
    ops.Scale: _scale,
    ops.RowNorm: _row_norm,
    ops.Activation: _activation,
    ops.PReLU: _prelu,
    ops.Maxout: _maxout,
    ops.Add: _add,
    ops.BothClasses: _both_classes,
    ops.Normalize: _normalize,
    ops.Sort: _sort,
}
