"""
What is wrong with a training?
==============================

`check_training` runs all of `fastnn.diagnostics` for a network before training: here for a sound
one, and for the same network with three mistakes, a feature in another unit, a learning rate of 1,
and an activation that saturates.
"""

import os

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn.diagnostics import check_training
from fastnn.plots import LearningRateRangeDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS = 30 if FAST else 60

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, stratify=y, random_state=0)

sound = MLPClassifier((64, 32), random_state=0, max_iter=EPOCHS)
reports = {"sound": check_training(sound, X_train, y_train, X_val=X_val, y_val=y_val)}
print(reports["sound"])

print("\nA feature in another unit, a learning rate of 1, and an activation that saturates:\n")
X_train[:, 20] *= 1000
X_val[:, 20] *= 1000
wrong = MLPClassifier((64, 32), "tanh", learning_rate_init=1.0, random_state=0, max_iter=EPOCHS)
reports["three mistakes"] = check_training(wrong, X_train, y_train, X_val=X_val, y_val=y_val)
print(reports["three mistakes"])

# %%
# Each line of a report is the result of a function, such as `learning_rate_range`, whose numbers
# are attributes of its result; `fastnn.plots` draws them. The left panels show the loss while the
# learning rate grows: the rate of the sound network is in the range where the loss decreases. The
# other's, 1, is far beyond 0.156, where half of the decrease is lost again. The right panel shows
# the layers: the feature of up to 589, where the others have at most 1, drives 74 % of the first
# layer's outputs to -1 or 1, where the slope of tanh is 0.

figure, (*ranges, layers) = plt.subplots(1, 3, figsize=(15, 4.8), layout="constrained")
models = {"sound": (sound, "tab:blue"), "three mistakes": (wrong, "tab:orange")}
for number, (name, (model, color)) in enumerate(models.items()):
    LearningRateRangeDisplay.from_finding(
        reports[name]["learning_rate_range"],
        learning_rate_init=model.learning_rate_init,
        ax=ranges[number],
        show_raw=False,
    )
    ranges[number].set_title(f"Learning rates: {name}")
    found = reports[name]["layer_health"]
    places = [place + 0.4 * number for place in range(len(found.names))]
    idle = 100 * (found.dead + found.saturated)
    bars = layers.bar(places, idle, 0.4, color=color, hatch="//" * number, label=name, alpha=0.8)
    layers.bar_label(bars, fmt="%.0f")
layers.set_xticks([place - 0.2 for place in places], found.names)
layers.set(xlabel="layer", ylabel="dead units or saturated outputs, %", title="Layers")
layers.margins(y=0.1)
layers.legend()
plt.show()
