"""Class labels, and their encoding as targets of a network."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from ..losses import COMPARING_LOSSES
from .pickles import check_array, damage_raises_value_error
from .targets import read_labels, stack_columns

_KINDS = ("binary", "multiclass", "multilabel-indicator", "probabilities")
# Largest deviation of the sum of probabilities from 1.
_SUM_TOLERANCE = 1e-3
# Labels are counted in a table if their range is below this plus the number of rows.
_CLOSE = 1000
# Beyond, differences might overflow.
_WIDE = 1 << 62


def is_column(y):
    """Return whether labels are a plain array of integers or booleans, one for each row."""
    if type(y) is not np.ndarray or y.ndim != 1 or len(y) == 0:
        return False
    return y.dtype.kind in "biu" and y.dtype.isnative


def _bounds(numbers, most):
    """Return minimum and maximum of integers, or None if they are too far apart."""
    low, high = int(numbers.min()), int(numbers.max())
    return (low, high) if high - low < most and low > -_WIDE and high < _WIDE else None


def _distinct(column):
    """Return the sorted distinct labels of a column; by counting if their range is small."""
    bounds = _bounds(column, _CLOSE + len(column))
    if bounds is None:
        return np.unique(column)
    counts = np.bincount(column.astype(np.intp) - bounds[0])
    return (np.flatnonzero(counts) + bounds[0]).astype(column.dtype)


def _in_dtype(labels, dtype):
    """Convert numbers to a numeric dtype; raise a TypeError if that changes a value."""
    if labels.dtype == dtype or labels.dtype.kind not in "iuf" or dtype.kind not in "iuf":
        return labels
    with np.errstate(invalid="ignore", over="ignore"):
        same = labels.astype(dtype)
        # A comparison may round, and a conversion wrap around, but not both.
        if not (np.array_equal(same, labels) and np.array_equal(same.astype(labels.dtype), labels)):
            raise TypeError("rounded")
    return same


def _classes_in(labels):
    """Return the sorted distinct labels of an array or a list."""
    if not sparse.issparse(labels) and is_column(column := np.asarray(labels)):
        return _distinct(column)
    return unique_labels(labels)


def weighted_fraction(correct, sample_weight):
    """Return the fraction of rows that are correct, weighted."""
    if sample_weight is None:
        return float(np.count_nonzero(correct) / len(correct))
    return float(np.average(correct, weights=sample_weight))


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


class Labels:
    """Labels of a classification problem.

    Parameters
    ----------
    y : array-like or sparse matrix
        Labels that contain all classes, a label indicator matrix, or the probabilities of all
        classes in each row.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator", "probabilities"}
    classes : ndarray
        The classes, sorted; the indices of the columns for indicators and probabilities.
    n_outputs : int
        Number of outputs of the network.
    shown_outputs : int
        The estimator's `n_outputs_`.
    """

    def __init__(self, y):
        self._container = None
        if is_column(y):
            self.classes = _distinct(y)
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"
            return
        self.kind = type_of_target(y, input_name="y")
        if self.kind == "continuous-multioutput":
            self.kind = "probabilities"
            self.classes = np.arange(y.shape[1])
            self._check_probabilities(y)
            return
        if self.kind not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(y)  # raises
        self.classes = unique_labels(y)
        if sparse.issparse(y):
            self._container = (
                sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
            )

    def __setstate__(self, state):
        with damage_raises_value_error("labels"):
            self.__dict__.update(state)
            classes = self.classes
            check_array(classes)
            if self.kind not in _KINDS or classes.ndim != 1 or (classes[1:] <= classes[:-1]).any():
                raise ValueError(f"of kind {self.kind!r} and with the classes {classes}.")

    @property
    def n_outputs(self):
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def shown_outputs(self):
        return self.n_outputs

    def same_classes(self, classes):
        """Return whether the classes are equal to these."""
        return np.array_equal(self.classes, _classes_in(classes))

    def check_same(self, y):
        """Raise a ValueError if labels have other classes than those of the first call."""
        if self.kind != "probabilities" and not np.array_equal(
            self.classes, found := _classes_in(y)
        ):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {found}"
            )

    def loss(self, name):
        """Return the loss that the network is trained on, for the user's `loss`.

        Two classes have one output. Losses that compare outputs become the hinge loss of it.
        """
        if self.kind == "probabilities":
            if name != "log_loss":
                raise ValueError(
                    f"y has the probabilities of the classes in each row, which loss={name!r} "
                    "cannot be trained on: use loss='log_loss', or give the classes themselves."
                )
            return "soft_log_loss"
        if self.kind == "multiclass":
            return name
        if name in COMPARING_LOSSES:
            if self.kind == "binary":
                return "hinge"
            raise ValueError(
                f"loss={name!r} compares a row's class with all others, but here a row has several "
                "labels: use loss='hinge', which is one for each label."
            )
        return "binary_log_loss" if name == "log_loss" else name

    def encode(self, y, dtype, class_codes):
        """Encode labels as targets: class indices, or a number for each output."""
        if self.kind == "probabilities":
            return self._encode_probabilities(y, dtype)
        if self.kind == "multilabel-indicator":
            if type_of_target(y) != self.kind or y.shape[1] != self.n_outputs:
                raise ValueError(
                    f"y must be a label indicator matrix of {self.n_outputs} columns, as in the "
                    "first call."
                )
            dense = y.toarray() if sparse.issparse(y) else y
            return np.ascontiguousarray(dense != 0, dtype)
        if y.ndim == 2:
            raise ValueError("The object was not fitted with multilabel input.")
        codes = self.codes(y)
        if self.kind == "binary":
            return codes.astype(dtype).reshape(-1, 1)
        if class_codes:
            return codes.astype(np.int32)
        targets = np.zeros((len(codes), len(self.classes)), dtype)
        targets[np.arange(len(codes)), codes] = 1
        return targets

    def codes(self, y):
        """Return the class index of each label."""
        if (codes := self._looked_up(y)) is not None:
            return codes
        try:
            same = _in_dtype(y, self.classes.dtype)
            codes = np.searchsorted(self.classes, same)
            known = np.array_equal(self.classes.take(codes, mode="clip"), same)
        except TypeError:  # numbers and strings cannot be ordered
            known = False
        if not known:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {unique_labels(y)}."
            )
        return codes

    def _looked_up(self, y):
        """Return class indices from a table, if labels are known integers of a small range."""
        if not (is_column(y) and is_column(self.classes)):
            return None
        bounds = _bounds(self.classes, _CLOSE + len(y))
        if bounds is None or y.min() < bounds[0] or y.max() > bounds[1]:
            return None
        table = np.full(bounds[1] - bounds[0] + 1, -1)
        table[self.classes.astype(np.intp) - bounds[0]] = np.arange(len(self.classes))
        codes = table[y.astype(np.intp) - bounds[0]]
        return codes if codes.min() >= 0 else None

    def class_numbers(self, targets):
        """Return the class index of each row of targets, or None for multilabel targets."""
        if self.kind == "multiclass":
            return targets if targets.ndim == 1 else targets.argmax(axis=1)
        return targets[:, 0].astype(np.intp) if self.kind == "binary" else None

    def _encode_probabilities(self, y, dtype):
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise ValueError(
                f"y must have the probabilities of {len(self.classes)} classes in each row, as in "
                "the first call."
            )
        y = self._check_probabilities(y)
        return np.ascontiguousarray(y / y.sum(axis=1, keepdims=True), dtype)

    @staticmethod
    def _check_probabilities(y):
        y = np.asarray(y.toarray() if sparse.issparse(y) else y, np.float64)
        sums = y.sum(axis=1)
        bad = (y < 0).any(axis=1) | (np.abs(sums - 1) > _SUM_TOLERANCE)
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(
                "y of several columns must be a label indicator matrix of zeros and ones, or the "
                "probabilities of all classes, in rows of non-negative numbers whose sum is 1: row "
                f"{row} is {y[row]}, its sum {sums[row]:.6g}."
            )
        return y

    def decode(self, outputs, boundary):
        """Decode outputs to labels; an output above `boundary` is positive."""
        if self.kind in ("multiclass", "probabilities"):
            return self.classes[outputs.argmax(axis=1)]
        positive = (outputs > boundary).astype(np.intp)
        if self.kind == "binary":
            return self.classes[positive[:, 0] if len(self.classes) > 1 else 0 * positive[:, 0]]
        return positive if self._container is None else self._container(positive)

    def true_labels(self, y):
        """Return labels to compare predictions with: the most probable for probabilities."""
        if self.kind == "probabilities" and np.ndim(y) == 2:
            return _dense(y).argmax(axis=1)
        return y

    def accuracy(self, targets, outputs, boundary, sample_weight):
        """Return the accuracy, which is the subset accuracy for multilabel targets."""
        if self.kind in ("multiclass", "probabilities"):
            numbers = targets if targets.ndim == 1 else targets.argmax(axis=1)
            right = outputs.argmax(axis=1) == numbers
        else:
            right = ((outputs > boundary) == targets).all(axis=1)
        return weighted_fraction(right, sample_weight)


class MultioutputLabels:
    """Labels of multiclass-multioutput targets: each column has an output layer (a head).

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n_rows, n_heads)
    classes : list of arrays, default=None
        The classes of each column; None takes them from y.

    Attributes
    ----------
    classes : list of ndarray
        The sorted classes of each column.
    n_outputs : tuple of int
        Number of units of each head, one for each class.
    """

    kind = "multiclass-multioutput"

    def __init__(self, y, classes=None):
        if np.ndim(y) != 2 or (classes is not None and len(classes) != y.shape[1]):
            raise ValueError(
                f"classes is a list of {len(classes)} arrays, one for each column of y, and y has "
                f"the shape {np.shape(y)}."
            )
        self.columns = [
            _ColumnLabels(column) for column in (_dense(y).T if classes is None else classes)
        ]
        self.classes = [column.classes for column in self.columns]

    @property
    def n_outputs(self):
        return tuple(column.n_outputs for column in self.columns)

    @property
    def shown_outputs(self):
        return len(self.columns)

    def same_classes(self, classes):
        """Return whether the classes are equal to these."""
        return len(classes) == len(self.classes) and all(
            np.ndim(part) == 1 and np.array_equal(own, np.unique(part))
            for own, part in zip(self.classes, classes, strict=True)
        )

    def check_same(self, y):
        """Raise a ValueError if labels have other classes than those of the first call."""
        self._check_columns(y)
        for i, (column, labels) in enumerate(zip(self.columns, _dense(y).T, strict=True)):
            if not np.array_equal(column.classes, found := np.unique(labels)):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous "
                    f"call to fit. Previously got {column.classes} in column {i}, `y` has {found}"
                )

    def _check_columns(self, y):
        if np.ndim(y) != 2 or y.shape[1] != len(self.columns):
            raise ValueError(
                f"y must have {len(self.columns)} columns of labels, as in the first call; its "
                f"shape is {np.shape(y)}."
            )

    def loss(self, name):
        """Return the loss that the network is trained on: the cross-entropy of each head."""
        if name != "log_loss":
            raise ValueError(
                f"y has several columns of classes, and loss={name!r} is for one: use "
                "loss='log_loss', or sklearn.multioutput.MultiOutputClassifier, which trains a "
                "network for each column."
            )
        return name

    def encode(self, y, dtype, class_codes):
        """Encode labels as class indices of shape (n_rows, n_heads), in Fortran order."""
        self._check_columns(y)
        codes = np.empty(y.shape, np.int32, order="F")
        for i, (column, labels) in enumerate(zip(self.columns, _dense(y).T, strict=True)):
            try:
                codes[:, i] = column.codes(labels)
            except ValueError as error:
                raise ValueError(f"Column {i} of y: {error}") from error
        return codes

    def class_numbers(self, targets):
        """Return None, because a row has several classes."""

    def decode(self, outputs, boundary):
        """Decode outputs to labels of shape (n_rows, n_heads)."""
        parts = zip(self.columns, self.split(outputs), strict=True)
        return stack_columns([column.decode(part, boundary) for column, part in parts])

    def split(self, outputs):
        """Split outputs by head."""
        return np.split(outputs, np.cumsum(self.n_outputs)[:-1], axis=1)

    def true_labels(self, y):
        """Return labels to compare predictions with, of shape (n_rows, n_heads)."""
        self._check_columns(y)
        return _dense(y)

    def accuracy(self, targets, outputs, boundary, sample_weight):
        """Return the subset accuracy: the fraction of rows with all columns correct."""
        found = np.stack([part.argmax(axis=1) for part in self.split(outputs)], axis=1)
        return weighted_fraction((found == targets).all(axis=1), sample_weight)


class _ColumnLabels(Labels):
    """Labels of one column; two classes have two outputs."""

    def __init__(self, y):
        self.kind, self._container = "multiclass", None
        self.classes = np.unique(read_labels(y, "y"))


def _dense(y):
    return y.toarray() if sparse.issparse(y) else np.asarray(y)
