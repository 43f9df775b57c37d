"""Every kernel of every instruction set, in both types, against the reference at odd shapes.

A case yields calls of one kernel, what they should return and how far off they may be. It is given
where kernels are, `ops`, and which of its shapes are tried, `some` of them. Two tests run over all
cases: one compares with the reference, one demands the same bits of all instruction sets that have
a fused multiply-add. `cuda/test_cuda_ops.py` runs the same cases on a GPU.
"""

from functools import partial

import numpy as np
import pytest

from fastnn import activations, losses
from fastnn._core import cpu, program
from fastnn._core.cpu import ops as cpu_ops
from fastnn.activations import ELU, LeakyReLU, RReLU
from fastnn.optimizers import LBFGS, Rule
from fastnn.optimizers import OPTIMIZERS as SPECS
from support import reference
from support.engines import SOLVERS
from support.problems import EACH_LOSS, LAYOUTS, make_counts, make_data
from support.reference import ACTIVATIONS, LOSSES, OPTIMIZERS, OUTPUT_ACTIVATIONS, Mixing, loss_of

# The set for bfloat16 has the kernels of AVX-512 for all else.
AVAILABLE = [isa for isa in cpu.isa_info()["available"] if isa != "avx512_bf16"]
# Vectors hold 2 to 16 numbers, panels 8 or 16, register tiles up to 64 columns and 12 rows.
WIDTHS = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 97, 130]
ROWS = [1, 2, 7, 8, 9, 13, 29]


class HeldTo:
    """The kernels of one instruction set."""

    def __init__(self, isa):
        self.isa = isa

    def __getattr__(self, name):
        return partial(getattr(cpu_ops, name), isa=self.isa)


on_each_isa = pytest.mark.parametrize("ops", [HeldTo(isa) for isa in AVAILABLE], ids=AVAILABLE)

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def float64(*arrays):
    return [np.asarray(array, np.float64) for array in arrays]


@case
def matmul(ops, some, rng, dtype, eps):
    """Any order of summing k products is off by at most k roundings of their absolute sum."""
    shapes = [(n, k, m) for n, k in [(1, 1), (7, 5), (13, 17)] for m in WIDTHS]
    # A tile is put down after 1024 products and picked up again.
    shapes += [(n, 3, 20) for n in ROWS] + [(5, k, 33) for k in (1023, 1024, 1025, 2049)]
    for n, k, m in some(shapes):
        a, b = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((k, m)).astype(dtype)
        bias, c = rng.standard_normal(m).astype(dtype), rng.standard_normal((n, m)).astype(dtype)
        a64, b64 = float64(a, b)
        bound = (k + 2) * eps * (np.abs(a64) @ np.abs(b64) + np.abs(bias) + np.abs(c))
        yield partial(ops.matmul, a, b), a64 @ b64, bound
        yield partial(ops.matmul, a, b, bias), a64 @ b64 + bias, bound
        yield partial(ops.matmul, a, b, None, c), a64 @ b64 + c, bound
        order = rng.integers(n, size=n + 3)
        yield partial(ops.matmul, a, b, bias, order=order), a64[order] @ b64 + bias, bound[order]


@case
def matmul_transposed(ops, some, rng, dtype, eps):
    shapes = [(n, k, m) for n, k in [(1, 1), (7, 5), (13, 17), (24, 40)] for m in WIDTHS]
    shapes += [(n, 3, 20) for n in ROWS] + [(5, k, 33) for k in (1023, 1024, 1025, 2049)]
    for n, k, m in some(shapes):
        a, b = rng.standard_normal((k, n)).astype(dtype), rng.standard_normal((k, m)).astype(dtype)
        c = rng.standard_normal((n, m)).astype(dtype)
        a64, b64 = float64(a, b)
        bound = (k + 2) * eps * (np.abs(a64.T) @ np.abs(b64) + np.abs(c))
        yield partial(ops.matmul_transposed, a, b), a64.T @ b64, bound
        yield partial(ops.matmul_transposed, a, b, c), a64.T @ b64 + c, bound
        order = rng.permutation(k)
        yield (
            partial(ops.matmul_transposed, a, b, order=order),
            a64[order].T @ b64,
            (k + 2) * eps * (np.abs(a64[order].T) @ np.abs(b64)),
        )
        # As for the bias gradient: all ones from a single one.
        ones = np.broadcast_to(np.ones(1, dtype), (k, 1))
        yield (
            partial(ops.matmul_transposed, ones, b),
            b64.sum(axis=0, keepdims=True),
            ((k + 2) * eps * np.abs(b64).sum(axis=0)),
        )


@case
def transpose(ops, some, rng, dtype, eps):
    for n, m in some([(1, 1), (5, 17), (33, 8), (40, 65)]):
        w = rng.standard_normal((n, m)).astype(dtype)
        yield partial(ops.transpose, w, 0, n), w.T, 0
        part = np.zeros_like(w)
        part[n // 3 : n] = w[n // 3 : n]
        yield partial(ops.transpose, w, n // 3, n), part.T, 0


def pre_activations(rng, dtype):
    """Where activations bend, where they are flat, and nearly zero."""
    return np.concatenate(
        [
            np.linspace(-20, 20, 401),
            rng.choice([-1, 1], 200) * 10.0 ** rng.uniform(-30, 3, 200),
            [0.0, -0.0],
        ]
    ).astype(dtype)


# Specs, and all names that stand for the defaults.
EACH_ACTIVATION = [name for name in ACTIVATIONS if name != "identity"]
EACH_ACTIVATION += [LeakyReLU(0.3), LeakyReLU(0.0), LeakyReLU(2.0), ELU(0.2), ELU(3.0)]
EACH_ACTIVATION += [RReLU(0.1, 0.9)]


def native(activation):
    """The row of an activation, and the code and parameter that kernels take."""
    row, parameter = activations.row_and_parameter(activation)
    return row, (row.code, parameter)


@case
def activation(ops, some, rng, dtype, eps):
    """Good to three units in the last place; where the true value is denormal, to that.

    GELUs are good to six, and amplify two roundings of the polynomial in z whose exponential they
    are made of. That of "gelu_tanh" may overflow where the value is 1e-36.
    """
    exponents = {
        "gelu": lambda z: z**2 / 2,
        "gelu_tanh": lambda z: np.abs(reference.gelu_tanh_argument(z)[0]),
    }
    for each in EACH_ACTIVATION:
        row, arguments = native(each)
        x = pre_activations(rng, dtype)
        z = float64(x)[0]
        expected = reference.activation(each).value(z)
        units = 6 + 2 * exponents[row.name](z) if row.name in exponents else 4
        least = 1e-36 if row.name == "gelu_tanh" and dtype == np.float32 else np.finfo(dtype).tiny
        bound = units * eps * np.abs(expected) + least
        yield partial(ops.activation, x, *arguments), expected, bound
        if not row.keeps_derivative:
            yield partial(ops.activation, x, *arguments, in_place=True), expected, bound


@case
def activation_gradient(ops, some, rng, dtype, eps):
    """From the value y, that is rounded: 1 - y has an error of the size of y's."""
    for each in EACH_ACTIVATION:
        row, arguments = native(each)
        value, derivative = reference.activation(each)
        x = pre_activations(rng, dtype)
        z = float64(x)[0]
        y, g = value(z).astype(dtype), rng.standard_normal(z.shape).astype(dtype)
        expected, bound = g * derivative(z), 4 * eps * abs(g)
        yield partial(times_derivative, ops, x, y, g, row, arguments), expected, bound


def times_derivative(ops, x, y, gradient, row, arguments):
    """`gradient` times the derivative at x, where the value is y, as the engine computes it."""
    if not row.keeps_derivative:
        return ops.activation_gradient(y, gradient, *arguments)
    values, derivative = ops.activation_with_derivative(x, row.code)
    np.testing.assert_array_equal(values, ops.activation(x, *arguments))
    return ops.activation_gradient(y, gradient, row.code, derivative=derivative)


@case
def dropout(ops, some, rng, dtype, eps):
    """The mask is exact; the factor 1 / (1 - rate) is rounded, and the product."""
    for rate in (0.2, 0.5, 0.99):
        for n, m in some([(1, 1), (3, 7), (4, 16), (5, 17), (9, 33), (29, 130)]):
            x = rng.standard_normal((n, m)).astype(dtype)
            seed, step, stage, first = int(rng.integers(2**63)), 2**31 + 5, 3, 4 * (n % 3)
            keep = reference.keep_mask(rate, (first + n, m), seed, step - 2**31, stage)[first:]
            expected = reference.dropout(*float64(x), keep, rate)
            call = partial(ops.dropout, x, rate, seed, step - 2**31, stage, first)
            yield call, expected, 2 * eps * np.abs(expected)
            # The original form leaves what it keeps as it is.
            expected = np.where(keep, x, 0)
            yield partial(call, inverted=False), expected, 0


@case
def scaled(ops, some, rng, dtype, eps):
    for n in some(WIDTHS):
        x = rng.standard_normal(n).astype(dtype)
        yield partial(ops.scaled, x, 0.3), 0.3 * x.astype(float), 2 * eps


@case
def rrelu(ops, some, rng, dtype, eps):
    """The slope is a product and a sum of two roundings, times x."""
    for spec in (RReLU(), RReLU(0.0, 0.9), RReLU(0.25, 0.25)):
        for n, m in some([(1, 1), (3, 7), (4, 16), (5, 17), (9, 33), (29, 130)]):
            x, g = rng.standard_normal((2, n, m)).astype(dtype)
            seed, step, stage, first = int(rng.integers(2**63)), 77, 3, 4 * (n % 3)
            shape = first + n, m
            slopes = np.where(
                x > 0, 1, reference.random_slopes(spec, shape, seed, step, stage)[first:]
            )
            call = partial(ops.rrelu, x, spec.lower, spec.upper, seed, step, stage, first)
            yield call, x * slopes, 12 * eps
            yield partial(call, gradient=g), g * slopes, 12 * eps


@case
def residual(ops, some, rng, dtype, eps):
    """Two roundings of the branch and one of the sum; the mask is one for the row."""
    for shape, rate in [((1, 1), 0.0), ((9, 17), 0.5), ((6, 33), 0.25)]:
        skip, branch = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
        keep = reference.keep_mask(rate, (8 + shape[0], 1), 2**40 + 1, 7, 2)[8:]
        dropped = reference.dropout(*float64(branch), keep, rate)
        call = partial(ops.residual, skip, branch, rate, 2**40 + 1, 7, 2, 8)
        yield call, skip + dropped, 4 * eps * (abs(skip) + abs(dropped))
        call = partial(ops.residual, None, branch, rate, 2**40 + 1, 7, 2, 8)
        yield call, dropped, 4 * eps * abs(dropped)


@case
def dropout_csr(ops, some, rng, dtype, eps):
    """The mask of an element of a matrix, whether or not the others are stored."""
    for layout in ("csr float32", "csr float64"):
        X = LAYOUTS[layout](make_counts(rng, 30, 17)).astype(dtype)
        keep = reference.keep_mask(0.4, (8 + 30, 17), 2**40 + 1, 7, 2)[8:]
        rows = np.repeat(np.arange(30), np.diff(X.indptr))
        expected = reference.dropout(*float64(X.data), keep[rows, X.indices], 0.4)
        yield partial(ops.dropout_csr, X, 0.4, 2**40 + 1, 7, 2, 8), expected, 4 * eps * expected


@case
def normal_noise(ops, some, rng, dtype, eps):
    """Some roundings of numbers below six; the reference's angle has one of its own."""
    for n, m in some([(1, 1), (3, 7), (4, 16), (5, 17), (9, 33), (29, 130), (400, 100)]):
        x = rng.standard_normal((n, m)).astype(dtype)
        seed, step, stage, first = int(rng.integers(2**63)), 5, 3, 4 * (n % 3)
        noise = reference.normal_noise((first + n, m), seed, step, stage)[first:]
        call = partial(ops.normal_noise, x, 0.5, seed, step, stage, first)
        yield call, *float64(x) + 0.5 * noise, 16 * eps


@case
def batchnorm_statistics(ops, some, rng, dtype, eps):
    """A mean of 100 deviations: the variance suffers by that factor, not by its square."""
    for n, m in some([(n, m) for n in [*ROWS, 64, 200] for m in WIDTHS[:9]]):
        for mean in (0, 100):
            x = rng.normal(mean, 1, (n, m)).astype(dtype)
            expected = reference.batch_norm_statistics(*float64(x))
            scale = mean + 3
            yield partial(ops.batchnorm_statistics, x), expected, 20 * eps * scale


def batchnorm_problem(rng, dtype, n, m):
    x, dy = rng.standard_normal((2, n, m)).astype(dtype)
    mean, scale, shift = rng.standard_normal((3, m)).astype(dtype)
    return x, dy, mean, rng.uniform(0.5, 2, m).astype(dtype), scale, shift


@case
def batchnorm(ops, some, rng, dtype, eps):
    """Six roundings of numbers below ten."""
    for n, m in some([(n, m) for n in ROWS for m in WIDTHS[:9]]):
        x, _, mean, variance, scale, shift = batchnorm_problem(rng, dtype, n, m)
        expected = reference.batch_norm_forward(*float64(x, scale, shift, mean, variance), 1e-3)
        call = partial(ops.batchnorm, x, mean, variance, scale, shift, 1e-3)
        yield call, expected, 60 * eps


@case
def batchnorm_gradient(ops, some, rng, dtype, eps):
    """As the forward pass, and sums over the rows; it multiplies by the normalised x twice."""
    for n, m in some([(n, m) for n in ROWS for m in WIDTHS[:9]]):
        x, dy, mean, variance, scale, _ = batchnorm_problem(rng, dtype, n, m)
        for constant in (False, True) if n > 1 else (True,):  # one row has no statistics
            expected = reference.batch_norm_backward(
                *float64(x, scale, mean, variance), 1e-3, *float64(dy), constant
            )
            call = partial(ops.batchnorm_gradient, x, dy, mean, variance, scale, 1e-3, constant)
            size = np.max((x - mean) ** 2 / variance)
            yield call, expected, 20 * n * eps * (1 + size)


@case
def batchnorm_moving(ops, some, rng, dtype, eps):
    for momentum in (0.1, 1.0):
        for m in some(WIDTHS[:9]):
            moving, mean = rng.standard_normal((2, m)).astype(dtype)
            moving_variance, variance = rng.uniform(0.5, 2, (2, m)).astype(dtype)
            average = {"mean": moving.astype(float), "variance": moving_variance.astype(float)}
            expected = reference.moving_average(average, *float64(mean, variance), 5, momentum)
            arguments = moving, moving_variance, mean, variance, 5, momentum
            yield (
                partial(ops.batchnorm_moving, *arguments),
                [expected["mean"], expected["variance"]],
                16 * eps,
            )


# Width, number of groups: groups of one, of less than a panel, of whole panels and some more.
GROUPS = [(1, 1), (15, 1), (15, 5), (16, 1), (16, 2), (16, 16), (17, 1), (33, 1), (33, 3), (33, 11)]
GROUPS += [(64, 4), (130, 2)]


@case
def rownorm(ops, some, rng, dtype, eps):
    """As batch norm; a mean of some deviations costs the variance that factor."""
    for n, m, groups in some([(n, *shape) for n in (1, 8, 13) for shape in GROUPS]):
        x = rng.normal(3, 1, (n, m)).astype(dtype)
        for n_scales in {m, groups, 0}:
            affine = [rng.uniform(0.5, 2, n_scales).astype(dtype) for _ in range(2)]
            affine = affine if n_scales else [None, None]
            affine64 = [v if v is None else v.astype(float) for v in affine]
            expected = reference.row_norm_forward(x.astype(float), groups, 0.1, *affine64)
            yield partial(ops.rownorm, x, groups, 0.1, *affine), expected, 300 * eps


@case
def rownorm_gradient(ops, some, rng, dtype, eps):
    for n, m, groups in some([(n, *shape) for n in (1, 8, 13) for shape in GROUPS]):
        x, dy = rng.normal(3, 1, (2, n, m)).astype(dtype)
        for n_scales in {m, groups, 0}:
            scale = rng.uniform(0.5, 2, n_scales).astype(dtype) if n_scales else None
            scale64 = None if scale is None else scale.astype(float)
            expected = reference.row_norm_backward(
                x.astype(float), groups, 0.1, dy.astype(float), scale64
            )
            expected = expected if n_scales else expected[0]
            # Gradients of scales are sums of up to n m products.
            bound = (4000 + 4 * n * m) * eps
            yield partial(ops.rownorm_gradient, x, dy, groups, 0.1, scale), expected, bound


@case
def prelu(ops, some, rng, dtype, eps):
    for n, m in some([(n, m) for n in (1, 9) for m in WIDTHS]):
        x = rng.standard_normal((n, m)).astype(dtype)
        for slope in rng.uniform(-1, 1, 1).astype(dtype), rng.uniform(-1, 1, m).astype(dtype):
            expected = reference.prelu_forward(*float64(x, slope))
            yield partial(ops.prelu, x, slope), expected, eps * np.abs(expected)


@case
def prelu_gradient(ops, some, rng, dtype, eps):
    """The sums are of all elements where the slope is shared."""
    for n, m in some([(n, m) for n in (1, 8, 29) for m in WIDTHS]):
        x, dy = rng.standard_normal((2, n, m)).astype(dtype)
        for slope in rng.uniform(-1, 1, 1).astype(dtype), rng.uniform(-1, 1, m).astype(dtype):
            expected = reference.prelu_backward(*float64(x, slope, dy))
            yield partial(ops.prelu_gradient, x, dy, slope), expected, 2 * n * m * eps


def pieces(some, rng, dtype):
    """Small whole numbers, so that several are the largest."""
    widths, sizes = (1, 15, 16, 17, 33), (1, 2, 3, 5)
    for n, m, k in some([(n, m, k) for n in (1, 9) for m in widths for k in sizes]):
        yield rng.integers(-2, 3, (n, m * k)).astype(dtype), rng.normal(0, 1, (n, m)), k


@case
def maxout(ops, some, rng, dtype, eps):
    for x, _, k in pieces(some, rng, dtype):
        yield partial(ops.maxout, x, k), reference.maxout_forward(x, k), 0


@case
def maxout_gradient(ops, some, rng, dtype, eps):
    for x, dy, k in pieces(some, rng, dtype):
        dy = dy.astype(dtype)
        yield partial(ops.maxout_gradient, x, dy, k), reference.maxout_backward(x, k, dy), 0


def weightnorm_problem(some, rng, dtype):
    """Fewer rows of weights than a task has, as many, and several tasks."""
    shapes = [(1, 1), (5, 3), (24, 17), (61, 16), (9, 33)]
    for n, n_in, m in some([(n, *shape) for n in (1, 8, 13) for shape in shapes]):
        x, dy, v = (rng.standard_normal(s).astype(dtype) for s in [(n, n_in), (n, m), (n_in, m)])
        g, bias = rng.uniform(0.5, 2, (2, m)).astype(dtype)
        x = x.astype(float)
        yield x, (x @ v).astype(dtype), dy, v, g, bias


@case
def weightnorm(ops, some, rng, dtype, eps):
    for x, xv, _, v, g, bias in weightnorm_problem(some, rng, dtype):
        expected = x @ reference.normalised_weights(*float64(v, g)) + bias
        size = np.abs(x) @ np.abs(reference.normalised_weights(*float64(v, g))) + 2
        yield partial(ops.weightnorm, xv, v, g, bias), expected, 20 * eps * size


@case
def weightnorm_gradient(ops, some, rng, dtype, eps):
    """What the norm takes out of the gradient of v lies along v."""
    for x, xv, dy, v, g, _ in weightnorm_problem(some, rng, dtype):
        v64, g64, dy64 = float64(v, g, dy)
        dw = x.T @ dy64
        dv, dg = reference.normalised_weights_backward(v64, g64, dw)
        scale = g64 / np.linalg.norm(v64, axis=0)
        expected = dy64 * scale, dg, dy64.sum(axis=0), dv - scale * dw
        bound = 100 * len(x) * eps * (1 + max(np.abs(e).max() for e in expected))
        yield partial(ops.weightnorm_gradient, xv, dy, v, g), expected, bound


@case
def loss(ops, some, rng, dtype, eps):
    """(output, delta, loss): z of 30 standard deviations, so a loss has roundings of 100."""
    for of in EACH_LOSS:
        native, parameter = losses.row_and_parameter(of)
        for spread in (1, 30):
            for n, m in some([(1, 1), (5, 2), (9, 8), (7, 17), (6, 130), (70, 3)]):
                scale = 3 if of == "poisson" else spread
                z = np.clip(rng.normal(0, spread, (n, m)), -10 * scale, 4 * scale).astype(dtype)
                _, y = make_data(rng, n, 3, m, of)
                y = y if native.class_codes else y.astype(dtype)
                weight = rng.uniform(0.5, 2, n).astype(dtype)
                order = rng.permutation(n)
                row, z64 = loss_of(of), z.astype(float)
                for at, w in [(None, None), (order, weight)]:
                    target = y if at is None else y[at]
                    target = target if native.class_codes else target.astype(float)
                    factor = 0.25 * (np.ones(n) if w is None else w[at].astype(float))
                    output = OUTPUT_ACTIVATIONS[row.output_activation](z64)
                    delta = row.delta(z64, target) * factor[:, np.newaxis]
                    value = row.value(z64, target)
                    size = (np.abs(output).max() + spread**2 + np.abs(delta).max()) * m
                    size += np.abs(value).max()
                    call = partial(ops.loss, z, y, native.code, at, w, 0.25, parameter)
                    yield call, (output, delta, value), 20 * eps * size


@case
def loss_of_smoothed_labels(ops, some, rng, dtype, eps):
    for name, native in losses.LOSSES.items():
        if native.probabilities:
            for n, m in some([(1, 1), (5, 2), (9, 8), (7, 17), (6, 130), (70, 3)]):
                z = rng.normal(0, 5, (n, m)).astype(dtype)
                _, y = make_data(rng, n, 3, m, name)
                y = y if native.class_codes else y.astype(dtype)
                z64, row = z.astype(float), LOSSES[name]
                n_classes = 2 if name == "binary_log_loss" else m
                target = reference.smoothed(reference.as_target(y, z), n_classes, 0.3)
                expected = (
                    OUTPUT_ACTIVATIONS[row.output_activation](z64),
                    row.delta(z64, target),
                    row.value(z64, target),
                )
                yield partial(ops.loss, z, y, native.code, smoothing=0.3), expected, 500 * eps * m


@case
def output(ops, some, rng, dtype, eps):
    for of in EACH_LOSS:
        native, parameter = losses.row_and_parameter(of)
        for n, m in some([(1, 1), (5, 2), (9, 8), (7, 17), (6, 130), (70, 3)]):
            z = rng.normal(0, 3, (n, m)).astype(dtype)
            expected = OUTPUT_ACTIVATIONS[native.output_activation](z.astype(float))
            call = partial(ops.output, z, native.code, parameter)
            yield call, expected, 10 * eps * (1 + np.abs(z)) * np.abs(expected)
    code, parameter, _ = losses.output_stage("perceptron", "threshold")
    z = np.array([[-1, 0, 1e-30, 3, np.inf]], dtype)
    yield partial(ops.output, z, code, parameter), np.array([[0, 0, 1, 1, 1]]), 0


@case
def optimize(ops, some, rng, dtype, eps):
    """One step from where others have been; coefficients are rounded to the type."""
    for name, rule in OPTIMIZERS.items():
        solver, n_slots = SOLVERS[name](), rule.n_slots
        for m in some([*WIDTHS, 1000]):
            w, g = rng.standard_normal((2, m)).astype(dtype)
            slots = np.abs(rng.standard_normal((n_slots, m))).astype(dtype)
            if name == "rmsprop_centered":
                slots[0] += slots[2] ** 2  # as a mean square is
            t, l2 = 11, 0.25
            (row,) = solver.coefficients(np.array([0.1]), 1.0, t - 1)
            w64, g64 = float64(w, g)
            after = list(slots.astype(float))
            factor = 0.5 if m % 2 else 1.0
            expected = rule.update(w64, g64 + l2 * w64, after, t, factor * 0.1)
            decay = row[2] * (1 if name == "lamb" else factor)
            call = partial(ops.optimize, w, g, slots, solver.code, row, l2, decay, factor)
            squares = np.sum(w64**2)
            yield (
                call,
                (expected, np.reshape(after, slots.shape), squares),
                30 * eps * (1 + squares),
            )


@case
def finish_gradient(ops, some, rng, dtype, eps):
    """(gradient, sums of squares and of magnitudes): no sum has more than 1000 terms below 25."""
    for m in some([*WIDTHS, 1000]):
        w, g = rng.standard_normal((2, m)).astype(dtype)
        w[: m // 3] = 0
        w64, g64 = float64(w, g)
        for l2, l1, limit in [(0.0, 0.0, 0.5), (0.25, 0.5, 1.0), (0.25, 0.5, np.inf)]:
            expected = np.clip(g64 + reference.elastic_net(w64, l2, l1)[1], -limit, limit)
            call = partial(ops.finish_gradient, w, g, l2, l1, limit)
            yield call, (expected, np.sum(w64**2), np.sum(np.abs(w64))), 4 * eps * (1 + m)


@case
def gradient_squares(ops, some, rng, dtype, eps):
    for m in some([*WIDTHS, 1000]):
        w, g = rng.standard_normal((2, m)).astype(dtype)
        w[: m // 3] = 0
        w64, g64 = float64(w, g)
        for l2, l1 in [(0.0, 0.0), (0.25, 0.5)]:
            expected = np.sum((g64 + reference.elastic_net(w64, l2, l1)[1]) ** 2)
            yield partial(ops.gradient_squares, w, g, l2, l1), expected, 8 * eps * (1 + m)


@case
def sum_squares(ops, some, rng, dtype, eps):
    for m in some([*WIDTHS, 1000]):
        x = rng.standard_normal(m).astype(dtype)
        yield partial(ops.sum_squares, x), np.sum(float64(x)[0] ** 2), 2 * eps * m


@case
def multiply(ops, some, rng, dtype, eps):
    for m in some([*WIDTHS, 1000]):
        x = rng.standard_normal(m).astype(dtype)
        yield partial(ops.multiply, x, 0.3), 0.3 * float64(x)[0], 2 * eps * np.abs(x)


@case
def look_ahead(ops, some, rng, dtype, eps):
    for m in some([*WIDTHS, 1000]):
        w, velocity = rng.standard_normal((2, m)).astype(dtype)
        call = partial(ops.look_ahead, w, velocity, 0.9)
        yield call, w + 0.9 * velocity.astype(float), 2 * eps * (np.abs(w) + np.abs(velocity))


@case
def limit_columns(ops, some, rng, dtype, eps):
    """Some columns are short enough, and some are 0."""
    for n, m in some([(n, m) for n in [*ROWS, 100] for m in WIDTHS[:9]]):
        w = (rng.standard_normal((n, m)) * rng.choice([0, 0.1, 2], m)).astype(dtype)
        expected = reference.limit_norms(*float64(w), 1.5)
        for rows_per_part in (24, 7):
            call = partial(ops.limit_columns, w, 1.5, rows_per_part)
            yield call, expected, (4 + n) * eps * np.abs(expected)


@case
def average(ops, some, rng, dtype, eps):
    """With a weight of 1, zeros become the parameters to the bit; equal parameters stay."""
    for m in some([*WIDTHS, 1000]):
        w, old = rng.standard_normal((2, m)).astype(dtype)
        w64, old64 = float64(w, old)
        for weight in (1e-4, 0.25, 1.0):
            expected = old64 + weight * (w64 - old64)
            yield partial(ops.average, w, old, weight), expected, 4 * eps
            yield partial(ops.average, w, w, weight), w, 0
        yield partial(ops.average, w, np.zeros_like(w), 1.0), w, 0


@case
def gather(ops, some, rng, dtype, eps):
    for n_features in (1, 11, 17):
        X = make_counts(rng, 23, n_features)
        order = rng.permutation(23)[:9]
        for layout, convert in LAYOUTS.items():
            if not layout.startswith("csr"):
                rows = convert(X)
                yield partial(ops.gather, rows, dtype), X, 0
                yield partial(ops.gather, rows, dtype, order), X[order], 0
                yield partial(ops.gather, rows, dtype, None, 5, 7), X[5:12], 0
    odd = rng.standard_normal((5, 3))  # a float64 that float32 rounds
    yield partial(ops.gather, odd, dtype), odd.astype(dtype), 0


@case
def mix_rows(ops, some, rng, dtype, eps):
    """Two roundings of products and one of a sum; numbers are at most 3."""
    X = make_counts(rng, 23, 17)
    order = rng.permutation(23)[:9]
    mixings = [
        Mixing(0.3, 4),
        Mixing(0.3, 8),
        Mixing(0.5, 2, 3, 4, 1, 17),
        Mixing(0.5, 1, 1, 3, 4, 4),
    ]
    for mixing in mixings:
        for layout, convert in LAYOUTS.items():
            if not layout.startswith("csr"):
                rows, expected = convert(X), reference.mix_rows(X[order], mixing)
                yield partial(ops.mix_rows, rows, dtype, mixing, order), expected, 9 * eps
                call = partial(ops.mix_rows, rows, dtype, mixing, order, first_row=4)
                yield call, expected[4:], 9 * eps
                expected = reference.mix_rows(X[5:15], mixing)
                yield partial(ops.mix_rows, rows, dtype, mixing, None, 5, 10), expected, 9 * eps


@case
def mix_losses(ops, some, rng, dtype, eps):
    for n, m in some([(1, 1), (5, 2), (9, 17), (7, 130)]):
        delta, other = rng.standard_normal((2, n, m)).astype(dtype)
        loss, other_loss = rng.standard_normal((2, n)).astype(dtype)
        weights, order = rng.uniform(0.5, 2, n).astype(dtype), rng.permutation(n)
        d, o, v, u, w = float64(delta, other, loss, other_loss, weights)
        arguments = partial(ops.mix_losses, delta, loss, other, other_loss, 0.3)
        mixed, value = 0.3 * d + 0.7 * o, 0.3 * v + 0.7 * u
        yield arguments, (mixed, value), 12 * eps
        yield partial(arguments, weights), (mixed * w[:, np.newaxis], value), 24 * eps
        own = w[order][:, np.newaxis]
        yield partial(arguments, weights, order), (mixed * own, value), 24 * eps


def sparse_rows(rng, dtype):
    """Empty rows, unsorted columns, and an element that is stored twice, which counts twice."""
    X = LAYOUTS["csr float64"](make_counts(rng, 23, 19)).astype(dtype)
    X.data[...] = rng.standard_normal(X.nnz)
    X.indices[1] = X.indices[0]
    assert X.indptr[2] > 1
    dense = np.zeros(X.shape)
    np.add.at(dense, (np.repeat(np.arange(23), np.diff(X.indptr)), X.indices), X.data.astype(float))
    return X, dense


@case
def csr_matmul(ops, some, rng, dtype, eps):
    for m in some(WIDTHS):
        X, dense = sparse_rows(rng, dtype)
        w, bias = rng.standard_normal((19, m)).astype(dtype), rng.standard_normal(m).astype(dtype)
        yield partial(ops.csr_matmul, X, w, bias), dense @ w + bias, 100 * eps


@case
def csr_weight_gradient(ops, some, rng, dtype, eps):
    for m in some(WIDTHS):
        X, dense = sparse_rows(rng, dtype)
        dz = rng.standard_normal((23, m)).astype(dtype)
        for first, last in [(0, 19), (0, 8), (5, 6), (8, 19)]:
            expected = dense.T[first:last] @ dz
            yield partial(ops.csr_weight_gradient, X, dz, first, last), expected, 100 * eps


@case
def weighted_sum(ops, some, rng, dtype, eps):
    """Summed in float64, whatever the type."""
    for n in some([*WIDTHS, 1000]):
        values, weights = rng.standard_normal((2, n)).astype(dtype)
        order = rng.permutation(n)
        v, w = float64(values, weights)
        bound = 1e-15 * n
        yield partial(ops.weighted_sum, values), v.sum(), bound
        yield partial(ops.weighted_sum, values, weights), v @ w, bound
        yield partial(ops.weighted_sum, values, weights, order), v @ w[order], bound


def arrays(result):
    return list(result) if isinstance(result, tuple | list) else [result]


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_kernel_against_the_reference(name, dtype, ops):
    check_against_the_reference(name, dtype, ops)


def calls_of(name, dtype, ops, some=list):
    """The calls of a case, what they should return, and how far off they may be."""
    dtype = np.dtype(dtype)
    return CASES[name](ops, some, np.random.default_rng(0), dtype, np.finfo(dtype).eps)


def check_against_the_reference(name, dtype, ops, some=list):
    for call, expected, bound in calls_of(name, dtype, ops, some):
        for actual, wanted in zip(arrays(call()), arrays(expected), strict=True):
            actual, wanted = np.asarray(actual), np.asarray(wanted, float)
            assert actual.shape == wanted.shape
            # The reference has roundings of its own, and infinities must be where they belong.
            same = actual == wanted
            with np.errstate(invalid="ignore"):
                close = np.abs(actual - wanted) <= np.asarray(bound) * 1.01 + 1e-300
            assert np.all(same | close), f"{call}: {actual} should be {wanted}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_instruction_sets_with_fma_give_the_same_bits(name, dtype):
    fused = [isa for isa in AVAILABLE if isa != "baseline"]
    if len(fused) < 2:
        pytest.skip("this processor has fewer than two instruction sets with FMA")
    for each in zip(*(calls_of(name, dtype, HeldTo(isa)) for isa in fused), strict=True):
        for one, *others in zip(*(arrays(call()) for call, *_ in each), strict=True):
            for other in others:
                np.testing.assert_array_equal(one, other)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_passes_through(dtype, ops):
    """Or training could not notice that it diverged."""
    x = np.zeros((3, 20), dtype)
    x[1, 18] = np.nan
    for each in EACH_ACTIVATION:
        y = ops.activation(x, *native(each)[1])
        assert np.isnan(y[1, 18])
        assert np.isnan(y).sum() == 1
    for of in EACH_LOSS:
        row, parameter = losses.row_and_parameter(of)
        y = np.zeros(3, np.int32) if row.class_codes else np.zeros((3, 20), dtype)
        *_, value = ops.loss(x, y, row.code, parameter=parameter)
        assert np.isnan(value[1])
        assert np.isfinite(value[[0, 2]]).all()
    g, *_ = ops.finish_gradient(np.ones(20, dtype), x[1], 0.1, 0.1, 1.0)
    assert np.isnan(g[18])
    assert np.isnan(g).sum() == 1
    _, variance = ops.batchnorm_statistics(x)
    assert np.isnan(variance[18])
    for y in (
        ops.prelu(x, np.ones(1, dtype)),
        ops.maxout(x, 2),
        ops.maxout(x[:, ::-1], 2),
    ):
        assert np.isnan(y[1]).sum() == 1
    assert np.isnan(ops.rownorm(x, 2, 0.1)[1, 10:]).all()
    assert np.isfinite(ops.rownorm(x, 2, 0.1)[[0, 2]]).all()


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of", [of for of in EACH_LOSS if of != "poisson"], ids=str)
def test_losses_of_extreme_outputs(of, dtype, ops):
    """Nothing overflows on the way, and equals are told apart as in the reference."""
    row, parameter = losses.row_and_parameter(of)
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4], [0, 0, 0]], dtype)
    if row.class_codes:
        y = np.array([0, 0, 1, 2], np.int32)
    elif of == "soft_log_loss":
        y = np.array([[0.5, 0.25, 0.25], [0, 0.5, 0.5], [1, 0, 0], [0.25, 0.5, 0.25]], dtype)
    else:
        y = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]], dtype)
    for smoothing in (0.0, 0.25) if row.probabilities else (0.0,):
        output, delta, value = ops.loss(z, y, row.code, parameter=parameter, smoothing=smoothing)
        z64 = z.astype(float)
        target = y
        if smoothing:
            n_classes = 2 if of == "binary_log_loss" else 3
            target = reference.smoothed(reference.as_target(y, z), n_classes, smoothing)
        expected = loss_of(of)
        eps = np.finfo(dtype).eps
        at_most = {"rtol": 300 * eps, "atol": 4 * eps * 1e4}  # two numbers of 1e4 may cancel
        np.testing.assert_allclose(value, expected.value(z64, target), **at_most)
        np.testing.assert_allclose(delta, expected.delta(z64, target), 300 * eps, eps)
        assert np.isfinite(output).all()


LIMITS = {
    "logistic": (0, 1),
    "tanh": (-1, 1),
    "relu": (0, np.inf),
    "hardtanh": (-1, 1),
    "leaky_relu": (-np.inf, np.inf),
    "elu": (-1, np.inf),
    "selu": (-reference.SELU_SCALE * reference.SELU_ALPHA, np.inf),
    "gelu": (0, np.inf),
    "gelu_tanh": (0, np.inf),
    "silu": (0, np.inf),
    "mish": (0, np.inf),
    "softplus": (0, np.inf),
    "softsign": (-1, 1),
    "rrelu": (-np.inf, np.inf),
}


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_go_to_their_limits(dtype, ops):
    """And derivatives stay finite: nothing overflows on the way."""
    largest = np.finfo(dtype).max
    x = np.array([-np.inf, -largest, -1e10, 1e10, largest, np.inf], dtype)
    assert list(LIMITS) == [name for name in ACTIVATIONS if name != "identity"]
    for name, (low, high) in LIMITS.items():
        y = ops.activation(x, *native(name)[1])
        np.testing.assert_allclose(y[[0, -1]], [low, high], rtol=1e-6)
        np.testing.assert_allclose(y[2:4], ACTIVATIONS[name].value(np.float64(x[2:4])), rtol=1e-6)
        d = times_derivative(ops, x, y, np.ones_like(x), *native(name))
        slopes = ACTIVATIONS[name].derivative(np.float64([-1e10, 1e10]))
        np.testing.assert_allclose(d, np.repeat(slopes, 3), rtol=1e-6, atol=1e-6)


@on_each_isa
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_of_any_logits_is_a_distribution(dtype, ops):
    z = np.array([[1e4, -1e4, 0], [-1e30, -1e30, -1e30], [80, 89, 100], [5, 5, 5]], dtype)
    p = ops.output(z, losses.LOSSES["log_loss"].code)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(p[1], 1 / 3, rtol=1e-6)


def test_codes_are_the_same_in_python_and_c():
    """And every name that C knows has its row in a registry."""
    registries = [
        {name: row.code for name, row in activations.ACTIVATIONS.items()},
        {name: row.code for name, row in losses.LOSSES.items()},
        {rule.name.lower(): rule for rule in Rule},
    ]
    stages = {name: getattr(program, name) for name in dir(program) if name in STAGE_KINDS}
    expected = stages | registries[0] | registries[1] | registries[2]
    assert cpu_ops.constants() == expected


STAGE_KINDS = {"DENSE", "BN_STATISTICS", "BN_APPLY", "ACTIVATION", "DROPOUT", "OUTPUT", "FORK"}
STAGE_KINDS |= {"NOISE", "JOIN", "ROW_NORM", "PRELU", "MAXOUT", "WEIGHT_NORM", "TASK_ROWS"}


def test_stage_is_the_same_struct_in_python_and_c():
    assert cpu_ops.struct_sizes()["Stage"] == program.STAGE.itemsize


def test_every_rule_has_a_reference():
    assert SOLVERS.keys() == OPTIMIZERS.keys()
    assert {solver().code for solver in SOLVERS.values()} == set(Rule)
    assert {type(solver()) for solver in SOLVERS.values()} == set(SPECS.values()) - {LBFGS}
    for name, solver in SOLVERS.items():
        assert solver().n_slots == OPTIMIZERS[name].n_slots


def test_every_name_of_a_registry_has_a_reference():
    assert set(activations.ELEMENTWISE) == set(ACTIVATIONS)
    assert losses.LOSSES.keys() == LOSSES.keys()
    for name, row in losses.LOSSES.items():
        assert row.output_activation == LOSSES[name].output_activation


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="baseline"):
        cpu_ops.matmul(np.eye(2), np.eye(2), isa="avx9000")
