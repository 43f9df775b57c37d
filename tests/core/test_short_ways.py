"""Fast paths have the same results as scikit-learn's functions."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target, unique_labels

from fastnn import Adam, MLPClassifier, MLPRegressor
from fastnn._data.encoders import make_labels
from fastnn._data.labels import Labels
from fastnn._fit.randomness import generator

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4))
Y = rng.integers(3, size=60)

# --- labels ---------------------------------------------------------------------------------------

COLUMNS = {
    "two": np.array([0, 1, 1, 0]),
    "one": np.full(5, 7),
    "negative": np.array([-3, 5, -3, 2]),
    "bool": np.array([True, False, True]),
    "only false": np.zeros(4, bool),
    "uint8": np.array([255, 0, 3], np.uint8),
    "int8": np.array([-128, 127, 5], np.int8),
    "far apart": np.array([0, 10**12, 5]),
    "extreme": np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max, 0]),
    "large": np.array([2**64 - 1, 2**64 - 2], np.uint64),
    "many": rng.integers(-50, 5000, 3000),
    "every other": np.arange(0, 3000, 2)[::-1],
    "bytes swapped": np.array([3, 1, 2, 3], ">i4"),
    "strings": np.array(["b", "a", "b"]),
    "objects": np.array(["b", "a", "b"], object),
    "whole floats": np.array([2.0, 0.0, 2.0]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_classes(kind):
    y = COLUMNS[kind]
    labels = make_labels(y)
    np.testing.assert_array_equal(labels.classes, expected := unique_labels(y), strict=True)
    assert labels.classes.dtype == expected.dtype
    assert labels.kind == type_of_target(y)
    np.testing.assert_array_equal(labels.codes(y), np.searchsorted(expected, y))
    assert labels.same_classes(list(labels.classes))
    assert not labels.same_classes(list(labels.classes[1:]) or [1, 2])
    labels.check_same(y[::-1])


@pytest.mark.parametrize("unknown", [2, -1, 99, 10**15])
def test_unknown_classes(unknown):
    labels = Labels(np.array([0, 1, 3, 5]))
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        labels.codes(np.array([0, unknown]))


@pytest.mark.parametrize("kind", ["int", "bool", "float", "str", "list", "unknown", "weights"])
def test_score(kind):
    types = {"bool": bool, "float": float, "str": str}
    y = Y.astype(types.get(kind, int))
    weights = X[:, 0] ** 2 if kind == "weights" else None
    model = MLPClassifier((5,), max_iter=5, random_state=0).fit(X, y)
    asked = {"list": list(y), "unknown": Y + 2}.get(kind, y)
    expected = accuracy_score(asked, model.predict(X), sample_weight=weights)
    score = model.score(X, asked, weights)
    assert score == expected
    assert type(score) is float
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, y[:-1])


# --- parameters -----------------------------------------------------------------------------------


class Wrong(MLPRegressor):
    def __init__(self, max_iter=-1):
        super().__init__(max_iter=max_iter)


def test_a_default_that_is_not_valid_does_not_pass():
    with pytest.raises(ValueError, match="The 'max_iter' parameter of Wrong must be an int"):
        Wrong().fit(X, Y)
    assert Wrong(2).fit(X, Y).n_iter_ == 2


def test_parameters_are_looked_at_anew_in_each_fit():
    solver = Adam()
    model = MLPRegressor(max_iter=2, solver=solver).fit(X, Y)
    solver.beta_1 = 2.0
    with pytest.raises(ValueError, match="The 'beta_1' parameter of Adam must be a float"):
        model.fit(X, Y)
    solver.beta_1 = 0.9
    model.max_iter = 0
    with pytest.raises(ValueError, match="The 'max_iter' parameter of MLPRegressor must be an int"):
        model.fit(X, Y)


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("dtype", [">f4", ">f8"])
def test_rows_whose_bytes_are_swapped(estimator, dtype):
    swapped = X.astype(dtype)
    native = swapped.astype(swapped.dtype.newbyteorder("="))
    model = estimator(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(swapped, Y)
    again = estimator(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(
        native.astype(float), Y
    )
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    np.testing.assert_array_equal(model.predict(swapped), model.predict(native))


def test_names_of_features_are_forgotten_with_those_who_have_them():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, warm_start=True).fit(frame, Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.partial_fit(X, Y)
    assert list(model.feature_names_in_) == list("abcd")
    model.warm_start = False
    model.fit(X, Y)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("y", [Y[:-1], np.append(Y[1:] * 1.0, np.nan), Y[:, np.newaxis][:, :0]])
def test_targets_that_do_not_pass(y):
    for model in (MLPClassifier(), MLPRegressor()):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples|NaN|0 feature"):
            model.fit(X, y)


# --- random numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, np.int64(5)])
def test_generators_draw_what_new_ones_draw(seed):
    for _ in range(2):
        with generator(seed) as outer:
            drawn = [outer.normal(size=3)]  # leaves half of a pair behind
            with generator(seed) as inner:
                assert inner is not outer
                np.testing.assert_array_equal(inner.normal(size=3), drawn[0])
            drawn.append(outer.normal(size=3))
        np.testing.assert_array_equal(np.ravel(drawn), check_random_state(seed).normal(size=6))


def test_a_generator_that_is_kept_is_nobody_elses():
    kept = []

    def keeps(random_state, fan_in, fan_out):
        kept.append(random_state)
        return random_state.uniform(size=(fan_in, fan_out))

    for _ in range(2):
        MLPRegressor(hidden_layer_sizes=(5,), weight_init=keeps, max_iter=2, random_state=0).fit(
            X, Y
        )
    assert len({*map(id, kept)}) == 2
    own = np.random.RandomState(3)
    with generator(own) as drawn:
        assert drawn is own


# --- going on -------------------------------------------------------------------------------------


def edit_in_place(model):
    model.coefs_[0][...] *= 0.5
    model.intercepts_[1][...] = 0.1


def replace_arrays(model):
    model.coefs_ = [np.full_like(coef, 0.01) for coef in model.coefs_]


def set_parameters(**parameters):
    return lambda model: model.set_params(**parameters)


def failing_call(model):
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full_like(X, np.nan), Y)


def diverging_call(model):
    loss_curve = list(model.loss_curve_)
    with pytest.raises(ValueError, match="the loss is not finite from the first batch on"):
        model.partial_fit(X, np.full(60, 1e200))
    assert model.loss_curve_ == loss_curve


BETWEEN = {
    "nothing": lambda model: None,
    "edit": edit_in_place,
    "replace": replace_arrays,
    "predict": lambda model: model.predict(X),
    "alpha": set_parameters(alpha=1.0),
    "batch": set_parameters(batch_size=60),
    "larger batch": set_parameters(batch_size=7),
    "rate": set_parameters(learning_rate_init=0.1),
    "solver": set_parameters(solver="sgd"),
    "same slots": set_parameters(solver="radam"),
    "spec": set_parameters(solver=Adam(0.5)),
    "activation": set_parameters(activation="tanh"),
    "dropout": set_parameters(dropout=0.5),
    "noise": set_parameters(weight_noise=0.1),
    "factors": set_parameters(learning_rate_factors={0: 0.0}),
    "threads": set_parameters(n_jobs=2),
    "averaging": set_parameters(averaging="ema"),
    "augment": set_parameters(augment="mixup"),
    "failing": failing_call,
    "diverging": diverging_call,
    "full fit": lambda model: model.fit(X, Y * 1.0),
    "warm fit": lambda model: model.set_params(warm_start=True).fit(X, Y * 1.0),
}


@pytest.mark.parametrize("normalization", [None, "batch"])
@pytest.mark.parametrize("between", BETWEEN)
def test_what_is_kept_between_calls_changes_nothing(between, normalization):
    """A copy by way of a pickle has nothing but its parameters to go on from."""
    model = MLPRegressor(
        hidden_layer_sizes=(5,),
        batch_size=20,
        max_iter=3,
        random_state=0,
        normalization=normalization,
    )
    for _ in range(2):
        model.partial_fit(X, Y * 1.0)
    for change in (BETWEEN[between], BETWEEN["nothing"]):
        change(model)
        copied = pickle.loads(pickle.dumps(model))
        for one in (model, copied):
            one.partial_fit(X, Y * 1.0)
        assert model.loss_curve_ == copied.loss_curve_
        np.testing.assert_array_equal(model.predict(X), copied.predict(X))
        for mine, others in zip(model.coefs_, copied.coefs_, strict=True):
            np.testing.assert_array_equal(mine, others)


def test_an_engine_is_kept_and_not_pickled():
    model = MLPRegressor(hidden_layer_sizes=(50,), max_iter=3).fit(X, Y)
    assert model._network._kept is None
    size = len(pickle.dumps(model))
    model.partial_fit(X, Y)
    engine = model._network._kept[0]
    model.partial_fit(X[:7], Y[:7])
    assert model._network._kept[0] is engine
    assert len(pickle.dumps(model)) < size + 200  # of two more epochs of the history
    model.set_params(solver="sgd").partial_fit(X, Y)
    assert model._network._kept[0] is not engine
    assert model.fit(X, Y)._network._kept is None


def test_another_instruction_set_is_another_engine(monkeypatch):
    model = MLPRegressor(hidden_layer_sizes=(5,)).partial_fit(X, Y)
    monkeypatch.setenv("FASTNN_ISA", "none of these")
    with pytest.raises(ValueError, match="The instruction set 'none of these'"):
        model.partial_fit(X, Y)
