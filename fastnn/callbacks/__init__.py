"""Callbacks: objects whose methods are called during training, to stop, save or monitor it."""

from typing import TYPE_CHECKING

from .._lazy import lazy_names
from .base import Callback, Context

if TYPE_CHECKING:
    from .checkpoint import Checkpoint, load_checkpoint
    from .jumps import LossJumps
    from .logs import CSVLogger, MLflow, TensorBoard
    from .progress import ProgressBar
    from .stopping import EarlyStopping, ReduceLROnPlateau, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "Context",
    "EarlyStopping",
    "LossJumps",
    "MLflow",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
    "load_checkpoint",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "checkpoint": ("Checkpoint", "load_checkpoint"),
        "jumps": ("LossJumps",),
        "logs": ("CSVLogger", "MLflow", "TensorBoard"),
        "progress": ("ProgressBar",),
        "stopping": ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN"),
    },
)
