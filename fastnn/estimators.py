"""Estimators for scikit-learn: they validate, encode and predict. There is no arithmetic here."""

import copy
import functools
import inspect
import math
import warnings
from numbers import Integral, Real
from operator import is_not
from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import (
    assert_all_finite,
    check_random_state,
    column_or_1d,
    estimator_html_repr,
)
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from . import _core, _docs
from .activations import (
    ACTIVATIONS,
    HIDDEN_ACTIVATIONS,
    ActivationSpec,
    one_for_each,
    refuse_threshold,
)
from .augment import AUGMENTATIONS, Augmentation
from .averaging import AVERAGES, Averaging
from .initializers import BIAS_INITIALIZERS, WEIGHT_INITIALIZERS, Initializer
from .labels import labels_of
from .layers import Dense, Dropout, Heads, checked
from .losses import (
    CLASSIFICATION_LOSSES,
    COMPARING_LOSSES,
    LOSSES,
    REGRESSION_LOSSES,
    LossSpec,
    check_output_activation,
    row_and_parameter,
)
from .network import Network, check_memory
from .normalization import NORMALIZATIONS, Normalization
from .optimizers import LBFGS, OPTIMIZERS, Adam, Optimizer, Rprop
from .program import Column
from .regularizers import Regularization, check_factors, check_max_norm
from .schedules import (
    SCHEDULES,
    SKLEARN_SCHEDULES,
    Constant,
    Schedule,
    Scheduled,
    resolve_schedule,
)
from .specs import ListsOfSpecs, resolve
from .trainer import Data, History, Settings, train, train_lbfgs

#: Raised when a pickle of this version could not be read by older ones.
PICKLE_FORMAT = 1

# What scikit-learn's solvers, given by name, take over from the estimator's parameters.
_OF_SOLVERS = {
    "sgd": {"momentum": "momentum", "nesterov": "nesterovs_momentum"},
    "adam": {name: name for name in ("beta_1", "beta_2", "epsilon")},
    "lbfgs": {"max_fun": "max_fun"},
}
# What an engine reads: all else is converted to float64. Values are looked at later, in blocks.
_ROWS = {
    "accept_sparse": "csr",
    "dtype": (np.float64, np.float32, np.uint8),
    "ensure_all_finite": False,
}
# What `layers` takes the place of.
_TOLD_BY_LAYERS = ("hidden_layer_sizes", "activation", "normalization", "dropout")
# Rows of which a gradient is computed at once, where batch norm does not need all.
_GRADIENT_ROWS = 1024
# Elements that are looked at, or copied for validation, at a time.
_BLOCK = 1 << 20


def _is(value, default):
    """Whether a parameter has its default."""
    return value is default or (type(value) is type(default) and value == default)


def _below_one(name, number, steps):
    """The values of a `Scheduled`, that a schedule which grows may make too large."""
    values = number.values(steps)
    if (values >= 1).any():
        raise ValueError(
            f"{name}={number!r} becomes {values.max():.3g}, and must stay below 1: choose a "
            "smaller value, or another schedule."
        )
    return values


def _factors_below_one(name, number, steps):
    """As above, but parts of the initial value."""
    _below_one(name, number, steps)
    return number.factors(steps)


def _readable(X):
    """X for an engine, that reads no sparse rows of bytes."""
    return X.astype(np.float32) if sparse.issparse(X) and X.dtype == np.uint8 else X


class _BaseMLP(ListsOfSpecs, BaseEstimator):
    """What classifier and regressor have in common."""

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(HIDDEN_ACTIVATIONS)), ActivationSpec, list, tuple],
        "solver": [StrOptions(set(OPTIMIZERS)), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left"), Scheduled],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES)), Schedule, callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "normalization": [None, StrOptions(set(NORMALIZATIONS)), Normalization],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like", Dropout, Scheduled],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "float64", "bfloat16"})],
        "n_jobs": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
        ],
        "weight_init": [
            None,
            StrOptions(set(WEIGHT_INITIALIZERS)),
            Initializer,
            "array-like",
            callable,
        ],
        "bias_init": [
            None,
            StrOptions(set(BIAS_INITIALIZERS)),
            Initializer,
            "array-like",
            callable,
        ],
        "layers": [None, list, tuple],
        "scoring": [None, str, callable],
        "averaging": [None, StrOptions(set(AVERAGES)), Averaging],
        "augment": [None, StrOptions(set(AUGMENTATIONS)), Augmentation],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "output_activation": [
            None,
            StrOptions({*ACTIVATIONS, *HIDDEN_ACTIVATIONS}),
            ActivationSpec,
        ],
        "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
        "clip_value": [None, Interval(Real, 0, None, closed="neither")],
        "learning_rate_factors": [None, dict],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "penalize_intercepts": ["boolean"],
        "max_norm": [None, Interval(Real, 0, None, closed="neither")],
        "weight_noise": [Interval(Real, 0, None, closed="left")],
    }

    # The classifier's.
    label_smoothing = 0.0
    class_weight = None

    def _set_parameters(self, arguments):
        """Keep the arguments of `__init__`, as they are."""
        self.__dict__.update(arguments)
        del self.__dict__["self"]

    # ------------------------------------------------------------------------- fitting

    def _fit(self, X, y, sample_weight, validation=(), *, partial=False, classes=None):
        refuse_threshold(self.activation)
        if not get_config()["skip_parameter_validation"]:
            self._validate_params()
        before = self.__dict__.copy()
        try:
            self._train(X, y, sample_weight, validation, partial, classes)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _train(self, X, y, sample_weight, validation, partial, classes):
        fresh = "_network" not in self.__dict__ or not (self.warm_start or partial)
        if not fresh:
            self._adopt_parameters()
        optimizer = self._optimizer()
        stochastic = not isinstance(optimizer, LBFGS)
        self._regularization().check(optimizer, self.solver)
        if self.learning_rate_factors and not stochastic:
            raise ValueError(
                f"learning_rate_factors need a learning rate, which solver={self.solver!r} has "
                "not: choose a solver such as 'sgd' or 'adam'."
            )
        early_stopping = self.early_stopping and stochastic
        if partial and early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        schedule, averaging = self._schedule(optimizer), self._averaging(optimizer)
        self._check_scoring()

        numeric = isinstance(self, RegressorMixin)
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=numeric, reset=fresh, **_ROWS)
        X = _readable(X)
        self._check_finite(X)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        dtype = self._dtype(X, fresh)
        targets, loss, n_outputs = self._encode(y, dtype, partial, classes)
        balance = y, sample_weight
        sample_weight = self._check_weights(sample_weight, X, y, dtype, balance, partial)
        held_out = self._validation_data(validation, loss, dtype, n_outputs, stochastic, balance)

        random_state = check_random_state(self.random_state)
        network = self._prepare(X, loss, n_outputs, dtype, optimizer, random_state, fresh)
        rows = np.arange(X.shape[0])
        if early_stopping and held_out is None:
            rows, chosen = self._split(targets, random_state)
            held_out = Data(X, targets, sample_weight, chosen), y
        data = Data(X, targets, sample_weight, rows)
        settings = self._settings(optimizer, network, len(rows), partial)
        settings.augment = self._augmentation(X, optimizer, settings.batch_size)
        history = History() if fresh else self._history.copy()
        history.score_by(repr(self.scoring))
        settings.planned_epochs = self.max_iter + len(history.loss_curve) * (not partial)
        plan = optimizer, schedule, averaging, settings
        before = []
        if not fresh and self._may_fail_late():
            before = [(arena, arena.copy()) for arena in network.arenas()]
        try:
            self._run(network, data, held_out, *plan, history, random_state)
        except BaseException:
            for arena, copied in before:  # the estimator goes on with them
                np.copyto(arena, copied)
            raise
        ended = averaging is not None and not partial
        if ended and network.state.n_averaged == 0 < network.state.step:
            warnings.warn(
                f"Training ended after {len(history.loss_curve)} epochs, before "
                f"averaging={averaging!r} began: the parameters are not averaged.",
                stacklevel=4,
            )
        self._publish(network, history, stochastic)

    def _run(
        self,
        network,
        data,
        held_out,
        optimizer,
        schedule,
        averaging,
        settings,
        history,
        random_state,
    ):
        """Train the network, and leave what predicts in it."""

        def settle(every_layer):
            network.settle_statistics(*data, self.n_jobs, self.device, every_layer)

        network.use_optimizer(optimizer)
        network.use_averaging(averaging)
        if averaging is not None:
            settings.columns[Column.AVERAGE] = lambda steps: averaging.weights(
                steps, network.state.n_averaged
            )
        n_steps = settings.max_iter * math.ceil(len(data.rows) / settings.batch_size)
        engine = network.engine(
            optimizer,
            settings.batch_size,
            n_steps,
            self.n_jobs,
            self.device,
            self.learning_rate_factors,
        )
        arguments, progress = (engine, network.state, data, optimizer), self._progress(history)
        if isinstance(optimizer, LBFGS):
            train_lbfgs(*arguments, settings, history, progress)
            if network.program.n_statistics:
                settle(True)
            return
        validate = None
        if held_out is not None:
            validate = self._validation(network, engine, *held_out, settings, settle)
        train(*arguments, schedule, settings, history, random_state, validate, progress)
        network.show_average(settle)

    def _may_fail_late(self):
        """Whether something of the user's runs in training, or an average has to be put aside."""
        by_name = isinstance(self.learning_rate, str) and isinstance(self.solver, str)
        numbers = self.alpha, self.dropout, self.label_smoothing
        scheduled = any(isinstance(number, Scheduled) for number in numbers)
        plain = not scheduled and self.scoring is None and self.averaging is None
        return not (by_name and plain) or self._network.shows_other_numbers

    def _prepare(self, X, loss, n_outputs, dtype, optimizer, random_state, fresh):
        """The network to train: a new one, or one that goes on with the fitted one's parameters."""
        n_rows, n_features = X.shape
        output_activation = self.output_activation
        if isinstance(output_activation, ActivationSpec):
            output_activation = checked(output_activation)
        output_activation = check_output_activation(loss, output_activation)
        layers, input_dropout = self._layers(n_outputs, output_activation)
        if fresh:
            bfloat16 = self.precision == "bfloat16"
            network = Network(
                n_features, layers, loss, dtype, input_dropout, self.input_noise, bfloat16
            )
        else:
            network = self._network.continued(layers, loss, input_dropout, self.input_noise)
        check_factors(self.learning_rate_factors or {}, network.program)
        network.check_rows(X)
        check_max_norm(self.max_norm, network.program)
        # L-BFGS keeps about 25 vectors of float64; an average comes with three more copies.
        n_arrays = 200 // dtype.itemsize if isinstance(optimizer, LBFGS) else optimizer.n_slots
        n_arrays += 4 * (self.averaging is not None)
        n_arrays += self._regularization().n_arrays(optimizer)
        batch_size = self._batch_size(optimizer, n_rows, network)
        averages = self.averaging is not None and network.program.n_statistics > 0
        if averages or network.has_exact_statistics:
            batch_size = n_rows  # to settle the statistics
        check_memory(network.program, n_arrays, batch_size, sparse.issparse(X))
        if fresh:
            network.initialize(random_state, self.weight_init, self.bias_init)
        if network.bfloat16:
            self._check_bfloat16(optimizer)
        if network.randomness and optimizer.full_batch:
            raise ValueError(
                f"{network.randomness} needs a solver such as 'sgd' or 'adam': {self.solver!r} "
                "cannot minimise a loss that changes at random."
            )
        if (network.randomness or self.weight_noise) and network.seed is None:
            network.seed = int(random_state.randint(np.iinfo(np.int32).max))
        return network

    def _publish(self, network, history, stochastic):
        self._network, self._history = network, history
        self._name_parameters()
        self.n_layers_ = len(network.layers) + 1
        self.n_outputs_ = self._n_outputs()
        out_activation = network.layers[-1].activation
        self.out_activation_ = getattr(out_activation, "name", out_activation)
        self.loss_, self.n_iter_, self.t_ = history.loss, history.n_iter, history.n_seen
        validates = history.validates
        curves = {
            "loss_curve_": history.loss_curve,
            "best_loss_": None if history.stops_early else history.best_loss,
            "validation_scores_": history.validation_scores if validates else None,
            "best_validation_score_": history.best_validation_score if validates else None,
            "_no_improvement_count": history.n_stalled,
        }
        if stochastic:
            self.__dict__.update(curves)
        else:
            for name in curves:
                self.__dict__.pop(name, None)

    def _progress(self, history):
        """What the trainer calls after each epoch, if somebody wants to know."""
        on_epoch = self.__dict__.get("_on_epoch")
        if on_epoch is None:
            return None

        def report(epoch):
            self.loss_curve_ = history.loss_curve
            on_epoch(self, epoch, self.max_iter)

        return report

    # ------------------------------------------------------------------------- parameters

    def _optimizer(self):
        own = _OF_SOLVERS.get(self.solver, {}) if isinstance(self.solver, str) else {}
        defaults = {name: getattr(self, parameter) for name, parameter in own.items()}
        return resolve("solver", self.solver, OPTIMIZERS, defaults)

    def _regularization(self):
        return Regularization(
            l1_ratio=self.l1_ratio,
            penalize_intercepts=self.penalize_intercepts,
            clip_value=self.clip_value,
            clip_norm=self.clip_norm,
            max_norm=self.max_norm,
            weight_noise=self.weight_noise,
        )

    def _schedule(self, optimizer):
        schedule = resolve_schedule("learning_rate", self.learning_rate, {"power_t": self.power_t})
        by_name = isinstance(self.learning_rate, str) and self.learning_rate in SKLEARN_SCHEDULES
        # scikit-learn lets its own pass with a solver that does not use them.
        passes = by_name or isinstance(schedule, Constant)
        if isinstance(optimizer, LBFGS | Rprop) and not passes:
            raise ValueError(
                f"learning_rate={self.learning_rate!r} has no effect with solver={self.solver!r}, "
                "which chooses the lengths of its steps by itself: leave it out, or choose a "
                "solver such as 'sgd' or 'adam'."
            )
        if isinstance(optimizer, Rprop) or (isinstance(optimizer, Adam) and by_name):
            return Constant()  # Adam as in scikit-learn; Rprop reads the rate at its first step
        return schedule

    def _averaging(self, optimizer):
        averaging = self.averaging
        if averaging is not None:
            averaging = resolve("averaging", averaging, AVERAGES)
            if isinstance(optimizer, LBFGS):
                raise ValueError(
                    f"averaging={self.averaging!r} is for solvers that take many noisy steps, such "
                    f"as 'sgd' or 'adam': with {self.solver!r}, set averaging=None."
                )
        return averaging

    def _augmentation(self, X, optimizer, batch_size):
        """How rows are mixed, or None; refuses what cannot be mixed."""
        if self.augment is None:
            return None
        augment = resolve("augment", self.augment, AUGMENTATIONS)
        augment.check(X.shape[1])
        if optimizer.full_batch:
            raise ValueError(
                f"augment needs a solver such as 'sgd' or 'adam': {self.solver!r} cannot minimise "
                "a loss that changes at random."
            )
        if sparse.issparse(X):
            raise ValueError(
                "augment does not mix sparse rows, which would be sparse no more: pass "
                "X.toarray(), or use dropout."
            )
        if batch_size < 2:
            raise ValueError(
                "augment mixes the rows of a batch with each other, and this is a batch of one "
                "row: use batch_size=2 or more."
            )
        return augment

    def _layers(self, n_outputs, output_activation):
        """The layers that the network is made of, and the dropout of the input."""
        output_layer = Heads if isinstance(n_outputs, tuple) else Dense
        output = output_layer(n_outputs, output_activation)
        if self.layers is not None:
            self._refuse_beside_layers()
            return [*map(checked, self.layers), output], 0.0
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if not all(isinstance(size, Integral) for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be integers, got {sizes}.")
        if any(size <= 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        dropout = self.dropout.value if isinstance(self.dropout, Scheduled) else self.dropout
        dropout = (dropout if isinstance(dropout, Dropout) else Dropout(dropout)).validate()
        rates = dropout.rates(len(sizes))
        activations = one_for_each(self.activation, len(sizes))
        hidden = [
            checked(Dense(int(size), activation, self.normalization, rate))
            for size, activation, rate in zip(sizes, activations, rates, strict=True)
        ]
        return [*hidden, output], dropout.of_input()

    def _refuse_beside_layers(self):
        """Refuse parameters that have no effect beside `layers`."""
        parameters = inspect.signature(type(self)).parameters
        given = [
            name
            for name in _TOLD_BY_LAYERS
            if not _is(getattr(self, name), parameters[name].default)
        ]
        if given:
            raise ValueError(
                f"layers tells all that {' and '.join(given)} would: leave out either. In `layers` "
                "this is part of each layer, as in Dense(100, 'tanh', 'batch', dropout=0.2)."
            )

    def _dtype(self, X, fresh):
        """Type of the parameters."""
        if self.precision == "auto":
            auto = np.float64 if X.dtype == np.float64 else np.float32
            return np.dtype(auto) if fresh else self._network.dtype
        if not fresh and self.precision != self._network.precision:
            raise ValueError(
                f"precision={self.precision!r}, but the network was fitted in "
                f"{self._network.precision}: fit it anew, with warm_start=False."
            )
        return np.dtype(np.float32 if self.precision == "bfloat16" else self.precision)

    def _check_bfloat16(self, optimizer):
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                f"precision='bfloat16' needs a solver such as 'sgd' or 'adam': {self.solver!r} "
                "compares losses more closely than rounded products can tell. Or choose "
                "precision='float32'."
            )
        if _core.emulates_bfloat16(self.device):
            warnings.warn(
                "precision='bfloat16' is emulated here, with the same results, and is slower than "
                "precision='float32': the processor has no AVX512_BF16, or FASTNN_ISA rules it "
                "out.",
                stacklevel=6,
            )

    def _batch_size(self, optimizer, n_rows, network):
        """Rows that an engine works on at once."""
        if isinstance(optimizer, LBFGS):
            return n_rows if network.program.n_statistics else min(_GRADIENT_ROWS, n_rows)
        if self.batch_size == "auto":
            return n_rows if optimizer.full_batch else min(200, n_rows)
        return min(int(self.batch_size), n_rows)

    def _settings(self, optimizer, network, n_rows, partial):
        if self.batch_size != "auto" and self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=5,
            )
        batch_size = self._batch_size(optimizer, n_rows, network)
        if isinstance(optimizer, Rprop) and batch_size < n_rows:
            warnings.warn(
                f"Rprop compares the signs of gradients from step to step, and those of batches of "
                f"{batch_size} rows differ by chance: small gradients of many batches outvote a "
                "large one of few. Use batch_size='auto', which is all rows, or RMSprop.",
                stacklevel=5,
            )
        columns = {Column.SMOOTHING: lambda steps: self.label_smoothing}
        for name in ("alpha", "dropout", "label_smoothing"):
            number = getattr(self, name)
            if not isinstance(number, Scheduled):
                continue
            number.validate()
            if isinstance(optimizer, LBFGS) or (optimizer.full_batch and name == "dropout"):
                raise ValueError(
                    f"{name}={number!r} needs a solver such as 'sgd' or 'adam': {self.solver!r} "
                    "cannot minimise a loss that changes. Give a number, as "
                    f"{name}={number.value!r}."
                )
            if name == "alpha" and not optimizer.uses_alpha:
                raise ValueError(
                    f"alpha={number!r} has no effect with solver={self.solver!r}, which decays "
                    "weights by weight_decay: let that follow a schedule, as in "
                    f"AdamW(weight_decay=Scheduled(0.01, {number.schedule!r}))."
                )
            if name == "dropout":  # a factor of all rates
                columns[Column.DROPOUT] = functools.partial(_factors_below_one, name, number)
            elif name == "label_smoothing":
                columns[Column.SMOOTHING] = functools.partial(_below_one, name, number)
        return Settings(
            alpha=self.alpha,
            batch_size=batch_size,
            learning_rate_init=self.learning_rate_init,
            max_iter=1 if partial else self.max_iter,
            n_iter_no_change=self.n_iter_no_change,
            shuffle=self.shuffle,
            tol=self.tol,
            verbose=self.verbose,
            loss_divisor=(
                network.program.n_outputs
                if row_and_parameter(network.loss)[0].mean_over_outputs
                else 1
            ),
            partial=partial,
            regularization=self._regularization(),
            early_stopping=self.early_stopping,
            columns=columns,
            label_smoothing=self.label_smoothing,
        )

    # ------------------------------------------------------------------------- validation set

    def _split(self, targets, random_state):
        """Numbers of the training rows and of the validation rows, drawn as scikit-learn does."""
        from sklearn.model_selection import train_test_split  # slow to import

        rows, stratify = np.arange(len(targets)), None
        alone = np.zeros(len(targets), bool)
        classes = self._class_numbers(targets)
        if classes is not None:
            counts = np.bincount(classes)
            alone = counts[classes] == 1
            if targets.ndim == 2 and targets.shape[1] == 1:  # of two classes only
                stratify = classes[~alone]
        if alone.any():
            labels = ", ".join(map(str, self.classes_[classes[alone]]))
            warnings.warn(
                f"Classes of a single row are kept in training, where early_stopping sets aside "
                f"validation data: {labels}.",
                stacklevel=5,
            )
        too_small = (
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
        if alone.all():
            raise ValueError(too_small)
        train_rows, held_out = train_test_split(
            rows[~alone],
            random_state=random_state,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        if len(held_out) < 2:
            raise ValueError(too_small)
        return np.concatenate([train_rows, rows[alone]]), held_out

    def _validation_data(self, validation, loss, dtype, n_outputs, stochastic, balance):
        """The user's validation data, as `Data` and with targets as they are, or None."""
        X, y, sample_weight = validation or (None, None, None)
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val belong together: give both, or none.")
        if not stochastic:
            raise ValueError(
                f"X_val and y_val need a solver such as 'sgd' or 'adam': {self.solver!r} does not "
                "use validation data."
            )
        numeric = isinstance(self, RegressorMixin)
        try:
            X, y = validate_data(
                self, X, y, multi_output=True, y_numeric=numeric, reset=False, **_ROWS
            )
            X = _readable(X)
            self._check_finite(X)
            if y.ndim == 2 and y.shape[1] == 1:
                y = column_or_1d(y, warn=True)
            targets = self._encode_more(y, loss, dtype, n_outputs)
            sample_weight = self._check_weights(sample_weight, X, y, dtype, balance)
        except ValueError as error:
            raise ValueError(f"Validation data (X_val, y_val): {error}") from error
        return Data(X, targets, sample_weight, np.arange(X.shape[0])), y

    def _check_weights(self, sample_weight, X, y, dtype, balance, partial=False):
        """Weights of the rows, those of their classes included; None for ones.

        `balance` is what classes are balanced by: the labels of training and their weights.
        """
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=dtype.type, ensure_non_negative=True
            )
            if not sample_weight.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
        if self.class_weight is not None:
            sample_weight = self._class_weighted(y, sample_weight, dtype, balance, partial)
        return sample_weight

    def _check_scoring(self):
        if isinstance(self.scoring, str) and self.scoring != "loss":
            from sklearn.metrics import get_scorer_names  # slow to import

            if self.scoring not in get_scorer_names():
                raise ValueError(
                    f"Unknown scoring {self.scoring!r}: give 'loss', a function, or one of "
                    "sklearn.metrics.get_scorer_names(), such as 'neg_log_loss' or 'r2'."
                )

    def _validation(self, network, engine, data, y, settings, settle):
        """A function that returns the current score of the validation data."""
        score = self._scorer(network, engine, data, y, settings)

        def validate():
            with network.shown_average(settle):
                return score()

        return validate

    def _scorer(self, network, engine, data, y, settings):
        X, targets, sample_weight, rows = data
        all_rows = len(rows) == X.shape[0]
        step = max(1, _BLOCK // X.shape[1])

        def outputs():
            parts = [
                slice(start, start + step) if all_rows else rows[start : start + step]
                for start in range(0, len(rows), step)
            ]
            predicted = [network.predict(X[part], self.n_jobs, self.device)[0] for part in parts]
            return np.concatenate(predicted)

        def negative_loss():
            loss = engine.loss(X, targets, sample_weight, None if all_rows else rows)
            return -loss / settings.loss_divisor if math.isfinite(loss) else math.nan

        if self.scoring == "loss":
            return negative_loss
        own_targets, own_weight = targets, sample_weight
        if not all_rows:
            own_targets = targets[rows]
            own_weight = None if sample_weight is None else sample_weight[rows]

        def default_score():
            predicted = outputs()
            if not np.isfinite(predicted).all():
                return math.nan
            return self._score(network.loss, own_targets, predicted, own_weight)

        if self.scoring is None:
            return default_score

        from sklearn.metrics import get_scorer  # slow to import

        # An estimator that predicts with the current parameters.
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__, _network=network)
        view.__dict__.pop("feature_names_in_", None)  # rows are arrays here
        view._name_parameters()
        scorer = get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring
        own_X, own_y = (X, y) if all_rows else (X[rows], y[rows])
        weights = {} if own_weight is None else {"sample_weight": own_weight}

        def score():
            if not math.isfinite(engine.loss(X, targets, sample_weight, rows)):
                return math.nan
            try:
                value = scorer(view, own_X, own_y, **weights)
            except (AttributeError, TypeError, ValueError) as error:
                if callable(self.scoring):  # an error of the user's own
                    raise
                raise ValueError(
                    f"scoring={self.scoring!r} cannot score the predictions of "
                    f"{type(self).__name__} for the validation data: choose another, or None. "
                    f"{error}"
                ) from error
            if not isinstance(value, Real) or not math.isfinite(value):
                raise ValueError(
                    f"scoring={self.scoring!r} returned {value!r} for the validation data: it must "
                    "be a finite number. Choose another, or other validation data."
                )
            return float(value)

        return score

    # ------------------------------------------------------------------------- predicting

    def _fitted(self):
        """The network, if there is one."""
        network = self.__dict__.get("_network")
        if network is None:
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
                "appropriate arguments before using this estimator."
            )
        return network

    def _outputs(self, X, pre_activation=False):
        """Output of the network for rows that may be anything, or its pre-activation."""
        network = self._fitted()
        self._adopt_parameters()
        # The short way is for what needs no conversion and has no names to compare.
        if not (
            type(X) is np.ndarray
            and X.dtype.char in "df"
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == network.n_features
            and X.flags.aligned
            and "feature_names_in_" not in self.__dict__
        ):
            X = _readable(validate_data(self, X, reset=False, **_ROWS))
            network.check_rows(X)
        outputs, finite = network.predict(X, self.n_jobs, self.device, pre_activation)
        if not finite and not get_config()["assume_finite"]:
            self._check_finite(X)
            raise ValueError(
                f"Input X contains a value too large for {network.dtype}, the precision of this "
                f"{type(self).__name__}: scale X, or fit with precision='float64'."
            )
        return outputs

    def _check_finite(self, X):
        """Raise an error if there is a NaN or an infinity, without arrays as large as X."""
        if get_config()["assume_finite"]:
            return
        values = X.data[:, np.newaxis] if sparse.issparse(X) else X
        if values.strides[0] < values.strides[1]:
            values = values.T
        step = max(1, _BLOCK // values.shape[1])
        for start in range(0, len(values), step):
            assert_all_finite(
                values[start : start + step], estimator_name=type(self).__name__, input_name="X"
            )

    def _name_parameters(self):
        self.coefs_ = list(self._network.coefs)
        self.intercepts_ = list(self._network.intercepts)
        self.normalizations_ = list(self._network.normalizations)
        self.activation_parameters_ = list(self._network.activation_parameters)

    def _adopt_parameters(self):
        """Let what the user put in place of the network's arrays be what predicts."""
        mine = (*self.coefs_, *self.intercepts_)
        if len(mine) != len(self._network.views) or any(map(is_not, mine, self._network.views)):
            self._network.adopt(self.coefs_, self.intercepts_)
            self._name_parameters()

    # ------------------------------------------------------------------------- what is shown

    def summary(self):
        """The stages of the fitted network, the shapes of their outputs, and their parameters.

        Returns
        -------
        summary : Summary
            Prints itself as a table, also in notebooks; ``summary.lines`` and
            ``summary.n_parameters`` hold the same as numbers.
        """
        from .summary import Summary

        network = self._fitted()
        own_stage = row_and_parameter(network.loss)[0].any_activation
        return Summary(network.program, "identity" if own_stage else self.out_activation_)

    def _repr_html_inner(self):
        html = estimator_html_repr(self)
        return f"{html}{self.summary()._repr_html_()}" if "_network" in vars(self) else html

    def _repr_mimebundle_(self, **kwargs):
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_inner()
        return bundle

    # ------------------------------------------------------------------------- pickling

    def __getstate__(self):
        from . import __version__

        state = dict(super().__getstate__())
        if "_network" in state:
            self._adopt_parameters()
            for name in ("coefs_", "intercepts_", "normalizations_", "activation_parameters_"):
                state.pop(name, None)  # the network holds them
        state.pop("_on_epoch", None)
        return state | {"_fastnn_version": __version__, "_fastnn_format": PICKLE_FORMAT}

    def __setstate__(self, state):
        from . import __version__

        state = dict(state)
        version, number = state.pop("_fastnn_version"), state.pop("_fastnn_format")
        if number > PICKLE_FORMAT:
            raise ValueError(
                f"This {type(self).__name__} was saved by fastnn {version}, in a format that "
                f"fastnn {__version__} does not know: load it with fastnn {version} or later."
            )
        # Parameters that came after the pickle have their defaults.
        parameters = inspect.signature(type(self)).parameters
        super().__setstate__({name: parameters[name].default for name in parameters} | state)
        if "_network" in state:
            self._name_parameters()

    # ------------------------------------------------------------------------- scikit-learn

    def _check_solver(self):
        if self.solver == "lbfgs" or isinstance(self.solver, LBFGS):
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class MLPClassifier(ClassifierMixin, _BaseMLP):
    __doc__ = _docs.CLASSIFIER

    _parameter_constraints: ClassVar[dict] = {
        **_BaseMLP._parameter_constraints,
        "loss": [StrOptions(set(CLASSIFICATION_LOSSES))],
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), Scheduled],
        "class_weight": [None, StrOptions({"balanced"}), dict, list],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        normalization=None,
        dropout=0.0,
        device="cpu",
        precision="auto",
        n_jobs=None,
        weight_init=None,
        bias_init=None,
        layers=None,
        scoring=None,
        averaging=None,
        augment=None,
        input_noise=0.0,
        clip_norm=None,
        clip_value=None,
        learning_rate_factors=None,
        l1_ratio=0.0,
        penalize_intercepts=False,
        max_norm=None,
        weight_noise=0.0,
        loss="log_loss",
        output_activation=None,
        label_smoothing=0.0,
        class_weight=None,
    ):
        self._set_parameters(locals())

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to rows and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows. They are not copied where they are float32, float64 or uint8, in any order,
            read-only or in a file (`numpy.memmap`), or where they are CSR.
        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_labels), \
(n_samples, n_classes) or (n_samples, n_targets)
            The labels; or an indicator matrix of several labels a row, zeros and ones; or the
            probabilities of all classes, rows whose sum is 1, for which the softmax cross-entropy
            is defined too. The classes are then the numbers of the columns. Or the labels of
            several problems, a column each, and not all zeros and ones: the network has a head for
            each, and its loss is the sum of their cross-entropies.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data. With `early_stopping` it takes the place of rows of `X`; without it is
            only watched: `validation_scores_` has its score after each epoch.
        y_val : {array-like, sparse matrix} of shape (n_val,), (n_val, n_labels) or \
(n_val, n_targets), default=None
            Its labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MLPClassifier
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(_BaseMLP._check_solver)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go through some rows once, from where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_labels) or \
(n_samples, n_targets)
            The labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        classes : array-like of shape (n_classes,) or list of n_targets such, default=None
            All labels of all calls. The first call needs them; `y` need not contain them all. Of
            several problems, a list has those of each column.

        Returns
        -------
        self : MLPClassifier
        """
        return self._fit(X, y, sample_weight, partial=True, classes=classes)

    def _loss_row(self):
        """The loss of the fitted network, else the one that is asked for; None if there is none."""
        network = self.__dict__.get("_network")
        return LOSSES.get(self.loss if network is None else network.loss)

    def _check_probabilities(self):
        row = self._loss_row()
        if row is None or not row.probabilities:
            raise AttributeError(
                f"loss={self.loss!r} gives no probabilities: use decision_function, or "
                "loss='log_loss'."
            )
        return True

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_targets)
            The labels, as they were given to `fit`.
        """
        outputs = self._outputs(X)
        return self._labels.decode(outputs, self._loss_row().boundary)

    def decision_function(self, X):
        """How much speaks for each class: the pre-activations of the output layer.

        Of ``loss='squared_error'``, the outputs less 0.5.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            Of two classes those of the second, which is predicted where they are above 0. Of more
            in the order of `classes_`; the highest is predicted. Of several problems a list has
            those of each.
        """
        scores = self._outputs(X, pre_activation=True)
        if (row := self._loss_row()).name == "squared_error":
            scores -= scores.dtype.type(row.boundary)
        if self._labels.kind == "multiclass-multioutput":
            parts = self._labels.split(scores)
            return [part[:, 1] - part[:, 0] if part.shape[1] == 2 else part for part in parts]
        if scores.shape[1] == 1:
            return scores[:, 0]
        if self._labels.kind == "probabilities" and scores.shape[1] == 2:
            return scores[:, 1] - scores[:, 0]
        return scores

    @available_if(_check_probabilities)
    def predict_proba(self, X):
        """Predict the probability of each class, or of each label.

        Not with losses that know no probabilities, such as 'hinge'. With
        ``loss='binary_log_loss'`` and more than two classes, the outputs of a row are divided by
        their sum.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), or list of n_targets such
            In the order of `classes_`.
        """
        outputs = self._outputs(X)
        if self._labels.kind == "multiclass-multioutput":
            return self._labels.split(outputs)
        if outputs.shape[1] > 1:
            if self._labels.kind == "multiclass" and self._loss_row().name == "binary_log_loss":
                sums = outputs.sum(axis=1, keepdims=True)
                outputs[sums[:, 0] == 0] = 1  # all so unlikely that they are rounded to 0
                outputs /= outputs.sum(axis=1, keepdims=True)
            return outputs
        probabilities = np.empty((len(outputs), 2), outputs.dtype)
        np.subtract(1, outputs, out=probabilities[:, :1])
        probabilities[:, 1:] = outputs
        return probabilities

    @available_if(_check_probabilities)
    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class, or of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), or list of n_targets such
            In the order of `classes_`.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # -inf is the logarithm of what was rounded to 0
            if isinstance(probabilities, list):
                return [np.log(part, out=part) for part in probabilities]
            return np.log(probabilities, out=probabilities)

    def _encode(self, y, dtype, partial, classes):
        """Targets, name of the loss, and number of outputs; sets `classes_`."""
        known = getattr(self, "classes_", None)
        if partial and known is None:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._labels = labels_of(y, classes)
            self.classes_ = self._labels.classes
            if self._labels.kind == "probabilities" and len(self.classes_) != len(classes):
                raise ValueError(
                    f"y has the probabilities of {len(self.classes_)} classes, but {len(classes)} "
                    "were passed."
                )
        elif partial and classes is not None:
            if not self._labels.same_classes(classes):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                    f"{known!r}"
                )
        elif known is None or not (self.warm_start or partial):
            self._labels = labels_of(y)
            self.classes_ = self._labels.classes
        elif not partial:
            self._labels.check_same(y)
        labels = self._labels
        loss = labels.loss(self.loss)
        row = LOSSES[loss]
        if self.label_smoothing != 0 and not row.probabilities:
            raise ValueError(
                f"label_smoothing mixes probabilities, of which loss={self.loss!r} has none: set "
                "it to 0, or use loss='log_loss' or 'binary_log_loss'."
            )
        return labels.encode(y, dtype, row.class_codes), loss, labels.n_outputs

    def _class_weighted(self, y, sample_weight, dtype, balance, partial):
        """Weights of the rows times those of their classes."""
        class_weight, labels = self.class_weight, self._labels
        if isinstance(class_weight, str) and partial:
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees some: pass a "
                "dict with the weights that sklearn.utils.class_weight.compute_class_weight finds "
                "for all labels."
            )
        if labels.kind == "probabilities":
            raise ValueError(
                "class_weight needs one class a row, and y has the probabilities of all: use "
                "sample_weight."
            )
        if labels.kind in ("multilabel-indicator", "multiclass-multioutput"):
            weights = compute_sample_weight(class_weight, y.toarray() if sparse.issparse(y) else y)
        elif isinstance(class_weight, list):
            raise ValueError(
                "class_weight must be a dict or 'balanced' where each row has one class; a list "
                "has a dict for each label of a label indicator matrix."
            )
        else:
            of_classes = compute_class_weight(
                class_weight, classes=self.classes_, y=balance[0], sample_weight=balance[1]
            )
            weights = of_classes[labels.codes(y)]
        if sample_weight is not None:
            weights = weights * sample_weight
        weights = np.ascontiguousarray(weights, dtype)
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise ValueError(
                "class_weight must be finite and not negative, and leave some row a weight above "
                f"0, got {class_weight!r}."
            )
        return weights

    def score(self, X, y, sample_weight=None):
        """Part of the rows whose labels are all predicted right.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : {array-like, sparse matrix} of shape (n_samples,), (n_samples, n_labels), \
(n_samples, n_classes) or (n_samples, n_targets)
            The labels; of probabilities the highest of each row counts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        labels = self.__dict__.get("_labels")
        if labels is not None and labels.kind == "probabilities" and np.ndim(y) == 2:
            y = np.argmax(y, axis=1)
        if labels is not None and labels.kind == "multiclass-multioutput":
            y = y.toarray() if sparse.issparse(y) else np.asarray(y)
            if y.ndim != 2 or y.shape[1] != self.n_outputs_:
                raise ValueError(f"y must have {self.n_outputs_} columns of labels.")
            right = (self.predict(X) == y).all(axis=1)
            return float(np.average(right, weights=sample_weight))
        return super().score(X, y, sample_weight)

    def _encode_more(self, y, loss, dtype, n_outputs):
        """Targets of other rows than those that are trained on."""
        return self._labels.encode(y, dtype, LOSSES[loss].class_codes)

    def _n_outputs(self):
        return self._labels.shown_outputs

    def _class_numbers(self, targets):
        return self._labels.class_numbers(targets)

    def _score(self, loss, targets, outputs, sample_weight):
        return self._labels.accuracy(targets, outputs, LOSSES[loss].boundary, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss not in COMPARING_LOSSES
        tags.target_tags.multi_output = self.loss == "log_loss"
        return tags


class MLPRegressor(RegressorMixin, _BaseMLP):
    __doc__ = _docs.REGRESSOR

    _parameter_constraints: ClassVar[dict] = {
        **_BaseMLP._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), LossSpec],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        normalization=None,
        dropout=0.0,
        device="cpu",
        precision="auto",
        n_jobs=None,
        weight_init=None,
        bias_init=None,
        layers=None,
        scoring=None,
        averaging=None,
        augment=None,
        input_noise=0.0,
        clip_norm=None,
        clip_value=None,
        learning_rate_factors=None,
        l1_ratio=0.0,
        penalize_intercepts=False,
        max_norm=None,
        weight_noise=0.0,
        output_activation=None,
    ):
        self._set_parameters(locals())

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows. They are not copied where they are float32, float64 or uint8, in any order,
            read-only or in a file (`numpy.memmap`), or where they are CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data. With `early_stopping` it takes the place of rows of `X`; without it is
            only watched: `validation_scores_` has its score after each epoch.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Its targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : MLPRegressor
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(_BaseMLP._check_solver)
    def partial_fit(self, X, y, sample_weight=None):
        """Go through some rows once, from where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : MLPRegressor
        """
        return self._fit(X, y, sample_weight, partial=True)

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _encode(self, y, dtype, partial, classes):
        """Targets, loss, and number of outputs."""
        y = y.toarray() if sparse.issparse(y) else y
        targets = self._checked(y, dtype)
        n_outputs = targets.shape[1]
        if "_network" in self.__dict__ and (self.warm_start or partial):
            fitted = self._network.program.n_outputs
            if n_outputs != fitted:
                raise ValueError(f"y has {n_outputs} outputs, but was fitted with {fitted}.")
        loss = self.loss
        if isinstance(loss, LossSpec):
            loss = copy.deepcopy(loss.validate())
        return targets, loss, n_outputs

    def _encode_more(self, y, loss, dtype, n_outputs):
        """Targets of other rows than those that are trained on."""
        targets = self._checked(y.toarray() if sparse.issparse(y) else y, dtype)
        if targets.shape[1] != n_outputs:
            raise ValueError(f"y has {targets.shape[1]} outputs, not {n_outputs}.")
        return targets

    def _checked(self, y, dtype):
        targets = np.ascontiguousarray(y.reshape(len(y), -1), dtype)
        if self.loss == "poisson" and targets.min() < 0:
            raise ValueError("loss='poisson' needs targets y >= 0, and there is a negative one.")
        return targets

    def _n_outputs(self):
        return self._network.program.n_outputs

    def _class_numbers(self, targets):
        return None

    def _score(self, loss, targets, outputs, sample_weight):
        from sklearn.metrics import r2_score  # slow to import

        return float(r2_score(targets, outputs, sample_weight=sample_weight))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags
