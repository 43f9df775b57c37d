"""Validation of sparse matrices before native code follows their indices.

SciPy builds such objects from any arrays, for instance from an untrusted file, and they can be
written to later. SciPy's own conversions do not check them.
"""

import numpy as np
from scipy import sparse

from .._core.memory import pinned_view


def checked_csr(X, name):
    """Return a new CSR matrix with the elements of a sparse matrix, after checking its indices.

    If X is CSR, elements and column indices are shared with X; row pointers are copied.

    Parameters
    ----------
    X : object
        If it is not a sparse matrix, it is returned.
    name : str
        Its name in error messages.

    Raises
    ------
    ValueError
        If row pointers or column indices are out of bounds.
    """
    if not sparse.issparse(X) or X.ndim != 2:
        return X
    kind = sparse.csr_array if isinstance(X, sparse.sparray) else sparse.csr_matrix
    try:
        if X.format != "csr":
            X = _rebuilt(X).tocsr()
        _check_numbers(X.indices, X.indptr)
        checked = kind(
            (pinned_view(X.data), pinned_view(X.indices), X.indptr.copy()), shape=X.shape
        )
        _check_format(checked)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is a sparse matrix whose arrays do not belong together: {error}. It was made "
            "of wrong numbers, or changed since."
        ) from error
    return checked


def _rebuilt(X):
    """Return a sparse matrix of the same arrays that SciPy can convert safely."""
    make = getattr(sparse, f"{X.format}_{'array' if isinstance(X, sparse.sparray) else 'matrix'}")
    if X.format == "coo":
        _check_numbers(X.row, X.col)
        return make((X.data, (X.row, X.col)), shape=X.shape)
    if X.format in ("csc", "bsr"):
        _check_numbers(X.indices, X.indptr)
        rebuilt = make((X.data, X.indices, X.indptr), shape=X.shape)
        _check_format(rebuilt)
        return rebuilt
    return X


def _check_format(X):
    X.check_format(full_check=True)
    if (np.diff(X.indptr) < 0).any():  # which SciPy misses if the last is 0
        raise ValueError("index pointer values must form a non-decreasing sequence")


def _check_numbers(*arrays):
    for array in arrays:
        if array.dtype.kind not in "iu" or array.ndim != 1:
            raise ValueError(f"rows and columns have whole numbers, not {array.dtype}")
