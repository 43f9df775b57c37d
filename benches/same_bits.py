"""Fits of many kinds: whether base and head learn the same parameters, to the last bit.

    python benches/same_bits.py [BASE] [--head REVISION] [--trees BASE HEAD] [--only WORD ..]

BASE is a revision (default: HEAD), head the working tree unless another revision is named; both are
built as `regress.py` builds them, or are folders that are built already. Of each fit, parameters,
histories and predictions are compared. Exits with 1 where one differs.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy import sparse

from regress import build, working_tree

COMMON = dict(hidden_layer_sizes=(37, 70), max_iter=4, random_state=0)
SOLVERS = [
    "sgd",
    "adam",
    "momentum",
    "rmsprop",
    "adagrad",
    "adadelta",
    "rprop",
    "adamw",
    "nadam",
    "radam",
    "amsgrad",
    "lamb",
    "lbfgs",
]
LOSSES = ["squared_error", "absolute_error", "huber", "quantile", "minkowski", "poisson"]
LOSSES_OF_CLASSES = [
    "hinge",
    "squared_hinge",
    "weston_watkins",
    "crammer_singer",
    "perceptron",
    "binary_log_loss",
]
# What differs between two runs of the same code, or only counts.
NOT_COMPARED = {"call", "seconds"}


@cache
def digits():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@cache
def diabetes():
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return X, (y - y.min()) / y.std()


# ---------------------------------------------------------------------------------- what is fitted
# A fit returns the estimator, and rows to predict.


def classify(convert=None, hidden=(37, 70), **parameters):
    from fastnn import MLPClassifier

    X, y = digits()
    X = X if convert is None else convert(X)
    parameters = {**COMMON, "hidden_layer_sizes": hidden, **parameters}
    if "layers" in parameters:
        del parameters["hidden_layer_sizes"]
    return MLPClassifier(**parameters).fit(X, y), X


def regress(**parameters):
    from fastnn import MLPRegressor

    X, y = diabetes()
    return MLPRegressor(**{**COMMON, **parameters}).fit(X, y), X


def spec(name, *arguments, **parameters):
    """A function that makes a spec, when fastnn may be imported."""

    def make():
        import fastnn

        return getattr(fastnn, name)(*arguments, **parameters)

    return make


def with_specs(fit, **specs):
    return lambda: fit(**{name: make() for name, make in specs.items()})


def in_two_fits():
    from fastnn import MLPClassifier

    X, y = digits()
    model = MLPClassifier(warm_start=True, **COMMON)
    return model.fit(X, y).fit(X, y), X


def in_parts(**parameters):
    from fastnn import MLPClassifier

    X, y = digits()
    model = MLPClassifier(**{**COMMON, **parameters})
    for part in range(0, 1200, 200):
        model.partial_fit(X[part : part + 200], y[part : part + 200], classes=np.unique(y))
    return model, X


def with_weights(**parameters):
    from fastnn import MLPClassifier

    X, y = digits()
    weights = 1 + np.arange(len(y)) % 3
    return MLPClassifier(**COMMON, **parameters).fit(X, y, sample_weight=weights), X


def with_validation_data(**parameters):
    from fastnn import MLPClassifier

    X, y = digits()
    model = MLPClassifier(**COMMON, **parameters)
    return model.fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:]), X


def few_rows():
    from fastnn import MLPClassifier

    X, y = digits()
    return MLPClassifier(**COMMON).fit(X[:5], y[:5]), X


def several_targets():
    from fastnn import MLPClassifier, MLPRegressor

    X, y = digits()
    many = MLPRegressor(**COMMON).fit(X, np.c_[X[:, 20:22], y])
    columns = MLPClassifier(**COMMON).fit(X, np.c_[y, y % 3])
    labels = MLPClassifier(**COMMON).fit(X, np.c_[y > 4, y % 2 == 0])
    return (many, columns, labels), X


def from_checkpoint():
    from fastnn import callbacks

    with tempfile.TemporaryDirectory() as folder:

        def training(max_iter):
            keeper = callbacks.Checkpoint(Path(folder, "c"), resume=True)
            return classify(max_iter=max_iter, callbacks=[keeper], dropout=0.1)

        training(2)
        return training(5)


def noisy(X, y, random_state):
    return X + 0.01 * random_state.normal(size=X.shape), y


def with_callbacks(**parameters):
    from fastnn import callbacks

    class Ends(callbacks.Callback):
        batch_interval = 2

        def on_batch_end(self, context):
            return None

        def on_epoch_end(self, context):
            context.model.predict(digits()[0][:5])
            return len(context.history["loss"]) == 3

    return classify(callbacks=[Ends()], **parameters)


CASES = {
    **{f"solver {name}": partial(classify, solver=name) for name in SOLVERS},
    **{f"loss {name}": partial(regress, loss=name) for name in LOSSES if name != "poisson"},
    "loss poisson": partial(regress, loss="poisson"),
    **{f"loss {name}": partial(classify, loss=name) for name in LOSSES_OF_CLASSES},
    **{
        f"{norm} norm, {precision}": partial(
            classify, hidden=(32, 64), normalization=norm, precision=precision
        )
        for norm in ("batch", "layer", "group", "weight")
        for precision in ("float32", "float64")
    },
    "bfloat16": partial(classify, precision="bfloat16"),
    "bfloat16, batch norm": partial(classify, precision="bfloat16", normalization="batch"),
    "sparse": partial(classify, sparse.csr_matrix),
    "sparse, L-BFGS": partial(classify, sparse.csr_matrix, solver="lbfgs"),
    "uint8": partial(classify, lambda X: (255 * X).astype(np.uint8)),
    "columns of float64": partial(classify, lambda X: np.asfortranarray(X, dtype=np.float64)),
    "dropout and noise": partial(classify, dropout=0.3, input_noise=0.1, weight_noise=0.01),
    "early stopping": partial(classify, early_stopping=True),
    "early stopping, weights": partial(with_weights, early_stopping=True),
    "early stopping, scoring": partial(classify, early_stopping=True, scoring="f1_macro"),
    "validation data": with_validation_data,
    "EMA": partial(classify, averaging="ema", normalization="batch"),
    "SWA, exact statistics": with_specs(
        partial(classify, averaging="swa"), normalization=spec("BatchNorm", statistics="exact")
    ),
    "penalties and clipping": partial(
        classify, clip_norm=0.5, max_norm=2.0, l1_ratio=0.3, penalize_intercepts=True
    ),
    "clip_value": partial(regress, clip_value=0.01),
    "factors of groups": partial(classify, learning_rate_factors={0: 0.3, "biases": 2.0}),
    "mixup, smoothing": partial(classify, augment="mixup", label_smoothing=0.1),
    "cutmix": partial(classify, augment="cutmix"),
    "augment by a function": partial(classify, augment=noisy),
    "cosine, scheduled alpha": with_specs(
        partial(classify, learning_rate="cosine"), alpha=spec("Scheduled", 1e-3, "linear")
    ),
    "plateau": partial(classify, learning_rate="plateau"),
    "adaptive": partial(classify, learning_rate="adaptive", solver="sgd", tol=1.0, max_iter=30),
    "prelu and maxout": partial(classify, activation=["prelu", "maxout"]),
    "gelu and rrelu": partial(classify, activation=["gelu", "rrelu"]),
    "residual": with_specs(
        classify,
        layers=lambda: [
            spec("Dense", 32)(),
            spec("Residual", [spec("Dense", 32)(), spec("Dense", 32, "identity")()], 0.2)(),
            "relu",
        ],
    ),
    "warm start": in_two_fits,
    "partial_fit": partial(in_parts, dropout=0.2),
    "partial_fit, average": partial(in_parts, averaging="ema", normalization="batch"),
    "class_weight": partial(classify, class_weight="balanced"),
    "one batch": partial(classify, batch_size=1797, normalization="batch"),
    "five rows": few_rows,
    "several targets": several_targets,
    "callbacks": partial(with_callbacks, averaging="ema"),
    "callbacks, L-BFGS": partial(with_callbacks, solver="lbfgs"),
    "resumed": from_checkpoint,
}


def digest(models, X):
    """Checksum of everything that was learned, by name."""
    sums = hashlib.sha256()
    for model in models if isinstance(models, tuple) else (models,):
        groups = model.coefs_, model.intercepts_
        arrays = [array for group in groups for array in group]
        for named in (*model.normalizations_, *model.activation_parameters_):
            if isinstance(named, Mapping):
                arrays += [named[name] for name in sorted(named)]
            elif named is not None:
                arrays.append(named)
        history = model.history_
        arrays += [history[name] for name in sorted(history.keys() - NOT_COMPARED)]
        arrays += [model.predict(X), model.loss_, model.n_iter_, getattr(model, "loss_curve_", [])]
        if hasattr(model, "decision_function"):
            scores = model.decision_function(X)  # a list where there are several targets
            arrays += scores if isinstance(scores, list) else [scores]
        for array in arrays:
            sums.update(np.ascontiguousarray(array).tobytes())
    return sums.hexdigest()


def work(words):
    """Print a line for each case: its name, and the checksum."""
    warnings.simplefilter("ignore")
    for name in (name for name in CASES if any(word in name for word in words)):
        try:
            answer = digest(*CASES[name]())
        except Exception as error:
            answer = f"{type(error).__name__}: {error}".replace("\n", " ")
        print(f"{name}\t{answer}", flush=True)


def digests(tree, words):
    command = [sys.executable, __file__, "--work", *words]
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "2"}
    lines = subprocess.check_output(command, text=True, env=environment, cwd=tree).splitlines()
    return dict(line.split("\t") for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", nargs="?", default="HEAD")
    parser.add_argument("--head", help="a revision instead of the working tree")
    parser.add_argument("--trees", nargs=2, type=Path, help="two folders that are built already")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="cases with such a word in their names"
    )
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work is not None:
        work(arguments.work or [""])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trees = arguments.trees
        if trees is None:
            trees = folder / "base", folder / "head"
            revisions = arguments.base, arguments.head or working_tree(folder)
            for revision, tree in zip(revisions, trees, strict=True):
                build(revision, tree)
        base, head = (digests(tree.absolute(), arguments.only) for tree in trees)
    failed = [name for name, answer in head.items() if " " in answer]
    different = [name for name in base if base[name] != head[name]]
    for name in failed:
        print(f"{name}: {head[name]}")
    print(f"{len(base) - len({*different, *failed})} of {len(base)} fits learn the same bits")
    if different or failed:
        raise SystemExit(f"Not the same: {', '.join({*different, *failed})}.")


if __name__ == "__main__":
    main()
