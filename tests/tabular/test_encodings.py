"""Encodings: what each makes of numbers, gaps, levels and targets."""

import pickle
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm
from sklearn.preprocessing import KBinsDiscretizer, TargetEncoder

from fastnn.tabular.columns import Values
from fastnn.tabular.encodings import MOST_ONE_HOT, Encoding
from fastnn.tabular.folds import Fold, numbers_of_folds
from fastnn.tabular.statistics import Statistics
from fastnn.tabular.target_means import TargetMeans

RNG = np.random.default_rng(0)
SCALINGS, EXPANSIONS = ("standard", "robust", "quantile"), ("", "cosines", "piecewise")


def values_of(numbers, codes=None):
    numbers = np.asfortranarray(numbers, float)
    return Values(numbers, np.zeros((len(numbers), 0), np.int32) if codes is None else codes)


def fitted(values, scaling="standard", expansion="", n_levels=(), **parameters):
    columns = SimpleNamespace(
        number_names=["x"] * values.numbers.shape[1],
        has_gaps=np.isnan(values.numbers).any(axis=0),
        n_levels=n_levels,
    )
    statistics = Statistics(values, n_levels)
    parameters = dict(n_bins=12, n_frequencies=3, frequency=0.1) | parameters
    encoding = Encoding(scaling, expansion, **parameters)
    return encoding.fit(columns, statistics, np.random.RandomState(0))


def encoded(values, *arguments, **parameters):
    return fitted(values, *arguments, **parameters).transform(values)


NUMBERS = RNG.lognormal(size=(3000, 3))
GAPS = NUMBERS.copy()
GAPS[::7, 1] = np.nan


def test_scalings_and_their_formulas():
    values = values_of(NUMBERS)
    standard = (NUMBERS - NUMBERS.mean(axis=0)) / NUMBERS.std(axis=0)
    assert np.allclose(encoded(values, "standard"), standard, atol=1e-6)
    low, median, high = np.quantile(NUMBERS, (0.25, 0.5, 0.75), axis=0)
    robust = (NUMBERS - median) / (high - low) * 1.349
    clipped = robust / np.sqrt(1 + (robust / 3) ** 2)
    assert np.allclose(encoded(values, "robust"), clipped, atol=1e-6)
    ranks = NUMBERS.argsort(axis=0).argsort(axis=0)
    scores = norm.ppf((ranks + 0.5) / len(NUMBERS))
    assert np.abs(encoded(values, "quantile") - scores)[np.abs(scores) < 2].max() < 0.1


def test_equal_values_have_the_middle_of_their_levels():
    values = values_of(np.repeat([0.0, 1.0, 2.0], [200, 600, 200])[:, None])
    rows = encoded(values, "quantile")
    assert np.allclose(rows[[0, 300, -1], 0], ndtri([0.1, 0.5, 0.9]), atol=0.05)


def test_piecewise_linear_positions():
    values = values_of(NUMBERS[:, :1])
    rows = encoded(values, "standard", "piecewise", n_bins=5)[:, 1:]
    assert rows.shape[1] == 5
    binned = KBinsDiscretizer(5, encode="ordinal", quantile_method="linear").fit(NUMBERS[:, :1])
    bins = binned.transform(NUMBERS[:, :1])[:, 0].astype(int)
    inside = rows[np.arange(len(rows)), bins]
    assert ((inside >= 0) & (inside <= 1)).all()
    assert ((rows == 1) == (np.arange(5) < bins[:, None])).mean() > 0.99
    order = NUMBERS[:, 0].argsort()
    assert (np.diff(rows.sum(axis=1)[order]) >= 0).all()
    encoding = fitted(values, "standard", "piecewise", n_bins=5)
    far = encoding.transform(values_of([[-1e9], [1e9]]))[:, 1:]
    assert far.tolist() == [[-1, 0, 0, 0, 0], [1, 1, 1, 1, 2]]


def test_cosines_have_random_frequencies():
    rows = encoded(values_of(NUMBERS), "robust", "cosines", n_frequencies=5, frequency=0.2)
    assert rows.shape == (3000, 18)
    assert np.abs(rows[:, 3:]).max() <= 1
    other = encoded(values_of(NUMBERS), "robust", "cosines", n_frequencies=5, frequency=0.1)
    assert np.array_equal(rows[:, :3], other[:, :3])
    assert not np.array_equal(rows[:, 3:], other[:, 3:])


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_every_encoding(scaling, expansion):
    codes = RNG.integers(-1, 3, (3000, 2)).astype(np.int32)
    values = values_of(GAPS, codes)
    encoding = fitted(values, scaling, expansion, n_levels=(3, 4))
    rows = encoding.transform(values)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    assert rows.shape == (3000, encoding.width) == (3000, len(encoding.sources))
    assert np.isfinite(rows).all()
    changed = GAPS.copy()
    changed[0] = [1e100, -1e100, np.nan]
    for j in range(3):  # only columns made of a number depend on it
        moved = GAPS.copy()
        moved[:, j] = moved[::-1, j]
        differs = (encoding.transform(values_of(moved, codes)) != rows).any(axis=0)
        assert set(encoding.sources[differs]) == {j}
    assert np.isfinite(encoding.transform(values_of(changed, codes))).all()
    some = Values(values.numbers[100:103], codes[100:103])
    assert np.array_equal(encoding.transform(some), rows[100:103])
    assert np.array_equal(pickle.loads(pickle.dumps(encoding)).transform(some), rows[100:103])
    assert len(pickle.dumps(fitted(values_of(np.ones((1, 1)).repeat(50_000, 0))))) < 10_000


def test_gaps_are_told():
    rows = encoded(values_of(GAPS), "robust", "piecewise")
    gaps = np.isnan(GAPS[:, 1])
    assert np.array_equal(rows[:, -1], gaps)
    assert (rows[gaps, 1] == 0).all()
    sources = fitted(values_of(GAPS), "robust", "piecewise").sources
    assert (rows[gaps][:, sources == 1][:, :-1] == 0).all()


def test_levels_are_one_hot():
    codes = np.array([[0, 0], [1, 1], [2, 1], [-1, -1]], np.int32)
    rows = encoded(values_of(np.zeros((4, 0)), codes), n_levels=(3, 2))
    assert rows.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0.5]]


def test_the_most_frequent_of_many_levels_are_one_hot():
    codes = np.repeat(np.arange(100), np.arange(100, 0, -1)).astype(np.int32)[:, None]
    rows = encoded(values_of(np.zeros((len(codes), 0)), codes), n_levels=(100,))
    assert rows.shape[1] == MOST_ONE_HOT
    assert np.array_equal(rows.sum(axis=1), codes[:, 0] < MOST_ONE_HOT)


def test_hard_columns():
    numbers = np.array([[1e-200, 1e99, 5.0], [2e-200, -1e99, np.nan], [3e-200, 1e98, 5.0]])
    for scaling in SCALINGS:
        for expansion in EXPANSIONS:
            assert np.isfinite(encoded(values_of(numbers), scaling, expansion)).all()
    empty = encoded(values_of(np.zeros((4, 0))))
    assert empty.tolist() == [[0]] * 4


def test_memory_is_that_of_the_rows():
    values = values_of(RNG.normal(size=(60_000, 20)))
    for scaling in SCALINGS:
        encoding = fitted(values, scaling)
        tracemalloc.start()
        rows = encoding.transform(values)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.5 * rows.nbytes


# --------------------------------------------------------------------------- target means

N, N_LEVELS = 4000, 200
CODES = RNG.integers(0, N_LEVELS, N).astype(np.int32)
EFFECTS = RNG.normal(size=N_LEVELS)
TARGETS = (EFFECTS[CODES] + RNG.normal(size=N))[:, None]
FOLDS = RNG.integers(0, 5, N)


def test_target_means_are_those_of_other_folds():
    means = TargetMeans(CODES, N_LEVELS, TARGETS, None, FOLDS)
    own = means.transform(CODES, FOLDS)
    first, second = np.flatnonzero(FOLDS == 2)[:2]
    changed = TARGETS.copy()
    changed[first], changed[second] = TARGETS[second] + 1, TARGETS[first] - 1
    moved = TargetMeans(CODES, N_LEVELS, changed, None, FOLDS).transform(CODES, FOLDS) - own
    same_level = CODES[first] == CODES
    assert np.abs(moved[FOLDS == 2]).max() < 5e-3  # the amount of shrinkage is that of all rows
    assert np.abs(moved[same_level & (FOLDS != 2)]).min() > 2e-2
    assert np.corrcoef(own[:, 0], TARGETS[:, 0])[0, 1] > 0.6
    new = means.transform(np.arange(N_LEVELS))[:, 0]
    assert np.corrcoef(new, EFFECTS)[0, 1] > 0.95
    assert means.transform(np.array([-1])).tolist() == [[0]]
    reference = TargetEncoder(target_type="continuous").fit(CODES[:, None], TARGETS[:, 0])
    expected = reference.transform(np.arange(N_LEVELS)[:, None])[:, 0]
    assert np.corrcoef(new, expected)[0, 1] > 0.99  # other estimates of the variances
    assert np.abs(new * TARGETS.std() + TARGETS.mean() - expected).max() < 0.3


def test_means_of_noise_are_nearly_none():
    noise = RNG.normal(size=(N, 1))
    means = TargetMeans(CODES, N_LEVELS, noise, None, FOLDS)
    assert means.transform(CODES, FOLDS).std() < 0.1


def test_means_of_classes_and_weights():
    classes = (EFFECTS[CODES] > 0).astype(np.int32) + (EFFECTS[CODES] > 1)
    means = TargetMeans(CODES, N_LEVELS, classes, None, FOLDS)
    assert means.n_targets == 3
    levels = np.arange(N_LEVELS)
    right = (EFFECTS > 0).astype(int) + (EFFECTS > 1)
    assert (means.transform(levels).argmax(axis=1) == right).mean() > 0.95
    weights = RNG.integers(0, 3, N).astype(np.float32)
    repeated = np.repeat(np.arange(N), weights.astype(int))
    weighted = TargetMeans(CODES, N_LEVELS, TARGETS, weights, FOLDS).transform(levels)
    expected = TargetMeans(CODES[repeated], N_LEVELS, TARGETS[repeated], None, FOLDS[repeated])
    assert np.allclose(weighted, expected.transform(levels), atol=1e-5)


def test_target_means_are_columns_of_the_rows():
    values = values_of(np.zeros((N, 0)), CODES[:, None])
    encoding = fitted(values, n_levels=(N_LEVELS,)).fit_means(values, TARGETS, None, FOLDS)
    rows = encoding.transform(values, FOLDS)
    assert rows.shape == (N, MOST_ONE_HOT + 1)
    assert (encoding.sources == 0).all()
    means = TargetMeans(CODES, N_LEVELS, TARGETS, None, FOLDS)
    assert np.array_equal(rows[:, -1], means.transform(CODES, FOLDS)[:, 0])
    assert np.array_equal(encoding.transform(values)[:, -1], means.transform(CODES)[:, 0])


def test_numbers_of_folds():
    folds = [Fold(np.array([2, 3, 4]), np.array([0, 1])), Fold(np.array([0, 1]), np.array([3, 4]))]
    numbers = numbers_of_folds(folds, 6)
    assert numbers[[0, 1, 3, 4]].tolist() == [0, 0, 1, 1]
    assert (numbers[[2, 5]] > 1).all()
