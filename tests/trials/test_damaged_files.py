"""Damaged checkpoints are refused; damaged pickles and forged files end no process."""

import copy
import io
import pickle
import re
import resource
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import fastnn
from fastnn import MLPClassifier, MLPRegressor
from fastnn._files.archive import Archive, pack
from fastnn.callbacks import Checkpoint, EarlyStopping, load_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
TYPES = ["f2", "f4", "f8", "g", "i8", "u1", "c16", "O", "S8", "V8", "M8[s]", "?"]
MEMORY = 8 << 30  # enough for all but sizes that were damaged
# The types of arrays, as NumPy writes them: it crashes by itself where a damaged one is loaded.
OF_NUMPY = re.compile(rb"\x8c.[a-zA-Z]\d+.{0,30}?NNNJ\xff{4}J\xff{4}K\x00t\x94b", re.DOTALL)


def damaged(data, rng):
    """Return the bytes with some removed or changed."""
    kind, left_alone = rng.integers(6), [match.span() for match in OF_NUMPY.finditer(data)]
    while True:
        at, n = int(rng.integers(len(data))), int(rng.integers(1, 9))
        if not any(at < end and begin < at + n for begin, end in left_alone):
            break
    if kind <= 2:  # a bit, or some
        changed = np.frombuffer(data, np.uint8).copy()
        changed[at : at + kind + 1] ^= np.uint8(1 << rng.integers(8))
        return changed.tobytes()
    if kind == 3:  # bytes
        return data[:at] + rng.bytes(n) + data[at + n :]
    if kind == 4:  # the end, or a part
        return data[:at] + (data[at + n :] if rng.integers(2) else b"")
    return data[: at + n] + data[at:]  # a part twice


class Recasts(pickle.Pickler):
    """Pickler that changes the type of one array."""

    def __init__(self, file, which, dtype):
        super().__init__(file)
        self.left, self.dtype = which, dtype

    def reducer_override(self, obj):
        if isinstance(obj, np.ndarray):
            self.left -= 1
            if self.left == 0:
                return obj.astype(self.dtype).__reduce_ex__(4)
        return NotImplemented


def pickled(obj, rng):
    """A pickle that is damaged, or sound and of other types."""
    if rng.integers(3):
        return damaged(pickle.dumps(obj), rng)
    file = io.BytesIO()
    Recasts(file, rng.integers(1, 20), rng.choice(TYPES)).dump(obj)
    return file.getvalue()


def forged(content, rng):
    """The bytes of a file with a valid checksum, in which some values are others."""
    archive = Archive(content)
    document, arrays = archive.document, []
    while True:
        try:
            arrays.append(archive.array(len(arrays)))
        except KeyError:
            break
    for _ in range(rng.integers(1, 3)):
        if arrays and rng.integers(3) == 0:
            i = rng.integers(len(arrays))
            arrays[i] = other_array(arrays[i], rng)
        else:
            nodes = list(inner_nodes(document["parts"]))
            node = nodes[rng.integers(len(nodes))]
            keys = list(node) if isinstance(node, dict) else range(len(node))
            other = copy.deepcopy(OTHERS[rng.integers(len(OTHERS))])
            node[keys[rng.integers(len(keys))]] = other
    return pack(document, arrays)


OTHERS = [None, True, 0, -1, 3, 1 << 40, 1 << 70, 0.5, {"float": "nan"}, {"float": "-inf"}, "relu"]
OTHERS += [[], {}, {"array": 0}, {"array": 1}, {"tuple": []}, {"dict": {}}, {"name": "os:system"}]
OTHERS += [{"layers.Dense": {"units": 1 << 40}}, {"optimizers.Adam": {}}, {"Labels": {"dict": {}}}]


def inner_nodes(tree):
    """Yield the lists and objects of a document that are not empty."""
    if isinstance(tree, list | dict) and tree:
        yield tree
        for node in tree.values() if isinstance(tree, dict) else tree:
            yield from inner_nodes(node)


def other_array(array, rng):
    """An array of another type, shape or values."""
    kind = rng.integers(4)
    if kind == 0:
        return np.zeros(array.shape, rng.choice([one for one in TYPES if one not in "OV8"]))
    if kind == 1:
        return np.stack([array, array])
    if kind == 2:
        return array[..., :0] if array.ndim else array
    return -array if array.dtype.kind in "if" else array[::-1]


def fitted(path=None, **options):
    """A model with all that a state may have."""
    options = {"n_jobs": 1, "max_iter": 4, "random_state": 0, "batch_size": 40} | options
    if path is not None:
        stop = EarlyStopping("loss", restore_best=True)
        options |= {"callbacks": [Checkpoint(path, resume=True), stop]}
    return MLPClassifier((7,), early_stopping=True, n_iter_no_change=99, **options).fit(X, Y)


MODELS = [
    lambda: fitted(normalization="batch", averaging="ema", dropout=0.1),
    lambda: fitted(precision="bfloat16", activation="prelu"),
    lambda: MLPRegressor(hidden_layer_sizes=(5, 4), n_jobs=1, max_iter=2, random_state=0).fit(
        X, X[:, :2]
    ),
    lambda: MLPClassifier((5,), n_jobs=1, max_iter=2, random_state=0).fit(
        X, np.stack([Y, Y == 1], axis=1)
    ),
]


# --- checkpoints ----------------------------------------------------------------------------------


def refuses(tmp_path, n):
    path = tmp_path / "file"
    fitted(path, max_iter=2)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for trial in range(n):
        data = damaged(whole, rng)
        if data == whole:
            continue
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"is no file of fastnn|is damaged"):
            load_checkpoint(path) if trial % 2 else fitted(path)
    path.write_bytes(whole)
    np.testing.assert_array_equal(fitted(path).coefs_[0], fitted(tmp_path / "other").coefs_[0])


def test_a_damaged_checkpoint_is_refused(tmp_path):
    refuses(tmp_path, 200)


@pytest.mark.whole
def test_a_damaged_checkpoint_is_refused_every_time(tmp_path):
    refuses(tmp_path, 20_000)


# --- what is unpickled ----------------------------------------------------------------------------


def harms_nothing(kind, first, n):
    """Trials of these numbers, in a process that has to survive them."""
    command = [sys.executable, "-X", "faulthandler", __file__, kind, str(first), str(n)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    last = done.stdout.split()[-1:]
    assert done.returncode == 0, f"trial {last} of {kind}: {done.returncode} {done.stderr}"


@pytest.mark.parametrize("kind", ["pickle", "model", "checkpoint"])
def test_a_damaged_pickle_or_a_forged_file_harms_nothing(kind):
    """Check damaged pickles, and files of another content that have a valid checksum."""
    harms_nothing(kind, 0, 60)


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["pickle", "model", "checkpoint"])
@pytest.mark.parametrize("first", range(1000, 5000, 1000))
def test_a_damaged_pickle_or_a_forged_file_harms_nothing_in_thousands_of_trials(kind, first):
    harms_nothing(kind, first, 1000)


def use(model):
    for method in (model.predict, lambda X: model.partial_fit(X, model.predict(X))):
        try:
            method(X)
        except Exception:
            continue


def use_model(content, path):
    path.write_bytes(content)
    use(fastnn.load(path))


def use_checkpoint(content, path):
    path.write_bytes(content)
    with suppress(ValueError):
        use(load_checkpoint(path))
    fitted(path)


def main(kind, first, n):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    path = Path(tempfile.mkdtemp()) / "file"
    objects = [make() for make in MODELS] if kind != "checkpoint" else [fitted(path, max_iter=2)]
    contents = []
    for model in objects:
        if kind == "model":
            model.save(path, training=True)
        contents.append(None if kind == "pickle" else path.read_bytes())
    for trial in range(first, first + n):
        print(trial, flush=True)
        rng, i = np.random.default_rng(trial), trial % len(objects)
        try:
            if kind == "pickle":
                use(pickle.loads(pickled(objects[i], rng)))
            elif kind == "model":
                use_model(forged(contents[i], rng), path)
            else:
                use_checkpoint(forged(contents[i], rng), path)
        except Exception as error:
            if kind == "model" and not isinstance(error, ValueError):
                raise


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]))
