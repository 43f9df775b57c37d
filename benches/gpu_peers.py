"""Training steps on a GPU, in fastnn and in each way that PyTorch has of doing them.

Objects with the same methods: `prepare(case)` makes a network with the weights of the case, and
compiles and captures what can be; `run(part)` does a number of its steps and returns seconds, by
events of the GPU and by the clock; `loss()` is that of all rows, as in prediction. All read rows
that stay on the device, in the same order: each step gathers its own.

Without a GPU, for a dry run, PyTorch is on the processor and fastnn in Numba's simulator.
"""

import gc
import time
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import numpy as np

LEARNING_RATE, DROPOUT = 1e-3, 0.2
WARM_UP = 5  # steps before any that count, on the weights of a training that is then forgotten


@dataclass(frozen=True)
class Case:
    """Steps of a network of ReLU layers: cross-entropy, or half the squared error of one output.

    Attributes
    ----------
    n_steps : int
        Of a run.
    regularized : bool
        Whether hidden layers have batch norm and dropout.
    precision : {"float32", "tf32"}
    optimizer : {"adam", "sgd", "lamb"}
    """

    n_features: int
    hidden: tuple[int, ...]
    n_outputs: int
    batch_size: int
    n_steps: int
    regularized: bool = False
    precision: str = "float32"
    optimizer: str = "adam"
    n_rows: int = 60_000

    def __str__(self):
        widths = "-".join(map(str, (self.n_features, *self.hidden, self.n_outputs)))
        parts = [f"{widths} B{self.batch_size}"] + ["batch norm, dropout"] * self.regularized
        parts += [self.precision] * (self.precision != "float32")
        return ", ".join(parts + [self.optimizer] * (self.optimizer != "adam"))

    @property
    def classifies(self):
        return self.n_outputs > 1

    def data(self):
        return _data(self.n_rows, self.n_features, self.n_outputs)

    def order(self):
        """Numbers of rows, those of a step after those of another."""
        rng, size = np.random.default_rng(1), self.n_steps * self.batch_size
        epochs = [rng.permutation(self.n_rows) for _ in range(-(-size // self.n_rows))]
        return np.concatenate(epochs)[:size]

    def weights(self):
        """Glorot's uniform ones, (fan_in, fan_out); biases start as zeros."""
        rng = np.random.default_rng(2)
        shapes = pairwise((self.n_features, *self.hidden, self.n_outputs))
        bounds = [(np.sqrt(6 / sum(shape)), shape) for shape in shapes]
        return [rng.uniform(-b, b, shape).astype(np.float32) for b, shape in bounds]

    def guess(self):
        """The loss of who knows nothing but the targets."""
        y = self.data()[1]
        if not self.classifies:
            return float(0.5 * y.var())
        p = np.bincount(y, minlength=self.n_outputs) / len(y)
        return float(-(p[p > 0] * np.log(p[p > 0])).sum())


@cache
def _data(n_rows, n_features, n_outputs):
    """Rows, and classes or numbers (n_rows, 1) by a linear teacher."""
    rng = np.random.default_rng(0)
    X = rng.random((n_rows, n_features), dtype=np.float32) - np.float32(0.5)
    y = X @ rng.standard_normal((n_features, n_outputs), dtype=np.float32)
    return X, y.argmax(axis=1) if n_outputs > 1 else y / y.std()


class FastNN:
    """An engine of fastnn, whose steps are asked for as its estimators do.

    A run is one call, which ends when the device has done all. It includes what the call takes to
    the device and back: tables of steps, the order of rows, and the arenas of the state.
    """

    def __init__(self, on_gpu):
        self.on_gpu = on_gpu

    @staticmethod
    def program(case):
        from fastnn._network.compiler import compile_program
        from fastnn.layers import BatchNorm, Dense
        from fastnn.losses import LOSSES

        extras = {"normalization": BatchNorm(), "dropout": DROPOUT} if case.regularized else {}
        layers = [Dense(units, "relu", **extras) for units in case.hidden]
        layers.append(Dense(case.n_outputs, "softmax" if case.classifies else "identity"))
        loss = LOSSES["log_loss" if case.classifies else "squared_error"].code
        options = {"tf32": True} if case.precision == "tf32" else {}
        return compile_program(case.n_features, layers, loss, np.float32, **options)

    def prepare(self, case):
        from fastnn import _core
        from fastnn._core.program import State
        from fastnn.optimizers import LAMB, SGD, Adam

        self.case, self.solver = case, {"adam": Adam, "sgd": SGD, "lamb": LAMB}[case.optimizer]()
        program = self.program(case)
        self.state = State.new(program, self.solver.n_slots)
        for coef, weights in zip(program.coefs(self.state.parameters), case.weights(), strict=True):
            coef[...] = weights
        code, batch_size = self.solver.code, case.batch_size
        self.engine = _core.make_engine(program, self.state, code, batch_size, 1, 0, "cuda")
        self.X, y = case.data()
        self.y = y.astype(np.int32) if case.classifies else y
        self.order, self.losses = case.order(), np.empty((case.n_steps, 2))
        arenas = self.state.parameters, self.state.statistics, self.state.slots
        before = [arena.copy() for arena in arenas]
        self.run(case.n_steps)  # compiles kernels, and makes the graphs of one step and of many
        for arena, values in zip(arenas, before, strict=True):
            arena[...] = values
        self.state.step = 0

    def run(self, n_steps):
        n = n_steps * self.case.batch_size
        rates = np.full(n_steps, LEARNING_RATE)
        coefficients = self.solver.coefficients(rates, 0.0, self.state.step)
        arguments = self.X, self.y, None, self.order[:n], self.case.batch_size, coefficients
        seconds = self._timed(lambda: self.engine.train_steps(*arguments, self.losses[:n_steps]))
        if self.done != n_steps:
            raise RuntimeError(f"the loss is not finite after {self.done} steps")
        return seconds

    def _timed(self, call):
        if not self.on_gpu:
            began = time.perf_counter()
            self.done = call()
            return (time.perf_counter() - began,) * 2
        from numba import cuda

        start, stop = cuda.event(), cuda.event()
        cuda.synchronize()
        began = time.perf_counter()
        start.record()
        self.done = call()
        stop.record()
        stop.synchronize()
        return cuda.event_elapsed_time(start, stop) / 1e3, time.perf_counter() - began

    def loss(self):
        return self.engine.loss(self.X, self.y, None)


class Torch:
    """PyTorch as its experienced users write it: rows on the device, fused Adam.

    Parameters
    ----------
    way : {"eager", "compiled", "graph"}
        Every operation called from Python; network and loss by ``torch.compile(mode=
        "reduce-overhead")``, which makes graphs of them, and Adam from Python; a graph of the whole
        step, which reads the numbers of its rows from a buffer.
    """

    def __init__(self, on_gpu, way):
        import torch

        self.torch, self.on_gpu, self.way = torch, on_gpu, way
        self.device = torch.device("cuda" if on_gpu else "cpu")
        self.held = {}

    def layers(self, case):
        nn, parts, n_in = self.torch.nn, [], case.n_features
        for n_out in case.hidden:
            parts += [nn.Linear(n_in, n_out)]
            parts += [nn.BatchNorm1d(n_out)] * case.regularized
            parts += [nn.ReLU()] + [nn.Dropout(DROPOUT)] * case.regularized
            n_in = n_out
        return nn.Sequential(*parts, nn.Linear(n_in, case.n_outputs))

    def prepare(self, case):
        torch = self.torch
        self.case = self.network = self.optimizer = self.step = self.captured = None
        gc.collect()
        torch.compiler.reset()
        if self.on_gpu:
            torch.cuda.empty_cache()
        torch.set_float32_matmul_precision("high" if case.precision == "tf32" else "highest")
        torch.manual_seed(0)

        self.case = case
        self.X, self.y = self._on_device(case)
        self.order = torch.from_numpy(case.order()).to(self.device)
        self.network = self.layers(case).to(self.device)
        # A graph needs Adam's number of steps on the device, where fused Adam has it anyway.
        self.optimizer = torch.optim.Adam(
            self.network.parameters(),
            lr=LEARNING_RATE,
            fused=True,
            capturable=self.on_gpu and self.way == "graph",
        )
        self.network.train()
        self.restart()
        self.step = getattr(self, f"_{self.way}")()
        self._steps(min(WARM_UP, case.n_steps))
        self.restart()

    def _on_device(self, case):
        key = case.n_rows, case.n_features, case.n_outputs
        if key not in self.held:
            self.held = {key: [self.torch.from_numpy(a).to(self.device) for a in case.data()]}
        return self.held[key]

    def restart(self):
        """Begin again with the weights of the case; all stays where it is in memory."""
        torch = self.torch
        weights = iter(self.case.weights())
        with torch.no_grad():
            for module in self.network:
                if isinstance(module, torch.nn.Linear):
                    module.weight.copy_(torch.from_numpy(next(weights).T.copy()))
                    module.bias.zero_()
                elif isinstance(module, torch.nn.BatchNorm1d):
                    module.reset_parameters()  # in place, and the moving averages as well
            for state in self.optimizer.state.values():
                for array in state.values():
                    array.zero_()

    @property
    def criterion(self):
        functional = self.torch.nn.functional
        if self.case.classifies:
            return functional.cross_entropy
        return lambda z, y: 0.5 * functional.mse_loss(z, y)

    # Each of these makes a function that does a step with the rows of these numbers.

    def _eager(self):
        network, criterion = self.network, self.criterion
        return partial(self._step, lambda x, y: criterion(network(x), y))

    def _step(self, batch_loss, rows):
        self.optimizer.zero_grad(set_to_none=True)
        batch_loss(self.X.index_select(0, rows), self.y.index_select(0, rows)).backward()
        self.optimizer.step()

    def _compiled(self):
        # Rows are gathered outside: what a compiled graph is given, it copies to where it reads it,
        # and that would be all rows.
        network, criterion = self.network, self.criterion
        compiled = self.torch.compile(
            lambda x, y: criterion(network(x), y),
            mode="reduce-overhead",
            dynamic=False,
            fullgraph=True,
        )

        def step(rows):
            if self.on_gpu:
                self.torch.compiler.cudagraph_mark_step_begin()
            self._step(compiled, rows)

        return step

    def _graph(self):
        torch, eager = self.torch, self._eager()
        rows = torch.zeros(self.case.batch_size, dtype=torch.int64, device=self.device)
        if not self.on_gpu:
            return lambda chosen: eager(rows.copy_(chosen))
        rows.copy_(self.order[: self.case.batch_size])
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                eager(rows)
        torch.cuda.current_stream().wait_stream(side)
        # Gradients are to be in the memory of the graph: those of the warm-up are given back first,
        # and `zero_grad` finds none.
        self.optimizer.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        self.captured = graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            eager(rows)

        def step(chosen):
            rows.copy_(chosen)
            graph.replay()

        return step

    def _steps(self, n_steps):
        order, size, step = self.order, self.case.batch_size, self.step
        for begin in range(0, n_steps * size, size):
            step(order[begin : begin + size])

    def run(self, n_steps):
        torch = self.torch
        if not self.on_gpu:
            began = time.perf_counter()
            self._steps(n_steps)
            return (time.perf_counter() - began,) * 2
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        began = time.perf_counter()
        start.record()
        self._steps(n_steps)
        stop.record()
        torch.cuda.synchronize()
        return start.elapsed_time(stop) / 1e3, time.perf_counter() - began

    def loss(self):
        self.network.eval()
        with self.torch.no_grad():
            loss = self.criterion(self.network(self.X), self.y).item()
        self.network.train()
        return loss


class TorchFit:
    """A plain loop of PyTorch that is given arrays of NumPy, in the interface of ``peers.py``."""

    def __init__(self, workload, X, y, device):
        import torch

        self.torch, self.workload, self.X, self.y = torch, workload, X, y
        self.device = device

    def fit(self, seed):
        torch, workload = self.torch, self.workload
        torch.manual_seed(seed)
        X, y = (torch.from_numpy(array).to(self.device) for array in (self.X, self.y))
        parts = []
        for n_in, n_out in pairwise((workload.n_features, *workload.hidden, workload.n_classes)):
            linear = torch.nn.Linear(n_in, n_out)
            torch.nn.init.xavier_uniform_(linear.weight)
            torch.nn.init.zeros_(linear.bias)
            parts += [linear, torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*parts[:-1]).to(self.device)
        parameters = self.network.parameters()
        optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
        for _ in range(workload.epochs):
            order = torch.randperm(workload.n_rows, device=self.device)
            for rows in order.split(workload.batch_size):
                optimizer.zero_grad(set_to_none=True)
                z = self.network(X.index_select(0, rows))
                torch.nn.functional.cross_entropy(z, y.index_select(0, rows)).backward()
                optimizer.step()
        if X.is_cuda:
            torch.cuda.synchronize()

    def predict_proba(self, X):
        with self.torch.inference_mode():
            z = self.network(self.torch.from_numpy(X).to(self.device))
            return self.torch.softmax(z, dim=1).cpu().numpy()


COLUMNS = {
    "fastnn": FastNN,
    "PyTorch eager": partial(Torch, way="eager"),
    "PyTorch compiled": partial(Torch, way="compiled"),
    "PyTorch graph": partial(Torch, way="graph"),
}
