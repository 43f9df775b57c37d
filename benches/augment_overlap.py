"""Time of an epoch with and without augmentation, and of augmentation alone.

    python benches/augment_overlap.py [--rows 60000] [--hidden 100 100] [--runs 5]

Rows of 784 features in float32, batches of 128. The engine has all threads but one, so that the
thread that changes rows has a processor of its own. Where they ran one after the other, an epoch
would take the sum of `alone` and `training`; side by side, it is hardly more than the longer one.
Times are the shortest of `--runs` fits, made in turns: other programs only add to them.
"""

import argparse
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import MLPClassifier
from fastnn import augment as a
from measure import alternate, available_threads, restart_without_forced_blas

TRANSFORMS = {
    "Brightness": a.Brightness(),
    "Contrast": a.Contrast(),
    "Flip": a.Flip(),
    "Shift": a.Shift(),
    "Erase": a.Erase(),
    "Noise": a.Noise(),
    "SwapNoise": a.SwapNoise(),
    "LabelMixup": a.LabelMixup(),
    "Blur": a.Blur(),
    "Rotate": a.Rotate(),
    "Affine": a.Affine(),
    "AutoAugment": a.AutoAugment(),
    "Zoom": a.Zoom(),
    "Rotate, Shift, Noise": [a.Rotate(), a.Shift(), a.Noise()],
    "RandAugment": a.RandAugment(),
}
EPOCHS = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[100, 100])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=TRANSFORMS, default=list(TRANSFORMS))
    arguments = parser.parse_args()
    restart_without_forced_blas()
    warnings.simplefilter("ignore", ConvergenceWarning)

    rng = np.random.default_rng(0)
    X = rng.random((arguments.rows, 784), np.float32)
    y = rng.integers(0, 10, arguments.rows)
    threads = max(1, available_threads() - 1)

    def fit(augment):
        """Train some epochs, all but the first with rows augmented in the background."""
        options = {"hidden_layer_sizes": arguments.hidden, "batch_size": 128, "random_state": 0}
        options |= {"max_iter": EPOCHS, "n_iter_no_change": EPOCHS, "tol": 0.0}
        MLPClassifier(augment=augment, n_jobs=threads, **options).fit(X, y)

    def alone(augment):
        rows, targets = X, y
        for transform in augment if isinstance(augment, list) else [augment]:
            rows, targets = transform(rows, targets, rng)

    calls = {"training": lambda: fit(None)}
    for name in arguments.only:
        augment = TRANSFORMS[name]
        calls[name, "alone"] = lambda augment=augment: alone(augment)
        calls[name, "beside"] = lambda augment=augment: fit(augment)
    least = {k: min(v) for k, v in alternate(calls, arguments.runs).items()}

    training = 1e3 * least["training"] / EPOCHS
    print(f"{arguments.rows} x 784, hidden {arguments.hidden}, {threads} of the engine's threads")
    print(f"training: {training:.0f} ms an epoch\n")
    print("| transform | alone, ms an epoch | epoch in `fit`, ms | both in turns, ms | hidden |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in arguments.only:
        itself = 1e3 * least[name, "alone"]
        # The rows of the first epoch are made while nothing is trained.
        epoch = (1e3 * least[name, "beside"] - itself) / EPOCHS
        one_by_one = (EPOCHS - 1) / EPOCHS * itself + training
        most = (EPOCHS - 1) / EPOCHS * min(itself, training)
        hidden = (one_by_one - epoch) / most
        print(f"| {name} | {itself:.0f} | {epoch:.0f} | {one_by_one:.0f} | {hidden:.0%} |")


if __name__ == "__main__":
    main()
