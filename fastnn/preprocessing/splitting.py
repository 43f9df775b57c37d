"""Splitting of data into training, validation and test sets."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, indexable

from .. import _typing as t
from .._data.tables import as_array_or_frame, factorize, take
from .._specs.constraints import checks_arguments

_PARTS = ("train", "validation", "test")
# Largest number of folds that are combined where both `stratify` and `groups` are given.
_MAX_FOLDS = 20


@checks_arguments({"random_state": ["random_state"], "shuffle": ["boolean"]})
def train_val_test_split(
    *arrays: Any,
    sizes: Sequence[float] = (0.6, 0.2, 0.2),
    stratify: t.ArrayLike | None = None,
    groups: t.ArrayLike | None = None,
    random_state: t.Seed = None,
    shuffle: bool | str = True,
) -> list[Any]:
    """Split arrays or frames into training, validation and test sets.

    It extends `sklearn.model_selection.train_test_split` to three sets.

    Parameters
    ----------
    *arrays : sequence of array-like, sparse matrix or DataFrame, of length n_samples
        The data to split. The sets are containers of the same types.
    sizes : tuple of 3 float or int, default=(0.6, 0.2, 0.2)
        Fractions of the rows, whose sum is at most 1, or numbers of rows. With `groups` they are
        fractions or numbers of the groups, as in `sklearn.model_selection.GroupShuffleSplit`.
        Remaining rows are dropped.
    stratify : array-like of shape (n_samples,), default=None
        Classes, whose proportions are preserved in each set.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows, such as images of one patient; all rows of a group are in the same set. With
        `stratify`, the sets are unions of at most 20 folds of
        `sklearn.model_selection.StratifiedGroupKFold`. Sizes must then be fractions whose sum is 1,
        and hold approximately.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.
    shuffle : bool, default=True
        Whether to shuffle the rows. False splits in the order of the rows, or of the first row of
        each group, as for time series.

    Returns
    -------
    splits : list of length 3 * len(arrays)
        The training, validation and test rows of each array.

    Raises
    ------
    ValueError
        If there are too few rows, groups or members of a class.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.preprocessing import train_val_test_split
    >>> X, y = np.arange(20).reshape(10, 2), np.array([0, 1] * 5)
    >>> X_train, X_val, X_test, y_train, y_val, y_test = train_val_test_split(
    ...     X, y, stratify=y, random_state=0)
    >>> y_val, y_test
    (array([1, 0]), array([0, 1]))
    """
    if not arrays or any(array is None for array in arrays):
        raise ValueError("Give at least one array to split, as in train_val_test_split(X, y).")
    arrays = indexable(*arrays)
    n_rows = len(arrays[0]) if not hasattr(arrays[0], "shape") else arrays[0].shape[0]
    classes = _labels("stratify", stratify, n_rows)
    members = _labels("groups", groups, n_rows)
    if stratify is not None and not shuffle:
        raise ValueError("stratify needs shuffle=True: rows in their order keep no proportions.")
    if members is None:
        parts = _split(n_rows, sizes, classes, stratify, random_state, shuffle, "rows")
    elif classes is None:
        # Groups in the order in which they first appear.
        _, first = np.unique(members, return_index=True)
        units = members[np.sort(first)]
        chosen = _split(len(units), sizes, None, None, random_state, shuffle, "groups")
        parts = [np.flatnonzero(np.isin(members, units[part])) for part in chosen]
    else:
        parts = _stratified_groups(classes, members, sizes, random_state)
    return [take(array, part) for array in arrays for part in parts]


def _labels(name, values, n_rows):
    """Return integer codes of labels, or None."""
    if values is None:
        return None
    values = as_array_or_frame(values, name)
    if np.shape(values) != (n_rows,):
        raise ValueError(
            f"{name} must have one label for each of the {n_rows} rows, got shape "
            f"{np.shape(values)}."
        )
    codes = factorize(values, name)
    if (codes < 0).any():
        raise ValueError(
            f"{name} has no label for {(codes < 0).sum()} row(s), such as row "
            f"{np.argmin(codes)}: remove these rows, or give them a label."
        )
    return codes


def _fractions(sizes):
    """Return whether sizes are fractions rather than counts; raise if they are neither."""
    sizes = tuple(sizes) if np.ndim(sizes) == 1 else ()
    if len(sizes) != 3 or any(isinstance(size, bool) for size in sizes):
        raise ValueError(f"sizes must be three numbers (train, validation, test), got {sizes}.")
    if all(isinstance(size, Integral) and size > 0 for size in sizes):
        return False
    if all(isinstance(size, Real) and 0 < size < 1 for size in sizes):
        if sum(sizes) > 1 + 1e-9:
            raise ValueError(f"The sum of sizes={sizes} is {sum(sizes):.6g}, above 1.")
        return True
    raise ValueError(
        "sizes must be three fractions between 0 and 1, or three whole numbers above 0, got "
        f"{sizes}."
    )


def _counts(sizes, n, unit):
    """Return the number of rows or groups in each part."""
    if not _fractions(sizes):
        counts = np.array(sizes)
        if counts.sum() > n:
            raise ValueError(f"sizes={tuple(sizes)} need {counts.sum()} {unit}, and there are {n}.")
        return counts
    # The ends of the parts are rounded, so that no row is lost.
    counts = np.diff(np.rint(np.cumsum((0, *sizes)) * n).astype(int))
    if (counts == 0).any():
        raise ValueError(
            f"{n} {unit} are too few for sizes={tuple(sizes)}: the {_PARTS[counts.argmin()]} part "
            "would be empty."
        )
    return counts


def _split(n, sizes, classes, stratify, random_state, shuffle, unit):
    """Return the indices of the units in each part."""
    from sklearn.model_selection import train_test_split  # slow to import

    counts = _counts(sizes, n, unit)
    if not shuffle:
        ends = np.cumsum((0, *counts))
        return [np.arange(*pair) for pair in pairwise(ends)]
    generator = check_random_state(random_state)  # both splits draw from one
    order = np.arange(n)
    if classes is None:
        *_, n_test = counts
        rest, test = train_test_split(
            order, train_size=n - n_test, test_size=n_test, random_state=generator
        )
    else:
        _check_classes(classes, stratify, counts)
        rest, test = _stratified(order, classes, n - counts[2], counts[2], generator, stratify)
    pair = {"train_size": int(counts[0]), "test_size": int(counts[1])}
    if classes is None:
        train, val = train_test_split(rest, random_state=generator, **pair)
    else:
        train, val = _stratified(rest, classes, *counts[:2], generator, stratify)
    return [train, val, test]


def _stratified(rows, classes, n_first, n_second, generator, stratify):
    from sklearn.model_selection import train_test_split

    here = classes[rows]
    alone = np.flatnonzero(np.bincount(here) == 1)
    if len(alone):
        raise ValueError(
            f"Class {_label(stratify, classes, alone[0])!r} has too few members for three parts of "
            "these sizes: collect more, merge it with another, or leave stratify out."
        )
    return train_test_split(
        rows,
        train_size=int(n_first),
        test_size=int(n_second),
        stratify=here,
        random_state=generator,
    )


def _label(values, codes, code):
    """Return the user's label of a class."""
    value = take(values, [int(np.flatnonzero(codes == code)[0])])
    return np.asarray(value).tolist()[0]


def _check_classes(classes, stratify, counts):
    members = np.bincount(classes)
    if members.min() < 3:
        few = _label(stratify, classes, members.argmin())
        raise ValueError(
            f"Class {few!r} has {members.min()} member(s), and three parts need 3 or more: collect "
            "more, merge it with another, or leave stratify out."
        )
    if counts.min() < len(members):
        raise ValueError(
            f"The {_PARTS[counts.argmin()]} part has {counts.min()} rows, fewer than the "
            f"{len(members)} classes of stratify: make it larger, or leave stratify out."
        )


def _stratified_groups(classes, members, sizes, random_state):
    """Return parts that are unions of folds, stratified by class and not splitting groups."""
    from sklearn.model_selection import StratifiedGroupKFold  # slow to import

    if not _fractions(sizes) or abs(sum(sizes) - 1) > 1e-9:
        raise ValueError(
            f"With stratify and groups, sizes must be fractions whose sum is 1, got {tuple(sizes)}."
        )
    most = min(_MAX_FOLDS, len(np.unique(members)), np.bincount(classes).max())
    shares = np.array(sizes)
    best, folds_of = np.inf, None
    for n_folds in range(3, most + 1):
        ends = np.rint(np.cumsum((0, *shares)) * n_folds).astype(int)
        error = np.abs(np.diff(ends) / n_folds - shares).max()
        if np.diff(ends).min() > 0 and error < best - 1e-9:
            best, folds_of = error, np.diff(ends)
    if folds_of is None:
        raise ValueError(
            f"{len(np.unique(members))} groups are too few for sizes={tuple(sizes)}: each part "
            "needs one at least, with rows of the classes."
        )
    # Before scikit-learn 1.8, its own shuffling does not preserve the proportions of classes.
    numbers = check_random_state(random_state).permutation(members.max() + 1)
    folds = StratifiedGroupKFold(int(folds_of.sum()))
    held_out = [rows for _, rows in folds.split(classes, classes, numbers[members])]
    ends = np.cumsum((0, *folds_of))
    parts = [np.sort(np.concatenate(held_out[begin:end])) for begin, end in pairwise(ends)]
    empty = [name for name, part in zip(_PARTS, parts, strict=True) if not len(part)]
    if empty:
        raise ValueError(
            f"The {empty[0]} part would be empty: some groups are too large for these sizes."
        )
    return parts
