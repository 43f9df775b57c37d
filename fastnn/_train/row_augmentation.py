"""Augmentation of rows by transforms that change each by itself."""

from collections.abc import Iterable, Iterator

import numpy as np

from ..augment.rows import About, RowTransform, blocks
from .datasets import Dataset


class RowAugmentation:
    """Augment the rows of an epoch, piece by piece as they are read.

    Parameters
    ----------
    transforms : list of RowTransform
        Applied one after the other.
    dtype : dtype
        Type of the rows that they change.
    seed : int
        Seeds the generators, together with the number of the epoch and the place of the transform.
    labels_of : callable
        Returns the labels that targets of an engine stand for, or None.
    repeat : Repeat or None
        One of the transforms, if rows come several times in an epoch.
    """

    def __init__(self, transforms, dtype, seed, labels_of, repeat=None):
        self._transforms, self._dtype, self._seed = transforms, dtype, seed
        self._labels_of, self.repeat = labels_of, repeat

    def changed(self, pieces: Iterable[Dataset], epoch: int) -> Iterator[Dataset]:
        """Yield the pieces of an epoch with other rows."""
        rngs = generators(self._seed, epoch, len(self._transforms))
        pairs = list(zip(self._transforms, rngs, strict=True))
        for piece in pieces:
            out = np.empty(piece.X.shape, self._dtype)
            about = About(self._labels_of(piece.y), piece.is_copy)
            for block in blocks(*out.shape):
                part = piece.X[block], pairs, self._dtype, epoch, about.of(block)
                out[block] = transformed(*part)
            yield piece._replace(X=out)


def is_by_row(transform) -> bool:
    """Return whether a transform changes each row by itself, and no target."""
    return isinstance(transform, RowTransform) and transform.by_row


def generators(seed: int, epoch: int, n: int) -> list[np.random.Generator]:
    """Return a generator for each of n transforms, the fastest that NumPy has."""
    seeds = np.random.SeedSequence([seed, epoch]).spawn(n)
    return [np.random.Generator(np.random.SFC64(one)) for one in seeds]


def transformed(rows, pairs, dtype, epoch: int, about: About):
    """Return a few rows after all pairs of a transform and a generator have changed them."""
    part = np.ascontiguousarray(rows, dtype).view()
    part.flags.writeable = False  # it may be the user's
    for transform, rng in pairs:
        part = transform.changed(part, rng, about)
    if np.shape(part) != rows.shape:
        raise ValueError(
            f"augment: {name_of(pairs[-1][0])} must return rows of the shape {rows.shape}, as it "
            f"was given; it returned {np.shape(part)}."
        )
    if pairs and not np.isfinite(part).all():
        raise ValueError(not_finite(", ".join(name_of(one) for one, _ in pairs), epoch))
    return part


def name_of(transform) -> str:
    """Return the name of a transform, for messages."""
    if isinstance(transform, RowTransform):
        return repr(transform)
    return getattr(transform, "__qualname__", type(transform).__qualname__)


def not_finite(name: str, epoch: int) -> str:
    """Return the message about a transform whose rows are not finite."""
    return f"augment: {name} made NaN or infinite values in the rows of epoch {epoch + 1}."
