"""Ensemble of a fitted estimator."""

from dataclasses import dataclass

import numpy as np

from .columns import Columns, Values
from .members import Member

#: Rows that are encoded at a time.
BLOCK = 8192


@dataclass
class Ensemble:
    """Members and what they share.

    Attributes
    ----------
    columns : Columns
    targets : ClassTargets or NumberTargets
    members : list of Member
        Their weights have a sum of 1.
    """

    columns: Columns
    targets: object
    members: list[Member]

    def decisions(self, X, n_jobs=None):
        """Return the predictions for a table, a block of rows after another."""
        return self.decisions_of(self.columns.read(X), n_jobs)

    def decisions_of(self, values, n_jobs=None):
        """Return the predictions for the values of a table."""
        blocks = [
            self._block(Values(*(part[start : start + BLOCK] for part in values)), n_jobs)
            for start in range(0, len(values.numbers), BLOCK)
        ]
        return np.concatenate(blocks)

    def _block(self, values, n_jobs):
        return sum(
            member.weight * member.decisions(values, self.targets, n_jobs)
            for member in self.members
        )
