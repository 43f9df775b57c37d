"""Transforms for all but some classes, and copies that are added to the rows."""

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import MLPClassifier, MLPRegressor, load
from fastnn.augment import (
    Append,
    Exclude,
    Flip,
    Gain,
    Noise,
    RepeatedAugmentation,
    Rotate,
    RowTransform,
    SwapNoise,
)
from fastnn.callbacks import Callback
from fastnn.data import Batches
from support.rows_to_augment import rng

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FAST = {"hidden_layer_sizes": (4,), "max_iter": 3, "batch_size": 8, "random_state": 0}
X = rng().random((48, 9)) + 1
Y = np.arange(48) % 4


class Seen(RowTransform):
    """Keeps the rows that come to the end of a chain."""

    probability = 1

    def __init__(self):
        self.rows = []

    def changed(self, rows, rng, about=None):
        self.rows.append((np.array(rows), about))
        return rows


def rows_seen(transforms, y=Y, X=X, **options):
    seen = Seen()
    MLPClassifier(augment=[*transforms, seen], **FAST | options).fit(X, y)
    return np.concatenate([rows for rows, _ in seen.rows]).reshape(3, -1, X.shape[1])


def weights(model):
    return np.concatenate([coef.ravel() for coef in model.coefs_])


# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [[0, 1, 2, 3], ["a", "b", "c", "d"], [False, True, True, False]])
def test_excluded_classes_are_unchanged(names):
    y = np.array(names)[Y]
    chain = Exclude([Gain(), Noise()], [names[1]])
    changed, labels = chain(X, y, rng())
    np.testing.assert_array_equal((changed == X).all(axis=1), y == names[1])
    assert labels is y
    np.testing.assert_array_equal(chain(X, y.tolist(), rng())[0], changed)
    for epoch in rows_seen([chain], y):
        same = (epoch[:, np.newaxis] == X).all(axis=-1).any(axis=1)
        assert same.sum() == (y == names[1]).sum()
    # And beside a function of all rows, for which others are made in another way.
    for epoch in rows_seen([chain, lambda X, y, rng: (X, y)], y):
        np.testing.assert_array_equal((epoch == X).all(axis=1), y == names[1])


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_classes_are_those_of_the_user_whatever_the_engine_reads(loss):
    everything = Exclude(Flip(probability=1.0), [])
    nothing = Exclude(Flip(probability=1.0), [0, 1, 2, 3])
    fits = [
        weights(MLPClassifier(loss=loss, augment=one, **FAST).fit(X, Y))
        for one in (everything, Flip(probability=1.0), nothing, Exclude(Rotate(), [0, 1, 2, 3]))
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[2], fits[3])
    assert (fits[0] != fits[2]).any()


def test_classes_are_excluded_from_rows_of_a_source():
    def batches():
        yield X, Y

    seen = Seen()
    source = Batches(batches)
    MLPClassifier(augment=[Exclude(Noise(), [3]), seen], **FAST).fit(source)
    rows = np.concatenate([rows for rows, _ in seen.rows])[:48]
    np.testing.assert_array_equal((rows == X).all(axis=1).sum(), 12)


@pytest.mark.parametrize(
    "augment, y, message",
    [
        (
            Exclude(Noise(), [2, 11]),
            Y,
            r"Exclude: y has no class 11, its classes are \[0, 1, 2, 3\]",
        ),
        (Append(Exclude(Noise(), ["six"])), Y, "Exclude: y has no class 'six'"),
        (Exclude(Noise(), [0]), np.eye(4)[Y], "is for targets of one class in each row"),
        (Exclude(Noise(), [0]), np.stack([Y, Y], axis=1), "is for targets of one class"),
        (Exclude(SwapNoise(), [0]), Y, r"such as Rotate\(\), and SwapNoise.* is none"),
        (Exclude([], [0]), Y, "Exclude has no transforms"),
        (Exclude(Rotate(shape=(2, 2)), [0]), Y, "is for rows of 4 features, and X has 9"),
        (Exclude(Rotate(-1.0), [0]), Y, "'degrees' parameter of Rotate"),
        (Exclude(Noise(), 6), Y, "'classes' parameter of Exclude"),
    ],
    ids=repr,
)
def test_what_cannot_be_excluded(augment, y, message):
    model = MLPClassifier(augment=augment, **FAST)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert vars(model) == before


def test_numbers_are_no_classes():
    with pytest.raises(ValueError, match="is for targets of one class in each row"):
        MLPRegressor(augment=Exclude(Noise(), [1]), **FAST).fit(X, Y)
    with pytest.raises(ValueError, match="Exclude needs the class of each row: pass y"):
        Exclude(Noise(), [1])(X, None, rng())


# --- copies ---------------------------------------------------------------------------------------


def test_targets_that_do_not_fit_the_rows():
    for transform in (Append(Exclude(Noise(), [1])), Exclude(Noise(), [1])):
        for y in (None, np.stack([Y, Y], axis=1)):
            with pytest.raises(ValueError, match="Exclude needs the class of each row: pass y"):
                transform(X, y, rng())
    for transform in (Append(Noise()), Exclude(Noise(), [1]), Noise(), SwapNoise()):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            transform(X, Y[:3], rng())


def test_copies_are_appended():
    more, labels = Append(Noise(), copies=2)(X, Y, rng())
    assert more.shape == (144, 9)
    np.testing.assert_array_equal(more[:48], X)
    np.testing.assert_array_equal(labels, np.tile(Y, 3))
    for copy in (more[48:96], more[96:]):
        assert (copy != X).any(axis=1).all()
        assert abs(copy - X).max() < 1
    assert Append(Noise())(X, None, rng())[1] is None


@pytest.mark.parametrize("shuffle", [True, False])
def test_an_epoch_has_all_rows_and_their_copies(shuffle):
    epochs = rows_seen([Append(Gain(1.0), copies=2)], shuffle=shuffle)
    assert epochs.shape == (3, 144, 9)
    numbers = []
    for epoch in epochs:
        factors = epoch[:, np.newaxis] / X
        of = np.ptp(factors, axis=-1).argmin(axis=1)  # a copy is a multiple
        np.testing.assert_array_equal(np.bincount(of), np.full(48, 3))
        same = (epoch == X[of]).all(axis=1)
        np.testing.assert_array_equal(np.sort(of[same]), np.arange(48))
        numbers.append(of)
    assert (epochs[0] != epochs[1]).any()
    expected = np.tile(np.arange(48), 3)
    assert (numbers[0] == expected).all() == (not shuffle)
    assert (numbers[0] == numbers[1]).all() == (not shuffle)


def test_repeated_copies_are_in_one_batch():
    repeated, labels = RepeatedAugmentation(Noise(), 4)(X, Y, rng())
    np.testing.assert_array_equal(labels, np.repeat(Y, 4))
    assert len(np.unique(repeated, axis=0)) == 192
    for epoch in rows_seen([RepeatedAugmentation(Gain(1.0), 4)]):
        of = np.ptp(epoch[:, np.newaxis] / X, axis=-1).argmin(axis=1).reshape(-1, 4)
        assert (of == of[:, :1]).all()
        np.testing.assert_array_equal(np.sort(of[:, 0]), np.arange(48))
        assert len(np.unique(epoch, axis=0)) == 192


@pytest.mark.parametrize("cls", [Append, RepeatedAugmentation])
def test_targets_and_weights_go_with_their_copies(cls):
    """Copies that are not changed are rows given several times."""
    unchanged = cls(Exclude(Noise(), [0, 1, 2, 3]), 3)
    times = unchanged.times
    weight = rng().random(48)
    options = FAST | {"shuffle": False, "batch_size": 12}
    model = MLPClassifier(augment=unchanged, **options).fit(X, Y, weight)
    again = [np.tile(given.T, times).T for given in (X, Y, weight)]
    if unchanged.together:
        again = [np.repeat(given, times, axis=0) for given in (X, Y, weight)]
    same = MLPClassifier(**options).fit(*again)
    np.testing.assert_allclose(weights(model), weights(same), rtol=1e-12)
    assert model.t_ == same.t_


def test_callbacks_see_the_batches_of_all_copies():
    seen = []

    class Look(Callback):
        def on_batch_end(self, context):
            seen.append((context.batch, context.n_batches, context.n_rows))

    options = FAST | {"max_iter": 1, "callbacks": [Look()]}
    MLPClassifier(augment=Append(Noise(), 2), **options).fit(X, Y)
    assert seen == [(i, 18, 144) for i in range(1, 19)]


def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads():
    for augment in (Append([Noise(), Exclude(Rotate(), [1])], 2), RepeatedAugmentation(Noise(), 2)):
        one, two, clone_ = (
            weights(MLPClassifier(augment=a, n_jobs=n, **FAST).fit(X, Y))
            for a, n in [(augment, 1), (augment, 2), (clone(augment), 1)]
        )
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, clone_)


def test_parameters_of_transforms_within_can_be_searched():
    model = MLPClassifier(augment=Append([Rotate(), Exclude([Noise()], [1])]))
    assert model.get_params()["augment__transforms__1__transforms__0__std"] == 0.1
    model.set_params(augment__transforms__1__transforms__0__std=0.3, augment__copies=3)
    assert model.augment == Append([Rotate(), Exclude([Noise(0.3)], [1])], 3)
    assert eval(repr(model.augment)) == model.augment


@pytest.mark.parametrize(
    "augment, options, message",
    [
        (Append(Append(Noise())), {}, r"Append is for transforms .* Append\(.*\) is none"),
        ([Append(Noise()), RepeatedAugmentation(Noise())], {}, "adds copies of rows once"),
        ([Append(Noise()), SwapNoise()], {}, "Append adds rows, and SwapNoise.* takes all rows"),
        (Append(Noise()), {"shuffle": "blocks"}, "Append adds copies of rows in memory, and they"),
        (Append(Noise(), 0), {}, "'copies' parameter of Append"),
        (Append(lambda X, y, rng: (X, y)), {}, "'transforms' parameter of Append"),
    ],
)
def test_copies_that_cannot_be_added(augment, options, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(augment=augment, **FAST | options).fit(X, Y)


def test_a_saved_model_keeps_what_it_was_trained_with(tmp_path):
    augment = [Append([Noise(), Exclude(Rotate(), np.array([1]))], 2)]
    model = MLPClassifier(augment=augment, **FAST).fit(X, Y)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert repr(loaded.augment) == repr(augment)
