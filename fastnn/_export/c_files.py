"""Predictions as a source file of C99 and its header."""

from __future__ import annotations

import math
import textwrap
from typing import NamedTuple

from .c_source import Source, number
from .prediction import Prediction

# For what a prediction gives: the name of the function, and what it computes.
_OUTPUTS = {
    "probabilities": ("predict_proba", "probabilities of the classes"),
    "scores": ("decision_function", "scores of the classes"),
    "targets": ("predict", "targets"),
}
_RULES = {
    "largest": """\
/* the index of the largest */
static int label_of(int n, const float *out)
{
    int label = 0;
    for (int j = 1; j < n; j++)
        if (out[j] > out[label]) label = j;
    return label;
}
""",
    "first above": """\
/* the index of the first above 0 */
static int label_of(int n, const float *out)
{
    for (int j = 0; j < n; j++)
        if (out[j] > 0.0f) return j;
    return 0;
}
""",
}
_EACH_ROW = "for (size_t i = 0; i < n_rows; i++)"
_HEADER = """\
{comment}
#ifndef {NAME}_H
#define {NAME}_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {{
#endif

{content}
#ifdef __cplusplus
}}
#endif

#endif
"""
_SOURCE = """\
#include "{stem}.h"

#include <math.h>

#ifndef {NAME}_STORAGE
#define {NAME}_STORAGE
#endif

{content}"""


class _Function(NamedTuple):
    """Function of the interface: a comment, a declaration, and statements."""

    comment: str
    declaration: str
    statements: list[str]

    def declared(self):
        return f"/* {self.comment} */\n{self.declaration};\n"

    def defined(self):
        body = "\n".join(f"    {statement}" for statement in self.statements)
        return f"{self.declaration}\n{{\n{body}\n}}\n"


class CFiles:
    """Texts of the two files of a prediction.

    Parameters
    ----------
    prediction : Prediction
    name : str
        Prefix of all names, an identifier of C.
    stem : str
        Name of both files without suffix.
    about : str
        Sentences for the header.
    quantized : bool
        Whether weights are constants of int8.

    Attributes
    ----------
    source, header : str
    n_constant, n_stack : int
        Bytes of the constants, and of the stack that a prediction takes for its numbers.
    """

    def __init__(self, prediction: Prediction, name: str, stem: str, about: str, quantized: bool):
        self._prediction, self._name = prediction, name
        self._outputs = Source(prediction, quantized)
        self._has_labels = prediction.gives != "targets"
        heads = prediction.heads
        self._n_labels = math.prod(prediction.label_shape)
        self._classes = [str(c) for h in heads if h.classes is not None for c in h.classes.tolist()]
        self._function, self._meaning = _OUTPUTS[prediction.gives]
        floats = sum(self._outputs.places.sizes) + self._has_labels * prediction.n_outputs
        self.n_constant, self.n_stack = self._outputs.n_bytes, 4 * floats
        functions = [self._of_row(), self._of_rows()]
        if self._has_labels:
            functions += [self._label(), self._labels()]
        names = {"stem": stem, "NAME": name.upper()}
        declared = [self._sizes(), *(function.declared() for function in functions)]
        self.header = _HEADER.format(
            **names, comment=self._comment(about), content="\n".join(declared)
        )
        defined = [
            *self._outputs.constants,
            *self._table_of_classes(),
            *self._outputs.functions,
            *([_RULES[prediction.decides]] if prediction.decides in _RULES else []),
            *(function.defined() for function in functions),
        ]
        self.source = _SOURCE.format(**names, content="\n".join(defined))

    def _of_row(self):
        buffers = [
            f"{self._name.upper()}_STORAGE float buffer_{i}[{size}];"
            for i, size in enumerate(self._outputs.places.sizes)
        ]
        return _Function(
            f"Compute the {self._meaning} of a row.",
            f"void {self._name}_{self._function}(const float *x, float *out)",
            buffers + self._outputs.statements,
        )

    def _of_rows(self):
        n_in, n_out = self._prediction.n_features, self._prediction.n_outputs
        function = f"{self._name}_{self._function}"
        return _Function(
            f"Compute the {self._meaning} of rows, one after another.",
            f"void {function}_batch(size_t n_rows, const float *x, float *out)",
            [f"{_EACH_ROW} {function}(x + i * {n_in}, out + i * {n_out});"],
        )

    def _label(self):
        """Return the function for the labels of a row."""
        prediction, name = self._prediction, self._name
        statements = [
            f"{name.upper()}_STORAGE float out[{prediction.n_outputs}];",
            f"{name}_{self._function}(x, out);",
        ]
        if not self._prediction.label_shape:
            rule = "out[0] > 0.0f"
            if prediction.decides in _RULES:
                rule = f"label_of({prediction.n_outputs}, out)"
            return _Function(
                f"Return the class of a row, an index of {name}_classes.",
                f"int {name}_predict(const float *x)",
                [*statements, f"return {rule};"],
            )
        declaration = f"void {name}_predict(const float *x, int *labels)"
        if prediction.is_multilabel:
            loop = f"for (int j = 0; j < {prediction.n_outputs}; j++)"
            above = f"labels[j] = out[j] > {number(prediction.boundary)};"
            return _Function(
                "Set the labels of a row to 1 or 0.", declaration, [*statements, f"{loop} {above}"]
            )
        start = 0
        for i, head in enumerate(prediction.heads):
            statements += [f"labels[{i}] = {start} + label_of({head.width}, out + {start});"]
            start += head.width
        comment = f"Set the labels of a row, one for each column of y: indices of {name}_classes."
        return _Function(comment, declaration, statements)

    def _labels(self):
        name, n_in = self._name, self._prediction.n_features
        row = f"{name}_predict(x + i * {n_in}, labels + i * {self._n_labels});"
        if not self._prediction.label_shape:
            row = f"labels[i] = {name}_predict(x + i * {n_in});"
        return _Function(
            "Set the labels of rows, one after another.",
            f"void {name}_predict_batch(size_t n_rows, const float *x, int *labels)",
            [f"{_EACH_ROW} {row}"],
        )

    def _sizes(self):
        """Return the sizes of arrays, and the declaration of the table of classes."""
        upper = self._name.upper()
        sizes = {"N_FEATURES": self._prediction.n_features, "N_OUTPUTS": self._prediction.n_outputs}
        if self._has_labels:
            sizes["N_LABELS"] = self._n_labels
        text = "".join(f"#define {upper}_{name} {size}\n" for name, size in sizes.items())
        if self._classes:
            table = f"extern const char *const {self._name}_classes[{len(self._classes)}];"
            text += f"\n/* Names of the classes. */\n{table}\n"
        return text

    def _table_of_classes(self):
        if not self._classes:
            return []
        lines = ",\n".join(f"    {_literal(text)}" for text in self._classes)
        table = f"{self._name}_classes[{len(self._classes)}]"
        return [f"const char *const {table} = {{\n{lines}}};\n"]

    def _comment(self, about):
        """Return the comment at the top of the header."""
        upper, prediction = self._name.upper(), self._prediction
        storage = (
            f"Constants take {self.n_constant} bytes. A prediction takes {self.n_stack} bytes of "
            "the stack for its numbers and allocates nothing, so that threads may predict at once. "
            f"Compiled with -D{upper}_STORAGE=static, these numbers are in static memory, and one "
            "thread at a time may predict."
        )
        shapes = (
            f"Features of a row: {prediction.n_features}. Outputs: {prediction.n_outputs}. All "
            "are float."
        )
        text = "\n\n".join(textwrap.fill(part, 95) for part in (about, f"{shapes} {storage}"))
        first, *lines = text.split("\n")
        return "\n".join([f"/* {first}", *(f" * {line}".rstrip() for line in lines), " */"])


def _literal(text) -> str:
    """Return a string of C with this text in UTF-8."""
    plain = {*range(32, 127)} - {ord(c) for c in '"\\?'}  # two question marks begin a trigraph
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'
