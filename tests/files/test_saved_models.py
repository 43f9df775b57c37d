"""Saved models: the same bits again, and one sentence for each thing that cannot be."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import fastnn
from fastnn import CustomActivation, CustomLoss, CustomSchedule, MLPClassifier, MLPRegressor
from fastnn._files import atomic, parts
from fastnn._files.parts import packed
from fastnn.augment import Noise
from fastnn.callbacks import Checkpoint, EarlyStopping, load_checkpoint
from fastnn.initializers import HeNormal, Normal
from fastnn.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, Huber, Minkowski
from fastnn.schedules import CosineDecay, Warmup
from support import TESTS
from support.reference import ACTIVATIONS
from support.saved import LABELS, X, Y, classifier, predictions
from support.stacks import N_FEATURES, SPECS, inputs, stacks

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:partial_fit counts each call"
)

TRAININGS = [
    {"solver": "sgd", "learning_rate": Warmup(2, CosineDecay()), "validation_fraction": 0.2},
    {"averaging": "ema", "normalization": "batch", "dropout": 0.2},
    {"solver": fastnn.AdamW(weight_decay=0.1), "augment": [Noise(0.1)], "activation": "prelu"},
    {"solver": fastnn.Rprop(), "batch_size": len(X), "precision": "float32"},
    {"averaging": fastnn.SWA(start=1), "class_weight": {0: 2.0, 1: np.float32(1), 2: np.int8(1)}},
    {"precision": "bfloat16", "weight_init": [HeNormal(), Normal(0.1)], "alpha": np.float64(0.1)},
    {"layers": [fastnn.Dense(5, "maxout"), fastnn.Residual([fastnn.Dense(5)], 0.3), "tanh"]},
]


def again(model, path, **options):
    model.save(path, **options)
    return fastnn.load(path)


def assert_equal(one, other):
    """Check that all is equal that users see."""
    assert vars(one).keys() == vars(other).keys()
    for name in ("classes_", "loss_curve_", "feature_names_in_", "out_activation_"):
        if hasattr(one, name):
            np.testing.assert_equal(getattr(other, name), getattr(one, name))
    assert one.history_.keys() == other.history_.keys()
    for name in one.history_.keys() - {"seconds"}:
        np.testing.assert_equal(other.history_[name], one.history_[name])
    for ours, theirs in zip(one._network.views, other._network.views, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def assert_predicts_the_same(one, other, X):
    for ours, theirs in zip(predictions(one, X), predictions(other, X), strict=True):
        if hasattr(ours, "toarray"):
            assert type(ours) is type(theirs)
            ours, theirs = ours.toarray(), theirs.toarray()
        assert getattr(ours, "dtype", None) == getattr(theirs, "dtype", None)
        np.testing.assert_equal(theirs, ours)


# --- the same bits --------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_every_kind(tmp_path, labels):
    model = classifier().fit(X, labels)
    loaded = again(model, tmp_path / "file")
    assert_equal(model, loaded)
    assert_predicts_the_same(model, loaded, X)
    assert loaded.score(X, labels) == model.score(X, labels)


@pytest.mark.parametrize("loss", CLASSIFICATION_LOSSES)
def test_losses_of_classifiers(tmp_path, loss):
    for labels in (Y, Y == 1):
        model = classifier(loss=loss).fit(X, labels)
        assert_predicts_the_same(model, again(model, tmp_path / "file"), X)


@pytest.mark.parametrize("loss", [*REGRESSION_LOSSES, Huber(0.3), Minkowski(4)], ids=str)
def test_losses_of_regressors(tmp_path, loss):
    for targets in (X[:, 0], X[:, :2]):
        model = MLPRegressor(loss, (6,), max_iter=3, random_state=0).fit(X, targets)
        assert_predicts_the_same(model, again(model, tmp_path / "file"), X)


@settings(deadline=None, max_examples=25)
@given(stacks([*ACTIVATIONS, *SPECS]), inputs, st.sampled_from(["float32", "float64"]))
def test_stacks(tmp_path_factory, layers, of_input, precision):
    path = tmp_path_factory.getbasetemp() / "stack"
    dropout, noise = of_input
    first = [dropout] if isinstance(dropout, fastnn.Dropout) else []
    model = MLPRegressor(
        layers=[*first, *layers[:-1]],
        input_noise=noise,
        max_iter=2,
        precision=precision,
        random_state=0,
    )
    rng = np.random.default_rng(0)
    rows, targets = rng.normal(size=(19, N_FEATURES)), rng.normal(size=(19, 2))
    model.fit(rows, targets)
    np.testing.assert_array_equal(again(model, path).predict(rows), model.predict(rows))
    loaded = again(model, path, training=True)
    for one in (model, loaded):
        one.partial_fit(rows, targets)
    assert_equal(model, loaded)


@pytest.mark.parametrize("options", TRAININGS, ids=str)
def test_training_goes_on_to_the_same_bits(tmp_path, options):
    model = classifier(**options).fit(X, Y)
    loaded = again(model, tmp_path / "file", training=True)
    assert_equal(model, loaded)
    assert loaded.get_params().keys() == model.get_params().keys()
    assert repr(loaded.solver) == repr(model.solver)
    assert loaded.class_weight == model.class_weight
    for how in ("partial_fit", "fit"):
        for one in (model, loaded):
            getattr(one.set_params(warm_start=True), how)(X, Y)
        assert model.loss_curve_ == loaded.loss_curve_
        assert_equal(model, loaded)
        assert_predicts_the_same(model, loaded, X)


def test_without_the_state_of_the_training_the_file_is_small_and_the_optimizer_new(tmp_path):
    model = MLPClassifier((200,), max_iter=3, random_state=0).fit(X, Y)
    small, large = tmp_path / "small", tmp_path / "large"
    loaded = again(model, small)
    model.save(large, training=True)
    n_parameters = 200 * 8 + 3
    assert small.stat().st_size < 8 * n_parameters + 6000
    assert large.stat().st_size > 3 * 8 * n_parameters
    assert loaded._network.state.step == 0 < model._network.state.step
    loaded.partial_fit(X, Y)
    assert len(loaded.loss_curve_) == 4


def test_the_same_model_has_the_same_bytes(tmp_path):
    model = classifier().fit(X, Y)
    for path in (tmp_path / "a", tmp_path / "b"):
        model.save(path)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_arrays_and_text_are_read_by_numpy_too(tmp_path):
    model = classifier().fit(X, Y)
    model.save(tmp_path / "file")
    with np.load(tmp_path / "file", allow_pickle=False) as found:
        assert b'"hidden_layer_sizes":{"tuple":[6]}' in found["fastnn.json"]
        np.testing.assert_array_equal(found["arrays/0"], model.coefs_[0])


def test_names_of_features_and_what_a_user_has_put_into_coefs(tmp_path):
    frame = pytest.importorskip("pandas").DataFrame(X, columns=[*"abcd"])
    model = classifier(callbacks=[EarlyStopping("loss")]).fit(frame, Y)
    model.coefs_[0] = np.ones_like(model.coefs_[0])
    loaded = again(model, tmp_path / "file")
    assert_predicts_the_same(model, loaded, frame)
    assert loaded.callbacks is None
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[[*"dcba"]])


# --- code of users --------------------------------------------------------------------------------


def square(x):
    return x * x


def twice(x):
    return 2 * x


def slower(t, n):
    return 1 / (1 + t)


class Halved(MLPClassifier):
    def read(self, X, *, reset=False, name="X"):
        if reset:
            self.factor_ = 0.5
        return super().read(np.asarray(X) * self.factor_, reset=reset, name=name)


def test_functions_and_classes_of_users_are_names_that_are_imported_if_trusted(tmp_path):
    path, here = tmp_path / "file", __name__
    model = Halved((6,), max_iter=3, learning_rate=slower, random_state=0).fit(X, Y)
    model.save(path)
    for trusted in ((), [f"{here}:slower"]):
        with pytest.raises(ValueError, match=rf"file' names '{here}:.* pass trusted=\['{here}:"):
            fastnn.load(path, trusted=trusted)
    loaded = fastnn.load(path, trusted=[f"{here}:slower", f"{here}:Halved"])
    assert type(loaded) is Halved
    assert loaded.factor_ == 0.5
    assert loaded.learning_rate is slower
    assert_predicts_the_same(model, loaded, X)


def test_functions_in_networks_are_names_too(tmp_path):
    pytest.importorskip("numba")
    path, names = tmp_path / "file", [f"{__name__}:square", f"{__name__}:twice"]
    options = {"max_iter": 3, "callbacks": [Checkpoint(path, resume=True)], "random_state": 0}
    model = classifier(activation=CustomActivation(square, twice), **options).fit(X, Y)
    with pytest.raises(ValueError, match=r"names .* which loading would import"):
        load_checkpoint(path)
    assert_equal(load_checkpoint(path, trusted=names), model.set_params(callbacks=None))
    resumed = clone(model).set_params(**options | {"max_iter": 5}).fit(X, Y)  # has them itself
    assert resumed.n_iter_ == 5


@pytest.mark.parametrize(
    "options, told",
    [
        ({"learning_rate": lambda t, n: 1.0}, "'<lambda>', which cannot be imported by its name"),
        ({"learning_rate": CustomSchedule(lambda t, n: 1.0)}, r"learning_rate=CustomSchedule\("),
        ({"scoring": np.random.default_rng(0).normal}, "scoring=<b.* method .*normal"),
        ({"augment": [object()]}, "an object of builtins.object"),
        ({"weight_init": np.array([(1, 2)], "i,i")}, "an array of type"),
    ],
)
def test_what_no_file_can_hold_is_refused(tmp_path, options, told):
    model = classifier().fit(X, Y).set_params(**options)
    with pytest.raises(ValueError, match=rf"save cannot write .*{told}.* or set another value"):
        model.save(tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_a_function_in_a_network_that_no_file_can_hold_is_refused(tmp_path):
    pytest.importorskip("numba")
    loss = CustomLoss(lambda z, y: (z - y) ** 2, lambda z, y: 2 * (z - y))
    model = MLPRegressor(loss, (6,), max_iter=2).fit(X, Y).set_params(loss="squared_error")
    with pytest.raises(ValueError, match=r"hold the network of this model: '.*<lambda>', which"):
        model.save(tmp_path / "file")


# --- what cannot be -------------------------------------------------------------------------------


def test_an_estimator_that_is_not_fitted_is_refused(tmp_path):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        classifier().save(tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_places_where_no_file_can_be(tmp_path):
    model = classifier().fit(X, Y)
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file"):
        model.save(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file"):
        fastnn.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "none" / "file")
    with pytest.raises(FileNotFoundError):
        fastnn.load(tmp_path / "none")


def test_a_folder_that_is_read_only(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):  # root may write all
        monkeypatch.setattr(atomic.os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="is not writable"):
        classifier().fit(X, Y).save(tmp_path / "file")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    model, path = classifier().fit(X, Y), tmp_path / "file"
    model.save(path)
    before = path.read_bytes()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match=r"could not write '.*file' \(No space left on device\)"):
        model.partial_fit(X, Y).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_other_kinds_and_of_later_versions(tmp_path, monkeypatch):
    path, checkpoint = tmp_path / "file", tmp_path / "checkpoint"
    model = classifier(callbacks=[Checkpoint(checkpoint)]).fit(X, Y)
    with pytest.raises(ValueError, match=r"is a checkpoint: fastnn\.callbacks\.load_checkpoint"):
        fastnn.load(checkpoint)
    model.save(path)
    with pytest.raises(ValueError, match=r"is a model: fastnn\.load loads it"):
        load_checkpoint(path)
    np.savez(tmp_path / "other.npz", X)
    path.write_text("nonsense")
    for other in (path, tmp_path / "other.npz"):
        with pytest.raises(ValueError, match="is no file of fastnn"):
            fastnn.load(other)
    with monkeypatch.context() as later:
        later.setattr("fastnn.__version__", "9.8.7")
        later.setattr(parts, "FORMAT", parts.FORMAT + 1)
        model.save(path)
    with pytest.raises(ValueError, match=r"by fastnn 9\.8\.7, in format 2, .* 9\.8\.7 or later"):
        fastnn.load(path)


def test_parameters_that_a_file_has_more_or_less(tmp_path):
    path, model = tmp_path / "file", classifier().fit(X, Y)
    found = model._get_parts(False)
    del found["parameters"]["max_norm"]
    path.write_bytes(packed("model", found))
    assert fastnn.load(path).max_norm is None
    found["parameters"]["newer"] = 1
    path.write_bytes(packed("model", found))
    with pytest.raises(ValueError, match="has no parameter 'newer' in this version: load it with"):
        fastnn.load(path)


# --- later versions -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classifier", "checkpoint", "two_targets"])
def test_files_of_earlier_versions_still_load(kind):
    """Check files with fitted models, and the predictions for every tenth row of iris."""
    rows = load_iris().data[::10]
    with np.load(TESTS / "saved" / "format_1_predictions.npz") as expected:
        expected = expected[kind]
    load = load_checkpoint if kind == "checkpoint" else fastnn.load
    model = load(TESTS / "saved" / f"format_1_{kind}.fastnn").set_params(early_stopping=False)
    predict = model.predict if kind == "checkpoint" else model.predict_proba
    found = predict(rows)
    found = np.hstack(found) if isinstance(found, list) else found
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    model.partial_fit(rows, model.predict(rows))
    assert np.isfinite(model.loss_)
