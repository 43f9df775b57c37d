"""Suggestions for unknown names: names used by other libraries, and misspelt ones."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# For each parameter, names that Keras, PyTorch, XGBoost and others use for a value, normalised by
# `_normalised`, and the equivalent here: a name, an expression, or a sentence.
_OUTPUT = (
    "The output layer is made from y and the loss, with an activation that suits them: leave it "
    "out of the hidden layers."
)
_ACTIVATIONS = {
    "swish": "silu",
    "hardswish": "silu",
    "sigmoid": "logistic",
    "expit": "logistic",
    "linear": "identity",
    "none": "identity",
    "lrelu": "leaky_relu",
    "relu6": "relu",
    "softmax": _OUTPUT,
    "logsoftmax": _OUTPUT,
}
_INITIALIZERS = {
    "glorot": "glorot_uniform",
    "xavier": "glorot_uniform",
    "xavieruniform": "glorot_uniform",
    "xaviernormal": "glorot_normal",
    "he": "he_uniform",
    "kaiming": "he_uniform",
    "kaiminguniform": "he_uniform",
    "kaimingnormal": "he_normal",
    "lecun": "lecun_uniform",
    "randomuniform": "uniform",
    "randomnormal": "normal",
    "torch": "pytorch",
    "ones": "initializers.Constant(1.0)",
}
_VALUES: dict[str, dict[str, str]] = {
    "activation": _ACTIVATIONS,
    "layers": _ACTIVATIONS,
    "output_activation": _ACTIVATIONS | {"softmax": "softmax", "linear": "identity"},
    "solver": {
        "bfgs": "lbfgs",
        "lbfgsb": "lbfgs",
        "nesterov": "SGD(nesterov=True)",
        "sgdm": "sgd",
        "gd": "sgd",
    },
    "loss": {
        "mse": "squared_error",
        "meansquarederror": "squared_error",
        "l2": "squared_error",
        "ls": "squared_error",
        "regsquarederror": "squared_error",
        "mae": "absolute_error",
        "meanabsoluteerror": "absolute_error",
        "l1": "absolute_error",
        "lad": "absolute_error",
        "smoothl1": "huber",
        "pinball": "quantile",
        "crossentropy": "log_loss",
        "logistic": "log_loss",
        "categoricalcrossentropy": "log_loss",
        "sparsecategoricalcrossentropy": "log_loss",
        "binarycrossentropy": "log_loss",
        "bce": "log_loss",
        "bcewithlogits": "log_loss",
        "binarylogistic": "log_loss",
        "nll": "log_loss",
        "deviance": "log_loss",
        "multisoftprob": "log_loss",
    },
    "learning_rate": {
        "cosineannealing": "cosine",
        "cosineannealinglr": "cosine",
        "reducelronplateau": "plateau",
        "steplr": "step",
        "exponentiallr": "exponential",
        "onecyclelr": "one_cycle",
        "poly": "polynomial",
        "optimal": "invscaling",
        "fixed": "constant",
    },
    "normalization": {
        "batchnorm": "batch",
        "layernorm": "layer",
        "groupnorm": "group",
        "weightnorm": "weight",
        "instance": "InstanceNorm(n_channels)",
        "instancenorm": "InstanceNorm(n_channels)",
    },
    "averaging": {"polyak": "swa", "exponential": "ema", "mean": "swa"},
    "augment": {
        "cutout": "augment.Erase()",
        "noise": "augment.Noise()",
        "rotate": "augment.Rotate()",
        "shift": "augment.Shift()",
        "flip": "augment.Flip()",
        "affine": "augment.Affine()",
        "randaugment": "augment.RandAugment()",
        "autoaugment": "augment.AutoAugment()",
    },
    "device": {"gpu": "cuda"},
    "precision": {
        "float": "float32",
        "single": "float32",
        "fp32": "float32",
        "double": "float64",
        "fp64": "float64",
        "half": "bfloat16",
        "float16": "bfloat16",
        "fp16": "bfloat16",
        "bf16": "bfloat16",
        "mixedbfloat16": "bfloat16",
    },
    "class_weight": {"auto": "balanced"},
    "weight_init": _INITIALIZERS,
    "bias_init": _INITIALIZERS,
    "scoring": {
        "acc": "accuracy",
        "auc": "roc_auc",
        "logloss": "neg_log_loss",
        "crossentropy": "neg_log_loss",
        "mse": "neg_mean_squared_error",
        "mae": "neg_mean_absolute_error",
        "rmse": "neg_root_mean_squared_error",
        "mape": "neg_mean_absolute_percentage_error",
        "valloss": "loss",
    },
}
# Names of arguments in other libraries, and the equivalent argument or arguments here.
_ARGUMENTS = {
    "epochs": "max_iter",
    "nepochs": "max_iter",
    "numepochs": "max_iter",
    "maxepochs": "max_iter",
    "niter": "max_iter",
    "iterations": "max_iter",
    "maxiterations": "max_iter",
    "batch": "batch_size",
    "weights": "sample_weight",
    "gpu": "device='cuda'",
    "usegpu": "device='cuda'",
    "penalty": "alpha",
    "gradclip": "clip_norm",
    "lr": "learning_rate_init",
    "eta": "learning_rate_init",
    "lrscheduler": "learning_rate",
    "scheduler": "learning_rate",
    "optimizer": "solver",
    "act": "activation",
    "hiddenlayers": "hidden_layer_sizes",
    "hiddenunits": "hidden_layer_sizes",
    "hiddensize": "hidden_layer_sizes",
    "layersizes": "hidden_layer_sizes",
    "nhidden": "hidden_layer_sizes",
    "units": "hidden_layer_sizes",
    "l2": "alpha",
    "reglambda": "alpha",
    "l1": "alpha, l1_ratio",
    "regalpha": "alpha, l1_ratio",
    "weightdecay": "solver=AdamW(weight_decay=...)",
    "patience": "early_stopping, n_iter_no_change",
    "earlystoppingrounds": "early_stopping, n_iter_no_change",
    "validationsplit": "early_stopping, validation_fraction",
    "validationdata": "X_val, y_val",
    "evalset": "X_val, y_val",
    "valdata": "X_val, y_val",
    "evalsampleweight": "sample_weight_val",
    "validationsampleweight": "sample_weight_val",
    "evalmetric": "scoring",
    "metric": "scoring",
    "metrics": "scoring",
    "criterion": "loss",
    "objective": "loss",
    "lossfunction": "loss",
    "seed": "random_state",
    "randomseed": "random_state",
    "dropoutrate": "dropout",
    "batchnorm": "normalization='batch'",
    "batchnormalization": "normalization='batch'",
    "nthread": "n_jobs",
    "numthreads": "n_jobs",
    "workers": "n_jobs",
    "dtype": "precision",
    "nesterov": "nesterovs_momentum",
    "eps": "epsilon",
    "maxgradnorm": "clip_norm",
    "gradientclipping": "clip_norm",
    "kernelinitializer": "weight_init",
    "biasinitializer": "bias_init",
    "p": "rate",
}


# The estimator whose arguments are considered for an unknown argument of a spec.
_ESTIMATORS: list[type] = []


def suggest_arguments_of(estimator: type[T]) -> type[T]:
    """Decorate the estimator whose arguments are considered for an unknown one of a spec."""
    _ESTIMATORS.append(estimator)
    return estimator


def _normalised(name: str) -> str:
    """Return a name without case and punctuation."""
    return "".join(filter(str.isalnum, name)).casefold()


def _look_up(word: str, meanings: Mapping[str, str], *, fuzzy: bool = True) -> str | None:
    """Return the meaning of a word, or, if `fuzzy`, that of the word with the closest spelling."""
    if word in meanings or not fuzzy:
        return meanings.get(word)
    close = difflib.get_close_matches(word, meanings, 1, 0.75)
    return meanings[close[0]] if close else None


def suggest_value(parameter: str, value, known: Iterable[str] = ()) -> str:
    """Return a sentence that suggests a value in place of an invalid one, or an empty string.

    Parameters
    ----------
    parameter : str
    value
        A name, a number, a class, or a function of another library.
    known : iterable of str
        The valid names of the parameter.
    """
    if inspect.isclass(value) and value.__module__.partition(".")[0] == "fastnn":
        return f" Did you mean an object, {value.__name__}()?"
    if parameter == "learning_rate" and isinstance(value, Real):
        return f" It is a schedule: did you mean learning_rate_init={value!r}?"
    name, known = getattr(value, "__name__", value), set(known)
    if not isinstance(name, str):
        return ""
    meanings = _VALUES.get(parameter, {}) | {_normalised(one): one for one in known}
    word = _normalised(name)
    short = word.removesuffix(parameter)  # "BCELoss" is a "BCE"
    meaning = meanings.get(short) or _look_up(word, meanings, fuzzy=name is value)
    if meaning is None or (meaning.isidentifier() and meaning not in known):
        return ""
    if meaning.endswith("."):
        return f" {meaning}"
    return f" Did you mean {meaning!r}?" if meaning in known else f" Did you mean {meaning}?"


@functools.cache
def _arguments_of(function) -> frozenset[str] | None:
    """Return the names of the arguments of a function or class; None if it accepts any."""
    parameters = inspect.signature(function).parameters.values()
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return None if takes_any else frozenset(one.name for one in parameters)


def suggest_argument(name: str, known: Iterable[str], estimator: type) -> str:
    """Return a sentence that suggests an argument in place of an unknown one, or an empty string.

    Parameters
    ----------
    name : str
    known : iterable of str
        Arguments of the function that was called.
    estimator : type
        The class whose arguments, and those of whose `fit`, are considered too.
    """
    if "__" in name:
        return " Names with two underscores are for set_params."
    owners: dict[str, frozenset[str]] = {"": frozenset(known)}
    owners[" of fit"] = _arguments_of(estimator.fit) or frozenset()  # type: ignore[attr-defined]
    owners[" of the estimator"] = _arguments_of(estimator) or frozenset()
    meanings = _ARGUMENTS | {_normalised(one): one for own in owners.values() for one in own}
    if "learning_rate" not in owners[""]:  # the schedule is not an argument: suggest the number
        meanings["learningrate"] = "learning_rate_init"
    [only] = owners[""] if len(owners[""]) == 1 else [None]
    meaning = only or _look_up(_normalised(name), meanings) or ""
    if "=" in meaning:
        return f" Did you mean {meaning}?"
    for owner, own in owners.items():
        if meaning and own.issuperset(meaning.split(", ")):
            return f" Did you mean {' and '.join(map(repr, meaning.split(', ')))}{owner}?"
    return ""


def _refuse_unknown(cls: type, function, kwargs) -> None:
    """Raise Python's TypeError for an unknown argument, with a suggestion."""
    known = _arguments_of(function)
    unknown = [name for name in kwargs if known is not None and name not in known]
    if unknown:
        called = f"{cls.__name__}.{'__init__' if function is cls else function.__name__}()"
        estimator = cls if hasattr(cls, "fit") else _ESTIMATORS[0]
        raise TypeError(
            f"{called} got an unexpected keyword argument {unknown[0]!r}."
            f"{suggest_argument(unknown[0], known or (), estimator)}"
        )


def explains_arguments(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method of an estimator, so that errors of unknown arguments make a suggestion."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs and args:
            _refuse_unknown(type(args[0]), method, kwargs)
        return method(*args, **kwargs)

    return call


class ExplainsArguments:
    """Mixin of classes whose errors of unknown arguments make a suggestion."""

    def __new__(cls, *args, **kwargs):
        if kwargs:
            _refuse_unknown(cls, cls, kwargs)
        return super().__new__(cls)
