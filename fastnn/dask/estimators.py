"""Estimators that train and predict on a cluster of dask."""

import inspect
from numbers import Integral
from typing import Any, ClassVar, Self

import distributed
from dask.base import is_dask_collection
from sklearn.base import clone

from .._fit.locking import training_lock
from .._specs.constraints import Interval
from .._specs.suggestions import explains_arguments
from ..estimators import MLPClassifier, MLPRegressor
from .fit import DaskFit
from .prediction import ByPartition, score

_CONSTRAINTS = {
    "client": [None, distributed.Client],
    "steps_per_round": [Interval(Integral, 1, None, closed="left")],
}
_DEFAULT_STEPS = 16
_DESCRIPTION = """\
    `fit` accepts arrays and dataframes of dask, or a source (see `fastnn.data`). The result depends
    on the partitions, but not on the number of workers or on lost workers. `predict` and the other
    methods are lazy for collections of dask. For arrays and frames in memory, they work as in
    `LOCAL`.

    With a stochastic solver, an epoch consists of rounds. In a round, each partition takes
    `steps_per_round` steps on its own rows, starting from the same state. Then parameters,
    statistics of batch norm and the state of the optimizer are averaged, weighted by the rows of
    the round. `batch_size` is the number of rows in a step of a partition. 'lbfgs' sums the
    gradients of all partitions; its result is that of a single machine, up to rounding.

    All parameters of `LOCAL` are available, with the same defaults. `device` cannot be 'cuda', and
    `augment` can only mix rows. `n_jobs` limits the threads of a task; the processors of a worker
    are shared among its tasks.

    Parameters
    ----------
    client : dask.distributed.Client, default=None
        Client of the cluster; None is the current one.

    steps_per_round : int, default=16
        Number of steps of each partition between two averages. With fewer steps, training is closer
        to that on one machine, but communicates more often. Not used by 'lbfgs'.

    References
    ----------
    Stich, S. U. "Local SGD converges fast and communicates little" (2019), algorithm 1. Povey, D.,
    Zhang, X. and Khudanpur, S. "Parallel training of DNNs with natural gradient and parameter
    averaging" (2015), section 2. Lin, T., Stich, S. U., Patel, K. K. and Jaggi, M. "Don't use large
    mini-batches, use local SGD" (2020)."""


def _with_parameters_of(local):
    """Return an `__init__` with the parameters of a class, and with those of a cluster."""
    own = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in {"client": None, "steps_per_round": _DEFAULT_STEPS}.items()
    ]
    signature = inspect.signature(local.__init__)

    def __init__(self, *args, client=None, steps_per_round=_DEFAULT_STEPS, **parameters):
        local.__init__(self, *args, **parameters)
        self.client, self.steps_per_round = client, steps_per_round

    __init__.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])
    return __init__


class OnCluster:
    """Mixin of estimators on a cluster.

    Attributes
    ----------
    _local : type
        The estimator of one machine.
    """

    _local: ClassVar[type]

    @explains_arguments
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the network to rows and their targets on the cluster.

        Parameters
        ----------
        X : dask array or dataframe of shape (n_samples, n_features), or Source
            The rows. Sizes of partitions may be unknown, and some may be empty. The blocks of a
            source are combined into at most 64 partitions.
        y : dask array, series or dataframe of shape (n_samples,) or (n_samples, n_outputs)
            The targets, in the same number of partitions; None for a source.
        sample_weight : dask array or series of shape (n_samples,), default=None
            Weights of the rows.
        X_val : dask array or dataframe of shape (n_val, n_features), Source or array-like, \
default=None
            Validation data; see `MLPClassifier.fit`. With `early_stopping` and without `X_val`,
            rows of each partition are held out.
        y_val : dask array, series or dataframe, or array-like of shape (n_val,), default=None
            Its targets.
        sample_weight_val : dask array or series, or array-like of shape (n_val,), default=None
            Its weights.

        Returns
        -------
        self : DaskMLPClassifier or DaskMLPRegressor

        Raises
        ------
        ValueError, TypeError
            If rows, targets or parameters are invalid. The message contains the partition and row.
        RuntimeError
            If the client is closed, or workers are lost permanently.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def to_local(self):
        """Return the fitted estimator for a single machine.

        It has the same parameters and fitted attributes, and shares the arrays. Loading a pickle of
        it does not require dask.

        Returns
        -------
        estimator : MLPClassifier or MLPRegressor
        """
        if "_network" in vars(self):
            self._fitted()
        return self._twin()

    def _fit(self, X, y, sample_weight, validation=(), *, partial=False, classes=None):
        with training_lock(self, type(self).__name__):
            DaskFit(self).run(X, y, sample_weight, validation, classes)
        return self

    @property
    def partial_fit(self):
        raise AttributeError(
            f"{type(self).__name__} has no partial_fit: call fit with warm_start=True, or "
            "partial_fit of to_local()."
        )

    def _twin(self, **changes):
        """Return an estimator of one machine to work with; see `BaseMLP._twin`."""
        twin = super()._twin(**changes)
        for name in _CONSTRAINTS:
            del vars(twin)[name]
        twin.__class__ = self._local
        return twin

    def score(self, X, y=None, sample_weight=None):
        """Return the accuracy or R2 of the predictions.

        Parameters
        ----------
        X : dask array or dataframe, Source or array-like of shape (n_samples, n_features)
            The rows.
        y : dask array, series or dataframe, or array-like of shape (n_samples,), default=None
            The targets, of the same kind as X; None for a source.
        sample_weight : dask array or series, or array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        if not is_dask_collection(X):
            return super().score(X, y, sample_weight)
        self._fitted()
        return score(self.to_local(), X, y, sample_weight, self.client)

    def __sklearn_clone__(self):
        parameters = self.get_params(deep=False)
        client = parameters.pop("client")  # which cannot be copied
        copies = {name: clone(value, safe=False) for name, value in parameters.items()}
        return type(self)(client=client, **copies)

    def __getstate__(self):
        return super().__getstate__() | {"client": None}


class DaskMLPClassifier(OnCluster, MLPClassifier):
    __doc__ = f"""Multi-layer perceptron classifier that is trained on a cluster of dask.

{_DESCRIPTION.replace("LOCAL", "MLPClassifier")}

    Examples
    --------
    >>> import dask.array
    >>> from dask.distributed import Client
    >>> from fastnn.dask import DaskMLPClassifier
    >>> client = Client(processes=False, dashboard_address=None)
    >>> X = dask.array.random.default_rng(0).normal(size=(400, 5), chunks=(100, 5))
    >>> y = X[:, 0] > X[:, 1]
    >>> clf = DaskMLPClassifier(random_state=0, max_iter=100, steps_per_round=4).fit(X, y)
    >>> clf.predict(X).compute().shape
    (400,)
    >>> clf.score(X, y) > 0.95
    True
    >>> type(clf.to_local()).__name__
    'MLPClassifier'
    >>> client.close()
    """

    _local = MLPClassifier
    _parameter_constraints: ClassVar[dict] = MLPClassifier._parameter_constraints | _CONSTRAINTS
    __init__ = _with_parameters_of(MLPClassifier)

    predict = ByPartition(MLPClassifier, "predict")
    predict_proba = ByPartition(MLPClassifier, "predict_proba")
    predict_log_proba = ByPartition(MLPClassifier, "predict_log_proba")
    decision_function = ByPartition(MLPClassifier, "decision_function")


class DaskMLPRegressor(OnCluster, MLPRegressor):
    __doc__ = f"""Multi-layer perceptron regressor that is trained on a cluster of dask.

{_DESCRIPTION.replace("LOCAL", "MLPRegressor")}
    """

    _local = MLPRegressor
    _parameter_constraints: ClassVar[dict] = MLPRegressor._parameter_constraints | _CONSTRAINTS
    __init__ = _with_parameters_of(MLPRegressor)

    predict = ByPartition(MLPRegressor, "predict")
