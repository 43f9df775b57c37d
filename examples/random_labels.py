"""
Random labels can be memorised
==============================

Zhang et al., "Understanding deep learning requires rethinking generalization" (2017), shuffled the
labels of the training images, and found that networks fit them nevertheless. A good fit of the
training data says nothing about other data: neither the size of a network nor its optimizer
prevents it from memorising random labels. Only the time differs.

Here a network with one hidden layer of 256 units is trained on the digits of scikit-learn with a
fraction of the labels shuffled, until all training rows are classified correctly.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn.callbacks import Callback

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
PARTS = [0.0, 1.0] if FAST else [0.0, 0.25, 0.5, 0.75, 1.0]
N_ROWS, SEEDS = (300, 1) if FAST else (1257, 3)

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    (X / 16).astype(np.float32), y, train_size=N_ROWS, stratify=y, random_state=0
)

# %%
# The training rows are also passed as validation data, so that their accuracy is in the history,
# and a callback can stop when it is 1.


class UntilAllAreRight(Callback):
    """Stop training when the accuracy is 1."""

    def on_epoch_end(self, context):
        return context.logs["val_accuracy"] == 1


def learn(part, seed):
    """Return training accuracies by epoch, and test accuracy, with shuffled labels."""
    rng = np.random.default_rng(seed)
    labels = y.copy()
    shuffled = rng.permutation(len(y))[: round(part * len(y))]
    labels[shuffled] = rng.permutation(labels[shuffled])
    model = MLPClassifier(
        hidden_layer_sizes=(256,),
        alpha=0.0,
        batch_size=50,
        learning_rate_init=0.002,
        max_iter=1000,
        n_iter_no_change=np.inf,
        callbacks=[UntilAllAreRight()],
        random_state=seed,
    ).fit(X, labels, X_val=X, y_val=labels)
    return model.history_["val_accuracy"], model.score(X_test, y_test)


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
colors = plt.colormaps["viridis"](np.linspace(0, 0.9, len(PARTS)))
tested = []
for part, color in zip(PARTS, colors, strict=True):
    curves, scores = zip(*(learn(part, seed) for seed in range(SEEDS)), strict=True)
    tested.append(np.mean(scores))
    print(
        f"{part:4.0%} shuffled: {min(curve[-1] for curve in curves):.3f} of the training rows are "
        f"right after {np.mean([len(curve) for curve in curves]):.0f} epochs, and "
        f"{tested[-1]:.3f} of the test rows ({min(scores):.3f} to {max(scores):.3f})"
    )
    for curve in curves:
        left.plot(range(1, len(curve) + 1), curve, color=color)
    left.plot([], [], color=color, label=f"{part:.0%}")
    right.plot([100 * part] * SEEDS, scores, ".", color="tab:blue", alpha=0.5)

# %%
# Every network fits all of its 1257 rows: true labels in 37 epochs, random ones in 278 (means of
# three seeds). Their accuracies on test rows with true labels are 97.9 % and 9.3 % (a guess has 10
# %). With a fraction of the labels shuffled, the network learns the digits first: its curve pauses
# near the fraction of true labels before the wrong ones are memorised.

left.set(xscale="log", xlabel="epoch", ylabel="training accuracy")
left.legend(title="labels shuffled")
right.plot(100 * np.array(PARTS), tested, color="tab:blue", label="test")
right.axhline(1, color="tab:orange", linestyle="--", label="training")
right.axhline(0.1, color="gray", linestyle=":", label="chance")
right.set(xlabel="labels shuffled, %", ylabel="accuracy at the end", ylim=(0, 1.05))
right.legend()
plt.show()
