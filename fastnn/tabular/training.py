"""Training rows of a fitted estimator, kept for later computations."""

from typing import Any, NamedTuple

import numpy as np


class Training(NamedTuple):
    """Rows and folds that an ensemble was trained on.

    Attributes
    ----------
    data : Data
    folds : list of Fold
        Rows of the networks of each member.
    fold_numbers : ndarray of int of shape (n_rows,)
        Fold of each row, as encodings were given them.
    seed : int
        Seed of what is drawn afterwards.
    """

    data: Any
    folds: list
    fold_numbers: np.ndarray
    seed: int

    def rows_held_out(self):
        """Return the numbers of the rows that a fold held out, in ascending order."""
        return np.unique(np.concatenate([fold.held_out for fold in self.folds]))
