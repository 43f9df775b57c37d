"""Compile layers into a program: a table of stages, with every buffer laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from .._core.codes import TASK_ROWS, DropoutForm, Kind, StatisticsForm
from .._core.program import NEW_STAGE, STAGE, Array, Program, padded


class _Arena:
    """Hands out offsets one after another."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, n: int) -> int:
        start, self.size = self.size, self.size + n
        return start


class Compiler:
    """Lays out stages and buffers, as the layers tell one after another.

    Attributes
    ----------
    n : int
        Width of the values that the last stage left.
    layer : int
        Number of the layer whose stages come next.
    """

    def __init__(self, n_features: int, dtype) -> None:
        self.dtype, self.n, self.layer = np.dtype(dtype), int(n_features), 0
        self._parameters, self._statistics, self._transposed = _Arena(), _Arena(), _Arena()
        self._values, self._gradients = _Arena(), _Arena()
        self._sums, self._vectors, self._squares = _Arena(), _Arena(), _Arena()
        self._stages: list[dict[str, Any]] = []
        self._arrays: list[Array] = []
        self._flops = 0
        # Buffers of the values that the last stage left, and of their gradient (-1: none needed,
        # as of the input); whether these values are needed later: by a residual block, or for the
        # derivative of the activation that made them.
        self._x, self._gradient = self._values.take(self._width(self.n)), -1
        self._is_kept = False

    def add(self, layer) -> None:
        """A layer, or a block of several; a string is an activation."""
        if isinstance(layer, str):
            self.activation(layer)
            self.layer += 1
        else:
            layer.add_to(self)
            self.layer += not layer.is_block

    # What the layers call.

    def dense(self, units: int, normalizes_weights: bool = False) -> None:
        """x W + b, or x V g / |V| + b, with the norm of each column of V."""
        n_in, x, dx, ld = self.n, self._x, self._gradient, self._width(units)
        needs_gradient = dx >= 0
        self._new_values(units)
        self._gradient = self._gradients.take(ld)
        self._stage(
            Kind.DENSE,
            n_in=n_in,
            x=x,
            dx=dx,
            weight=self._parameter("coef", (n_in, units)),
            bias=-1 if normalizes_weights else self._parameter("intercept", (units,)),
            transposed=self._transposed.take(units * self._width(n_in)) if needs_gradient else -1,
        )
        self._flops += 2 * n_in * units
        if normalizes_weights:
            self._elementwise(
                Kind.WEIGHT_NORM,
                keeps_input=True,
                weight=self._parameter("g", (units,), 1.0),
                bias=self._parameter("intercept", (units,)),
                sums=self._sums.take(2 * ld),
                n_sums=2 * ld,
                vectors=self._vectors.take(4 * ld),
                squares=self._squares.take(-(-n_in // TASK_ROWS) * ld),
            )

    def activation(self, activation) -> None:
        """An activation, by name or spec."""
        from ..activations import row_and_parameter, spread_of_slopes, with_stages

        if spec := with_stages(activation):
            spec.add_to(self)
            return
        row, parameter = row_and_parameter(activation)
        if row.name != "identity":
            fields = {} if isinstance(activation, str) else activation.native(self.dtype)
            fields |= {"code": row.code, "parameter": parameter}
            fields["rate"] = spread_of_slopes(activation)
            if row.keeps_derivative:
                # In place of the values before, unless these are needed.
                fields["other"] = (
                    self._values.take(self._width(self.n)) if self._is_kept else self._x
                )
            self._elementwise(Kind.ACTIVATION, row.keeps_derivative, **fields)
            self._is_kept = not row.keeps_derivative

    def dropout(self, dropout) -> None:
        """A rate, or a spec."""
        is_rate = isinstance(dropout, Real)
        rate, inverted = (dropout, True) if is_rate else (dropout.rate, dropout.inverted)
        if rate:
            form = DropoutForm.INVERTED if inverted else DropoutForm.ORIGINAL
            fields = dict(rate=float(rate), code=form, parameter=1.0)
            self._elementwise(Kind.DROPOUT, keeps_input=False, **fields)

    def noise(self, deviation: float) -> None:
        if deviation:
            self._elementwise(Kind.NOISE, keeps_input=False, rate=deviation)

    def batch_norm(self, norm) -> None:
        n, ld = self.n, self._width(self.n)
        self._need_gradient()
        common = dict(
            statistics=self._array("mean", (n,), 0.0, self._statistics),
            code=StatisticsForm[norm.statistics.upper()],
            momentum=norm.momentum,
            # Of means only the variance is 1, in predictions too.
            groups=norm.mean_only,
            epsilon=0.0 if norm.mean_only else norm.epsilon,
            parameter=norm.unbiased and not norm.mean_only,
            weight=self._parameter("scale", (n,), 1.0),
            bias=self._parameter("shift", (n,)),
            sums=self._sums.take(4 * ld),
            n_sums=2 * ld,
            vectors=self._vectors.take(5 * ld),
        )
        self._array("variance", (n,), 1.0, self._statistics)
        assert self._statistics.size == common["statistics"] + 2 * ld
        self._stage(Kind.BN_STATISTICS, **common)
        self._elementwise(Kind.BN_APPLY, keeps_input=True, **common)

    def row_norm(self, groups: int, epsilon: float, n_scales: int) -> None:
        """Groups of consecutive columns are normalised in each row.

        `n_scales` is the number of scales and shifts: as many as columns, as groups, or 0.
        """
        self._need_gradient()
        fields = dict(
            groups=groups,
            epsilon=epsilon,
            code=n_scales == groups < self.n,
            other=self._values.take(self._width(2 * groups)),
        )
        if n_scales:
            n_sums = 2 * self._width(n_scales)
            fields |= dict(
                weight=self._parameter("scale", (n_scales,), 1.0),
                bias=self._parameter("shift", (n_scales,)),
                sums=self._sums.take(n_sums),
                n_sums=n_sums,
            )
        self._elementwise(Kind.ROW_NORM, keeps_input=True, **fields)

    def prelu(self, initial: float, shared: bool) -> None:
        """x, or a slope times x below zero."""
        self._need_gradient()
        n_slopes = 1 if shared else self.n
        n_sums = self._width(n_slopes)
        self._elementwise(
            Kind.PRELU,
            keeps_input=True,
            code=shared,
            weight=self._parameter("slope", (n_slopes,), initial),
            sums=self._sums.take(n_sums),
            n_sums=n_sums,
        )

    def maxout(self, pieces: int) -> None:
        """The largest of so many values, which lie `width / pieces` columns apart."""
        n_in, x, dx = self.n, self._x, self._gradient
        if n_in % pieces:
            raise ValueError(
                f"Maxout(k={pieces}) takes the largest of {pieces} values for each unit, and the "
                f"layer before has {n_in}, which is not a multiple of {pieces}."
            )
        self._new_values(n_in // pieces)
        self._gradient = self._gradients.take(self._width(self.n)) if dx >= 0 else -1
        self._stage(Kind.MAXOUT, n_in=n_in, x=x, dx=dx, groups=pieces)
        self._is_kept = True  # tells which of the values was the largest

    def residual(self, layers: Sequence, drop_rate: float) -> None:
        """x + f(x), f being the layers; a row goes without f with probability `drop_rate`."""
        n, x, gradient = self.n, self._x, self._gradient
        fork = len(self._stages)
        self._gradient = self._gradients.take(self._width(n))
        self._is_kept = True
        self._stage(Kind.FORK, dx=gradient)
        for layer in layers:
            self.add(layer)
        if self.n != n:
            raise ValueError(
                f"A residual block adds its output to its input, but has {n} inputs and {self.n} "
                f"outputs: end it with Dense({n})."
            )
        branch, d_branch = self._x, self._gradient
        self._new_values(n)
        self._gradient = self._gradients.take(self._width(n))
        self._stage(Kind.JOIN, x=branch, dx=d_branch, other=x, rate=drop_rate)
        self._stages[fork]["other"] = self._gradient

    def outputs(self, units: Sequence[int], heads: Sequence[Mapping[str, Any]]) -> None:
        """Heads of so many units, one beside the other, each with a loss of its own targets.

        All read the same values. The backward pass comes to the last first: it writes the gradient
        of these values, and the others add theirs. `heads` has the "activation" of each, and fields
        of its output stage; one with `groups` has a log variance that weighs its loss.
        """
        n, x, gradient = self.n, self._x, self._gradient
        for head, (n_units, fields) in enumerate(zip(units, heads, strict=True)):
            self.n, self._x, self._gradient = n, x, gradient
            self.dense(n_units)
            self._stages[-1]["adds"] = head < len(units) - 1
            self.activation(fields["activation"])
            loss = {name: value for name, value in fields.items() if name != "activation"}
            if fields.get("groups"):
                ld = self._width(1)
                loss |= {"weight": self._parameter("log_variance", (1,)), "n_sums": ld}
                loss["vectors"] = self._vectors.take(ld)
            self._stage(Kind.OUTPUT, head=head, **loss)
            self.layer += 1
        self.n = sum(units)

    def program(self, n_features: int, bfloat16: bool = False, tf32: bool = False) -> Program:
        return Program(
            stages=np.array([tuple(stage.values()) for stage in self._stages], STAGE),
            arrays=tuple(self._arrays),
            dtype=self.dtype,
            n_features=int(n_features),
            n_outputs=self.n,
            n_parameters=self._parameters.size,
            n_statistics=self._statistics.size,
            n_transposed=self._transposed.size,
            n_values=self._values.size,
            n_gradients=self._gradients.size,
            n_sums=self._sums.size,
            n_vectors=self._vectors.size,
            n_squares=self._squares.size,
            flops=self._flops,
            bfloat16=bfloat16,
            tf32=tf32,
        )

    # Of these they are made.

    def _width(self, n: int) -> int:
        return padded(n, self.dtype)

    def _array(self, name: str, shape: tuple[int, ...], initial: float, arena: _Arena) -> int:
        ld = self._width(shape[-1])
        start = arena.take(ld if len(shape) == 1 else shape[0] * ld)
        is_statistic = arena is self._statistics
        self._arrays.append(Array(self.layer, name, is_statistic, start, shape, ld, initial))
        return start

    def _parameter(self, name: str, shape: tuple[int, ...], initial: float = 0.0) -> int:
        return self._array(name, shape, initial, self._parameters)

    def _new_values(self, n: int) -> None:
        self.n, self._x, self._is_kept = n, self._values.take(self._width(n)), False

    def _need_gradient(self) -> None:
        """Reserve the gradient of the output, which stages with parameters need."""
        if self._gradient < 0:
            self._gradient = self._gradients.take(self._width(self.n))

    def _elementwise(self, kind: Kind, keeps_input: bool, **fields) -> None:
        """A stage that keeps the width, in place where nothing needs the values before it."""
        x = self._x
        if keeps_input or self._is_kept:
            self._new_values(self.n)
        self._stage(kind, x=x, **fields)

    def _stage(self, kind: Kind, **fields) -> None:
        """A stage from and to the current buffers, where `fields` do not tell otherwise."""
        stage = {
            **NEW_STAGE,
            "kind": kind,
            "n_in": self.n,
            "n_out": self.n,
            "ld_out": self._width(self.n),
            "x": self._x,
            "y": self._x,
            "dx": self._gradient,
            "dy": self._gradient,
            **fields,
        }
        stage["ld_in"] = self._width(stage["n_in"])
        self._stages.append(stage)


def compile_program(
    n_features: int,
    layers: Sequence,
    loss_code: int,
    dtype,
    input_dropout=0.0,
    input_noise: float = 0.0,
    loss_parameter: float | Sequence[float] = 0.0,
    output_activation="identity",
    bfloat16: bool = False,
    loss_functions: Mapping[str, int] | None = None,
    tf32: bool = False,
    heads: Sequence[Mapping[str, Any]] | None = None,
) -> Program:
    """Turn layer specs into a stage table with every buffer laid out.

    Parameters
    ----------
    n_features : int
        Width of the input.
    layers : sequence of layer specs
        Hidden layers and, last, the output layer: a Dense or Heads, of which only the widths count.
    loss_code : int
        Code of the loss, see ``losses.py``.
    dtype : dtype
        float32 or float64.
    input_dropout : float or Dropout, default=0.0
        Probability of dropping an input value.
    input_noise : float, default=0.0
        Standard deviation of what is added to an input value, before that.
    loss_parameter : float or sequence of float, default=0.0
        Parameter of the loss, if it has one; for several quantiles, one for each head of a target.
    output_activation : str or ActivationSpec, default="identity"
        Comes before the loss, which may contain an activation of its own.
    bfloat16 : bool, default=False
        Whether matrix products take bfloat16; `dtype` is float32 then.
    loss_functions : mapping, default=None
        Addresses of "function" and "derivative" of a loss that the user wrote.
    tf32 : bool, default=False
        Whether matrix products on a GPU take TF32; `dtype` is float32 then.
    heads : sequence of mapping, default=None
        Heads with losses of their own, see `Compiler.outputs`. None if they have the same loss.

    Returns
    -------
    Program
    """
    compiler = Compiler(n_features, dtype)
    compiler.noise(input_noise)
    compiler.dropout(input_dropout)
    for layer in layers[:-1]:
        compiler.add(layer)
    units = [int(n) for n in np.atleast_1d(layers[-1].units)]
    same: dict[str, Any] = {"code": loss_code, "activation": output_activation}
    parameters = np.atleast_1d(loss_parameter).tolist()
    if heads is None:  # each target has one for each quantile
        same |= dict(loss_functions or {})
        heads = [same | {"parameter": parameters[h % len(parameters)]} for h in range(len(units))]
    compiler.outputs(units, heads)
    return compiler.program(n_features, bfloat16, tf32)
