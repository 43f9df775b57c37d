"""Cost of each technique in a training step, in fastnn and in PyTorch.

    python benches/compare_options.py [--runs N] [--only NAME ..] [--json PATH]

Whole ``fit`` calls on random rows of 784 features with hidden layers (100, 100), batch 128, Adam,
float32 and one thread, in turns with the plain network in one process; the cost of an option is the
median of its ratios to the plain network of the same turn. PyTorch does the same in a loop of eager
steps with fused Adam, where it has the technique (`pip install ".[bench]"`).
"""

import argparse
import statistics
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import measure
from options import OPTIONS, classifier

N_ROWS, N_FEATURES, N_CLASSES, BATCH, EPOCHS = 12_800, 784, 10, 128, 4
HIDDEN = (100, 100)


class Torch:
    """Training in PyTorch's eager mode, for the options that it has."""

    def __init__(self, X, y):
        import torch

        torch.set_num_threads(1)
        self.torch, self.X, self.y = torch, torch.from_numpy(X), torch.from_numpy(y)

    def network(self, activation, norm, dropout):
        nn = self.torch.nn
        parts, n_in = [], N_FEATURES
        for n in HIDDEN:
            parts += [nn.Linear(n_in, n), *([norm(n)] if norm else []), activation()]
            parts += [nn.Dropout(dropout)] if dropout else []
            n_in = n
        return nn.Sequential(*parts, nn.Linear(n_in, N_CLASSES))

    def option(self, name):
        """A function that trains, or None where PyTorch has nothing like it."""
        torch = self.torch
        nn, optim = torch.nn, torch.optim
        clip = nn.utils
        fused = partial(optim.Adam, fused=True)
        return {
            "plain": self.train,
            "activation='tanh'": partial(self.train, activation=nn.Tanh),
            "activation='gelu'": partial(self.train, activation=nn.GELU),
            "activation='silu'": partial(self.train, activation=nn.SiLU),
            "activation='mish'": partial(self.train, activation=nn.Mish),
            "activation='prelu'": partial(self.train, activation=nn.PReLU),
            "activation='rrelu'": partial(self.train, activation=nn.RReLU),
            "normalization='batch'": partial(self.train, norm=nn.BatchNorm1d),
            "normalization='layer'": partial(self.train, norm=nn.LayerNorm),
            "normalization=GroupNorm(10)": partial(self.train, norm=partial(nn.GroupNorm, 10)),
            "dropout=0.2": partial(self.train, dropout=0.2),
            "label_smoothing=0.1": partial(self.train, smoothing=0.1),
            "clip_value=0.01": partial(self.train, clip=lambda p: clip.clip_grad_value_(p, 0.01)),
            "clip_norm=0.5": partial(self.train, clip=lambda p: clip.clip_grad_norm_(p, 0.5)),
            "averaging='ema'": partial(self.train, average=True),
            "solver='sgd'": partial(
                self.train,
                optimizer=partial(optim.SGD, momentum=0.9, nesterov=True, fused=True),
            ),
            "solver='rmsprop'": partial(self.train, optimizer=optim.RMSprop),
            "solver='adamw'": partial(self.train, optimizer=partial(optim.AdamW, fused=True)),
            "solver='amsgrad'": partial(self.train, optimizer=partial(fused, amsgrad=True)),
        }.get(name)

    def train(
        self,
        activation=None,
        norm=None,
        dropout=0.0,
        smoothing=0.0,
        clip=None,
        average=False,
        optimizer=None,
    ):
        torch = self.torch
        network = self.network(activation or torch.nn.ReLU, norm, dropout)
        optimizer = (optimizer or partial(torch.optim.Adam, fused=True))(
            network.parameters(), lr=1e-3
        )
        criterion = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
        averaged = None
        if average:
            ema = torch.optim.swa_utils.get_ema_multi_avg_fn(0.999)
            averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=ema)
        for _ in range(EPOCHS):
            order = torch.randperm(N_ROWS)
            for start in range(0, N_ROWS, BATCH):
                rows = order[start : start + BATCH]
                optimizer.zero_grad()
                criterion(network(self.X[rows]), self.y[rows]).backward()
                if clip:
                    clip(network.parameters())
                optimizer.step()
                if averaged:
                    averaged.update_parameters(network)


def fit(name, X, y):
    classifier(name, EPOCHS, batch_size=BATCH, n_jobs=1, random_state=0).fit(X, y)


def ratios(calls, runs):
    """Return the ratios of each call to the first, plain one, turn by turn."""
    times = measure.alternate(calls, runs, pause=0.0)
    plain = next(iter(times.values()))
    return times, {
        name: [a / b for a, b in zip(values, plain, strict=True)] for name, values in times.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=OPTIONS, help="some options instead of all")
    parser.add_argument("--json", default=Path(__file__).parent / "results/compare_options.json")
    arguments = parser.parse_args()
    measure.restart_without_forced_blas()
    warnings.simplefilter("ignore", ConvergenceWarning)
    names = ["plain", *(arguments.only or list(OPTIONS)[1:])]

    rng = np.random.default_rng(0)
    X = rng.random((N_ROWS, N_FEATURES), dtype=np.float32)
    y = rng.integers(N_CLASSES, size=N_ROWS)
    times, costs = ratios({name: partial(fit, name, X, y) for name in names}, arguments.runs)
    try:
        peer = Torch(X, y)
    except ImportError:
        peer_times, peer_costs = {}, {}
    else:
        calls = {name: peer.option(name) for name in names if peer.option(name)}
        peer_times, peer_costs = ratios(calls, max(3, arguments.runs // 2))

    steps = EPOCHS * N_ROWS // BATCH

    def microseconds(values):
        return f"{1e6 * statistics.median(values) / steps:.0f}" if values else ""

    def percent(values):
        return f"{100 * (statistics.median(values) - 1):+.0f} %" if values else ""

    environment = measure.environment(1)
    print(", ".join(f"{name}: {value}" for name, value in environment.items()), end="\n\n")
    header = ["option", "µs a step", "cost", "PyTorch, µs a step", "its cost"]
    rows = [
        [
            f"`{name}`",
            microseconds(times[name]),
            percent(costs[name]),
            microseconds(peer_times.get(name)),
            percent(peer_costs.get(name)),
        ]
        for name in names
    ]
    print(measure.markdown(header, rows))
    results = {"seconds": times, "steps": steps, "PyTorch, seconds": peer_times}
    measure.write_json(arguments.json, {"environment": environment, "results": results})


if __name__ == "__main__":
    main()
