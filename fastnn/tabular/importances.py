"""Permutation importances of columns, on rows held out."""

import numpy as np
from sklearn.utils import check_random_state

from .columns import Values

#: Most rows that are used, and at least so many of a larger table.
_MOST_ROWS, _LEAST_ROWS = 1000, 100
#: Multiplications that all columns together may take, about: seconds on a processor.
_N_OPERATIONS = 1e11
#: Most permutations of each column of a table of few rows.
_MOST_PERMUTATIONS = 5


def permutation_importances(ensemble, training, n_jobs):
    """Return the importance of each column of the table, with a sum of 1, or all 0.

    A row is predicted by the networks that were not trained on it. The importance of a column is
    the rise of the loss if it is permuted, 0 if there is none. Tables of many columns and large
    networks have fewer rows of the sample permuted, so that the time is that of seconds.

    Parameters
    ----------
    ensemble : Ensemble
    training : Training
        The rows and folds that it was trained on.
    n_jobs : int or None

    References
    ----------
    Breiman, L. "Random forests" (2001), section 10.
    """
    columns, data = ensemble.columns, training.data
    random_state = check_random_state(training.seed)
    n_parameters = sum(member.networks[0].program.n_parameters for member in ensemble.members)
    rows = training.rows_held_out()
    n_rows = min(len(rows), n_rows_for(columns.n_features_in, n_parameters))
    rows = np.sort(random_state.choice(rows, n_rows, replace=False))
    predictor = _HeldOutPredictor(ensemble, training, rows, n_jobs)
    values = data.values.take(rows)
    of_columns = np.array([*columns.number_sources, *columns.category_sources], int)
    sources = [of_columns[member.encoding.sources] for member in ensemble.members]
    rises = np.zeros(columns.n_features_in)
    for _ in range(int(np.clip(_MOST_ROWS // n_rows, 1, _MOST_PERMUTATIONS))):
        mixed = permuted(values, (columns.number_sources, columns.category_sources), random_state)
        encoded, others = predictor.encode(values), predictor.encode(mixed)
        rises += rises_in_loss(predictor.loss, encoded, others, sources, len(rises))
    return normalized(rises)


def n_rows_for(n_columns, n_parameters):
    """Return how many rows are used, fewer where there are many columns and large networks.

    Parameters
    ----------
    n_columns : int
        Number of columns of the table.
    n_parameters : int
        Number of parameters of the networks that predict a row held out.
    """
    affordable = _N_OPERATIONS / max(1, n_columns * n_parameters)
    return int(np.clip(affordable, _LEAST_ROWS, _MOST_ROWS))


class _HeldOutPredictor:
    """Predictions for some training rows by the networks that were not trained on them.

    Parameters
    ----------
    ensemble : Ensemble
    training : Training
    rows : ndarray of int
        Numbers of the rows, in ascending order.
    n_jobs : int or None
    """

    def __init__(self, ensemble, training, rows, n_jobs):
        self._ensemble, self._n_jobs = ensemble, n_jobs
        self._y = training.data.y[rows]
        self._weights = training.data.weights_of(rows)
        self._folds = training.fold_numbers[rows]
        self._places = [np.flatnonzero(np.isin(rows, fold.held_out)) for fold in training.folds]

    def encode(self, values):
        """Return the rows for each member."""
        members = self._ensemble.members
        return [member.encoding.transform(values, self._folds) for member in members]

    def loss(self, encoded):
        """Return the mean loss of the ensemble for rows encoded for each member."""
        targets, total = self._ensemble.targets, 0.0
        for member, X in zip(self._ensemble.members, encoded, strict=True):
            outputs = np.empty((len(X), targets.n_outputs), np.float32)
            for network, held_out in zip(member.networks, self._places, strict=True):
                outputs[held_out] = network.predict(X[held_out], self._n_jobs)[0]
            total = total + member.weight * member.decode(outputs, targets)
        return targets.mean_loss(total, self._y, self._weights)


def permuted(values, sources, random_state):
    """Return values with each column permuted among the rows.

    Parameters
    ----------
    values : Values
    sources : pair of array-like of int
        Index of the column of the table that each number, and each category, is read from. All
        that is read from one column is permuted together.
    random_state : RandomState
    """
    orders = {
        source: random_state.permutation(len(values.numbers))
        for source in sorted({*sources[0], *sources[1]})
    }
    changed = []
    for array, of_array in zip(values, sources, strict=True):
        array = array.copy()
        for j, source in enumerate(of_array):
            array[:, j] = array[orders[source], j]
        changed.append(array)
    return Values(*changed)


def rises_in_loss(loss, encoded, permuted, sources, n_columns):
    """Return how much the loss rises if a column is permuted, for each column of the table.

    Nothing is encoded here: columns are exchanged with those of permuted rows.

    Parameters
    ----------
    loss : callable
        Loss of the ensemble from a list of rows, encoded for each member.
    encoded, permuted : list of ndarray of shape (n_rows, width)
        The rows for each member, and the same with all columns permuted.
    sources : list of ndarray of int of shape (width,)
        Index of the column of the table that each encoded column is made of, for each member.
    n_columns : int
        Number of columns of the table.
    """
    known, rises = loss(encoded), np.zeros(n_columns)
    for column in range(n_columns):
        places = [np.flatnonzero(of_member == column) for of_member in sources]
        if not sum(map(len, places)):
            continue  # a column that no network reads
        _exchange(encoded, permuted, places)
        rises[column] = loss(encoded) - known
        _exchange(encoded, permuted, places)
    return rises


def _exchange(encoded, permuted, places):
    for one, other, where in zip(encoded, permuted, places, strict=True):
        own = one[:, where]
        one[:, where] = other[:, where]
        other[:, where] = own


def normalized(rises):
    """Return importances, not negative and with a sum of 1, or all 0 if no loss rises."""
    rises = np.maximum(rises, 0)
    return rises / (rises.sum() or 1.0)
