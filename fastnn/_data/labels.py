"""Class labels, and their encoding as targets of a network."""

import numpy as np

from .._core.sparse import is_sparse
from ..losses import COMPARING_LOSSES, LOSSES
from .pickles import check_array, damage_raises_value_error

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
    if not is_sparse(labels) and is_column(column := np.asarray(labels)):
        return _distinct(column)
    from sklearn.utils.multiclass import unique_labels  # what predicts does without scikit-learn

    return unique_labels(labels)


def weighted_fraction(correct, sample_weight):
    """Return the fraction of rows that are correct, weighted."""
    if sample_weight is None:
        return float(np.count_nonzero(correct) / len(correct))
    return float(np.average(correct, weights=sample_weight))


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
        from sklearn.utils import multiclass

        self.kind = multiclass.type_of_target(y, input_name="y")
        if self.kind == "continuous-multioutput":
            self.kind = "probabilities"
            self.classes = np.arange(y.shape[1])
            self._check_probabilities(y)
            return
        if self.kind not in ("binary", "multiclass", "multilabel-indicator"):
            multiclass.check_classification_targets(y)  # raises
        self.classes = multiclass.unique_labels(y)
        if is_sparse(y):
            from scipy import sparse

            self._container = "csr_array" if isinstance(y, sparse.sparray) else "csr_matrix"

    def __setstate__(self, state):
        with damage_raises_value_error("labels"):
            self.__dict__.update(state)
            if isinstance(self._container, type):  # of earlier pickles
                self._container = self._container.__name__
            classes = self.classes
            check_array(classes)
            if self._container not in (None, "csr_array", "csr_matrix"):
                raise ValueError(f"in a container {self._container!r}.")
            if self.kind not in _KINDS or classes.ndim != 1 or (classes[1:] <= classes[:-1]).any():
                raise ValueError(f"of kind {self.kind!r} and with the classes {classes}.")

    @property
    def n_outputs(self):
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def shown_outputs(self):
        return self.n_outputs

    @property
    def row_classes(self):
        """The classes if each row has exactly one of them, else None."""
        return self.classes if self.kind in ("binary", "multiclass") else None

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

    def encode(self, y, dtype, loss):
        """Encode labels as targets: class indices, or a number for each output."""
        if self.kind == "probabilities":
            return self._encode_probabilities(y, dtype)
        if self.kind == "multilabel-indicator":
            from sklearn.utils.multiclass import type_of_target

            if type_of_target(y) != self.kind or y.shape[1] != self.n_outputs:
                raise ValueError(
                    f"y must be a label indicator matrix of {self.n_outputs} columns, as in the "
                    "first call."
                )
            dense = y.toarray() if is_sparse(y) else y
            return np.ascontiguousarray(dense != 0, dtype)
        if y.ndim == 2:
            raise ValueError("The object was not fitted with multilabel input.")
        codes = self.codes(y)
        if self.kind == "binary":
            return codes.astype(dtype).reshape(-1, 1)
        if LOSSES[loss].class_codes:
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
            from sklearn.utils.multiclass import unique_labels

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
        codes = y.astype(np.intp) - bounds[0]
        if bounds[1] - bounds[0] < len(self.classes):  # there is no number between two classes
            return codes
        table = np.full(bounds[1] - bounds[0] + 1, -1)
        table[self.classes.astype(np.intp) - bounds[0]] = np.arange(len(self.classes))
        codes = table[codes]
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
        y = np.asarray(y.toarray() if is_sparse(y) else y, np.float64)
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

    def decode(self, outputs, loss):
        """Decode outputs of a network with this loss to labels."""
        if self.kind in ("multiclass", "probabilities"):
            return self.classes[outputs.argmax(axis=1)]
        positive = (outputs > LOSSES[loss].boundary).astype(np.intp)
        if self.kind == "binary":
            return self.classes[positive[:, 0] if len(self.classes) > 1 else 0 * positive[:, 0]]
        if self._container is None:
            return positive
        from scipy import sparse

        return getattr(sparse, self._container)(positive)

    def true_labels(self, y):
        """Return labels to compare predictions with: the most probable for probabilities."""
        if self.kind == "probabilities" and np.ndim(y) == 2:
            return dense(y).argmax(axis=1)
        return y

    def score(self, loss, targets, outputs, sample_weight):
        """Return the accuracy, which is the subset accuracy for multilabel targets."""
        if self.kind in ("multiclass", "probabilities"):
            numbers = targets if targets.ndim == 1 else targets.argmax(axis=1)
            right = outputs.argmax(axis=1) == numbers
        else:
            right = ((outputs > LOSSES[loss].boundary) == targets).all(axis=1)
        return weighted_fraction(right, sample_weight)


def dense(y):
    """Return labels as an array."""
    return y.toarray() if is_sparse(y) else np.asarray(y)
