"""Training and prediction on a cluster of dask (``pip install "fastnn-mlp[dask]"``)."""

from .._extras import pip_install

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(f"fastnn.dask needs dask.distributed: {pip_install('dask')}.") from error

from .estimators import DaskMLPClassifier, DaskMLPRegressor

__all__ = ["DaskMLPClassifier", "DaskMLPRegressor"]
