"""Specs and settings that the parameters of an estimator stand for.

A function that takes a `model` reads parameters of an estimator, and changes nothing.
"""

import functools
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config

from .._core.codes import Column
from .._data.rows import automatic_precision
from .._specs.constraints import defaults_of, is_default
from .._specs.spec import resolve
from .._train.regularization import Regularization
from .._train.settings import Settings
from .._warnings import is_searched, warn
from ..activations import one_for_each, refuse_threshold
from ..averaging import AVERAGES, Averaging
from ..callbacks.base import Callback
from ..layers import Dense, Dropout, Heads, checked
from ..losses import row_and_parameter
from ..optimizers import LBFGS, OPTIMIZERS, Adam, Optimizer, Rprop
from ..schedules import (
    SCHEDULES,
    SKLEARN_SCHEDULES,
    Constant,
    Schedule,
    Scheduled,
    resolve_schedule,
)
from .scoring import check_scoring, check_train_score

# What `layers` takes the place of.
_TOLD_BY_LAYERS = ("hidden_layer_sizes", "activation", "normalization", "dropout")
# Rows of which a gradient is computed at once, where batch norm does not need all.
_GRADIENT_ROWS = 1024


def check_values(model):
    """Refuse values that parameters cannot have."""
    refuse_threshold(model.activation)
    if not get_config()["skip_parameter_validation"]:
        model._validate_params()


class Specs(NamedTuple):
    """Specs that the parameters of an estimator stand for, in a fit."""

    optimizer: Optimizer
    schedule: Schedule
    averaging: Averaging | None
    early_stopping: bool
    callbacks: list
    verbose: Any

    @property
    def is_stochastic(self):
        """True for training on batches, False for L-BFGS on all rows."""
        return not isinstance(self.optimizer, LBFGS)


def specs_of(model, partial):
    """Resolve the parameters to specs; raise a ValueError for incompatible ones."""
    optimizer = optimizer_of(model)
    is_stochastic = not isinstance(optimizer, LBFGS)
    regularization_of(model).check(optimizer, model.solver)
    if model.learning_rate_factors and not is_stochastic:
        raise ValueError(
            f"learning_rate_factors need a learning rate, and solver={model.solver!r} has "
            "none: choose a solver such as 'sgd' or 'adam'."
        )
    early_stopping = model.early_stopping and is_stochastic
    if partial and early_stopping:
        raise ValueError(
            "partial_fit does not support early_stopping=True, as it trains for one epoch: pass "
            "X_val and y_val, and stop calling it when the callback EarlyStopping has set "
            "`stopped_`, or pass all rows to fit, as a source of fastnn.data."
        )
    schedule, averaging = schedule_of(model, optimizer), averaging_of(model, optimizer)
    check_scoring(model)
    check_train_score(model, is_stochastic)
    return Specs(optimizer, schedule, averaging, early_stopping, *callbacks_of(model))


def given_parameters(model):
    """Return the parameters that are not defaults."""
    defaults, params = defaults_of(type(model)), model.get_params(deep=False)
    return {k: v for k, v in params.items() if not is_default(v, defaults[k])}


def runs_users_code(model):
    """Return whether code of the user runs in training, beside callbacks and augmentation."""
    solver, numbers = model.solver, [model.alpha, model.dropout, model.label_smoothing]
    if type(solver) in OPTIMIZERS.values():
        numbers += vars(solver).values()
    elif not isinstance(solver, str):
        return True
    scheduled = any(isinstance(number, Scheduled) for number in numbers)
    plain = isinstance(model.learning_rate, str) and model.scoring is None
    return scheduled or not plain


def optimizer_of(model):
    """Return the spec of the optimizer."""
    return resolve("solver", model.solver, OPTIMIZERS, model._spec_defaults("solver"))


def regularization_of(model):
    """Return penalties, clipping, limits and noise of the weights."""
    return Regularization(
        l1_ratio=model.l1_ratio,
        l1_update=model.l1_update,
        penalize_intercepts=model.penalize_intercepts,
        clip_value=model.clip_value,
        clip_norm=model.clip_norm,
        max_norm=model.max_norm,
        weight_noise=model.weight_noise,
    )


def schedule_of(model, optimizer):
    """Return the spec of the schedule; raise a ValueError for one that the optimizer ignores."""
    schedule = resolve_schedule(
        "learning_rate", model.learning_rate, model._spec_defaults("learning_rate")
    )
    by_name = isinstance(model.learning_rate, str) and model.learning_rate in SKLEARN_SCHEDULES
    # scikit-learn lets its own pass with a solver that does not use them.
    passes = by_name or isinstance(schedule, Constant)
    if isinstance(optimizer, LBFGS | Rprop) and not passes:
        raise ValueError(
            f"learning_rate={model.learning_rate!r} has no effect with solver={model.solver!r}, "
            "which chooses the lengths of its steps by itself: leave it out, or choose a "
            "solver such as 'sgd' or 'adam'."
        )
    if isinstance(optimizer, Rprop) or (isinstance(optimizer, Adam) and by_name):
        return Constant()  # Adam as in scikit-learn; Rprop reads the rate at its first step
    return schedule


def averaging_of(model, optimizer):
    """Return the spec of averaging, or None."""
    averaging = model.averaging
    if averaging is not None:
        averaging = resolve("averaging", averaging, AVERAGES)
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                f"averaging={model.averaging!r} is for solvers that take many noisy steps, such "
                f"as 'sgd' or 'adam': with {model.solver!r}, set averaging=None."
            )
    return averaging


def callbacks_of(model):
    """Return the callbacks of a fit, and its verbosity beside them."""
    callbacks, verbose = list(model.callbacks or ()), model.verbose
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(
                f"callbacks must be instances of fastnn.callbacks.Callback, got {callback!r}: "
                "derive a class from it; callbacks of scikit-learn go to set_callbacks."
            )
        callback.validate()
    if verbose is True:
        from ..callbacks.progress import ProgressBar, shows_bars

        if shows_bars():
            if not any(isinstance(callback, ProgressBar) for callback in callbacks):
                callbacks.append(ProgressBar())
            verbose = False
    return callbacks, verbose


def layers_of(model, n_outputs, output_activation):
    """Return the layers of the network, and the dropout of the input."""
    output_layer = Heads if isinstance(n_outputs, tuple) else Dense
    output = output_layer(n_outputs, output_activation)
    if model.layers is not None:
        _refuse_beside_layers(model)
        return [*map(checked, model.layers), output], 0.0
    sizes = model.hidden_layer_sizes
    if isinstance(sizes, str):
        sizes = [int(part) if part.isdecimal() else part for part in sizes.split("-")]
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if not all(isinstance(size, Integral) for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be integers, got {sizes}: give them as in (100, 50) or "
            "'100-50'."
        )
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    dropout = model.dropout.value if isinstance(model.dropout, Scheduled) else model.dropout
    dropout = (dropout if isinstance(dropout, Dropout) else Dropout(dropout)).validate()
    rates = dropout.rates(len(sizes))
    activations = one_for_each(model.activation, len(sizes))
    hidden = [
        checked(Dense(int(size), activation, model.normalization, rate))
        for size, activation, rate in zip(sizes, activations, rates, strict=True)
    ]
    return [*hidden, output], dropout.of_input()


def _refuse_beside_layers(model):
    """Raise a ValueError for parameters that have no effect beside `layers`."""
    defaults = defaults_of(type(model))
    given = [
        name for name in _TOLD_BY_LAYERS if not is_default(getattr(model, name), defaults[name])
    ]
    if given:
        raise ValueError(
            f"layers replaces {' and '.join(given)}: leave out one of them. In `layers` "
            "this is part of each layer, as in Dense(100, 'tanh', 'batch', dropout=0.2)."
        )


def dtype_of(model, X, network):
    """Return the type of the parameters; `network` is the one to continue, or None."""
    if model.precision == "auto":
        return automatic_precision(X) if network is None else network.dtype
    if network is not None and model.precision != network.architecture.precision:
        raise ValueError(
            f"precision={model.precision!r}, but the network was fitted in "
            f"{network.architecture.precision}: fit it anew, with warm_start=False."
        )
    rounds_products = model.precision in ("bfloat16", "tf32")
    return np.dtype(np.float32 if rounds_products else model.precision)


def batch_size_of(model, optimizer, n_rows, network):
    """Return the number of rows that an engine works on at once."""
    if isinstance(optimizer, LBFGS):
        return n_rows if network.program.n_statistics else min(_GRADIENT_ROWS, n_rows)
    if model.batch_size == "auto":
        return n_rows if optimizer.full_batch else min(200, n_rows)
    return min(int(model.batch_size), n_rows)


def _below_one(name, number, steps):
    """Return the values of a `Scheduled`; raise a ValueError unless they are below 1."""
    values = number.values(steps)
    if (values >= 1).any():
        raise ValueError(
            f"{name}={number!r} becomes {values.max():.3g}, and must stay below 1: choose a "
            "smaller value, or another schedule."
        )
    return values


def _factors_below_one(name, number, steps):
    """Return the factors of a schedule, after checking that values are below 1."""
    _below_one(name, number, steps)
    return number.factors(steps)


def _warn_of_alpha(model, optimizer):
    """Warn of a given `alpha` that has no effect, or another than is meant."""
    is_given = model.alpha not in (0, defaults_of(type(model)).get("alpha"))
    is_given = is_given and not isinstance(model.alpha, Scheduled)
    if is_given and not optimizer.uses_alpha:
        warn(
            f"alpha={model.alpha!r} has no effect with solver={model.solver!r}, which decays "
            f"weights by weight_decay: set that, as in {type(optimizer).__name__}"
            "(weight_decay=0.01), or choose a solver such as 'adam'.",
        )
    if is_given and model.loss == "quantile":
        warn(
            "alpha is the strength of the penalty, and loss='quantile' predicts the median: name "
            "another quantile as in loss=Quantile(0.9), or the median as loss=Quantile(0.5)."
        )


def _warn_of_learning_rate(model, optimizer):
    """Warn of a schedule by name that is ignored, as in scikit-learn."""
    name = model.learning_rate
    ignores = isinstance(optimizer, LBFGS | Rprop | Adam)
    if not ignores or name not in SKLEARN_SCHEDULES[1:] or is_searched("learning_rate", "solver"):
        return
    if isinstance(optimizer, Adam):
        ways = f"give a spec, as in learning_rate={SCHEDULES[name].__name__}()"
    else:
        ways = "leave it out"
    warn(
        f"learning_rate={name!r} has no effect with solver={model.solver!r}, as in scikit-learn: "
        f"{ways}, or choose solver='sgd'."
    )


def _scheduled_columns(model, optimizer):
    """Return what the table of steps contains of parameters that may follow a schedule."""
    columns = {Column.SMOOTHING: model.label_smoothing}
    for name in ("alpha", "dropout", "label_smoothing"):
        number = getattr(model, name)
        if not isinstance(number, Scheduled):
            continue
        number.validate()
        if isinstance(optimizer, LBFGS) or (optimizer.full_batch and name == "dropout"):
            raise ValueError(
                f"{name}={number!r} needs a solver such as 'sgd' or 'adam': {model.solver!r} "
                "cannot minimise a loss that changes. Give a number, as "
                f"{name}={number.value!r}."
            )
        if name == "alpha" and not optimizer.uses_alpha:
            raise ValueError(
                f"alpha={number!r} has no effect with solver={model.solver!r}, which decays "
                "weights by weight_decay: let that follow a schedule, as in "
                f"AdamW(weight_decay=Scheduled(0.01, {number.schedule!r}))."
            )
        if name == "dropout":  # a factor of all rates
            columns[Column.DROPOUT] = functools.partial(_factors_below_one, name, number)
        elif name == "label_smoothing":
            columns[Column.SMOOTHING] = functools.partial(_below_one, name, number)
    return columns


def settings_of(model, optimizer, network, n_rows, partial):
    """Return the settings of a training."""
    too_large = model.batch_size != "auto" and model.batch_size > n_rows
    if too_large and not is_searched("batch_size", "n_samples"):
        warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
        )
    batch_size = batch_size_of(model, optimizer, n_rows, network)
    if isinstance(optimizer, Rprop) and batch_size < n_rows:
        warn(
            f"Rprop compares the signs of gradients from step to step, and those of batches of "
            f"{batch_size} rows differ by chance: small gradients of many batches outvote a "
            "large one of few. Use batch_size='auto', which is all rows, or RMSprop.",
        )
    _warn_of_alpha(model, optimizer)
    _warn_of_learning_rate(model, optimizer)
    return Settings(
        alpha=model.alpha,
        batch_size=batch_size,
        learning_rate_init=model.learning_rate_init,
        max_iter=1 if partial else model.max_iter,
        n_iter_no_change=model.n_iter_no_change,
        shuffle=model.shuffle,
        tol=model.tol,
        verbose=model.verbose,
        loss_divisor=(
            network.program.n_outputs if row_and_parameter(network.loss)[0].mean_over_outputs else 1
        ),
        partial=partial,
        regularization=regularization_of(model),
        early_stopping=model.early_stopping,
        columns=_scheduled_columns(model, optimizer),
        label_smoothing=model.label_smoothing,
        heads=network if network.encoder.kind == "heads" else None,
    )
