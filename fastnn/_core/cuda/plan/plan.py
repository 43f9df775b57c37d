"""Launches of a step, in the order of the CPU's engine."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from fastnn._core.codes import Kind

from .. import tensor_cores
from ..dense import TILINGS
from ..kernels import kernels_of
from ..launch import Launch, over_matrix
from . import dense, elementwise, normalization, outputs, small, updates
from .call import PREDICT

#: The functions that add the launches of a stage, of (plan, stage). Stages that do nothing in a
#: pass are in neither table.
FORWARD = {
    Kind.DENSE: dense.forward,
    Kind.ACTIVATION: elementwise.activation,
    Kind.DROPOUT: elementwise.dropout,
    Kind.NOISE: elementwise.noise,
    Kind.PRELU: elementwise.prelu,
    Kind.MAXOUT: elementwise.maxout,
    Kind.JOIN: elementwise.join,
    Kind.BN_STATISTICS: normalization.batch_statistics,
    Kind.BN_APPLY: normalization.batch_norm,
    Kind.ROW_NORM: normalization.row_norm,
    Kind.WEIGHT_NORM: normalization.weight_norm,
    Kind.OUTPUT: outputs.forward,
}
BACKWARD = {
    Kind.DENSE: dense.backward,
    Kind.ACTIVATION: elementwise.activation_backward,
    Kind.DROPOUT: elementwise.dropout_backward,
    Kind.PRELU: elementwise.prelu_backward,
    Kind.MAXOUT: elementwise.maxout_backward,
    Kind.FORK: elementwise.fork_backward,
    Kind.JOIN: elementwise.join_backward,
    Kind.BN_STATISTICS: normalization.batch_statistics_backward,
    Kind.BN_APPLY: normalization.batch_norm_backward,
    Kind.ROW_NORM: normalization.row_norm_backward,
    Kind.WEIGHT_NORM: normalization.weight_norm_backward,
}
#: Those of parameters whose gradients come when those of all values are known.
GRADIENTS = {
    Kind.DENSE: dense.gradient,
    Kind.WEIGHT_NORM: normalization.weight_norm_gradient,
    Kind.OUTPUT: outputs.log_variance_gradient,
}


class Plan:
    """The launches of a step.

    Parameters
    ----------
    program : Program
    arenas : Arenas
        `words`, `reals`, `losses`, `parameters`, `statistics`, `X`, `order`, `targets` (a list, for
        each head), `weights`; `gradient`, `read`, `slots`, `average` for those who need them, `out`
        and `found` for predictions.
    call : Call
    room : int
        Rows that a batch has at most.
    seed : int
    memory : Memory

    Attributes
    ----------
    launches : list of Launch
    fused : set of int
        Stages that are done with the product beside them.
    none : array
        Array passed to kernels in place of missing ones.
    product : dict
        Constants of the kernels of matrix products.
    tilings : list
        Sizes that the tiles of these may have.
    """

    def __init__(self, program, arenas, call, room, seed, memory):
        self.program, self.arenas, self.call, self.room = program, arenas, call, room
        self.keys = seed & 0xFFFFFFFF, seed >> 32
        self.real, self.kernels = program.dtype.type, kernels_of(program.dtype)
        self.product = tensor_cores.TF32 if program.tf32 else {}
        self.tilings = tensor_cores.TILINGS if program.tf32 else TILINGS[program.dtype.itemsize]
        self.fused: set[int] = set()
        self.launches: list[Launch] = []
        self._views: dict = {}
        self.memory = memory
        self.none = memory.zeros(1, program.dtype)
        self.order = memory.empty(1, np.int64) if arenas.order is None else arenas.order
        self.weights = self.none if arenas.weights is None else arenas.weights
        names = program.stages.dtype.names
        self.stages = [
            SimpleNamespace(index=index, **dict(zip(names, stage.item(), strict=True)))
            for index, stage in enumerate(program.stages)
        ]
        self.read = arenas.read if call.shifts else arenas.parameters
        if call.mode != PREDICT:
            n_heads = sum(stage.kind == Kind.OUTPUT for stage in self.stages)
            self.row_loss = memory.zeros((n_heads, room), program.dtype)
            self.numbers = None
            if outputs.weighs_heads(program, call):
                self.numbers = memory.upload(outputs.initial_numbers(program))
        if small.is_small(program, call, room):
            small.add_step(self)
        else:
            self._add_step()

    def _add_step(self):
        program, zeros = self.program, self.memory.zeros
        self.values = zeros(self.room * program.n_values, program.dtype)
        self.vectors = zeros(max(1, program.n_vectors), program.dtype)
        if self.call.mode != PREDICT:
            self.deltas = zeros(self.room * program.n_gradients, program.dtype)
        if self.call.shifts:
            updates.plan_tasks_of(self)
            updates.publish(self)
        if self.call.mode != PREDICT:
            outputs.weigh(self)
        self._read_rows()
        for stage in self.stages:
            self._add_stage(FORWARD, stage)
        if self.call.mode == PREDICT:
            outputs.write_out(self)
        else:
            outputs.mean_loss(self)
        if self.call.has_gradients:
            self.fused.clear()
            for stage in reversed(self.stages):
                if stage.dx >= 0:
                    self._add_stage(BACKWARD, stage)
            for stage in self.stages:
                if stage.kind in GRADIENTS:
                    GRADIENTS[stage.kind](self, stage)
        if self.call.trains:
            updates.update(self)
        updates.end_step(self)

    def _add_stage(self, functions, stage):
        if stage.kind in functions and stage.index not in self.fused:
            functions[stage.kind](self, stage)

    def _read_rows(self):
        n, ld = self.program.n_features, self.stages[0].ld_in
        name = "mix_rows" if self.call.mixes else "gather"
        x = self.value(0, ld)
        arrays = self.arenas.X, self.order, x
        self.add(self.over(n), name, *arrays, ORDERED=self.call.is_ordered)
        if self.call.mode == PREDICT:
            self.add(self.over(n), "find_not_finite", x, n, self.arenas.found)

    # ------------------------------------------------------------------------------------ launches

    def add(self, shape, name, *args, **bindings):
        """Add the launch of a kernel that reads the tables."""
        self.add_plain(shape, name, self.arenas.words, self.arenas.reals, *args, **bindings)

    def add_plain(self, shape, name, *args, **bindings):
        """Add the launch of a kernel that does not read them."""
        kernel = self.kernels(name, **bindings)
        self.launches.append(Launch(name, kernel, *shape, args))

    def over(self, n):
        """Grid of an elementwise kernel over n columns."""
        return over_matrix(self.room, n)

    def draws(self, stage):
        """Return the keys of a stage's random numbers."""
        return stage.index, *self.keys

    def drops(self, stage):
        """Return whether the stage draws random numbers."""
        return self.call.trains and stage.rate > 0

    # -------------------------------------------------------------------------------------- arrays

    def view(self, arena, start, *shape):
        """Return a part of an arena; the same one for the same place."""
        key = id(arena), start, shape
        if key not in self._views:
            size = int(np.prod(shape))
            self._views[key] = arena[start : start + size].reshape(shape)
        return self._views[key]

    def value(self, offset, ld):
        return self.view(self.values, offset * self.room, self.room, ld)

    def delta(self, offset, ld):
        return self.view(self.deltas, offset * self.room, self.room, ld)

    def values_of(self, stage):
        """Return input and output of a stage."""
        return self.value(stage.x, stage.ld_in), self.value(stage.y, stage.ld_out)

    def deltas_of(self, stage):
        """Return the gradients of a stage's input and output."""
        return self.delta(stage.dx, stage.ld_in), self.delta(stage.dy, stage.ld_out)

    def parameter(self, offset, *shape):
        """Return a parameter as forward and backward read it, or a placeholder."""
        return self.none if offset < 0 else self.view(self.read, offset, *shape)

    def gradient(self, offset, *shape):
        """Return the gradient of a parameter, or a placeholder."""
        return self.none if offset < 0 else self.view(self.arenas.gradient, offset, *shape)

    def vector(self, stage, which):
        """Return a vector of a stage."""
        return self.view(self.vectors, stage.vectors + which * stage.ld_out, stage.ld_out)

    def scratch(self, stage):
        """Return two vectors for sums of columns that will be summed further."""
        key = "scratch", stage.index
        if key not in self._views:
            self._views[key] = self.memory.zeros((2, stage.ld_out), self.program.dtype)
        return self._views[key][0], self._views[key][1]
