"""Sources with transformed features, and transformers fitted on sources."""

from threading import Lock
from typing import Any

import joblib
from sklearn.utils.validation import check_is_fitted

from .derived import Derived

# Held while a transformer works. scikit-learn's change the filters of warnings, which are common to
# all threads: two at a time, as for training and validation rows, would leave them changed.
_ONE_AT_A_TIME = Lock()


class Mapped(Derived):
    """Rows of a source, transformed while they are read; see `Source.map`."""

    # They are those of what is read, which may be an array or a frame.
    n_features = feature_names = None

    def __init__(self, source, transformer):
        super().__init__(source)
        if not hasattr(transformer, "transform"):
            raise TypeError(f"map takes a transformer, got {type(transformer).__name__}.")
        check_is_fitted(transformer)
        self._transformer = transformer

    def read(self, block, *, targets_only=False):
        for rows in self._source.read(block, targets_only=targets_only):
            yield rows if targets_only else rows._replace(X=self._transform(rows))

    def _transform(self, rows):
        where = f"{rows.origin}, rows {rows.numbers[0]} to {rows.numbers[-1]}"
        try:
            with _ONE_AT_A_TIME:
                X = self._transformer.transform(rows.X)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        if X.shape[0] != len(rows.numbers):
            raise ValueError(
                f"{where}: {type(self._transformer).__name__} returned {X.shape[0]} rows for "
                f"{len(rows.numbers)}: remove rows before they are read."
            )
        return X

    def identity(self):
        return f"{self._source.identity()}, through {joblib.hash(self._transformer)}"


def partial_fit(transformer: Any, source: Any) -> Any:
    """Fit a transformer on all rows of a source, piece by piece.

    Parameters
    ----------
    transformer : transformer with the method `partial_fit`
        The transformer, such as `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler` or
        `IncrementalPCA`.
    source : Source

    Returns
    -------
    transformer
        The same object, fitted.

    Raises
    ------
    TypeError
        If the transformer has no `partial_fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastnn.data import Arrays, partial_fit
    >>> partial_fit(StandardScaler(), Arrays(np.arange(10.0).reshape(5, 2))).mean_
    array([4., 5.])
    """
    if not hasattr(transformer, "partial_fit"):
        raise TypeError(
            f"{type(transformer).__name__} has no partial_fit: fit it on the rows of a piece, "
            "next(iter(source)).X, or choose another, such as StandardScaler."
        )
    for rows in source:
        transformer.partial_fit(rows.X)
    return transformer
