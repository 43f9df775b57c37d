"""A fit, phase by phase: from parameters and data to what an estimator has learned."""

import copy
import functools
import math
from contextlib import nullcontext

from .. import _core
from .._core.codes import Column
from .._core.device_arrays import is_on_gpu, to_host
from .._data.held_out import split
from .._data.rows import read_data
from .._data.sample_weights import row_weights
from .._train.datasets import Dataset, in_pieces
from .._train.epochs import RowsInMemory, RowsInParts
from .._train.history import History
from .._train.stochastic import StochasticTraining
from .._warnings import warn
from ..callbacks.base import CallbackList, Context
from ..callbacks.protocol import OF_SCIKIT_LEARN, Bridge, has_callbacks
from .augmentation import augmentation_of, prepare_augmentation
from .build import build_network
from .locking import training_lock
from .randomness import generator, may_be_kept
from .resolve import (
    check_values,
    dtype_of,
    given_parameters,
    runs_users_code,
    settings_of,
    specs_of,
)
from .scoring import evaluation, validator, warn_of_unused_scoring
from .validation_data import read_validation_data


class Fit:
    """A call of `fit` or `partial_fit`.

    A twin of the estimator learns, so that there is nothing to restore where a phase fails, and
    whoever predicts meanwhile sees the model of before.

    Parameters
    ----------
    estimator : estimator
        The user's. The last phase changes it, and only that one, but for the arrays that
        `partial_fit` trains in place.
    partial : bool, default=False
        Whether it is `partial_fit`.

    Attributes
    ----------
    model : estimator
        The twin.
    fresh : bool
        Whether a new network is trained, or the fitted one further.
    specs : Specs
        Resolved parameters.
    data : Dataset
        Rows, targets and weights, and which rows are trained on.
    held_out : (Dataset, ndarray) or None
        Validation data, and its targets as they were given.
    network : Network
    history : History
    settings : Settings
    """

    stochastic_training: type[StochasticTraining] = StochasticTraining

    def __init__(self, estimator, partial=False):
        self.estimator, self.partial = estimator, partial
        self.fresh = "_network" not in vars(estimator) or not (estimator.warm_start or partial)
        if not self.fresh:
            estimator._fitted()  # what the user put into `coefs_` counts
        self.model = estimator._twin()
        self.fitted = None if self.fresh else self.model._network
        self._before = vars(self.model).copy()

    def run(self, X, y, sample_weight, validation, classes):
        """Go through all phases; those that draw at random do so in scikit-learn's order."""
        check_values(self.model)
        with generator(self.model.random_state, may_be_kept(self.model)) as self.random_state:
            self.resolve_parameters(X, y, sample_weight)
            self.read_data(X, y, sample_weight, validation, classes)
            self.build_network()
            self.hold_out()
            self.set_up_training()
            self.train()
            self.publish()

    def resolve_parameters(self, *given):
        """Resolve the parameters to specs, and find the callbacks and their checkpoint."""
        model = self.model
        self.specs = specs_of(model, self.partial)
        bridges = [Bridge(self.estimator, *given)] if has_callbacks(self.estimator) else []
        self.callbacks = [*self.specs.callbacks, *bridges]
        self.checkpoint, self.keeps_checkpoints = None, False
        if self.callbacks:
            from ..callbacks.checkpoint import keeps, resumed

            self.keeps_checkpoints = keeps(self.callbacks)
            given = given_parameters(model)
            self.checkpoint = resumed(self.callbacks, self.specs.optimizer, self.partial, given)

    def read_data(self, X, y, sample_weight, validation, classes):
        """Read rows, targets and weights, and those that are given for validation."""
        model, given = self.model, (X, y, sample_weight, *validation)
        self.device = _core.device_of_data(model.device, any(map(is_on_gpu, given)))
        sample_weight = to_host(sample_weight)
        X, self.y = read_data(model, X, y, reset=self.fresh)
        self.dtype = dtype_of(model, X, self.fitted)
        self.encoder, self.loss = model._encoder(self.y, self.fitted, self.partial, classes)
        targets = self.encode(self.y)
        self._balance = self.y, sample_weight
        weights = self.row_weights(sample_weight, X, self.y)
        self.data = Dataset.of(X, targets, weights)
        self.held_out = read_validation_data(self, *validation) if validation else None
        if self.keeps_checkpoints:
            self._identify()

    def build_network(self):
        """Build a network with its history, or continue the fitted one or that of a checkpoint."""
        model = self.model
        self.network, self.device = build_network(
            model,
            self.specs.optimizer,
            self.data.X,
            self.loss,
            self.encoder,
            self.dtype,
            self.random_state,
            fitted=self.fitted,
            n_rows=self.data.n_rows,
            partial=self.partial,
            device=self.device,
        )
        self.history = History() if self.fresh else model._history.continued(self.partial)
        if self.checkpoint is not None:
            self._resume()

    def hold_out(self):
        """Set rows aside for early stopping, where no validation data is given."""
        model, data = self.model, self.data
        if self.specs.early_stopping and self.held_out is None:
            if self.checkpoint is None:
                split_rows = split(
                    self.encoder,
                    data.y,
                    data.sample_weight,
                    model.validation_fraction,
                    self.random_state,
                    scored=model.scoring not in (None, "loss"),
                )
            else:
                split_rows = self.checkpoint["split"]
            self.data, held_out = (data._replace(rows=rows) for rows in split_rows)
            self.held_out = held_out, self.y
        if model.scoring is not None and not self.scores and not self.partial:
            warn_of_unused_scoring(model, self.specs.is_stochastic)

    def set_up_training(self):
        """Resolve the settings of the training, and prepare the augmentation of its rows."""
        model, data, specs = self.model, self.data, self.specs
        history = self.history
        self.settings = settings_of(model, specs.optimizer, self.network, data.n_rows, self.partial)
        transforms, self.settings.mixing = augmentation_of(
            model, data.X, specs.optimizer, self.settings.batch_size
        )
        self.settings.verbose = specs.verbose
        history.score_by(repr(model.scoring))
        history.validates = self.held_out is not None
        n_before = len(history.loss_curve) - history.n_iter
        self.settings.planned_epochs = model.max_iter + n_before * (not self.partial)
        if transforms:
            self.prepare_augmentation(transforms)

    def train(self):
        """Train the network in place; an error leaves it as it was."""
        network, specs, settings = self.network, self.specs, self.settings
        if self.callbacks or self.scores:  # they see an estimator that is complete
            self.model._set_fitted(network, self.history, specs.is_stochastic)
        with (
            training_lock(network.state, type(self.model).__name__),
            network.unchanged_on_failure(self.partial and not self.fresh and self._may_fail()),
            self.history.unchanged_on_failure(),
        ):
            network.use_optimizer(specs.optimizer)
            network.use_averaging(specs.averaging)
            if specs.averaging is not None:
                settings.columns[Column.AVERAGE] = lambda steps: specs.averaging.weights(
                    steps, network.state.n_averaged
                )
            engine = self._engine()
            callbacks = self._callback_list() if self.callbacks else None
            epochs = self._epochs() if specs.is_stochastic else nullcontext()
            with callbacks or nullcontext(), epochs:
                training = self._training(engine, epochs, callbacks)
                training.run()
            self.history.stopped = training.stops
            self._finish(network)
            if specs.averaging is not None and not self.partial:
                self._warn_of_no_average()

    def publish(self):
        """Give the estimator what its twin has learned, in one step, so that it is seen whole."""
        model, own, before = self.model, vars(self.estimator), self._before
        names = model._set_fitted(self.network, self.history, self.specs.is_stochastic)
        learned = {
            name: value
            for name, value in vars(model).items()
            if name in names or name not in before or value is not before[name]
        }
        own.update(learned)  # what it replaces is not freed, so that no other thread runs
        for name in before.keys() - vars(model).keys():
            own.pop(name, None)

    # ------------------------------------------------------------------ parts of the phases

    def reader(self, source, reset=False):
        """Return the reader of the rows of a source."""
        from .row_reader import RowReader

        return RowReader(self, source, reset)

    def row_weights(self, sample_weight, X, y, some=False):
        """Return the weights of rows; see `fastnn._data.sample_weights.row_weights`."""
        return row_weights(
            sample_weight,
            X,
            self.dtype,
            class_weight=self.model.class_weight,
            labels=self.encoder,
            y=y,
            balance=self._balance,
            partial=self.partial,
            some=some,
        )

    def prepare_augmentation(self, transforms):
        """Set the augmentation by transforms in the settings."""
        prepare_augmentation(self, transforms)

    def encode(self, y):
        """Return targets as an engine reads them."""
        return self.encoder.encode(y, self.dtype, self.loss)

    def _identify(self):
        """Find what tells this training from others; refuse the checkpoint of another one."""
        from ..callbacks.checkpoint import check_same
        from ..callbacks.identity import identity

        given = self.held_out and self.held_out[0].identity
        self.identity = identity(self.model, self.fresh, *self.data.identity, given)
        if self.checkpoint is not None:
            check_same(self.checkpoint, self.identity, self.data.X.shape[0])

    def _resume(self):
        """Continue with the generator, the network and the history of the checkpoint."""
        saved = self.checkpoint
        self.random_state.set_state(saved["generator"])
        saved["network"].encoder = self.encoder
        self.network = saved["network"].continued(**vars(self.network.architecture))
        self.history = saved["history"]

    def numbers_of_epochs(self):
        """Return the numbers of the epochs that may be trained, from 0 over all calls."""
        epoch = len(self.history.loss_curve)
        return range(epoch, epoch + self.settings.max_iter - self.history.n_iter)

    def _may_fail(self):
        """Return whether training may raise an error midway, or has to put an average aside."""
        return (
            _core.may_fail(self.device)
            or bool(self.callbacks)
            or self.settings.augmentation is not None
            or self.settings.row_augmentation is not None
            or self.scores
            or runs_users_code(self.model)
            or self.model.averaging is not None
            or self.network.shows_other_numbers
        )

    def _engine(self):
        model, specs, settings, network = self.model, self.specs, self.settings, self.network
        return network.engine(
            specs.optimizer,
            settings.batch_size,
            settings.max_iter * self._n_batches(),
            model.n_jobs,
            self.device,
            model.learning_rate_factors,
            keep=settings.partial,
        )

    def _epochs(self):
        """Return the rows of each epoch, a ``with`` block."""
        data = in_pieces(self.data, self.settings)
        if data is None:
            return RowsInMemory(self.data, self.settings, self.random_state)
        self.network.draw_seed(self.random_state)
        return RowsInParts(data, self.settings, self.network.seed, self.numbers_of_epochs())

    def _training(self, engine, epochs, callbacks):
        specs, state = self.specs, self.network.state
        if not specs.is_stochastic:
            from .._train.lbfgs import LBFGSTraining

            given = engine, state, self.data, specs.optimizer
            return LBFGSTraining(*given, self.settings, self.history, callbacks)
        return self.stochastic_training(
            engine,
            state,
            epochs,
            specs.optimizer,
            specs.schedule,
            self.settings,
            self.history,
            self.random_state,
            validator(self, engine),
            callbacks,
            self.checkpoint,
        )

    def _callback_list(self):
        """Return the list of callbacks, which get the model from `_view`."""
        settings, history, is_stochastic = self.settings, self.history, self.specs.is_stochastic
        n_rows, rate = self._n_rows(), settings.learning_rate_init * history.rate_factor
        context = Context(
            history,
            settings,
            self.network.state,
            self._n_batches() if is_stochastic else 1,
            n_rows,
            rate if is_stochastic else None,
            given_parameters(self.model),
            self._view,
        )
        origin, states = {"split": self._split_rows()}, ()
        if self.keeps_checkpoints:
            origin["training"] = self.identity
        if self.checkpoint is not None:
            states = self.checkpoint["callbacks"]
        within_epoch = "within" in (self.checkpoint or ())
        return CallbackList(self.callbacks, context, origin, states, within_epoch)

    def _n_batches(self):
        """Return the number of batches of an epoch that callbacks see."""
        return math.ceil(self._n_rows() / self.settings.batch_size)

    def _n_rows(self):
        """Return the number of rows of an epoch, copies among them."""
        return self.data.n_rows * self.settings.times

    def _split_rows(self):
        """Return the numbers of the rows that are trained on, and of those held out or None."""
        return self.data.rows, self.held_out and self.held_out[0].rows

    @property
    def scores(self):
        """Return whether rows are scored after each epoch."""
        return self.held_out is not None or bool(self.model.train_score)

    def evaluation(self, engine, data, with_default):
        """Return a function that computes loss and score of the rows of a data set."""
        return evaluation(self, engine, data, with_default)

    def _view(self, copied):
        """Return an estimator with what is learned so far, in arrays of its own if `copied`."""
        shown = self.model._twin(callbacks=None)
        for name in OF_SCIKIT_LEARN:
            vars(shown).pop(name, None)
        network, history = self.network, self.history
        changes = self.specs.averaging is not None or network.program.n_statistics > 0
        if copied or changes:
            network, history = network.copied(), copy.deepcopy(history)
            self._finish(network)
        shown._set_fitted(network, history, self.specs.is_stochastic)
        return shown

    def _finish(self, network):
        """Put averaged parameters, and statistics of all rows, where prediction reads them."""
        recompute = functools.partial(self.recompute_statistics, network=network)
        if self.specs.is_stochastic:
            network.swap_in_average(recompute)
        elif network.program.n_statistics:
            recompute(True)

    def recompute_statistics(self, every_layer, network=None):
        """Set the statistics of batch norm to those of all training rows."""
        network = self.network if network is None else network
        network.recompute_statistics(self.data, self.model.n_jobs, self.device, every_layer)

    def _warn_of_no_average(self):
        state = self.network.state
        if state.n_averaged == 0 < state.step:
            warn(
                f"Training ended after {len(self.history.loss_curve)} epochs, before averaging="
                f"{self.specs.averaging!r} began: the parameters are not averaged.",
            )
