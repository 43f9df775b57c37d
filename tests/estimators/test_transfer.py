"""Transfer of hidden layers to another estimator."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from fastnn import Dense, MLPClassifier, MLPRegressor, Residual, load
from fastnn.initializers import Pretrained

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 6))
FIRST, SECOND = X[:, 0] > 0, (X[:, :2] > 0).sum(axis=1)
PARAMETERS = dict(hidden_layer_sizes=(8, 5), activation="prelu", normalization="batch")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def source(**parameters):
    parameters = parameters or PARAMETERS
    return MLPClassifier(**parameters, max_iter=3, random_state=0).fit(X, FIRST)


def arrays_of(model):
    network = model._network
    return network.program.named(network.state.parameters, network.state.statistics)


def arrays_that_differ(model, other, n_layers):
    """Names of the arrays that differ, by layer."""
    pairs = zip(arrays_of(model)[:n_layers], arrays_of(other)[:n_layers], strict=True)
    return [
        {name for name in own if not np.array_equal(own[name], theirs[name])}
        for own, theirs in pairs
    ]


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_training_starts_from_all_arrays_of_the_hidden_layers(cls, precision):
    trained = source(**PARAMETERS, precision=precision)
    to = cls(max_iter=1, learning_rate_init=1e-30, precision=precision, random_state=1)
    model = trained.transfer(to).fit(X, SECOND)
    moving = {"mean", "variance"}  # follow the rows of a step, whatever the rate
    assert all(names <= moving for names in arrays_that_differ(model, trained, 2))
    assert model.coefs_[2].shape == (5, 3 if cls is MLPClassifier else 1)
    assert to.hidden_layer_sizes == (100,), "what was given is as before"
    assert len(model.predict(X[:1])) == 1


@pytest.mark.parametrize(
    ("freeze", "frozen"), [(False, []), (True, [0, 1]), ([1], [1]), ([], []), (np.array([0]), [0])]
)
def test_frozen_layers_do_not_change(freeze, frozen):
    trained = source()
    model = trained.transfer(MLPClassifier(alpha=1.0, max_iter=3), freeze=freeze).fit(X, SECOND)
    for layer, names in enumerate(arrays_that_differ(model, trained, 2)):
        assert not names - {"mean", "variance"} if layer in frozen else "coef" in names


def test_without_an_estimator_it_is_one_of_the_same_parameters():
    trained = source()
    model = trained.transfer()
    assert clone(model).set_params(weight_init=None).get_params() == trained.get_params()
    assert model.fit(X, SECOND).n_outputs_ == 3


def test_more_layers_may_follow():
    trained = source(layers=[Residual([Dense(6)]), Dense(5)])
    more = MLPRegressor(layers=[*trained.layers, Dense(4)], max_iter=3)
    model = trained.transfer(more, freeze=True).fit(X, SECOND)
    assert arrays_that_differ(model, trained, 2) == [set(), set()]
    assert [coef.shape for coef in model.coefs_] == [(6, 6), (6, 5), (5, 4), (4, 1)]


def test_factors_and_initial_weights_of_the_other_layers_remain():
    to = MLPClassifier(learning_rate_factors={"biases": 2.0}, weight_init="zeros", max_iter=1)
    model = source().transfer(to, freeze=[0])
    assert model.learning_rate_factors == {"biases": 2.0, 0: 0.0}
    model.set_params(learning_rate_init=1e-30).fit(X, SECOND)
    np.testing.assert_allclose(model.coefs_[2], 0, atol=1e-20)


def test_it_goes_where_parameters_go(tmp_path):
    model = source().transfer(MLPClassifier(max_iter=2, random_state=0), freeze=[0])
    expected = model.fit(X, SECOND).predict_proba(X)
    model.save(tmp_path / "model.fastnn")
    copies = [clone(model), pickle.loads(pickle.dumps(model)), load(tmp_path / "model.fastnn")]
    for copied in copies:
        np.testing.assert_array_equal(copied.fit(X, SECOND).predict_proba(X), expected)
    assert repr(model.weight_init) == "Pretrained(<2 layers>, others=None)"


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        ([2], "freeze names layer 2, and the hidden layers of this network are numbered 0 to 1"),
        ([-1], "freeze names layer -1"),
        ("all", "must be True, False, or a list"),
        ([0.5], "must be True, False, or a list"),
        ([True, False], "must be True, False, or a list"),
        (1, "must be True, False, or a list"),
    ],
)
def test_layers_that_cannot_be_frozen(freeze, message):
    with pytest.raises(ValueError, match=message):
        source().transfer(freeze=freeze)


def test_a_network_without_hidden_layers_has_none_to_freeze():
    with pytest.raises(ValueError, match="has no hidden layers"):
        source(hidden_layer_sizes=()).transfer(freeze=[0])


@pytest.mark.parametrize(
    ("to", "rows", "message"),
    [
        (None, X[:, :5], r"Layer 0 has 'coef' of shape \(5, 8\), and of \(6, 8\) in the"),
        (MLPClassifier(layers=[Dense(8)]), X, "Layer 0 has 'mean' of shape None"),
        (MLPClassifier(layers=[Dense(8, "prelu", "batch")]), X, "Layer 1 has 'coef'"),
    ],
)
def test_layers_that_do_not_fit(to, rows, message):
    with pytest.raises(ValueError, match=message):
        source().transfer(to).fit(rows, SECOND)


@pytest.mark.parametrize("to", [make_pipeline(MLPClassifier()), MLPClassifier, "a name"], ids=str)
def test_it_needs_an_estimator_of_a_network(to):
    with pytest.raises(TypeError, match=r"transfer needs an MLPClassifier, .* and got"):
        source().transfer(to)


def test_pretrained_is_no_initializer_of_one_layer():
    with pytest.raises(ValueError, match="for all layers"):
        MLPClassifier(weight_init=[Pretrained([]), None]).fit(X, FIRST)
