"""Batch norm, normalised rows and weight norm."""

from fastnn._core.program import padded

from ..launch import over_columns, over_elements, over_matrix, over_rows

# Which vectors of its own a stage has: batch norm, weight norm.
MEAN, VARIANCE, INVERSE_STD = range(3)
INVERSE_NORM, SCALE, D_SCALE, D_SUM = range(4)


def column_sums(plan, term, x, dy, mean, inverse, products, sums, n, accumulates=False):
    arrays = x, dy, mean, inverse, products, sums, n
    bindings = dict(column_term=term, ACCUMULATES=accumulates)
    plan.add(over_columns(n), "column_sums", *arrays, **bindings)


def _moving(plan, stage):
    statistics, ld = plan.arenas.statistics, stage.ld_out
    return [plan.view(statistics, stage.statistics + i * ld, ld) for i in range(2)]


def batch_statistics(plan, stage):
    x, _ = plan.values_of(stage)
    plan.add(
        over_columns(stage.n_out),
        "batchnorm_statistics",
        x,
        *_moving(plan, stage),
        *(plan.vector(stage, which) for which in (MEAN, VARIANCE, INVERSE_STD)),
        stage.n_out,
        plan.real(stage.epsilon),
        CONSTANT_STATISTICS=plan.call.has_constant_statistics,
        ONLY_MEANS=bool(stage.groups),
    )


def batch_statistics_backward(plan, stage):
    n, ld = stage.n_out, stage.ld_out
    x, _ = plan.values_of(stage)
    _, dy = plan.deltas_of(stage)
    statistics = plan.vector(stage, MEAN), plan.vector(stage, INVERSE_STD)
    scale = plan.parameter(stage.weight, ld)
    d_scale, d_shift = (plan.gradient(at, ld) for at in (stage.weight, stage.bias))
    arrays = x, *statistics, scale, d_shift, d_scale, dy
    plan.add(plan.over(n), "batchnorm_gradient", *arrays, n)


def batch_norm(plan, stage):
    n, ld = stage.n_out, stage.ld_out
    x, y = plan.values_of(stage)
    scale, shift = (plan.parameter(at, ld) for at in (stage.weight, stage.bias))
    statistics = plan.vector(stage, MEAN), plan.vector(stage, INVERSE_STD)
    plan.add(plan.over(n), "batchnorm", x, *statistics, scale, shift, y, n)


def batch_norm_backward(plan, stage):
    n, ld = stage.n_out, stage.ld_out
    x, _ = plan.values_of(stage)
    _, dy = plan.deltas_of(stage)
    sums = plan.gradient(stage.weight, ld), plan.gradient(stage.bias, ld)
    statistics = plan.vector(stage, MEAN), plan.vector(stage, INVERSE_STD)
    term = "term_nothing" if stage.groups else "term_normalised"
    column_sums(plan, term, x, dy, *statistics, *sums, n)


def batch_norm_moving(plan, stage):
    """Update the moving averages, after the backward pass."""
    batch = plan.vector(stage, MEAN), plan.vector(stage, VARIANCE)
    arrays = *batch, *_moving(plan, stage)
    numbers = stage.n_out, plan.real(stage.momentum), plan.real(stage.parameter)
    plan.add(over_elements(stage.n_out), "batchnorm_moving", *arrays, *numbers)


def _row_statistics(plan, stage):
    return plan.value(stage.other, padded(2 * stage.groups, plan.program.dtype))


def row_norm(plan, stage):
    x, y = plan.values_of(stage)
    plan.add(
        over_rows(plan.room * stage.groups),
        "rownorm",
        x,
        plan.parameter(stage.weight, stage.n_sums // 2),
        plan.parameter(stage.bias, stage.n_sums // 2),
        y,
        _row_statistics(plan, stage),
        stage.n_out,
        stage.groups,
        plan.real(stage.epsilon),
        HAS_SCALE=stage.weight >= 0,
        PER_GROUP=bool(stage.code),
    )


def row_norm_backward(plan, stage):
    x, _ = plan.values_of(stage)
    _, dy = plan.deltas_of(stage)
    if stage.weight >= 0:
        _row_norm_sums(plan, stage, x, dy)
    plan.add(
        over_rows(plan.room * stage.groups),
        "rownorm_gradient",
        x,
        _row_statistics(plan, stage),
        plan.parameter(stage.weight, stage.n_sums // 2),
        dy,
        stage.n_out,
        stage.groups,
        HAS_SCALE=stage.weight >= 0,
        PER_GROUP=bool(stage.code),
    )


def _row_norm_sums(plan, stage, x, dy):
    """Compute the gradients of scales and shifts."""
    n, groups, width = stage.n_out, stage.groups, stage.n_out // stage.groups
    adds_up, length = plan.call.adds_up, stage.n_sums // 2
    of_row = x, dy, _row_statistics(plan, stage), width
    scale, shift = (plan.gradient(at, length) for at in (stage.weight, stage.bias))
    if not stage.code:
        column_sums(plan, "term_of_group", *of_row, scale, shift, n, adds_up)
        return
    products, sums = plan.scratch(stage)
    column_sums(plan, "term_of_group", *of_row, products, sums, n)
    for columns, gradient in ((products, scale), (sums, shift)):
        arguments = columns, gradient, width, groups
        plan.add_plain(over_elements(groups), "group_sums", *arguments, ACCUMULATES=adds_up)


def weight_norm(plan, stage):
    layer, ld = plan.stages[stage.index - 1], stage.ld_out
    x, y = plan.values_of(stage)
    scale = plan.vector(stage, SCALE)
    plan.add(
        over_columns(stage.n_out),
        "weightnorm_scales",
        plan.parameter(layer.weight, layer.n_in, ld),
        plan.parameter(stage.weight, ld),
        plan.vector(stage, INVERSE_NORM),
        scale,
        layer.n_in,
        stage.n_out,
    )
    bias = plan.parameter(stage.bias, ld)
    plan.add(plan.over(stage.n_out), "weightnorm", x, scale, bias, y, stage.n_out)


def weight_norm_backward(plan, stage):
    n = stage.n_out
    x, _ = plan.values_of(stage)
    _, dy = plan.deltas_of(stage)
    sums = plan.vector(stage, D_SCALE), plan.vector(stage, D_SUM)
    column_sums(plan, "term_itself", x, dy, plan.none, plan.none, *sums, n)
    plan.add(plan.over(n), "weightnorm_gradient", plan.vector(stage, SCALE), dy, n)


def weight_norm_gradient(plan, stage):
    n, ld = stage.n_out, stage.ld_out
    plan.add_plain(
        over_elements(n),
        "weightnorm_vectors",
        *(plan.vector(stage, which) for which in (D_SCALE, INVERSE_NORM, D_SUM)),
        plan.gradient(stage.weight, ld),
        plan.gradient(stage.bias, ld),
        n,
        ACCUMULATES=plan.call.adds_up,
    )


def weight_norm_correction(plan, stage, layer, gradient):
    """Add the correction of the previous layer's weight gradient by the norm."""
    plan.add_plain(
        over_matrix(layer.n_in, layer.n_out),
        "weightnorm_correct",
        *(plan.vector(stage, which) for which in (D_SCALE, SCALE, INVERSE_NORM)),
        plan.parameter(layer.weight, layer.n_in, layer.ld_out),
        gradient,
        layer.n_in,
        layer.n_out,
    )
