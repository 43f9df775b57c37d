"""Losses along the gradient are those of a step, and planes do not depend on the weights' scale."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import SGD, MLPClassifier, MLPRegressor
from fastnn.diagnostics import loss_along_gradient, loss_landscape

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
LABELS = (X[:, 0] > 0).astype(int)
PLAIN = dict(alpha=0.0, batch_size=20, shuffle=False, precision="float64", random_state=0)


@pytest.mark.parametrize("normalization", [None, "batch"])
def test_losses_are_those_of_a_step(normalization):
    def stepped(rate):
        model = MLPRegressor(
            hidden_layer_sizes=(4,),
            normalization=normalization,
            solver=SGD(momentum=0.0),
            learning_rate_init=rate,
            **PLAIN,
        )
        return model.partial_fit(X, Y).partial_fit(X, Y).loss_  # that before the second step

    rates = [1e-9, 0.1, 1.0]
    model = MLPRegressor(hidden_layer_sizes=(4,), normalization=normalization, **PLAIN)
    losses, slope = loss_along_gradient(model, X, Y, [0, 1e-5, *rates])
    np.testing.assert_allclose(losses[2:], [stepped(rate) for rate in rates], rtol=1e-9)
    assert slope == pytest.approx((losses[1] - losses[0]) / 1e-5, rel=1e-3)


def test_a_step_that_overflows_has_an_infinite_loss():
    losses, _ = loss_along_gradient(MLPRegressor(random_state=0), X, Y[:, 0], [0, 1e300])
    assert np.isfinite(losses[0]) and losses[1] == np.inf


def test_planes_do_not_depend_on_the_scale_of_the_weights():
    """A ReLU passes factors on, so that 10 and 1 / 10 in two layers leave the function as it is."""
    model = MLPClassifier((6,), max_iter=20, **PLAIN).fit(X, LABELS)
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), model).fit(X, LABELS)
    model = pipeline[-1]
    found = loss_landscape(pipeline, X, LABELS, distance=0.5, n_points=5)
    np.testing.assert_allclose(found.distances, [-0.5, -0.25, 0, 0.25, 0.5])
    assert found.losses[2, 2] == loss_along_gradient(model, X, LABELS, [0])[0]
    assert len(np.unique(found.losses)) == 25
    model.coefs_ = [model.coefs_[0] * 10, model.coefs_[1] / 10]
    model.intercepts_ = [model.intercepts_[0] * 10, model.intercepts_[1]]
    again = loss_landscape(model, X, LABELS, distance=0.5, n_points=5)
    np.testing.assert_allclose(again.losses, found.losses, rtol=1e-9)


def test_directions_have_the_norms_of_the_units():
    """At distance 1, the weights of a linear unit change by as much as their norm."""
    start = {"weight_init": [np.full((3, 2), 2.0)], "bias_init": "zeros"}
    model = MLPRegressor(hidden_layer_sizes=(), **start, **PLAIN)
    rows = np.eye(3)  # of which the outputs are the weights
    plane = loss_landscape(model, rows, np.full((3, 2), 2.0), n_points=3, random_state=1)
    lengths = plane.losses * 2 * 3 * 2  # mean over rows and outputs of halved squares
    np.testing.assert_allclose(lengths[[0, 2, 1, 1], [1, 1, 0, 2]], 24.0, rtol=1e-9)


@pytest.mark.parametrize("wrong", [{"n_points": 1}, {"distance": 0}, {"max_rows": 1}])
def test_wrong_parameters(wrong):
    with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter of loss_landscape"):
        loss_landscape(MLPClassifier(), X, LABELS, **wrong)


@pytest.mark.parametrize("rates", [0.5, [[0.5]], [np.nan]])
def test_wrong_rates(rates):
    with pytest.raises(ValueError, match="rates must be a list of finite numbers"):
        loss_along_gradient(MLPClassifier(), X, LABELS, rates)
