"""Batch norm of means only, with weight norm, and biased or unbiased variances for prediction."""

import numpy as np
import pytest

from fastnn import BatchNorm, Dense, MLPRegressor, WeightNorm

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 5))
Y = X[:, 0] + 3


def fitted(norm, **options):
    layers = [norm, Dense(6, "identity", WeightNorm()), BatchNorm(mean_only=True), "tanh"]
    options = {"max_iter": 5, "batch_size": 10, "random_state": 0} | options
    return MLPRegressor(layers=layers, **options).fit(X, Y)


@pytest.mark.parametrize("options", [{}, {"solver": "lbfgs"}, {"averaging": "ema"}], ids=str)
def test_means_only_leave_scale_and_variance_at_one(options):
    model = fitted(BatchNorm(), **options)
    of_means = model.normalizations_[2]
    np.testing.assert_array_equal(of_means["scale"], np.ones(6))
    np.testing.assert_array_equal(of_means["variance"], np.ones(6))
    assert of_means["shift"].all()
    assert of_means["mean"].all()
    other = fitted(BatchNorm(), **options, precision="float32")
    np.testing.assert_allclose(other.predict(X), model.predict(X), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("unbiased", [True, False])
def test_exact_statistics_are_biased_or_not(unbiased):
    model = fitted(BatchNorm(statistics="exact", unbiased=unbiased))
    norm = model.normalizations_[0]
    np.testing.assert_allclose(norm["mean"], X.mean(axis=0))
    np.testing.assert_allclose(norm["variance"], X.var(axis=0, ddof=int(unbiased)))


@pytest.mark.parametrize("unbiased", [True, False])
def test_moving_variances_are_biased_or_not(unbiased):
    """One step of all rows at momentum 1 has the statistics of these."""
    norm = BatchNorm(momentum=1.0, unbiased=unbiased)
    model = fitted(norm, max_iter=1, batch_size=40)
    moving = model.normalizations_[0]["variance"]
    np.testing.assert_allclose(moving, X.var(axis=0, ddof=int(unbiased)))


def test_means_only_do_not_start_from_scales_and_variances():
    model = fitted(BatchNorm(), warm_start=True)
    layers = [BatchNorm(mean_only=True), *model.layers[1:]]
    with pytest.raises(ValueError, match="cannot start from a batch norm that has trained scales"):
        model.transfer(MLPRegressor(layers=layers)).fit(X, Y)
    with pytest.raises(ValueError, match="cannot start from a batch norm that has trained scales"):
        model.set_params(layers=layers).fit(X, Y)
    model.set_params(layers=[BatchNorm(unbiased=False), *model.layers[1:]]).fit(X, Y)
