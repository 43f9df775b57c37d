"""Gradients with respect to rows are those of PyTorch."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from fastnn import MLPClassifier, MLPRegressor
from fastnn.diagnostics import input_gradients
from support.torch_functions import assert_close

pytestmark = [
    pytest.mark.crosscheck,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def forward(model, x):
    """Pre-activations of a fitted network of two hidden layers with batch norm before tanh."""
    for i, (w, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        x = x @ torch.tensor(w) + torch.tensor(b)
        if i < 2:
            norm = {k: torch.tensor(v) for k, v in model.normalizations_[i].items()}
            moments = norm["mean"], norm["variance"]
            x = torch.tanh(functional.batch_norm(x, *moments, norm["scale"], norm["shift"]))
    return x


# Estimator, function of pre-activations, and arguments that name it.
CASES = {
    "values": (MLPRegressor, lambda z, y: z[:, 1], {"target": 1}),
    "probabilities": (MLPClassifier, lambda z, y: z.softmax(1)[:, 1], {"target": 1}),
    "scores": (MLPClassifier, lambda z, y: z[:, 2], {"target": 2, "of": "decision"}),
    "loss": (
        MLPClassifier,
        lambda z, y: functional.cross_entropy(z, y, reduction="none"),
        {"of": "loss"},
    ),
}


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("case", CASES)
def test_input_gradients(case, dtype, tolerance):
    kind, function, named = CASES[case]
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 6)).astype(dtype)
    y = X[:, :2] if kind is MLPRegressor else X[:, :3].argmax(axis=1)
    parameters = dict(normalization="batch", activation="tanh", max_iter=5, random_state=0)
    model = kind(hidden_layer_sizes=(9, 7), precision=dtype, **parameters).fit(X, y)
    if case == "loss":
        named = named | {"y": y}
    rows = torch.tensor(X, requires_grad=True)
    function(forward(model, rows), torch.tensor(y)).sum().backward()
    assert_close(input_gradients(model, X, **named), rows.grad, tolerance)
