"""Trainings that diverge or are interrupted leave a usable model."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPClassifier, MLPRegressor
from fastnn.callbacks import Callback
from support.pairs import DATA

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered"),  # in scikit-learn's R2 score
]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_stops_and_restores_the_best(early_stopping, dtype):
    X, y = DATA["regression"]
    model = MLPRegressor(
        hidden_layer_sizes=(20,),
        activation="identity",
        solver="sgd",
        learning_rate_init=2.0,
        momentum=0.0,
        batch_size=270 if early_stopping else 300,
        max_iter=500,
        early_stopping=early_stopping,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch \d+.*Lower learning_rate_init"):
        model.fit(X.astype(dtype), y)
    assert model.n_iter_ == len(model.loss_curve_) < 500
    assert np.isnan(model.loss_curve_[-1])
    assert np.isfinite(model.loss_curve_[:-1]).all()
    predicted = model.predict(X.astype(dtype))
    assert np.isfinite(predicted).all()
    if early_stopping:
        assert np.isnan(model.validation_scores_[-1])
        assert np.isfinite(model.best_validation_score_)
    else:
        loss = 0.5 * np.mean((predicted - y) ** 2)
        assert loss == pytest.approx(model.best_loss_, rel=1e-3)


def test_training_can_go_on_after_divergence():
    X, y = DATA["regression"]
    model = MLPRegressor(
        hidden_layer_sizes=(20,),
        solver="sgd",
        learning_rate_init=50.0,
        warm_start=True,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    model.set_params(learning_rate_init=0.01, max_iter=20).fit(X, y)
    assert np.isfinite(model.loss_)
    assert model.score(X, y) > 0.5


def test_loss_that_is_not_finite_from_the_start_is_an_error():
    X, y = DATA["regression"]
    for solver in ("adam", "lbfgs"):
        with pytest.raises(ValueError, match=r"Solver produced non-finite.*Scale the features"):
            MLPRegressor(solver=solver).fit(X * 1e200, y)


def test_lbfgs_leaves_the_best_parameters_that_it_saw():
    X, y = DATA["regression"]
    model = MLPRegressor(solver="lbfgs", max_iter=500, max_fun=30, random_state=0).fit(X, y)
    loss = 0.5 * np.mean((model.predict(X) - y) ** 2)
    loss += 0.5 * model.alpha * sum(np.sum(coef**2) for coef in model.coefs_) / len(X)
    assert model.loss_ == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_interrupted_training_leaves_a_usable_model(options):
    X, y = DATA["multiclass"]

    class Interrupt(Callback):
        def on_epoch_end(self, context):
            if context.epoch == 3:
                raise KeyboardInterrupt

    model = MLPClassifier((20,), random_state=0, callbacks=[Interrupt()], **options)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert np.isfinite(model.loss_)
    assert model.predict(X).shape == y.shape


def test_interrupted_at_once():
    X, y = DATA["multiclass"]

    class Interrupts(np.random.RandomState):
        def shuffle(self, x):
            raise KeyboardInterrupt

    model = MLPClassifier((20,), random_state=Interrupts(0))
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == 0
    assert np.isnan(model.loss_)
    assert np.isfinite(model.predict_proba(X)).all()
