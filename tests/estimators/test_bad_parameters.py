"""Parameters that are refused with one clear sentence; the estimator stays as it was."""

import inspect
import re
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

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
from support.bad_input import ESTIMATORS, X, Y, fitted
from support.names import name_of
from support.snapshots import assert_unchanged, snapshot

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    (
        {"l1_ratio": 0.5, "l1_update": "proximal", "solver": "rmsprop"},
        "l1_update='proximal' .* solver='rmsprop': choose 'sgd', .* or set l1_update='gradient'",
    ),
    ({"l1_ratio": 0.5, "solver": "lbfgs"}, "none at zero: set l1_ratio=0.0, or .* 'adam'"),
    ({"l1_ratio": 0.5, "solver": "adamw"}, "l1_ratio .*alpha, which solver='adamw' does not use"),
    ({"penalize_intercepts": True, "solver": "lamb"}, "penalize_intercepts .* solver='lamb'"),
    ({"penalize_intercepts": "yes"}, "'penalize_intercepts' parameter"),
    ({"max_norm": 0}, "'max_norm' parameter"),
    ({"max_norm": 3.0, "solver": "lbfgs"}, "max_norm .*'lbfgs' does not support this: .* 'adam'"),
    ({"weight_noise": -0.1}, "'weight_noise' parameter"),
    ({"weight_noise": 0.1, "solver": "lbfgs"}, "weight_noise needs .*'sgd' .*'lbfgs' cannot"),
    (
        {"solver": SGD(nesterov="look_ahead", velocity="gradients")},
        "nesterov='look_ahead' of SGD .* set velocity='updates' or nesterov=True",
    ),
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
    *(
        (MLPRegressor, {"loss": Quantile(bad)}, r"ascending order, such as .*, got Quantile\(")
        for bad in ([], [0.5, 0.1], [0.1, 0.1], [0.0, 0.5], (0.5, 1.0), [np.nan], [0.1, "0.5"])
    ),
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
    monkeypatch.setattr("fastnn._network.memory._memory", lambda: 1)
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
        patched.setattr("fastnn._network.memory._memory", lambda: 1)
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
