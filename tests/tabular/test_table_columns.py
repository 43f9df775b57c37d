"""Columns of tables: types are found, the same in any library, and any later table is read."""

import datetime as dt
import pickle
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import hypothesis.strategies as st
import numpy as np
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given, settings
from scipy import sparse

from fastnn import TabularMLPRegressor
from fastnn.tabular.columns import Columns

N = 24
RNG = np.random.default_rng(0)
BERLIN = dt.timezone(dt.timedelta(hours=1))
KINDS = {
    "float": RNG.normal(size=N).tolist(),
    "gaps": [1.5, None, 2.5, 3.5] * 6,
    "integer": list(range(N)),
    "huge": [10**18 + i * 10**15 for i in range(N)],
    "two": [0, 5] * 12,
    "one and gaps": [7, None] * 12,
    "boolean": [True, False, None] * 8,
    "string": ["b", "a", None] * 8,
    "rare": [*["b", "a"] * 11, "c", "d"],
    "identifier": [f"id{i}" for i in range(N)],
    "constant": [3.0] * N,
    "constant string": ["x"] * N,
    "empty": [None] * N,
    "number strings": [f" {i / 4}" for i in range(N)],
    "number strings with gaps": ["", "NA", *(str(i / 4) for i in range(N - 2))],
    "codes": ["0123", "1123"] * 12,
    "words": [*(str(i) for i in range(N - 1)), "unknown"],
    "infinite": [np.inf, -np.inf, *range(N - 2)],
    "decimal": [Decimal(i) / 4 for i in range(N)],
    "bytes": [b"one", b"two", b"three"] * 8,
    "date": [dt.date(2020, 1 + i % 12, 1 + i) for i in range(N)],
    "datetime": [dt.datetime(2020, 1, 1, i) if i else None for i in range(N)],
    "date strings": [f"2020-01-{1 + i:02}" for i in range(N)],
    "time": [dt.time(i, 30) for i in range(N)],
    "duration": [dt.timedelta(hours=6 * i) for i in range(N)],
}
# What is made of them: the type, the numbers of numbers and of levels.
FOUND = {
    "float": ("number", 1, 0),
    "gaps": ("number", 1, 0),
    "integer": ("integer", 1, 0),
    "huge": ("integer", 1, 0),
    "two": ("integer", 0, 2),
    "one and gaps": ("integer", 0, 2),
    "boolean": ("boolean", 0, 3),
    "string": ("category", 0, 3),
    "rare": ("category", 0, 2),
    "identifier": ("category", 0, 0),
    "constant": ("integer", 0, 0),
    "constant string": ("category", 0, 0),
    "empty": ("empty", 0, 0),
    "number strings": ("number", 1, 0),
    "number strings with gaps": ("number", 1, 0),
    "codes": ("category", 0, 2),
    "words": ("integer", 1, 0),
    "infinite": ("integer", 1, 0),
    "decimal": ("number", 1, 0),
    "bytes": ("category", 0, 3),
    "date": ("date", 4, 0),
    "datetime": ("date", 4, 0),
    "date strings": ("date", 3, 0),
    "time": ("time", 3, 0),
    "duration": ("duration", 1, 0),
}
TABLES = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "pyarrow": pyarrow.table,
    "array": lambda columns: np.array(list(zip(*columns.values(), strict=True)), object),
    "list": lambda columns: [list(row) for row in zip(*columns.values(), strict=True)],
}


def read(X, *, training=None, **parameters):
    """Columns learned from a table, and the values of X."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No column of X")
        columns = Columns.learn(X if training is None else training, **parameters)
    return columns, columns.read(X)


def line(values, **parameters):
    """The line about one column of a frame."""
    return read(pandas.DataFrame({"x": values}), **parameters)[0].table().lines[0]


def equal(one, other):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_column(kind):
    columns, values = read(pandas.DataFrame({"x": pandas.Series(KINDS[kind])}))
    (told,) = columns.table().lines
    found = told.type, values.numbers.shape[1], int(columns.n_levels.sum())
    assert found == FOUND[kind]
    assert (told.use == "left out") == (found[1:] == (0, 0))
    assert values.numbers.shape == (N, len(columns.number_names))
    assert values.codes.shape == (N, len(columns.category_names))
    assert (values.codes < columns.n_levels).all()
    assert not np.isinf(values.numbers).any()


@pytest.mark.parametrize("library", TABLES)
def test_any_table_has_the_same_values(library):
    expected = read(pandas.DataFrame({name: pandas.Series(KINDS[name]) for name in KINDS}))
    columns, values = read(TABLES[library](KINDS))
    assert equal(values, expected[1])
    types = [told.type for told in columns.table().lines]
    assert types == [told.type for told in expected[0].table().lines]
    assert (columns.feature_names_in is None) == (library in ("array", "list"))
    if library not in ("array", "list"):
        assert list(columns.feature_names_in) == list(KINDS)


def test_types_of_libraries():
    words, numbers = ["b", "a", None] * 8, [1, None, 2, 3] * 6
    expected = read(pandas.DataFrame({"w": words, "n": numbers}))[1]
    frames = [
        pandas.DataFrame({"w": pandas.Categorical(words), "n": pandas.array(numbers, "Int64")}),
        pandas.DataFrame({"w": pandas.array(words, "string"), "n": np.array(numbers, object)}),
        pandas.DataFrame({"w": words, "n": numbers}).convert_dtypes(dtype_backend="pyarrow"),
        polars.DataFrame({"w": polars.Series(words, dtype=polars.Categorical), "n": numbers}),
        polars.DataFrame({"w": polars.Series(words, dtype=polars.Enum(["b", "a"])), "n": numbers}),
        pyarrow.table({"w": pyarrow.array(words).dictionary_encode(), "n": numbers}),
    ]
    for frame in frames:
        assert equal(read(frame)[1], expected)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "i1", "u8", "i8"])
def test_arrays_of_numbers(dtype):
    X = np.arange(30).reshape(10, 3).astype(dtype)
    columns, values = read(X)
    assert np.array_equal(values.numbers, X)
    assert columns.number_names == ["0", "1", "2"]


def test_arrays_of_other_types():
    strings = np.array([["a", "1.5"], ["b", "2.5"], ["a", "3.5"], ["b", "x"]])
    for dtype in ("U", "S", object, np.dtypes.StringDType()):
        columns, values = read(strings.astype(dtype)[:3])
        assert values.numbers.shape == (3, 1)
        assert list(columns.n_levels) == [2]
    assert read(strings == "a")[0].table().lines[0].type == "boolean"
    days = np.array([["2020-01-01"], ["2020-02-01"]], "datetime64[D]")
    assert "0: days" in read(days)[0].number_names
    for unit in "YDms":
        assert read((days - days[0]).astype(int).astype(f"m8[{unit}]"))[0].number_names
    masked = np.ma.masked_greater(np.arange(8.0).reshape(4, 2), 5)
    assert np.isnan(read(masked)[1].numbers).sum() == 2


# --------------------------------------------------------------------------- rules


def test_levels_are_sorted_and_rare_ones_are_lumped():
    X = pandas.DataFrame({"x": ["b", "a", 3, 2, "b", "a", 3, 2, None, None, "once"]})
    columns, values = read(X)
    assert values.codes[:, 0].tolist() == [3, 2, 1, 0, 3, 2, 1, 0, 4, 4, -1]
    assert "1 rare level" in columns.table().lines[0].why


def test_at_most_so_many_levels():
    X = pandas.DataFrame({"x": [f"{i % 1200}" + "x" * (i % 1200 < 1300) for i in range(3000)]})
    columns, values = read(X)
    assert list(columns.n_levels) == [1000]
    counts = np.bincount(values.codes[values.codes >= 0])
    assert counts.min() == 2
    assert counts.max() == 3
    assert np.count_nonzero(counts == 3) == 600  # the most frequent are kept


def test_gaps_of_categories_are_a_level_if_training_has_them():
    frame = pandas.DataFrame({"x": ["a", "b"] * 4})
    assert read(pandas.DataFrame({"x": ["a", None]}), training=frame)[1].codes.tolist() == [
        [0],
        [-1],
    ]
    frame.loc[:1, "x"] = None
    assert read(pandas.DataFrame({"x": ["a", None]}), training=frame)[1].codes.tolist() == [
        [0],
        [2],
    ]


def test_words_among_numbers():
    numbers = [str(i) for i in range(40)]
    assert line([*numbers, "?"]).n_gaps == 1
    assert line([*numbers, "unknown"]).why.startswith("nearly all are numbers; others, such as 'un")
    assert line([*range(40), "unknown", "unknown"]).type == "integer"
    assert line([*numbers, *["unknown"] * 8]).type == "category"  # too many
    assert line(["1", "2"] * 40 + ["unknown"] * 2).type == "category"  # of few numbers
    assert line([*numbers, "007"]).type == "category"  # codes
    assert line(["NA", "none"] * 5).type == "category"  # no number at all


def test_infinite_and_huge_numbers_are_clipped():
    X = np.array([[1.0], [2.0], [np.inf], [4.0], [-np.inf], [1e200]])
    columns, values = read(X)
    assert values.numbers[:, 0].tolist() == [1, 2, 4, 4, 1, 4]
    assert "3 infinite ones are clipped" in columns.table().lines[0].why
    assert read([[10**400], [1], [2], [3]])[1].numbers[0] == 3


def test_parts_of_dates():
    when = [dt.datetime(2024, 2, 29, 6), dt.datetime(1969, 12, 31, 12), None]
    columns, values = read(pandas.DataFrame({"when": when}))
    parts = dict(zip(columns.number_names, values.numbers.T, strict=True))
    days = (dt.date(2024, 2, 29) - dt.date(1970, 1, 1)).days
    assert np.array_equal(parts["when: days"], [days + 0.25, -0.5, np.nan], equal_nan=True)
    assert parts["when: month"][:2].tolist() == [2, 12]
    assert parts["when: day"][:2].tolist() == [29, 31]
    assert parts["when: weekday"][:2].tolist() == [when[0].weekday(), when[1].weekday()]
    assert parts["when: hour"][:2].tolist() == [6, 12]
    assert np.allclose(parts["when: day_cos"][:2], [0, -1])
    turn = 2 * np.pi * 59 / 365.2425
    assert np.allclose(parts["when: year_sin"][0], np.sin(turn))
    assert columns.has_gaps.tolist() == [True] + [False] * (len(parts) - 1)


def test_time_zones():
    times = pandas.date_range("2020-01-01", periods=48, freq="h", tz="Europe/Berlin")
    columns, values = read(pandas.DataFrame({"x": times}))
    assert values.numbers[:3, columns.number_names.index("x: hour")].tolist() == [0, 1, 2]
    assert "local time of Europe/Berlin" in columns.table().lines[0].why
    for other in (times.tz_convert("UTC"), times.tz_localize(None)):
        assert equal(columns.read(pandas.DataFrame({"x": other})), values)
    assert equal(columns.read(polars.DataFrame({"x": times.tz_convert("UTC")})), values)
    assert equal(read(pandas.DataFrame({"x": times.to_pydatetime()}, dtype=object))[1], values)


def test_other_objects_are_levels_by_their_text():
    intervals = pandas.cut(pandas.Series(range(12)), 3)
    assert line(intervals).n_levels == 3
    periods = pandas.Series(pandas.period_range("2020", periods=3, freq="M")).repeat(4)
    assert line(periods).type == "date"
    assert line([UUID(int=i) for i in range(5)]).use == "left out"
    assert line([Fraction(i, 3) for i in range(5)]).type == "number"


def test_categorical_features():
    X = pandas.DataFrame({"a": [1, 2, 3] * 3, "b": [1.5, 2.5, 3.5] * 3})
    assert read(X)[0].category_names == []
    for chosen in (["b"], [1], [-1], [False, True], np.array(["b"]), np.array([0, 1], bool), "b"):
        columns, values = read(X, categorical_features=chosen)
        assert columns.category_names == ["b"]
        assert columns.number_names == ["a"]
        assert values.codes[:3, 0].tolist() == [0, 1, 2]
        assert "categorical_features" in columns.table().lines[1].why
    assert read(X, categorical_features=[])[0].category_names == []
    for wrong, message in (
        (["c"], "no column 'c'"),
        ([2], "no column 2"),
        ([True], "categorical_features is a mask of 1 truth values, and X has 2"),
        ([True, "a"], "categorical_features mixes"),
        (3, "categorical_features must be a list"),
    ):
        with pytest.raises(ValueError, match=message):
            Columns.learn(X, wrong)


# --------------------------------------------------------------------------- later tables


def test_columns_are_matched_by_name():
    X = pandas.DataFrame(KINDS)
    columns, values = read(X)
    assert equal(columns.read(X[X.columns[::-1]]), values)
    assert equal(columns.read(polars.DataFrame(KINDS).select(*reversed(KINDS))), values)
    with pytest.warns(UserWarning, match=r"X has column 'new', which fit has not seen: ignored"):
        assert equal(columns.read(X.assign(new=1)), values)
    with pytest.raises(ValueError, match=r"X_val has no columns 'float', 'two', which fit has"):
        columns.read(X.drop(columns=["two", "float"]), "X_val")
    numbered = pandas.DataFrame(np.arange(6.0).reshape(3, 2))
    columns, values = read(numbered)
    assert columns.feature_names_in is None
    assert equal(columns.read(numbered[[1, 0]]), values)


def test_frames_and_arrays():
    X = np.arange(6.0).reshape(3, 2)
    frame = pandas.DataFrame(X, columns=["a", "b"])
    columns, values = read(X)
    with pytest.warns(UserWarning, match="X has feature names, but TabularMLP was fitted without"):
        assert equal(columns.read(frame), values)
    columns, values = read(frame, estimator="Net")
    with pytest.warns(UserWarning, match="X does not have valid feature names, but Net was fitted"):
        assert equal(columns.read(X), values)
    with (
        pytest.warns(UserWarning, match="valid feature names"),
        pytest.raises(ValueError, match="X has 1 features, but Net is expecting 2 features as inp"),
    ):
        columns.read(X[:, :1])


CHANGES = {
    "numbers": ([1.5, 2.5, 3.5], ["a", "b"], "held numbers in fit, and holds other values, such"),
    "dates": (KINDS["date"], [1.5, 2.5], "held dates in fit, and holds numbers"),
    "not dates": (KINDS["float"], KINDS["date"][:2], "held numbers in fit, and holds dates"),
    "not times": (KINDS["time"], ["a"], "held times in fit, and holds strings, such as 'a'"),
    "strings": (["a", "b"] * 3, [1.0, 2.0], "held strings in fit, and holds numbers"),
    "levels": ([0, 1] * 3, ["a", "b"], "held numbers in fit, and holds strings, such as 'a'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_types_are_told(change):
    before, after, message = CHANGES[change]
    columns = Columns.learn(pandas.DataFrame({"age": before}))
    with pytest.raises(ValueError, match=f"Column 'age' of X {message}"):
        columns.read(pandas.DataFrame({"age": after}))


@pytest.mark.parametrize("kind", KINDS)
def test_gaps_and_strings_of_the_same_values_are_fine(kind):
    X = pandas.DataFrame({"x": pandas.Series(KINDS[kind])})
    columns, values = read(X)
    for gaps in ([None] * 3, [np.nan] * 3, [pandas.NaT] * 3, [pandas.NA] * 3):
        numbers, codes = columns.read(pandas.DataFrame({"x": gaps}))
        assert np.isnan(numbers).all()
        assert (codes == codes[0]).all()
    if kind not in ("boolean", "bytes", "time", "duration"):
        assert equal(columns.read(X.astype(str).replace({"None": "", "NaT": ""})), values) or (
            kind in ("string", "one and gaps")
        )
    assert equal(pickle.loads(pickle.dumps(columns)).read(X), values)


def test_one_level_whatever_its_type():
    columns = Columns.learn(pandas.DataFrame({"x": ["1", "2", "x"] * 4}))
    later = [[1], [2.0], ["1"], [np.int8(2)], ["x"], [3], ["new"]]
    codes = [int(columns.read(pandas.DataFrame({"x": one})).codes[0, 0]) for one in later]
    assert codes == [0, 1, 0, 1, 2, -1, -1]


# --------------------------------------------------------------------------- refusals

REFUSED = {
    "sparse": (sparse.csr_array(np.eye(3)), r"X is sparse, and .*: pass X.toarray\(\)\."),
    "lazy": (polars.DataFrame({"a": [1]}).lazy(), r"X is a LazyFrame: pass X.collect\(\)\."),
    "repeated": (
        pandas.DataFrame(np.eye(3), columns=["a", "b", "a"]),
        "X has several columns named 'a': give each a name of its own",
    ),
    "repeated arrow": (
        pyarrow.table([pyarrow.array([1])] * 2, names=["a", "a"]),
        "X has several columns named 'a'",
    ),
    "structured": (np.zeros(3, [("a", float)]), r"structured array: pass pandas.DataFrame\(X\)"),
    "complex": (np.ones((2, 2)) * 1j, "Complex data not supported"),
    "complex column": (pandas.DataFrame({"a": [1j, 2]}), "Complex data .* Column 'a' of X"),
    "1-D": (np.arange(3.0), "Reshape your data"),
    "no rows": (np.ones((0, 2)), "0 sample"),
    "no columns": (np.ones((2, 0)), r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1"),
    "empty frame": (pandas.DataFrame({"a": []}), "at least one row and one column"),
    "series": (pandas.Series([1.0]), "Expected a 2-dim"),
    "ragged": ([[1, 2], [3]], "X is no array"),
    "nothing": (None, "X must be an array, a list or a column of a frame, got NoneType"),
    "string": ("table", "X must be an array"),
    "lists": (polars.DataFrame({"a": [[1], [2]]}), r"Column 'a' of X holds List\(Int64\) values"),
    "structs": (pyarrow.table({"a": [{"b": 1}]}), r"Column 'a' of X holds Struct\(.*\) values"),
    "objects": (pandas.DataFrame({"a": [1.0, {}]}), "Column 'a' of X holds values of type dict"),
    "tuples": (pandas.DataFrame({"a": [(1, 2)]}), "Column 'a' of X holds values of type tuple"),
    "cells": (np.array([[1, {1}]], object), "Column 1 of X holds values of type set"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_table_is_refused(kind):
    X, message = REFUSED[kind]
    with pytest.raises((TypeError, ValueError), match=message):
        Columns.learn(X)


def test_a_table_that_tells_nothing():
    with pytest.warns(UserWarning, match="No column of X tells .* Column 'a' of X: constant"):
        columns = Columns.learn(pandas.DataFrame({"a": [1, 1], "b": [None, None]}))
    assert columns.read(pandas.DataFrame({"a": [1], "b": [2]})).numbers.shape == (1, 0)


def test_the_table_of_columns():
    columns = read(pandas.DataFrame(KINDS))[0]
    shown = columns.table()
    lines = repr(shown).splitlines()
    assert lines[0].split() == ["column", "type", "use", "levels", "gaps", "why"]
    assert len(lines) == len(KINDS) + 2
    cells = re.findall(r"<td [^>]*text-align: (\w+)[^>]*>(.*?)</td>", shown._repr_html_())
    expected = ("left", "boolean"), ("left", "category"), ("right", "3")
    assert expected in zip(cells, cells[1:], cells[2:], strict=False)
    frame = pandas.DataFrame(shown.to_dicts())
    assert list(frame.column) == list(KINDS)
    assert frame.n_gaps[frame.column == "gaps"].tolist() == [6]
    assert "constant: all rows have 3" in list(frame.why)
    sources = [*columns.number_sources, *columns.category_sources]
    used = [i for i, told in enumerate(shown.lines) if told.use != "left out"]
    assert sorted(set(sources)) == used


# --------------------------------------------------------------------------- anything at all

numbers = st.floats() | st.integers(-3, 3) | st.integers() | st.sampled_from([10**400, -(10**30)])
times = st.datetimes() | st.dates() | st.times() | st.timedeltas() | st.just(pandas.NaT)
words = st.text(max_size=3) | st.sampled_from(["1", "nan", "2020-01-01", "1e999", "x"])
others = (
    st.binary(max_size=2)
    | st.decimals()
    | st.fractions()
    | st.sampled_from(
        [np.float32(2), np.int64(1), np.str_("x"), np.datetime64("NaT"), (1, 2), [], 1j]
    )
    | st.sampled_from([np.bool_(True), pandas.NA, np.timedelta64(1, "D"), Ellipsis, print])
)
cells = [st.none(), st.booleans(), numbers, times, words, others]


@st.composite
def any_columns(draw):
    n_rows = draw(st.integers(1, 6))
    kinds = st.lists(st.sampled_from(cells), min_size=1, max_size=3, unique_by=id).map(st.one_of)
    names = st.lists(st.text(max_size=2), min_size=1, max_size=3, unique=True)
    return {
        name: draw(st.lists(draw(kinds), min_size=n_rows, max_size=n_rows)) for name in draw(names)
    }


@settings(max_examples=100, deadline=None)
@given(any_columns(), any_columns())
def test_any_table_is_read_or_refused_in_one_sentence(training, later):
    frame = pandas.DataFrame({name: pandas.Series(v, dtype=object) for name, v in training.items()})
    later = pandas.Series(next(iter(later.values())), dtype=object)
    try:
        columns, values = read(frame)
        assert not np.isinf(values.numbers).any()
        assert (values.codes < columns.n_levels).all()
        repr(columns.table())
        columns.read(pandas.DataFrame(dict.fromkeys(frame, later)))
    except (TypeError, ValueError) as error:
        message = r"(Column .* of X (holds|held) |Complex data not supported).*\."
        assert re.fullmatch(message, str(error), re.DOTALL)


def test_estimators_tell_their_columns():
    X = pandas.DataFrame({"x": KINDS["float"], "word": ["a", "b"] * 12, "code": [1, 2, 3] * 8})
    model = TabularMLPRegressor("fast", categorical_features=["code"], n_networks=1, n_folds=1)
    model.set_params(random_state=0).fit(X, KINDS["integer"])
    assert [told.use for told in model.columns_.lines] == ["number", "category", "category"]
    assert list(model.feature_names_in_) == list(X)
    assert model.n_features_in_ == 3
    reversed_columns = polars.DataFrame(X.to_dict("list")).select("code", "word", "x")
    assert np.array_equal(model.predict(reversed_columns), model.predict(X))
    model.set_params(categorical_features=[2]).fit(X.to_numpy(), KINDS["integer"])
    assert not hasattr(model, "feature_names_in_")
