"""Resizing of images."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _typing as t
from .._specs.constraints import Interval, OneOf
from ..augment.resampling import INTERPOLATIONS, resizing_matrix
from ..augment.rows import blocks, image_sides
from .base import validate

# Rows of other types are converted to the first.
_FLOATS = (np.float32, np.float64)


class Resize(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Resize images, or their central crop, in rows of pixels.

    The result is that of Pillow's `resize`. If images become smaller, pixels are averaged.

    Parameters
    ----------
    size : tuple of int (height, width) or None, default=None
        The new size. None is the size of the images.
    crop_ratio : float, default=1.0
        The fraction of height and width of the central crop that is resized, in (0, 1]. A ratio of
        0.875 is usual at test time for networks trained on random crops (`augment.Crop`).
    interpolation : {'nearest', 'bilinear', 'bicubic'}, default='bilinear'
        Method of interpolation between pixels.
    shape : tuple of int, default=None
        Shape of the image in a row: (height, width) or (height, width, channels). None is a square
        image of one channel.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of the rows seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features. Defined only if all are strings.

    References
    ----------
    Simonyan, K. and Zisserman, A. "Very deep convolutional networks for large-scale image
    recognition" (2015), section 3.2, for the central crop at test time.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.preprocessing import Resize
    >>> Resize((1, 2), shape=(2, 2)).fit_transform([[1.0, 2.0, 3.0, 4.0]])
    array([[2., 3.]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "size": [None, list, tuple],
        "crop_ratio": [Interval(Real, 0, 1, closed="right")],
        "interpolation": [OneOf(INTERPOLATIONS)],
        "shape": [None, "array-like"],
    }

    def __init__(
        self,
        size: Sequence[int] | None = None,
        *,
        crop_ratio: float = 1.0,
        interpolation: str = "bilinear",
        shape: Sequence[int] | None = None,
    ) -> None:
        self.size = size
        self.crop_ratio = crop_ratio
        self.interpolation = interpolation
        self.shape = shape

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and the number of features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        validate(self)
        if self.size is not None and not (
            len(self.size) == 2
            and all(isinstance(side, Integral) and side > 0 for side in self.size)
        ):
            raise ValueError(
                f"size of Resize must be (height, width), whole numbers above 0, got {self.size!r}."
            )
        validate_data(self, X, dtype=None, ensure_all_finite=False)
        image_sides(self, self.n_features_in_)
        return self

    def transform(self, X: Any) -> t.Array:
        """Resize images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X : ndarray of shape (n_samples, height * width * channels)
            The images, in float64 if X is float64, otherwise in float32.
        """
        check_is_fitted(self, "n_features_in_")
        X = validate_data(self, X, reset=False, dtype=_FLOATS, ensure_all_finite=False)
        *sides, channels = image_sides(self, X.shape[1])
        down, right = (
            resizing_matrix(side, new, self.crop_ratio, self.interpolation).astype(X.dtype)
            for side, new in zip(sides, self.size or sides, strict=True)
        )
        out = np.empty((len(X), len(down), len(right), channels), X.dtype)
        for block in blocks(*X.shape):
            images = X[block].reshape(-1, *sides, channels)
            out[block] = np.einsum("nijc,hi,wj->nhwc", images, down, right, optimize=True)
        return out.reshape(len(X), -1)

    @property
    def _n_features_out(self):
        *sides, channels = image_sides(self, self.n_features_in_)
        return int(np.prod(self.size or sides)) * channels
