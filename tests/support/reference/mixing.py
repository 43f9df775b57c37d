"""Mixing of rows: mixup and CutMix."""

from typing import NamedTuple

import numpy as np


class Mixing(NamedTuple):
    """Mixture of the rows of a batch: a row keeps `weight` of itself.

    The rest is of its partner, the row `shift` rows later. Where there are runs, the rest is what
    lies in them: n_runs runs of `run` columns, `stride` apart, from column `first`.
    """

    weight: float = 1.0
    shift: int = 0
    first: int = 0
    run: int = 0
    n_runs: int = 0
    stride: int = 0


def partners(a, mixing):
    """The partner of each row of a batch."""
    return np.roll(a, -mixing.shift, axis=0)


def mix_rows(x, mixing):
    """Zhang et al., "mixup" (2018), eq. 1; Yun et al., "CutMix" (2019), eq. 1, with runs."""
    if mixing.n_runs == 0:
        return mixing.weight * x + (1 - mixing.weight) * partners(x, mixing)
    runs = mixing.first + mixing.stride * np.arange(mixing.n_runs)[:, np.newaxis]
    columns = (runs + np.arange(mixing.run)).ravel()
    mixed = x.copy()
    mixed[:, columns] = partners(x, mixing)[:, columns]
    return mixed
