"""Fitted networks of every kind, to be exported."""

import numpy as np

from fastnn import BatchNorm, Dense, Dropout, MLPClassifier, MLPRegressor, PReLU, Quantile, Residual

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 6)).astype(np.float32)
Z = X @ rng.standard_normal((6, 3))
TWO, THREE, INDICATORS = (Z[:, 0] > 0).astype(int), Z.argmax(axis=1), (Z > 0).astype(int)
NAMES = np.array(["no", "perhaps", "yes"])
PROBABILITIES = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
STACK = [
    Dense(12, "gelu", BatchNorm()),
    Residual([Dense(12, PReLU(shared=False), "layer")]),
    Dropout(0.2, inverted=False),
    Dense(8, "maxout"),
]

#: Targets and parameters of classifiers.
CLASSIFIERS = {
    "two classes": (TWO, {}),
    "two names": (NAMES[TWO], {}),
    "two booleans": (TWO.astype(bool), {}),
    "two floats": (2.0 * TWO - 1, {}),
    "one class": (0 * TWO + 4, {}),
    "three classes": (THREE, {}),
    "three numbers": (3 * THREE + 1, {}),
    "three names": (NAMES[THREE], {}),
    "several labels": (INDICATORS, {}),
    "two columns": (np.stack([TWO, 3 * THREE], axis=1), {}),
    "two columns of names": (np.stack([NAMES[TWO], NAMES[THREE]], axis=1), {}),
    "probabilities": (PROBABILITIES, {}),
    "a logistic unit for each class": (THREE, {"loss": "binary_log_loss"}),
    "hinge": (NAMES[TWO], {"loss": "hinge"}),
    "hinge of three": (THREE, {"loss": "hinge"}),
    "hinge of several labels": (INDICATORS, {"loss": "hinge"}),
    "squared error": (TWO, {"loss": "squared_error"}),
    "squared error of three": (NAMES[THREE], {"loss": "squared_error"}),
    "perceptron": (TWO, {"loss": "perceptron", "output_activation": "threshold"}),
    "perceptron of three": (THREE, {"loss": "perceptron", "output_activation": "threshold"}),
    "compared classes": (THREE, {"loss": "crammer_singer"}),
    "float64": (THREE, {"precision": "float64", "activation": "gelu"}),
    "layers": (THREE, {"layers": STACK}),
}
#: Targets and parameters of regressors.
REGRESSORS = {
    "one target": (Z[:, 0], {}),
    "three targets": (Z, {}),
    "poisson": (np.abs(Z), {"loss": "poisson"}),
    "huber": (np.abs(Z), {"loss": "huber", "output_activation": "softplus"}),
    "quantiles": (Z[:, 0], {"loss": Quantile([0.1, 0.2, 0.5, 0.6, 0.9])}),
    "quantiles of three targets": (Z, {"loss": Quantile([0.4, 0.5, 0.6]), "precision": "float64"}),
    "float64": (Z, {"precision": "float64"}),
    "layers": (Z, {"layers": STACK}),
}


def fit(kind, y, parameters):
    """Return an estimator after a few epochs; its rows are `X`, in the precision of the network."""
    settings = {"hidden_layer_sizes": (9,), "max_iter": 4, "random_state": 0} | parameters
    if "layers" in settings:
        settings.pop("hidden_layer_sizes")
    return kind(**settings).fit(X, y)


#: All of them, with their classes.
MODELS = {
    **{f"classifier, {name}": (MLPClassifier, *problem) for name, problem in CLASSIFIERS.items()},
    **{f"regressor, {name}": (MLPRegressor, *problem) for name, problem in REGRESSORS.items()},
}


def numbers_of(model, rows):
    """Return probabilities, scores or targets as arrays of two dimensions, one for each head."""
    if isinstance(model, MLPRegressor):
        numbers = model.predict(rows)
    elif hasattr(model, "predict_proba"):
        numbers = model.predict_proba(rows)
    else:
        numbers = model.decision_function(rows)
    parts = numbers if isinstance(numbers, list) else [numbers]
    return [part.reshape(len(rows), -1) for part in parts]
