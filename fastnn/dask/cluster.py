"""Tasks on the workers of a client, and errors if workers or the client are lost."""

import time
import uuid
import weakref
from concurrent.futures import CancelledError
from contextlib import contextmanager

import dask
import distributed
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

# Seconds between two looks at whether there are workers, and how long none may be there, unless
# dask's configuration tells it. A cluster may be waiting for its first.
_PATIENCE, _WITHOUT_WORKERS = 1.0, 60.0
# Results that one task adds.
FAN_IN = 8
# Number of bytes of a graph that dask warns of.
_THRESHOLD = "distributed.admin.large-graph-warning-threshold"


class Cluster:
    """The workers of a client.

    Parameters
    ----------
    client : distributed.Client or None
        None is the current one.
    name : str
        Name of the estimator, in error messages.
    """

    def __init__(self, client, name: str):
        self.client, self._name = _checked(client, name), name
        self._futures: weakref.WeakValueDictionary = weakref.WeakValueDictionary()

    def hold(self, value):
        """Return a future of a value, which the scheduler sends again if its workers are lost."""
        with dask.config.set({_THRESHOLD: 1 << 62}):  # only once, whatever its size
            return self.submit(_identity, value)

    def compute(self, delayed):
        """Return futures of delayed values."""
        return self._noted(self.client.compute(delayed))

    def submit(self, function, *arguments):
        """Return the future of a task; arguments may be futures."""
        future = self.client.submit(function, *arguments, key=_key(function), pure=False)
        return self._noted([future])[0]

    def map(self, function, *columns, **common):
        """Return the futures of a task for each row of the columns, which are lists."""
        n_tasks = len(columns[0])
        keys = [_key(function) for _ in range(n_tasks)]
        return self._noted(self.client.map(function, *columns, key=keys, pure=False, **common))

    def _noted(self, futures):
        self._futures.update((future.key, future) for future in futures)
        return futures

    def sum(self, add, futures, *columns):
        """Return the future of a sum, which is added by a tree of tasks in a fixed order.

        Parameters
        ----------
        add : callable
            Adds a list of results; `columns` are further arguments for the first ones.
        futures : list of Future
        *columns : list
            Values for each future.
        """
        while True:
            parts = [slice(start, start + FAN_IN) for start in range(0, len(futures), FAN_IN)]
            futures = [
                self.submit(add, futures[part], *(column[part] for column in columns))
                for part in parts
            ]
            if len(futures) == 1:
                return futures[0]
            columns = ()

    def results(self, futures):
        """Return the results of futures; a RuntimeError if no worker comes to compute them."""
        self._wait(futures)
        return self.client.gather(futures)

    @contextmanager
    def held(self):
        """Context of a call: all futures are released at its end.

        If client or workers are lost for good, it raises a RuntimeError.
        """
        try:
            yield
        except (CancelledError, ClosedClientError, CommClosedError) as error:
            raise RuntimeError(self._why_lost()) from error
        except (KilledWorker, NoValidWorkerError, NoWorkerError) as error:
            raise RuntimeError(
                f"{self._name}: the cluster could not finish a task, and gave it up: {error}"
            ) from error
        finally:
            for future in list(self._futures.values()):
                future.release()

    def _wait(self, futures):
        limit = dask.config.get("distributed.scheduler.no-workers-timeout", None)
        limit = _WITHOUT_WORKERS if limit is None else dask.utils.parse_timedelta(limit)
        seen = time.monotonic()
        while True:
            try:
                distributed.wait(futures, timeout=_PATIENCE)
                return
            except TimeoutError:
                if self.client.scheduler_info(n_workers=-1)["workers"]:
                    seen = time.monotonic()
                elif time.monotonic() - seen > limit:
                    raise RuntimeError(
                        f"{self._name}: the cluster has had no worker for {limit:.0f} s: start "
                        "some, and call fit again."
                    ) from None

    def _why_lost(self):
        if self.client.status != "running":
            return (
                f"{self._name}: the client was closed, or lost its scheduler, during the call: "
                "the estimator is as it was. Call again with a client that stays open."
            )
        return (
            f"{self._name}: data that only a lost worker had cannot be computed anew: the "
            "estimator is as it was. Use collections that dask reads from files or computes, not "
            "data scattered to workers."
        )


def _checked(client, name):
    if client is None:
        try:
            client = distributed.default_client()
        except ValueError:
            raise ValueError(
                f"{name} needs a client of a cluster: create one, as in client = "
                "dask.distributed.Client(), or pass client=."
            ) from None
    if not isinstance(client, distributed.Client):
        raise TypeError(
            f"client must be a dask.distributed.Client or None, and is a {type(client).__name__}."
        )
    if client.asynchronous:
        raise ValueError(f"{name} needs a client that is not asynchronous: Client(...).")
    if client.status != "running":
        raise ValueError(f"{name}: the client is {client.status}: create another.")
    return client


def _key(function):
    """Return a new key of a task; dask learns from its beginning how long such tasks take."""
    return f"fastnn_{function.__name__.strip('_')}-{uuid.uuid4().hex}"


def _identity(value):
    return value
