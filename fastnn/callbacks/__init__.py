"""What is called in the course of a training: to stop it, to keep it, to show it."""

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
