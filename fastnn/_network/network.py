"""Compiled network with its parameters, which an estimator predicts with."""

import os
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from .. import _core
from .._core.codes import Kind, StatisticsForm
from .._core.device_arrays import DeviceRows
from .._core.program import State, new_arena
from .._core.sparse import is_sparse
from .._data.pickles import damage_raises_value_error
from ..layers import dense_activations
from .architecture import describe
from .batch_statistics import check_means_only
from .parameter_groups import with_factors
from .pickling import get_state, set_state
from .views import named_views, write_into_views


class Network:
    """A program and the arenas it works on, with views for those who want to see the parameters.

    Parameters
    ----------
    architecture : Architecture

    Attributes
    ----------
    coefs, intercepts : list of ndarray
        Views of the parameters of each layer.
    views : tuple of ndarray
        All of these.
    normalizations : list of (dict or None)
        Views of the "scale", "shift", "mean" and "variance" of each layer that is normalised, or
        of the "g" of one whose weights are.
    activation_parameters : list of (dict or None)
        Views of the "slope" of each layer whose activation has a trainable one.
    log_variances : list of ndarray
        Views, of shape (1,), of the log variances that weigh the losses of heads; empty for none.
    optimizer, averaging : str
        Names of the optimizer and the average whose arrays the state holds.
    seed : int or None
        Seed of dropout masks and other noise, once there is any.
    encoder : Labels, MultioutputLabels or RealTargets
        Makes targets of what a user gives, and labels of outputs. A pickle does not have it.
    """

    def __init__(self, architecture):
        self.architecture, self.program = architecture, architecture.compile()
        self.optimizer, self.seed, self.averaging, self.encoder = "", None, "", None
        self.trained = self._kept = self._predictor = None

    @property
    def n_features(self):
        return self.architecture.n_features

    @property
    def layers(self):
        return self.architecture.layers

    @property
    def loss(self):
        return self.architecture.loss

    @property
    def dtype(self):
        return self.architecture.dtype

    @property
    def head_names(self):
        """The names of the heads of a `MultiTaskMLP`, in the order of their outputs."""
        return self.encoder.names

    def task_weights(self):
        """Return the factors of the losses of heads by name, those of log variances if trained."""
        weights = {
            name: float(head.weight)
            for name, head in zip(self.head_names, self.loss.heads, strict=True)
        }
        for name, log_variance in zip(weights, self.log_variances, strict=False):
            weights[name] *= float(np.exp(-log_variance[0].astype(float)))
        return weights

    def allocate(self, state=None):
        """Allocate the arrays of the network, or use those of a state."""
        self.state = State.new(self.program, 0) if state is None else state
        layers = self.program.named(self.state.parameters, self.state.statistics)
        self.coefs = [arrays["coef"] for arrays in layers if "coef" in arrays]
        self.intercepts = [arrays["intercept"] for arrays in layers if "coef" in arrays]
        self.views = (*self.coefs, *self.intercepts)
        self.normalizations = [
            named_views(arrays, "scale", "shift", "mean", "variance", "g") for arrays in layers
        ]
        self.activation_parameters = [named_views(arrays, "slope") for arrays in layers]
        self.log_variances = [
            arrays["log_variance"] for arrays in layers if "log_variance" in arrays
        ]

    def initialize(self, random_state, weight_init=None, bias_init=None):
        """Draw new parameters, layer by layer; they take up memory from now on."""
        from ..initializers import Pretrained  # what only training needs
        from .initial_parameters import draw_parameters

        self.allocate()
        shapes = [coef.shape for coef in self.coefs]
        activations = dense_activations(self.layers)
        pretrained = weight_init if isinstance(weight_init, Pretrained) else None
        weight_init = pretrained.others if pretrained else weight_init
        drawn = draw_parameters(random_state, shapes, activations, weight_init, bias_init)
        for coef, intercept, (weights, biases) in zip(
            self.coefs, self.intercepts, drawn, strict=True
        ):
            coef[...], intercept[...] = weights, biases
        if self.program.n_squares:
            for arrays in self.program.named(self.state.parameters):
                if "g" in arrays:  # the network starts as it would without
                    arrays["g"][...] = np.linalg.norm(arrays["coef"].astype(float), axis=0)
        if pretrained:
            pretrained.write_into(self.program.named(self.state.parameters, self.state.statistics))
            check_means_only(self.program, self.state)

    @property
    def randomness(self):
        """Name of a source of randomness in training, or None."""
        kinds = self.program.random_kinds
        return Kind(kinds[0]).cause_of_chance if kinds else None

    def variant(self, **attributes):
        """Return a network of the same state, of which these attributes differ."""
        network = object.__new__(type(self))
        network.__dict__.update(self.__dict__, **attributes)
        return network

    def bare(self):
        """Return a network that predicts the same, without what only training goes on from."""
        state = State(
            self.state.parameters,
            self.state.statistics,
            np.empty((0, self.program.n_parameters), self.dtype),
        )
        return self.variant(
            state=state, optimizer="", averaging="", seed=None, trained=None, _kept=None
        )

    def copied(self):
        """Return a network with a copy of the state."""
        network = self.variant(_kept=None)
        network.allocate(self.state.copied())
        return network

    def continued(self, **changes):
        """Return a network of the same state, whose layers may differ in all but their sizes.

        `changes` are of the architecture.
        """
        architecture = replace(self.architecture, **changes)
        if architecture == self.architecture:
            return self.variant()
        program = architecture.compile()
        if _layout(program) != _layout(self.program):
            raise ValueError(
                "Training can only go on with layers of the same sizes and normalization: the "
                f"fitted network has {describe(self.program)}, now asked for is "
                f"{describe(program)}."
            )
        check_means_only(program, self.state)
        return self.variant(architecture=architecture, program=program)

    def use_encoder(self, encoder):
        """Set the encoder of targets, which must have as many outputs as the network."""
        own, n_outputs = int(np.sum(encoder.n_outputs)), self.program.n_outputs
        if own != n_outputs:
            raise ValueError(f"its labels need {own} outputs, and its network has {n_outputs}.")
        self.encoder = encoder

    def draw_seed(self, random_state):
        """Draw the seed of dropout, noise and mixing, unless there is one."""
        if self.seed is None:
            self.seed = int(random_state.randint(np.iinfo(np.int32).max))

    def check_rows(self, X):
        """Raise a ValueError for rows that the network cannot take."""
        n_features = self.program.n_features
        if X.shape[1] != n_features:
            raise ValueError(
                f"X has {X.shape[1]} features, but the network has {n_features} inputs: pass "
                "rows such as it was fitted on."
            )
        if isinstance(X, np.ndarray) or not is_sparse(X):
            return
        if self.architecture.input_noise:
            raise ValueError(
                "input_noise would make sparse rows dense: pass X.toarray(), or use "
                "Dropout(input_rate=0.2)."
            )
        if not self.program.reads_sparse:
            raise ValueError(
                "Sparse X needs a Dense layer first in `layers`, with at most a Dropout before it: "
                "all else makes dense rows of it. X.toarray() works with any layers."
            )

    def use_optimizer(self, optimizer):
        """Continue with the slots of an optimizer of this kind, or begin with zeros."""
        self.use_slots(optimizer.slots_name, optimizer.n_slots)

    def use_slots(self, name, n_slots):
        state = self.state
        if (name, n_slots) != (self.optimizer, len(state.slots)):
            state.slots = new_arena((n_slots, self.program.n_parameters), self.dtype)
            state.step = 0
            self.optimizer = name

    def engine(self, optimizer, batch_size, n_steps, n_jobs, device, factors=None, keep=False):
        """Return an engine that trains this network in place, for about so many steps.

        `factors` are those of the learning rate, see ``parameter_groups.py``. If `keep`, the
        engine is that of the last call, where it would be made of the same, and is kept for the
        next one, if the device lets it be.
        What users write into the parameters between two calls counts all the same: an engine reads
        them anew in each call.
        """
        program = with_factors(self.program, factors) if factors else self.program
        operations = 3 * batch_size * self.program.flops  # one pass forward, two back
        n_threads = _core.n_threads(n_jobs, operations, n_steps, device)
        seed, keep = 0 if self.seed is None else self.seed, keep and _core.outlives_fit(device)
        numbers = optimizer.code, n_threads, seed, device, os.environ.get("FASTNN_ISA")
        made_of = program, self.state, *self.arenas(), *numbers
        if keep and self._kept is not None and all(map(_is_or_equals, self._kept[1], made_of)):
            return self._kept[0]
        engine = _core.make_engine(
            program, self.state, optimizer.code, batch_size, n_threads, seed, device
        )
        self._kept = (engine, made_of) if keep else None
        return engine

    # What predicts may be other numbers than training goes on from.

    def use_averaging(self, averaging):
        """Continue with the average of an averaging of this kind, or begin a new one.

        Parameters come back as training left them, where nobody has changed them since.
        """
        state, name = self.state, type(averaging).__name__ if averaging is not None else ""
        edited = self._go_on()
        if edited or name != self.averaging:
            size = 0 if averaging is None else self.program.n_parameters
            state.average, state.n_averaged = new_arena(size, self.dtype), 0
            self.averaging = name
        if averaging is not None and state.n_averaged == 0:
            state.average[...] = averaging.starts_from(state.parameters)

    def _go_on(self):
        if self.trained is None:
            return False
        arenas = self.state.parameters, self.state.statistics
        edited = [
            not np.array_equal(arena, shown)
            for arena, (_, shown) in zip(arenas, self.trained, strict=True)
        ]
        for arena, (trained, _), changed in zip(arenas, self.trained, edited, strict=True):
            if not changed:
                arena[...] = trained
        self.trained = None
        return edited[0]

    @property
    def shows_other_numbers(self):
        """Return whether the parameters for prediction differ from those for further training."""
        return self.trained is not None

    def swap_in_average(self, recompute):
        """Put the average of the parameters in their place, if there is one.

        Parameters
        ----------
        recompute : callable
            Called with whether batch norm's statistics are to become those of all layers, or only
            of layers that want them so; see `recompute_statistics`.
        """
        state = self.state
        averaged = state.n_averaged > 0 and len(state.average) > 0
        if not averaged and not self.program.has_exact_statistics:
            return
        arenas = state.parameters, state.statistics
        trained = [arena.copy() for arena in arenas]
        if averaged:
            state.parameters[...] = state.average
        if self.program.n_statistics:
            recompute(averaged)
        self.trained = [(old, arena.copy()) for old, arena in zip(trained, arenas, strict=True)]

    @contextmanager
    def average_parameters(self, recompute):
        """Context in which the average, if any, replaces the parameters."""
        if self.state.n_averaged:
            self.swap_in_average(recompute)
        try:
            yield
        finally:
            self._go_on()

    def arenas(self):
        """Return the arenas that training updates in place."""
        state = self.state
        return state.parameters, state.statistics, state.slots, state.average

    @contextmanager
    def unchanged_on_failure(self, arenas_too):
        """Context that restores the state after an error, the arenas only if `arenas_too`."""
        fields = vars(self.state).copy()
        copies = [(arena, arena.copy()) for arena in self.arenas()] if arenas_too else []
        try:
            yield
        except BaseException:
            for arena, copied in copies:
                np.copyto(arena, copied)
            vars(self.state).update(fields)
            raise

    def recompute_statistics(self, data, n_jobs, device, every_layer=True):
        """Set the moving averages of batch norm to the statistics of these rows.

        That is one step at a learning rate of zero, of a network that forgets at once.

        Parameters
        ----------
        data : fastnn._train.datasets.Dataset
            The training data.
        n_jobs, device
        every_layer : bool, default=True
            Whether that is done for all layers, or only where ``statistics="exact"``.
        """
        X, y, sample_weight, rows = data
        from ..optimizers import SGD

        optimizer, n_rows = SGD(momentum=0.0), len(rows)
        stages = self.program.without_chance()
        is_exact = (stages["kind"] == Kind.BN_APPLY) & (stages["code"] == StatisticsForm.EXACT)
        stages["momentum"] = 1.0 if every_layer else is_exact
        forgetful = self.variant(
            program=replace(self.program, stages=stages),
            state=replace(self.state, average=np.empty(0)),
        )
        engine = forgetful.engine(optimizer, n_rows, 1, n_jobs, device)
        coefficients = optimizer.coefficients(np.zeros(1), 0.0, 0)
        engine.train_steps(X, y, sample_weight, rows, n_rows, coefficients, np.empty((1, 2)))

    def adopt(self, coefs, intercepts):
        """Copy in arrays that a user put in place of the views; return lists of these."""
        return write_into_views(
            coefs_=(coefs, self.coefs), intercepts_=(intercepts, self.intercepts)
        )

    def predict(
        self, X, n_jobs=None, device="cpu", pre_activation=False, both_classes=False, draw=()
    ):
        """Return the output for the rows of X, and whether all of X was finite.

        If `pre_activation`, of a loss that contains the output activation, it is what that would be
        applied to. If `both_classes`, a network of one output has two: 1 minus the output, and the
        output. On the CPU, `draw` may be a seed and a number, whose masks dropout applies.
        """
        program, state = self.program, self.state
        if pre_activation:
            program = program.of_pre_activations
        if device != "cpu" or isinstance(X, DeviceRows):
            on_gpu = isinstance(X, DeviceRows)
            device = _core.chosen_device(device, program, X.shape[0], on_gpu=on_gpu)
        made_of = program, state.parameters, state.statistics, device
        kept = self._predictor
        if kept is None or not _core.are_same(kept[1], made_of):
            kept = self._predictor = _core.make_predictor(*made_of), made_of
        n_threads, n_rows = 1, X.shape[0]
        if n_rows > _core.ROWS_OF_ONE_THREAD or n_jobs not in (None, 1):
            n_threads = _core.n_threads(n_jobs, n_rows * program.flops, device=device)
        return kept[0](X, n_threads, both_classes, *(draw and (draw,)))

    def __getstate__(self):
        return get_state(self)

    def __setstate__(self, state):
        with damage_raises_value_error("a network"):
            set_state(self, state)


def _is_or_equals(a, b):
    """Return whether two values are the same object, or equal numbers or names."""
    return a is b or (isinstance(a, int | str) and a == b)


def _layout(program):
    """Return the places of all arrays, without their initial values."""
    return [array._replace(initial=0.0) for array in program.arrays]
