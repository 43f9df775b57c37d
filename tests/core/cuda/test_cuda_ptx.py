"""Compilation of all kernels that the engine launches, without a GPU.

The simulator runs kernels as Python, and so tells nothing of types. Compiled, a kernel shows what
costs a GPU dearly: arithmetic of double precision that one bare number brought in, or arrays of a
thread that lie in memory, not in registers.
"""

import re
from functools import cache
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from fastnn import CustomActivation, losses
from fastnn._core.codes import Column, Kind
from fastnn._network.compiler import compile_program
from fastnn.activations import ELEMENTWISE, Maxout, PReLU, RReLU
from fastnn.heads import Head, MixedLoss
from fastnn.layers import Dense, Dropout, Heads, Residual
from fastnn.losses import LOSSES
from fastnn.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, WeightNorm
from support import devices
from support.engines import SOLVERS
from support.user_functions import SQUARE, tanh, tanh_derivative

if not devices.CAN_COMPILE:
    pytest.skip("numba-cuda is missing, or simulates", allow_module_level=True)

import numba.cuda.dispatcher
from numba.cuda import compiler

from fastnn._core.cuda import dense, plan, tensor_cores
from fastnn._core.cuda.kernels import definitions, kernels_of
from fastnn._core.cuda.launch import Launch

pytestmark = pytest.mark.cuda

# The oldest that is supported, and the one that is aimed at.
ARCHITECTURES = [(8, 0), (9, 0)]
# What every GPU has for a block without being asked for more.
SHARED_MEMORY = 48 * 1024
N_FEATURES, ROOM, SEED = 5, 70, 2**40 + 7


class HostMemory:
    """Stand-in for the memory of a device."""

    empty, zeros, upload = staticmethod(np.empty), staticmethod(np.zeros), staticmethod(np.asarray)


def program_of(dtype, layers, loss="squared_error", input_dropout=0.0, input_noise=0.0, tf32=False):
    code, parameter, activation = losses.output_stage(loss, "identity")
    functions = {} if isinstance(loss, str) else loss.native(dtype)
    return compile_program(
        N_FEATURES,
        layers,
        code,
        dtype,
        input_dropout,
        input_noise,
        parameter,
        activation,
        tf32=tf32,
        loss_functions=functions,
    )


def programs(dtype):
    """Yield programs with all kinds of stages and all losses."""
    activations = [*ELEMENTWISE, RReLU(0.1, 0.6), PReLU(), PReLU(shared=False), Maxout(3)]
    activations.append(CustomActivation(tanh, tanh_derivative))
    norms = [BatchNorm(), LayerNorm(), GroupNorm(2), WeightNorm()]
    norms += [InstanceNorm(2, affine=True), InstanceNorm(2, affine=False)]
    layers = [
        *(Dense(6, each) for each in activations),
        *(Dense(6, "relu", each) for each in norms),
        Residual([Dense(6)], 0.25),
        Residual([Dense(6)]),
        Dropout(0.5),
        Dropout(0.5, inverted=False),
    ]
    yield program_of(dtype, [*layers, Dense(2)], "squared_error", 0.25, 0.5)
    for loss in [*LOSSES, SQUARE]:
        yield program_of(dtype, [Dense(3)], loss)
    yield program_of(dtype, [Heads((2, 3))], "log_loss")
    mixed = MixedLoss([Head("log_loss"), Head("squared_error", 0.5)], uncertainty=True)
    heads = Heads((2, 3), ("softmax", "identity"))
    yield compile_program(N_FEATURES, [heads], 0, dtype, heads=mixed.stages(heads, dtype))
    for activation in ("relu", "gelu"):
        layers = [Dense(3, activation, dropout=0.5), Dense(3)]
        yield program_of(dtype, layers, "log_loss", 0.25)
    if dtype == np.float32:
        yield program_of(dtype, [Dense(6), Residual([Dense(6)]), Dense(3)], tf32=True)


# All that a step may do besides.
ALL_COLUMNS = [Column.WEIGHT_NOISE, Column.CLIP_NORM, Column.MAX_NORM, Column.L1, Column.L2]
ALL_COLUMNS += [Column.AVERAGE, Column.SMOOTHING, Column.SOFT_THRESHOLD]


def calls():
    """Yield calls of each mode, and of each optimizer without and with all options."""
    for mode in (plan.GRADIENT, plan.EVALUATE, plan.PREDICT):
        yield plan.Call(mode)
    everything = dict(is_ordered=True, has_weights=True, mixes=True, columns=frozenset(ALL_COLUMNS))
    for code, n_slots in sorted({(int(s().code), s().n_slots) for s in SOLVERS.values()}):
        yield plan.Call(plan.TRAIN, optimizer=code, n_slots=n_slots)
        yield plan.Call(plan.TRAIN, optimizer=code, n_slots=n_slots, **everything)


def arenas_of(program, call, X_dtype, order="C"):
    """Arrays as the engine has them."""
    dtype, n = program.dtype, program.n_parameters
    classes = {row.code for row in LOSSES.values() if row.class_codes}
    targets = [
        np.zeros(ROOM, np.int32) if stage["code"] in classes else np.zeros((ROOM, 3), dtype)
        for stage in program.stages
        if stage["kind"] == Kind.OUTPUT
    ]
    return plan.Arenas(
        words=np.zeros((9, 99), np.int64),
        reals=np.zeros((9, 99), dtype),
        losses=np.zeros((9, 5), dtype),
        parameters=np.zeros(n, dtype),
        gradient=np.zeros(n, dtype),
        read=np.zeros(n, dtype),
        average=np.zeros(n, dtype),
        slots=np.zeros((max(1, call.n_slots), n), dtype),
        statistics=np.zeros(max(1, program.n_statistics), dtype),
        X=np.zeros((ROOM, N_FEATURES), X_dtype, order),
        order=np.zeros(ROOM, np.int64) if call.is_ordered else None,
        weights=np.zeros(ROOM, dtype) if call.has_weights else None,
        targets=targets,
        out=np.zeros((ROOM, 5), dtype),
        found=np.zeros(1, np.int64),
    )


def launches_of(program, call, X_dtype=np.float32, order="C"):
    """Return the launches of any network, and those of small steps if it is small."""
    arguments = arenas_of(program, call, X_dtype, order), call, ROOM, SEED, HostMemory()
    with mock.patch.object(plan.small, "MOST_OPERATIONS", 0):
        launches = plan.Plan(program, *arguments).launches
    return launches + plan.Plan(program, *arguments).launches


def all_launches(dtype):
    first, *others = programs(dtype)
    for call in calls():
        yield from launches_of(first, call)
    for program in others:
        for call in calls():
            if call.optimizer == 0 or program is others[0]:
                yield from launches_of(program, call)
    for mixes in (False, True):
        for X_dtype in (np.float32, np.float64, np.uint8):
            call = plan.Call(
                plan.TRAIN, is_ordered=True, mixes=mixes, columns=frozenset([Column.L1])
            )
            yield from launches_of(others[0], call, X_dtype)
            yield from launches_of(others[0], call, X_dtype, "F")
    yield from other_launches(dtype)


def other_launches(dtype):
    """Yield launches of kernels outside of steps."""
    kernels, row, order = kernels_of(dtype), np.zeros(9, dtype), np.zeros(9, np.int64)
    yield Launch("clear", kernels("clear"), 1, 1, (row,))
    for is_ordered in (False, True):
        kernel = kernels("weighted_sum", ORDERED=is_ordered)
        yield Launch("weighted_sum", kernel, 1, 1, (row, row, order, row, 9))
    yield Launch("add_parts", kernels("add_parts"), 1, 1, (row, row, 2))
    yield from products_of_all_sizes(dtype)


def products_of_all_sizes(dtype):
    """Yield products of small and large networks, forward and backward."""
    each = [tiles for _, tiles in dense.TILINGS_ON_GPU[dtype.itemsize]]
    if dtype == np.float32:
        each += [tensor_cores.TF32 | tiles for _, tiles in tensor_cores.TILINGS_ON_GPU]
    program = program_of(dtype, [Dense(6), Dense(3)])
    launches = {launch.name: launch for launch in launches_of(program, plan.Call(plan.TRAIN))}
    for tiles in each:
        for name, bound in (("matmul", "HAS_BIAS"), ("matmul_transposed", "A_TRANSPOSED")):
            kernel = kernels_of(dtype)(name, **{bound: True}, **tiles)
            yield launches[name]._replace(kernel=kernel)


def type_of(argument):
    """The type of an argument; a launch passes arrays and numbers only."""
    found = numba.typeof(argument)
    assert isinstance(found, numba.types.Array | numba.types.Number), found
    return found


def ptx_of(kernel, types):
    """The code for each architecture; what Numba does before is the same, and takes longest."""
    library, _ = compiler._compile_pyfunc_with_fixup(
        kernel.py_func,
        numba.void(*types),
        **dict.fromkeys(["debug", "opt", "abi_info", "launch_bounds"]),
        **dict.fromkeys(["lineinfo", "device", "fastmath", "forceinline", "lto"], False),
        cc=ARCHITECTURES[0],
        abi="numba",
    )
    for architecture in ARCHITECTURES:
        (ptx,) = library.get_asm_strs(cc=architecture)
        assert ".target sm_{}{}".format(*architecture) in ptx
        yield ptx


def problems_of(kernel, types):
    """Describe the problems of a kernel for arguments of these types."""
    try:
        codes = list(ptx_of(kernel, types))
    except Exception as error:  # of Numba, or what it did not expect
        yield f"does not compile: {error!r}"
        return
    # Rows of the user may be float64, and functions of the user compute as they please.
    may_be_double = "float64" in str(types) or "_of_user" in kernel.py_func.__name__
    for ptx in codes:
        if ".f64" in ptx and not may_be_double:
            yield "computes in double precision"
        if "__local_depot" in ptx:
            yield "has arrays in local memory"
        shared = sum(map(int, re.findall(r"\.shared \.align \d+ \.b8 \w+\[(\d+)\]", ptx)))
        if shared > SHARED_MEMORY:
            yield f"has {shared} bytes of shared memory"


@pytest.fixture(autouse=True, scope="module")
def without_a_device():
    """Functions that kernels call are made for a device; kernels made for another are forgotten."""
    device = SimpleNamespace(compute_capability=ARCHITECTURES[0])
    kernels_of.cache_clear()
    with mock.patch.object(numba.cuda.dispatcher, "get_current_device", lambda: device):
        yield
    kernels_of.cache_clear()


#: Tests that share the kernels of float32, so that processes can share them.
N_SHARES = 6


@cache
def all_forms(dtype):
    """Launches by what differs when they are compiled.

    For float64, which is rarely asked for, by their kernels' names only.
    """
    forms = {}
    for launch in all_launches(np.dtype(dtype)):
        form = (launch.kernel, tuple(map(type_of, launch.args)))
        forms.setdefault(form if dtype == "float32" else launch.name, launch)
    return [*forms.values()]


@pytest.mark.parametrize("share", range(N_SHARES))
def test_every_kernel_compiles_to_what_a_gpu_does_well(share):
    """Check the PTX of every kernel, in all its forms."""
    assert_compile(all_forms("float32")[share::N_SHARES])


def test_every_kernel_of_float64_compiles():
    assert_compile(all_forms("float64"))


def assert_compile(launches):
    found = []
    for launch in launches:
        types = tuple(map(type_of, launch.args))
        problems = problems_of(launch.kernel, types)
        found += [f"{launch.name}{types} {problem}" for problem in problems]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kernel_is_compiled(dtype):
    kernels = {name for name, (_, is_device) in definitions().items() if not is_device}
    assert kernels == {launch.name for launch in all_forms(dtype)}


@pytest.mark.parametrize("tf32", [False, True])
def test_products_of_tf32_are_those_of_tensor_cores(tf32):
    """Check that all products of tf32 use tensor cores, and none of other precisions."""
    program = program_of(np.dtype(np.float32), [Dense(6), Dense(3)], tf32=tf32)
    launches = [
        launch
        for launch in launches_of(program, plan.Call(plan.TRAIN))
        if launch.name.startswith("matmul")
    ]
    assert len(launches) == 5 * (
        1 + tf32
    )  # with TF32, neither of both plans is that of a small step
    for launch in launches:
        for ptx in ptx_of(launch.kernel, tuple(map(type_of, launch.args))):
            assert ("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" in ptx) is tf32
            assert ("cvt.rna.tf32.f32" in ptx) is tf32
