"""The CPU engine; see ``engine.pyx``."""

from ..engine_base import EngineBase
from .engine import NativeEngine, Predictor, isa_info, train_side_by_side
from .threads import n_threads, share_threads


class Engine(EngineBase, NativeEngine):
    """Training of one state of one program, in place; see `NativeEngine`."""

    rows_per_block = 1024


__all__ = [
    "Engine",
    "Predictor",
    "isa_info",
    "n_threads",
    "share_threads",
    "train_side_by_side",
]
