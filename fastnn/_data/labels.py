"""Class labels, and the numbers that a network is trained on in their place."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)

from ..losses import COMPARING_LOSSES
from .pickles import check_array, refusing_damage
from .targets import labels_given, side_by_side

_KINDS = ("binary", "multiclass", "multilabel-indicator", "probabilities")
# Rows of probabilities may be rounded to so many parts of 1.
_SUM_TOLERANCE = 1e-3
# Labels are close together if they differ by no more than this and the number of rows.
_CLOSE = 1000
# Beyond, differences might not be whole numbers of the machine.
_WIDE = 1 << 62


def is_column(y):
    """Whether labels are plain whole numbers, one a row, as they mostly are."""
    if type(y) is not np.ndarray or y.ndim != 1 or len(y) == 0:
        return False
    return y.dtype.kind in "biu" and y.dtype.isnative


def _bounds(numbers, most):
    """The least and the greatest of whole numbers, or None where they lie too far apart."""
    low, high = int(numbers.min()), int(numbers.max())
    return (low, high) if high - low < most and low > -_WIDE and high < _WIDE else None


def _distinct(column):
    """The labels of a column, sorted: those that are close together are counted, not sorted."""
    bounds = _bounds(column, _CLOSE + len(column))
    if bounds is None:
        return np.unique(column)
    counts = np.bincount(column.astype(np.intp) - bounds[0])
    return (np.flatnonzero(counts) + bounds[0]).astype(column.dtype)


def _in_dtype(labels, dtype):
    """Numbers in the type of others, else as they are; a TypeError where that rounds some."""
    if labels.dtype == dtype or labels.dtype.kind not in "iuf" or dtype.kind not in "iuf":
        return labels
    with np.errstate(invalid="ignore", over="ignore"):
        same = labels.astype(dtype)
        # A comparison may round, and a conversion wrap around, but not both.
        if not (np.array_equal(same, labels) and np.array_equal(same.astype(labels.dtype), labels)):
            raise TypeError("rounded")
    return same


def _classes_in(labels):
    """The labels of an array or a list, sorted."""
    if not sparse.issparse(labels) and is_column(column := np.asarray(labels)):
        return _distinct(column)
    return unique_labels(labels)


def part_of(right, sample_weight):
    """The part of the rows that is right."""
    if sample_weight is None:
        return float(np.count_nonzero(right) / len(right))
    return float(np.average(right, weights=sample_weight))


def labels_of(y, classes=None):
    """What knows the labels of y: `Labels`, or `LabelsOfHeads` where each column is a problem.

    Parameters
    ----------
    y : array-like or sparse matrix
    classes : ndarray or list of ndarray, default=None
        All classes, where `y` need not contain them; a list has those of each column.
    """
    if classes is None and is_column(y):
        return Labels(y)
    each = isinstance(classes, list)
    if y.ndim == 2 and y.dtype.kind == "O":
        return LabelsOfHeads(y, classes)
    kind = type_of_target(y, input_name="y")
    if sparse.issparse(y) and kind != "multilabel-indicator":  # it looks at the stored values only
        kind = type_of_target(y.toarray(), input_name="y")
    elif kind == "multilabel-indicator" and not sparse.issparse(y):
        values = np.unique(y)
        if len(values) == 2 and 0 not in values:  # such as 1 and 2: that indicates nothing
            kind = LabelsOfHeads.kind
    if each or (classes is None and kind == LabelsOfHeads.kind):
        return LabelsOfHeads(y, classes)
    if kind == LabelsOfHeads.kind:
        raise ValueError(
            f"y has {y.shape[1]} columns of several classes each, so that classes must be a list "
            "of arrays, one for each column."
        )
    columns = kind in ("multilabel-indicator", "continuous-multioutput")
    return Labels(y if columns or classes is None else classes)


def classes_given(classes):
    """Classes that a user lists: an array, or a list of arrays, one for each column of y."""
    several = isinstance(classes, list | tuple) or np.ndim(classes) == 2
    if several and len(classes) and all(np.ndim(part) == 1 for part in classes):
        return [labels_given(part, "classes") for part in classes]
    classes = labels_given(classes, "classes")
    if classes.shape == (0,):
        raise ValueError("classes is empty: list all labels of all calls.")
    return classes


class Labels:
    """The labels of a classification problem.

    Parameters
    ----------
    y : array-like or sparse matrix
        Labels, each class at least once; or an indicator matrix of several labels a row; or the
        probabilities of all classes in each row.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator", "probabilities"}
    classes : ndarray
        Sorted. The numbers of the columns, where they have no other names.
    n_outputs : int
        Of the network.
    shown_outputs : int
        What the estimator's `n_outputs_` is.
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
            check_classification_targets(y)  # says what is wrong with them
        self.classes = unique_labels(y)
        if sparse.issparse(y):
            self._container = (
                sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
            )

    def __setstate__(self, state):
        with refusing_damage("labels"):
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
        """Whether these are the classes."""
        return np.array_equal(self.classes, _classes_in(classes))

    def check_same(self, y):
        """Refuse labels to go on with that are of other classes."""
        if self.kind != "probabilities" and not np.array_equal(
            self.classes, found := _classes_in(y)
        ):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {found}"
            )

    def loss(self, name):
        """The loss that the network is trained on, where the user asks for this one.

        Of two classes one unit says all, and what compares the units of the classes becomes a loss
        of its distance from 0.
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
        """Targets of rows: class numbers, or else a number for each output, mostly 0 or 1."""
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
        """Class number of each label."""
        if (codes := self._looked_up(y)) is not None:
            return codes
        try:
            same = _in_dtype(y, self.classes.dtype)
            codes = np.searchsorted(self.classes, same)
            known = np.array_equal(self.classes.take(codes, mode="clip"), same)
        except TypeError:  # numbers and strings have no order
            known = False
        if not known:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {unique_labels(y)}."
            )
        return codes

    def _looked_up(self, y):
        """Class numbers from a table, where labels are known whole numbers close together."""
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
        """Class number of each row of targets, or None where it may be of several."""
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
        """The labels that the network's output stands for; above `boundary` a unit says yes."""
        if self.kind in ("multiclass", "probabilities"):
            return self.classes[outputs.argmax(axis=1)]
        positive = (outputs > boundary).astype(np.intp)
        if self.kind == "binary":
            return self.classes[positive[:, 0] if len(self.classes) > 1 else 0 * positive[:, 0]]
        return positive if self._container is None else self._container(positive)

    def answers(self, y):
        """Labels to compare predictions with: of probabilities the highest of each row."""
        if self.kind == "probabilities" and np.ndim(y) == 2:
            return _dense(y).argmax(axis=1)
        return y

    def accuracy(self, targets, outputs, boundary, sample_weight):
        """Part of the rows whose labels are all right; of probabilities the highest counts."""
        if self.kind in ("multiclass", "probabilities"):
            numbers = targets if targets.ndim == 1 else targets.argmax(axis=1)
            right = outputs.argmax(axis=1) == numbers
        else:
            right = ((outputs > boundary) == targets).all(axis=1)
        return part_of(right, sample_weight)


class LabelsOfHeads:
    """The labels of several problems, a column each: every one has a head of the network.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n_rows, n_heads)
    classes : list of arrays, default=None
        The classes of each column; by default those that it contains.

    Attributes
    ----------
    classes : list of ndarray
        Sorted, of each column.
    n_outputs : tuple of int
        Units of each head, one for each class.
    """

    kind = "multiclass-multioutput"

    def __init__(self, y, classes=None):
        if np.ndim(y) != 2 or (classes is not None and len(classes) != y.shape[1]):
            raise ValueError(
                f"classes is a list of {len(classes)} arrays, one for each column of y, and y has "
                f"the shape {np.shape(y)}."
            )
        self.columns = [
            _LabelsOfHead(column) for column in (_dense(y).T if classes is None else classes)
        ]
        self.classes = [column.classes for column in self.columns]

    @property
    def n_outputs(self):
        return tuple(column.n_outputs for column in self.columns)

    @property
    def shown_outputs(self):
        return len(self.columns)

    def same_classes(self, classes):
        """Whether these are the classes."""
        return len(classes) == len(self.classes) and all(
            np.ndim(part) == 1 and np.array_equal(own, np.unique(part))
            for own, part in zip(self.classes, classes, strict=True)
        )

    def check_same(self, y):
        """Refuse labels to go on with that are of other classes."""
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
        """The loss that the network is trained on: of each head the cross-entropy."""
        if name != "log_loss":
            raise ValueError(
                f"y has several columns of classes, and loss={name!r} is for one: use "
                "loss='log_loss', or sklearn.multioutput.MultiOutputClassifier, which trains a "
                "network for each column."
            )
        return name

    def encode(self, y, dtype, class_codes):
        """Class numbers of shape (n_rows, n_heads), one head after the other in memory."""
        self._check_columns(y)
        codes = np.empty(y.shape, np.int32, order="F")
        for i, (column, labels) in enumerate(zip(self.columns, _dense(y).T, strict=True)):
            try:
                codes[:, i] = column.codes(labels)
            except ValueError as error:
                raise ValueError(f"Column {i} of y: {error}") from error
        return codes

    def class_numbers(self, targets):
        """None: a row has several classes."""

    def decode(self, outputs, boundary):
        """The labels that the outputs stand for, of shape (n_rows, n_heads)."""
        parts = zip(self.columns, self.split(outputs), strict=True)
        return side_by_side([column.decode(part, boundary) for column, part in parts])

    def split(self, outputs):
        """The outputs of each head."""
        return np.split(outputs, np.cumsum(self.n_outputs)[:-1], axis=1)

    def answers(self, y):
        """Labels to compare predictions with, of shape (n_rows, n_heads)."""
        self._check_columns(y)
        return _dense(y)

    def accuracy(self, targets, outputs, boundary, sample_weight):
        """Part of the rows of which all columns are right."""
        found = np.stack([part.argmax(axis=1) for part in self.split(outputs)], axis=1)
        return part_of((found == targets).all(axis=1), sample_weight)


class _LabelsOfHead(Labels):
    """Those of one column, of which two classes have two units."""

    def __init__(self, y):
        self.kind, self._container = "multiclass", None
        self.classes = np.unique(labels_given(y, "y"))


def _dense(y):
    return y.toarray() if sparse.issparse(y) else np.asarray(y)
