"""
Customers who leave: a table as it comes
========================================

A frame with numbers, strings, booleans and gaps goes to `fit` as it is. The estimator finds out
what each column is, trains an ensemble of networks, and predicts probabilities.

Here the customers of a telephone company are simulated, so that the true probability of leaving is
known. Two other models take the same frame: gradient boosting, which reads categories and gaps
itself, and logistic regression behind the usual preparations.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn import TabularMLPClassifier

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, PRESET = (600, "fast") if FAST else (6000, "default")


# %%
# Contracts bind customers, and those who call often or pay much for little data leave. The
# amount of data is unknown for a tenth of them.


def customers(n_rows, rng):
    """Return a frame of customers, and the probability of each to leave."""
    frame = pd.DataFrame(
        {
            "contract": rng.choice(["monthly", "one year", "two years"], n_rows, p=[0.5, 0.3, 0.2]),
            "payment": rng.choice(["card", "transfer", "invoice"], n_rows),
            "region": rng.choice([f"region {i:02}" for i in range(20)], n_rows),
            "months": rng.geometric(0.03, n_rows),
            "charge": rng.gamma(6, 8, n_rows).round(2),
            "gigabytes": rng.lognormal(1.5, 0.8, n_rows).round(1),
            "calls to support": rng.poisson(1.2, n_rows),
            "paperless": rng.random(n_rows) < 0.6,
        }
    )
    binding = frame["contract"].map({"monthly": 1.2, "one year": -0.6, "two years": -2.0})
    z = -1.6 + binding - 0.9 * np.log(frame["months"] / 30)
    z += 0.9 * np.log(frame["charge"] / 45 / np.sqrt(frame["gigabytes"] / 5))
    z += 0.7 * (frame["calls to support"] - 2) * (frame["calls to support"] > 2)
    z += 0.8 * (frame["payment"] == "invoice") * (frame["contract"] == "monthly")
    z += 0.4 * np.sin(frame["region"].str[-2:].astype(int))
    frame.loc[rng.random(n_rows) < 0.1, "gigabytes"] = np.nan
    return frame, 1 / (1 + np.exp(-z.to_numpy()))


rng = np.random.default_rng(0)
X, leaving = customers(N_ROWS, rng)
y = np.where(rng.random(N_ROWS) < leaving, "leaves", "stays")
X_train, X_test, y_train, y_test, _, true = train_test_split(
    X, y, leaving, test_size=0.4, stratify=y, random_state=0
)

model = TabularMLPClassifier(preset=PRESET, random_state=0).fit(X_train, y_train)
print(model.columns_)

# %%
# Gradient boosting needs to be told that strings are categories; a linear model needs no gaps,
# scaled numbers, and a column for each category.

strings = X.select_dtypes(["object", "string"]).columns
boosting = HistGradientBoostingClassifier(categorical_features=list(strings), random_state=0)
prepare = make_column_transformer(
    (
        make_pipeline(SimpleImputer(), StandardScaler()),
        make_column_selector(dtype_include=["number", "bool"]),
    ),
    (OneHotEncoder(handle_unknown="ignore"), list(strings)),
)
linear = make_pipeline(prepare, LogisticRegression(max_iter=1000))
found = {"the networks": model.predict_proba(X_test)[:, 0]}
for name, other in {"gradient boosting": boosting, "logistic regression": linear}.items():
    found[name] = other.fit(X_train, y_train).predict_proba(X_test)[:, 0]
found["the true probabilities"] = true

leaves = y_test == "leaves"
for name, p in found.items():
    print(f"{name:23} AUC {roc_auc_score(leaves, p):.3f}, log loss {log_loss(leaves, p):.3f}")

# %%
# The left figure shows how many of those who leave are found, for how many false alarms. The right
# one compares predicted probabilities with frequencies in ten groups of customers: on the diagonal,
# three of ten customers with a probability of 0.3 leave. The networks have an AUC of 0.845 and a
# log loss of 0.466, gradient boosting 0.828 and 0.512, logistic regression 0.833 and 0.483, and the
# true probabilities, which nothing can beat, 0.855 and 0.452.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
STYLES = {
    "the networks": ("tab:blue", "-", 2.5),
    "gradient boosting": ("tab:orange", "--", 1.5),
    "logistic regression": ("tab:green", "-.", 1.5),
    "the true probabilities": ("black", ":", 1.5),
}
for name, p in found.items():
    color, line, width = STYLES[name]
    left.plot(*roc_curve(leaves, p)[:2], color=color, linestyle=line, linewidth=width, label=name)
    observed, predicted = calibration_curve(leaves, p, n_bins=10, strategy="quantile")
    right.plot(predicted, observed, color=color, linestyle=line, linewidth=width, marker=".")
right.plot([0, 1], [0, 1], color="lightgray", zorder=0)
left.set(xlabel="false alarms, of those who stay", ylabel="found, of those who leave")
right.set(xlabel="predicted probability of leaving", ylabel="fraction that leaves")
left.set_title("ROC curves")
right.set_title("Calibration")
left.legend()
plt.show()
