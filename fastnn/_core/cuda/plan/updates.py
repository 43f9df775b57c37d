"""The update of all parameters, task by task, and the end of a step."""

from types import SimpleNamespace

from fastnn._core.codes import Column, Kind, Rule

from ..launch import ONE_BLOCK, over_columns, over_elements
from ..optimizers import PROXIMAL, RULES
from ..tasks import over_tasks, plan_tasks
from .normalization import batch_norm_moving


def plan_tasks_of(plan):
    """Make the tasks of the update, and room for their sums, on the device."""
    tasks, factors, n_weights = plan_tasks(plan.program)
    real, zeros = plan.program.dtype, plan.memory.zeros
    plan.tasks = plan.memory.upload(tasks)
    plan.factors = plan.memory.upload(factors.astype(real))
    plan.n_tasks, plan.n_weights = len(tasks), n_weights
    names = "penalties", "magnitudes", "squares", "weight_squares", "unclipped_squares"
    plan.sums = SimpleNamespace(**{name: zeros(len(tasks), real) for name in names})
    plan.clip = zeros(1, real)


def publish(plan):
    """Write the parameters that forward and backward read, if these are shifted."""
    arenas, call = plan.arenas, plan.call
    velocity = arenas.slots[0] if call.looks_ahead else plan.none
    plan.add(
        over_tasks(plan.n_tasks),
        "publish",
        plan.tasks,
        arenas.parameters,
        velocity,
        arenas.read,
        *plan.keys,
        LOOKS_AHEAD=call.looks_ahead,
        ADDS_NOISE=Column.WEIGHT_NOISE in call.columns,
    )


def update(plan):
    arenas, call = plan.arenas, plan.call
    if not call.shifts:
        plan_tasks_of(plan)
    for stage in plan.stages:
        if stage.kind == Kind.BN_APPLY:
            batch_norm_moving(plan, stage)
    if call.clips_norm:
        _clip_norm(plan)
    _optimize(plan)
    if Column.SOFT_THRESHOLD in call.columns:
        _soft_threshold(plan)
    if call.optimizer == Rule.LAMB:
        _lamb(plan)
    if Column.MAX_NORM in call.columns:
        _limit_columns(plan)
    if Column.AVERAGE in call.columns:
        n = plan.program.n_parameters
        plan.add(over_elements(n), "average", arenas.parameters, arenas.average, n)


def _clip_norm(plan):
    arrays = plan.tasks, plan.factors, plan.read, plan.arenas.gradient
    sums = plan.sums.squares, plan.sums.unclipped_squares
    plan.add(over_tasks(plan.n_tasks), "finish_gradient", *arrays, *sums)
    plan.add(ONE_BLOCK, "clip_factor", plan.sums.squares, plan.clip, plan.n_tasks)


def _optimize(plan):
    arenas, call = plan.arenas, plan.call
    plan.add(
        over_tasks(plan.n_tasks),
        "optimize",
        plan.tasks,
        plan.factors,
        plan.read,
        arenas.parameters,
        arenas.gradient,
        slots_of(plan),
        plan.clip,
        plan.sums.penalties,
        plan.sums.magnitudes,
        plan.sums.unclipped_squares,
        IS_FINISHED=call.clips_norm,
        DECAYS_AT_ONCE=call.optimizer != Rule.LAMB,
        **of_rule(call),
    )


def _soft_threshold(plan):
    arrays = plan.tasks, plan.factors, plan.arenas.parameters, slots_of(plan)
    bindings = PROXIMAL.get(plan.call.optimizer, {})
    plan.add(over_tasks(plan.n_tasks), "soft_threshold", *arrays, **bindings)


def slots_of(plan):
    """Return the slots of the rule, or a placeholder."""
    if plan.call.n_slots:
        return plan.arenas.slots
    return plan.memory.zeros((1, 1), plan.program.dtype)


def of_rule(call):
    """Return the bindings of all rules."""
    return dict(update_rule=RULES[call.optimizer], N_SLOTS=call.n_slots, PENALISES=call.penalises)


def _lamb(plan):
    """Take the second half of the step of LAMB, along its direction."""
    arenas, sums = plan.arenas, plan.sums
    ratios = plan.memory.zeros(max(1, plan.n_weights), plan.program.dtype)
    squares = sums.weight_squares, sums.squares
    arrays = arenas.parameters, arenas.gradient
    plan.add(over_tasks(plan.n_tasks), "lamb_sums", plan.tasks, *arrays, *squares)
    arguments = plan.tasks, *squares, ratios, plan.n_weights
    plan.add(over_tasks(plan.n_weights), "trust_ratios", *arguments)
    of_tasks = plan.tasks, plan.factors
    plan.add(over_tasks(plan.n_tasks), "lamb_step", *of_tasks, *arrays, ratios)


def _limit_columns(plan):
    for stage in plan.stages:
        if stage.kind == Kind.DENSE:
            weight = plan.view(plan.arenas.parameters, stage.weight, stage.n_in, stage.ld_out)
            factor = plan.real(stage.weight_factor)
            arguments = weight, factor, stage.n_in, stage.n_out
            plan.add(over_columns(stage.n_out), "limit_columns", *arguments)


def end_step(plan):
    """Write the penalty and the norm of the gradient, and go on to the next step."""
    sums, n_tasks = [plan.none] * 3, 0
    if plan.call.trains:
        sums = [plan.sums.penalties, plan.sums.magnitudes, plan.sums.unclipped_squares]
        n_tasks = plan.n_tasks
    bindings = dict(TRAINS=plan.call.trains, PENALISES=plan.call.penalises)
    plan.add(ONE_BLOCK, "end_step", *sums, plan.arenas.losses, n_tasks, **bindings)
