"""Random estimators, of all public hyperparameters, on random rows, through fit and predict.

Whatever is not refused in a sentence is finite, has the same bits for any number of threads and
after a pickle, and predicts what the reference does. ``python test_random_fits.py SEED`` shows one.
"""

import pickle
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastnn import (
    ELU,
    EMA,
    SGD,
    SWA,
    BatchNorm,
    CutMix,
    Dense,
    Dropout,
    GroupNorm,
    Head,
    Huber,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Minkowski,
    Mixup,
    MLPClassifier,
    MLPRegressor,
    MultiTaskMLP,
    PReLU,
    Quantile,
    Residual,
    Rprop,
    RReLU,
    WeightNorm,
)
from fastnn.activations import HIDDEN_ACTIVATIONS
from fastnn.augment import (
    Append,
    Exclude,
    Gain,
    Noise,
    RandomChoice,
    RepeatedAugmentation,
)
from fastnn.optimizers import OPTIMIZERS
from support import reference

# Beyond a tile of the kernels, and of two.
WIDTHS = (1, 2, 3, 7, 16, 33, 70, 130)
OF_CLASSES = ("log_loss", "binary_log_loss", "hinge", "squared_hinge", "squared_error")
OF_CLASSES += ("weston_watkins", "crammer_singer")
OF_VALUES = ("squared_error", "absolute_error", "poisson", "huber", Huber(0.3), Minkowski(1.5))
OF_VALUES += (Quantile(0.2), Quantile([0.1, 0.5, 0.9]))
WITH_THRESHOLD = ("adam", "adagrad", "momentum", "sgd")
NEW_FORMS = Rprop(wait=False), SGD(velocity="gradients"), SGD(0.5, "look_ahead")
TOLERANCE = {"float32": 1e-2, "float64": 1e-7, "bfloat16": 0.2}
MOST_REFUSED = 0.3


class Draw:
    """Choices of one generator."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, *options):
        return options[self.rng.integers(len(options))]

    def often(self, likely, *others):
        """The first in three of four cases."""
        return likely if self.rng.random() < 0.75 else self.one(*others)

    def activation(self):
        names = sorted(HIDDEN_ACTIVATIONS)
        specs = LeakyReLU(0.2), ELU(0.7), RReLU(), PReLU(), PReLU(shared=False), Maxout(3)
        return self.one(self.one(*names), self.one(*specs), "prelu", "maxout")

    def dropout(self):
        return self.often(0.0, 0.3, Dropout(0.3, inverted=False), Dropout(0.2, input_rate=0.1))

    def normalization(self, width):
        """Draw a normalization for this number of units, or None."""
        divisor = self.one(*(n for n in range(1, width + 1) if width % n == 0))
        position = self.one("before", "after")
        return self.one(
            *(None, "batch", "layer", "weight", WeightNorm(), LayerNorm(position=position)),
            BatchNorm(
                momentum=0.3,
                position=position,
                statistics=self.one("moving", "exact"),
                unbiased=self.one(True, False),
                mean_only=self.often(False, True),
            ),
            GroupNorm(divisor, position=position),
            InstanceNorm(divisor, affine=self.one(True, False), position=position),
        )

    def layers(self, n_features):
        """A stack, with a block that ends as wide as it began."""

        def dense(width):
            dropout = self.often(0.0, 0.3)
            return Dense(width, self.activation(), self.normalization(width), dropout)

        layers, width = [], n_features
        for _ in range(self.rng.integers(1, 4)):
            kind = self.one("dense", "dense", "block", "norm", "dropout")
            if kind == "dense":
                width = int(self.one(*WIDTHS))
                layers.append(dense(width))
            elif kind == "block":
                inside = [dense(int(self.one(*WIDTHS))), dense(width)]
                layers.append(Residual(inside, self.often(0.0, 0.3)))
            elif kind == "norm":
                layers.append(self.one(LayerNorm(), BatchNorm(), LeakyReLU(0.1)))
            else:
                layers.append(Dropout(0.2))
        return layers

    def network(self, n_features):
        if self.rng.random() < 0.3:
            return {"layers": self.layers(n_features)}
        hidden = tuple(int(self.one(*WIDTHS)) for _ in range(self.rng.integers(3)))
        width = int(np.gcd.reduce(hidden)) if hidden else 1
        each = [self.activation() for _ in hidden]
        return {
            "hidden_layer_sizes": hidden,
            "activation": self.one(self.activation(), each) if each else "relu",
            "normalization": self.normalization(width),
            "dropout": self.dropout(),
        }

    def training(self, n_rows, is_sparse):
        solver = self.often("adam", *sorted(OPTIMIZERS), *NEW_FORMS)
        return {
            "solver": solver,
            "max_iter": int(self.one(1, 2, 4)),
            "n_iter_no_change": 2,
            "batch_size": self.one("auto", 1, 7, n_rows, 100_000),
            "learning_rate_init": self.one(1e-3, 1e-2),
            "learning_rate": self.often("constant", "cosine", "one_cycle", "adaptive", "plateau"),
            "alpha": self.one(0.0, 1e-4, 0.1),
            "precision": self.one("auto", "float32", "float64", "bfloat16"),
            "averaging": self.often(None, EMA(0.5), SWA()),
            "augment": None if is_sparse or n_rows == 1 else self.augmentation(),
            "input_noise": 0.0 if is_sparse else self.often(0.0, 0.1),
            "weight_noise": self.often(0.0, 0.05),
            "clip_norm": self.often(None, 0.5),
            "clip_value": self.often(None, 0.1),
            "max_norm": self.often(None, 1.0),
            "l1_ratio": self.often(0.0, 0.5),
            "l1_update": self.one("gradient", "proximal")
            if solver in WITH_THRESHOLD
            else "gradient",
            "penalize_intercepts": self.often(False, True),
            "learning_rate_factors": self.often(None, {"biases": 0.0}, {"weights": 0.5}),
            "train_score": self.often(False, n_rows > 1),
            "train_score_rows": self.often(None, 3),
            "shuffle": self.often(True, False),
            "random_state": int(self.rng.integers(1000)),
        }

    def augmentation(self):
        noise = Append(Noise(0.1)), RepeatedAugmentation([Noise(0.1), Gain()], copies=2)
        mixes = Mixup(0.3), CutMix(), RandomChoice([Mixup(0.3), CutMix()], p=[0.3, 0.7])
        return self.often(None, *mixes, *noise, [self.one(*noise), self.one(*mixes)])

    def rows(self, n_rows, n_features):
        """Return the same numbers in other containers."""
        X = self.rng.integers(0, 4, (n_rows, n_features)) * (self.rng.random(n_features) < 0.8)
        kind = self.one("float64", "float32", "uint8", "fortran", "strided", "file", "csr", "csc")
        if kind in ("csr", "csc"):
            return sparse.csr_array(X.astype(np.float32)).asformat(kind)
        if kind == "file":
            with tempfile.NamedTemporaryFile(suffix=".npy") as file:
                np.save(file.name, X.astype(np.float32))
                return np.load(file.name, mmap_mode="r")  # the file goes, what is mapped stays
        if kind == "fortran":
            return np.asfortranarray(X, np.float32)
        return np.repeat(X, 3, axis=0)[::3] * 1.0 if kind == "strided" else X.astype(kind)

    def situation(self):
        """A class of estimators, its parameters, the arguments of `fit`, and how it goes on."""
        n_rows, n_features = int(self.one(1, 2, 5, 30, 120)), int(self.one(1, 3, 20, 70))
        X = self.rows(n_rows, n_features)
        params = self.network(n_features) | self.training(n_rows, sparse.issparse(X))
        fit = {"X": X}
        kind = self.one(MLPClassifier, MLPRegressor, MultiTaskMLP)
        of_kind, fit["y"] = self.task(kind, n_rows)
        params |= of_kind
        if kind is MLPClassifier and params["augment"] and fit["y"].max() > 0:
            params["augment"] = self.often(params["augment"], Exclude(Noise(0.1), [1]))
        if self.rng.random() < 0.3:
            fit["sample_weight"] = self.rng.uniform(0.1, 2, n_rows)
        validates = self.rng.random()
        if validates < 0.3 and n_rows > 4:
            params["early_stopping"] = self.one(True, False)
            params["scoring"] = self.often(None, "loss")
            if validates < 0.2 or not params["early_stopping"]:
                fit["X_val"] = (X.tocsr() if sparse.issparse(X) else X)[:5]
                fit["y_val"] = first_rows(fit["y"])
        then = self.one("ends", "partial_fit", "warm_start")
        needs_all = params["solver"] == "lbfgs" or params.get("early_stopping")
        if then == "partial_fit" and (needs_all or "statistics='exact'" in repr(params)):
            then = "ends"
        if then == "partial_fit" and params.get("class_weight"):
            params["class_weight"] = {0: 2.0}
        return kind, params, fit, then

    def task(self, kind, n_rows):
        """Draw the loss of a class of estimators, with its other parameters, and targets."""
        if kind is MLPClassifier:
            loss = self.often("log_loss", *OF_CLASSES)
            of_kind = {
                "loss": loss,
                "label_smoothing": self.often(0.0, 0.1) if loss == "log_loss" else 0.0,
                "class_weight": self.often(None, "balanced"),
            }
            return of_kind, np.resize(np.arange(self.one(2, 3, 5)), n_rows)
        if kind is MLPRegressor:
            shape = self.one((n_rows,), (n_rows, 1), (n_rows, 3))
            return {"loss": self.one(*OF_VALUES)}, self.rng.poisson(2.0, shape).astype(float)
        values = self.rng.poisson(2.0, (n_rows, 2)).astype(float)
        labels = np.resize(np.arange(self.one(2, 3, 5)), n_rows)
        y = {
            "class": labels.astype(str),
            "labels": np.resize([[0, 1, 1], [1, 0, 1]], (n_rows, 3)),
            "value": values[:, 0],
            "values": values,
        }
        heads = {
            "class": Head(
                self.often("log_loss", "hinge", *OF_CLASSES[5:]), self.one(0.0, 1.0, 3.0)
            ),
            "labels": None,
            "value": self.one(*OF_VALUES[:-1]),
            "values": Head("squared_error", 0.5, self.one(None, "softplus")),
        }
        chosen = self.rng.permutation(list(y))[: self.rng.integers(1, 5)].tolist()
        of_kind = {
            "heads": {name: heads[name] for name in chosen},
            "task_weighting": self.one(None, "uncertainty"),
            "label_smoothing": self.often(0.0, 0.1) if "labels" in chosen else 0.0,
        }
        return of_kind, {name: y[name] for name in chosen}


def first_rows(y):
    if isinstance(y, dict):
        return {name: values[:5] for name, values in y.items()}
    return y[:5]


def predicted(model, X):
    """Return all numbers and labels that are predicted."""
    found = model.predict(X)
    return [*found.values()] if isinstance(found, dict) else [found]


def fitted(seed, n_jobs):
    """A fitted estimator, and its rows."""
    kind, params, fit, then = Draw(seed).situation()
    model = kind(**params, n_jobs=n_jobs, warm_start=then == "warm_start")
    model.fit(**fit)
    if then == "warm_start":
        model.fit(**fit)
    elif then == "partial_fit":
        model.partial_fit(fit["X"], fit["y"])
    return model, fit["X"]


def numbers(model):
    """Return everything that training changes."""
    network = model._network
    return [*network.arenas(), np.array(model._history.loss_curve)]


def outputs(model, X):
    return model._network.predict(X, model.n_jobs)[0]


def reference_outputs(model, X):
    network = model._network
    both = network.program.named(network.state.parameters, network.state.statistics)
    parameters, statistics = (
        [
            {name: array.astype(float) for name, array in arrays.items() if of(name)}
            for arrays in both
        ]
        for of in (lambda name: name not in ("mean", "variance"), ("mean", "variance").__contains__)
    )
    rounds = (
        reference.bfloat16 if network.architecture.bfloat16 and not sparse.issparse(X) else None
    )
    twin = reference.Network(
        network.layers,
        network.loss,
        parameters,
        statistics,
        network.architecture.input_dropout,
        input_noise=network.architecture.input_noise,
        rounds=rounds,
        n_features=network.n_features,
    )
    X = X.toarray() if sparse.issparse(X) else X
    return twin.predict(np.asarray(X, float))


def refused(seed):
    """Try one situation; returns the sentence that refuses it, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model, X = fitted(seed, 1)
        except ValueError as error:
            assert len(str(error).split()) > 3, error
            return str(error)
        other, _ = fitted(seed, 2 + seed % 2)
    for mine, its in zip(numbers(model), numbers(other), strict=True):
        np.testing.assert_array_equal(its, mine)
    X = X.tocsr() if sparse.issparse(X) else X
    expected = outputs(model, X)
    assert np.isfinite(expected).all()
    for values in predicted(model, X):
        assert np.isfinite(np.asarray(values, float)).all()
    np.testing.assert_array_equal(outputs(other, X), expected)
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(model)), X), expected)
    network = model._network
    close = TOLERANCE["bfloat16" if network.architecture.bfloat16 else network.dtype.name]
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(expected, reference_outputs(model, X), 0, close * scale)
    return None


def try_all(seeds):
    sentences = []
    for seed in seeds:
        try:
            sentence = refused(seed)
        except BaseException as error:
            error.add_note(f"in the random fit of seed {seed}")
            raise
        sentences += [sentence] * (sentence is not None)
    assert len(sentences) <= MOST_REFUSED * len(seeds), "\n".join(sorted(sentences))


def test_random_fits():
    try_all(range(30))


@pytest.mark.whole
@pytest.mark.parametrize("part", range(1, 21))
def test_random_fits_at_length(part):
    try_all(range(100 * part, 100 * part + 100))


if __name__ == "__main__":
    print(*Draw(int(sys.argv[1])).situation(), sep="\n")
    print(refused(int(sys.argv[1])) or "as it should be")
