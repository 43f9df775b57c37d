"""Norms of gradients in the history: what they are of, when they are told, and who sees them."""

import csv
import pickle

import numpy as np
import pytest

from fastnn import LAMB, SGD, Dense, MLPClassifier, MLPRegressor
from fastnn._train import step_table, steps
from fastnn.augment import Noise
from fastnn.callbacks import Callback, CSVLogger, EarlyStopping
from fastnn.layers import Heads
from support.engines import Engine, rounded
from support.problems import make_data, make_layers, make_network, rate_factors
from support.reference import Mixing
from support.trajectories import TOLERANCE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((90, 7))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
PLAIN = SGD(momentum=0.0, nesterov=False)


class Walk(Callback):
    """Keeps the parameters before and after each step."""

    batch_interval = 1

    def __init__(self):
        self.places = []

    def on_fit_begin(self, context):
        self.places.append(context.snapshot().get_state()[1][0])

    on_batch_end = on_fit_begin

    def norms(self, rate):
        """Return the norms of gradients from the steps of gradient descent."""
        return np.linalg.norm(np.diff(np.array(self.places, float), axis=0), axis=1) / rate


def classifier(**options):
    options = {"solver": PLAIN, "max_iter": 3, "batch_size": 10, "random_state": 0} | options
    return MLPClassifier((9, 5), precision="float64", **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 2.0, "l1_ratio": 0.5, "penalize_intercepts": True},
        {"normalization": "batch", "dropout": 0.3},
        {"learning_rate_factors": {0: 0.0, "biases": 0.0}},
        {"augment": [Noise(0.1), "mixup"]},
        {"label_smoothing": 0.1, "weight_noise": 0.1},
    ],
    ids=str,
)
def test_it_is_how_far_a_step_goes_at_a_rate_of_one(options):
    walk = Walk()
    model = classifier(learning_rate_init=0.1, callbacks=[walk], **options).fit(X, Y)
    norms = walk.norms(0.1).reshape(3, 9)[:, [0, 8]]  # the first and the last of nine steps
    np.testing.assert_allclose(model.history_["grad_norm"], norms.mean(axis=1), rtol=1e-9)


@pytest.mark.parametrize("limit", [{"clip_norm": 0.1}, {"clip_value": 0.01}, {"max_norm": 0.5}])
def test_it_is_that_before_anything_is_limited(limit):
    norms = [classifier(max_iter=1, batch_size=90, **o).fit(X, Y).history_ for o in ({}, limit)]
    assert norms[0]["grad_norm"] == norms[1]["grad_norm"]
    assert norms[0]["grad_norm"][0] > 0.1


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("name", ["heads", "bfloat16", "mixed", "lamb, all", "one unit"])
def test_engine_tells_what_the_reference_does(name, n_threads, dtype):
    """Check norms, and that steps without norms have the same bits."""
    rng, loss, layers = np.random.default_rng(1), "log_loss", make_layers([31, 3], "tanh", "before")
    options, optimizer, factors = {}, "adam", None
    if name == "heads":
        layers = [Dense(17, "tanh"), Heads((3, 2))]
    elif name == "mixed":
        options = {"mixings": [Mixing(0.7, 3), Mixing(), Mixing(0.8, 2, 1, 1, 2, 2)]}
    elif name == "lamb, all":
        options = {"clip_norm": 0.1, "clip_value": 0.05, "max_norm": 0.7, "l1_ratio": 0.0}
        optimizer, factors = "lamb", {0: 0.0, "biases": 0.5}
    elif name == "one unit":
        loss, layers = "squared_error", make_layers([1, 1], "tanh")
    network = rounded(make_network(rng, 49, layers, loss, seed=4), dtype)
    X, y = make_data(rng, 22, 49, layers[-1].units if name == "one unit" else 3, loss)
    if name == "heads":
        y = np.stack([rng.integers(3, size=22), rng.integers(2, size=22)], 1).astype(np.int32)
    arguments = X.astype(dtype), y, 8, [0.01] * 3, 0.3, rng.uniform(0.5, 2, 22)
    if name == "bfloat16":
        dtype = "bfloat16"
    told, silent = (
        Engine(network, loss, optimizer, dtype, 8, n_threads, factors) for _ in range(2)
    )
    losses = told.train(*arguments, **options, tells_norm=[True, False, True])
    np.testing.assert_array_equal(silent.train(*arguments, **options), losses)
    for arena in ("parameters", "statistics", "slots"):
        np.testing.assert_array_equal(getattr(told.state, arena), getattr(silent.state, arena))
    X, y, size, rates, *others = arguments
    names = rate_factors(network, factors)
    network.train(X.astype(float), y, optimizer, size, rates, *others, **options, factors=names)
    tolerance = 0.02 if dtype == "bfloat16" else 5 * TOLERANCE[dtype]
    np.testing.assert_allclose(told.grad_norms, network.grad_norms[::2], tolerance)


@pytest.mark.parametrize("n_steps", [1, 2, 3, 8, 9, 16, 17, 63, 64, 65, 469, 1 << 17])
def test_some_steps_of_an_epoch_tell_it(n_steps):
    steps = step_table.measuring_steps(n_steps)
    assert steps[0] == 0
    assert steps[-1] == n_steps - 1
    assert len(steps) == min(n_steps, 8, max(2, -(-n_steps // 8)))
    gaps = np.diff(steps)
    assert len(gaps) == 0 or 0 <= max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("solver", ["sgd", "rprop", "adamw", LAMB()], ids=str)
def test_every_epoch_has_one(solver):
    model = MLPRegressor(hidden_layer_sizes=(5,), solver=solver, max_iter=4, random_state=0).fit(
        X, X[:, :2]
    )
    norms = model.history_["grad_norm"]
    assert len(norms) == model.n_iter_ == 4
    assert np.all(np.array(norms) > 0)
    assert all(type(norm) is float for norm in norms)


def test_it_is_the_same_however_the_steps_are_called(monkeypatch):
    plain = classifier().fit(X, Y)
    assert (
        classifier(callbacks=[Walk()]).fit(X, Y).history_["grad_norm"]
        == (plain.history_["grad_norm"])
    )
    monkeypatch.setattr(steps, "STEPS_PER_CALL", 4)  # parts of an epoch
    assert classifier().fit(X, Y).history_["grad_norm"] == plain.history_["grad_norm"]
    scheduled = classifier(learning_rate="cosine").fit(X, Y)  # tables of one epoch each
    assert len(scheduled.history_["grad_norm"]) == 3


def test_it_goes_on():
    whole = classifier(max_iter=4).fit(X, Y)
    warm = classifier(max_iter=2, warm_start=True).fit(X, Y).fit(X, Y)
    assert len(warm.history_["grad_norm"]) == 4
    assert warm.history_["grad_norm"][:2] == whole.history_["grad_norm"][:2]
    parts = classifier()
    for rows in (slice(None), slice(25), slice(10)):  # epochs of other lengths
        parts.partial_fit(X[rows], Y[rows], classes=[0, 1, 2])
    assert len(parts.history_["grad_norm"]) == 3
    assert np.all(np.array(parts.history_["grad_norm"]) > 0)


def test_histories_from_before_there_was_one_go_on():
    model = classifier().partial_fit(X, Y, classes=[0, 1, 2])
    del model._history.columns["grad_norm"]
    model = pickle.loads(pickle.dumps(model)).partial_fit(X, Y)
    assert np.isnan(model.history_["grad_norm"][0])
    assert model.history_["grad_norm"][1] > 0


class Stop(Callback):
    """After so many batches."""

    batch_interval = 1

    def __init__(self, n):
        self.n = n

    def on_batch_end(self, context):
        return context.batch == self.n


def test_an_epoch_that_ends_early_has_that_of_the_steps_it_took():
    walk = Walk()
    model = classifier(callbacks=[walk, Stop(4)], learning_rate_init=0.1).fit(X, Y)
    np.testing.assert_allclose(model.history_["grad_norm"], walk.norms(0.1)[:1], rtol=1e-9)


def test_an_epoch_that_diverges_has_that_of_the_steps_before():
    target = np.where(np.arange(90) < 40, X[:, 0], 1e200)
    options = {"batch_size": 10, "shuffle": False, "precision": "float64", "max_iter": 3}
    model = MLPRegressor(hidden_layer_sizes=(5,), solver=PLAIN, **options)
    with pytest.warns(match="diverged"):
        model.fit(X, target)
    assert np.isnan(model.history_["loss"][-1])
    assert np.isfinite(model.history_["grad_norm"][-1])


def test_callbacks_and_files_have_it(tmp_path):
    seen = []

    class See(Callback):
        def on_epoch_end(self, context):
            seen.append(context.logs["grad_norm"])

    given = [See(), CSVLogger(tmp_path / "log.csv"), EarlyStopping("grad_norm", patience=50)]
    model = classifier(callbacks=given).fit(X, Y)
    assert seen == model.history_["grad_norm"]
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["grad_norm"]) for row in rows] == seen
