"""Weights of rows: sample weights times class weights."""

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from .._core.device_arrays import to_host
from .._core.memory import pinned_view
from .targets import read_numbers


def read_sample_weight(sample_weight, X, dtype=np.float64, some=False):
    """Return the user's weights of the rows of X, one for each row, or None.

    `some` tells that these are some of all rows, whose weights may all be 0.
    """
    if sample_weight is None:
        return None
    if not isinstance(sample_weight, Real):  # a number is the weight of all rows
        sample_weight = read_numbers(to_host(sample_weight), "sample_weight")
    sample_weight = _check_sample_weight(sample_weight, X, dtype=dtype, ensure_non_negative=True)
    if not some and not sample_weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return pinned_view(np.require(sample_weight, requirements="CA"))


def row_weights(
    sample_weight,
    X,
    dtype,
    *,
    class_weight=None,
    labels=None,
    y=None,
    balance=None,
    partial=False,
    some=False,
):
    """Return the weights of rows, class weights included; None if all are 1.

    Parameters
    ----------
    sample_weight : array-like, float or None
    X : {array-like, sparse matrix}
        The rows.
    dtype : dtype
    class_weight : dict, "balanced", list of dict or None
    labels : Labels or MultioutputLabels
    y : ndarray
        The labels of the rows.
    balance : (ndarray, ndarray or None)
        The training labels and their weights, by which classes are balanced.
    partial : bool, default=False
        Whether others, of which nothing is known, may follow, as for `partial_fit`.
    some : bool, default=False
        Whether these are some of the rows of a fit, whose weights may all be 0.
    """
    sample_weight = read_sample_weight(sample_weight, X, dtype.type, some)
    if class_weight is None:
        return sample_weight
    return _class_weighted(class_weight, labels, y, sample_weight, dtype, balance, partial, some)


def _class_weighted(class_weight, labels, y, sample_weight, dtype, balance, partial, some):
    """Return the weights of rows times those of their classes."""
    for of_labels in class_weight if isinstance(class_weight, list) else [class_weight]:
        if isinstance(of_labels, dict) and not all(isinstance(w, Real) for w in of_labels.values()):
            raise ValueError(f"class_weight must have a number for each class, got {of_labels!r}.")
    if isinstance(class_weight, str) and partial:
        raise ValueError(
            "class_weight='balanced' needs the labels of all rows, and partial_fit sees some: pass "
            "a dict with the weights that sklearn.utils.class_weight.compute_class_weight finds "
            "for all labels, or pass all rows to fit, as a source of fastnn.data."
        )
    if labels.kind == "probabilities":
        raise ValueError(
            "class_weight needs one class a row, and y has the probabilities of all: use "
            "sample_weight."
        )
    if labels.kind in ("multilabel-indicator", "multiclass-multioutput"):
        weights = compute_sample_weight(class_weight, y.toarray() if sparse.issparse(y) else y)
    elif isinstance(class_weight, list):
        raise ValueError(
            "class_weight must be a dict or 'balanced' where each row has one class; a list "
            "has a dict for each label of a label indicator matrix."
        )
    else:
        of_classes = compute_class_weight(
            class_weight, classes=labels.classes, y=balance[0], sample_weight=balance[1]
        )
        weights = of_classes[labels.codes(y)]
    if sample_weight is not None:
        weights = weights * sample_weight
    weights = np.ascontiguousarray(weights, dtype)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (some or weights.any())):
        raise ValueError(
            "class_weight must be finite and not negative, and leave some row a weight above "
            f"0, got {class_weight!r}."
        )
    return weights
