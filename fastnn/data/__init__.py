"""Sources of rows that are read block by block, such as files larger than memory."""

from typing import TYPE_CHECKING

from .._lazy import lazy_names
from .source import Source

if TYPE_CHECKING:
    from .arrays import Arrays
    from .arrow import Arrow
    from .batches import Batches
    from .csv import CSV
    from .hdf5 import HDF5
    from .images import ImageFolder
    from .mapped import partial_fit
    from .parquet import Parquet

__all__ = [
    "CSV",
    "HDF5",
    "Arrays",
    "Arrow",
    "Batches",
    "ImageFolder",
    "Parquet",
    "Source",
    "partial_fit",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "arrays": ("Arrays",),
        "arrow": ("Arrow",),
        "batches": ("Batches",),
        "csv": ("CSV",),
        "hdf5": ("HDF5",),
        "images": ("ImageFolder",),
        "mapped": ("partial_fit",),
        "parquet": ("Parquet",),
    },
)
