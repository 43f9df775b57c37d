"""Operations on values that a network's prediction consists of.

They are read from the stages of the program, as the engine executes them. What acts in training
only is left out, and scales that follow a matrix product become part of its weights. Writers of
other formats, ``onnx_graph.py`` and ``c_source.py``, have a function for each operation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._core.codes import ACTIVATIONS, LOSSES, DropoutForm, Kind

_ACTIVATION_NAMES = {row.code: name for name, row in ACTIVATIONS.items()}
_LOSSES = {row.code: row for row in LOSSES.values()}
#: Number of the value that holds the rows.
ROWS = 0


@dataclass(frozen=True)
class Operation:
    """Base class of the operations.

    Attributes
    ----------
    x, y : int
        Numbers of the value that is read and of the value that is written.
    n_in, n_out : int
        Their widths.
    """

    x: int
    y: int
    n_in: int
    n_out: int

    @property
    def reads(self) -> tuple[int, ...]:
        """Numbers of all values that are read."""
        return (self.x,)


@dataclass(frozen=True)
class Dense(Operation):
    """y = x W + b, with W of shape (n_in, n_out)."""

    weights: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Scale(Operation):
    """y = (x - center) * scale + shift, column by column; None changes nothing."""

    scale: np.ndarray | None
    center: np.ndarray | None
    shift: np.ndarray | None


@dataclass(frozen=True)
class RowNorm(Operation):
    """Normalize groups of consecutive columns of each row to mean 0 and variance 1."""

    groups: int
    epsilon: float


@dataclass(frozen=True)
class Activation(Operation):
    """y = f(x), with a name of `ACTIVATIONS`; the softmax is of a row."""

    name: str
    parameter: float = 0.0


@dataclass(frozen=True)
class PReLU(Operation):
    """y = x, or slope * x below zero, with a slope for each column."""

    slope: np.ndarray


@dataclass(frozen=True)
class Maxout(Operation):
    """The largest of so many values, which lie n_out columns apart."""

    pieces: int


@dataclass(frozen=True)
class Add(Operation):
    """y = x + other."""

    other: int

    @property
    def reads(self):
        return self.x, self.other


@dataclass(frozen=True)
class BothClasses(Operation):
    """The columns 1 - x and x."""


@dataclass(frozen=True)
class Normalize(Operation):
    """x divided by the sum of its row; the same in all columns where the sum is 0."""


@dataclass(frozen=True)
class Sort(Operation):
    """The columns of several values side by side, in ascending order within groups."""

    others: tuple[int, ...]
    n_group: int

    @property
    def reads(self):
        return self.x, *self.others


class Operations:
    """The operations of a program with these parameters, in order.

    Parameters
    ----------
    program : Program
    parameters, statistics : ndarray
        Its arenas.

    Attributes
    ----------
    steps : list of Operation
    outputs : list of int
        Numbers of the values of the output stages, one for each head.
    """

    def __init__(self, program, parameters, statistics):
        self.steps: list[Operation] = []
        self.outputs: list[int] = []
        self._parameters, self._statistics = parameters, statistics
        self._smallest = np.finfo(program.dtype).tiny
        first = program.stages[0]
        # The number of the value that a buffer of the program holds, and its width.
        self._held, self._widths = {int(first["x"]): ROWS}, [program.n_features]
        for stage in program.stages:
            self._read(stage)
        self._merge_scales()

    def append(self, kind, x, n_out=None, **fields) -> int:
        """Append an operation on a value; return the number of the value that it writes."""
        n_in = self._widths[x]
        n_out = n_in if n_out is None else n_out
        self._widths.append(n_out)
        y = len(self._widths) - 1
        self.steps.append(kind(x, y, n_in, n_out, **fields))
        return y

    def width(self, value) -> int:
        """Return the number of columns of a value."""
        return self._widths[value]

    def _read(self, stage):
        """Append the operations of a stage."""
        kind, x = Kind(stage["kind"]), self._held[int(stage["x"])]
        write = _WRITERS.get(kind)
        y = x if write is None else write(self, stage, x)
        self._held[int(stage["y"])] = y
        if kind == Kind.OUTPUT:
            self.outputs.append(y)

    def _vector(self, stage, name, n=None, arena=None):
        start = int(stage[name])
        arena = self._parameters if arena is None else arena
        return arena[start : start + (int(stage["n_out"]) if n is None else n)].astype(float)

    def _matrix(self, stage):
        n_in, n_out, ld = (int(stage[name]) for name in ("n_in", "n_out", "ld_out"))
        start = int(stage["weight"])
        weights = self._parameters[start : start + n_in * ld].reshape(n_in, ld)
        return weights[:, :n_out].astype(float)

    def _epsilon(self, stage):
        return max(float(stage["epsilon"]), float(self._smallest))

    def _dense(self, stage, x):
        n_out, weights = int(stage["n_out"]), self._matrix(stage)
        bias = np.zeros(n_out) if stage["bias"] < 0 else self._vector(stage, "bias")
        return self.append(Dense, x, n_out, weights=weights, bias=bias)

    def _weight_norm(self, stage, x):
        directions = next(step for step in self.steps if step.y == x).weights
        squares = (directions**2).sum(axis=0)
        scale = self._vector(stage, "weight") / np.sqrt(np.maximum(squares, self._smallest))
        return self.append(Scale, x, scale=scale, center=None, shift=self._vector(stage, "bias"))

    def _batch_norm(self, stage, x):
        ld = int(stage["ld_out"])
        moments = self._vector(stage, "statistics", 2 * ld, self._statistics)
        mean, variance = (part[: int(stage["n_out"])] for part in np.split(moments, 2))
        scale = self._vector(stage, "weight") / np.sqrt(variance + self._epsilon(stage))
        return self.append(Scale, x, scale=scale, center=mean, shift=self._vector(stage, "bias"))

    def _row_norm(self, stage, x):
        groups, n = int(stage["groups"]), int(stage["n_out"])
        x = self.append(RowNorm, x, groups=groups, epsilon=self._epsilon(stage))
        if stage["weight"] < 0:
            return x
        repeats = n // groups if stage["code"] else 1  # one scale for a group
        scale, shift = (
            np.repeat(self._vector(stage, name, n // repeats), repeats)
            for name in ("weight", "bias")
        )
        return self.append(Scale, x, scale=scale, center=None, shift=shift)

    def _activation(self, stage, x):
        name = _ACTIVATION_NAMES[int(stage["code"])]
        return self.append(Activation, x, name=name, parameter=float(stage["parameter"]))

    def _prelu(self, stage, x):
        repeats = int(stage["n_out"]) if stage["code"] else 1  # one slope for all
        slope = np.repeat(self._vector(stage, "weight", stage["n_out"] // repeats), repeats)
        return self.append(PReLU, x, slope=slope)

    def _maxout(self, stage, x):
        return self.append(Maxout, x, int(stage["n_out"]), pieces=int(stage["groups"]))

    def _join(self, stage, x):
        return self.append(Add, x, other=self._held[int(stage["other"])])

    def _dropout(self, stage, x):
        if stage["code"] != DropoutForm.ORIGINAL:
            return x
        scale = np.full(int(stage["n_out"]), 1 - stage["rate"])
        return self.append(Scale, x, scale=scale, center=None, shift=None)

    def _output(self, stage, x):
        row = _LOSSES.get(int(stage["code"]))
        name = "identity" if row is None else row.output_activation
        if row is not None and row.name == "perceptron" and stage["parameter"]:
            name = "threshold"
        return x if name == "identity" else self.append(Activation, x, name=name)

    def _merge_scales(self):
        """Multiply weights by the scale that is all that reads their product."""
        read = [value for step in self.steps for value in step.reads] + self.outputs
        merged: list[Operation] = []
        for step in self.steps:
            before = merged[-1] if merged else None
            if (
                isinstance(step, Scale)
                and isinstance(before, Dense)
                and step.x == before.y
                and read.count(before.y) == 1
            ):
                scale = _or_else(1.0, step.scale)
                bias = (before.bias - _or_else(0.0, step.center)) * scale
                merged[-1] = replace(
                    before,
                    y=step.y,
                    weights=before.weights * scale,
                    bias=bias + _or_else(0.0, step.shift),
                )
            else:
                merged.append(step)
        self.steps = merged


def _or_else(number, vector):
    return number if vector is None else vector


# Stages that are not here do nothing in a prediction.
_WRITERS = {
    Kind.DENSE: Operations._dense,
    Kind.WEIGHT_NORM: Operations._weight_norm,
    Kind.BN_APPLY: Operations._batch_norm,
    Kind.ROW_NORM: Operations._row_norm,
    Kind.ACTIVATION: Operations._activation,
    Kind.PRELU: Operations._prelu,
    Kind.MAXOUT: Operations._maxout,
    Kind.JOIN: Operations._join,
    Kind.DROPOUT: Operations._dropout,
    Kind.OUTPUT: Operations._output,
}
