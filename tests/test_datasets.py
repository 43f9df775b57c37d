"""The IDX reader, with one clear sentence for every damaged file, and the generator of MNIST-1D."""

import gzip
import struct
from urllib.error import URLError

import numpy as np
import pytest

from fastnn import MLPClassifier
from fastnn.datasets import (
    FASHION_MNIST_CLASSES,
    load_fashion_mnist,
    load_idx,
    load_mnist,
    make_mnist1d,
)


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


@pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])
@pytest.mark.parametrize("parts", [["t10k"], ["train"], ["train", "t10k"]], ids="+".join)
def test_boundary_between_training_and_test_images(tmp_path, load, parts):
    written = {part: write_mnist(tmp_path, part, n) for part, n in zip(parts, (6, 4), strict=False)}
    X, y, n_train = load(tmp_path, return_n_train=True)
    assert n_train == (6 if "train" in parts else 0)
    for part, rows in (("train", slice(n_train)), ("t10k", slice(n_train, None))):
        images, labels = written.get(part, (np.empty((0, 9)), np.empty(0)))
        np.testing.assert_array_equal(X[rows], images)
        np.testing.assert_array_equal(y[rows], labels)


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


@pytest.mark.parametrize(
    ("load", "name"), [(load_mnist, "mnist_784"), (load_fashion_mnist, "Fashion-MNIST")]
)
def test_without_a_folder_openml_is_asked(monkeypatch, load, name):
    import sklearn.datasets

    def fetch_openml(asked, **options):
        assert asked == name and options["version"] == 1 and options["parser"] == "liac-arff"
        return np.full((3, 784), 255.0), np.array(["1", "0", "7"], dtype=object)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    X, y = load()
    assert X.dtype == np.uint8 and X.shape == (3, 784) and y.tolist() == [1, 0, 7]
    monkeypatch.setattr("fastnn.datasets.N_TRAIN_IMAGES", 2)
    assert load(return_n_train=True)[2] == 2


def test_without_a_network_a_folder_is_asked_for(monkeypatch):
    import sklearn.datasets

    def fetch_openml(name, **options):
        raise URLError("Name or service not known")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    message = r"mnist_784 cannot be downloaded from OpenML \(Name .* the folder of its IDX files"
    with pytest.raises(ConnectionError, match=message):
        load_mnist()


def test_fashion_mnist_is_in_the_files_of_mnist(tmp_path):
    X_train, y_train = write_mnist(tmp_path, "train", 6)
    X, y = load_fashion_mnist(tmp_path)
    np.testing.assert_array_equal(X, X_train)
    np.testing.assert_array_equal(y, y_train)
    assert len(set(FASHION_MNIST_CLASSES)) == 10


# --- MNIST-1D -------------------------------------------------------------------------------------

PURE = {"scale": 0.0, "max_translation": 1, "correlated_noise": 0.0, "noise": 0.0, "shear": 0.0}


def test_mnist1d():
    X, y = make_mnist1d(random_state=0)
    assert X.shape == (5000, 40) and X.dtype == np.float32 and y.dtype == np.int64
    assert abs(X.mean()) < 1e-5 and X.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(np.bincount(y), [500] * 10)
    assert len(np.unique(y[:50])) == 10  # in random order


def test_mnist1d_is_drawn_by_its_seed():
    X, y = make_mnist1d(50, random_state=3)
    for random_state in (3, np.random.RandomState(3)):
        again = make_mnist1d(50, random_state=random_state)
        np.testing.assert_array_equal(again[0], X)
        np.testing.assert_array_equal(again[1], y)
    assert (make_mnist1d(50, random_state=4)[0] != X).all()


@pytest.mark.parametrize(
    "changed",
    [
        {"padding": (36, 59)},
        {"padding": (35, 60)},
        {"scale": 0.5},
        {"max_translation": 40},
        {"correlated_noise": 0.3},
        {"noise": 0.1},
        {"shear": 1.0},
    ],
    ids=str,
)
def test_every_parameter_of_mnist1d_has_an_effect(changed):
    assert (
        make_mnist1d(20, random_state=0)[0] != make_mnist1d(20, random_state=0, **changed)[0]
    ).any()
    # Alone too, without what is random otherwise.
    if "padding" not in changed:
        pure, other = (
            make_mnist1d(20, random_state=0, **(PURE | more))[0] for more in ({}, changed)
        )
        assert np.abs(pure - other).max() > 0.01


def test_mnist1d_without_noise_is_its_templates():
    """Unstretched, at the left: 12 points, then zeros, which are what the mean made of them."""
    X, y = make_mnist1d(40, n_features=24, padding=(12, 12), random_state=0, **PURE)
    templates = [X[y == digit] for digit in range(10)]
    for rows in templates:
        np.testing.assert_allclose(rows, np.tile(rows[0], (4, 1)))
        np.testing.assert_allclose(rows[:, 12:], X[0, -1])
        assert rows[0, :12].std() == pytest.approx(templates[0][0, :12].std(), rel=1e-5)
    distances = [np.abs(one[0] - other[0]).max() for one in templates for other in templates]
    assert sum(distance < 0.1 for distance in distances) == 10  # of each to itself


def test_mnist1d_moves_in_a_circle():
    options = {"n_features": 24, "padding": (12, 12), "random_state": 0}
    X, y = make_mnist1d(300, **options, **PURE)
    moved, y_moved = make_mnist1d(300, **options, **(PURE | {"max_translation": 24}))
    np.testing.assert_array_equal(y, y_moved)
    shifts = []
    for row, other in zip(X, moved, strict=True):
        errors = [np.abs(np.roll(row, shift) - other).max() for shift in range(24)]
        assert min(errors) < 1e-5
        shifts.append(np.argmin(errors))
    assert set(shifts) == set(range(24))


@pytest.mark.parametrize("n_samples", [1, 7, 33])
def test_mnist1d_of_any_size(n_samples):
    X, y = make_mnist1d(n_samples, n_features=2, random_state=0, **PURE)
    assert X.shape == (n_samples, 2) and np.isfinite(X).all()
    counts = np.bincount(y, minlength=10)
    assert counts.sum() == n_samples and np.ptp(counts) <= 1


def test_mnist1d_tells_a_network_from_a_linear_classifier():
    X, y = make_mnist1d(random_state=0)
    train, test = slice(4000), slice(4000, None)
    scores = []
    for hidden in ((), (100, 100)):
        model = MLPClassifier(hidden, early_stopping=True, random_state=0).fit(X[train], y[train])
        scores.append(model.score(X[test], y[test]))
    linear, network = scores
    assert 0.2 < linear < 0.35
    assert network > linear + 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "The 'n_samples' parameter of make_mnist1d must be an int in the range"),
        ({"noise": -1}, "The 'noise' parameter of make_mnist1d must be a float in the range"),
        ({"max_translation": 0}, "The 'max_translation' parameter of make_mnist1d"),
        ({"padding": 36}, "padding must be two whole numbers"),
        ({"padding": (60, 36)}, "the second not smaller, got \\(60, 36\\)"),
        ({"padding": (1.5, 3)}, "padding must be two whole numbers"),
        ({"padding": (-1, 3)}, "the first is at least 0"),
    ],
)
def test_mnist1d_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        make_mnist1d(**options)
