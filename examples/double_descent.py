"""
Double descent
==============

A wider network can memorise more. Textbooks expect a U-shaped test error: too narrow a network
underfits, too wide a network overfits. But beyond the width at which the network can just memorise
every training row, including mislabelled ones, the error decreases again (Belkin et al.,
"Reconciling modern machine-learning practice and the classical bias-variance trade-off", 2019).

Here one hidden layer of 2 to 1000 units is trained on 4000 rows of MNIST-1D, 15 % of them with
wrong labels, for 1000 epochs without regularisation.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from fastnn import MLPClassifier
from fastnn.datasets import make_mnist1d

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_ROWS, EPOCHS, SEEDS = (600, 300, 1) if FAST else (4000, 1000, 3)
WIDTHS = [2, 8, 20, 64, 400]
if not FAST:
    WIDTHS = [2, 4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 192, 256, 400, 600, 1000]

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given

# %%
# About 15 % of the labels are replaced by wrong ones. The 10000 test rows have true labels.

NOISE = 0.15
X, y = make_mnist1d(N_ROWS + 10000, random_state=0)
X, X_test, y, y_test = X[:N_ROWS], X[N_ROWS:], y[:N_ROWS], y[N_ROWS:]
rng = np.random.default_rng(0)
noisy = rng.random(N_ROWS) < NOISE
y = np.where(noisy, (y + rng.integers(1, 10, N_ROWS)) % 10, y)

# %%
# Every width is trained on the same rows with the same number of steps.


def measures(width, seed):
    """Return training error and loss, then test error and loss."""
    model = MLPClassifier(
        hidden_layer_sizes=(width,),
        alpha=0.0,
        learning_rate_init=0.01 if FAST else 0.003,
        batch_size=30 if FAST else 100,
        max_iter=EPOCHS,
        n_iter_no_change=np.inf,
        random_state=seed,
    ).fit(X, y)
    found = []
    for rows, labels in ((X, y), (X_test, y_test)):
        probabilities = model.predict_proba(rows).astype(np.float64)
        found.append(100 * np.mean(probabilities.argmax(axis=1) != labels))
        found.append(log_loss(labels, probabilities / probabilities.sum(axis=1, keepdims=True)))
    return found


results = np.empty((len(WIDTHS), SEEDS, 4))
for number, width in enumerate(WIDTHS):
    results[number] = [measures(width, seed) for seed in range(SEEDS)]
    error, loss, test_error, test_loss = results[number].mean(axis=0)
    print(
        f"{width:4} units: training error {error:4.1f} %, loss {loss:.4f}; "
        f"test error {test_error:.1f} %, loss {test_loss:.2f}"
    )
means = results.mean(axis=1)
n_parameters = (40 + 1 + 10) * np.array(WIDTHS) + 10

# %%
# The test error falls to 52.0 % at 16 units and rises to 60.6 % at 96, where the network has 4906
# parameters for 4000 rows, and almost learns them all (6.6 % are still wrong in training). Then it
# falls again, to 52.5 % at 400 units and 48.6 % at 1000, below the first minimum (means of three
# seeds). The cross-entropy has its peak at 128 units, 7.6 where the first minimum is 1.4, and comes
# down to 5.6 only: what is learned by heart is wrong with much confidence.
#
# At the threshold hardly any choice is left: the network bends for every wrong label as it can.
# With more parameters many networks learn all rows, and the optimizer, which starts from small
# weights, finds one of the smoother ones: so Belkin et al. explain it.

figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for panel, first, what in zip(panels, (0, 1), ("error, %", "cross-entropy"), strict=True):
    for column, color, name in ((first, "tab:orange", "training"), (first + 2, "tab:blue", "test")):
        for seed in range(SEEDS):
            panel.plot(n_parameters, results[:, seed, column], ".", color=color, alpha=0.4)
        panel.plot(n_parameters, means[:, column], color=color, label=name)
    panel.axvline(N_ROWS, color="black", linestyle=":", label="parameters = rows")
    panel.set(xscale="log", xlabel="parameters", ylabel=what)
    panel.grid(alpha=0.3)
panels[1].legend(loc="center right", bbox_to_anchor=(1, 0.3), fontsize="small")
figure.suptitle(f"One hidden layer on {N_ROWS} rows of MNIST-1D, {NOISE:.0%} of the labels wrong")
plt.show()
