"""Class labels, and the numbers that a network is trained on in their place."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target, unique_labels


class Labels:
    """The labels of a classification problem.

    Parameters
    ----------
    y : array-like or sparse matrix
        Labels, each class at least once; or an indicator matrix of several labels a row.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator"}
    classes : ndarray
        Sorted.
    loss : str
        Name of the loss that fits.
    n_outputs : int
        Of the network.
    """

    def __init__(self, y):
        self.kind = type_of_target(y, input_name="y")
        if "multioutput" in self.kind:
            raise ValueError("Multioutput target data is not supported with label binarization")
        self.classes = unique_labels(y)
        self._container = None
        if sparse.issparse(y):
            self._container = (
                sparse.csr_array if isinstance(y, sparse.sparray) else sparse.csr_matrix
            )

    @property
    def loss(self):
        return "log_loss" if self.kind == "multiclass" else "binary_log_loss"

    @property
    def n_outputs(self):
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y, dtype):
        """Targets: class numbers for the softmax, else zeros and ones of shape (n, n_outputs)."""
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
        if self.kind == "multiclass":
            return codes.astype(np.int32)
        return codes.astype(dtype).reshape(-1, 1)

    def decode(self, outputs):
        """The labels that the network's output stands for."""
        if self.kind == "multiclass":
            return self.classes[outputs.argmax(axis=1)]
        positive = (outputs > 0.5).astype(np.intp)
        if self.kind == "binary":
            return self.classes[positive[:, 0] if len(self.classes) > 1 else 0 * positive[:, 0]]
        return positive if self._container is None else self._container(positive)

    def accuracy(self, targets, outputs, sample_weight):
        """Part of the rows whose labels are all right."""
        if self.kind == "multiclass":
            right = outputs.argmax(axis=1) == targets
        else:
            right = ((outputs > 0.5) == targets).all(axis=1)
        return float(np.average(right, weights=sample_weight))
