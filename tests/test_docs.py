"""What the documentation shows runs."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import MLPClassifier, MLPRegressor

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = [
    block
    for path in sorted(DOCS.glob("*.md"))
    for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
]
rng = np.random.default_rng(0)
X, X_val = rng.standard_normal((60, 12)), rng.standard_normal((30, 12))
Y, Y_VAL = (abs(rows[:, 0]) for rows in (X, X_val))
PROBABILITIES = np.full((60, 3), 1 / 3)


def fitted(cls, y):
    """A stand-in for a class: each of its estimators is fitted at once, so that it is validated."""

    def build(*args, **parameters):
        model = cls(*args, **{"max_iter": 4, **parameters})
        return model.fit(X, y)

    return build


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_block(block):
    names = {name: getattr(fastnn, name) for name in fastnn.__all__}
    names |= {"value": lambda x: math.tanh(x), "derivative": lambda x: 1 - math.tanh(x) ** 2}
    names |= {"loss_value": lambda z, y: (z - y) ** 2, "loss_derivative": lambda z, y: 2 * (z - y)}
    names |= {"X": X, "X_val": X_val, "rows_of_probabilities": PROBABILITIES}
    names["columns_of_classes"] = np.digitize(X[:, :2], [-0.5, 0.5])
    regression, classification = {"y": Y, "y_val": Y_VAL}, {"y": Y > 0.7, "y_val": Y_VAL > 0.7}
    names |= {
        "MLPRegressor": fitted(MLPRegressor, Y),
        "MLPClassifier": fitted(MLPClassifier, classification["y"]),
    }
    exec(block, names | (regression if "MLPClassifier" not in block else classification))


def test_there_are_blocks():
    assert len(BLOCKS) >= 4
