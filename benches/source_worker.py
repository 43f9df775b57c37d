"""A process that reads a file and trains on it, and does one thing at a time when asked.

python benches/source_worker.py COLUMN KIND PATH THREADS LIMIT EPOCHS     (by sources.py)
"""

import resource
import sys
import tempfile
import time
from itertools import pairwise

import numpy as np

from source_files import N_CLASSES, N_FEATURES, N_TOGETHER, NAMES, classes_of, draw
from worker import mebibytes, serve

HIDDEN, BATCH_SIZE, N_TREES = (100, 100), 256, 10
# Rows of the training in memory, whose time is told for one row.
N_IN_MEMORY = 200_000
RNG = np.random.default_rng(0)


class FastNN:
    """fastnn: reading alone, training alone, and both."""

    def __init__(self, kind, path, threads):
        from fastnn import MLPClassifier, data

        given = {"classes": np.arange(N_CLASSES)}
        if kind == "map":
            self.source = data.Arrays(path, classes_of(path), **given)
        else:
            self.source = getattr(data, kind)(path, target="y", **given)
        self.source.blocks()
        self.n_rows, self.seed = len(self.source), 0
        self.model = MLPClassifier(HIDDEN, batch_size=BATCH_SIZE, max_iter=1, n_jobs=threads)
        self.X = None

    def read(self):
        for rows in self.source:
            rows.X.max()  # the pages of a map are read where values are used

    def train(self):
        """Train on as many rows as the file has, of fewer that are in memory."""
        if self.X is None:
            parts = [draw(number) for number in range(N_IN_MEMORY // N_TOGETHER)]
            self.X, self.y = map(np.concatenate, zip(*parts, strict=True))
        self.model.set_params(max_iter=max(1, round(self.n_rows / N_IN_MEMORY)), tol=0.0)
        start = time.perf_counter()
        self.model.fit(self.X, self.y)
        rows = self.model.max_iter * N_IN_MEMORY
        return {"seconds": (time.perf_counter() - start) * self.n_rows / rows}

    def both(self):
        """Train on the file, and return the mean time of an epoch."""
        start = time.perf_counter()
        self.model.set_params(max_iter=self.epochs).fit(self.source)
        return {"seconds": (time.perf_counter() - start) / self.epochs}


class Torch:
    """PyTorch: a loop of Adam's steps over a DataLoader, in `workers` processes or in this one."""

    def __init__(self, kind, path, threads, workers):
        import torch

        torch.set_num_threads(threads)
        self.batches = (ArrayBatches if kind == "map" else ArrowBatches)(kind, path)
        self.loader = torch_loader(self.batches, workers)
        first = torch.zeros(BATCH_SIZE, N_FEATURES), torch.zeros(BATCH_SIZE)
        self.train([first])  # imports more

    def both(self):
        self.train(self.loader)

    def train(self, batches):
        import torch

        widths = [N_FEATURES, *HIDDEN]
        pairs = pairwise(widths)
        layers = [layer for pair in pairs for layer in (torch.nn.Linear(*pair), torch.nn.ReLU())]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1))
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        loss = torch.nn.BCEWithLogitsLoss()
        for X, y in batches:
            optimizer.zero_grad()
            loss(model(X)[:, 0], y).backward()
            optimizer.step()


def torch_loader(batches, workers):
    from torch.utils.data import DataLoader, IterableDataset

    class Dataset(IterableDataset):
        """Rows of each group in a random order, which are cut into batches."""

        def __iter__(self):
            import torch

            for X, y in batches:
                order = torch.randperm(len(X))
                X, y = torch.from_numpy(X)[order], torch.from_numpy(y).float()[order]
                for start in range(0, len(X), BATCH_SIZE):
                    yield X[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]

    prefetch = {"prefetch_factor": 8} if workers else {}
    return DataLoader(Dataset(), batch_size=None, num_workers=workers, **prefetch)


class ArrowBatches:
    """Rows of a file that pyarrow reads, about 10,000 at a time, as arrays."""

    def __init__(self, kind, path):
        self.kind, self.path = kind, path

    def __iter__(self):
        for batch in self.parquet() if self.kind == "Parquet" else self.csv():
            X = batch.select(NAMES).to_tensor(row_major=True).to_numpy()
            yield X.astype(np.float32, copy=False), batch["y"].to_numpy()

    def parquet(self):
        from pyarrow import parquet

        with parquet.ParquetFile(self.path) as file:
            for group in RNG.permutation(file.num_row_groups):
                yield from file.iter_batches(N_TOGETHER, [group], use_threads=False)

    def csv(self):
        """Yield rows in the order of the file, as pyarrow reads no parts of it."""
        import pyarrow as pa
        from pyarrow import csv

        types = dict.fromkeys(NAMES, pa.float32())
        with csv.open_csv(
            self.path,
            csv.ReadOptions(use_threads=False, block_size=1 << 23),
            convert_options=csv.ConvertOptions(column_types=types),
        ) as reader:
            yield from reader


class ArrayBatches:
    """Rows of a memory map, 10,000 at a time, in float32."""

    def __init__(self, kind, path):
        self.path = path

    def __iter__(self):
        X, y = np.load(self.path, mmap_mode="r"), np.load(classes_of(self.path))
        for number in RNG.permutation(len(X) // N_TOGETHER):
            part = slice(number * N_TOGETHER, (number + 1) * N_TOGETHER)
            yield X[part].astype(np.float32), y[part]


class XGBoost:
    """XGBoost: quantiles of a file larger than memory through its iterator, and trees."""

    def __init__(self, kind, path, threads):
        import xgboost

        batches = (ArrayBatches if kind == "map" else ArrowBatches)(kind, path)

        class Batches(xgboost.DataIter):
            def reset(self):
                self.batches = iter(batches)

            def next(self, input_data):
                found = next(self.batches, None)
                if found is not None:
                    input_data(data=found[0], label=found[1])
                return found is not None

        self.Batches, self.threads = Batches, threads

    def both(self):
        import xgboost

        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            iterator = self.Batches(cache_prefix=f"{folder}/cache")
            rows = xgboost.ExtMemQuantileDMatrix(iterator, nthread=self.threads)
            built = time.perf_counter() - start
            given = {"objective": "binary:logistic", "nthread": self.threads}
            xgboost.train(given, rows, N_TREES)
        return {"seconds of reading": built}


COLUMNS = {
    "fastnn": FastNN,
    "PyTorch": lambda *given: Torch(*given, workers=0),
    "PyTorch, 1 worker": lambda *given: Torch(*given, workers=1),
    "XGBoost": XGBoost,
}


class Work:
    """The end of the process that answers."""

    def __init__(self, column, kind, path, threads, limit, epochs):
        self.library = COLUMNS[column](kind, path, int(threads))
        self.library.epochs = int(epochs)  # of fastnn
        self.loaded = {"anonymous": mebibytes("RssAnon")}
        if int(limit):  # counts what the process may write to, but not maps of files
            resource.setrlimit(resource.RLIMIT_DATA, (int(limit) << 20,) * 2)

    def do(self, name):
        """Seconds that it takes to read, train, or do both."""
        start = time.perf_counter()
        answer = getattr(self.library, name)() or {}
        return {"seconds": time.perf_counter() - start} | answer


if __name__ == "__main__":
    serve(lambda: Work(*sys.argv[1:]))
