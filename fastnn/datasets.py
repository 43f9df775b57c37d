"""Data sets: IDX files (MNIST and data sets in its format), and MNIST-1D, which is generated.

The IDX format is Yann LeCun's: two zero bytes, a type code, the number of dimensions, each size as
a big-endian 32-bit integer, then the elements in C order, big-endian.
"""

import gzip
import math
import zlib
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from scipy.ndimage import gaussian_filter1d
from sklearn.utils import check_random_state

from . import _typing as t
from ._specs.constraints import Interval, check_arguments

__all__ = ["load_fashion_mnist", "load_idx", "load_mnist", "make_mnist1d"]

#: Names of the labels of Fashion-MNIST.
FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# Largest compression ratio of gzip.
_MAX_GZIP_RATIO = 1032


def load_idx(path: t.Path) -> t.Array:
    """Read one IDX file, plain or gzip-compressed.

    Parameters
    ----------
    path : str or path-like
        The file. Compression is recognised by its first bytes, not by its name.

    Returns
    -------
    array : ndarray
        The elements, in native byte order and in the shape given by the header.

    Raises
    ------
    ValueError
        If the file is not IDX, is damaged, or is longer or shorter than its header says. No more is
        read than the header asks for.
    """
    path = Path(path)
    with path.open("rb") as file:
        if not path.is_file():
            raise ValueError(f"{path} is not a regular file: save its content to one.")
        size = path.stat().st_size
        if file.peek(2)[:2] != b"\x1f\x8b":
            return _read_idx(path, file, size)
        try:
            with gzip.open(file) as content:
                return _read_idx(path, content, size, is_packed=True)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file ({error}); copy it again.") from error


def _read_idx(path, file, size, is_packed=False):
    """Read the array in an open file, no more than its header asks for."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _IDX_TYPES or start[3] == 0:
        raise ValueError(f"{path} is not an IDX file: it starts with {start.hex(' ')!r}.")
    dtype, ndim = np.dtype(_IDX_TYPES[start[2]]), start[3]
    lengths = file.read(4 * ndim)
    if len(lengths) < 4 * ndim:
        raise ValueError(f"{path} ends within its IDX header; copy it again.")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    n_before, n_bytes = 4 + 4 * ndim, math.prod(shape) * dtype.itemsize
    expected = f"but its IDX header {shape} asks for {n_before + n_bytes}; copy it again."
    if not is_packed and size != n_before + n_bytes:
        raise ValueError(f"{path} holds {size} bytes, {expected}")
    if n_before + n_bytes > size * _MAX_GZIP_RATIO:
        raise ValueError(f"{path} holds {size} bytes, compressed, {expected}")
    try:
        array = np.empty(shape, dtype)
    except ValueError as error:  # such as too many dimensions
        raise ValueError(f"{path} asks for an array of the shape {shape}: {error}.") from error
    n_read = file.readinto(array.reshape(-1).view(np.uint8))
    if n_read < n_bytes:
        raise ValueError(f"{path} holds {n_before + n_read} bytes, {expected}")
    if file.read(1):
        raise ValueError(f"{path} holds more bytes, {expected}")
    return array.astype(dtype.newbyteorder("="), copy=False)


#: Number of training images in MNIST and Fashion-MNIST, which come first.
N_TRAIN_IMAGES = 60000


def load_mnist(folder: t.Path | None = None, *, return_n_train: bool = False) -> tuple[Any, ...]:
    """Load MNIST, or a data set in the same format (Fashion-MNIST, KMNIST), one image a row.

    Parameters
    ----------
    folder : str or path-like, default=None
        Folder of the usual four files (``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and
        the same for ``t10k``), compressed (``.gz``) or not; either pair may be missing. None
        downloads MNIST through :func:`sklearn.datasets.fetch_openml`, which caches it.
    return_n_train : bool, default=False
        Whether to return the number of training images, too.

    Returns
    -------
    X : ndarray of shape (n_images, n_pixels), uint8
        Training images first, then test images.
    y : ndarray of shape (n_images,), int64
        Their labels.
    n_train : int
        Number of training images, if `return_n_train`: 60,000 of all 70,000; 0 for a folder that
        only holds the test files.

    Examples
    --------
    >>> from fastnn.datasets import load_mnist
    >>> X, y, n_train = load_mnist("mnist", return_n_train=True)  # doctest: +SKIP
    >>> X_train, X_test = X[:n_train], X[n_train:]  # doctest: +SKIP
    """
    return _load("mnist_784", folder, return_n_train)


def load_fashion_mnist(
    folder: t.Path | None = None, *, return_n_train: bool = False
) -> tuple[Any, ...]:
    """Load Fashion-MNIST: ten kinds of clothes in the format of MNIST, and harder to classify.

    Parameters
    ----------
    folder : str or path-like, default=None
        Folder of its IDX files, which have the names of those of MNIST; see :func:`load_mnist`.
        None downloads it through :func:`sklearn.datasets.fetch_openml`, which caches it.
    return_n_train : bool, default=False
        Whether to return the number of training images, too.

    Returns
    -------
    X : ndarray of shape (n_images, n_pixels), uint8
        Training images first, then test images, if read from files; else in the order of OpenML.
    y : ndarray of shape (n_images,), int64
        Their labels, named in ``FASHION_MNIST_CLASSES``.
    n_train : int
        Number of training images, if `return_n_train`; of a download, the first 60,000.

    References
    ----------
    Xiao, H., Rasul, K. and Vollgraf, R. "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms" (2017).
    """
    return _load("Fashion-MNIST", folder, return_n_train)


def _load(name, folder, return_n_train):
    X, y, n_train = _fetch(name) if folder is None else _load_folder(Path(folder))
    return (X, y, n_train) if return_n_train else (X, y)


def _load_folder(folder):
    found = {name: _load_pair(folder, name) for name in ("train", "t10k")}
    parts = [part for part in found.values() if part is not None]
    if not parts:
        raise FileNotFoundError(
            f"{folder} holds neither train-images-idx3-ubyte nor t10k-images-idx3-ubyte (or .gz); "
            "name the folder of the IDX files."
        )
    images, labels = zip(*parts, strict=True)
    if len({part.shape[1] for part in images}) > 1:
        raise ValueError(f"The train and t10k images in {folder} differ in size.")
    n_train = len(images[0]) if found["train"] is not None else 0
    return np.concatenate(images), np.concatenate(labels), n_train


def _load_pair(folder, name):
    image_path = _find(folder, f"{name}-images", "idx3-ubyte")
    label_path = _find(folder, f"{name}-labels", "idx1-ubyte")
    if image_path is None and label_path is None:
        return None
    if image_path is None or label_path is None:
        missing = "images" if image_path is None else "labels"
        raise FileNotFoundError(f"{folder} lacks the file of the {name} {missing}.")
    images, labels = load_idx(image_path), load_idx(label_path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"{image_path} holds {images.ndim}-D {images.dtype}, not images (3-D uint8)."
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(
            f"{label_path} holds {labels.ndim}-D {labels.dtype}, not labels (1-D uint8)."
        )
    if len(images) != len(labels):
        raise ValueError(
            f"{folder} holds {len(images)} {name} images, but {len(labels)} {name} labels."
        )
    return images.reshape(len(images), math.prod(images.shape[1:])), labels.astype(np.int64)


def _find(folder, stem, kind):
    # Some unpackers replace the last hyphen by a dot.
    for name in (f"{stem}-{kind}", f"{stem}.{kind}"):
        for suffix in ("", ".gz"):
            if (path := folder / (name + suffix)).is_file():
                return path
    return None


def _fetch(name):
    from sklearn.datasets import fetch_openml  # slow to import

    # This parser needs no pandas.
    options = {"as_frame": False, "parser": "liac-arff"}
    try:
        X, y = fetch_openml(name, version=1, return_X_y=True, **options)
    except URLError as error:
        raise ConnectionError(
            f"{name} cannot be downloaded from OpenML ({error.reason}): try again later, or name "
            "the folder of its IDX files."
        ) from error
    return X.astype(np.uint8), y.astype(np.int64), min(N_TRAIN_IMAGES, len(X))


# Horizontal position, at 12 heights, of a pen that draws the digit from top to bottom.
_TEMPLATES = np.array(
    [
        [0, 2.0, 3.4, 4.2, 4.7, 5.0, 5.0, 4.7, 4.2, 3.4, 2.0, 0],
        [0, -2.4, -2.0, -1.4, -0.9, -0.3, 0.3, 0.9, 1.4, 2.0, 2.5, 0],
        [0, 1.6, 2.6, 3.0, 2.4, 1.2, -0.2, -1.4, -2.4, -3.0, -1.6, 0],
        [0, 2.0, 3.0, 2.6, 1.2, 0.4, 1.4, 2.8, 3.4, 2.8, 1.6, 0],
        [0, -0.7, -1.4, -2.1, -2.8, -3.5, -1.0, 0.4, 0.4, 0.4, 0.4, 0],
        [0, -2.6, -2.8, -2.4, -1.6, -0.4, 1.2, 2.4, 2.8, 2.2, 1.2, 0],
        [0, -1.4, -2.6, -3.6, -4.3, -4.7, -4.9, -4.9, -4.6, -3.8, -2.3, 0],
        [0, 3.0, 3.2, 2.6, 1.9, 1.2, 0.5, -0.2, -0.9, -1.6, -2.3, 0],
        [0, -1.8, -2.6, -2.2, -0.9, -0.2, -1.1, -2.5, -3.1, -2.6, -1.4, 0],
        [0, -1.9, -2.9, -2.9, -1.9, 0.2, 0.4, 0.3, 0.1, -0.2, -0.6, 0],
    ]
)

_MNIST1D_CONSTRAINTS: dict[str, list[Any]] = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_features": [Interval(Integral, 2, None, closed="left")],
    "scale": [Interval(Real, 0, 2, closed="left")],
    "max_translation": [Interval(Integral, 1, None, closed="left")],
    "correlated_noise": [Interval(Real, 0, None, closed="left")],
    "noise": [Interval(Real, 0, None, closed="left")],
    "shear": [Interval(Real, 0, None, closed="left")],
    "random_state": ["random_state"],
}


def make_mnist1d(
    n_samples: int = 5000,
    *,
    n_features: int = 40,
    padding: Sequence[int] = (36, 60),
    scale: float = 0.4,
    max_translation: int = 48,
    correlated_noise: float = 0.25,
    noise: float = 0.02,
    shear: float = 0.75,
    random_state: t.Seed = None,
) -> tuple[t.Array, t.Array]:
    """Generate MNIST-1D: ten curves, each at a random position in a noisy signal.

    A small problem that ranks models as images do: a linear model is poor, a network is better, and
    none is perfect. It is generated in a fraction of a second.

    Each class has a template of 12 points with standard deviation 1 / 6. A row is made from one as
    in the publication: zeros are appended; the result is stretched to a fixed length, scaled and
    shifted cyclically; correlated noise replaces the zeros; white noise is added; a slanting line
    is subtracted; and the signal is sampled at equal distances, by linear interpolation. Finally
    the whole array is standardized to mean 0 and standard deviation 1.

    Parameters
    ----------
    n_samples : int, default=5000
        Number of rows. The publication trains on 4000 and tests on 1000.
    n_features : int, default=40
        Number of samples of each signal.
    padding : tuple of 2 int, default=(36, 60)
        The smallest and the largest number of zeros; a template with fewer zeros is stretched more.
        The length of the signal is the largest number plus 12.
    scale : float, default=0.4
        A signal is multiplied by a number drawn between ``1 - scale / 2`` and ``1 + scale / 2``.
    max_translation : int, default=48
        The shift is drawn below this number of points; 1 does not shift.
    correlated_noise : float, default=0.25
        Standard deviation of the correlated noise, before it is smoothed by a Gaussian of 2
        points.
    noise : float, default=0.02
        Standard deviation of the white noise.
    shear : float, default=0.75
        From left to right the subtracted line rises by a number drawn between ``-shear / 2`` and
        ``shear / 2``.
    random_state : int, RandomState instance or None, default=None
        Seed of the random numbers.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float32
        The signals, in random order.
    y : ndarray of shape (n_samples,), int64
        The classes, 0 to 9, in equal numbers or as close to that as possible.

    Notes
    -----
    The steps and the defaults follow the publication. The templates do not: they were drawn for
    fastnn, after the same idea. So this is not the published data set, and results differ from the
    published ones. With the defaults and ``random_state=0``, a linear classifier has an accuracy of
    25 % on the last 1000 rows, and a network with hidden layers of 100 and 100 units 54 % (mean of
    5 seeds, `MLPClassifier` with early stopping, trained on the first 4000). The published values,
    for its data and its network, are 32 % and 68 %.

    References
    ----------
    Greydanus, S. and Kobak, D. "Scaling down deep learning with MNIST-1D" (2020), arXiv:2011.14439.

    Examples
    --------
    >>> from fastnn.datasets import make_mnist1d
    >>> X, y = make_mnist1d(random_state=0)
    >>> X.shape, y.shape
    ((5000, 40), (5000,))
    """
    check_arguments(_MNIST1D_CONSTRAINTS, locals(), "make_mnist1d")
    low, high = _padding(padding)
    n_samples, noise, correlated_noise = int(n_samples), abs(noise), abs(correlated_noise)
    rng = check_random_state(random_state)
    n_classes, n_points = _TEMPLATES.shape
    y = rng.permutation(np.arange(n_samples, dtype=np.int64) % n_classes)
    templates = _TEMPLATES - _TEMPLATES.mean(axis=1, keepdims=True)
    templates /= 6 * templates.std(axis=1, keepdims=True)
    templates -= templates[:, :1]  # begins at 0
    padded = np.pad(templates, ((0, 0), (0, 1)))

    def uniform(width):
        return width * (rng.random_sample((n_samples, 1)) - 0.5)

    # Position in the template of each point of the stretched and shifted signal.
    length = n_points + high
    shift = rng.randint(max_translation, size=(n_samples, 1))
    stretched = n_points + rng.randint(low, high + 1, size=(n_samples, 1))
    place = (np.arange(length) - shift) % length * ((stretched - 1) / (length - 1))
    X = _interpolate(padded[y], np.minimum(place, n_points)) * (1 + uniform(scale))
    smooth = gaussian_filter1d(rng.normal(0, correlated_noise, X.shape), 2)
    X = np.where(place < n_points, X, smooth) + rng.normal(0, noise, X.shape)
    X -= uniform(shear) * np.linspace(-0.5, 0.5, length)
    points = np.broadcast_to(np.linspace(0, length - 1, n_features), (n_samples, n_features))
    X = _interpolate(X, points)
    X -= X.mean()
    X /= X.std() or 1  # without noise, rows of two points may all be 0
    return X.astype(np.float32), y


def _padding(padding):
    is_pair = np.ndim(padding) == 1 and len(padding) == 2
    if is_pair and all(isinstance(number, Integral) for number in padding):
        low, high = padding
        if 0 <= low <= high:
            return low, high
    raise ValueError(
        "padding must be two whole numbers, of which the first is at least 0 and the second not "
        f"smaller, got {padding!r}."
    )


def _interpolate(rows, places):
    """Interpolate each row linearly at `places`; its values are at 0, 1, 2, ..."""
    before = np.minimum(places.astype(np.intp), rows.shape[1] - 2)
    left, right = (np.take_along_axis(rows, before + step, axis=1) for step in (0, 1))
    return left + (places - before) * (right - left)
