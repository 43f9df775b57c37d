"""Cases of rows that are gathered and mixed."""

from functools import partial

from support import reference
from support.kernel_cases.registry import case
from support.problems import LAYOUTS, make_counts
from support.reference import Mixing


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
