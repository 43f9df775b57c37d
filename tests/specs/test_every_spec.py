"""Specs can be copied, and each hyperparameter of each affects the result.

A class or a hyperparameter that is new fails here until it has a case.
"""

import dataclasses
import pickle
from itertools import combinations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.model_selection import GridSearchCV

import fastnn
from fastnn import (
    ELU,
    EMA,
    GELU,
    LAMB,
    LBFGS,
    SGD,
    SWA,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Adaptive,
    AMSGrad,
    BatchNorm,
    Constant,
    CosineDecay,
    CustomActivation,
    CustomLoss,
    CustomSchedule,
    CutMix,
    Dense,
    Dropout,
    ExponentialDecay,
    GroupNorm,
    Huber,
    InstanceNorm,
    InverseDecay,
    InvScaling,
    LayerNorm,
    LeakyReLU,
    LinearDecay,
    Maxout,
    Minkowski,
    Mixup,
    MLPRegressor,
    Momentum,
    NAdam,
    OneCycle,
    PolynomialDecay,
    PReLU,
    Quantile,
    RAdam,
    ReduceOnPlateau,
    Residual,
    RMSprop,
    Rprop,
    RReLU,
    Scheduled,
    StepDecay,
    Warmup,
    WeightNorm,
    augment,
    initializers,
)
from fastnn._specs.spec import Spec
from fastnn.activations import HIDDEN_ACTIVATIONS
from fastnn.augment import RandomChoice, RowTransform
from fastnn.augment.mixing import MIXINGS
from fastnn.averaging import AVERAGES
from fastnn.callbacks import Callback
from fastnn.heads import Head, MixedLoss
from fastnn.initializers import BIAS_INITIALIZERS, WEIGHT_INITIALIZERS
from fastnn.layers import Heads
from fastnn.losses import REGRESSION_LOSSES
from fastnn.normalization import NORMALIZATIONS
from fastnn.optimizers import OPTIMIZERS
from fastnn.schedules import SCHEDULES
from support.names import name_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_regression(60, 12, random_state=0)
Y = Y / Y.std()


def _concrete(base):
    for cls in base.__subclasses__():
        if dataclasses.is_dataclass(cls) and cls.__module__.startswith("fastnn."):
            yield cls
        yield from _concrete(cls)


for name in augment.__all__:
    getattr(augment, name)  # imports it
# But for the output layers that the estimators make; callbacks, and what is for classes or several
# tasks, have tests of their own.
CLASSES = sorted(
    set(_concrete(Spec)) - {Heads, Head, MixedLoss, augment.Exclude, *_concrete(Callback)},
    key=lambda cls: cls.__name__,
)


def twice(x):
    return 2 * x


def two(x):
    return 2.0


def thrice(x):
    return 3 * x


def three(x):
    return 3.0


def inverse(t, n):
    return 1 / (1 + t)


def slower(t, n):
    return 1 / (2 + t)


def half_square(z, y):
    return (z - y) * (z - y) / 2


def difference(z, y):
    return z - y


def uphill(z, y):
    return (z - y) * (y - z)


def sign(z, y):
    return 1.0 if z > y else -1.0


@dataclasses.dataclass
class Case:
    """A spec as a parameter of an estimator, and other values of its hyperparameters."""

    parameter: str
    spec: Spec
    options: dict
    changes: list


def case(parameter, spec, options=None, **changes):
    return Case(parameter, spec, options or {}, list(changes.items()))


EPOCHS = {"batch_size": 10, "max_iter": 12}
SHORT = {"solver": "sgd", "learning_rate_init": 0.01, "max_iter": 12, "batch_size": 10}
STALLS = {"n_iter_no_change": 1, "tol": 1e9}
PLATEAUS = SHORT | {"learning_rate_init": 0.03, "max_iter": 30, "n_iter_no_change": 30}
LONG = {"max_iter": 40}  # gradients have to turn, and lengths to be known


DRAWN = {"value_range": (-3, 3), "fill": 1.0, "interpolation": "nearest"}


def of_images(cls, *args, sides=(3, 4), shape=(2, 6), **changes):
    """A case of a transform of images, that have other shapes and probabilities too."""
    spec = cls(*args)
    spec.set_params(shape=sides, probability=0.9)
    if "value_range" in spec.names():
        spec.set_params(value_range=(-5, 5))
    return case("augment", spec, shape=shape, probability=0.5, **changes)


def of_colors(cls, **changes):
    """A case of a transform of pixels of three channels, wherever they are."""
    return case("augment", cls(probability=0.9, shape=(2, 2, 3)), probability=0.5, **changes)


# Parameters that are checked, and change nothing.
ONLY_CHECKED = {(cls, "shape") for cls in (augment.Hue, augment.Saturation, augment.Lighting)}
IMAGES = [
    of_images(augment.Shift, pixels=1, fill=1.0, whole=False),
    of_images(augment.Shift, 1, 0.0, 1.0, None, False, interpolation="bicubic"),
    of_images(augment.Rotate, degrees=20.0, fill=1.0, interpolation="nearest"),
    of_images(augment.Zoom, amount=0.3, fill=1.0, stretch=0.5, interpolation="bicubic"),
    of_images(augment.Shear, 0.5, amount=0.3, fill=1.0, interpolation="nearest"),
    of_images(augment.Affine, degrees=20.0, zoom=0.3, stretch=0.5, fill=1.0),
    of_images(augment.Affine, shear=0.3, shift=0.5, interpolation="bicubic"),
    of_images(augment.Flip, direction="vertical"),
    of_images(augment.Crop, area=(0.4, 0.5), ratio=(0.5, 2.0), interpolation="bicubic"),
    of_images(augment.Blur, sigma=0.5),
    of_images(augment.Sharpen, amount=2.0, sigma=0.5),
    of_images(augment.Erase, 0.8, area=0.5, fill=1.0),
    of_images(augment.ChannelJitter, shape=(3, 2, 2), scale=0.5, offset=0.5),
    of_images(augment.ChannelShuffle, sides=(3, 2, 2), shape=(2, 2, 3)),
    of_colors(augment.Hue, amount=0.5),
    of_colors(augment.Saturation, amount=0.5),
    of_colors(augment.Lighting, std=0.5, covariance=[[2, 1, 0], [1, 2, 0], [0, 0, 1]]),
    of_images(augment.RandAugment, n_transforms=3, magnitude=3.0, magnitude_std=1.0, **DRAWN),
    of_images(augment.AutoAugment, "svhn", policy="cifar10", **DRAWN),
    of_images(
        augment.Operation, "Rotate", name="ShearX", magnitude=9.0, fill=1.0, interpolation="nearest"
    ),
    case("augment", augment.Operation("Solarize", 5.0, (-5, 5), shape=(3, 4)), value_range=(-4, 9)),
]
CASES = [
    case("solver", SGD(), momentum=0.8, weight_decay=0.1),
    case("solver", SGD(), nesterov=False),
    case("solver", SGD(), nesterov="look_ahead"),
    case("solver", SGD(nesterov=False), nesterov="look_ahead"),
    case("solver", SGD(), {"learning_rate": inverse}, velocity="gradients"),
    case("solver", Momentum(), beta=0.8, weight_decay=0.1),
    case("solver", Adagrad(), epsilon=1e-3, weight_decay=0.1),
    case("solver", Adadelta(), rho=0.8, epsilon=1e-3, weight_decay=0.1),
    case("solver", RMSprop(), rho=0.9, momentum=0.9, centered=True, epsilon=1e-3, weight_decay=0.1),
    case("solver", RMSprop(centered=True), rho=0.9, momentum=0.5, epsilon=1e-3, weight_decay=0.1),
    case("solver", RMSprop(momentum=0.5), rho=0.9, epsilon=1e-3, centered=True, weight_decay=0.1),
    case("solver", Rprop(), LONG, eta_minus=0.4, eta_plus=1.3, step_min=2e-3, step_max=1.1e-3),
    case("solver", Rprop(), LONG, wait=False),
    case("solver", Adam(), beta_1=0.8, beta_2=0.9, epsilon=1e-3),
    case("solver", AdamW(), beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.1),
    case("solver", NAdam(), beta_1=0.8, beta_2=0.9, epsilon=1e-3, momentum_decay=0.1),
    case("solver", RAdam(), LONG, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
    case("solver", AMSGrad(), LONG, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
    case("solver", LAMB(), beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.1),
    case("solver", LBFGS(), max_fun=3),
    case("learning_rate", Constant()),
    case("learning_rate", InvScaling(), SHORT, power_t=0.1),
    case("learning_rate", Adaptive(), SHORT | STALLS, divisor=2.0, minimum=1.0),
    case("learning_rate", LinearDecay(), SHORT, floor=0.5, tau=5, per="epoch"),
    case("learning_rate", InverseDecay(), SHORT, epsilon=0.5, per="epoch"),
    case("learning_rate", PolynomialDecay(), SHORT, power=1.0, per="epoch"),
    case("learning_rate", ExponentialDecay(), SHORT, gamma=0.5, per="step"),
    case("learning_rate", StepDecay(2), SHORT, step_size=3, gamma=0.5, per="step"),
    case("learning_rate", CosineDecay(), SHORT, minimum=0.1, period=10, per="epoch"),
    case("learning_rate", CosineDecay(period=5), SHORT, multiplier=2, minimum=0.1, per="epoch"),
    case(
        "learning_rate",
        OneCycle(),
        SHORT,
        pct_start=0.5,
        div_factor=5.0,
        final_div_factor=5.0,
        anneal_strategy="linear",
        three_phase=True,
        per="epoch",
    ),
    case("learning_rate", Warmup(), SHORT, length=0.5, then="cosine", start=0.5),
    case("learning_rate", Warmup(2), SHORT, length=4, then=inverse, per="epoch"),
    case("learning_rate", Warmup(3, StepDecay(2)), SHORT, then=StepDecay(3)),
    case("learning_rate", CustomSchedule(inverse), SHORT, function=slower, per="epoch"),
    case(
        "learning_rate",
        ReduceOnPlateau(patience=1, threshold=0.3),
        PLATEAUS,
        factor=0.5,
        patience=2,
        threshold=0.0,
        threshold_mode="abs",
        cooldown=5,
        minimum=0.05,
    ),
    case("alpha", Scheduled(1.0), EPOCHS, value=2.0, schedule="linear"),
    case("dropout", Scheduled(0.5), EPOCHS, value=0.4, schedule=StepDecay(2)),
    case("solver", AdamW(weight_decay=Scheduled(0.5)), EPOCHS, weight_decay=Scheduled(0.4)),
    case("normalization", BatchNorm(), momentum=0.5, epsilon=0.1),
    case("normalization", BatchNorm(), position="after", statistics="exact"),
    case("normalization", BatchNorm(), unbiased=False, mean_only=True),
    case("normalization", LayerNorm(), epsilon=0.1, position="after"),
    case("normalization", GroupNorm(), n_groups=5, epsilon=0.1, position="after"),
    case("normalization", InstanceNorm(4), n_channels=5, epsilon=0.1, affine=True),
    case("normalization", InstanceNorm(4), position="after"),
    case("normalization", WeightNorm()),
    case("dropout", Dropout(), rate=0.2, input_rate=0.2, inverted=False),
    case("dropout", Dropout(0.0, 0.2), inverted=False),
    case("layers", [Dense(10)], units=11, activation="tanh", normalization="batch", dropout=0.1),
    case("layers", [Residual([Dense(12)])], layers=[Dense(12, "tanh")], drop_rate=0.3),
    case("layers", [Dropout(0.1)], rate=0.2, inverted=False),
    case("layers", [BatchNorm()], momentum=0.3, epsilon=0.1),
    case("augment", Mixup(), alpha=0.5, probability=0.5),
    case("augment", RandomChoice(), mixings=[CutMix(), Mixup()], p=[0.9, 0.1]),
    case("augment", CutMix(), alpha=0.5, probability=0.1, shape=(2, 6)),
    *IMAGES,
    case("augment", augment.Brightness(), amount=0.5, probability=0.5),
    case("augment", augment.Contrast(), amount=0.5, probability=0.5),
    case("augment", augment.Append(augment.Noise()), transforms=augment.Gain(), copies=2),
    case(
        "augment",
        augment.RepeatedAugmentation(augment.Noise(), 2),
        transforms=[augment.Noise(), augment.Gain()],
        copies=4,
    ),
    case("augment", augment.Noise(), std=0.5, probability=0.5),
    case("augment", augment.SwapNoise(), rate=0.5, probability=0.5),
    case("augment", augment.LabelMixup(bandwidth=0.5), alpha=1.0, bandwidth=1.0, probability=0.5),
    case("augment", augment.TimeShift(2), steps=3, wrap=True, n_channels=2, probability=0.5),
    case("augment", augment.Stretch(0.5), amount=0.6, n_channels=2, probability=0.5),
    case("augment", augment.Gain(), decibels=6.0, n_channels=2, probability=0.5),
    case("augment", augment.TimeMask(0.5), length=0.3, fill=1.0, n_channels=2, probability=0.5),
    case("averaging", EMA(), EPOCHS, decay=0.5, bias_correction=False),
    case("averaging", SWA(), EPOCHS, start=3, every=2),
    case("averaging", SWA(), EPOCHS, start=0.5),
    case("activation", LeakyReLU(), negative_slope=0.3),
    case("activation", RReLU(), lower=0.3, upper=0.2),
    case("activation", ELU(), alpha=0.3),
    case("activation", GELU(), approximate="tanh"),
    case("activation", PReLU(), initial=0.1, shared=False),
    case("activation", Maxout(), k=3),
    case("activation", CustomActivation(twice, two), value=thrice, derivative=three),
    case("output_activation", LeakyReLU(), negative_slope=0.3),
    case("output_activation", PReLU(), initial=0.1),
    case("loss", Huber(), delta=0.3),
    case("loss", Minkowski(), p=1.5),
    case("loss", Quantile(), quantile=0.3),
    case("loss", Quantile([0.1, 0.9]), quantile=[0.2, 0.9]),
    case(
        "loss",
        CustomLoss(half_square, difference),
        {"solver": "lbfgs"},  # that looks at the value, too
        value=uphill,
        derivative=sign,
        output_activation="tanh",
    ),
]
RULES = [
    (initializers.Constant(0.05), {"value": 0.1}),
    (initializers.Uniform(), {"low": -0.1, "high": 0.1}),
    (initializers.Normal(), {"mean": 0.1, "std": 0.1}),
    *((getattr(initializers, f"Glorot{kind}")(), {"gain": 2.0}) for kind in ("Uniform", "Normal")),
    *(
        (getattr(initializers, f"He{kind}")(), {"negative_slope": 0.3, "mode": "fan_out"})
        for kind in ("Uniform", "Normal")
    ),
    (initializers.LeCunUniform(), {}),
    (initializers.LeCunNormal(), {}),
    (initializers.PyTorchDefault(), {}),
    (initializers.ScikitLearn(), {"factor": 2.0}),
    (initializers.Orthogonal(), {"gain": 2.0}),
]
CASES += [case("weight_init", rule, **changes) for rule, changes in RULES]
CASES += [
    case("bias_init", rule, **changes)
    for rule, changes in RULES
    if not isinstance(rule, initializers.Orthogonal)
]
ARRAYS, OTHERS = (
    [{"coef": np.full((X.shape[1], 20), value), "intercept": np.ones(20)}] for value in (0.1, 0.2)
)
CASES.append(case("weight_init", initializers.Pretrained(ARRAYS), arrays=OTHERS, others="zeros"))


def the_spec(given):
    return given[0] if isinstance(given, list) else given


EXAMPLES = [the_spec(each.spec) for each in CASES]
EXAMPLES += [dataclasses.replace(the_spec(c.spec), **{k: v}) for c in CASES for k, v in c.changes]


def predicted(**options):
    options = {"max_iter": 5, "random_state": 0} | options
    if "layers" not in options:
        options = {"hidden_layer_sizes": (20,)} | options
    return MLPRegressor(**options).fit(X, Y).predict(X)


def label(value):
    if isinstance(value, Case):
        return f"{value.parameter}={name_of(the_spec(value.spec))}"
    return name_of(value)


@pytest.mark.parametrize(
    "each, name, value",
    [(each, name, value) for each in CASES for name, value in each.changes],
    ids=label,
)
def test_every_hyperparameter_changes_the_result(each, name, value):
    spec = the_spec(each.spec)
    if isinstance(spec, CustomActivation | CustomLoss):
        pytest.importorskip("numba")
    other = dataclasses.replace(spec, **{name: value})
    assert other != spec
    given = [other] if isinstance(each.spec, list) else other
    before = predicted(**each.options, **{each.parameter: each.spec})
    assert np.isfinite(before).all()
    assert not np.array_equal(before, predicted(**each.options, **{each.parameter: given}))


def test_every_hyperparameter_of_every_spec_has_a_case():
    changed = {(type(the_spec(each.spec)), name) for each in CASES for name, _ in each.changes}
    assert changed == {(cls, name) for cls in CLASSES for name in cls.names()} - ONLY_CHECKED
    assert {type(spec) for spec in EXAMPLES} == set(CLASSES)


def test_every_spec_is_exported_under_its_name():
    for cls in CLASSES:
        module = fastnn
        if issubclass(cls, initializers.Initializer):
            module = initializers
        elif issubclass(cls, RowTransform | RandomChoice):
            module = augment
        assert getattr(module, cls.__name__) is cls
        assert module is initializers or cls.__name__ in module.__all__
    registries = (OPTIMIZERS, SCHEDULES, NORMALIZATIONS, AVERAGES, MIXINGS)
    for registry in (*registries, WEIGHT_INITIALIZERS, BIAS_INITIALIZERS):
        assert set(registry.values()) <= set(CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_spec_is_documented_and_checks_every_hyperparameter(cls):
    assert set(cls._parameter_constraints) == set(cls.names())
    assert not cls.__doc__.startswith(f"{cls.__name__}(")  # what dataclasses write
    for name in cls.names():
        heads = [line.split(" : ")[0] for line in cls.__doc__.splitlines() if " : " in line]
        assert any(name in head.replace(",", "").split() for head in heads), name


@pytest.mark.parametrize("spec", EXAMPLES, ids=name_of)
def test_every_spec_may_be_copied(spec):
    copies = [clone(spec), pickle.loads(pickle.dumps(spec))]
    copies.append(type(spec)(**spec.get_params(deep=False)))
    has_arrays = isinstance(spec, initializers.Pretrained)
    if not has_arrays and not any(map(callable, spec.get_params().values())):
        module = initializers if isinstance(spec, initializers.Initializer) else augment
        own = {name: getattr(module, name) for name in dir(module)}
        copies.append(eval(repr(spec), vars(fastnn) | own))
    for copied in copies:
        assert copied == spec
        assert copied is not spec
    for name, value in spec.get_params().items():
        assert spec.set_params(**{name: value}) is spec
    assert spec == copies[0]


# Schedules that do nothing before training stalls are left out.
NAMES = {
    "solver": (OPTIMIZERS, {}),
    "learning_rate": (set(SCHEDULES) - {"adaptive", "plateau", "step"}, SHORT),
    "normalization": (NORMALIZATIONS, {}),
    "averaging": (AVERAGES, EPOCHS),
    "augment": (MIXINGS, {}),
    "weight_init": (WEIGHT_INITIALIZERS, {}),
    "bias_init": (BIAS_INITIALIZERS, {}),
    "activation": (HIDDEN_ACTIVATIONS, {}),
    "loss": (REGRESSION_LOSSES, {}),
}


@pytest.mark.parametrize("parameter", NAMES)
def test_every_name_is_another_result(parameter):
    names, options = NAMES[parameter]
    if parameter == "loss":
        names = set(names) - {"poisson", "minkowski"}  # needs counts; is the squared error
    results = {name: predicted(**options, **{parameter: name}) for name in names}
    for (one, a), (other, b) in combinations(results.items(), 2):
        assert not np.array_equal(a, b), (one, other)


# --- searches -------------------------------------------------------------------------------------

STACK = [Dense(8, normalization=BatchNorm()), Residual([Dense(8, "tanh")])]
SEARCHES = [
    ({"solver": Adam()}, {"solver__beta_1": [0.5, 0.9]}),
    ({"solver": AdamW(weight_decay=Scheduled(0.1))}, {"solver__weight_decay__value": [0.1, 1.0]}),
    ({"layers": STACK}, {"layers__0__units": [8], "layers__0__normalization__epsilon": [0.1, 1]}),
    ({"layers": [Dense(8)]}, {"layers__0__units": [4, 8]}),
    ({"layers": STACK}, {"layers__1__layers__0__activation": ["tanh", "relu", "gelu"]}),
    ({"layers": STACK}, {"layers__1__drop_rate": [0.0, 0.5]}),
    ({"layers": STACK}, {"layers__1": [Residual([Dense(8)]), "tanh"]}),
    ({"normalization": BatchNorm()}, {"normalization__epsilon": [1e-5, 1.0]}),
    ({"normalization": GroupNorm()}, {"normalization__n_groups": [2, 10]}),
    ({}, {"normalization": ["layer", "group", "weight", InstanceNorm(4)]}),
    (
        SHORT | {"learning_rate": Warmup(2, ExponentialDecay())},
        {"learning_rate__then__gamma": [0.5, 0.9]},
    ),
    (SHORT, {"learning_rate": ["constant", CosineDecay(), inverse]}),
    ({"dropout": Dropout()}, {"dropout__rate": [0.1, 0.5], "dropout__inverted": [True, False]}),
    ({"dropout": Scheduled(0.5, LinearDecay())}, {"dropout__schedule__floor": [0.0, 0.5]}),
    (EPOCHS | {"averaging": EMA()}, {"averaging__decay": [0.5, 0.9]}),
    ({"augment": Mixup()}, {"augment__alpha": [0.1, 1.0]}),
    ({"augment": [augment.Noise(), Mixup()]}, {"augment__0__std": [0.1, 1.0]}),
    ({"augment": RandomChoice()}, {"augment__mixings__0__alpha": [0.1, 1.0]}),
    ({"loss": Huber()}, {"loss__delta": [0.3, 1.0]}),
    ({"activation": LeakyReLU()}, {"activation__negative_slope": [0.0, 0.2]}),
    ({"activation": PReLU()}, {"activation__shared": [True, False]}),
    ({"activation": Maxout()}, {"activation__k": [2, 4]}),
    ({"activation": [ELU()]}, {"activation__0__alpha": [0.5, 1.0]}),
    (
        {"hidden_layer_sizes": (20, 20)},
        {"activation": [["tanh", "relu"], ["relu", PReLU()]]},
    ),
    ({"output_activation": LeakyReLU()}, {"output_activation__negative_slope": [0.0, 0.2]}),
    ({"weight_init": initializers.HeNormal()}, {"weight_init__mode": ["fan_in", "fan_out"]}),
    ({"bias_init": [initializers.Normal(), "zeros"]}, {"bias_init__0__std": [0.1, 0.5]}),
    ({"alpha": Scheduled(10.0)}, {"alpha__value": [10.0, 100.0]}),
]


@pytest.mark.parametrize("options, grid", SEARCHES, ids=lambda value: " ".join(value))
def test_search_over_what_specs_hold(options, grid):
    model = MLPRegressor(
        **{"hidden_layer_sizes": (20,), "max_iter": 5, "random_state": 0} | options
    )
    if "layers" in options:
        model.set_params(hidden_layer_sizes=(100,))
    before = repr(model)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == len(scores) == np.prod([len(values) for values in grid.values()])
    for name, value in search.best_params_.items():
        assert search.best_estimator_.get_params()[name] == value
    again = clone(model).set_params(**search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert repr(model) == before


def parts(value):
    """Return all specs in a value, including itself."""
    if isinstance(value, list | tuple):
        return [part for item in value for part in parts(item)]
    if not isinstance(value, Spec):
        return []
    return [value, *parts([getattr(value, name) for name in value.names()])]


@pytest.mark.parametrize(
    "options",
    [
        {"layers": [*STACK, Dropout(0.1), PReLU()]},
        {"weight_init": [initializers.Normal(), initializers.Uniform()]},
        {"activation": [ELU()], "solver": AdamW(weight_decay=Scheduled(0.1, Warmup(2)))},
    ],
    ids=str,
)
def test_a_clone_shares_no_spec(options):
    model = MLPRegressor(**options, max_iter=2)
    if "layers" not in options:
        model.set_params(hidden_layer_sizes=(5,))
    original = parts(list(model.get_params(deep=False).values()))
    copied = parts(list(clone(model).get_params(deep=False).values()))
    assert original == copied
    assert len(original) >= 2
    assert not {*map(id, original)} & {*map(id, copied)}
    text = repr(model.fit(X, Y))
    assert repr(model) == text
    # Nor does what was fitted: its own predictions stay what they are.
    before = model.predict(X)
    for spec in original:
        for name in spec.names():
            if isinstance(getattr(spec, name), float):
                setattr(spec, name, 0.123)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)
