"""MultiTaskMLP: heads of several kinds, their weights, and what they are given and return."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV

import fastnn
from fastnn import Head, Huber, MLPClassifier, MLPRegressor, MultiTaskMLP, Quantile, fit_many
from fastnn.callbacks import Callback, Checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OPTIONS = {"hidden_layer_sizes": (20,), "max_iter": 20, "random_state": 0}
OPTIONS |= {"learning_rate_init": 0.01}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5))
    y = {
        "side": np.where(X[:, 0] > 0, "right", "left"),
        "kind": np.digitize(X[:, 1], [-0.5, 0.5]),
        "size": X[:, 2] + 0.1 * X[:, 3],
        "tags": (X[:, :3] > 0).astype(int),
        "visits": rng.poisson(np.exp(X[:, 4])).astype(float),
        "place": X[:, [0, 1]] - X[:, [2, 3]],
    }
    return X, y


def model(**options):
    return MultiTaskMLP(**OPTIONS | options)


def of_columns(y):
    return {name: values for name, values in y.items() if values.ndim == 1}


HEADS = {
    "side": None,
    "kind": Head(weight=0.5),
    "size": Huber(2.0),
    "tags": "log_loss",
    "visits": "poisson",
    "place": Head("squared_error", 2.0, "softsign"),
}


@pytest.mark.parametrize("task_weighting", [None, "uncertainty"])
def test_heads_of_all_kinds(data, task_weighting):
    X, y = data
    fitted = model(heads=HEADS, task_weighting=task_weighting, max_iter=60).fit(X, y)
    predicted, scores = fitted.predict(X), fitted.scores(X, y)
    assert list(predicted) == list(fitted.heads_) == list(y)
    for name in ("side", "kind", "tags"):
        assert scores[name] == accuracy_score(y[name], predicted[name]) > 0.8
        assert predicted[name].shape == y[name].shape
    for name in ("size", "visits"):
        assert scores[name] == r2_score(y[name], predicted[name]) > 0.5
    assert predicted["place"].shape == (300, 2) and (predicted["visits"] > 0).all()
    assert fitted.score(X, y) == pytest.approx(np.mean([*scores.values()]))
    probabilities = fitted.predict_proba(X)
    assert {name: part.shape[1] for name, part in probabilities.items()} == {
        "side": 2,
        "kind": 3,
        "tags": 3,
    }
    np.testing.assert_allclose(probabilities["side"].sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_["side"], ["left", "right"])
    assert fitted.out_activation_["place"] == "softsign" and fitted.n_outputs_ == 11
    assert "output visits: exp" in str(fitted.summary())


def test_the_loss_is_the_weighted_sum(data):
    X, y = data
    options = {"shuffle": False, "alpha": 0.0, "max_iter": 3, "batch_size": 300}
    fitted = model(heads=HEADS, **options).fit(X, y)
    history = fitted.history_
    assert fitted.task_weights_ == {**dict.fromkeys(y, 1.0), "kind": 0.5, "place": 2.0}
    total = sum(w * np.array(history[f"{n}_loss"]) for n, w in fitted.task_weights_.items())
    np.testing.assert_allclose(history["loss"], total)
    assert "kind_weight" not in history
    trained = model(heads=HEADS, task_weighting="uncertainty", **options).fit(X, y)
    history, n_terms = trained.history_, dict(zip(y, [1, 1, 1, 3, 1, 2], strict=True))
    before, expected = dict.fromkeys(y, 0.0), 0.0
    for name, head in zip(y, trained._network.loss.heads, strict=True):  # of the second epoch
        before[name] = -np.log(history[f"{name}_weight"][0] / head.weight)
        own = np.exp(-before[name]) * history[f"{name}_loss"][1] + n_terms[name] / 2 * before[name]
        expected += head.weight * own
    np.testing.assert_allclose(history["loss"][1], expected)
    last = {name: history[f"{name}_weight"][-1] for name in y}
    assert trained.task_weights_ == pytest.approx(last)
    assert all(s != 0 for s in before.values())
    frozen = model(
        heads=HEADS, task_weighting="uncertainty", learning_rate_factors={"log_variances": 0.0}
    ).fit(X, y)
    assert frozen.task_weights_ == fitted.task_weights_


def test_a_log_variance_becomes_the_mean_squared_error(data):
    X, y = data
    fitted = model(
        task_weighting="uncertainty",
        max_iter=300,
        tol=0,
        learning_rate_factors={"log_variances": 10.0, "weights": 0.0, "biases": 0.0},
    ).fit(X, {"place": y["place"]})
    error = np.mean((fitted.predict(X)["place"] - y["place"]) ** 2)
    assert 1 / fitted.task_weights_["place"] == pytest.approx(error, rel=0.01)


def test_one_head_is_the_estimator_of_one_task(data):
    X, y = data
    one = model().fit(X, {"size": y["size"]})
    other = MLPRegressor(**OPTIONS).fit(X, y["size"])
    np.testing.assert_array_equal(one.predict(X)["size"], other.predict(X))
    assert one.loss_curve_ == pytest.approx(other.loss_curve_)
    for name in ("side", "kind", "tags"):
        one, other = model().fit(X, {name: y[name]}), MLPClassifier(**OPTIONS).fit(X, y[name])
        np.testing.assert_array_equal(one.predict_proba(X)[name], other.predict_proba(X))
        np.testing.assert_array_equal(one.predict(X)[name], other.predict(X))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_come_back(data, frame):
    X, y = data
    y = of_columns(y)
    rows = pd.DataFrame(X, columns=list("abcde"), index=np.arange(300) + 7)
    fitted = model(max_iter=3).fit(rows, frame(y))
    predicted = fitted.predict(rows)
    assert type(predicted) is frame and list(predicted.columns) == list(y)
    if frame is pd.DataFrame:
        assert list(predicted.index) == list(rows.index)
    expected = model(max_iter=3).fit(X, y).predict(X)
    for name in y:
        np.testing.assert_array_equal(predicted[name].to_numpy(), expected[name])
    assert type(model(max_iter=1).fit(X, frame(y)).predict(X)) is frame
    heads = dict.fromkeys(y) | {"size": Huber()}
    search = GridSearchCV(model(max_iter=2), {"heads": [None, heads]}, cv=2)
    assert np.isfinite(search.fit(rows, frame(y)).best_score_)


def test_files_pickles_and_clones(data, tmp_path):
    X, y = data
    fitted = model(heads=HEADS, task_weighting="uncertainty").fit(X, y)
    fitted.save(tmp_path / "model", training=True)
    loaded = fastnn.load(tmp_path / "model")
    for other in (loaded, pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        for name, values in fitted.predict(X).items():
            np.testing.assert_array_equal(other.predict(X)[name], values)
        assert other.task_weights_ == fitted.task_weights_
        assert list(other.classes_) == ["side", "kind", "tags"]
        for continued in (other, copy.deepcopy(fitted)):
            continued.partial_fit(X, y)
        np.testing.assert_array_equal(continued.coefs_[0], other.coefs_[0])
    assert repr(clone(fitted)) == repr(model(heads=HEADS, task_weighting="uncertainty"))
    with pytest.raises(ValueError, match=r"fastnn.load loads it"):
        fastnn.runtime.load(tmp_path / "model")
    for export in (fitted.to_onnx, lambda: fitted.to_c(tmp_path / "m.c")):
        with pytest.raises(ValueError, match="heads of several kinds, for which"):
            export()


def test_validation_and_early_stopping(data):
    X, y = data
    fitted = model(heads=HEADS, early_stopping=True).fit(X, y)
    history = fitted.history_
    names = ["side_accuracy", "kind_accuracy", "size_r2", "tags_accuracy", "visits_r2", "place_r2"]
    each = np.array([history[f"val_{name}"] for name in names])
    np.testing.assert_allclose(history["val_score"], each.mean(axis=0))
    assert fitted.best_validation_score_ == max(history["val_score"])

    def of_sides(estimator, X, y):
        return np.mean(estimator.predict(X)["side"] == y["side"])

    rest = {name: values[200:] for name, values in y.items()}
    own = model(scoring=[of_sides, "loss"]).fit(X, y, X_val=X[200:], y_val=rest)
    expected = np.mean(own.predict(X[200:])["side"] == rest["side"])
    assert own.history_["val_of_sides"][-1] == expected
    assert np.isfinite(own.history_["val_loss"]).all()
    one = {name: values[:1] for name, values in y.items()}
    model(max_iter=1).fit(X, {"side": y["side"]}, X_val=X[:1], y_val={"side": one["side"]})
    with pytest.raises(ValueError, match="R2 of one row of validation data is undefined"):
        model(max_iter=1).fit(X, y, X_val=X[:1], y_val=one)


def test_partial_fit_and_warm_start(data):
    X, y = data
    classes = {"side": ["left", "right"], "kind": [0, 1, 2]}
    steps = model()
    with pytest.raises(ValueError, match="classes must have the labels of head 'side' on"):
        steps.partial_fit(X, y)
    with pytest.raises(TypeError, match="classes must be a dict of the labels of each head"):
        steps.partial_fit(X, y, classes=["left", "right"])
    few = {name: values[:2] for name, values in y.items()}
    steps.partial_fit(X[:2], few, classes=classes).partial_fit(X, y, classes=classes)
    np.testing.assert_array_equal(steps.classes_["kind"], [0, 1, 2])
    with pytest.raises(ValueError, match="classes differ from those of the first call"):
        steps.partial_fit(X, y, classes={"kind": [1, 2]})
    for name in ("kid", "size", "tags"):
        with pytest.raises(ValueError, match=f"classes names '{name}', which is no head with one"):
            model().partial_fit(X, y, classes=classes | {name: [0, 1]})
    once = model(max_iter=4, shuffle=False).fit(X, y)
    twice = model(max_iter=2, shuffle=False, warm_start=True).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(once.coefs_[0], twice.coefs_[0])
    with pytest.raises(ValueError, match="Head 'side': warm_start can only be used where"):
        twice.fit(X, y | {"side": y["kind"].astype(str)})
    with pytest.raises(ValueError, match="y lacks the head 'side'"):
        twice.fit(X, {"kind": y["kind"]})
    twice.set_params(task_weighting="uncertainty")
    with pytest.raises(ValueError, match="task_weighting='uncertainty' is not that of the fitted"):
        twice.fit(X, y)


def test_later_targets_are_of_the_kind_of_the_first(data):
    X, y = data
    size, whole = {"size": y["size"]}, {"size": y["size"].round()}
    first, second = (model().partial_fit(X, size) for _ in range(2))
    first.partial_fit(X, whole)
    second.partial_fit(X, {"size": whole["size"].astype(int)})
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])


def test_a_checkpoint_within_an_epoch_has_the_losses_of_heads(data, tmp_path):
    X, y = data
    options = {"batch_size": 50, "max_iter": 2, "task_weighting": "uncertainty"}
    whole = model(**options).fit(X, y)

    class Dies(Callback):
        n_batches = 0

        def on_batch_end(self, context):
            self.n_batches += 1
            if self.n_batches == 11:  # the fifth of the second epoch
                raise SystemExit

    path = tmp_path / "checkpoint"
    saved = Checkpoint(path, resume=True, batches=2)
    with pytest.raises(SystemExit):
        model(**options, callbacks=[Dies(), saved]).fit(X, y)
    resumed = model(**options, callbacks=[saved]).fit(X, y)
    for name in ("loss", "size_loss", "side_weight"):
        assert list(resumed.history_[name]) == list(whole.history_[name])


def test_options_of_the_other_estimators(data):
    X, y = data
    plain = model(max_iter=3).fit(X, y).coefs_[0]
    for options in (
        {"label_smoothing": 0.3},
        {"augment": "mixup"},
        {"averaging": "swa"},
        {"precision": "float32", "normalization": "batch", "dropout": 0.2, "n_jobs": 2},
        {"solver": "lbfgs"},
        {"alpha": 3.0},
    ):
        fitted = model(**{"max_iter": 3} | options, task_weighting="uncertainty").fit(X, y)
        assert not np.array_equal(fitted.coefs_[0], plain), options
        assert len(set(fitted.task_weights_.values())) > 1
    weights = np.repeat([1, 3], 150)
    repeated = np.repeat(np.arange(300), weights)
    options = {"solver": "lbfgs", "max_iter": 3}
    one = model(**options).fit(X, y, weights)
    other = model(**options).fit(X[repeated], {name: v[repeated] for name, v in y.items()})
    np.testing.assert_allclose(one.coefs_[1], other.coefs_[1], rtol=1e-6, atol=1e-8)
    assert one.scores(X, y, weights) != one.scores(X, y)


def test_probabilities_as_targets(data):
    X, _ = data
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 300)
    fitted = model(heads={"shares": "log_loss"}).fit(X, {"shares": shares})
    assert fitted.predict_proba(X)["shares"].shape == (300, 3)
    assert set(fitted.predict(X)["shares"]) <= {0, 1, 2}


WRONG_TARGETS = {
    "a list": (lambda y: [1, 2], TypeError, "y must be a dict of arrays, .* and is a list"),
    "no heads": (lambda y: {}, ValueError, "y has no heads"),
    "lengths": (
        lambda y: y | {"side": y["side"][:-1]},
        ValueError,
        "must have targets for the same rows, and their numbers of rows are .*'side': 299",
    ),
    "rows": (
        lambda y: {name: values[:-1] for name, values in y.items()},
        ValueError,
        "X has 300 rows, and y has targets for 299",
    ),
    "a name": (lambda y: {1: y["side"]}, ValueError, "names of heads must be strings, .* is 1"),
    "a name of other rows": (
        lambda y: {"val": y["side"]},
        ValueError,
        "A head cannot be named 'val', as 'val_loss' of history_ is of other rows",
    ),
    "nan": (
        lambda y: {"size": np.where(np.arange(300) == 5, np.nan, y["size"])},
        ValueError,
        r"y\['size'\] must be finite, and has NaN or infinity in row 5",
    ),
    "columns of classes": (
        lambda y: {"kinds": np.stack([y["kind"], y["kind"]], axis=1)},
        ValueError,
        "Head 'kinds': it has several columns of classes",
    ),
    "three dimensions": (
        lambda y: {"size": np.zeros((300, 2, 2))},
        ValueError,
        r"y\['size'\] must have the shape",
    ),
    "none": (lambda y: {"size": None}, ValueError, r"y\['size'\] must have the shape"),
}


@pytest.mark.parametrize("name", WRONG_TARGETS)
def test_wrong_targets(data, name):
    X, y = data
    make, kind, message = WRONG_TARGETS[name]
    with pytest.raises(kind, match=message):
        model().fit(X, make(y))


WRONG_HEADS = {
    "unknown": ({"side": None, "price": None}, "'price' is in heads only"),
    "missing": ({}, "'side' is in y only"),
    "kind": ({"side": "squared_error"}, "Head 'side': loss='squared_error' is of numbers, .* 'r"),
    "negative": ({"side": Head(weight=-1.0)}, "weight"),
    "loss": ({"side": "los_loss"}, "loss"),
    "no loss": ({"side": 3}, "loss"),
    "activation": ({"side": Head(output_activation="tanh")}, "does not go with"),
}


@pytest.mark.parametrize("name", WRONG_HEADS)
def test_wrong_heads(data, name):
    X, y = data
    heads, message = WRONG_HEADS[name]
    unfitted = model(heads=heads)
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X, {"side": y["side"]})
    assert not hasattr(unfitted, "coefs_")


def test_validation_targets_of_another_kind_are_refused(data):
    X, y = data
    given = {"size": y["size"]}
    for other in (y["size"] + 1j, y["size"].astype(str)):
        with pytest.raises(ValueError, match="Head 'size': loss='squared_error' is of numbers"):
            model().fit(X, given, X_val=X, y_val={"size": other})


def test_fits_side_by_side_to_some_of_the_rows(data):
    X, y = data
    folds = [np.arange(200), np.arange(100, 300)]
    together = fit_many([model(max_iter=2), model(max_iter=2)], X, y, rows=folds)
    for fitted, rows in zip(together, folds, strict=True):
        alone = model(max_iter=2).fit(X[rows], {name: of[rows] for name, of in y.items()})
        predicted = fitted.predict(X)
        for name, of in alone.predict(X).items():
            np.testing.assert_array_equal(predicted[name], of)


def test_other_wrong_values(data):
    X, y = data
    size, side = {"size": y["size"]}, {"side": y["side"]}
    for heads, targets, message in [
        ({"size": Quantile([0.1, 0.9])}, size, "several quantiles: give each a head of its own"),
        ({"size": "log_loss"}, size, "Head 'size': Unknown label type"),
        ({"size": "poisson"}, size, "Head 'size': loss='poisson' needs targets y >= 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            model(heads=heads).fit(X, targets)
    with pytest.raises(ValueError, match="no head has probabilities"):
        model(label_smoothing=0.1).fit(X, size)
    with pytest.raises(ValueError, match="task_weighting"):
        model(task_weighting="certainty").fit(X, size)
    with pytest.raises(TypeError, match="trains on rows in memory"):
        model().fit(fastnn.data.Arrays(X, y["size"]), None)
    fitted = model(max_iter=2).fit(X, side)
    with pytest.raises(ValueError, match="y lacks the head 'side'"):
        fitted.score(X, size)
    with pytest.raises(ValueError, match="y has targets of 'size', which is no head"):
        fitted.score(X, side | size)
    with pytest.raises(ValueError, match=r"\(X_val, y_val\): y lacks the head 'side'"):
        model().fit(X, side, X_val=X, y_val=size)


def test_every_parameter_of_a_head_changes_the_result(data):
    X, y = data
    size = {"size": y["size"], "side": y["side"]}
    others = [None, Head(loss="absolute_error"), Head(weight=3.0), Head(output_activation="tanh")]
    fits = [model(max_iter=2, heads={"size": head, "side": None}).fit(X, size) for head in others]
    first = {fitted.coefs_[0].tobytes() for fitted in fits}
    assert len(first) == len(others)


def test_diagnostics_of_one_kind_of_targets_are_refused(data):
    X, y = data
    diagnostics, message = fastnn.diagnostics, "one kind of targets, and a MultiTaskMLP has several"
    checks = diagnostics.check_gradients, diagnostics.initial_loss, diagnostics.check_training
    for check in (*checks, diagnostics.generalization, diagnostics.bias_variance):
        with pytest.raises(ValueError, match=message):
            check(model(), X, y)
    fitted = model(max_iter=1).fit(X, y)
    for function in (diagnostics.input_gradients, diagnostics.integrated_gradients):
        with pytest.raises(ValueError, match=message):
            function(fitted, X)
