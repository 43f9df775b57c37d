"""Fits, predictions and scores of rows that are read block by block."""

import copy

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import log_loss

from fastnn import BatchNorm, Dense, MLPClassifier, MLPRegressor
from fastnn.callbacks import Callback, Checkpoint
from support.sources import RowsInBlocks, slowly

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1030, 6)).astype(np.float32)
Y = np.array(["low", "middle", "top"])[np.argmax(X[:, :3] + 0.3 * RNG.normal(size=(1030, 3)), 1)]
NUMBERS = X[:, 0] - 2 * X[:, 1]
WEIGHTS = RNG.integers(0, 3, 1030).astype(float)
SORTED = np.argsort(Y, kind="stable")


def classifier(**parameters):
    return MLPClassifier(**{"max_iter": 6, "random_state": 0, "batch_size": 50} | parameters)


def bits(model):
    return b"".join(array.tobytes() for array in (*model.coefs_, *model.intercepts_))


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_in_order_a_source_gives_the_bits_of_memory(precision):
    given = dict(shuffle=False, precision=precision)
    memory = classifier(**given).fit(X, Y)
    for rows, piece in ((1030, 1030), (100, 40), (7, 3)):
        model = classifier(**given).fit(RowsInBlocks(X, Y, rows=rows, piece=piece))
        assert bits(model) == bits(memory)
        assert model.loss_curve_ == memory.loss_curve_


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("change", [None, slowly])
def test_the_same_seed_gives_the_same_bits_whatever_the_timing(n_jobs, change):
    expected = bits(classifier().fit(RowsInBlocks(X, Y)))
    assert bits(classifier(n_jobs=n_jobs).fit(RowsInBlocks(X, Y, change=change))) == expected
    assert bits(classifier(random_state=1).fit(RowsInBlocks(X, Y))) != expected


class RowsSeen:
    """Remembers the first column of each part that a training takes."""

    def __init__(self, monkeypatch):
        from fastnn._train.epochs import RowsInParts

        own, self.parts = RowsInParts.parts, []

        def parts(epochs):
            for part in own(epochs):
                self.parts.append(part.X[part.rows, 0].copy())  # others lie there later
                yield part

        monkeypatch.setattr(RowsInParts, "parts", parts)

    def first_column(self, epoch):
        values = np.concatenate(self.parts)
        return values[epoch * len(X) : (epoch + 1) * len(X)]


@pytest.mark.parametrize("buffer", [0, 1, 130, None])
def test_an_epoch_has_each_row_once_and_another_order(monkeypatch, buffer):
    seen = RowsSeen(monkeypatch)
    classifier(max_iter=2).fit(RowsInBlocks(X, Y, shuffle_buffer=buffer))
    first, second = seen.first_column(0), seen.first_column(1)
    for values in (first, second):
        np.testing.assert_array_equal(np.sort(values), np.sort(X[:, 0]))
    assert (first != second).any()
    assert (first != X[:, 0]).any()
    sizes = [len(part) for part in seen.parts]
    assert [size % 50 for size in sizes if size % 50] == [
        30,
        30,
    ]  # 1030 rows: the last part of each epoch


def test_a_larger_buffer_mixes_rows_from_farther_away(monkeypatch):
    def distance(buffer):
        with pytest.MonkeyPatch.context() as patch:
            seen = RowsSeen(patch)
            numbers = np.arange(1000, dtype=np.float32)[:, np.newaxis]
            source = RowsInBlocks(
                numbers, np.zeros(1000, int), rows=10, piece=10, shuffle_buffer=buffer
            )
            source.classes = [0, 1]
            classifier(max_iter=1, batch_size=10).fit(source)
            order = np.concatenate(seen.parts)
            return np.median(np.abs(np.diff(order)))

    assert distance(0) < 10 < distance(100)


def test_sorted_by_class_a_buffer_of_a_tenth_learns_as_well_as_memory():
    X_sorted, y_sorted = X[SORTED], Y[SORTED]
    memory = classifier(max_iter=30).fit(X_sorted, y_sorted)
    source = RowsInBlocks(X_sorted, y_sorted, rows=10, piece=10, shuffle_buffer=103)
    assert classifier(max_iter=30).fit(source).score(X, Y) > memory.score(X, Y) - 0.01


@pytest.mark.parametrize(
    "given",
    [
        dict(normalization="batch"),
        dict(layers=[Dense(20, normalization=BatchNorm(statistics="exact")), Dense(10, "tanh")]),
        dict(averaging="ema"),
        dict(averaging="ema", normalization="batch"),
        dict(class_weight="balanced"),
        dict(class_weight={"low": 3.0}),
        dict(learning_rate="cosine"),
        dict(early_stopping=True, max_iter=4),
        dict(solver="sgd", learning_rate="adaptive", learning_rate_init=0.05),
        dict(dropout=0.2),
        dict(loss="hinge"),
    ],
    ids=str,
)
def test_options_do_in_order_what_they_do_in_memory(given):
    given = given | {"shuffle": False}
    validation = dict(X_val=X, y_val=Y) if "early_stopping" in given else {}
    memory = classifier(**given).fit(X, Y, WEIGHTS, **validation)
    if validation:
        validation = dict(X_val=RowsInBlocks(X, Y))
    model = classifier(**given).fit(RowsInBlocks(X, Y, WEIGHTS), **validation)
    np.testing.assert_allclose(model.loss_curve_, memory.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(
        model.decision_function(X), memory.decision_function(X), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_lbfgs_sums_the_gradients_of_all_blocks(weights):
    given = dict(solver="lbfgs", max_iter=20, precision="float64", alpha=0.1)
    memory = classifier(**given).fit(X, Y, weights)
    model = classifier(**given).fit(RowsInBlocks(X, Y, weights))
    np.testing.assert_allclose(model.predict_proba(X), memory.predict_proba(X), atol=1e-6)
    assert model.loss_ == pytest.approx(memory.loss_, rel=1e-9)


def test_validation_scores_of_a_source_are_those_of_memory():
    given = dict(scoring=[None, "neg_log_loss", "loss"], max_iter=3)
    model = classifier(**given).fit(RowsInBlocks(X, Y), X_val=RowsInBlocks(X, Y, WEIGHTS))
    same = classifier(**given).fit(RowsInBlocks(X, Y), X_val=X, y_val=Y, sample_weight_val=WEIGHTS)
    for name in ("val_loss", "val_accuracy", "val_neg_log_loss"):
        np.testing.assert_allclose(model.history_[name], same.history_[name], rtol=1e-5)
    in_memory = classifier(**given).fit(X, Y, X_val=RowsInBlocks(X, Y, WEIGHTS))
    assert (
        in_memory.validation_scores_
        == classifier(**given)
        .fit(X, Y, X_val=X, y_val=Y, sample_weight_val=WEIGHTS)
        .validation_scores_
    )


def test_rows_are_held_out_for_early_stopping():
    source = RowsInBlocks(X, Y)
    model = classifier(early_stopping=True, max_iter=3).fit(source)
    assert len(model.validation_scores_) == 3
    assert model.t_ == 3 * 927


def test_predictions_and_scores_of_a_source_are_those_of_its_rows():
    model, source = classifier().fit(X, Y), RowsInBlocks(X, Y, WEIGHTS)
    np.testing.assert_array_equal(model.predict(source), model.predict(X))
    np.testing.assert_array_equal(model.predict_proba(source), model.predict_proba(X))
    np.testing.assert_array_equal(model.decision_function(source), model.decision_function(X))
    assert model.score(source) == pytest.approx(model.score(X, Y, WEIGHTS))
    numbers = MLPRegressor(max_iter=3, random_state=0).fit(RowsInBlocks(X, NUMBERS))
    assert numbers.score(RowsInBlocks(X, NUMBERS)) == pytest.approx(numbers.score(X, NUMBERS))


TARGETS = {
    "two classes": (MLPClassifier, (X[:, 0] > 0).astype(int)),
    "labels": (MLPClassifier, (X[:, :3] > 0).astype(int)),
    "several": (MLPClassifier, np.column_stack([Y, np.where(X[:, 0] > 0, "a", "b")])),
    "probabilities": (MLPClassifier, np.abs(X[:, :3]) / np.abs(X[:, :3]).sum(1, keepdims=True)),
    "numbers": (MLPRegressor, NUMBERS),
    "two numbers": (MLPRegressor, X[:, :2] * 3.0),
}


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("kind", TARGETS)
def test_targets_of_every_kind(kind, counted):
    estimator, y = TARGETS[kind]
    given = dict(max_iter=3, random_state=0, shuffle=False)
    memory = estimator(**given).fit(X, y)
    model = estimator(**given).fit(RowsInBlocks(X, y, counted=counted))
    assert bits(model) == bits(memory)
    np.testing.assert_array_equal(model.predict(X), memory.predict(X))
    shuffled = estimator(max_iter=3, random_state=0).fit(RowsInBlocks(X, y))
    assert np.isfinite(shuffled.score(X, y))


@pytest.mark.parametrize("shuffle", [True, False])
def test_sparse_rows(shuffle):
    rows = sparse.csr_matrix(np.where(np.abs(X) > 1, X, 0))
    model = classifier(shuffle=shuffle).fit(RowsInBlocks(rows, Y, shuffle_buffer=200))
    dense = classifier(shuffle=shuffle).fit(RowsInBlocks(rows.toarray(), Y, shuffle_buffer=200))
    np.testing.assert_allclose(model.predict_proba(rows), dense.predict_proba(rows), atol=1e-4)


def test_given_classes_spare_a_pass_over_the_targets():
    passes = []

    def remember(rows):
        passes.append(rows.numbers[0])
        return rows

    classifier(max_iter=1).fit(RowsInBlocks(X, Y, change=remember))
    found = len(passes)
    passes.clear()
    source = RowsInBlocks(X, Y, change=remember, classes=["low", "middle", "top"])
    model = classifier(max_iter=1).fit(source)
    assert len(passes) < found
    assert list(model.classes_) == ["low", "middle", "top"]


def test_warm_start_and_partial_fit_go_on():
    model = classifier(warm_start=True, max_iter=2)
    losses = [model.fit(RowsInBlocks(X, Y)).loss_ for _ in range(3)]
    assert losses[2] < losses[1] < losses[0]
    model = classifier()
    for _ in range(3):
        model.partial_fit(RowsInBlocks(X, Y), classes=["low", "middle", "top"])
    assert len(model.loss_curve_) == 3
    assert model.loss_curve_[2] < model.loss_curve_[0]


def test_a_checkpoint_resumes_to_the_same_bits(tmp_path):
    saved = [Checkpoint(tmp_path / "file", resume=True)]
    given = dict(tol=0.0, augment="mixup")
    expected = bits(classifier(max_iter=6, **given).fit(RowsInBlocks(X, Y)))
    classifier(max_iter=3, callbacks=saved, **given).fit(RowsInBlocks(X, Y))
    resumed = classifier(max_iter=6, callbacks=saved, **given).fit(RowsInBlocks(X, Y))
    assert bits(resumed) == expected
    other = RowsInBlocks(X, Y)
    other.identity = lambda: "another"
    for source, difference in ((other, "another"), (RowsInBlocks(X, Y, shuffle_buffer=9), "=9")):
        with pytest.raises(ValueError, match=f"X was 'the table, .* and is .*{difference}"):
            classifier(max_iter=9, callbacks=saved, **given).fit(source)


class EndsEarly(Callback):
    def on_batch_end(self, context):
        return context.epoch == 1 and context.batch == 7


def test_callbacks_end_training_within_an_epoch():
    model = classifier(callbacks=[EndsEarly()]).fit(RowsInBlocks(X, Y))
    assert model.t_ == 1030 + 7 * 50


def spoiled(row, value):
    changed = X.copy()
    changed[row, 2] = value
    return RowsInBlocks(changed, Y)


def other_width(rows):
    return rows._replace(X=rows.X[:, :5]) if rows.numbers[0] == 500 else rows


def other_type(rows):
    return rows._replace(X=rows.X.astype(np.float64)) if rows.numbers[0] == 500 else rows


def other_label(rows):
    return rows._replace(y=np.full(len(rows.y), "new")) if rows.numbers[0] == 500 else rows


def without_target(rows):
    return rows._replace(y=None)


def broken(rows):
    if rows.numbers[0] == 500:
        raise OSError("the disk is gone")
    return rows


CLASSES = ["low", "middle", "top"]
BAD = {
    "nan": (spoiled(517, np.nan), r"Row 517 of the table: Input X contains NaN in column 2"),
    "infinity": (spoiled(0, np.inf), r"Row 0 of the table: Input X contains infinity"),
    "width": (RowsInBlocks(X, Y, change=other_width), r"Rows 500 to 539 .* 5 features.*6"),
    "type": (RowsInBlocks(X, Y, change=other_type), r"Rows 500 to 539 .* of float64.*float32"),
    "label": (RowsInBlocks(X, Y, change=other_label, classes=CLASSES), r"Rows 500 .*new"),
    "no target": (RowsInBlocks(X, Y, change=without_target), "has no target"),
    "no rows": (RowsInBlocks(X[:0], Y[:0]), "has no rows"),
    "broken": (RowsInBlocks(X, Y, change=broken, classes=CLASSES), "the disk is gone"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_rows_are_named_and_the_estimator_is_as_it_was(what):
    source, message = BAD[what]
    model = classifier(max_iter=2)
    with pytest.raises((ValueError, OSError), match=message):
        model.fit(source)
    assert not hasattr(model, "coefs_")
    model.fit(X, Y)
    before = copy.deepcopy(model)
    with pytest.raises((ValueError, OSError), match=message):
        model.fit(source)
    if what != "no target":
        with pytest.raises((ValueError, OSError), match=message):
            model.partial_fit(source)
    assert bits(model) == bits(before)
    assert vars(model).keys() == vars(before).keys()


def test_a_source_must_have_the_same_rows_each_time():
    source = RowsInBlocks(X, Y, classes=CLASSES)
    source.n_rows = 2000
    with pytest.raises(ValueError, match="had 2000 rows when they were counted, and only 1030"):
        classifier().fit(source)
    source.n_rows = 500
    with pytest.raises(ValueError, match="had 500 rows when they were counted, and more"):
        classifier().fit(source)


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        ({}, {"y": Y}, "has targets and weights of its own: leave out y"),
        ({}, {"X_val": RowsInBlocks(X, Y), "y_val": Y}, "leave out y and sample_weight"),
        ({"solver": "rprop", "batch_size": "auto"}, {}, "takes each step with all rows"),
        ({"solver": "lbfgs", "normalization": "batch"}, {}, "all rows at once for batch norm"),
    ],
)
def test_arguments_that_do_not_go_with_a_source(parameters, arguments, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(RowsInBlocks(X, Y), **arguments)


def test_balanced_classes_need_one_label_a_row():
    source = RowsInBlocks(X, TARGETS["labels"][1])
    with pytest.raises(ValueError, match="for one label in each row"):
        classifier(class_weight="balanced").fit(source)


def test_scorers_read_probabilities_of_a_source():
    model = classifier(scoring="neg_log_loss", max_iter=2).fit(
        RowsInBlocks(X, Y), X_val=RowsInBlocks(X, Y)
    )
    expected = -log_loss(Y, model.predict_proba(X))
    assert model.validation_scores_[-1] == pytest.approx(expected, rel=1e-5)
