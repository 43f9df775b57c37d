"""Encoders of targets: of numbers, and the choice of one for labels."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

from .._core.memory import pinned_view
from ..losses import sorted_quantiles
from .labels import Labels, is_column
from .multioutput import MultioutputLabels
from .targets import read_labels


class RealTargets:
    """Targets of a regression problem; the methods are those of `Labels`.

    Parameters
    ----------
    n_targets : int
        Number of columns of y.
    quantiles : tuple of float, default=()
        Quantiles of each column; each quantile has an output, which is a head of its own.

    Attributes
    ----------
    n_outputs : int or tuple of int
        Number of units of the output layer, or of each head.
    """

    kind = "continuous"
    row_classes = None

    def __init__(self, n_targets, quantiles=()):
        self.n_targets, self.quantiles = n_targets, quantiles
        self.n_outputs = (1,) * (n_targets * len(quantiles)) if quantiles else n_targets
        self.shown_outputs = n_targets * max(1, len(quantiles))

    def encode(self, y, dtype, loss):
        """Convert targets to the network's type, with the shape (n_rows, n_outputs).

        A target is repeated for each of several quantiles, in Fortran order as heads have it.
        """
        y = y.toarray() if sparse.issparse(y) else y
        with np.errstate(over="ignore"):
            targets = pinned_view(np.require(y.reshape(len(y), -1), dtype, "CA"))
        if y.dtype != dtype and not np.isfinite(targets).all():
            raise ValueError(
                f"y has a value too large for {dtype}, the precision of this MLPRegressor: scale y "
                "(sklearn.compose.TransformedTargetRegressor), or set precision='float64'."
            )
        if loss == "poisson" and targets.min() < 0:
            raise ValueError("loss='poisson' needs targets y >= 0, and there is a negative one.")
        if targets.shape[1] != self.n_targets:
            raise ValueError(f"y has {targets.shape[1]} outputs, not {self.n_targets}.")
        if not self.quantiles:
            return targets
        return pinned_view(np.repeat(targets.T, len(self.quantiles), axis=0).T)

    def class_numbers(self, targets):
        """Return None, because there are no classes."""

    def score(self, loss, targets, outputs, sample_weight):
        """Return R2, or the mean D2 of the pinball losses of several quantiles."""
        from sklearn.metrics import d2_pinball_score, r2_score  # slow to import

        if not self.quantiles:
            return float(r2_score(targets, outputs, sample_weight=sample_weight))
        n = len(self.quantiles)
        predicted, weights = sorted_quantiles(outputs, n), {"sample_weight": sample_weight}
        scores = [
            d2_pinball_score(targets[:, k::n], predicted[:, :, k], alpha=level, **weights)
            for k, level in enumerate(self.quantiles)
        ]
        return float(np.mean(scores))


def make_labels(y, classes=None):
    """Return `Labels` of y, or `MultioutputLabels` for multiclass-multioutput targets.

    Parameters
    ----------
    y : array-like or sparse matrix
    classes : ndarray or list of ndarray, default=None
        All classes, if `y` may lack some; a list has those of each column.
    """
    if classes is None and is_column(y):
        return Labels(y)
    each = isinstance(classes, list)
    if y.ndim == 2 and y.dtype.kind == "O":
        return MultioutputLabels(y, classes)
    kind = type_of_target(y, input_name="y")
    if sparse.issparse(y) and kind != "multilabel-indicator":  # checks stored values only
        kind = type_of_target(y.toarray(), input_name="y")
    elif kind == "multilabel-indicator" and not sparse.issparse(y):
        values = np.unique(y)
        if len(values) == 2 and 0 not in values:  # such as 1 and 2: not an indicator matrix
            kind = MultioutputLabels.kind
    if each or (classes is None and kind == MultioutputLabels.kind):
        return MultioutputLabels(y, classes)
    if kind == MultioutputLabels.kind:
        raise ValueError(
            f"y has {y.shape[1]} columns of several classes each, so that classes must be a list "
            "of arrays, one for each column."
        )
    columns = kind in ("multilabel-indicator", "continuous-multioutput")
    return Labels(y if columns or classes is None else classes)


def read_classes(classes):
    """Return the user's classes: an array, or a list of arrays, one for each column of y."""
    several = isinstance(classes, list | tuple) or np.ndim(classes) == 2
    if several and len(classes) and all(np.ndim(part) == 1 for part in classes):
        return [read_labels(part, "classes") for part in classes]
    classes = read_labels(classes, "classes")
    if classes.shape == (0,):
        raise ValueError("classes is empty: list all labels of all calls.")
    return classes
