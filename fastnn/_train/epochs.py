"""Epochs: the rows of a training, in the order in which each epoch goes through them.

An epoch is an iterator of data sets, its parts. All but the last are of whole batches.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np

from .datasets import Dataset
from .read_ahead import ReadAhead
from .settings import Settings
from .shuffling import ShuffleBuffer


class RowsInMemory:
    """Epochs of rows in memory: each is a single part, shuffled as scikit-learn does.

    Parameters
    ----------
    data : Dataset
    settings : Settings
    random_state : RandomState
        Shuffles the rows.
    """

    def __init__(self, data: Dataset, settings: Settings, random_state):
        self.n_rows, self._random_state = data.n_rows, random_state
        self._shuffles, self._augmentation = settings.shuffle, settings.augmentation
        order = data.rows
        if self._augmentation is not None:
            order = np.arange(data.n_rows)  # of its data
        self._data = data._replace(rows=order.copy() if self._shuffles else order)
        self._context = self._augmentation or nullcontext()

    def __enter__(self):
        self._context.__enter__()
        return self

    def __exit__(self, *exception):
        self._context.__exit__(*exception)

    def begin(self) -> None:
        """Draw the order of the next epoch."""
        if self._shuffles:
            self._random_state.shuffle(self._data.rows)  # as sklearn.utils.shuffle draws

    def parts(self) -> Iterator[Dataset]:
        """Yield the parts of the epoch."""
        if self._augmentation is None:
            yield self._data
        else:
            yield self._augmentation.next_epoch()._replace(rows=self._data.rows)

    def numbers(self, rows) -> np.ndarray | None:
        """Return the numbers of rows of a part among all rows; None if they are not known."""
        return None if self._augmentation is not None else rows.copy()

    def get_state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the order."""
        return {"rows": self._data.rows}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from what `get_state` returned."""
        self._data = self._data._replace(rows=state["rows"])


class RowsInParts:
    """Epochs of rows that come in parts: a thread reads and shuffles some, others are trained on.

    The rows of an epoch, and their order, depend on the seed and the number of the epoch alone.

    Parameters
    ----------
    data : StreamedDataset, BlocksInMemory or ShuffledRows
    settings : Settings
    seed : int
    epochs : range
        Numbers of the epochs.
    """

    def __init__(self, data, settings: Settings, seed: int, epochs: range):
        self.n_rows, self._data, self._seed = data.n_rows, data, seed
        self._shuffles, self._augmentation = settings.shuffle, settings.row_augmentation
        self._buffer = ShuffleBuffer(settings.batch_size, data.n_rows, data.shuffle_buffer)
        self._ahead = ReadAhead(self._buffer.parts(map(self._pieces, epochs)))

    def __enter__(self):
        self._ahead.__enter__()
        return self

    def __exit__(self, *exception):
        self._buffer.close()
        self._ahead.__exit__(*exception)

    def begin(self) -> None:
        """Do nothing: the thread has begun the next epoch."""

    def parts(self) -> Iterator[Dataset]:
        """Yield the parts of the epoch."""
        n_rows = 0
        while n_rows < self.n_rows:
            part = next(self._ahead)
            n_rows += part.data.n_rows
            yield part.data
            part.give_back()

    def numbers(self, rows) -> None:
        """Return None: the rows have been copied."""

    def get_state(self) -> dict[str, Any]:
        """Return nothing: the seed and the number of the epoch tell the order."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Do nothing."""

    def _pieces(self, epoch):
        """Return the pieces of an epoch, and the generator that draws their rows."""
        rng = None
        if self._shuffles:
            rng = np.random.Generator(np.random.SFC64([self._seed, epoch]))
        pieces = self._counted(epoch, self._data.pieces(rng))
        if self._augmentation is not None:
            pieces = self._augmentation.changed(pieces, epoch)
        return pieces, None if self._data.shuffle_buffer == 0 else rng

    def _counted(self, epoch, pieces):
        n_rows = 0
        for piece in pieces:
            n_rows += piece.n_rows
            if n_rows > self.n_rows:
                break
            yield piece
        if n_rows != self.n_rows:
            other = f"only {n_rows}" if n_rows < self.n_rows else "more"
            raise ValueError(
                f"The source had {self.n_rows} rows when they were counted, and {other} in epoch "
                f"{epoch + 1}: it must yield the same rows each time that it is read."
            )
