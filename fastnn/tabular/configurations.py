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


#: Number of configurations of each preset.
PRESETS = {"fast": 1, "default": 4, "best": 20}


class Plan(NamedTuple):
    """Numbers of configurations, and of folds for each."""

    n_configurations: int
    n_folds: int


def plan(preset, n_rows):
    """Return the plan of a preset for a table of so many training rows."""
    n_folds = 8 if n_rows < 20_000 else 4 if n_rows < 100_000 else 1
    return Plan(PRESETS[preset], n_folds)


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
