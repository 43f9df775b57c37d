"""Validation data that users pass to `fit`: rows in memory, or a source."""

from .._core.device_arrays import to_host
from .._data.held_out import warn_of_far_columns
from .._data.rows import check_range, read_data
from .._train.datasets import Dataset
from ..data.passes import refuse_beside
from ..data.source import Source


def read_validation_data(fit, X=None, y=None, sample_weight=None):
    """Return the validation data of a `Fit`, and its targets as they were given; None for none.

    The targets of a source are None: they are read where a score needs them.
    """
    if X is None and y is None and sample_weight is None:
        return None
    of_source = isinstance(X, Source)
    if of_source:
        refuse_beside(X, y, sample_weight)
    elif X is None or y is None:
        raise ValueError("X_val and y_val belong together: give both, or none.")
    if not fit.specs.is_stochastic:
        raise ValueError(
            f"X_val and y_val need a solver such as 'sgd' or 'adam': {fit.model.solver!r} "
            "does not use validation data."
        )
    try:
        if of_source:
            data = fit.reader(X).validation_data()
        else:
            X, y = read_data(fit.model, X, y, name="X_val")
            check_range(X, fit.dtype)
            weights = fit.row_weights(to_host(sample_weight), X, y)
            data = Dataset.of(X, fit.encode(y), weights)
    except ValueError as error:
        raise ValueError(f"Validation data (X_val, y_val): {error}") from error
    if not fit.partial:  # which may see rows of one class, or day
        warn_of_far_columns(fit.data.X, data.X)
    return data, y
