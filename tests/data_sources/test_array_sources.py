"""Arrays, memory maps, .npy and HDF5 files as sources."""

import pickle

import h5py
import numpy as np
import pytest

from fastnn.data import HDF5, Arrays

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 4)) * 50
Y = RNG.integers(0, 3, 500)


def all_of(source):
    """Features, targets and weights of all rows."""
    return [
        None if parts[0] is None else np.concatenate(parts)
        for parts in zip(*(rows[:3] for rows in source), strict=True)
    ]


# --- arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype, read_as",
    [
        ("u1", "u1"),
        ("?", "u1"),
        ("i1", "f4"),
        ("i2", "f4"),
        ("f2", "f4"),
        ("f4", "f4"),
        (">f4", "f4"),
        ("i4", "f8"),
        ("i8", "f8"),
        ("f8", "f8"),
        ("g", "f8"),
    ],
)
def test_every_type_is_read_exactly(dtype, read_as, tmp_path):
    values = X.clip(0, 200).astype(dtype)
    np.save(tmp_path / "x.npy", values)
    for given in (values, tmp_path / "x.npy", np.load(tmp_path / "x.npy", mmap_mode="r")):
        rows, y, weights = all_of(Arrays(given, shuffle_buffer=100))
        assert rows.dtype == np.dtype(read_as) and y is weights is None
        np.testing.assert_array_equal(rows, values)


def test_parts_of_several_files(tmp_path):
    for i, part in enumerate(np.split(X, [100, 101, 350])):
        np.save(tmp_path / f"{i}.npy", part)
    np.save(tmp_path / "y.npy", Y)
    source = Arrays(
        f"{tmp_path}/[0-9].npy", f"{tmp_path}/y.npy", list(np.split(X[:, 0], 2)), shuffle_buffer=1
    )
    rows, y, weights = all_of(source)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(weights, X[:, 0])
    assert len(source) == 500 and source.n_features == 4
    assert list(source)[-1].place(0).endswith("3.npy")
    copy = pickle.loads(pickle.dumps(source))
    assert copy.identity() == source.identity()
    np.testing.assert_array_equal(all_of(copy)[0], X)
    with pytest.raises(ValueError, match="y has 499 rows, and X has 500"):
        Arrays(X, Y[1:])


def test_a_map_that_was_changed_privately_keeps_its_changes(tmp_path):
    np.save(tmp_path / "x.npy", X)
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[3] = 7
    for _ in range(2):
        rows, _, _ = all_of(Arrays(private, shuffle_buffer=100))
        assert (rows[3] == 7).all()


def test_images_are_flattened():
    images = RNG.integers(0, 255, (20, 5, 4, 3)).astype(np.uint8)
    rows, y, _ = all_of(Arrays(images, ["a", "b"] * 10))
    np.testing.assert_array_equal(rows, images.reshape(20, -1))
    assert y.tolist() == ["a", "b"] * 10


def test_identities_of_arrays():
    assert Arrays(X, Y).identity() == Arrays(X.copy(), Y).identity()
    other = X.copy()
    other[0, 0] += 1
    assert len({Arrays(rows, Y).identity() for rows in (X, other, X[1:], X.astype("f4"))[:2]}) == 2
    assert Arrays(X).identity() != Arrays(X, Y).identity()


@pytest.mark.parametrize(
    "given, message",
    [
        (np.array([["a"]]), "X in X has the type <U1, and numbers are needed"),
        (np.ones(3), r"X in X has the shape \(3,\): it must have rows and columns"),
        ([X, X[:, 1:]], r"X in X\[1\] has the shape \(500, 3\)"),
        (X[:0], "X has no rows or no columns"),
        (X[:, :0], "X has no rows or no columns"),
    ],
)
def test_bad_arrays(given, message):
    with pytest.raises(ValueError, match=message):
        Arrays(given)


def test_bad_npy_files(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"x\.npy is no \.npy file of numbers"):
        Arrays(path)
    np.save(path, X)
    source = Arrays(path)
    np.save(path, X[1:])
    with pytest.raises(ValueError, match=r"x\.npy has changed since"):
        list(source)


# --- HDF5 -----------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    for i, part in enumerate((slice(200), slice(200, 500))):
        with h5py.File(tmp_path / f"{i}.h5", "w") as file:
            file.create_dataset("train/x", data=X[part].astype("f2"), chunks=(30, 2))
            file["y"], file["w"] = Y[part], X[part, 0]
            file["names"] = [f"class {label}" for label in Y[part]]
    return tmp_path


def test_data_sets_of_several_files(files):
    source = HDF5(files, X="train/x", y="y", sample_weight="w", shuffle_buffer=100)
    assert len(source) == 500 and source.n_features == 4 and len(source.blocks()) == 17
    rows, y, weights = all_of(source)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, X.astype("f2"))
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(weights, X[:, 0])
    block = source.blocks()[8]
    [part] = pickle.loads(pickle.dumps(source)).read(block, targets_only=True)
    assert part.X is None and part.y.tolist() == Y[230:260].tolist()
    assert part.place(0) == f"row 30 of {files}/1.h5"
    assert source.identity() != HDF5(files, X="train/x", y="w").identity()


def test_strings_of_hdf5_are_labels(files):
    labels = all_of(HDF5(files, X="train/x", y="names"))[1]
    assert labels.tolist() == [f"class {label}" for label in Y]


def test_bad_hdf5_files(files):
    with pytest.raises(ValueError, match=r"0\.h5 has no data set 'X': it holds 'names', 'train'"):
        HDF5(files)
    with pytest.raises(ValueError, match=r"0\.h5 has no data set 'train'"):
        HDF5(files, X="train")
    with h5py.File(files / "2.h5", "w") as file:
        file["train/x"], file["y"] = X[:3], Y[:2]
    with pytest.raises(ValueError, match=r"/y of .*2\.h5 has the shape \(2,\), and /train/x"):
        HDF5(files, X="train/x", y="y")
    (files / "2.h5").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"2\.h5 is no HDF5 file, or is damaged"):
        HDF5(files, X="train/x")
