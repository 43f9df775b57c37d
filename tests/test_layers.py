"""`layers=[...]`: stacks that a user writes, through the estimators."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from fastnn import (
    ELU,
    BatchNorm,
    Dense,
    Dropout,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Maxout,
    MLPClassifier,
    MLPRegressor,
    PReLU,
    Residual,
    WeightNorm,
)

X, Y = load_digits(return_X_y=True)
X, Y = X[:400] / 16, Y[:400]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STACKS = {
    "dense": [Dense(20)],
    "none": [],
    "input norm": [BatchNorm(), Dense(20, "tanh")],
    "input dropout": [Dropout(0.1), Dense(20)],
    "input activation": ["tanh", Dense(20)],
    "apart": [Dense(20, "identity"), BatchNorm(), "relu", Dropout(0.2), ELU(0.5)],
    "block": [Dense(20), Residual([BatchNorm(), "relu", Dense(20, "identity")]), Dense(10)],
    "input layer norm": [LayerNorm(), Dense(20, "prelu", "weight")],
    "input slopes": [PReLU(shared=False), Dense(20, "maxout")],
    "pieces": [Dense(60, "identity"), Maxout(4), Dense(20)],
    "rows": [Dense(20, "identity"), GroupNorm(5), "prelu", Dense(20), InstanceNorm(4, affine=True)],
    "block of pieces": [Dense(20), Residual([LayerNorm(), Dense(20, Maxout(3), "weight")])],
    "input block": [Residual([Dense(7), Dense(64)])],
    "depth": [Dense(9), Residual([Dense(9)], drop_rate=0.3), Residual([Residual([Dense(9)])])],
}


def classifier(layers, **options):
    return MLPClassifier(**{"layers": layers, "max_iter": 3, "random_state": 0} | options)


def assert_same(one, other):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


WITHOUT_DROPOUT = [name for name in STACKS if name not in ("input dropout", "apart", "depth")]


@pytest.mark.parametrize(
    "solver, name",
    [*(("adam", name) for name in STACKS), *(("lbfgs", name) for name in WITHOUT_DROPOUT)],
)
def test_every_stack_learns_and_keeps_what_it_was_given(solver, name):
    layers = STACKS[name]
    before = pickle.dumps(layers)
    model = classifier(layers, solver=solver, max_iter=60, learning_rate_init=0.01).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert pickle.dumps(layers) == before
    assert model.summary().n_parameters == sum(
        array.size
        for arrays in (
            model.coefs_,
            model.intercepts_,
            *(
                [norm[name] for name in ("scale", "shift", "g") if name in norm]
                for norm in filter(None, model.normalizations_)
            ),
            *([slopes["slope"]] for slopes in filter(None, model.activation_parameters_)),
        )
        for array in arrays
    )
    assert_same(pickle.loads(pickle.dumps(model)), model)
    assert_same(clone(model).fit(X, Y), model)


def test_a_stack_is_what_hidden_layer_sizes_and_options_build():
    options = {"activation": "tanh", "normalization": "batch", "dropout": [0.1, 0.2]}
    usual = MLPClassifier((20, 10), max_iter=3, random_state=0, **options).fit(X, Y)
    assert_same(
        classifier([Dense(20, "tanh", "batch", 0.1), Dense(10, "tanh", "batch", 0.2)]).fit(X, Y),
        usual,
    )
    # Apart they are other layers for the random numbers too, but the first draws are the same.
    apart = classifier([Dense(20, "identity"), BatchNorm(), "tanh", Dropout(0.1)]).fit(X, Y)
    assert_same(apart, classifier([Dense(20, "tanh", "batch", 0.1)]).fit(X, Y))


def test_a_logistic_layer_starts_as_in_scikit_learn_wherever_it_is_written():
    start = {"learning_rate_init": 1e-300, "max_iter": 1}
    models = [
        classifier([Dense(20, "logistic")], **start),
        classifier([Dense(20, "identity"), "logistic"], **start),
        MLPClassifier((20,), "logistic", random_state=0, **start),
    ]
    for model in models:
        np.testing.assert_array_equal(model.fit(X, Y).coefs_[0], models[0].coefs_[0])


def test_search_over_a_list_of_stacks():
    grid = {"layers": [[Dense(5)], [Dense(5), Residual([Dense(5)])]]}
    search = GridSearchCV(classifier(None), grid, cv=2).fit(X, Y)
    assert search.best_params_["layers"] in grid["layers"]


def test_training_goes_on():
    model = classifier(STACKS["block"], warm_start=True, max_iter=2, shuffle=False).fit(X, Y)
    model.fit(X, Y)
    whole = classifier(STACKS["block"], max_iter=4, shuffle=False).fit(X, Y)
    assert_same(model, whole)
    model.set_params(layers=[Dense(20), Dense(10)])
    with pytest.raises(ValueError, match="layers of the same sizes and normalization"):
        model.fit(X, Y)


def test_sparse_rows_and_predictions_of_few():
    model = classifier(STACKS["block"]).fit(sparse.csr_array(X), Y)
    np.testing.assert_allclose(
        model.predict_proba(X), classifier(STACKS["block"]).fit(X, Y).predict_proba(X), rtol=1e-9
    )
    norm = classifier(STACKS["input norm"])
    for call in (norm.fit, lambda X, Y: clone(norm).fit(X.toarray(), Y).predict(X)):
        with pytest.raises(ValueError, match="Sparse X needs a Dense layer first in `layers`"):
            call(sparse.csr_array(X), Y)
    for name, layers in STACKS.items():
        model = classifier(layers).fit(X, Y)
        rows = [model.predict_proba(X[i : i + 1]) for i in range(5)]
        np.testing.assert_allclose(np.concatenate(rows), model.predict_proba(X[:5]), err_msg=name)


BAD = [
    ({"layers": [Dense(0)]}, "The 'units' parameter of Dense"),
    ({"layers": [Dense(3, "relux")]}, "The 'activation' parameter of Dense"),
    ({"layers": [Dense(3, normalization="bach")]}, "The 'normalization' parameter of Dense"),
    ({"layers": [Dense(3, dropout=1)]}, "The 'dropout' parameter of Dense"),
    ({"layers": [Dense(3, ELU(-1))]}, "The 'alpha' parameter of ELU"),
    ({"layers": ["relux"]}, "'relux' in layers is no activation: the known ones are 'identity'"),
    ({"layers": [3]}, r"layers are Dense\(units\), Residual\(\[...\]\), .*, got 3"),
    ({"layers": [Residual([])]}, "A residual block needs a layer"),
    ({"layers": [Residual([Dense(3)])]}, r"64 inputs and 3 outputs: end it with Dense\(64\)"),
    ({"layers": [Dropout([0.1])]}, "Dropout in layers has one rate"),
    ({"layers": [Dropout(0.1, 0.2)]}, "put a Dropout before the first layer"),
    ({"layers": [Dense(3), WeightNorm()]}, "is no layer of its own: use Dense"),
    ({"layers": [Dense(9), GroupNorm(2)]}, "9 units cannot be divided into 2: choose n_groups=1"),
    ({"layers": [Dense(9), "maxout"]}, r"Maxout\(k=2\) .* has 9, which is not a multiple of 2"),
    ({"layers": 3}, "The 'layers' parameter of MLP"),
    ({"layers": [Dense(3)], "dropout": 0.1}, "layers replaces dropout: leave out one"),
    (
        {"layers": [Dense(3)], "activation": "tanh", "hidden_layer_sizes": (4,)},
        "hidden_layer_sizes and activation: leave out one",
    ),
    (
        {"layers": [Dense(3), Residual([Dense(3)], drop_rate=0.1)], "solver": "lbfgs"},
        "drop_rate needs a solver such as 'sgd' or 'adam'",
    ),
]


@pytest.mark.parametrize("options, message", BAD, ids=str)
def test_bad_layers(options, message):
    for estimator in (MLPClassifier, MLPRegressor):
        with pytest.raises(ValueError, match=message):
            estimator(**options).fit(X, Y)


# --- what is shown --------------------------------------------------------------------------------


def test_summary():
    model = MLPClassifier((100, 100), max_iter=1, normalization="batch", dropout=0.2)
    model.fit(np.tile(X, (1, 13))[:, :784], Y)
    summary = model.summary()
    assert summary.n_parameters == 89_610 + 2 * 200
    assert [line.n_parameters for line in summary.lines if line.n_parameters] == [
        78_500, 200, 10_100, 200, 1_010,
    ]  # fmt: skip
    text = str(summary)
    assert "dropout 0.2" in text and "output: softmax" in text and "(None, 784)" in text
    assert text.splitlines()[-1].endswith("90,010")
    assert len({len(line) for line in text.splitlines()}) == 1


def test_summary_of_stages_with_parameters():
    stack = [
        Dense(8, Maxout(3), GroupNorm(4)),
        Dense(8, "prelu", WeightNorm()),
        Dense(8, PReLU(shared=False), LayerNorm()),
    ]
    lines = classifier(stack).fit(X, Y).summary().lines
    assert [(line.stage, line.shape[1], line.n_parameters) for line in lines[1:-2]] == [
        ("dense", 24, 65 * 24),
        ("norm of 4 groups", 24, 48),
        ("maxout of 3", 8, 0),
        ("dense", 8, 64),
        ("weight norm", 8, 16),
        ("prelu", 8, 1),
        ("dense", 8, 72),
        ("layer norm", 8, 16),
        ("prelu", 8, 8),
    ]


def test_html():
    model = classifier([Dense(7), Residual([Dense(7)])])
    assert "residual" not in model._repr_html_()
    html = model.fit(X, Y)._repr_html_()
    assert html.count(">residual block:</td>") == 1
    assert ">residual sum</td>" in model._repr_mimebundle_()["text/html"]
