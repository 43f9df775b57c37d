"""Programs: a network as an engine reads it, a table of stages and flat arenas.

Python decides here, once, what native code then runs for many steps. A program knows widths,
codes and offsets; it holds no parameters and no rows, so one program serves any number of
states, batch sizes, threads and devices.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from .codes import LOSSES, Column, DropoutForm, Kind, StatisticsForm
from .memory import pin

#: Values of columns where nobody asks for anything else; those of the others are 0.
NEUTRAL = {Column.DROPOUT: 1.0, Column.MIX_WEIGHT: 1.0}

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
        ("other", np.int64),
        ("weight", np.int64),
        ("bias", np.int64),
        ("transposed", np.int64),
        ("statistics", np.int64),
        ("sums", np.int64),
        ("n_sums", np.int64),
        ("vectors", np.int64),
        ("squares", np.int64),
        ("groups", np.int64),
        ("head", np.int64),
        ("adds", np.int64),
        ("rate", np.float64),
        ("momentum", np.float64),
        ("epsilon", np.float64),
        ("parameter", np.float64),
        ("weight_factor", np.float64),
        ("bias_factor", np.float64),
        ("loss_weight", np.float64),
        ("function", np.uint64),
        ("derivative", np.uint64),
    ],
    align=True,
)

# A stage of which nothing is known yet, its fields in order; -1 is an offset that it lacks.
NEW_STAGE = {
    **dict.fromkeys(STAGE.fields or (), 0),
    **dict.fromkeys(
        ("other", "weight", "bias", "transposed", "statistics", "sums", "vectors", "squares"), -1
    ),
    **dict.fromkeys(("weight_factor", "bias_factor", "loss_weight"), 1),
}

ALIGNMENT = 64


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
    n_bytes = (math.prod(shape) if isinstance(shape, tuple) else shape) * dtype.itemsize
    raw = np.zeros(n_bytes + ALIGNMENT, np.uint8)
    # `raw.ctypes.data` says the same, and takes seven times as long.
    address = ctypes.addressof(ctypes.c_char.from_buffer(raw))  # type: ignore[arg-type]
    return np.ndarray(shape, dtype, raw, -address % ALIGNMENT)


def new_arena(shape, dtype) -> np.ndarray:
    """Make zeros of which users get views: nobody can resize them, nor what they are a view of."""
    arena = aligned_zeros(shape, dtype)
    pin(arena.base)
    return arena


def target_record(n_outputs: Sequence[int | None], dtype) -> np.dtype:
    """Return the type of a row's targets for heads of so many outputs; None for a class number."""
    formats = [np.dtype(np.int32) if n is None else np.dtype((dtype, (n,))) for n in n_outputs]
    return np.dtype([(str(head), kind) for head, kind in enumerate(formats)], align=True)


class Array(NamedTuple):
    """Location of one array of a layer.

    Attributes
    ----------
    layer : int
        Number of the layer, counting those in residual blocks one after another.
    name : str
        "coef", "intercept", "scale", "shift", "slope", "g", "log_variance"; "mean" and "variance"
        of the statistics.
    is_statistic : bool
        Whether it lies in the arena of the statistics, not of the parameters.
    start : int
    shape : tuple of int
        (fan_in, fan_out) or (n,).
    ld : int
        Row stride of a matrix.
    initial : float
    """

    layer: int
    name: str
    is_statistic: bool
    start: int
    shape: tuple[int, ...]
    ld: int
    initial: float

    def view(self, arena: np.ndarray) -> np.ndarray:
        """The array in an arena."""
        size = arena.itemsize
        strides = (self.ld * size, size)[-len(self.shape) :]
        return np.ndarray(self.shape, arena.dtype, arena, self.start * size, strides)


@dataclass(frozen=True)
class Program:
    """A compiled network.

    Attributes
    ----------
    stages : ndarray of STAGE
        In forward order; the last is the output stage, activation and loss in one. Each of several
        heads has such a stage, behind a dense one of its own.
    arrays : tuple of Array
        All parameters and statistics, layer by layer.
    dtype : dtype
        float32 or float64, of parameters and arithmetic.
    n_features, n_outputs : int
        Widths of input and output; of several heads, of all outputs side by side.
    n_parameters, n_statistics, n_transposed : int
        Lengths of the arenas, padding included, in elements.
    n_values, n_gradients : int
        Elements that one row of a batch takes in the value and gradient buffers.
    n_sums : int
        Elements that the sums over one chunk of rows take.
    n_vectors : int
        Elements of the vectors that each thread has for itself.
    n_squares : int
        Elements that the sums of squares of weights take.
    flops : int
        Floating-point operations of one row, forward.
    bfloat16 : bool
        Whether the inputs of matrix products are rounded to bfloat16, all else being float32.
    tf32 : bool
        Whether a GPU rounds them to TF32; the CPU does not.
    """

    stages: np.ndarray
    arrays: tuple[Array, ...]
    dtype: np.dtype
    n_features: int
    n_outputs: int
    n_parameters: int
    n_statistics: int
    n_transposed: int
    n_values: int
    n_gradients: int
    n_sums: int
    n_vectors: int
    n_squares: int
    flops: int = field(compare=False)
    bfloat16: bool = False
    tf32: bool = False

    @functools.cached_property
    def is_output(self) -> np.ndarray:
        """Return a mask of the stages of outputs."""
        return self.stages["kind"] == Kind.OUTPUT

    @functools.cached_property
    def n_heads(self) -> int:
        """Return the number of output layers."""
        return int(self.is_output.sum())

    @functools.cached_property
    def target_record(self) -> np.dtype:
        """Return the type of a row's targets if heads differ in kind: a field for each, by number.

        The target of a head is a class number, or a number for each output.
        """
        heads = self.stages[self.is_output]
        classes = [loss.code for loss in LOSSES.values() if loss.class_codes]
        takes_classes = np.isin(heads["code"], classes).tolist()
        shapes = [
            None if takes_class else n
            for takes_class, n in zip(takes_classes, heads["n_out"].tolist(), strict=True)
        ]
        return target_record(shapes, self.dtype)

    @functools.cached_property
    def needs_records(self) -> bool:
        """Return whether targets must be records: of several heads, unless they are columns."""
        fields = [self.target_record[head] for head in range(self.n_heads)]
        return len(fields) > 1 and (len(set(fields)) > 1 or fields[0].shape not in ((), (1,)))

    @functools.cached_property
    def random_kinds(self) -> list[int]:
        """The kinds of the stages that draw at random in training."""
        return self.stages["kind"][self.stages["rate"] > 0].tolist()

    @functools.cached_property
    def has_exact_statistics(self) -> bool:
        """Return whether batch norm uses the statistics of all rows at the end."""
        kinds, codes = self.stages["kind"].tolist(), self.stages["code"].tolist()
        return (Kind.BN_APPLY, StatisticsForm.EXACT) in zip(kinds, codes, strict=True)

    @functools.cached_property
    def reads_sparse(self) -> bool:
        """Return whether the rows enter a matrix product first, so that they may be sparse."""
        kinds = self.stages["kind"]
        return bool(kinds[int(kinds[0] == Kind.DROPOUT)] == Kind.DENSE)

    @functools.cached_property
    def of_pre_activations(self) -> Program:
        """Return the network with the identity for its output activation."""
        stages = self.stages.copy()
        stages["code"][self.is_output] = LOSSES["squared_error"].code
        stages["parameter"][self.is_output] = 0.0
        return replace(self, stages=stages)

    def without_chance(self) -> np.ndarray:
        """The stages with nothing drawn at random in training: values are those of prediction."""
        stages = self.stages.copy()
        original = (stages["kind"] == Kind.DROPOUT) & (stages["code"] == DropoutForm.ORIGINAL)
        stages["parameter"][original] = 1 - stages["rate"][original]
        stages["rate"] = 0.0
        return stages

    def named(self, parameters: np.ndarray, statistics: np.ndarray | None = None) -> list[dict]:
        """The arrays of each layer by name, as views; without `statistics`, the parameters."""
        views: list[dict] = [{} for _ in range(self.arrays[-1].layer + 1)]
        for array in self.arrays:
            arena = statistics if array.is_statistic else parameters
            if arena is not None:
                views[array.layer][array.name] = array.view(arena)
        return views

    def shapes(self) -> list[dict[str, tuple[int, ...]]]:
        """The shapes of the arrays of each layer by name."""
        shapes: list[dict] = [{} for _ in range(self.arrays[-1].layer + 1)]
        for array in self.arrays:
            shapes[array.layer][array.name] = array.shape
        return shapes

    def coefs(self, arena: np.ndarray) -> list[np.ndarray]:
        """The weights in `arena` as views of shape (fan_in, fan_out), a dense layer each."""
        return [array.view(arena) for array in self.arrays if array.name == "coef"]

    def intercepts(self, arena: np.ndarray) -> list[np.ndarray]:
        """The biases in `arena` as views of shape (fan_out,), a dense layer each."""
        return [array.view(arena) for array in self.arrays if array.name == "intercept"]


@dataclass
class State:
    """Arenas of one program, which training updates in place.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
    statistics : ndarray of shape (n_statistics,)
        Moving means and variances of batch norm.
    slots : ndarray of shape (n_slots, n_parameters)
        The optimizer's moments, laid out as the parameters.
    step : int
        Steps taken so far; random masks depend on it.
    average : ndarray of shape (n_parameters,) or (0,)
        Average of the parameters, where there is one.
    n_averaged : int
        Number of steps whose parameters are in it.
    """

    parameters: np.ndarray
    statistics: np.ndarray
    slots: np.ndarray
    step: int = 0
    average: np.ndarray = field(default_factory=lambda: np.empty(0))
    n_averaged: int = 0

    @classmethod
    def new(cls, program: Program, n_slots: int) -> State:
        """Zero weights, biases and slots; normalisation that changes nothing (scale 1, ..)."""
        state = cls(
            new_arena(program.n_parameters, program.dtype),
            new_arena(program.n_statistics, program.dtype),
            new_arena((n_slots, program.n_parameters), program.dtype),
        )
        for array in program.arrays:
            if array.initial:
                arena = state.statistics if array.is_statistic else state.parameters
                array.view(arena)[...] = array.initial
        return state

    def copied(self) -> State:
        """Return a copy with separate arenas."""
        arenas = self.parameters, self.statistics, self.slots, self.average
        parameters, statistics, slots, average = map(_copied, arenas)
        return State(parameters, statistics, slots, self.step, average, self.n_averaged)


def _copied(arena: np.ndarray) -> np.ndarray:
    copied = new_arena(arena.shape, arena.dtype)
    copied[...] = arena
    return copied
