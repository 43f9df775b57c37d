"""Heads: their losses, or what they predict."""

from fastnn._core.codes import Column, Kind
from fastnn._core.user_functions import function_at

from .. import losses
from ..kernels import FEW_THREADS, MOST_THREADS, THREADS
from ..launch import over_rows
from .call import PREDICT


def forward(plan, stage):
    if plan.call.mode == PREDICT:
        _output(plan, stage)
    else:
        _loss(plan, stage)


def _output(plan, stage):
    """Apply the output activation that belongs to the loss."""
    kernel = None if stage.function else losses.output_kernel(stage.code)
    if kernel is None:
        return
    name, bindings = kernel
    over = plan.over(stage.n_out)
    if name == "softmax_output":
        over = _over_outputs(plan, stage)
        bindings = bindings | dict(THREADS=over[1])
    _, y = plan.values_of(stage)
    plan.add(over, name, y, stage.n_out, plan.real(stage.parameter), **bindings)


def _loss(plan, stage):
    if stage.function:
        name, of_loss = "loss_of_user", functions_of(plan, stage, "user_loss", 2)
    else:
        name, of_loss = losses.loss_kernel(stage.code)
    over = _over_outputs(plan, stage)
    _, y = plan.values_of(stage)
    plan.add(
        over,
        name,
        y,
        plan.arenas.targets[stage.head],
        plan.order,
        plan.weights,
        plan.delta(stage.dy, stage.ld_out),
        plan.row_loss[stage.head],
        stage.n_out,
        plan.real(stage.parameter),
        THREADS=over[1],
        **of_loss,
        **of_losses(plan.call),
    )


def _over_outputs(plan, stage):
    """Grid of a kernel with a block for each row of outputs, of no more threads than it has work
    for."""
    return over_rows(plan.room, FEW_THREADS if stage.n_out <= FEW_THREADS else THREADS)


def of_losses(call):
    """Return the bindings of all losses."""
    return dict(
        ORDERED=call.is_ordered,
        HAS_WEIGHTS=call.has_weights,
        MIXES=call.mixes,
        SMOOTHS=Column.SMOOTHING in call.columns,
    )


def functions_of(plan, stage, name, n_arguments):
    """Return the bindings of the user's functions of a stage."""
    addresses = {name: stage.function, f"{name}_derivative": stage.derivative}
    return {
        name: plan.kernels.of_user(function_at(address), n_arguments)
        for name, address in addresses.items()
    }


def mean_loss(plan):
    arrays = plan.row_loss, plan.weights, plan.order, plan.arenas.losses
    plan.add(
        (1, MOST_THREADS),
        "mean_loss",
        *arrays,
        plan.row_loss.shape[0],
        THREADS=MOST_THREADS,
        TRAINS=plan.call.trains,
        ORDERED=plan.call.is_ordered,
        HAS_WEIGHTS=plan.call.has_weights,
    )


def write_out(plan):
    first = 0
    for stage in plan.stages:
        if stage.kind == Kind.OUTPUT:
            y, n = plan.value(stage.y, stage.ld_out), stage.n_out
            plan.add(plan.over(n), "scatter", y, plan.arenas.out, first, n)
            first += n
