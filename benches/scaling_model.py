"""A model of a training step on many threads: operations, lines that cross caches, barriers.

A step of the engine has two parts, with a barrier after each. In the first, threads share the rows
of the batch: forward, loss, input gradients. In the second they share the weights, in tasks of
TASK_ROWS rows: weight gradients and optimizer. So each thread reads all weights, which others have
written, and writes its rows of values and its weights, which others hold. The model sums that for
the thread that has most to do, and compares this plan, `rows`, with

    columns    the first product goes by columns of its weight too: groups of threads share the
               rows, and the threads of a group share pieces of ROW_CHUNK rows and one panel of
               columns, so that a thread reads fewer weights, but more of the data, and waits at a
               barrier more. The engine does not do this.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from fastnn._core.codes import ROW_CHUNK, TASK_ROWS

PANEL = 16  # float32 of a cache line, which are multiplied together
PAIR = 2  # rows that the engine hands out together
ROWS_FOR_A_CALL = 3  # what a task costs beside its rows, as in tasks.pxi
PLANS = "rows", "columns"


@dataclass(frozen=True)
class Machine:
    """What a core does in a nanosecond (`flops`), and the nanoseconds of all else.

    Defaults were measured on two cores of an EPYC 9004 (Zen 4, AVX-512) that share a L3.
    """

    flops: float = 105.0  # operations, in products of one thread
    update: float = 0.36  # a parameter, with Adam
    unit: float = 0.45  # activation, loss and their gradients, for a unit of a row
    data: float = 1.0  # to read a line of the data, asked for ahead
    read: float = 0.9  # to read a line that another core has written
    write: float = 7.1  # to write a line that another core has read

    @property
    def barrier(self):
        """Nanoseconds of a barrier for each thread of the team: its line goes round."""
        return 6 * self.write


NEAR = Machine()
FAR = Machine(read=2.5, write=28.3)  # the same, on cores with a L3 each


@dataclass(frozen=True)
class Net:
    n_rows: int
    widths: tuple[int, ...]
    batch: int

    def __str__(self):
        return f"{'-'.join(map(str, self.widths))}, batch {self.batch}"

    @property
    def layers(self):
        return list(pairwise(self.widths))


def lines(n):
    return math.ceil(n / PANEL)


def products(rows, n_in, n_out, machine):
    """Nanoseconds of a matrix product, padding included."""
    return 2 * rows * n_in * PANEL * lines(n_out) / machine.flops


def first_product(net, machine, threads, members):
    """Costs of the first layer's forward product, by columns among `members` threads."""
    n_in, n_out = net.layers[0]
    chunks, panels = math.ceil(net.batch / ROW_CHUNK), lines(n_out)
    rows, columns = rows_of(net, threads), n_out
    pieces = 0.0
    if members > 1:
        height = math.ceil(chunks * members / threads)
        pieces = math.ceil(height * panels / members)
        rows = min(net.batch, ROW_CHUNK * min(height, pieces))
        columns = PANEL * min(panels, pieces / height + (pieces % height > 0))
    done = (pieces * ROW_CHUNK, n_in, PANEL) if members > 1 else (rows, n_in, n_out)
    crossing = others(threads)
    return Counter(
        products=products(*done, machine),
        reads=rows * lines(n_in) * machine.data + n_in * columns / PANEL * crossing * machine.read,
        writes=pieces * ROW_CHUNK * machine.write,  # of rows that go on with other threads
    )


def others(threads):
    """Return the part of what all threads write that is not a thread's own."""
    return (threads - 1) / threads


def rows_of(net, threads):
    """Return the most rows of a batch that a thread has."""
    return min(net.batch, PAIR * math.ceil(math.ceil(net.batch / PAIR) / threads))


def rest_by_rows(net, machine, threads):
    """Costs of the other products of forward and backward, of activations and loss."""
    costs, rows = Counter(), rows_of(net, threads)
    for index, (n_in, n_out) in enumerate(net.layers):
        if index:
            costs["products"] += products(rows, n_in, n_out, machine)
            costs["products"] += products(rows, n_out, n_in, machine)
            weights = n_in * lines(n_out) + n_out * lines(n_in)  # and transposed
            costs["reads"] += weights * others(threads) * machine.read
        costs["units"] += rows * PANEL * lines(n_out) * machine.unit
        if threads > 1:  # values and gradients, which all read for the weights' gradients
            costs["writes"] += 2 * rows * lines(n_out) * machine.write
    return costs


def tasks(net):
    """Layer and rows of each task of an update."""
    return [
        (layer, min(TASK_ROWS, n_in - first))
        for layer, (n_in, _) in enumerate(net.layers)
        for first in range(0, n_in, TASK_ROWS)
    ]


def shares(net, threads):
    """Split the tasks as the engine does: contiguous parts of about equal cost."""
    costs = [(rows + ROWS_FOR_A_CALL) * lines(net.layers[layer][1]) for layer, rows in tasks(net)]
    parts, before = [[] for _ in range(threads)], 0.0
    for task, cost in zip(tasks(net), costs, strict=True):
        parts[int((before + cost / 2) * threads / sum(costs))].append(task)
        before += cost
    return parts


def update(net, machine, threads, share):
    """Costs of the gradients of some tasks and the optimizer's step."""
    costs = Counter()
    for layer, rows in share:
        n_out, first = net.layers[layer][1], layer == 0
        costs["products"] += products(net.batch, rows, n_out, machine)
        costs["optimizer"] += rows * PANEL * lines(n_out) * machine.update
        inputs = net.batch * lines(rows) * others(threads)
        costs["reads"] += inputs * (machine.data if first else machine.read)
        if threads > 1:  # and transposed
            costs["writes"] += rows * lines(n_out) * machine.write * (1 if first else 2)
    for layer in {layer for layer, _ in share}:
        costs["reads"] += net.batch * lines(net.layers[layer][1]) * others(threads) * machine.read
    return costs


def step(net, machine, threads, members=1):
    """Nanoseconds of a step, for the thread that has most to do, by what they are spent on."""
    costs = first_product(net, machine, threads, members) + rest_by_rows(net, machine, threads)
    costs += max(
        (update(net, machine, threads, share) for share in shares(net, threads)),
        key=lambda part: part.total(),
    )
    if threads > 1:
        costs["barriers"] = (2 + (members > 1)) * threads * machine.barrier
    return costs


def epoch(net, machine, threads, plan="rows"):
    """Milliseconds of an epoch by what they are spent on; of the best groups of threads."""
    members = [n for n in range(2, threads + 1) if threads % n == 0] if plan == "columns" else []
    steps = [step(net, machine, threads, n) for n in members or [1]]
    best = min(steps, key=lambda costs: costs.total())
    return Counter({what: ns * net.n_rows / net.batch / 1e6 for what, ns in best.items()})
