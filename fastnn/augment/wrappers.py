"""Transforms around others: for all but some classes, and for copies that are added to the rows."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .rows import AT_LEAST_ONE, About, RowTransform, as_rows, blocks


class Wrapper(RowTransform):
    """Base class of transforms that apply others, one after the other, to some of the rows."""

    transforms: Any

    @property
    def chain(self) -> list[RowTransform]:
        """The transforms, as a list."""
        several = isinstance(self.transforms, list | tuple)
        return list(self.transforms) if several else [self.transforms]

    def check(self, n_features):
        if not self.chain:
            raise ValueError(f"{type(self).__name__} has no transforms: give one or a list.")
        for one in self.chain:
            if not isinstance(one, RowTransform) or one.adds_rows or not one.by_row:
                raise ValueError(
                    f"{type(self).__name__} is for transforms that change each row by itself, such "
                    f"as Rotate(), and {one!r} is none."
                )
            one.validate().check(n_features)

    def check_classes(self, classes):
        for one in self.chain:
            one.check_classes(classes)

    def chosen(self, about):
        """Return which rows are transformed, by what is known about them."""
        raise NotImplementedError

    def changed(self, rows, rng, about=None):
        own = np.flatnonzero(self.chosen(about))
        if len(own):
            part, about = rows[own], about.of(own)
            for one in self.chain:
                part = one.changed(part, rng, about)
            rows = rows.copy()
            rows[own] = part
        return rows


@dataclass
class Exclude(Wrapper):
    """Apply transforms to the rows of all classes but some.

    ``Exclude(Rotate(90), [6, 9])`` rotates all digits but those that would become each other.

    Parameters
    ----------
    transforms : spec or list of specs
        Transforms that change each row by itself.
    classes : array-like
        The classes whose rows are unchanged, as they are in y.
    """

    transforms: Any
    classes: Any

    _parameter_constraints: ClassVar[dict] = {
        "transforms": [RowTransform, list, tuple],
        "classes": ["array-like"],
    }

    def check_classes(self, classes):
        super().check_classes(classes)
        if classes is None:
            raise ValueError(
                f"Exclude(classes={self.classes!r}) is for targets of one class in each row, and "
                "these are others."
            )
        unknown = [one for one in np.asarray(self.classes).tolist() if one not in classes.tolist()]
        if unknown:
            raise ValueError(
                f"Exclude: y has no class {unknown[0]!r}, its classes are {classes.tolist()}."
            )

    def __call__(self, X, y, rng):
        return super().__call__(X, None if y is None else np.asarray(y), rng)

    def chosen(self, about):
        if np.ndim(about.labels) != 1:
            raise ValueError(
                "Exclude needs the class of each row: pass y of shape (n_rows,), as in "
                "transform(X, y, rng)."
            )
        return ~np.isin(about.labels, self.classes)


class Repeat(Wrapper):
    """Base class of transforms of rows that come several times in each epoch."""

    adds_rows: ClassVar[bool] = True
    #: Whether the times that a row comes are next to each other, in one batch.
    together: ClassVar[bool]

    @property
    def times(self) -> int:
        """Number of times that each row comes."""
        raise NotImplementedError

    def places(self, n: int, rng=None):
        """Return numbers below ``n * times`` in the order of an epoch; `rng` draws it.

        The number of a row is the remainder after division by n. Numbers of at least n are copies.
        """
        if not self.together:
            every = np.arange(n * self.times)
            return every if rng is None else rng.permutation(every)
        rows = np.arange(n) if rng is None else rng.permutation(n)
        return np.add.outer(rows, n * np.arange(self.times)).ravel()

    def __call__(self, X, y, rng):
        """Return more rows: those of X as they are or transformed, and their copies, with targets.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
        rng : numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_rows * times, n_features)
        y : ndarray of as many targets
        """
        X = as_rows(X, y)
        self.validate().check(X.shape[1])
        places = self.places(len(X))
        rows = places % len(X)
        y = None if y is None else np.asarray(y)[rows]
        about = About(y, places >= len(X))
        out = X[rows]
        for block in blocks(*out.shape):
            out[block] = self.changed(out[block], rng, about.of(block))
        return out, y


@dataclass
class Append(Repeat):
    """Add transformed copies of the rows to them.

    An epoch goes through all rows as they are, and through so many copies of each, which are
    transformed anew in each epoch; all in random order. It takes more steps in proportion.

    Parameters
    ----------
    transforms : spec or list of specs
        Transforms that change each row by itself, applied to copies only.
    copies : int, default=1
        Number of copies of each row.
    """

    transforms: Any
    copies: int = 1

    together: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict] = {
        "transforms": [RowTransform, list, tuple],
        "copies": [AT_LEAST_ONE],
    }

    @property
    def times(self):
        return 1 + self.copies

    def chosen(self, about):
        return about.is_copy


@dataclass
class RepeatedAugmentation(Repeat):
    """Put several copies of each row into one batch, each transformed by itself.

    An epoch goes through the rows in random order, and through all copies of one after the other.
    It takes more steps in proportion. A batch has ``batch_size / copies`` different rows, so that
    `batch_size` should be a multiple of `copies`.

    Parameters
    ----------
    transforms : spec or list of specs
        Transforms that change each row by itself.
    copies : int, default=3
        Number of copies of each row.

    References
    ----------
    Hoffer, E. et al. "Augment your batch: improving generalization through instance repetition"
    (2020), section 3.
    """

    transforms: Any
    copies: int = 3

    together: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict] = {
        "transforms": [RowTransform, list, tuple],
        "copies": [AT_LEAST_ONE],
    }

    @property
    def times(self):
        return self.copies

    def chosen(self, about):
        return np.ones(len(about.is_copy), bool)
