"""Saved estimators for tables predict the same bits."""

import copy

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import fastnn
from fastnn import TabularMLPClassifier, TabularMLPRegressor, runtime
from fastnn._files.parts import packed
from support import TESTS
from support.mixed_table import mixed_table


def again(model, path):
    model.save(path)
    return fastnn.load(path)


def assert_same(one, other):
    assert vars(one).keys() - {"_training"} == vars(other).keys()
    assert repr(one) == repr(other)
    assert str(one.columns_) == str(other.columns_)
    np.testing.assert_equal(other.history_, one.history_)
    assert other.history_._repr_html_() == one.history_._repr_html_()
    np.testing.assert_equal(other.oof_decision_, one.oof_decision_)
    assert [repr(member) for member in one.networks_] == [repr(m) for m in other.networks_]


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_same_bits(kind, request, new_rows, tmp_path):
    model, X = request.getfixturevalue(kind), new_rows[0]
    loaded = again(model, tmp_path / "file")
    assert_same(model, loaded)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if kind == "classifier":
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(loaded.classes_, model.classes_)
    else:
        found, expected = (one.predict_quantiles(X, [0.1, 0.9]) for one in (loaded, model))
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_equal(
            loaded.predict(X, return_std=True), model.predict(X, return_std=True)
        )
    with pytest.raises(AttributeError, match="needs the training rows, which no file or pickle"):
        loaded.compress()
    with pytest.raises(ValueError, match=r"makes rows of numbers of its input: fastnn\.load"):
        runtime.load(tmp_path / "file")


def test_what_compress_returns(classifier, new_rows, tmp_path):
    small = classifier.compress()
    loaded = again(small, tmp_path / "file")
    assert_same(small, loaded)
    assert loaded.compression_ == small.compression_
    np.testing.assert_array_equal(
        loaded.predict_proba(new_rows[0]), small.predict_proba(new_rows[0])
    )


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
@pytest.mark.parametrize("seed", range(3))
def test_columns_of_every_kind(estimator, seed, few_epochs, tmp_path):
    """Check encodings of all kinds, which are drawn, and levels of any type."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(seed)
    X = pandas.DataFrame(
        {
            "number": np.exp(rng.normal(size=150)),
            "many": rng.choice([f"level {i}" for i in range(70)], 150),
            "flag": rng.choice([True, False], 150),
            "mixed": rng.choice(np.array([1.5, "word", None], object), 150),
            "when": pandas.Timestamp("2024-01-01", tz="Europe/Berlin")
            + pandas.to_timedelta(rng.integers(0, 20_000, 150), "h"),
            "declared": pandas.Categorical(rng.choice(["x", "y"], 150)),
        }
    )
    y = X["number"].to_numpy()
    y = y > 1 if estimator is TabularMLPClassifier else y
    model = estimator(n_networks=8, n_folds=2, random_state=seed).fit(X, y)
    loaded = again(model, tmp_path / "file")
    assert_same(model, loaded)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_file_of_an_earlier_version_still_loads():
    """Check a file with a fitted regressor, and the quantiles of ten rows."""
    model = fastnn.load(TESTS / "saved" / "format_1_table.fastnn")
    with np.load(TESTS / "saved" / "format_1_predictions.npz") as expected:
        found = model.predict_quantiles(mixed_table()[0][:10])
        np.testing.assert_allclose(found, expected["table"], rtol=1e-5)


def test_what_cannot_be(classifier, tmp_path):
    with pytest.raises(NotFittedError):
        TabularMLPClassifier().save(tmp_path / "file")
    parts = classifier._get_parts()
    member = parts["ensemble"].members[0]
    member.encoding = copy.copy(member.encoding)
    member.encoding.sources = np.arange(3)
    (tmp_path / "file").write_bytes(packed("model", parts))
    with pytest.raises(ValueError, match="changed by hand: a network does not fit to the columns"):
        fastnn.load(tmp_path / "file")
