"""Ensemble of a fitted estimator."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .calibration import at_temperature, fit_temperature
from .columns import Columns, Values
from .intervals import ResidualDistribution, spread
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
    temperature : float
        Temperature of the probabilities of classes.
    residuals : ResidualDistribution or None
        Distribution of numbers about their predictions.
    """

    columns: Columns
    targets: Any
    members: list[Member]
    temperature: float = 1.0
    residuals: ResidualDistribution | None = None

    def learn_errors(self, decisions, y, weights):
        """Learn what targets are like where predictions are known, from rows held out.

        Parameters
        ----------
        decisions : ndarray of shape (n_members, n_rows, ..)
            Predictions of each member.
        y : ndarray of shape (n_rows,)
        weights : ndarray of shape (n_rows,) or None

        Returns
        -------
        decision : ndarray of shape (n_rows, ..)
            Predictions of the ensemble.
        """
        mean = np.tensordot(self.weights, decisions, axes=1)
        if self.targets.is_classifier:
            self.temperature = fit_temperature(mean, y, weights)
            return at_temperature(mean, self.temperature)
        self.residuals = ResidualDistribution(mean, spread(decisions, self.weights), y, weights)
        return mean

    def decisions(self, X, n_jobs=None):
        """Return the predictions for a table."""
        return self.decisions_of(self.columns.read(X), n_jobs)

    def decisions_of(self, values, n_jobs=None):
        """Return the predictions for the values of a table."""
        return np.concatenate([self._mean(block) for block in self._outputs(values, n_jobs)])

    def decisions_and_spreads(self, X, n_jobs=None):
        """Return the predictions for a table, and how far members disagree in each row.

        The spread is that of the networks of one fold, on average over folds (as a root mean
        square): it compares with that of predictions for rows held out.
        """
        decisions, spreads = [], []
        for outputs in self._outputs(self.columns.read(X), n_jobs):
            decisions.append(self._mean(outputs))
            folds = zip(*self._decoded(outputs), strict=True)
            squares = [spread(np.array(fold), self.weights) ** 2 for fold in folds]
            spreads.append(np.sqrt(np.mean(squares, axis=0)))
        return np.concatenate(decisions), np.concatenate(spreads)

    @property
    def weights(self):
        """Weights of the members."""
        return np.array([member.weight for member in self.members])

    def _outputs(self, values, n_jobs):
        """Yield the outputs of all networks of each member, for a block of rows after another."""
        for start in range(0, len(values.numbers), BLOCK):
            block = Values(*(part[start : start + BLOCK] for part in values))
            yield [member.outputs(block, n_jobs) for member in self.members]

    def _decoded(self, outputs):
        pairs = zip(self.members, outputs, strict=True)
        return [member.decode(each, self.targets) for member, each in pairs]

    def _mean(self, outputs):
        """Return the weighted mean of the members' predictions, of the mean of each's outputs."""
        decoded = self._decoded([each.mean(axis=0) for each in outputs])
        mean = sum(w * each for w, each in zip(self.weights, decoded, strict=True))
        return at_temperature(mean, self.temperature)
