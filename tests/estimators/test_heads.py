"""Multiclass-multioutput targets: a head for each column over shared layers."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.class_weight import compute_sample_weight

from fastnn import BatchNorm, Dense, Dropout, MLPClassifier, PReLU, Residual, Scheduled
from fastnn.layers import Heads
from support.engines import Engine, rounded
from support.problems import make_network, numerical_gradient, relative_error
from support.reference import Mixing
from support.trajectories import BFLOAT16_TOLERANCE, TOLERANCE, assert_same_state, named

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

UNITS = (3, 2, 17)
# No trunk, a plain one, and ones whose last values something else needs too.
TRUNKS = {
    "none": [],
    "dense": [Dense(7, "tanh")],
    "two": [Dense(19, "tanh", BatchNorm(), 0.3), Dense(5, "gelu")],
    "residual": [Dense(6, "tanh"), Residual([Dense(6, "tanh")])],
    "slopes": [Dense(6, "identity"), PReLU(), BatchNorm(), Dropout(0.2)],
}


def problem(trunk="dense", n_rows=27, units=UNITS, input_dropout=0.0, n_features=6):
    """A network of the reference, rows, and a class of each row for each head."""
    rng = np.random.default_rng(0)
    network = make_network(
        rng, n_features, [*TRUNKS[trunk], Heads(units)], "log_loss", input_dropout, seed=3
    )
    X = rng.standard_normal((n_rows, n_features))
    y = np.stack([rng.integers(n, size=n_rows) for n in units], axis=1).astype(np.int32)
    return network, X, y, rng.uniform(0.5, 2, n_rows)


def gradient_and_differences(network, *arguments, **options):
    *_, gradient, _ = network.loss_and_grad(*arguments, **options)

    def value():
        return sum(network.loss_and_penalty(*arguments, **options))

    arrays = [p[name] for p in network.parameters for name in sorted(p)]
    return named(gradient), numerical_gradient(value, arrays)


@pytest.mark.parametrize("options", [{}, {"smoothing": 0.3}, {"mixing": Mixing(0.7, 2)}], ids=str)
@pytest.mark.parametrize("trunk", TRUNKS)
def test_the_references_gradient_is_that_of_its_loss(trunk, options):
    network, X, y, weight = problem(trunk, n_rows=9, units=(3, 2, 4))
    actual, expected = gradient_and_differences(network, X, y, weight, alpha=0.3, **options)
    assert relative_error(actual, expected) < 1e-6


def test_the_references_loss_is_the_sum_over_heads():
    network, X, y, weight = problem("dense")
    total, *_ = network.loss_and_grad(X, y, weight)
    parts = 0.0
    for h, units in enumerate(UNITS):
        one = make_network(
            np.random.default_rng(0), 6, [Dense(7, "tanh"), Dense(units, "softmax")], "log_loss"
        )
        one.parameters = [network.parameters[0], network.parameters[1 + h]]
        parts += one.loss_and_grad(X, y[:, h], weight)[0]
        columns = slice(sum(UNITS[:h]), sum(UNITS[: h + 1]))
        np.testing.assert_allclose(network.predict(X)[:, columns], one.predict(X))
    np.testing.assert_allclose(total, parts)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("input_dropout", [0.0, 0.3])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_trajectory(trunk, input_dropout, weighted, dtype):
    network, X, y, weight = problem(trunk, input_dropout=input_dropout)
    network, X = rounded(network, dtype), X.astype(dtype)
    weight = weight if weighted else None
    engine = Engine(network, "log_loss", "nesterov", dtype, n_threads=2)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(27)
        settings = 8, [0.02, 0.015, 0.01, 0.01], 0.3, weight, order
        actual = engine.train(X, y, *settings)
        expected = network.train(X.astype(float), y, "nesterov", *settings)
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert_same_state(engine, network, TOLERANCE[dtype])
    expected = network.predict(X.astype(float))
    np.testing.assert_allclose(engine.predict(X), expected, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("trunk", TRUNKS)
def test_gradient_and_loss(trunk, dtype):
    """Over several blocks of rows, where there is no batch norm."""
    network, X, y, weight = problem(trunk, n_rows=1500)
    network, X = rounded(network, dtype), X.astype(dtype)
    weight = weight.astype(dtype).astype(float)
    engine = Engine(network, "log_loss", dtype=dtype, n_threads=2)
    *actual, gradient = engine.loss_and_grad(X, y, weight, 0.3, smoothing=0.2)
    *expected, reference, _ = network.loss_and_grad(X.astype(float), y, weight, 0.3, smoothing=0.2)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert relative_error(named(gradient), named(reference)) < 3 * TOLERANCE[dtype]
    order = np.random.default_rng(0).permutation(1500)[:1300]
    z, _ = network.forward(X.astype(float), training=False)
    of_rows = network.value(z, y)[order]
    expected = np.average(of_rows, weights=weight[order])
    actual = engine.loss(X, y, weight, order)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])


def test_gradient_by_finite_differences():
    network, X, y, weight = problem("residual", n_rows=9)
    engine = Engine(network, "log_loss")
    *_, gradient = engine.loss_and_grad(X, y, weight, 0.3)
    views = [p[name] for p in engine.parameters for name in sorted(p)]

    def value():
        return sum(engine.loss_and_grad(X, y, weight, 0.3)[:2])

    assert relative_error(named(gradient), numerical_gradient(value, views)) < 1e-6


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("weighted", [False, True])
def test_trajectory_of_mixed_rows_and_smoothed_labels(weighted, dtype):
    network, X, y, weight = problem("dense", n_rows=300)
    network, X = rounded(network, dtype), X.astype(dtype)
    engine = Engine(network, "log_loss", "sgd", dtype, n_threads=2)
    mixings = [Mixing(0.7, 5), Mixing(), Mixing(0.2, 101)]
    settings = 100, [0.1] * 3, 0.3, weight if weighted else None
    actual = engine.train(X, y, *settings, mixings=mixings, smoothing=0.1)
    expected = network.train(X.astype(float), y, "sgd", *settings, mixings=mixings, smoothing=0.1)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype])
    assert_same_state(engine, network, TOLERANCE[dtype])


@pytest.mark.parametrize("trunk", ["dense", "two", "none"])
def test_trajectory_in_bfloat16(trunk):
    from support.reference import Network, bfloat16

    network, X, y, weight = problem(trunk)
    network, X = rounded(network, "float32"), X.astype("float32")
    reference = Network(
        network.layers,
        "log_loss",
        network.parameters,
        network.statistics,
        seed=network.seed,
        rounds=bfloat16,
        n_features=6,
    )
    engine = Engine(reference, "log_loss", "sgd", "bfloat16")
    settings = 8, [0.02] * 4, 0.3, weight
    actual = engine.train(X, y, *settings)
    expected = reference.train(X.astype(float), y, "sgd", *settings)
    np.testing.assert_allclose(actual, expected, rtol=BFLOAT16_TOLERANCE)
    assert_same_state(engine, reference, BFLOAT16_TOLERANCE)


@pytest.mark.parametrize("sparse", [False, True])
def test_sparse_rows(sparse):
    """Check heads that read sparse rows, all of which need the columns of the batch."""
    network, X, y, weight = problem("none", n_rows=150, n_features=70)
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0
    expected = network.train(X, y, "sgd", 40, [0.1] * 4, 0.3, weight)
    states = []
    for n_threads in (1, 2, 3, 8):
        network = problem("none", n_rows=150, n_features=70)[0]
        engine = Engine(network, "log_loss", n_threads=n_threads)
        rows = scipy.sparse.csr_array(X) if sparse else X
        actual = engine.train(rows, y, 40, [0.1] * 4, 0.3, weight)
        np.testing.assert_allclose(actual, expected)
        states.append(engine.state.parameters)
        np.testing.assert_array_equal(states[0], states[-1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_any_number_of_threads_gives_the_same_bits(trunk, dtype):
    runs = []
    for n_threads in (1, 2, 3, 8):
        network, X, y, weight = problem(trunk, n_rows=301)
        X = X.astype("float64" if dtype == "float64" else "float32")
        engine = Engine(network, "log_loss", "adam", dtype, n_threads=n_threads)
        settings = {"clip_norm": 0.1, "max_norm": 1.0, "average_weights": 0.1}
        losses = engine.train(X, y, 75, [0.01] * 5, 0.1, weight, smoothing=0.1, **settings)
        *values, gradient = engine.loss_and_grad(X, y, weight, 0.1)
        runs.append([losses, engine.state.parameters, values, engine.predict(X), *named(gradient)])
        for one, other in zip(runs[0], runs[-1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_one_head_is_the_ordinary_output():
    network, X, y, weight = problem("two", units=(3,))
    plain = make_network(
        np.random.default_rng(0), 6, [*TRUNKS["two"], Dense(3, "softmax")], "log_loss", seed=3
    )
    runs = []
    for one, targets in [(network, y), (plain, y[:, 0].copy())]:
        engine = Engine(one, "log_loss", "adam")
        losses = engine.train(X, targets, 8, [0.1] * 4, 0.3, weight)
        runs.append([losses, engine.state.parameters, engine.predict(X)])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


# --- estimators -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 8))
    names = np.array(["no", "maybe", "yes"])
    Y = np.stack(
        [
            names[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)],
            np.where(X[:, 2] > 0, "up", "down"),
            names[np.argmax(X[:, 3:6], axis=1)],
        ],
        axis=1,
    )
    return X, Y


def model(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": (30,), "max_iter": 30, "random_state": 0} | options
    )


EVERYWHERE = {
    "plain": {"learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs", "max_iter": 100, "alpha": 1.0},
    "float32": {"learning_rate_init": 0.01, "precision": "float32", "n_jobs": 2},
    "bfloat16": {"learning_rate_init": 0.01, "precision": "bfloat16"},
    "smoothing": {"learning_rate_init": 0.01, "label_smoothing": 0.1},
    "scheduled": {"learning_rate_init": 0.01, "label_smoothing": Scheduled(0.3, "linear")},
    "mixup": {"learning_rate_init": 0.01, "augment": "mixup"},
    "averaging": {"learning_rate_init": 0.02, "averaging": "swa", "normalization": "batch"},
    "early stopping": {"learning_rate_init": 0.02, "early_stopping": True},
    "by loss": {"learning_rate_init": 0.02, "early_stopping": True, "scoring": "loss"},
    "balanced": {"learning_rate_init": 0.01, "class_weight": "balanced"},
    "rprop": {"solver": "rprop", "learning_rate_init": 0.01, "max_iter": 50},
}


@pytest.mark.filterwarnings("ignore:precision='bfloat16' is emulated")
@pytest.mark.parametrize("options", EVERYWHERE)
def test_every_column_is_learned(data, options):
    X, Y = data
    fitted = model(**EVERYWHERE[options]).fit(X, Y)
    assert fitted.score(X, Y) > 0.75
    predicted = fitted.predict(X)
    assert predicted.shape == Y.shape and predicted.dtype == Y.dtype
    assert fitted.score(X, Y) == np.mean((predicted == Y).all(axis=1))
    weight = np.arange(400.0)
    right = (predicted == Y).all(axis=1)
    assert fitted.score(X, Y, weight) == pytest.approx(np.average(right, weights=weight))


def test_what_is_fitted_is_as_of_scikit_learns_forests(data):
    X, Y = data
    fitted = model().fit(X, Y)
    assert fitted.n_outputs_ == 3 and fitted.n_layers_ == 3
    assert [coef.shape for coef in fitted.coefs_] == [(8, 30), (30, 3), (30, 2), (30, 3)]
    for classes, column in zip(fitted.classes_, Y.T, strict=True):
        np.testing.assert_array_equal(classes, np.unique(column))
    proba, log_proba = fitted.predict_proba(X), fitted.predict_log_proba(X)
    scores = fitted.decision_function(X)
    assert [len(part) for part in (proba, log_proba, scores)] == [3, 3, 3]
    predicted = fitted.predict(X)
    for i, (p, log_p, z) in enumerate(zip(proba, log_proba, scores, strict=True)):
        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_allclose(np.exp(log_p), p)
        np.testing.assert_array_equal(fitted.classes_[i][p.argmax(axis=1)], predicted[:, i])
        two = np.c_[np.zeros(400), z] if z.ndim == 1 else z
        power = np.exp(two - two.max(axis=1, keepdims=True))
        np.testing.assert_allclose(power / power.sum(axis=1, keepdims=True), p, atol=1e-9)
    assert [part.shape for part in scores] == [(400, 3), (400,), (400, 3)]
    shown = str(fitted.summary())
    assert all(f"output {i}: softmax" in shown for i in range(3))
    assert "output: softmax" in str(model().fit(X, Y[:, 0]).summary())


def test_the_loss_is_the_sum_of_the_cross_entropies(data):
    X, Y = data
    fitted = model(solver="lbfgs", alpha=0.0).fit(X, Y)
    codes = [np.searchsorted(c, y) for c, y in zip(fitted.classes_, Y.T, strict=True)]
    rows = np.arange(400)
    total = sum(
        -np.mean(p[rows, c]) for p, c in zip(fitted.predict_log_proba(X), codes, strict=True)
    )
    assert fitted.loss_ == pytest.approx(total)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_without_a_trunk_heads_are_networks_of_their_own(data, solver):
    X, Y = data
    options = {"hidden_layer_sizes": (), "solver": solver, "max_iter": 20, "tol": 0.0}
    weights = [np.random.default_rng(i).standard_normal((8, 3)) for i in range(2)]
    options |= {"bias_init": "zeros", "early_stopping": False}
    both = model(**options, weight_init=weights).fit(X, Y[:, [0, 2]])
    for i, column in enumerate(Y[:, [0, 2]].T):
        one = model(**options, weight_init=[weights[i]])
        one.random_state = np.random.RandomState(0)
        one.fit(X, column)
        np.testing.assert_array_equal(one.coefs_[0], both.coefs_[i])
        np.testing.assert_array_equal(one.predict_proba(X), both.predict_proba(X)[i])


def test_a_head_of_one_class_changes_nothing_below(data):
    """Check that its gradient is zero, so that the other trains like an ordinary classifier."""
    X, Y = data
    options = {"shuffle": False, "normalization": "batch", "alpha": 0.1, "solver": "sgd"}
    expected = model(**options).fit(X, Y[:, 0])
    both = model(**options).fit(X, np.c_[Y[:, 0], np.full(400, "same")])
    assert both.n_outputs_ == 2
    for i in range(2):
        np.testing.assert_array_equal(both.coefs_[i], expected.coefs_[i])
    np.testing.assert_array_equal(both.predict_proba(X)[0], expected.predict_proba(X))
    np.testing.assert_array_equal(both.predict_proba(X)[1], 1.0)


def test_a_shared_trunk_learns_from_all_columns(data):
    X, Y = data
    apart = MultiOutputClassifier(model()).fit(X, Y)
    together = model().fit(X, Y)
    assert together.score(X, Y) > apart.score(X, Y) - 0.1
    assert together.coefs_[0].shape == apart.estimators_[0].coefs_[0].shape
    other = model().fit(X, np.c_[Y[:, 0], Y[:, 0], Y[:, 2]])
    assert not np.array_equal(other.coefs_[0], together.coefs_[0])


def test_threads_pickles_clones_and_searches(data):
    X, Y = data
    fitted = model(n_jobs=1, dropout=0.2).fit(X, Y)
    for same in (
        pickle.loads(pickle.dumps(fitted)),
        clone(fitted).set_params(n_jobs=3).fit(X, Y),
        clone(fitted).fit(X, Y.astype(object)),
        clone(fitted).fit(X, Y.tolist()),
    ):
        for one, other in zip(same.predict_proba(X), fitted.predict_proba(X), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(same.predict(X), fitted.predict(X))
    again = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(
        again.predict_proba(X)[0], fitted.set_params(warm_start=True).fit(X, Y).predict_proba(X)[0]
    )
    search = GridSearchCV(model(max_iter=5), {"alpha": [1e-4, 1.0]}, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_numbers_and_sparse_labels():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 4))
    Y = np.c_[rng.integers(3, size=60), rng.integers(2, size=60)]
    fitted = model().fit(X, Y)
    for labels in (scipy.sparse.csr_array(Y), Y.astype(float)):
        same = model().fit(X, labels)
        np.testing.assert_array_equal(same.predict_proba(X)[0], fitted.predict_proba(X)[0])
        assert same.score(X, labels) == fitted.score(X, Y)
    assert fitted.predict(X).dtype == Y.dtype


def test_partial_fit_needs_the_classes_of_each_column(data):
    X, Y = data
    classes = [np.unique(column) for column in Y.T]
    whole = model(batch_size=100, shuffle=False, max_iter=1).fit(X, Y)
    steps = model(batch_size=100, shuffle=False)
    for start in range(0, 400, 100):
        rows = slice(start, start + 100)
        steps.partial_fit(X[rows], Y[rows], classes=classes)
    np.testing.assert_array_equal(steps.predict_proba(X)[2], whole.predict_proba(X)[2])
    # Also where the first rows have few of them, and could be an indicator matrix.
    Z = np.c_[X[:, 0] > 0, X[:, 1] > 0].astype(int)
    few = model().partial_fit(X, Z, classes=[[0, 1, 2], [0, 1]])
    assert [part.shape[1] for part in few.predict_proba(X)] == [3, 2]
    few.partial_fit(X, 2 * Z[:, [0, 0]] // 2)
    for wrong, message in [
        (None, "classes must be passed on the first call"),
        (["no", "yes"], "classes must be a list of arrays, one for each column"),
        (classes[:2], "classes is a list of 2 arrays, one for each column of y"),
    ]:
        with pytest.raises(ValueError, match=message):
            model().partial_fit(X, Y, classes=wrong)
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        steps.partial_fit(X, Y, classes=[*classes[1:], classes[0]])
    with pytest.raises(ValueError, match="Column 1 of y: `y` has classes not in"):
        steps.partial_fit(X, Y[:, [0, 0, 2]])
    with pytest.raises(ValueError, match="y must have 3 columns of labels"):
        steps.partial_fit(X, Y[:, :2])


def test_warm_start_goes_on_with_the_same_classes(data):
    X, Y = data
    once = model(max_iter=4, shuffle=False).fit(X, Y)
    twice = model(max_iter=2, shuffle=False, warm_start=True).fit(X, Y).fit(X, Y)
    np.testing.assert_array_equal(once.coefs_[-1], twice.coefs_[-1])
    with pytest.raises(ValueError, match=r"warm_start can only .* in column 1, `y` has"):
        twice.fit(X, Y[:, [0, 0, 2]])
    with pytest.raises(ValueError, match="y must have 3 columns of labels"):
        twice.fit(X, Y[:, 0])
    np.testing.assert_array_equal(once.predict(X), twice.predict(X))


def test_validation_data(data):
    X, Y = data
    options = {"early_stopping": True, "max_iter": 10, "n_iter_no_change": 20}
    fitted = model(**options).fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
    assert max(fitted.validation_scores_) == pytest.approx(fitted.score(X[300:], Y[300:]))
    by_loss = model(**options, scoring="loss").fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
    codes = [np.searchsorted(c, y) for c, y in zip(by_loss.classes_, Y[300:].T, strict=True)]
    log_proba = by_loss.predict_log_proba(X[300:])
    total = sum(np.mean(p[np.arange(100), c]) for p, c in zip(log_proba, codes, strict=True))
    assert max(by_loss.validation_scores_) == pytest.approx(total)

    def of_first_column(estimator, X, y):
        return np.mean(estimator.predict(X)[:, 0] == y[:, 0])

    own = model(**options, scoring=of_first_column, learning_rate_init=0.02).fit(X, Y)
    assert own.best_validation_score_ > 0.6
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): y must have 3 columns"):
        model().fit(X, Y, X_val=X, y_val=Y[:, :2])


def test_weights_of_rows_and_classes(data):
    X, Y = data
    integers = np.random.default_rng(0).integers(1, 4, 400)
    repeated = np.repeat(np.arange(400), integers)
    options = {"solver": "lbfgs", "max_iter": 5}
    weighted = model(**options).fit(X, Y, integers)
    longer = model(**options).fit(X[repeated], Y[repeated])
    np.testing.assert_allclose(weighted.coefs_[1], longer.coefs_[1], rtol=1e-6, atol=1e-8)
    own = [{"no": 2.0, "maybe": 1.0, "yes": 1.0}, {"up": 3.0, "down": 1.0}, {"yes": 0.5}]
    own[2] |= {"no": 1.0, "maybe": 1.0}
    for class_weight in (own, "balanced"):
        weights = compute_sample_weight(class_weight, Y)
        one = model(**options, class_weight=class_weight).fit(X, Y)
        other = model(**options).fit(X, Y, weights)
        np.testing.assert_array_equal(one.coefs_[1], other.coefs_[1])
    with pytest.raises(ValueError, match="class_weight should be a list of dicts"):
        model(class_weight=own[0]).fit(X, Y)


def test_each_head_has_a_learning_rate_and_initial_weights_of_its_own(data):
    X, Y = data
    frozen = model(learning_rate_factors={2: 0.0}, weight_init=["he_normal", *[np.ones((30, 3))]])
    with pytest.raises(ValueError, match="weight_init is a list of 2, but there are 4 layers"):
        frozen.fit(X, Y)
    first = [np.ones((30, n)) for n in (3, 2, 3)]
    frozen.set_params(weight_init=["he_normal", *first]).fit(X, Y)
    np.testing.assert_array_equal(frozen.coefs_[2], first[1])
    assert not (frozen.coefs_[1] == 1).any() and not (frozen.coefs_[3] == 1).any()


def test_other_losses_name_what_works(data):
    X, Y = data
    for loss in ("hinge", "binary_log_loss", "crammer_singer", "squared_error"):
        with pytest.raises(ValueError, match="MultiOutputClassifier, which trains a network for"):
            model(loss=loss).fit(X, Y)
    with pytest.raises(ValueError, match="output_activation='logistic' does not go with"):
        model(output_activation="logistic").fit(X, Y)
    fitted = model().fit(X, Y)
    with pytest.raises(ValueError, match="y must have 3 columns of labels"):
        fitted.score(X, Y[:, 0])


def test_an_indicator_matrix_is_still_one():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((50, 3)), rng.integers(2, size=(50, 2))
    fitted = model().fit(X, Y)
    assert fitted.coefs_[-1].shape == (30, 2) and isinstance(fitted.predict_proba(X), np.ndarray)
    # Of ones and twos it would be all ones.
    other = model().fit(X, Y + 1)
    assert [classes.tolist() for classes in other.classes_] == [[1, 2], [1, 2]]
    assert set(other.predict(X).ravel()) == {1, 2}
