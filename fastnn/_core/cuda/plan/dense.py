"""Dense stages: products of matrices, with the activation beside them where that can be."""

from fastnn._core.codes import Kind

from .. import activations
from ..dense import choose_tiling, choose_tiling_and_parts
from ..launch import over_columns, over_elements, over_tiles
from .call import PREDICT
from .elementwise import derivative_of
from .normalization import weight_norm_correction


def forward(plan, stage):
    n, ld = stage.n_out, stage.ld_out
    x, y = plan.values_of(stage)
    weight = plan.parameter(stage.weight, stage.n_in, ld)
    bias = plan.parameter(stage.bias, 1, ld)
    y, *finish = _finish_activation(plan, stage, y)
    _matmul(plan, stage.n_in, n, x, weight, bias, y, *finish, HAS_BIAS=stage.bias >= 0)


def backward(plan, stage):
    dx, dy = plan.deltas_of(stage)
    weight = plan.parameter(stage.weight, stage.n_in, stage.ld_out)
    bindings = dict(B_TRANSPOSED=True, ADDS=bool(stage.adds))
    finish = _finish_derivative(plan, stage)
    _matmul(plan, stage.n_out, stage.n_in, dy, weight, plan.none, dx, *finish, **bindings)


def _matmul(plan, k, n, a, b, bias, c, of, parameter, finish, **bindings):
    """Compute c = a b + bias for the rows of the batch; `finish` are bindings for its elements."""
    tiling = choose_tiling(plan.room, n, plan.tilings)
    bindings = plan.product | tiling | finish | bindings
    arguments = a, b, bias, c, of, n, k, plan.real(parameter)
    plan.add(over_tiles(plan.room, n, tiling), "matmul", *arguments, **bindings)


def _finish_activation(plan, stage, y):
    """Return arguments of `_matmul` that fuse a product with the activation after it."""
    after = plan.stages[stage.index + 1]
    kept = after.other >= 0 and plan.call.mode != PREDICT
    if after.kind != Kind.ACTIVATION or kept or plan.drops(after) or after.function:
        return y, plan.none, 0.0, {}
    plan.fused.add(after.index)
    value = activations.VALUES[after.code]
    finish = dict(finish="finish_activation", activation_value=value)
    return plan.value(after.y, after.ld_out), plan.none, after.parameter, finish


def _finish_derivative(plan, stage):
    """Return arguments of `_matmul` that fuse a gradient with the activation before it."""
    before = plan.stages[stage.index - 1]
    if before.kind != Kind.ACTIVATION or plan.drops(before):
        return plan.none, 0.0, {}
    if stage.adds or before.dy != stage.dx:
        return plan.none, 0.0, {}
    plan.fused.add(before.index)
    of, derivative = derivative_of(plan, before)
    finish = dict(finish="finish_derivative", activation_derivative=derivative)
    return of, before.parameter, finish


def gradient(plan, stage):
    """Compute the gradients of weight and bias."""
    n, ld, adds_up = stage.n_out, stage.ld_out, plan.call.adds_up
    x, dy = plan.value(stage.x, stage.ld_in), plan.delta(stage.dy, ld)
    # The bias lies behind the weight. Tensor cores round what they read, and so do not sum it.
    has_sums = stage.bias == stage.weight + stage.n_in * ld and not plan.program.tf32
    total = plan.gradient(stage.weight, stage.n_in + has_sums, ld)
    _weight_gradient(plan, stage, x, dy, total, has_sums)
    if stage.bias >= 0 and not has_sums:
        arrays = x, dy, plan.none, plan.none, plan.none, plan.gradient(stage.bias, ld)
        bindings = dict(WITH_PRODUCTS=False, ACCUMULATES=adds_up)
        plan.add(over_columns(n), "column_sums", *arrays, n, **bindings)
    after = plan.stages[stage.index + 1]
    if after.kind == Kind.WEIGHT_NORM:
        weight_norm_correction(plan, after, stage, total)


def _weight_gradient(plan, stage, x, dy, total, has_sums):
    """Compute the gradient of the weight and the sums of columns, by parts of the rows."""
    n, ld, adds_up = stage.n_out, stage.ld_out, plan.call.adds_up
    n_rows = stage.n_in + has_sums
    tiling, n_parts = choose_tiling_and_parts(stage.n_in, n, plan.room, plan.tilings)
    parts = total
    if n_parts > 1:
        parts = plan.memory.zeros((n_parts * n_rows, ld), plan.program.dtype)
    plan.add(
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
        ADDS=adds_up and n_parts == 1,
        **plan.product,
        **tiling,
    )
    if n_parts > 1:
        size = n_rows * ld
        vectors = plan.view(parts, 0, n_parts * size), plan.gradient(stage.weight, size)
        plan.add_plain(over_elements(size), "add_parts", *vectors, n_parts, ADDS=adds_up)
