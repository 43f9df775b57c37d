"""Intervals contain as many new targets as they say, and are narrow where the noise is."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastnn import TabularMLPRegressor
from fastnn.tabular.intervals import ResidualDistribution, spread

LEVELS = (0.05, 0.5, 0.95)


class Known(ResidualDistribution):
    """A distribution for rows that need no encoding."""

    def __init__(self, predictions, spreads, rows, targets, sample_weight=None):
        encoding = SimpleNamespace(transform=np.asarray)
        super().__init__(encoding, predictions, spreads, rows, targets, sample_weight)

    def __call__(self, predictions, spreads, rows, levels):
        scales = self.scales(predictions, spreads, rows)
        return self.quantiles(predictions, scales, levels)


def draw(noise, n_rows, rng):
    """Return predictions, spreads, rows and targets of a regression with a kind of noise."""
    predictions, spreads = rng.normal(3, 1, n_rows), rng.gamma(4, 0.05, n_rows)
    normal, rows = rng.standard_normal(n_rows), rng.standard_normal((n_rows, 3))
    errors = {
        "homoscedastic": normal,
        "by prediction": np.exp(0.5 * (predictions - 3)) * normal,
        "by spread": 5 * spreads * normal,
        "by column": np.exp(0.5 * rows[:, 1]) * normal,
        "skewed": np.exp(normal) - np.exp(0.5),
        "heavy tails": rng.standard_t(2, n_rows),
    }
    return predictions, spreads, rows, predictions + 0.5 * errors[noise]


NOISES = ["homoscedastic", "by prediction", "by spread", "by column", "skewed", "heavy tails"]


@pytest.mark.parametrize("n_rows", [30, 300])
@pytest.mark.parametrize("noise", NOISES)
def test_coverage(noise, n_rows):
    """Below each quantile are as many targets as it says, on average over tables."""
    rng = np.random.default_rng(0)
    below = []
    for _ in range(100 if n_rows == 30 else 10):
        known = Known(*draw(noise, n_rows, rng))
        predictions, spreads, rows, targets = draw(noise, 500, rng)
        found = known(predictions, spreads, rows, LEVELS)
        below.append((targets[:, None] < found).mean(axis=0))
    assert np.mean(below, axis=0) == pytest.approx(LEVELS, abs=0.025)


@pytest.mark.parametrize("noise", ["by prediction", "by spread", "by column"])
def test_intervals_are_wide_where_the_noise_is(noise):
    """In each third of the rows, by their true scale, coverage is near the nominal one."""
    rng = np.random.default_rng(0)
    known = Known(*draw(noise, 2000, rng))
    predictions, spreads, rows, targets = draw(noise, 6000, rng)
    low, high = known(predictions, spreads, rows, (0.05, 0.95)).T
    inside = (low < targets) & (targets < high)
    scale = {"by prediction": predictions, "by spread": spreads, "by column": rows[:, 1]}[noise]
    thirds = np.array_split(inside[np.argsort(scale)], 3)
    assert [third.mean() for third in thirds] == pytest.approx([0.9] * 3, abs=0.04)


def test_one_scale_where_nothing_tells():
    known = Known(*draw("homoscedastic", 1000, np.random.default_rng(0)))
    predictions, spreads, rows, _ = draw("homoscedastic", 200, np.random.default_rng(1))
    std = known.std(known.scales(predictions, spreads, rows))
    assert std == pytest.approx(0.5, rel=0.12)


def test_std_is_that_of_residuals():
    rng = np.random.default_rng(0)
    known = Known(*draw("by spread", 3000, rng))
    predictions, spreads, rows, targets = draw("by spread", 3000, rng)
    std = known.std(known.scales(predictions, spreads, rows))
    assert np.std((targets - predictions) / std) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(std, spreads)[0, 1] > 0.95


def test_quantiles_are_monotone():
    rng = np.random.default_rng(0)
    known = Known(*draw("skewed", 30, rng))
    predictions, spreads, rows, _ = draw("skewed", 20, rng)
    levels = np.linspace(0.001, 0.999, 300)
    found = known(predictions, spreads, rows, levels)
    assert found.shape == (20, 300)
    assert (np.diff(found, axis=1) >= 0).all()


@pytest.mark.parametrize("n_rows", [1, 2, 3, 10])
def test_few_rows_have_finite_wide_intervals(n_rows):
    """Quantiles beyond what the rows tell are those of Student's distribution."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        known = Known(*draw("homoscedastic", n_rows, rng))
        predictions, spreads, rows, targets = draw("homoscedastic", 20, rng)
        low, high = known(predictions, spreads, rows, (0.05, 0.95)).T
        inside.append((low < targets) & (targets < high))
        assert np.isfinite(high - low).all()
    assert np.mean(inside) > 0.87


def test_weights_count():
    """A row of weight 0 is no row."""
    parts = draw("skewed", 30, np.random.default_rng(0))
    *known, targets = (np.concatenate([part, part[:5]]) for part in parts)
    targets[30:] += 100
    weighted = Known(*known, targets, np.repeat([1.0, 0.0], [30, 5]))
    plain = Known(*parts)
    for levels in (LEVELS, (0.3,)):
        expected = plain(*parts[:3], levels)
        assert weighted(*parts[:3], levels) == pytest.approx(expected, rel=0.05)


def test_residuals_that_are_zero():
    constant, zeros, rows = np.full(50, 2.0), np.zeros(50), np.empty((50, 0))
    known = Known(constant, zeros, rows, constant)
    assert (known(constant, zeros, rows, LEVELS) == 2).all()
    assert (known.std(known.scales(constant, zeros, rows)) == 0).all()


def test_inflated_residuals_make_wider_intervals():
    parts = draw("skewed", 100, np.random.default_rng(0))
    encoding = SimpleNamespace(transform=np.asarray)
    plain, wider = (ResidualDistribution(encoding, *parts, inflation=f) for f in (1.0, 1.5))
    scales = plain.scales(*parts[:3])
    assert wider.std(wider.scales(*parts[:3])) == pytest.approx(1.5 * plain.std(scales))


def test_spread():
    predictions = np.array([[1.0, 2.0], [3.0, 2.0]])
    assert spread(predictions, np.array([0.5, 0.5])) == pytest.approx([1, 0])
    assert spread(predictions, np.array([0.75, 0.25])) == pytest.approx([np.sqrt(0.75), 0])


# --- of an estimator ------------------------------------------------------------------------------


def test_an_estimator_covers_new_targets(regressor, new_rows):
    X, y, _ = new_rows
    low, middle, high = regressor.predict_quantiles(X).T
    assert (low < middle).all() and (middle < high).all()
    assert np.mean((low < y) & (y < high)) == pytest.approx(0.9, abs=0.06)
    assert np.mean(y < middle) == pytest.approx(0.5, abs=0.1)


def test_an_estimator_tells_its_errors(regressor, new_rows):
    X, y, _ = new_rows
    mean, std = regressor.predict(X, return_std=True)
    assert (mean == regressor.predict(X)).all()
    assert mean.shape == std.shape
    assert np.sqrt(np.mean(((y - mean) / std) ** 2)) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("quantiles", [[0.0, 0.5], [1.5], [], 0.5, [[0.5]], ["half"], [np.nan]])
def test_quantiles_that_are_none(regressor, new_rows, quantiles):
    with pytest.raises(ValueError, match="quantiles must be numbers between 0 and 1 in a list"):
        regressor.predict_quantiles(new_rows[0], quantiles)


def test_an_estimator_of_three_rows():
    model = TabularMLPRegressor("fast", n_networks=2, n_folds=2, random_state=0)
    model.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    low, _, high = model.predict_quantiles([[0.5]])[0]
    assert np.isfinite([low, high]).all() and low < high
