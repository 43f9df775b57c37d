"""Memory that is refused: the n-th large array of a call cannot be had, for every n.

NumPy's arrays are taken from a handler of ours. After a `MemoryError` the estimator is as it was:
what is trained from there has the bits that it would have had.
"""

import copy
import warnings

import numpy as np
import pytest
from scipy import sparse

from fastnn import EMA, BatchNorm, Mixup, MLPClassifier
from support.refusal import refuses

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 40)).astype(np.float32)
Y = np.arange(60) % 3
#: Arrays of fewer bytes are given: what is about rows or weights is larger.
LEAST = 1 << 10

COMMON = {"hidden_layer_sizes": (30, 20), "max_iter": 2, "batch_size": 20, "random_state": 0}
KINDS = {
    "plain": {},
    "batch norm": {"normalization": BatchNorm(statistics="exact"), "dropout": 0.2},
    "averages": {"averaging": EMA(0.5), "solver": "lamb"},
    "bfloat16": {"precision": "bfloat16", "normalization": "weight"},
    "float64": {"precision": "float64", "solver": "rmsprop", "max_norm": 2.0},
    "mixup": {"augment": Mixup(0.3), "weight_noise": 0.1},
    "early stopping": {"early_stopping": True},
    "lbfgs": {"solver": "lbfgs"},
}
CASES = [(name, rows) for name in KINDS for rows in ("dense", "sparse")]
CASES.remove(("mixup", "sparse"))


def estimator(name):
    return MLPClassifier(**COMMON | KINDS[name])


def numbers(model):
    """Return all state of an estimator: its attributes, and the state of training."""
    network = model._network
    trained = [array for pair in network.trained or () for array in pair]
    state = vars(network.state)
    arenas = [array.copy() for array in (*network.arenas(), *trained)]
    return arenas, {k: v for k, v in state.items() if not isinstance(v, np.ndarray)}


def assert_same(one, other):
    for mine, its in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(its, mine)
    assert one[1] == other[1]


def calls(name):
    """Return the calls to try, on a fitted or an unfitted estimator."""
    made = {"fit": lambda model, X: model.fit(X, Y), "predict": lambda model, X: model.predict(X)}
    if name not in ("lbfgs", "early stopping"):
        made["warm start"] = lambda model, X: model.set_params(warm_start=True).fit(X, Y)
    if "warm start" in made and name != "batch norm":
        # More rows at once than before, so that there has to be more room.
        made["partial_fit"] = lambda model, X: model.set_params(batch_size=60).partial_fit(X, Y)
    return made


def try_all(name, rows, step):
    given = sparse.csr_array(X * (X > 0)) if rows == "sparse" else X
    n_refused = 0
    for what, call in calls(name).items():
        fitted = estimator(name)
        if what != "fit":
            fitted.fit(given, Y)
        if what == "partial_fit":
            fitted.partial_fit(given[:20], Y[:20])
        expected = copy.deepcopy(fitted)
        call(expected, given)
        after = numbers(expected)
        n = 0
        while True:
            model = copy.deepcopy(fitted)
            try:
                with refuses(n, LEAST):
                    call(model, given)
            except MemoryError:
                n_refused += 1
            else:
                break  # there are no so many
            call(model, given)
            assert_same(numbers(model), after)
            n += step
    return n_refused


@pytest.mark.parametrize(("name", "rows"), CASES)
def test_failing_memory(name, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert try_all(name, rows, 7) > 0


@pytest.mark.whole
@pytest.mark.parametrize(("name", "rows"), CASES)
def test_failing_memory_at_length(name, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert try_all(name, rows, 1) > 0
