"""Readers of real data: IDX files (MNIST and its relatives).

The format is Yann LeCun's: two zero bytes, a type code, the number of dimensions, each size as a
big-endian 32-bit integer, then the elements in C order, big-endian.
"""

import gzip
import math
from pathlib import Path

import numpy as np

__all__ = ["load_idx", "load_mnist"]

_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def load_idx(path):
    """Read one IDX file, plain or gzip-compressed.

    Parameters
    ----------
    path : str or path-like
        The file. Compression is recognised by its first bytes, not by its name.

    Returns
    -------
    array : ndarray
        The elements, in native byte order and in the shape that the header tells.

    Raises
    ------
    ValueError
        If the file is not IDX, or longer or shorter than its header says.
    """
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError) as error:
            raise ValueError(f"{path} is a damaged gzip file ({error}); copy it again.") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX_TYPES or data[3] == 0:
        raise ValueError(f"{path} is not an IDX file: it starts with {data[:4].hex(' ')!r}.")
    dtype, ndim = np.dtype(_IDX_TYPES[data[2]]), data[3]
    start = 4 + 4 * ndim
    if len(data) < start:
        raise ValueError(f"{path} ends within its IDX header; copy it again.")
    shape = tuple(np.frombuffer(data, ">u4", ndim, offset=4).tolist())
    expected = start + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise ValueError(
            f"{path} holds {len(data)} bytes, but its IDX header {shape} asks for {expected}; "
            "copy it again."
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def load_mnist(folder=None):
    """MNIST, or a data set in the same files (Fashion-MNIST, KMNIST), one row an image.

    Parameters
    ----------
    folder : str or path-like, default=None
        Where the usual four files lie (``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and
        the same of ``t10k``), compressed (``.gz``) or not; either pair may be absent. None
        downloads MNIST through :func:`sklearn.datasets.fetch_openml`, which keeps a copy.

    Returns
    -------
    X : ndarray of shape (n_images, n_pixels), uint8
        Training images first, then test images.
    y : ndarray of shape (n_images,), int64
        Their labels.
    """
    if folder is None:
        return _fetch_mnist()
    folder = Path(folder)
    parts = [part for name in ("train", "t10k") if (part := _load_pair(folder, name)) is not None]
    if not parts:
        raise FileNotFoundError(
            f"{folder} holds neither train-images-idx3-ubyte nor t10k-images-idx3-ubyte (or .gz); "
            "name the folder of the IDX files."
        )
    images, labels = zip(*parts, strict=True)
    if len({part.shape[1] for part in images}) > 1:
        raise ValueError(f"The train and t10k images in {folder} differ in size.")
    return np.concatenate(images), np.concatenate(labels)


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
    # Some copies were renamed by unpackers that take the last hyphen for a dot.
    for name in (f"{stem}-{kind}", f"{stem}.{kind}"):
        for suffix in ("", ".gz"):
            if (path := folder / (name + suffix)).is_file():
                return path
    return None


def _fetch_mnist():
    from sklearn.datasets import fetch_openml  # not at import: it costs more than all of this file

    # This parser needs no pandas.
    X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
    return X.astype(np.uint8), y.astype(np.int64)
