"""Folders of images as sources."""

import os

import numpy as np
import pytest
from PIL import Image

from fastnn.data import ImageFolder

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 6, 5, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Images in folders of their classes, and a CSV file of their names and labels."""
    lines = ["file,label,age\n"]
    for i, pixels in enumerate(PIXELS):
        name = f"{'cat' if i % 3 else 'dog'}/{i:02}.png"
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        lines.append(f"{name},{i % 3},{i / 2}\n")
    (tmp_path / "labels.csv").write_text("".join(lines))
    return tmp_path / "images"


def test_folders_are_classes(folder):
    source = ImageFolder(folder, shuffle_buffer=1)
    [rows] = source
    assert source.image_shape == (6, 5, 3) and source.n_features == 90 and len(source) == 12
    cats = [i for i in range(12) if i % 3]
    assert rows.y.tolist() == ["cat"] * 8 + ["dog"] * 4
    np.testing.assert_array_equal(rows.X[:8], PIXELS[cats].reshape(8, -1))
    [targets] = source.read(source.blocks()[0], targets_only=True)
    assert targets.X is None and targets.y is not None


def test_labels_of_a_file(folder):
    labels = folder.parent / "labels.csv"
    [rows] = ImageFolder(folder, labels)
    np.testing.assert_array_equal(rows.X, PIXELS.reshape(12, -1))
    assert rows.y.dtype == np.int64 and rows.y.tolist() == [i % 3 for i in range(12)]
    assert rows.place(3) == f"row 3 of {labels}"
    [rows] = ImageFolder(folder, labels, target="age")
    assert rows.y.tolist() == [i / 2 for i in range(12)]
    [rows] = ImageFolder(folder, labels, target=["label", "age"], file_column="file")
    assert rows.y.shape == (12, 2)


def test_size_and_mode(folder):
    source = ImageFolder(folder, folder.parent / "labels.csv", size=(3, 4), mode="L")
    [rows] = source
    assert source.image_shape == (3, 4) and rows.X.dtype == np.uint8
    image = Image.fromarray(PIXELS[5]).convert("L").resize((4, 3), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(rows.X[5], np.asarray(image).ravel())
    assert ImageFolder(folder, size=8).image_shape == (8, 8, 3)
    assert ImageFolder(folder, size=8).identity() != ImageFolder(folder, size=9).identity()


def test_images_without_labels(folder):
    source = ImageFolder(folder / "dog")
    assert len(source) == 4 and next(iter(source)).y is None


def test_large_jpeg_files_are_scaled(folder):
    grey = np.linspace(0, 255, 200).astype(np.uint8)
    Image.fromarray(np.tile(grey, (300, 1))).save(folder / "dog" / "x.jpg")
    [rows] = ImageFolder(folder / "dog", size=(30, 20), mode="L")
    np.testing.assert_allclose(rows.X[-1].reshape(30, 20)[4], np.linspace(5, 250, 20), atol=4)


def test_blocks_are_small(folder):
    for i in range(30):
        Image.fromarray(np.full((600, 100), i, np.uint8)).save(folder / "dog" / f"x{i:02}.png")
    source = ImageFolder(folder, size=(600, 100), mode="L")
    assert [block.n_rows for block in source.blocks()] == [17, 17, 8]
    last = list(source)[-1]
    assert (np.arange(22, 30, dtype=np.uint8)[:, None] == last.X).all()


def refusal(*args, error=ValueError, **given):
    """The message of the error of a source, made or read."""
    with pytest.raises(error) as caught:
        list(ImageFolder(*args, **given))
    return str(caught.value)


def test_bad_images(folder):
    name = folder / "cat" / "x.png"
    Image.fromarray(PIXELS[0, :4]).save(name)
    assert "x.png has 4 x 5 pixels, and" in refusal(folder)
    content = (folder / "cat" / "01.png").read_bytes()
    for damaged in (b"nothing", content[:60], b""):
        name.write_bytes(damaged)
        assert "cat/x.png cannot be read as an image" in refusal(folder)
    Image.fromarray(PIXELS[0, :, :, 0].astype(np.uint16)).save(name)
    assert "x.png has more than 8 bits a channel" in refusal(folder)
    source = ImageFolder(folder / "dog")
    os.utime(folder / "dog" / "00.png", (0, 0))
    with pytest.raises(ValueError, match=r"00\.png has changed since"):
        list(source)


def test_bad_folders(folder, tmp_path):
    assert "has no column 'x'" in refusal(folder, tmp_path / "labels.csv", target="x")
    assert "There is no folder" in refusal(folder / "x", error=FileNotFoundError)
    (tmp_path / "empty").mkdir()
    assert "has no file .png" in refusal(tmp_path / "empty", error=FileNotFoundError)
    Image.fromarray(PIXELS[0]).save(folder / "x.png")
    assert "images in subfolders, whose names are labels, and others" in refusal(folder)
    assert "mode must be 'RGB' or 'L', got 'grey'" in refusal(folder, mode="grey")


@pytest.mark.parametrize(
    "text, message",
    [
        ("file,label\ncat/01.png,1\nowl/1.png,2\n", "row 1: there is no image"),
        ("file,label\ncat/01.png\n", "row 0: there are 1 values for 2"),
        ("file\ncat/01.png\n", "has no column of labels"),
        ("file,label\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_bad_labels(folder, text, message):
    labels = folder.parent / "labels.csv"
    labels.write_text(text)
    assert message in refusal(folder, labels, error=(ValueError, FileNotFoundError))
