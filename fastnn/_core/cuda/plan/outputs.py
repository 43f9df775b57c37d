"""Heads: their losses, or what they predict."""

import numpy as np

from fastnn._core.codes import Column, Kind
from fastnn._core.user_functions import function_at

from .. import losses
from ..headweights import FACTOR
from ..kernels import FEW_THREADS, MOST_THREADS, THREADS
from ..launch import over_rows
from .call import PREDICT

ONE_THREAD = 1, 1


def weighs_heads(program, call):
    """Return whether the losses of heads have weights, or are told apart."""
    heads = program.stages[program.is_output]
    has_weights = (heads["loss_weight"] != 1).any() or (heads["weight"] >= 0).any()
    return bool(has_weights) or call.tells_heads


def initial_numbers(program):
    """Return the table of ``headweights.py`` with the weights that are constant."""
    heads = program.stages[program.is_output]
    numbers = np.zeros((len(heads), 4), program.dtype)
    numbers[:, FACTOR] = heads["loss_weight"]
    return numbers


def weigh(plan):
    """Compute the weights of losses by their log variances."""
    for stage in plan.stages:
        if stage.kind == Kind.OUTPUT and stage.weight >= 0:
            log_variance = plan.parameter(stage.weight, stage.n_sums)
            arguments = log_variance, *_constants(plan, stage), plan.numbers[stage.head]
            plan.add_plain(ONE_THREAD, "head_weight", *arguments, THREADS=1)


def _constants(plan, stage):
    return plan.real(stage.loss_weight), plan.real(stage.groups)


def log_variance_gradient(plan, stage):
    if stage.weight >= 0:
        gradient = plan.gradient(stage.weight, stage.n_sums)
        arguments = plan.numbers[stage.head], *_constants(plan, stage), gradient
        bindings = dict(THREADS=1, ACCUMULATES=plan.call.adds_up)
        plan.add_plain(ONE_THREAD, "log_variance_gradient", *arguments, **bindings)


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
    dz = plan.delta(stage.dy, stage.ld_out)
    plan.add(
        over,
        name,
        y,
        plan.arenas.targets[stage.head],
        plan.order,
        plan.weights,
        dz,
        plan.row_loss[stage.head],
        stage.n_out,
        plan.real(stage.parameter),
        THREADS=over[1],
        **of_loss,
        **of_losses(plan.call),
    )
    if stage.loss_weight != 1 or stage.weight >= 0:
        numbers = plan.numbers[stage.head]
        plan.add(plan.over(stage.n_out), "scale_gradient", numbers, dz, stage.n_out)


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
    weighs = plan.numbers is not None
    plan.add(
        (1, MOST_THREADS),
        "mean_losses" if weighs else "mean_loss",
        *arrays,
        *([plan.numbers] if weighs else []),
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
