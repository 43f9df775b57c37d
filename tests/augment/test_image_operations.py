"""The operations of RandAugment and AutoAugment are those of Pillow, for images of bytes."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from fastnn.augment import AutoAugment, Operation, RandAugment
from fastnn.augment.autoaugment import policy_table
from fastnn.augment.operations import NAMES, OPERATIONS, Canvas
from support.rows_to_augment import IMAGES, SHAPE, rng

CANVAS = Canvas(0.0, 255.0, 0.0, "nearest")
SIDES = (24, 20, 3)


@pytest.fixture(scope="module")
def photos():
    """Patches of a photo, of bytes, in color; and the same in grey."""
    photo = load_sample_image("china.jpg")
    patches = np.stack([photo[y : y + 24, x : x + 20] for y, x in [(60, 40), (200, 300), (300, 9)]])
    return {3: patches, 1: patches[..., 1:2]}


def changed(name, images, level):
    level = np.full(len(images), level)
    return OPERATIONS[name].function(images.astype(np.float64), level, CANVAS)


def by_pillow(images, function):
    """Return images through a function of Pillow's images."""
    image = pytest.importorskip("PIL.Image")
    out = [np.asarray(function(image.fromarray(one.squeeze()))) for one in images]
    return np.stack(out).reshape(images.shape)


def affine(*numbers):
    def transform(one):
        from PIL import Image

        return one.transform(one.size, Image.Transform.AFFINE, numbers)

    return transform


def of_pillow(name, level):
    """Return the function of Pillow that an operation stands for, and the largest difference."""
    enhance, ops = (pytest.importorskip(f"PIL.Image{module}") for module in ("Enhance", "Ops"))
    x, y = (int(150 / 331 * level * side) for side in (20, 24))
    return {
        "AutoContrast": (ops.autocontrast, 1),
        "Equalize": (ops.equalize, 1e-9),
        "Invert": (ops.invert, 0),
        "Solarize": (lambda one: ops.solarize(one, 255 * (1 - level)), 0),
        "Posterize": (lambda one: ops.posterize(one, 8 - round(4 * level)), 1e-9),
        "Color": (lambda one: enhance.Color(one).enhance(1 + 0.9 * level), 1.5),
        "Contrast": (lambda one: enhance.Contrast(one).enhance(1 + 0.9 * level), 1.5),
        "Brightness": (lambda one: enhance.Brightness(one).enhance(1 + 0.9 * level), 1),
        "Sharpness": (lambda one: enhance.Sharpness(one).enhance(1 + 0.9 * level), 1.5),
        "ShearX": (affine(1, 0.3 * level, 0, 0, 1, 0), 0),
        "ShearY": (affine(1, 0, 0, 0.3 * level, 1, 0), 0),
        "TranslateX": (affine(1, 0, x, 0, 1, 0), 0),
        "TranslateY": (affine(1, 0, 0, 0, 1, y), 0),
        "Rotate": (lambda one: one.rotate(30 * level), 0),
        "Identity": (lambda one: one, 0),
    }[name]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_operations_are_those_of_pillow(photos, name, channels):
    images = photos[channels]
    for level in (0.77, -0.77) if OPERATIONS[name].is_signed else (0.0, 0.31, 0.77):
        function, most = of_pillow(name, level)
        actual, expected = changed(name, images, level), by_pillow(images, function)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=most)
        changes = name != "Identity" and (name, channels) != ("Color", 1)
        if level == 0.77:
            assert (actual != images).any() == changes


@pytest.mark.parametrize("name", NAMES)
def test_black_and_white_may_be_any_numbers(photos, name):
    images = photos[3].astype(np.float64)
    level = np.full(len(images), 0.77)
    shifted = OPERATIONS[name].function(images / 100 - 1, level, Canvas(-1, 1.55, -1, "bilinear"))
    expected = OPERATIONS[name].function(images, level, CANVAS._replace(interpolation="bilinear"))
    np.testing.assert_allclose(shifted, expected / 100 - 1, atol=1e-12)


def test_a_constant_image_is_left_alone():
    for name in ("AutoContrast", "Equalize", "Contrast", "Sharpness", "Color"):
        images = np.full((2, *SIDES), 80.0)
        np.testing.assert_allclose(changed(name, images, 0.5), images, atol=1e-12)


def test_an_operation_is_drawn_for_each_image():
    X = np.tile(IMAGES[:1], (3000, 1))
    once = RandAugment(1, 6.0, shape=SHAPE)(X, None, rng())[0]
    ones = [Operation(name, 6.0, shape=SHAPE)(X[:40], None, rng())[0] for name in NAMES[:-1]]
    known = np.unique(np.concatenate(ones), axis=0)
    found, counts = np.unique(once, axis=0, return_counts=True)
    np.testing.assert_allclose(known, found, atol=1e-6)
    assert counts.sum() == 3000
    same = (once == X).all(axis=1).mean()
    assert abs(same - 2 / 14) < 0.03  # no change, and the color of two channels
    assert len(np.unique(RandAugment(2, 6.0, shape=SHAPE)(X, None, rng())[0], axis=0)) > 150


def test_magnitudes_vary_by_their_standard_deviation():
    X = np.tile(IMAGES[:1], (1000, 1))
    fixed, varied = (
        RandAugment(1, 5.0, shape=SHAPE, magnitude_std=std)(X, None, rng())[0] for std in (0.0, 0.5)
    )
    assert len(np.unique(varied, axis=0)) > 10 * len(np.unique(fixed, axis=0))
    _, levels = next(RandAugment(1, 5.0, magnitude_std=0.5).draw(10_000, rng()))
    assert levels.std() == pytest.approx(0.05, rel=0.05)
    _, levels = next(RandAugment(1, 10.0, magnitude_std=3.0).draw(1000, rng()))
    assert levels.max() == 1


def test_policies_are_of_25_pairs_of_the_papers_operations():
    numbers, probabilities, levels = policy_table("cifar10")
    assert numbers.shape == probabilities.shape == levels.shape == (2, 25)
    assert [NAMES[i] for i in numbers[:, 1]] == ["Rotate", "TranslateX"]
    np.testing.assert_allclose([*probabilities[:, 1], *levels[:, 1]], [0.7, 0.3, 2 / 9, 1])
    numbers, probabilities, _ = policy_table("svhn")
    assert [NAMES[i] for i in numbers[:, -1]] == ["ShearX", "Invert"]
    assert probabilities.max() == 0.9


def test_autoaugment_applies_the_pairs_of_its_policy():
    drawn = list(AutoAugment("svhn").draw(20_000, rng()))
    numbers, probabilities, _ = policy_table("svhn")
    for step, (chosen, _) in enumerate(drawn):
        applied = (chosen != NAMES.index("Identity")).mean()
        assert applied == pytest.approx(probabilities[step].mean(), abs=0.02)
        assert set(chosen) - {NAMES.index("Identity")} <= set(numbers[step])


@pytest.mark.parametrize("spec", [RandAugment(shape=SHAPE), AutoAugment(shape=SHAPE)], ids=repr)
def test_images_of_other_units_are_refused(spec):
    with pytest.raises(ValueError, match=r"value_range=\(0.0, 1.0\)\) is for images .* to 255"):
        spec(np.full((2, 96), 255, np.uint8), None, rng())
    assert np.isfinite(spec(IMAGES + 0.3, None, rng())[0]).all()  # as after some noise
    for value_range in ((1, 0), (0, np.inf), (0,), (1, 1)):
        with pytest.raises(ValueError, match="value_range of"):
            type(spec)(shape=SHAPE, value_range=value_range)(IMAGES, None, rng())
