"""Numbers that change in the course of a training: by hand, and as the estimators use them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastnn import (
    Adam,
    AdamW,
    Adaptive,
    Constant,
    CosineDecay,
    CustomSchedule,
    ExponentialDecay,
    InverseDecay,
    InvScaling,
    LinearDecay,
    MLPRegressor,
    OneCycle,
    PolynomialDecay,
    ReduceOnPlateau,
    Scheduled,
    StepDecay,
    Warmup,
)
from fastnn.initializers import Normal, Uniform
from fastnn.schedules import SCHEDULES, resolve_schedule
from support.names import name_of
from support.scheduled import OPTIONS, X, Y, steps

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# What each is at these steps of a hundred, of ten in an epoch.
AT = [0, 1, 9, 10, 25, 50, 99]
BY_HAND = [
    (Constant(), [1.0] * 7),
    # Goodfellow et al., equation 8.14, with eta_0 = 1 and eta_tau = 0.01
    (LinearDecay(tau=50), [1, 0.9802, 0.8218, 0.802, 0.505, 0.01, 0.01]),
    (LinearDecay(floor=0.0), [1, 0.99, 0.91, 0.9, 0.75, 0.5, 0.01]),
    (LinearDecay(0.0, 2, "epoch"), [1, 1, 1, 0.5, 0, 0, 0]),
    (InverseDecay(0.1), [1, 1 / 1.1, 1 / 1.9, 0.5, 1 / 3.5, 1 / 6, 1 / 10.9]),
    (InverseDecay(1.0, "epoch"), [1, 1, 1, 1 / 2, 1 / 3, 1 / 6, 1 / 10]),
    (PolynomialDecay(), [1, 2**-0.5, 10**-0.5, 11**-0.5, 26**-0.5, 51**-0.5, 0.1]),
    (PolynomialDecay(2.0, "epoch"), [1, 1, 1, 1 / 4, 1 / 9, 1 / 36, 1 / 100]),
    (ExponentialDecay(0.5), [1, 1, 1, 0.5, 0.25, 2**-5, 2**-9]),
    (ExponentialDecay(0.5, "step"), [1, 0.5, 2**-9, 2**-10, 2**-25, 2**-50, 2**-99]),
    (StepDecay(2), [1, 1, 1, 1, 0.1, 0.01, 1e-4]),
    (StepDecay(25, 0.5, "step"), [1, 1, 1, 1, 0.5, 0.25, 0.125]),
    (CosineDecay(), [(1 + math.cos(math.pi * t / 100)) / 2 for t in AT]),
    (CosineDecay(0.2), [0.2 + 0.4 * (1 + math.cos(math.pi * t / 100)) for t in AT]),
    (
        CosineDecay(period=10),
        [(1 + math.cos(math.pi * (t % 10) / 10)) / 2 for t in AT],
    ),
    (
        CosineDecay(period=10, multiplier=2),  # from 0, 10, 30 and 70 on
        [
            (1 + math.cos(math.pi * part)) / 2
            for part in (0, 0.1, 0.9, 0, 15 / 20, 20 / 40, 29 / 80)
        ],
    ),
    (
        CosineDecay(per="epoch"),
        [(1 + math.cos(math.pi * e / 10)) / 2 for e in (0, 0, 0, 1, 2, 5, 9)],
    ),
    (Warmup(0.25, start=0.0), [0, 0.04, 0.36, 0.4, 1, 1, 1]),
    (Warmup(2, per="epoch", start=0.5), [0.5, 0.525, 0.725, 0.75, 1, 1, 1]),
    (
        Warmup(10, LinearDecay(floor=0.0), start=0.0),
        [0, 0.1, 0.9, 1, 75 / 90, 50 / 90, 1 / 90],
    ),
    (Warmup(10, Warmup(15, "constant", 0.0), 0.2), [0.2, 0.28, 0.92, 0, 1, 1, 1]),
    (Warmup(1, ExponentialDecay(0.5), 0.0, "epoch"), [0, 0.1, 0.9, 1, 0.5, 2**-4, 2**-8]),
    (Warmup(20, "step"), [0.1, 0.145, 0.505, 0.55, 1, 1, 1]),
    (CustomSchedule(lambda t, n: t / n), [t / 100 for t in AT]),
    (CustomSchedule(lambda t, n: t / n, "epoch"), [0, 0, 0, 0.1, 0.2, 0.5, 0.9]),
    (Warmup(10, lambda t, n: t / n, 0.0), [0, 0.1, 0.9, 0, 15 / 90, 40 / 90, 89 / 90]),
]


@pytest.mark.parametrize("schedule, expected", BY_HAND, ids=name_of)
def test_factors_by_hand(schedule, expected):
    np.testing.assert_allclose(schedule.validate().factors(steps(100))[AT], expected, atol=1e-15)


@pytest.mark.parametrize("schedule", [s() for s in SCHEDULES.values()], ids=repr)
def test_steps_may_come_in_any_number_of_parts(schedule):
    known = {"n_seen": 7, "n_reductions": 2, "curve": [3.0] * 20, "sign": -1}
    whole = schedule.factors(steps(100, **known))
    assert whole.shape == (100,)
    parts = [schedule.factors(steps(20, first, 100, **known)) for first in range(0, 100, 20)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_scikit_learns():
    at = steps(3, n_seen=99, n_reductions=2)
    np.testing.assert_allclose(InvScaling(power_t=0.5).factors(at), 0.1)
    np.testing.assert_allclose(Adaptive().factors(at), 0.04)
    np.testing.assert_allclose(
        Warmup(1, "adaptive").factors(replace(at, number=at.number + 1)), 0.04
    )


@pytest.mark.parametrize("schedule", [Adaptive(), Warmup(3, Adaptive())], ids=repr)
def test_only_the_adaptive_schedule_goes_on_after_a_stall(schedule):
    assert schedule.reduces(1.1e-6)
    assert not schedule.reduces(1e-6)
    assert schedule.last_words == "Learning rate too small. Stopping."
    for other in (Constant(), InvScaling(), Warmup(3, CosineDecay())):
        assert not other.reduces(0.1)
        assert other.last_words == "Stopping."


def test_one_cycle_by_hand():
    """Eleven steps: up in 0 .. 2.3 - 1, down from there to 10."""
    at = steps(11)
    linear = OneCycle(0.3, 10, 100, "linear").factors(at)
    top = 0.3 * 11 - 1
    expected = [
        0.1 + 0.9 * t / top if t <= top else 1 - 0.999 * (t - top) / (10 - top) for t in range(11)
    ]
    np.testing.assert_allclose(linear, expected, atol=1e-15)
    assert linear[-1] == pytest.approx(0.001)
    cosine = OneCycle(0.3, 10, 100).factors(at)
    assert cosine[0] == pytest.approx(0.1)
    assert cosine[1] == pytest.approx(0.1 + 0.9 * (1 - math.cos(math.pi / top)) / 2)
    assert cosine[-1] == pytest.approx(0.001)
    three = OneCycle(0.3, 10, 100, "linear", three_phase=True).factors(at)
    assert three[2] > three[3] > three[4] > 0.1 > three[5] > three[-1] == pytest.approx(0.001)
    np.testing.assert_array_equal(
        OneCycle().factors(steps(5, 100, 50)), OneCycle().factors(steps(50))[-1]
    )


@pytest.mark.parametrize(
    "options, curve, factors",
    [
        # The factor that each epoch begins with, and the one after the last.
        ({"patience": 1}, [3, 2, 2, 2, 2, 2], [1, 1, 1, 1, 0.1, 0.1, 0.01]),
        ({"patience": 0}, [3, 2, 2, 1, 1], [1, 1, 1, 0.1, 0.1, 0.01]),
        ({"patience": 0, "threshold": 0.1}, [3, 2.8, 2.6], [1, 1, 0.1, 0.1]),
        (
            {"patience": 0, "threshold": 0.3, "threshold_mode": "abs"},
            [3, 2.8, 2.6, 2.5],
            [1, 1, 0.1, 0.1, 0.01],
        ),
        ({"patience": 0, "cooldown": 2}, [3, 3, 3, 3, 3], [1, 1, 0.1, 0.1, 0.1, 0.01]),
        ({"patience": 0, "minimum": 0.05}, [3, 3, 3, 3], [1, 1, 0.1, 0.05, 0.05]),
        ({"patience": 0, "factor": 0.5}, [3, math.nan, 2, 3], [1, 1, 0.5, 0.5, 0.25]),
    ],
    ids=str,
)
def test_plateaus_by_hand(options, curve, factors):
    schedule = ReduceOnPlateau(**options)
    for sign in (1, -1):
        seen = [-sign * value for value in curve]
        at = [schedule.factors(steps(2, curve=seen[:i], sign=sign)) for i in range(len(curve) + 1)]
        np.testing.assert_allclose([factor for factor, _ in at], factors)
        np.testing.assert_array_equal(*np.transpose(at))


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, None, "0.5", 1j])
def test_a_function_has_to_return_a_factor(value):
    model = MLPRegressor(
        hidden_layer_sizes=(5,), learning_rate=lambda t, n: 1.0 if t < 3 else value, max_iter=5
    )
    with pytest.raises(ValueError, match=r"returned .* at step 3 of 5: it must return a finite"):
        model.fit(X, Y)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"learning_rate": CosineDecay}, r"CosineDecay is a class: give .* CosineDecay\(\)"),
        ({"learning_rate": Warmup(3, "fast")}, "Unknown then 'fast': the known ones are 'const"),
        ({"learning_rate": Warmup(3, Adam())}, r"then=Adam\(.* is no schedule"),
        ({"learning_rate": Warmup(3, StepDecay(0))}, "'step_size' parameter of StepDecay"),
        ({"alpha": Scheduled(-1.0)}, "'value' parameter of Scheduled must be"),
        ({"alpha": Scheduled(1.0, "adaptive")}, "Adaptive is a schedule of the learning rate only"),
        ({"alpha": Scheduled(1.0, Warmup(3, Adaptive()))}, "Adaptive is a schedule of the learn"),
        ({"dropout": Scheduled(1.5)}, "'rate' parameter of Dropout must be"),
        ({"dropout": Scheduled(0.5), "solver": "rprop"}, "dropout needs a solver such as 'sgd'"),
        ({"alpha": Scheduled(0.5), "solver": "lbfgs"}, "alpha=.* needs a solver such as 'sgd'"),
        (
            {"solver": AdamW(weight_decay=Scheduled(0.1, StepDecay(gamma=2.0)))},
            "'gamma' parameter of StepDecay",
        ),
    ],
    ids=str,
)
def test_bad_schedules(options, message):
    model = MLPRegressor(hidden_layer_sizes=(5,), **options)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not hasattr(model, "coefs_")


def test_a_function_that_fails_late_leaves_the_estimator_as_it_was():
    def fails(t, n):
        if t == 7:
            raise RuntimeError("no more")
        return 1.0

    model = MLPRegressor(
        hidden_layer_sizes=(5,), warm_start=True, max_iter=4, learning_rate=fails
    ).fit(X, Y)
    before, state = model.predict(X), dict(vars(model))
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X, Y)
    assert vars(model) == state
    np.testing.assert_array_equal(model.predict(X), before)


# --- names of nested parameters -------------------------------------------------------------------


def test_nested_parameters_have_names():
    model = MLPRegressor(
        learning_rate=Warmup(5, then=ExponentialDecay()),
        solver=AdamW(weight_decay=Scheduled(0.1, CosineDecay())),
        weight_init=[Normal(), "zeros", Uniform()],
    )
    params = model.get_params()
    assert params["learning_rate__then__gamma"] == 0.95
    assert params["solver__weight_decay__schedule__minimum"] == 0.0
    assert params["weight_init__0"] == Normal()
    assert params["weight_init__2__low"] == Uniform().low
    assert "weight_init__1" not in params
    assert "learning_rate__then" in params
    assert not any("__" in name for name in model.get_params(deep=False))

    copied = clone(model)
    assert copied.weight_init is not model.weight_init
    assert copied.weight_init[0] is not model.weight_init[0]
    assert copied.learning_rate.then is not model.learning_rate.then
    assert repr(copied) == repr(model)
    copied.set_params(
        learning_rate__then__gamma=0.5,
        solver__weight_decay__schedule__minimum=0.2,
        weight_init__0__std=3.0,
        weight_init__2=Normal(4.0),
    )
    assert copied.learning_rate == Warmup(5, ExponentialDecay(0.5))
    assert copied.solver.weight_decay.schedule.minimum == 0.2
    assert copied.weight_init == [Normal(std=3.0), "zeros", Normal(4.0)]
    assert model.weight_init == [Normal(), "zeros", Uniform()]
    assert model.learning_rate.then == ExponentialDecay()
    # A spec and its parameters in one call: first the spec, in whatever order they come.
    model.set_params(
        learning_rate__then__step_size=3,
        learning_rate__then=StepDecay(),
        weight_init__1__std=0.5,
        weight_init=[Normal(), Normal()],
    )
    assert model.learning_rate == Warmup(5, StepDecay(3))
    assert model.weight_init == [Normal(), Normal(std=0.5)]


def test_one_spec_several_times_in_a_list():
    model = MLPRegressor(weight_init=[Normal()] * 2)
    model.set_params(weight_init__1__std=0.5)
    assert model.weight_init == [Normal(), Normal(std=0.5)]
    model = MLPRegressor(weight_init=(Normal(), "zeros")).set_params(weight_init__1=Uniform())
    assert model.weight_init == (Normal(), Uniform())


@pytest.mark.parametrize(
    "params, message",
    [
        ({"learning_rate__then__gama": 1}, r"ExponentialDecay has no parameter 'gama': it has"),
        ({"learning_rate__start__x": 1}, "start of Warmup is 0.1, which has no parameter 'x'"),
        ({"weight_init__7__std": 1}, "weight_init has 2 items, and no item '7'"),
        ({"weight_init__last": 1}, "weight_init has 2 items, and no item 'last'"),
        ({"weight_init__1__std": 1}, r"Constant has no parameter 'std': it has \['value'\]"),
        ({"weight_init__1": None, "weight_init__1__std": 1}, "weight_init__1 is None, without par"),
        ({"wait_init": 1}, "Invalid parameter 'wait_init'"),
    ],
    ids=str,
)
def test_unknown_names(params, message):
    model = MLPRegressor(
        learning_rate=Warmup(5, then=ExponentialDecay()), weight_init=[Normal(), "zeros"]
    )
    with pytest.raises(ValueError, match=message):
        model.set_params(**params)


def test_nested_parameters_are_searched_over():
    model = MLPRegressor(
        **OPTIONS,
        solver=AdamW(weight_decay=Scheduled(0.1)),
        learning_rate=Warmup(5, then=ExponentialDecay()),
        weight_init=[Normal(0.1), Normal(0.1)],
    )
    grid = {
        "learning_rate__then__gamma": [0.5, 0.9],
        "solver__weight_decay__value": [0.0, 0.5],
        "weight_init__1__std": [0.1, 0.5],
    }
    search = GridSearchCV(model, grid, cv=2).fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) == 8
    best = search.best_estimator_
    assert best.learning_rate.then.gamma == search.best_params_["learning_rate__then__gamma"]
    assert model.learning_rate.then == ExponentialDecay()


def test_resolve_schedule():
    assert resolve_schedule("learning_rate", "invscaling", {"power_t": 0.3}) == InvScaling(0.3)
    assert resolve_schedule("learning_rate", math.hypot) == CustomSchedule(math.hypot)
    with pytest.raises(ValueError, match="Unknown learning_rate 'slow': the known ones are"):
        resolve_schedule("learning_rate", "slow")
