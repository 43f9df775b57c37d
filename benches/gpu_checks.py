"""Checks of correctness on a GPU, and a training for sanitizers.

    python benches/gpu_checks.py      (a tiny training with all that draws and sums; by gpu.py under
                                       compute-sanitizer)

Each check returns what it found, in words, or raises an error.
"""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

# Of the loss, relative: what rounding may do to it in the epochs that are compared.
TOLERANCES = {"float64": 1e-8, "float32": 5e-3}


def _classifier(device, epochs, **parameters):
    from fastnn import MLPClassifier

    runs = {"max_iter": epochs, "n_iter_no_change": epochs + 1, "tol": 0.0, "random_state": 0}
    return MLPClassifier(device=device, **runs, **parameters)


def _data(tiny, dtype="float32"):
    shape = (24, 7) if tiny else (10_000, 784)
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape).astype(dtype)
    return X, (X @ rng.standard_normal((shape[1], 4))).argmax(axis=1)


def _size(tiny):
    return {"hidden_layer_sizes": (5, 6) if tiny else (100, 100), "batch_size": 8 if tiny else 128}


def reruns(tiny):
    """Two fits of one seed end with the same bits."""
    X, y = _data(tiny)
    options = {**_size(tiny), "normalization": "batch", "dropout": 0.2}
    models = [_classifier("cuda", 2, **options).fit(X, y) for _ in range(2)]
    arrays = [[*model.coefs_, *model.intercepts_] for model in models]
    differ = sum(int((a != b).sum()) for a, b in zip(*arrays, strict=True))
    n = sum(array.size for array in arrays[0])
    if differ or models[0].loss_curve_ != models[1].loss_curve_:
        raise AssertionError(f"{differ} of {n} parameters differ between two fits of one seed")
    return f"{n} parameters and the losses of two fits of one seed are equal, bit by bit"


def loss_curves(tiny):
    """The CPU and the GPU go the same way."""
    found = []
    for dtype, tolerance in TOLERANCES.items():
        X, y = _data(tiny, dtype)
        options = {**_size(tiny), "precision": dtype, "dropout": 0.2}
        curves = [
            np.array(_classifier(device, 3, **options).fit(X, y).loss_curve_)
            for device in ("cpu", "cuda")
        ]
        error = float(np.abs(curves[1] / curves[0] - 1).max())
        if not error <= tolerance:
            raise AssertionError(f"{dtype}: losses {curves[0]} on the CPU, {curves[1]} on the GPU")
        found.append(f"{dtype} {error:.1e}")
    return f"losses of 3 epochs on CPU and GPU differ by at most {', '.join(found)} of them"


def masks(tiny):
    """Dropout leaves out the same values on both."""
    from fastnn._core.cpu import ops
    from fastnn._core.cuda import ops as cuda_ops

    shape, differ, n = (9, 6) if tiny else (1001, 517), 0, 0
    ones = np.ones(shape, np.float32)
    for rate, seed, step, stage in [(0.2, 3, 0, 1), (0.5, (7 << 40) + 11, 12345, 6)]:
        both = [o.dropout(ones, rate, seed, step=step, stage=stage) for o in (ops, cuda_ops)]
        differ += int((both[0] != both[1]).sum())
        n += ones.size
    if differ:
        raise AssertionError(f"{differ} of {n} values of dropout masks differ from the CPU's")
    return f"{n} values of dropout masks are those of the CPU"


CHECKS = {"reruns": reruns, "loss curves": loss_curves, "masks": masks}


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    sys.setswitchinterval(1e-4)  # threads of the simulator wait more than they compute
    X, y = _data(tiny=True)
    for options in (
        {"normalization": "batch", "dropout": 0.2},
        {"normalization": "layer", "solver": "lamb", "clip_norm": 1.0, "averaging": "ema"},
    ):
        model = _classifier("cuda", 2, **_size(tiny=True), **options).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all(), options
    print("trained")


if __name__ == "__main__":
    main()
