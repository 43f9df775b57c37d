"""Estimators for tables read sources into memory, and predict them piece by piece."""

import numpy as np
import pandas as pd
import pytest

from fastnn import TabularMLPClassifier, TabularMLPRegressor
from support.sources import RowsInBlocks

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"size": RNG.normal(size=300), "colour": RNG.choice(["red", "blue"], 300)})
SMALL = dict(n_networks=4, n_folds=2, random_state=0)
Y = {
    TabularMLPClassifier: np.where(TABLE["size"] + (TABLE["colour"] == "red") > 0.5, "yes", "no"),
    TabularMLPRegressor: TABLE["size"].to_numpy() + (TABLE["colour"] == "red"),
}


class Frames(RowsInBlocks):
    """Pieces of a frame."""

    def read(self, block, *, targets_only=False):
        for rows in super().read(block, targets_only=targets_only):
            yield rows._replace(X=TABLE.iloc[rows.numbers.start : rows.numbers.stop])


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_a_source_of_frames_is_the_table(estimator):
    y, weights = Y[estimator], np.linspace(1, 2, 300)
    source = Frames(np.zeros((300, 2)), y, weights)
    memory = estimator(**SMALL).fit(TABLE, y, weights)
    model = estimator(**SMALL).fit(source)
    np.testing.assert_array_equal(model.predict(TABLE), memory.predict(TABLE))
    np.testing.assert_array_equal(model.predict(source), memory.predict(TABLE))
    assert list(model.feature_names_in_) == ["size", "colour"]
    assert model.score(source) == pytest.approx(memory.score(TABLE, y, weights))
    with pytest.raises(ValueError, match="leave out y"):
        model.fit(source, y)
    if estimator is TabularMLPRegressor:
        np.testing.assert_array_equal(
            model.predict(source, return_std=True), memory.predict(TABLE, return_std=True)
        )
        np.testing.assert_array_equal(
            model.predict_quantiles(source), memory.predict_quantiles(TABLE)
        )


def test_a_source_of_arrays_is_their_rows():
    X, y = TABLE[["size"]].to_numpy(), Y[TabularMLPClassifier]
    model = TabularMLPClassifier(**SMALL).fit(RowsInBlocks(X, y))
    memory = TabularMLPClassifier(**SMALL).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), memory.predict_proba(X))
