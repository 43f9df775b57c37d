"""Sizes on disk of a model in each form, of a wheel and of the package that it installs.

    python benches/sizes.py [WHEEL]

The model classifies images of 784 pixels with two hidden layers of 100 units.
"""

import argparse
import pickle
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np

from fastnn import MLPClassifier


def fitted():
    """A model as large as one of MNIST, after an epoch of noise."""
    rng = np.random.default_rng(0)
    model = MLPClassifier(hidden_layer_sizes=(100, 100), max_iter=1, precision="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rng.random((1000, 784), np.float32), np.arange(1000) % 10)


def models(folder):
    """Yield forms of the model, and their bytes."""
    model = fitted()
    yield "parameters alone", sum(each.nbytes for each in model.coefs_ + model.intercepts_)
    model.save(folder / "model.fastnn")
    model.save(folder / "training.fastnn", training=True)
    model.to_onnx(folder / "model.onnx")
    yield "`model.save(path)`", size(folder / "model.fastnn")
    yield "`model.save(path, training=True)`", size(folder / "training.fastnn")
    yield "pickle", len(pickle.dumps(model))
    yield "ONNX", size(folder / "model.onnx")
    exported = model.to_c(folder / "model.c")
    yield "C: constants of the program", exported.n_constant
    exported = model.to_c(folder / "small.c", quantized=True, X=np.zeros((1, 784)))
    yield "C, `quantized=True`", exported.n_constant


def packages(wheel):
    """Yield what a wheel consists of, and its bytes."""
    yield "wheel", size(wheel)
    with zipfile.ZipFile(wheel) as archive:
        files = {Path(file.filename): file.file_size for file in archive.infolist()}
    yield "installed package", sum(files.values())
    yield ".. its native code", sum(n for path, n in files.items() if ".so" in path.name)


def size(path):
    return path.stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", nargs="?", type=Path)
    wheel = parser.parse_args().wheel
    print("| | kB |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, n_bytes in models(Path(folder)):
            print(f"| {name} | {n_bytes / 1000:,.0f} |")
    for name, n_bytes in packages(wheel) if wheel else ():
        print(f"| {name} | {n_bytes / 1000:,.0f} |")


if __name__ == "__main__":
    main()
