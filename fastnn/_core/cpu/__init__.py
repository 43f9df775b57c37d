"""The CPU engine; see ``engine.pyx``."""

from ..engine_base import EngineBase
from .engine import NativeEngine, isa_info, predict
from .threads import n_threads


class Engine(EngineBase, NativeEngine):
    """Training of one state of one program, in place; see `NativeEngine`."""

    rows_per_block = 1024


__all__ = ["Engine", "isa_info", "n_threads", "predict"]
