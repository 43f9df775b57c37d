"""Columns that a network cannot read: each is named, in whatever table it is, and the way out."""

import datetime
import re
import warnings
from contextlib import nullcontext
from functools import partial

import numpy as np
import pandas
import polars
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor
from fastnn.tabular.columns import Columns

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 20
AGE = np.random.default_rng(0).normal(size=N)
CITY = ["Berlin", "Paris"] * (N // 2)
GAPS = [1.0, None] * (N // 2)
DATES = pandas.date_range("2020-01-01", periods=N)
DAYS = [day.date() for day in DATES]
Y = np.arange(N) % 2

ENCODE = (
    "encode it as numbers, as in make_pipeline(make_column_transformer((OneHotEncoder("
    "handle_unknown='ignore'), [{}]), remainder=StandardScaler()), MLPClassifier())."
)
DROP = (
    "make numbers of it, such as days since a date, or leave it out, as in make_pipeline("
    "make_column_transformer(('drop', [{}]), remainder=StandardScaler()), MLPClassifier())."
)
FILL = "fill it in, as in make_pipeline(SimpleImputer(), MLPClassifier()), or remove such rows"


def pandas_of(other):
    return pandas.DataFrame({"age": AGE, "other": other})


def polars_of(other):
    return polars.DataFrame({"age": AGE, "other": other})


def array_of(other):
    return np.array([AGE, other], dtype=object).T


UNREADABLE = {
    "pandas, strings": (pandas_of(CITY), "strings, such as 'Berlin'", ENCODE),
    "pandas, objects": (pandas_of(np.array(CITY, object)), "strings, such as 'Berlin'", ENCODE),
    "pandas, categories": (pandas_of(pandas.Categorical(CITY)), "categories, such as 'B", ENCODE),
    "pandas, dates": (pandas_of(DATES), "dates, such as 2020-01-01", DROP),
    "pandas, zones": (pandas_of(DATES.tz_localize("UTC")), "dates, such as 2020-01-01", DROP),
    "pandas, periods": (pandas_of(DATES.to_period("M")), "dates, such as 2020-01", DROP),
    "pandas, other rows": (
        pandas_of(CITY).set_index(np.linspace(5, 6, N)),
        "strings, such as 'Berlin'",
        ENCODE,
    ),
    "pandas, no date": (pandas_of([pandas.NaT] * N), "dates", DROP),
    "pandas, durations": (pandas_of(DATES - DATES[0]), "durations", "divide it by a unit"),
    "pandas, NA": (pandas_of(pandas.Series([1, pandas.NA] * 10, dtype=object)), "missing", FILL),
    "polars, strings": (polars_of(CITY), "strings, such as 'Berlin'", ENCODE),
    "polars, categories": (
        polars_of(polars.Series(CITY, dtype=polars.Categorical)),
        "categories, such as 'Berlin'",
        ENCODE,
    ),
    "polars, dates": (polars_of(DAYS), "dates, such as 2020-01-01", DROP),
    "polars, durations": (
        polars_of([datetime.timedelta(1)] * N),
        "durations, such as 1 day",
        "divide it by a unit",
    ),
    "polars, lists": (polars_of([[1, 2]] * N), "Series objects", "make numbers of it, or leave"),
    "array, strings": (array_of(CITY), "strings, such as 'Berlin'", ENCODE),
    "array, dates": (array_of(DAYS), "dates, such as 2020-01-01", DROP),
    "array, dicts": (array_of([{}] * N), "dict objects", "make numbers of it, or leave it out."),
    "list, strings": (array_of(CITY).tolist(), "strings, such as 'Berlin'", ENCODE),
}
NAN = {
    "pandas": pandas_of(GAPS),
    "pandas, Int64": pandas_of(pandas.array([1, None] * 10, dtype="Int64")),
    "polars": polars_of(GAPS),
    "array": array_of(GAPS),
    "floats": np.column_stack([AGE, np.array(GAPS, float)]),
    "columns": np.asfortranarray(np.column_stack([AGE, np.array(GAPS, float)])),
    "sparse": sparse.csr_array(np.column_stack([AGE, np.array(GAPS, float)])),
}


def fitted(X):
    """A model that was fitted to numbers in such a table."""
    numbers = np.random.default_rng(0).normal(size=(N, 2))
    if hasattr(X, "columns"):
        numbers = type(X)({name: numbers[:, i] for i, name in enumerate(X.columns)})
    return MLPClassifier((3,), max_iter=2).fit(numbers, Y), numbers


def messages_of(X):
    """Return the errors of `fit` and `predict` for rows, and of `fit` for them as X_val."""
    model, numbers = fitted(X)
    for name, call in (
        ("X", lambda: MLPClassifier().fit(X, Y)),
        ("X", lambda: model.predict(X)),
        ("X", lambda: model.partial_fit(X, Y)),
        ("X_val", lambda: model.fit(numbers, Y, X_val=X, y_val=Y)),
    ):
        with pytest.raises((ValueError, TypeError)) as error:
            call()
        yield name, str(error.value)


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_columns_are_named(kind):
    X, holds, way = UNREADABLE[kind]
    column = "'other'" if hasattr(X, "columns") else "1"
    for name, message in messages_of(X):
        assert f"Column {column} of {name} holds {holds}" in message
        assert way.format(column) in message


@pytest.mark.parametrize("kind", NAN)
def test_columns_with_gaps_are_named(kind):
    X = NAN[kind]
    column = "'other'" if hasattr(X, "columns") else "1"
    for name, message in messages_of(X):
        assert f"Input {name} contains NaN in column {column}: " in message
        assert FILL in message
        assert ("use fastnn.TabularMLPClassifier, which" in message) == (kind != "sparse")


@pytest.mark.parametrize("kind", [*UNREADABLE, "floats"])
def test_the_estimator_that_reads_such_columns_is_named(kind):
    X = UNREADABLE[kind][0] if kind in UNREADABLE else NAN[kind]
    for model, other in (
        (MLPClassifier, TabularMLPClassifier),
        (MLPRegressor, TabularMLPRegressor),
    ):
        with pytest.raises((ValueError, TypeError)) as error:
            model().fit(X, Y)
        names_it = f"use fastnn.{other.__name__}, which reads such columns" in str(error.value)
        assert names_it == (kind not in ("polars, lists", "array, dicts"))
        with (nullcontext if names_it else partial(pytest.raises, TypeError))():
            assert Columns.learn(X).read(X)


def test_dates_alone_are_no_numbers_either():
    """NumPy converts these to numbers, which depend on the unit."""
    days = np.array([DAYS, DAYS], "M8[D]").T
    for X in (
        days,
        days - days[0, 0],
        pandas.DataFrame({"when": DATES}),
        polars_of(DAYS)[["other"]],
    ):
        for cls in (MLPClassifier, MLPRegressor):
            with pytest.raises(ValueError, match=r"Columns? .* holds? (dates|durations)"):
                cls().fit(X, Y)


def test_each_kind_has_a_sentence_and_many_columns_are_not_all_named():
    X = pandas.DataFrame({f"word {i}": CITY for i in range(7)} | {"period": DATES.to_period("M")})
    with pytest.raises((ValueError, TypeError)) as error:
        MLPClassifier().fit(X, Y)
    words, when = re.findall(r"Columns? .*? holds? \w+", str(error.value))
    names = ", ".join(f"'word {i}'" for i in range(5))
    assert words == f"Columns {names} and others of X hold strings"
    assert when == "Column 'period' of X holds dates"


def test_infinities_are_named():
    for value in (np.inf, -np.inf):
        for container in (np.array, sparse.csr_matrix):
            rows = np.column_stack([AGE, AGE, AGE])
            rows[7, 2] = value
            with pytest.raises(ValueError, match=r"contains infinity .* in column 2: replace"):
                MLPClassifier().fit(container(rows), Y)


@pytest.mark.parametrize("kind", ["pandas, strings", "polars, dates", "array, strings"])
def test_the_way_out_leads_out(kind):
    names = dict(OneHotEncoder=OneHotEncoder, StandardScaler=StandardScaler)
    names |= dict(make_pipeline=make_pipeline, make_column_transformer=make_column_transformer)
    names |= dict(SimpleImputer=SimpleImputer, MLPClassifier=MLPClassifier)
    X = UNREADABLE[kind][0]
    for _, message in messages_of(X):
        way = re.search(r"as in (make_pipeline\(.*\))\.", message)[1]
        eval(way, names).fit(X, Y).predict(X)


def test_what_can_be_read_is_read():
    frames = [pandas_of([True, False] * 10), pandas_of(["1", "2"] * 10), polars_of([1, 2] * 10)]
    frames += [pandas_of(pandas.Categorical([1, 2] * 10)), np.array([["1.5", "2"]] * N)]
    for X in frames:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            MLPClassifier((3,), max_iter=1).fit(X, Y).predict(X)


def test_a_lazy_frame_is_told_to_be_collected():
    with pytest.raises(ValueError, match=r"X is a LazyFrame: pass X.collect\(\)"):
        MLPClassifier().fit(polars_of(CITY).lazy(), Y)


def test_masked_values_are_not_read():
    masked = np.ma.masked_less(np.column_stack([AGE, AGE]), 0)
    for _, message in messages_of(masked):
        assert "is a masked array, and some of it is masked" in message
    MLPClassifier((3,), max_iter=1).fit(np.ma.masked_array(masked.data), Y)


@pytest.mark.parametrize("X", [np.array(3.0), 3.0, DATES, pandas.Series(AGE)], ids=type)
def test_what_is_no_table(X):
    with pytest.raises(ValueError, match=r"Expected (2D|a 2-dim)|must be a table of rows"):
        MLPClassifier().fit(X, Y)
