"""The CUDA engine; see ``engine.py``."""

from .engine import Engine, predict

__all__ = ["Engine", "predict"]
