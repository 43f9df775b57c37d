"""Training of one network, with early stopping by the loss on the rows held out."""

import math
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .._core.codes import Column
from .._core.program import new_arena
from .._network.architecture import Architecture
from .._network.network import Network
from .._train.snapshot import Snapshot
from ..layers import Dense
from ..losses import check_output_activation
from ..optimizers import AdamW


class Rows(NamedTuple):
    """Encoded rows with their targets and weights, as the engine reads them."""

    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None


def new_network(configuration, n_features, n_outputs, loss, random_state):
    """Build a network of a configuration, with random parameters."""
    hidden = [
        Dense(units, configuration.activation, dropout=configuration.dropout)
        for units in configuration.hidden_layer_sizes
    ]
    layers = [*hidden, Dense(n_outputs, check_output_activation(loss, None))]
    network = Network(Architecture(n_features, layers, loss, np.float32))
    network.initialize(random_state)
    network.draw_seed(random_state)
    return network


def train(network, rows, fold, configuration, random_state, n_jobs, is_over):
    """Train a network until its held-out loss has not fallen for long; leave the best parameters.

    Training ends at `patience` times the best epoch plus 5, or after `max_iter` epochs, or where
    the loss is not finite, or where `is_over()` is true after an epoch.

    Returns
    -------
    n_iter, best_iter : int
        The number of epochs trained, and the one that was best; 0 if no loss was finite.
    loss : float
        Its loss on the rows held out.
    """
    order, batch_size = fold.train.copy(), configuration.batch_size
    n_batches = math.ceil(len(order) / batch_size)
    optimizer = AdamW(weight_decay=configuration.weight_decay, beta_2=configuration.beta_2)
    network.use_optimizer(optimizer)
    average = _Average(network, configuration.averaged * n_batches)
    engine = network.engine(
        optimizer, batch_size, n_batches * configuration.max_iter, n_jobs, "cpu"
    )
    best, best_loss, best_iter, n_iter = Snapshot(network.state), math.inf, 0, 0
    losses = np.empty((n_batches, 2))
    rates = configuration.learning_rates(n_batches)
    while n_iter < configuration.max_iter:
        random_state.shuffle(order)
        first = n_iter * n_batches
        table = optimizer.coefficients(rates[first : first + n_batches], 0.0, first)
        table[:, Column.SMOOTHING] = configuration.label_smoothing
        average.fill(table, first)
        n_done = engine.train_steps(*rows, order, batch_size, table, losses)
        n_iter += 1
        if n_done < n_batches:
            break  # diverged
        with average.in_place():
            loss = engine.loss(*rows, fold.held_out)
            if loss < best_loss:
                best.update()
                best_loss, best_iter = loss, n_iter
        if n_iter >= configuration.patience * best_iter + 5 or is_over():
            break
    best.restore()
    _forget_training(network)
    return n_iter, best_iter, best_loss


class _Average:
    """Exponential moving average of the parameters over some steps, or none if it is over 0."""

    def __init__(self, network, n_steps):
        self._state, self._n_steps = network.state, n_steps
        if n_steps:
            self._state.average = new_arena(network.program.n_parameters, np.float32)
            self._state.average[...] = self._state.parameters

    def fill(self, table, first):
        """Write the weights of new parameters into the table of steps; `first` is its first."""
        if self._n_steps:
            t = np.arange(first, first + len(table))
            table[:, Column.AVERAGE] = np.maximum(1 / self._n_steps, 1 / (1 + t))

    @contextmanager
    def in_place(self):
        """Context in which the average replaces the parameters."""
        if not self._n_steps:
            yield
            return
        own = self._state.parameters.copy()
        self._state.parameters[...] = self._state.average
        yield
        self._state.parameters[...] = own


def _forget_training(network):
    """Free what only further training needs."""
    network.use_slots("", 0)
    network.state.average = new_arena(0, np.float32)
