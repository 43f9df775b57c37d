"""Callbacks that stop training or change its rate."""

import numpy as np
import pytest

from fastnn.callbacks import EarlyStopping, ReduceLROnPlateau, TerminateOnNaN
from fastnn.callbacks.stopping import sign_of
from support.callback_fits import VALIDATION, X_VAL, Y_VAL, Function, X, Y, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("partial", [False, True])
def test_early_stopping(partial):
    losses = iter([5.0, 4.0, 3.95, 4.5, 3.9, 3.8])
    feed = Function(lambda context: context.log("mine", next(losses)))
    stop = EarlyStopping("mine", 3, 0.2, "min", restore_best=not partial)
    model = classifier(feed, stop, max_iter=9)
    if partial:
        for call in range(5):
            model.partial_fit(X, Y, classes=[0, 1, 2])
            assert model.stopped_ == (call == 4)
        kept = classifier()
        for _ in range(5):
            kept.partial_fit(X, Y, classes=[0, 1, 2])
    else:
        model.fit(X, Y)
        assert (model.n_iter_, model.stopped_) == (5, True)
        kept = classifier(max_iter=2).fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], kept.coefs_[0])
    assert model.history_["mine"] == [5.0, 4.0, 3.95, 4.5, 3.9]


def test_early_stopping_watches_scores():
    model = classifier(EarlyStopping("val_accuracy", 4), max_iter=200).fit(X, Y, **VALIDATION)
    scores = model.history_["val_accuracy"]
    assert len(scores) == int(np.argmax(scores)) + 1 + 4 < 200
    with pytest.raises(ValueError, match=r"monitor='val_loss' is not in the history, which has "):
        classifier(EarlyStopping()).fit(X, Y)


@pytest.mark.parametrize(
    ("monitor", "sign"),
    [("val_loss", -1), ("price_loss", -1), ("val_price_r2", 1), ("val_neg_log_loss", 1)],
)
def test_losses_are_better_smaller(monitor, sign):
    assert sign_of(monitor, "auto") == sign


@pytest.mark.parametrize("options", [{}, {"learning_rate": "cosine", "solver": "sgd"}], ids=str)
def test_reduce_on_plateau(options):
    model = classifier(
        ReduceLROnPlateau("loss", 0.5, 1, threshold=10.0, threshold_mode="abs", minimum=0.1),
        max_iter=8,
        **options,
    ).fit(X, Y)
    plain = classifier(max_iter=8, **options).fit(X, Y)
    # It is seen to be needed after epochs 3, 5, ..: and the first is the best.
    factors = [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    expected = np.multiply(plain.history_["learning_rate"], factors)
    np.testing.assert_allclose(model.history_["learning_rate"], expected)
    assert model.loss_curve_[:3] == plain.loss_curve_[:3]
    assert model.loss_curve_[3] != plain.loss_curve_[3]
    with pytest.raises(ValueError, match="ReduceLROnPlateau needs a learning rate"):
        classifier(ReduceLROnPlateau("loss"), solver="lbfgs").fit(X, Y)


def test_a_reduced_rate_is_that_of_later_calls():
    reduce = ReduceLROnPlateau("loss", 0.5, 0, threshold=10.0, threshold_mode="abs")
    model = classifier(reduce)
    for _ in range(4):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    np.testing.assert_allclose(model.history_["learning_rate"], [1e-3, 1e-3, 5e-4, 2.5e-4])
    warm = classifier(reduce, warm_start=True, max_iter=2).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(warm.history_["learning_rate"], [1e-3, 1e-3, 5e-4, 5e-4])


def test_terminate_on_nan():
    far = np.full_like(X_VAL, 1e308)
    options = {"max_iter": 4, "precision": "float64", "activation": "identity"}
    seen = classifier(**options).fit(X, Y, X_val=far, y_val=Y_VAL)
    assert np.isnan(seen.history_["val_loss"]).all()
    assert seen.n_iter_ == 4
    assert classifier(TerminateOnNaN(), **options).fit(X, Y, X_val=far, y_val=Y_VAL).n_iter_ == 1
