"""
Learning-rate schedules
=======================

TEXT
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import (
    SGD,
    CosineDecay,
    ExponentialDecay,
    MLPClassifier,
    OneCycle,
    StepDecay,
    Warmup,
)
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, SEEDS = 40, 2 if FAST else 20
RATES = np.array([0.03, 0.1, 0.3, 1.0]) if FAST else np.geomspace(0.03, 1.5, 9)
RATE = 0.3
SCHEDULES = {
    "constant": ("constant", "k-"),
    "stairs": (StepDecay(step_size=EPOCHS // 4, gamma=0.3), "C0--"),
    "exponential": (ExponentialDecay(gamma=0.9), "C1:"),
    "cosine": (CosineDecay(), "C0-"),
    "cosine with restarts": (CosineDecay(period=EPOCHS // 4, per="epoch"), "C2-."),
    "warm-up and cosine": (Warmup(0.1, "cosine"), "C3-"),
    "one cycle": (OneCycle(), "C1-"),
}
# The epochs are given, and some rates are too high for some schedules.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

# A tenth of the training labels are drawn at random: gradients of few rows are noisy.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.5, stratify=y, random_state=0)
rng = np.random.default_rng(0)
y = np.where(rng.random(len(y)) < 0.1, rng.integers(0, 10, len(y)), y)


class Rates(Callback):
    """Keeps the learning rate of each step."""

    def on_fit_begin(self, context):
        self.rates = []

    def on_batch_end(self, context):
        self.rates.append(context.learning_rate)


def train(schedule, rate, seed, callbacks=None):
    return MLPClassifier(
        (64,),
        solver=SGD(momentum=0),
        batch_size=16,
        learning_rate_init=rate,
        learning_rate=schedule,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        callbacks=callbacks,
        random_state=seed,
    ).fit(X, y, X_val=X_test, y_val=y_test)


def test_errors(schedule, rate):
    """After each epoch, in %: a row for each seed."""
    scores = [train(schedule, rate, seed).validation_scores_ for seed in range(SEEDS)]
    return 100 * (1 - np.array(scores))


figure, (factors, epochs, ends) = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
for name, (schedule, style) in SCHEDULES.items():
    trace = Rates()
    train(schedule, RATE, 0, [trace])
    factors.plot(np.array(trace.rates) / RATE, style, label=name)
    errors = test_errors(schedule, RATE)
    epochs.plot(range(1, EPOCHS + 1), np.median(errors, axis=0), style)
    last = [np.median(test_errors(schedule, rate)[:, -1]) for rate in RATES]
    ends.plot(RATES, last, style)
    print(f"{name:21}", errors[:, -1].mean(), errors[:,-1].std(), *np.round(last,2))
factors.set(xlabel="step", ylabel="learning rate, parts of the initial one")
epochs.set(xlabel="epoch", ylabel="test error, %", yscale="log", title=f"initial rate {RATE}")
ends.set(xlabel="initial learning rate", ylabel="test error after the last epoch, %")
ends.set(xscale="log", yscale="log", title=f"after {EPOCHS} epochs")
figure.legend(loc="outside lower center", ncols=len(SCHEDULES))
plt.show()
