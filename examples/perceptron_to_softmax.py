"""
From the perceptron to the softmax, and why XOR needs a hidden layer
====================================================================

Three classifiers of one layer differ only in their loss, that is, in the rows they learn from:

- the perceptron (Rosenblatt, 1958) from misclassified rows, as long as there are any;
- Adaline (Widrow and Hoff, 1960) from all rows, by the squared distance of its output from 0 or 1,
  even if the output is far beyond on the correct side;
- softmax regression from all rows, but less from confident correct predictions.

All have linear decision boundaries, so none can solve XOR (Minsky and Papert, 1969). A hidden layer
can.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import SGD, MLPClassifier
from fastnn.plots import DecisionBoundaryDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, RESOLUTION = (50, 40) if FAST else (300, 200)
N_ROWS = 100  # of a cloud

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given

# %%
# Two clouds, one of them with some distant rows; three clouds in a row; and XOR, whose classes are
# opposite corners.

rng = np.random.default_rng(0)


def clouds(centers, labels, spread):
    X = np.concatenate([rng.normal(center, spread, (N_ROWS, 2)) for center in centers])
    return X, np.repeat(labels, N_ROWS)


X_two, y_two = clouds([(-1, 0), (1, 0)], [0, 1], 0.3)
X_two[: N_ROWS // 3] = rng.normal((-9, -4), 0.5, (N_ROWS // 3, 2))
PROBLEMS = {
    "a part far away": (X_two, y_two),
    "three in a row": clouds([(-2, -2), (0, 0), (2, 2)], [0, 1, 2], 0.45),
    "XOR": clouds([(-1, -1), (1, 1), (-1, 1), (1, -1)], [0, 0, 1, 1], 0.3),
}

# %%
# Without hidden layers a network is its output layer. Each step uses a single row, as in the
# original algorithms.

ROW_BY_ROW = {"solver": SGD(momentum=0.0), "batch_size": 1, "alpha": 0.0, "max_iter": EPOCHS}
ONE_LAYER = ROW_BY_ROW | {"hidden_layer_sizes": (), "learning_rate_init": 0.002}
MODELS = {
    "perceptron": MLPClassifier(loss="perceptron", **ONE_LAYER),
    "Adaline": MLPClassifier(loss="squared_error", **ONE_LAYER),
    "softmax regression": MLPClassifier(loss="log_loss", **ONE_LAYER),
    "8 hidden tanh": MLPClassifier(
        hidden_layer_sizes=(8,), activation="tanh", learning_rate_init=0.05, **ROW_BY_ROW
    ),
}

figure, panels = plt.subplots(3, 4, figsize=(12, 8.5), layout="constrained")
for row, (problem, (X, y)) in zip(panels, PROBLEMS.items(), strict=True):
    for axes, (name, model) in zip(row, MODELS.items(), strict=True):
        model.set_params(n_iter_no_change=np.inf, random_state=0).fit(X, y)
        score = model.score(X, y)
        print(f"{problem:15} {name:18} accuracy {score:.3f}")
        DecisionBoundaryDisplay.from_estimator(
            model, X, y, ax=axes, grid_resolution=RESOLUTION, size=12, show_legend=False
        )
        axes.set_title(f"{name}: {100 * score:.1f} %", fontsize="medium")

# %%
# - The perceptron finds a separating line (100 %), but an arbitrary one, close to some rows. It
#   also handles three classes, with a unit for each, but no line separates the middle class from
#   both others: its unit does not converge (99.3 %). On XOR nothing converges (28.2 %, at the last
#   step).
# - Adaline rotates its line so that the distant rows have an output near 0, and misclassifies some
#   nearby rows (93.5 %, equal to exact least squares). With three classes in a row, the middle one
#   is masked by the others (72.0 %).
# - The softmax compares outputs, which may grow without limit: 100 % on both. On XOR its best
#   solution is the same probability everywhere (50.0 %).
# - With eight hidden units the boundary is curved: 100 % on all three.

for row, problem in zip(panels, PROBLEMS, strict=True):
    row[0].set_ylabel(f"{problem}\nfeature 1")
plt.show()
