"""Source of images in a folder, with labels in a CSV file or in the names of subfolders."""

import csv
import os
from typing import Any

import numpy as np

from .. import _typing as t
from .blocks import BlockSource, cut, rows_of_block
from .files import Files
from .libraries import need
from .source import Rows

# Modes of images of more than 8 bits a channel, which Pillow would cut off.
_DEEP = ("I", "F")


class ImageFolder(BlockSource):
    """Rows of image files, one image per row.

    Pixels are uint8, flattened in C order from (height, width) or (height, width, channels), as
    expected by the transforms of `fastnn.augment`. A block is a group of images with about 1 MiB of
    pixels. It requires Pillow (``pip install "fastnn-mlp[images]"``).

    Parameters
    ----------
    folder : str or path-like
        Folder of the images.
    labels : str or path-like, default=None
        CSV file with a header and a column with the names of image files. None uses the name of the
        subfolder of an image as its label; images in the folder itself have no labels, for
        prediction.
    file_column : str, default=None
        Name of the column of file names. None is the first column.
    target : str or list of str, default=None
        Names of the columns of labels. None is the second column.
    size : int or tuple of int (height, width), default=None
        Size in pixels to which images are scaled by bilinear interpolation. None does not scale;
        all images must then have the same size.
    mode : {"RGB", "L"}, default="RGB"
        Mode of Pillow: "RGB" for colour, "L" for grey.
    classes : array-like of shape (n_classes,), or list of n_targets such, default=None
        The labels of the target. None finds them in a pass over the targets before training.
    shuffle_buffer : int, default=None
        Number of rows in the buffer in which training shuffles. None is the number that fits in 64
        MiB.

    Attributes
    ----------
    image_shape : tuple of int
        (height, width) or (height, width, 3), the `shape` of transforms of `fastnn.augment`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or contains no images, or if an image named in `labels` is
        missing.
    ValueError
        If labels are missing; while reading, if an image cannot be read, differs in its size, or
        has changed.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from fastnn.data import ImageFolder
    >>> folder = Path(tempfile.mkdtemp())
    >>> for label, grey in [("dark", 30), ("light", 220)]:
    ...     (folder / label).mkdir()
    ...     Image.new("L", (28, 28), grey).save(folder / label / "0.png")
    >>> source = ImageFolder(folder, size=14, mode="L")
    >>> rows = next(iter(source))
    >>> rows.X.shape, rows.y.tolist()
    ((2, 196), ['dark', 'light'])
    """

    suffixes = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

    def __init__(
        self,
        folder: t.Path,
        labels: t.Path | None = None,
        *,
        file_column: str | None = None,
        target: Any = None,
        size: Any = None,
        mode: str = "RGB",
        classes: t.ClassLists | None = None,
        shuffle_buffer: int | None = None,
    ) -> None:
        super().__init__(classes=classes, shuffle_buffer=shuffle_buffer)
        need("PIL.Image", "ImageFolder")
        if mode not in ("RGB", "L"):
            raise ValueError(f"mode must be 'RGB' or 'L', got {mode!r}.")
        folder = os.fspath(folder)
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"There is no folder {folder}.")
        if labels is None:
            self._images = Files(folder, self.suffixes)
            self._labels = _names_of_subfolders(folder, self._images.names)
        else:
            names, self._labels = _read_labels(os.fspath(labels), file_column, target)
            self._images = _named_images(folder, names, labels)
        self.names = [os.fspath(folder if labels is None else labels)]
        self._mode = mode
        self._size = size if size is None or isinstance(size, tuple | list) else (size, size)
        self.image_shape = self._image(0).shape
        self.n_features = int(np.prod(self.image_shape))
        n_rows = rows_of_block(self.n_features, shuffle_buffer)
        self._blocks = list(cut([len(self._images.names)], n_rows))

    def blocks(self):
        return self._blocks

    def identity(self):
        return f"ImageFolder of {self._images.identity()}, {self.image_shape}"

    def read(self, block, *, targets_only=False):
        numbers = range(block.first_row, block.first_row + block.n_rows)
        X = None
        if not targets_only:
            X = np.empty((len(numbers), self.n_features), np.uint8)
            for i, number in enumerate(numbers):
                X[i] = self._checked(number).reshape(-1)
        y = None if self._labels is None else self._labels[numbers.start : numbers.stop]
        yield Rows(X, y, None, self.names[0], numbers)

    def _checked(self, number):
        """Return an image of the same shape as the first."""
        pixels = self._image(number)
        if pixels.shape != self.image_shape:
            (height, width), (first_height, first_width) = pixels.shape[:2], self.image_shape[:2]
            raise ValueError(
                f"{self._images.names[number]} has {height} x {width} pixels, and "
                f"{self._images.names[0]} {first_height} x {first_width}: choose a size for all."
            )
        return pixels

    def _image(self, number):
        from PIL import Image

        path = self._images.check(number)
        try:
            with Image.open(path) as image:
                if image.mode.startswith(_DEEP):
                    raise ValueError(
                        f"{path} has more than 8 bits a channel: convert it to 8 bits."
                    )
                if self._size is not None:  # JPEG files are read at about twice this size
                    image.draft(self._mode, (2 * self._size[1], 2 * self._size[0]))
                image = image.convert(self._mode)
                if self._size is not None and image.size != self._size[::-1]:
                    image = image.resize(self._size[::-1], Image.Resampling.BILINEAR)
                return np.asarray(image)
        except OSError as error:  # and those of Pillow
            raise ValueError(f"{path} cannot be read as an image: {error}.") from None


def _names_of_subfolders(folder, names):
    """Return the names of the folders of the images as labels; None if they are in no subfolder."""
    below = [os.path.relpath(name, folder).split(os.sep) for name in names]
    depths = {len(parts) > 1 for parts in below}
    if len(depths) > 1:
        raise ValueError(
            f"{folder} has images in subfolders, whose names are labels, and others beside them: "
            "give each image a subfolder, or labels by a CSV file."
        )
    return np.array([parts[0] for parts in below]) if depths == {True} else None


def _read_labels(path, file_column, target):
    """Return the names of images and their labels in a CSV file."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *lines = [line for line in csv.reader(file) if line] or [[]]
    if not lines:
        raise ValueError(f"{path} has no rows.")
    wanted = [target] if isinstance(target, str) else list(target or header[1:2])
    columns = [header[0] if file_column is None else file_column, *wanted]
    for name in columns:
        if name not in header:
            raise ValueError(f"{path} has no column {name!r}: its columns are {header}.")
    if not wanted:
        raise ValueError(f"{path} has no column of labels.")
    for row, line in enumerate(lines):
        if len(line) != len(header):
            raise ValueError(f"{path}, row {row}: there are {len(line)} values for {len(header)}.")
    names, *labels = [[line[header.index(name)] for line in lines] for name in columns]
    arrays = list(map(_typed, labels))
    return names, arrays[0] if isinstance(target, str | None) else np.column_stack(arrays)


def _typed(texts):
    """Return texts as whole numbers or decimals if all are such."""
    for kind in (np.int64, np.float64):
        try:
            return np.array(texts).astype(kind)
        except ValueError:
            continue
    return np.array(texts)


def _named_images(folder, names, labels):
    paths = [os.path.join(folder, name) for name in names]
    for row, path in enumerate(paths):
        if not os.path.isfile(path):
            raise FileNotFoundError(f"{labels}, row {row}: there is no image {path}.")
    return Files(paths, ())
