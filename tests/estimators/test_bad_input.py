"""What is refused: with one clear sentence, and the estimator is as it was before the call."""

import inspect
import re
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from fastnn import (
    ELU,
    EMA,
    GELU,
    LBFGS,
    SGD,
    SWA,
    Adam,
    BatchNorm,
    CutMix,
    Dense,
    Dropout,
    GroupNorm,
    Huber,
    InstanceNorm,
    InvScaling,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Minkowski,
    Mixup,
    MLPClassifier,
    MLPRegressor,
    PReLU,
    Quantile,
    Rprop,
    RReLU,
    Scheduled,
    Warmup,
)
from fastnn.augment import Gain, Noise, Shift
from fastnn.callbacks import Callback
from support.names import name_of
from support.snapshots import assert_unchanged, snapshot

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
Y = {MLPClassifier: np.array(["a", "b", "c"])[np.arange(60) % 3], MLPRegressor: X[:, 0]}
ESTIMATORS = list(Y)


def spoiled(value, container=np.asarray):
    rows = X.copy()
    rows[17, 2] = value
    return container(rows)


def fitted(estimator, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator(hidden_layer_sizes=(5,), max_iter=3, **options).fit(X, Y[estimator])


def wrong(name, position, value, container=sparse.csr_array):
    """A sparse matrix with a wrong number in one of its arrays."""
    rows = container(X)
    array = getattr(rows, name)
    array[position] = value
    return rows


# --- rows and targets -----------------------------------------------------------------------------

DAMAGED = "X is a sparse matrix whose arrays do not belong together: "
BAD_ROWS = {
    "nan": (spoiled(np.nan), "Input X contains NaN"),
    "inf": (spoiled(np.inf), "Input X contains infinity"),
    "nan, float32": (spoiled(np.nan).astype(np.float32), "Input X contains NaN"),
    "nan, fortran": (np.asfortranarray(spoiled(np.nan)), "Input X contains NaN"),
    "nan, sparse": (spoiled(np.nan, sparse.csr_array), "Input X contains NaN"),
    "inf, csc": (spoiled(-np.inf, sparse.csc_matrix), "Input X contains infinity"),
    "no rows": (X[:0], r"Found array with 0 sample\(s\)"),
    "no columns": (X[:, :0], r"Found array with 0 feature\(s\)"),
    "one row, 1-D": (X[0], "Expected 2D array, got 1D array"),
    "3-D": (X[np.newaxis], "Found array with dim 3"),
    "strings": (X.astype(str).astype(object) + "?", "could not convert string to float"),
    "complex": (X + 1j, "Complex data not supported"),
    "a column too far": (wrong("indices", 7, 4), DAMAGED),
    "a negative column": (wrong("indices", 7, -1, sparse.csr_matrix), DAMAGED),
    "row pointers that fall": (wrong("indptr", 7, 0), DAMAGED),
    "row pointers that fall to 0": (wrong("indptr", -1, 0), DAMAGED),
    "row pointers from 5 on": (wrong("indptr", 0, 5), DAMAGED),
    "a row pointer beyond": (wrong("indptr", -1, 9999), DAMAGED),
    "a row too far, csc": (wrong("indices", 0, 1 << 20, sparse.csc_array), DAMAGED),
    "a row too far, coo": (wrong("row", 0, 60, sparse.coo_array), DAMAGED),
    "column pointers that fall to 0": (wrong("indptr", -1, 0, sparse.csc_array), DAMAGED),
    "pointers to blocks that fall to 0": (wrong("indptr", -1, 0, sparse.bsr_array), DAMAGED),
    "a block too far": (wrong("indices", 0, 1 << 20, sparse.bsr_array), DAMAGED),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", BAD_ROWS)
def test_bad_rows(estimator, kind):
    rows, message = BAD_ROWS[kind]
    y = Y[estimator][: rows.shape[0]]
    for model in (estimator(), fitted(estimator), fitted(estimator, warm_start=True)):
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(rows, y)
        assert_unchanged(model, before)
    for call in (model.predict, lambda rows: model.partial_fit(rows, y)):
        with pytest.raises(ValueError, match=message):
            call(rows)
        assert_unchanged(model, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rows_of_another_width(estimator):
    model = fitted(estimator, warm_start=True)
    before = snapshot(model)
    message = f"X has 3 features, but {estimator.__name__} is expecting 4 features"
    for call in (
        lambda: model.fit(X[:, :3], Y[estimator]),
        lambda: model.partial_fit(X[:, :3], Y[estimator]),
        lambda: model.predict(X[:, :3]),
        lambda: model.predict(sparse.csr_array(X[:, :3])),
    ):
        with pytest.raises(ValueError, match=message):
            call()
        assert_unchanged(model, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "y, message",
    [
        (np.r_[[np.nan], X[1:, 0]], "Input y contains NaN"),
        (np.r_[[np.inf], X[1:, 0]], "Input y contains infinity"),
        (X[:59, 0], "inconsistent numbers of samples"),
        (None, "requires y to be passed"),
        ([], "inconsistent numbers of samples|Found array with 0"),
    ],
)
def test_bad_targets(estimator, y, message):
    for model in (estimator(), fitted(estimator)):
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        assert_unchanged(model, before)


@pytest.mark.parametrize(
    "model, y, message",
    [
        (MLPClassifier(), X[:, 0], "Unknown label type: continuous. Maybe you are"),
        (
            MLPClassifier(loss="hinge"),
            np.arange(120).reshape(60, 2),
            "several columns of classes, and loss='hinge' is for one: use loss='log_loss'",
        ),
        (MLPRegressor(loss="poisson"), X[:, 0], "loss='poisson' needs targets y >= 0"),
        (MLPRegressor(), Y[MLPClassifier], "y must hold numbers, and holds strings"),
        (MLPClassifier(), X[:, :2], "rows of non-negative numbers whose sum is 1: row 0 is"),
        (MLPClassifier(), np.full((60, 2), 0.6), "row 0 is .*its sum 1.2"),
        (
            MLPClassifier(loss="hinge"),
            np.full((60, 2), 0.5),
            "probabilities of the classes in each row, which loss='hinge' cannot .*'log_loss'",
        ),
        (
            MLPClassifier(class_weight="balanced"),
            np.full((60, 2), 0.5),
            "class_weight needs one class a row",
        ),
        (
            MLPClassifier(loss="crammer_singer"),
            np.eye(3, dtype=int)[np.arange(60) % 3],
            "loss='crammer_singer' compares .* use loss='hinge'",
        ),
    ],
    ids=lambda case: case if isinstance(case, str) else type(case).__name__,
)
def test_targets_that_do_not_fit_the_estimator(model, y, message):
    before = snapshot(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert_unchanged(model, before)


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.ones(59), r"sample_weight.shape == \(59,\), expected \(60,\)"),
        (np.r_[[np.nan], np.ones(59)], "Input sample_weight contains NaN"),
        (np.r_[[-1], np.ones(59)], "Negative values in data passed to `sample_weight`"),
        (np.zeros(60), "at least one non-zero"),
        (np.ones((60, 2)), "Sample weights must be 1D"),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bad_weights(estimator, weight, message):
    model = fitted(estimator)
    before = snapshot(model)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, Y[estimator], sample_weight=weight)
        assert_unchanged(model, before)


def test_bad_targets_of_partial_fit():
    model = MLPClassifier(hidden_layer_sizes=(5,))
    before = snapshot(model)
    for y, classes, message in (
        (["a"] * 60, None, "classes must be passed on the first call to partial_fit"),
        (["d"] * 60, ["a", "b", "c"], "`y` has classes not in `self.classes_`.*'y' has .*'d'"),
        ([1] * 60, ["a", "b", "c"], "`y` has classes not in `self.classes_`"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=classes)
        assert_unchanged(model, before)

    model.partial_fit(X, Y[MLPClassifier], classes=["a", "b", "c"])
    before = snapshot(model)
    indicators = np.eye(3, dtype=int)[np.arange(60) % 3]
    for y, classes, message in (
        (["a", "z"] * 30, None, "`y` has classes not in `self.classes_`"),
        (Y[MLPClassifier], ["a", "b"], "is not the same as on last call to partial_fit"),
        (indicators, None, "The object was not fitted with multilabel input"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=classes)
        assert_unchanged(model, before)

    model = MLPClassifier(hidden_layer_sizes=(5,)).partial_fit(X, indicators, classes=[0, 1, 2])
    before = snapshot(model)
    for y in (indicators[:, :2], indicators[:, 0]):
        with pytest.raises(ValueError, match="y must be a label indicator matrix of 3 columns"):
            model.partial_fit(X, y)
        assert_unchanged(model, before)


def test_regressor_of_another_number_of_outputs():
    model = fitted(MLPRegressor)
    before = snapshot(model)
    with pytest.raises(ValueError, match="y has 2 outputs, but was fitted with 1"):
        model.partial_fit(X, X[:, :2])
    assert_unchanged(model, before)


def test_warm_start_with_other_classes():
    model = fitted(MLPClassifier, warm_start=True)
    before = snapshot(model)
    for y in (["a", "b"] * 30, ["a", "b", "d"] * 20):
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
            model.fit(X, y)
        assert_unchanged(model, before)


# --- parameters -----------------------------------------------------------------------------------


def known(name, *values):
    """The message that names a parameter and lists what it may be, in alphabetical order."""
    return f"'{name}' parameter.*" + ".*".join(f"'{value}'" for value in sorted(values))


BAD_PARAMETERS = [
    ({"hidden_layer_sizes": -3}, "'hidden_layer_sizes' parameter of MLP"),
    ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be > 0, got \[5, 0\]"),
    ({"hidden_layer_sizes": (5, -1)}, r"hidden_layer_sizes must be > 0, got \[5, -1\]"),
    ({"hidden_layer_sizes": (5.5,)}, r"hidden_layer_sizes must be integers, got \[5.5\]"),
    ({"hidden_layer_sizes": "5,5"}, r"must be integers, got \['5,5'\]: .* \(100, 50\) or '100-50'"),
    ({"hidden_layer_sizes": "5-0"}, r"hidden_layer_sizes must be > 0, got \[5, 0\]"),
    ({"activation": "swish"}, known("activation", "identity", "logistic", "relu", "tanh")),
    ({"activation": "softmax"}, "'activation' parameter"),
    ({"activation": LeakyReLU}, "'activation' parameter"),
    ({"activation": "threshold"}, "derivative of 0 everywhere.*use 'hardtanh' or 'logistic'"),
    (
        {"layers": [Dense(5, "threshold")], "hidden_layer_sizes": (100,)},
        "derivative of 0 everywhere.*use 'hardtanh' or 'logistic'",
    ),
    (
        {"layers": [Dense(5), "threshold"], "hidden_layer_sizes": (100,)},
        "derivative of 0 everywhere.*use 'hardtanh' or 'logistic'",
    ),
    ({"output_activation": "swish"}, known("output_activation", "logistic", "tanh")),
    ({"output_activation": LeakyReLU(-0.1)}, "'negative_slope' parameter of LeakyReLU"),
    ({"output_activation": "threshold"}, "a threshold has a derivative of 0.*loss='perceptron'"),
    ({"output_activation": "maxout"}, "one output of several.*: use it in hidden layers"),
    ({"output_activation": Maxout(3)}, "one output of several.*: use it in hidden layers"),
    ({"output_activation": "exp"}, "output_activation='exp' does not go with loss="),
    ({"activation": LeakyReLU(-0.1)}, "'negative_slope' parameter of LeakyReLU"),
    ({"activation": ELU(alpha=0)}, "'alpha' parameter of ELU"),
    ({"activation": GELU("erf")}, "'approximate' parameter of GELU"),
    ({"solver": "newton"}, known("solver", "adam", "lbfgs", "rprop", "sgd")),
    ({"solver": Adam}, "'solver' parameter"),
    ({"solver": Adam(beta_1=1.5)}, r"'beta_1' parameter of Adam must be .*\[0.0, 1.0\)"),
    ({"solver": SGD(momentum=-1)}, "'momentum' parameter of SGD"),
    ({"solver": Rprop(step_min=2.0, step_max=1.0)}, "step_min of Rprop must not be above step_max"),
    ({"solver": LBFGS(max_fun=0)}, "'max_fun' parameter of LBFGS"),
    ({"learning_rate": "slow"}, known("learning_rate", "adaptive", "constant", "invscaling")),
    ({"learning_rate": 0.1}, "'learning_rate' parameter"),
    (
        {"learning_rate": "cosine", "solver": "lbfgs"},
        "no effect with solver='lbfgs'.*'sgd' or 'adam'",
    ),
    ({"learning_rate": InvScaling(), "solver": Rprop()}, "no effect with solver=Rprop.*or 'adam'"),
    ({"learning_rate": lambda t, n: 1.0, "solver": "rprop"}, "no effect with solver='rprop'"),
    ({"learning_rate": Warmup(-1)}, "'length' parameter of Warmup"),
    ({"alpha": Scheduled(0.1, "slowly")}, "Unknown schedule 'slowly': the known ones are"),
    ({"alpha": Scheduled(0.1), "solver": "lbfgs"}, "'lbfgs' cannot minimise a loss that changes"),
    (
        {"dropout": Scheduled(0.5, lambda t, n: 3.0)},
        r"dropout=.* becomes 1\.5, and must stay below 1",
    ),
    (
        {"layers": [Dense(5), "batch"], "hidden_layer_sizes": (100,)},
        r"names there: use BatchNorm\(",
    ),
    (
        {"alpha": Scheduled(0.1), "solver": "adamw"},
        r"no effect with solver='adamw'.*AdamW\(weight_",
    ),
    ({"averaging": "mean"}, known("averaging", "ema", "swa")),
    ({"averaging": EMA(decay=1.0)}, "'decay' parameter of EMA"),
    ({"averaging": SWA(start=-1)}, "'start' parameter of SWA"),
    ({"averaging": "swa", "solver": "lbfgs"}, "averaging='swa' is for solvers that take many"),
    ({"scoring": "best"}, "Unknown scoring 'best': give 'loss', a function, or one of"),
    ({"scoring": 1.0}, "'scoring' parameter"),
    ({"solver": "sgd", "learning_rate": InvScaling(-1.0)}, "'power_t' parameter of InvScaling"),
    ({"learning_rate_init": 0.0}, "'learning_rate_init' parameter"),
    ({"alpha": -1.0}, "'alpha' parameter"),
    ({"batch_size": 0}, "'batch_size' parameter"),
    ({"max_iter": 0}, "'max_iter' parameter"),
    ({"validation_fraction": 1.5}, "'validation_fraction' parameter"),
    ({"normalization": "norm"}, known("normalization", "batch", "layer", "group", "weight")),
    ({"normalization": "group"}, "5 units cannot be divided into 4: choose n_groups=1 or 5"),
    ({"normalization": GroupNorm(7)}, r"GroupNorm\(n_groups=7\) needs .*: choose n_groups=5\."),
    (
        {"normalization": InstanceNorm(4), "hidden_layer_sizes": (12, 9)},
        "9 units cannot be divided into 4: choose n_channels=3 or 9",
    ),
    ({"normalization": GroupNorm(0)}, "'n_groups' parameter of GroupNorm"),
    ({"normalization": LayerNorm(epsilon=0.0)}, "'epsilon' parameter of LayerNorm"),
    ({"normalization": InstanceNorm(1, affine="yes")}, "'affine' parameter of InstanceNorm"),
    ({"activation": PReLU(np.inf)}, "'initial' parameter of PReLU"),
    ({"activation": Maxout(1)}, "'k' parameter of Maxout"),
    ({"activation": ["relu", "tanh"]}, "activation has 2 entries for 1 hidden layers: give one"),
    ({"activation": ["swish"]}, known("activation", "identity", "logistic", "relu", "tanh")),
    ({"activation": [Maxout(0)]}, "'k' parameter of Maxout"),
    ({"normalization": BatchNorm(position="inside")}, "'position' parameter of BatchNorm"),
    ({"dropout": 1.0}, "'dropout' parameter"),
    ({"dropout": (0.1, 0.2, 0.3)}, "dropout has 3 rates for 1 hidden layers"),
    ({"dropout": (1.2,)}, r"dropout rates must be numbers in \[0, 1\)"),
    ({"dropout": Dropout(input_rate=2)}, "'input_rate' parameter of Dropout"),
    ({"dropout": 0.5, "solver": "lbfgs"}, "dropout needs a solver such as 'sgd' .*'lbfgs' can"),
    ({"dropout": 0.5, "solver": "rprop"}, "dropout needs a solver such as 'sgd' .*'rprop' can"),
    ({"input_noise": -0.1}, "'input_noise' parameter"),
    ({"input_noise": 0.1, "solver": "lbfgs"}, "input_noise needs a solver such as 'sgd'"),
    ({"activation": "rrelu", "solver": "rprop"}, "RReLU needs a solver such as 'sgd'"),
    ({"activation": RReLU(0.5, 0.2)}, "lower of RReLU must not be above upper"),
    ({"augment": "cutout"}, known("augment", "cutmix", "mixup")),
    ({"augment": Mixup(alpha=0.0)}, "'alpha' parameter of Mixup"),
    ({"augment": Mixup(probability=0.0)}, "'probability' parameter of Mixup"),
    ({"augment": CutMix(alpha=-1.0)}, "'alpha' parameter of CutMix"),
    ({"augment": CutMix(shape=3)}, "'shape' parameter of CutMix"),
    ({"augment": CutMix(shape=(5,))}, "shape of CutMix must be .height, width. or"),
    ({"augment": CutMix(shape=(2.5, 2))}, "shape of CutMix must be .height, width. or"),
    (
        {"augment": CutMix(shape=(2, 7))},
        r"CutMix\(shape=\(2, 7\)\) is for rows of 14 features",
    ),
    ({"augment": "mixup", "solver": "lbfgs"}, "augment needs a solver such as 'sgd'.*'lbfgs' can"),
    ({"augment": "mixup", "solver": "rprop"}, "augment needs a solver such as 'sgd'.*'rprop' can"),
    ({"augment": "mixup", "batch_size": 1}, "this is a batch of one row: use batch_size=2"),
    ({"augment": Noise(), "solver": "lbfgs"}, "augment needs a solver such as 'sgd'.*'lbfgs' can"),
    ({"augment": Noise(-1.0)}, "'std' parameter of Noise"),
    ({"augment": Noise([0.1, 0.2])}, "a number or one for each feature.* has 4 .* shape .2,."),
    ({"augment": Shift(pixels=0)}, "'pixels' parameter of Shift"),
    ({"augment": Shift(shape=(3, 3))}, r"Shift\(shape=\(3, 3\)\) is for rows of 9 features"),
    ({"augment": Gain(n_channels=3)}, r"Gain\(n_channels=3\) .* 4 features are no multiple"),
    ({"augment": ["mixup", Noise()]}, "let one of them be the last in augment"),
    ({"augment": ["mixup", "cutmix"]}, "let one of them be the last in augment"),
    ({"augment": [3]}, r"augment must be of names .*, and 3 is none of them\."),
    ({"augment": Noise}, r"is none of them: pass an object, Noise\(\)\."),
    ({"augment": 3}, "'augment' parameter"),
    ({"device": "gpu"}, known("device", "auto", "cpu", "cuda")),
    ({"device": 0}, "'device' parameter"),
    ({"precision": "float16"}, known("precision", "auto", "float32", "float64", "bfloat16")),
    ({"precision": "tf32"}, "precision='tf32' trains with device='cuda' only"),
    ({"n_jobs": 0}, "'n_jobs' parameter"),
    ({"early_stopping": True, "validation_fraction": 0.01}, "validation set is too small"),
    ({"random_state": "seed"}, "'random_state' parameter"),
    ({"clip_norm": 0.0}, "'clip_norm' parameter"),
    ({"clip_norm": 1.0, "solver": "lbfgs"}, "clip_norm .*solver='lbfgs'.* 'sgd' or 'adam'"),
    ({"clip_norm": 1.0, "solver": Rprop()}, "clip_norm .*solver=Rprop.* signs .*'sgd' or 'adam'"),
    ({"clip_value": -1.0}, "'clip_value' parameter"),
    ({"clip_value": 1.0, "solver": "rprop"}, "clip_value .*solver='rprop'.* 'sgd' or 'adam'"),
    ({"l1_ratio": 1.5}, "'l1_ratio' parameter"),
    ({"l1_ratio": 0.5, "solver": "lbfgs"}, "none at zero: set l1_ratio=0.0, or .* 'adam'"),
    ({"l1_ratio": 0.5, "solver": "adamw"}, "l1_ratio .*alpha, which solver='adamw' does not use"),
    ({"penalize_intercepts": True, "solver": "lamb"}, "penalize_intercepts .* solver='lamb'"),
    ({"penalize_intercepts": "yes"}, "'penalize_intercepts' parameter"),
    ({"max_norm": 0}, "'max_norm' parameter"),
    ({"max_norm": 3.0, "solver": "lbfgs"}, "max_norm moves .*'lbfgs' would not know: .* 'adam'"),
    ({"weight_noise": -0.1}, "'weight_noise' parameter"),
    ({"weight_noise": 0.1, "solver": "lbfgs"}, "weight_noise needs .*'sgd' .*'lbfgs' cannot"),
    ({"weight_noise": 0.1, "solver": "rprop"}, "weight_noise needs .*'sgd' .*'rprop' cannot"),
    ({"learning_rate_factors": 0.5}, "'learning_rate_factors' parameter"),
    ({"learning_rate_factors": {"bias": 2.0}}, "the key 'bias': it must be one of 'weights', 'bi"),
    ({"learning_rate_factors": {True: 2.0}}, "the key True: it must be one of"),
    ({"learning_rate_factors": {2: 2.0}}, "the layer 2, but there are 2 layers, numbered 0 to 1"),
    ({"learning_rate_factors": {-3: 2.0}}, "the layer -3, but there are 2 layers"),
    ({"learning_rate_factors": {0: -1}}, r"learning_rate_factors\[0\] must be .* got -1"),
    ({"learning_rate_factors": {"biases": np.inf}}, r"\['biases'\] must be .* got inf"),
    ({"learning_rate_factors": {0: 2}, "solver": "lbfgs"}, "factors need a learning rate, .*'sgd'"),
]


BAD_PARAMETERS_OF_ONE = [
    (MLPClassifier, {"loss": "huber"}, known("loss", "crammer_singer", "hinge", "log_loss")),
    (MLPClassifier, {"loss": "soft_log_loss"}, "'loss' parameter"),
    (MLPClassifier, {"loss": Huber()}, "'loss' parameter"),
    (MLPRegressor, {"loss": "hinge"}, known("loss", "huber", "poisson", "squared_error")),
    (MLPRegressor, {"loss": Huber}, "'loss' parameter"),
    (MLPRegressor, {"loss": Huber(0)}, "'delta' parameter of Huber must be"),
    (MLPRegressor, {"loss": Minkowski(0.5)}, "'p' parameter of Minkowski must be"),
    (MLPRegressor, {"loss": Quantile(1.5)}, "'quantile' parameter of Quantile must be"),
    (
        MLPRegressor,
        {"loss": Huber(), "output_activation": "softmax"},
        "'softmax' does not go with loss='huber'.*belongs to another loss",
    ),
    (
        MLPClassifier,
        {"output_activation": "threshold"},
        "'threshold' does not go with loss='log_loss', whose own is 'softmax'; .*loss='perceptron'",
    ),
    (
        MLPClassifier,
        {"output_activation": "logistic"},
        "'logistic' does not go with loss='log_loss'.*loss='binary_log_loss'",
    ),
    (
        MLPClassifier,
        {"loss": "binary_log_loss", "output_activation": "softmax"},
        "'softmax' does not go with loss='binary_log_loss'.*loss='log_loss'",
    ),
    (
        MLPClassifier,
        {"output_activation": "tanh"},
        "'tanh' does not go with loss='log_loss'.*loss='squared_error'",
    ),
    (
        MLPClassifier,
        {"output_activation": LeakyReLU()},
        "negative_slope=0.01.* does not go with loss='log_loss'.*loss='squared_error'",
    ),
    (
        MLPClassifier,
        {"loss": "hinge", "output_activation": "tanh"},
        "'tanh' does not go with loss='hinge'.*loss='squared_error'",
    ),
    (MLPClassifier, {"label_smoothing": 1.0}, "'label_smoothing' parameter"),
    (MLPClassifier, {"label_smoothing": Scheduled(1.0)}, "label_smoothing=.* must stay below 1"),
    (
        MLPClassifier,
        {"label_smoothing": 0.1, "loss": "hinge"},
        "label_smoothing mixes probabilities, of which loss='hinge' has none",
    ),
    (MLPClassifier, {"class_weight": "even"}, known("class_weight", "balanced")),
    (MLPClassifier, {"class_weight": {"z": 1.0}}, "'a', 'b', 'c'.* are not in class_weight"),
    (MLPClassifier, {"class_weight": {"a": -1.0}}, "class_weight must be finite and not negative"),
    (MLPClassifier, {"class_weight": dict.fromkeys("abc", 0.0)}, "leave some row a weight above 0"),
    (MLPClassifier, {"class_weight": [{"a": 1.0}]}, "class_weight must be a dict or 'balanced'"),
]


@pytest.mark.parametrize(
    "estimator, options, message",
    [(of, *case) for of in ESTIMATORS for case in BAD_PARAMETERS] + BAD_PARAMETERS_OF_ONE,
    ids=name_of,
)
def test_bad_parameters(estimator, options, message):
    options = {"hidden_layer_sizes": (5,)} | options
    for model in (estimator(**options), fitted(estimator).set_params(**options)):
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y[estimator])
        assert_unchanged(model, before)


OUTPUT_LAYER = "The output layer is made from y and the loss, with an activation that suits them:"
MEANT = [
    ({"activation": "swish"}, "Did you mean 'silu'?"),
    ({"activation": "Sigmoid"}, "Did you mean 'logistic'?"),
    ({"activation": ["Leaky ReLU"]}, "Did you mean 'leaky_relu'?"),
    ({"activation": np.tanh}, "Did you mean 'tanh'?"),
    ({"activation": "softmax"}, OUTPUT_LAYER),
    ({"output_activation": "sigmoid"}, "Did you mean 'logistic'?"),
    ({"layers": [Dense(5, "sigmoid")], "hidden_layer_sizes": (100,)}, "Did you mean 'logistic'?"),
    ({"layers": [Dense(3, "softmax")], "hidden_layer_sizes": (100,)}, OUTPUT_LAYER),
    ({"layers": [Dense(5), "relux"], "hidden_layer_sizes": (100,)}, "Did you mean 'relu'?"),
    ({"loss": "MSELoss"}, "Did you mean 'squared_error'?"),
    ({"solver": "Adam"}, "Did you mean 'adam'?"),
    ({"solver": "l-bfgs"}, "Did you mean 'lbfgs'?"),
    ({"solver": Adam}, "Did you mean an object, Adam()?"),
    ({"solver": SGD(nesterov="lookahead")}, "Did you mean 'look_ahead'?"),
    ({"device": "gpu"}, "Did you mean 'cuda'?"),
    ({"precision": np.float32}, "Did you mean 'float32'?"),
    ({"precision": "float16"}, "Did you mean 'bfloat16'?"),
    ({"learning_rate": 0.01}, "It is a schedule: did you mean learning_rate_init=0.01?"),
    ({"learning_rate": "one-cycle"}, "Did you mean 'one_cycle'?"),
    ({"learning_rate": lambda epoch: 0.1}, "must be a function of two arguments ("),
    ({"alpha": Scheduled(0.1, "cosin")}, "Did you mean 'cosine'?"),
    ({"normalization": "batchnorm"}, "Did you mean 'batch'?"),
    ({"normalization": "instance"}, "Did you mean InstanceNorm(n_channels)?"),
    ({"weight_init": ["xavier", None]}, "Did you mean 'glorot_uniform'?"),
    ({"averaging": "polyak"}, "Did you mean 'swa'?"),
    ({"augment": "cutout"}, "Did you mean augment.Erase()?"),
    ({"scoring": "mse", "early_stopping": True}, "Did you mean 'neg_mean_squared_error'?"),
]
MEANT = [
    *((of, *case) for of in ESTIMATORS for case in MEANT),
    (MLPClassifier, {"loss": "cross_entropy"}, "Did you mean 'log_loss'?"),
    (MLPClassifier, {"class_weight": "balance"}, "Did you mean 'balanced'?"),
    (MLPRegressor, {"loss": "mae"}, "Did you mean 'absolute_error'?"),
]


@pytest.mark.parametrize("estimator, options, meant", MEANT, ids=name_of)
def test_what_is_meant_by_a_value(estimator, options, meant):
    with pytest.raises(ValueError) as error:
        estimator(**options).fit(X, Y[estimator])
    assert meant in str(error.value)


def test_no_guess_is_better_than_a_wrong_one():
    for options in ({"solver": "newton"}, {"loss": "mae"}, {"batch_size": "full"}):
        with pytest.raises(ValueError, match=r"instead\.$"):
            MLPClassifier(**options).fit(X, Y[MLPClassifier])


@pytest.mark.parametrize(
    "call, name, meant",
    [
        (MLPClassifier, "epochs", "Did you mean 'max_iter'?"),
        (MLPRegressor, "optimizer", "Did you mean 'solver'?"),
        (MLPClassifier, "hidden_layer_size", "Did you mean 'hidden_layer_sizes'?"),
        (MLPClassifier, "patience", "Did you mean 'early_stopping' and 'n_iter_no_change'?"),
        (MLPClassifier, "weight_decay", "Did you mean solver=AdamW(weight_decay=...)?"),
        (MLPClassifier, "validation_data", "Did you mean 'X_val' and 'y_val' of fit?"),
        (MLPClassifier, "solver__beta_1", "Names with two underscores are for set_params."),
        (MLPClassifier, "xyz", "got an unexpected keyword argument 'xyz'."),
        (MLPClassifier().fit, "epochs", "Did you mean 'max_iter' of the estimator?"),
        (MLPRegressor().fit, "eval_set", "Did you mean 'X_val' and 'y_val'?"),
        (MLPClassifier().fit, "batch_size", "Did you mean 'batch_size' of the estimator?"),
        (MLPClassifier().fit, "sample_weights", "Did you mean 'sample_weight'?"),
        (MLPClassifier().partial_fit, "epochs", "Did you mean 'max_iter' of the estimator?"),
        (Adam, "lr", "Did you mean 'learning_rate_init' of the estimator?"),
        (SGD, "learning_rate", "Did you mean 'learning_rate_init' of the estimator?"),
        (Dense, "act", "Did you mean 'activation'?"),
        (Quantile, "alpha", "Did you mean 'quantile'?"),
    ],
    ids=name_of,
)
def test_what_is_meant_by_an_argument(call, name, meant):
    with pytest.raises(TypeError) as error:
        call(**{name: 1})
    message = str(error.value)
    assert f"() got an unexpected keyword argument {name!r}." in message
    assert message.endswith(meant)


def test_what_is_meant_by_a_name_in_set_params():
    message = (
        r"Invalid parameter 'epochs' for .*\. Did you mean 'max_iter'\? Valid parameters are: \["
    )
    with pytest.raises(ValueError, match=message):
        MLPClassifier().set_params(epochs=3)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_signatures_are_those_of_the_code(estimator):
    for function in (estimator, estimator.fit, estimator.partial_fit):
        kinds = {one.kind for one in inspect.signature(function).parameters.values()}
        assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


def test_a_subclass_may_take_any_argument():
    class Own(MLPClassifier):
        def __init__(self, width=5, **others):
            super().__init__((width,))
            self.others = others

    assert Own(epochs=3).others == {"epochs": 3}


def test_alpha_is_no_quantile():
    quantile = dict(hidden_layer_sizes=(5,), max_iter=1, alpha=0.9)
    with pytest.warns(UserWarning, match=r"name another quantile as in loss=Quantile\(0.9\)"):
        MLPRegressor(loss="quantile", **quantile).fit(X, X[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        MLPRegressor(loss=Quantile(0.5), **quantile).fit(X, X[:, 0])
        MLPRegressor(loss="quantile", **quantile | {"alpha": 0}).fit(X, X[:, 0])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bad_parameters_set_between_calls(estimator):
    for options, message in (
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        ({"hidden_layer_sizes": (6,)}, "the fitted network has 4-5-.*, now asked for is 4-6-"),
        ({"hidden_layer_sizes": (5, 5)}, "layers of the same sizes and normalization"),
        ({"normalization": "batch"}, "5 normalised-"),
        ({"precision": "float32"}, "precision='float32', but the network was fitted in float64"),
        ({"device": "gpu"}, known("device", "auto", "cpu", "cuda")),
    ):
        model = fitted(estimator).set_params(**options)
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, Y[estimator])
        assert_unchanged(model, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "options, units",
    [
        ({"hidden_layer_sizes": (10**12,)}, "4-1000000000000-.*, trained on batches of"),
        ({"hidden_layer_sizes": (10**6, 10**6)}, "4-1000000-1000000-.*, trained on batches of"),
        ({"hidden_layer_sizes": (10**40,)}, "so many"),
    ],
)
def test_networks_that_do_not_fit_in_memory(estimator, options, units):
    for solver in ("adam", "lbfgs"):
        model = estimator(solver=solver, **options)
        before = snapshot(model)
        message = f"A network of {units}.* choose fewer units"
        with pytest.raises(MemoryError, match=message):
            model.fit(X, Y[estimator])
        assert_unchanged(model, before)


@pytest.mark.parametrize(
    "less, more",
    [
        ({}, {"averaging": "ema"}),
        ({}, {"clip_norm": 1.0}),
        ({}, {"weight_noise": 0.1}),
        ({}, {"precision": "bfloat16"}),
        ({}, {"solver": "lamb"}),
        ({"solver": SGD()}, {"solver": SGD(nesterov="look_ahead")}),
    ],
    ids=str,
)
def test_memory_that_options_need_is_counted(less, more, monkeypatch):
    monkeypatch.setattr("fastnn._network.network._memory", lambda: 1)
    needed = []
    for options in (less, more):
        model = MLPRegressor(hidden_layer_sizes=(1000,), **options)
        with pytest.raises(MemoryError) as error:
            model.fit(np.ones((9, 1000), np.float32), np.ones(9))
        needed.append(float(re.search("about (.*) GB of memory", str(error.value))[1]))
    assert needed[1] > needed[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True},
        {"averaging": "ema", "clip_norm": 1.0},
        {"precision": "bfloat16"},
        {"solver": "lamb", "weight_noise": 0.1},
        {"solver": "lbfgs"},
    ],
    ids=str,
)
def test_memory_that_is_counted_is_what_a_fit_takes(options, monkeypatch):
    X, y = np.ones((64, 600), np.float32), np.arange(64) % 2
    options = {"batch_size": 32, "max_iter": 3, "n_jobs": 1} | options
    MLPClassifier(**options).fit(X, y)  # imports
    model = MLPClassifier((600, 600), **options)
    with monkeypatch.context() as patched, pytest.raises(MemoryError) as error:
        patched.setattr("fastnn._network.network._memory", lambda: 1)
        model.fit(X, y)
    counted = 1e9 * float(re.search("about (.*) GB of memory", str(error.value))[1])
    tracemalloc.start()
    try:
        model.fit(X, y)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.8 * counted < taken < 1.15 * counted


def test_batches_that_do_not_fit_in_memory():
    n_rows = 10**7
    model = MLPRegressor(hidden_layer_sizes=(10**6,), batch_size=n_rows)
    rows = np.broadcast_to(np.float32(1), (n_rows, 1))
    with pytest.raises(MemoryError, match="trained on batches of 10000000 rows"):
        model.fit(rows, np.broadcast_to(1.0, n_rows))
    assert not hasattr(model, "n_features_in_")


# --- failing later --------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_error_in_the_middle_of_training_changes_nothing(estimator, solver):
    class Fails(Callback):
        def on_epoch_end(self, context):
            raise RuntimeError("from outside")

    for model in (estimator(solver=solver), fitted(estimator).set_params(solver=solver)):
        model.set_params(callbacks=[Fails()])
        before = snapshot(model)
        with pytest.raises(RuntimeError, match="from outside"):
            model.fit(X, Y[estimator])
        assert_unchanged(model, before)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"]
)
def test_not_fitted(method):
    arguments = (X, Y[MLPClassifier]) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="This MLPClassifier instance is not fitted yet"):
        getattr(MLPClassifier(), method)(*arguments)


def test_a_value_beyond_the_precision_of_the_network_is_named_as_such():
    model = MLPClassifier(precision="float32", max_iter=2).fit(X, Y[MLPClassifier])
    huge = X.copy()
    huge[0, 0] = 1e300
    with pytest.raises(ValueError, match=r"too large for float32.*precision='float64'"):
        model.predict(huge)
    with config_context(assume_finite=True):
        assert len(model.predict(huge)) == len(huge)
