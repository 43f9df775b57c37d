"""The base of the estimators: from parameters and data to a network, and what is kept of it.

There is no arithmetic here.
"""

import copy
import functools
import math
from contextlib import nullcontext
from operator import is_not

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr

from .. import _core
from .._core.device_arrays import is_on_gpu, to_host
from .._core.program import Column
from .._data.pickles import refusing_damage
from .._data.rows import check_finite, is_plain, read_data, read_rows
from .._data.sample_weights import weights_of_rows
from .._fit.randomness import generator
from .._fit.resolve import (
    augmentation_of,
    averaging_of,
    batch_size_of,
    callbacks_of,
    dtype_of,
    layers_of,
    optimizer_of,
    regularization_of,
    schedule_of,
    settings_of,
    spec_defaults,
)
from .._fit.turns import alone
from .._fit.validation import (
    check_scoring,
    split,
    validation_data,
    validator,
    warn_of_far_columns,
    warn_of_unused_scoring,
)
from .._network.network import Network, check_memory
from .._network.parameter_groups import check_factors
from .._specs.constraints import check_parameters, defaults_of, is_default
from .._specs.spec import ListsOfSpecs, plain_parameters
from .._train.history import History
from .._train.lbfgs import train_lbfgs
from .._train.regularization import check_max_norm
from .._train.settings import Data
from .._train.training import train
from .._warnings import warn
from ..activations import ActivationSpec, refuse_threshold
from ..callbacks.base import CallbackList, Context
from ..callbacks.checkpoint import check_same, keeps, resumed
from ..callbacks.identity import identity
from ..callbacks.protocol import OF_SCIKIT_LEARN, Bridge, TakesCallbacks, has_callbacks
from ..layers import checked
from ..losses import check_output_activation, row_and_parameter
from ..optimizers import LBFGS, OPTIMIZERS
from ..schedules import Scheduled

#: Raised when a pickle of this version could not be read by older ones.
PICKLE_FORMAT = 1

# What a fit goes on from, with warm_start or as partial_fit, and all that one learns.
_GOES_ON_FROM = (
    "_network",
    "_history",
    "_labels",
    "classes_",
    "n_features_in_",
    "feature_names_in_",
)
_ARRAYS = ("coefs_", "intercepts_", "normalizations_", "activation_parameters_")
_SHOWN = (
    *_ARRAYS,
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "loss_",
    "n_iter_",
    "t_",
    "history_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
)
LEARNED = frozenset((*_GOES_ON_FROM, *_SHOWN))


class BaseMLP(TakesCallbacks, ListsOfSpecs, BaseEstimator):
    """What classifier and regressor have in common."""

    # The classifier's.
    label_smoothing = 0.0
    class_weight = None

    def _set_parameters(self, arguments):
        """Keep the arguments of `__init__`, as they are."""
        self.__dict__.update(arguments)
        del self.__dict__["self"]

    # ------------------------------------------------------------------------- fitting

    _spec_defaults = spec_defaults

    def _validate_params(self):
        check_parameters(self)

    def _fit(self, X, y, sample_weight, validation=(), *, partial=False, classes=None):
        with alone(self, type(self).__name__):
            fresh = "_network" not in self.__dict__ or not (self.warm_start or partial)
            if not fresh:
                self._fitted()  # what the user put into `coefs_` counts
            # A twin learns, so that there is nothing to restore where it fails, and whoever
            # predicts meanwhile sees the model of before.
            twin = self._twin()
            for name in LEARNED if fresh else _SHOWN:
                twin.__dict__.pop(name, None)
            bridges = [Bridge(self, X, y, sample_weight)] if has_callbacks(self) else []
            # What a user wrote may keep the generator that it is given.
            users = [twin.weight_init, twin.bias_init, twin.augment]
            to_keep = not all(isinstance(one, str | None) for one in users)
            refuse_threshold(twin.activation)
            if not get_config()["skip_parameter_validation"]:
                twin._validate_params()
            with generator(twin.random_state, to_keep) as random_state:
                twin._train(
                    X, y, sample_weight, validation, partial, classes, random_state, fresh, bridges
                )
            self._take_from(twin)
        return self

    def _twin(self, **changes):
        """An estimator to work with: of the same class and attributes, but for some.

        Its numbers are plain ones. Callbacks are the user's own, whatever theirs are.
        """
        twin = object.__new__(type(self))
        own = twin.__dict__
        own.update(self.__dict__)
        changes.setdefault("callbacks", self.callbacks)
        own.update(plain_parameters(own, self._get_param_names()) | changes)
        return twin

    def _take_from(self, twin):
        """Know what it has learned: the model of before, or the new one, is seen whole."""
        own, learned = self.__dict__, twin.__dict__
        before = own.copy()  # so that nothing is freed, and no other thread runs, on the way
        own.update({name: learned[name] for name in LEARNED if name in learned})
        for name in before.keys() & LEARNED - learned.keys():
            own.pop(name, None)

    def _train(
        self, X, y, sample_weight, validation, partial, classes, random_state, fresh, callbacks
    ):
        optimizer = optimizer_of(self)
        stochastic = not isinstance(optimizer, LBFGS)
        regularization_of(self).check(optimizer, self.solver)
        if self.learning_rate_factors and not stochastic:
            raise ValueError(
                f"learning_rate_factors need a learning rate, which solver={self.solver!r} has "
                "not: choose a solver such as 'sgd' or 'adam'."
            )
        early_stopping = self.early_stopping and stochastic
        if partial and early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        schedule, averaging = schedule_of(self, optimizer), averaging_of(self, optimizer)
        check_scoring(self)
        own_callbacks, verbose = callbacks_of(self)
        callbacks = [*own_callbacks, *callbacks]
        saved = resumed(callbacks, optimizer, partial)

        data = X, y, sample_weight, *validation
        device = _core.device_of_data(self.device, any(map(is_on_gpu, data)))
        sample_weight, validation = to_host(sample_weight), [*validation]
        validation[2:] = map(to_host, validation[2:])
        X, y = read_data(self, X, y, reset=fresh)
        dtype = dtype_of(self, X, None if fresh else self._network)
        targets, loss, n_outputs = self._encode(y, dtype, partial, classes)
        balance = y, sample_weight
        sample_weight = weights_of_rows(self, sample_weight, X, y, dtype, balance, partial)
        held_out = validation_data(self, validation, loss, dtype, n_outputs, stochastic, balance)
        if held_out is not None:
            warn_of_far_columns(X, held_out[0].X)

        origin = {}
        if keeps(callbacks):
            own_data = held_out and held_out[0]
            origin["training"] = identity(self, fresh, X, targets, sample_weight, own_data)
        if saved is not None:
            check_same(saved, origin["training"], len(targets))

        network, device = self._prepare(
            X, loss, n_outputs, dtype, optimizer, random_state, fresh, device, partial
        )
        rows = np.arange(X.shape[0])
        if early_stopping and held_out is None:
            if saved is None:
                rows, chosen = split(self, targets, sample_weight, random_state)
            else:
                rows, chosen = saved["split"]
            held_out = Data(X, targets, sample_weight, chosen), y
        if self.scoring is not None and held_out is None and not partial:
            warn_of_unused_scoring(self, stochastic)
        data = Data(X, targets, sample_weight, rows)
        origin["split"] = rows, held_out and held_out[0].rows
        settings = settings_of(self, optimizer, network, len(rows), partial)
        transforms, settings.mixing = augmentation_of(self, X, optimizer, settings.batch_size)
        settings.verbose = verbose
        history = History() if fresh else self._history.continued(in_place=partial)
        if saved is not None:
            network, history = self._take_over(saved, network, random_state)
        if transforms:
            from .._train.background_augmentation import BackgroundAugmentation

            network.draw_seed(random_state)
            epoch = len(history.loss_curve)
            settings.augmentation = BackgroundAugmentation(
                transforms,
                data,
                y,
                lambda y: self._encode_more(y, loss, dtype, n_outputs),
                network.seed,
                range(epoch, epoch + settings.max_iter),
            )
        history.score_by(repr(self.scoring))
        n_before = len(history.loss_curve) - history.n_iter
        settings.planned_epochs = self.max_iter + n_before * (not partial)
        plan = device, optimizer, schedule, averaging, settings
        may_fail = _core.may_fail(device) or callbacks or settings.augmentation is not None
        in_place = partial and not fresh
        late = in_place and (may_fail or self._may_fail_late())
        if callbacks or held_out is not None:  # they see an estimator that is complete
            self._publish(network, history, stochastic)
        with (
            alone(network.state, type(self).__name__),
            network.unchanged_on_failure(late),
            history.unchanged_on_failure(),
        ):
            watching = callbacks, origin, saved
            self._run(network, data, held_out, *plan, history, random_state, watching)
            ended = averaging is not None and not partial
            if ended and network.state.n_averaged == 0 < network.state.step:
                warn(
                    f"Training ended after {len(history.loss_curve)} epochs, before "
                    f"averaging={averaging!r} began: the parameters are not averaged.",
                )
        self._publish(network, history, stochastic)

    def _run(
        self,
        network,
        data,
        held_out,
        device,
        optimizer,
        schedule,
        averaging,
        settings,
        history,
        random_state,
        watching,
    ):
        """Train the network, and leave what predicts in it."""
        stochastic = not isinstance(optimizer, LBFGS)

        def settle(every_layer, network=network):
            network.settle_statistics(*data, self.n_jobs, device, every_layer)

        def finish(network):
            its_settle = functools.partial(settle, network=network)
            if stochastic:
                network.show_average(its_settle)
            elif network.program.n_statistics:
                its_settle(True)

        def view(copied):
            shown = self._twin(callbacks=None)
            for name in OF_SCIKIT_LEARN:
                shown.__dict__.pop(name, None)
            changes = averaging is not None or network.program.n_statistics > 0
            its_network, its_history = network, history
            if copied or changes:
                its_network, its_history = copy.deepcopy((network, history))
                finish(its_network)
            shown._publish(its_network, its_history, stochastic)
            return shown

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
            device,
            self.learning_rate_factors,
            keep=settings.partial,
        )
        arguments = engine, network.state, data, optimizer
        validate = None
        if held_out is not None:
            validate = validator(self, network, engine, *held_out, settings, settle, device)
        callbacks, origin, saved = watching
        watch = None
        if callbacks:
            n_rows, rate = len(data.rows), settings.learning_rate_init * history.rate_factor
            context = Context(
                history,
                settings,
                network.state,
                math.ceil(n_rows / settings.batch_size) if stochastic else 1,
                n_rows,
                rate if stochastic else None,
                self._given(),
                view,
            )
            watch = CallbackList(callbacks, context, origin, saved["callbacks"] if saved else ())
        with watch or nullcontext(), settings.augmentation or nullcontext():
            if stochastic:
                generator = random_state, validate
                train(*arguments, schedule, settings, history, *generator, watch, saved)
            else:
                train_lbfgs(*arguments, settings, history, watch)
        finish(network)

    def _given(self):
        """The parameters that are not defaults."""
        defaults, params = defaults_of(type(self)), self.get_params(deep=False)
        return {k: v for k, v in params.items() if not is_default(v, defaults[k])}

    @staticmethod
    def _take_over(saved, network, random_state):
        """Network and history of a checkpoint, and its generator in place of this one's state."""
        random_state.set_state(saved["generator"])
        stack = network.layers, network.loss, network.input_dropout, network.input_noise
        return saved["model"]._network.continued(*stack), saved["model"]._history

    def _may_fail_late(self):
        """Whether something of the user's runs in training, or an average has to be put aside."""
        solver = self.solver
        numbers = [self.alpha, self.dropout, self.label_smoothing]
        if type(solver) in OPTIMIZERS.values():
            numbers += vars(solver).values()
        elif not isinstance(solver, str):
            return True
        scheduled = any(isinstance(number, Scheduled) for number in numbers)
        plain = isinstance(self.learning_rate, str) and not scheduled
        plain = plain and self.scoring is None and self.averaging is None
        return not plain or self._network.shows_other_numbers

    def _prepare(self, X, loss, n_outputs, dtype, optimizer, random_state, fresh, device, partial):
        """The network to train: a new one, or one that goes on with the fitted one's parameters.

        Beside it the device that trains it.
        """
        n_rows, n_features = X.shape
        output_activation = self.output_activation
        if isinstance(output_activation, ActivationSpec):
            output_activation = checked(output_activation)
        output_activation = check_output_activation(loss, output_activation)
        layers, input_dropout = layers_of(self, n_outputs, output_activation)
        if fresh:
            rounded = [self.precision == name for name in ("bfloat16", "tf32")]
            network = Network(
                n_features, layers, loss, dtype, input_dropout, self.input_noise, *rounded
            )
        else:
            network = self._network if partial else self._network.copied()
            network = network.continued(layers, loss, input_dropout, self.input_noise)
        check_factors(self.learning_rate_factors or {}, network.program)
        network.check_rows(X)
        check_max_norm(self.max_norm, network.program)
        # SciPy's L-BFGS takes up to 38 vectors of float64; an average has three more copies.
        n_arrays = 304 // dtype.itemsize if isinstance(optimizer, LBFGS) else optimizer.n_slots
        n_arrays += 4 * (self.averaging is not None)
        n_arrays += regularization_of(self).n_arrays(optimizer)
        batch_size = batch_size_of(self, optimizer, n_rows, network)
        n_steps = math.ceil(n_rows / batch_size) * (1 if partial else self.max_iter)
        device = _core.chosen_device(device, network.program, batch_size, n_steps, trains=True)
        averages = self.averaging is not None and network.program.n_statistics > 0
        if averages or network.program.has_exact_statistics:
            batch_size = n_rows  # to settle the statistics
        check_memory(network.program, n_arrays, batch_size, sparse.issparse(X))
        if fresh:
            network.initialize(random_state, self.weight_init, self.bias_init)
        if network.bfloat16 or network.tf32:
            self._check_rounded(network, optimizer)
        if network.randomness and optimizer.full_batch:
            raise ValueError(
                f"{network.randomness} needs a solver such as 'sgd' or 'adam': {self.solver!r} "
                "cannot minimise a loss that changes at random."
            )
        if network.randomness or self.weight_noise:
            network.draw_seed(random_state)
        return network, device

    def _check_rounded(self, network, optimizer):
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                f"precision={network.precision!r} needs a solver such as 'sgd' or 'adam': "
                f"{self.solver!r} compares losses more closely than rounded products can tell. Or "
                "choose precision='float32'."
            )
        if network.bfloat16 and _core.emulates_bfloat16():
            warn(
                "precision='bfloat16' is emulated here, with the same results, and is slower than "
                "precision='float32': the processor has no AVX512_BF16, or FASTNN_ISA rules it "
                "out.",
            )

    def _publish(self, network, history, stochastic):
        self._network, self._history = network, history
        network.labels = self.__dict__.get("_labels")
        self._name_parameters()
        self.n_layers_ = len(network.layers) + 1
        self.n_outputs_ = self._n_outputs()
        out_activation = network.layers[-1].activation
        self.out_activation_ = getattr(out_activation, "name", out_activation)
        self.loss_, self.n_iter_, self.t_ = history.loss, history.n_iter, history.n_seen
        self.history_ = history.columns
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

    # ------------------------------------------------------------------------- predicting

    def _fitted(self):
        """The network, with what the user put in place of its arrays, if there is one."""
        own = self.__dict__
        while (network := own.get("_network")) is not None:
            coefs, intercepts = self.coefs_, self.intercepts_
            mine = (*coefs, *intercepts)
            if len(mine) == len(network.views) and not any(map(is_not, mine, network.views)):
                return network
            if own.get("_network") is network:  # else a fit has ended meanwhile
                self.coefs_, self.intercepts_ = network.adopt(coefs, intercepts)
                return network
        raise NotFittedError(
            f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
            "appropriate arguments before using this estimator."
        )

    def _outputs(self, X, pre_activation=False):
        """Output of the network for rows that may be anything, or its pre-activation.

        Before it the network, whose labels say what that means: a fit may end meanwhile.
        """
        network = self._fitted()
        # The short way is for what needs no conversion and has no names to compare.
        if not (
            is_plain(X)
            and X.shape[1] == network.n_features
            and "feature_names_in_" not in self.__dict__
        ):
            X = read_rows(self, X)
            network.check_rows(X)
        outputs, finite = network.predict(X, self.n_jobs, self.device, pre_activation)
        if not finite and not get_config()["assume_finite"]:
            check_finite(self, X)
            raise ValueError(
                f"Input X contains a value too large for {network.dtype}, the precision of this "
                f"{type(self).__name__}: scale X, or fit with precision='float64'."
            )
        return network, outputs

    def _name_parameters(self):
        network = self._network
        self.coefs_, self.intercepts_ = list(network.coefs), list(network.intercepts)
        self.normalizations_ = list(network.normalizations)
        self.activation_parameters_ = list(network.activation_parameters)

    # ------------------------------------------------------------------------- what is shown

    def summary(self):
        """The stages of the fitted network, the shapes of their outputs, and their parameters.

        Returns
        -------
        summary : Summary
            Prints itself as a table, also in notebooks; ``summary.lines`` and
            ``summary.n_parameters`` hold the same as numbers.
        """
        from .._network.summary import Summary

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
        from .. import __version__

        if "_network" in self.__dict__:
            self._fitted()
        state = dict(super().__getstate__())
        if "_network" in state:
            for name in _ARRAYS:
                state.pop(name, None)  # the network holds them
        return state | {"_fastnn_version": __version__, "_fastnn_format": PICKLE_FORMAT}

    def __setstate__(self, state):
        from .. import __version__

        with refusing_damage(type(self).__name__):
            state = dict(state)
            version, number = state.pop("_fastnn_version"), state.pop("_fastnn_format")
            is_known = number <= PICKLE_FORMAT
        if not is_known:
            raise ValueError(
                f"This {type(self).__name__} was saved by fastnn {version}, in a format that "
                f"fastnn {__version__} does not know: load it with fastnn {version} or later."
            )
        with refusing_damage(type(self).__name__):
            # Parameters that came after the pickle have their defaults.
            super().__setstate__(defaults_of(type(self)) | state)
            if "_network" in state:
                self._check_fitted()
                self._network.labels = state.get("_labels")
                self._name_parameters()

    def _check_fitted(self):
        """Refuse what does not belong together, of a pickle."""
        network = self._network
        if not isinstance(network, Network) or not isinstance(self._history, History):
            raise ValueError("it has no network, or no history.")
        if self.n_features_in_ != network.n_features:
            raise ValueError(
                f"n_features_in_ is {self.n_features_in_}, and its network has "
                f"{network.n_features}."
            )

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
