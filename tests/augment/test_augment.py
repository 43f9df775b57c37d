"""Rows mixed with each other: what is drawn, what the engine makes of it, and that it trains."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnn import CutMix, Mixup, MLPClassifier, MLPRegressor
from fastnn._core.codes import Column
from fastnn.augment import Noise, RandomChoice
from support.engines import Engine, rounded
from support.problems import (
    LAYOUTS,
    make_counts,
    make_data,
    make_layers,
    make_network,
    numerical_gradient,
    relative_error,
)
from support.reference import LOSSES, Mixing, mix_rows, partners

TOLERANCE = {"float64": 1e-11, "float32": 2e-5}
MIXINGS = [
    Mixing(0.7, 3),
    Mixing(0.25, 1, first=2, run=3, n_runs=1, stride=11),
    Mixing(1.0, 5),
    Mixing(0.0, 2),
    Mixing(0.5, 2, first=1, run=2, n_runs=3, stride=4),
]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def table(n_steps):
    coefficients = np.zeros((n_steps, 24))
    coefficients[:, Column.MIX_WEIGHT] = 1
    return coefficients


def drawn(spec, n_steps=2000, batch=50, n_features=12, seed=0):
    coefficients = table(n_steps)
    sizes = np.full(n_steps, batch)
    sizes[-1] = 1
    spec.draw(coefficients, sizes, n_features, np.random.RandomState(seed))
    return coefficients


# --- the reference --------------------------------------------------------------------------------


def test_mixup_of_the_reference():
    x = np.array([[1.0, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(mix_rows(x, Mixing(0.75, 1)), 0.75 * x + 0.25 * x[[1, 2, 0]])
    np.testing.assert_array_equal(partners(np.arange(5), Mixing(0.5, 2)), [2, 3, 4, 0, 1])


def test_cutmix_of_the_reference_exchanges_a_box():
    images = np.arange(2 * 3 * 4, dtype=float).reshape(2, 3, 4)
    mixed = mix_rows(images.reshape(2, 12), Mixing(0.5, 1, first=5, run=2, n_runs=2, stride=4))
    expected = images.copy()
    expected[:, 1:3, 1:3] = images[::-1, 1:3, 1:3]
    np.testing.assert_array_equal(mixed.reshape(2, 3, 4), expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("mixing", MIXINGS, ids=str)
def test_the_references_gradient_of_mixed_rows_is_that_of_its_loss(mixing, loss):
    rng = np.random.default_rng(0)
    layers = make_layers([5, 3], "tanh", "before", loss=loss)
    network = make_network(rng, 11, layers, loss)
    X, y = make_data(rng, 9, 11, 3, loss)
    weight = rng.uniform(0.5, 2, 9)

    def value():
        return sum(network.loss_and_penalty(X, y, weight, 0.3, mixing=mixing))

    *_, gradient, _ = network.loss_and_grad(X, y, weight, 0.3, mixing=mixing)
    arrays = [p[name] for p in network.parameters for name in sorted(p)]
    actual = [g[name] for g in gradient for name in sorted(g)]
    assert relative_error(actual, numerical_gradient(value, arrays)) < 1e-6


def test_mixing_losses_is_mixing_targets_where_the_loss_is_linear_in_them():
    rng = np.random.default_rng(1)
    mixing = Mixing(0.3, 2)
    layers = make_layers([5, 3], "tanh", loss="log_loss")
    network = make_network(rng, 4, layers, "log_loss")
    X, y = make_data(rng, 9, 4, 3, "log_loss")
    one_hot = np.eye(3)[y]
    z, _ = network.forward(mix_rows(X, mixing), training=True)
    probabilities = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    expected = -np.mean(np.sum(mix_rows(one_hot, mixing) * np.log(probabilities), axis=1))
    np.testing.assert_allclose(network.loss_and_grad(X, y, mixing=mixing)[0], expected)


# --- the engine -----------------------------------------------------------------------------------


def check_trajectory(loss, dtype, layout="float64", weighted=True, n_threads=1, order=True):
    rng = np.random.default_rng(2)
    layers = make_layers([19, 3], "tanh", "before", 0.3, loss)
    network = rounded(make_network(rng, 11, layers, loss, input_dropout=0.2, seed=7), dtype)
    X = make_counts(rng, 270, 11)
    _, y = make_data(rng, 270, 11, 3, loss)
    weight = rng.uniform(0.5, 2, 270) if weighted else None
    engine = Engine(network, loss, "nesterov", dtype, 60, n_threads)
    order = rng.permutation(270) if order else None
    arguments = 60, [0.02] * 5, 0.3, weight, order, MIXINGS
    actual = engine.train(LAYOUTS[layout](X), y, *arguments)
    batch, rates, alpha, weight, order, mixings = arguments
    expected = network.train(X, y, "nesterov", batch, rates, alpha, weight, order, mixings)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    for mine, theirs in [
        (engine.parameters, network.parameters),
        (engine.statistics, network.statistics),
    ]:
        mine, theirs = (
            [np.asarray(v[name], float) for v in values for name in sorted(v)]
            for values in (mine, theirs)
        )
        assert relative_error(mine, theirs) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_trajectory(loss, weighted, dtype):
    check_trajectory(loss, dtype, weighted=weighted, n_threads=2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if not name.startswith("csr")])
def test_trajectory_of_every_kind_of_dense_rows(layout, order, dtype):
    check_trajectory("log_loss", dtype, layout, order=order)


def test_more_rows_than_go_through_the_stages_at_once():
    rng = np.random.default_rng(3)
    network = make_network(rng, 6, make_layers([5, 2]), "squared_error")
    X, y = make_data(rng, 500, 6, 2, "squared_error")
    engine = Engine(network, "squared_error", max_batch=250)
    arguments = 250, [0.1] * 2
    mixings = [Mixing(0.3, 101), Mixing(0.6, 249)]
    actual = engine.train(X, y, *arguments, mixings=mixings)
    expected = network.train(X, y, "sgd", *arguments, mixings=mixings)
    np.testing.assert_allclose(actual, expected, rtol=1e-11)


def test_a_weight_of_one_is_no_mixing():
    rng = np.random.default_rng(4)
    X, y = make_data(rng, 40, 6, 3, "log_loss")
    network = make_network(rng, 6, make_layers([5, 3], loss="log_loss"), "log_loss")
    plain, mixed = (Engine(network, "log_loss") for _ in range(2))
    losses = plain.train(X, y, 10, [0.1] * 4)
    np.testing.assert_array_equal(
        mixed.train(X, y, 10, [0.1] * 4, mixings=[Mixing(1.0, 3, 1, 1, 1, 1)] * 4), losses
    )
    np.testing.assert_array_equal(plain.state.parameters, mixed.state.parameters)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_any_number_of_threads_gives_the_same_bits(dtype):
    rng = np.random.default_rng(5)
    layers = make_layers([33, 5], "relu", "after", 0.3, "log_loss")
    network = make_network(rng, 11, layers, "log_loss", 0.2, seed=3)
    X, y = make_data(rng, 301, 11, 5, "log_loss")
    X, order = X.astype(dtype), rng.permutation(301)
    results = []
    for n_threads in (1, 2, 3, 8):
        engine = Engine(network, "log_loss", "adam", dtype, 75, n_threads)
        losses = engine.train(X, y, 75, [0.01] * 5, 0.1, None, order, MIXINGS)
        results.append((losses, engine.state.parameters))
    for losses, parameters in results[1:]:
        np.testing.assert_array_equal(losses, results[0][0])
        np.testing.assert_array_equal(parameters, results[0][1])


# --- what is drawn --------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_weights_of_mixup_have_a_beta_distribution(alpha):
    weights = drawn(Mixup(alpha), 20_000)[:-1, Column.MIX_WEIGHT]
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(weights.mean() - 0.5) < 5 * np.sqrt(variance / 20_000)
    np.testing.assert_allclose(weights.var(), variance, rtol=0.05)


@pytest.mark.parametrize("spec", [Mixup(), CutMix(), CutMix(shape=(3, 4))], ids=str)
def test_no_row_is_its_own_partner(spec):
    coefficients = drawn(spec)
    shifts = coefficients[:-1, Column.MIX_SHIFT]
    assert set(shifts) == set(range(1, 50))
    assert coefficients[-1, Column.MIX_WEIGHT] == 1  # a batch of one row
    assert not coefficients[:, : Column.MIX_WEIGHT].any()


@pytest.mark.parametrize("spec", [Mixup(probability=0.3), CutMix(alpha=5.0, probability=0.3)])
def test_probability_is_the_part_of_the_steps_that_mix(spec):
    mixed = drawn(spec)[:, Column.MIX_WEIGHT] < 1
    assert abs(mixed.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 2000)


@pytest.mark.parametrize("shape", [None, (3, 4), (2, 3, 2), (12, 1)])
def test_the_weight_of_cutmix_is_what_is_kept(shape):
    coefficients = drawn(CutMix(shape=shape))
    x = np.zeros((2, 12))
    x[1] = 1
    kept = []
    for row in coefficients[:-1]:
        weight, _, *box = row[Column.MIX_WEIGHT : Column.MIX_WEIGHT + 6]
        mixed = mix_rows(x, Mixing(weight, 1, *map(int, box))) if weight < 1 else x
        np.testing.assert_allclose(1 - mixed[0].mean(), weight, atol=1e-12)
        kept.append(1 - mixed[0])
    # Every feature is exchanged at times, and no side is preferred.
    exchanged = 1 - np.mean(kept, axis=0)
    assert (exchanged > 0.15).all()
    sides = np.reshape(exchanged, shape or (1, 12))
    np.testing.assert_allclose(sides, sides[::-1, ::-1], atol=0.06)
    if shape and len(shape) == 3:  # all channels
        pixels = np.array(kept).reshape(-1, 6, 2)
        np.testing.assert_array_equal(pixels[:, :, 0], pixels[:, :, 1])


def test_boxes_have_the_sides_of_the_paper():
    coefficients = drawn(CutMix(shape=(100, 200)), n_features=20_000)
    width = coefficients[:-1, Column.MIX_RUN]
    height = coefficients[:-1, Column.MIX_N_RUNS]
    # Uniform areas, of which what lies outside is cut off: sides of two to one where nothing is.
    inside = (height > 10) & (coefficients[:-1, Column.MIX_WEIGHT] > 0.9)
    assert np.median(width[inside] / height[inside]) == pytest.approx(2, abs=0.1)
    assert (coefficients[:-1, Column.MIX_STRIDE] == 200).all()


def test_a_batch_is_mixed_by_one_of_several_specs():
    choice = RandomChoice([Mixup(5.0), CutMix(1.0, shape=(3, 4))], [0.3, 0.7])
    coefficients = drawn(choice)[:-1]
    cut = coefficients[:, Column.MIX_STRIDE] > 0
    assert abs(cut.mean() - 0.7) < 0.05
    weights = coefficients[~cut, Column.MIX_WEIGHT]
    assert weights.var() == pytest.approx(1 / 44, rel=0.2)
    assert not coefficients[~cut, Column.MIX_FIRST :].any()
    never = drawn(RandomChoice([Mixup(), CutMix()], [1.0, 0.0]))
    assert not never[:, Column.MIX_STRIDE].any()


@pytest.mark.parametrize(
    "choice, message",
    [
        (RandomChoice([]), "RandomChoice chooses how a batch is mixed"),
        (RandomChoice([Mixup(), Noise()]), "RandomChoice chooses .* RandAugment chooses transfo"),
        (
            RandomChoice(p=[0.5, 0.4]),
            "p of RandomChoice must be 2 probabilities with a sum of 1, one",
        ),
        (RandomChoice(p=[1.0]), "p of RandomChoice must be 2 probabilities"),
        (RandomChoice(p=[[0.5], [0.5]]), "p of RandomChoice must be 2 probabilities"),
        (RandomChoice([Mixup(-1.0)]), "'alpha' parameter of Mixup"),
        (RandomChoice([CutMix(shape=(2, 2))]), "is for rows of 4 features, and X has 6"),
    ],
    ids=repr,
)
def test_bad_choices(choice, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(augment=choice).fit(np.eye(6), np.arange(6) % 2)


# --- estimators -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0, stratify=y)


@pytest.mark.parametrize(
    "augment", ["mixup", "cutmix", Mixup(alpha=1.0, probability=0.5), RandomChoice()], ids=str
)
def test_digits_are_learned(digits, augment):
    X, X_test, y, y_test = digits
    options = {"hidden_layer_sizes": (64,), "max_iter": 60, "random_state": 0, "batch_size": 64}
    plain = MLPClassifier(**options).fit(X, y)
    mixed = MLPClassifier(augment=augment, **options).fit(X, y)
    assert mixed.score(X_test, y_test) > 0.93
    assert mixed.loss_ > plain.loss_  # it is that of the mixed rows
    again = MLPClassifier(augment=augment, **options).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), mixed.predict_proba(X))


def test_a_regression_is_learned():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (500, 5))
    y = X @ rng.standard_normal((5, 2))
    model = MLPRegressor(
        hidden_layer_sizes=(30,), augment="mixup", max_iter=100, random_state=0
    ).fit(X, y)
    assert model.score(X, y) > 0.95


def test_the_order_of_the_rows_does_not_depend_on_mixing():
    """Rows are shuffled before anything else is drawn."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((60, 4)), rng.standard_normal(60)
    options = {"hidden_layer_sizes": (5,), "max_iter": 1, "random_state": 0, "batch_size": 20}
    plain = MLPRegressor(**options).fit(X, y)
    mixed = MLPRegressor(augment=Mixup(probability=1e-12), **options).fit(X, y)
    np.testing.assert_array_equal(plain.coefs_[0], mixed.coefs_[0])


@pytest.mark.parametrize("augment", ["mixup", "cutmix"])
def test_sparse_rows_are_refused(augment):
    X, y = np.eye(6), np.arange(6) % 2
    with pytest.raises(ValueError, match=r"augment does not mix sparse rows.*X\.toarray\(\)"):
        MLPClassifier(augment=augment).fit(sparse.csr_array(X), y)


def test_noise_on_sparse_rows_is_refused():
    X, y = np.eye(6), np.arange(6) % 2
    with pytest.raises(
        ValueError, match=r"input_noise would make sparse rows dense: pass X\.toarray\(\)"
    ):
        MLPClassifier(input_noise=0.1).fit(sparse.csr_array(X), y)
