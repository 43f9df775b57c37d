"""Rows of many kinds give the same, and are copied no more than needed."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone

from fastnn import MLPClassifier
from support.small_fits import X_DIGITS, X_REGRESSION, Y_DIGITS, Y_REGRESSION, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def _rows(kind, X, folder):
    if kind == "memmap":
        np.save(folder / "X.npy", X)
        return np.load(folder / "X.npy", mmap_mode="r")
    if kind == "read-only":
        X = X.copy()
        X.flags.writeable = False
        return X
    return {
        "list": lambda: X.tolist(),
        "fortran": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        "reversed": lambda: X[::-1, ::-1].copy()[::-1, ::-1],
        "csr": lambda: sparse.csr_array(X),
        "csc": lambda: sparse.csc_matrix(X),
        "coo": lambda: sparse.coo_array(X),
        "pandas": lambda: pd.DataFrame(X).rename(columns=str),
        "polars": lambda: pl.DataFrame(X, schema=[f"x{i}" for i in range(X.shape[1])]),
    }[kind]()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "kind",
    [
        "memmap",
        "read-only",
        "list",
        "fortran",
        "strided",
        "reversed",
        "csr",
        "csc",
        "coo",
        "pandas",
        "polars",
    ],
)
def test_rows_of_any_kind_give_the_same(kind, dtype, tmp_path):
    X = X_DIGITS.astype(dtype)
    options = {"precision": np.dtype(dtype).name, "early_stopping": True}
    expected = classifier(**options).fit(X, Y_DIGITS)
    rows = _rows(kind, X, tmp_path)
    model = classifier(**options).fit(rows, Y_DIGITS)
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=rtol)
    np.testing.assert_allclose(
        model.predict_proba(rows), expected.predict_proba(X), rtol=rtol, atol=1e-6
    )


def test_bytes_are_rows_too():
    pixels = (X_DIGITS * 16).astype(np.uint8)
    model = classifier(max_iter=30, learning_rate_init=0.01).fit(pixels, Y_DIGITS)
    assert model.coefs_[0].dtype == np.float32
    assert model.score(pixels, Y_DIGITS) > 0.95
    as_float = pixels.astype(np.float32)
    np.testing.assert_allclose(
        model.predict_proba(pixels), model.predict_proba(as_float), rtol=1e-5
    )
    csr = sparse.csr_array(pixels)
    assert csr.dtype == np.uint8
    np.testing.assert_allclose(model.predict_proba(csr), model.predict_proba(pixels), rtol=1e-3)
    assert clone(model).fit(csr, Y_DIGITS).coefs_[0].dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "float16", "int32", "bool"])
def test_rows_in_a_file_are_never_copied_whole(order, dtype, tmp_path):
    shape = (20_000, 400)
    X = np.lib.format.open_memmap(
        tmp_path / "X.npy", "w+", dtype, shape, fortran_order=order == "F"
    )
    X[:: shape[0] // 100] = 1
    X.flush()
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    y = np.arange(shape[0]) % 2
    # The other precision than that of the rows.
    model = MLPClassifier(
        (4,),
        max_iter=1,
        batch_size=200,
        early_stopping=True,
        validation_fraction=0.01,
        n_jobs=1,
        precision="float64" if dtype in ("uint8", "float32") else "float32",
    )
    model.fit(X[:1000], y[:1000])  # what is imported or cached for good
    model.predict(X[:100])
    tracemalloc.start()
    model.fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size  # a copy needs at least this number of bytes


@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize("dtype", ["?", "b", "h", "H", "i", "I", "q", "Q", "e"])
def test_numbers_of_any_type_give_the_bits_of_float64(dtype, precision, tmp_path):
    rng = np.random.default_rng(0)
    X = (rng.standard_normal(X_DIGITS.shape) + X_DIGITS > 0.5) * rng.integers(1, 90, X_DIGITS.shape)
    np.save(tmp_path / "X.npy", X.astype(dtype))
    rows = np.load(tmp_path / "X.npy", mmap_mode="r")
    options = {"precision": precision, "early_stopping": True, "augment": "mixup"}
    model = classifier(**options).fit(rows, Y_DIGITS, X_val=rows[:50], y_val=Y_DIGITS[:50])
    X = rows.astype(float)
    expected = classifier(**options).fit(X, Y_DIGITS, X_val=X[:50], y_val=Y_DIGITS[:50])
    np.testing.assert_array_equal(model.predict_proba(rows), expected.predict_proba(X))
    assert model.loss_curve_ == expected.loss_curve_
    assert model.validation_scores_ == expected.validation_scores_
    assert model.score(rows, Y_DIGITS) == expected.score(X, Y_DIGITS)


def test_sparse_integers_are_converted():
    X = (X_DIGITS * 16).astype(np.int64)
    model = classifier().fit(sparse.csr_array(X), Y_DIGITS)
    expected = classifier().fit(sparse.csr_array(X.astype(float)), Y_DIGITS)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_sparse_rows_are_never_made_dense():
    rng = np.random.default_rng(0)  # of a RandomState, the draw takes 15 s
    X = sparse.random(5000, 50_000, density=1e-4, format="csr", random_state=rng)
    y = np.arange(5000) % 2
    model = MLPClassifier((2,), max_iter=1, n_jobs=1)
    tracemalloc.start()
    model.fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.shape[0] * X.shape[1] * 8 / 15


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_feature_names(kind, tmp_path):
    rows = _rows(kind, X_REGRESSION, tmp_path)
    model = regressor().fit(rows, Y_REGRESSION)
    assert list(model.feature_names_in_) == list(rows.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = model.predict(rows)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        predicted = model.predict(X_REGRESSION)
    np.testing.assert_array_equal(predicted, expected)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(rows[list(rows.columns)[::-1]])


def test_precision():
    X32 = X_DIGITS.astype(np.float32)
    for X, precision, dtype in (
        (X_DIGITS, "auto", np.float64),
        (X32, "auto", np.float32),
        ((X_DIGITS * 16).astype(int), "auto", np.float64),
        (X_DIGITS, "float32", np.float32),
        (X32, "float64", np.float64),
    ):
        model = classifier(precision=precision).fit(X, Y_DIGITS)
        assert {array.dtype for array in model.coefs_ + model.intercepts_} == {np.dtype(dtype)}
        assert model.predict_proba(X_DIGITS).dtype == dtype
        assert model.predict_proba(X32).dtype == dtype
        assert model.predict_log_proba(X32).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_few_rows_are_checked_as_many_are(dtype):
    model = classifier().fit(X_DIGITS.astype(dtype), Y_DIGITS)
    x = X_DIGITS[:1].astype(dtype)
    expected = model.predict_proba(x.tolist())
    np.testing.assert_allclose(model.predict_proba(x), expected, rtol=1e-6)
    for bad in (np.nan, np.inf, -np.inf):
        x[0, 5] = bad
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            model.predict_proba(x)
    x[0, 5] = np.finfo(dtype).max / 8  # finite, though its square is not
    assert model.predict_proba(x).shape == (1, 10)
    with pytest.raises(ValueError, match="X has 63 features, but MLPClassifier is expecting 64"):
        model.predict_proba(x[:, 1:].copy())
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        model.predict_proba(x[0])
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        model.predict_proba(x[:0])
