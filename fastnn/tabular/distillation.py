"""Distillation of an ensemble into one network."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from ..augment import SwapNoise
from .columns import Values
from .ensemble import Ensemble
from .folds import Fold, draw_folds
from .members import Member
from .networks import Rows, new_network, train

#: Copies of each training row with changed values, and the fraction of values that are changed.
_N_COPIES, _RATE = 10, 0.3
#: With so many rows there are fewer copies.
_MOST_ROWS = 200_000
#: Hyperparameters of the network. The predictions of an ensemble have little noise to fit.
_HIDDEN_LAYER_SIZES, _LEARNING_RATE, _WEIGHT_DECAY = (128, 128), 2e-3, 1e-3
#: About so many rows pass through the network in training.
_N_PASSES = 5_000_000


class Compression(NamedTuple):
    """Losses of an ensemble and of the network distilled from it.

    Both are mean losses (log loss or squared error) on rows that were held out of the training of
    the network. The ensemble predicts each of them by the networks that have not seen it.

    Attributes
    ----------
    ensemble_loss, loss : float
        Mean losses of the ensemble and of the network.
    n_rows : int
        The number of rows.
    """

    ensemble_loss: float
    loss: float
    n_rows: int


def distil(ensemble, training, oof_decision, n_jobs):
    """Train one network to predict what an ensemble predicts.

    It has the encoding and the activation of the member of the highest weight. Its rows are
    training rows and changed copies of them, and their targets the predictions of the ensemble. It
    is stopped by the loss of an eighth of the rows held out, with true targets.

    Parameters
    ----------
    ensemble : Ensemble
    training : Training
    oof_decision : ndarray
        Predictions of the ensemble for rows held out.
    n_jobs : int or None

    Returns
    -------
    attributes : dict
        The fitted attributes of an estimator of one network, by name.

    References
    ----------
    Hinton, G. et al. "Distilling the knowledge in a neural network" (2015), section 2. Bucila, C.
    et al. "Model compression" (2006), section 2: more rows, by swapping values (MUNGE). Jahrer, M.
    (2017), see `SwapNoise`.
    """
    random_state = check_random_state(training.seed)
    data = training.data
    fold = _draw_fold(training, ensemble.targets.is_classifier, random_state)
    rows = _rows(ensemble, training, fold, n_jobs, random_state)
    member = _train(ensemble, rows, len(rows.X) - len(fold.held_out), n_jobs, random_state)
    outputs, _ = member.networks[0].predict(rows.X[-len(fold.held_out) :], n_jobs)
    found = member.decode(outputs, ensemble.targets)
    known = oof_decision[fold.held_out]
    losses = [data.loss(decision, fold.held_out) for decision in (known, found)]
    small = Ensemble(ensemble.columns, ensemble.targets, [member])
    small_oof = np.full_like(oof_decision, np.nan)
    small_oof[fold.held_out] = small.learn_errors(found[None], data, fold.held_out)
    return {
        "_ensemble": small,
        "_training": training._replace(folds=[fold]),
        "networks_": small.members,
        "oof_decision_": small_oof,
        "compression_": Compression(*losses, len(fold.held_out)),
    }


def _draw_fold(training, is_classifier, random_state):
    """Return a split of the rows, of which those held out were held out of the ensemble too."""
    data, held_out = training.data, training.rows_held_out()
    rows = np.arange(len(data.y)) if data.weights is None else np.flatnonzero(data.weights)
    (fold,) = draw_folds(held_out, data.y if is_classifier else None, 1, random_state)
    others = np.setdiff1d(rows, fold.held_out)
    return Fold(others if len(others) else rows, np.sort(fold.held_out))


def _rows(ensemble, training, fold, n_jobs, random_state):
    """Return the rows of the network: training rows, changed copies of them, and rows held out."""
    data, targets, best = training.data, ensemble.targets, ensemble.members[0]
    values = data.values.take(fold.train)
    n_copies = int(np.clip(_MOST_ROWS // len(fold.train), 1, _N_COPIES))
    copies = changed_copies(values, n_copies, random_state)
    held_out = data.values.take(fold.held_out)
    decisions = [
        ensemble.decisions_of(values, n_jobs),
        ensemble.decisions_of(copies, n_jobs),
        targets.true_decisions(data.y[fold.held_out]),
    ]
    encoded = [
        best.encoding.transform(values, training.fold_numbers[fold.train]),
        best.encoding.transform(copies),
        best.encoding.transform(held_out, training.fold_numbers[fold.held_out]),
    ]
    weights = data.weights
    if weights is not None:
        of_train = np.tile(weights[fold.train], 1 + n_copies)
        weights = np.concatenate([of_train, weights[fold.held_out]])
    transform = best.configuration.target_transform
    soft = targets.encode_decisions(np.concatenate(decisions), transform)
    return Rows(np.concatenate(encoded), soft, weights)


def _train(ensemble, rows, n_train, n_jobs, random_state):
    """Return a member of one network, trained on the first rows and stopped by the others."""
    best, targets = ensemble.members[0], ensemble.targets
    configuration = replace(
        best.configuration,
        hidden_layer_sizes=_HIDDEN_LAYER_SIZES,
        dropout=0.0,
        label_smoothing=0.0,
        learning_rate_init=_LEARNING_RATE,
        weight_decay=_WEIGHT_DECAY,
        max_iter=int(np.clip(_N_PASSES // n_train, 30, 250)),
        batch_size=int(np.clip(2 ** round(math.log2(n_train / 32)), 16, 256)),
    )
    network = new_network(
        configuration, rows.X.shape[1], targets.n_outputs, targets.soft_loss, random_state
    )
    fold = Fold(*np.split(np.arange(len(rows.X)), [n_train]))
    train(network, rows, fold, configuration, random_state, n_jobs, lambda: False)
    return Member(1.0, configuration, [network], best.encoding)


def changed_copies(values, n_copies, random_state):
    """Return copies of rows, in which some values are those of other rows."""
    table = np.tile(np.hstack(values), (n_copies, 1))
    rng = np.random.default_rng(random_state.randint(np.iinfo(np.int32).max))
    if table.shape[1]:
        table, _ = SwapNoise(_RATE)(table, None, rng)
    numbers, codes = np.hsplit(table, [values.numbers.shape[1]])
    return Values(numbers, codes.astype(np.int32))
