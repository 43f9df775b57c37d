"""Gradients with respect to rows are the differences of predictions, and their integrals sum up."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import Dropout, MLPClassifier, MLPRegressor, Quantile, Residual
from fastnn.diagnostics import input_gradients, integrated_gradients
from fastnn.layers import Dense
from support.problems import numerical_gradient

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((150, 5))
Y = np.sin(X[:, 0]) + X[:, 1] ** 2
THREE, TWO = X[:, :3].argmax(axis=1), (Y > 1).astype(int)
COLUMNS, LABELS = (
    np.stack([THREE, 3 * TWO], axis=1),
    np.stack([THREE == 1, TWO], axis=1).astype(int),
)


def regressor(loss="squared_error", **parameters):
    return MLPRegressor(loss, **settings() | parameters)


def classifier(loss="log_loss", **parameters):
    return MLPClassifier(loss=loss, **settings() | parameters)


def settings():
    common = dict(activation="tanh", precision="float64", max_iter=5, random_state=0)
    return common | dict(hidden_layer_sizes=(7,), learning_rate_init=0.02)


NORMALIZED = dict(normalization="batch", dropout=Dropout(0.2, 0.1, inverted=False))
STACK = dict(
    layers=[Dense(6, "gelu", "layer"), Residual([Dense(6, "tanh")]), Dropout(0.3)],
    hidden_layer_sizes=(100,),
    activation="relu",
)
QUANTILES, SOFT = Quantile([0.1, 0.5, 0.9]), np.eye(3)[THREE] * 0.7 + 0.1
# Model, targets, the prediction by hand, and arguments that name it.
CASES = {
    "values": (regressor(), Y, lambda m, x: m.predict(x), {}),
    "normalized": (regressor(**NORMALIZED), Y, lambda m, x: m.predict(x), {}),
    "a stack": (regressor(**STACK), Y, lambda m, x: m.predict(x), {"target": 0}),
    "columns": (
        regressor(output_activation="softplus"),
        np.stack([Y, -Y], axis=1),
        lambda m, x: m.predict(x)[:, 1],
        {"target": 1},
    ),
    "rates": (regressor("poisson"), abs(Y), lambda m, x: m.predict(x), {}),
    "a quantile": (regressor(QUANTILES), Y, lambda m, x: m.predict(x)[:, 2], {"target": 2}),
    "a quantile of a column": (
        regressor(QUANTILES),
        np.stack([Y, -Y], axis=1),
        lambda m, x: m.predict(x)[:, 1, 2],
        {"target": (1, 2)},
    ),
    "a probability": (classifier(), THREE, lambda m, x: m.predict_proba(x)[:, 2], {"target": 2}),
    "one of two": (classifier(), TWO, lambda m, x: m.predict_proba(x)[:, 0], {"target": 0}),
    "log-odds": (
        classifier(),
        TWO,
        lambda m, x: -m.decision_function(x),
        {"target": 0, "of": "decision"},
    ),
    "a score": (
        classifier(),
        THREE,
        lambda m, x: m.decision_function(x)[:, 1],
        {"target": 1, "of": "decision"},
    ),
    "logistic units": (
        classifier("binary_log_loss"),
        THREE,
        lambda m, x: m.predict_proba(x)[:, 1],
        {"target": 1},
    ),
    "hinge": (classifier("hinge"), THREE, lambda m, x: m.decision_function(x)[:, 1], {"target": 1}),
    "squared error": (
        classifier("squared_error", output_activation="logistic"),
        TWO,
        lambda m, x: m.decision_function(x),
        {"target": 1},
    ),
    "soft": (classifier(), SOFT, lambda m, x: m.predict_proba(x)[:, 1], {"target": 1}),
    "a label": (classifier(), LABELS, lambda m, x: m.predict_proba(x)[:, 1], {"target": 1}),
    "a class of a column": (
        classifier(),
        COLUMNS,
        lambda m, x: m.predict_proba(x)[0][:, 1],
        {"target": (0, 1)},
    ),
    "a score of a column": (
        classifier(),
        COLUMNS,
        lambda m, x: m.decision_function(x)[1],
        {"target": (1, 3), "of": "decision"},
    ),
}


def differences(function, x):
    """Return the gradient of a function of rows, each of its own row."""
    x = x.copy()
    (gradient,) = numerical_gradient(lambda: function(x).sum(), [x])
    return gradient


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_differences_and_attributions_sum_to_them(case):
    model, y, function, named = CASES[case]
    model.fit(X, y)
    x = X[:8]
    found = input_gradients(model, x, **named)
    np.testing.assert_allclose(found, differences(lambda x: function(model, x), x), atol=1e-8)
    assert np.abs(found).max() > 0.01 and found.dtype == np.float64
    if "quantile" in case:  # where heads cross, the function has a kink
        return
    baseline = 0.5 * x[::-1]
    parts = integrated_gradients(model, x, baseline=baseline, n_steps=30, **named)
    expected = function(model, x) - function(model, baseline)
    np.testing.assert_allclose(parts.sum(axis=1), expected, atol=1e-7)


@pytest.mark.parametrize(
    "model, y",
    [(regressor(), np.stack([Y, -Y], axis=1)), (classifier(), COLUMNS), (classifier(), TWO)],
    ids=["values", "heads", "classes"],
)
def test_gradient_of_the_loss(model, y):
    model.fit(X, y)
    found = input_gradients(model, X[:9], of="loss", y=y[:9])

    def loss(x):
        if isinstance(model, MLPRegressor):
            return ((model.predict(x) - y[:9]) ** 2 / 2).mean(axis=1)
        p = model.predict_proba(x)
        parts = (
            zip(p, y[:9].T, model.classes_, strict=True) if y.ndim == 2 else [(p, y[:9], [0, 1])]
        )
        rows = np.arange(9)
        return -sum(np.log(p[rows, np.searchsorted(c, own)]) for p, own, c in parts)

    np.testing.assert_allclose(found, differences(loss, X[:9]), atol=1e-8)


def test_rows_of_any_kind_number_and_threads():
    model = regressor(n_jobs=2).fit(X, Y)
    rows = np.tile(X, (8, 1))
    found = input_gradients(model, rows)
    np.testing.assert_array_equal(
        found, np.tile(input_gradients(model.set_params(n_jobs=1), X), (8, 1))
    )
    np.testing.assert_array_equal(found, input_gradients(model, sparse.csr_matrix(rows)))
    pipeline = make_pipeline(StandardScaler(), regressor()).fit(X, Y)
    of_scaled = input_gradients(pipeline[-1], pipeline[:-1].transform(X))
    np.testing.assert_array_equal(input_gradients(pipeline, X), of_scaled)
    assert input_gradients(regressor(precision="bfloat16").fit(X, Y), X).dtype == np.float32


def test_the_predicted_class_is_the_default():
    model = classifier().fit(X, THREE)
    found, predicted = input_gradients(model, X), model.predict(X)
    for k in range(3):
        rows = predicted == k
        np.testing.assert_array_equal(found[rows], input_gradients(model, X[rows], target=k))


BAD = [
    (regressor(), Y, {"target": 1}, "target must be None, and is 1"),
    (
        regressor(),
        COLUMNS,
        {},
        "target must be the number of a column of y from 0 to 1, and is None",
    ),
    (regressor(QUANTILES), Y, {"target": 3}, "the number of a quantile from 0 to 2, and is 3"),
    (regressor(), Y, {"of": "decision"}, "of='decision' is for classifiers"),
    (regressor(), Y, {"of": "loss"}, "of='loss' is the loss of targets: pass y"),
    (classifier(), THREE, {"target": 7}, r"one of the classes \[0 1 2\], and is 7"),
    (classifier(), THREE, {"of": "odds"}, "of must be 'prediction', 'decision' or 'loss'"),
    (classifier(), COLUMNS, {"target": 1}, r"number of a column of y .* \(0, .*0.*\), and is 1"),
    (classifier(), LABELS, {}, "target must be the number of a column of y from 0 to 1"),
]


@pytest.mark.parametrize("model, y, named, message", BAD)
def test_bad_arguments(model, y, named, message):
    with pytest.raises(ValueError, match=message):
        input_gradients(model.fit(X, y), X, **named)


def test_bad_baselines_and_models():
    model = regressor().fit(X, Y)
    with pytest.raises(ValueError, match=r"baseline must be finite numbers of shape \(5,\) or"):
        integrated_gradients(model, X, baseline=np.zeros(4))
    with pytest.raises(ValueError, match="of='loss' has no attributions"):
        integrated_gradients(model, X, of="loss")
    with pytest.raises(NotFittedError):
        input_gradients(regressor(), X)
    with pytest.raises(TypeError, match="Input gradients are of an MLPClassifier or MLPRegressor"):
        input_gradients(StandardScaler(), X)
    with pytest.raises(ValueError, match="NaN"):
        input_gradients(model, np.full((2, 5), np.nan))
