"""Hyperparameters of the networks, drawn at random."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Configuration:
    """Hyperparameters of one network; `Encoding` documents those of the encoding.

    Attributes
    ----------
    max_iter : int
        Maximum number of epochs.
    patience : float
        Multiple of the best epoch, plus 5, at which training ends.
    schedule : {"constant", "cosine"}
        Schedule of the learning rate: "cosine" decreases it to zero over `max_iter` epochs.
    averaged : float
        Number of epochs over which the parameters are averaged for prediction; 0 is none.
    target_transform : str or None
        Name of the transform of the targets.
    least_importance : float
        Columns of a lower importance are omitted, if importances are known, as a multiple of the
        mean importance.
    """

    hidden_layer_sizes: tuple[int, ...] = (128, 128)
    activation: str = "relu"
    dropout: float = 0.0
    label_smoothing: float = 0.0
    learning_rate_init: float = 2e-3
    weight_decay: float = 1e-2
    beta_2: float = 0.999
    batch_size: int = 32
    max_iter: int = 250
    patience: float = 3.0
    scaling: str = "quantile"
    expansion: str = ""
    n_bins: int = 12
    n_frequencies: int = 8
    frequency: float = 0.1
    target_transform: str | None = None
    least_importance: float = 0.0
    schedule: str = "constant"
    averaged: float = 0.0

    def learning_rates(self, n_batches):
        """Return the learning rate of each step."""
        n = n_batches * self.max_iter
        if self.schedule == "cosine":
            return self.learning_rate_init * (1 + np.cos(np.pi * np.arange(n) / n)) / 2
        return np.full(n, self.learning_rate_init)


#: Number of networks of each preset, as a multiple of the default.
PRESETS = {"fast": 0.3, "default": 1.0, "best": 5.0}

#: Number of folds, and of networks by default for values and for classes, from so many rows on.
_BY_ROWS = ((100_000, 1, 4, 6), (20_000, 3, 10, 16), (2_500, 5, 18, 32), (0, 8, 26, 37))

#: Candidates that compete to be a member of the ensemble.
_CANDIDATES_PER_MEMBER = 4


class Plan(NamedTuple):
    """Numbers of configurations that compete, of those trained on all folds, and of folds."""

    n_candidates: int
    n_finalists: int
    n_folds: int

    @property
    def n_networks(self):
        """Number of networks that are trained."""
        return self.n_candidates + self.n_finalists * (self.n_folds - 1)


def plan(preset, n_rows, is_classifier, n_networks=None, n_folds=None):
    """Return the plan of a preset for a table of so many training rows.

    `n_networks` and `n_folds` replace those of the preset.
    """
    usual_folds, *usual = next(row[1:] for row in _BY_ROWS if n_rows >= row[0])
    n_folds = n_folds or usual_folds
    n_networks = n_networks or max(1, round(PRESETS[preset] * usual[is_classifier]))
    n_folds = min(n_folds, n_networks)
    n_finalists = max(1, n_networks // (_CANDIDATES_PER_MEMBER + n_folds - 1))
    n_candidates = max(n_finalists, n_networks - n_finalists * (n_folds - 1))
    if n_folds == 1:
        n_finalists = n_candidates
    return Plan(n_candidates, n_finalists, n_folds)


def log_uniform(rng, low, high):
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


#: Rows from which on networks are wider, and epochs fewer.
_LARGE = 20_000

#: Most epochs of a schedule that lowers the learning rate to zero, where there are fewer rows, and
#: those of as many rows as there may be.
_EPOCHS, _FEWEST_EPOCHS = 48, 6

#: Most inputs of a network that an expansion makes of numbers, unless there are very many numbers.
_MOST_INPUTS = 320


def draw(rng, n_rows, n_numbers, is_classifier, transforms=(None,)):
    """Draw a configuration for a table.

    Parameters
    ----------
    rng : RandomState
    n_rows : int
        Number of training rows.
    n_numbers : int
        Number of columns of numbers.
    is_classifier : bool
    transforms : sequence
        Transforms of the targets to choose from, the most likely first.
    """

    def one_of(*values):
        return values[rng.randint(len(values))]

    def fitting(*values):
        return max(1, min(one_of(*values), _MOST_INPUTS // max(1, n_numbers)))

    is_large = n_rows >= _LARGE
    depths = (1, 2, 2, 2, 3, 3) if is_classifier else (1, 2, 2, 2, 3, 3, 3)
    widths = (128, 192, 256) if is_large else (64, 64, 96, 128)
    batch = 2 ** round(np.log2(max(1, n_rows / one_of(24, 48))))
    return Configuration(
        hidden_layer_sizes=(one_of(*widths),) * one_of(*depths),
        activation=one_of("relu", "gelu", "mish", "tanh", "silu"),
        dropout=one_of(0.0, 0.1, 0.1, 0.25, 0.4) if is_classifier else one_of(0.0, 0.0, 0.0, 0.05),
        label_smoothing=one_of(0.0, 0.0, 0.0, 0.05) if is_classifier else 0.0,
        weight_decay=log_uniform(rng, 1e-3, 0.5),
        beta_2=one_of(0.95, 0.999),
        batch_size=int(np.clip(batch, 32, 256 if is_large else 128)),
        scaling=one_of("robust", "quantile", "standard" if is_classifier else "quantile"),
        expansion=one_of("piecewise", "piecewise", "cosines", "" if is_classifier else "piecewise"),
        n_bins=max(4, fitting(6, 8, 12, 16)),
        n_frequencies=fitting(4, 8),
        frequency=log_uniform(rng, 0.05, 0.3),
        target_transform=one_of(transforms[0], *transforms),
        least_importance=one_of(0.05, 0.1, 0.2, 0.3),
        **_draw_schedule(rng, one_of, _n_epochs(n_rows)),
    )


def _n_epochs(n_rows):
    """Return the number of epochs, which falls with the square root of many rows."""
    return max(_FEWEST_EPOCHS, round(_EPOCHS / max(1.0, (n_rows / _LARGE) ** 0.5)))


def _draw_schedule(rng, one_of, n_epochs):
    """Draw the learning rate, and when training ends."""
    if one_of(True, False):
        return {
            "schedule": "cosine",
            "max_iter": round(n_epochs * one_of(0.67, 1)),
            "patience": np.inf,
            "learning_rate_init": log_uniform(rng, 2e-3, 8e-3),
        }
    return {
        "averaged": one_of(0.0, 3.0),
        "max_iter": 2 * n_epochs,
        "patience": 1.8,
        "learning_rate_init": log_uniform(rng, 1.5e-3, 6e-3),
    }
