"""What is launched at a step, stage by stage: with ``engine.py`` the twin of ``cpu/engine.pyx``.

A plan is made once for many steps of one kind: arrays and sizes are settled, and launches are
listed in the order in which the CPU's engine goes through a step. What it fuses or skips for the
sake of its caches has no counterpart here, but that an activation beside a product is done with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from fastnn._core.codes import Column, DropoutForm, Kind, Rule
from fastnn._core.program import padded
from fastnn._core.user_functions import function_at

from . import activations, dense, losses, optimizers, small_plan, tensor_cores
from .kernels import FEW_THREADS, MOST_THREADS, THREADS, kernels_of
from .launch import (
    ONE_BLOCK,
    Launch,
    over_columns,
    over_elements,
    over_matrix,
    over_rows,
    over_tiles,
)
from .tasks import over_tasks, plan_tasks

#: What a call does: train (dropout, batch statistics, optimizer), sum gradients (no dropout, batch
#: statistics), predict or find the loss (no dropout, moving statistics).
TRAIN, GRADIENT, PREDICT, EVALUATE = "train", "gradient", "predict", "evaluate"

# Of vectors of a stage, as in ``cpu/engine.pyx``.
MEAN, VARIANCE, INVERSE_STD = range(3)
INVERSE_NORM, SCALE, D_SCALE, D_SUM = range(4)


@dataclass(frozen=True)
class Call:
    """What the steps of a call have in common; of the columns of their table, which are in use."""

    mode: str
    is_ordered: bool = False
    has_weights: bool = False
    optimizer: int = 0
    n_slots: int = 0
    columns: frozenset = field(default_factory=frozenset)
    mixes: bool = False

    @property
    def trains(self):
        return self.mode == TRAIN

    @property
    def looks_ahead(self):
        return self.trains and self.optimizer == Rule.LOOK_AHEAD

    @property
    def shifts(self):
        """Whether forward and backward read other parameters than the optimizer changes."""
        return self.looks_ahead or (self.trains and Column.WEIGHT_NOISE in self.columns)

    @property
    def penalises(self):
        return self.trains and bool({Column.L1, Column.L2} & self.columns)

    @property
    def clips_norm(self):
        return self.trains and Column.CLIP_NORM in self.columns


class Arenas(SimpleNamespace):
    """Arrays of the device: parameters, slots, .. as in ``State``, tables, rows, targets."""


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
    """

    def __init__(self, program, arenas, call, room, seed, memory):
        self.program, self.arenas, self.call, self.room = program, arenas, call, room
        self.keys = seed & 0xFFFFFFFF, seed >> 32
        self.real, self._kernels = program.dtype.type, kernels_of(program.dtype)
        # By what products of matrices are made, and the sizes that their tiles may have.
        self._product = tensor_cores.TF32 if program.tf32 else {}
        sizes = dense.TILINGS[program.dtype.itemsize]
        self._tilings = tensor_cores.TILINGS if program.tf32 else sizes
        self._is_fused: set = set()  # stages that are done with the product before them
        self.launches: list[Launch] = []
        self._views: dict = {}
        self.memory = memory
        # What kernels are given in the place of arrays that there are not.
        self._none = memory.zeros(1, program.dtype)
        self.order = memory.empty(1, np.int64) if arenas.order is None else arenas.order
        self.weights = self._none if arenas.weights is None else arenas.weights
        names = program.stages.dtype.names
        self.stages = [
            SimpleNamespace(index=index, **dict(zip(names, stage.item(), strict=True)))
            for index, stage in enumerate(program.stages)
        ]
        self.read = arenas.read if call.shifts else arenas.parameters
        if call.mode != PREDICT:
            n_heads = sum(stage.kind == Kind.OUTPUT for stage in self.stages)
            self.row_loss = memory.zeros((n_heads, room), program.dtype)
        if small_plan.is_small(program, call, room):
            small_plan.add_step(self)
        else:
            self._plan()

    def _plan(self):
        program, zeros = self.program, self.memory.zeros
        self.values = zeros(self.room * program.n_values, program.dtype)
        self.vectors = zeros(max(1, program.n_vectors), program.dtype)
        if self.call.mode != PREDICT:
            self.deltas = zeros(self.room * program.n_gradients, program.dtype)
        if self.call.shifts:
            self._tasks()
            self._publish()
        self._read_rows()
        for stage in self.stages:
            self._forward(stage)
        if self.call.mode == PREDICT:
            self._write_out()
        else:
            self._mean_loss()
        if self.call.mode in (TRAIN, GRADIENT):
            self._is_fused.clear()
            for stage in reversed(self.stages):
                self._backward(stage)
            for stage in self.stages:
                self._gradient(stage)
        if self.call.trains:
            self._update()
        self._end()

    # ------------------------------------------------------------------------- launches and views

    def add(self, shape, name, *args, **bindings):
        """A launch of a kernel that reads the tables."""
        self.add_plain(shape, name, self.arenas.words, self.arenas.reals, *args, **bindings)

    def add_plain(self, shape, name, *args, **bindings):
        kernel = self._kernels(name, **bindings)
        self.launches.append(Launch(name, kernel, *shape, args))

    def over(self, n):
        """Grid of an elementwise kernel over n columns."""
        return over_matrix(self.room, n)

    def view(self, arena, start, *shape):
        """A part of an arena; the same one for the same place."""
        key = id(arena), start, shape
        if key not in self._views:
            size = int(np.prod(shape))
            self._views[key] = arena[start : start + size].reshape(shape)
        return self._views[key]

    def _value(self, offset, ld):
        return self.view(self.values, offset * self.room, self.room, ld)

    def _delta(self, offset, ld):
        return self.view(self.deltas, offset * self.room, self.room, ld)

    def _parameter(self, offset, *shape):
        """As forward and backward read it; something where there is none."""
        return self._none if offset < 0 else self.view(self.read, offset, *shape)

    def _of_gradient(self, offset, *shape):
        return self._none if offset < 0 else self.view(self.arenas.gradient, offset, *shape)

    def _vector(self, stage, which):
        return self.view(self.vectors, stage.vectors + which * stage.ld_out, stage.ld_out)

    def _moving(self, stage):
        statistics, ld = self.arenas.statistics, stage.ld_out
        return [self.view(statistics, stage.statistics + i * ld, ld) for i in range(2)]

    # ------------------------------------------------------------------------------ rows, forward

    def _read_rows(self):
        n, ld = self.program.n_features, self.stages[0].ld_in
        name = "mix_rows" if self.call.mixes else "gather"
        x = self._value(0, ld)
        arrays = self.arenas.X, self.order, x
        self.add(self.over(n), name, *arrays, ORDERED=self.call.is_ordered)
        if self.call.mode == PREDICT:
            self.add(self.over(n), "find_not_finite", x, n, self.arenas.found)

    def _forward(self, stage):
        if stage.index in self._is_fused:
            return
        n, ld = stage.n_out, stage.ld_out
        over = self.over(n)
        x, y = self._value(stage.x, stage.ld_in), self._value(stage.y, ld)
        draws = stage.index, *self.keys
        drops = self.call.trains and stage.rate > 0
        if stage.kind == Kind.DENSE:
            weight = self._parameter(stage.weight, stage.n_in, ld)
            bias = self._parameter(stage.bias, 1, ld)
            y, *finish = self._finish_activation(stage, y)
            self._matmul(stage.n_in, n, x, weight, bias, y, *finish, HAS_BIAS=stage.bias >= 0)
        elif stage.kind == Kind.WEIGHT_NORM:
            self._weight_norm(stage, x, y)
        elif stage.kind == Kind.ROW_NORM:
            self.add(
                over_rows(self.room * stage.groups),
                "rownorm",
                x,
                self._parameter(stage.weight, stage.n_sums // 2),
                self._parameter(stage.bias, stage.n_sums // 2),
                y,
                self._row_statistics(stage),
                n,
                stage.groups,
                self.real(stage.epsilon),
                HAS_SCALE=stage.weight >= 0,
                PER_GROUP=bool(stage.code),
            )
        elif stage.kind == Kind.PRELU:
            slope = self._parameter(stage.weight, stage.n_sums)
            self.add(over, "prelu", x, slope, y, n, SHARED_SLOPE=bool(stage.code))
        elif stage.kind == Kind.MAXOUT:
            self.add(over, "maxout", x, y, n, stage.groups)
        elif stage.kind == Kind.ACTIVATION:
            self._activation(stage, x, y, drops)
        elif stage.kind == Kind.BN_STATISTICS:
            self.add(
                over_columns(n),
                "batchnorm_statistics",
                x,
                *self._moving(stage),
                self._vector(stage, MEAN),
                self._vector(stage, VARIANCE),
                self._vector(stage, INVERSE_STD),
                n,
                self.real(stage.epsilon),
                CONSTANT_STATISTICS=self.call.mode in (PREDICT, EVALUATE),
            )
        elif stage.kind == Kind.BN_APPLY:
            scale, shift = (self._parameter(at, ld) for at in (stage.weight, stage.bias))
            statistics = self._vector(stage, MEAN), self._vector(stage, INVERSE_STD)
            self.add(over, "batchnorm", x, *statistics, scale, shift, y, n)
        elif stage.kind == Kind.DROPOUT and self.call.trains:
            self.add(over, "dropout", x, y, n, *draws)
        elif stage.kind == Kind.DROPOUT and stage.code == DropoutForm.ORIGINAL:
            self.add(over, "scaled", x, y, n, self.real(1 - stage.rate))
        elif stage.kind == Kind.NOISE and self.call.trains:
            deviation = self.real(stage.rate)
            self.add(over, "normal_noise", x, y, n, stage.index, deviation, *self.keys)
        elif stage.kind in (Kind.DROPOUT, Kind.NOISE) and stage.x != stage.y:
            self.add(over, "scaled", x, y, n, self.real(1))
        elif stage.kind == Kind.JOIN:
            skip = self._value(stage.other, ld)
            self.add(over, "residual", skip, x, y, n, *draws, HAS_SKIP=True, DROPS=drops)
        elif stage.kind == Kind.OUTPUT:
            self._output(stage, y)

    def _matmul(self, k, n, a, b, bias, c, of, parameter, finish, **bindings):
        """c = a b + bias for the rows of the batch; `finish`: what to bind for its elements."""
        tiling = dense.choose_tiling(self.room, n, self._tilings)
        bindings = self._product | tiling | finish | bindings
        arguments = a, b, bias, c, of, n, k, self.real(parameter)
        self.add(over_tiles(self.room, n, tiling), "matmul", *arguments, **bindings)

    def _finish_activation(self, stage, y):
        """Where the activation behind a layer is done with its product: its values, and the rest
        that `_matmul` takes."""
        after = self.stages[stage.index + 1]
        kept = after.other >= 0 and self.call.mode != PREDICT
        drops = self.call.trains and after.rate > 0
        if after.kind != Kind.ACTIVATION or kept or drops or after.function:
            return y, self._none, 0.0, {}
        self._is_fused.add(after.index)
        value = activations.VALUES[after.code]
        finish = dict(finish="finish_activation", activation_value=value)
        return self._value(after.y, after.ld_out), self._none, after.parameter, finish

    def _finish_derivative(self, stage):
        """Where the activation before a layer has its gradient with the layer's: what `_matmul`
        takes for that."""
        before = self.stages[stage.index - 1]
        drops = self.call.trains and before.rate > 0
        if before.kind != Kind.ACTIVATION or drops or stage.adds or before.dy != stage.dx:
            return self._none, 0.0, {}
        self._is_fused.add(before.index)
        of, derivative = self._derivative(before)
        finish = dict(finish="finish_derivative", activation_derivative=derivative)
        return of, before.parameter, finish

    def _derivative(self, stage):
        """Of what the derivative of an activation is made, and by which function."""
        if stage.other >= 0:
            return self._value(stage.other, stage.ld_out), "derivative_kept"
        return self._value(stage.y, stage.ld_out), activations.DERIVATIVES.get(stage.code)

    def _row_statistics(self, stage):
        return self._value(stage.other, padded(2 * stage.groups, self.program.dtype))

    def _weight_norm(self, stage, x, y):
        layer, ld = self.stages[stage.index - 1], stage.ld_out
        scale = self._vector(stage, SCALE)
        self.add(
            over_columns(stage.n_out),
            "weightnorm_scales",
            self._parameter(layer.weight, layer.n_in, ld),
            self._parameter(stage.weight, ld),
            self._vector(stage, INVERSE_NORM),
            scale,
            layer.n_in,
            stage.n_out,
        )
        bias = self._parameter(stage.bias, ld)
        self.add(self.over(stage.n_out), "weightnorm", x, scale, bias, y, stage.n_out)

    def _activation(self, stage, x, y, drops):
        n, over, parameter = stage.n_out, self.over(stage.n_out), self.real(stage.parameter)
        if drops:
            self.add(over, "rrelu", x, y, n, stage.index, *self._slopes(stage), *self.keys)
        elif stage.function:
            d = self._value(stage.other, stage.ld_out)
            functions = self._functions(stage, "user_activation", 1)
            self.add(over, "activation_of_user", x, y, d, n, **functions)
        elif stage.other >= 0 and self.call.mode != PREDICT:
            d, pair = self._value(stage.other, stage.ld_out), activations.PAIRS[stage.code]
            name = "activation_with_derivative"
            self.add(over, name, x, y, d, n, parameter, activation_pair=pair)
        else:
            value = activations.VALUES[stage.code]
            self.add(over, "activation", x, y, n, parameter, activation_value=value)

    def _functions(self, stage, name, n_arguments):
        """Those of the user, to be bound."""
        addresses = {name: stage.function, f"{name}_derivative": stage.derivative}
        return {
            name: self._kernels.of_user(function_at(address), n_arguments)
            for name, address in addresses.items()
        }

    def _slopes(self, stage):
        """The least slope of RReLU, and how much more a random word of 24 bits adds."""
        least = self.real(stage.parameter - 0.5 * stage.rate)
        return least, self.real(self.real(stage.rate) * self.real(2.0**-24))

    def _output(self, stage, y):
        parameter = self.real(stage.parameter)
        if self.call.mode == PREDICT:
            kernel = None if stage.function else losses.output_kernel(stage.code)
            if kernel is not None:
                name, bindings = kernel
                by_row = name == "softmax_output"
                over = self._over_outputs(stage) if by_row else self.over(stage.n_out)
                bindings = bindings | (dict(THREADS=over[1]) if by_row else {})
                self.add(over, name, y, stage.n_out, parameter, **bindings)
            return
        bindings = self.of_losses
        if stage.function:
            name, of_loss = "loss_of_user", self._functions(stage, "user_loss", 2)
        else:
            name, of_loss = losses.loss_kernel(stage.code)
        over = self._over_outputs(stage)
        self.add(
            over,
            name,
            y,
            self.arenas.targets[stage.head],
            self.order,
            self.weights,
            self._delta(stage.dy, stage.ld_out),
            self.row_loss[stage.head],
            stage.n_out,
            parameter,
            THREADS=over[1],
            **of_loss,
            **bindings,
        )

    def _over_outputs(self, stage):
        """Grid of a kernel with a block for each row of outputs, of no more threads than it has
        work for."""
        return over_rows(self.room, FEW_THREADS if stage.n_out <= FEW_THREADS else THREADS)

    @property
    def of_losses(self):
        """What is bound for any loss."""
        return dict(
            ORDERED=self.call.is_ordered,
            HAS_WEIGHTS=self.call.has_weights,
            MIXES=self.call.mixes,
            SMOOTHS=Column.SMOOTHING in self.call.columns,
        )

    def _mean_loss(self):
        arenas = self.arenas
        arrays = self.row_loss, self.weights, self.order, arenas.losses
        self.add(
            (1, MOST_THREADS),
            "mean_loss",
            *arrays,
            self.row_loss.shape[0],
            THREADS=MOST_THREADS,
            TRAINS=self.call.trains,
            ORDERED=self.call.is_ordered,
            HAS_WEIGHTS=self.call.has_weights,
        )

    def _write_out(self):
        first = 0
        for stage in self.stages:
            if stage.kind == Kind.OUTPUT:
                y, n = self._value(stage.y, stage.ld_out), stage.n_out
                self.add(self.over(n), "scatter", y, self.arenas.out, first, n)
                first += n

    # ----------------------------------------------------------------------------------- backward

    def _backward(self, stage):
        """The gradient of a stage's input, and sums that its parameters' gradients are."""
        if stage.dx < 0 or stage.index in self._is_fused:
            return
        n, ld = stage.n_out, stage.ld_out
        over, draws = self.over(n), (stage.index, *self.keys)
        x, y = self._value(stage.x, stage.ld_in), self._value(stage.y, ld)
        dx, dy = self._delta(stage.dx, stage.ld_in), self._delta(stage.dy, ld)
        drops = self.call.trains and stage.rate > 0
        if stage.kind == Kind.DENSE:
            weight = self._parameter(stage.weight, stage.n_in, ld)
            bindings = dict(B_TRANSPOSED=True, ADDS=bool(stage.adds))
            finish = self._finish_derivative(stage)
            self._matmul(n, stage.n_in, dy, weight, self._none, dx, *finish, **bindings)
        elif stage.kind == Kind.ACTIVATION and drops:
            slopes = self._slopes(stage)
            self.add(over, "rrelu_gradient", y, dy, n, stage.index, *slopes, *self.keys)
        elif stage.kind == Kind.ACTIVATION:
            of, derivative = self._derivative(stage)
            bindings = dict(activation_derivative=derivative)
            parameter = self.real(stage.parameter)
            self.add(over, "activation_gradient", of, dy, n, parameter, **bindings)
        elif stage.kind == Kind.DROPOUT and self.call.trains:
            self.add(over, "dropout", dy, dy, n, *draws)
        elif stage.kind == Kind.DROPOUT and stage.code == DropoutForm.ORIGINAL:
            self.add(over, "scaled", dy, dy, n, self.real(1 - stage.rate))
        elif stage.kind == Kind.JOIN:
            bindings = dict(HAS_SKIP=False, DROPS=drops)
            self.add(over, "residual", dy, dy, dx, n, *draws, **bindings)
        elif stage.kind == Kind.FORK:
            skip = self._delta(stage.other, ld)
            bindings = dict(HAS_SKIP=True, DROPS=False)
            self.add(over, "residual", skip, dy, dx, n, *draws, **bindings)
        elif stage.kind == Kind.MAXOUT:
            self.add(over, "maxout_gradient", x, y, dy, dx, n, stage.groups)
        elif stage.kind == Kind.ROW_NORM:
            self._row_norm_backward(stage, x, dy)
        elif stage.kind == Kind.PRELU:
            self._prelu_backward(stage, x, dy)
        elif stage.kind == Kind.WEIGHT_NORM:
            sums = self._vector(stage, D_SCALE), self._vector(stage, D_SUM)
            self._column_sums("term_itself", x, dy, self._none, self._none, *sums, n)
            self.add(over, "weightnorm_gradient", self._vector(stage, SCALE), dy, n)
        elif stage.kind == Kind.BN_APPLY:
            sums = self._of_gradient(stage.weight, ld), self._of_gradient(stage.bias, ld)
            statistics = self._vector(stage, MEAN), self._vector(stage, INVERSE_STD)
            self._column_sums("term_normalised", x, dy, *statistics, *sums, n)
        elif stage.kind == Kind.BN_STATISTICS:
            statistics = self._vector(stage, MEAN), self._vector(stage, INVERSE_STD)
            scale = self._parameter(stage.weight, ld)
            d_scale, d_shift = (self._of_gradient(at, ld) for at in (stage.weight, stage.bias))
            arrays = x, *statistics, scale, d_shift, d_scale, dy
            self.add(over, "batchnorm_gradient", *arrays, n)

    def _column_sums(self, term, x, dy, mean, inverse, products, sums, n, accumulates=False):
        arrays = x, dy, mean, inverse, products, sums, n
        bindings = dict(column_term=term, ACCUMULATES=accumulates)
        self.add(over_columns(n), "column_sums", *arrays, **bindings)

    @property
    def _adds_up(self):
        """Whether gradients are added to those of the blocks of rows before."""
        return self.call.mode == GRADIENT

    def _scratch(self, stage):
        """Two vectors for sums of columns that will be summed further."""
        key = "scratch", stage.index
        if key not in self._views:
            self._views[key] = self.memory.zeros((2, stage.ld_out), self.program.dtype)
        return self._views[key][0], self._views[key][1]

    def _row_norm_backward(self, stage, x, dy):
        n, groups, width = stage.n_out, stage.groups, stage.n_out // stage.groups
        statistics = self._row_statistics(stage)
        of_row = x, dy, statistics, width
        if stage.weight >= 0:
            length = stage.n_sums // 2
            scale, shift = (self._of_gradient(at, length) for at in (stage.weight, stage.bias))
            if stage.code:
                products, sums = self._scratch(stage)
                self._column_sums("term_of_group", *of_row, products, sums, n)
                for columns, gradient in ((products, scale), (sums, shift)):
                    arguments = columns, gradient, width, groups
                    add = self.add_plain
                    add(over_elements(groups), "group_sums", *arguments, ACCUMULATES=self._adds_up)
            else:
                self._column_sums("term_of_group", *of_row, scale, shift, n, self._adds_up)
        self.add(
            over_rows(self.room * groups),
            "rownorm_gradient",
            x,
            statistics,
            self._parameter(stage.weight, stage.n_sums // 2),
            dy,
            n,
            groups,
            HAS_SCALE=stage.weight >= 0,
            PER_GROUP=bool(stage.code),
        )

    def _prelu_backward(self, stage, x, dy):
        n, shared = stage.n_out, bool(stage.code)
        gradient = self._of_gradient(stage.weight, stage.n_sums)
        products, sums = self._scratch(stage)
        of_slope = x, dy, self._none, self._none
        if shared:
            self._column_sums("term_below_zero", *of_slope, products, sums, n)
            bindings = dict(ACCUMULATES=self._adds_up)
            self.add_plain(ONE_BLOCK, "total_of_columns", products, gradient, n, **bindings)
        else:
            of_slope = *of_slope, gradient, sums
            self._column_sums("term_below_zero", *of_slope, n, self._adds_up)
        slope = self._parameter(stage.weight, stage.n_sums)
        self.add(self.over(n), "prelu_gradient", x, slope, dy, n, SHARED_SLOPE=shared)

    def _gradient(self, stage):
        """The gradients of weights and biases, when those of all values are known."""
        n, ld = stage.n_out, stage.ld_out
        if stage.kind == Kind.WEIGHT_NORM:
            self.add_plain(
                over_elements(n),
                "weightnorm_vectors",
                self._vector(stage, D_SCALE),
                self._vector(stage, INVERSE_NORM),
                self._vector(stage, D_SUM),
                self._of_gradient(stage.weight, ld),
                self._of_gradient(stage.bias, ld),
                n,
                ACCUMULATES=self._adds_up,
            )
        if stage.kind != Kind.DENSE:
            return
        x, dy = self._value(stage.x, stage.ld_in), self._delta(stage.dy, ld)
        # The bias lies behind the weight. Tensor cores round what they read, and so do not sum it.
        has_sums = stage.bias == stage.weight + stage.n_in * ld and not self.program.tf32
        n_rows = stage.n_in + has_sums
        gradient = self._of_gradient(stage.weight, n_rows, ld)
        tiling, n_parts = dense.choose_tiling_and_parts(stage.n_in, n, self.room, self._tilings)
        parts = gradient
        if n_parts > 1:
            parts = self.memory.zeros((n_parts * n_rows, ld), self.program.dtype)
        self.add(
            over_tiles(stage.n_in, n, tiling, n_parts),
            "matmul_transposed",
            x,
            dy,
            parts,
            stage.n_in,
            n,
            n_parts,
            A_TRANSPOSED=True,
            SUMS_COLUMNS=has_sums,
            ADDS=self._adds_up and n_parts == 1,
            **self._product,
            **tiling,
        )
        if n_parts > 1:
            size = n_rows * ld
            vectors = self.view(parts, 0, n_parts * size), self._of_gradient(stage.weight, size)
            add = self.add_plain
            add(over_elements(size), "add_parts", *vectors, n_parts, ADDS=self._adds_up)
        if stage.bias >= 0 and not has_sums:
            arrays = x, dy, self._none, self._none, self._none, self._of_gradient(stage.bias, ld)
            bindings = dict(WITH_PRODUCTS=False, ACCUMULATES=self._adds_up)
            self.add(over_columns(n), "column_sums", *arrays, n, **bindings)
        norm = self.stages[stage.index + 1]
        if norm.kind == Kind.WEIGHT_NORM:
            self.add_plain(
                self._over_weight(stage),
                "weightnorm_correct",
                self._vector(norm, D_SCALE),
                self._vector(norm, SCALE),
                self._vector(norm, INVERSE_NORM),
                self._parameter(stage.weight, stage.n_in, ld),
                gradient,
                stage.n_in,
                n,
            )

    def _over_weight(self, stage):
        return over_matrix(stage.n_in, stage.n_out)

    # ------------------------------------------------------------------------------------- update

    def _tasks(self):
        """The tasks of the update and their sums, on the device."""
        tasks, factors, n_weights = plan_tasks(self.program)
        real, zeros = self.program.dtype, self.memory.zeros
        self.tasks = self.memory.upload(tasks)
        self.factors = self.memory.upload(factors.astype(real))
        self.n_tasks, self.n_weights = len(tasks), n_weights
        names = "penalties", "magnitudes", "squares", "weight_squares", "told"
        self.sums = SimpleNamespace(**{name: zeros(len(tasks), real) for name in names})
        self.clip = zeros(1, real)

    def _publish(self):
        arenas, call = self.arenas, self.call
        velocity = arenas.slots[0] if call.looks_ahead else self._none
        self.add(
            over_tasks(self.n_tasks),
            "publish",
            self.tasks,
            arenas.parameters,
            velocity,
            arenas.read,
            *self.keys,
            LOOKS_AHEAD=call.looks_ahead,
            ADDS_NOISE=Column.WEIGHT_NOISE in call.columns,
        )

    def _update(self):
        arenas, call = self.arenas, self.call
        if not call.shifts:
            self._tasks()
        for stage in self.stages:
            if stage.kind == Kind.BN_APPLY:
                arrays = self._vector(stage, MEAN), self._vector(stage, VARIANCE)
                arrays += tuple(self._moving(stage))
                momentum = self.real(stage.momentum)
                over_vector = over_elements(stage.n_out)
                self.add(over_vector, "batchnorm_moving", *arrays, stage.n_out, momentum)
        of_tasks = self.tasks, self.factors
        if call.clips_norm:
            squares = self.sums.squares
            self.add(
                over_tasks(self.n_tasks),
                "finish_gradient",
                *of_tasks,
                self.read,
                arenas.gradient,
                squares,
                self.sums.told,
            )
            self.add(ONE_BLOCK, "clip_factor", squares, self.clip, self.n_tasks)
        self.add(
            over_tasks(self.n_tasks),
            "optimize",
            *of_tasks,
            self.read,
            arenas.parameters,
            arenas.gradient,
            self.slots,
            self.clip,
            self.sums.penalties,
            self.sums.magnitudes,
            self.sums.told,
            IS_FINISHED=call.clips_norm,
            DECAYS_AT_ONCE=call.optimizer != Rule.LAMB,
            **self.of_rule,
        )
        if call.optimizer == Rule.LAMB:
            self._lamb(of_tasks)
        if Column.MAX_NORM in call.columns:
            for stage in self.stages:
                if stage.kind == Kind.DENSE:
                    shape = stage.n_in, stage.ld_out
                    weight = self.view(arenas.parameters, stage.weight, *shape)
                    factor = self.real(stage.weight_factor)
                    arguments = weight, factor, stage.n_in, stage.n_out
                    self.add(over_columns(stage.n_out), "limit_columns", *arguments)
        if Column.AVERAGE in call.columns:
            n = self.program.n_parameters
            arrays = arenas.parameters, arenas.average
            self.add(over_elements(n), "average", *arrays, n)

    @property
    def slots(self):
        if self.call.n_slots:
            return self.arenas.slots
        return self.memory.zeros((1, 1), self.program.dtype)

    @property
    def of_rule(self):
        """What is bound for any rule."""
        return dict(
            update_rule=optimizers.RULES[self.call.optimizer],
            N_SLOTS=self.call.n_slots,
            PENALISES=self.call.penalises,
        )

    def _lamb(self, of_tasks):
        arenas, sums = self.arenas, self.sums
        ratios = self.memory.zeros(max(1, self.n_weights), self.program.dtype)
        squares = sums.weight_squares, sums.squares
        arrays = arenas.parameters, arenas.gradient
        self.add(over_tasks(self.n_tasks), "lamb_sums", self.tasks, *arrays, *squares)
        arguments = self.tasks, *squares, ratios, self.n_weights
        self.add(over_tasks(self.n_weights), "trust_ratios", *arguments)
        self.add(over_tasks(self.n_tasks), "lamb_step", *of_tasks, *arrays, ratios)

    def _end(self):
        sums, n_tasks = [self._none] * 3, 0
        if self.call.trains:
            sums = [self.sums.penalties, self.sums.magnitudes, self.sums.told]
            n_tasks = self.n_tasks
        bindings = dict(TRAINS=self.call.trains, PENALISES=self.call.penalises)
        self.add(ONE_BLOCK, "end_step", *sums, self.arenas.losses, n_tasks, **bindings)
