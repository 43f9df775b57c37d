"""The runtime: the bits of the estimator, without scikit-learn and SciPy."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris

from fastnn import MLPClassifier, MLPRegressor, runtime
from fastnn.callbacks import Checkpoint
from support import TESTS
from support.saved import LABELS, X, classifier, predictions

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def loaded(model, path, **options):
    model.save(path)
    return runtime.load(path, **options)


@pytest.mark.parametrize("name", [name for name in LABELS if name != "sparse matrix"])
def test_predictions_of_classifiers(tmp_path, name):
    model = classifier().fit(X, LABELS[name])
    found = loaded(model, tmp_path / "file")
    ours, theirs = predictions(found, X), predictions(model, X)
    for one, other in zip(ours, theirs, strict=False):  # it has no logarithms
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
        np.testing.assert_equal(one, other)
    np.testing.assert_equal(found.classes_, model.classes_)


@pytest.mark.parametrize("loss", ["hinge", "weston_watkins", "binary_log_loss", "squared_error"])
def test_predictions_of_other_losses(tmp_path, loss):
    model = classifier(loss=loss).fit(X, LABELS["str"])
    found = loaded(model, tmp_path / "file")
    np.testing.assert_array_equal(found.predict(X), model.predict(X))
    np.testing.assert_array_equal(found.decision_function(X), model.decision_function(X))
    if loss == "hinge":
        with pytest.raises(AttributeError, match="gives no probabilities"):
            found.predict_proba(X)


@pytest.mark.parametrize("y", [X[:, 0], X[:, :2]], ids=["one", "two"])
def test_predictions_of_regressors(tmp_path, y):
    model = MLPRegressor(
        hidden_layer_sizes=(6,), max_iter=3, normalization="batch", averaging="ema", random_state=0
    ).fit(X, y)
    found = loaded(model, tmp_path / "file", n_jobs=2)
    for rows in (X, X.tolist(), X.astype(np.float32), np.asfortranarray(X), X[:1], X > 1):
        np.testing.assert_array_equal(found.predict(rows), model.predict(rows))
    assert not hasattr(found, "predict_proba")


def test_checkpoints_and_files_of_earlier_versions(tmp_path):
    model = classifier(callbacks=[Checkpoint(tmp_path / "file")]).fit(X, LABELS["int"])
    found = runtime.load(tmp_path / "file")
    np.testing.assert_array_equal(found.predict_proba(X), model.predict_proba(X))
    rows = load_iris().data[::10]
    with np.load(TESTS / "saved" / "format_1_predictions.npz") as expected:
        found = runtime.load(TESTS / "saved" / "format_1_classifier.fastnn")
        np.testing.assert_allclose(
            found.predict_proba(rows), expected["classifier"], rtol=1e-5, atol=1e-8
        )


@pytest.mark.parametrize("dtype", ["int8", "int64", "float16", "bool"])
def test_rows_of_other_types(tmp_path, dtype):
    model, rows = classifier().fit(X, LABELS["int"]), (3 * X).astype(dtype)
    found = loaded(model, tmp_path / "file")
    np.testing.assert_array_equal(found.predict_proba(rows), model.predict_proba(rows))


def test_many_threads_predict_with_one_model(tmp_path):
    model = classifier().fit(X, LABELS["int"])
    found, expected, wrong = loaded(model, tmp_path / "file"), model.predict_proba(X), []

    def predict(i):
        for _ in range(50):
            rows = slice(i, i + 1 + i % 40)
            if not np.array_equal(found.predict_proba(X[rows]), expected[rows]):
                wrong.append(i)

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Halved(MLPClassifier):
    def read(self, X, *, reset=False, name="X"):
        return super().read(np.asarray(X) / 2, reset=reset, name=name)


def test_what_it_cannot_read(tmp_path):
    Halved((6,), max_iter=2).fit(X, LABELS["int"]).save(tmp_path / "file")
    with pytest.raises(ValueError, match=r"makes rows of numbers of its input: fastnn\.load"):
        runtime.load(tmp_path / "file")
    frame = pytest.importorskip("pandas").DataFrame(X, columns=[*"abcd"])
    found = loaded(classifier(precision="float32").fit(frame, LABELS["int"]), tmp_path / "file")
    np.testing.assert_array_equal(found.predict(frame), found.predict(X))
    for rows, told in (
        (X[0], r"must have the shape \(n_rows, 4\), with a row at least, and has the shape \(4,\)"),
        (X[:, :3], r"has the shape \(50, 3\)"),
        (X[:0], r"has the shape \(0, 4\)"),
        (X * np.nan, "X contains NaN or infinity"),
        (X * 1e300, "X contains a value too large for float32"),
        (frame[[*"dcba"]], r"X must have the columns \['a', 'b', 'c', 'd'\], in this order"),
        (csr_array(X), "X is sparse"),
        ([["a"] * 4], "could not convert string to float"),
    ):
        with pytest.raises(ValueError, match=told):
            found.predict(rows)


BLOCKED = """
import sys
for name in ("sklearn", "scipy", "narwhals", "joblib", "threadpoolctl", "pandas"):
    sys.modules[name] = None  # an import of it is an error
import numpy as np
from fastnn import runtime
for path in sys.argv[1:]:
    model = runtime.load(path)
    model.predict(np.ones((3, model.n_features_in_)))
    model.predict(np.ones((3000, model.n_features_in_)))
    getattr(model, "predict_proba", model.predict)(np.ones((3, model.n_features_in_)))
"""


def test_it_needs_numpy_alone():
    paths = sorted(map(str, (TESTS / "saved").glob("format_?_c*.fastnn")))  # of networks
    command = [sys.executable, "-c", BLOCKED, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
