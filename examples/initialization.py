"""
Initial weights, vanishing and exploding gradients
==================================================

A layer multiplies the spread of its inputs by some factor, and in the backward pass the gradient by
another. Twenty layers raise both to the 20th power: 0.7 becomes 0.001, and 2 becomes a million.
Initial weights are drawn so that the factors are near 1: by Glorot's rule for activations with
slope 1 at 0, such as tanh, and by He's for the ReLU, which passes only half of its inputs.

Here networks of 20 hidden layers of 50 units, with four initial distributions and three
activations, are examined before training, and trained by gradient descent with momentum.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnn import SGD, MLPClassifier
from fastnn.diagnostics import activations_of, layer_health
from fastnn.initializers import Normal

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, DEPTH = (10 if FAST else 40), 20

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given

ACTIVATIONS = ["tanh", "logistic", "relu"]
INITIAL = {
    "normal, 0.01": (Normal(std=0.01), "tab:gray", ":"),
    "normal, 0.3": (Normal(std=0.3), "tab:red", "-."),
    "Glorot": ("glorot_normal", "tab:blue", "-"),
    "He": ("he_normal", "tab:orange", "--"),
}

# %%
# The spread of a layer is the standard deviation of a unit over the rows, averaged over the units.
# An epoch with a negligible learning rate gives the network with its initial weights.

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)
if FAST:
    X, y = X[::4], y[::4]


def spreads(model):
    drawn = MLPClassifier(**model.get_params(deep=False))
    drawn.set_params(max_iter=1, learning_rate_init=1e-12).fit(X, y)
    return [values.std(axis=0).mean() for values in activations_of(drawn, X)[:-1]]


figure, panels = plt.subplots(3, 3, figsize=(11, 8.5), sharex="row", sharey="row")
figure.set_layout_engine("constrained")
for (top, middle, bottom), activation in zip(panels.T, ACTIVATIONS, strict=True):
    for name, (initial, color, line) in INITIAL.items():
        model = MLPClassifier(
            hidden_layer_sizes=(50,) * DEPTH,
            activation=activation,
            weight_init=initial,
            bias_init="zeros",
            solver=SGD(momentum=0.9),
            learning_rate_init=0.003,
            batch_size=50,
            max_iter=EPOCHS,
            n_iter_no_change=np.inf,
            random_state=0,
        )
        spread, gradients = spreads(model), layer_health(model, X, y).gradient_norm
        model.fit(X, y)
        print(
            f"{activation:8} {name:12} spread {spread[0]:.2g} to {spread[-1]:.2g}, gradient "
            f"{gradients[-1]:.2g} back to {gradients[0]:.2g}, accuracy {model.score(X, y):.3f}"
        )
        style = {"color": color, "linestyle": line, "label": name}
        top.plot(range(1, DEPTH + 1), spread, **style)
        middle.plot(range(1, DEPTH + 2), gradients, **style)
        bottom.plot(range(1, len(model.loss_curve_) + 1), model.loss_curve_, **style)
    top.set(title=activation, xlabel="layer", yscale="log", ylim=(1e-30, 1e6))
    middle.set(xlabel="layer", yscale="log", ylim=(1e-30, 1e6))
    bottom.set(xlabel="epoch", ylim=(0, 3))

# %%
# - A standard deviation of 0.01 is too small: with tanh the spread falls from 0.075 in the first
#   layer to 9e-24 in the last, gradients are as small, and the loss stays at that of a guess.
# - One of 0.3 is too large. With the ReLU, gradients have norms of 2000 to 12000, and the loss is
#   NaN in the first epoch, so that there is no curve. With tanh, units saturate, the gradient grows
#   from 0.58 in the output layer to 5.5 in the first, and the final accuracy is 0.958.
# - Both Glorot's rule and He's work for tanh (1.000). With the ReLU, the spread falls to 0.00016
#   with Glorot's rule, and the accuracy after 40 epochs is 0.632; with He's they are 0.15 and 1.
# - The logistic function has a slope of at most 1 / 4, for which no initial distribution can
#   compensate: with Glorot's rule the gradient falls from 1.1 in the output layer to 3e-13 in the
#   first. No network learns (0.101). Normalization or residual blocks would help.

panels[0, 0].set_ylabel("spread of the activations")
panels[1, 0].set_ylabel("norm of the weights' gradient")
panels[2, 0].set_ylabel("training loss")
panels[0, 0].legend(loc="lower left")
plt.show()
