"""Statistics of batch norm over rows that come part by part."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .._core.codes import Kind, StatisticsForm
from .._core.program import Program, State
from ..losses import LOSSES


def set_statistics(network, every_layer: bool, moments_of: "Callable[[int], Moments]") -> None:
    """Set the moving averages of batch norm to the statistics of all rows, layer after layer.

    They are those of one batch of all rows, up to rounding: a layer's inputs are computed with the
    statistics of the layers before it. So there is a pass over the rows for each layer.

    Parameters
    ----------
    network : Network
    every_layer : bool
        Whether that is done for all layers, or only where ``statistics="exact"``.
    moments_of : callable
        Computes the moments of the inputs of the stage of a number, over all rows; see `inputs_of`.
    """
    stages, statistics = network.program.stages, network.state.statistics
    found = []
    for i in np.flatnonzero(stages["kind"] == Kind.BN_STATISTICS).tolist():
        if not every_layer and stages["code"][i] != StatisticsForm.EXACT:
            continue
        moments = moments_of(i)
        mean, variance = _arrays_of(network.program, stages["statistics"][i])
        mean.view(statistics)[...] = moments.mean
        if stages["groups"][i]:  # of means only
            continue
        variance.view(statistics)[...] = moments.variance
        if stages["parameter"][i]:
            found.append((variance, moments))
    for variance, moments in found:  # training normalises by the biased one
        variance.view(statistics)[...] = moments.unbiased_variance


def _arrays_of(program, start):
    """Return the locations of the mean and the variance whose statistics start there."""
    of_layer = {a.layer for a in program.arrays if a.is_statistic and a.start == start}
    return [a for a in program.arrays if a.is_statistic and a.layer in of_layer]


def check_means_only(program: Program, state: State) -> None:
    """Raise a ValueError if batch norm of means only has scales or variances of another form."""
    stages = program.stages
    for stage in stages[(stages["kind"] == Kind.BN_APPLY) & (stages["groups"] == 1)]:
        n, variance = stage["n_out"], stage["statistics"] + stage["ld_out"]
        constants = state.parameters[stage["weight"] :][:n], state.statistics[variance:][:n]
        if not all((values == 1).all() for values in constants):
            raise ValueError(
                "BatchNorm(mean_only=True) cannot start from a batch norm that has trained scales "
                "and variances: choose the form of the fitted network."
            )


def inputs_of(program: Program, i: int) -> Program:
    """Return a program whose outputs are the inputs of stage number i."""
    stages = program.stages[: i + 1].copy()
    last = stages[i : i + 1]
    last["kind"], last["code"] = Kind.OUTPUT, LOSSES["squared_error"].code
    last["y"], last["ld_out"], last["n_out"] = last["x"], last["ld_in"], last["n_in"]
    return replace(program, stages=stages, n_outputs=int(last["n_in"][0]))


class Moments:
    """Means and variances of columns, added up part by part (Chan et al. 1983, section 1)."""

    def __init__(self):
        self._n, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, values: np.ndarray) -> None:
        """Add rows."""
        mean = values.mean(axis=0, dtype=np.float64)
        self._join(len(values), mean, np.square(values - mean).sum(axis=0))

    def join(self, others: "Moments") -> None:
        """Add the rows of others."""
        self._join(others._n, others.mean, others._squares)

    def _join(self, n, mean, squares):
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
