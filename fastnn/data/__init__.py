"""Sources of rows: files larger than memory, and whatever else is read block by block."""

from .source import Source

__all__ = ["Source"]
