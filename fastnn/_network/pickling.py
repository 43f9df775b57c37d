"""State of a network in a pickle: plain arrays, independent of the layout of arenas."""

from dataclasses import fields

import numpy as np

from .._core.program import new_arena
from .._data.pickles import check_arrays, check_count
from .architecture import Architecture

_FIELDS = [field.name for field in fields(Architecture)]


def get_state(network):
    """Return all that a pickle holds of a network."""
    program, state = network.program, network.state
    arenas = [state.parameters, *state.slots]
    arrays = [_arrays(program, state.statistics, are_statistics=True)]
    arrays += [_arrays(program, arena) for arena in arenas]
    average = _arrays(program, state.average) if network.averaging else None
    architecture = {name: getattr(network.architecture, name) for name in _FIELDS}
    return architecture | {
        "dtype": network.dtype.name,
        "optimizer": network.optimizer,
        "seed": network.seed,
        "step": state.step,
        "arrays": [_copied(group) for group in arrays],
        "averaging": network.averaging,
        "n_averaged": state.n_averaged,
        "average": average and _copied(average),
        "trained": _get_trained(network),
    }


def set_state(network, state):
    """Initialize a network from the state of a pickle, which is checked."""
    # What came after the first pickles may be missing.
    architecture = Architecture(**{name: state[name] for name in _FIELDS if name in state})
    architecture.check()
    network.__init__(architecture)
    network.averaging = state.get("averaging", "")
    statistics, parameters, *slots = state["arrays"]
    average = [state["average"]] if network.averaging else []
    trained = state.get("trained") or []
    arrays = [parameters, *slots, *average]
    _check(network, [*arrays, *(group for group, _ in trained[:1])])
    _check(network, [statistics, *(group for group, _ in trained[1:])], are_statistics=True)
    for name in ("step", "n_averaged"):
        check_count(name, state.get(name, 0))
    if state["seed"] is not None:
        check_count("seed", state["seed"])

    network.allocate()
    network.use_slots(state["optimizer"], len(slots))
    network.seed, network.state.step = state["seed"], state["step"]
    if network.averaging:
        network.state.average = new_arena(network.program.n_parameters, network.dtype)
        network.state.n_averaged = state["n_averaged"]
    _fill(network.program, network.state.statistics, statistics, are_statistics=True)
    arenas = [network.state.parameters, *network.state.slots, network.state.average]
    for arena, group in zip(arenas, arrays, strict=False):
        _fill(network.program, arena, group)
    if trained:
        network.trained = _set_trained(network, trained)


def _get_trained(network):
    """Return the parameters that training continues from, and whether others are unchanged."""
    if network.trained is None:
        return None
    arenas = network.state.parameters, network.state.statistics
    return [
        (_copied(_arrays(network.program, trained, is_statistics)), np.array_equal(arena, shown))
        for is_statistics, (arena, (trained, shown)) in enumerate(
            zip(arenas, network.trained, strict=True)
        )
    ]


def _set_trained(network, groups):
    pairs, arenas = [], (network.state.parameters, network.state.statistics)
    for are_statistics, (arena, (arrays, unchanged)) in enumerate(zip(arenas, groups, strict=True)):
        trained = np.zeros_like(arena)
        _fill(network.program, trained, arrays, are_statistics)
        # What was changed meanwhile is not as it was shown: it counts.
        pairs.append((trained, arena.copy() if unchanged else np.empty(0)))
    return pairs


def _in_order(program, are_statistics):
    """Return where the arrays lie, in the order of a pickle."""
    arrays = [array for array in program.arrays if array.is_statistic == are_statistics]
    # The first pickles had all weights, then all biases, then the rest.
    first = {"coef": 0, "intercept": 1}
    return sorted(arrays, key=lambda array: first.get(array.name, 2))


def _arrays(program, arena, are_statistics=False):
    return [array.view(arena) for array in _in_order(program, are_statistics)]


def _copied(arrays):
    return [array.copy() for array in arrays]


def _check(network, groups, are_statistics=False):
    shapes = [array.shape for array in _in_order(network.program, are_statistics)]
    for arrays in groups:
        check_arrays(arrays, shapes, network.dtype)


def _fill(program, arena, arrays, are_statistics=False):
    for view, array in zip(_arrays(program, arena, are_statistics), arrays, strict=True):
        view[...] = array
