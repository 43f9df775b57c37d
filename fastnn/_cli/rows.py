"""Rows of a table with their targets, which are classes or numbers, and scores for them."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error

from .tables import column_of, has_value, read_table, select, without

#: Whole numbers of at most so many different values are classes.
MOST_CLASSES = 20


class Rows(NamedTuple):
    """Rows of a table with a target.

    Parameters
    ----------
    X : pyarrow.Table
        The features.
    y : ndarray
        The targets.
    are_classes : bool
        Whether the targets are classes rather than numbers.
    n_left_out : int
        Number of rows without a target, which are left out.
    """

    X: Any
    y: np.ndarray
    are_classes: bool
    n_left_out: int

    @property
    def task(self) -> str:
        """The task of predicting the targets."""
        return "classification" if self.are_classes else "regression"

    def describe(self, target: str) -> str:
        """Return the numbers of rows and features, and what the targets are, in words."""
        if self.are_classes:
            classes, counts = np.unique(self.y, return_counts=True)
            most, share = str(classes[counts.argmax()]), counts.max() / len(self.y)
            n_classes = f"{len(classes)} class{'es' * (len(classes) != 1)}"
            kind = f"{n_classes}, of which {most!r} has {share:.1%} of the rows"
        else:
            kind = f"numbers from {self.y.min():g} to {self.y.max():g}"
        n_features = self.X.num_columns
        left_out = f" ({self.n_left_out:,} more have no target)" if self.n_left_out else ""
        return (
            f"{len(self.y):,} rows{left_out}, {n_features:,} feature{'s' * (n_features != 1)}\n"
            f"{self.task} of {target!r}: {kind}"
        )

    def words(self, target: str) -> list[str]:
        """Return the names of the columns that hold words, which may be that of the target."""
        names = [field.name for field in self.X.schema if "string" in str(field.type)]
        return [*names, target] if self.y.dtype.kind == "U" else names

    def score(self, predicted) -> str:
        """Return the score of predictions for these rows, in words."""
        if self.are_classes:
            return f"accuracy {accuracy_score(self.y, predicted):.4f}"
        error = root_mean_squared_error(self.y, predicted)
        return f"R2 {r2_score(self.y, predicted):.4f}, root mean squared error {error:.4g}"


def score_held_out(model, rows: Rows) -> str:
    """Return the score of training rows by the networks that have not seen them, in words."""
    decisions = model.oof_decision_
    known = ~np.isnan(decisions.reshape(len(decisions), -1)).any(axis=1)
    predicted = decisions[known]
    if rows.are_classes:
        predicted = model.classes_[predicted.argmax(axis=1)]
    return rows._replace(y=rows.y[known]).score(predicted)


def read_rows(path: str, target: str, ignore=(), task="auto", like: Rows | None = None) -> Rows:
    """Return the rows of a CSV or Parquet file that have a target.

    Parameters
    ----------
    path : str
    target : str
        The column to predict.
    ignore : sequence of str
        Columns that are no features.
    task : {"auto", "classification", "regression"}
        "auto" is regression for numbers, unless they are whole and few of them are different.
    like : Rows, default=None
        Training rows: the features are theirs, and so are the columns of words.
    """
    if like is None:
        table = without(read_table(path), ignore, path)
    else:
        table = read_table(path, like.words(target))
        table = select(table, [*like.X.column_names, target], path)
    X = table.filter(has_value(column_of(table, target, path)))
    if not X.num_rows:
        raise ValueError(f"{path}: no row has a value of {target!r}.")
    y = _values(column_of(X, target, path))
    X = without(X, [target], path)
    if not X.num_columns:
        raise ValueError(f"{path} has no column but {target!r}, and needs features to predict by.")
    are_numbers = y.dtype.kind in "iuf"
    if task == "regression" and not are_numbers:
        raise ValueError(f"{path}: {target!r} has values such as {y[0]!s}, which are no numbers.")
    if task == "auto":
        task = "regression" if are_numbers and not _are_few(y) else "classification"
    if task == "classification" and like is None and len(np.unique(y)) == len(y):
        raise ValueError(
            f"{path}: no value of {target!r} occurs twice, so it does not tell classes apart: name "
            "another column."
        )
    n_left_out = table.num_rows - X.num_rows
    if task == "regression":
        return Rows(X, y.astype(np.float64), False, n_left_out)
    return Rows(X, y, True, n_left_out)


def _values(column):
    """Return the values of a column as numbers, truth values or strings."""
    if str(column.type).startswith("decimal"):
        column = column.cast("float64")
    values = np.asarray(column.to_pylist())
    return values if values.dtype.kind in "biuf" else values.astype(str)


def _are_few(numbers):
    """Return whether numbers are whole, and few of them are different."""
    return bool((numbers == np.rint(numbers)).all()) and len(np.unique(numbers)) <= MOST_CLASSES
