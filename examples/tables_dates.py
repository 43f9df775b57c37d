"""
Dates and gaps
==============

Tables of measurements have dates, and gaps where a sensor failed. Both go to `fit` as they are: a
date is read as several numbers, such as the year, the day of the week and the hour, and a gap is
information of its own. `columns_` says what is done with each column.

Here the demand for rented bicycles is simulated by the hour. It depends on the hour, differently at
weekends, on the season, and on the weather.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from fastnn import TabularMLPRegressor

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, PRESET = (400, "fast") if FAST else (5000, "default")


# %%
# Some columns are there to be left out: one is the same in all rows, and one is empty.


def rentals(n_rows, rng):
    """Return a frame of hours, and the demand in each."""
    hours = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730 * 24, n_rows), "h")
    season = np.cos(2 * np.pi * (hours.day_of_year - 200) / 365)
    daily = np.cos(2 * np.pi * (hours.hour - 15) / 24)
    temperature = 11 + 9 * season + 4 * daily + rng.normal(0, 3, n_rows)
    weather = rng.choice(["clear", "clouds", "rain"], n_rows, p=[0.5, 0.3, 0.2])
    demand = profile(hours) * np.exp(0.03 * temperature) * (1 + 0.4 * (hours.year == 2024))
    demand *= pd.Series(weather).map({"clear": 1.0, "clouds": 0.85, "rain": 0.4}).to_numpy()
    frame = pd.DataFrame(
        {
            "time": hours,
            "temperature": np.where(rng.random(n_rows) < 0.15, np.nan, temperature.round(1)),
            "wind": rng.gamma(3, 4, n_rows).round(),
            "weather": np.where(rng.random(n_rows) < 0.1, None, weather),
            "city": "Springfield",
            "snow": np.nan,
        }
    )
    return frame, rng.poisson(np.asarray(demand))


def profile(hours):
    """Return the demand by the hour: two peaks on working days, one at weekends."""
    hour, at_weekend = np.asarray(hours.hour), np.asarray(hours.day_of_week) >= 5

    def peak(at, width):
        return np.exp(-(((hour - at) / width) ** 2))

    working = 10 + 120 * peak(8, 1.5) + 150 * peak(17.5, 2)
    return np.where(at_weekend, 15 + 90 * peak(14, 4), working)


rng = np.random.default_rng(0)
X, y = rentals(N_ROWS, rng)
X_test, y_test = rentals(2000, rng)
model = TabularMLPRegressor(preset=PRESET, random_state=0).fit(X, y)
print(model.columns_)
print(f"test R2 {model.score(X_test, y_test):.3f}")

# %%
# Predictions for gaps are less accurate, because less is known; a category that was not there in
# training is no error either.

known = X_test["temperature"].notna() & X_test["weather"].notna()
for name, rows in {"nothing missing": known, "gaps": ~known}.items():
    print(f"{name}: R2 {model.score(X_test[rows], y_test[rows]):.3f}")
tomorrow = X_test.head(1).assign(weather="hail")
print(f"in hail: {model.predict(tomorrow)[0]:.0f} bicycles")

# %%
# The left figure shows the demand on a clear day at 20 degrees. The right one shows how much the
# error rises if a column is permuted among rows held out.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for day, name, color in (
    ("2024-06-05", "Wednesday", "tab:blue"),
    ("2024-06-08", "Saturday", "tab:orange"),
):
    hours = pd.date_range(day, periods=24, freq="h")
    frame = pd.DataFrame(
        {"time": hours, "temperature": 20.0, "wind": 8.0, "weather": "clear", "city": "Springfield"}
    ).assign(snow=np.nan)
    left.plot(hours.hour, model.predict(frame), color=color, label=f"{name}, predicted")
    truth = profile(hours) * np.exp(0.6) * 1.4
    left.plot(hours.hour, truth, ":", color=color, label=f"{name}, true")
order = np.argsort(model.feature_importances_)
right.barh(X.columns[order], model.feature_importances_[order], color="tab:blue")
left.set(xlabel="hour", ylabel="rented bicycles", ylim=(0, 500), title="Two days in June")
right.set(xlabel="importance", ylabel="column", title="Importance of the columns")
left.legend(ncols=2)
plt.show()
