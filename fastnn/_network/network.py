"""A compiled network together with its numbers: what an estimator predicts with, and pickles."""

import functools
import math
import os
from collections import UserDict
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from scipy.sparse import issparse

from .. import _core
from .._core.codes import Kind, StatisticsForm
from .._core.device_arrays import DeviceRows
from .._core.program import State, new_arena
from .._data.pickles import check_arrays, check_count, damage_raises_value_error
from ..layers import Dropout, checked, dense_activations
from ..losses import LOSSES, check_output_activation, output_stage
from ..optimizers import SGD
from .compiler import compile_program
from .initial_parameters import draw_parameters
from .parameter_groups import with_factors

# What draws at random, of the stages that have a rate.


class Network:
    """A program and the arenas it works on, with views for those who want to see the parameters.

    Parameters
    ----------
    n_features : int
    layers : list of layers
        The last is the output layer, a Dense or Heads.
    loss : str or LossSpec
        One that goes with the activation of the output layer.
    dtype : dtype-like
        float32 or float64.
    input_dropout : float or Dropout, default=0.0
    input_noise : float, default=0.0
        Standard deviation of the noise on the input.
    bfloat16 : bool, default=False
        Whether matrix products take numbers rounded to bfloat16; `dtype` is float32 then.
    tf32 : bool, default=False
        Whether those of a GPU take numbers rounded to TF32; likewise.

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
    optimizer, averaging : str
        Whose slots and whose average the state holds.
    seed : int or None
        Seed of dropout masks and other noise, once there is any.
    encoder : Labels, MultioutputLabels or RealTargets
        Makes targets of what a user gives, and labels of outputs. A pickle does not have it.
    """

    def __init__(
        self,
        n_features,
        layers,
        loss,
        dtype,
        input_dropout=0.0,
        input_noise=0.0,
        bfloat16=False,
        tf32=False,
    ):
        self.n_features, self.loss, self.dtype = n_features, loss, np.dtype(dtype)
        self.bfloat16, self.tf32 = bfloat16, tf32
        self._compile(layers, input_dropout, input_noise)
        self.optimizer, self.seed, self.averaging, self.encoder = "", None, "", None
        self._trained = self._kept = None

    def _compile(self, layers, input_dropout, input_noise):
        self.layers, self.input_dropout, self.input_noise = layers, input_dropout, input_noise
        code, parameter, activation = output_stage(self.loss, layers[-1].activation)
        try:
            self.program = compile_program(
                self.n_features,
                layers,
                code,
                self.dtype,
                input_dropout,
                input_noise,
                parameter,
                activation,
                self.bfloat16,
                {} if isinstance(self.loss, str) else self.loss.native(self.dtype),
                self.tf32,
            )
        except OverflowError:
            raise MemoryError(
                "A network of so many units needs more memory than there are addresses: choose "
                "fewer units."
            ) from None

    def _allocate(self, state=None):
        self.state = State.new(self.program, 0) if state is None else state
        layers = self.program.named(self.state.parameters, self.state.statistics)
        self.coefs = [arrays["coef"] for arrays in layers if "coef" in arrays]
        self.intercepts = [arrays["intercept"] for arrays in layers if "coef" in arrays]
        self.views = (*self.coefs, *self.intercepts)
        self.normalizations = [
            _chosen(arrays, "scale", "shift", "mean", "variance", "g") for arrays in layers
        ]
        self.activation_parameters = [_chosen(arrays, "slope") for arrays in layers]

    def initialize(self, random_state, weight_init=None, bias_init=None):
        """Draw new parameters, layer by layer; they take up memory from now on."""
        self._allocate()
        shapes = [coef.shape for coef in self.coefs]
        activations = dense_activations(self.layers)
        drawn = draw_parameters(random_state, shapes, activations, weight_init, bias_init)
        for coef, intercept, (weights, biases) in zip(
            self.coefs, self.intercepts, drawn, strict=True
        ):
            coef[...], intercept[...] = weights, biases
        for arrays in self.program.named(self.state.parameters):
            if "g" in arrays:  # the network starts as it would without
                arrays["g"][...] = np.linalg.norm(arrays["coef"].astype(float), axis=0)

    @property
    def precision(self):
        """The estimators' name of how numbers are kept and multiplied."""
        if self.bfloat16:
            return "bfloat16"
        return "tf32" if self.tf32 else self.dtype.name

    @property
    def randomness(self):
        """The name of what the engine draws at random in training, or None."""
        kinds = self.program.random_kinds
        return Kind(kinds[0]).cause_of_chance if kinds else None

    def _with(self, **attributes):
        """A network of the same state, of which these attributes differ."""
        network = object.__new__(type(self))
        network.__dict__.update(self.__dict__, **attributes)
        return network

    def copied(self):
        """A network with a copy of the state."""
        network = self._with(_kept=None)
        network._allocate(self.state.copied())
        return network

    def continued(self, layers, loss, input_dropout=0.0, input_noise=0.0):
        """A network of the same state, whose layers may differ in all but their sizes."""
        network = self._with(loss=loss)
        if (layers, loss, input_dropout, input_noise) != (
            self.layers,
            self.loss,
            self.input_dropout,
            self.input_noise,
        ):
            network._compile(layers, input_dropout, input_noise)
            if _layout(network.program) != _layout(self.program):
                raise ValueError(
                    "Training can only go on with layers of the same sizes and normalization: the "
                    f"fitted network has {_description(self.program)}, now asked for is "
                    f"{_description(network.program)}."
                )
        return network

    def draw_seed(self, random_state):
        """Have a seed for all that is drawn in training."""
        if self.seed is None:
            self.seed = int(random_state.randint(np.iinfo(np.int32).max))

    def check_rows(self, X):
        """Refuse rows of another width, and sparse ones where no matrix product comes first."""
        if X.shape[1] != self.n_features:
            raise ValueError(
                f"X has {X.shape[1]} features, but the network has {self.n_features} inputs: pass "
                "rows such as it was fitted on."
            )
        if issparse(X) and self.input_noise:
            raise ValueError(
                "input_noise would leave nothing sparse of sparse rows: pass X.toarray(), or use "
                "Dropout(input_rate=0.2)."
            )
        if issparse(X) and not self.program.reads_sparse:
            raise ValueError(
                "Sparse X needs a Dense layer first in `layers`, with at most a Dropout before it: "
                "all else makes dense rows of it. X.toarray() works with any layers."
            )

    def use_optimizer(self, optimizer):
        """Go on with the slots of an optimizer of this kind, or with zeros if it is another."""
        self._use_slots(type(optimizer).__name__, optimizer.n_slots)

    def _use_slots(self, name, n_slots):
        state = self.state
        if (name, n_slots) != (self.optimizer, len(state.slots)):
            state.slots = new_arena((n_slots, self.program.n_parameters), self.dtype)
            state.step = 0
            self.optimizer = name

    def engine(self, optimizer, batch_size, n_steps, n_jobs, device, factors=None, keep=False):
        """An engine that trains this network in place, for about so many steps.

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
        """Go on with the average of an averaging of this kind, or begin a new one.

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
        if self._trained is None:
            return False
        arenas = self.state.parameters, self.state.statistics
        edited = [
            not np.array_equal(arena, shown)
            for arena, (_, shown) in zip(arenas, self._trained, strict=True)
        ]
        for arena, (trained, _), changed in zip(arenas, self._trained, edited, strict=True):
            if not changed:
                arena[...] = trained
        self._trained = None
        return edited[0]

    @property
    def shows_other_numbers(self):
        """Whether what predicts is not what training goes on from."""
        return self._trained is not None

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
        self._trained = [(old, arena.copy()) for old, arena in zip(trained, arenas, strict=True)]

    @contextmanager
    def average_parameters(self, recompute):
        """Where there is an average, `swap_in_average` for a while."""
        if self.state.n_averaged:
            self.swap_in_average(recompute)
        try:
            yield
        finally:
            self._go_on()

    def arenas(self):
        """All that training changes in place."""
        state = self.state
        return state.parameters, state.statistics, state.slots, state.average

    @contextmanager
    def unchanged_on_failure(self, arenas_too):
        """What fails inside leaves the state as it was, the arenas only if `arenas_too`."""
        fields = vars(self.state).copy()
        copies = [(arena, arena.copy()) for arena in self.arenas()] if arenas_too else []
        try:
            yield
        except BaseException:
            for arena, copied in copies:
                np.copyto(arena, copied)
            vars(self.state).update(fields)
            raise

    def recompute_statistics(self, X, y, sample_weight, rows, n_jobs, device, every_layer=True):
        """Set the moving averages of batch norm to the statistics of these rows.

        That is one step at a learning rate of zero, of a network that forgets at once.

        Parameters
        ----------
        X, y, sample_weight, rows
            What is trained on, see `fastnn._train.settings.Dataset`.
        n_jobs, device
        every_layer : bool, default=True
            Whether that is done for all layers, or only where ``statistics="exact"``.
        """
        optimizer, n_rows = SGD(momentum=0.0), len(rows)
        stages = self.program.without_chance()
        is_exact = (stages["kind"] == Kind.BN_APPLY) & (stages["code"] == StatisticsForm.EXACT)
        stages["momentum"] = 1.0 if every_layer else is_exact
        forgetful = self._with(
            program=replace(self.program, stages=stages),
            state=replace(self.state, average=np.empty(0)),
        )
        engine = forgetful.engine(optimizer, n_rows, 1, n_jobs, device)
        coefficients = optimizer.coefficients(np.zeros(1), 0.0, 0)
        engine.train_steps(X, y, sample_weight, rows, n_rows, coefficients, np.empty((1, 2)))

    def adopt(self, coefs, intercepts):
        """Copy in what a user put into these in place of the views: all of it, or nothing.

        Returns
        -------
        coefs, intercepts : list of ndarray
            The views; in the same lists, which a user may hold.
        """
        pairs = (coefs, self.coefs), (intercepts, self.intercepts)
        edits = [
            _edits(name, *pair) for name, pair in zip(("coefs_", "intercepts_"), pairs, strict=True)
        ]
        for (given, views), its_edits in zip(pairs, edits, strict=True):
            for i, (one, array) in its_edits.items():
                views[i][...] = array
                if isinstance(given, list) and given[i] is one:
                    given[i] = views[i]
        return [given if isinstance(given, list) else list(views) for given, views in pairs]

    def predict(self, X, n_jobs=None, device="cpu", pre_activation=False):
        """Output of the network for the rows of X, and whether all of X was finite.

        Instead of the output, its pre-activation, where the loss contains the activation.
        """
        program, state = self.program, self.state
        if pre_activation:
            stages = program.stages.copy()
            stages["code"][program.is_output] = LOSSES["squared_error"].code
            stages["parameter"][program.is_output] = 0.0
            program = replace(program, stages=stages)
        on_gpu = isinstance(X, DeviceRows)
        device = _core.chosen_device(device, program, X.shape[0], on_gpu=on_gpu)
        out = np.empty((X.shape[0], program.n_outputs), self.dtype)
        n_threads = _core.n_threads(n_jobs, out.shape[0] * program.flops, device=device)
        finite = _core.predict(
            program, state.parameters, state.statistics, X, out, n_threads, device
        )
        return out, finite

    # A pickle holds plain arrays, so that it does not depend on how arenas are laid out.

    def _in_order(self, are_statistics=False):
        """Where the arrays lie, in the order of a pickle."""
        arrays = [array for array in self.program.arrays if array.is_statistic == are_statistics]
        # The first pickles had all weights, then all biases, then the rest.
        first = {"coef": 0, "intercept": 1}
        return sorted(arrays, key=lambda array: first.get(array.name, 2))

    def _arrays(self, arena, are_statistics=False):
        return [array.view(arena) for array in self._in_order(are_statistics)]

    def __getstate__(self):
        state = self.state
        statistics = self._arrays(state.statistics, are_statistics=True)
        arrays = [statistics, *map(self._arrays, [state.parameters, *state.slots])]
        return {
            "n_features": self.n_features,
            "layers": self.layers,
            "loss": self.loss,
            "dtype": self.dtype.name,
            "input_dropout": self.input_dropout,
            "input_noise": self.input_noise,
            "bfloat16": self.bfloat16,
            "tf32": self.tf32,
            "optimizer": self.optimizer,
            "seed": self.seed,
            "step": state.step,
            "arrays": [[array.copy() for array in group] for group in arrays],
            "averaging": self.averaging,
            "n_averaged": state.n_averaged,
            "average": [a.copy() for a in self._arrays(state.average)] if self.averaging else None,
            "trained": self._pickled_trained(),
        }

    def _pickled_trained(self):
        if self._trained is None:
            return None
        arenas = self.state.parameters, self.state.statistics
        return [
            (
                [array.copy() for array in self._arrays(trained, are_statistics)],
                np.array_equal(arena, shown),
            )
            for are_statistics, (arena, (trained, shown)) in enumerate(
                zip(arenas, self._trained, strict=True)
            )
        ]

    def __setstate__(self, state):
        with damage_raises_value_error("a network"):
            self._take(state)

    def _take(self, state):
        names = (
            "n_features",
            "layers",
            "loss",
            "dtype",
            "input_dropout",
            "input_noise",
            "bfloat16",
            "tf32",
        )
        made_of = {name: state[name] for name in names if name in state}
        _check_parts(**made_of)
        self.__init__(**made_of)
        statistics, parameters, *slots = state["arrays"]
        # What came after the first pickles.
        self.averaging = state.get("averaging", "")
        average = [state["average"]] if self.averaging else []
        of_trained = state.get("trained") or []
        trained = [arrays for arrays, _ in of_trained]
        self._check_arrays([parameters, *slots, *average, *trained[:1]])
        self._check_arrays([statistics, *trained[1:]], are_statistics=True)
        for name in ("step", "n_averaged"):
            check_count(name, state.get(name, 0))
        if state["seed"] is not None:
            check_count("seed", state["seed"])

        self._allocate()
        self._use_slots(state["optimizer"], len(slots))
        self.seed, self.state.step = state["seed"], state["step"]
        if self.averaging:
            self.state.average = new_arena(self.program.n_parameters, self.dtype)
            self.state.n_averaged = state["n_averaged"]
        self._fill(self.state.statistics, statistics, are_statistics=True)
        arenas = [self.state.parameters, *self.state.slots, self.state.average]
        for arena, arrays in zip(arenas, [parameters, *slots, *average], strict=False):
            self._fill(arena, arrays)
        if of_trained:
            self._trained = []
            arenas = self.state.parameters, self.state.statistics
            for are_statistics, (arena, (arrays, unchanged)) in enumerate(
                zip(arenas, of_trained, strict=True)
            ):
                its_trained, shown = np.zeros_like(arena), arena.copy()
                self._fill(its_trained, arrays, are_statistics)
                if not unchanged:
                    shown = np.empty(0)  # what is shown is not what was: it counts
                self._trained.append((its_trained, shown))

    def _check_arrays(self, groups, are_statistics=False):
        shapes = [array.shape for array in self._in_order(are_statistics)]
        for arrays in groups:
            check_arrays(arrays, shapes, self.dtype)

    def _fill(self, arena, arrays, are_statistics=False):
        for view, array in zip(self._arrays(arena, are_statistics), arrays, strict=True):
            view[...] = array


def _check_parts(
    n_features,
    layers,
    loss,
    dtype,
    input_dropout=0.0,
    input_noise=0.0,
    bfloat16=False,
    tf32=False,
):
    """Refuse arguments of `Network` that no estimator makes."""
    check_count("n_features", n_features, least=1)
    *hidden, output = layers
    for layer in hidden:
        checked(layer)
    check_output_activation(loss, output.activation)
    for n_units in np.atleast_1d(output.units).tolist():
        check_count("units", n_units, least=1)
    rounded = bfloat16 or tf32
    if dtype not in ("float32", "float64") or (rounded and dtype != "float32"):
        raise ValueError(f"a network of {dtype!r} with bfloat16={bfloat16!r}, tf32={tf32!r}.")
    checked(input_dropout if isinstance(input_dropout, Dropout) else Dropout(input_dropout))
    if not 0 <= input_noise < math.inf:
        raise ValueError(f"input_noise is {input_noise!r}.")


def _is_or_equals(a, b):
    """Whether these are the same object, or the same number or name."""
    return a is b or (isinstance(a, int | str) and a == b)


def _edits(name, given, views):
    """What a user put in place of views, by its number: as it is, and as a copy that was checked.

    A copy, as one may be a part of another's view.
    """
    if len(given) != len(views):
        raise ValueError(f"{name} has {len(given)} arrays, but there are {len(views)} layers.")
    return {
        i: (one, _fitting(f"{name}[{i}]", one, view))
        for i, (one, view) in enumerate(zip(given, views, strict=True))
        if one is not view
    }


def _fitting(name, given, view):
    """A copy of an array that can take the place of a view."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be an array of real numbers, and has the type {array.dtype}: convert it, "
            "as by .astype(float)."
        )
    if array.shape != view.shape:
        raise ValueError(f"{name} has shape {array.shape}, but the network needs {view.shape}.")
    with np.errstate(over="ignore"):  # looked at below
        array = array.astype(view.dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite in {view.dtype}, and has NaN or infinity.")
    return array


class _Views(UserDict):
    """Views of parameters by name, into which is written what is put in their place."""

    def __init__(self, views):
        self.data = views

    def __setitem__(self, name, array):
        view = self.data[name]
        view[...] = _fitting(f"{name!r}", array, view)

    def __delitem__(self, name):
        raise TypeError(f"{name!r} is a part of the network, and cannot be taken away.")

    def copy(self):
        return self.data.copy()


def _chosen(arrays, *names):
    """Those of these names, or None if there is none."""
    return _Views({name: arrays[name] for name in names if name in arrays}) or None


def _layout(program):
    """All arrays, whatever they start from."""
    return [array._replace(initial=0.0) for array in program.arrays]


def _description(program):
    """Such as 784-100 normalised-10."""
    layers = [str(program.n_features)]
    for arrays in program.shapes():
        units = f"-{arrays['coef'][1]}" if "coef" in arrays else ""
        layers.append(units + " normalised" * (not arrays.keys().isdisjoint({"scale", "g"})))
    return "".join(layers)


@functools.cache
def _memory():
    """What this machine has, in bytes; infinity where that is unknown: the allocation will tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def check_memory(program, n_arrays, batch_size, is_sparse):
    """Refuse a network that this machine cannot hold, before anything is allocated.

    `n_arrays` is how many of the size of all parameters there are beside them: slots and more.
    """
    # Two copies to go back to, transposed weights; rows, values and gradients of a batch.
    of_batch = program.n_values + program.n_gradients
    of_batch -= program.n_features if is_sparse else 0
    n_numbers = program.n_parameters * (3 + n_arrays) + batch_size * of_batch
    if program.bfloat16:  # two bytes for each operand
        n_numbers += (program.n_parameters + program.n_transposed + batch_size * of_batch) / 2
    else:
        n_numbers += program.n_transposed
    needed = n_numbers * program.dtype.itemsize
    available = _memory()
    if needed > available:
        raise MemoryError(
            f"A network of {_description(program)} units, trained on batches of {batch_size} "
            f"rows, needs about {needed / 1e9:.3g} GB of memory, and this machine has "
            f"{available / 1e9:.3g} GB: choose fewer units or a smaller batch_size."
        )
