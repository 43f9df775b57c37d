"""Kernels of one type, compiled from one source: the twin of ``cpu/kernels.h``.

Kernels and device functions are plain functions of the modules beside this one, each known by its
name. A `Kernels` decides what the C headers leave to the compiler: the type `real`, the
sizes of blocks and tiles, and whatever a caller binds to a name, such as the formula of an
activation to `activation_value`. Each choice becomes code of its own, without a branch left in it.

In a kernel, a number is written ``real(0.5)``, also where it is whole, for Numba takes 0.5 and the
quotient of two whole numbers as float64; whole numbers are int64, and none is unsigned, for int64
and uint64 compare as float64. The simulator runs the same functions as Python.
"""

import builtins
import importlib
import types
from functools import cache

import numpy as np

from fastnn._core.user_functions import does_not_compile

from ._numba import SIMULATED, cuda, numba

MODULES = (
    "activations",
    "average",
    "batchnorm",
    "class_losses",
    "columns",
    "dense",
    "dropout",
    "elementary",
    "gradients",
    "headweights",
    "losses",
    "maxout",
    "mix",
    "normal",
    "optimizers",
    "philox",
    "prelu",
    "residual",
    "rownorm",
    "rows",
    "rrelu",
    "small",
    "tensor_cores",
    "vectors",
    "weightnorm",
)

# Threads of a block; of a block that sums columns, its columns and the threads of each. Powers of
# two. The simulator has real threads, and so few of them.
THREADS = 4 if SIMULATED else 256
COLUMNS, LANES = (4, 2) if SIMULATED else (32, 32)
#: Threads of a block that sums a row, where one has few elements, and of one that works alone.
FEW_THREADS, MOST_THREADS = (4, 4) if SIMULATED else (32, 1024)

# What a Kernels sets by its type: whether that is float64, and its smallest normal number.
IS_DOUBLE, SMALLEST = False, 0.0

_DEFINITIONS: dict = {}
_OF_COLUMNS: set[str] = set()


def kernel(function):
    """Make a function known as a kernel, by default of blocks of THREADS."""
    return _define(function, False)


def column_kernel(function):
    """Make a function known as a kernel whose blocks are (COLUMNS, LANES)."""
    _OF_COLUMNS.add(function.__name__)
    return kernel(function)


def device(function):
    """Make a function known as one that kernels call."""
    return _define(function, True)


def _define(function, is_device):
    name = function.__name__
    known, _ = _DEFINITIONS.get(name, (function, is_device))
    assert known.__module__ == function.__module__, f"two functions are named {name}"
    _DEFINITIONS[name] = function, is_device
    return function


def real(x):
    """A number of the kernels' type; as an argument of ``cuda.shared.array``, that type."""
    raise NotImplementedError("`real` is what a Kernels makes of it.")


@cache
def definitions():
    """Return kernels and device functions by name: (function, whether it is a device function)."""
    for module in MODULES:
        importlib.import_module(f".{module}", __package__)
    return _DEFINITIONS


class Kernels:
    """The kernels that compute with numbers of one type.

    Parameters
    ----------
    dtype : dtype
        float32 or float64.
    """

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        self.real = self.dtype.type if SIMULATED else numba.from_dtype(self.dtype)
        self._made: dict = {}
        self._shared: dict = {}

    def __call__(self, name, **bindings):
        """The kernel of that name, made when it is first asked for.

        `bindings` say what other names stand for in it and in all that it calls: a number, a
        Python function (of the user's), or the name of a device function.
        """
        key = name, *sorted(bindings.items())
        if key not in self._made:
            self._made[key] = self._make(name, bindings)
        return self._made[key]

    def of_user(self, function, n_arguments):
        """The user's function, which can be bound; an error says so where it does not compile."""
        if isinstance(function, types.FunctionType) and not SIMULATED:
            try:
                cuda.jit(device=True)(function).compile_device((self.real,) * n_arguments)
            except (numba.core.errors.NumbaError, KeyError) as error:  # of np.exp, say
                advice = "functions of math, as not all of numpy's are there on a GPU"
                raise does_not_compile(function, n_arguments, error, advice) from error
        return function

    def _make(self, name, bindings):
        space = self._space()
        function, _ = definitions()[name]
        self._fill(space, function, bindings)
        if SIMULATED:
            return cuda.jit(_copy(function, space))
        # So that the compiler leaves registers for as many threads as a block has.
        threads = bindings.get("TILE_THREADS", bindings.get("THREADS", THREADS))
        threads = COLUMNS * LANES if name in _OF_COLUMNS else threads
        return cuda.jit(_copy(function, space), launch_bounds=threads)

    def _space(self):
        """Return the global names that all functions have."""
        return {
            "__builtins__": builtins,
            "real": self.real,
            "IS_DOUBLE": self.dtype.itemsize == 8,
            "SMALLEST": np.finfo(self.dtype).tiny,
        }

    def _fill(self, space, function, bindings):
        """Put what a function refers to by name into its global names."""
        for used in function.__code__.co_names:
            if used in space:
                continue
            target = bindings.get(used, used)
            if _is_known(target):
                space[used] = None  # functions do not call themselves
                space[used] = self._device_function(target, bindings, space)
            elif isinstance(target, types.FunctionType):
                space[used] = target if SIMULATED else cuda.jit(device=True)(target)
            elif used in bindings:
                space[used] = target
            elif used in function.__globals__:
                space[used] = function.__globals__[used]

    def _device_function(self, name, bindings, space):
        """Return a device function, which all kernels share whose bindings mean the same to it.

        So Numba compiles it once. In the simulator it is a plain function, which shares the names
        of its kernel, as the simulator replaces some of them for each launch.
        """
        function, is_device = definitions()[name]
        assert is_device, f"the kernel {name} is called"
        if SIMULATED:
            self._fill(space, function, bindings)
            return _copy(function, space)
        names = _names_below(name, bindings)
        own = {bound: value for bound, value in bindings.items() if bound in names}
        key = name, *sorted(own.items())
        if key not in self._shared:
            space = self._space()
            self._fill(space, function, own)
            self._shared[key] = cuda.jit(device=True)(_copy(function, space))
        return self._shared[key]


def _is_known(target):
    return isinstance(target, str) and target in definitions()


def _names_below(name, bindings):
    """Return all names that a function, and those that it calls, refer to."""
    names = set(definitions()[name][0].__code__.co_names)
    for target in {bindings.get(used, used) for used in names}:
        if _is_known(target):
            names |= _names_below(target, bindings)
    return names


def _copy(function, space):
    """The function with other global names."""
    copied = types.FunctionType(function.__code__, space, function.__name__, function.__defaults__)
    copied.__qualname__, copied.__module__ = function.__qualname__, function.__module__
    return copied


@cache
def kernels_of(dtype):
    """The `Kernels` of a type, which all engines share."""
    return Kernels(dtype)
