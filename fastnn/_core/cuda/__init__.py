"""The CUDA engine; see ``engine.py``."""

from .arrays import all_finite, take_rows, to_host
from .engine import Engine, Predictor

__all__ = [
    "Engine",
    "Predictor",
    "all_finite",
    "n_threads",
    "refuse",
    "take_rows",
    "to_host",
    "train_side_by_side",
]


def n_threads(n_jobs, operations, repeats=1):
    """Threads of the processor: one, that tells the GPU what to do."""
    return 1


def train_side_by_side(calls, n_threads):
    """Take the steps of several engines in turn; return how many each has taken."""
    return [engine.train_steps(*arguments) for engine, arguments in calls]


def refuse(program):
    """Raise a ValueError for what this engine leaves out."""
    if program.bfloat16:
        raise ValueError(
            "precision='bfloat16' needs device='cpu'. With device='cuda' choose "
            "precision='tf32', whose products are rounded too, or 'float32'; a network that was "
            "fitted in bfloat16 predicts with device='cpu'."
        )
