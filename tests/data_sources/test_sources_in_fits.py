"""Fits, predictions and scores of every kind of source, against those of rows in memory."""

import doctest
import importlib

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pyarrow import feather
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn import MLPClassifier, MLPRegressor
from fastnn.data import CSV, HDF5, Arrays, Arrow, Batches, ImageFolder, Parquet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.integers(0, 256, (600, 4)).astype(np.uint8), columns=list("abcd"))
X = FRAME.to_numpy()
FRAME["label"] = np.where(X[:, 0] > X[:, 1], "yes", "no")
FRAME["number"] = X[:, 2] / 100.0
Y = FRAME["label"].to_numpy(object)


def parquet(folder, target):
    FRAME.to_parquet(folder / "t.parquet", row_group_size=90)
    return Parquet(folder / "t.parquet", target=target, columns=list("abcd"))


def arrow(folder, target):
    feather.write_feather(FRAME, folder / "t.arrow", chunksize=90)
    return Arrow(folder / "t.arrow", target=target, columns=list("abcd"))


def csv(folder, target):
    FRAME.to_csv(folder / "t.csv", index=False)
    return CSV(folder, target=target, columns=list("abcd"), dtype=dict.fromkeys("abcd", "uint8"))


def hdf5(folder, target):
    with h5py.File(folder / "t.h5", "w") as file:
        file["X"], file["number"] = X, FRAME["number"]
        file["label"] = Y.tolist()
    return HDF5(folder / "t.h5", y=target)


def arrays(folder, target):
    np.save(folder / "X.npy", X)
    return Arrays(folder / "X.npy", FRAME[target].to_numpy())


def images(folder, target):
    for i, row in enumerate(X):
        Image.fromarray(row.reshape(2, 2)).save(folder / f"{i}.pgm")
    FRAME.assign(file=[f"{i}.pgm" for i in range(len(X))]).to_csv(folder / "t.csv", index=False)
    given = dict(file_column="file", target=target, mode="L")
    return ImageFolder(folder, folder / "t.csv", **given)


def batches(folder, target):
    y = FRAME[target].to_numpy()
    return Batches(lambda: ((X[i : i + 64], y[i : i + 64]) for i in range(0, 600, 64)))


KINDS = [parquet, arrow, csv, hdf5, arrays, images, batches]


@pytest.mark.filterwarnings("error:X does not have valid feature names")
@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("cls, target", [(MLPClassifier, "label"), (MLPRegressor, "number")])
def test_in_order_a_file_gives_the_bits_of_memory(make, cls, target, tmp_path):
    source = make(tmp_path, target)
    model = cls(hidden_layer_sizes=(5,), max_iter=2, shuffle=False, random_state=0)
    y = Y if target == "label" else FRAME[target].to_numpy()
    coefs, predicted, score = model.fit(X, y).coefs_, model.predict(X), model.score(X, y)
    model.fit(source)
    assert all(map(np.array_equal, model.coefs_, coefs))
    np.testing.assert_array_equal(model.predict(source), predicted)
    assert model.score(source) == pytest.approx(score)


@pytest.mark.parametrize("make", [parquet, csv, arrays])
def test_rows_are_held_out_and_learnt(make, tmp_path):
    train, held_out = make(tmp_path, "label").split(0.3, random_state=0)
    scaler = StandardScaler().fit(X)
    model = MLPClassifier((16,), max_iter=40, random_state=0, learning_rate_init=0.01)
    model.fit(train.map(scaler), X_val=held_out.map(scaler))
    assert model.score(held_out.map(scaler)) > 0.9
    stopped = MLPClassifier((4,), early_stopping=True, max_iter=3, random_state=0)
    assert len(stopped.fit(make(tmp_path, "label").map(scaler)).validation_scores_) == 3


def test_a_table_of_several_types(tmp_path):
    frame = FRAME.assign(city=np.where(np.arange(600) % 3, "a", "b"))
    frame["label"] = np.where((X[:, 0] > 128) ^ (frame["city"] == "a"), "yes", "no")
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=50)
    prepare = make_column_transformer(
        (OneHotEncoder(), ["city"]), (StandardScaler(), list("abcd"))
    ).fit(frame)
    source = Parquet(tmp_path, target="label", columns=["a", "city", "b", "c", "d"])
    model = MLPClassifier((16,), max_iter=60, random_state=0, learning_rate_init=0.01)
    model.fit(source.map(prepare))
    assert model.score(source.map(prepare)) > 0.95
    with pytest.raises(ValueError, match=r"[Cc]olumn 'city'.* strings"):
        model.fit(source)


def test_a_gap_is_named_by_file_and_row(tmp_path):
    frame = FRAME.astype({"b": float})
    frame.loc[250, "b"] = np.nan
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=50)
    with pytest.raises(ValueError, match=r"Row 250 of .*t\.parquet: .* NaN in column 'b'"):
        MLPClassifier(max_iter=2).fit(Parquet(tmp_path, target="label", columns=["a", "b"]))


@pytest.mark.parametrize(
    "module", ["arrays", "arrow", "batches", "csv", "hdf5", "images", "mapped", "parquet", "source"]
)
def test_examples_of_docstrings(module):
    result = doctest.testmod(importlib.import_module(f"fastnn.data.{module}"))
    assert result.attempted and not result.failed
