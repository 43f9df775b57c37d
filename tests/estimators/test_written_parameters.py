"""Fitted parameters can be read, and what is written into them predicts and trains on."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from fastnn import (
    Dropout,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MLPRegressor,
    PReLU,
)
from support.small_fits import X_REGRESSION, Y_REGRESSION, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def _by_hand(model, X):
    for i, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        X = X @ coef + intercept
        if i < len(model.coefs_) - 1:
            X = np.maximum(X, 0)
    return X[:, 0]


def test_what_is_written_into_the_parameters_predicts():
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    before = model.predict(X_REGRESSION)
    np.testing.assert_allclose(before, _by_hand(model, X_REGRESSION), rtol=1e-9)

    model.coefs_[0][2, 3] += 1.0
    model.intercepts_[1][:] = 0.5
    written = model.predict(X_REGRESSION)
    assert not np.allclose(written, before)
    np.testing.assert_allclose(written, _by_hand(model, X_REGRESSION), rtol=1e-9)

    mine = np.ones((20, 1), dtype=np.float32)
    model.coefs_[1] = mine
    model.intercepts_ = [np.arange(20), [3]]
    replaced = model.predict(X_REGRESSION)
    np.testing.assert_array_equal(model.coefs_[1], mine)
    np.testing.assert_array_equal(model.intercepts_[1], [3])
    np.testing.assert_allclose(replaced, _by_hand(model, X_REGRESSION), rtol=1e-9)
    assert model.coefs_[1].dtype == np.float64

    model.coefs_[1][...] = 2  # views again
    assert not np.allclose(model.predict(X_REGRESSION), replaced)
    model.coefs_ = tuple(np.zeros_like(coef) for coef in model.coefs_)
    np.testing.assert_array_equal(model.predict(X_REGRESSION), 3)


def test_written_arrays_that_change_places():
    model = MLPRegressor(hidden_layer_sizes=(4, 4, 4), max_iter=1).fit(
        X_REGRESSION[:, :4], Y_REGRESSION
    )
    first, second = model.coefs_[1].copy(), model.coefs_[2].copy()
    lists = model.coefs_
    model.coefs_[1], model.coefs_[2] = model.coefs_[2], model.coefs_[1]
    model.predict(X_REGRESSION[:, :4])
    np.testing.assert_array_equal(model.coefs_[1], second)
    np.testing.assert_array_equal(model.coefs_[2], first)
    model.coefs_[1] = model.coefs_[2].T
    model.predict(X_REGRESSION[:, :4])
    np.testing.assert_array_equal(model.coefs_[1], first.T)
    lists[1] = np.ones((4, 4))  # a list that the user holds still counts
    model.predict(X_REGRESSION[:, :4])
    np.testing.assert_array_equal(model.coefs_[1], 1)


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "type object"),
        ("1", "type <U1"),
        (1 + 1j, "type complex128"),
        (np.nan, "NaN or infinity"),
        (1e39, "must be finite in float32"),
    ],
)
def test_of_written_arrays_all_are_taken_or_none(name, value, message):
    X = X_REGRESSION.astype(np.float32)
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1).fit(X, Y_REGRESSION)
    before, arrays = model.predict(X), getattr(model, name)
    kept = list(arrays)
    arrays[0] = np.zeros_like(arrays[0])
    arrays[1] = np.full(arrays[1].shape, value)
    with pytest.raises(ValueError, match=message):
        model.predict(X)
    arrays[:] = kept
    np.testing.assert_array_equal(model.predict(X), before)


def test_written_parameters_are_where_training_goes_on_from_and_what_is_pickled():
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    model.coefs_[0] = np.zeros((10, 20))
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.coefs_[0], 0)
    model.coefs_[0] = np.zeros((10, 20))
    model.partial_fit(X_REGRESSION, Y_REGRESSION)
    assert 0 < np.abs(model.coefs_[0]).max() < 0.01


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("coefs_", [np.zeros((10, 20)), np.zeros((20, 2))], r"coefs_\[1\] has shape \(20, 2\)"),
        ("coefs_", [np.zeros((10, 20))], "coefs_ has 1 arrays, but there are 2 layers"),
        ("intercepts_", [np.zeros(3), np.zeros(1)], r"intercepts_\[0\] has shape \(3,\)"),
    ],
)
def test_parameters_of_another_shape_are_refused(name, value, message):
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    setattr(model, name, value)
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            model.predict(X_REGRESSION)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X_REGRESSION, Y_REGRESSION)


def test_normalizations_can_be_seen_and_written():
    model = regressor(normalization="batch").fit(X_REGRESSION, Y_REGRESSION)
    hidden, output = model.normalizations_
    assert output is None
    assert set(hidden) == {"scale", "shift", "mean", "variance"}
    z = X_REGRESSION @ model.coefs_[0] + model.intercepts_[0]
    z = (z - hidden["mean"]) / np.sqrt(hidden["variance"] + 1e-5) * hidden["scale"]
    by_hand = np.maximum(z + hidden["shift"], 0) @ model.coefs_[1] + model.intercepts_[1]
    np.testing.assert_allclose(model.predict(X_REGRESSION), by_hand[:, 0], rtol=1e-9)
    hidden["scale"][:] = 0
    hidden["shift"][:] = 0
    np.testing.assert_allclose(model.predict(X_REGRESSION), model.intercepts_[1][0])


def test_layer_norm_by_hand():
    model = regressor(normalization="layer").fit(X_REGRESSION, Y_REGRESSION)
    hidden, output = model.normalizations_
    assert output is None
    assert set(hidden) == {"scale", "shift"}
    z = X_REGRESSION @ model.coefs_[0] + model.intercepts_[0]
    z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
    z = np.maximum(z * hidden["scale"] + hidden["shift"], 0)
    by_hand = z @ model.coefs_[1] + model.intercepts_[1]
    np.testing.assert_allclose(model.predict(X_REGRESSION), by_hand[:, 0], rtol=1e-9)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_weight_norm_starts_as_the_network_without_and_goes_on_by_itself(precision):
    options = {"learning_rate_init": 1e-30, "alpha": 0.0, "max_iter": 1, "precision": precision}
    tolerance = {"float32": 1e-5, "float64": 1e-12}[precision]
    plain, normed = (
        regressor(normalization=norm, **options).fit(X_REGRESSION, Y_REGRESSION)
        for norm in (None, "weight")
    )
    expected = plain.predict(X_REGRESSION)
    np.testing.assert_allclose(normed.predict(X_REGRESSION), expected, rtol=tolerance, atol=1e-5)
    np.testing.assert_array_equal(normed.coefs_[0], plain.coefs_[0])

    model = regressor(normalization="weight", max_iter=50).fit(X_REGRESSION, Y_REGRESSION)
    assert model.normalizations_[1] is None
    weights = model.coefs_[0] / np.linalg.norm(model.coefs_[0], axis=0)
    weights = weights * model.normalizations_[0]["g"]
    z = np.maximum(X_REGRESSION @ weights + model.intercepts_[0], 0)
    by_hand = z @ model.coefs_[1] + model.intercepts_[1]
    predicted = model.predict(X_REGRESSION)
    np.testing.assert_allclose(predicted, by_hand[:, 0], rtol=1e-9)
    model.coefs_[0][:] *= 7  # the length of v does not count
    np.testing.assert_allclose(model.predict(X_REGRESSION), predicted, rtol=1e-9)


def test_slopes_can_be_seen_and_written():
    model = regressor(activation=["prelu", PReLU(0.1, shared=False)], hidden_layer_sizes=(20, 10))
    model.fit(X_REGRESSION, Y_REGRESSION)
    one, many, output = (p and p["slope"] for p in model.activation_parameters_)
    assert output is None
    assert (one.shape, many.shape) == ((1,), (10,))
    assert one[0] != 0.25
    assert not np.any(many == 0.1)
    one[:], many[:] = 0, 0
    copied = pickle.loads(pickle.dumps(model))
    x = X_REGRESSION
    for coef, intercept in zip(model.coefs_[:2], model.intercepts_[:2], strict=True):
        x = np.maximum(x @ coef + intercept, 0)
    by_hand = (x @ model.coefs_[2] + model.intercepts_[2])[:, 0]
    np.testing.assert_allclose(model.predict(X_REGRESSION), by_hand, rtol=1e-9)
    np.testing.assert_array_equal(copied.predict(X_REGRESSION), model.predict(X_REGRESSION))
    assert not copied.activation_parameters_[0]["slope"].any()


def test_what_takes_the_place_of_a_normalization_or_a_slope_is_written():
    model = regressor(normalization="batch", activation="prelu").fit(X_REGRESSION, Y_REGRESSION)
    scale, slope = model.normalizations_[0], model.activation_parameters_[0]
    assert scale.copy().keys() == scale.keys()
    scale["scale"] = np.zeros(20)
    scale.update(shift=[0] * 20)
    np.testing.assert_allclose(model.predict(X_REGRESSION), model.intercepts_[1][0])
    view = slope["slope"]
    slope["slope"] = [0.5]
    assert view[0] == 0.5
    with pytest.raises(ValueError, match=r"'slope' has shape \(2,\), but the network needs \(1,\)"):
        slope["slope"] = [1, 2]
    with pytest.raises(ValueError, match="'scale' must be finite"):
        scale["scale"] = np.full(20, np.nan)
    with pytest.raises(TypeError, match="cannot be taken away"):
        del scale["scale"]


def test_maxout_by_hand():
    model = regressor(activation=Maxout(3)).fit(X_REGRESSION, Y_REGRESSION)
    assert model.coefs_[0].shape == (X_REGRESSION.shape[1], 60)
    assert model.coefs_[1].shape == (20, 1)
    z = X_REGRESSION @ model.coefs_[0] + model.intercepts_[0]
    x = np.max([z[:, :20], z[:, 20:40], z[:, 40:]], axis=0)
    by_hand = (x @ model.coefs_[1] + model.intercepts_[1])[:, 0]
    np.testing.assert_allclose(model.predict(X_REGRESSION), by_hand, rtol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_list_of_activations_has_one_for_each_layer(solver):
    options = {"hidden_layer_sizes": (20, 10), "solver": solver}
    model = regressor(activation=["logistic", LeakyReLU(0.3)], **options)
    model.fit(X_REGRESSION, Y_REGRESSION)
    x = 1 / (1 + np.exp(-X_REGRESSION @ model.coefs_[0] - model.intercepts_[0]))
    x = x @ model.coefs_[1] + model.intercepts_[1]
    by_hand = np.where(x > 0, x, 0.3 * x) @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(model.predict(X_REGRESSION), by_hand[:, 0], rtol=1e-9)
    alike, listed = (
        regressor(activation=activation, **options).fit(X_REGRESSION, Y_REGRESSION)
        for activation in ("logistic", ("logistic", "logistic"))
    )
    np.testing.assert_array_equal(alike.predict(X_REGRESSION), listed.predict(X_REGRESSION))
    copied = pickle.loads(pickle.dumps(clone(model).fit(X_REGRESSION, Y_REGRESSION)))
    np.testing.assert_array_equal(copied.predict(X_REGRESSION), model.predict(X_REGRESSION))


# Every kind of stage, alone and with others.
STAGES = [
    {"normalization": "layer"},
    {"normalization": GroupNorm(5, position="after")},
    {"normalization": InstanceNorm(4, affine=True), "activation": "prelu"},
    {"normalization": InstanceNorm(2)},
    {"normalization": "weight", "activation": Maxout(3), "dropout": 0.2},
    {"activation": PReLU(shared=False), "dropout": Dropout(0.1, 0.1)},
    {"normalization": LayerNorm(position="after"), "activation": "maxout"},
]


@pytest.mark.parametrize("options", STAGES, ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "adamw"])
def test_every_kind_of_stage_trains_on_and_comes_out_of_a_pickle(options, solver):
    """Check pickles with dense and sparse rows; training continues to the same bits."""
    options = options | {"solver": solver, "max_iter": 20}
    if solver == "lbfgs" and "dropout" in options:
        options |= {"dropout": 0.0}
    X, y = X_REGRESSION, Y_REGRESSION
    model = regressor(warm_start=True, **options).fit(X, y)
    first = model.loss_
    sparse_model = regressor(**options).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(sparse_model.predict(X), model.predict(X), rtol=1e-6)
    np.testing.assert_allclose(
        sparse_model.predict(sparse.csr_array(X)), sparse_model.predict(X), rtol=1e-9
    )
    np.testing.assert_allclose(model.predict(X[:1]), model.predict(X)[:1], rtol=1e-9)
    copied = pickle.loads(pickle.dumps(model))
    for one in (model, copied):
        one.fit(X, y)
    assert model.loss_ < first
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    assert repr(model.normalizations_) == repr(copied.normalizations_)


def test_training_goes_on_with_another_start_of_the_slopes():
    """Check that further training does not depend on the initial value of the slopes."""
    model = regressor(activation=PReLU(0.2), warm_start=True).fit(X_REGRESSION, Y_REGRESSION)
    model.set_params(activation=PReLU(0.3)).fit(X_REGRESSION, Y_REGRESSION)
    model.set_params(activation=PReLU(0.3, shared=False))
    with pytest.raises(ValueError, match="layers of the same sizes and normalization"):
        model.fit(X_REGRESSION, Y_REGRESSION)


def test_a_new_fit_leaves_the_arrays_of_the_last_one_alone():
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    mine, copied = model.coefs_[0], model.coefs_[0].copy()
    model.set_params(random_state=1).fit(X_REGRESSION, Y_REGRESSION)
    np.testing.assert_array_equal(mine, copied)
