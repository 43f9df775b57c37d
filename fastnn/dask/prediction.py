"""Lazy predictions for collections of dask, partition by partition."""

import functools
import math

import dask
import numpy as np
from dask import array as da
from dask.base import is_dask_collection
from sklearn.base import is_classifier

from .source import partitions_of
from .sums import Residuals, r2, refuse_quantiles, residuals_of


class ByPartition:
    """Method of an estimator of one machine that also takes collections, partition by partition."""

    def __init__(self, local: type, name: str):
        self._method, self._name = local.__dict__[name], name
        self.__doc__ = self._method.__doc__

    def __get__(self, model, owner=None):
        method = self._method.__get__(model, owner)
        if model is None:
            return method

        @functools.wraps(method)
        def predict(X):
            if not is_dask_collection(X):
                return method(X)
            return lazily(model.to_local(), self._name, X)

        return predict


def lazily(model, method: str, X):
    """Return a lazy array of the predictions of a method for all rows of a collection.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
    method : str
    X : dask Array or DataFrame
    """
    example = getattr(model, method)(_row_like(X))
    if isinstance(example, list):
        raise ValueError(
            f"{method} for several targets is a list of arrays, and dask has no array for that: "
            "predict for each partition by to_local()."
        )
    held, empty = dask.delayed(model, traverse=False), example[:0]
    sizes = X.chunks[0] if isinstance(X, da.Array) else [math.nan] * X.npartitions
    outputs = [dask.delayed(_predict)(held, method, *part, empty) for part in partitions_of(X=X)]
    parts = [
        da.from_delayed(output, (n, *example.shape[1:]), example.dtype)
        for n, output in zip(sizes, outputs, strict=True)
    ]
    return da.concatenate(parts, allow_unknown_chunksizes=True)


def _row_like(X):
    """Return a row with the columns and types of a collection."""
    if isinstance(X, da.Array):
        return np.zeros((1, X.shape[1]), X.dtype)
    return X._meta_nonempty.iloc[:1]


def _predict(model, method, X, empty):
    return getattr(model, method)(X) if X.shape[0] else empty


def score(model, X, y, sample_weight, client):
    """Return the score of predictions for collections, as the estimator of one machine does."""
    refuse_quantiles(model.loss)
    held = dask.delayed(model, traverse=False)
    parts = [
        dask.delayed(_score)(held, *values)
        for values in partitions_of(X=X, y=y, sample_weight=sample_weight)
    ]
    weights, scores = zip(*filter(None, dask.compute(*parts, scheduler=client)), strict=True)
    if isinstance(scores[0], Residuals):
        return r2(scores)
    return float(np.average(scores, weights=weights))


def _score(model, X, y, sample_weight):
    """Return weight and score of a partition; for numbers, the sums of which R2 is computed."""
    weight = X.shape[0] if sample_weight is None else float(np.sum(sample_weight))
    if not weight:
        return None
    if is_classifier(model):
        return weight, model.score(X, y, sample_weight)
    return weight, residuals_of(y, model.predict(X), sample_weight)
