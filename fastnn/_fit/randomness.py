"""Generators that fits draw from."""

from contextlib import contextmanager
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

# Those that are not in use: to make one takes a hundred times as long as to set its seed.
_spare: list[np.random.RandomState] = []


def may_be_kept(model):
    """Return whether code of the user gets the generator of a fit, and may keep it."""
    users = model.weight_init, model.bias_init, model.augment
    return not all(isinstance(one, str | None) for one in users)


@contextmanager
def generator(random_state, to_keep=False):
    """Lend the generator that `random_state` stands for.

    Parameters
    ----------
    random_state : int, RandomState or None
    to_keep : bool, default=False
        Whether somebody might keep it: it is made anew then.
    """
    if to_keep or not isinstance(random_state, Integral):
        yield check_random_state(random_state)
        return
    try:
        drawn = _spare.pop()
    except IndexError:
        drawn = np.random.RandomState()
    drawn.seed(random_state)
    try:
        yield drawn
    finally:
        _spare.append(drawn)
