"""Networks as ONNX models: ONNX Runtime predicts what they predict."""

import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastnn.onnx
from fastnn import CustomActivation, MLPClassifier, MLPRegressor
from fastnn._export.onnx_graph import OPSET, onnx_model
from fastnn._export.prediction import predicted_values
from support.engines import Engine, rounded
from support.exported import INDICATORS, MODELS, NAMES, THREE, TWO, X, Z, fit, numbers_of
from support.reference import ACTIVATIONS
from support.stacks import SPECS, inputs, losses, problem, stacks
from support.user_functions import SQUARE, tanh, tanh_derivative

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
TOLERANCE = {"float32": 1e-5, "float64": 1e-7}


def run(model, **rows):
    """Return the outputs of ONNX Runtime by name, in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, rows), strict=True))


def assert_close(found, expected, tolerance):
    np.testing.assert_allclose(found, expected, atol=tolerance * max(1, np.abs(expected).max()))


@settings(max_examples=60)
@given(stacks([*ACTIVATIONS, *SPECS]), losses, inputs, st.sampled_from(sorted(TOLERANCE)))
def test_any_stack(layers, loss, of_input, dtype):
    network, rows, *_ = problem(layers, loss, of_input=of_input)
    engine = Engine(rounded(network, dtype), loss, dtype=dtype)
    rows = rows.astype(dtype)
    model = onnx_model(predicted_values(engine.program, engine.state), "1")
    assert_close(run(model, X=rows)["variable"], engine.predict(rows), TOLERANCE[dtype])


@pytest.mark.parametrize(("kind", "y", "parameters"), MODELS.values(), ids=MODELS)
def test_any_estimator(kind, y, parameters):
    model = fit(kind, y, parameters)
    exported = model.to_onnx()
    onnx.checker.check_model(exported, full_check=True)
    rows = X.astype(parameters.get("precision", "float32"))
    outputs = run(exported, X=rows)
    expected = numbers_of(model, rows)
    tolerance = TOLERANCE[rows.dtype.name]
    if kind is MLPRegressor:
        assert list(outputs) == ["variable"]
        assert_close(outputs["variable"], expected[0], tolerance)
        return
    numbers = "probabilities" if hasattr(model, "predict_proba") else "scores"
    assert list(outputs) == ["label", numbers]
    found = outputs[numbers]
    for part, own in zip(found if isinstance(found, list) else [found], expected, strict=True):
        assert part.dtype == rows.dtype
        assert_close(part, own, tolerance)
    labels = model.predict(rows)
    assert outputs["label"].dtype == (object if labels.dtype.kind in "UO" else np.int64)
    np.testing.assert_array_equal(outputs["label"], labels)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64"])
@pytest.mark.parametrize("y", [THREE, NAMES[THREE], INDICATORS, np.stack([TWO, THREE], axis=1)])
def test_a_pipeline_of_any_precision(precision, given, y):
    rows = X.astype(given)
    network = MLPClassifier((8,), max_iter=3, precision=precision, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network).fit(rows, y)
    model = skl2onnx.to_onnx(pipeline, rows[:1], options={"zipmap": False})
    outputs = run(model, X=rows)
    np.testing.assert_array_equal(outputs["label"], pipeline.predict(rows))
    expected = numbers_of(pipeline, rows)
    found = outputs["probabilities"]
    for part, own in zip(found if isinstance(found, list) else [found], expected, strict=True):
        assert part.dtype == given
        assert_close(part, own, 1e-5)


def test_scores_and_targets_in_a_pipeline():
    for network, y, name in [
        (MLPClassifier(loss="hinge"), NAMES[TWO], "probabilities"),  # the name is skl2onnx's
        (MLPRegressor(), Z, "variable"),
    ]:
        pipeline = make_pipeline(StandardScaler(), network.set_params(max_iter=3)).fit(X, y)
        no_map = {"zipmap": False} if name == "probabilities" else None
        outputs = run(skl2onnx.to_onnx(pipeline, X[:1], options=no_map), X=X)
        assert_close(outputs[name], numbers_of(pipeline[-1], pipeline[0].transform(X))[0], 1e-5)


def table(n_rows):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n_rows).astype(np.float32),
            "income": rng.lognormal(8, 1, n_rows).astype(np.float32),
            "city": rng.choice(["Bern", "Oslo", "Rome", "Turin"], n_rows),
            "smokes": rng.choice(["no", "yes"], n_rows),
        }
    )
    score = frame["age"] / 30 + np.log(frame["income"]) - 2 * (frame["city"] == "Oslo")
    return frame, np.where(score > 10, "high", np.where(score > 8.5, "medium", "low"))


def test_a_pipeline_of_a_table_gives_the_same_labels_on_ten_thousand_rows():
    frame, y = table(10_000)
    columns = make_column_transformer(
        (StandardScaler(), ["age", "income"]),
        (OneHotEncoder(sparse_output=False), ["city", "smokes"]),
    )
    network = MLPClassifier((32, 16), max_iter=4, random_state=0)
    pipeline = make_pipeline(columns, network).fit(frame[:2000], y[:2000])
    model = skl2onnx.to_onnx(pipeline, frame[:1], options={"zipmap": False})
    outputs = run(model, **{name: frame[[name]].to_numpy() for name in frame})
    np.testing.assert_array_equal(outputs["label"], pipeline.predict(frame))
    assert_close(outputs["probabilities"], pipeline.predict_proba(frame), 1e-5)


@pytest.mark.parametrize("opset", [OPSET, 18, 21])
def test_nodes_fit_into_other_opsets(opset):
    network = fit(*MODELS["classifier, layers"])
    pipeline = make_pipeline(StandardScaler().fit(X), network)
    model = skl2onnx.to_onnx(pipeline, X[:1], target_opset=opset, options={"zipmap": False})
    assert_close(run(model, X=X)["probabilities"], pipeline.predict_proba(X), 1e-5)


def test_registering_again_replaces_other_converters():
    def convert(scope, operator, container):
        raise NotImplementedError

    skl2onnx.update_registered_converter(MLPRegressor, "Other", lambda operator: None, convert)
    fastnn.onnx.register()
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(max_iter=1)).fit(X, Z)
    assert run(skl2onnx.to_onnx(pipeline, X[:1]), X=X)["variable"].shape == Z.shape


def test_bfloat16_computes_in_float32():
    model = MLPRegressor(
        hidden_layer_sizes=(20,), max_iter=3, precision="bfloat16", random_state=0
    ).fit(X, Z)
    found = run(model.to_onnx(), X=X)["variable"]
    assert found.dtype == np.float32
    assert_close(found, model.predict(X), 2e-2)


def test_the_file_is_the_model(tmp_path):
    model = MLPRegressor(max_iter=1).fit(X, Z)
    path = tmp_path / "model.onnx"
    path.write_text("another")
    exported = model.to_onnx(path)
    assert onnx.load(path) == exported
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert exported.opset_import[0].version == OPSET
    assert (exported.producer_name, exported.producer_version) == ("fastnn", fastnn.__version__)


def test_a_replaced_weight_is_exported():
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, Z)
    model.coefs_[0] = 2 * model.coefs_[0]
    assert_close(run(model.to_onnx(), X=X)["variable"], model.predict(X), 1e-5)


def test_a_loss_of_the_user_is_not_part_of_predictions():
    model = MLPRegressor(hidden_layer_sizes=(4,), loss=SQUARE, max_iter=1).fit(X, Z)
    assert_close(run(model.to_onnx(), X=X)["variable"], model.predict(X), 1e-5)


def with_an_activation_of_the_user():
    activation = CustomActivation(tanh, tanh_derivative)
    return MLPRegressor(hidden_layer_sizes=(4,), activation=activation, max_iter=1).fit(X, Z)


class Reader(MLPRegressor):
    """An estimator that makes its rows of something else."""

    def read(self, X, *, reset=False, name="X"):
        return super().read(X[:, :3], reset=reset, name=name)


def with_labels(columns):
    labels = np.empty((len(X), len(columns)), object)
    for i, column in enumerate(columns):
        labels[:, i] = column
    return MLPClassifier((4,), max_iter=1).fit(X, labels)


def fitted(path):
    return MLPRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, Z).to_onnx(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: with_an_activation_of_the_user().to_onnx(), "a function of your own"),
        (
            lambda folder: Reader(hidden_layer_sizes=(4,), max_iter=1).fit(X, Z).to_onnx(),
            "overrides `read`",
        ),
        (lambda folder: MLPRegressor().to_onnx(), "is not fitted yet"),
        (lambda folder: with_labels([NAMES[TWO], THREE]).to_onnx(), "labels of several types"),
        (lambda folder: fitted(folder), "is a folder: give the name of a file"),
        (lambda folder: fitted(folder / "none" / "model.onnx"), "create it first"),
    ],
)
def test_what_cannot_be_exported(call, message, tmp_path):
    with pytest.raises((ValueError, OSError, AttributeError), match=message):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_onnx(monkeypatch):
    monkeypatch.delitem(sys.modules, "fastnn._export.onnx_graph")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'to_onnx needs .* pip install "fastnn-mlp\[onnx\]"'):
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, Z).to_onnx()
