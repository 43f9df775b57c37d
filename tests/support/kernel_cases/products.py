"""Cases of products of matrices, dense and sparse."""

from functools import partial

import numpy as np

from support.kernel_cases.registry import ROWS, WIDTHS, case, float64
from support.problems import LAYOUTS, make_counts


@case
def matmul(ops, some, rng, dtype, eps):
    """Compare products; in any order, the error is at most k roundings of the absolute sum."""
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
