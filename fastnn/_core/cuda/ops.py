"""Python functions that call single kernels, for tests: twin of ``cpu/ops.pyx``.

Arrays go in and come out in their natural shapes; rows are padded and cropped here. Every function
works in the type of its first array. `multiply` has no counterpart: it is a part of `optimize`.
"""

import numpy as np

from fastnn._core.codes import N_COEFFICIENTS, Column, DropoutForm, Kind, Rule
from fastnn._core.program import STAGE, padded

from . import activations
from ._numba import cuda
from .dense import TILINGS, choose_tiling
from .kernels import kernels_of
from .launch import ONE_BLOCK, over_columns, over_elements, over_matrix, over_rows, over_tiles
from .losses import loss_kernel, output_kernel
from .optimizers import RULES
from .steps import START, step_tables
from .tasks import (
    BASE,
    FIRST,
    GROUP,
    LD,
    LENGTH,
    N_COLUMNS,
    N_TASK_COLUMNS,
    WEIGHT_BEGIN,
    WEIGHT_END,
    WEIGHTS,
    over_tasks,
    runs_of,
)
from .tensor_cores import TF32
from .tensor_cores import TILINGS as TF32_TILINGS


def rows_of(a):
    """A copy of a 2-D array (or a row) in rows of padded width."""
    a = np.atleast_2d(a)
    out = np.zeros((a.shape[0], padded(a.shape[1], a.dtype)), a.dtype)
    out[:, : a.shape[1]] = a
    return out


def on_device(*arrays):
    """Copies of arrays on the device."""
    return [cuda.to_device(np.ascontiguousarray(array)) for array in arrays]


def tables(dtype, n_rows, start=0, step=0, rates=(0.0,), coefficients=None, form=0, scale=1.0):
    """The tables of one step of so many rows; `rates` are those of dropout, a stage each.

    `form` is that of dropout, `scale` 1 / the sum of the rows' weights.
    """
    stages = np.zeros(len(rates), STAGE)
    stages["kind"], stages["code"] = Kind.DROPOUT, form
    stages["rate"], stages["parameter"] = rates, 1.0
    table = np.zeros((1, N_COEFFICIENTS)) if coefficients is None else coefficients
    table[:, Column.DROPOUT] = 1.0
    words, reals = step_tables(stages, dtype, n_rows, n_rows, table, scale, step)
    words[1, START] = start
    return on_device(words, reals)


def matmul(a, b, bias=None, c=None, order=None, tiling=None):
    """``a[order] @ b + bias``, added to `c` where that is given."""
    a = a if order is None else a[order]
    m, n, k = a.shape[0], b.shape[1], a.shape[1]
    out = rows_of(np.zeros((m, n), a.dtype) if c is None else c)
    rows, weights, start = on_device(rows_of(a), rows_of(b), out)
    bias_row = on_device(rows_of(np.zeros(n, a.dtype) if bias is None else bias))[0]
    bound = dict(HAS_BIAS=bias is not None, ADDS=c is not None) | _tiling_of(m, n, a.dtype, tiling)
    arguments = rows, weights, bias_row, start, start, n, k, a.dtype.type(0)
    kernel = kernels_of(a.dtype)("matmul", **bound)
    kernel[over_tiles(m, n, bound)](*tables(a.dtype, m), *arguments)
    return start.copy_to_host()[:, :n]


def matmul_transposed(a, b, c=None, order=None, tiling=None):
    """``a[order].T @ b``, added to `c` where that is given."""
    a = a if order is None else a[order]
    m, n = a.shape[1], b.shape[1]
    out = rows_of(np.zeros((m, n), a.dtype) if c is None else c)
    rows, other, total = on_device(rows_of(a), rows_of(b), out)
    bound = dict(A_TRANSPOSED=True, ADDS=c is not None) | _tiling_of(m, n, a.dtype, tiling)
    kernel = kernels_of(a.dtype)("matmul_transposed", **bound)
    kernel[over_tiles(m, n, bound)](*tables(a.dtype, len(a)), rows, other, total, m, n, 1)
    return total.copy_to_host()[:, :n]


def _tiling_of(m, n, dtype, tiling):
    return choose_tiling(m, n, TILINGS[dtype.itemsize]) if tiling is None else tiling


def tf32_matmul(a, b, bias=None, c=None, kind="forward", **sizes):
    """``a @ b + bias`` of numbers rounded to TF32, added to `c`, as a kind of product of a layer.

    "forward", "input_gradient" (b lies transposed) or "weight_gradient" (a does, and there is no
    bias). `sizes` are bound instead of those that the engine takes.
    """
    (m, k), n = a.shape, b.shape[1]
    out = rows_of(np.zeros((m, n), a.dtype) if c is None else c)
    left = a.T if kind == "weight_gradient" else a
    right = b.T if kind == "input_gradient" else b
    left, right, out = on_device(rows_of(left), rows_of(right), out)
    bindings = TF32 | (sizes or TF32_TILINGS[-1][1]) | dict(ADDS=c is not None)
    grid = over_tiles(m, n, bindings)
    if kind == "weight_gradient":
        kernel = kernels_of(a.dtype)("matmul_transposed", A_TRANSPOSED=True, **bindings)
        kernel[grid](*tables(a.dtype, k), left, right, out, m, n, 1)
    else:
        bindings |= dict(HAS_BIAS=bias is not None, B_TRANSPOSED=kind == "input_gradient")
        bias_row = on_device(rows_of(np.zeros(n, a.dtype) if bias is None else bias))[0]
        kernel = kernels_of(a.dtype)("matmul", **bindings)
        arguments = left, right, bias_row, out, out, n, k, a.dtype.type(0)
        kernel[grid](*tables(a.dtype, m), *arguments)
    return out.copy_to_host()[:, :n]


def _launch(name, shape, step_tables, *arguments, **bindings):
    """Run an elementwise kernel over the natural shape of its arrays."""
    kernel = kernels_of(step_tables[1].dtype)(name, **bindings)
    kernel[over_matrix(*shape)](*step_tables, *arguments)


def _cropped(rows, x, first_row=0):
    """Rows of the device in the natural shape of x."""
    return rows.copy_to_host()[first_row:, : np.atleast_2d(x).shape[1]].reshape(x.shape)


def _after(first_row, x):
    """`x` behind that many rows of zeros, in rows of padded width, and the natural shape of all."""
    rows = np.concatenate([np.zeros((first_row, x.shape[1]), x.dtype), x])
    return rows_of(rows), rows.shape


def _key(seed):
    """The two words of a seed."""
    return seed & 0xFFFFFFFF, seed >> 32


def activation(x, code, parameter=0, in_place=False):
    """The activation's values."""
    shape = np.atleast_2d(x).shape
    rows, y = on_device(rows_of(x), np.zeros_like(rows_of(x)))
    y = rows if in_place else y
    function = activations.VALUES[code]
    arguments = rows, y, shape[1], x.dtype.type(parameter)
    _launch("activation", shape, tables(x.dtype, len(rows)), *arguments, activation_value=function)
    return _cropped(y, x)


def activation_with_derivative(x, code):
    """Values and derivatives, of the activations that compute them together."""
    shape = np.atleast_2d(x).shape
    rows, y = on_device(rows_of(x), np.zeros_like(rows_of(x)))
    _launch(
        "activation_with_derivative",
        shape,
        tables(x.dtype, len(rows)),
        *(rows, y, rows, shape[1], x.dtype.type(0)),
        activation_pair=activations.PAIRS[code],
    )
    return _cropped(y, x), _cropped(rows, x)


def activation_gradient(y, gradient, code, parameter=0, derivative=None):
    """`gradient` times the derivative of the activation whose value is `y`, or the one given."""
    shape = np.atleast_2d(y).shape
    values = rows_of(y if derivative is None else derivative)
    values, g = on_device(values, rows_of(gradient.astype(y.dtype)))
    function = "derivative_kept" if derivative is not None else activations.DERIVATIVES[code]
    _launch(
        "activation_gradient",
        shape,
        tables(y.dtype, len(values)),
        *(values, g, shape[1], y.dtype.type(parameter)),
        activation_derivative=function,
    )
    return _cropped(g, y)


def dropout(x, rate, seed, step=0, stage=0, first_row=0, inverted=True):
    """Rows first_row .. of a batch with dropout."""
    rows, shape = _after(first_row, x)
    rows, y = on_device(rows, np.zeros_like(rows))
    rates = [0.0] * stage + [rate]
    form = DropoutForm.INVERTED if inverted else DropoutForm.ORIGINAL
    steps = tables(x.dtype, shape[0], step=step, rates=rates, form=form)
    _launch("dropout", shape, steps, rows, y, shape[1], stage, *_key(seed))
    return _cropped(y, x, first_row)


def scaled(x, factor):
    """`x` times a factor."""
    shape = np.atleast_2d(x).shape
    (rows,) = on_device(rows_of(x))
    steps = tables(x.dtype, len(rows))
    _launch("scaled", shape, steps, rows, rows, shape[1], x.dtype.type(factor))
    return _cropped(rows, x)


def rrelu(x, lower, upper, seed, step=0, stage=0, first_row=0, gradient=None):
    """Rows first_row .. of a batch with random slopes below zero, or what they make of a gradient.

    With `gradient`, `x` stands for the values after the activation.
    """
    rows, shape = _after(first_row, x)
    to = np.zeros_like(rows) if gradient is None else _after(first_row, gradient)[0]
    rows, to = on_device(rows, to)
    interval = x.dtype.type(lower), x.dtype.type((upper - lower) * 2.0**-24)
    name = "rrelu" if gradient is None else "rrelu_gradient"
    steps = tables(x.dtype, shape[0], step=step)
    _launch(name, shape, steps, rows, to, shape[1], stage, *interval, *_key(seed))
    return _cropped(to, x, first_row)


def residual(skip, branch, rate, seed, step=0, stage=0, first_row=0):
    """skip + branch, skip None for zeros; rows go without the branch at this rate."""
    rows, shape = _after(first_row, branch)
    skipped = rows if skip is None else _after(first_row, skip)[0]
    rows, skipped, y = on_device(rows, skipped, np.zeros_like(rows))
    steps = tables(branch.dtype, shape[0], step=step, rates=[0.0] * stage + [rate])
    choice = {"DROPS": rate > 0, "HAS_SKIP": skip is not None}
    _launch("residual", shape, steps, skipped, rows, y, shape[1], stage, *_key(seed), **choice)
    return _cropped(y, branch, first_row)


def normal_noise(x, deviation, seed, step=0, stage=0, first_row=0):
    """Rows first_row .. of a matrix with normal noise added."""
    rows, shape = _after(first_row, x)
    rows, y = on_device(rows, np.zeros_like(rows))
    steps = tables(x.dtype, shape[0], step=step)
    arguments = rows, y, shape[1], stage, x.dtype.type(deviation), *_key(seed)
    _launch("normal_noise", shape, steps, *arguments)
    return _cropped(y, x, first_row)


def maxout(x, k):
    """The largest of k values that lie a k-th of the width apart."""
    shape = len(x), x.shape[1] // k
    rows, y = on_device(rows_of(x), rows_of(np.zeros(shape, x.dtype)))
    _launch("maxout", shape, tables(x.dtype, len(x)), rows, y, shape[1], k)
    return y.copy_to_host()[:, : shape[1]]


def maxout_gradient(x, dy, k):
    """The gradient with respect to x."""
    rows, y, d = on_device(rows_of(x), rows_of(maxout(x, k)), rows_of(dy))
    (dx,) = on_device(np.zeros(rows.shape, x.dtype))
    steps = tables(x.dtype, len(x))
    _launch("maxout_gradient", dy.shape, steps, rows, y, d, dx, dy.shape[1], k)
    return _cropped(dx, x)


def prelu(x, slope):
    """x, or the slope of its column (of all, if there is one only) times x below zero."""
    rows, slopes, y = on_device(rows_of(x), rows_of(slope)[0], np.zeros_like(rows_of(x)))
    steps, shared = tables(x.dtype, len(x)), len(slope) == 1
    _launch("prelu", x.shape, steps, rows, slopes, y, x.shape[1], SHARED_SLOPE=shared)
    return _cropped(y, x)


def prelu_gradient(x, dy, slope):
    """Gradients with respect to x and to the slopes."""
    n, shared, k = x.shape[1], len(slope) == 1, kernels_of(x.dtype)
    rows, d, slopes = on_device(rows_of(x), rows_of(dy), rows_of(slope)[0])
    products, sums, total = on_device(*np.zeros((3, rows.shape[1]), x.dtype))
    steps = tables(x.dtype, len(x))
    k("column_sums", column_term="term_below_zero")[over_columns(n)](
        *steps, rows, d, slopes, slopes, products, sums, n
    )
    if shared:
        k("total_of_columns")[ONE_BLOCK](products, total, n)
    _launch("prelu_gradient", x.shape, steps, rows, slopes, d, n, SHARED_SLOPE=shared)
    return _cropped(d, x), (total if shared else products).copy_to_host()[: len(slope)]


def _vectors(*vectors):
    """Copies of vectors in rows of padded width, on the device."""
    return on_device(*(rows_of(v)[0] for v in vectors))


def _coefficients(row=None, **columns):
    """A table of one step, in which nothing is mixed; `columns` are names of Column."""
    table = np.zeros((1, N_COEFFICIENTS)) if row is None else np.array(row, float).reshape(1, -1)
    for name, value in {"MIX_WEIGHT": 1.0, **columns}.items():
        table[0, Column[name]] = value
    return table


def _row_numbers(order):
    return on_device(np.zeros(1, np.int64) if order is None else np.asarray(order, np.int64))[0]


def batchnorm_statistics(x):
    """Mean and biased variance of the columns; a single row is taken as its own moving mean."""
    n_rows, n = x.shape
    rows = rows_of(x)
    x_rows, *moving = on_device(rows, rows[0], np.zeros_like(rows[0]))
    mean, variance, inverse = _vectors(*np.zeros((3, n), x.dtype))
    kernels_of(x.dtype)("batchnorm_statistics")[over_columns(n)](
        *tables(x.dtype, n_rows), x_rows, *moving, mean, variance, inverse, n, x.dtype.type(0)
    )
    return mean.copy_to_host()[:n], variance.copy_to_host()[:n]


def _inverse_std(mean, variance, epsilon):
    """1 / the standard deviation, on the device."""
    dtype, n = mean.dtype, len(mean)
    *moving, same_mean, same_variance, inverse = _vectors(mean, variance, *np.zeros((3, n), dtype))
    rows = on_device(np.zeros((1, n), dtype))
    kernels_of(dtype)("batchnorm_statistics", CONSTANT_STATISTICS=True)[over_columns(n)](
        *tables(dtype, 1), *rows, *moving, same_mean, same_variance, inverse, n, dtype.type(epsilon)
    )
    return inverse


def batchnorm(x, mean, variance, scale, shift, epsilon):
    """``scale * (x - mean) / sqrt(variance + epsilon) + shift``"""
    n_rows, n = x.shape
    rows = rows_of(x)
    x_rows, y = on_device(rows, np.zeros_like(rows))
    means, scales, shifts = _vectors(mean, scale, shift)
    kernels_of(x.dtype)("batchnorm")[over_matrix(*x.shape)](
        *tables(x.dtype, n_rows),
        x_rows,
        means,
        _inverse_std(mean, variance, epsilon),
        scales,
        shifts,
        y,
        n,
    )
    return y.copy_to_host()[:, :n]


def batchnorm_gradient(x, dy, mean, variance, scale, epsilon, constant_statistics=False):
    """Gradients with respect to x, scale and shift."""
    n_rows, n = x.shape
    step, kernels = tables(x.dtype, n_rows), kernels_of(x.dtype)
    x_rows, d = on_device(rows_of(x), rows_of(dy))
    means, scales, d_scale, d_shift = _vectors(mean, scale, *np.zeros((2, n), x.dtype))
    inverse = _inverse_std(mean, variance, epsilon)
    kernels("column_sums", column_term="term_normalised")[over_columns(n)](
        *step, x_rows, d, means, inverse, d_scale, d_shift, n
    )
    kernels("batchnorm_gradient", CONSTANT_STATISTICS=constant_statistics)[over_matrix(*x.shape)](
        *step, x_rows, means, inverse, scales, d_shift, d_scale, d, n
    )
    return [d.copy_to_host()[:, :n], d_scale.copy_to_host()[:n], d_shift.copy_to_host()[:n]]


def batchnorm_moving(moving_mean, moving_variance, mean, variance, n_rows, momentum):
    """The moving averages after a batch of n_rows rows, n_rows > 1."""
    dtype, n = mean.dtype, len(mean)
    batch, moving = _vectors(mean, variance), _vectors(moving_mean, moving_variance)
    kernels_of(dtype)("batchnorm_moving")[over_elements(n)](
        *tables(dtype, n_rows), *batch, *moving, n, dtype.type(momentum)
    )
    return [v.copy_to_host()[:n] for v in moving]


def _rownorm(x, groups, epsilon, scale, shift):
    """(normalised rows, statistics), on the device."""
    n_rows, n = x.shape
    rows, none = rows_of(x), np.zeros(1, x.dtype)
    x_rows, y, statistics = on_device(
        rows, np.zeros_like(rows), np.zeros((n_rows, 2 * groups), x.dtype)
    )
    affine = _vectors(*(none if v is None else v for v in (scale, shift)))
    kernel = kernels_of(x.dtype)("rownorm", **_affine(scale, groups))
    kernel[over_rows(n_rows * groups)](
        *tables(x.dtype, n_rows), x_rows, *affine, y, statistics, n, groups, x.dtype.type(epsilon)
    )
    return y, statistics


def _affine(scale, groups):
    has_scale = scale is not None
    return {"HAS_SCALE": has_scale, "PER_GROUP": has_scale and len(scale) == groups}


def rownorm(x, groups, epsilon, scale=None, shift=None):
    """Rows with their groups normalised; scale and shift have a number for each column or group."""
    return _rownorm(x, groups, epsilon, scale, shift)[0].copy_to_host()[:, : x.shape[1]]


def rownorm_gradient(x, dy, groups, epsilon, scale=None):
    """Gradients with respect to x and, where there is a scale, to scale and shift."""
    n_rows, n = x.shape
    width, step, kernels = n // groups, tables(x.dtype, n_rows), kernels_of(x.dtype)
    _, statistics = _rownorm(x, groups, epsilon, None, None)
    x_rows, d = on_device(rows_of(x), rows_of(dy))
    of_columns = _vectors(*np.zeros((2, n), x.dtype))
    kernels("column_sums", column_term="term_of_group")[over_columns(n)](
        *step, x_rows, d, statistics, width, *of_columns, n
    )
    scales = _vectors(np.zeros(1, x.dtype) if scale is None else scale)
    bound = _affine(scale, groups)
    kernels("rownorm_gradient", **bound)[over_rows(n_rows * groups)](
        *step, x_rows, statistics, *scales, d, n, groups
    )
    dx = d.copy_to_host()[:, :n]
    if scale is None:
        return dx
    if bound["PER_GROUP"]:
        of_groups = _vectors(*np.zeros((2, groups), x.dtype))
        for columns, sums in zip(of_columns, of_groups, strict=True):
            kernels("group_sums")[ONE_BLOCK](columns, sums, width, groups)
        of_columns = of_groups
    return [dx, *(v.copy_to_host()[: len(scale)] for v in of_columns)]


def _weight_norms(v, g):
    """(1 / |v|, g / |v|), on the device."""
    n_in, n = v.shape
    norms, inverse, scale = _vectors(g, *np.zeros((2, n), v.dtype))
    kernels_of(v.dtype)("weightnorm_scales")[over_columns(n)](
        *tables(v.dtype, 1), *on_device(rows_of(v)), norms, inverse, scale, n_in, n
    )
    return inverse, scale


def weightnorm(xv, v, g, bias):
    """``xv * g / |v| + bias``, `xv` being x times v."""
    n_rows, n = xv.shape
    rows = rows_of(xv)
    x_rows, y = on_device(rows, np.zeros_like(rows))
    kernels_of(v.dtype)("weightnorm")[over_matrix(*xv.shape)](
        *tables(v.dtype, n_rows), x_rows, _weight_norms(v, g)[1], *_vectors(bias), y, n
    )
    return y.copy_to_host()[:, :n]


def weightnorm_gradient(xv, dy, v, g):
    """Gradients with respect to `xv`, to g and to the bias, and what the norm adds to that of v."""
    (n_rows, n), n_in = xv.shape, len(v)
    step, kernels = tables(v.dtype, n_rows), kernels_of(v.dtype)
    v_rows = rows_of(v)
    x_rows, d, v_rows, dv = on_device(rows_of(xv), rows_of(dy), v_rows, np.zeros_like(v_rows))
    d_scale, d_sum, dg, d_bias = _vectors(*np.zeros((4, n), v.dtype))
    inverse, scale = _weight_norms(v, g)
    kernels("column_sums", column_term="term_itself")[over_columns(n)](
        *step, x_rows, d, scale, inverse, d_scale, d_sum, n
    )
    kernels("weightnorm_gradient")[over_matrix(*xv.shape)](*step, scale, d, n)
    kernels("weightnorm_vectors")[over_elements(n)](d_scale, inverse, d_sum, dg, d_bias, n)
    kernels("weightnorm_correct")[over_matrix(*v.shape)](
        d_scale, scale, inverse, v_rows, dv, n_in, n
    )
    dx, dg, d_bias, dv = (a.copy_to_host() for a in (d, dg, d_bias, dv))
    return dx[:, :n], dg[:n], d_bias[:n], dv[:, :n]


def loss(
    z, targets, code, order=None, weights=None, scale=1.0, parameter=0.0, smoothing=0.0, mixing=None
):
    """(output activation, gradient with respect to z, loss of each row)

    With `mixing`, the weight and the shift, they are those of mixed rows.
    """
    name, bound = loss_kernel(code)
    return _loss(name, bound, z, targets, order, weights, scale, parameter, smoothing, mixing)


def loss_of_user(z, targets, value, derivative, order=None, weights=None, scale=1.0):
    """(gradient with respect to z, loss of each row), of the user's functions"""
    bound = {"user_loss": value, "user_loss_derivative": derivative}
    return _loss("loss_of_user", bound, z, targets, order, weights, scale, 0.0, 0.0, None)[1:]


def _loss(name, bound, z, targets, order, weights, scale, parameter, smoothing, mixing):
    dtype, (n_rows, n) = z.dtype, z.shape
    weight, shift = mixing or (1.0, 0)
    coefficients = _coefficients(MIX_WEIGHT=weight, MIX_SHIFT=shift, SMOOTHING=smoothing)
    rows = rows_of(z)
    z_rows, dz, row_loss = on_device(rows, np.zeros_like(rows), np.zeros(n_rows, dtype))
    of_rows = on_device(targets)[0], _row_numbers(order)
    weights_row = on_device(np.ones(1, dtype) if weights is None else weights)[0]
    choices = {"ORDERED": order is not None, "HAS_WEIGHTS": weights is not None}
    choices |= {"MIXES": mixing is not None, "SMOOTHS": smoothing > 0}
    kernels_of(dtype)(name, **bound, **choices)[over_rows(n_rows)](
        *tables(dtype, n_rows, coefficients=coefficients, scale=scale),
        z_rows,
        *of_rows,
        weights_row,
        dz,
        row_loss,
        n,
        dtype.type(parameter),
    )
    return z_rows.copy_to_host()[:, :n], dz.copy_to_host()[:, :n], row_loss.copy_to_host()


def output(z, code, parameter=0.0):
    """The output activation that belongs to a loss."""
    n_rows, n = z.shape
    rows = on_device(rows_of(z))[0]
    if output_kernel(code) is not None:
        name, bound = output_kernel(code)
        grid = over_matrix(n_rows, n) if name == "output" else over_rows(n_rows)
        kernels_of(z.dtype)(name, **bound)[grid](
            *tables(z.dtype, n_rows), rows, n, z.dtype.type(parameter)
        )
    return rows.copy_to_host()[:, :n]


def gather(X, dtype, order=None, first_row=0, n_rows=None):
    """Rows of dense X in the engine's type."""
    n = len(order) if order is not None else X.shape[0] - first_row if n_rows is None else n_rows
    return _gathered("gather", X, dtype, order, first_row, n, None)


def mix_rows(X, dtype, mixing, order=None, start=0, n_rows=None, first_row=0):
    """Rows first_row .. of a batch, mixed; the batch is X[order], or n_rows rows from `start`.

    `mixing` is (weight, shift, first, run, n_runs, stride), see program.h.
    """
    names = [f"MIX_{name}" for name in ("WEIGHT", "SHIFT", "FIRST", "RUN", "N_RUNS", "STRIDE")]
    coefficients = _coefficients(**dict(zip(names, mixing, strict=True)))
    n = n_rows if order is None else len(order)
    return _gathered("mix_rows", X, dtype, order, start, n, coefficients)[first_row:]


def _gathered(name, X, dtype, order, start, n_rows, coefficients):
    dtype, n = np.dtype(dtype), X.shape[1]
    x = cuda.to_device(rows_of(np.zeros((n_rows, n), dtype)))
    step = tables(dtype, n_rows, start, coefficients=coefficients)
    kernels_of(dtype)(name, ORDERED=order is not None)[over_matrix(n_rows, n)](
        *step, *on_device(X), _row_numbers(order), x
    )
    return x.copy_to_host()[:, :n]


def weighted_sum(values, weights=None, order=None):
    """Sum of values times weights[order], in the type of the values."""
    dtype = values.dtype
    arrays = on_device(values, np.ones_like(values) if weights is None else weights)
    total = on_device(np.zeros(1, dtype))[0]
    kernels_of(dtype)("weighted_sum", ORDERED=order is not None)[ONE_BLOCK](
        *arrays, _row_numbers(order), total, len(values)
    )
    return total.copy_to_host()[0]


def tables_with(dtype, row=None, **columns):
    """The tables of a step with these coefficients, by the names of columns."""
    return tables(dtype, 1, coefficients=_coefficients(row, **columns))


def tasks_of(n):
    """The tasks of one weight of one row, `n` elements in all."""
    first, lengths = runs_of(0, n)
    tasks = np.zeros((len(first), N_TASK_COLUMNS), np.int64)
    tasks[:, FIRST], tasks[:, LENGTH], tasks[:, GROUP] = first, lengths, WEIGHTS
    tasks[:, BASE], tasks[:, LD], tasks[:, N_COLUMNS] = 0, n, n
    tasks[0, WEIGHT_BEGIN], tasks[0, WEIGHT_END] = 0, len(tasks)
    return tasks


def sums_of(n_tasks, dtype, n=1):
    """Room for so many sums of each task."""
    return on_device(*np.zeros((n, n_tasks), dtype))


def average(w, average, weight):
    """The average of vectors like `w`, after `w` has got this weight in it."""
    rows, averages = on_device(rows_of(w)[0], rows_of(average)[0])
    n = rows.shape[0]
    of_step = tables_with(w.dtype, AVERAGE=weight)
    kernels_of(w.dtype)("average")[over_elements(n)](*of_step, rows, averages, n)
    return averages.copy_to_host()[: average.size]


def optimize(w, g, slots, code, coefficients, l2=0.0, decay=0.0, factor=1.0):
    """(parameters, slots, sum of squares of the parameters before) after one step.

    `w` and `g` are vectors, `slots` has a row per slot, `coefficients` is a row of the table. LAMB
    takes them for all weights of a layer.
    """
    dtype, k, is_lamb = w.dtype, kernels_of(w.dtype), code == Rule.LAMB
    # The kernel multiplies the decay by the factor, but for LAMB's.
    of_step = tables_with(dtype, coefficients, L2=l2, DECAY=decay / (1.0 if is_lamb else factor))
    parameters, gradient = on_device(rows_of(w)[0], rows_of(g)[0])
    n = parameters.shape[0]
    slot_rows = np.zeros((3, n), dtype)
    slot_rows[: len(slots), : w.size] = slots
    tasks = tasks_of(n)
    n_tasks, grid = len(tasks), over_tasks(len(tasks))
    slot_rows, tasks, factors, one = on_device(
        slot_rows, tasks, np.full(n_tasks, factor, dtype), np.ones(1, dtype)
    )
    squares, magnitudes, told, weight_squares, direction_squares = sums_of(n_tasks, dtype, 5)
    kernel = k("optimize", update_rule=RULES[code], N_SLOTS=len(slots), DECAYS_AT_ONCE=not is_lamb)
    kernel[grid](
        *of_step,
        tasks,
        factors,
        parameters,
        parameters,
        gradient,
        slot_rows,
        one,
        squares,
        magnitudes,
        told,
    )
    if is_lamb:
        k("lamb_sums")[grid](
            *of_step, tasks, parameters, gradient, weight_squares, direction_squares
        )
        k("trust_ratios")[over_tasks(1)](*of_step, tasks, weight_squares, direction_squares, one, 1)
        k("lamb_step")[grid](*of_step, tasks, factors, parameters, gradient, one)
    return (
        parameters.copy_to_host()[: w.size],
        slot_rows.copy_to_host()[: len(slots), : w.size],
        float(squares.copy_to_host().sum(dtype=float)),
    )


def finish_gradient(w, g, l2, l1, limit):
    """(gradient with those of the penalties, clipped to -limit .. limit; sums of w^2 and |w|)"""
    dtype, k = w.dtype, kernels_of(w.dtype)
    of_step = tables_with(dtype, L2=l2, L1=l1, CLIP_VALUE=limit)
    rows, gradient = on_device(rows_of(w)[0], rows_of(g)[0])
    tasks = tasks_of(rows.shape[0])
    n_tasks, grid = len(tasks), over_tasks(len(tasks))
    # Parameters that stay as they are count in the penalty.
    tasks, factors, none, one = on_device(
        tasks, np.zeros(n_tasks, dtype), np.zeros((1, 1), dtype), np.ones(1, dtype)
    )
    clipped_squares, told, squares, magnitudes = sums_of(n_tasks, dtype, 4)
    k("finish_gradient")[grid](*of_step, tasks, factors, rows, gradient, clipped_squares, told)
    k("optimize", update_rule="sgd", IS_FINISHED=True)[grid](
        *of_step, tasks, factors, rows, rows, gradient, none, one, squares, magnitudes, told
    )
    sums = (float(each.copy_to_host().sum(dtype=float)) for each in (squares, magnitudes))
    return gradient.copy_to_host()[: w.size], *sums


def _square_sums(w, g, **columns):
    """Return the sums of squares of `finish_gradient`, finished and before clipping."""
    parameters, gradient = on_device(rows_of(w)[0], rows_of(g)[0])
    tasks = tasks_of(parameters.shape[0])
    n_tasks = len(tasks)
    sums = sums_of(n_tasks, w.dtype, 2)
    tasks, factors = on_device(tasks, np.ones(n_tasks, w.dtype))
    kernels_of(w.dtype)("finish_gradient")[over_tasks(n_tasks)](
        *tables_with(w.dtype, **columns), tasks, factors, parameters, gradient, *sums
    )
    return [float(each.copy_to_host().sum(dtype=float)) for each in sums]


def gradient_squares(w, g, l2, l1):
    """The sum of the squares of a gradient with those of the penalties, added as by sum_squares."""
    return _square_sums(w, g, L2=l2, L1=l1, CLIP_VALUE=0.1, GRAD_NORM=1.0)[1]


def sum_squares(x):
    """The sum of the squares of a vector, by tasks that are added in float64."""
    return _square_sums(x, x)[0]


def clip_factor(squares, most):
    """Return the factor that clips a gradient with these sums of squares."""
    (sums,) = on_device(squares)
    (clip,) = sums_of(1, squares.dtype)
    kernels_of(squares.dtype)("clip_factor")[ONE_BLOCK](
        *tables_with(squares.dtype, CLIP_NORM=most), sums, clip, len(squares)
    )
    return clip.copy_to_host()[0]


def look_ahead(w, velocity, momentum):
    """``w + momentum * velocity`` of vectors."""
    parameters, velocities, ahead = on_device(
        rows_of(w)[0], rows_of(velocity)[0], np.full_like(rows_of(w)[0], np.nan)
    )
    tasks = tasks_of(ahead.shape[0])
    grid = over_tasks(len(tasks))
    (tasks,) = on_device(tasks)
    kernels_of(w.dtype)("publish", LOOKS_AHEAD=True)[grid](
        *tables_with(w.dtype, OWN=momentum), tasks, parameters, velocities, ahead, 0, 0
    )
    return ahead.copy_to_host()[: w.size]


def limit_columns(w, most, rows_per_part=None):
    """`w` with columns of a norm of at most `most`; a column is not taken by parts."""
    (rows,) = on_device(rows_of(w))
    n_in, n = w.shape
    kernels_of(w.dtype)("limit_columns")[over_columns(n)](
        *tables_with(w.dtype, MAX_NORM=most), rows, w.dtype.type(1), n_in, n
    )
    return rows.copy_to_host()[:, :n]
