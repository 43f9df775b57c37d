"""What partial_fit does with what needs all rows, or several epochs."""

import numpy as np
import pytest

from fastnn import BatchNorm, MLPClassifier, MLPRegressor, Scheduled
from fastnn.callbacks import Checkpoint, EarlyStopping, load_checkpoint
from support.callback_fits import VALIDATION, X_VAL, Y_VAL, Function, X, Y, classifier

CLASSES = {"classes": [0, 1, 2]}
CHUNKS = [slice(0, 50), slice(50, 100), slice(100, 140), slice(140, 150)]


def trained(model, n_calls=1, **given):
    for _ in range(n_calls):
        model.partial_fit(X, Y, **CLASSES, **given)
    return model


@pytest.mark.parametrize(
    "options, follows",
    [
        ({"learning_rate": "cosine"}, True),
        ({"learning_rate": lambda t, n: max(0.0, 1 - t / n)}, True),
        ({"alpha": Scheduled(0.1, "linear")}, True),
        ({"learning_rate": "exponential"}, False),
        ({"averaging": "swa"}, False),
        ({}, False),
    ],
    ids=["cosine", "function", "alpha", "exponential", "average", "default"],
)
@pytest.mark.filterwarnings("error")
def test_calls_beyond_the_end_of_a_schedule_warn_once(options, follows):
    model = trained(classifier(max_iter=3, **options), 3)
    if follows:
        with pytest.warns(UserWarning, match="this is epoch 4: the schedules are planned for max"):
            trained(model)
    trained(model, 2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_first_call_after_a_whole_fit_warns():
    model = classifier(max_iter=3, learning_rate="cosine").fit(X, Y).set_params(max_iter=2)
    with pytest.warns(UserWarning, match="this is epoch 4: .* rate 0.\\. Set max_iter to the"):
        trained(model)


def test_a_schedule_ends_with_the_last_call_whatever_its_number_of_rows():
    options = {"learning_rate": "cosine", "batch_size": 10, "max_iter": len(CHUNKS)}
    model = classifier(**options)
    for rows in CHUNKS:
        model.partial_fit(X[rows], Y[rows], **CLASSES)
    rates = model.history_["learning_rate"]
    assert all(np.diff(rates) < 0)
    np.testing.assert_allclose(rates[-1], 1e-3 * 0.5 * (1 + np.cos(np.pi * 14 / 15)))


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_validation_rows_are_monitored(estimator):
    classes = CLASSES if estimator is MLPClassifier else {}
    options = {"hidden_layer_sizes": (8,), "random_state": 0, "scoring": [None, "loss"]}
    model, plain = estimator(**options), estimator(**options)
    weights = np.linspace(1, 2, len(Y_VAL))
    for rows in CHUNKS:  # sorted by class, so that columns of X_val lie far from theirs
        model.partial_fit(X[rows], Y[rows], **classes, **VALIDATION, sample_weight_val=weights)
        plain.partial_fit(X[rows], Y[rows], **classes)
        assert model.validation_scores_[-1] == model.score(X_VAL, Y_VAL, weights)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    assert len(model.history_["val_loss"]) == len(CHUNKS)
    assert model.best_validation_score_ == max(model.validation_scores_)
    with pytest.raises(ValueError, match="X_val and y_val belong together"):
        model.partial_fit(X, Y, X_val=X_VAL)


def test_an_error_of_a_score_leaves_the_model_as_it_was():
    def fails(model, X, y):
        raise ZeroDivisionError

    model = trained(classifier())
    before = [coef.copy() for coef in model.coefs_]
    with pytest.raises(ZeroDivisionError):
        trained(model.set_params(scoring=fails), **VALIDATION)
    for coef, old in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(coef, old)
    assert model.history_["call"] == [1]


def test_early_stopping_tells_the_caller():
    model, n_calls = classifier(EarlyStopping("val_accuracy", patience=3)), 0
    while not getattr(model, "stopped_", False):
        trained(model, **VALIDATION)
        n_calls += 1
    scores = model.history_["val_accuracy"]
    assert n_calls == len(scores) == int(np.argmax(scores)) + 1 + 3
    assert not trained(model.set_params(callbacks=None)).stopped_
    # Its loss is noisy: lack of progress stops nothing.
    assert not trained(classifier(n_iter_no_change=1, tol=10.0), 5).stopped_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_stopped_tells_a_stop_from_the_end():
    assert not classifier().fit(X, Y).stopped_
    assert classifier(tol=10.0, n_iter_no_change=1).fit(X, Y).stopped_
    assert classifier(Function(lambda context: context.epoch == 2)).fit(X, Y).stopped_
    begun = Function(lambda context: context.epoch == 2, "on_epoch_begin")
    model = classifier(begun).fit(X, Y)
    assert (model.stopped_, model.n_iter_) == (True, 2)
    assert not hasattr(classifier(solver="lbfgs").fit(X, Y), "stopped_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_calls_are_counted_apart_from_epochs():
    model = trained(classifier(max_iter=2, warm_start=True).fit(X, Y), 2).fit(X, Y)
    assert model.history_["epoch"] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(
        trained(model).history_["call"], [np.nan] * 2 + [1, 2] + [np.nan] * 2 + [3]
    )
    assert "call" not in classifier().fit(X, Y).history_


def test_a_first_call_does_not_overwrite_the_checkpoint_of_a_longer_training(tmp_path):
    saved = Checkpoint(tmp_path / "file")
    model = trained(classifier(saved), 3)
    with pytest.raises(ValueError, match=r"begins a training, and .*file' is of another"):
        trained(classifier(saved))
    assert len(load_checkpoint(saved.path).loss_curve_) == 3
    again = load_checkpoint(saved.path).set_params(callbacks=[saved])
    np.testing.assert_array_equal(trained(again).coefs_[0], trained(model).coefs_[0])
    assert len(load_checkpoint(saved.path).loss_curve_) == 4


@pytest.mark.parametrize(
    "options, message",
    [
        ({"normalization": BatchNorm(statistics="exact")}, r"statistics='exact'\) needs all rows"),
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        ({"class_weight": "balanced"}, "class_weight='balanced' needs the labels of all rows"),
        ({"callbacks": [EarlyStopping("loss", restore_best=True)]}, "the epochs of one fit"),
        ({"callbacks": [Checkpoint("file", resume=True)]}, r"Checkpoint\(resume=True\) is for fit"),
    ],
    ids=["exact", "early stopping", "balanced", "restore best", "resume"],
)
def test_what_needs_all_rows_or_epochs_is_refused_and_says_what_takes_them(options, message):
    with pytest.raises(ValueError, match=f"{message}.* source of fastnn.data"):
        trained(MLPClassifier(**options))
