"""A small regression, and steps for schedules to be asked about."""

import math

import numpy as np
from sklearn.datasets import make_regression

from fastnn.schedules import Steps

X, Y = make_regression(40, 6, random_state=3)
Y = Y / Y.std()


def steps(n, first=0, planned=None, steps_per_epoch=10, **others):
    """Steps of several epochs at once."""
    number = np.arange(first, first + n)
    planned = first + n if planned is None else planned
    return Steps(
        number=number,
        epoch=number // steps_per_epoch,
        n_steps=planned,
        n_epochs=math.ceil(planned / steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        **others,
    )


OPTIONS = {"hidden_layer_sizes": (5,), "batch_size": 10, "max_iter": 6, "random_state": 0}
