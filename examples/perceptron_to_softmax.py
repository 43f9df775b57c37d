"""
From the perceptron to the softmax, and why XOR needs a hidden layer
====================================================================

Three classifiers of one layer differ in their loss only, that is, in what they learn from:

- the perceptron (Rosenblatt, 1958) from rows that are on the wrong side, as long as there are any;
- Adaline (Widrow and Hoff, 1960) from all, by the squared distance of its output to 0 or 1, also
  where that is far beyond on the right side;
- softmax regression from all, and the less the surer it is of the right class.

All draw straight lines, so that none can do XOR (Minsky and Papert, 1969). A hidden layer can.
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
# Two clouds, of which one has some rows far beyond; three clouds in a row; and XOR, whose classes
# are opposite corners.

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
# Without hidden layers a network is its output layer. Each step is made for a single row, as it was
# then.

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
# - The perceptron finds a line (100 %), but any that will do, close to some rows. It has an answer
#   for three classes too, a unit for each, though no line parts the class in the middle from both
#   others: its unit never comes to rest (99.3 %). On XOR nothing does (28.2 %, at the last step).
# - Adaline turns its line so that the rows far away have an output near 0, and gives up some nearby
#   (93.5 %, which is what the exact least squares have). Of three classes in a row the one in the
#   middle is masked by the others (72.0 %).
# - The softmax lets outputs grow apart, and compares them: 100 % of both. On XOR its best line is
#   none, the same probability everywhere (50.0 %).
# - Eight hidden units bend the line: 100 % of all three.

for row, problem in zip(panels, PROBLEMS, strict=True):
    row[0].set_ylabel(f"{problem}\nfeature 1")
plt.show()
