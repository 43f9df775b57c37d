"""Geometry and colors of images: interpolation, crops, parts of a pixel, hue and lighting."""

import colorsys

import numpy as np
import pytest
from scipy import ndimage

from fastnn.augment import (
    Affine,
    ChannelShuffle,
    Crop,
    Hue,
    Lighting,
    Rotate,
    Saturation,
    Shear,
    Shift,
    Zoom,
)
from fastnn.augment.resampling import resampled
from support.rows_to_augment import rng

COLORS = rng(5).random((30, 4, 5, 3))
ROWS = COLORS.reshape(30, -1)
SIDES = (4, 5, 3)


def images_of(spec, X=ROWS, sides=SIDES):
    return spec(X, None, rng())[0].reshape(-1, *sides)


# --- geometry -------------------------------------------------------------------------------------


def one_map(images, matrix, centre, interpolation, fill=0.7):
    n = len(images)
    return resampled(
        images, np.tile(matrix, (n, 1, 1)), np.tile(centre, (n, 1)), fill, interpolation
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_the_nearest_pixel_is_that_of_scipy(channels):
    images = rng().random((4, 9, 7, channels))
    matrix, centre = rng(1).normal(size=(2, 2)), rng(2).normal(size=2)
    actual = one_map(images, matrix, centre, "nearest")
    middle = np.array([4.0, 3.0])
    for i in range(4):
        for c in range(channels):
            expected = ndimage.affine_transform(
                images[i, :, :, c],
                matrix,
                middle + centre - matrix @ middle,
                order=0,
                mode="grid-constant",
                cval=0.7,
            )
            np.testing.assert_array_equal(actual[i, :, :, c], expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_bicubic_interpolation_is_exact_for_polynomials_of_second_degree(channels):
    """Of the cubic kernels, only that of Keys with a = -1/2 is."""
    offsets = np.stack(np.meshgrid(*[np.arange(15) - 7.0] * 2, indexing="ij"), axis=-1)

    def polynomial(points):
        y, x = points[..., 0], points[..., 1]
        return (y * y - 2 * x * x + x * y + 3 * x - 5)[..., np.newaxis] * np.arange(1, channels + 1)

    matrix, centre = np.array([[0.5, 0.2], [-0.1, 0.4]]), np.array([0.3, -0.7])
    actual = one_map(polynomial(offsets)[np.newaxis], matrix, centre, "bicubic")[0]
    expected = polynomial(offsets @ matrix.T + centre)
    np.testing.assert_allclose(actual, expected, atol=1e-11)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_no_map_is_no_change_and_far_away_is_the_fill(interpolation):
    same = one_map(COLORS, np.eye(2), np.zeros(2), interpolation)
    np.testing.assert_allclose(same, COLORS, atol=1e-12)
    np.testing.assert_allclose(one_map(COLORS, np.eye(2), [99, -99], interpolation), 0.7)
    far = one_map(COLORS, np.eye(2), [99, 99], interpolation, fill=None)
    np.testing.assert_allclose(far, np.broadcast_to(COLORS[:, -1:, -1:], far.shape), atol=1e-12)


def test_parts_of_a_pixel():
    ramp = np.tile(np.add.outer(10.0 * np.arange(9), np.arange(9)).ravel(), (500, 1))
    by = (images_of(Shift(1.5, whole=False), ramp, (9, 9))[:, 4, 4] - 44) / 11
    assert abs(by).max() < 1.5 * 11 / 11 + 1e-9
    assert len(np.unique(by)) == 500
    with pytest.raises(ValueError, match=r"Shift\(pixels=1.5\) is no whole number .*whole=False"):
        Shift(1.5)(ramp, None, rng())


def widths(images):
    """Height and width of a square of ones in images, from their second moments."""
    mass = images.sum(axis=(1, 2))
    axes = np.arange(images.shape[1]) - (images.shape[1] - 1) / 2
    return [np.sqrt(12 * (images.sum(axis=other) * axes**2).sum(axis=1) / mass) for other in (2, 1)]


def test_zoom_stretches_one_side_and_shrinks_the_other():
    X = np.zeros((200, 41, 41))
    X[:, 12:29, 12:29] = 1
    heights, widths_ = widths(images_of(Zoom(0.0, stretch=0.5), X.reshape(200, -1), (41, 41)))
    np.testing.assert_allclose(heights * widths_, 17**2, rtol=0.02)
    ratios = heights / widths_
    assert 1.4 < ratios.max() < 1.55
    assert 1.4 < (1 / ratios).max() < 1.55
    heights, widths_ = widths(images_of(Zoom(0.2), X.reshape(200, -1), (41, 41)))
    np.testing.assert_allclose(heights, widths_, rtol=1e-6)


def test_shear_keeps_areas():
    X = np.zeros((50, 41, 41))
    X[:, 15:26, 15:26] = 1
    slanted = images_of(Shear(0.4), X.reshape(50, -1), (41, 41))
    np.testing.assert_allclose(slanted.sum(axis=(1, 2)), 121, rtol=0.01)
    assert (slanted != X).any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    "alone, one",
    [
        (Affine(20.0, 0.0, 0.0, 0.0, 0.0), Rotate(20.0)),
        (Affine(0.0, 0.3, 0.5, 0.0, 0.0), Zoom(0.3, stretch=0.5)),
        (Affine(0.0, 0.0, 0.0, 0.4, 0.0), Shear(0.4)),
        (Affine(0.0, 0.0, 0.0, 0.0, 1.5), Shift(1.5, whole=False)),
    ],
    ids=repr,
)
def test_one_map_of_all_has_the_distribution_of_each(alone, one):
    X = np.tile(ndimage.gaussian_filter(rng().random((12, 12)), 1).ravel(), (4000, 1))
    a, b = (images_of(spec, X, (12, 12)) for spec in (alone, one))
    np.testing.assert_allclose(a.mean(axis=0), b.mean(axis=0), atol=0.015)
    np.testing.assert_allclose(a.std(axis=0), b.std(axis=0), atol=0.015)
    assert a.std() > 0.05


def test_one_map_of_all_is_the_product_of_each():
    matrices, centres = Affine(30.0, 0.2, 0.5, 0.4, 2.0).maps(1000, None, rng())
    areas = 1 / np.linalg.det(matrices)
    assert 0.64 <= areas.min() < 0.66
    assert 1.42 < areas.max() <= 1.44  # those of the zoom alone
    assert abs(centres).max() <= 2
    assert abs(matrices[:, 0, 1]).max() > 0.6  # rotated and slanted


@pytest.mark.parametrize("sides", [(32, 32), (20, 40)])
def test_the_inception_crop_has_areas_and_ratios_as_asked(sides):
    """A ramp tells the size of a box by its slope."""
    ramp = np.stack(np.meshgrid(*map(np.arange, sides), indexing="ij"), axis=-1).astype(float)
    spec = Crop((0.1, 0.5), shape=(*sides, 2), ratio=(3 / 4, 4 / 3))
    cropped = images_of(spec, np.tile(ramp.ravel(), (800, 1)), (*sides, 2))
    assert cropped.min() >= 0
    assert (cropped.max(axis=(0, 1, 2)) <= np.array(sides) - 1 + 1e-9).all()
    heights = (cropped[:, 1, 0, 0] - cropped[:, 0, 0, 0]) * sides[0]
    widths_ = (cropped[:, 0, 1, 1] - cropped[:, 0, 0, 1]) * sides[1]
    areas, ratios = heights * widths_ / np.prod(sides), widths_ / heights
    assert 0.1 <= areas.min() < 0.12
    assert 0.48 < areas.max() <= 0.5 + 1e-9
    assert 0.75 - 1e-9 <= ratios.min() < 0.77
    assert 1.31 < ratios.max() <= 4 / 3 + 1e-9
    assert abs(np.log(ratios).mean()) < 0.02  # uniform in the logarithm
    corners = cropped[:, 0, 0, 0] / (sides[0] - 1 - (cropped[:, -1, 0, 0] - cropped[:, 0, 0, 0]))
    assert abs(corners.mean() - 0.5) < 0.03


def test_boxes_that_cannot_fit_are_cut():
    X = np.tile(np.arange(64.0), (20, 1))
    whole = Crop(1.0, ratio=(3.0, 4.0))(X, None, rng())[0].reshape(-1, 8, 8)
    np.testing.assert_allclose(np.diff(whole, axis=2), 1, atol=1e-12)  # all of the width
    assert (whole[:, -1, 0] - whole[:, 0, 0] < 56 * 0.6).all()


@pytest.mark.parametrize(
    "spec, message",
    [
        (Crop((0.5, 0.2)), "area of Crop must be a pair .* the smaller one first"),
        (Crop((0.0, 0.5)), "area of Crop must be above 0 and at most 1"),
        (Crop(0.5, ratio=(0, 1)), "ratio of Crop must be above 0"),
        (Crop(0.5, ratio=2.0), "ratio"),
        (Crop(0.5, ratio=("1", "2")), "ratio of Crop must be a pair of finite numbers"),
        (Rotate(interpolation="cubic"), "interpolation"),
    ],
    ids=repr,
)
def test_bad_geometry(spec, message):
    with pytest.raises(ValueError, match=message):
        spec(np.zeros((2, 64)), None, rng())


# --- colors ---------------------------------------------------------------------------------------


def test_hue_is_that_of_the_hexagonal_model():
    changed = images_of(Hue(0.3, shape=SIDES))
    before, after = (
        np.array([colorsys.rgb_to_hsv(*pixel) for pixel in images.reshape(-1, 3)]).reshape(
            30, -1, 3
        )
        for images in (COLORS, changed)
    )
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-9)
    turns = (after[..., 0] - before[..., 0] + 0.5) % 1 - 0.5
    np.testing.assert_allclose(turns, np.broadcast_to(turns[:, :1], turns.shape), atol=1e-9)
    assert 0.25 < abs(turns).max() <= 0.3
    grey = np.repeat(ROWS[:, :20], 3, axis=1)
    np.testing.assert_array_equal(Hue(0.3, shape=SIDES)(grey, None, rng())[0], grey)


def test_saturation_moves_from_the_luminance():
    changed = images_of(Saturation(0.5, shape=SIDES))
    weights = [0.299, 0.587, 0.114]
    np.testing.assert_allclose(changed @ weights, COLORS @ weights, atol=1e-12)
    grey = (COLORS @ weights)[..., np.newaxis]
    factors = (changed - grey) / (COLORS - grey)
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1, :1], factors.shape))
    assert 0.5 <= factors.min() < factors.max() <= 1.5


def test_channels_are_exchanged_in_every_order():
    X = np.tile([1.0, 2.0, 3.0], (600, 20))
    changed = images_of(ChannelShuffle(1.0, SIDES), X)
    assert (changed == changed[:, :1, :1]).all()
    orders, counts = np.unique(changed[:, 0, 0], axis=0, return_counts=True)
    assert len(orders) == 6
    assert counts.min() > 60


def test_lighting_adds_multiples_of_the_principal_components():
    covariance = np.cov(COLORS.reshape(-1, 3).T)
    X = np.tile(ROWS[:1], (5000, 1))
    added = images_of(Lighting(0.2, covariance, shape=SIDES), X) - COLORS[0]
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], added.shape), atol=1e-12)
    # Of the amounts a_i l_i, the covariance is P l (0.2)^2 l P^T.
    expected = 0.2**2 * covariance @ covariance
    np.testing.assert_allclose(np.cov(added[:, 0, 0].T), expected, atol=0.08 * expected.max())
    usual = images_of(Lighting(shape=SIDES), X) - COLORS[0]
    np.testing.assert_allclose(usual[:, 0, 0].std(axis=0), 0.0125, rtol=0.05)


@pytest.mark.parametrize("cls", [Hue, Saturation, Lighting])
def test_grey_images_have_no_colors(cls):
    with pytest.raises(
        ValueError, match=f"{cls.__name__} changes red, .* have 1 channel: give sha"
    ):
        cls()(np.zeros((2, 49)), None, rng())
    with pytest.raises(ValueError, match=f"{cls.__name__} changes red, .* have 2 channels"):
        cls(shape=(7, 7, 2))(np.zeros((2, 98)), None, rng())


def test_one_channel_cannot_be_exchanged():
    with pytest.raises(ValueError, match="ChannelShuffle exchanges channels, and these images"):
        ChannelShuffle()(np.zeros((2, 49)), None, rng())


@pytest.mark.parametrize("covariance", [np.eye(2), [[1, 2, 0], [0, 1, 0], [0, 0, 1]]])
def test_a_covariance_is_symmetric(covariance):
    with pytest.raises(ValueError, match="covariance of Lighting must be a symmetric matrix"):
        Lighting(covariance=covariance, shape=SIDES)(ROWS, None, rng())
