"""Sources made of sources: transformed, and split."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import IncrementalPCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from fastnn.data import Arrays, Parquet, partial_fit
from support.sources import RowsInBlocks

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(2000, 4))
Y = RNG.integers(0, 3, 2000)
SOURCE = Arrays(X, Y, X[:, 0], shuffle_buffer=6400, classes=[0, 1, 2])


def numbers_of(source):
    return np.concatenate([np.asarray(rows.numbers) for rows in source])


# --- map and partial_fit --------------------------------------------------------------------------


def test_partial_fit_sees_every_row():
    scaler = partial_fit(StandardScaler(), SOURCE)
    assert len(SOURCE.blocks()) > 1
    np.testing.assert_allclose(scaler.mean_, X.mean(axis=0))
    np.testing.assert_allclose(scaler.var_, X.var(axis=0))
    assert partial_fit(IncrementalPCA(2), SOURCE).n_samples_seen_ == 2000
    with pytest.raises(TypeError, match="OneHotEncoder has no partial_fit: fit it on the rows of"):
        partial_fit(OneHotEncoder(), SOURCE)


def test_map_transforms_what_is_read():
    pipeline = make_pipeline(StandardScaler(), FunctionTransformer(np.abs)).fit(X)
    source = SOURCE.map(pipeline)
    np.testing.assert_allclose(
        np.concatenate([rows.X for rows in source]), pipeline.transform(X), rtol=1e-12
    )
    np.testing.assert_array_equal(np.concatenate([rows.y for rows in source]), Y)
    assert len(source) == 2000 and source.shuffle_buffer == 6400 and source.classes == [0, 1, 2]
    [first, *_] = source.read(source.blocks()[0], targets_only=True)
    assert first.X is None
    assert pickle.loads(pickle.dumps(source)).identity() == source.identity()
    others = [SOURCE, SOURCE.map(StandardScaler().fit(X[1:])), SOURCE.map(StandardScaler().fit(X))]
    assert len({other.identity() for other in (*others, source)}) == 4


def test_columns_by_name(tmp_path):
    frame = pd.DataFrame({"x": X[:, 0], "city": np.array(["a", "b", "c"])[Y], "y": Y})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=300)
    prepare = make_column_transformer(
        (OneHotEncoder(), ["city"]), (StandardScaler(), ["x"]), sparse_threshold=0
    ).fit(frame)
    source = Parquet(tmp_path / "t.parquet", target="y").map(prepare)
    assert source.n_features is source.feature_names is None
    np.testing.assert_allclose(
        np.concatenate([rows.X for rows in source]), prepare.transform(frame), rtol=1e-12
    )
    frame["city"] = np.where(np.arange(2000) == 700, "d", frame["city"])
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=300)
    source = Parquet(tmp_path / "t.parquet", target="y").map(prepare)
    with pytest.raises(ValueError, match=r"t\.parquet, rows 600 to 899: Found unknown categories"):
        list(source)


def test_threads_that_transform_leave_the_filters_of_warnings():
    prepare = make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough").fit(X)
    source = Arrays(X, shuffle_buffer=1).map(prepare)
    filters = list(warnings.filters)
    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(lambda _: sum(len(rows.X) for rows in source), range(4))) == 8000
    assert warnings.filters == filters


def test_what_cannot_be_mapped():
    with pytest.raises(NotFittedError):
        SOURCE.map(StandardScaler())
    with pytest.raises(TypeError, match="map takes a transformer, got function"):
        SOURCE.map(lambda X: X)
    halving = FunctionTransformer(lambda X: X[::2]).fit(X)
    with pytest.raises(ValueError, match="FunctionTransformer returned 50 rows for 100: remove"):
        list(SOURCE.map(halving))


# --- split ----------------------------------------------------------------------------------------


def test_rows_are_in_one_part_or_the_other():
    train, held_out = SOURCE.split(0.25, random_state=0)
    ours, others = numbers_of(train), numbers_of(held_out)
    assert sorted([*ours, *others]) == list(range(2000))
    assert len(train) == len(ours) and len(held_out) == len(others)
    assert 430 < len(others) < 570
    assert np.array_equal(numbers_of(train), ours)  # the same in each epoch
    for rows in train:
        np.testing.assert_array_equal(rows.X, X[rows.numbers])
        np.testing.assert_array_equal(rows.y, Y[rows.numbers])
        np.testing.assert_array_equal(rows.sample_weight, X[rows.numbers, 0])
    for again, same in ((0, True), (1, False)):
        part = SOURCE.split(0.25, random_state=again)[0]
        assert np.array_equal(numbers_of(part), ours) == same
        assert (part.identity() == train.identity()) == same
    assert train.identity() != held_out.identity()
    assert train.classes == [0, 1, 2] and train.n_features == 4


def test_pieces_do_not_change_a_split():
    """Which rows are drawn depends on blocks, but not on how they are read."""
    parts = [
        RowsInBlocks.__mro__[1].split(
            RowsInBlocks(X, Y, rows=500, piece=piece), 0.3, random_state=0
        )
        for piece in (7, 500)
    ]
    for one, other in zip(*parts, strict=True):
        assert np.array_equal(numbers_of(one), numbers_of(other))
    assert parts[0][0].n_rows is None


def test_parts_can_be_split_and_mapped():
    train, rest = SOURCE.split(0.4, random_state=0)
    first, second = rest.split(0.5, random_state=1)
    assert sorted(np.concatenate(list(map(numbers_of, (train, first, second))))) == list(
        range(2000)
    )
    scaled = first.map(StandardScaler().fit(X))
    assert len(scaled) == len(first) and np.array_equal(numbers_of(scaled), numbers_of(first))


def test_files_are_drawn_as_a_whole(tmp_path):
    frame = pd.DataFrame({"x": X[:100, 0], "y": Y[:100]})
    for i in range(5):
        frame.to_parquet(tmp_path / f"{i}.parquet")
    source = Parquet(tmp_path, target="y")
    train, held_out = source.split(0.4, by="files", random_state=0)
    ours, others = ({rows.origin for rows in part} for part in (train, held_out))
    assert len(ours) == 3 and len(others) == 2 and not ours & others
    assert len(train) == 300 and train.identity() != held_out.identity()
    drawn = {
        frozenset(rows.origin for rows in source.split(0.4, by="files", random_state=i)[1])
        for i in range(5)
    }
    assert len(drawn) > 1
    with pytest.raises(ValueError, match="two files with rows, and this Arrays has one"):
        SOURCE.split(0.1, by="files")


@pytest.mark.parametrize(
    "given, message",
    [
        (dict(validation=1.0), "validation must be between 0 and 1, got 1.0"),
        (dict(by="days"), "by must be 'rows' or 'files', got 'days'"),
    ],
)
def test_bad_splits(given, message):
    with pytest.raises(ValueError, match=message):
        SOURCE.split(**given)
    with pytest.raises(ValueError, match=r"of 2 row\(s\) cannot be split with validation=0.001"):
        Arrays(X[:2]).split(0.001, random_state=0)
