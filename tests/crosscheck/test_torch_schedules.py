"""Schedules and averages are PyTorch's."""

from functools import partial

import numpy as np
import pytest
import torch

from fastnn import EMA, SGD, SWA, AdamW, MLPRegressor
from fastnn.activations import RReLU
from fastnn.callbacks import Callback
from fastnn.layers import Dropout
from fastnn.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseDecay,
    LinearDecay,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
    Steps,
    Warmup,
)
from support.engines import Engine
from support.names import name_of
from support.problems import make_data, make_layers, make_network
from support.reference import Mixing, keep_mask, normal_noise, random_slopes
from support.torch_functions import TORCH_LOSSES, assert_close, leaf

pytestmark = pytest.mark.crosscheck


lr = torch.optim.lr_scheduler
N_STEPS, STEPS_PER_EPOCH = 60, 10


def _then(first, second, n):
    """First one, and after n steps the other."""
    return lambda optim: lr.SequentialLR(optim, [first(optim), second(optim)], [n])


# Ours, PyTorch's of an optimizer, and whether PyTorch's is stepped by epoch.
TORCH_SCHEDULES = [
    (Constant(), lambda o: lr.ConstantLR(o, 1.0), False),
    (LinearDecay(0.1, 40), lambda o: lr.LinearLR(o, 1.0, 0.1, 40), False),
    (LinearDecay(0.0, per="epoch"), lambda o: lr.PolynomialLR(o, 6, 1.0), True),
    (ExponentialDecay(0.7), lambda o: lr.ExponentialLR(o, 0.7), True),
    (ExponentialDecay(0.99, "step"), lambda o: lr.ExponentialLR(o, 0.99), False),
    (StepDecay(2, 0.3), lambda o: lr.StepLR(o, 2, 0.3), True),
    (StepDecay(7, 0.8, "step"), lambda o: lr.StepLR(o, 7, 0.8), False),
    (CosineDecay(0.1), lambda o: lr.CosineAnnealingLR(o, 60, 0.1 * 0.05), False),
    (CosineDecay(per="epoch"), lambda o: lr.CosineAnnealingLR(o, 6), True),
    (CosineDecay(0.1, 7), lambda o: lr.CosineAnnealingWarmRestarts(o, 7, 1, 0.1 * 0.05), False),
    (CosineDecay(0.0, 4, 3), lambda o: lr.CosineAnnealingWarmRestarts(o, 4, 3), False),
    (CosineDecay(0.0, 1, 2, "epoch"), lambda o: lr.CosineAnnealingWarmRestarts(o, 1, 2), True),
    *(
        (
            OneCycle(0.2, 10.0, 50.0, strategy, three),
            partial(
                lr.OneCycleLR,
                max_lr=0.05,
                total_steps=N_STEPS,
                pct_start=0.2,
                anneal_strategy=strategy,
                cycle_momentum=False,
                div_factor=10.0,
                final_div_factor=50.0,
                three_phase=three,
            ),
            False,
        )
        for strategy in ("cos", "linear")
        for three in (False, True)
    ),
    (
        InverseDecay(0.2),
        lambda o: lr.LambdaLR(o, lambda t: 1 / (1 + 0.2 * t)),
        False,
    ),
    (
        Warmup(15, ExponentialDecay(0.9, "step"), 0.2),
        _then(lambda o: lr.LinearLR(o, 0.2, 1.0, 15), lambda o: lr.ExponentialLR(o, 0.9), 15),
        False,
    ),
    (
        Warmup(12, CosineDecay(0.0, 20), 0.5),
        _then(
            lambda o: lr.LinearLR(o, 0.5, 1.0, 12),
            lambda o: lr.CosineAnnealingWarmRestarts(o, 20),
            12,
        ),
        False,
    ),
]


@pytest.mark.filterwarnings("ignore")  # of how SequentialLR calls the others
@pytest.mark.parametrize("schedule, make, by_epoch", TORCH_SCHEDULES, ids=name_of)
def test_schedule(schedule, make, by_epoch):
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    scheduler = make(optim)
    expected = []
    for step in range(N_STEPS):
        expected.append(optim.param_groups[0]["lr"])
        optim.step()
        if (step + 1) % STEPS_PER_EPOCH == 0 or not by_epoch:
            scheduler.step()
    number = np.arange(N_STEPS)
    steps = Steps(number, number // STEPS_PER_EPOCH, N_STEPS, 6, STEPS_PER_EPOCH)
    np.testing.assert_allclose(0.05 * schedule.factors(steps), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("patience, cooldown, minimum", [(0, 0, 0.0), (1, 2, 0.0), (2, 0, 0.3)])
def test_reduce_on_plateau(patience, cooldown, minimum, threshold_mode, sign):
    curve = list(np.random.default_rng(0).uniform(1, 2, 40) + np.linspace(0, sign, 40))
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    options = {"factor": 0.7, "patience": patience, "threshold": 0.1, "cooldown": cooldown}
    options["threshold_mode"] = threshold_mode
    mode = "max" if sign > 0 else "min"
    scheduler = lr.ReduceLROnPlateau(optim, mode, min_lr=minimum * 0.05, eps=0, **options)
    schedule = ReduceOnPlateau(minimum=minimum, **options)
    for epoch in range(len(curve)):
        steps = Steps(np.arange(3), epoch, curve=curve[:epoch], sign=sign)
        rate = 0.05 * schedule.factors(steps)[0]
        assert rate == pytest.approx(optim.param_groups[0]["lr"], rel=1e-12)
        scheduler.step(curve[epoch])


def torch_regression(model, optim, scheduler, X, y, n_epochs, after_step=None):
    """Train on batches of ten rows in their order, as `regression` does."""
    for _ in range(n_epochs):
        for start in range(0, len(X), 10):
            rows = slice(start, start + 10)
            optim.zero_grad()
            (0.5 * torch.mean((model(X[rows]) - y[rows]) ** 2)).backward()
            optim.step()
            if after_step is not None:
                after_step()
            scheduler.step()


def regression(**options):
    """An estimator that was fitted for 20 steps, the start as PyTorch's module, and the data."""
    X, y = make_data(np.random.default_rng(0), 40, 6, 1, "squared_error")
    options |= {"hidden_layer_sizes": (5,), "activation": "tanh", "alpha": 0.0, "shuffle": False}
    options |= {"batch_size": 10, "random_state": 0}
    start = MLPRegressor(solver="sgd", learning_rate_init=1e-300, max_iter=1, **options)
    start.set_params(learning_rate="constant", averaging=None).fit(X, y[:, 0])
    first, second = (torch.nn.Linear(a, b, dtype=torch.float64) for a, b in ((6, 5), (5, 1)))
    with torch.no_grad():
        for linear, coef, intercept in zip(
            (first, second), start.coefs_, start.intercepts_, strict=True
        ):
            linear.weight.copy_(torch.tensor(coef.T))
            linear.bias.copy_(torch.tensor(intercept))
    model = MLPRegressor(learning_rate_init=0.05, max_iter=5, **options)
    module = torch.nn.Sequential(first, torch.nn.Tanh(), second)
    return model, module, torch.tensor(X), torch.tensor(y)


def assert_same_regression(model, module):
    for i, linear in enumerate((module[0], module[2])):
        assert_close(model.coefs_[i], linear.weight.T, 1e-9)
        assert_close(model.intercepts_[i], linear.bias, 1e-9)


@pytest.mark.filterwarnings("ignore")  # that twenty steps are too few, and as above
@pytest.mark.parametrize(
    "schedule, make", [(ours, make) for ours, make, by_epoch in TORCH_SCHEDULES if not by_epoch]
)
def test_estimator_walks_pytorchs_trajectory_of_a_schedule(schedule, make):
    """Twenty steps, planned for sixty where the schedule asks."""
    model, module, X, y = regression(learning_rate=schedule)
    model.set_params(solver=SGD(0.0), max_iter=15, callbacks=[InterruptAfter(5)])  # 4 steps each
    model.fit(X.numpy(), y.numpy()[:, 0])
    optim = torch.optim.SGD(module.parameters(), lr=0.05)
    torch_regression(module, optim, make(optim), X, y, 5)
    assert_same_regression(model, module)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("nesterov", [False, True])
def test_velocity_of_gradients_is_pytorchs_under_a_schedule(nesterov):
    model, module, X, y = regression(learning_rate=InverseDecay(1.0))
    model.set_params(solver=SGD(0.9, nesterov, velocity="gradients"))
    model.fit(X.numpy(), y.numpy()[:, 0])
    optim = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9, nesterov=nesterov)
    torch_regression(module, optim, lr.LambdaLR(optim, lambda t: 1 / (1 + t)), X, y, 5)
    assert_same_regression(model, module)


class InterruptAfter(Callback):
    """Ends a training as Ctrl-C does."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_end(self, context):
        if context.epoch == self.n_epochs:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("averaging", [EMA(0.8, bias_correction=False), SWA(0), SWA(2)], ids=repr)
def test_average_of_the_parameters(averaging):
    model, module, X, y = regression(averaging=averaging)
    model.set_params(solver=AdamW(epsilon=1e-3)).fit(X.numpy(), y.numpy()[:, 0])
    optim = torch.optim.AdamW(
        [
            {"params": [module[0].weight, module[2].weight]},
            {"params": [module[0].bias, module[2].bias], "weight_decay": 0.0},
        ],
        lr=0.05,
        eps=1e-3,
    )
    swa_utils, steps = torch.optim.swa_utils, []
    if isinstance(averaging, EMA):
        average = swa_utils.AveragedModel(
            module, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(averaging.decay)
        )
        average.update_parameters(module)  # its first call copies: the parameters at the start
    else:
        average = swa_utils.AveragedModel(module)

    def after_step():
        steps.append(1)
        ends_epoch = len(steps) % 4 == 0 and len(steps) > 4 * getattr(averaging, "start", 0)
        if isinstance(averaging, EMA) or ends_epoch:
            average.update_parameters(module)

    torch_regression(module, optim, lr.ConstantLR(optim, 1.0), X, y, 5, after_step)
    assert_same_regression(model, average.module)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "binary_log_loss"])
def test_engine_walks_pytorchs_trajectory_through_all_that_is_random(
    loss, inverted, dtype, tolerance
):
    """Mixed rows and losses, noise, masks and slopes: drawn by the reference, trained by PyTorch.

    The loss of mixed rows is written as users of PyTorch do: two losses of one prediction.
    """
    rng = np.random.default_rng(2)
    slopes, n = RReLU(0.1, 0.7), 40
    layers = make_layers([7, 3], slopes, dropout=Dropout(0.3, inverted=inverted), loss=loss)
    network = make_network(rng, 6, layers, loss, 0.0, seed=9, input_noise=0.2)
    X, y = make_data(rng, n, 6, 3, loss)
    mixings = [Mixing(0.3, 7), Mixing(0.75, 11, 2, 1, 2, 3), Mixing(0.5, 1, 1, 3, 1, 6)] * 7
    factors = np.linspace(0.5, 1.2, 20)
    engine = Engine(network, loss, "sgd", dtype, max_batch=n)
    actual = engine.train(
        X.astype(dtype),
        y,
        n,
        [0.05] * 20,
        order=np.tile(np.arange(n), 20),
        mixings=mixings[:20],
        dropout_factors=factors,
    )
    kind = getattr(torch, dtype)
    parameters = [
        leaf(values[name], kind) for values in network.parameters for name in ("coef", "intercept")
    ]
    inputs = torch.tensor(X, dtype=kind)
    targets = torch.tensor(y) if y.ndim == 1 else torch.tensor(y, dtype=kind)
    expected = []
    for step, (mixing, factor) in enumerate(zip(mixings, factors, strict=False)):
        index = (torch.arange(n) + mixing.shift) % n
        mixed = mixing.weight * inputs + (1 - mixing.weight) * inputs[index]
        if mixing.n_runs:
            mixed = inputs.clone()
            for run in range(mixing.n_runs):
                begin = mixing.first + run * mixing.stride
                mixed[:, begin : begin + mixing.run] = inputs[index, begin : begin + mixing.run]
        z = mixed + 0.2 * torch.tensor(normal_noise((n, 6), 9, step, 0), dtype=kind)
        z = z @ parameters[0] + parameters[1]
        z = torch.where(
            z > 0, z, z * torch.tensor(random_slopes(slopes, (n, 7), 9, step, 2), dtype=kind)
        )
        rate = 0.3 * factor
        keep = torch.tensor(keep_mask(rate, (n, 7), 9, step, 3))
        z = z * keep / (1 - rate if inverted else 1)
        z = z @ parameters[2] + parameters[3]
        own, others = (TORCH_LOSSES[loss](z, of).mean() for of in (targets, targets[index]))
        value = mixing.weight * own + (1 - mixing.weight) * others
        value.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= 0.05 * parameter.grad
                parameter.grad = None
        expected.append(value.item())
    np.testing.assert_allclose(actual[:, 0], expected, rtol=tolerance, atol=tolerance)
    values = [view for p in engine.parameters for view in (p["coef"], p["intercept"])]
    for value, parameter in zip(values, parameters, strict=True):
        assert_close(value, parameter, tolerance)
