"""Ensemble of a fitted estimator."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .calibration import at_temperature, fit_temperature
from .columns import Columns
from .encodings import Encoding
from .intervals import ResidualDistribution, spread
from .members import Member

#: Rows that are encoded at a time.
BLOCK = 8192
#: Most rows held out that tell the distribution of residuals.
_MOST_RESIDUALS = 4_000
#: Networks are stopped and chosen by the rows held out, so that errors for n of them are too small.
#: Those for new rows were 1 + 18 / n times as large, on simulated tables of 60 to 480 rows.
_OPTIMISM, _MOST_OPTIMISM = 18, 0.3


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

    def bare(self):
        """Return an ensemble that predicts the same, without what only training goes on from."""
        members = [
            replace(member, networks=[network.bare() for network in member.networks])
            for member in self.members
        ]
        return replace(self, members=members)

    def check(self):
        """Raise a ValueError if parts of an ensemble that was read do not fit together."""
        n_outputs = self.targets.n_outputs
        for member in self.members:
            for network in member.networks:
                program = network.program
                if (program.n_features, program.n_outputs) != (member.encoding.width, n_outputs):
                    raise ValueError("a network does not fit to the columns, or to the targets.")

    def learn_errors(self, decisions, data, rows):
        """Learn what targets are like where predictions are known, from rows held out.

        Parameters
        ----------
        decisions : ndarray of shape (n_members, n_rows, ..)
            Predictions of each member.
        data : Data
        rows : ndarray of int of shape (n_rows,)
            Numbers of the rows.

        Returns
        -------
        decision : ndarray of shape (n_rows, ..)
            Predictions of the ensemble.
        """
        mean = np.tensordot(self.weights, decisions, axes=1)
        if self.targets.is_classifier:
            temperature = fit_temperature(mean, data.y[rows], data.weights_of(rows))
            # These rows stopped the networks, which makes probabilities seem too cautious.
            self.temperature = max(1.0, temperature)
            return at_temperature(mean, self.temperature)
        some = slice(None, None, math.ceil(len(rows) / _MOST_RESIDUALS))
        spreads, rows = spread(decisions[:, some], self.weights), rows[some]
        self.residuals = ResidualDistribution(
            Encoding("quantile", "", 0, 0, 0.0).fit(data.columns, data.statistics, None),
            mean[some],
            spreads,
            data.values.take(rows),
            data.y[rows],
            data.weights_of(rows),
            1 + min(_OPTIMISM / len(mean), _MOST_OPTIMISM),
        )
        return mean

    def decisions(self, X, n_jobs=None):
        """Return the predictions for a table."""
        return self.decisions_of(self.columns.read(X), n_jobs)

    def decisions_of(self, values, n_jobs=None):
        """Return the predictions for the values of a table."""
        return np.concatenate([self._mean(block) for block in self._outputs(values, n_jobs)])

    def decisions_and_scales(self, X, n_jobs=None):
        """Return the predictions for a table, and the scale of the residual of each row."""
        decisions, scales = [], []
        values = self.columns.read(X)
        for block, outputs in zip(_blocks(values), self._outputs(values, n_jobs), strict=True):
            decisions.append(self._mean(outputs))
            spreads = self._spreads(outputs)
            scales.append(self.residuals.scales(decisions[-1], spreads, block))
        return np.concatenate(decisions), np.concatenate(scales)

    def _spreads(self, outputs):
        """Return how far members disagree in each row.

        It is the spread of the networks of one fold, on average over folds (as a root mean square),
        which compares with that of predictions for rows held out.
        """
        folds = zip(*self._decoded(outputs), strict=True)
        squares = [spread(np.array(fold), self.weights) ** 2 for fold in folds]
        return np.sqrt(np.mean(squares, axis=0))

    @property
    def weights(self):
        """Weights of the members."""
        return np.array([member.weight for member in self.members])

    def _outputs(self, values, n_jobs):
        """Yield the outputs of all networks of each member, for a block of rows after another."""
        for block in _blocks(values):
            yield [member.outputs(block, n_jobs) for member in self.members]

    def _decoded(self, outputs):
        pairs = zip(self.members, outputs, strict=True)
        return [member.decode(each, self.targets) for member, each in pairs]

    def _mean(self, outputs):
        """Return the weighted mean of the members' predictions, of the mean of each's outputs."""
        decoded = self._decoded([each.mean(axis=0) for each in outputs])
        mean = sum(w * each for w, each in zip(self.weights, decoded, strict=True))
        return at_temperature(mean, self.temperature) if self.targets.is_classifier else mean


def _blocks(values):
    """Yield a block of rows after another."""
    for start in range(0, len(values.numbers), BLOCK):
        yield values.take(slice(start, start + BLOCK))
