"""Folds of the rows of a table."""

import numpy as np
import pytest

from fastnn.tabular.folds import PARTS_OF_SPLIT, draw_folds


def folds_of(n_rows, n_folds, classes=None, rows=None):
    rows = np.arange(n_rows) if rows is None else rows
    return draw_folds(rows, classes, n_folds, np.random.RandomState(0))


@pytest.mark.parametrize("n_rows", [2, 3, 7, 50])
@pytest.mark.parametrize("n_folds", [2, 3, 8])
def test_each_row_is_held_out_once(n_rows, n_folds):
    folds = folds_of(n_rows, n_folds)
    assert len(folds) == min(n_rows, n_folds)
    held_out = np.concatenate([fold.held_out for fold in folds])
    assert sorted(held_out) == list(range(n_rows))
    for train, out in folds:
        assert sorted([*train, *out]) == list(range(n_rows))
    sizes = [len(fold.held_out) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


def test_a_single_split_holds_one_part_out():
    [(train, held_out)] = folds_of(80, 1)
    assert len(held_out) == 80 / PARTS_OF_SPLIT
    assert sorted([*train, *held_out]) == list(range(80))


def test_rows_left_out_are_on_no_side():
    rows = np.array([1, 4, 5, 8])
    for fold in folds_of(10, 2, rows=rows):
        assert sorted(np.concatenate(fold)) == list(rows)


def test_classes_are_spread_evenly():
    classes = np.repeat([0, 1, 2], [50, 8, 3])
    for _, held_out in folds_of(len(classes), 4, classes):
        counts = np.bincount(classes[held_out], minlength=3)
        assert counts[0] in (12, 13) and counts[1] == 2 and counts[2] in (0, 1)


@pytest.mark.parametrize("n_folds", [1, 2, 5])
@pytest.mark.parametrize("counts", [[20, 1], [2, 2, 1, 1], [1, 9, 2], [3, 1, 1]])
def test_each_class_is_in_each_training_part(counts, n_folds):
    classes = np.repeat(np.arange(len(counts)), counts)
    for train, held_out in folds_of(len(classes), n_folds, classes):
        assert set(classes[train]) == set(classes)
        assert not set(train) & set(held_out)


@pytest.mark.parametrize("classes", [[0], [0, 1], [0, 1, 2], [2, 0, 0]])
def test_too_few_rows_are_on_both_sides(classes):
    classes = np.array(classes)
    for train, held_out in folds_of(len(classes), 2, classes):
        if np.bincount(classes).max() == 1:
            assert sorted(train) == sorted(held_out) == list(range(len(classes)))
        else:
            assert sorted([*train, *held_out]) == [0, 1, 2]
