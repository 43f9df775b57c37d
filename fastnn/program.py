"""What a network is to an engine: a table of stages and flat arenas, all plain data.

Python decides here, once, what native code then runs for many steps. A program knows widths,
codes and offsets; it holds no parameters and no rows, so one program serves any number of
states, batch sizes, threads and devices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

# The codes of program.h; a test compares them.
DENSE, BN_STATISTICS, BN_APPLY, ACTIVATION, DROPOUT, OUTPUT = range(6)

#: One stage, the struct ``Stage`` of ``program.h``, where its fields are explained.
STAGE = np.dtype(
    [
        ("kind", np.int32),
        ("code", np.int32),
        ("n_in", np.int64),
        ("n_out", np.int64),
        ("ld_in", np.int64),
        ("ld_out", np.int64),
        ("x", np.int64),
        ("y", np.int64),
        ("dx", np.int64),
        ("dy", np.int64),
        ("weight", np.int64),
        ("bias", np.int64),
        ("transposed", np.int64),
        ("statistics", np.int64),
        ("rate", np.float64),
        ("momentum", np.float64),
        ("epsilon", np.float64),
        ("parameter", np.float64),
        ("weight_factor", np.float64),
        ("bias_factor", np.float64),
    ],
    align=True,
)

ALIGNMENT = 64


class Column(IntEnum):
    """Columns of the table that has a row for each step: what may change from step to step.

    The first ten are the optimizer's. Zeros in those behind them ask for nothing.
    """

    LEARNING_RATE = 0
    L2 = 1
    DECAY = 2
    OWN = 3
    L1 = 17
    BIAS_PENALTY = 18
    CLIP_VALUE = 19
    CLIP_NORM = 20
    MAX_NORM = 21
    WEIGHT_NOISE = 22


def padded(n: int, dtype) -> int:
    """Row stride of a buffer or weight of `n` columns, in elements.

    Whole cache lines, and an odd number of them where there are several, so that a walk down a
    column does not fall into a few sets of the cache. Padding is zero and stays zero.
    """
    panel = ALIGNMENT // np.dtype(dtype).itemsize
    panels = -(-n // panel)
    return (panels + 1 if panels > 1 and panels % 2 == 0 else panels) * panel


def aligned_zeros(shape, dtype) -> np.ndarray:
    """Zeros that begin on a cache line; the operating system's pages are touched on first use."""
    dtype = np.dtype(dtype)
    n_bytes = math.prod(shape if isinstance(shape, tuple) else (shape,)) * dtype.itemsize
    raw = np.zeros(n_bytes + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + n_bytes].view(dtype).reshape(shape)


@dataclass(frozen=True)
class Program:
    """A compiled network.

    Attributes
    ----------
    stages : ndarray of STAGE
        In forward order; the last is the output stage, activation and loss in one.
    dtype : dtype
        float32 or float64, of parameters and arithmetic.
    n_features, n_outputs : int
        Widths of input and output.
    n_parameters, n_statistics, n_transposed : int
        Lengths of the arenas, padding included, in elements.
    n_values, n_gradients : int
        Elements that one row of a batch takes in the value and gradient buffers.
    flops : int
        Floating-point operations of one row, forward.
    """

    stages: np.ndarray
    dtype: np.dtype
    n_features: int
    n_outputs: int
    n_parameters: int
    n_statistics: int
    n_transposed: int
    n_values: int
    n_gradients: int
    flops: int = field(compare=False)

    def _stages(self, kind: int) -> np.ndarray:
        return self.stages[self.stages["kind"] == kind]

    def _row(self, arena: np.ndarray, offset: int, n: int) -> np.ndarray:
        return arena[offset : offset + n]

    def coefs(self, arena: np.ndarray) -> list[np.ndarray]:
        """The weights in `arena` as views of shape (fan_in, fan_out), a layer each."""
        views = []
        for stage in self._stages(DENSE):
            n_in, n_out, start = int(stage["n_in"]), int(stage["n_out"]), int(stage["weight"])
            ld = int(stage["ld_out"])
            views.append(arena[start : start + n_in * ld].reshape(n_in, ld)[:, :n_out])
        return views

    def intercepts(self, arena: np.ndarray) -> list[np.ndarray]:
        """The biases in `arena` as views of shape (fan_out,), a layer each."""
        return [self._row(arena, int(s["bias"]), int(s["n_out"])) for s in self._stages(DENSE)]

    def norms(self, parameters: np.ndarray, statistics: np.ndarray) -> list[dict | None]:
        """Per layer None, or batch norm's scale, shift, mean and variance as views."""
        views: list[dict | None] = []
        for stage in self.stages:
            if stage["kind"] == DENSE:
                views.append(None)
            elif stage["kind"] == BN_APPLY:
                n = int(stage["n_out"])
                mean = int(stage["statistics"])
                variance = mean + int(stage["ld_out"])
                views[-1] = {
                    "scale": self._row(parameters, int(stage["weight"]), n),
                    "shift": self._row(parameters, int(stage["bias"]), n),
                    "mean": self._row(statistics, mean, n),
                    "variance": self._row(statistics, variance, n),
                }
        return views


@dataclass
class State:
    """What training changes: arenas of one program, trained in place.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
    statistics : ndarray of shape (n_statistics,)
        Moving means and variances of batch norm.
    slots : ndarray of shape (n_slots, n_parameters)
        The optimizer's moments, laid out as the parameters.
    step : int
        Steps taken so far; random masks depend on it.
    """

    parameters: np.ndarray
    statistics: np.ndarray
    slots: np.ndarray
    step: int = 0

    @classmethod
    def new(cls, program: Program, n_slots: int) -> State:
        """Zero weights, biases and slots; batch norm that changes nothing (scale 1, variance 1)."""
        state = cls(
            aligned_zeros(program.n_parameters, program.dtype),
            aligned_zeros(program.n_statistics, program.dtype),
            aligned_zeros((n_slots, program.n_parameters), program.dtype),
        )
        for norm in program.norms(state.parameters, state.statistics):
            if norm is not None:
                norm["scale"][...] = 1
                norm["variance"][...] = 1
        return state


class _Arena:
    """Hands out offsets one after another."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, n: int) -> int:
        start, self.size = self.size, self.size + n
        return start


def compile_program(
    n_features: int, layers: Sequence, loss_code: int, dtype, input_dropout: float = 0.0
) -> Program:
    """Turn layer specs into a stage table with every buffer laid out.

    Parameters
    ----------
    n_features : int
        Width of the input.
    layers : sequence of Dense
        Hidden layers and, last, the output layer, of which only the width counts: its activation
        belongs to the loss.
    loss_code : int
        Code of the loss, see ``losses.py``.
    dtype : dtype
        float32 or float64.
    input_dropout : float, default=0.0
        Probability of dropping an input value.

    Returns
    -------
    Program
    """
    from .activations import row_and_parameter

    dtype = np.dtype(dtype)
    parameters, statistics, transposed = _Arena(), _Arena(), _Arena()
    values, gradients = _Arena(), _Arena()
    stages = []

    def width(n: int) -> int:
        return padded(n, dtype)

    def add(kind: int, n_in: int, n_out: int, **fields) -> None:
        stage = np.zeros((), STAGE)
        for name in ("dx", "dy", "weight", "bias", "transposed", "statistics"):
            stage[name] = -1
        stage["kind"], stage["n_in"], stage["n_out"] = kind, n_in, n_out
        stage["ld_in"], stage["ld_out"] = width(n_in), width(n_out)
        stage["weight_factor"] = stage["bias_factor"] = 1
        for name, value in fields.items():
            stage[name] = value
        stages.append(stage)

    x, n_in, gradient = values.take(width(n_features)), n_features, -1
    flops = 0

    if input_dropout:
        add(DROPOUT, n_in, n_in, x=x, y=x, rate=input_dropout)

    def add_batch_norm(norm, n: int) -> None:
        nonlocal x
        moving = statistics.take(2 * width(n))
        y = values.take(width(n))
        common = dict(x=x, dx=gradient, dy=gradient, statistics=moving)
        common |= dict(momentum=norm.momentum, epsilon=norm.epsilon)
        common |= dict(weight=parameters.take(width(n)), bias=parameters.take(width(n)))
        add(BN_STATISTICS, n, n, y=x, **common)
        add(BN_APPLY, n, n, y=y, **common)
        x = y

    for index, layer in enumerate(layers):
        n = int(layer.units)
        y, dy = values.take(width(n)), gradients.take(width(n))
        add(
            DENSE,
            n_in,
            n,
            x=x,
            y=y,
            dx=gradient,
            dy=dy,
            weight=parameters.take(n_in * width(n)),
            bias=parameters.take(width(n)),
            transposed=transposed.take(n * width(n_in)) if index else -1,
        )
        flops += 2 * n_in * n
        x, gradient, n_in = y, dy, n
        if index == len(layers) - 1:
            add(OUTPUT, n, n, x=x, y=x, dx=gradient, dy=gradient, code=loss_code)
            break
        norm = layer.normalization
        if norm is not None and norm.position == "before":
            add_batch_norm(norm, n)
        activation, parameter = row_and_parameter(layer.activation)
        if activation.name != "identity":
            y = values.take(width(n)) if activation.keeps_input else x
            common = dict(dx=gradient, dy=gradient, code=activation.code, parameter=parameter)
            add(ACTIVATION, n, n, x=x, y=y, **common)
            x = y
        if norm is not None and norm.position == "after":
            add_batch_norm(norm, n)
        if layer.dropout:
            y = values.take(width(n))
            add(DROPOUT, n, n, x=x, y=y, dx=gradient, dy=gradient, rate=layer.dropout)
            x = y

    return Program(
        stages=np.array(stages, STAGE),
        dtype=dtype,
        n_features=int(n_features),
        n_outputs=n_in,
        n_parameters=parameters.size,
        n_statistics=statistics.size,
        n_transposed=transposed.size,
        n_values=values.size,
        n_gradients=gradients.size,
        flops=flops,
    )
