"""Diagnostics of the rows: scale of the features, and missing values."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from .._core.device_arrays import to_host
from .._data.sparse_matrices import checked_csr
from .finding import Finding, fmt, join_names
from .parameters import checked


@dataclass(repr=False)
class InputScale(Finding):
    """Result of `input_scale`; features are given by index, or by name if they have names.

    Attributes
    ----------
    mean, std, rms : ndarray of shape (n_features,)
        Mean, standard deviation and root mean square of the finite values of each feature.
    missing : list
        Features with NaN or infinite values.
    constant : list
        Constant features, which are harmless and useless.
    large : list
        Features whose root mean square is above 10 and, unless that of the median feature is above
        10 too, above 10 times that.
    small : list
        Features with a standard deviation below a thousandth of that of the median feature.
    shifted : list
        Features whose mean is above 1 and more than 10 times their standard deviation.
    """

    mean: np.ndarray
    std: np.ndarray
    rms: np.ndarray
    missing: list
    constant: list
    large: list
    small: list
    shifted: list

    title: ClassVar[str] = "scale of the inputs"


@checked
def input_scale(X: Any, *, max_rows: float = 10000, random_state: int | None = 0) -> InputScale:
    """Check that all features are of the same scale, and near that of the initial weights.

    A feature that is a thousand times as large as others has a gradient as much larger, and a
    curvature a million times (LeCun et al., "Efficient BackProp", 1998, section 4.3).

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows as the network reads them, after any scaler. NaN is allowed here.
    max_rows : int, default=10000
        Largest number of rows used; NaN is looked for in all of them.
    random_state : int, default=0
        Seed of the subsample.

    Returns
    -------
    finding : InputScale
    """
    columns = getattr(X, "columns", None)
    X = to_host(X)
    X = checked_csr(X, "X") if sparse.issparse(X) else np.asarray(X)
    if X.ndim != 2 or not (X.shape[0] and X.shape[1]):
        raise ValueError(f"X must be a matrix with rows and columns, got the shape {X.shape}.")
    if not sparse.issparse(X) and X.dtype.kind not in "buif":
        X = X.astype(np.float64)
    missing = _has_missing(X)
    if X.shape[0] > max_rows:
        rows = np.random.RandomState(random_state).choice(X.shape[0], int(max_rows), replace=False)
        X = X[np.sort(rows)]
    mean, std, rms = _moments(X)
    constant = std <= 1e-12 * np.maximum(rms, 1e-300)
    varies = ~constant & ~missing
    typical = np.median(rms[varies]) if varies.any() else 0.0
    spread = np.median(std[varies]) if varies.any() else 0.0
    large = varies & (rms > 10) & ((rms > 10 * typical) | (typical > 10))
    small = varies & (std < 1e-3 * spread)
    shifted = varies & ~large & (abs(mean) > 10 * std) & (abs(mean) > 1)
    names = np.arange(X.shape[1]) if columns is None else np.asarray(columns)
    lists = [names[which].tolist() for which in (missing, constant, large, small, shifted)]
    problems = _problems(lists, constant.all(), rms[large].max(initial=0), typical)
    if not problems and varies.any() and spread < 1e-2 and typical < 1e-2:
        problems.append(
            f"all features are tiny, {fmt(typical)} in the median: use a scaler such as "
            "StandardScaler"
        )
    verdict = "; ".join(problems)
    if not problems:
        verdict = f"features are of one scale, {fmt(typical)} in the median"
    if constant.any() and not constant.all():
        verdict += f"; {_features(lists[1])} constant, and could be dropped"
    return InputScale(not problems, verdict + ".", mean, std, rms, *lists)


def _has_missing(X):
    """Return a mask of the columns with NaN or infinite values."""
    missing = np.zeros(X.shape[1], bool)
    if sparse.issparse(X):
        missing[X.indices[~np.isfinite(X.data)]] = True
    elif X.dtype.kind == "f":
        missing = ~np.isfinite(X).all(axis=0)
    return missing


def _moments(X):
    """Return mean, standard deviation and root mean square of each column's finite values."""
    with np.errstate(over="ignore", invalid="ignore"):
        if sparse.issparse(X):
            values = X.astype(np.float64)
            values.data[~np.isfinite(values.data)] = 0
            mean = np.asarray(values.sum(axis=0)).ravel() / X.shape[0]
            square = np.asarray(values.multiply(values).sum(axis=0)).ravel() / X.shape[0]
            std = np.sqrt(np.maximum(square - mean**2, 0))
        else:
            values = np.where(np.isfinite(X), X, 0).astype(np.float64)
            mean, std = values.mean(axis=0), values.std(axis=0)
            square = np.mean(values**2, axis=0)
    return mean, std, np.sqrt(square)


def _problems(lists, all_constant, largest, typical):
    """Return sentences about faulty features; `lists` are those of `InputScale`."""
    missing, _, large, small, shifted = lists
    problems = []
    if missing:
        problems.append(f"NaN or infinite values in {_features(missing)}: impute or drop them")
    if all_constant:
        problems.append("no feature changes from row to row: there is nothing to learn from")
    if large:
        problems.append(
            f"{_features(large)} unscaled, up to {fmt(largest)} where the median feature has "
            f"{fmt(typical)}: use a scaler such as StandardScaler"
        )
    if small:
        problems.append(
            f"{_features(small)} with less than a thousandth of the others' variation, and "
            "hardly seen: use a scaler such as StandardScaler"
        )
    if shifted:
        problems.append(
            f"{_features(shifted)} far from 0 compared with the variation: subtract the mean"
        )
    return problems


def _features(names):
    return f"feature{'s' * (len(names) > 1)} {join_names(names)}"
