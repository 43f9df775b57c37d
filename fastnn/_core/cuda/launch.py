"""How kernels are launched: grids, device memory, and steps replayed from a graph."""

from __future__ import annotations

import numpy as np

from ._numba import SIMULATED, cuda
from .dense import TILE, TILE_THREADS
from .kernels import COLUMNS, LANES, THREADS

# Blocks of an elementwise kernel: enough for all multiprocessors, which then go through the rest.
MOST_BLOCKS = 2 if SIMULATED else 1024
MOST_TILES = 2 if SIMULATED else 4096


def over_elements(n):
    """Grid and block of a kernel that goes through n elements."""
    return max(1, min(-(-n // THREADS), MOST_BLOCKS)), THREADS


def over_rows(n):
    """Those of a kernel with a block for each of n rows."""
    return max(1, min(n, MOST_BLOCKS)), THREADS


def over_columns(n):
    """Those of a kernel with a few threads for each of n columns."""
    return -(-n // COLUMNS), (COLUMNS, LANES)


def over_tiles(m, n):
    """Those of a product of m rows and n columns."""
    return (-(-n // TILE), max(1, min(-(-m // TILE), MOST_TILES))), TILE_THREADS


ONE_BLOCK = 1, THREADS


def zeros(shape, dtype):
    """Zeroed memory of the device."""
    return cuda.to_device(np.zeros(shape, dtype))
