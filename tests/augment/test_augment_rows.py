"""Rows changed in a thread beside the engine: each transform, what they are made of, and fits."""

import contextlib
import doctest
import threading
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage, sparse
from sklearn.datasets import load_digits

from fastnn import MLPClassifier, MLPRegressor, augment
from fastnn.augment import (
    Blur,
    Brightness,
    ChannelJitter,
    Contrast,
    Crop,
    Erase,
    Flip,
    Gain,
    LabelMixup,
    Mixup,
    Noise,
    RandAugment,
    Rotate,
    RowTransform,
    Sharpen,
    Shift,
    Stretch,
    SwapNoise,
    TimeMask,
    TimeShift,
    TokenAugmenter,
    Zoom,
    delete_tokens,
    insert_synonyms,
    replace_synonyms,
    swap_tokens,
)
from fastnn.augment import rows as blocks_of
from fastnn.augment.geometry import resampled
from fastnn.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHAPE = (6, 8, 2)
IMAGES = np.random.default_rng(0).random((40, 96), np.float32)
LABELS = np.arange(40) % 4
OF_IMAGES = [
    *(cls(shape=SHAPE) for cls in (Shift, Rotate, Zoom, Flip, Crop, Blur, Sharpen, Erase)),
    ChannelJitter(shape=SHAPE),
    RandAugment(shape=SHAPE),
]
SPECS = [*OF_IMAGES, Brightness(), Contrast(), Noise(), SwapNoise(), LabelMixup()]
SPECS += [TimeShift(), Stretch(), Gain(), TimeMask()]
FAST = {"hidden_layer_sizes": (12,), "max_iter": 4, "batch_size": 16, "random_state": 0}


def rng(seed=0):
    return np.random.default_rng(seed)


def as_images(X, shape=SHAPE):
    return X.reshape(-1, *shape)


# --- all of them ----------------------------------------------------------------------------------


def test_all_specs_are_here():
    known = [getattr(augment, name) for name in augment.__all__]
    known = {one for one in known if isinstance(one, type) and issubclass(one, RowTransform)}
    assert {type(spec) for spec in SPECS} == known - {RowTransform}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64])
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_transform_is_a_function_that_leaves_its_input_alone(spec, dtype):
    X = (IMAGES * 255).astype(dtype)
    X.flags.writeable = False
    changed, y = spec(X, LABELS, rng())
    assert changed.shape == X.shape
    assert changed.dtype == (np.float64 if dtype == np.float64 else np.float32)
    assert np.isfinite(changed).all()
    assert (changed != X).any()
    np.testing.assert_array_equal(y, LABELS)
    np.testing.assert_array_equal(changed, spec(X, LABELS, rng())[0])
    assert (changed != spec(X, LABELS, rng(1))[0]).any()


@pytest.mark.parametrize("spec", [s for s in SPECS if not isinstance(s, LabelMixup)], ids=repr)
def test_probability_is_the_part_of_the_rows_that_change(spec):
    X = np.tile(rng().random((1, 96)), (1000, 1)) + np.arange(1000)[:, np.newaxis] / 1000
    spec = type(spec)(**{**spec.get_params(), "probability": 0.3})
    changed = (spec(X, np.arange(1000) % 2, rng())[0] != X).any(axis=1).mean()
    assert 0.15 < changed < 0.36  # some draws change nothing, such as a shift by 0


@pytest.mark.parametrize("spec", [s for s in SPECS if s.by_row], ids=repr)
def test_a_row_depends_on_no_other(spec):
    others = IMAGES.copy()
    others[1:] = 0
    a, b = (spec(X, LABELS, rng())[0][0] for X in (IMAGES, others))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("spec", OF_IMAGES, ids=repr)
def test_images_of_one_channel_need_no_shape_where_they_are_square(spec):
    X = IMAGES[:, :81]
    other = type(spec)(**{**spec.get_params(), "shape": None})
    same = type(spec)(**{**spec.get_params(), "shape": (9, 9)})
    np.testing.assert_array_equal(other(X, None, rng())[0], same(X, None, rng())[0])
    with pytest.raises(ValueError, match="Rows of 96 features are no square images: give the sha"):
        other(IMAGES, None, rng())


# --- images ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [0.0, 0.7])
@pytest.mark.parametrize("channels", [1, 3])
def test_interpolation_is_that_of_scipy(channels, fill):
    images = rng().random((10, 9, 7, channels))
    matrices = rng(1).normal(size=(10, 2, 2))
    centres = rng(2).normal(size=(10, 2))
    actual = resampled(images, matrices, centres, fill)
    middle = np.array([4.0, 3.0])
    for i in range(10):
        for c in range(channels):
            expected = ndimage.affine_transform(
                images[i, :, :, c],
                matrices[i],
                middle + centres[i] - matrices[i] @ middle,
                order=1,
                mode="grid-constant",
                cval=fill,
            )
            np.testing.assert_allclose(actual[i, :, :, c], expected, atol=1e-12)


def test_shift_moves_whole_pixels():
    X = np.zeros((500, 25))
    X[:, 12] = 1
    images = Shift(2, fill=0.0)(X, None, rng())[0].reshape(-1, 5, 5)
    np.testing.assert_array_equal(images.sum(axis=(1, 2)), 1)
    assert (images.sum(axis=0) > 5).all()  # each of the 25 places
    far = Shift(100, fill=3.0)(X, None, rng())[0]
    assert set(np.unique(far)) <= {0.0, 1.0, 3.0}


def test_rotation_by_a_right_angle_and_back():
    images = rng().random((3, 5, 5, 1))
    quarter = np.tile([[0.0, -1.0], [1.0, 0.0]], (3, 1, 1))
    turned = resampled(images, quarter, np.zeros((3, 2)), 0.0)
    np.testing.assert_allclose(turned, np.rot90(images, -1, (1, 2)), atol=1e-12)


def test_zoom_and_crop_keep_a_constant_image_inside():
    X = np.ones((50, 81), np.float32)
    np.testing.assert_allclose(Crop(0.3)(X, None, rng())[0], 1, rtol=1e-6)
    smaller = Zoom(0.5)(X, None, rng())[0].reshape(-1, 9, 9)
    np.testing.assert_allclose(smaller[:, 3:6, 3:6], 1, rtol=1e-6)
    assert smaller[:, 0, 0].min() == 0


def test_flip():
    images = as_images(IMAGES)
    for direction, axis in [("horizontal", 2), ("vertical", 1)]:
        flipped = Flip(direction, 1.0, SHAPE)(IMAGES, None, rng())[0]
        np.testing.assert_array_equal(as_images(flipped), np.flip(images, axis))


def test_brightness_and_contrast():
    difference = Brightness(0.2)(IMAGES, None, rng())[0] - IMAGES
    assert np.ptp(difference, axis=1).max() < 1e-6
    assert abs(difference).max() <= 0.2 + 1e-6
    changed = Contrast(0.5)(IMAGES, None, rng())[0]
    np.testing.assert_allclose(changed.mean(axis=1), IMAGES.mean(axis=1), rtol=1e-5)
    ratio = changed.std(axis=1) / IMAGES.std(axis=1)
    assert ratio.min() >= 0.5 - 1e-5
    assert ratio.max() <= 1.5 + 1e-5


def test_blur_smooths_and_sharpen_does_the_opposite():
    def roughness(X):
        return np.abs(np.diff(as_images(X), axis=2)).mean(axis=(1, 2, 3))

    blurred = Blur(1.0, 1.0, SHAPE)(IMAGES, None, rng())[0]
    sharp = Sharpen(1.0, 1.0, 1.0, SHAPE)(IMAGES, None, rng())[0]
    assert (roughness(blurred) < roughness(IMAGES)).all()
    assert (roughness(sharp) > roughness(IMAGES)).all()


def test_erase_fills_one_box_in_all_channels():
    erased = as_images(Erase(0.5, -1.0, 1.0, SHAPE)(IMAGES, None, rng())[0]) == -1
    np.testing.assert_array_equal(erased[..., 0], erased[..., 1])
    for box in erased[..., 0]:
        rows, columns = np.nonzero(box)
        assert 1 <= len(rows) <= 0.5 * 48 * 1.5  # sides are rounded
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_channels_are_changed_each_by_itself():
    changed = as_images(ChannelJitter(0.2, 0.0, shape=SHAPE)(IMAGES, None, rng())[0])
    ratio = changed / as_images(IMAGES)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-4)
    assert (abs(ratio[:, 0, 0, 0] - ratio[:, 0, 0, 1]) > 1e-3).any()


def test_randaugment_is_stronger_at_a_larger_magnitude():
    changes = [
        abs(RandAugment(magnitude=m, shape=SHAPE)(IMAGES, None, rng())[0] - IMAGES).mean()
        for m in (0.5, 5.0, 10.0)
    ]
    assert changes == sorted(changes)
    untouched = RandAugment(1, shape=SHAPE)(np.tile(IMAGES, (10, 1)), None, rng())[0]
    same = (untouched == np.tile(IMAGES, (10, 1))).all(axis=1).mean()
    assert 0.05 < same < 0.25  # a tenth is not changed, and some by nothing


# --- signals and tables ---------------------------------------------------------------------------


def test_signals_of_several_channels():
    ramp = np.repeat(np.arange(20.0), 2)[np.newaxis].repeat(30, axis=0)
    ramp[:, 1::2] += 100
    for spec in (TimeShift(3, n_channels=2), Stretch(0.3, n_channels=2)):
        changed = spec(ramp, None, rng())[0].reshape(30, 20, 2)
        np.testing.assert_allclose(changed[..., 1] - changed[..., 0], 100)
        assert changed.min() >= 0
        assert changed.max() <= 119
    wrapped = TimeShift(3, wrap=True, n_channels=2)(ramp, None, rng())[0]
    np.testing.assert_array_equal(np.sort(wrapped), np.sort(ramp))
    masked = TimeMask(0.5, -1.0, 2)(ramp, None, rng())[0].reshape(30, 20, 2) == -1
    np.testing.assert_array_equal(masked[..., 0], masked[..., 1])
    assert masked[..., 0].sum(axis=1).max() == 10
    gains = 20 * np.log10(Gain(6.0, 2)(ramp + 1, None, rng())[0] / (ramp + 1))
    assert 4 < gains.max() <= 6 + 1e-9
    np.testing.assert_allclose(gains[:, ::2], gains[:, :1].repeat(20, axis=1), atol=1e-9)


def test_noise_of_each_feature():
    X = np.zeros((4000, 3))
    noise = Noise([0.0, 1.0, 5.0])(X, None, rng())[0]
    np.testing.assert_allclose(noise.std(axis=0), [0, 1, 5], rtol=0.05)


def test_swap_noise_takes_values_of_the_same_column():
    X = rng().permuted(np.arange(3000.0).reshape(3, 1000), axis=1).T
    changed = SwapNoise(0.2)(X, None, rng())[0]
    assert abs((changed != X).mean() - 0.2) < 0.03
    assert all(set(changed[:, j]) <= set(X[:, j]) for j in range(3))


@pytest.mark.parametrize("kind", [int, str, object, "columns"])
def test_label_mixup_stays_in_the_class(kind):
    y = np.arange(60) % 3
    X = np.eye(3)[y] + rng().random((60, 3)) / 10
    labels = np.eye(3)[y] if kind == "columns" else y.astype(kind)
    changed, targets = LabelMixup(1.0)(X, labels, rng())
    assert targets is labels
    np.testing.assert_array_equal(changed.argmax(axis=1), y)
    assert (changed != X).any(axis=1).mean() > 0.9
    alone = LabelMixup(1.0)(X, np.arange(60), rng())[0]
    np.testing.assert_array_equal(alone, X)


def test_label_mixup_of_values_mixes_similar_targets():
    y = rng().random(500)
    X = np.stack([y, 2 * y], axis=1)
    changed, targets = LabelMixup(1.0, bandwidth=0.1)(X, y, rng())
    np.testing.assert_allclose(changed, np.stack([targets, 2 * targets], axis=1))
    assert 0.001 < abs(targets - y).mean() < 0.1
    with pytest.raises(ValueError, match="bandwidth is for targets that are one number"):
        LabelMixup(bandwidth=0.1)(X, y.astype(str), rng())


# --- tokens ---------------------------------------------------------------------------------------

TEXT = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
SYNONYMS = {"quick": ["fast", "rapid"], "lazy": ["idle"], "dog": ["dog"]}


def test_tokens():
    swapped = swap_tokens(TEXT, rng(), 0.3)
    assert sorted(swapped) == sorted(TEXT) != swapped
    assert swapped != TEXT
    left = delete_tokens(TEXT, rng(), 0.5)
    assert 0 < len(left) < len(TEXT)
    assert set(left) <= set(TEXT)
    assert len(delete_tokens(TEXT, rng(), 0.999999)) == 1
    replaced = replace_synonyms(TEXT, rng(), SYNONYMS, 1.0)
    assert replaced[1] in SYNONYMS["quick"]
    assert replaced[7:] == ["idle", "dog"]
    inserted = insert_synonyms(TEXT, rng(), SYNONYMS, 0.3)
    assert len(inserted) == len(TEXT) + 2
    assert {*inserted} - {*TEXT} <= {"fast", "rapid", "idle"}
    for change in (swap_tokens, delete_tokens):
        assert change([], rng()) == []
        assert change(["one"], rng()) == ["one"]
    for change in (replace_synonyms, insert_synonyms):
        assert change(["none"], rng(), SYNONYMS) == ["none"]


def test_token_augmenter():
    texts, y = [TEXT, TEXT[:3], []], ["a", "b", "a"]
    augmenter = TokenAugmenter(SYNONYMS, 0.3, n_copies=20, random_state=0)
    more, labels = augmenter.fit_resample(texts, y)
    assert more[:3] == texts
    assert len(more) == len(labels) == 63
    np.testing.assert_array_equal(labels, np.tile(y, 21))
    assert augmenter.fit_resample(texts, y)[0] == more
    assert {len(text) for text in more[::3]} >= {8, 9, 11}
    plain = TokenAugmenter(rate=0.3, n_copies=20, random_state=0).fit_resample(texts, y)[0]
    assert {token for text in plain for token in text} <= set(TEXT)
    with pytest.raises(ValueError, match="lists of tokens, and was given texts: split them first"):
        TokenAugmenter().fit_resample(["a text"], [1])
    with pytest.raises(ValueError, match="'rate' parameter of TokenAugmenter"):
        TokenAugmenter(rate=2.0).fit_resample(texts, y)


# --- fits -----------------------------------------------------------------------------------------


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


# --- errors ---------------------------------------------------------------------------------------


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
    assert doctest.testmod(augment.text).attempted
    assert not doctest.testmod(augment.text).failed
