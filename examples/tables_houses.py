"""
House prices with prediction intervals
======================================

A price is worth little without its error. `predict_quantiles` returns quantiles of the price of
each house, from the errors for houses that a network has not seen in training (conformal
prediction). Where errors are larger, intervals are wider.

Here houses are simulated whose prices vary more, the higher they are.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from fastnn import TabularMLPRegressor

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, PRESET = (500, "fast") if FAST else (3000, "default")


# %%
# Prices are in thousands. Prices in the old town and of large houses are hard to foresee.


def houses(n_rows, rng):
    """Return a frame of houses, and their prices."""
    quarters = {"old town": 1.5, "hill": 1.3, "station": 0.9, "harbour": 1.1, "suburb": 1.0}
    conditions = {"poor": 0.75, "fair": 0.9, "good": 1.0, "new": 1.2}
    garden = rng.gamma(2, 150, n_rows).round()
    frame = pd.DataFrame(
        {
            "quarter": rng.choice(list(quarters), n_rows, p=[0.1, 0.1, 0.25, 0.15, 0.4]),
            "area": rng.gamma(9, 14, n_rows).round(),
            "built": rng.integers(1880, 2024, n_rows),
            "condition": rng.choice(
                ["poor", "fair", "good", "new"], n_rows, p=[0.1, 0.3, 0.5, 0.1]
            ),
            "garage": rng.random(n_rows) < 0.5,
            "garden": np.where(rng.random(n_rows) < 0.6, garden, np.nan),
        }
    )
    price = 3.1 * frame["area"] ** 0.9
    price *= frame["quarter"].map(quarters) * frame["condition"].map(conditions)
    price *= 1 + 0.25 * ((frame["built"] - 1960) / 60) ** 2
    price += 25 * frame["garage"] + 0.08 * frame["garden"].fillna(0)
    noise = np.where(frame["quarter"] == "old town", 0.25, 0.1)
    return frame, price.to_numpy() * np.exp(noise * rng.standard_normal(n_rows))


X, y = houses(N_ROWS, np.random.default_rng(0))
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
model = TabularMLPRegressor(preset=PRESET, random_state=0).fit(X_train, y_train)
print(f"test R2 {model.score(X_test, y_test):.3f}")

# %%
# For each level, as many prices must be below the quantile. On average over all houses they are;
# for each group of houses that is not guaranteed. Here 92.6% of the prices in the old town are in
# intervals of 90%, and 93.1% of the others.

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
quantiles = model.predict_quantiles(X_test, LEVELS)
below = (y_test[:, np.newaxis] < quantiles).mean(axis=0)
for level, fraction in zip(LEVELS, below, strict=True):
    print(f"quantile {level:4}: {fraction:6.1%} of the prices are below")
low, middle, high = quantiles[:, 0], quantiles[:, 3], quantiles[:, -1]
inside = (low < y_test) & (y_test < high)
old = (X_test["quarter"] == "old town").to_numpy()
for name, group in {"the old town": old, "elsewhere": ~old}.items():
    print(f"90% intervals contain {inside[group].mean():.1%} of the prices, {name}")

# %%
# `predict(X, return_std=True)` is shorter: predictions, and the standard deviations of the errors
# about them. `compress` makes one small network of the ensemble, by distillation, which is as
# accurate here: R2 is 0.862, and that of the ensemble 0.861.

mean, std = model.predict(X_test, return_std=True)
small = model.compress()
print(f"errors in standard deviations: {np.std((y_test - mean) / std):.2f} on average")
n_networks = sum(len(member.networks) for member in model.networks_)
print(f"one network in place of {n_networks}: R2 {small.score(X_test, y_test):.3f}")

# %%
# The left figure shows some houses in the order of their predicted prices, with intervals that
# contain nine of ten prices. The right one shows the width of the intervals.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
shown = np.sort(np.random.default_rng(1).choice(len(X_test), 60, replace=False))
shown = shown[np.argsort(middle[shown])]
place = np.arange(len(shown))
left.vlines(place, low[shown], high[shown], color="tab:blue", alpha=0.35, linewidth=4)
left.plot(place, middle[shown], ".", color="tab:blue", label="median and 90% interval")
hit = inside[shown]
left.plot(place[hit], y_test[shown][hit], "x", color="black", label="price, inside")
left.plot(place[~hit], y_test[shown][~hit], "x", color="tab:red", label="price, outside")
for name, group, color in (("elsewhere", ~old, "tab:gray"), ("old town", old, "tab:orange")):
    right.plot(middle[group], (high - low)[group], ".", color=color, alpha=0.6, label=name)
left.set(xlabel="houses, by predicted price", ylabel="price, thousands")
right.set(xlabel="predicted median, thousands", ylabel="width of the interval, thousands")
left.set_title("Prices and their intervals")
right.set_title("Where prices vary more, intervals are wider")
left.legend(loc="upper left")
right.legend()
plt.show()
