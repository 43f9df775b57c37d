"""Folds: training rows of a network, and the rows held out."""

from typing import NamedTuple

import numpy as np

#: Where there is one split only, it holds one of so many parts out.
PARTS_OF_SPLIT = 8


class Fold(NamedTuple):
    """Numbers of the rows to train on, and of those held out."""

    train: np.ndarray
    held_out: np.ndarray


def draw_folds(rows, classes, n_folds, random_state):
    """Return folds, stratified by class.

    The only row of a class is never held out. If fewer than two rows can be held out, each fold has
    all rows on both sides.

    Parameters
    ----------
    rows : ndarray of int
        Numbers of the rows to divide.
    classes : ndarray of int or None
        Classes of all rows of the table.
    n_folds : int
        1 is a single split.
    random_state : RandomState

    Returns
    -------
    folds : list of Fold
        Fewer than `n_folds` if there are fewer rows.
    """
    order, alone = random_state.permutation(rows), np.empty(0, int)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
        is_alone = np.bincount(classes[order])[classes[order]] == 1
        order, alone = order[~is_alone], order[is_alone]
    if len(order) < 2:
        return [Fold(rows, rows)] * n_folds
    n_parts = min(n_folds if n_folds > 1 else PARTS_OF_SPLIT, len(order))
    part = np.arange(len(order)) % n_parts
    return [
        Fold(np.concatenate([order[part != i], alone]), order[part == i])
        for i in range(min(n_folds, n_parts))
    ]


def numbers_of_folds(folds, n_rows):
    """Return the number of the fold that holds each row out; rows that none does form others."""
    numbers = len(folds) + np.arange(n_rows) % (PARTS_OF_SPLIT - 1)
    for number, fold in enumerate(folds):
        numbers[fold.held_out] = number
    return numbers
