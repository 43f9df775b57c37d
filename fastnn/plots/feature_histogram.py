"""Histograms of the features of a data set."""

from typing import Any, Self

import numpy as np
from scipy import sparse

from .._core.device_arrays import to_host
from .._data.sparse_matrices import checked_csr
from .._data.tables import Table
from ..diagnostics.finding import fmt
from ..diagnostics.parameters import checked
from .axes import check_matplotlib, format_percent, shortened
from .histograms import HistogramDisplay, describe_zeros, drawn_rows

_MOST = 40


class FeatureHistogramDisplay(HistogramDisplay):
    """Histograms of the data, a panel for each feature.

    The titles have mean and standard deviation, the fraction of zeros if these are not drawn, and
    that of missing and infinite values.

    Parameters
    ----------
    values : list of ndarray of shape (n_rows,)
        The values of each feature.
    names : list of str
        Names of the features.

    Attributes
    ----------
    axes_ : ndarray of Axes
    figure_ : Figure

    Examples
    --------
    >>> from fastnn.plots import FeatureHistogramDisplay
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> display = FeatureHistogramDisplay.from_data(X, features=["alcohol", "hue"])
    >>> display.axes_[0].get_title()
    'alcohol\\nmean 13, std 0.81'
    """

    def __init__(self, *, values: Any, names: Any) -> None:
        self.values = values
        self.names = names

    def plot(
        self, ax: Any = None, *, bins: int = 50, show_zeros: bool = True, log_scale: bool = False
    ) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to draw on; a single one is divided into panels. None creates a figure.
        bins : int, default=50
            Number of bins.
        show_zeros : bool, default=True
            Whether to draw numbers that are exactly 0, which may dwarf all others.
        log_scale : bool, default=False
            Whether the axis of the counts is logarithmic.

        Returns
        -------
        display : FeatureHistogramDisplay
        """
        return super().plot(ax, bins=bins, show_zeros=show_zeros, log_scale=log_scale)

    def _histograms(self, show_zeros):
        titles = [_title(*pair, show_zeros) for pair in zip(self.names, self.values, strict=True)]
        return self.values, titles, "value"

    @classmethod
    @checked
    def from_data(
        cls,
        X: Any,
        *,
        features: Any = None,
        max_rows: float = 10000,
        random_state: int | None = 0,
        ax: Any = None,
        bins: int = 50,
        show_zeros: bool = True,
        log_scale: bool = False,
    ) -> Self:
        """Draw the features of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The rows, such as those that a scaler returns. NaN and infinite values are not
            drawn.
        features : sequence of str or int, default=None
            Names or numbers of the features to draw; None is all numeric ones.
        max_rows : int, default=10000
            Largest number of rows used.
        random_state : int, default=0
            Seed of the subsample.
        ax, bins, show_zeros, log_scale
            See `plot`.

        Returns
        -------
        display : FeatureHistogramDisplay

        Raises
        ------
        ValueError
            If a feature does not exist or is not numeric, or if there are more than 40.
        """
        check_matplotlib(cls.__name__)
        X = drawn_rows(to_host(X), max_rows, random_state)
        table = Table(checked_csr(X, "X").toarray() if sparse.issparse(X) else X)
        columns = _columns(table, features)
        values = table.numbers(columns)
        names = [str(table.name(i)) if table.is_frame else f"feature {i}" for i in columns]
        display = cls(values=list(np.asarray(values, float).T), names=names)
        return display.plot(ax, bins=bins, show_zeros=show_zeros, log_scale=log_scale)


def _columns(table, features):
    """Return the numbers of the columns to draw."""
    numeric = [i for i in range(table.n_columns) if not table.is_frame or table.is_numeric(i)]
    names = [table.name(i) for i in range(table.n_columns)] if table.is_frame else []
    if features is None:
        chosen = numeric
    else:
        chosen = [names.index(one) if one in names else one for one in features]
        for one, column in zip(features, chosen, strict=True):
            if column not in numeric:
                known = ", ".join(map(repr, (names[i] for i in numeric) if names else numeric))
                raise ValueError(f"X has no numeric feature {one!r}: it has {known}.")
    if not 0 < len(chosen) <= _MOST:
        raise ValueError(
            f"{len(chosen)} features are to be drawn: choose 1 to {_MOST} numeric ones by features."
        )
    return chosen


def _title(name, values, show_zeros):
    finite = values[np.isfinite(values)]
    others = 1 - len(finite) / max(1, len(values))
    kind = "infinite or missing" if np.isinf(values).any() else "missing"
    facts = [
        f"mean {fmt(finite.mean())}, std {fmt(finite.std())}" if len(finite) else "",
        "" if show_zeros else describe_zeros(values, show_zeros),
        f"{format_percent(others)} {kind}" if others else "",
    ]
    return f"{shortened(name, 28)}\n{', '.join(filter(None, facts))}"
