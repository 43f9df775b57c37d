"""Hyperparameters of the networks, drawn at random."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Configuration:
    """Hyperparameters of one network; `Encoding` explains those of its rows.

    Attributes
    ----------
    patience : float
        Training ends at this multiple of the best epoch, plus 5.
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
    schedule: str = "constant"
    averaged: float = 0.0
    bfloat16: bool = False

    def learning_rates(self, n_batches):
        """Return the learning rate of each step."""
        n = n_batches * self.max_iter
        if self.schedule == "cosine":
            return self.learning_rate_init * (1 + np.cos(np.pi * np.arange(n) / n)) / 2
        return np.full(n, self.learning_rate_init)


#: Number of networks of each preset, for a table that is divided in 8 folds.
PRESETS = {"fast": 11, "default": 44, "best": 220}

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


def plan(preset, n_rows, n_networks=None, n_folds=None):
    """Return the plan of a preset for a table of so many training rows.

    `n_networks` and `n_folds` replace those of the preset.
    """
    if n_folds is None:
        n_folds = 8 if n_rows < 20_000 else 4 if n_rows < 100_000 else 1
    n_networks = n_networks or PRESETS[preset]
    n_folds = min(n_folds, n_networks)
    n_finalists = max(1, n_networks // (_CANDIDATES_PER_MEMBER + n_folds - 1))
    n_candidates = max(n_finalists, n_networks - n_finalists * (n_folds - 1))
    return Plan(n_candidates, n_finalists, n_folds)


def log_uniform(rng, low, high):
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw(rng, n_rows, is_classifier, transforms=(None,)):
    """Draw a configuration for a table of so many training rows.

    Parameters
    ----------
    rng : RandomState
    n_rows : int
    is_classifier : bool
    transforms : sequence
        Transforms of the targets to choose from.
    """

    def one_of(*values):
        return values[rng.randint(len(values))]

    batch = n_rows / one_of(16, 32, 64)
    return Configuration(
        hidden_layer_sizes=(one_of(64, 128),) * one_of(1, 2, 2, 3),
        activation=one_of("relu", "gelu", "mish", "tanh"),
        dropout=one_of(0.0, 0.1, 0.25, 0.4) if is_classifier else one_of(0.0, 0.0, 0.1, 0.25),
        learning_rate_init=log_uniform(rng, 7e-4, 4e-3),
        weight_decay=log_uniform(rng, 1e-3, 0.3),
        batch_size=int(np.clip(2 ** round(np.log2(max(batch, 1))), 16, 256)),
        scaling=one_of("standard", "robust", "quantile"),
        expansion=one_of("", "cosines", "piecewise", "piecewise"),
        n_bins=one_of(12, 48),
        frequency=log_uniform(rng, 0.02, 0.3),
        target_transform=one_of(*transforms),
    )
