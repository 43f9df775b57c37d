"""Labels of multiclass-multioutput targets."""

import numpy as np

from .labels import Labels, dense, weighted_fraction
from .pickles import damage_raises_value_error
from .stacking import stack_columns


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
    row_classes = None  # a row has several

    def __init__(self, y, classes=None):
        if np.ndim(y) != 2 or (classes is not None and len(classes) != y.shape[1]):
            raise ValueError(
                f"classes is a list of {len(classes)} arrays, one for each column of y, and y has "
                f"the shape {np.shape(y)}."
            )
        self.columns = [
            _ColumnLabels(column) for column in (dense(y).T if classes is None else classes)
        ]
        self.classes = [column.classes for column in self.columns]

    def __getstate__(self):
        return {"columns": self.columns}

    def __setstate__(self, state):
        with damage_raises_value_error("labels"):
            self.columns = state["columns"]
            if not all(isinstance(column, _ColumnLabels) for column in self.columns):
                raise ValueError("of columns that are none.")
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
        for i, (column, labels) in enumerate(zip(self.columns, dense(y).T, strict=True)):
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

    def encode(self, y, dtype, loss):
        """Encode labels as class indices of shape (n_rows, n_heads), in Fortran order."""
        self._check_columns(y)
        codes = np.empty(y.shape, np.int32, order="F")
        for i, (column, labels) in enumerate(zip(self.columns, dense(y).T, strict=True)):
            try:
                codes[:, i] = column.codes(labels)
            except ValueError as error:
                raise ValueError(f"Column {i} of y: {error}") from error
        return codes

    def class_numbers(self, targets):
        """Return None, because a row has several classes."""

    def decode(self, outputs, loss):
        """Decode outputs to labels of shape (n_rows, n_heads)."""
        parts = zip(self.columns, self.split(outputs), strict=True)
        return stack_columns([column.decode(part, loss) for column, part in parts])

    def split(self, outputs):
        """Split outputs by head."""
        return np.split(outputs, np.cumsum(self.n_outputs)[:-1], axis=1)

    def true_labels(self, y):
        """Return labels to compare predictions with, of shape (n_rows, n_heads)."""
        self._check_columns(y)
        return dense(y)

    def score(self, loss, targets, outputs, sample_weight):
        """Return the subset accuracy: the fraction of rows with all columns correct."""
        found = np.stack([part.argmax(axis=1) for part in self.split(outputs)], axis=1)
        return weighted_fraction((found == targets).all(axis=1), sample_weight)


class _ColumnLabels(Labels):
    """Labels of one column; two classes have two outputs."""

    def __init__(self, y):
        from .targets import read_labels  # what predicts does without scikit-learn

        self.kind, self._container = "multiclass", None
        self.classes = np.unique(read_labels(y, "y"))
