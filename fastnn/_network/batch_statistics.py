"""Statistics of batch norm over rows that come part by part."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .._core.codes import Kind, StatisticsForm
from ..losses import LOSSES


def set_statistics(network, parts: Callable[[], Iterator], every_layer: bool, predict) -> None:
    """Set the moving averages of batch norm to the statistics of all rows, layer after layer.

    They are those of one batch of all rows, up to rounding: a layer's inputs are computed with the
    statistics of the layers before it. So there is a pass over the rows for each layer.

    Parameters
    ----------
    network : Network
    parts : callable
        Returns an iterator over data sets, anew for each pass.
    every_layer : bool
        Whether that is done for all layers, or only where ``statistics="exact"``.
    predict : callable
        Computes the outputs of a network for rows.
    """
    stages, statistics = network.program.stages, network.state.statistics
    found = []
    for i in np.flatnonzero(stages["kind"] == Kind.BN_STATISTICS):
        if not every_layer and stages["code"][i] != StatisticsForm.EXACT:
            continue
        inputs, moments = _network_up_to(network, i), _Moments()
        for part in parts():
            moments.add(predict(inputs, part.X))
        mean, variance = _arrays_of(network.program, stages["statistics"][i])
        mean.view(statistics)[...] = moments.mean
        variance.view(statistics)[...] = moments.variance
        found.append((variance, moments))
    for variance, moments in found:  # training normalises by the biased one
        variance.view(statistics)[...] = moments.unbiased_variance


def _arrays_of(program, start):
    """Return the locations of the mean and the variance whose statistics start there."""
    of_layer = {a.layer for a in program.arrays if a.is_statistic and a.start == start}
    return [a for a in program.arrays if a.is_statistic and a.layer in of_layer]


def _network_up_to(network, i):
    """Return a network whose outputs are the inputs of stage number i."""
    stages = network.program.stages[: i + 1].copy()
    last = stages[i : i + 1]
    last["kind"], last["code"] = Kind.OUTPUT, LOSSES["squared_error"].code
    last["y"], last["ld_out"], last["n_out"] = last["x"], last["ld_in"], last["n_in"]
    program = replace(network.program, stages=stages, n_outputs=int(last["n_in"][0]))
    return network.variant(program=program)


class _Moments:
    """Means and variances of columns, added up part by part (Chan et al. 1983, section 1)."""

    def __init__(self):
        self._n, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, values: np.ndarray) -> None:
        n, mean = len(values), values.mean(axis=0, dtype=np.float64)
        squares = np.square(values - mean).sum(axis=0)
        total, away = self._n + n, mean - self.mean
        self._squares = self._squares + squares + away**2 * (self._n * n / total)
        self.mean = self.mean + away * (n / total)
        self._n = total

    @property
    def variance(self) -> np.ndarray:
        return self._squares / self._n

    @property
    def unbiased_variance(self) -> np.ndarray:
        return self._squares / max(1, self._n - 1)
