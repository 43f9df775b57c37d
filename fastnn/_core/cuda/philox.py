"""Philox4x32-10: random words from a counter and a key, no state: twin of ``cpu/philox.h``.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Words of 32 bits are carried
in int64.
"""

import numpy as np

from .kernels import device

ROUNDS = 10
MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
LOW = 0xFFFFFFFF


@device
def high_word(a, b):
    """The upper 32 bits of the product of two words."""
    return np.int64((np.uint64(a) * np.uint64(b)) >> np.uint64(32))


@device
def low_word(a, b):
    """The lower 32 bits of the product of two words."""
    return np.int64((np.uint64(a) * np.uint64(b)) & np.uint64(LOW))


@device
def philox(word_0, word_1, word_2, word_3, key_0, key_1):
    """Four random words at a counter of four words."""
    for _ in range(ROUNDS):
        product = high_word(MULTIPLIER_1, word_2) ^ word_1 ^ key_0
        word_1 = low_word(MULTIPLIER_1, word_2)
        other = high_word(MULTIPLIER_0, word_0) ^ word_3 ^ key_1
        word_3 = low_word(MULTIPLIER_0, word_0)
        word_0, word_2 = product, other
        key_0 = (key_0 + WEYL_0) & LOW
        key_1 = (key_1 + WEYL_1) & LOW
    return word_0, word_1, word_2, word_3


@device
def random_word(row, column, step, stage, key_0, key_1):
    """The word of (row, column): word row % 4 of the counter (column, row // 4, step, stage)."""
    word_0, word_1, word_2, word_3 = philox(column, row // 4, step, stage, key_0, key_1)
    which = row % 4
    if which == 0:
        return word_0
    if which == 1:
        return word_1
    return word_2 if which == 2 else word_3
