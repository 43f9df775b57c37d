"""Rows and targets that users pass: checked, and converted only if an engine cannot read them."""

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import RegressorMixin
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_y,
    validate_data,
)

from .. import _core
from .._core.codes import READABLE
from .._core.device_arrays import DeviceRows, is_on_gpu, to_host
from .._core.memory import pinned_view
from .columns import describe_non_finite, describe_unreadable, refuse_dates
from .sparse_matrices import checked_csr
from .targets import read_labels, read_numbers

_PLAIN = frozenset(READABLE)
#: Number of elements checked, or copied for validation, at a time.
BLOCK = 1 << 20


def read_rows(model, X, reset=False, name="X"):
    """Return rows readable for an engine, which may be non-finite; see `BaseMLP.read`."""
    own = model.__dict__
    if type(X) is np.ndarray and X.ndim == 2 and "feature_names_in_" not in own:
        n_rows, n_features = X.shape
        known = reset or own.get("n_features_in_") == n_features
        if known and X.dtype in _PLAIN and n_rows and n_features:
            if reset:
                model.n_features_in_ = n_features
            return X  # nothing to convert, and no names to compare
    if is_on_gpu(X):
        return _on_gpu(model, X, reset)
    X = _validated(model, X, name, reset=reset)
    if sparse.issparse(X) and X.dtype == np.uint8:  # which no engine reads
        X = X.astype(np.float32)
    return X


def read_data(model, X, y, reset=False, name="X"):
    """Return rows and their targets, checked and readable for an engine.

    The rows are a pinned view: changes of the user's object during training do not affect it,
    except for writing of numbers.

    Parameters
    ----------
    model : estimator
        Its `read` reads the rows.
    X, y
        The user's rows and targets.
    reset : bool, default=False
        Whether to store number and names of the features, rather than compare them.
    name : str, default="X"
        Name of the rows in error messages.
    """
    y = read_targets(model, _required(model, y))
    X = model.read(X, reset=reset, name=name)
    if isinstance(X, np.ndarray):
        X = pinned_view(np.require(X, requirements="A"))
    y = targets_of_rows(model, X, y)
    check_finite(model, X, name)
    return X, y


def targets_of_rows(model, X, y):
    """Return targets that were read, after checking them and their number."""
    if y.dtype.names:  # of several heads
        if len(y) != X.shape[0]:
            raise ValueError(f"X has {X.shape[0]} rows, and y has targets for {len(y)}.")
        return y
    if not _are_plain_targets(y, X.shape[0]):
        numeric = isinstance(model, RegressorMixin)
        y = _check_y(y, multi_output=True, y_numeric=numeric, estimator=model)
        check_consistent_length(X, y)
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def automatic_precision(X):
    """Return the type that rows are computed with where nobody chose one."""
    return np.dtype(np.float32 if X.dtype in (np.float32, np.uint8) else np.float64)


def _required(model, y):
    """Return targets that are not None."""
    if y is None:
        raise ValueError(
            f"This {type(model).__name__} estimator requires y to be passed, but the target y is "
            "None."
        )
    return y


def read_one_target(model, y):
    """Return the targets of an estimator that predicts one number or label for each row."""
    numeric = isinstance(model, RegressorMixin)
    y = read_targets(model, _required(model, y))
    y = _check_y(y, multi_output=True, y_numeric=numeric, estimator=model)
    if y.ndim == 2 and y.shape[1] > 1:
        kind = "Regressor" if numeric else "Classifier"
        raise ValueError(
            f"y has {y.shape[1]} columns, and a {type(model).__name__} predicts one: fit one for "
            f"each column, as sklearn.multioutput.MultiOutput{kind} does."
        )
    return column_or_1d(y, warn=True)


def validated_targets(model, y):
    """Return targets as `fit` reads them, without rows."""
    numeric = isinstance(model, RegressorMixin)
    y = _check_y(read_targets(model, y), multi_output=True, y_numeric=numeric, estimator=model)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def read_targets(model, y):
    """Return targets as plain numbers or labels on the host; they may be non-finite.

    A model of several heads reads its own: records of them.
    """
    if hasattr(model, "_read_heads"):
        return model._read_heads(y)
    return (read_numbers if isinstance(model, RegressorMixin) else read_labels)(to_host(y), "y")


def _validated(model, X, name, **checks):
    """Validate rows with scikit-learn; errors name the columns that are not numeric."""
    refuse_dates(model, X, name)
    checks |= {"accept_sparse": "csr", "ensure_all_finite": False}
    # What is no array, such as a sparse matrix, is read in the first three. Others are converted
    # to float64. Values are checked later, in blocks.
    checks["dtype"] = READABLE if isinstance(X, np.ndarray) else READABLE[:3]
    try:
        return validate_data(model, checked_csr(X, name), **checks)
    except (TypeError, ValueError) as error:
        if why := describe_unreadable(model, X, name):
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"{str(error).removesuffix('.')}. {why}") from error
        raise


def _on_gpu(model, X, reset):
    """Return rows on the GPU, which stay there, after checking their number of features."""
    rows = X if isinstance(X, DeviceRows) else DeviceRows(X)
    if not rows.size:
        raise ValueError(
            f"X must have at least one row and one feature, but has shape {rows.shape}."
        )
    _check_feature_names(model, rows, reset=reset)
    _check_n_features(model, rows, reset=reset)
    return rows


def _are_plain_targets(y, n_rows):
    """Return whether scikit-learn would accept targets without conversion."""
    return (
        type(y) is np.ndarray
        and y.dtype.kind in "biufU"
        and y.ndim in (1, 2)
        and len(y) == n_rows
        and y.size > 0
        and (y.dtype.kind != "f" or bool(np.isfinite(y).all()))
    )


def check_finite(model, X, name="X"):
    """Raise a ValueError if there is NaN or infinity, without arrays as large as X."""
    if isinstance(X, DeviceRows):
        if not get_config()["assume_finite"] and not _core.all_finite(X):
            raise ValueError(f"Input {name} contains NaN or infinity, for {type(model).__name__}.")
        return
    values = X.data[:, np.newaxis] if sparse.issparse(X) else X
    if values.dtype.kind != "f" or get_config()["assume_finite"]:
        return
    if values.strides[0] < values.strides[1]:
        values = values.T
    step = max(1, BLOCK // values.shape[1])
    for start in range(0, len(values), step):
        block = values[start : start + step]
        if not np.isfinite(block).all():
            raise ValueError(describe_non_finite(model, X, name))


def check_range(X, dtype):
    """Raise a ValueError if a finite value becomes infinite in the precision of a network."""
    is_wider = X.dtype.kind == "f" and X.dtype.itemsize > np.dtype(dtype).itemsize
    if isinstance(X, DeviceRows) or not is_wider:
        return
    values = X.data if sparse.issparse(X) else X
    most = np.finfo(dtype).max
    if values.size and (values.max() > most or values.min() < -most):
        raise ValueError(
            f"Input X contains a value too large for {dtype}, the precision of the network: scale "
            "it, or choose precision='float64'."
        )
