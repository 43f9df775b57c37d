"""Workloads of `compare.py`: data, a network and its training, the same for every library."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Workload:
    """Rows with labels, and a network of ReLU layers that is trained on them.

    Every library starts from Glorot's uniform weights, visits the rows in a new random order in
    each epoch, takes the smaller last batch too, and minimises the cross-entropy (of one logistic
    output where there are two classes) by Adam with a rate of 0.001 and no penalty.
    """

    n_rows: int
    n_features: int
    n_classes: int
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int
    dtype: str = "float32"
    density: float = 1.0  # below one, the rows are sparse
    mapped: bool = False  # the rows stay in a file
    batch_norm: bool = False
    dropout: float = 0.0
    solver: str = "adam"  # or lbfgs, with so many iterations as there are epochs
    grid: tuple[tuple[str, tuple], ...] = ()  # a search over these parameters in place of one fit
    predicts: tuple[int, ...] = ()  # numbers of rows

    def __str__(self):
        hidden = ", ".join(map(str, self.hidden))
        parts = [f"{self.n_rows} x {self.n_features}"]
        parts += [f"{100 * self.density:g} % dense"] * (self.density < 1)
        parts += [f"in a memory map of {self.n_rows * self.n_features >> 18} MiB"] * self.mapped
        parts += [self.dtype] * (self.dtype != "float32")
        parts += [f"hidden ({hidden})"]
        parts += ["batch norm"] * self.batch_norm
        parts += [f"dropout {self.dropout:g}"] * bool(self.dropout)
        if self.solver == "lbfgs":
            return ", ".join([*parts, f"{self.epochs} iterations of L-BFGS"])
        parts += [f"batch {self.batch_size}", f"{self.epochs} epoch" + "s" * (self.epochs > 1)]
        return ", ".join(parts)

    @property
    def n_outputs(self):
        return self.n_classes if self.n_classes > 2 else 1

    def save_data(self, folder):
        """Write X and y, from which a linear teacher can be learned, to files."""
        rng = np.random.default_rng(0)
        shape = self.n_rows, self.n_features
        if self.density < 1:
            X = sparse.random_array(shape, density=self.density, format="csr", rng=rng)
            X = X.astype(self.dtype)
            sparse.save_npz(Path(folder) / "X.npz", X, compressed=False)
        else:
            X = rng.random(shape, dtype=np.float32) - np.float32(0.5)
            X = X.astype(self.dtype, copy=False)
            np.save(Path(folder) / "X.npy", X)
        teacher = rng.standard_normal((self.n_features, self.n_classes), dtype=np.float32)
        np.save(Path(folder) / "y.npy", (X @ teacher).argmax(axis=1))

    def load_data(self, folder):
        folder = Path(folder)
        y = np.load(folder / "y.npy")
        if self.density < 1:
            return sparse.load_npz(folder / "X.npz"), y
        return np.load(folder / "X.npy", mmap_mode="r" if self.mapped else None), y


IMAGES = dict(n_rows=60_000, n_features=784, n_classes=10)
TABLE = dict(n_rows=20_000, n_features=64, n_classes=2, hidden=(64, 32), batch_size=200)
FEW_ROWS = (1, 64, 1024)
GRID = (("hidden_layer_sizes", ((32,), (64, 32))), ("learning_rate_init", (3e-4, 1e-3, 3e-3, 1e-2)))

WORKLOADS = {
    "images": Workload(
        **IMAGES, hidden=(100, 100), batch_size=128, epochs=3, predicts=(*FEW_ROWS, 60_000)
    ),
    "images-batch-32": Workload(**IMAGES, hidden=(100, 100), batch_size=32, epochs=2),
    "images-256-128": Workload(**IMAGES, hidden=(256, 128), batch_size=200, epochs=2),
    "images-512-512": Workload(
        **IMAGES, hidden=(512, 512), batch_size=256, epochs=2, predicts=(*FEW_ROWS, 60_000)
    ),
    "images-regularized": Workload(
        **IMAGES, hidden=(100, 100), batch_size=128, epochs=3, batch_norm=True, dropout=0.2
    ),
    "images-float64": Workload(
        **IMAGES, hidden=(100, 100), batch_size=128, epochs=2, dtype="float64"
    ),
    "table": Workload(**TABLE, epochs=40, predicts=(*FEW_ROWS, 20_000)),
    "table-small": Workload(1_000, 20, 2, (50,), batch_size=32, epochs=200),
    "table-long": Workload(
        500_000, 30, 2, (256, 256, 256), batch_size=256, epochs=1, predicts=(*FEW_ROWS, 20_000)
    ),
    "table-lbfgs": Workload(**TABLE, epochs=30, solver="lbfgs"),
    "text": Workload(20_000, 50_000, 2, (64,), batch_size=200, epochs=3, density=0.001),
    "search": Workload(4_000, 30, 2, (64, 32), batch_size=200, epochs=20, grid=GRID),
    "memory-map": Workload(200_000, 784, 10, (100, 100), batch_size=128, epochs=1, mapped=True),
}
