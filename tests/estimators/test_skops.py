"""Estimators as files of skops, which names the types that a file holds before it makes them."""

import re

import numpy as np
import pytest

from fastnn import Adam, Dense, MLPClassifier, MLPRegressor
from support import ROOT

skops_io = pytest.importorskip("skops.io")
RNG = np.random.default_rng(0)
X, Y = RNG.random((60, 5)), np.arange(60) % 3
PAGE = (ROOT / "docs" / "guide" / "deploy.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r'"(fastnn\.[\w.]+)"', PAGE.partition("## skops")[2]))
SPECS = {f"{type(spec).__module__}.{type(spec).__name__}" for spec in (Adam(), Dense(1))}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier(max_iter=2),
        MLPClassifier(max_iter=2, early_stopping=True, averaging="ema"),
        MLPClassifier(max_iter=2, layers=[Dense(4), "relu"]),
        MLPRegressor(max_iter=2, solver=Adam(beta_1=0.8)),
    ],
    ids=str,
)
def test_a_file_holds_the_documented_types(model):
    file = skops_io.dumps(model.fit(X, Y))
    types = skops_io.get_untrusted_types(data=file)
    assert set(types) <= DOCUMENTED | SPECS
    loaded = skops_io.loads(file, trusted=types)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
