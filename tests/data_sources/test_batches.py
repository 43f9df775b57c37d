"""Batches of functions and objects as sources."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fastnn.data import Batches
from fastnn.data.source import PIECE_BYTES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = RNG.integers(0, 3, 30)


def in_batches(*arrays, size=7):
    """Return a function that yields tuples of parts of arrays."""
    starts = range(0, arrays[0].shape[0], size)
    return lambda: (tuple(one[i : i + size] for one in arrays) for i in starts)


class Again:
    """An object that can be iterated again and again."""

    def __init__(self, make):
        self.make = make

    def __iter__(self):
        return self.make()


def read(source):
    return list(source.read(source.blocks()[0]))


@pytest.mark.parametrize("kind", [lambda make: make, Again, lambda make: list(make())])
def test_functions_and_objects(kind):
    source = Batches(kind(in_batches(X, Y, X[:, 0])))
    for _ in range(2):
        rows = read(source)
        np.testing.assert_array_equal(np.concatenate([each.X for each in rows]), X)
        np.testing.assert_array_equal(np.concatenate([each.y for each in rows]), Y)
        np.testing.assert_array_equal(
            np.concatenate([each.sample_weight for each in rows]), X[:, 0]
        )
    assert source.n_rows is None and source.n_features == 4
    assert rows[-1].place(1).startswith("row 29 of ")
    with pytest.raises(TypeError, match="The number of rows of Batches is not known"):
        len(source)


def test_rows_of_every_kind():
    frame = pd.DataFrame(X)
    assert read(Batches(in_batches(frame, Y)))[0].X.equals(frame[:7])
    csr = sparse.csr_array(X)
    assert (csr[7:14] != read(Batches(in_batches(csr, Y)))[1].X).nnz == 0
    [rows] = Batches(lambda: [X])
    assert rows.y is None
    [rows] = Batches(lambda: [[X.reshape(30, 2, 2).astype(np.float16), Y.tolist()]])
    assert rows.X.shape == (30, 4) and rows.X.dtype == np.float32
    assert rows.y.tolist() == Y.tolist()


class Tensor:
    """A stand-in for PyTorch's tensors, which require a gradient."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    cpu = detach

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_tensors():
    [rows] = Batches(lambda: [(Tensor(X), Tensor(Y))])
    assert type(rows.X) is np.ndarray
    np.testing.assert_array_equal(rows.y, Y)


def test_a_data_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    source = Batches(torch.utils.data.DataLoader(data, batch_size=7))
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate([rows.X for rows in source]), X)


def test_large_batches_are_cut():
    large = np.zeros((5, PIECE_BYTES // 16))
    pieces = list(Batches(lambda: [(large, Y[:5], X[:5, 0])]))
    assert [len(rows.X) for rows in pieces] == [2, 2, 1]
    assert np.concatenate([rows.y for rows in pieces]).tolist() == Y[:5].tolist()
    assert [list(rows.numbers) for rows in pieces] == [[0, 1], [2, 3], [4]]


def test_what_can_be_read_once_is_refused_the_second_time():
    batches = in_batches(X, Y)
    iterators = [iter(list(batches())) for _ in range(2)]
    for source in (Batches(batches()), Batches(iterators[0]), Batches(lambda: iterators[1])):
        assert len(read(source)) == 5
        with pytest.raises(ValueError, match="can be read only once, and training reads it in eac"):
            read(source)
    source = Batches(batches())
    next(iter(source))  # a look at the first rows
    with pytest.raises(ValueError, match="can be read only once"):
        read(source)


@pytest.mark.parametrize(
    "batches, message",
    [
        ([(X, Y), (X[:, 1:], Y)], "batch 1 of list has 3 columns, and those before have 4"),
        ([(X, Y[1:])], "batch 0 of list has 30 rows and 29 targets"),
        ([(X, Y, Y[:2])], "batch 0 of list has 30 rows and 2 weights"),
        ([(X, Y, Y, Y)], "batch 0 of list has 4 parts"),
        ([(Y, Y)], r"X in batch 0 of list has the shape \(30,\)"),
        ([(X.astype(str), Y)], "X in batch 0 of list has the type <U32, and numbers are needed"),
        ([], "list has no rows"),
        ([(X[:0], Y[:0])], "list has no rows"),
    ],
)
def test_bad_batches(batches, message):
    with pytest.raises(ValueError, match=message):
        read(Batches(batches))


def test_what_is_no_source():
    with pytest.raises(TypeError, match="a function that returns an iterator, or an object"):
        Batches(3)
    with pytest.raises(TypeError, match="cannot be split, because its rows may come in another"):
        Batches([]).split(0.1)
