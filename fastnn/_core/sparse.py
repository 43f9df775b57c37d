"""Recognition of SciPy's sparse matrices, without SciPy where there are none."""

import sys


def is_sparse(X) -> bool:
    """Return whether this is a sparse matrix or array: if so, SciPy is imported."""
    scipy_sparse = sys.modules.get("scipy.sparse")
    return scipy_sparse is not None and scipy_sparse.issparse(X)
