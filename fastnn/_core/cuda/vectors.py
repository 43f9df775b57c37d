"""Four numbers that lie side by side, read or written at once.

A GPU moves 16 bytes for a thread as fast as 4. Rows begin at multiples of 64 bytes (`padded` of
``program.py``), and so the numbers begin at a column that is a multiple of four.
"""

from ._numba import SIMULATED, four_at_once
from .kernels import device, real

if SIMULATED:

    @device
    def load_four(array, i, j):
        """The numbers at (i, j) and in the three columns behind."""
        return array[i, j], array[i, j + 1], array[i, j + 2], array[i, j + 3]

    @device
    def store_four(array, i, j, numbers):
        """The numbers -> (i, j) and the three columns behind."""
        for e in range(4):
            array[i, j + e] = numbers[e]

else:
    load_four, store_four = four_at_once()


@device
def four_zeros():
    return real(0), real(0), real(0), real(0)
