"""Class labels, and the numbers that a network is trained on in their place."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target, unique_labels

from .losses import COMPARING_LOSSES

# Rows of probabilities may be rounded to so many parts of 1.
_SUM_TOLERANCE = 1e-3


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
    """

    def __init__(self, y):
        self.kind = type_of_target(y, input_name="y")
        self._container = None
        if self.kind == "continuous-multioutput":
            self.kind = "probabilities"
            self.classes = np.arange(y.shape[1])
            self._check_probabilities(y)
            return
        if "multioutput" in self.kind:
            raise ValueError("Multioutput target data is not supported with label binarization")
        self.classes = unique_labels(y)
        if sparse.issparse(y):
            self._container = (
                sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
            )

    @property
    def n_outputs(self):
        return 1 if self.kind == "binary" else len(self.classes)

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
        try:
            codes = np.searchsorted(self.classes, y)
            known = np.array_equal(self.classes.take(codes, mode="clip"), y)
        except TypeError:  # numbers and strings have no order
            known = False
        if not known:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {unique_labels(y)}."
            )
        return codes

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

    def accuracy(self, targets, outputs, boundary, sample_weight):
        """Part of the rows whose labels are all right; of probabilities the highest counts."""
        if self.kind in ("multiclass", "probabilities"):
            numbers = targets if targets.ndim == 1 else targets.argmax(axis=1)
            right = outputs.argmax(axis=1) == numbers
        else:
            right = ((outputs > boundary) == targets).all(axis=1)
        return float(np.average(right, weights=sample_weight))
