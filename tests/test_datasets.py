"""The IDX reader: every type, gzip or not, and one clear sentence for every damaged file."""

import gzip
import struct

import numpy as np
import pytest

from fastnn.datasets import load_idx, load_mnist


def idx_bytes(array):
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[array.dtype.str[1:]]
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_mnist(folder, part, n, side=3, separator="-", suffix=""):
    rng = np.random.default_rng(n)
    images = rng.integers(0, 256, (n, side, side), dtype=np.uint8)
    labels = rng.integers(0, 10, n, dtype=np.uint8)
    compress = gzip.compress if suffix else bytes
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        stem, idx = kind.split("-")
        path = folder / f"{part}-{stem}{separator}{idx}-ubyte{suffix}"
        path.write_bytes(compress(idx_bytes(array)))
    return images.reshape(n, -1), labels


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 28, 28)])
def test_idx_round_trip(tmp_path, dtype, shape, compress):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    path = tmp_path / "any-name"
    path.write_bytes(compress(idx_bytes(array)))
    read = load_idx(path)
    assert read.dtype == array.dtype and read.dtype.isnative and read.flags.writeable
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "holds 15 bytes, but its IDX header .* asks for 16"),
        (lambda data: data + b"\0", "holds 17 bytes"),
        (lambda data: data[:9], "ends within its IDX header"),
        (lambda data: b"\1" + data[1:], "is not an IDX file"),
        (lambda data: data[:2] + b"\x0a" + data[3:], "is not an IDX file"),
        (lambda data: data[:3] + b"\0" + data[4:], "is not an IDX file"),
        (lambda data: b"", "is not an IDX file"),
        (lambda data: data[:4] + b"\xff" * 8 + data[12:], "asks for 18446744065119617037"),
        (lambda data: gzip.compress(data)[:-9], "damaged gzip file"),
    ],
)
def test_damaged_idx(tmp_path, damage, message):
    path = tmp_path / "damaged"
    path.write_bytes(damage(idx_bytes(np.zeros((2, 2), np.uint8))))
    with pytest.raises(ValueError, match=message):
        load_idx(path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("separator", ["-", "."])
def test_mnist_folder(tmp_path, separator, suffix):
    X_test, y_test = write_mnist(tmp_path, "t10k", 4, separator=separator, suffix=suffix)
    X, y = load_mnist(tmp_path)
    np.testing.assert_array_equal(X, X_test)
    np.testing.assert_array_equal(y, y_test)
    assert X.dtype == np.uint8 and y.dtype == np.int64

    X_train, y_train = write_mnist(tmp_path, "train", 6)
    X, y = load_mnist(str(tmp_path))
    np.testing.assert_array_equal(X, np.concatenate([X_train, X_test]))
    np.testing.assert_array_equal(y, np.concatenate([y_train, y_test]))


def test_mnist_folder_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="name the folder of the IDX files"):
        load_mnist(tmp_path)
    write_mnist(tmp_path, "train", 6)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(np.zeros(5, np.uint8)))
    with pytest.raises(ValueError, match="6 train images, but 5 train labels"):
        load_mnist(tmp_path)
    labels.write_bytes(idx_bytes(np.zeros(6, np.float32)))
    with pytest.raises(ValueError, match="1-D float32, not labels"):
        load_mnist(tmp_path)
    labels.unlink()
    with pytest.raises(FileNotFoundError, match="lacks the file of the train labels"):
        load_mnist(tmp_path)
    write_mnist(tmp_path, "train", 6)
    write_mnist(tmp_path, "t10k", 2, side=4)
    with pytest.raises(ValueError, match="differ in size"):
        load_mnist(tmp_path)


def test_mnist_without_a_folder_asks_openml(monkeypatch):
    import sklearn.datasets

    def fetch_openml(name, **options):
        assert name == "mnist_784" and options["parser"] == "liac-arff"
        return np.full((3, 784), 255.0), np.array(["1", "0", "7"], dtype=object)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    X, y = load_mnist()
    assert X.dtype == np.uint8 and X.shape == (3, 784) and y.tolist() == [1, 0, 7]
