"""The settings of a training."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..schedules import Scheduled, Steps
from .regularization import Regularization


@dataclass
class Settings:
    """Parameters of the estimator that belong to training.

    `columns` are further columns of the table of steps: see `step_table`.
    """

    alpha: float | Scheduled
    batch_size: int
    learning_rate_init: float
    max_iter: int
    n_iter_no_change: float
    shuffle: bool | str
    tol: float
    verbose: Any
    loss_divisor: int = 1  # of the engine's data loss, in reports
    partial: bool = False  # a single epoch, which is not expected to converge
    regularization: Regularization = field(default_factory=Regularization)
    planned_epochs: int = 1  # in all calls, for schedules
    early_stopping: bool = False  # whether the validation score decides
    columns: dict[int, float | Callable[[Steps], Any]] = field(default_factory=dict)
    mixing: Any = None  # `Mixing` of the rows of a batch, by the engine
    augmentation: Any = None  # `BackgroundAugmentation` of all rows of an epoch
    row_augmentation: Any = None  # `RowAugmentation` of those of a part
    label_smoothing: float | Scheduled = 0.0
    heads: Any = None  # network of several heads, of which the history tells

    @property
    def n_heads(self) -> int:
        """Number of the heads whose losses the history tells."""
        return 0 if self.heads is None else len(self.heads.head_names)

    @property
    def times(self) -> int:
        """Number of times that each row comes in an epoch, with its copies."""
        augmentation = self.row_augmentation
        return (
            1 if augmentation is None or augmentation.repeat is None else augmentation.repeat.times
        )
