"""Networks as files of C: compiled, they predict what the networks predict."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.datasets import load_digits

from fastnn import CustomActivation, MLPClassifier, MLPRegressor, TabularMLPClassifier
from fastnn._export.c_files import CFiles
from fastnn._export.prediction import predicted_values
from support.compiled import COMPILERS, Library
from support.engines import Engine, rounded
from support.exported import MODELS, THREE, X, Z, fit, numbers_of
from support.reference import ACTIVATIONS
from support.stacks import SPECS, inputs, losses, problem, stacks
from support.user_functions import tanh, tanh_derivative

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FUNCTIONS = {"probabilities": "predict_proba", "scores": "decision_function"}


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-6 * max(1, np.abs(expected).max()))


class Case(NamedTuple):
    """A prediction in C: the prefix of its functions, rows, and what they give."""

    name: str
    rows: np.ndarray
    expected: np.ndarray


def random_stacks(folder):
    """Write the files of random stacks; return the cases."""
    cases = []

    @settings(max_examples=20)
    @given(stacks([*ACTIVATIONS, *SPECS]), losses, inputs)
    def write(layers, loss, of_input):
        network, rows, *_ = problem(layers, loss, of_input=of_input)
        engine = Engine(rounded(network, "float32"), loss, dtype="float32")
        name = f"stack_{len(cases)}"
        prediction = predicted_values(engine.program, engine.state)
        files = CFiles(prediction, name, name, "Random stack.", False)
        (folder / f"{name}.c").write_text(files.source)
        (folder / f"{name}.h").write_text(files.header)
        cases.append(Case(name, rows, engine.predict(rows.astype("float32"))))

    write()
    return cases


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Files of all models, with those of quantized ones, and of random stacks."""
    folder = tmp_path_factory.mktemp("c")
    models = {name: fit(*problem) for name, problem in MODELS.items()}
    for i, model in enumerate(models.values()):
        model.to_c(folder / f"model-{i}.c")
    return folder, models, random_stacks(folder)


@pytest.fixture(scope="module", params=COMPILERS)
def library(request, exported):
    return Library(request.param, exported[0])


def test_there_is_a_compiler():
    assert COMPILERS


def test_any_stack(library, exported):
    for name, rows, expected in exported[2]:
        assert_close(library.rows(f"{name}_predict_batch", rows, expected.shape[1]), expected)


@pytest.mark.parametrize("name", MODELS)
def test_any_estimator(name, library, exported):
    _, models, _ = exported
    model, prefix = models[name], f"model_{list(models).index(name)}"
    rows = X.astype(model._network.dtype)
    expected = np.concatenate(numbers_of(model, rows), axis=1)
    width = expected.shape[1]
    function = "predict"
    if isinstance(model, MLPClassifier):
        function = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
    found = library.rows(f"{prefix}_{function}_batch", X, width)
    assert_close(found, expected)
    np.testing.assert_array_equal(library.each(f"{prefix}_{function}", X, width), found)
    if function == "predict":
        return
    labels = model.predict(rows)
    if labels.ndim == 2:
        n_labels = labels.shape[1]
        indices = library.rows(f"{prefix}_predict_batch", X, n_labels, np.int32)
        np.testing.assert_array_equal(
            library.each(f"{prefix}_predict", X, n_labels, np.int32), indices
        )
    else:
        indices = library.labels(f"{prefix}_predict", X)
        batch = library.rows(f"{prefix}_predict_batch", X, 1, np.int32)
        np.testing.assert_array_equal(batch[:, 0], indices)
    if model._network.encoder.kind == "multilabel-indicator":
        np.testing.assert_array_equal(indices, labels)
        return
    classes = model.classes_ if isinstance(model.classes_, list) else [model.classes_]
    n_names = max(2, sum(map(len, classes)))
    names = np.array(library.strings(f"{prefix}_classes", n_names))
    np.testing.assert_array_equal(names[indices], labels.astype(str))


@pytest.fixture(scope="module")
def digits():
    rows, y = load_digits(return_X_y=True)
    rows = rows.astype(np.float32) / 16
    return (
        MLPClassifier((64,), "gelu", normalization="batch", random_state=0, max_iter=8).fit(
            rows, y
        ),
        rows,
        y,
    )


@pytest.mark.parametrize("compiler", COMPILERS)
def test_quantized_weights_change_what_is_told(compiler, digits, tmp_path):
    model, rows, y = digits
    files = model.to_c(tmp_path / "digits.c", quantized=True, X=rows, y=y)
    plain = model.to_c(tmp_path / "plain.c")
    library = Library(compiler, tmp_path)
    expected = model.predict_proba(rows)
    found = library.rows("digits_predict_proba_batch", rows, 10)
    assert files.largest_change == pytest.approx(np.abs(found - expected).max(), abs=1e-6)
    assert 1e-5 < files.largest_change < 0.1
    labels = library.labels("digits_predict", rows)
    assert files.changed_labels == np.mean(labels != model.predict(rows)) < 0.01
    assert files.scores == (model.score(rows, y), np.mean(labels == y))
    assert files.n_constant < 0.3 * plain.n_constant
    assert (plain.largest_change, plain.changed_labels, plain.scores) == (None, None, None)
    told = " ".join(files.header.read_text().replace("\n *", "").split())
    assert f"an output by up to {files.largest_change:.2g}" in told
    assert f"the score from {files.scores[0]:.4f} to {files.scores[1]:.4f}" in told
    assert f"Constants take {files.n_constant} bytes." in told
    assert f"takes {files.n_stack} bytes of the stack" in told


@pytest.mark.parametrize(
    "kind", ["classifier, layers", "regressor, layers", "classifier, two columns"]
)
def test_quantized_stacks(kind, tmp_path):
    model = fit(*MODELS[kind])
    files = model.to_c(tmp_path / "model.c", quantized=True, X=X)
    assert files.scores is None and (files.changed_labels is None) == kind.startswith("regressor")
    library = Library(COMPILERS[0], tmp_path)
    expected = np.concatenate(numbers_of(model, X), axis=1)
    function = "predict" if kind.startswith("regressor") else "predict_proba"
    found = library.rows(f"model_{function}_batch", X, expected.shape[1])
    assert files.largest_change == pytest.approx(np.abs(found - expected).max(), abs=1e-6)
    np.testing.assert_array_equal(model.coefs_[0], fit(*MODELS[kind]).coefs_[0])


def test_static_memory(tmp_path, digits):
    model, rows, _ = digits
    model.to_c(tmp_path / "digits.c")
    library = Library(COMPILERS[0], tmp_path, "-DDIGITS_STORAGE=static")
    assert_close(library.rows("digits_predict_proba_batch", rows, 10), model.predict_proba(rows))


def test_names_of_classes_are_any_text(tmp_path):
    names = np.array(['a "quote"', "back\\slash ??/", "Zürich\n"])
    MLPClassifier((4,), max_iter=1).fit(X, names[THREE]).to_c(tmp_path / "1st-model.c")
    library = Library(COMPILERS[0], tmp_path)
    assert library.strings("model_1st_model_classes", 3) == sorted(names)


def test_files_are_replaced(tmp_path):
    (tmp_path / "model.c").write_text("another")
    files = MLPRegressor(max_iter=1).fit(X, Z).to_c(tmp_path / "model.c")
    assert sorted(tmp_path.iterdir()) == [files.source, files.header]
    assert '#include "model.h"' in files.source.read_text()


USERS = CustomActivation(tanh, tanh_derivative)


def fitted(**parameters):
    return MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, **parameters).fit(X, Z)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda f: fitted(activation=USERS).to_c(f / "m.c"),
            "a function of your own",
        ),
        (lambda f: fitted().to_c(f / "m.cpp"), "ends with '.c', not"),
        (lambda f: fitted().to_c(f / "none" / "m.c"), "create it first"),
        (lambda f: fitted().to_c(f / "m.c", quantized=True), "pass rows X to measure"),
        (lambda f: fitted().to_c(f / "m.c", X=X), "omit them"),
        (lambda f: fitted().to_c(f / "m.c", quantized=True, X=X[:, :2]), "expecting 6 features"),
        (lambda f: MLPRegressor().to_c(f / "m.c"), "is not fitted yet"),
        (lambda f: TabularMLPClassifier().to_c(f / "m.c"), "no attribute 'to_c'"),
    ],
)
def test_what_cannot_be_exported(call, message, tmp_path):
    with pytest.raises((ValueError, OSError, AttributeError), match=message):
        call(tmp_path)
    assert not list(tmp_path.iterdir())
