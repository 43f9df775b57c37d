"""Archives: not a bit may differ, and what is forged is refused as soon as it does not fit."""

import io
import json
import warnings
import zipfile

import numpy as np
import pytest

import fastnn
from fastnn._files.archive import DOCUMENT, Archive, check, member, pack
from fastnn.callbacks import Checkpoint, load_checkpoint
from support.callback_fits import X, Y, classifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

REFUSED = r"is no file of fastnn, or its beginning is damaged|is damaged: its content does not have"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a model and a checkpoint, and what loads them."""
    folder = tmp_path_factory.mktemp("files")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier(Checkpoint(folder / "checkpoint")).fit(X, Y).save(folder / "model")
    return {"model": fastnn.load, "checkpoint": load_checkpoint}, folder


def assert_refused(content, load, path):
    """Check what loading begins with, or all of it, which takes far longer."""
    with pytest.raises(ValueError, match=REFUSED):
        check(content, "file")
    if load is not None:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=REFUSED):
            load(path)


@pytest.mark.parametrize("kind", ["model", "checkpoint"])
def test_every_flipped_bit_and_every_truncation_is_refused(files, kind, tmp_path):
    loaders, folder = files
    load, whole = loaders[kind], (folder / kind).read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "file"
    flips = rng.choice(8 * len(whole), 1000, replace=False)
    lengths = [0, len(whole) - 1, *rng.integers(len(whole), size=998)]
    for i, bit in enumerate(flips):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        assert_refused(bytes(changed), load if i % 50 == 0 else None, path)
    for i, length in enumerate(lengths):
        assert_refused(whole[:length], load if i % 50 == 0 else None, path)
    assert_refused(whole + b"\0", load, path)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.arange(3, dtype=">i8"),
        np.array(["a", "äöü"]),
        np.array([b"a"]),
        np.array([], np.uint8),
        np.array(3.5),
        np.zeros((0, 4)),
        np.array(["2024-01-01"], "M8[s]"),
        np.arange(8)[::-2],
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_come_back(array):
    found = Archive(pack({}, [array])).array(0)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.flags.writeable


def forged(**members):
    """Return an archive of any members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", members.pop("how", zipfile.ZIP_STORED)) as archive:
        archive.writestr(DOCUMENT, "{}")
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array, **header):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    content = file.getvalue()
    for old, new in header.items():
        content = content.replace(old.encode(), new.ljust(len(old)).encode())
    return content


@pytest.mark.parametrize(
    "content, told",
    [
        (npy(np.array([None])), "an array has the type object"),
        (npy(np.zeros(3, "i4,i4")), "an array has the type"),
        (npy(np.zeros(3)) + b"\0", r"an array of shape \(3,\) has 25 bytes"),
        (npy(np.zeros(3))[:-1], r"an array of shape \(3,\) has 23 bytes"),
        (npy(np.zeros(30), **{"(30,)": "(-3,)"}), r"an array of shape \(-3,\)"),
        (npy(np.zeros(111111), **{"(111111,)": "(9**99,)"}), "malformed node"),
        (b"", "EOF: reading magic string"),
        (b"\x93NUMPY\x09\x00", "version"),
    ],
)
def test_arrays_that_cannot_be_are_refused(content, told):
    with pytest.raises(ValueError, match=told):
        Archive(forged(**{member(0): content})).array(0)


def test_nothing_is_larger_than_its_file():
    bomb = forged(how=zipfile.ZIP_DEFLATED, **{member(0): npy(np.zeros(1 << 20))})
    with pytest.raises(ValueError, match="its members are larger than the file"):
        Archive(bomb)
    archive = Archive(pack({}, [np.zeros(3)]))
    archive.array(0)
    with pytest.raises(KeyError):
        archive.array(0)
    small = forged(how=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"is compressed|larger than the file"):
        Archive(small)


def test_documents_that_are_none_are_refused():
    for text in ("", "[" * 100_000, '{"a": NaN}', "\xff"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(DOCUMENT, text.encode("latin-1"))
        with pytest.raises((ValueError, RecursionError)):
            Archive(file.getvalue())
    with pytest.raises(ValueError, match="JSON compliant"):
        pack({"a": float("nan")}, [])
    assert Archive(pack({"a": [1, None]}, [])).document == json.loads('{"a": [1, null]}')
