"""What is trained on, and the estimator's parameters that belong to training."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..schedules import Scheduled, Steps
from .regularization import Regularization


class Data(NamedTuple):
    """What an engine trains on, and which rows of it."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    rows: np.ndarray


@dataclass
class Settings:
    """The estimator's parameters that belong to training.

    `columns` has what else is in the table of the steps, by its column: see `step_table`.
    """

    alpha: float | Scheduled
    batch_size: int
    learning_rate_init: float
    max_iter: int
    n_iter_no_change: float
    shuffle: bool
    tol: float
    verbose: Any
    loss_divisor: int = 1  # what the engine's data loss is divided by to be reported
    partial: bool = False  # a single epoch, that is not expected to converge
    regularization: Regularization = field(default_factory=Regularization)
    planned_epochs: int = 1  # in all calls, for schedules
    early_stopping: bool = False  # whether the validation score decides
    columns: dict[int, float | Callable[[Steps], Any]] = field(default_factory=dict)
    mixing: Any = None  # of the rows of a batch, by the engine: see ``augment/mixing.py``
    augmentation: Any = None  # of the rows of an epoch: a `BackgroundAugmentation`
    label_smoothing: float | Scheduled = 0.0
