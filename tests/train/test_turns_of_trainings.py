"""Trainings driven in turns."""

import numpy as np
import pytest

from fastnn import MLPRegressor
from fastnn._train import steps
from fastnn._train.stochastic import StochasticTraining
from support.pairs import DATA

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered"),  # in scikit-learn's R2 score
]


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"augment": "mixup"}], ids=str)
def test_trainings_driven_in_turns_give_the_bits_of_each_alone(options, monkeypatch):
    def models():
        for solver, n in (("adam", 7), ("sgd", 4)):
            own = {"solver": solver, "max_iter": n, "random_state": np.random.RandomState(n)}
            yield MLPRegressor(hidden_layer_sizes=(5,), batch_size=23, **own, **options)

    X, y = DATA["regression"]
    alone = [model.fit(X, y) for model in models()]
    trainings = []
    monkeypatch.setattr(StochasticTraining, "run", lambda training: trainings.append(training))
    in_turns = [model.fit(X, y) for model in models()]
    while begun := [training for training in trainings if training.begin_epoch()]:
        for training, result in [(training, steps.take_steps(training)) for training in begun]:
            training.end_epoch(result)
    for training in trainings:
        training.finish()
    for one, other in zip(in_turns, alone, strict=True):
        assert one.loss_curve_ == other.loss_curve_
        assert one._history.columns["grad_norm"] == other._history.columns["grad_norm"]
        np.testing.assert_array_equal(one.predict(X), other.predict(X))
