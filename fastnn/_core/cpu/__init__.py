"""The CPU engine; see ``engine.pyx``."""

from ..engine_base import EngineBase
from .engine import NativeEngine, NativePredictor, isa_info, train_side_by_side
from .teams import PredictingTeam, Team
from .threads import n_threads, share_threads


class Engine(EngineBase, NativeEngine):
    """Training of one state of one program, in place; see `NativeEngine`."""

    rows_per_block = 1024

    def __init__(self, program, state, optimizer, max_batch, n_threads, seed, isa=None):
        super().__init__(program, state, optimizer, max_batch, n_threads, seed, isa)
        self.team = Team(n_threads) if n_threads > 1 else None


class Predictor(NativePredictor):
    """Predictions of one network; see `NativePredictor`."""

    new_team = PredictingTeam


__all__ = [
    "Engine",
    "Predictor",
    "isa_info",
    "n_threads",
    "share_threads",
    "train_side_by_side",
]
