"""The estimators on a GPU, or in the simulator, against themselves on the processor."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from fastnn import BatchNorm, MLPClassifier, MLPRegressor
from fastnn._core.cuda._numba import cuda
from fastnn.augment import Noise
from support.sources import RowsInBlocks

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 3)).astype(np.float32)
Y = {MLPClassifier: np.arange(20) % 3, MLPRegressor: X @ np.float32([1, -2, 0.5])}
ESTIMATORS = [MLPClassifier, MLPRegressor]
# Rounding errors of float32, amplified by the few steps of these fits.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def build(estimator, **options):
    options = {
        "hidden_layer_sizes": (4,),
        "max_iter": 2,
        "batch_size": 8,
        "random_state": 0,
    } | options
    return estimator(**options)


def assert_same(model, expected, rows=X):
    """Check that both have the same parameters, and the same predictions on either device."""
    for own, theirs in zip(
        [*model.coefs_, *model.intercepts_], [*expected.coefs_, *expected.intercepts_], strict=True
    ):
        np.testing.assert_allclose(own, theirs, **TOLERANCE)
    name = "predict_proba" if isinstance(model, MLPClassifier) else "predict"
    np.testing.assert_allclose(
        getattr(model, name)(rows), getattr(expected, name)(rows), **TOLERANCE
    )
    if hasattr(expected, "loss_curve_"):
        np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, **TOLERANCE)
        norms = model.history_["grad_norm"], expected.history_["grad_norm"]
        np.testing.assert_allclose(*norms, **TOLERANCE)


OPTIONS = [
    {},
    {"precision": "float64"},
    {"solver": "sgd", "learning_rate_init": 0.1, "shuffle": False},
    {"solver": "lbfgs"},
    {"early_stopping": True, "validation_fraction": 0.3},
    {"early_stopping": True, "validation_fraction": 0.3, "scoring": "loss"},
    {"dropout": 0.4},
    {"augment": [Noise(0.3), "mixup"]},
    # A bias before batch norm has a gradient of rounding errors alone, also where a unit is active
    # for all rows or none, and Adam would take whole steps along these.
    {"normalization": BatchNorm(position="before"), "solver": "sgd"},
    {"normalization": BatchNorm(position="after"), "solver": "sgd"},
    {"averaging": "ema"},
]


@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs"}, {"normalization": "batch"}], ids=str)
def test_fit_to_a_source(options):
    source = RowsInBlocks(X, Y[MLPClassifier], rows=9, piece=4, shuffle_buffer=0)
    validation = {} if "solver" in options else {"X_val": source}
    options = options | {"solver": options.get("solver", "sgd"), "max_iter": 1}
    expected = build(MLPClassifier, **options).fit(source, **validation)
    model = build(MLPClassifier, device="cuda", **options).fit(source, **validation)
    assert_same(model, expected)
    np.testing.assert_allclose(model.predict_proba(source), expected.predict_proba(X), **TOLERANCE)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_fit(estimator, options):
    expected = build(estimator, **options).fit(X, Y[estimator])
    model = build(estimator, device="cuda", **options).fit(X, Y[estimator])
    assert_same(model, expected)
    np.testing.assert_allclose(
        model.set_params(device="cpu").predict(X), expected.predict(X), **TOLERANCE
    )
    if expected.early_stopping:
        np.testing.assert_allclose(
            model.validation_scores_, expected.validation_scores_, **TOLERANCE
        )


@pytest.mark.parametrize(
    "options", [{"class_weight": "balanced"}, {"label_smoothing": 0.1}], ids=str
)
def test_fit_of_a_classifier(options):
    expected = build(MLPClassifier, **options).fit(X, Y[MLPClassifier])
    model = build(MLPClassifier, device="cuda", **options).fit(X, Y[MLPClassifier])
    assert_same(model, expected)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_going_on(estimator):
    """Continue by `fit` with a warm start, by `partial_fit`, and on the other device."""
    models = [build(estimator, device=device, warm_start=True) for device in ("cpu", "cuda")]
    for model in models:
        model.fit(X, Y[estimator]).fit(X, Y[estimator])
        model.partial_fit(X[:9], Y[estimator][:9]).partial_fit(X[9:], Y[estimator][9:])
    assert_same(*models[::-1])
    for model, device in zip(models, ("cuda", "cpu"), strict=True):
        model.set_params(device=device).partial_fit(X, Y[estimator])
    assert_same(*models)


def test_rows_written_over_between_two_calls():
    """The device has no copy of what lay in the same memory before."""
    models = [build(MLPRegressor, device=device) for device in ("cpu", "cuda")]
    for model in models:
        rows, targets = X.copy(), Y[MLPRegressor].copy()
        model.partial_fit(rows, targets)
        rows *= -0.5
        targets += 1
        model.partial_fit(rows, targets)
    assert_same(*models)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_clones_and_pickles(estimator):
    model = build(estimator, device="cuda").fit(X, Y[estimator])
    copied = pickle.loads(pickle.dumps(model))
    assert copied.device == "cuda"
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    again = clone(model).fit(X, Y[estimator])
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("kind", ["weights", "uint8", "fortran", "csr"])
def test_kinds_of_data(kind):
    y, weights, rows = Y[MLPClassifier], None, X
    if kind == "weights":
        weights = 0.5 + rng.random(20)
    elif kind == "uint8":
        rows = rng.integers(9, size=(20, 3)).astype(np.uint8)
    elif kind == "fortran":
        rows = np.asfortranarray(X)
    else:
        rows = sparse.csr_matrix(X * (X > 0))
    expected = build(MLPClassifier).fit(rows, y, weights)
    model = build(MLPClassifier, device="cuda").fit(rows, y, weights)
    assert_same(model, expected, rows)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"early_stopping": True, "validation_fraction": 0.3, "scoring": "neg_mean_squared_error"},
    ],
    ids=str,
)
def test_rows_on_the_device(estimator, options):
    weights = 0.5 + rng.random(20)
    y = Y[estimator]
    expected = build(estimator, **options).fit(X, y, weights)
    there = cuda.to_device(X), cuda.to_device(y), cuda.to_device(weights)
    for device in ("cuda", "auto"):
        model = build(estimator, device=device, **options).fit(*there)
        assert_same(model, expected)
        np.testing.assert_allclose(model.predict(there[0]), expected.predict(X), **TOLERANCE)
    score = model.score(*there)
    np.testing.assert_allclose(score, expected.score(X, y, weights), **TOLERANCE)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_types_on_the_device(dtype):
    rows = (4 * abs(X)).astype(dtype)
    expected = build(MLPRegressor).fit(rows, Y[MLPRegressor])
    model = build(MLPRegressor, device="cuda").fit(cuda.to_device(rows), Y[MLPRegressor])
    assert model.coefs_[0].dtype == expected.coefs_[0].dtype
    assert_same(model, expected, rows)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite(bad):
    rows = X.copy()
    fitted = build(MLPRegressor, device="cuda").fit(X, Y[MLPRegressor])
    rows[7, 1] = bad
    for where in (np.asarray, cuda.to_device):
        with pytest.raises(ValueError, match="Input X contains"):
            build(MLPRegressor, device="cuda").fit(where(rows), Y[MLPRegressor])
        with pytest.raises(ValueError, match="Input X contains"):
            fitted.predict(where(rows))


def test_rows_on_the_device_are_not_for_the_processor():
    there = cuda.to_device(X)
    model = build(MLPRegressor)
    with pytest.raises(ValueError, match="reads memory of the processor"):
        model.fit(there, Y[MLPRegressor])
    with pytest.raises(ValueError, match="reads memory of the processor"):
        model.fit(X, Y[MLPRegressor]).predict(there)


class OnlyDLPack:
    """An array that tells nothing of where it lies but by DLPack."""

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def of_torch(array):
    return pytest.importorskip("torch").from_numpy(array).cuda()


def of_torch_with_gradient(array):
    there = of_torch(array)
    return there.requires_grad_() if array.dtype.kind == "f" else there


def of_cupy(array):
    return pytest.importorskip("cupy").asarray(array)


def of_dlpack(array):
    return OnlyDLPack(of_torch(array))


def in_columns(array):
    return of_torch(np.ascontiguousarray(array.T)).T


@pytest.mark.gpu
@pytest.mark.parametrize(
    "there", [of_torch, of_torch_with_gradient, of_cupy, of_dlpack, in_columns]
)
def test_arrays_of_other_libraries(there):
    y, weights = Y[MLPClassifier], 0.5 + rng.random(20)
    options = {"early_stopping": True, "validation_fraction": 0.3}
    expected = build(MLPClassifier, **options).fit(X, y, weights)
    model = build(MLPClassifier, device="cuda", **options)
    model.fit(there(X), there(y), there(weights))
    assert_same(model, expected)
    np.testing.assert_allclose(
        model.predict_proba(there(X)), expected.predict_proba(X), **TOLERANCE
    )


@pytest.mark.gpu
def test_arrays_that_are_still_being_written():
    """Check arrays that another library's stream is still writing."""
    torch = pytest.importorskip("torch")
    model = build(MLPRegressor, device="cuda").fit(X, Y[MLPRegressor])
    rows = torch.zeros(len(X), 3, device="cuda")
    matrix = torch.ones(4096, 4096, device="cuda")
    with torch.cuda.stream(torch.cuda.Stream()):
        for _ in range(50):
            matrix = matrix @ matrix / 4096
        rows.copy_(torch.from_numpy(X).cuda() + 0 * matrix[0, 0])
    np.testing.assert_array_equal(model.predict(rows), model.predict(X))


@pytest.mark.gpu
def test_a_network_that_the_gpu_cannot_hold():
    model = build(MLPRegressor, device="cuda").fit(X, Y[MLPRegressor])
    before = model.predict(X)
    free, _ = cuda.current_context().get_memory_info()
    held = cuda.device_array(max(free - (1 << 28), 1), np.uint8)  # leaves a quarter of a GB
    rows = np.zeros((1 << 20, 400), np.float32)
    with pytest.raises(MemoryError, match="The GPU has not enough memory"):
        build(MLPRegressor, hidden_layer_sizes=(2000,), batch_size=1 << 20, device="cuda").fit(
            rows, rows[:, 0]
        )
    del held
    np.testing.assert_array_equal(model.predict(X), before)
