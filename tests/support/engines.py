"""The native engine with the methods of the reference's network, so that tests compare the two."""

from functools import partial

import numpy as np

from fastnn import _core, losses
from fastnn._core import program
from fastnn._core.codes import Column
from fastnn._network.compiler import compile_program
from fastnn._network.parameter_groups import with_factors
from fastnn._train.regularization import Regularization
from fastnn.heads import MixedLoss
from fastnn.losses import LOSSES
from fastnn.optimizers import OPTIMIZERS, SGD, Momentum, RMSprop, Rprop

# By the names of the reference.
SOLVERS = {
    **OPTIMIZERS,
    "sgd": partial(SGD, momentum=0.0, nesterov=False),
    "momentum": partial(SGD, nesterov=False),
    "nesterov": SGD,
    "momentum_of_gradients": partial(SGD, nesterov=False, velocity="gradients"),
    "nesterov_of_gradients": partial(SGD, velocity="gradients"),
    "averaged": Momentum,
    "rmsprop_momentum": partial(RMSprop, momentum=0.9),
    "rmsprop_centered": partial(RMSprop, momentum=0.9, centered=True),
    "rprop_minus": partial(Rprop, wait=False),
    "look_ahead": partial(SGD, nesterov="look_ahead"),
}
del SOLVERS["lbfgs"]

# Every optimizer with one loss, every loss with one or two optimizers.
COMBINATIONS = [(optimizer, "log_loss") for optimizer in SOLVERS]
COMBINATIONS += [("adam", loss) for loss in LOSSES if loss != "log_loss"]
COMBINATIONS += [
    ("nesterov", loss) for loss in ("squared_error", "binary_log_loss", "poisson", "huber")
]


def large_epsilon(optimizer):
    """Return an epsilon with which a gradient that is a rounding error makes no whole step."""
    return {"epsilon": 1e-3} if "epsilon" in SOLVERS[optimizer]().names() else {}


def small_rate(optimizer):
    """A learning rate at which no rounding error grows to something else in some steps.

    With momentum, the first steps of RMSprop are up to a hundred times as long as the rate. Rprop
    turns where the gradient is a rounding error, if it comes there.
    """
    long = "rmsprop_momentum", "rmsprop_centered", "rprop", "rprop_minus"
    return 0.002 if optimizer in long else 0.02


class Engine:
    """A native engine that starts where a reference network is.

    Parameters
    ----------
    network : reference.Network
    loss : str or LossSpec
    optimizer : str
    dtype : "float32", "float64", "bfloat16" or "tf32"
    factors : dict, optional
        Of the learning rate, as estimators take them.
    device : str, default="cpu"
    hyperparameters : the optimizer's
    """

    def __init__(
        self,
        network,
        loss,
        optimizer="sgd",
        dtype="float64",
        max_batch=64,
        n_threads=1,
        factors=None,
        device="cpu",
        **hyper,
    ):
        rounds = dtype in ("bfloat16", "tf32")
        self.dtype = np.dtype("float32" if rounds else dtype)
        self.solver = SOLVERS[optimizer](**hyper)
        self.n_threads, self.device = n_threads, device
        output = network.layers[-1]
        code, parameter, activation = losses.output_stage(loss, output.activation)
        self.program = compile_program(
            network.n_features,
            network.layers,
            code,
            self.dtype,
            network.input_dropout,
            network.input_noise,
            parameter,
            activation,
            bfloat16=dtype == "bfloat16",
            tf32=dtype == "tf32",
            loss_functions={} if isinstance(loss, str) else loss.native(self.dtype),
            heads=loss.stages(output, self.dtype) if isinstance(loss, MixedLoss) else None,
        )
        if factors is not None:
            self.program = with_factors(self.program, factors)
        self.state = program.State.new(self.program, self.solver.n_slots)
        self.state.step = network.step
        self.state.average = program.aligned_zeros(self.program.n_parameters, self.dtype)
        self.grad_norms, self.head_losses = [], []
        self.parameters = self.named(self.state.parameters)
        self.statistics = [
            {name: view for name, view in both.items() if name not in parameters}
            for both, parameters in zip(
                self.program.named(self.state.parameters, self.state.statistics),
                self.parameters,
                strict=True,
            )
        ]
        for views, values in [
            (self.parameters, network.parameters),
            (self.statistics, network.statistics),
        ]:
            for view, value in zip(views, values, strict=True):
                for name in view:
                    view[name][...] = value[name]
        self.native = _core.make_engine(
            self.program, self.state, self.solver.code, max_batch, n_threads, network.seed, device
        )

    def named(self, arena):
        """Views of an arena of the parameters' length under the reference's names."""
        return self.program.named(arena)

    def targets(self, y):
        if y.dtype.names:  # records of heads of several kinds
            return y.astype(self.program.target_record)
        if y.dtype == np.int32:  # classes, of each head
            return np.asfortranarray(y)
        if self.program.n_heads > 1:
            return np.asfortranarray(y, self.dtype)
        return np.ascontiguousarray(y, self.dtype)

    def weights(self, weight):
        return None if weight is None else np.ascontiguousarray(weight, self.dtype)

    def train(
        self,
        X,
        y,
        batch_size,
        learning_rates,
        alpha=0.0,
        sample_weight=None,
        order=None,
        mixings=None,
        dropout_factors=None,
        average_weights=0.0,
        smoothing=0.0,
        tells_norm=False,
        **regularization,
    ):
        """Train a step for each batch of the rows in `order`; return [data loss, penalty] of each.

        `tells_norm` is for all steps, or for each: the norms are added to `grad_norms`.
        """
        of_steps = np.asarray(learning_rates, float), self.state.step
        coefficients = self.solver.coefficients(of_steps[0], alpha, of_steps[1])
        coefficients[:, program.Column.AVERAGE] = average_weights
        Regularization(**regularization).fill(coefficients, self.solver, *of_steps)
        if mixings is not None:
            first = Column.MIX_WEIGHT
            coefficients[:, first : first + len(mixings[0])] = mixings
        if dropout_factors is not None:
            coefficients[:, Column.DROPOUT] = dropout_factors
        coefficients[:, program.Column.SMOOTHING] = smoothing
        coefficients[:, program.Column.GRAD_NORM] = tells_norm
        n_heads = self.program.n_heads
        n_told = n_heads if n_heads > 1 else 0  # losses of each, which small steps do not have
        step, losses = self.state.step, np.full((len(coefficients), 2 + n_told), np.nan)
        rows, norms = (X, self.targets(y), self.weights(sample_weight)), losses[:, 0].copy()
        done = self.native.train_steps(*rows, order, batch_size, coefficients, losses, norms)
        assert done == len(coefficients)
        assert (np.isnan(norms) != np.asarray(tells_norm)).all()
        self.grad_norms += norms[~np.isnan(norms)].tolist()
        assert self.state.step == step + done
        self.head_losses.append(losses[:, 2:])
        return losses[:, :2]

    def loss(self, X, y, sample_weight=None, order=None):
        """Mean data loss, as in prediction."""
        return self.native.loss(X, self.targets(y), self.weights(sample_weight), order)

    def loss_and_grad(self, X, y, sample_weight=None, alpha=0.0, smoothing=0.0, **penalty):
        """Data loss, penalty and the gradients under the reference's names."""
        grad = program.aligned_zeros(self.program.n_parameters, self.dtype)
        data_loss, penalty = self.native.loss_and_grad(
            X, self.targets(y), self.weights(sample_weight), alpha, grad, smoothing, **penalty
        )
        return data_loss, penalty, self.named(grad)

    def predict(self, X):
        arenas = self.state.parameters, self.state.statistics
        return _core.make_predictor(self.program, *arenas, self.device)(X, self.n_threads)[0]


def rounded(network, dtype):
    """Rounds a reference network's parameters to what an engine of that dtype can hold."""
    for values in [*network.parameters, *network.statistics]:
        for name in values:
            values[name] = values[name].astype(dtype).astype(float)
    return network
