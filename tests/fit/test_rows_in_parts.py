"""Rows in memory, or in a map, that are trained on part by part: by blocks, and augmented."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from fastnn import MLPClassifier
from fastnn._train import datasets, shuffling
from fastnn._train.epochs import RowsInParts
from fastnn.augment import Noise, RowTransform
from fastnn.callbacks import Checkpoint
from support.callback_fits import Dies, assert_same
from support.sources import RowsInBlocks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = np.column_stack([np.arange(1030), RNG.standard_normal((1030, 4))]) / 1030
Y = np.repeat(np.arange(3), [300, 400, 330])  # sorted by class
WEIGHTS = 1.0 + np.arange(1030)
BLOCKS = {"shuffle": "blocks"}


@dataclass
class PlusOne(RowTransform):
    """Transform that tells which rows it has changed."""

    probability: float = 1

    def change(self, rows, rng):
        return rows + 1


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Let a block have 50 rows, a buffer 200, and a part 80."""
    monkeypatch.setattr(datasets, "_BLOCK_BYTES", 50 * X[0].nbytes)
    monkeypatch.setattr(shuffling, "_BUFFER_BYTES", 200 * X[0].nbytes)
    monkeypatch.setattr(shuffling, "_PART_BYTES", 80 * X[0].nbytes)


@pytest.fixture
def seen(monkeypatch):
    """Return the parts of all epochs, as (X, y, sample_weight)."""
    own, parts = RowsInParts.parts, []

    def remember(epochs):
        for part in own(epochs):
            weights = part.sample_weight
            parts.append(
                (
                    part.X[part.rows].copy(),
                    part.y[part.rows].copy(),
                    None if weights is None else weights[part.rows].copy(),
                )
            )
            yield part

    monkeypatch.setattr(RowsInParts, "parts", remember)
    return parts


def classifier(**options):
    options = {"max_iter": 3, "batch_size": 40, "random_state": 0, "n_iter_no_change": 99} | options
    return MLPClassifier((6,), **options)


def bits(model):
    return np.concatenate([array.ravel() for array in model.coefs_]).tobytes()


@pytest.mark.parametrize(
    "options", [BLOCKS, {"augment": PlusOne()}, BLOCKS | {"augment": PlusOne()}], ids=str
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_epoch_has_each_row_once_with_its_target_and_weight(options, early_stopping, seen):
    model = classifier(early_stopping=early_stopping, **options).fit(X, Y, WEIGHTS)
    rows, targets, weights = (np.concatenate(values) for values in zip(*seen, strict=True))
    numbers = np.rint(rows[:, 0] * 1030).astype(int) - 1030 * ("augment" in options)
    n = len(numbers) // 3
    epochs = np.split(numbers, 3)
    assert n == (927 if early_stopping else 1030)
    assert all(len(set(epoch)) == n for epoch in epochs)
    assert all(set(epoch) == set(epochs[0]) for epoch in epochs)
    assert (epochs[0] != epochs[1]).mean() > 0.9
    np.testing.assert_array_equal(targets.ravel(), Y[numbers])
    np.testing.assert_array_equal(weights, WEIGHTS[numbers])
    assert model.t_ == 3 * n


def test_blocks_are_shuffled_among_each_other(seen):
    classifier(**BLOCKS, max_iter=1).fit(X, Y)
    numbers = np.rint(np.concatenate([rows[:, 0] for rows, *_ in seen]) * 1030).astype(int)
    blocks = numbers // 50
    first = blocks[:80]
    assert 3 < len(set(first)) < 12  # not neighbours only, and not all
    assert (np.diff(numbers) == 1).mean() < 0.1


@pytest.mark.parametrize("options", [BLOCKS, {"augment": Noise()}, BLOCKS | {"augment": Noise()}])
def test_the_same_seed_gives_the_same_bits(options):
    model = classifier(n_jobs=1, **options).fit(X, Y)
    assert bits(model) == bits(classifier(n_jobs=2, **options).fit(X, Y))
    assert bits(model) != bits(classifier(random_state=1, **options).fit(X, Y))
    assert bits(model) != bits(classifier().fit(X, Y))


@pytest.mark.parametrize("options", [BLOCKS, {"augment": Noise()}, BLOCKS | {"augment": Noise()}])
def test_a_training_resumes_to_the_same_bits(options, tmp_path):
    options = options | {"max_iter": 5, "dropout": 0.2, "tol": 0.0}
    whole = classifier(**options).fit(X, Y)
    saved = Checkpoint(tmp_path / "file", resume=True)
    for callbacks in ([saved, Dies(2)], [saved, Dies(3)]):
        with pytest.raises(SystemExit):
            classifier(callbacks=callbacks, **options).fit(X, Y)
    assert_same(classifier(callbacks=[saved], **options).fit(X, Y), whole)


def test_sparse_rows_in_blocks():
    rows = sparse.csr_array(X * (abs(X) > 0.0005))
    model = classifier(**BLOCKS).fit(rows, Y)
    assert (model.t_, len(set(model.loss_curve_))) == (3 * 1030, 3)
    assert classifier(**BLOCKS).partial_fit(rows, Y, classes=[0, 1, 2]).t_ == 1030


def test_sources_are_augmented():
    model = classifier(augment=Noise()).fit(RowsInBlocks(X, Y))
    assert bits(model) == bits(classifier(augment=Noise()).fit(RowsInBlocks(X, Y)))
    assert bits(model) != bits(classifier().fit(RowsInBlocks(X, Y)))


@pytest.mark.parametrize("rows", [RowsInBlocks(X, Y), X], ids=["source", "blocks"])
def test_functions_of_all_rows_are_refused_where_rows_come_in_parts(rows):
    def function(X, y, rng):
        return X, y

    with pytest.raises(ValueError, match=r"augment: .*function takes all rows at once"):
        classifier(augment=[Noise(), function], **BLOCKS).fit(rows, Y if rows is X else None)


@pytest.mark.parametrize("options", [BLOCKS, {"augment": Noise()}], ids=str)
def test_memory_is_that_of_a_few_parts(options, tmp_path):
    shape = (40_000, 400)
    rows = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.uint8, shape)
    rows.flush()
    rows = np.load(tmp_path / "X.npy", mmap_mode="r")
    y = np.arange(len(rows)) % 2
    model = classifier(max_iter=2, batch_size=200, n_jobs=1, **options)
    model.fit(rows[:1000], y[:1000])  # what is imported or cached for good
    tracemalloc.start()
    model.fit(rows, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows.nbytes / 3
