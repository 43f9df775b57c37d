"""Access to the network of an estimator, its losses and gradients, for diagnostics.

Nothing is trained: a probe has the initial parameters of `fit`, or the fitted ones.
"""

import math
import warnings
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from sklearn.base import clone, is_classifier

from .._core.codes import Kind
from .._core.device_arrays import to_host
from .._core.program import aligned_zeros
from .._data.rows import read_data
from .._data.sample_weights import row_weights
from .._fit.build import build_network
from .._fit.randomness import generator
from .._fit.resolve import batch_size_of, optimizer_of
from .._network.network import Network
from .._train.datasets import Dataset
from ..estimators.base import BaseMLP
from ..estimators.multitask import MultiTaskMLP
from ..losses import LOSSES, row_and_parameter
from ..optimizers import LBFGS, SGD
from ..schedules import Scheduled

# The stages of a dense layer end before one of these.
_NEXT = Kind.DENSE, Kind.FORK, Kind.JOIN, Kind.OUTPUT


def is_fitted(estimator):
    """Return whether an estimator is fitted."""
    return "_network" in vars(estimator)


def find_network(estimator, who):
    """Return the estimator, or that at the end of a pipeline; `who` begins the error message."""
    model = estimator
    if not isinstance(model, BaseMLP) and getattr(estimator, "steps", None):
        model = estimator.steps[-1][1]
    if not isinstance(model, BaseMLP):
        raise TypeError(
            f"{who} an MLPClassifier or MLPRegressor, or a Pipeline that ends with one, got "
            f"{type(estimator).__name__}: of what wraps one, pass that, such as best_estimator_."
        )
    return model


def refuse_heads(estimator, who):
    """Raise a ValueError if the heads are of several kinds; `who` begins the message."""
    model = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if isinstance(model, MultiTaskMLP):
        raise ValueError(
            f"{who} one kind of targets, and a MultiTaskMLP has several: fit an MLPClassifier or "
            "an MLPRegressor for each head."
        )


def unwrap(estimator, *rows, y=None):
    """Return the estimator at the end of a pipeline, and rows transformed by the other steps.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
        The steps of a pipeline that is not fitted are cloned, and fitted to the first of `rows`.
    *rows : array-like or None
    y : array-like, default=None

    Returns
    -------
    model : MLPClassifier or MLPRegressor
    *rows
    """
    model = find_network(estimator, "Diagnostics look into")
    if model is estimator:
        return model, *rows
    steps = estimator.steps
    if len(steps) == 1:
        return model, *rows
    first = estimator[:-1]
    if not is_fitted(model):
        first = clone(first).fit(rows[0], y)
    return model, *(one if one is None else first.transform(one) for one in rows)


def silent_clone(estimator, random_state, **parameters):
    """Return an unfitted clone that trains silently on the CPU, without callbacks."""
    own = dict(verbose=False, warm_start=False, device="cpu", callbacks=None)
    if estimator.precision in ("bfloat16", "tf32"):
        own["precision"] = "float32"
    if estimator.random_state is None:
        own["random_state"] = random_state
    own |= parameters
    known = estimator.get_params(deep=False)
    copied = clone(estimator).set_params(**{name: own[name] for name in own if name in known})
    vars(copied).pop("_skl_callbacks", None)  # a clone has scikit-learn's too
    return copied


class Probe:
    """Network in float64 on the CPU, without randomness, and rows to evaluate it on.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        The estimator, which is not modified.
    X, y
        As for `fit`.
    max_rows : int
        Largest number of rows; more are subsampled.
    random_state : int
        Seed of the subsample, and of an estimator that has none.
    fresh : bool, default=False
        Whether to use the initial parameters of `fit` even if the estimator is fitted.

    Attributes
    ----------
    model : estimator
        A copy of the estimator, with its classes.
    network : Network
        A copy of the network, as it is trained.
    X, y, targets, sample_weight
        The rows, their targets as given and as the engine reads them, and their weights.
    rows : ndarray of int
        Their numbers among the rows given.
    n_heads : int
        Number of output layers.
    loss_divisor : int
        Divisor of the loss when it is reported.
    batch_size : int
        Number of rows of a training batch.
    alpha : float
        Strength of the penalty, divided by the rows of a batch.
    arena : ndarray
        The last gradient.
    """

    def __init__(self, estimator, X, y, max_rows, random_state, fresh=False):
        estimator, X = unwrap(estimator, X, y=y)
        fitted = is_fitted(estimator) and not fresh
        if fitted:
            estimator._fitted()
            self.model = estimator._twin()
        else:
            self.model = silent_clone(estimator, random_state, precision="float64")._twin()
            self.model._validate_params()
        model, dtype = self.model, np.dtype(np.float64)
        optimizer = optimizer_of(model)
        X, y = read_data(model, to_host(X), y, reset=not fitted)
        if fitted:
            self.network = _in_float64(model._network)
            loss, encoder = self.network.loss, self.network.encoder
        else:
            encoder, loss = model._encoder(y, None, False, None)
        weights = row_weights(
            None,
            X,
            dtype,
            class_weight=model.class_weight,
            labels=encoder,
            y=y,
            balance=(y, None),
        )
        n_rows = X.shape[0]
        self.rows = np.arange(n_rows)
        if n_rows > max_rows:
            drawn = np.random.RandomState(random_state).choice(n_rows, max_rows, replace=False)
            drawn.sort()
            X, y, weights = X[drawn], y[drawn], None if weights is None else weights[drawn]
            self.rows = drawn
        if not fitted:
            with generator(model.random_state, to_keep=True) as drawing:
                self.network, _ = build_network(model, optimizer, X, loss, encoder, dtype, drawing)
        self.X, self.y, self.sample_weight = X, y, weights
        self.targets = encoder.encode(y, dtype, loss)
        program = self.network.program
        self.n_heads = program.n_heads
        row = row_and_parameter(loss)[0]
        self.loss_divisor = program.n_outputs if row.mean_over_outputs else 1
        all_rows = isinstance(optimizer, LBFGS)
        self.batch_size = (
            n_rows if all_rows else batch_size_of(model, optimizer, n_rows, self.network)
        )
        alpha = model.alpha.value if isinstance(model.alpha, Scheduled) else model.alpha
        self.alpha = alpha * optimizer.uses_alpha / self.batch_size
        self._without_chance = self.network.variant(
            program=replace(program, stages=program.without_chance())
        )
        numbers = np.arange(program.n_parameters, dtype=np.int64)
        self._places = np.concatenate(
            [array.view(numbers).ravel() for array in program.arrays if not array.is_statistic]
        )
        self.arena = aligned_zeros(program.n_parameters, dtype)
        self._engine = None
        if program.n_statistics and not fitted and X.shape[0] > 1:
            data = Dataset.of(X, self.targets, weights)
            self.network.recompute_statistics(data, model.n_jobs, "cpu")

    @property
    def is_classifier(self):
        return is_classifier(self.model)

    def take(self, rows):
        """Keep only the rows with these indices."""
        self.X, self.y, self.rows = self.X[rows], self.y[rows], self.rows[rows]
        if self.sample_weight is not None:
            self.sample_weight = self.sample_weight[rows]
        network = self.network
        self.targets = network.encoder.encode(self.y, network.dtype, network.loss)

    # All parameters as one vector, without the padding of an arena.

    @property
    def parameters(self):
        """Copy of all trained parameters, of shape (n,)."""
        return self.flat(self.network.state.parameters)

    @parameters.setter
    def parameters(self, vector):
        self.network.state.parameters[self._places] = vector

    def flat(self, arena):
        """Return the trained parameters, or their gradients, in an arena as a vector."""
        return arena[self._places]

    def engine(self):
        """Return an engine that evaluates the network without randomness."""
        if self._engine is None:
            optimizer = SGD(momentum=0.0)
            n_rows, n_jobs = self.X.shape[0], self.model.n_jobs
            self._engine = self._without_chance.engine(optimizer, n_rows, 1, n_jobs, "cpu")
        return self._engine

    def differentiate(self, alpha=0.0):
        """Return training loss and penalty, and write their gradient to `arena`.

        Parameters
        ----------
        alpha : float, default=0.0
            Strength of the penalty, divided by the rows of a batch.
        """
        weights, model = self.sample_weight, self.model
        total = self.X.shape[0] if weights is None else weights.sum()
        return self.engine().loss_and_grad(
            self.X,
            self.targets,
            weights,
            alpha * total,
            self.arena,
            l1_ratio=model.l1_ratio,
            penalize_intercepts=model.penalize_intercepts,
        )

    def gradient(self, alpha=0.0):
        """Return the gradient of loss and penalty by `parameters`, of shape (n,)."""
        self.differentiate(alpha)
        return self.flat(self.arena)

    def differentiate_row(self, number):
        """Return the loss of a row, as it is reported, and write its gradient to `arena`.

        With batch normalization, all rows are in the statistics.
        """
        if self.network.program.n_statistics:
            weights = np.zeros(self.X.shape[0])
            weights[number] = 1
            given = self.X, self.targets, weights
        else:
            row = slice(number, number + 1)
            given = self.X[row], self.targets[row].copy(), None  # heads have columns
        return self.engine().loss_and_grad(*given, 0.0, self.arena)[0] / self.loss_divisor

    def loss(self):
        """Return the mean loss of the rows, as it is reported."""
        return self.differentiate()[0] / self.loss_divisor

    def gradients(self):
        """Return the gradients by the weights of each dense layer, shaped like `coefs_`."""
        self.differentiate()
        return [array.copy() for array in self.network.program.coefs(self.arena)]

    def unit_gradients(self):
        """Return the gradients by the pre-activations: arrays (n_rows, units), like `coefs_`.

        Each row is a batch of its own, in which the gradient by a bias is that by its unit.
        """
        rows = []
        for number in range(self.X.shape[0]):
            self.differentiate_row(number)
            rows.append([bias.copy() for bias in self.network.program.intercepts(self.arena)])
        return [np.array(values) for values in zip(*rows, strict=True)]

    def activations(self):
        """Return the activations of each dense layer; see `fastnn.diagnostics.activations_of`."""
        return activations(self._without_chance, self.X, self.model.n_jobs)

    def layer_names(self):
        """Return names of the dense layers, such as "layer 0 (784-100)"."""
        shapes = [coef.shape for coef in self.network.coefs]
        return [f"layer {i} ({n_in}-{units})" for i, (n_in, units) in enumerate(shapes)]


def _in_float64(network):
    """Return a copy of a network in float64."""
    architecture = replace(network.architecture, dtype=np.float64, bfloat16=False, tf32=False)
    twin = Network(architecture)
    twin.allocate()
    twin.seed, twin.encoder = network.seed, network.encoder
    for mine, theirs in zip(twin.program.arrays, network.program.arrays, strict=True):
        arenas = (
            (twin.state.statistics, network.state.statistics)
            if mine.is_statistic
            else (twin.state.parameters, network.state.parameters)
        )
        mine.view(arenas[0])[...] = theirs.view(arenas[1])
    return twin


def activations(network, X, n_jobs=None):
    """Return the activations of each dense layer, output layers last: arrays (n_rows, units)."""
    stages, widths = _with_taps(network.program)
    program = replace(network.program, stages=np.array(stages), n_outputs=sum(widths))
    values, _ = network.variant(program=program).predict(X, n_jobs)
    return np.split(values, np.cumsum(widths)[:-1], axis=1)


def up_to_layer(network, layer):
    """Return a network whose outputs are the activations of a hidden layer of this one."""
    stages, widths = _with_taps(network.program, layer)
    *before, tap = stages
    stages = [*(stage for stage in before if stage["kind"] != Kind.OUTPUT), tap]
    program = replace(network.program, stages=np.array(stages), n_outputs=widths[-1])
    return network.variant(program=program)


def _with_taps(program, last=None):
    """Return the stages with an output after each dense layer, up to one, and their widths."""
    stages, widths, inside = [], [], False
    kinds = program.stages["kind"]
    for stage, following in zip(program.stages, [*kinds[1:], -1], strict=True):
        stages.append(stage)
        inside = inside or stage["kind"] == Kind.DENSE
        if inside and following in _NEXT:
            inside = False
            widths.append(int(stage["n_out"]))
            if following != Kind.OUTPUT:  # read as an additional output
                tap = stage.copy()
                tap["kind"], tap["code"] = Kind.OUTPUT, LOSSES["squared_error"].code
                stages.append(tap)
            if len(widths) - 1 == last:
                break
    return stages, widths


@contextmanager
def ignore_warnings():
    """Ignore warnings, such as those of a training that is stopped early on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def magnitude(values):
    """Return the root mean square; infinity if a value is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = math.sqrt(float(np.mean(np.square(values)))) if values.size else 0.0
    return found if math.isfinite(found) else math.inf
