"""Initial parameters: their distribution, whose draws they are, and what is refused."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as TheirClassifier

from fastnn import LeakyReLU, MLPClassifier, MLPRegressor
from fastnn._network.initial_parameters import draw_parameters
from fastnn.initializers import (
    BIAS_INITIALIZERS,
    WEIGHT_INITIALIZERS,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Orthogonal,
    PyTorchDefault,
    ScikitLearn,
    Uniform,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FAN_IN, FAN_OUT = 200, 300

# Mean and standard deviation, written out with numbers.
MOMENTS = [
    (Constant(0.5), 0.5, 0.0),
    (Uniform(-1.0, 2.0), 0.5, 3 / 12**0.5),
    (Normal(1.0, 0.2), 1.0, 0.2),
    (GlorotUniform(), 0.0, (2 / 500) ** 0.5),
    (GlorotUniform(gain=3.0), 0.0, 3 * (2 / 500) ** 0.5),
    (GlorotNormal(), 0.0, (2 / 500) ** 0.5),
    (GlorotNormal(gain=3.0), 0.0, 3 * (2 / 500) ** 0.5),
    (HeUniform(), 0.0, 0.1),
    (HeUniform(mode="fan_out"), 0.0, (2 / 300) ** 0.5),
    (HeNormal(), 0.0, 0.1),
    (HeNormal(negative_slope=3.0), 0.0, 0.1 / 10**0.5),
    (LeCunUniform(), 0.0, 200**-0.5),
    (LeCunNormal(), 0.0, 200**-0.5),
    (PyTorchDefault(), 0.0, 600**-0.5),
    (ScikitLearn(2.0), 0.0, (2 / 3 / 500) ** 0.5),
]
BOUNDS = [
    (Uniform(-1.0, 2.0), -1.0, 2.0),
    (GlorotUniform(gain=3.0), -3 * (6 / 500) ** 0.5, 3 * (6 / 500) ** 0.5),
    (HeUniform(), -((6 / 200) ** 0.5), (6 / 200) ** 0.5),
    (HeUniform(2.0, "fan_out"), -((6 / 5 / 300) ** 0.5), (6 / 5 / 300) ** 0.5),
    (LeCunUniform(), -((3 / 200) ** 0.5), (3 / 200) ** 0.5),
    (PyTorchDefault(), -(200**-0.5), 200**-0.5),
    (ScikitLearn(), -((6 / 500) ** 0.5), (6 / 500) ** 0.5),
]


def draw(spec, shape=(FAN_IN, FAN_OUT), fan_in=FAN_IN, fan_out=FAN_OUT):
    return spec.draw(np.random.RandomState(0), shape, fan_in, fan_out)


@pytest.mark.parametrize("spec, mean, std", MOMENTS, ids=repr)
def test_moments(spec, mean, std):
    """60,000 numbers: the mean is off by std / 245, the standard deviation by a third of a percent.

    Biases have the distribution of the weights, and the fans of the layer.
    """
    for values in (draw(spec), draw(spec, (60_000,))):
        assert abs(values.mean() - mean) <= 4 * std / 245
        assert abs(values.std() - std) <= 0.02 * std


@pytest.mark.parametrize("spec, low, high", BOUNDS, ids=repr)
def test_bounds(spec, low, high):
    values = draw(spec)
    assert low <= values.min() < low + 0.001 * (high - low)
    assert high - 0.001 * (high - low) < values.max() <= high


@pytest.mark.parametrize("spec", [GlorotNormal(), HeNormal(), LeCunNormal(), Normal()], ids=repr)
def test_normal_is_not_uniform(spec):
    values = draw(spec)
    kurtosis = np.mean((values - values.mean()) ** 4) / values.var() ** 2
    assert abs(kurtosis - 3) < 0.1  # 1.8 for a uniform distribution


@pytest.mark.parametrize("fan_in, fan_out", [(7, 7), (9, 4), (4, 9), (1, 5), (5, 1)])
def test_orthogonal(fan_in, fan_out):
    for gain in (1.0, 2.5):
        weights = draw(Orthogonal(gain), (fan_in, fan_out), fan_in, fan_out)
        assert weights.shape == (fan_in, fan_out)
        product = weights.T @ weights if fan_in >= fan_out else weights @ weights.T
        np.testing.assert_allclose(product, gain**2 * np.eye(min(fan_in, fan_out)), atol=1e-14)


def test_orthogonal_prefers_no_direction():
    """Check the signs of the diagonal, which would be mostly negative without those of R."""
    random_state = np.random.RandomState(0)
    traces = [np.trace(Orthogonal().draw(random_state, (2, 2), 2, 2)) for _ in range(4000)]
    assert abs(np.mean(traces)) < 0.07


def test_every_rule_is_tested():
    tested = {type(spec) for spec, *_ in MOMENTS} | {Orthogonal}
    assert tested == {*WEIGHT_INITIALIZERS.values(), ScikitLearn}
    assert set(WEIGHT_INITIALIZERS) - set(BIAS_INITIALIZERS) == {"orthogonal"}


@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_by_default_parameters_are_scikit_learns(activation):
    X, y = np.zeros((3, 5)), [0, 1, 2]
    theirs = TheirClassifier(
        (4,), activation, random_state=0, max_iter=1, learning_rate_init=1e-300
    )
    with pytest.warns(UserWarning):
        theirs.fit(X, y)
    shapes = [coef.shape for coef in theirs.coefs_]
    ours = draw_parameters(np.random.RandomState(0), shapes, [activation] * 2)
    for (weights, biases), coef, intercept in zip(
        ours, theirs.coefs_, theirs.intercepts_, strict=True
    ):
        np.testing.assert_array_equal(weights, coef)
        np.testing.assert_array_equal(biases, intercept)


def test_scikit_learns_rule_looks_at_the_activation_of_each_layer():
    """The output layer has that of the last hidden layer."""
    shapes = [(5, 4), (4, 4), (4, 2)]

    def drawn(*activations):
        return list(draw_parameters(np.random.RandomState(0), shapes, activations))

    mixed, logistic, relu = (
        drawn(*names, names[-1])
        for names in [("logistic", "relu"), ("logistic", "logistic"), ("relu", "relu")]
    )
    for layer, alike in enumerate([logistic, relu, relu]):
        for ours, expected in zip(mixed[layer], alike[layer], strict=True):
            np.testing.assert_array_equal(ours, expected)
    assert np.abs(logistic[1][0]).max() < np.abs(relu[1][0]).max()


# --- in the estimators ----------------------------------------------------------------------------

X = np.random.default_rng(0).standard_normal((30, 5))
Y = X @ np.arange(5.0)


def untrained(estimator=MLPRegressor, **options):
    """An estimator with the parameters that it started from, but for 1e-300."""
    start = {"hidden_layer_sizes": (4,), "random_state": 0, "learning_rate_init": 1e-300}
    y = Y if estimator is MLPRegressor else Y > 0
    return estimator(max_iter=1, **start | options).fit(X, y)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("name", WEIGHT_INITIALIZERS)
def test_name_in_an_estimator(estimator, name):
    spec = WEIGHT_INITIALIZERS[name]()
    biases = name if name in BIAS_INITIALIZERS else "zeros"
    by_name, by_spec = (
        untrained(estimator, weight_init=init, bias_init=biases) for init in (name, spec)
    )
    random_state = np.random.RandomState(0)
    for i, shape in enumerate([(5, 4), (4, 1)]):
        expected = spec.draw(random_state, shape, *shape)
        np.testing.assert_allclose(by_name.coefs_[i], expected, atol=1e-299)
        np.testing.assert_array_equal(by_name.coefs_[i], by_spec.coefs_[i])
        expected = BIAS_INITIALIZERS[biases]().draw(random_state, (shape[1],), *shape)
        np.testing.assert_allclose(by_name.intercepts_[i], expected, atol=1e-299)


def test_each_default_stands_alone():
    """Check that giving one initializer does not affect the default of the other."""
    model = untrained(weight_init="zeros")
    np.testing.assert_allclose(model.coefs_[0], 0, atol=1e-299)
    assert np.ptp(model.intercepts_[0]) > 0
    model = untrained(bias_init="zeros")
    np.testing.assert_array_equal(model.coefs_[0], untrained().coefs_[0])
    np.testing.assert_allclose(model.intercepts_[0], 0, atol=1e-299)


def test_arrays_and_functions():
    first, last = np.arange(20.0).reshape(5, 4), np.arange(4.0).reshape(4, 1)
    model = untrained(weight_init=[first, last], bias_init=[range(4), [7]])
    for actual, expected in zip(
        [*model.coefs_, *model.intercepts_], [first, last, range(4), [7]], strict=True
    ):
        np.testing.assert_allclose(actual, expected, atol=1e-299)

    def shares(random_state, fan_in, fan_out):
        return random_state.dirichlet(np.ones(fan_in), fan_out).T

    model = untrained(weight_init=shares, bias_init=lambda _, fan_in, fan_out: [fan_in] * fan_out)
    for weights, biases in zip(model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(weights.sum(axis=0), 1)
        np.testing.assert_allclose(biases, len(weights))
    model = untrained(weight_init=[Orthogonal(), "zeros"], bias_init=(None, Constant(3.0)))
    np.testing.assert_allclose(model.coefs_[0].T @ model.coefs_[0], np.eye(4), atol=1e-12)
    np.testing.assert_allclose(model.coefs_[1], 0, atol=1e-299)
    np.testing.assert_allclose(model.intercepts_[1], 3)
    # An array of its own is enough for a network of one layer.
    model = untrained(hidden_layer_sizes=(), weight_init=np.ones((5, 1)), bias_init=np.ones(1))
    np.testing.assert_allclose(model.coefs_[0], 1)


def test_parameters_of_their_own_are_copied():
    weights = [np.ones((5, 4)), np.ones((4, 1))]
    MLPRegressor(hidden_layer_sizes=(4,), weight_init=weights, random_state=0).fit(X, Y)
    assert (weights[0] == 1).all()


def test_they_are_parameters_as_all_others():
    init = HeNormal(mode="fan_out")
    model = MLPRegressor(
        hidden_layer_sizes=(4,), weight_init=init, bias_init="zeros", random_state=0, max_iter=3
    )
    assert model.get_params()["weight_init__mode"] == "fan_out"
    assert clone(model).weight_init == init
    assert clone(model).weight_init is not init
    assert repr(model).count("HeNormal(negative_slope=0.0, mode=") == 1
    copy = pickle.loads(pickle.dumps(model.fit(X, Y)))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    grid = {"weight_init__mode": ["fan_in", "fan_out"], "bias_init": [None, Constant(0.1)]}
    search = GridSearchCV(model, grid, cv=2).fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) == 4


def test_warm_start_draws_nothing():
    model = MLPRegressor(hidden_layer_sizes=(4,), warm_start=True, random_state=0, max_iter=2)
    other = clone(model).fit(X, Y).set_params(weight_init="zeros").fit(X, Y)
    np.testing.assert_array_equal(model.fit(X, Y).fit(X, Y).coefs_[0], other.coefs_[0])


def test_a_leaky_network_keeps_the_size_of_its_signals():
    """Check that after twenty layers with He's rule outputs are neither 0 nor 1e9."""
    sizes, slope = (100,) * 20, 0.2
    rows = np.random.default_rng(0).standard_normal((200, 100))
    for weight_init, low, high in [(HeNormal(slope), 0.3, 3.0), (LeCunNormal(), 0, 0.05)]:
        options = {"weight_init": weight_init, "bias_init": "zeros", "random_state": 0}
        model = MLPRegressor(hidden_layer_sizes=sizes, activation=LeakyReLU(slope), **options)
        model.set_params(max_iter=1, learning_rate_init=1e-300)
        model.fit(rows, rows[:, :50])
        assert low <= model.predict(rows).std() <= high


BAD = [
    ({"weight_init": "xavier"}, "'weight_init' parameter(?=.*'glorot_uniform')(?=.*'he_normal')"),
    ({"bias_init": "orthogonal"}, "'bias_init' parameter .*'zeros'"),
    ({"bias_init": Orthogonal()}, "Orthogonal is for weights: choose another bias_init"),
    ({"weight_init": 3}, "'weight_init' parameter"),
    ({"weight_init": HeNormal}, "weight_init is the class HeNormal: give an instance of it"),
    ({"weight_init": HeNormal(mode="fan")}, "'mode' parameter of HeNormal"),
    ({"weight_init": Uniform(1.0, 0.0)}, "Uniform has low=1.0 above high=0.0"),
    ({"weight_init": ["zeros"]}, "weight_init is a list of 1, but there are 2 layers"),
    ({"bias_init": ["zeros", "none"]}, "Unknown bias_init 'none': the known ones are 'zeros'"),
    (
        {"weight_init": np.zeros((5, 4))},
        r"weight_init gives an array of shape \(5, 4\) to a layer with 4 inputs and 1 outputs",
    ),
    ({"bias_init": lambda *_: 0.0}, r"bias_init gives an array of shape \(\) .* needs \(4,\)"),
    ({"weight_init": [np.full((5, 4), np.nan), "zeros"]}, "weight_init contains NaN or infinity"),
    ({"weight_init": lambda *_: "a"}, "weight_init must be names, specs, arrays of numbers or"),
]


@pytest.mark.parametrize("options, message", BAD, ids=[str(i) for i in range(len(BAD))])
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_what_is_refused(estimator, options, message):
    model = estimator(hidden_layer_sizes=(4,), **options)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y if estimator is MLPRegressor else Y > 0)
    assert not hasattr(model, "coefs_")
