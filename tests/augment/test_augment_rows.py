"""Rows changed in a thread beside the engine: each transform, and what it is made of."""

import pickle

import numpy as np
import pytest
from scipy import ndimage
from sklearn.base import clone

from fastnn import augment
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
    Noise,
    RandAugment,
    RowTransform,
    Sharpen,
    Shift,
    Stretch,
    SwapNoise,
    TimeMask,
    TimeShift,
    TokenAugmenter,
    Zoom,
    back_translate,
    delete_tokens,
    insert_synonyms,
    replace_synonyms,
    swap_tokens,
)
from fastnn.augment.geometry import resampled
from support.rows_to_augment import IMAGES, LABELS, OF_IMAGES, SHAPE, SPECS, as_images, rng

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- all of them ----------------------------------------------------------------------------------


def test_all_specs_are_here():
    known = [getattr(augment, name) for name in augment.__all__]
    known = {one for one in known if isinstance(one, type) and issubclass(one, RowTransform)}
    around_others = {augment.Append, augment.Exclude, augment.RepeatedAugmentation}
    assert {type(spec) for spec in SPECS} == known - {RowTransform} - around_others


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


def test_an_augmenter_of_an_older_pickle_has_defaults():
    older = TokenAugmenter(rate=0.2)
    del older.translate
    assert clone(pickle.loads(pickle.dumps(older))).get_params() == {
        **TokenAugmenter().get_params(),
        "rate": 0.2,
    }


def test_translations_are_among_the_changes():
    def translate(tokens):
        assert isinstance(tokens, list)
        return tuple(token.upper() for token in tokens)

    assert back_translate(TEXT[:2], rng(), translate) == ["THE", "QUICK"]
    augmenter = TokenAugmenter(n_copies=60, random_state=0, translate=translate)
    copies = augmenter.fit_resample([TEXT], [1])[0][1:]
    assert abs(sum(copy[0].isupper() for copy in copies) / 60 - 1 / 3) < 0.15
    assert clone(augmenter).fit_resample([TEXT], [1])[0][1:] == copies
    with pytest.raises(ValueError, match=r"must return a list of tokens, .* returned str: split"):
        TokenAugmenter(translate=" ".join, n_copies=20).fit_resample([TEXT], [1])
    with pytest.raises(ValueError, match="'translate' parameter of TokenAugmenter"):
        TokenAugmenter(translate="de").fit_resample([TEXT], [1])
