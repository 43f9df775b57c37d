"""The estimators as a user meets them: what goes in, what comes out, what is kept."""

import doctest
import inspect
import itertools
import pickle
import tracemalloc
import warnings
from importlib import import_module

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import (
    ELU,
    LBFGS,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MLPClassifier,
    MLPRegressor,
    Momentum,
    PReLU,
)
from fastnn.activations import HIDDEN_ACTIVATIONS
from fastnn.estimators import base
from fastnn.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from fastnn.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAIRS = [(MLPClassifier, TheirClassifier), (MLPRegressor, TheirRegressor)]
X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)
X_DIGITS, Y_DIGITS = X_DIGITS[:300] / 16, Y_DIGITS[:300]
X_REGRESSION, Y_REGRESSION = make_regression(200, 10, random_state=0)
Y_REGRESSION /= Y_REGRESSION.std()
ALL = [
    (MLPClassifier, X_DIGITS, Y_DIGITS),
    (MLPRegressor, X_REGRESSION, Y_REGRESSION),
]


def classifier(**options):
    options = {"hidden_layer_sizes": (20,), "max_iter": 5, "random_state": 0} | options
    return MLPClassifier(**options)


def regressor(**options):
    options = {"hidden_layer_sizes": (20,), "max_iter": 5, "random_state": 0} | options
    return MLPRegressor(**options)


# Parameters that come after scikit-learn's.
NEW = [
    *("normalization", "dropout", "device", "precision", "n_jobs", "weight_init", "bias_init"),
    *("layers", "scoring", "averaging", "augment", "input_noise", "clip_norm", "clip_value"),
    *("learning_rate_factors", "l1_ratio", "penalize_intercepts", "max_norm", "weight_noise"),
    "callbacks",
]
NEW_OF = {
    MLPClassifier: [*NEW, "loss", "output_activation", "label_smoothing", "class_weight"],
    MLPRegressor: [*NEW, "output_activation"],
}

# --- the same interface ---------------------------------------------------------------------------


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_parameters_are_scikit_learns_and_some_after_them(ours, theirs):
    new = NEW_OF[ours]
    theirs, ours = (list(inspect.signature(cls).parameters.values()) for cls in (theirs, ours))
    assert ours[: len(theirs)] == theirs
    names = [parameter.name for parameter in ours[len(theirs) :]]
    assert names == new


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_fitted_attributes_are_scikit_learns_and_three_more(ours, theirs, options):
    X = pd.DataFrame(X_DIGITS).rename(columns=str)
    options = {"max_iter": 3} | options
    attributes = [
        {name for name in vars(cls(**options).fit(X, Y_DIGITS)) if not name.startswith("_")}
        for cls in (ours, theirs)
    ]
    new = {*NEW_OF[ours], "normalizations_", "activation_parameters_", "history_"}
    assert attributes[0] == attributes[1] | new
    assert ours(**options).loss == theirs(**options).loss


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_methods_are_scikit_learns(ours, theirs):
    assert {name for name in dir(theirs) if not name.startswith("_")} <= set(dir(ours))
    for name in ("fit", "partial_fit", "predict", "score"):
        mine, others = (inspect.signature(getattr(cls(), name)) for cls in (ours, theirs))
        mine = list(mine.parameters.values())
        if name == "fit":
            assert [p.name for p in mine[-3:]] == ["X_val", "y_val", "sample_weight_val"]
            mine = mine[:-3]
        assert mine == list(others.parameters.values())


def test_repr_shows_what_was_changed():
    assert repr(MLPClassifier()) == "MLPClassifier()"
    text = repr(MLPClassifier(solver=Momentum(beta=0.5), dropout=0.1))
    assert text == "MLPClassifier(dropout=0.1, solver=Momentum(beta=0.5, weight_decay=0.0))"


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_examples_in_the_documentation(name):
    result = doctest.testmod(import_module(f"fastnn.estimators.{name}"))
    assert result.attempted > 5
    assert result.failed == 0


# --- every parameter does something ---------------------------------------------------------------

_calls = itertools.count()


def _worse_each_time(model, X, y):
    """By this score the first epoch is the best."""
    return -float(next(_calls))


CHANGES = {
    "hidden_layer_sizes": ({}, (21,)),
    "activation": ({}, "tanh"),
    "solver": ({}, "sgd"),
    "alpha": ({}, 1.0),
    "batch_size": ({}, 50),
    "learning_rate": ({"solver": "sgd"}, "invscaling"),
    "learning_rate_init": ({}, 0.01),
    "power_t": ({"solver": "sgd", "learning_rate": "invscaling"}, 0.1),
    "max_iter": ({}, 6),
    "shuffle": ({"batch_size": 50}, False),
    "random_state": ({}, 1),
    "tol": ({"n_iter_no_change": 1}, 1e9),
    "warm_start": ({"fits": 2}, True),
    "momentum": ({"solver": "sgd"}, 0.5),
    "nesterovs_momentum": ({"solver": "sgd"}, False),
    "early_stopping": ({}, True),
    "validation_fraction": ({"early_stopping": True}, 0.3),
    "beta_1": ({}, 0.5),
    "beta_2": ({}, 0.5),
    "epsilon": ({}, 1e-2),
    "n_iter_no_change": ({"tol": 1e9, "max_iter": 9, "n_iter_no_change": 2}, 5),
    "max_fun": ({"solver": "lbfgs"}, 2),
    "normalization": ({}, "batch"),
    "dropout": ({}, 0.3),
    "weight_init": ({}, "he_normal"),
    "bias_init": ({}, "zeros"),
    "precision": ({}, "float32"),
    "clip_norm": ({}, 0.1),
    "clip_value": ({}, 0.01),
    "learning_rate_factors": ({}, {"biases": 2.0}),
    "l1_ratio": ({}, 0.5),
    "penalize_intercepts": ({}, True),
    "max_norm": ({}, 0.5),
    "weight_noise": ({}, 0.1),
    "layers": ({"hidden_layer_sizes": (100,)}, [Dense(20, "tanh")]),
    "scoring": ({"early_stopping": True, "max_iter": 100}, _worse_each_time),
    "averaging": ({}, "ema"),
    "augment": ({}, "mixup"),
    "input_noise": ({}, 0.1),
    "output_activation": ({"loss": "squared_error"}, "tanh"),
}
OWN_CHANGES = [
    (regressor, "loss", {"y": "counts"}, "poisson"),
    *((regressor, "loss", {}, name) for name in REGRESSION_LOSSES[2:]),
    (regressor, "output_activation", {}, LeakyReLU(0.3)),
    *((classifier, "loss", {}, name) for name in CLASSIFICATION_LOSSES if name != "log_loss"),
    (classifier, "label_smoothing", {}, 0.1),
    (classifier, "label_smoothing", {"loss": "binary_log_loss"}, 0.1),
    (classifier, "label_smoothing", {"solver": "lbfgs"}, 0.1),
    (classifier, "class_weight", {}, "balanced"),
    (classifier, "class_weight", {"loss": "hinge"}, {3: 5.0}),
    (classifier, "output_activation", {"loss": "squared_error"}, "logistic"),
]
NO_CHANGE = {"verbose", "device", "n_jobs", "callbacks"}  # how, not what


def _predicted(estimator, fits=1, y=None, **options):
    X, target = X_REGRESSION, Y_REGRESSION
    if y == "counts":
        target = np.floor(np.exp(target))
    model = estimator(**options)
    if isinstance(model, MLPClassifier):
        X, target = X_DIGITS, Y_DIGITS
    for _ in range(fits):
        model.fit(X, target)
    return model.decision_function(X) if isinstance(model, MLPClassifier) else model.predict(X)


@pytest.mark.parametrize(
    "estimator, name, base, value",
    [(of, name, *change) for of in (regressor, classifier) for name, change in CHANGES.items()]
    + OWN_CHANGES,
)
def test_parameter_changes_the_result(estimator, name, base, value):
    before = _predicted(estimator, **base)
    np.testing.assert_array_equal(_predicted(estimator, **base), before)
    assert not np.array_equal(_predicted(estimator, **base | {name: value}), before)


@pytest.mark.parametrize("estimator", [classifier, regressor])
@pytest.mark.parametrize(
    "name", [name for name in OPTIMIZERS if name not in ("sgd", "adam", "lbfgs")]
)
def test_a_solver_that_scikit_learn_lacks_has_its_own_defaults(estimator, name):
    options = {"momentum": 0.1, "beta_1": 0.1, "beta_2": 0.1, "epsilon": 0.1}
    np.testing.assert_array_equal(
        _predicted(estimator, solver=name, **options),
        _predicted(estimator, solver=OPTIMIZERS[name]()),
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_solver_lowers_the_loss(name):
    rate = {"adadelta": 1.0, "adagrad": 0.05, "sgd": 0.05, "momentum": 0.05}.get(name, 0.01)
    model = regressor(solver=name, learning_rate_init=rate, max_iter=300, alpha=0.0)
    model.fit(X_REGRESSION, Y_REGRESSION)
    assert model.score(X_REGRESSION, Y_REGRESSION) > 0.95
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X_REGRESSION), model.predict(X_REGRESSION))


def test_no_parameter_is_forgotten():
    for cls in (MLPClassifier, MLPRegressor):
        own = {name for of, name, *_ in OWN_CHANGES if isinstance(of(), cls)}
        assert set(cls().get_params()) == set(CHANGES) | own | NO_CHANGE


@pytest.mark.parametrize("estimator", [classifier, regressor])
@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_number_of_threads_does_not_change_the_result(estimator, n_jobs):
    options = {"normalization": "batch", "dropout": 0.2, "max_iter": 2}
    np.testing.assert_array_equal(
        _predicted(estimator, n_jobs=n_jobs, **options), _predicted(estimator, n_jobs=1, **options)
    )


# --- rows of many kinds ---------------------------------------------------------------------------


def _rows(kind, X, folder):
    if kind == "memmap":
        np.save(folder / "X.npy", X)
        return np.load(folder / "X.npy", mmap_mode="r")
    if kind == "read-only":
        X = X.copy()
        X.flags.writeable = False
        return X
    return {
        "list": lambda: X.tolist(),
        "fortran": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        "reversed": lambda: X[::-1, ::-1].copy()[::-1, ::-1],
        "csr": lambda: sparse.csr_array(X),
        "csc": lambda: sparse.csc_matrix(X),
        "coo": lambda: sparse.coo_array(X),
        "pandas": lambda: pd.DataFrame(X).rename(columns=str),
        "polars": lambda: pl.DataFrame(X, schema=[f"x{i}" for i in range(X.shape[1])]),
    }[kind]()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "kind",
    [
        "memmap",
        "read-only",
        "list",
        "fortran",
        "strided",
        "reversed",
        "csr",
        "csc",
        "coo",
        "pandas",
        "polars",
    ],
)
def test_rows_of_any_kind_give_the_same(kind, dtype, tmp_path):
    X = X_DIGITS.astype(dtype)
    options = {"precision": np.dtype(dtype).name, "early_stopping": True}
    expected = classifier(**options).fit(X, Y_DIGITS)
    rows = _rows(kind, X, tmp_path)
    model = classifier(**options).fit(rows, Y_DIGITS)
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=rtol)
    np.testing.assert_allclose(
        model.predict_proba(rows), expected.predict_proba(X), rtol=rtol, atol=1e-6
    )


def test_bytes_are_rows_too():
    pixels = (X_DIGITS * 16).astype(np.uint8)
    model = classifier(max_iter=30, learning_rate_init=0.01).fit(pixels, Y_DIGITS)
    assert model.coefs_[0].dtype == np.float32
    assert model.score(pixels, Y_DIGITS) > 0.95
    as_float = pixels.astype(np.float32)
    np.testing.assert_allclose(
        model.predict_proba(pixels), model.predict_proba(as_float), rtol=1e-5
    )
    csr = sparse.csr_array(pixels)
    assert csr.dtype == np.uint8
    np.testing.assert_allclose(model.predict_proba(csr), model.predict_proba(pixels), rtol=1e-3)
    assert clone(model).fit(csr, Y_DIGITS).coefs_[0].dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rows_in_a_file_are_never_copied_whole(order, dtype, tmp_path):
    shape = (20_000, 400)
    X = np.lib.format.open_memmap(
        tmp_path / "X.npy", "w+", dtype, shape, fortran_order=order == "F"
    )
    X[:: shape[0] // 100] = 1
    X.flush()
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    y = np.arange(shape[0]) % 2
    # The other precision than that of the rows.
    model = MLPClassifier(
        (4,),
        max_iter=1,
        batch_size=200,
        early_stopping=True,
        validation_fraction=0.01,
        n_jobs=1,
        precision="float32" if dtype == "float64" else "float64",
    )
    model.fit(X[:1000], y[:1000])  # what is imported or cached for good
    model.predict(X[:100])
    tracemalloc.start()
    model.fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size  # a copy needs at least this number of bytes


def test_sparse_rows_are_never_made_dense():
    rng = np.random.default_rng(0)  # of a RandomState, the draw takes 15 s
    X = sparse.random(5000, 50_000, density=1e-4, format="csr", random_state=rng)
    y = np.arange(5000) % 2
    model = MLPClassifier((2,), max_iter=1, n_jobs=1)
    tracemalloc.start()
    model.fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.shape[0] * X.shape[1] * 8 / 15


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_feature_names(kind, tmp_path):
    rows = _rows(kind, X_REGRESSION, tmp_path)
    model = regressor().fit(rows, Y_REGRESSION)
    assert list(model.feature_names_in_) == list(rows.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = model.predict(rows)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        predicted = model.predict(X_REGRESSION)
    np.testing.assert_array_equal(predicted, expected)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(rows[list(rows.columns)[::-1]])


def test_precision():
    X32 = X_DIGITS.astype(np.float32)
    for X, precision, dtype in (
        (X_DIGITS, "auto", np.float64),
        (X32, "auto", np.float32),
        ((X_DIGITS * 16).astype(int), "auto", np.float64),
        (X_DIGITS, "float32", np.float32),
        (X32, "float64", np.float64),
    ):
        model = classifier(precision=precision).fit(X, Y_DIGITS)
        assert {array.dtype for array in model.coefs_ + model.intercepts_} == {np.dtype(dtype)}
        assert model.predict_proba(X_DIGITS).dtype == dtype
        assert model.predict_proba(X32).dtype == dtype
        assert model.predict_log_proba(X32).dtype == dtype


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names, dtype",
    [
        (["no", "yes"], None),
        (["no", "yes"], object),
        (["a", "b", "c"], None),
        (["a", "b", "c"], object),
        ([3, 7], np.int16),
        ([0, 1, 2], np.uint8),
        ([-1.0, 0.0, 2.0], np.float32),
        ([False, True], bool),
    ],
    ids=str,
)
def test_labels_come_back_as_they_were(names, dtype):
    codes = Y_DIGITS % len(names)
    y = np.array(names, dtype=dtype)[codes]
    ours = classifier(max_iter=20).fit(X_DIGITS, y)
    theirs = TheirClassifier((20,), max_iter=20, random_state=0).fit(X_DIGITS, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.classes_.dtype == theirs.classes_.dtype
    predicted = ours.predict(X_DIGITS)
    np.testing.assert_array_equal(predicted, theirs.predict(X_DIGITS))
    assert predicted.dtype == theirs.predict(X_DIGITS).dtype
    probabilities = ours.predict_proba(X_DIGITS)
    assert probabilities.shape == (len(y), len(names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(ours.predict_log_proba(X_DIGITS), np.log(probabilities))

    validated = classifier(early_stopping=True).fit(X_DIGITS, y)
    by_number = classifier(early_stopping=True).fit(X_DIGITS, codes)
    assert validated.validation_scores_ == by_number.validation_scores_
    np.testing.assert_array_equal(
        validated.predict(X_DIGITS), np.array(names, dtype=dtype)[by_number.predict(X_DIGITS)]
    )


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_several_labels_a_row(container):
    X, y = make_multilabel_classification(100, 10, n_classes=4, random_state=0)
    ours = classifier(max_iter=50).fit(X, container(y))
    theirs = TheirClassifier((20,), max_iter=50, random_state=0).fit(X, container(y))
    predicted, expected = ours.predict(X), theirs.predict(X)
    assert sparse.issparse(predicted) == sparse.issparse(expected)
    if sparse.issparse(predicted):
        assert type(predicted) is container
        predicted, expected = predicted.toarray(), expected.toarray()
    np.testing.assert_array_equal(predicted, expected)
    assert predicted.dtype == expected.dtype
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)


def test_one_class_only():
    y = np.full(len(X_DIGITS), "only")
    model = classifier().fit(X_DIGITS, y)
    assert list(model.classes_) == ["only"]
    assert set(model.predict(X_DIGITS)) == {"only"}


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_predictions_have_the_shape_of_the_targets(n_outputs, loss):
    y = np.abs(np.column_stack([Y_REGRESSION] * n_outputs))
    model = regressor(loss=loss)
    assert model.fit(X_REGRESSION, y[:, 0]).predict(X_REGRESSION).shape == (200,)
    if n_outputs > 1:
        assert model.fit(X_REGRESSION, y).predict(X_REGRESSION).shape == y.shape
    if loss == "poisson":
        assert (model.predict(X_REGRESSION) > 0).all()


def test_first_partial_fit_need_not_see_all_classes():
    model = classifier()
    model.partial_fit(X_DIGITS[:1], ["b"], classes=["c", "a", "b"])
    assert list(model.classes_) == ["a", "b", "c"]
    model.partial_fit(X_DIGITS[1:3], ["a", "a"])
    assert model.predict_proba(X_DIGITS).shape == (len(X_DIGITS), 3)


def test_rows_of_weight_zero_do_not_count():
    for estimator, X, y in (
        (classifier, X_DIGITS, Y_DIGITS),
        (regressor, X_REGRESSION, Y_REGRESSION),
    ):
        n = len(X)
        weight = np.ones(n)
        weight[n // 2 :] = 0
        options = {"batch_size": n, "shuffle": False}
        weighted = estimator(**options).fit(X, y, sample_weight=weight)
        options["batch_size"] = n // 2
        part = estimator(**options).fit(X[: n // 2], y[: n // 2])
        np.testing.assert_allclose(weighted.coefs_[0], part.coefs_[0], rtol=1e-9)


def test_a_batch_of_weight_zero_does_no_harm():
    weight = np.repeat([0.0, 1.0], 100)
    model = regressor(batch_size=50, shuffle=False, solver="sgd").fit(
        X_REGRESSION, Y_REGRESSION, sample_weight=weight
    )
    assert np.isfinite(model.loss_curve_).all()


# --- parameters that can be written to ------------------------------------------------------------


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
    """With dense and sparse rows; training goes on to the same bits."""
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
    """What they started from is no part of what they are."""
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


# --- inside scikit-learn --------------------------------------------------------------------------


def test_grid_search_over_specs():
    search = GridSearchCV(
        classifier(solver=Adam(), normalization=BatchNorm(), dropout=Dropout(0.1)),
        {
            "solver__beta_1": [0.5, 0.9],
            "normalization__position": ["before", "after"],
            "dropout__rate": [0.0, 0.2],
        },
        cv=2,
    ).fit(X_DIGITS, Y_DIGITS)
    assert (
        len({tuple(row) for row in search.cv_results_["param_solver__beta_1"].reshape(-1, 1)}) == 2
    )
    assert search.best_estimator_.solver.beta_1 in (0.5, 0.9)
    swapped = GridSearchCV(classifier(), {"solver": ["sgd", Adam(beta_1=0.5), LBFGS()]}, cv=2)
    swapped.fit(X_DIGITS, Y_DIGITS)
    assert len(set(swapped.cv_results_["mean_test_score"])) > 1


@pytest.mark.parametrize("estimator", [classifier, regressor])
def test_every_activation_is_another_network(estimator):
    """By name, in both types; what comes out of a pickle predicts the same."""
    for precision in ("float32", "float64"):
        predictions = []
        for name in HIDDEN_ACTIVATIONS:
            X, y = (X_DIGITS, Y_DIGITS) if estimator is classifier else (X_REGRESSION, Y_REGRESSION)
            model = estimator(activation=name, precision=precision).fit(X, y)
            assert np.isfinite(model.loss_)
            predict = getattr(model, "predict_proba", model.predict)
            predictions.append(predict(X))
            copy = pickle.loads(pickle.dumps(model))
            again = getattr(copy, "predict_proba", copy.predict)(X)
            np.testing.assert_array_equal(again, predictions[-1])
        for one, other in itertools.combinations(predictions, 2):
            assert not np.array_equal(one, other)


@pytest.mark.parametrize("spec", [spec() for spec in OPTIMIZERS.values()], ids=repr)
def test_grid_search_over_every_optimizer(spec):
    name = spec.names()[0]
    value = {"max_fun": 3, "eta_minus": 0.3, "epsilon": 1e-3}.get(name, 0.5)
    grid = {f"solver__{name}": [getattr(spec, name), value]}
    search = GridSearchCV(regressor(solver=spec), grid, cv=2).fit(X_REGRESSION, Y_REGRESSION)
    assert getattr(search.best_estimator_.solver, name) in grid[f"solver__{name}"]
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_specs_are_not_shared_with_the_fitted_network():
    norm, activation = BatchNorm(), ELU()
    model = regressor(normalization=norm, activation=activation).fit(X_REGRESSION, Y_REGRESSION)
    before = pickle.dumps(model.predict(X_REGRESSION))
    norm.epsilon, activation.alpha = 1.0, 0.2
    assert pickle.dumps(pickle.loads(pickle.dumps(model)).predict(X_REGRESSION)) == before


def test_metadata_routing_of_sample_weight():
    weight = np.random.default_rng(0).uniform(size=len(X_REGRESSION))
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        result = cross_validate(
            model,
            X_REGRESSION,
            Y_REGRESSION,
            params={"sample_weight": weight},
            cv=2,
            return_estimator=True,
            return_indices=True,
        )
        assert classifier().set_partial_fit_request(sample_weight=True, classes=True)
    rows = result["indices"]["train"][0]
    by_hand = regressor().fit(X_REGRESSION[rows], Y_REGRESSION[rows], sample_weight=weight[rows])
    np.testing.assert_array_equal(result["estimator"][0].coefs_[0], by_hand.coefs_[0])


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_in_a_pipeline_with_set_output(container):
    pipeline = make_pipeline(StandardScaler(), regressor()).set_output(transform=container)
    pipeline.fit(X_REGRESSION, Y_REGRESSION)
    assert list(pipeline[-1].feature_names_in_) == [f"x{i}" for i in range(10)]
    assert np.isfinite(pipeline.predict(X_REGRESSION)).all()


def test_partial_fit_is_for_stochastic_solvers():
    assert hasattr(classifier(), "partial_fit")
    for solver in ("lbfgs", LBFGS()):
        assert not hasattr(classifier(solver=solver), "partial_fit")


# --- pickling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator, X, y", ALL)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_training_goes_on_after_pickling_to_the_same_bits(estimator, X, y, solver):
    model = estimator(
        hidden_layer_sizes=(20,),
        solver=solver,
        normalization="batch",
        dropout=0.2,
        max_iter=5,
        random_state=0,
    ).fit(X, y)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    for _ in range(3):
        model.partial_fit(X, y)
        copied.partial_fit(X, y)
    assert copied.loss_curve_ == model.loss_curve_
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    for ours, theirs in zip(copied.coefs_, model.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_pickle_holds_parameters_and_little_else():
    X = np.random.default_rng(0).uniform(size=(20_000, 10))
    model = regressor(hidden_layer_sizes=(50,), max_iter=1).fit(X, X[:, 0])
    n_numbers = 3 * (11 * 50 + 51)  # parameters, and two moments of Adam
    assert len(pickle.dumps(model)) < 8 * n_numbers + 5000
    assert pickle.loads(pickle.dumps(model)).loss_curve_ == model.loss_curve_
    state = model.__getstate__()
    assert state["_fastnn_version"]
    assert state["_fastnn_format"] == base.PICKLE_FORMAT


def test_unfitted_and_fitted_models_can_be_copied():
    assert pickle.loads(pickle.dumps(classifier())).get_params() == classifier().get_params()
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    assert not hasattr(clone(model), "coefs_")


def test_a_pickle_of_the_future_is_refused(monkeypatch):
    model = regressor().fit(X_REGRESSION, Y_REGRESSION)
    monkeypatch.setattr("fastnn.__version__", "9.8.7")
    monkeypatch.setattr(base, "PICKLE_FORMAT", base.PICKLE_FORMAT + 1)
    pickled = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"was saved by fastnn 9\.8\.7, in a format that fastnn"):
        pickle.loads(pickled)


def test_a_pickle_without_a_new_parameter_gets_its_default():
    state = regressor().fit(X_REGRESSION, Y_REGRESSION).__getstate__()
    del state["n_jobs"]
    model = MLPRegressor.__new__(MLPRegressor)
    model.__setstate__(state)
    assert model.n_jobs is None
    assert model.predict(X_REGRESSION).shape == Y_REGRESSION.shape


# --- a few rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_few_rows_are_checked_as_many_are(dtype):
    model = classifier().fit(X_DIGITS.astype(dtype), Y_DIGITS)
    x = X_DIGITS[:1].astype(dtype)
    expected = model.predict_proba(x.tolist())
    np.testing.assert_allclose(model.predict_proba(x), expected, rtol=1e-6)
    for bad in (np.nan, np.inf, -np.inf):
        x[0, 5] = bad
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            model.predict_proba(x)
    x[0, 5] = np.finfo(dtype).max / 8  # finite, though its square is not
    assert model.predict_proba(x).shape == (1, 10)
    with pytest.raises(ValueError, match="X has 63 features, but MLPClassifier is expecting 64"):
        model.predict_proba(x[:, 1:].copy())
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        model.predict_proba(x[0])
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        model.predict_proba(x[:0])
