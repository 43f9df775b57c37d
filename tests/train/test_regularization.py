"""Penalties, clipping, limits, noise and parameter groups: what they do, and that it is exact."""

import numpy as np
import pytest

from fastnn import SGD, AdamW, MLPClassifier, MLPRegressor, PReLU, WeightNorm
from fastnn._core.codes import Kind
from fastnn._network.compiler import compile_program
from fastnn._network.parameter_groups import with_factors
from fastnn.layers import BatchNorm, Dense, Residual
from support.engines import Engine, large_epsilon, rounded
from support.problems import (
    LAYOUTS,
    make_counts,
    make_data,
    make_layers,
    make_network,
    numerical_gradient,
    rate_factors,
    relative_error,
)
from support.reference import clip_norm, elastic_net, limit_norms

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TOLERANCE = {"float64": 1e-11, "float32": 2e-5}

# optimizer, options of training, factors of the learning rate
CASES = {
    "clip_value": ("nesterov", {"clip_value": 0.01}, None),
    "clip_norm": ("nesterov", {"clip_norm": 0.1}, None),
    "clip_norm that nothing reaches": ("nesterov", {"clip_norm": 100.0}, None),
    "both clips": ("adam", {"clip_norm": 0.1, "clip_value": 0.01}, None),
    "lasso": ("momentum", {"l1_ratio": 1.0}, None),
    "elastic net": ("adam", {"l1_ratio": 0.4}, None),
    "elastic net on all": ("adam", {"l1_ratio": 0.4, "penalize_intercepts": True}, None),
    "proximal sgd": ("sgd", {"l1_ratio": 1.0, "l1_update": "proximal"}, {0: 0.5}),
    "proximal momentum": ("momentum", {"l1_ratio": 0.6, "l1_update": "proximal"}, None),
    "proximal nesterov, limited": (
        "nesterov",
        {"l1_ratio": 0.6, "l1_update": "proximal", "clip_norm": 0.1, "max_norm": 0.7},
        {"biases": 0},
    ),
    "proximal momentum of gradients": (
        "momentum_of_gradients",
        {"l1_ratio": 0.6, "l1_update": "proximal", "momentum": 0.5},
        None,
    ),
    "proximal look_ahead": ("look_ahead", {"l1_ratio": 0.6, "l1_update": "proximal"}, None),
    "proximal average": ("averaged", {"l1_ratio": 0.6, "l1_update": "proximal"}, None),
    "proximal adam on all": (
        "adam",
        {"l1_ratio": 0.6, "l1_update": "proximal", "penalize_intercepts": True},
        {"weights": 0.5},
    ),
    "proximal adagrad": ("adagrad", {"l1_ratio": 0.6, "l1_update": "proximal"}, None),
    "ridge on all": ("nesterov", {"penalize_intercepts": True}, None),
    "max_norm": ("nesterov", {"max_norm": 0.7}, None),
    "max_norm, adam": ("adam", {"max_norm": 0.7}, None),
    "weight_noise": ("momentum", {"weight_noise": 0.1}, None),
    "decay of sgd": ("sgd", {"weight_decay": 0.5}, None),
    "decay of momentum": ("nesterov", {"weight_decay": 0.5}, None),
    "decay of averaged": ("averaged", {"weight_decay": 0.5}, None),
    "decay of adagrad": ("adagrad", {"weight_decay": 0.5}, None),
    "decay of adadelta": ("adadelta", {"weight_decay": 0.5}, None),
    "decay of rmsprop": ("rmsprop", {"weight_decay": 0.5}, None),
    "decay of lamb": ("lamb", {"weight_decay": 0.5}, None),
    "look_ahead": ("look_ahead", {"l1_ratio": 0.4}, None),
    "look_ahead and noise": ("look_ahead", {"weight_noise": 0.1, "momentum": 0.5}, None),
    "look_ahead, limited": ("look_ahead", {"max_norm": 0.7, "clip_norm": 0.1}, None),
    "lamb with all": (
        "lamb",
        {"max_norm": 0.7, "clip_norm": 0.1, "clip_value": 0.05, "weight_noise": 0.1},
        {0: 0.5, "biases": 0.0},
    ),
    "factors": ("nesterov", {}, {"weights": 0.5, "biases": 2.0, "normalization": 3.0, 1: 0.1}),
    "factors from the end": ("adam", {}, {-1: 0.5, 0: 2}),
    "factors of adamw": ("adamw", {"weight_decay": 0.5}, {"weights": 0.25}),
    "factors of sgdw": ("momentum", {"weight_decay": 0.5}, {"weights": 0.25}),
    "factors of nadam": ("nadam", {}, {"weights": 0.25}),
    "factors of radam": ("radam", {}, {"biases": 0.25}),
    "factors of lamb": ("lamb", {}, {"weights": 0.25, "biases": 4}),
    "factors of adadelta": ("adadelta", {}, {"weights": 0.25}),
    "frozen layer": ("adam", {}, {0: 0.0}),
    "frozen weights, clipped": ("adam", {"clip_norm": 0.1, "l1_ratio": 0.4}, {"weights": 0}),
    "frozen layer, limited": ("adam", {"max_norm": 0.7, "weight_noise": 0.1}, {0: 0}),
    "frozen normalization": ("adam", {}, {"normalization": 0}),
}


def named(values):
    return [np.asarray(v[name], float) for v in values for name in sorted(v)]


def check_trajectory(network, case, dtype, X, y, weight, loss="squared_error", n_threads=1):
    """Ten steps over three epochs, each with a short batch at its end."""
    optimizer, options, factors = CASES[case]
    hyper = large_epsilon(optimizer)
    hyper |= {name: options[name] for name in ("weight_decay", "momentum") if name in options}
    rest = {name: value for name, value in options.items() if name not in hyper}
    dense = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=float)
    rng, n_rows = np.random.default_rng(9), X.shape[0]
    rates = 0.01 * np.linspace(1, 0.5, -(-n_rows // 8))
    network = rounded(network, dtype)
    engine = Engine(network, loss, optimizer, dtype, 8, n_threads, factors, **hyper)
    names = rate_factors(network, factors)
    for _ in range(3):
        settings = (8, rates, 0.3, weight, rng.permutation(n_rows))
        actual = engine.train(X, y, *settings, **rest, tells_norm=True)
        options = rest | hyper
        expected = network.train(dense, y, optimizer, *settings, factors=names, **options)
        np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    norms = [np.array(engine.grad_norms)], [np.array(network.grad_norms)]
    # Batch norm divides the gradient of a short batch by what may be a small deviation.
    assert relative_error(*norms) < 5 * TOLERANCE[dtype]
    assert relative_error(named(engine.parameters), named(network.parameters)) < TOLERANCE[dtype]
    for arena in (engine.state.parameters, *engine.state.slots):
        padding = arena.copy()
        for values in engine.named(padding):
            for view in values.values():
                view[...] = 0
        assert not padding.any()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("position", [None, "before", "after"])
@pytest.mark.parametrize("case", CASES)
def test_trajectory(case, position, dtype):
    rng = np.random.default_rng(0)
    layers = make_layers([19, 7, 3], "tanh", position, 0.2, "log_loss")
    network = make_network(rng, 60, layers, "log_loss", input_dropout=0.1, seed=2**40 + 7)
    X, y = make_data(rng, 27, 60, 3, "log_loss")
    weight = rng.uniform(0.5, 2, 27) if position is None else None
    n_threads = 1 if position is None else 3
    check_trajectory(network, case, dtype, X.astype(dtype), y, weight, "log_loss", n_threads)


@pytest.mark.parametrize("layout", ["float32", "uint8", "csr float64"])
@pytest.mark.parametrize("case", ["both clips", "max_norm", "weight_noise", "frozen layer"])
def test_trajectory_of_every_kind_of_rows(layout, case):
    rng = np.random.default_rng(1)
    network = make_network(rng, 51, make_layers([9, 2], "tanh"), "squared_error", seed=1)
    X, y = LAYOUTS[layout](make_counts(rng, 27, 51)), rng.standard_normal((27, 2))
    check_trajectory(network, case, "float64", X, y, None)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", [*(case for case in CASES if "max_norm" not in CASES[case][1])])
def test_trajectory_with_weight_norm_and_slopes(case, dtype):
    """The lengths of weights are a normalization, their biases are biases, slopes are neither."""
    rng = np.random.default_rng(2)
    layers = [Dense(9, "prelu", WeightNorm()), Dense(7, PReLU(shared=False), WeightNorm())]
    network = make_network(rng, 50, [*layers, Dense(3)], "squared_error", seed=3)
    X, y = make_data(rng, 27, 50, 3, "squared_error")
    check_trajectory(network, case, dtype, X.astype(dtype), y, None, n_threads=2)


# --- penalties ------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("penalize_intercepts", [False, True])
def test_gradient_of_the_penalty_by_finite_differences(l1_ratio, penalize_intercepts):
    """Check the gradients of reference and engine. No weight is near 0, where there is a kink."""
    rng = np.random.default_rng(5)
    X, y = make_data(rng, 9, 4, 3, "squared_error")
    layers = make_layers([5, 3], "tanh", "before")
    network = make_network(rng, 4, layers, "squared_error")
    engine = Engine(network, "squared_error")
    options = {"l1_ratio": l1_ratio, "penalize_intercepts": penalize_intercepts}
    for model in (network, engine):
        views = [p[name] for p in model.parameters for name in sorted(p)]
        numerical = numerical_gradient(
            lambda model=model: sum(model.loss_and_grad(X, y, alpha=2.0, **options)[:2]), views
        )
        gradient = model.loss_and_grad(X, y, alpha=2.0, **options)[2]
        assert relative_error(named(gradient), numerical) < 1e-6


def test_zeros_stay_zero_under_an_l1_penalty():
    w = np.array([-0.5, 0.0, -0.0, 2.0])
    np.testing.assert_array_equal(elastic_net(w, 0.0, 0.25)[1], [-0.25, 0, 0, 0.25])


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_l1_makes_the_weights_of_useless_features_small(estimator):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 10))
    y = X[:, 0] > 0 if estimator is MLPClassifier else X[:, 0]
    sizes = {}
    for l1_ratio in (0.0, 1.0):
        model = estimator(
            hidden_layer_sizes=(8,),
            alpha=4.0,
            l1_ratio=l1_ratio,
            learning_rate_init=0.005,
            random_state=0,
        )
        magnitudes = np.abs(model.fit(X, y).coefs_[0])
        sizes[l1_ratio] = magnitudes[1:].mean() / magnitudes[0].mean()
    assert sizes[1.0] < sizes[0.0] / 2


def test_lbfgs_penalises_intercepts_if_asked():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    y = X[:, 0] + 5
    options = {"solver": "lbfgs", "alpha": 100.0, "random_state": 0, "hidden_layer_sizes": ()}
    free = MLPRegressor(**options).fit(X, y)
    bound = MLPRegressor(penalize_intercepts=True, **options).fit(X, y)
    # (z - 5)^2 / 2 + alpha / n z^2 / 2 has its minimum at 5 / (1 + alpha / n).
    assert free.intercepts_[0] == pytest.approx(5, abs=0.2)
    assert bound.intercepts_[0] == pytest.approx(2.5, abs=0.2)


# --- clipping and limits --------------------------------------------------------------------------


def test_clipping_by_norm_is_over_all_parameters():
    gradients = [np.array([[3.0, 0.0]]), np.array([4.0])]
    clipped = clip_norm(gradients, 1.0)
    assert np.sqrt(sum(np.sum(g**2) for g in clipped)) == pytest.approx(1, abs=1e-6)
    for g, expected in zip(clip_norm(gradients, 6.0), gradients, strict=True):
        np.testing.assert_array_equal(g, expected)


def test_norms_are_limited_column_by_column():
    coef = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]])
    np.testing.assert_allclose(limit_norms(coef, 1.0), [[0.6, 0.3, 0], [0.8, 0.4, 0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_unit_has_weights_beyond_max_norm(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 50)).astype(dtype)
    model = MLPRegressor(hidden_layer_sizes=(40, 30), max_norm=0.5, max_iter=3, random_state=0)
    model.fit(X, X[:, 0] * 10)
    for coef in model.coefs_:
        assert np.linalg.norm(coef, axis=0).max() <= 0.5 * (1 + 4 * np.finfo(dtype).eps)


# --- parameter groups -----------------------------------------------------------------------------


def test_factors_multiply():
    layers = make_layers([5, 4, 3], position="before")
    rng = np.random.default_rng(0)
    program = Engine(make_network(rng, 6, layers, "squared_error"), "squared_error").program
    factors = {"weights": 0.5, "biases": 3, "normalization": 5, 0: 7, -2: 11, -1: 0.0}
    stages = with_factors(program, factors).stages
    learned = [
        (float(s["weight_factor"]), float(s["bias_factor"])) for s in stages if s["weight"] >= 0
    ]
    first, second = (3.5, 21.0), (5.5, 33.0)
    norms = [(35.0, 35.0)] * 2, [(55.0, 55.0)] * 2
    assert learned == [first, *norms[0], second, *norms[1], (0.0, 0.0)]
    assert (program.stages[program.stages["kind"] == Kind.DENSE]["weight_factor"] == 1).all()


def test_layers_are_numbered_as_coefs_are():
    """A normalization before the first goes with the first, all others with the layer before."""
    block = Residual([Dense(6), BatchNorm(), Dense(6, "identity")])
    layers = [BatchNorm(), "tanh", block, "relu", BatchNorm(), Dense(4, "identity")]
    program = compile_program(6, layers, 0, "float64")
    stages = with_factors(program, {0: 2, 1: 3, 2: 5}).stages
    kinds = (Kind.DENSE, Kind.BN_APPLY)
    learned = [(s["kind"], float(s["weight_factor"])) for s in stages if s["kind"] in kinds]
    expected = [
        (Kind.BN_APPLY, 2),
        (Kind.DENSE, 2),
        (Kind.BN_APPLY, 2),
        (Kind.DENSE, 3),
        (Kind.BN_APPLY, 3),
        (Kind.DENSE, 5),
    ]
    assert learned == expected
    with pytest.raises(ValueError, match="there are 3 layers"):
        with_factors(program, {3: 1.0})


def test_factors_of_rprop_are_those_of_the_first_step():
    """Check that factors apply to the first step, whose size is the learning rate."""
    X = np.random.default_rng(0).standard_normal((60, 3))
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="rprop", learning_rate_init=0.01, max_iter=1, random_state=0
    )
    model.set_params(weight_init="zeros", bias_init="zeros", learning_rate_factors={"weights": 0.5})
    model.fit(X, X[:, 0])
    np.testing.assert_allclose(np.abs(model.coefs_[0]), 0.005, rtol=1e-12)
    np.testing.assert_allclose(np.abs(model.intercepts_[0]), 0.01, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:alpha=10.0 has no effect")
@pytest.mark.parametrize(
    "solver", ["sgd", "adam", "adamw", "lamb", "rprop", SGD(nesterov="look_ahead")], ids=str
)
@pytest.mark.parametrize("options", [{}, {"max_norm": 0.01, "alpha": 10.0}], ids=str)
def test_frozen_parameters_keep_their_bits(solver, options):
    """Check frozen parameters, also with moments in the state, and -0.0."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 30)).astype("float32")
    model = MLPRegressor(
        hidden_layer_sizes=(20, 10), solver=solver, warm_start=True, random_state=0, **options
    )
    model.set_params(normalization="batch", max_iter=2).fit(X, X[:, 0])
    model.coefs_[0][3, 4] = -0.0

    def arrays(layer):
        named = {"coef": model.coefs_[layer], "intercept": model.intercepts_[layer]}
        return {
            name: array.copy() for name, array in (named | model.normalizations_[layer]).items()
        }

    before = arrays(0), arrays(1)
    model.set_params(learning_rate_factors={0: 0.0}).fit(X, X[:, 0])
    for name, array in arrays(0).items():  # the averages go on, as they are not learned
        assert (array.tobytes() == before[0][name].tobytes()) == (name not in ("mean", "variance"))
    assert not np.array_equal(model.coefs_[1], before[1]["coef"])


def test_the_penalty_of_frozen_weights_is_reported():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    options = {"max_iter": 1, "random_state": 0, "batch_size": 60, "alpha": 100.0}
    losses = [
        MLPRegressor(learning_rate_factors=factors, **options).fit(X, X[:, 0]).loss_
        for factors in (None, {"weights": 0})
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


# --- decay and Nesterov ---------------------------------------------------------------------------


def test_decay_of_sgd_is_not_multiplied_by_momentum():
    """Check that decay shrinks weights by a factor; a penalty would accumulate in the velocity."""
    X, y = np.zeros((4, 3)), np.zeros(4)
    model = MLPRegressor(
        hidden_layer_sizes=(2,),
        activation="identity",
        solver=SGD(weight_decay=0.5),
        learning_rate_init=0.1,
        alpha=0.0,
    )
    model.set_params(weight_init="pytorch", bias_init="zeros", max_iter=1, random_state=0).fit(X, y)
    before = model.coefs_[0].copy()
    model.set_params(warm_start=True, max_iter=2).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], before * 0.95**2, rtol=1e-12)


def test_both_forms_of_nesterovs_momentum_walk_the_same_way():
    """Check that at a constant rate one form's parameters are the other's look-ahead point."""
    rng = np.random.default_rng(0)
    network = make_network(rng, 6, make_layers([7, 3], "tanh"), "squared_error")
    X, y = make_data(rng, 40, 6, 3, "squared_error")
    usual, ahead = (Engine(network, "squared_error", rule) for rule in ("nesterov", "look_ahead"))
    losses = [e.train(X, y, 8, [0.02] * 5, 0.3) for e in (usual, ahead)]
    np.testing.assert_allclose(*losses, rtol=1e-12)
    point = ahead.state.parameters + 0.9 * ahead.state.slots[0]
    np.testing.assert_allclose(usual.state.parameters, point, rtol=0, atol=1e-13)
    assert np.abs(ahead.state.parameters - point).max() > 1e-3


# --- weight noise ---------------------------------------------------------------------------------


def test_weight_noise_leaves_no_trace_but_its_gradients():
    """Check that nothing changes at rate zero, and that the noise differs between steps."""
    rng = np.random.default_rng(0)
    network = make_network(rng, 6, make_layers([7, 3], "tanh"), "squared_error")
    X, y = make_data(rng, 8, 6, 3, "squared_error")
    engine = Engine(network, "squared_error")
    before = engine.state.parameters.copy()
    order = np.tile(np.arange(8), 4)
    losses = engine.train(X, y, 8, [0.0] * 4, order=order, weight_noise=0.3)
    np.testing.assert_array_equal(engine.state.parameters, before)
    assert len(set(losses[:, 0])) == 4
    plain = engine.train(X, y, 8, [0.0], order=order[:8])
    assert plain[0, 0] == pytest.approx(sum(engine.loss_and_grad(X, y)[:2]))


def test_random_state_decides_the_noise():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    options = {"weight_init": "he_normal", "max_iter": 3, "weight_noise": 0.1}
    one, same = (MLPRegressor(random_state=0, **options).fit(X, X[:, 0]) for _ in range(2))
    np.testing.assert_array_equal(one.coefs_[0], same.coefs_[0])


# --- off ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam", AdamW()], ids=str)
def test_what_does_not_bind_changes_nothing(solver):
    """The update in parts has the bits of the one at once."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 30)).astype("float32")
    models = [
        MLPRegressor(
            hidden_layer_sizes=(40, 30), solver=solver, max_iter=3, random_state=0, **options
        ).fit(X, X[:, 0])
        for options in (
            {},
            {"clip_norm": 1e9},
            {"clip_value": 1e9},
            {"max_norm": 1e9},
            {"clip_norm": 1e9, "max_norm": 1e9},
            {"learning_rate_factors": {"weights": 1, 0: 1.0}},
            {"learning_rate_factors": {}},
        )
    ]
    for model in models[1:]:
        assert model.loss_curve_ == models[0].loss_curve_
        for array, expected in zip(model.coefs_, models[0].coefs_, strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.filterwarnings("error:alpha")
@pytest.mark.parametrize("solver", ["adamw", "lamb", AdamW(weight_decay=0.5)], ids=str)
def test_an_alpha_that_has_no_effect(solver):
    X, y = np.eye(20), np.arange(20) % 2
    for alpha in (1e-4, 0, 0.0):  # the default, and no penalty
        MLPClassifier((3,), solver=solver, alpha=alpha, max_iter=1).fit(X, y)
    MLPClassifier((3,), alpha=0.1, max_iter=1).fit(X, y)
    name = "LAMB" if solver == "lamb" else "AdamW"
    message = rf"alpha=0.1 has no effect with solver=.*, as in {name}\(weight_decay=0.01\)"
    with pytest.warns(UserWarning, match=message) as warned:
        MLPClassifier((3,), solver=solver, alpha=0.1, max_iter=1).fit(X, y)
    assert warned[0].filename == __file__
