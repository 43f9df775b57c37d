"""Bad input of fits on a cluster: one sentence, and the estimator as it was."""

import dask.array as da
import distributed
import numpy as np
import pytest

from fastnn import MLPClassifier, Quantile
from fastnn.callbacks import Callback
from fastnn.dask import DaskMLPClassifier, DaskMLPRegressor
from support.small_fits import X_DIGITS, Y_DIGITS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(values=X_DIGITS, chunks=100):
    return da.from_array(values, chunks=(chunks, *values.shape[1:]))


def unknown(values):
    """Return a collection whose chunks have unknown sizes."""
    return da.concatenate(
        [
            da.from_delayed(part, (np.nan, *values.shape[1:]), values.dtype)
            for part in parts(values)
        ],
        allow_unknown_chunksizes=True,
    )


def parts(values):
    return values.to_delayed().ravel().tolist()


def with_nan():
    X = X_DIGITS.copy()
    X[217, 5] = np.nan
    return rows(X)


def other_width():
    narrow = da.from_delayed(parts(rows(X_DIGITS[:, :60]))[0], (100, 64), float)
    return da.concatenate([rows(X_DIGITS[:200]), narrow])


CASES = {
    "arrays in memory": (lambda: (X_DIGITS, Y_DIGITS), {}, "X must be an array or a dataframe of"),
    "no targets": (lambda: (rows(), None), {}, "y is missing"),
    "one dimension": (lambda: (rows()[:, 0], rows(Y_DIGITS)), {}, "X must have rows and columns"),
    "partitions": (
        lambda: (unknown(rows()), rows(Y_DIGITS, 60)),
        {},
        "X has 3 partitions, and y has 5",
    ),
    "fewer targets": (
        lambda: (unknown(rows()), unknown(rows(Y_DIGITS[:290]))),
        {},
        "Partition 2 has 100 rows in X and 90 in y",
    ),
    "NaN": (lambda: (with_nan(), rows(Y_DIGITS)), {}, "Row 17 of partition 2 of X: .*NaN"),
    "width": (lambda: (other_width(), rows(Y_DIGITS)), {}, "partition 2 of X: X has 60 features"),
    "unknown label": (
        lambda: (rows(), rows(Y_DIGITS)),
        {"X_val": rows(), "y_val": rows(np.where(np.arange(300) == 210, 11, Y_DIGITS))},
        "partition 2 of X_val: `y` has classes not in",
    ),
}


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("case", CASES)
def test_bad_rows(case):
    make, given, message = CASES[case]
    model = DaskMLPClassifier(max_iter=1)
    before = vars(model).copy()
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(*make(), **given)
    assert vars(model) == before


@pytest.mark.usefixtures("client")
def test_the_score_of_several_quantiles_is_refused():
    model = DaskMLPRegressor(Quantile([0.1, 0.9]), (3,), max_iter=1, early_stopping=True)
    with pytest.raises(ValueError, match=r"score of several quantiles is not .* scoring='loss'"):
        model.fit(rows(), rows(X_DIGITS[:, 0]))
    model.set_params(scoring="loss").fit(rows(), rows(X_DIGITS[:, 0]))
    assert model.predict(rows()).compute().shape == (300, 2)
    with pytest.raises(ValueError, match=r"score the rows of an array by to_local\(\)"):
        model.score(rows(), rows(X_DIGITS[:, 0]))


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    "options, message",
    [
        ({"device": "cuda"}, "device='cuda' is not available on a cluster"),
        ({"steps_per_round": 0}, "steps_per_round"),
        ({"client": "localhost"}, "client"),
        ({"augment": [lambda X, y, rng: (X, y)]}, "augment can be 'mixup' or 'cutmix'"),
        ({"solver": "lbfgs", "normalization": "batch"}, "solver='lbfgs' needs all rows at once"),
        ({"solver": "rprop"}, "solver='rprop' takes each step with all rows"),
    ],
)
def test_bad_parameters_of_a_cluster(options, message):
    with pytest.raises(ValueError, match=message):
        DaskMLPClassifier(max_iter=1, **options).fit(rows(), rows(Y_DIGITS))


class Does(Callback):
    """Calls a function after the first epoch."""

    def __init__(self, function):
        self.function = function

    def on_epoch_end(self, context):
        self.function()


def fit_with(client, function):
    model = DaskMLPClassifier(client=client, max_iter=3, callbacks=[Does(function)])
    before = vars(model).copy()
    with pytest.raises(RuntimeError) as error:
        model.fit(rows(), rows(Y_DIGITS))
    assert vars(model) == before
    return str(error.value)


def new_client():
    cluster = distributed.LocalCluster(processes=False, dashboard_address=":0", n_workers=1)
    return distributed.Client(cluster, set_as_default=False)


def test_a_client_that_closes():
    client = new_client()
    with client.cluster:
        assert "the client was closed" in fit_with(client, client.close)
        with pytest.raises(ValueError, match="the client is closed: create another"):
            DaskMLPClassifier(client=client).fit(rows(), rows(Y_DIGITS))


def test_all_workers_lost_for_good(monkeypatch):
    monkeypatch.setattr("fastnn.dask.cluster._PATIENCE", 0.05)
    monkeypatch.setattr("fastnn.dask.cluster._WITHOUT_WORKERS", 0.2)
    with new_client() as client, client.cluster:
        lost = fit_with(client, lambda: client.cluster.scale(0))
        assert "has had no worker for" in lost


@pytest.mark.usefixtures("client")
def test_ctrl_c_leaves_a_usable_estimator():
    def interrupt():
        raise KeyboardInterrupt

    model = DaskMLPClassifier(max_iter=3, callbacks=[Does(interrupt)])
    with pytest.warns(UserWarning, match="Training interrupted"):
        model.fit(rows(), rows(Y_DIGITS))
    assert isinstance(model.to_local(), MLPClassifier) and model.n_iter_ == 1
