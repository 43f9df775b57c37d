"""
Uncertainty by dropout
======================

A network that was trained with dropout stands for many networks: one for each mask. Monte-Carlo
dropout predicts with many masks. Where the training rows determine the function, the predictions
agree; away from them, they spread (Gal and Ghahramani, "Dropout as a Bayesian approximation",
2016).

The spread is that of the function. The noise of the targets comes on top: it is what quantiles
learn.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPClassifier, MLPRegressor
from fastnn.uncertainty import mc_dropout

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, SAMPLES, SIDE = (60, 30, 40) if FAST else (1500, 500, 80)

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given

# %%
# A regression: rows between -2 and -0.5, and between 0.5 and 2.

rng = np.random.default_rng(0)
x = np.concatenate([rng.uniform(-2, -0.5, 100), rng.uniform(0.5, 2, 100)])
y = np.sin(3 * x) + 0.1 * rng.standard_normal(200)
settings = dict(hidden_layer_sizes=(128, 128), dropout=0.1, alpha=1e-4, random_state=0)
settings |= dict(learning_rate_init=0.003, learning_rate="cosine", n_iter_no_change=np.inf)
model = MLPRegressor(max_iter=EPOCHS, **settings).fit(x[:, np.newaxis], y)
grid = np.linspace(-5, 5, 400)
found = mc_dropout(model, grid[:, np.newaxis], n_samples=SAMPLES, random_state=0)

near = np.abs(grid)
for name, where in {
    "among the rows": (near > 0.5) & (near < 2),
    "between them": near < 0.5,
    "beyond, at 4 to 5": near > 4,
}.items():
    print(f"mean standard deviation {name}: {found.std[where].mean():.3f}")

# %%
# A classification: the entropy of the mean probabilities is high at the boundary of the classes and
# wherever networks disagree; the mutual information is the part of it that is disagreement.

X, classes = make_moons(300, noise=0.15, random_state=0)
classifier = MLPClassifier(max_iter=EPOCHS // 3, **settings).fit(X, classes)
a, b = np.meshgrid(np.linspace(-4, 5, SIDE), np.linspace(-4, 4.5, SIDE))
points = np.stack([a.ravel(), b.ravel()], axis=1)
sampled = mc_dropout(classifier, points, n_samples=SAMPLES, random_state=0)
at_rows = mc_dropout(classifier, X, n_samples=SAMPLES, random_state=0)
print(f"mean mutual information at the rows: {at_rows.mutual_information.mean():.3f} nats")
print(f"largest mutual information of the plot: {sampled.mutual_information.max():.3f} nats")

# %%
# The mean standard deviation is 0.079 among the rows, 0.086 between them, where the function is
# smooth, and 0.756 far away. Far from the rows, networks disagree on where the boundary of the
# classes is, by up to 0.61 of the 0.69 nats that are possible; but on either side of it they agree
# on a class that no row has shown there. The bands are one and two standard deviations.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for width in (2, 1):
    low, high = found.mean - width * found.std, found.mean + width * found.std
    left.fill_between(grid, low, high, color="tab:blue", alpha=0.25, label=f"±{width} deviations")
left.plot(grid, found.mean, color="tab:blue", label="mean")
left.plot(x, y, ".", color="black", markersize=3, label="rows")
left.set(xlabel="x", ylabel="y", title="Predictions spread away from the rows")
left.legend(fontsize="small")
image = right.pcolormesh(a, b, sampled.mutual_information.reshape(a.shape), cmap="viridis")
figure.colorbar(image, ax=right, label="mutual information, nats")
for label, marker, color in ((0, "o", "white"), (1, "^", "tab:orange")):
    right.plot(*X[classes == label].T, marker, color=color, markersize=3, label=f"class {label}")
right.set(xlabel="first feature", ylabel="second feature", title="Networks disagree at a boundary")
right.legend(fontsize="small", loc="upper left", facecolor="gray")
plt.show()
