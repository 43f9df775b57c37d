"""Small tables, and estimators fitted to them once for all tests, which do not modify them."""

from dataclasses import replace

import numpy as np
import pandas
import pytest

from fastnn import TabularMLPClassifier, TabularMLPRegressor
from fastnn.tabular import fitting


def small_table(n_rows, seed):
    """Return a frame of which three columns matter, and one number for each row."""
    rng = np.random.default_rng(seed)
    days = pandas.to_timedelta(rng.integers(0, 28, n_rows), "D")
    frame = pandas.DataFrame(
        {
            "number": rng.standard_normal(n_rows),
            "category": rng.choice(["a", "b", "c"], n_rows),
            "date": pandas.Timestamp("2024-01-01") + days,
            "noise": rng.standard_normal(n_rows),
            "constant": 1,
        }
    )
    frame.loc[::10, "noise"] = np.nan
    y = 2 * frame["number"] + 2 * (frame["category"] == "a") + 0.05 * days.days
    return frame, y.to_numpy() + 0.3 * rng.standard_normal(n_rows)


def classes_of(y):
    return np.array(["low", "middle", "high"])[np.digitize(y, [0, 2])]


SMALL = {"n_networks": 8, "n_folds": 4, "random_state": 0}


@pytest.fixture(scope="session")
def regressor():
    return TabularMLPRegressor(**SMALL).fit(*small_table(200, 0))


@pytest.fixture(scope="session")
def classifier():
    X, y = small_table(200, 0)
    return TabularMLPClassifier(**SMALL).fit(X, classes_of(y))


@pytest.fixture(scope="session")
def new_rows():
    """Rows that the estimators have not seen, their numbers, and their classes."""
    X, y = small_table(1000, 1)
    return X, y, classes_of(y)


@pytest.fixture
def few_epochs(monkeypatch):
    """Networks are small and trained for a few epochs."""

    def draw_short(*arguments):
        return replace(draw(*arguments), max_iter=4, hidden_layer_sizes=(8,), batch_size=32)

    draw = fitting.draw
    monkeypatch.setattr(fitting, "draw", draw_short)
