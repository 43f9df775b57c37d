"""Products of matrices."""

import numpy as np

from ..dense import TILINGS, choose_tiling
from ..kernels import kernels_of
from ..launch import over_tiles
from ..tensor_cores import TF32
from ..tensor_cores import TILINGS as TF32_TILINGS
from .tables import on_device, rows_of, tables


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
