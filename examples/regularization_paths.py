"""
L2, L1 and early stopping: paths of the weights
===============================================

Penalties keep the weights of a model small, and so does early stopping, if they start from zero.
For a quadratic loss the effect is nearly the same: gradient descent with a learning rate eta that
stops after tau steps has about the weights of an L2 penalty of strength 1 / (eta tau) (Goodfellow,
I., Bengio, Y. and Courville, A. "Deep learning" (2016), section 7.8). Here the loss is the squared
error of a linear model of the ten features of the diabetes data.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnn import SGD, LinearDecay, MLPRegressor
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_STRENGTHS, WEAKEST = (13, 1e-2) if FAST else (61, 1e-3)
RATE, STRONGEST = 0.01, 100
# The number of steps is fixed.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

data = load_diabetes()
X = StandardScaler().fit_transform(data.data)
y = (data.target - data.target.mean()) / data.target.std()
strengths = np.geomspace(STRONGEST, WEAKEST, N_STRENGTHS)
stops = np.unique(np.round(1 / (RATE * strengths)).astype(int))


def weights(**options):
    """Return the weights of a linear model that starts from zeros, trained on all rows at once."""
    model = MLPRegressor(
        hidden_layer_sizes=(),
        weight_init="zeros",
        bias_init="zeros",
        batch_size=len(X),
        n_iter_no_change=np.inf,
        **options,
    )
    return model.fit(X, y).coefs_[0].ravel()


# As in scikit-learn, `alpha` is divided by the number of rows; `strength` is not.
def with_l2(strength):
    return weights(solver="lbfgs", alpha=len(X) * strength, tol=1e-9, max_iter=1000)


def with_l1(strength):
    """The slope of the penalty has a step at 0, where only ever smaller rates come to rest."""
    return weights(
        solver=SGD(momentum=0.9),
        learning_rate_init=0.04,
        learning_rate=LinearDecay(floor=0.0),
        alpha=len(X) * strength,
        l1_ratio=1.0,
        max_iter=2000,
    )


class Trace(Callback):
    """Keeps the weights after some numbers of steps."""

    def on_fit_begin(self, context):
        self.weights = []

    def on_epoch_end(self, context):
        if context.epoch in stops:
            self.weights.append(context.model.coefs_[0].ravel())


trace = Trace()
weights(
    solver=SGD(momentum=0.0),
    learning_rate_init=RATE,
    alpha=0,
    max_iter=int(stops[-1]),
    callbacks=[trace],
)
stopped = np.array(trace.weights)
l2 = np.array([with_l2(s) for s in strengths])
l1 = np.array([with_l1(s) for s in strengths[strengths < 2]])
twins = np.array([with_l2(1 / (RATE * n)) for n in stops])

# %%
# From left to right the penalty decreases. With L2 all weights grow together; with L1 most stay at
# zero, and become nonzero one after the other. Early stopping resembles L2: the distance to the
# weights with strength 1 / (eta tau) is at most 21 % of their norm, and 13 % in the median; to the
# nearest weights on the L2 path it is 12 % and 6 %. These have a strength of 0.26 to 1 times 1 /
# (eta tau), which is exact only in the limit of small curvatures. The distance to the L1 path is
# larger, 97 % and 23 %, except at the weakest penalties.


def distances(others):
    """Return relative distances of each stop to its counterpart, or to the nearest on a path."""
    if others is not twins:
        nearest = [np.linalg.norm(others - one, axis=1).argmin() for one in stopped]
        others = others[nearest]
    return np.linalg.norm(others - stopped, axis=1) / np.linalg.norm(stopped, axis=1)


figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained", sharex=True)
paths = {
    "L2": (strengths, l2),
    "early stopping": (1 / (RATE * stops), stopped),
    "L1": (strengths[strengths < 2], l1),
}
lines = [("C0", "-"), ("C1", "-"), ("k", "-"), ("C2", "-"), ("C4", "-")]
lines += [(color, "--") for color, _ in lines]
for (name, (places, path)), panel in zip(paths.items(), axes.flat, strict=False):
    for (color, line), values, feature in zip(lines, path.T, data.feature_names, strict=True):
        panel.plot(places, values, line, color=color, label=feature)
    panel.set(title=name, ylabel="weight", xlabel="strength of the penalty")
axes[0, 1].set_xlabel("1 / (rate x steps)")
axes[0, 0].legend(ncols=2, fontsize="small", loc="lower left")
for name, others, style in (
    ("L2 of strength 1 / (rate x steps)", twins, "k-"),
    ("the nearest of the L2 path", l2, "C0--"),
    ("the nearest of the L1 path", l1, "C1:"),
):
    apart = 100 * distances(others)
    axes[1, 1].plot(1 / (RATE * stops), apart, style, label=name)
    middle = np.median(apart)
    print(f"{name}: at most {apart.max():.0f} % from early stopping, {middle:.0f} % in the median")
axes[1, 1].set(title="From early stopping to", ylabel="distance, % of the weights' length")
axes[1, 1].set(xscale="log", xlabel="1 / (rate x steps)", ylim=(0, None))
axes[1, 1].invert_xaxis()
axes[1, 1].legend()
plt.show()
