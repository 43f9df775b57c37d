"""Passes over a source: first rows, targets, and errors with the location of rows."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .source import Rows, Source

MIXED_WEIGHTS = "Some rows have a weight and others none: give all one."


@contextmanager
def placed(rows: Rows):
    """Context in which an error about values tells where the rows are from."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{_describe(rows)}: {error}") from error


def _describe(rows):
    """Return the first row with a number that is not finite, or which rows they are."""
    X = rows.X
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f":
        bad = ~np.isfinite(X).all(axis=1)
        if bad.any():
            where = rows.place(int(bad.argmax()))
            return where[0].upper() + where[1:]
    numbers = rows.numbers
    return f"Rows {numbers[0]} to {numbers[-1]} of {rows.origin}" if len(numbers) else rows.origin


def rows_of(source: Source) -> Iterator[Rows]:
    """Yield the pieces of a source; raise a ValueError if it has no rows."""
    rows = None
    for rows in source:
        yield rows
    if rows is None:
        raise ValueError(f"{source!r} has no rows.")


def first_rows(source: Source) -> Rows:
    """Return the first rows that a source has."""
    return next(rows_of(source))


def nameless(model, source: Source, X, reset: bool):
    """Return an estimator that reads pieces of a source, whose names it compares but once.

    `X` are the first rows, which `model` has read if `reset`. If they are an array, the source has
    the names.
    """
    names = source.feature_names
    if hasattr(X, "columns") or names is None:
        return model
    known = vars(model).get("feature_names_in_")
    if reset:
        model.feature_names_in_ = np.array(names, object)
    elif known is not None and list(known) != list(names):
        raise ValueError(
            f"The columns of {source!r} are {list(names)}, and {type(model).__name__} was fitted "
            f"with {list(known)}."
        )
    return model._twin_of_arrays()


def refuse_beside(source: Source, y, sample_weight=None) -> None:
    """Raise a ValueError for targets or weights that are given beside a source."""
    if y is not None or sample_weight is not None:
        raise ValueError(
            f"{source!r} has targets and weights of its own: leave out y and sample_weight."
        )


class Targets(NamedTuple):
    """Targets of a source.

    Attributes
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    sample_weight : ndarray of shape (n_rows,), or None
    """

    y: np.ndarray
    sample_weight: np.ndarray | None


def pieces_of_targets(source: Source, read):
    """Yield the targets of a source in pieces; `read` checks those of a piece and converts them."""
    has_rows = False
    for block in source.blocks():
        for rows in source.read(block, targets_only=True):
            if rows.y is None:
                raise ValueError(_no_target(source))
            if len(rows.numbers):
                has_rows = True
                with placed(rows._replace(X=None)):
                    yield Targets(read(rows.y), rows.sample_weight)
    if not has_rows:
        raise ValueError(f"{source!r} has no rows.")


def _no_target(source):
    return f"{source!r} has no target: name the column, or let it yield (X, y)."


def targets_of(source: Source, read) -> Targets:
    """Return all targets of a source, with their weights."""
    y, weights = zip(*pieces_of_targets(source, read), strict=True)
    return Targets(np.concatenate(y), _joined_weights(weights))


def _joined_weights(parts):
    """Return the weights of all pieces, or None if there are none."""
    are_given = {one is not None for one in parts}
    if len(are_given) > 1:
        raise ValueError(MIXED_WEIGHTS)
    return np.concatenate(parts) if True in are_given else None


def targets_to_score(X, y, sample_weight, read) -> Targets:
    """Return targets that predictions for X are compared with: those given, or of a source."""
    if not isinstance(X, Source):
        return Targets(read(y), sample_weight)
    refuse_beside(X, y, sample_weight)
    return targets_of(X, read)


def in_memory(source: Source):
    """Return all rows of a source: X, y and sample_weight, of which the last may be None."""
    X, y, weights = zip(*(rows[:3] for rows in rows_of(source)), strict=True)
    if y[0] is None:
        raise ValueError(_no_target(source))
    return _joined(X), np.concatenate(y), _joined_weights(weights)


def _joined(parts):
    """Return arrays or frames below each other."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import narwhals as nw  # which only frames need

    return nw.concat([nw.from_native(part) for part in parts]).to_native()


class Count(NamedTuple):
    """Summary of the targets of a source.

    Attributes
    ----------
    n_rows : int
    labels : ndarray of shape (n,) or (n, n_outputs)
        Some labels, or rows of them, that have all classes.
    weights : ndarray of shape (n,), or None
        For one label a row, the sum of the weights of those that have it.
    """

    n_rows: int
    labels: np.ndarray
    weights: np.ndarray | None


def count(source: Source, read, of_classes: bool) -> Count:
    """Count rows, and the labels `of_classes`, in one pass over the targets."""
    pieces = (_count(y, weights, of_classes) for y, weights in pieces_of_targets(source, read))
    return functools.reduce(functools.partial(joined, of_classes=of_classes), pieces)


def _count(y, sample_weight, of_classes):
    if not of_classes or _is_fractional(y):
        return Count(len(y), y, None)
    if y.ndim == 2:
        return Count(len(y), side_by_side([np.unique(column) for column in y.T]), None)
    labels, which = np.unique(y, return_inverse=True)
    return Count(len(y), labels, np.bincount(which, sample_weight).astype(float))


def _is_fractional(y):
    """Return whether these are no labels but probabilities, or other numbers."""
    return y.dtype.kind == "f" and (y.ndim == 2 or bool((y % 1).any()))


def joined(one: Count, other: Count, of_classes: bool) -> Count:
    """Return the count of the rows of both."""
    n_rows, both = one.n_rows + other.n_rows, (one.labels, other.labels)
    if one.weights is not None and other.weights is not None:
        labels, which = np.unique(np.concatenate(both), return_inverse=True)
        weights = np.bincount(which, np.concatenate([one.weights, other.weights]))
        return Count(n_rows, labels, weights)
    numbers = [labels for labels in both if _is_fractional(labels)]
    if numbers or not of_classes:
        return Count(n_rows, numbers[0] if numbers else one.labels, None)
    columns = [np.union1d(*pair) for pair in zip(*(labels.T for labels in both), strict=True)]
    return Count(n_rows, side_by_side(columns), None)


def side_by_side(columns) -> np.ndarray:
    """Return columns of labels beside each other, the short ones with their last label again."""
    n = max(map(len, columns))
    return np.column_stack([np.pad(column, (0, n - len(column)), "edge") for column in columns])
