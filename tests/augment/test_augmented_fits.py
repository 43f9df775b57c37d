"""Fits with transforms of rows: the same bits whatever the timing, and what is refused."""

import contextlib
import doctest
import importlib
import threading
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from fastnn import MLPClassifier, MLPRegressor
from fastnn.augment import (
    Brightness,
    Gain,
    LabelMixup,
    Mixup,
    Noise,
    Rotate,
    RowTransform,
    Shift,
    SwapNoise,
    Zoom,
)
from fastnn.augment import rows as blocks_of
from fastnn.callbacks import Callback
from support.rows_to_augment import rng

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


FAST = {"hidden_layer_sizes": (12,), "max_iter": 4, "batch_size": 16, "random_state": 0}


def slow(seconds):
    def wait(X, y, rng):
        time.sleep(seconds)
        return X, y

    return wait


def double(X, y, rng):
    X *= 2  # in place: the rows are its own
    return X, y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:600] / 16).astype(np.float32), y[:600]


def weights(model):
    return np.concatenate([coef.ravel() for coef in model.coefs_])


def test_the_same_seed_gives_the_same_bits_whatever_the_timing(digits):
    chain = [Rotate(15.0), Shift(1), SwapNoise(), Noise(0.05), "mixup"]
    results = []
    for wait, n_jobs in [(0, 1), (0.02, 2), (0, 3)]:
        model = MLPClassifier(augment=[slow(wait), *chain], n_jobs=n_jobs, **FAST)
        results.append(weights(model.fit(*digits)))
    assert all((result == results[0]).all() for result in results)
    other = MLPClassifier(augment=[slow(0), *chain], **FAST | {"random_state": 1}).fit(*digits)
    assert (weights(other) != results[0]).any()


def test_what_a_transform_draws_depends_on_no_other():
    seen = {}

    def keep(name):
        def function(X, y, rng):
            seen.setdefault(name, []).append((X.copy(), rng.random()))
            return X, y

        return function

    X, y = rng().random((50, 9)), np.arange(50) % 2
    MLPClassifier(augment=[Noise(0.1), keep("a")], **FAST).fit(X, y)
    MLPClassifier(augment=[Gain(), keep("b")], **FAST).fit(X, y)
    draws = {name: [number for _, number in calls] for name, calls in seen.items()}
    assert draws["a"] == draws["b"]
    assert len(set(draws["a"])) == 4  # each epoch its own
    epochs = [rows for rows, _ in seen["a"]]
    assert all((one != other).any() for one, other in pairwise(epochs))
    np.testing.assert_allclose(np.mean(epochs, axis=0), X, atol=0.3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_function_that_changes_nothing_changes_nothing(digits, early_stopping, order, dtype):
    X, y = (np.asarray(digits[0] * 16, dtype, order), digits[1])
    options = FAST | {"early_stopping": early_stopping, "dropout": 0.1}  # a seed is drawn
    weight = rng().random(len(y))
    plain = MLPClassifier(**options).fit(X, y, weight)
    same = MLPClassifier(augment=lambda X, y, rng: (X, y), **options).fit(X, y, weight)
    np.testing.assert_allclose(weights(same), weights(plain), rtol=1e-4, atol=1e-6)
    assert same.validation_scores_ == plain.validation_scores_


def test_a_transform_that_halves_trains_on_half(digits):
    X, y = digits
    before = X.copy()
    options = FAST | {"dropout": 0.1}
    doubled = MLPClassifier(augment=double, **options).fit(X, y)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(weights(doubled), weights(MLPClassifier(**options).fit(2 * X, y)))


def test_rows_set_aside_are_not_seen_and_not_changed(digits):
    X, y = digits
    X = np.column_stack([np.arange(600, dtype=np.float32), X])
    seen = set()

    def look(rows, labels, rng):
        seen.update(rows[:, 0].astype(int))
        np.testing.assert_array_equal(labels, y[rows[:, 0].astype(int)])
        return np.zeros_like(rows), labels

    model = MLPClassifier(augment=[look], early_stopping=True, **FAST).fit(X, y)
    assert len(seen) == 540
    assert len(set(model.validation_scores_)) >= 1


@pytest.mark.parametrize("labels", ["strings", "two columns", "indicators", "probabilities"])
def test_functions_see_and_change_the_labels_of_the_user(labels):
    X, y = rng().random((60, 4)), np.arange(60) % 3
    given = {
        "strings": np.array(["a", "b", "c"])[y],
        "two columns": np.stack([y, y % 2], axis=1),
        "indicators": np.eye(3, dtype=int)[y],
        "probabilities": np.eye(3)[y] * 0.7 + 0.1,
    }[labels]

    def permuted(X, y, rng):
        np.testing.assert_array_equal(y, given)
        return X, y[::-1]

    options = FAST | {"dropout": 0.1}
    model = MLPClassifier(augment=permuted, **options).fit(X, given)
    other = MLPClassifier(**options).fit(X, given[::-1])
    np.testing.assert_array_equal(weights(model), weights(other))


def test_sparse_targets_and_several_outputs():
    X = rng().random((60, 4))
    indicators = (X > 0.5).astype(int)
    dense, compressed = (
        MLPClassifier(augment=Noise(), **FAST).fit(X, y)
        for y in (indicators, sparse.csr_array(indicators))
    )
    np.testing.assert_array_equal(weights(dense), weights(compressed))
    MLPRegressor(augment=lambda X, y, rng: (X, 2 * y), **FAST).fit(X, X[:, :2])


def test_training_goes_on_with_other_draws(digits):
    seen = []

    def look(X, y, rng):
        seen.append(rng.random())
        return X, y

    X, y = digits
    warm = MLPClassifier(augment=look, warm_start=True, **FAST).fit(X, y)
    warm.fit(X, y)
    for _ in range(2):
        warm.partial_fit(X, y)
    # The rows of an epoch after the last are not made.
    assert len(seen) == len(set(seen)) == 10


def test_rows_are_augmented_during_the_epoch_before(digits):
    threads, seen = set(), []

    def look(X, y, rng):
        threads.add(threading.current_thread().name)
        seen.append(X.__array_interface__["data"][0])
        return X, y

    MLPClassifier(augment=look, **FAST).fit(*digits)
    assert len(threads) == 1
    assert threads.pop().startswith("fastnn-augment")
    assert len(set(seen)) == 2  # buffers
    assert seen[:2] == seen[2:]
    assert not any(one.name.startswith("fastnn-augment") for one in threading.enumerate())


def test_search_and_copies(digits):
    model = MLPClassifier(augment=[Rotate(5.0), Mixup()], **FAST)
    model.set_params(augment__0__degrees=20.0, augment__1__alpha=0.4)
    assert model.augment == [Rotate(20.0), Mixup(0.4)]


def test_augmentation_helps_where_there_are_few_digits():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    options = {"hidden_layer_sizes": (64,), "max_iter": 150, "random_state": 0, "batch_size": 32}
    options |= {"n_iter_no_change": 150, "learning_rate_init": 0.003}
    plain, augmented = (
        MLPClassifier(augment=transforms, **options).fit(X[:150], y[:150]).score(X[150:], y[150:])
        for transforms in (None, [Rotate(10.0), Zoom(0.1), Noise(0.1)])
    )
    assert augmented > plain + 0.01


def raises(X, y, rng):
    raise KeyError("no such thing")


def nan(X, y, rng):
    X[3, 2] = np.nan
    return X, y


BAD = {
    "raises": (raises, RuntimeError, "raises raised KeyError for the rows of epoch [15]: 'no such"),
    "wider": (lambda X, y, r: (X[:, 1:], y), ValueError, r"as many rows and features .* \(60, 3\)"),
    "fewer": (
        lambda X, y, r: (X[1:], y[1:]),
        ValueError,
        r"as many rows and features .* \(59, 4\)",
    ),
    "targets": (lambda X, y, r: (X, y[1:]), ValueError, r"as many rows .* \(60, 4\) and \(59,\)"),
    "nan": (nan, ValueError, "nan made NaN or infinite values in the rows of epoch [15]"),
    "overflow": (Brightness(1e308), ValueError, r"Brightness\(.*\) made NaN or infinite values"),
    "X alone": (lambda X, y, r: X, ValueError, r"must return \(X, y\), and returned ndarray"),
    "text": (lambda X, y, r: (X.astype(str), y), ValueError, "must return X of numbers"),
    "label": (lambda X, y, r: (X, y + 7), ValueError, "the targets of .* cannot be learned: "),
    "bandwidth": (LabelMixup(bandwidth=1.0), ValueError, "the targets of LabelMixup.* cannot be"),
    "late": (None, RuntimeError, "rows of epoch 6: enough"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("fresh", [True, False])
def test_bad_transforms_leave_the_model_as_it_was(kind, fresh):
    X, y = rng().random((60, 4)) * (1e308 if kind == "overflow" else 1), np.arange(60) % 3
    function, error, message = BAD[kind]
    if kind == "late":
        calls = []

        def function(X, y, rng):
            calls.append(1)
            if len(calls) == (6 if fresh else 2):
                raise ArithmeticError("enough")
            return X, y

    model = MLPClassifier(warm_start=True, **FAST | {"max_iter": 8 if fresh else 4})
    if not fresh:
        model.fit(X / X.max(), y)
    model.set_params(augment=[function])
    before, parameters = vars(model).copy(), None if fresh else weights(model).copy()
    curve = None if fresh else list(model.loss_curve_)
    with pytest.raises(error, match=message):
        model.fit(X, y)
    assert vars(model) == before
    if not fresh:
        np.testing.assert_array_equal(weights(model), parameters)
        assert model.loss_curve_ == curve
        model.set_params(augment=None).fit(X / X.max(), y)
    assert not any(one.name.startswith("fastnn-augment") for one in threading.enumerate())


def resized(X, y, rng):
    X.resize((4, 12), refcheck=False)
    return X, y


def base_resized(X, y, rng):
    X.base.resize((4, 12), refcheck=False)
    return X, y


def with_changed(name, value):
    def change(X, y, rng):
        setattr(X, name, value)
        return X, y

    return change


@dataclass
class Narrow(RowTransform):
    probability: float = 1

    def change(self, rows, rng):
        return rows[:, :1]


@dataclass
class InPlace(RowTransform):
    probability: float = 1

    def change(self, rows, rng):
        rows += 1
        return rows


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")  # NumPy 2.4 and later
@pytest.mark.parametrize(
    "function, message",
    [
        (resized, "resized raised ValueError .* it does not own its data"),
        (base_resized, "base_resized raised ValueError .* cannot resize an array that"),
        (with_changed("shape", (30, 8)), r"of the shape \(60, 4\) .* it returned \(30, 8\)"),
        (with_changed("dtype", np.int32), r"of the shape \(60, 4\) .* it returned \(60, 8\)"),
        (lambda X, y, r: (X, y.resize((3, 7), refcheck=False) or y), r"it returned .*\(3, 7\)"),
        (lambda X, y, r: (X.astype(np.longdouble) * np.longdouble("1e400"), y), "made NaN or inf"),
        (Narrow(), r"Narrow\(.*\) must return rows of the shape \(60, 4\).* it returned \(60, 1\)"),
        (InPlace(), "read-only"),
    ],
)
def test_what_is_done_to_the_rows_does_not_reach_the_engine(function, message):
    X, y = rng().random((60, 4)), np.arange(60) % 3
    before = X.copy()
    with pytest.raises((RuntimeError, ValueError), match=message):
        MLPClassifier(augment=function, **FAST).fit(X, y)
    np.testing.assert_array_equal(X, before)


def kept_and_resized():
    """Resizes, late, what it was given and returned in epochs before."""
    kept = []

    def change(X, y, rng):
        for X_before, y_before in kept[-3:]:
            with contextlib.suppress(ValueError):
                X_before.resize((1, 1), refcheck=False)
            X_before.shape = -1
            y_before.resize((1, 1), refcheck=False)
        kept.append((X, y))
        y += 1
        return X, y

    return change


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")  # NumPy 2.4 and later
@pytest.mark.parametrize(
    "function, same",
    [
        (kept_and_resized(), lambda X, y, rng: (X, y + 1)),
        (with_changed("strides", (0, 8)), lambda X, y, rng: (X[:1].repeat(len(X), 0), y)),
        (lambda X, y, rng: (X[::-1], y), lambda X, y, rng: (X[::-1].copy(), y)),
        (lambda X, y, rng: (X[:, ::-1], y), lambda X, y, rng: (X[:, ::-1].copy(), y)),
        (lambda X, y, rng: (X.setflags(write=False) or X, y), lambda X, y, rng: (X, y)),
    ],
)
def test_views_of_the_rows_are_as_good_as_copies(monkeypatch, function, same):
    monkeypatch.setattr(blocks_of, "_BLOCK", 64)
    X = rng().random((60, 4))
    options = FAST | {"hidden_layer_sizes": (5,)}
    one, other = (MLPRegressor(augment=f, **options).fit(X, X[:, :2]) for f in (function, same))
    np.testing.assert_array_equal(weights(one), weights(other))


def test_sparse_rows_are_refused():
    with pytest.raises(ValueError, match=r"augment does not change sparse rows.*X\.toarray\(\)"):
        MLPClassifier(augment=Noise()).fit(sparse.csr_array(np.eye(6)), np.arange(6) % 2)


def test_what_interrupts_ends_the_thread(digits):
    class Interrupt(Callback):
        def on_epoch_end(self, context):
            if context.epoch == 2:
                raise KeyboardInterrupt

    model = MLPClassifier(augment=[slow(0.01), Rotate()], callbacks=[Interrupt()], **FAST)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*digits)
    assert model.n_iter_ == 2
    assert not any(one.name.startswith("fastnn-augment") for one in threading.enumerate())


def test_blocks_cover_all_rows():
    parts = list(blocks_of.blocks(1000, 784))
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert parts[-1].stop == 1000
    assert len(parts) > 3
    X = rng().random((1000, 784), np.float32)
    assert (Shift(1)(X, None, rng())[0] != X).any(axis=1).mean() > 0.8


def test_examples_in_the_documentation():
    text = importlib.import_module("fastnn.augment.text")
    assert doctest.testmod(text).attempted
    assert not doctest.testmod(text).failed
