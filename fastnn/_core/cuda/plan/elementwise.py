"""Stages that work on each value by itself, or on a few of a row: activations, dropout, sums."""

from fastnn._core.codes import DropoutForm

from .. import activations
from ..launch import ONE_BLOCK
from .call import PREDICT
from .normalization import column_sums
from .outputs import functions_of


def activation(plan, stage):
    x, y = plan.values_of(stage)
    n, over, parameter = stage.n_out, plan.over(stage.n_out), plan.real(stage.parameter)
    if plan.drops(stage):
        plan.add(over, "rrelu", x, y, n, stage.index, *_slopes(plan, stage), *plan.keys)
    elif stage.function:
        d = plan.value(stage.other, stage.ld_out)
        functions = functions_of(plan, stage, "user_activation", 1)
        plan.add(over, "activation_of_user", x, y, d, n, **functions)
    elif stage.other >= 0 and plan.call.mode != PREDICT:
        d, pair = plan.value(stage.other, stage.ld_out), activations.PAIRS[stage.code]
        name = "activation_with_derivative"
        plan.add(over, name, x, y, d, n, parameter, activation_pair=pair)
    else:
        value = activations.VALUES[stage.code]
        plan.add(over, "activation", x, y, n, parameter, activation_value=value)


def activation_backward(plan, stage):
    n, over = stage.n_out, plan.over(stage.n_out)
    _, dy = plan.deltas_of(stage)
    if plan.drops(stage):
        _, y = plan.values_of(stage)
        slopes = _slopes(plan, stage)
        plan.add(over, "rrelu_gradient", y, dy, n, stage.index, *slopes, *plan.keys)
    else:
        of, derivative = derivative_of(plan, stage)
        bindings = dict(activation_derivative=derivative)
        plan.add(over, "activation_gradient", of, dy, n, plan.real(stage.parameter), **bindings)


def derivative_of(plan, stage):
    """Return the array that the derivative of an activation is computed from, and the function."""
    if stage.other >= 0:
        return plan.value(stage.other, stage.ld_out), "derivative_kept"
    return plan.value(stage.y, stage.ld_out), activations.DERIVATIVES.get(stage.code)


def _slopes(plan, stage):
    """Return the least slope of RReLU, and the factor of a random word of 24 bits."""
    least = plan.real(stage.parameter - 0.5 * stage.rate)
    return least, plan.real(plan.real(stage.rate) * plan.real(2.0**-24))


def dropout(plan, stage):
    x, y = plan.values_of(stage)
    n, over = stage.n_out, plan.over(stage.n_out)
    if plan.call.trains:
        plan.add(over, "dropout", x, y, n, *plan.draws(stage))
    elif stage.code == DropoutForm.ORIGINAL:
        plan.add(over, "scaled", x, y, n, plan.real(1 - stage.rate))
    else:
        _copy(plan, stage)


def dropout_backward(plan, stage):
    n, over = stage.n_out, plan.over(stage.n_out)
    _, dy = plan.deltas_of(stage)
    if plan.call.trains:
        plan.add(over, "dropout", dy, dy, n, *plan.draws(stage))
    elif stage.code == DropoutForm.ORIGINAL:
        plan.add(over, "scaled", dy, dy, n, plan.real(1 - stage.rate))


def noise(plan, stage):
    if not plan.call.trains:
        _copy(plan, stage)
        return
    x, y = plan.values_of(stage)
    n, deviation = stage.n_out, plan.real(stage.rate)
    plan.add(plan.over(n), "normal_noise", x, y, n, stage.index, deviation, *plan.keys)


def _copy(plan, stage):
    """Copy values to where the next stage expects them."""
    if stage.x != stage.y:
        x, y = plan.values_of(stage)
        plan.add(plan.over(stage.n_out), "scaled", x, y, stage.n_out, plan.real(1))


def maxout(plan, stage):
    x, y = plan.values_of(stage)
    plan.add(plan.over(stage.n_out), "maxout", x, y, stage.n_out, stage.groups)


def maxout_backward(plan, stage):
    (x, y), (dx, dy) = plan.values_of(stage), plan.deltas_of(stage)
    n = stage.n_out
    plan.add(plan.over(n), "maxout_gradient", x, y, dy, dx, n, stage.groups)


def join(plan, stage):
    x, y = plan.values_of(stage)
    n, skip = stage.n_out, plan.value(stage.other, stage.ld_out)
    bindings = dict(HAS_SKIP=True, DROPS=plan.drops(stage))
    plan.add(plan.over(n), "residual", skip, x, y, n, *plan.draws(stage), **bindings)


def join_backward(plan, stage):
    dx, dy = plan.deltas_of(stage)
    n, bindings = stage.n_out, dict(HAS_SKIP=False, DROPS=plan.drops(stage))
    plan.add(plan.over(n), "residual", dy, dy, dx, n, *plan.draws(stage), **bindings)


def fork_backward(plan, stage):
    dx, dy = plan.deltas_of(stage)
    n, skip = stage.n_out, plan.delta(stage.other, stage.ld_out)
    bindings = dict(HAS_SKIP=True, DROPS=False)
    plan.add(plan.over(n), "residual", skip, dy, dx, n, *plan.draws(stage), **bindings)


def prelu(plan, stage):
    x, y = plan.values_of(stage)
    n, slope = stage.n_out, plan.parameter(stage.weight, stage.n_sums)
    plan.add(plan.over(n), "prelu", x, slope, y, n, SHARED_SLOPE=bool(stage.code))


def prelu_backward(plan, stage):
    x, _ = plan.values_of(stage)
    _, dy = plan.deltas_of(stage)
    n, shared, adds_up = stage.n_out, bool(stage.code), plan.call.adds_up
    gradient = plan.gradient(stage.weight, stage.n_sums)
    products, sums = plan.scratch(stage)
    of_slope = x, dy, plan.none, plan.none
    if shared:
        column_sums(plan, "term_below_zero", *of_slope, products, sums, n)
        bindings = dict(ACCUMULATES=adds_up)
        plan.add_plain(ONE_BLOCK, "total_of_columns", products, gradient, n, **bindings)
    else:
        column_sums(plan, "term_below_zero", *of_slope, gradient, sums, n, adds_up)
    slope = plan.parameter(stage.weight, stage.n_sums)
    plan.add(plan.over(n), "prelu_gradient", x, slope, dy, n, SHARED_SLOPE=shared)
