"""The rows: scale of the features, and what is missing."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from .._core.device_arrays import to_host
from .._data.sparse_matrices import sound
from .finding import Finding, listed, number
from .parameters import checked


@dataclass(repr=False)
class InputScale(Finding):
    """What `input_scale` found; of features, their numbers, or names where there are some.

    Attributes
    ----------
    mean, std, rms : ndarray of shape (n_features,)
        Of the finite values of each.
    missing : list
        Features with NaN or infinite values.
    constant : list
        Features that never change: harmless, and useless.
    large : list
        Those whose root mean square is above 10, and 10 times that of the median feature if that is
        not as large itself.
    small : list
        Those that vary by less than a thousandth of the median feature.
    shifted : list
        Those whose mean is more than 10 times their standard deviation, and above 1.
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
def input_scale(X, *, max_rows=10000, random_state=0):
    """Whether the features are of one scale: that of weights and learning rates.

    A feature that is a thousand times as large as others has a gradient as much larger, and a
    curvature a million times (LeCun et al., "Efficient BackProp", 1998, section 4.3).

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows as the network has them, after any scaler. NaN is allowed here.
    max_rows : int, default=10000
        So many rows are looked at; all of them for NaN.
    random_state : int, default=0
        Draws them.

    Returns
    -------
    finding : InputScale
    """
    columns = getattr(X, "columns", None)
    X = to_host(X)
    X = sound(X, "X") if sparse.issparse(X) else np.asarray(X)
    if X.ndim != 2 or not (X.shape[0] and X.shape[1]):
        raise ValueError(f"X must be a matrix with rows and columns, got the shape {X.shape}.")
    is_sparse = sparse.issparse(X)
    if not is_sparse and X.dtype.kind not in "buif":
        X = X.astype(np.float64)
    missing = np.zeros(X.shape[1], bool)
    if is_sparse:
        missing[X.indices[~np.isfinite(X.data)]] = True
    elif X.dtype.kind == "f":
        missing = ~np.isfinite(X).all(axis=0)
    if X.shape[0] > max_rows:
        rows = np.random.RandomState(random_state).choice(X.shape[0], max_rows, replace=False)
        X = X[np.sort(rows)]
    n_rows = X.shape[0]
    with np.errstate(over="ignore", invalid="ignore"):
        if is_sparse:
            values = X.astype(np.float64)
            values.data[~np.isfinite(values.data)] = 0
            mean = np.asarray(values.sum(axis=0)).ravel() / n_rows
            square = np.asarray(values.multiply(values).sum(axis=0)).ravel() / n_rows
            std = np.sqrt(np.maximum(square - mean**2, 0))
        else:
            values = np.where(np.isfinite(X), X, 0).astype(np.float64)
            mean, std = values.mean(axis=0), values.std(axis=0)
            square = np.mean(values**2, axis=0)
    rms = np.sqrt(square)
    constant = std <= 1e-12 * np.maximum(rms, 1e-300)
    varies = ~constant & ~missing
    typical = np.median(rms[varies]) if varies.any() else 0.0
    spread = np.median(std[varies]) if varies.any() else 0.0
    large = varies & (rms > 10) & ((rms > 10 * typical) | (typical > 10))
    small = varies & (std < 1e-3 * spread)
    shifted = varies & ~large & (abs(mean) > 10 * std) & (abs(mean) > 1)
    names = np.arange(X.shape[1]) if columns is None else np.asarray(columns)
    lists = [names[which].tolist() for which in (missing, constant, large, small, shifted)]
    problems = []
    if missing.any():
        problems.append(f"NaN or infinite values in {_features(lists[0])}: impute or drop them")
    if constant.all():
        problems.append("no feature changes from row to row: there is nothing to learn from")
    if large.any():
        problems.append(
            f"{_features(lists[2])} unscaled, up to {number(rms[large].max())} where the median "
            f"feature has {number(typical)}: use a scaler such as StandardScaler"
        )
    if small.any():
        problems.append(
            f"{_features(lists[3])} with less than a thousandth of the others' variation, and "
            "hardly seen: use a scaler such as StandardScaler"
        )
    if shifted.any():
        problems.append(
            f"{_features(lists[4])} far from 0 compared with the variation: subtract the mean"
        )
    if not problems and varies.any() and spread < 1e-2 and typical < 1e-2:
        problems.append(
            f"all features are tiny, {number(typical)} in the median: use a scaler such as "
            "StandardScaler"
        )
    verdict = "; ".join(problems)
    if not problems:
        verdict = f"features are of one scale, {number(typical)} in the median"
    if constant.any() and not constant.all():
        verdict += f"; {_features(lists[1])} constant, and could be dropped"
    return InputScale(not problems, verdict + ".", mean, std, rms, *lists)


def _features(names):
    return f"feature{'s' * (len(names) > 1)} {listed(names)}"
