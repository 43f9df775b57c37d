"""Tables of steps: columns of coefficients, and how long they may get."""

import numpy as np
import pytest
from sklearn.utils import shuffle

from fastnn import SGD, AdamW, Constant, MLPRegressor, Scheduled
from fastnn._train import step_table, steps
from fastnn._train.datasets import Dataset
from fastnn._train.epochs import RowsInMemory
from fastnn._train.history import History
from fastnn._train.settings import Settings
from fastnn._train.stochastic import StochasticTraining
from support.pairs import DATA

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered"),  # in scikit-learn's R2 score
]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "sgd", "l1_ratio": 0.5, "learning_rate": Constant()},
        {"solver": "radam", "batch_size": 300},
        {"augment": "mixup"},
        {"averaging": "ema"},
        {"learning_rate": "cosine"},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"alpha": Scheduled(0.1, "linear")},
        {"solver": AdamW(weight_decay=Scheduled(0.1, "linear"))},
        {"dropout": Scheduled(0.5, "cosine")},
    ],
    ids=str,
)
@pytest.mark.parametrize("per_call", [1 << 16, 5])
def test_tables_made_ahead_change_nothing(options, per_call, monkeypatch):
    X, y = DATA["regression"]
    monkeypatch.setattr(steps, "STEPS_PER_CALL", per_call)
    results = []
    for ahead in (1, 7, 40, 1000):
        monkeypatch.setattr(step_table, "STEPS_AHEAD", ahead)
        model = MLPRegressor(
            **{"hidden_layer_sizes": (5,), "batch_size": 23, "max_iter": 7} | options,
            random_state=0,
        ).fit(X, y)
        model.set_params(max_iter=2, warm_start=True).fit(X, y)
        results.append([*model.loss_curve_, *model.predict(X)])
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_the_rows_are_shuffled_as_scikit_learn_does():
    seen = []

    class Engine:
        def train_steps(self, X, y, sample_weight, rows, batch_size, table, losses, grad_norms):
            seen.append(rows.copy())
            losses[:] = -len(seen)
            return len(table)

    class State:
        parameters, statistics, average = np.zeros(3), np.zeros(0), np.zeros(0)
        slots, step, n_averaged = np.zeros((2, 3)), 0, 0

    rows = np.arange(3, 40)
    data = Dataset(np.zeros((40, 2)), np.zeros(40), None, rows)
    settings = Settings(0.0, 10, 0.1, 4, 10, True, 0.0, False, partial=True)
    history, generator = History(), np.random.RandomState(0)
    epochs = RowsInMemory(data, settings, generator)
    StochasticTraining(
        Engine(), State(), epochs, SGD(), Constant(), settings, history, generator
    ).run()
    generator, expected = np.random.RandomState(0), rows
    for drawn in seen:
        expected = shuffle(expected, random_state=generator)
        np.testing.assert_array_equal(drawn, expected)
    assert len(seen) == 4
    np.testing.assert_array_equal(rows, np.arange(3, 40))
