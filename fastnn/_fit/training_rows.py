"""Training rows that are scored after each epoch, beside the validation data."""

import numpy as np

from .._train.datasets import Dataset

# Rows are drawn by this seed, so that scores take no random number from the training. It is not
# that of the validation rows, whose `random_state` is often 0.
_SEED = 1847


def training_rows(fit):
    """Return the training rows of a `Fit` to score, and their targets as they were given.

    There are at most `train_score_rows`, by default as many as rows of validation. They are drawn
    at random, of those that have a weight. The targets of a source are None, as for validation
    data; about as many rows of it are drawn, which are read again after each epoch.
    """
    data, n_rows = fit.data, fit.model.train_score_rows
    if n_rows is None and fit.held_out:
        n_rows = fit.held_out[0].n_rows
    if isinstance(data, Dataset):
        rows = data.rows
        if data.sample_weight is not None:
            rows = rows[data.sample_weight[rows] != 0]
        if n_rows is not None and n_rows < len(rows):
            rows = np.random.default_rng(_SEED).choice(rows, n_rows, replace=False, shuffle=False)
        return data._replace(rows=np.sort(rows)), fit.y
    if n_rows is None or n_rows >= data.n_rows:
        return data, None
    _, some = data.source.split(n_rows / data.n_rows, random_state=_SEED)
    return fit.reader(some).validation_data(), None
