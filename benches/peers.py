"""Training in each library, written as by its experienced users.

A class for each library, with the same methods: `fit(seed)` trains a new network, if the library
trains any, `predict_proba(X)` answers with an array of NumPy (of two classes, the second is
enough), and `lacks(workload)` says in a few words why a workload is left out. What can be done
before, such as moving the data into the library's own arrays, is done when the object is made, and
not timed.

Libraries are imported when they are used: a process that measures one has no other.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

import measure
from onnx_runtime import ONNXRuntime

LEARNING_RATE = 1e-3


class Estimator:
    """A model with scikit-learn's interface, or a search over its parameters."""

    def __init__(self, workload, X, y, model_class, **own):
        self.X, self.y = X, y
        model = model_class(
            hidden_layer_sizes=workload.hidden,
            batch_size=workload.batch_size,
            solver=workload.solver,
            learning_rate_init=LEARNING_RATE,
            alpha=0.0,
            max_iter=workload.epochs,
            tol=0.0,
            n_iter_no_change=workload.epochs + 1,  # every epoch is run
            **own,
        )
        self.model, self.seed = model, "random_state"
        if workload.grid:
            from sklearn.model_selection import GridSearchCV

            grid = {name: list(values) for name, values in workload.grid}
            options = {"scoring": "neg_log_loss", "n_jobs": measure.available_threads()}
            self.model = GridSearchCV(model, grid, refit=False, **options)
            self.seed = "estimator__random_state"

    def fit(self, seed):
        self.model.set_params(**{self.seed: seed}).fit(self.X, self.y)

    def predict_proba(self, X):
        return self.model.predict_proba(X)

    def search_loss(self):
        """Mean cross-entropy on the rows that were held out, of all that was tried."""
        return -self.model.cv_results_["mean_test_score"].mean()


class FastNN(Estimator):
    distributions = ("fastnn",)
    import_line = "from fastnn import MLPClassifier"

    def __init__(self, workload, X, y, precision="auto", device="cpu"):
        from fastnn import MLPClassifier

        normalization = "batch" if workload.batch_norm else None
        own = {"normalization": normalization, "dropout": workload.dropout, "device": device}
        super().__init__(workload, X, y, MLPClassifier, precision=precision, **own)

    @staticmethod
    def lacks(workload, precision="auto"):
        if precision == "bfloat16":
            if workload.solver == "lbfgs" or workload.dtype == "float64":
                return "needs higher precision"
            if workload.density < 1:
                return "does not round products with sparse rows"
        return None


class ScikitLearn(Estimator):
    distributions = ("scikit-learn",)
    import_line = "from sklearn.neural_network import MLPClassifier"

    def __init__(self, workload, X, y):
        from sklearn.neural_network import MLPClassifier

        super().__init__(workload, X, y, MLPClassifier)

    @staticmethod
    def lacks(workload):
        return "no batch norm and dropout" if workload.batch_norm or workload.dropout else None


class Torch:
    """PyTorch: tensors in memory, batches by `index_select` of a permutation, fused Adam.

    ``compiled`` makes one program of a whole step, Adam included: for small networks that was
    faster than a compiled network with fused Adam, for large ones as fast. ``autocast`` multiplies
    matrices in bfloat16, with parameters in float32.
    """

    distributions = ("torch",)
    import_line = "import torch"

    def __init__(self, workload, X, y, compiled=False, autocast=False):
        import torch

        self.torch, self.workload = torch, workload
        torch.set_num_threads(measure.available_threads())
        torch.set_flush_denormal(True)
        self.X = X if workload.density < 1 else torch.from_numpy(X)
        self.y = torch.from_numpy(y if workload.n_outputs > 1 else y[:, np.newaxis].astype(X.dtype))
        self.autocast = partial(torch.autocast, "cpu", torch.bfloat16, enabled=autocast)
        self.network = self.predictor = self.layers()
        self.compiled = compiled
        if compiled:
            self.parameters = list(self.network.parameters())
            self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
            self.n_steps = torch.zeros(())
            # The last batch is smaller: a second program for it is faster than one for all sizes.
            self.whole_step = torch.compile(self.step, dynamic=False)
            self.predictor = torch.compile(self.network, dynamic=False)

    @staticmethod
    def lacks(workload, compiled=False, autocast=False):
        if workload.grid:
            return "no search of its own"
        if workload.solver == "lbfgs":
            return "its L-BFGS searches along a line in another way"
        if autocast and workload.dtype == "float64":
            return "needs higher precision"
        if (compiled or autocast) and workload.density < 1:
            return "embedding bags are not compiled or rounded"
        return None

    def layers(self):
        nn, workload = self.torch.nn, self.workload
        dtype = getattr(self.torch, workload.dtype)
        parts, n_in = [], workload.n_features
        for n_out in workload.hidden:
            sparse = workload.density < 1 and not parts
            parts += [SparseRows.module(n_in, n_out) if sparse else nn.Linear(n_in, n_out)]
            parts += [nn.BatchNorm1d(n_out)] if workload.batch_norm else []
            parts += [nn.ReLU()]
            parts += [nn.Dropout(workload.dropout)] if workload.dropout else []
            n_in = n_out
        return nn.Sequential(*parts, nn.Linear(n_in, workload.n_outputs)).to(dtype)

    def initialize(self):
        nn = self.torch.nn
        for module in self.network:
            if isinstance(module, nn.BatchNorm1d):
                module.reset_parameters()
            elif hasattr(module, "weight"):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def loss(self, x, y):
        functional = self.torch.nn.functional
        with self.autocast():
            z = self.network(x)
            if self.workload.n_outputs > 1:
                return functional.cross_entropy(z, y)
            return functional.binary_cross_entropy_with_logits(z, y)

    def rows(self, chosen):
        if self.workload.density < 1:
            return SparseRows.of(self.X[chosen.numpy()])
        return self.X.index_select(0, chosen)

    def step(self, x, y):
        """A step of Adam, written out so that it becomes part of the compiled program."""
        torch = self.torch
        gradients = torch.autograd.grad(self.loss(x, y), self.parameters)
        with torch.no_grad():
            self.n_steps += 1
            unbiased = [1 - beta**self.n_steps for beta in (0.9, 0.999)]
            for p, g, (first, second) in zip(self.parameters, gradients, self.moments, strict=True):
                first.lerp_(g, 0.1)
                second.mul_(0.999).addcmul_(g, g, value=0.001)
                size = (second / unbiased[1]).sqrt() + 1e-8
                p.sub_(LEARNING_RATE / unbiased[0] * first / size)

    def steps(self):
        """Return a function that trains on a batch, from the start."""
        if self.compiled:
            for array in (self.n_steps, *(array for pair in self.moments for array in pair)):
                array.zero_()
            return self.whole_step
        optimizer = self.torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE, fused=True)

        def step(x, y):
            optimizer.zero_grad(set_to_none=True)
            self.loss(x, y).backward()
            optimizer.step()

        return step

    def fit(self, seed):
        torch, workload = self.torch, self.workload
        torch.manual_seed(seed)
        self.initialize()
        self.network.train()
        step = self.steps()
        for _ in range(workload.epochs):
            for chosen in torch.randperm(workload.n_rows).split(workload.batch_size):
                step(self.rows(chosen), self.y.index_select(0, chosen))
        self.network.eval()

    def predict_proba(self, X):
        torch = self.torch
        x = SparseRows.of(X) if self.workload.density < 1 else torch.from_numpy(X)
        with torch.inference_mode(), self.autocast():
            z = self.predictor(x)
            p = torch.softmax(z, dim=1) if self.workload.n_outputs > 1 else torch.sigmoid(z)
            return p.float().numpy() if p.dtype == torch.bfloat16 else p.numpy()


class SparseRows:
    """A first layer of sparse rows in PyTorch: a weighted embedding bag, its fastest way."""

    @staticmethod
    def of(X):
        import torch

        return tuple(map(torch.from_numpy, (X.indices, X.indptr[:-1], X.data)))

    @staticmethod
    def module(n_in, n_out):
        import torch

        class SparseLinear(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.empty(n_in, n_out))
                self.bias = torch.nn.Parameter(torch.empty(n_out))

            def forward(self, rows):
                indices, begins, values = rows
                summed = torch.nn.functional.embedding_bag(
                    indices, self.weight, begins, mode="sum", per_sample_weights=values
                )
                return summed + self.bias

        return SparseLinear()


class JAX:
    """JAX with optax: an epoch is one compiled scan, its permutation and batches included.

    Parameters are donated, and random numbers come from the generator that is fast on a CPU.
    """

    distributions = ("jax", "optax")
    import_line = "import jax, optax"

    def __init__(self, workload, X, y):
        import jax
        import optax

        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        jax.config.update("jax_default_prng_impl", "unsafe_rbg")
        self.jax, self.optax, self.workload = jax, optax, workload
        self.X = jax.numpy.asarray(X)
        labels = y.astype(np.int32) if workload.n_outputs > 1 else y[:, np.newaxis].astype(X.dtype)
        self.y = jax.numpy.asarray(labels)
        self.adam = optax.adam(LEARNING_RATE)
        self.epoch = jax.jit(self.train_epoch, donate_argnums=0)
        self.initialize = jax.jit(self.initial)
        self.probabilities = jax.jit(self.apply_proba)

    @staticmethod
    def lacks(workload):
        if workload.grid:
            return "no search of its own"
        if workload.solver == "lbfgs":
            return "its L-BFGS searches along a line in another way"
        if workload.density < 1:
            return "its sparse matrices are experimental"
        return None

    def initial(self, key):
        jax, workload = self.jax, self.workload
        sizes = workload.n_features, *workload.hidden, workload.n_outputs
        glorot = jax.nn.initializers.glorot_uniform()
        parameters, statistics = [], []
        for shape in pairwise(sizes):
            key, own = jax.random.split(key)
            n = shape[1]
            zeros, ones = (np.full(n, value, workload.dtype) for value in (0, 1))
            layer = {"weights": glorot(own, shape, workload.dtype), "biases": zeros}
            if workload.batch_norm and len(parameters) < len(workload.hidden):
                layer |= {"scale": ones, "shift": zeros}
                statistics.append((zeros, ones))
            parameters.append(layer)
        return parameters, statistics, self.adam.init(parameters)

    def outputs(self, parameters, statistics, x, key=None):
        """Return outputs and updated moving averages; in training mode if there is a key."""
        jax, rate = self.jax, self.workload.dropout
        moved = []
        for i, layer in enumerate(parameters[:-1]):
            x = x @ layer["weights"] + layer["biases"]
            if statistics:
                mean, variance = statistics[i]
                if key is not None:
                    n = x.shape[0]
                    of_batch = x.mean(axis=0), x.var(axis=0)
                    unbiased = of_batch[1] * (n / max(n - 1, 1))
                    moved.append((0.9 * mean + 0.1 * of_batch[0], 0.9 * variance + 0.1 * unbiased))
                    mean, variance = of_batch
                scale = layer["scale"] * jax.lax.rsqrt(variance + 1e-5)
                x = (x - mean) * scale + layer["shift"]
            x = jax.nn.relu(x)
            if rate and key is not None:
                key, own = jax.random.split(key)
                kept = jax.random.bernoulli(own, 1 - rate, x.shape)
                x = jax.numpy.where(kept, x / (1 - rate), 0)
        return x @ parameters[-1]["weights"] + parameters[-1]["biases"], moved

    def loss(self, parameters, statistics, x, y, key):
        z, statistics = self.outputs(parameters, statistics, x, key)
        if self.workload.n_outputs > 1:
            losses = self.optax.softmax_cross_entropy_with_integer_labels(z, y)
        else:
            losses = self.optax.sigmoid_binary_cross_entropy(z, y)
        return losses.mean(), statistics

    def train_epoch(self, state, key, X, y):
        jax, batch_size = self.jax, self.workload.batch_size
        order, steps = jax.random.split(key)
        n_batches = len(X) // batch_size
        order = jax.random.permutation(order, len(X))
        full, rest = order[: n_batches * batch_size], order[n_batches * batch_size :]

        def step(state, batch):
            parameters, statistics, moments = state
            rows, i = batch
            gradient, statistics = jax.grad(self.loss, has_aux=True)(
                parameters, statistics, X[rows], y[rows], jax.random.fold_in(steps, i)
            )
            updates, moments = self.adam.update(gradient, moments)
            return (self.optax.apply_updates(parameters, updates), statistics, moments), None

        batches = full.reshape(n_batches, batch_size), jax.numpy.arange(n_batches)
        state, _ = jax.lax.scan(step, state, batches)
        if rest.size:
            state, _ = step(state, (rest, n_batches))
        return state

    def fit(self, seed):
        key, own = self.jax.random.split(self.jax.random.key(seed))
        state = self.initialize(own)
        for _ in range(self.workload.epochs):
            key, own = self.jax.random.split(key)
            state = self.epoch(state, own, self.X, self.y)
        self.state = self.jax.block_until_ready(state)

    def apply_proba(self, parameters, statistics, x):
        z, _ = self.outputs(parameters, statistics, x)
        return self.jax.nn.softmax(z) if self.workload.n_outputs > 1 else self.jax.nn.sigmoid(z)

    def predict_proba(self, X):
        parameters, statistics, _ = self.state
        return np.asarray(self.probabilities(parameters, statistics, X))


@dataclass(frozen=True)
class Column:
    """A library with its settings: a column of the table."""

    library: type
    bfloat16: bool = False
    options: tuple[tuple[str, object], ...] = ()

    def make(self, workload, X, y):
        return self.library(workload, X, y, **dict(self.options))

    def lacks(self, workload):
        return self.library.lacks(workload, **dict(self.options))

    @property
    def trains(self):
        return hasattr(self.library, "fit")


BFLOAT16, COMPILED, AUTOCAST = ("precision", "bfloat16"), ("compiled", True), ("autocast", True)
COLUMNS = {
    "fastnn": Column(FastNN),
    "fastnn bfloat16": Column(FastNN, True, (BFLOAT16,)),
    "scikit-learn": Column(ScikitLearn),
    "PyTorch": Column(Torch),
    "PyTorch compiled": Column(Torch, False, (COMPILED,)),
    "PyTorch bfloat16": Column(Torch, True, (AUTOCAST,)),
    "PyTorch bfloat16 compiled": Column(Torch, True, (COMPILED, AUTOCAST)),
    "JAX": Column(JAX),
    "ONNX Runtime": Column(ONNXRuntime),
    "ONNX Runtime, 1 thread": Column(ONNXRuntime, False, (("threads", 1),)),
}
