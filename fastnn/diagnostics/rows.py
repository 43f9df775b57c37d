"""Gradients by row: the rows that a step follows most."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .finding import Finding, fmt, join_names
from .parameters import checked
from .probe import Probe, find_network, is_fitted

# Largest ratio of a norm to the median norm, in a new network.
_MAX_OF_MEDIAN = 100.0
# Number of rows that are told.
_N_TOLD = 3


@dataclass(repr=False)
class RowGradients(Finding):
    """Result of `row_gradients`, the row with the largest gradient first.

    Attributes
    ----------
    rows : ndarray of shape (n,)
        Numbers of the rows in `X`, from 0.
    norms : ndarray of shape (n,)
        Norms of their gradients, by all parameters.
    losses : ndarray of shape (n,)
        Their losses.
    """

    rows: np.ndarray
    norms: np.ndarray
    losses: np.ndarray

    title: ClassVar[str] = "gradients by row"


@checked
def row_gradients(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    rows: Any = None,
    max_rows: float = 300,
    random_state: int | None = 0,
) -> RowGradients:
    """Compute the norm of the gradient of each row, to find those that outweigh others.

    In a new network, a row whose gradient is more than a hundred times the median is an outlier, or
    has a wrong target: it is a fault. In a fitted network, the first rows are those that are not
    learned, such as rows with wrong labels.

    Parameters
    ----------
    estimator, X, y, random_state
        See `initial_loss`. The parameters are the fitted ones, if there are any.
    rows : array-like of int, default=None
        Numbers of the rows to examine, such as those of a batch that `fastnn.callbacks.LossJumps`
        has found. None draws at most `max_rows`.
    max_rows : int, default=300
        Largest number of rows used, unless `rows` are given.

    Returns
    -------
    finding : RowGradients

    Notes
    -----
    The gradient is that of the loss of a row, times its weight by `class_weight`, without penalty
    and dropout, by all trained parameters. With batch normalization, the statistics are those of
    all rows examined, and the gradient by a row includes its effect by them; otherwise it is that
    of a step on the row alone. Large gradients by row are the criterion of Katharopoulos, A. and
    Fleuret, F. "Not all samples are created equal" (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import MLPRegressor
    >>> from fastnn.diagnostics import row_gradients
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = X[:, 0].copy()
    >>> y[123] = 5000
    >>> finding = row_gradients(MLPRegressor(random_state=0), X, y)
    >>> finding.ok, int(finding.rows[0])
    (False, 123)
    """
    new = not is_fitted(find_network(estimator, "Diagnostics look into"))
    probe = Probe(estimator, X, y, math.inf if rows is not None else max_rows, random_state)
    if rows is not None:
        probe.take(_checked_rows(rows, len(probe.rows)))
    norms, losses = _by_row(probe)
    order = np.argsort(-np.where(np.isnan(norms), np.inf, norms), kind="stable")
    found = probe.rows[order], norms[order], losses[order]
    if not np.isfinite(norms).all():
        row = found[0][0]
        verdict = f"that of row {row} is not finite: its features or targets are far too large."
        return RowGradients(False, verdict, *found)
    positive = norms[norms > 0]
    usual = float(np.median(positive)) if len(positive) else 1.0
    ok = not new or bool(norms.max() <= _MAX_OF_MEDIAN * usual)
    first, *others = found[0][:_N_TOLD]
    times, loss = fmt(norms.max() / usual), fmt(found[2][0])
    verdict = f"up to {times} times the median, for row {first} with the loss {loss}"
    if others:
        verdict += f"; then row{'s' * (len(others) > 1)} {join_names(others)}"
    if not ok:
        verdict += ": look at their values and targets for outliers and errors"
    return RowGradients(ok, verdict + ".", *found)


def _checked_rows(rows, n_rows):
    """Return numbers of rows, after checking them."""
    rows = np.asarray(rows)
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
        raise ValueError(f"rows must be a list of row numbers, got {rows!r}.")
    if rows.min() < 0 or rows.max() >= n_rows:
        raise ValueError(
            f"rows must be numbers from 0 to {n_rows - 1}, got {rows.min()} to {rows.max()}."
        )
    return rows


def _by_row(probe):
    """Return norm of the gradient, and loss, of each row."""
    n_rows = len(probe.rows)
    norms, losses = np.empty(n_rows), np.empty(n_rows)
    for number in range(n_rows):
        losses[number] = probe.differentiate_row(number)
        with np.errstate(over="ignore", invalid="ignore"):
            norms[number] = np.linalg.norm(probe.arena)
    return norms if probe.sample_weight is None else norms * probe.sample_weight, losses
