"""Specs and their registries: names, codes, values that are refused, and what they compute."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import load_iris

import fastnn
from fastnn import CutMix, Dense, Mixup, MLPRegressor, Scheduled, initializers, losses
from fastnn._core.codes import N_COEFFICIENTS, Column, Kind, Rule
from fastnn._core.program import NEUTRAL
from fastnn._specs.spec import resolve
from fastnn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    HIDDEN_ACTIVATIONS,
    LeakyReLU,
    Maxout,
    PReLU,
    RReLU,
    row_and_parameter,
    spread_of_slopes,
)
from fastnn.augment.mixing import MIXINGS
from fastnn.averaging import AVERAGES, EMA, SWA
from fastnn.initializers import Normal, Orthogonal, Uniform
from fastnn.layers import NORMALIZATIONS, BatchNorm, Dropout
from fastnn.losses import LOSSES, Huber, Minkowski, Quantile
from fastnn.normalization import GroupNorm, LayerNorm
from fastnn.optimizers import (
    LAMB,
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from fastnn.schedules import (
    SCHEDULES,
    Adaptive,
    CosineDecay,
    ExponentialDecay,
    InverseDecay,
    InvScaling,
    LinearDecay,
    OneCycle,
    PolynomialDecay,
    ReduceOnPlateau,
    StepDecay,
    Warmup,
)

ACTIVATION_SPECS = [LeakyReLU(), ELU(), GELU(), RReLU()]
LOSS_SPECS = [Huber(), Minkowski(), Quantile()]
REGISTRIES = {
    "solver": OPTIMIZERS,
    "learning_rate": SCHEDULES,
    "normalization": NORMALIZATIONS,
    "averaging": AVERAGES,
    "augment": MIXINGS,
}


def test_set_params_tells_the_known_names():
    with pytest.raises(ValueError, match=r"Adam has no parameter 'beta': it has \['beta_1'"):
        Adam().set_params(beta=0.5)


@pytest.mark.parametrize(
    "given, params, becomes",
    [
        ({"solver": "adam", "beta_2": 0.99}, {"solver__beta_1": 0.8}, {"solver": Adam(0.8, 0.99)}),
        (
            {},
            {"solver": "sgd", "solver__nesterov": False, "momentum": 0.5},
            {"solver": SGD(0.5, nesterov=False)},
        ),
        (
            {"learning_rate": "invscaling", "power_t": 0.3},
            {"learning_rate__power_t": 0.4},
            {"learning_rate": InvScaling(0.4)},
        ),
        (
            {"learning_rate": Warmup(3, "cosine")},
            {"learning_rate__then__minimum": 0.1},
            {"learning_rate": Warmup(3, CosineDecay(0.1))},
        ),
        (
            {"alpha": Scheduled(0.1, "linear")},
            {"alpha__schedule__floor": 0.5},
            {"alpha": Scheduled(0.1, LinearDecay(0.5))},
        ),
        ({"activation": "elu"}, {"activation__alpha": 2.0}, {"activation": ELU(2.0)}),
        (
            {"activation": ["elu", "relu"]},
            {"activation__0__alpha": 2.0},
            {"activation": [ELU(2.0), "relu"]},
        ),
        (
            {"layers": [Dense(3, "elu"), "gelu"]},
            {"layers__0__activation__alpha": 2.0, "layers__1__approximate": "tanh"},
            {"layers": [Dense(3, ELU(2.0)), GELU("tanh")]},
        ),
        (
            {"normalization": "batch"},
            {"normalization__momentum": 0.5},
            {"normalization": BatchNorm(0.5)},
        ),
        ({"averaging": "ema"}, {"averaging__decay": 0.5}, {"averaging": EMA(0.5)}),
        ({"augment": ["mixup"]}, {"augment__0__alpha": 0.5}, {"augment": [Mixup(0.5)]}),
        ({"weight_init": "normal"}, {"weight_init__std": 0.5}, {"weight_init": Normal(std=0.5)}),
        ({"loss": "quantile"}, {"loss__quantile": 0.9}, {"loss": Quantile(0.9)}),
        (
            {"output_activation": "elu"},
            {"output_activation__alpha": 2.0},
            {"output_activation": ELU(2.0)},
        ),
    ],
    ids=repr,
)
def test_a_name_gives_way_to_its_spec(given, params, becomes):
    model = MLPRegressor(**given).set_params(**params)
    assert {name: getattr(model, name) for name in becomes} == becomes
    assert model.get_params()[next(reversed(params))] == params[next(reversed(params))]


@pytest.mark.parametrize(
    "params, message",
    [
        ({"solver__beta": 0.5}, "Adam has no parameter 'beta': it has"),
        (
            {"activation__alpha": 0.5},
            "activation='relu' has no parameter 'alpha', unlike 'leaky_re",
        ),
        ({"device__number": 1}, "device='cpu' has no parameter 'number'"),
        ({"solver": "newton", "solver__beta_1": 0.5}, "solver='newton' has no parameter 'beta_1'"),
    ],
)
def test_a_name_without_such_a_parameter(params, message):
    model = MLPRegressor()
    with pytest.raises(ValueError, match=message):
        model.set_params(**params)
    assert model.solver in ("adam", "newton")


@pytest.mark.parametrize(
    "spec",
    [
        SGD(momentum=1.5),
        SGD(momentum=-0.1),
        SGD(nesterov="yes"),
        SGD(weight_decay=-0.1),
        LAMB(weight_decay=-0.1),
        Adam(beta_1=1.0),
        Adam(beta_2=-0.1),
        Adam(epsilon=0.0),
        Momentum(beta=1.0),
        Adagrad(epsilon=0.0),
        Adadelta(rho=1.0),
        Adadelta(epsilon=0.0),
        RMSprop(rho=-0.1),
        RMSprop(momentum=1.1),
        RMSprop(centered="no"),
        RMSprop(epsilon=0.0),
        Rprop(eta_minus=1.0),
        Rprop(eta_plus=1.0),
        Rprop(step_min=0.0),
        Rprop(step_max=-1.0),
        AdamW(weight_decay=-0.1),
        NAdam(momentum_decay=-0.1),
        RAdam(beta_2=1.0),
        AMSGrad(epsilon=0.0),
        LBFGS(max_fun=0),
        InvScaling(power_t=-1.0),
        Adaptive(divisor=1.0),
        Adaptive(minimum=0.0),
        LinearDecay(floor=1.5),
        LinearDecay(tau=0),
        LinearDecay(per="batch"),
        InverseDecay(epsilon=0.0),
        PolynomialDecay(power=0.0),
        ExponentialDecay(gamma=1.1),
        StepDecay(step_size=0),
        StepDecay(gamma=0.0),
        CosineDecay(minimum=-0.1),
        CosineDecay(period=0),
        CosineDecay(multiplier=0),
        OneCycle(pct_start=1.0),
        OneCycle(div_factor=0.5),
        OneCycle(final_div_factor=0.5),
        OneCycle(anneal_strategy="cosine"),
        OneCycle(three_phase=2),
        ReduceOnPlateau(factor=1.0),
        ReduceOnPlateau(patience=-1),
        ReduceOnPlateau(threshold=-1.0),
        ReduceOnPlateau(threshold_mode="relative"),
        ReduceOnPlateau(cooldown=-1),
        ReduceOnPlateau(minimum=2.0),
        Warmup(length=0),
        Warmup(length=1.5),
        Warmup(then=3),
        Warmup(start=-1.0),
        EMA(decay=1.0),
        EMA(bias_correction="yes"),
        SWA(start=1.0),
        SWA(every=0),
        BatchNorm(statistics="all"),
        BatchNorm(momentum=0.0),
        BatchNorm(epsilon=-1e-5),
        BatchNorm(position="between"),
        LayerNorm(epsilon=0.0),
        LayerNorm(position="weights"),
        GroupNorm(n_groups=0),
        GroupNorm(epsilon=-1.0),
        Dropout(rate=1.0),
        Dropout(input_rate=-0.1),
        Dropout(inverted=2),
        RReLU(lower=-0.1),
        RReLU(upper=-0.1),
        Mixup(alpha=0.0),
        Mixup(probability=1.1),
        CutMix(alpha=0.0),
        CutMix(probability=0.0),
        CutMix(shape=3),
        LeakyReLU(negative_slope=-0.1),
        ELU(alpha=0.0),
        GELU(approximate="erf"),
        Huber(delta=0.0),
        Minkowski(p=0.9),
        Quantile(quantile=1.0),
        PReLU(initial=np.nan),
        PReLU(shared=2),
        Maxout(k=1),
        Normal(std=-1.0),
        Uniform(low=np.inf),
        Orthogonal(gain=-1.0),
        initializers.Constant(value="0"),
        initializers.HeNormal(mode="fan"),
    ],
    ids=repr,
)
def test_bad_value_is_named(spec):
    default = type(spec)().get_params()
    (name,) = (name for name, value in spec.get_params().items() if value != default[name])
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(spec).__name__} must be"):
        spec.validate()


@pytest.mark.parametrize("kind", REGISTRIES)
def test_resolve(kind):
    registry = REGISTRIES[kind]
    for name, spec in registry.items():
        assert resolve(kind, name, registry) == spec()
        own = spec()
        assert resolve(kind, own, registry) is own
    for unknown in ("newton", 3, None):
        with pytest.raises(ValueError, match=f"Unknown {kind} {unknown!r}: the known ones are"):
            resolve(kind, unknown, registry)


def test_resolve_gives_a_name_the_values_at_hand():
    at_hand = {"beta_1": 0.5, "momentum": 0.3}
    assert resolve("solver", "adam", OPTIMIZERS, at_hand) == Adam(beta_1=0.5)
    assert resolve("solver", "sgd", OPTIMIZERS, at_hand) == SGD(momentum=0.3)
    assert resolve("solver", Adam(), OPTIMIZERS, at_hand) == Adam()


# --- codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [ACTIVATIONS, LOSSES])
def test_codes_number_the_rows(rows):
    assert [row.code for row in rows.values()] == list(range(len(rows)))


@pytest.mark.parametrize("codes", [Kind, Rule])
def test_codes_have_no_gaps(codes):
    assert list(codes) == list(range(len(codes)))


def test_tables_have_room_for_all_columns():
    assert max(Column) < N_COEFFICIENTS
    for spec in OPTIMIZERS.values():
        if spec is not LBFGS:
            assert spec().coefficients(np.ones(3), 0.1, 0).shape == (3, N_COEFFICIENTS)


def test_every_loss_has_an_output_activation():
    assert {loss.output_activation for loss in LOSSES.values()} <= set(ACTIVATIONS)
    assert HIDDEN_ACTIVATIONS[:4] == ["identity", "logistic", "tanh", "relu"]
    assert not {"softmax", "exp", "threshold"} & set(HIDDEN_ACTIVATIONS)


def test_a_losss_name_stands_for_the_defaults_of_its_spec():
    for spec in LOSS_SPECS:
        assert losses.row_and_parameter(spec.name) == losses.row_and_parameter(spec)
    assert losses.row_and_parameter(Huber(0.3)) == (LOSSES["huber"], 0.3)
    assert losses.row_and_parameter(Minkowski(p=3)) == (LOSSES["minkowski"], 3)
    assert losses.row_and_parameter(Quantile(0.9)) == (LOSSES["quantile"], 0.9)
    assert losses.row_and_parameter("hinge") == (LOSSES["hinge"], 0)


@pytest.mark.parametrize("name", LOSSES)
def test_a_losss_own_output_activation_is_no_stage(name):
    row = LOSSES[name]
    own = losses.check_output_activation(name, None)
    assert own == losses.check_output_activation(name, own) == row.output_activation
    assert losses.output_stage(name, own)[::2] == (row.code, "identity")
    assert row.regression or row.classification or name in ("soft_log_loss", "linear")


def test_another_output_activation_comes_before_the_loss():
    for activation in ("tanh", LeakyReLU(0.3)):
        for loss in ("huber", Quantile(0.9)):
            row, parameter = losses.row_and_parameter(loss)
            assert losses.check_output_activation(loss, activation) == activation
            assert losses.output_stage(loss, activation) == (row.code, parameter, activation)
    assert losses.check_output_activation("perceptron", "threshold") == "threshold"
    assert losses.output_stage("perceptron", "threshold") == (10, 1.0, "identity")
    assert losses.output_stage("perceptron", "identity") == (10, 0.0, "identity")


def test_an_activations_name_stands_for_the_defaults_of_its_spec():
    for spec in ACTIVATION_SPECS:
        assert row_and_parameter(spec.name) == row_and_parameter(spec)
    assert row_and_parameter(LeakyReLU(0.3)) == (ACTIVATIONS["leaky_relu"], 0.3)
    assert row_and_parameter(ELU(alpha=2)) == (ACTIVATIONS["elu"], 2)
    assert row_and_parameter(GELU(approximate="tanh")) == (ACTIVATIONS["gelu_tanh"], 0)
    assert row_and_parameter("tanh") == (ACTIVATIONS["tanh"], 0)
    assert row_and_parameter(RReLU(0.1, 0.5)) == (ACTIVATIONS["rrelu"], 0.3)
    assert spread_of_slopes(RReLU(0.1, 0.5)) == 0.4
    assert spread_of_slopes("rrelu") == pytest.approx(1 / 3 - 1 / 8)
    assert spread_of_slopes("relu") == spread_of_slopes(LeakyReLU()) == 0


def test_the_slopes_of_rrelu_are_in_order():
    with pytest.raises(ValueError, match="lower of RReLU must not be above upper"):
        RReLU(0.5, 0.2).validate()


# --- optimizers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer, own",
    [
        (SGD(momentum=0.0), [0.0, 1.0]),
        (SGD(momentum=0.7, nesterov=False), [0.7, 1.0]),
        (SGD(momentum=0.7), [0.7, 1.0]),
    ],
    ids=repr,
)
def test_coefficients_of_sgd(optimizer, own):
    table = optimizer.coefficients(np.array([0.1, 0.2]), alpha=0.01, first_step=7)
    row = [0.0, *own] + [0.0] * (N_COEFFICIENTS - 3 - len(own))
    expected = np.array([[0.1, 0.01, *row], [0.2, 0.01, *row]])
    expected[:, list(NEUTRAL)] = list(NEUTRAL.values())
    np.testing.assert_array_equal(table, expected)
    assert table.flags.c_contiguous


def test_coefficients_of_adam_go_on_counting():
    adam = Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-6)
    rates = np.full(5, 0.1)
    table = adam.coefficients(rates, alpha=0.5, first_step=0)
    t = np.arange(1, 6)
    np.testing.assert_allclose(table[:, 0], 0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.8**t), rtol=1e-14)
    own = [0.5, 0.0, 0.8, 1 - 0.8, 0.99, 1 - 0.99, 1e-6]
    np.testing.assert_array_equal(table[0, 1 : 1 + len(own)], own)
    assert not table[0, 1 + len(own) : Column.DROPOUT].any()


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_coefficients_go_on_counting(name):
    """Check that splitting the table of steps changes nothing."""
    spec, rates = OPTIMIZERS[name](), np.linspace(0.1, 0.2, 9)
    table = spec.coefficients(rates, 0.5, first_step=100)
    parts = spec.coefficients(rates[:4], 0.5, 100), spec.coefficients(rates[4:], 0.5, 104)
    np.testing.assert_array_equal(np.concatenate(parts), table)


def test_coefficients_of_adamw_decay_weights_in_place_of_the_penalty():
    table = AdamW(weight_decay=0.3).coefficients(np.array([0.1, 0.2]), alpha=0.5, first_step=0)
    np.testing.assert_array_equal(table[:, 1], 0)
    np.testing.assert_allclose(table[:, 2], [0.03, 0.06])


def test_radam_never_adapts_where_the_average_is_too_short():
    table = RAdam(beta_2=0.5).coefficients(np.full(50, 0.1), alpha=0.0, first_step=0)
    np.testing.assert_array_equal(table[:, 7], 0)  # the weight of the root
    np.testing.assert_array_equal(table[:, 8], 1)


# --- layers ---------------------------------------------------------------------------------------


def test_dropout_rates():
    assert Dropout(0.25).rates(3) == [0.25] * 3
    assert Dropout(np.array([0.0, 0.5])).rates(2) == [0.0, 0.5]
    assert Dropout([0.2, 0.5], inverted=False).rates(2) == [
        Dropout(0.2, inverted=False),
        Dropout(0.5, inverted=False),
    ]
    assert Dropout(0.5, 0.2).of_input() == 0.2
    assert Dropout(0.5, 0.2, inverted=False).of_input() == Dropout(0.2, inverted=False)
    with pytest.raises(ValueError, match="dropout has 2 rates for 3 hidden layers"):
        Dropout([0.1, 0.2]).rates(3)
    for bad in ([0.1, 1.0], [-0.1, 0.0], ["a", 0.0]):
        with pytest.raises(ValueError, match=r"dropout rates must be numbers in \[0, 1\)"):
            Dropout(bad).rates(2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "given, plain",
    [
        ({"max_iter": np.int16(220), "batch_size": np.int8(1), "learning_rate": "cosine"},) * 2,
        ({"alpha": np.float16(0.1), "learning_rate_init": np.float16(0.01)},) * 2,
        ({"alpha": Fraction(1, 4), "momentum": np.longdouble(0.5)},) * 2,
        ({"hidden_layer_sizes": np.array([3, 2], np.int8)}, {"hidden_layer_sizes": [3, 2]}),
        ({"hidden_layer_sizes": np.uint8(3), "shuffle": np.bool_(False)},) * 2,
        ({"solver": fastnn.Adam(beta_1=np.float16(0.5))}, {"solver": fastnn.Adam(beta_1=0.5)}),
        (
            {"learning_rate": fastnn.Warmup(np.int8(3), fastnn.StepDecay(np.int8(100)))},
            {"learning_rate": fastnn.Warmup(3, fastnn.StepDecay(100))},
        ),
        (
            {"layers": [fastnn.Dense(np.int8(3), dropout=np.float16(0.5))]},
            {"layers": [fastnn.Dense(3, dropout=0.5)]},
        ),
        ({"dropout": [np.float16(0.25)]}, {"dropout": [0.25]}),
        ({"alpha": fastnn.Scheduled(np.float16(0.25))}, {"alpha": fastnn.Scheduled(0.25)}),
        ({"averaging": fastnn.EMA(np.float16(0.5))}, {"averaging": fastnn.EMA(0.5)}),
        ({"augment": [fastnn.Mixup(np.float16(0.5))]}, {"augment": [fastnn.Mixup(0.5)]}),
    ],
)
def test_numbers_of_any_kind_are_read_as_plain_ones(given, plain):
    """Check NumPy integers, which would overflow: 220 epochs of 150 steps exceed an int16."""
    own = {k: v.item() if isinstance(v, np.generic) else v for k, v in plain.items()}
    own = {k: float(v) if isinstance(v, Fraction | np.longdouble) else v for k, v in own.items()}
    options = {"hidden_layer_sizes": 3, "solver": "sgd", "max_iter": 3, "random_state": 0}
    if "layers" in given:
        del options["hidden_layer_sizes"]
    X, y = load_iris(return_X_y=True)
    model = fastnn.MLPClassifier(**options | given).fit(X, y)
    assert model.loss_curve_ == fastnn.MLPClassifier(**options | own).fit(X, y).loss_curve_
    for name, value in given.items():
        assert model.get_params(deep=False)[name] is value
