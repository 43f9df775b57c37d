"""Parquet, CSV and Arrow files as sources: their rows, types, partitions and errors."""

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from fastnn.data import CSV, Arrow, Parquet

RNG = np.random.default_rng(0)
N = 300
FRAME = pd.DataFrame(
    {
        "a": RNG.normal(size=N),
        "b": RNG.normal(size=N).astype(np.float32),
        "k": RNG.integers(0, 9, N),
        "city": RNG.choice(["Bonn", "Köln", ""], N, p=[0.5, 0.4, 0.1]),
        "flag": RNG.random(N) < 0.5,
        "label": RNG.choice(["no", "yes"], N),
        "z": RNG.normal(size=N),
        "w": RNG.random(N),
    }
)
TYPES = [Parquet, CSV, Arrow]
EACH = pytest.mark.parametrize("cls", TYPES)


def write(frame, path):
    """Write a table by the end of its name, in several blocks where there are such."""
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        table.to_pandas().to_csv(path, index=False)
    elif path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=70)
    else:
        feather.write_feather(table, path, "lz4", chunksize=70)
    return path


def suffix(cls):
    return {Parquet: ".parquet", CSV: ".csv", Arrow: ".arrow"}[cls]


@pytest.fixture
def file(cls, tmp_path):
    return write(FRAME, tmp_path / f"t{suffix(cls)}")


def all_rows(source):
    """Features, targets and weights of all rows, and their numbers."""
    pieces = list(source)
    frames = [rows.X for rows in pieces]
    stacked = np.concatenate(frames) if isinstance(frames[0], np.ndarray) else pd.concat(frames)
    others = [
        None if pieces[0][i] is None else np.concatenate([rows[i] for rows in pieces])
        for i in (1, 2)
    ]
    return stacked, *others, np.concatenate([np.asarray(rows.numbers) for rows in pieces])


# --- what is read ---------------------------------------------------------------------------------


@EACH
def test_numbers_are_an_array(cls, file):
    source = cls(file, target="label", columns=["k", "a", "flag"], sample_weight="w")
    X, y, weights, numbers = all_rows(source)
    np.testing.assert_array_equal(X, FRAME[["k", "a", "flag"]].to_numpy(float))
    assert X.dtype == np.float64 and X.flags.c_contiguous
    assert y.tolist() == FRAME["label"].tolist()
    np.testing.assert_array_equal(weights, FRAME["w"])
    assert numbers.tolist() == list(range(N)) and len(source) == N
    assert source.feature_names == ["k", "a", "flag"] and source.n_features == 3


@EACH
def test_columns_of_several_types_are_a_frame(cls, file):
    source = cls(file, target=["z", "a"], sample_weight="w")
    X, y, _, _ = all_rows(source)
    assert source.feature_names == ["b", "k", "city", "flag", "label"] == list(X.columns)
    np.testing.assert_array_equal(y, FRAME[["z", "a"]])
    if cls is CSV:  # where an empty string is no value
        assert X["city"].isna().any()
        X["city"] = X["city"].fillna("")
    same = dict(check_dtype=False, rtol=1e-6)
    pd.testing.assert_frame_equal(X.reset_index(drop=True), FRAME[X.columns], **same)


@EACH
def test_output_chooses_the_type(cls, file):
    assert isinstance(next(iter(cls(file, columns=["a"], output="pandas"))).X, pd.DataFrame)
    assert isinstance(next(iter(cls(file, output="polars"))).X, pl.DataFrame)
    with pytest.raises(ValueError, match=r"Column 'city' of .* holds string, which is no number"):
        cls(file, output="array")
    with pytest.raises(ValueError, match="output must be one of auto, array"):
        cls(file, output="numpy")


@EACH
def test_targets_can_be_read_alone(cls, file):
    source = cls(file, target="k", columns=["a"])
    rows = [rows for block in source.blocks() for rows in source.read(block, targets_only=True)]
    assert all(each.X is None for each in rows)
    y = np.concatenate([each.y for each in rows])
    assert y.dtype == np.int64 and y.tolist() == FRAME["k"].tolist()
    assert next(iter(cls(file, columns=["a"]))).y is None


@EACH
def test_a_source_can_be_pickled_and_read_in_any_order(cls, file):
    source = cls(file, target="z", columns=["a"], shuffle_buffer=64)
    copy = pickle.loads(pickle.dumps(source))
    assert (
        copy.identity()
        == source.identity()
        == cls(file, target="z", columns=["a"], shuffle_buffer=64).identity()
    )
    assert cls(file, target="a", columns=["z"]).identity() != source.identity()
    blocks = copy.blocks()
    assert len(blocks) > 2
    for block in reversed(blocks):
        for rows in copy.read(block):
            np.testing.assert_array_equal(rows.X[:, 0], FRAME["a"].iloc[rows.numbers])


def test_types_of_arrays(tmp_path):
    columns = {
        "byte": pa.array([1, 255], pa.uint8()),
        "short": pa.array([1, None], pa.int16()),
        "long": pa.array([1, 2**40], pa.int64()),
        "half": pa.array(np.array([1, 2], np.float16)),
        "single": pa.array([1.5, None], pa.float32()),
        "decimal": pa.array([Decimal("1.25"), None]),
        "truth": pa.array([True, False]),
        "none": pa.nulls(2),
        "category": pa.array([3, 4]).dictionary_encode(),
    }
    path = write(pa.table(columns), tmp_path / "a.arrow")
    for names, dtype, rows in (
        (["byte"], np.uint8, [[1], [255]]),
        (["short", "byte", "half"], np.float32, [[1, 1, 1], [np.nan, 255, 2]]),
        (["single", "truth"], np.float32, [[1.5, 1], [np.nan, 0]]),
        (["long", "single"], np.float64, [[1, 1.5], [2**40, np.nan]]),
        (["decimal", "none", "category"], np.float64, [[1.25, np.nan, 3], [np.nan, np.nan, 4]]),
    ):
        X = next(iter(Arrow(path, columns=names))).X
        assert X.dtype == dtype
        np.testing.assert_array_equal(X, rows)


def test_files_may_have_numbers_of_several_types(tmp_path):
    """Gaps make whole numbers decimals where pandas writes them."""
    write(pd.DataFrame({"x": [1, 2], "y": [0, 1]}), tmp_path / "1.parquet")
    write(pd.DataFrame({"x": [1.5, None], "y": np.int8([1, 0])}), tmp_path / "2.parquet")
    X, y, _, numbers = all_rows(Parquet(tmp_path, target="y"))
    np.testing.assert_array_equal(X[:, 0], [1, 2, 1.5, np.nan])
    assert y.dtype == np.int64 and y.tolist() == [0, 1, 1, 0]
    assert numbers.tolist() == [0, 1, 0, 1]


def test_a_record_batch_that_is_not_compressed(tmp_path):
    feather.write_feather(pa.Table.from_pandas(FRAME), tmp_path / "a.arrow", "uncompressed")
    source = Arrow(tmp_path / "a.arrow", target="z", columns=["k", "a"])
    X, y, _, _ = all_rows(source)
    np.testing.assert_array_equal(X, FRAME[["k", "a"]])
    np.testing.assert_array_equal(y, FRAME["z"])


# --- which files ----------------------------------------------------------------------------------


@EACH
def test_names_of_folders_are_columns(cls, tmp_path):
    for year in (2023, 2024):
        for place in ("a%20b", "c"):
            write(FRAME[:10], tmp_path / f"year={year}" / f"place={place}" / f"p{suffix(cls)}")
    write(FRAME, tmp_path / "_old" / f"p{suffix(cls)}")
    source = cls(tmp_path, target="year", columns=["a", "place"])
    X, y, _, _ = all_rows(source)
    assert len(source) == 40
    assert y.tolist() == [2023] * 20 + [2024] * 20
    assert X["place"].tolist() == (["a b"] * 10 + ["c"] * 10) * 2
    assert next(iter(cls(tmp_path, columns="year"))).X.tolist() == [[2023.0]] * 10
    [rows, *_] = cls(f"{tmp_path}/*/place=c/*{suffix(cls)}", columns=["year", "a"])
    np.testing.assert_array_equal(rows.X, np.c_[np.full(10, 2023.0), FRAME["a"][:10]])


@EACH
def test_several_files_are_read_in_turn(cls, tmp_path):
    paths = [write(FRAME[:n], tmp_path / f"{n}{suffix(cls)}") for n in (20, 3)]
    X, _, _, _ = all_rows(cls(paths, columns=["a"]))
    assert X[:, 0].tolist() == FRAME["a"][[*range(20), *range(3)]].tolist()
    assert len(cls(tmp_path, columns=["a"])) == 23
    last = list(cls(paths, columns=["a"]))[-1]
    assert last.place(2) == f"row 2 of {paths[1]}"


# --- what is refused ------------------------------------------------------------------------------


@EACH
def test_files_that_are_missing(cls, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*nothing"):
        cls(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"The pattern .*\*\.x matches no file"):
        cls(f"{tmp_path}/*.x")
    with pytest.raises(FileNotFoundError, match=rf"The folder .* has no file \{suffix(cls)}"):
        cls(tmp_path)
    with pytest.raises(ValueError, match="the list of paths is empty"):
        cls([])


@EACH
def test_columns_that_are_missing(cls, file, tmp_path):
    with pytest.raises(ValueError, match=r"t\.\w+ has no column 'price': its columns are 'a', 'b'"):
        cls(file, target="price")
    other = write(FRAME.drop(columns="k"), tmp_path / f"u{suffix(cls)}")
    with pytest.raises(ValueError, match=r"u\.\w+ has no column 'k', which .*t\.\w+ has"):
        cls([file, other], columns=["a", "k"])
    with pytest.raises(ValueError, match="Column 'a' is a target or a weight, and in columns too"):
        cls(file, target="a", columns=["a", "b"])
    with pytest.raises(ValueError, match="columns is empty"):
        cls(file, columns=[])
    with pytest.raises(ValueError, match=r"Column 'city' of .* holds string, and weights are numb"):
        cls(file, columns=["a"], sample_weight="city")


@pytest.mark.parametrize("cls", [Parquet, Arrow])
def test_other_types_in_a_later_file(cls, file, tmp_path):
    other = write(FRAME.astype({"k": str}), tmp_path / f"u{suffix(cls)}")
    with pytest.raises(ValueError, match=r"'k' of .*u\.\w+ holds string, and numbers in .*t\."):
        cls([file, other], columns=["a", "k"])


@EACH
def test_a_file_that_changes(cls, file):
    source = cls(file, target="z", columns=["a"])
    assert len(list(source))
    write(FRAME[:-1], file)
    with pytest.raises(ValueError, match=r"t\.\w+ has changed since this source was made"):
        list(source)
    file.unlink()
    with pytest.raises(FileNotFoundError, match="There is no file"):
        list(source)


@EACH
def test_files_without_rows(cls, tmp_path):
    path = write(FRAME[:0], tmp_path / f"t{suffix(cls)}")
    with pytest.raises(ValueError, match=r"t\.\w+ has no rows"):
        cls(path, columns=["a"], output="pandas").blocks()


@pytest.mark.parametrize("cls", [Parquet, Arrow])
def test_files_of_other_kinds(cls, tmp_path):
    for content in (b"a,b\n1,2\n", b""):
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(ValueError, match=r"/t is no (Parquet|Arrow IPC) file, or is damaged"):
            cls(tmp_path / "t")


def test_nulls_among_bytes(tmp_path):
    values = pa.array([1, 2, None], pa.uint8())
    path = write(pa.table({"x": values}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"'x' has no value in row 2 of .*a\.parquet"):
        list(Parquet(path))


def test_names_that_occur_twice(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"])
    path = write(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet has 2 columns with the name 'x'"):
        Parquet(path)


def test_a_missing_library(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'Parquet needs pyarrow: pip install ".*\[parquet\]"'):
        Parquet(tmp_path)
