"""Gradients with respect to the rows, and attributions of a prediction to its features."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier

from .. import _typing as t
from .._core.device_arrays import to_host
from .._core.program import new_arena
from .._data.rows import read_data
from .._network.architecture import Architecture
from .._network.network import Network
from ..layers import Dense, Dropout, Heads
from ..losses import row_and_parameter
from ..optimizers import SGD
from .parameters import checked
from .probe import find_network, refuse_heads, unwrap
from .slopes import slopes_of_class, slopes_of_target

# Rows that are differentiated at once; fewer where batch norm takes them one by one.
_BLOCK, _BLOCK_ONE_BY_ONE = 1024, 128


@checked
def input_gradients(
    estimator: Any,
    X: Any,
    *,
    target: Any = None,
    of: str = "prediction",
    y: t.Targets | None = None,
) -> t.Array:
    """Return the gradient of a prediction, or of the loss, with respect to the features.

    It is computed as in prediction: without dropout and noise, with the moving averages of batch
    norm. The network is differentiated in its own precision (bfloat16 and TF32 in float32).

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline that ends with one
        A fitted estimator. Features are those that the network reads: of a pipeline, those that its
        last step does.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows. Sparse ones are made dense block by block.
    target : object, default=None
        The prediction that is differentiated:

        - for a classifier, a class; None is the one that is predicted for each row. For a label
          indicator matrix, the number of a label; for several columns of classes, a tuple of the
          number of a column and a class;
        - for a regressor, the number of a column of `y`, which may be omitted if there is one. With
          several quantiles, the number of a quantile, or a tuple of both.
    of : {"prediction", "decision", "loss"}, default="prediction"
        Function that is differentiated: "prediction" is `predict` of a regressor and
        `predict_proba` of a classifier, or `decision_function` where its loss has no
        probabilities. "decision" is `decision_function`, of two classes that of `target`, which is
        the log-odds if there are probabilities. "loss" is the training loss of each row.
    y : array-like, default=None
        Targets of the rows, for ``of="loss"``.

    Returns
    -------
    gradients : ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If `target` does not name one prediction, or `y` is missing.

    References
    ----------
    Simonyan, K., Vedaldi, A. and Zisserman, A. "Deep inside convolutional networks: visualising
    image classification models and saliency maps" (2014), section 3.
    """
    model, X = _read(estimator, X)
    if of == "loss":
        return _loss_gradients(model, X, y, target)
    return _Explained(model, X, target, of).gradients(X)


@checked
def integrated_gradients(
    estimator: Any,
    X: Any,
    *,
    baseline: Any = None,
    n_steps: int = 50,
    target: Any = None,
    of: str = "prediction",
) -> t.Array:
    """Return the parts of the features in the difference of a prediction to that of a baseline.

    The attribution to feature j of a row x with baseline b is
    ``(x_j - b_j) * integral of dF(b + a (x - b)) / dx_j over a from 0 to 1``. The attributions of a
    row sum to ``F(x) - F(b)``, up to the error of the quadrature (Gauss-Legendre).

    Parameters
    ----------
    estimator, X, target
        See `input_gradients`. With ``target=None``, the class of a row is that of its end, x.
    baseline : array-like of shape (n_features,) or (n_samples, n_features), default=None
        Rows that stand for the absence of all features; None is 0.
    n_steps : int, default=50
        Number of points of the quadrature, at least 10.
    of : {"prediction", "decision"}, default="prediction"
        Function that is explained; see `input_gradients`.

    Returns
    -------
    attributions : ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If `target` does not name one prediction, or `baseline` has another shape.

    References
    ----------
    Sundararajan, M., Taly, A. and Yan, Q. "Axiomatic attribution for deep networks" (2017), eq. 1
    and proposition 1.
    """
    model, X = _read(estimator, X)
    if of == "loss":
        raise ValueError("of='loss' has no attributions: choose 'prediction' or 'decision'.")
    X = X.toarray() if sparse.issparse(X) else X
    baseline = np.zeros(X.shape[1]) if baseline is None else np.asarray(baseline, float)
    if baseline.shape not in (X.shape, X.shape[1:]) or not np.isfinite(baseline).all():
        raise ValueError(
            f"baseline must be finite numbers of shape {X.shape[1:]} or {X.shape}, and has the "
            f"shape {baseline.shape}."
        )
    explained, way = _Explained(model, X, target, of), X - baseline
    points, weights = np.polynomial.legendre.leggauss(n_steps)
    total = np.zeros(X.shape)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        total += weight * explained.gradients(baseline + point * way)
    return (total * way).astype(model._network.dtype)


def _read(estimator, X):
    """Return a fitted model that takes rows which are read already, and the rows."""
    model = find_network(estimator, "Input gradients are of")
    refuse_heads(model, "Input gradients are of")
    model._fitted()
    model, X = unwrap(estimator, X)
    X = model.read(to_host(X))
    return model._twin_of_arrays(callbacks=None, device="cpu"), X


def _loss_gradients(model, X, y, target):
    """Return the gradient of the loss of each row."""
    if y is None or target is not None:
        raise ValueError("of='loss' is the loss of targets: pass y, and no target.")
    network, _ = model._outputs(X)
    _, y = read_data(model, X, y, reset=False)
    row, _ = row_and_parameter(network.loss)
    rows = _RowsAsWeights(network, network.layers[-1], network.loss, model.n_jobs)
    divisor = network.program.n_outputs if row.mean_over_outputs else 1
    return rows.gradients(X, network.encoder.encode(y, network.dtype, network.loss)) / divisor


class _Explained:
    """Prediction that is differentiated: for each row, a function of the outputs of the network.

    Parameters
    ----------
    model : estimator
    X : {ndarray, CSR matrix}
        The rows, to which the targets belong.
    target, of
        See `input_gradients`.
    """

    def __init__(self, model, X, target, of):
        network, outputs = model._outputs(X, pre_activation=True)
        if is_classifier(model):
            self._slopes = slopes_of_class(network, outputs, target, of)
        else:
            self._slopes = slopes_of_target(network, target, of)
        self._network, self._n_jobs = network, model.n_jobs
        output, row = network.layers[-1], row_and_parameter(network.loss)[0]
        activation = output.activation if row.any_activation else "identity"
        one_each = isinstance(output, Heads) and max(output.units) == 1
        output = (
            Heads(output.units, activation)
            if one_each
            else Dense(network.program.n_outputs, activation)
        )
        self._rows = _RowsAsWeights(network, output, "linear", model.n_jobs)

    def gradients(self, X):
        """Return the gradient with respect to rows, which have these targets."""
        outputs, _ = self._network.predict(X, self._n_jobs, pre_activation=True)
        return self._rows.gradients(X, self._slopes(outputs.astype(float)).astype(outputs.dtype))


class _RowsAsWeights:
    """Network whose first layer has rows for its weights, and reads the numbers of rows.

    So the gradient with respect to the rows is that with respect to these weights.

    Parameters
    ----------
    network : Network
    output : Dense or Heads
        Output layer: that of the network, or a dense one with the units of all heads.
    loss : str or LossSpec
    n_jobs : int or None
    """

    def __init__(self, network, output, loss, n_jobs):
        architecture, program = network.architecture, network.program
        self._block = _BLOCK_ONE_BY_ONE if program.n_statistics else _BLOCK
        layers = [Dense(architecture.n_features, "identity")]
        if isinstance(architecture.input_dropout, Dropout):  # scales rows in prediction
            layers.append(architecture.input_dropout)
        layers += [*architecture.layers[:-1], output]
        self._network = Network(Architecture(self._block, layers, loss, network.dtype))
        self._network.allocate()
        values = [array.view(_arena(array, network.state)) for array in program.arrays]
        own = self._network.program.arrays[2:]
        if len(values) > len(own):
            first = len(own) - 2  # each head has a weight and a bias
            heads = [np.concatenate(values[k::2], axis=-1) for k in (first, first + 1)]
            values = [*values[:first], *heads]
        for array, value in zip(own, values, strict=True):
            array.view(_arena(array, self._network.state))[...] = value
        self._gradient = new_arena(self._network.program.n_parameters, network.dtype)
        self._engine = self._network.engine(SGD(momentum=0.0), self._block, 1, n_jobs, "cpu")

    def gradients(self, X, targets):
        """Return the gradient of the loss of each row with respect to it."""
        weights, dtype = self._network.coefs[0], self._network.dtype
        gradient = self._network.program.coefs(self._gradient)[0]
        order = "F" if targets.flags.f_contiguous else "C"
        found = np.empty(X.shape, dtype)
        for start in range(0, X.shape[0], self._block):
            part = slice(start, start + self._block)
            rows = X[part].toarray() if sparse.issparse(X) else X[part]
            weights[: len(rows)] = rows
            numbers = np.arange(len(rows) + 1, dtype=np.int32)
            one = np.ones(len(rows), dtype), numbers[:-1], numbers
            read = sparse.csr_matrix(one, (len(rows), self._block))
            own = np.require(targets[part], requirements=order)
            self._gradient[...] = 0
            self._engine.add_gradient(read, own, None, 1.0, self._gradient, as_in_prediction=True)
            found[part] = gradient[: len(rows)]
        return found


def _arena(array, state):
    return state.statistics if array.is_statistic else state.parameters
