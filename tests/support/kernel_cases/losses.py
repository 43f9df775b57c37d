"""Cases of losses, and of what outputs become."""

from functools import partial

import numpy as np

from fastnn import losses
from support import reference
from support.kernel_cases.registry import WIDTHS, case, float64
from support.problems import EACH_LOSS, make_data
from support.reference import LOSSES, OUTPUT_ACTIVATIONS, loss_of


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


@case
def head_weight(ops, some, rng, dtype, eps):
    """(factor, what is added) of log variances, and the gradient of these."""
    for weight, terms in some([(1.0, 1), (0.3, 5), (0.0, 2)]):
        s = np.array([rng.normal(0, 3)], dtype)
        precision = weight * np.exp(-float(s[0]))
        expected = np.array([precision, weight * terms / 2 * float(s[0])])
        yield partial(ops.head_weight, s, weight, terms), expected, 10 * eps * (1 + abs(expected))


@case
def log_variance_gradient(ops, some, rng, dtype, eps):
    for weight, terms, part in some([(1.0, 1, 1.0), (0.3, 5, 0.25), (2.0, 2, 1.0)]):
        gradient = np.array([[rng.standard_normal()]], dtype)
        factor, loss = rng.uniform(0.5, 2, 2).astype(dtype).tolist()
        own = np.array([[weight * terms / 2 * part - factor * loss]])
        call = partial(ops.log_variance_gradient, gradient, weight, terms, part, factor, loss)
        yield call, own, 20 * eps
        yield partial(call, True), own + gradient, 20 * eps
