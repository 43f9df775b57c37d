"""scikit-learn's callbacks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, MLPRegressor
from fastnn.callbacks import EarlyStopping
from support.callback_fits import X, Y, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_scikit_learns_callbacks(solver, estimator):
    sklearn_callback = pytest.importorskip("sklearn.callback")
    name = "accuracy" if estimator is MLPClassifier else "r2"
    monitor = sklearn_callback.ScoringMonitor(scoring=name)
    model = estimator(
        hidden_layer_sizes=(5,), solver=solver, max_iter=3, random_state=0
    ).set_callbacks(monitor)
    model.fit(pd.DataFrame(X, columns=list("abcd")), Y)
    scores = [row[name] for row in monitor.get_logs().data]
    frame = pd.DataFrame(X, columns=list("abcd"))
    expected = [
        estimator(hidden_layer_sizes=(5,), solver=solver, max_iter=n, random_state=0)
        .fit(frame, Y)
        .score(frame, Y)
        for n in (3, 1, 2, 3)
    ]
    assert scores == pytest.approx(expected)
    assert "_callback_fit_ctx" not in vars(model)
    assert clone(model)._skl_callbacks
    with pytest.raises(TypeError, match="FitCallback protocol"):
        model.set_callbacks("nonsense")
    model.set_callbacks().fit(X, Y)


def test_scikit_learns_callbacks_stop_and_are_torn_down():
    pytest.importorskip("sklearn.callback")
    calls = []

    class Theirs:
        def setup(self, estimator, context):
            calls.append("setup")

        def teardown(self, estimator, context):
            calls.append("teardown")

        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
            calls.append(("begin", context.task_name, context.task_id))
            assert metadata["sample_weight"] is weight
            assert X.shape[0] == len(y)

        def on_fit_task_end(self, estimator, context):
            calls.append(("end", context.task_name, context.task_id))
            if self.fails:
                raise ZeroDivisionError
            return context.task_id == 1

    Theirs.fails, weight = False, np.ones(len(X))
    model = classifier().set_callbacks(Theirs()).fit(X, Y, weight)
    assert model.n_iter_ == 2
    epochs = [(what, "epoch", i) for i in (0, 1) for what in ("begin", "end")]
    assert calls == ["setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown"]
    Theirs.fails = True
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, weight)
    assert calls[-1] == "teardown"
    assert "_callback_fit_ctx" not in vars(model)


def test_scikit_learns_callbacks_come_through_pipelines_and_searches(capsys):
    sklearn_callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    bar = sklearn_callback.ProgressBar(max_propagation_depth=None)
    model = make_pipeline(StandardScaler(), classifier(max_iter=2)).set_callbacks(bar)
    model.fit(X, Y)
    assert "MLPClassifier" in capsys.readouterr().out
    search = GridSearchCV(classifier(max_iter=2), {"alpha": [0.1]}, cv=2)
    assert search.set_callbacks(bar).fit(X, Y).best_estimator_.n_iter_ == 2


def test_regressors_have_callbacks_too():
    data = make_regression(100, 5, n_targets=2, random_state=0)
    model = MLPRegressor(max_iter=30, callbacks=[EarlyStopping(restore_best=True)])
    model.set_params(early_stopping=True, n_iter_no_change=99).fit(*data)
    assert "val_r2" in model.history_
