"""Cases of updates of parameters, and of what is done with gradients before."""

from functools import partial

import numpy as np

from support import reference
from support.engines import SOLVERS, large_epsilon
from support.kernel_cases.registry import ROWS, WIDTHS, case, float64
from support.reference import OPTIMIZERS


@case
def scaled(ops, some, rng, dtype, eps):
    for n in some(WIDTHS):
        x = rng.standard_normal(n).astype(dtype)
        yield partial(ops.scaled, x, 0.3), 0.3 * x.astype(float), 2 * eps


@case
def optimize(ops, some, rng, dtype, eps):
    """Compare a step after others; coefficients are rounded to the type."""
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
def soft_threshold(ops, some, rng, dtype, eps):
    """Compare parameters, of which about half become zero, and slots, which are squares."""
    for name in ("sgd", "momentum", "nesterov", "look_ahead", "adagrad", "adam"):
        hyper, n_slots = large_epsilon(name), OPTIMIZERS[name].n_slots
        solver = SOLVERS[name](**hyper)
        (row,) = solver.coefficients(np.ones(1), 0.0, 10)
        (rate,) = solver.proximal_rates(np.ones(1), 10)
        for m in some([*WIDTHS, 1000]):
            w = rng.standard_normal(m).astype(dtype)
            slots = (0.1 + rng.standard_normal((n_slots, m)) ** 2).astype(dtype)
            after = list(slots.astype(float))
            expected = reference.proximal_step(name, *float64(w), after, 11, 1.0, 0.6, **hyper)
            call = partial(ops.soft_threshold, w, slots, solver.code, row, 0.6 * rate)
            yield call, (expected, np.reshape(after, slots.shape)), 20 * eps


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
    """Compare columns, of which some are short enough, and some are 0."""
    for n, m in some([(n, m) for n in [*ROWS, 100] for m in WIDTHS[:9]]):
        w = (rng.standard_normal((n, m)) * rng.choice([0, 0.1, 2], m)).astype(dtype)
        expected = reference.limit_norms(*float64(w), 1.5)
        for rows_per_part in (24, 7):
            call = partial(ops.limit_columns, w, 1.5, rows_per_part)
            yield call, expected, (4 + n) * eps * np.abs(expected)


@case
def average(ops, some, rng, dtype, eps):
    """Compare averages; with weight 1 zeros become the parameters, to the bit."""
    for m in some([*WIDTHS, 1000]):
        w, old = rng.standard_normal((2, m)).astype(dtype)
        w64, old64 = float64(w, old)
        for weight in (1e-4, 0.25, 1.0):
            expected = old64 + weight * (w64 - old64)
            yield partial(ops.average, w, old, weight), expected, 4 * eps
            yield partial(ops.average, w, w, weight), w, 0
        yield partial(ops.average, w, np.zeros_like(w), 1.0), w, 0
