"""Targets and weights of every kind: as plain arrays of the same values would be, or refused."""

import copy
import datetime
import decimal
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from fastnn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 24
NUMBERS = np.arange(N) % 3
LETTERS = np.array(["a", "b", "c"])[NUMBERS]
X = np.random.default_rng(0).normal(size=(N, 4))
DATES = np.datetime64("2020-01-01", "ms") + NUMBERS.astype("m8[D]")
DURATIONS = NUMBERS.astype("m8[ms]")


def regressor(**options):
    return MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0, **options)


def classifier(**options):
    return MLPClassifier((3,), max_iter=2, random_state=0, **options)


def name_of(value):
    return f"{type(value).__name__}-{getattr(value, 'dtype', '')}"


NO_NUMBERS = [
    (DATES, "dates"),
    (pd.Series(DATES), "dates"),
    (pd.DatetimeIndex(DATES, tz="UTC"), "dates"),
    (pl.Series(DATES), "dates"),
    (DATES.astype("M8[D]").astype(object), "dates"),
    (DURATIONS, "durations"),
    (pd.Series(DURATIONS), "durations"),
    (pd.to_timedelta(NUMBERS, unit="D"), "durations"),
    (pl.Series(DURATIONS), "durations"),
    ([datetime.timedelta(int(days)) for days in NUMBERS], "durations"),
    (NUMBERS.astype(str), "strings"),
    (NUMBERS.astype("S"), "strings"),
    (NUMBERS.astype(str).tolist(), "strings"),
    (NUMBERS.astype(str).astype(object), "strings"),
    (NUMBERS.astype(str).astype(np.dtypes.StringDType()), "strings"),
    (pd.Series(NUMBERS.astype(str)), "strings"),
    (pd.array(NUMBERS.astype(str), dtype="string"), "strings"),
    (pl.Series(NUMBERS.astype(str)), "strings"),
    (["1", *NUMBERS[1:]], "strings"),
    (pd.Categorical(NUMBERS), "categories"),
    (pd.Series(NUMBERS, dtype="category"), "categories"),
    (pl.Series(LETTERS, dtype=pl.Enum(["a", "b", "c"])), "categories"),
    (np.array([1j, *NUMBERS[1:]], object), "complex objects"),
    (np.array([(1,)] * N, [("a", int)]), "records"),
    (pd.period_range("2020", periods=N, freq="D"), "Period"),
    (pl.Series([datetime.time(1)] * N), "time"),
]
NO_VALUES = [
    pd.array([None, *NUMBERS[1:]], dtype="Int64"),
    pd.Series([None, *NUMBERS[1:]], dtype="Float64"),
    pd.Series([None, *NUMBERS[1:]]),
    pl.Series([None, *NUMBERS[1:].tolist()]),
    [None, *NUMBERS[1:]],
    np.array([pd.NA, *NUMBERS[1:]], object),
    np.array([np.nan, *NUMBERS[1:]], object),
    [decimal.Decimal("NaN"), *NUMBERS[1:]],
]
SAME_NUMBERS = [
    NUMBERS.astype(object),
    NUMBERS.tolist(),
    range(N),
    [decimal.Decimal(int(number)) for number in NUMBERS],
    pl.Series([decimal.Decimal(int(number)) for number in NUMBERS]),
    pd.array(NUMBERS, dtype="Int64"),
    pd.Series(NUMBERS, dtype="Float32"),
    pd.arrays.SparseArray(NUMBERS),
    pd.RangeIndex(N),
    pl.Series(NUMBERS),
    pl.Series(NUMBERS > 0),
    NUMBERS > 0,
    NUMBERS.astype(">i2"),
    NUMBERS.astype(">f8"),
    NUMBERS.astype(np.float16),
    NUMBERS.astype(np.longdouble),
    np.ma.array(NUMBERS),
    sparse.csr_array(NUMBERS[:, np.newaxis]),
    sparse.coo_matrix(NUMBERS[:, np.newaxis]),
    np.broadcast_to(2.0, N),
    [2**70, 2**71, 2**72] * (N // 3),
]


def plain(values):
    if sparse.issparse(values):
        values = values.toarray().ravel()
    return np.array([float(value) for value in values])


def everything(model):
    return {name: copy.deepcopy(value) for name, value in vars(model).items() if name[-1] == "_"}


@pytest.mark.parametrize(("y", "what"), NO_NUMBERS, ids=name_of)
def test_what_is_no_number_is_refused_as_a_target_and_as_a_weight(y, what):
    model = regressor().fit(X, NUMBERS)
    before = str(everything(model))
    for call in (
        lambda: model.fit(X, y),
        lambda: model.partial_fit(X, y),
        lambda: model.score(X, y),
        lambda: model.fit(X, NUMBERS, X_val=X, y_val=y),
    ):
        with pytest.raises(ValueError, match=f"y must hold numbers, and holds {what}"):
            call()
    for call in (
        lambda: model.fit(X, NUMBERS, y),
        lambda: model.score(X, NUMBERS, y),
        lambda: model.fit(X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=y),
        lambda: classifier().fit(X, NUMBERS, y),
        lambda: classifier().fit(X, NUMBERS).score(X, NUMBERS, y),
    ):
        with pytest.raises(ValueError, match=f"sample_weight must hold numbers, and holds {what}"):
            call()
    assert str(everything(model)) == before


@pytest.mark.parametrize("y", NO_VALUES, ids=name_of)
def test_what_has_no_value_is_refused(y):
    for model in (regressor(), classifier()):
        fitted = copy.deepcopy(model).fit(X, NUMBERS)
        for call in (model.fit, fitted.score):
            with pytest.raises(ValueError, match=r"Input y contains NaN, or no value, in 1 row\(s"):
                call(X, y)
        with pytest.raises(ValueError, match="Input sample_weight contains NaN"):
            model.fit(X, NUMBERS, y)


@pytest.mark.parametrize("y", SAME_NUMBERS, ids=name_of)
def test_numbers_of_every_kind(y):
    expected = regressor().fit(X, plain(y))
    found = regressor().fit(X, y)
    np.testing.assert_array_equal(found.coefs_[0], expected.coefs_[0])
    assert found.loss_ == expected.loss_
    assert found.score(X, y) == expected.score(X, plain(y))
    if sparse.issparse(y):
        return
    weighted, expected = regressor().fit(X, NUMBERS, y), regressor().fit(X, NUMBERS, plain(y))
    assert weighted.loss_ == expected.loss_
    assert weighted.score(X, NUMBERS, y) == expected.score(X, NUMBERS, plain(y))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_column_that_is_no_number_is_named(frame):
    with pytest.raises(ValueError, match="column 'when' of y must hold numbers, and holds dates"):
        regressor().fit(X, frame({"a": NUMBERS, "when": DATES}))
    with pytest.raises(ValueError, match=r"Input column 'b' of y contains NaN, or no value, in 24"):
        regressor().fit(X, frame({"a": NUMBERS, "b": [None] * N}))
    both = frame({"a": NUMBERS, "b": NUMBERS / 2})
    expected = regressor().fit(X, np.column_stack([NUMBERS, NUMBERS / 2]))
    assert regressor().fit(X, both).loss_ == expected.loss_
    with pytest.raises(ValueError, match="column 1 of y holds labels of type int, str"):
        classifier().fit(X, np.array([[1, "a"], [2, 3]] * 12, object))


def test_numbers_beyond_a_type():
    with pytest.raises(ValueError, match="too large for float64"):
        regressor().fit(X, [10**400] + [1] * (N - 1))
    large = np.full(N, 1e39)
    with pytest.raises(ValueError, match=r"too large for float32.*TransformedTargetRegressor"):
        regressor(precision="float32").fit(X, large)
    with pytest.raises(ValueError, match="too large for dtype"), np.errstate(over="ignore"):
        regressor(precision="float32").fit(X, NUMBERS, large)


SAME_LABELS = [
    (pd.Categorical(LETTERS), LETTERS),
    (pd.Series(LETTERS, dtype="category"), LETTERS),
    (pd.array(LETTERS, dtype="string"), LETTERS),
    (pd.Series(LETTERS).array, LETTERS),
    (pd.Index(LETTERS), LETTERS),
    (pl.Series(LETTERS), LETTERS),
    (pl.Series(LETTERS, dtype=pl.Categorical), LETTERS),
    (pl.Series(LETTERS, dtype=pl.Enum(["a", "b", "c"])), LETTERS),
    (LETTERS.astype(object), LETTERS),
    (LETTERS.astype(np.dtypes.StringDType()), LETTERS),
    (pd.Categorical(NUMBERS), NUMBERS),
    (pd.array(NUMBERS, dtype="Int64"), NUMBERS),
    (pd.Series(NUMBERS, dtype="UInt8"), NUMBERS.astype(np.uint8)),
    (pd.array(NUMBERS > 0, dtype="boolean"), NUMBERS > 0),
    (pd.RangeIndex(N) // 8, np.arange(N) // 8),
    (NUMBERS.astype(object), NUMBERS),
    (sparse.csr_array(NUMBERS[:, np.newaxis]), NUMBERS),
    (pd.DatetimeIndex(DATES), DATES),
    (pl.Series(DATES), DATES),
    (pd.array(NUMBERS + 2**62, dtype="Int64"), NUMBERS + 2**62),
    (NUMBERS.astype(object) + 2**62, NUMBERS + 2**62),
]


@pytest.mark.parametrize(("y", "same"), SAME_LABELS, ids=name_of)
def test_labels_of_every_kind(y, same):
    expected, found = classifier().fit(X, same), classifier().fit(X, y)
    np.testing.assert_array_equal(found.classes_, expected.classes_)
    assert found.classes_.dtype.kind == expected.classes_.dtype.kind
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))
    assert found.score(X, y) == expected.score(X, same) == found.score(X, same)
    if not sparse.issparse(y):
        model = classifier().partial_fit(X, y, classes=y)
        np.testing.assert_array_equal(model.classes_, expected.classes_)
        model.partial_fit(X, y)
        early = classifier(early_stopping=True).fit(X, y)
        assert (
            early.validation_scores_
            == classifier(early_stopping=True).fit(X, same).validation_scores_
        )


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", *NUMBERS[1:]], "labels of type int64, str.*astype"),
        (["a", np.nan, *LETTERS[2:]], "no value, in 1 row"),
        ([True, *LETTERS[1:]], "labels of type bool, str"),
        (DATES.astype("M8[D]").astype(object), "labels of type date"),
        ([decimal.Decimal(int(number)) for number in NUMBERS], "labels of type Decimal"),
        (pd.interval_range(0, N), "labels of type Interval"),
        (pl.Series([[1]] * N), r"y holds List\(Int64\) values"),
        ([2**70, *NUMBERS[1:]], "beyond 64 bits"),
        (np.array([2**53 + 1, *np.ones(N - 1)], object), "would be rounded"),
        (np.array([(1,)] * N, [("a", int)]), "records"),
        (np.ma.array(NUMBERS, mask=NUMBERS == 1), "masked array"),
        (pd.MultiIndex.from_arrays([LETTERS, LETTERS]), "MultiIndex"),
        (pl.LazyFrame({"a": LETTERS}), r"LazyFrame: pass y\.collect"),
        (sparse.coo_array(NUMBERS), "one dimension"),
        (iter(NUMBERS), "must be an array"),
        ({*range(N)}, "must be an array"),
        ("a" * N, "must be an array"),
        ([[1], [1, 2]] * 12, "y is no array"),
        (pd.DataFrame({"a": LETTERS, "b": DATES}), "columns of dates and others"),
    ],
)
def test_labels_that_are_none(y, message):
    fitted = classifier().fit(X, LETTERS)
    before = str(everything(fitted))
    for call in (fitted.fit, fitted.score):
        with pytest.raises((TypeError, ValueError), match=message):
            call(X, y)
    assert str(everything(fitted)) == before


def test_classes_that_are_none():
    for classes in ("abc", {"a", "b", "c"}, 3, {"a": 1}):
        with pytest.raises(TypeError, match="classes must be an array"):
            classifier().partial_fit(X, LETTERS, classes=classes)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_numbers_and_of_strings(frame):
    y = frame({"letter": LETTERS, "number": NUMBERS, "is": NUMBERS > 0})
    model = classifier().set_params(max_iter=400, learning_rate_init=0.1).fit(X, y)
    assert [part.tolist() for part in model.classes_] == [["a", "b", "c"], [0, 1, 2], [False, True]]
    right = np.column_stack([part.astype(object) for part in (LETTERS, NUMBERS, NUMBERS > 0)])
    predicted = model.predict(X)
    assert predicted[0].tolist() in right.tolist()
    assert model.score(X, y) == (predicted == right).all(axis=1).mean() > 0.5
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, y[:1])


def test_labels_of_other_types_are_compared_exactly():
    big = np.array([2**53 + 1, 2**53 + 3, 5] * 8)
    model = classifier().fit(X, big)
    for other in (big.astype(float), np.full(N, 2.0**53), np.full(N, 2**64 - 5, np.uint64)):
        with pytest.raises(ValueError, match="classes not in"):
            model.partial_fit(X, other)
    model.partial_fit(X, big.astype(np.uint64))
    model.partial_fit(X, np.full(N, 5.0))
    signed = classifier().fit(X, np.array([-5, 5, 6] * 8))
    with pytest.raises(ValueError, match="classes not in"):
        signed.partial_fit(X, np.full(N, 2**64 - 5, np.uint64))


def test_soft_labels_of_every_kind():
    soft = np.random.default_rng(1).dirichlet([1, 1, 1], N)
    soft[0] = [1, 0, 0]
    expected = classifier().fit(X, soft)
    score = expected.score(X, soft)
    assert score == np.mean(expected.predict(X) == soft.argmax(axis=1))
    kinds = [
        sparse.csr_array(soft),
        sparse.csc_matrix(soft),
        sparse.coo_array(soft),
        pd.DataFrame(soft),
        pl.DataFrame(soft),
        soft.tolist(),
        soft.astype(object),
    ]
    for kind in kinds:
        found = classifier().fit(X, kind)
        assert found.loss_ == expected.loss_
        assert found.score(X, kind) == score
        weighted = found.score(X, kind, np.arange(N))
        assert weighted == expected.score(X, soft, np.arange(N))


def test_a_sparse_indicator_that_lies_about_itself():
    wrong = sparse.csr_array((np.ones(N), np.zeros(N, int), np.arange(N + 1)), shape=(N, 3))
    wrong.indices[3] = 1 << 20
    for model in (classifier(), regressor()):
        with pytest.raises(ValueError, match=r"indices|column index"):  # SciPy's words
            model.fit(X, wrong)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(N), "at least one non-zero"),
        (-np.ones(N), "Negative values"),
        (np.full(N, np.nan), "contains NaN"),
        (np.ones(N - 1), "sample_weight.shape"),
        (np.ones((N, 1)), "must be 1D"),
    ],
)
def test_weights_of_a_score(weight, message):
    for model, y in (
        (regressor(), NUMBERS),
        (classifier(), NUMBERS),
        (classifier(), LETTERS),
        (classifier(), np.eye(3, dtype=int)[NUMBERS]),
        (classifier(), np.column_stack([NUMBERS, NUMBERS])),
    ):
        model.fit(X, y)
        with pytest.raises(ValueError, match=message):
            model.score(X, y, weight)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert model.score(X, y, 2.0) == pytest.approx(model.score(X, y))
