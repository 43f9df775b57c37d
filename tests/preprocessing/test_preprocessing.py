"""Cleaning and splitting: what is kept, in which kind, and what the report says."""

import doctest

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier
from fastnn._data.tables import Table
from fastnn.preprocessing import (
    DuplicateRemover,
    NullColumnRemover,
    NullRemover,
    OutlierRemover,
    duplicates,
    nulls,
    outliers,
    splitting,
    train_val_test_split,
)

CLEANERS = [NullRemover(), DuplicateRemover(), DuplicateRemover(0.01)]
CLEANERS += [
    OutlierRemover(method, random_state=0)
    for method in ("iqr", "zscore", "mahalanobis", "isolation_forest", "lof")
]
METHODS = [cleaner for cleaner in CLEANERS if isinstance(cleaner, OutlierRemover)]


def planted():
    """Correlated normal rows, and where two of them were replaced by others far away."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3)) @ [[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1]]
    X[17], X[111] = [30, -30, 30], [-40, 40, 40]
    return X


KINDS = {
    "numpy": (np.asarray, np.asarray),
    "pandas": (
        lambda X: pd.DataFrame(X, columns=list("abc"), index=np.arange(len(X)) + 1000),
        lambda y: pd.Series(y, name="target"),
    ),
    "polars": (lambda X: pl.DataFrame(X, schema=list("abc")), lambda y: pl.Series("target", y)),
}


@pytest.mark.parametrize("module", [duplicates, nulls, outliers, splitting])
def test_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and not result.failed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cleaner", CLEANERS, ids=repr)
def test_comes_back_in_the_kind_that_came(cleaner, kind):
    X, y = planted(), np.arange(200) % 2
    X[40], y[40] = X[38], y[38]
    X[:, 0] += 1
    if isinstance(cleaner, NullRemover):
        X[5, 1] = np.nan
    of_table, of_targets = KINDS[kind]
    table, targets = of_table(X), of_targets(y)
    cleaner = clone(cleaner)
    X_kept, y_kept = cleaner.fit_resample(table, targets)
    kept = cleaner.sample_indices_
    assert type(X_kept) is type(table) and type(y_kept) is type(targets)
    assert 0 < len(kept) == len(X_kept) == len(y_kept) < 200
    np.testing.assert_array_equal(np.asarray(X_kept), X[kept])
    np.testing.assert_array_equal(np.asarray(y_kept), y[kept])
    if kind != "numpy":
        assert list(X_kept.columns) == list("abc") == cleaner.feature_names_in_.tolist()
    if kind == "pandas":
        assert (X_kept.index == 1000 + kept).all() and y_kept.name == "target"
    removed = cleaner.report_.to_pandas()
    assert sorted({*removed["row"]} | {*kept}) == list(range(200))
    assert len(cleaner.report_) == len(removed) == 200 - len(kept)
    without, nothing = clone(cleaner).fit_resample(table)
    assert nothing is None and len(without) == len(X_kept)
    np.testing.assert_array_equal(clone(cleaner).fit(table, targets).sample_indices_, kept)


@pytest.mark.parametrize("remover", METHODS, ids=repr)
def test_outliers_are_found(remover):
    remover = clone(remover)
    remover.fit_resample(planted())
    removed = {*range(200)} - {*remover.sample_indices_}
    assert {17, 111} <= removed and len(removed) < 12
    assert np.argsort(remover.scores_)[-2:].tolist() in ([17, 111], [111, 17])
    rows = remover.report_.to_pandas()
    np.testing.assert_allclose(rows["score"], remover.scores_[rows["row"]])
    assert (rows["score"] > remover.threshold_).all()
    part = clone(remover).set_params(contamination=0.1)
    assert len(part.fit_resample(planted())[0]) == 180


def test_scores_are_those_of_the_formulas():
    X = np.array([[0.0], [1], [2], [3], [10]])
    zscore = OutlierRemover("zscore", threshold=1.9).fit(X)
    np.testing.assert_allclose(zscore.scores_, abs(X[:, 0] - X.mean()) / X.std())
    iqr = OutlierRemover("iqr").fit(X)
    np.testing.assert_allclose(iqr.scores_, [0.5, 0, 0, 0, 3.5])
    assert zscore.sample_indices_.tolist() == iqr.sample_indices_.tolist() == [0, 1, 2, 3]
    clean = np.random.default_rng(0).standard_normal((2000, 4))
    assert len(OutlierRemover("mahalanobis", random_state=0).fit(clean).report_) < 10


def test_outliers_of_columns_without_spread_and_with_gaps():
    X = np.zeros((50, 3))
    X[:, 1] = np.arange(50)
    X[3, 0], X[4, 1], X[:, 2] = 1, np.nan, 0.1
    for method, kept in (("iqr", 50), ("zscore", 49)):
        assert len(OutlierRemover(method).fit(X).sample_indices_) == kept


def test_columns_that_are_no_numbers():
    frame = pd.DataFrame({"name": list("abcdefgh"), "age": [30, 31, 32, 33, 34, 35, 36, 412]})
    remover = OutlierRemover().fit(frame)
    assert remover.sample_indices_.tolist() == list(range(7))
    assert "age = 412" in str(remover.report_)
    assert remover.report_.to_pandas()["column"].tolist() == ["age"]
    with pytest.raises(ValueError, match=r"Columns \['name'\] hold no numbers"):
        OutlierRemover(columns=["name"]).fit(frame)
    near = DuplicateRemover(0.01).fit(frame.assign(age=30))  # names differ
    assert len(near.sample_indices_) == 8


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [1.0, None, 3], "b": ["x", "y", None], "c": pd.to_datetime([1, 2, 3])}),
        pd.DataFrame({"a": [1, pd.NA, 3], "b": ["x", "y", np.nan], "c": [1, 2, 3]}),
        pl.DataFrame({"a": [1.0, float("nan"), 3], "b": ["x", "y", None], "c": [1, 2, 3]}),
        np.array([[1.0, "x", 2], [None, "y", 3], [3, np.nan, 4]], object),
    ],
    ids=["pandas", "NA", "polars", "object"],
)
def test_nulls_of_each_kind(table):
    assert NullRemover().fit(table).sample_indices_.tolist() == [0]
    assert NullRemover(1).fit(table).sample_indices_.tolist() == [0, 1, 2]
    assert NullRemover(0.3).fit(table).sample_indices_.tolist() == [0]
    assert NullRemover(columns=[0]).fit(table).sample_indices_.tolist() == [0, 2]
    columns = NullColumnRemover(0).fit(table)
    assert columns.transform(table).shape == (3, 1) and len(columns.report_) == 2
    assert "1 of 3 values missing" in str(columns.report_)


def test_rows_without_target_are_removed():
    X = np.ones((3, 2))
    remover = NullRemover()
    _, y = remover.fit_resample(X, [1.0, np.nan, 2.0])
    assert y.tolist() == [1, 2] and "target missing" in str(remover.report_)
    assert NullRemover().fit(X, pd.Series(["a", None, "b"])).sample_indices_.tolist() == [0, 2]


def test_column_remover_is_a_transformer():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [np.nan, np.nan, 1]})
    remover = NullColumnRemover()
    assert list(remover.fit_transform(frame).columns) == ["a"]
    assert remover.get_feature_names_out().tolist() == ["a"]
    assert list(remover.transform(frame.fillna(0)).columns) == ["a"]
    assert remover.report_.to_pandas()["column"].tolist() == ["b"]
    with pytest.raises(ValueError, match="feature"):
        remover.transform(frame[["a"]])
    assert make_pipeline(remover, StandardScaler()).fit_transform(frame).shape == (3, 1)


def test_exact_duplicates():
    X = np.array([[0.0, np.nan], [1, 2], [-0.0, np.nan], [1, 2], [1, 2]])
    y = [0, 0, 0, 1, 0]
    assert DuplicateRemover().fit(X).sample_indices_.tolist() == [0, 1]
    assert DuplicateRemover().fit(X, y).sample_indices_.tolist() == [0, 1, 3]
    remover = DuplicateRemover(conflicts="remove").fit(X, y)
    assert remover.sample_indices_.tolist() == [0]
    assert "same as row 3, but another target" in str(remover.report_)
    assert DuplicateRemover(columns=[1]).fit(X).sample_indices_.tolist() == [0, 1]
    frame = pd.DataFrame({"a": ["x", "x", None, None], "b": [1, 1, 2, 3]})
    assert DuplicateRemover().fit(frame).sample_indices_.tolist() == [0, 2, 3]
    assert DuplicateRemover(columns="a").fit(
        pl.DataFrame({"a": ["x", "x", None, None]})
    ).sample_indices_.tolist() == [
        0,
        2,
    ]
    big = np.array([[2**60], [2**60 + 1]])  # the same as float64
    for table in (big, pd.DataFrame(big)):
        assert len(DuplicateRemover().fit(table).sample_indices_) == 2


@pytest.mark.parametrize("metric", ["chebyshev", "euclidean", "manhattan"])
def test_near_duplicates(metric):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(1500, 2)) * [1, 1000]
    remover = DuplicateRemover(0.05, metric=metric).fit(X)
    scaled = X / X.std(axis=0)
    order = {"chebyshev": np.inf, "euclidean": 2, "manhattan": 1}[metric]
    kept: list[int] = []
    for row in range(1500):  # the definition
        if (np.linalg.norm(scaled[kept] - scaled[row], order, axis=1) > 0.05).all():
            kept.append(row)
    assert remover.sample_indices_.tolist() == kept


def test_near_duplicates_with_targets():
    X = np.array([[0.0], [1e-6], [1], [1 + 1e-6], [2]])
    y = [0, 0, 0, 1, 0]
    assert DuplicateRemover(1e-3).fit(X, y).sample_indices_.tolist() == [0, 2, 3, 4]
    remover = DuplicateRemover(1e-3, conflicts="remove").fit(X, y)
    assert remover.sample_indices_.tolist() == [0, 4]
    assert "but another target" in str(remover.report_)


MASK = [False, False, True]


def test_equal_rows_of_different_records_are_no_duplicates():
    frame = pd.DataFrame(
        {"patient": [1, 1, 2, 2, 2], "visit": list("aabbc"), "size": [5, 5, 5, 5.001, 5]}
    )
    kept = {
        (): [0, 3],
        ("patient",): [0, 2, 3],
        ("patient", "visit"): [0, 2, 3, 4],
    }
    for keys, rows in kept.items():
        remover = DuplicateRemover(columns="size", keys=keys or None)
        assert remover.fit(frame).sample_indices_.tolist() == rows
    # The tolerance is none of the keys.
    near = DuplicateRemover(5.0, columns=["size"], keys=["patient", "visit"]).fit(frame)
    assert near.sample_indices_.tolist() == [0, 2, 4]
    first = DuplicateRemover(columns=["patient"]).fit(frame)
    assert first.sample_indices_.tolist() == [0, 2]


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_few_repeats_may_stay(tolerance):
    X = [[1.0], [2.0], [1.0], [3.0], [1.0], [2.0]]
    for min_count, rows in [(2, [0, 1, 3]), (3, [0, 1, 3, 5]), (4, [0, 1, 2, 3, 4, 5])]:
        remover = DuplicateRemover(tolerance, min_count=min_count).fit(X)
        assert remover.sample_indices_.tolist() == rows
        assert len(remover.report_) == 6 - len(rows)


def test_repeats_are_counted_through_near_rows():
    X = np.array([[0.0], [0.05], [0.05], [10.0]])
    remover = DuplicateRemover(0.1, min_count=3).fit(X)
    assert remover.sample_indices_.tolist() == [0, 3]
    remover = DuplicateRemover(0.1, min_count=4).fit(X)
    assert remover.sample_indices_.tolist() == [0, 1, 2, 3]


def test_repeats_of_rows_that_conflict_do_not_stay():
    remover = DuplicateRemover(conflicts="remove", min_count=3)
    assert remover.fit([[1], [1], [1], [2]], [0, 0, 1, 1]).sample_indices_.tolist() == [3]


@pytest.mark.parametrize(
    "mask",
    [
        MASK,
        tuple(MASK),
        np.array(MASK),
        list(np.array(MASK)),
        pd.Series(MASK, index=list("abc")),
        pd.array(MASK, dtype="boolean"),
        pl.Series(MASK),
    ],
    ids=lambda mask: type(mask).__name__,
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cleaner", [NullRemover(), DuplicateRemover(), OutlierRemover()], ids=repr)
def test_a_mask_of_columns(cleaner, kind, mask):
    X = planted()
    X[3], X[7, 2] = X[2], X[2, 2]
    if isinstance(cleaner, NullRemover):
        X[5, 0], X[6, 2] = np.nan, np.nan
    table = KINDS[kind][0](X)
    removed = clone(cleaner).set_params(columns=[2]).fit(table).report_
    assert clone(cleaner).set_params(columns=mask).fit(table).report_ == removed
    assert len(removed) > 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([True, False], "mask of 2 truth values, and X has 3 columns"),
        (np.zeros(4, bool), "mask of 4 truth values"),
        ([True, 1, 2], "mixes truth values"),
        (["a", False, True], "mixes truth values"),
        (pd.array([True, False, None], dtype="boolean"), "mixes truth values"),
        (np.zeros(3, bool), "columns is empty"),
        ({"a", "b"}, "columns must be a list"),
        (np.zeros((1, 3), bool), "columns must be a list"),
        ([[0], [1]], r"no column \[0\]"),
        ([2**70], "no column 1180591620717411303424"),
        ([1.5], "no column 1.5"),
    ],
)
@pytest.mark.parametrize("cleaner", [NullRemover(), DuplicateRemover(), OutlierRemover()], ids=repr)
def test_columns_that_are_none(cleaner, columns, message):
    frame = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=list("abc"))
    with pytest.raises(ValueError, match=message):
        clone(cleaner).set_params(columns=columns).fit(frame)


def test_a_column_counts_once():
    X = [[1, np.nan], [1, 2]]
    assert NullRemover(1, columns=[1, -1, 1]).fit(X).sample_indices_.tolist() == [0, 1]
    # Of one name, which scikit-learn 1.7 lets through, all columns are meant.
    assert Table(pd.DataFrame([[1, 2, 3]], columns=list("abb"))).positions(["b", 0]) == [1, 2, 0]


STRINGS = ["a", "b", "c"] * 4
DATES = pd.date_range("2020-01-01", periods=3).repeat(4)
COLUMNS = [
    pd.Categorical(STRINGS),
    pd.array(STRINGS, dtype="string"),
    pd.Series(STRINGS).array,
    pd.Series(STRINGS),
    pd.Series(STRINGS, dtype="category"),
    pd.Index(STRINGS),
    pd.array([1, 2, 3] * 4, dtype="Int64"),
    pd.array([True, False, True] * 4, dtype="boolean"),
    pd.RangeIndex(12) // 4,
    DATES,
    DATES.tz_localize("UTC"),
    DATES.to_period("D"),
    pd.to_timedelta([1, 2, 3] * 4, unit="D"),
    pd.cut(np.arange(12), 3),
    pl.Series(STRINGS),
    pl.Series(STRINGS, dtype=pl.Categorical),
    pl.Series(STRINGS, dtype=pl.Enum(["a", "b", "c"])),
    pl.Series(DATES.to_numpy()),
    np.array(STRINGS, object),
    np.array(STRINGS, np.dtypes.StringDType()),
    np.array([1, 2, 3] * 4, ">i4"),
]


@pytest.mark.parametrize("y", COLUMNS, ids=lambda y: f"{type(y).__name__}-{y.dtype}")
def test_targets_and_groups_of_every_kind(y):
    plain = [str(value) for value in y]
    X = np.arange(24.0).reshape(12, 2)
    for cleaner in (NullRemover(), DuplicateRemover(), DuplicateRemover(0.1), OutlierRemover()):
        kept = cleaner.fit_resample(X, y)[1]
        assert type(kept) is type(y) and kept.dtype == y.dtype and len(kept) == 12
    X[:] = 0
    kept = DuplicateRemover().fit_resample(X, y)[1]
    assert type(kept) is type(y) and [str(value) for value in kept] == list(dict.fromkeys(plain))
    for name, sizes in (("groups", (1, 1, 1)), ("stratify", (3, 3, 6))):
        if len(kept) < 3 and name == "groups":
            continue
        options = dict(sizes=sizes, random_state=0)
        expected = train_val_test_split(np.arange(12), **options, **{name: plain})
        found = train_val_test_split(np.arange(12), y, **options, **{name: y})
        for part, rows, values in zip(found[:3], expected, found[3:], strict=True):
            assert part.tolist() == rows.tolist()
            assert [str(value) for value in values] == [plain[row] for row in part]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (sparse.csr_array(np.ones((12, 1))), "{} is sparse: pass {}.toarray"),
        (sparse.csr_matrix(np.ones((12, 2))), "{} is sparse"),
        (sparse.coo_array(np.ones(12)), "{} is sparse"),
        (pd.MultiIndex.from_arrays([STRINGS, STRINGS]), "{} is a MultiIndex"),
        (pl.LazyFrame({"a": STRINGS}), "{} is a LazyFrame"),
        (np.ma.array(np.arange(12), mask=np.arange(12) == 5), "{} is a masked array"),
        (iter(STRINGS), "{} must be an array, a list"),
        ({*range(12)}, "{} must be an array, a list"),
        ("abcabcabcabc", "{} must be an array, a list"),
        ([[1], [1, 2]] * 6, "{} is no array"),
        (pl.Series([[1]] * 12), "{} holds List"),
    ],
)
def test_targets_and_groups_that_are_none(values, message):
    X = np.zeros((12, 1))
    with pytest.raises((TypeError, ValueError), match=message.format("y", "y")):
        DuplicateRemover().fit_resample(X, values)
    for name in ("stratify", "groups"):
        with pytest.raises((TypeError, ValueError), match=message.format(name, name)):
            train_val_test_split(X, **{name: values})


def test_numbers_among_strings_stay_numbers():
    X, y = NullRemover().fit_resample([[1, "a"], [None, "b"], [2, "c"]], [1, "a", "b"])
    assert X.tolist() == [[1, "a"], [2, "c"]] and y.tolist() == [1, "b"]
    with pytest.raises(ValueError, match="no numbers"):
        OutlierRemover().fit(np.array([["1.5"], ["2"]], object))
    with pytest.raises(ValueError, match="X is a masked array"):
        NullRemover().fit(np.ma.array([[1.0, 2]], mask=[[True, False]]))


def test_report_prints_a_part():
    report = DuplicateRemover().fit(np.zeros((50, 1))).report_
    lines = str(report).splitlines()
    assert lines[0] == "49 of 50 rows removed" and lines[-1] == "... and 29 more"
    assert len(report) == 49 and len(lines) == 23
    assert str(NullRemover().fit([[1]]).report_) == "0 of 1 rows removed"


@pytest.mark.parametrize(
    ("cleaner", "X", "y", "message"),
    [
        (NullRemover(), sparse.eye(3).tocsr(), None, "X is sparse"),
        (NullRemover(), [1, 2], None, "1 dimension"),
        (NullRemover(), np.zeros((0, 2)), None, "at least one row"),
        (NullRemover(), pl.LazyFrame({"a": [1]}), None, r"X\.collect\(\)"),
        (NullRemover(), [[np.nan]], None, "would remove all 1 rows"),
        (NullRemover(-1), [[1]], None, "max_nulls"),
        (NullRemover(columns=["a"]), [[1]], None, "no column 'a'"),
        (NullRemover(columns=[]), [[1]], None, "columns is empty"),
        (NullRemover(), [[1], [2]], [1], "inconsistent numbers of samples"),
        (DuplicateRemover(0.1), [[np.nan], [1]], None, "NullRemover"),
        (DuplicateRemover(0.1), pd.DataFrame({"a": ["x"]}), None, "needs columns of numbers"),
        (DuplicateRemover(metric="x"), [[1]], None, "metric"),
        (DuplicateRemover(min_count=1), [[1]], None, "min_count"),
        (DuplicateRemover(keys=["b"]), pd.DataFrame({"a": [1]}), None, "no column 'b'"),
        (DuplicateRemover(0.1, keys=[0]), [[1]], None, "numbers beside the keys"),
        (OutlierRemover("x"), [[1]], None, "method"),
        (OutlierRemover(threshold=1, contamination=0.1), [[1]], None, "leave one of them None"),
        (OutlierRemover(), [[np.inf]], None, "infinite"),
        (OutlierRemover(), pd.DataFrame({"a": ["x"]}), None, "no numeric column"),
        (OutlierRemover(), np.array([["x"]], object), None, "no numbers"),
        (OutlierRemover("lof"), [[np.nan], [1]], None, "NullRemover"),
        (OutlierRemover("lof"), [[1]], None, "only one"),
        (OutlierRemover("mahalanobis"), np.ones((9, 2)), None, "follow from each other"),
        (NullColumnRemover(), [[np.nan]], None, "all 1 columns"),
    ],
)
def test_bad_input_leaves_the_cleaner_as_it_was(cleaner, X, y, message):
    cleaner, fitted = clone(cleaner), clone(cleaner)
    fitted.set_params(**type(cleaner)().get_params()).fit([[1.0], [2], [3]])
    before = vars(fitted.set_params(**cleaner.get_params())).copy()
    for one in (cleaner, fitted):
        with pytest.raises(ValueError, match=message):
            one.fit(X, y)
    assert vars(fitted) == before


def test_in_a_pipeline_of_imbalanced_learn():
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = load_iris(return_X_y=True)
    X = np.vstack([X, X[:5] + 100])
    y = np.append(y, y[:5])
    model = pipeline.make_pipeline(
        NullRemover(),
        DuplicateRemover(),
        OutlierRemover("mahalanobis", random_state=0),
        StandardScaler(),
        MLPClassifier(max_iter=60, learning_rate_init=0.02, random_state=0),
    )
    with pytest.warns(match="Maximum iterations"):
        clone(model).set_params(mlpclassifier__max_iter=2).fit(X, y)
    model.set_params(mlpclassifier__n_iter_no_change=3, mlpclassifier__tol=0.01).fit(X, y)
    assert len(model.predict(X)) == len(X)  # cleaned in fit only
    assert model.score(X[:150], y[:150]) > 0.9
    assert abs(model[3].mean_).max() < 10
    assert {*range(150, 155)}.isdisjoint(model[2].sample_indices_)


# ------------------------------------------------------------------------------- splitting


def test_split_sizes_and_kinds():
    X, y = pd.DataFrame({"a": range(10)}), pl.Series(range(10))
    parts = train_val_test_split(X, y, list(range(10)), sparse.eye(10).tocsr(), random_state=0)
    kinds = [pd.DataFrame] * 3 + [pl.Series] * 3 + [list] * 3
    assert [type(part) for part in parts[:9]] == kinds
    assert [len(part) for part in parts[:9]] == [6, 2, 2] * 3
    assert sorted(parts[6] + parts[7] + parts[8]) == list(range(10))
    for frame, rows, ones in zip(parts[:3], parts[6:9], parts[9:], strict=True):
        assert frame["a"].tolist() == rows and ones.indices.tolist() == rows
    assert parts[6:9] == train_val_test_split(list(range(10)), random_state=0)
    counts = train_val_test_split(np.arange(10), sizes=(5, 2, 1), random_state=0)
    assert [len(part) for part in counts] == [5, 2, 1]
    assert len(np.unique(np.concatenate(counts))) == 8
    ordered = train_val_test_split(np.arange(10), shuffle=False)
    assert [part.tolist() for part in ordered] == [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]


def test_stratified_split():
    y = np.repeat(["a", "b", "c"], [100, 50, 10])
    for part, n in zip(train_val_test_split(y, stratify=y, random_state=0), (6, 2, 2), strict=True):
        assert np.unique(part, return_counts=True)[1].tolist() == [10 * n, 5 * n, n]


@pytest.mark.parametrize("stratified", [False, True])
def test_a_group_is_in_one_part(stratified):
    rng = np.random.default_rng(0)
    groups = rng.integers(50, size=1000)
    y = rng.integers(2, size=1000)
    parts = train_val_test_split(
        groups, y, groups=groups, stratify=y if stratified else None, random_state=0
    )
    sets = [{*part} for part in parts[:3]]
    assert sum(map(len, sets)) == len({*groups}) == len(set.union(*sets))
    sizes = np.array([len(part) for part in parts[:3]]) / 1000
    assert abs(sizes - [0.6, 0.2, 0.2]).max() < 0.06
    if stratified:
        assert all(abs(part.mean() - y.mean()) < 0.03 for part in parts[3:])
    else:
        assert [len(one) for one in sets] == [30, 10, 10]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(sizes=(0.5, 0.5)), "three numbers"),
        (dict(sizes=(0.5, 0.5, 0.5)), "above 1"),
        (dict(sizes=(0.5, 1, 2)), "three fractions"),
        (dict(sizes=(8, 2, 1)), "need 11 rows, and there are 10"),
        (dict(sizes=(0.9, 0.08, 0.02)), "part would be empty"),
        (dict(stratify=[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]), "Class 1 has 2 member"),
        (dict(stratify=list("aaaaaaaabc")), "Class 'b' has 1 member"),
        (dict(stratify=[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]), "fewer than the 3 classes"),
        (dict(stratify=[0, 1] * 5, shuffle=False), "needs shuffle=True"),
        (dict(stratify=[0, 1]), "one label for each of the 10 rows"),
        (dict(stratify=[0, None] * 5), "no label for 5"),
        (dict(groups=[0, 1] * 5), "2 groups are too few"),
        (dict(groups=[0, 1] * 5, stratify=[0, 1] * 5), "2 groups are too few"),
        (dict(groups=range(10), stratify=[0, 1] * 5, sizes=(6, 2, 2)), "must be fractions"),
    ],
)
def test_bad_splits(arguments, message):
    with pytest.raises(ValueError, match=message):
        train_val_test_split(np.arange(10), **arguments)


def test_nothing_to_split():
    with pytest.raises(ValueError, match="at least one array"):
        train_val_test_split()
