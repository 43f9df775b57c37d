"""Drawing of single rows: as images, or as bars of their features."""

import math
from typing import Any

import numpy as np
from scipy import sparse

from .._data.sparse_matrices import checked_csr
from .._data.tables import Table, take
from .axes import COLORS, shortened


class NumericRows:
    """Numeric columns of an array, a sparse matrix or a frame."""

    def __init__(self, X: Any) -> None:
        self._X, self._table = X, None
        if sparse.issparse(X):
            self._X = X = checked_csr(X, "X")
            self.n_rows, self.n_features = X.shape
            self.names = [f"feature {i}" for i in range(self.n_features)]
            return
        table = Table(X)
        self._columns = [i for i in range(table.n_columns) if table.is_numeric(i)]
        if not table.is_frame:
            self._columns = list(range(table.n_columns))
        if not self._columns:
            raise ValueError("X has no numeric column, and nothing else can be drawn.")
        self._table, self.n_rows, self.n_features = table, table.n_rows, len(self._columns)
        self.names = [
            str(table.name(i)) if table.is_frame else f"feature {i}" for i in self._columns
        ]

    def row(self, number):
        if self._table is None:
            return self._X[[number]].toarray()[0].astype(float)
        return Table(take(self._table.data, [int(number)])).numbers(self._columns)[0]

    def moments(self):
        """Return means and standard deviations of the features."""
        if self._table is None:
            means = np.asarray(self._X.mean(axis=0)).ravel()
            squares = np.asarray(self._X.astype(float).power(2).mean(axis=0)).ravel()
            return means, np.sqrt(np.maximum(squares - means**2, 0))
        values = np.ma.masked_invalid(self._table.numbers(self._columns))
        return values.mean(axis=0).filled(0), values.std(axis=0).filled(0)

    def limits(self):
        """Return the lowest and the highest number."""
        if self._table is None:
            return self._X.min(), self._X.max()
        values = self._table.numbers(self._columns)
        return np.nanmin(values), np.nanmax(values)


def checked_image_shape(shape, n_features):
    if isinstance(shape, str) and shape == "square":
        side = math.isqrt(n_features)
        if side * side != n_features:
            raise ValueError(
                f"image_shape='square' needs a square number of features, and X has {n_features}: "
                "give (height, width)."
            )
        return side, side
    whole = np.iterable(shape) and all(isinstance(n, int | np.integer) for n in shape)
    if not whole or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise ValueError(
            f"image_shape must be (height, width), (height, width, 3) or 'square', got {shape!r}."
        )
    if math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={shape!r} has {math.prod(shape)} numbers, and a row of X {n_features}."
        )
    return shape[:2] if shape[2:] == (1,) else tuple(shape)


class ImagePanels:
    """Drawing of a row as an image."""

    size, most = (1.45, 1.85), 20

    def __init__(self, rows: Any, shape: Any) -> None:
        self._rows, self._shape = rows, shape
        self._low, self._high = rows.limits()

    def __call__(self, ax, number):
        image = self._rows.row(number).reshape(self._shape)
        image = (image - self._low) / ((self._high - self._low) or 1)
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])


class BarPanels:
    """Drawing of the most deviating features of a row as bars."""

    most = 9

    def __init__(self, rows: Any, n_features: Any) -> None:
        self._rows, self._n = rows, min(n_features, rows.n_features)
        self.size = 4.4, 1.0 + 0.22 * self._n
        self._means, self._stds = rows.moments()

    def __call__(self, ax, number):
        row = self._rows.row(number)
        known = (self._stds > 0) & np.isfinite(row)
        stds = np.where(known, self._stds, 1)
        deviations = np.where(known, (row - self._means) / stds, 0)
        chosen = np.argsort(-np.abs(deviations), kind="stable")[: self._n][::-1]
        labels = [f"{shortened(self._rows.names[i], 18)} = {row[i]:.3g}" for i in chosen]
        colors = [COLORS[0] if deviations[i] > 0 else COLORS[1] for i in chosen]
        ax.barh(range(len(chosen)), deviations[chosen], color=colors)
        ax.set_yticks(range(len(chosen)), labels, fontsize="small")
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.tick_params(axis="x", labelsize="small")
        ax.locator_params(axis="x", nbins=5)
        ax.set_xlabel("standard deviations", fontsize="small")
        ax.set_ylabel("feature", fontsize="small")
