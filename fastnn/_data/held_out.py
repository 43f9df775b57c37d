"""Validation data: rows held out of the training data, and a check of rows given by the user."""

import math

import numpy as np
from scipy import sparse

from .._core.device_arrays import DeviceRows
from .._warnings import warn

# Number of rows and columns compared, and the smallest number of rows that is meaningful.
_SAMPLE_SIZE, _MIN_ROWS = 256, 30
# Columns differ if their medians are further apart than this number of interquartile ranges, or if
# the ratio of these ranges is larger.
_FAR, _WIDER = 1.5, 5.0


def split(encoder, targets, sample_weight, fraction, random_state, *, scored=False):
    """Draw the indices of training and validation rows, as scikit-learn does.

    Rows whose weight is 0 are never held out.

    Parameters
    ----------
    encoder : Labels, MultioutputLabels or RealTargets
        The rows are stratified for two classes.
    targets : ndarray
    sample_weight : ndarray or None
    fraction : float
        The fraction of rows that is held out.
    random_state : RandomState
    scored : bool, default=False
        Whether a score needs several classes. More than two are then stratified too, and each class
        with at least two rows is in both parts.
    """
    from sklearn.model_selection import train_test_split  # slow to import

    classes = encoder.class_numbers(targets)
    drawn = np.ones(len(targets), bool) if sample_weight is None else sample_weight > 0
    stratify = None
    if classes is not None:
        counts = np.bincount(classes[drawn], minlength=classes.max() + 1)
        alone = drawn & (counts[classes] == 1)
        drawn = drawn & ~alone
        if alone.any():
            labels = ", ".join(map(str, encoder.classes[classes[alone]]))
            warn(
                f"Classes of a single row are kept in training, where early_stopping sets aside "
                f"validation data: {labels}.",
            )
        binary = targets.ndim == 2 and targets.shape[1] == 1
        if binary or (scored and _can_be_stratified(counts[counts > 1], fraction)):
            stratify = classes[drawn]
    too_small = (
        "The validation set is too small. Increase 'validation_fraction' or the size of your "
        "dataset."
    )
    if sample_weight is not None:
        too_small += " Rows whose weight is 0 are not held out."
    if not drawn.any():
        raise ValueError(too_small)
    train_rows, held_out = train_test_split(
        np.flatnonzero(drawn),
        random_state=random_state,
        test_size=fraction,
        stratify=stratify,
    )
    if len(held_out) < 2:
        raise ValueError(too_small)
    if classes is not None and scored:
        _share(classes, train_rows, held_out)
        _share(classes, held_out, train_rows)
    return np.concatenate([train_rows, np.flatnonzero(~drawn)]), held_out


def _can_be_stratified(counts, fraction):
    """Return whether both parts have at least a row for each of these classes."""
    n_held_out = math.ceil(fraction * counts.sum())
    return min(n_held_out, counts.sum() - n_held_out) >= len(counts)


def _share(classes, rows, others):
    """Swap rows in place, so that the others have a row of each class with two rows here."""
    for code in np.flatnonzero(np.bincount(classes[rows]) > 1):
        there = np.bincount(classes[others])
        if (code < len(there) and there[code]) or there.max() < 2:
            continue
        i = np.flatnonzero(classes[rows] == code)[0]
        j = np.flatnonzero(classes[others] == there.argmax())[0]
        rows[i], others[j] = others[j], rows[i]


def _sample(X):
    """Return evenly spaced rows and columns; None for rows on the GPU, or if there are too few."""
    if isinstance(X, DeviceRows) or X.shape[0] < _MIN_ROWS:
        return None
    rows, columns = (
        np.unique(np.linspace(0, length - 1, _SAMPLE_SIZE).astype(int)) for length in X.shape
    )
    part = X[rows][:, columns]
    part = part.toarray() if sparse.issparse(part) else part
    return part.astype(np.float64), columns


def warn_of_far_columns(X, X_val):
    """Warn if validation rows differ from the training rows, mostly because they are not scaled.

    Medians and quartiles of a few rows are compared, which are robust. Mostly constant columns are
    ignored, and a single difference may be random: half of the columns must differ.
    """
    own, others = _sample(X), _sample(X_val)
    if own is None or others is None:
        return
    low, middle, high = np.percentile(own[0], [25, 50, 75], axis=0)
    its_low, its_middle, its_high = np.percentile(others[0], [25, 50, 75], axis=0)
    spread, its_spread = high - low, its_high - its_low
    varies = (spread > 0) & (its_spread > 0)
    widest, gap = np.maximum(spread, its_spread), np.abs(middle - its_middle)
    far = gap > _FAR * widest
    far |= widest > _WIDER * np.minimum(spread, its_spread)
    far &= varies
    if far.sum() < max(varies.sum() / 2, 1):
        return
    i = np.flatnonzero(far)[0]
    warn(
        f"X_val lies far from X: the quartiles of column {own[1][i]} are {its_low[i]:.3g} and "
        f"{its_high[i]:.3g}, and {low[i]:.3g} and {high[i]:.3g} in X. If a pipeline transforms "
        "X, let it transform X_val too: Pipeline(..., transform_input=['X_val']) and "
        "set_fit_request(X_val=True, y_val=True) of the network, with metadata routing enabled."
    )
