"""Callbacks: functions called during training, to stop it, save it or show its progress."""

from .base import Callback, Context
from .checkpoint import Checkpoint, load_checkpoint
from .logs import CSVLogger, MLflow, TensorBoard
from .progress import ProgressBar
from .stopping import EarlyStopping, ReduceLROnPlateau, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "Context",
    "EarlyStopping",
    "MLflow",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
    "load_checkpoint",
]
