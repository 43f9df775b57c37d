"""Training rows of a fitted estimator, for what is computed of them afterwards."""

from typing import Any, NamedTuple

import numpy as np


class Training(NamedTuple):
    """Rows and folds that an ensemble was trained on.

    Attributes
    ----------
    data : Data
    folds : list of list of Fold
        Rows of each network, for each member.
    seed : int
        Seed of what is drawn afterwards.
    """

    data: Any
    folds: list
    seed: int

    def rows_held_out(self):
        """Return the numbers of the rows that each member held out, in ascending order."""
        n_members = np.zeros(len(self.data.y), int)
        for folds in self.folds:
            n_members[np.concatenate([fold.held_out for fold in folds])] += 1
        return np.flatnonzero(n_members == len(self.folds))
