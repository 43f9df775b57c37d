"""Parts of epochs: how rows of one epoch and the next share a buffer, and who waits for whom."""

import threading
import time

import numpy as np
import pytest

from fastnn._train import shuffling
from fastnn._train.datasets import Dataset
from fastnn._train.read_ahead import ReadAhead
from fastnn._train.shuffling import ShuffleBuffer

N_ROWS, N_BUFFERED = 1000, 300


class Epochs:
    """Epochs of rows that are numbers, in pieces."""

    def __init__(self, n_piece=20):
        self.n_read, self.n_piece = 0, n_piece

    def __iter__(self):
        return ((self.pieces(), np.random.default_rng(epoch)) for epoch in range(3))

    def pieces(self):
        for start in range(0, N_ROWS, self.n_piece):
            self.n_read += self.n_piece
            rows = np.arange(start, start + self.n_piece, dtype=np.float32)
            yield Dataset.of(rows[:, np.newaxis], rows)


def parts_of(epochs, chosen=None):
    """Yield the rows of each part, and the number of those that wait for theirs."""
    n_given = 0
    for part in ShuffleBuffer(10, N_ROWS, N_BUFFERED).parts(chosen or epochs):
        rows = part.data.X[part.data.rows, 0].copy()
        part.give_back()
        n_given += len(rows)
        yield rows, epochs.n_read - n_given


def test_the_next_epoch_fills_the_buffer_while_the_last_leaves_it():
    parts = list(parts_of(Epochs()))
    n_given = np.cumsum([len(rows) for rows, _ in parts])
    n_waiting = np.array([n for _, n in parts])
    assert (n_waiting <= N_BUFFERED).all()
    ends_of_epochs = n_waiting[np.isin(n_given, [N_ROWS, 2 * N_ROWS])]
    assert len(ends_of_epochs) == 2
    assert (ends_of_epochs >= N_BUFFERED // 2).all()


@pytest.mark.parametrize("n_piece", [20, 200])
def test_epochs_in_one_buffer_keep_their_rows_apart(n_piece, monkeypatch):
    monkeypatch.setattr(shuffling, "_PART_BYTES", 40 * 4)  # less than a piece of 200 rows
    given = Epochs(n_piece)
    order = np.concatenate([rows for rows, _ in parts_of(given)]).reshape(3, N_ROWS)
    assert (np.sort(order) == np.arange(N_ROWS)).all()
    second = list(given)[1:2]
    alone = np.concatenate([rows for rows, _ in parts_of(given, second)])
    np.testing.assert_array_equal(alone, order[1])


def test_nobody_waits_for_a_read_that_takes_long():
    goes_on = threading.Event()

    def items():
        yield 0
        goes_on.wait(5)

    start = time.perf_counter()
    with ReadAhead(items()) as ahead:
        assert next(ahead) == 0
    assert time.perf_counter() - start < 1
    goes_on.set()
