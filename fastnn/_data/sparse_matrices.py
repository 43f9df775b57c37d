"""Sparse matrices that users pass: looked at before native code follows their numbers.

SciPy makes such objects of any arrays, as of a file of a stranger, and anybody may write into them
later; SciPy's own conversions trust them.
"""

import numpy as np
from scipy import sparse

from .._core.memory import held


def sound(X, name):
    """A CSR matrix of the same numbers in an object of its own, if X is a sparse matrix.

    Its elements and columns lie where those of X do, if X is CSR; row pointers are copied.

    Parameters
    ----------
    X : object
        What is no sparse matrix comes back.
    name : str
        What it is called in errors.

    Raises
    ------
    ValueError
        If row pointers or columns point beyond the matrix.
    """
    if not sparse.issparse(X) or X.ndim != 2:
        return X
    kind = sparse.csr_array if isinstance(X, sparse.sparray) else sparse.csr_matrix
    try:
        if X.format != "csr":
            X = _rebuilt(X).tocsr()
        _check_numbers(X.indices, X.indptr)
        checked = kind((held(X.data), held(X.indices), X.indptr.copy()), shape=X.shape)
        _check_format(checked)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is a sparse matrix whose arrays do not belong together: {error}. It was made "
            "of wrong numbers, or changed since."
        ) from error
    return checked


def _rebuilt(X):
    """A sparse matrix of the same arrays, that SciPy can convert without harm."""
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
