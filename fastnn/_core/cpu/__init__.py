"""The CPU engine; see ``engine.pyx``."""

from .engine import Engine, isa_info, predict
from .threads import n_threads

__all__ = ["Engine", "isa_info", "n_threads", "predict"]
