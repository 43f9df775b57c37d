"""Images of another size are those of Pillow, and go through a pipeline."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_image
from sklearn.pipeline import make_pipeline

from fastnn import MLPClassifier
from fastnn.preprocessing import Resize

PHOTO = load_sample_image("china.jpg")[100:140, 200:230].astype(np.float32)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(12, 10), (40, 30), (58, 98), (8, 70)])
@pytest.mark.parametrize("crop_ratio", [1.0, 0.79])
def test_resizing_is_that_of_pillow(interpolation, size, crop_ratio):
    image = pytest.importorskip("PIL.Image")
    resize = Resize(size, crop_ratio=crop_ratio, interpolation=interpolation, shape=(40, 30, 3))
    actual = resize.fit_transform(np.stack([PHOTO.ravel()] * 2))
    assert actual.dtype == np.float32
    top, left = 40 * (1 - crop_ratio) / 2, 30 * (1 - crop_ratio) / 2
    box = (left, top, 30 - left, 40 - top)
    method = image.Resampling[interpolation.upper()]
    for channel in range(3):
        whole = image.fromarray(PHOTO[..., channel])
        expected = np.asarray(whole.resize(size[::-1], method, box))
        ours = actual.reshape(2, *size, 3)[1, :, :, channel]
        np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_no_change():
    X = PHOTO.reshape(1, -1).astype(np.float64)
    same = Resize(shape=(40, 30, 3)).fit_transform(X)
    np.testing.assert_allclose(same, X, atol=1e-12)
    assert same.dtype == np.float64


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_images_in_a_pipeline():
    X, y = load_digits(return_X_y=True)
    model = make_pipeline(
        Resize((5, 6)), MLPClassifier((20,), max_iter=30, learning_rate_init=0.02, random_state=0)
    )
    model.fit(X[:500].astype(np.uint8), y[:500])
    assert model.score(X[500:], y[500:]) > 0.8
    assert model[-1].n_features_in_ == 30
    names = clone(model[0]).fit(X).get_feature_names_out()
    assert (len(names), names[-1]) == (30, "resize29")


@pytest.mark.parametrize(
    "resize, message",
    [
        (Resize((3,)), r"size of Resize must be \(height, width\)"),
        (Resize((0, 3)), r"size of Resize must be \(height, width\)"),
        (Resize(shape=(3, 3)), r"Resize\(shape=\(3, 3\)\) is for rows of 9 features, and X has 64"),
        (Resize(crop_ratio=1.5), "'crop_ratio' parameter of Resize"),
        (Resize(interpolation="cubic"), "'interpolation' parameter of Resize"),
    ],
)
def test_bad_sizes(resize, message):
    with pytest.raises(ValueError, match=message):
        resize.fit(np.zeros((2, 64)))
    with pytest.raises(TypeError, match="dense data is required"):
        Resize().fit(sparse.csr_array(np.ones((2, 64))))
    with pytest.raises(ValueError, match="Expected 2D array"):
        Resize().fit(np.ones(64))
    with pytest.raises(ValueError, match="X has 9 features, but Resize is expecting 64"):
        Resize().fit(np.zeros((2, 64))).transform(np.zeros((2, 9)))
