"""Normally distributed noise by the transform of Box and Muller: twin of ``cpu/normal.h``.

Only the upper 24 bits of each word count, which both types hold exactly: they draw the same numbers
up to rounding, here and on the CPU.
"""

from ._numba import cuda
from .elementary import logarithm, square_root
from .kernels import IS_DOUBLE, device, kernel, real
from .philox import philox
from .steps import CURSOR, N_ROWS, STEP

#: Angles of a quarter of the circle, and their distance.
QUARTER = 1 << 22
ANGLE = 1.5707963267948966 / QUARTER
#: Of the number of radii.
ONE_OF_2_24 = 2.0**-24


@device
def small_sine(t):
    """sin t, |t| <= pi / 4: Taylor's series, cut where the rest is below half a unit.

    CUDA's own sine takes any angle, and local memory for it.
    """
    square = t * t
    series = real(1 / 362880)
    if IS_DOUBLE:
        series = real(-1 / 1307674368000) + square * real(1 / 355687428096000)
        series = real(1 / 6227020800) + square * series
        series = real(1 / 362880) + square * (real(-1 / 39916800) + square * series)
    series = real(1 / 120) + square * (real(-1 / 5040) + square * series)
    return t + t * square * (real(-1 / 6) + square * series)


@device
def small_cosine(t):
    """cos t, |t| <= pi / 4, likewise."""
    square = t * t
    series = real(-1 / 3628800)
    if IS_DOUBLE:
        series = real(1 / 20922789888000) + square * real(-1 / 6402373705728000)
        series = real(1 / 479001600) + square * (real(-1 / 87178291200) + square * series)
        series = real(-1 / 3628800) + square * series
    series = real(-1 / 720) + square * (real(1 / 40320) + square * series)
    return real(1) + square * (real(-1 / 2) + square * (real(1 / 24) + square * series))


@device
def one_normal(word_0, word_1, second):
    """The first or the second of the two independent normals of two words.

    r cos a and r sin a, with r = sqrt(-2 log u) for u of (0, 1], and an angle a of the whole
    circle, that begins at -pi / 4.
    """
    u = real((word_0 >> 8) + 1) * real(ONE_OF_2_24)
    r = square_root(real(-2) * logarithm(u))
    angle = word_1 >> 8
    quarter = angle >> 22
    t = (real((angle & (QUARTER - 1)) - QUARTER // 2) + real(0.5)) * real(ANGLE)
    # The sine is the cosine of a quarter less.
    turns = (quarter + 3 * second) & 3
    size = r * (small_sine(t) if turns & 1 else small_cosine(t))
    return -size if turns == 1 or turns == 2 else size


@device
def normal_at(row, column, step, stage, key_0, key_1):
    """The standard normal number of (row, column): of the words that dropout has at two rows."""
    word_0, word_1, word_2, word_3 = philox(column, row // 4, step, stage, key_0, key_1)
    if row % 4 >= 2:
        word_0, word_1 = word_2, word_3
    return one_normal(word_0, word_1, row % 2)


@kernel
def normal_noise(words, reals, x, y, n, stage, deviation, key_0, key_1):
    """y = x + deviation * noise; x and y may be the same."""
    at = words[0, CURSOR]
    n_rows, step = words[at, N_ROWS], words[at, STEP]
    thread, threads = cuda.grid(2), cuda.gridsize(2)
    for i in range(thread[1], n_rows, threads[1]):
        for j in range(thread[0], n, threads[0]):
            y[i, j] = x[i, j] + deviation * normal_at(i, j, step, stage, key_0, key_1)
