"""Random bits of a step: masks of dropout and noise."""

from functools import lru_cache

import numpy as np

_WORD = 0xFFFFFFFF


def philox4x32(counter, key):
    """Four random 32-bit words for each counter: Philox4x32-10.

    Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). Ten rounds of
    two 32 x 32 -> 64 bit products; the low halves stay, the high halves are mixed with the two
    other words and with a key that walks along a Weyl sequence.

    Parameters
    ----------
    counter : four arrays (or ints) below 2**32, broadcast together
    key : two ints below 2**32

    Returns
    -------
    list of four uint32 arrays
    """
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(word, dtype=np.uint64) for word in counter))
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _WORD, (p0 >> 32) ^ c3 ^ k1, p0 & _WORD
        k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
    return [word.astype(np.uint32) for word in (c0, c1, c2, c3)]


@lru_cache(maxsize=256)  # differences ask for the same ones at each evaluation
def words_of(shape, seed, step, stage):
    """Place of each row among four, and the four random words of each element of a batch.

    The counter tells where the element lies, so the same words can be had again at any time and on
    any device. Four rows of a column share one counter: each takes one of its four words.
    """
    rows, columns = (np.arange(length)[:, np.newaxis] for length in shape)
    return rows % 4, philox4x32((columns.T, rows // 4, step, stage), (seed & _WORD, seed >> 32))


def keep_mask(rate, shape, seed, step, stage):
    """Elements of a batch that dropout keeps at a step: True with probability 1 - rate."""
    bits = np.choose(*words_of(shape, seed, step, stage))
    return bits >= min(round(rate * 2**32), _WORD)


def normal_noise(shape, seed, step, stage):
    """Standard normals for each element of a batch or of a weight: Box and Muller (1958).

    The words are those of `keep_mask`. Of two of them, the upper 24 bits give a radius
    sqrt(-2 log u) and an angle; the first of two rows is its cosine, the second its sine.
    """
    row, words = words_of(shape, seed, step, stage)
    bits = [word.astype(float) // 2**8 for word in words]
    radius = np.sqrt(-2 * np.log((np.choose(row // 2, bits[::2]) + 1) / 2**24))
    angle = 2 * np.pi * (np.choose(row // 2, bits[1::2]) + 0.5) / 2**24 - np.pi / 4
    return radius * np.where(row % 2, np.sin(angle), np.cos(angle))
