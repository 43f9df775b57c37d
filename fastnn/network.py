"""A compiled network together with its numbers: what an estimator predicts with, and pickles."""

import copy
import os
from dataclasses import replace
from itertools import pairwise

import numpy as np

from . import _core
from .initializers import draw_parameters
from .losses import LOSSES
from .optimizers import SGD
from .program import State, aligned_zeros, compile_program
from .regularizers import with_factors


class Network:
    """A program and the arenas it works on, with views for those who want to see the parameters.

    Parameters
    ----------
    n_features : int
    layers : list of Dense
        The last is the output layer.
    loss : str
        Name of the loss.
    dtype : dtype-like
        float32 or float64.
    input_dropout : float, default=0.0

    Attributes
    ----------
    coefs, intercepts : list of ndarray
        Views of the parameters of each layer.
    views : tuple of ndarray
        All of these.
    normalizations : list of (dict or None)
        Views of the "scale", "shift", "mean" and "variance" of each layer that is normalised.
    optimizer : str
        Whose slots the state holds.
    seed : int or None
        Seed of the dropout masks, once there are any.
    """

    def __init__(self, n_features, layers, loss, dtype, input_dropout=0.0):
        self.n_features, self.loss, self.dtype = n_features, loss, np.dtype(dtype)
        self._compile(layers, input_dropout)
        self.state = State.new(self.program, 0)
        self.optimizer, self.seed = "", None
        self._name_views()

    def _compile(self, layers, input_dropout):
        self.layers, self.input_dropout = layers, input_dropout
        code = LOSSES[self.loss].code
        self.program = compile_program(self.n_features, layers, code, self.dtype, input_dropout)

    def _name_views(self):
        parameters = self.state.parameters
        self.coefs = self.program.coefs(parameters)
        self.intercepts = self.program.intercepts(parameters)
        self.views = (*self.coefs, *self.intercepts)
        self.normalizations = self.program.norms(parameters, self.state.statistics)

    def initialize(self, random_state, activation, weight_init=None, bias_init=None):
        """Draw new parameters, layer by layer."""
        shapes = [coef.shape for coef in self.coefs]
        drawn = draw_parameters(random_state, shapes, activation, weight_init, bias_init)
        for coef, intercept, (weights, biases) in zip(
            self.coefs, self.intercepts, drawn, strict=True
        ):
            coef[...], intercept[...] = weights, biases

    @property
    def drops_out(self):
        """Whether there is any dropout."""
        return self.input_dropout > 0 or any(layer.dropout > 0 for layer in self.layers)

    def continued(self, layers, loss, input_dropout):
        """A network of the same arenas, whose layers may differ in all but their sizes."""
        if _description(layers) != _description(self.layers):
            raise ValueError(
                "Training can only go on with layers of the same sizes and normalization: the "
                f"fitted network has {_description(self.layers)}, now asked for is "
                f"{_description(layers)}."
            )
        network = object.__new__(type(self))
        network.__dict__.update(self.__dict__, state=copy.copy(self.state), loss=loss)
        if (layers, loss, input_dropout) != (self.layers, self.loss, self.input_dropout):
            network._compile(layers, input_dropout)
        return network

    def use_optimizer(self, optimizer):
        """Go on with the slots of an optimizer of this kind, or with zeros if it is another."""
        self._use_slots(type(optimizer).__name__, optimizer.n_slots)

    def _use_slots(self, name, n_slots):
        state = self.state
        if (name, n_slots) != (self.optimizer, len(state.slots)):
            state.slots = aligned_zeros((n_slots, self.program.n_parameters), self.dtype)
            state.step = 0
            self.optimizer = name

    def engine(self, optimizer, batch_size, n_steps, n_jobs, device, factors=None):
        """An engine that trains this network in place, for about so many steps.

        `factors` are those of the learning rate, see ``regularizers.py``.
        """
        program = with_factors(self.program, factors) if factors else self.program
        operations = 3 * batch_size * self.program.flops  # one pass forward, two back
        n_threads = _core.n_threads(n_jobs, operations, n_steps, device)
        seed = 0 if self.seed is None else self.seed
        return _core.make_engine(
            program, self.state, optimizer.code, batch_size, n_threads, seed, device
        )

    def settle_averages(self, X, y, sample_weight, n_jobs, device):
        """Set the moving averages to the statistics of these rows.

        That is one step at a learning rate of zero, of a network that forgets at once.
        """
        settled = self.continued([_forgetful(layer) for layer in self.layers], self.loss, 0.0)
        optimizer, n_rows = SGD(momentum=0.0), X.shape[0]
        engine = settled.engine(optimizer, n_rows, 1, n_jobs, device)
        coefficients = optimizer.coefficients(np.zeros(1), 0.0, 0)
        engine.train_steps(X, y, sample_weight, None, n_rows, coefficients, np.empty((1, 2)))

    def adopt(self, coefs, intercepts):
        """Copy in what a user put into these lists in place of the views; the views return."""
        self._adopt("coefs_", coefs, self.coefs)
        self._adopt("intercepts_", intercepts, self.intercepts)

    @staticmethod
    def _adopt(name, given, views):
        if len(given) != len(views):
            raise ValueError(f"{name} has {len(given)} arrays, but there are {len(views)} layers.")
        given = [np.asarray(array) for array in given]
        for i, (array, view) in enumerate(zip(given, views, strict=True)):
            if array.shape != view.shape:
                raise ValueError(
                    f"{name}[{i}] has shape {array.shape}, but the network needs {view.shape}."
                )
        for array, view in zip(given, views, strict=True):
            if array is not view:
                view[...] = array

    def predict(self, X, n_jobs=None, device="cpu"):
        """Output of the network for the rows of X, and whether all of X was finite."""
        program, state = self.program, self.state
        out = np.empty((X.shape[0], program.n_outputs), self.dtype)
        n_threads = _core.n_threads(n_jobs, out.shape[0] * program.flops, device=device)
        finite = _core.predict(
            program, state.parameters, state.statistics, X, out, n_threads, device
        )
        return out, finite

    # A pickle holds plain arrays, so that it does not depend on how arenas are laid out.

    def _arrays(self, arena):
        norms = filter(None, self.program.norms(arena, self.state.statistics))
        return [
            *self.program.coefs(arena),
            *self.program.intercepts(arena),
            *(norm[name] for norm in norms for name in ("scale", "shift")),
        ]

    def _averages(self):
        norms = filter(None, self.normalizations)
        return [norm[name] for norm in norms for name in ("mean", "variance")]

    def __getstate__(self):
        state = self.state
        arrays = [self._averages(), *map(self._arrays, [state.parameters, *state.slots])]
        return {
            "n_features": self.n_features,
            "layers": self.layers,
            "loss": self.loss,
            "dtype": self.dtype.name,
            "input_dropout": self.input_dropout,
            "optimizer": self.optimizer,
            "seed": self.seed,
            "step": state.step,
            "arrays": [[array.copy() for array in group] for group in arrays],
        }

    def __setstate__(self, state):
        names = ("n_features", "layers", "loss", "dtype", "input_dropout")
        self.__init__(**{name: state[name] for name in names})
        averages, parameters, *slots = state["arrays"]
        self._use_slots(state["optimizer"], len(slots))
        self.seed, self.state.step = state["seed"], state["step"]
        groups = [(self._averages(), averages), (self._arrays(self.state.parameters), parameters)]
        groups += [
            (self._arrays(arena), slot) for arena, slot in zip(self.state.slots, slots, strict=True)
        ]
        for views, arrays in groups:
            for view, array in zip(views, arrays, strict=True):
                view[...] = array


def _description(layers):
    return "-".join(f"{layer.units}{' normalised' * bool(layer.normalization)}" for layer in layers)


def _forgetful(layer):
    normalization = layer.normalization and replace(layer.normalization, momentum=1.0)
    return replace(layer, normalization=normalization, dropout=0.0)


def check_memory(n_features, layers, dtype, n_slots, batch_size, is_sparse):
    """Refuse a network that this machine cannot hold, before anything is allocated."""
    units = [n_features, *(layer.units for layer in layers)]
    n_parameters = sum((fan_in + 3) * fan_out for fan_in, fan_out in pairwise(units))
    # Parameters, slots and two copies to go back to; rows, values and gradients of a batch.
    n_numbers = n_parameters * (3 + n_slots)
    n_numbers += batch_size * (2 * sum(units[1:]) + (0 if is_sparse else n_features))
    needed = n_numbers * np.dtype(dtype).itemsize
    try:
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # unknown here: the allocation will tell
        return
    if needed > available:
        raise MemoryError(
            f"A network of {'-'.join(map(str, units))} units, trained on batches of {batch_size} "
            f"rows, needs about {needed / 1e9:.3g} GB of memory, and this machine has "
            f"{available / 1e9:.3g} GB: choose smaller hidden_layer_sizes or a smaller batch_size."
        )
