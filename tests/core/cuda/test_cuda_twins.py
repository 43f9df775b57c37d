"""The CUDA engine and the CPU's have the same files, functions, arguments and codes."""

import ast
import importlib
import subprocess
import sys

import pytest

from fastnn._core.codes import ACTIVATIONS, LOSSES, N_COEFFICIENTS, Column, Rule
from fastnn.activations import ELEMENTWISE
from support import ROOT, devices
from support.devices import OPS_LEFT_OUT

CORE = ROOT / "fastnn" / "_core"
CPU, CUDA = CORE / "cpu", CORE / "cuda"

#: Headers of the CPU that have no twin, each with the reason.
NO_TWIN = {
    "barrier": "blocks do not wait for each other",
    "bfloat16": "there are no products of bfloat16",
    "isa_avx2": "an instruction set",
    "isa_avx512": "an instruction set",
    "isa_avx512bf16": "an instruction set",
    "isa_baseline": "an instruction set",
    "kernels_body": "its part is that of kernels.py",
    "prefetch": "caches of a processor",
    "processor": "caches of a processor",
    "program": "programs come from fastnn/_core/program.py",
    "row_types": "Numba converts numbers",
    "simd": "vectors of a processor",
    "startable": "threads of a processor",
    "system": "a clock and a scheduler",
    "transpose": "products read weights as they lie",
}
# Arguments that say how a processor does it.
OF_THE_CPU = {"isa", "repeat", "rows_per_part"}

needs_numba_cuda = pytest.mark.skipif(
    not devices.CAN_COMPILE, reason="numba-cuda is missing, or simulates"
)


def test_every_header_has_a_twin():
    headers = {path.stem for path in CPU.glob("*.h")}
    modules = {path.stem for path in CUDA.glob("*.py")}
    assert headers - modules == NO_TWIN.keys()


def functions_of(path, class_name=None):
    """Public functions of a file, or methods of one of its classes, and their arguments."""
    body = ast.parse(path.read_text()).body
    if class_name is not None:
        (body,) = (
            node.body for node in body if isinstance(node, ast.ClassDef) and node.name == class_name
        )
    return {
        node.name: arguments_of(node)
        for node in body
        if isinstance(node, ast.FunctionDef)
        and (node.name == "__init__" or not node.name.startswith("_"))
        and not node.decorator_list  # properties
    }


def arguments_of(function):
    """Names of arguments in order, with their defaults."""
    arguments = function.args
    names = [argument.arg for argument in arguments.args]
    required = len(names) - len(arguments.defaults)
    defaults = [None] * required + [(ast.literal_eval(node),) for node in arguments.defaults]
    defaults += [node and (ast.literal_eval(node),) for node in arguments.kw_defaults]
    names += [argument.arg for argument in arguments.kwonlyargs]
    both = zip(names, defaults, strict=True)
    return [(name, default) for name, default in both if name not in OF_THE_CPU]


def test_ops_have_the_same_arguments():
    """Check arguments; fused operations of CUDA have additional ones."""
    cpu, cuda = functions_of(CPU / "ops.pyi"), {}
    for path in (CUDA / "ops").glob("*.py"):
        cuda |= functions_of(path)
    assert OPS_LEFT_OUT.keys() <= cpu.keys()
    assert not OPS_LEFT_OUT.keys() & cuda.keys()
    for name in cpu.keys() - OPS_LEFT_OUT.keys():
        arguments = cuda.get(name, [])
        assert arguments[: len(cpu[name])] == cpu[name], name
        assert all(default is not None for _, default in arguments[len(cpu[name]) :])


def test_engines_have_the_same_methods():
    both = CPU / "engine.pyi", CUDA / "engine.py"
    for name in ("Engine", "Predictor"):
        cpu, cuda = functions_of(both[0], f"Native{name}"), functions_of(both[1], name)
        assert cuda == cpu


@needs_numba_cuda
def test_engine_modules_have_the_same_names():
    cpu, cuda = (importlib.import_module(f"fastnn._core.{device}") for device in ("cpu", "cuda"))
    names = {"Engine", "Predictor", "n_threads", "train_side_by_side"}
    assert names <= {*cpu.__all__} & {*cuda.__all__}


@needs_numba_cuda
def test_registries_cover_all_codes():
    """Check that each code has existing functions."""
    from fastnn._core.cuda import activations, losses, optimizers
    from fastnn._core.cuda.kernels import definitions

    def are_functions(names):
        return all(definitions()[name][1] for name in names)

    codes = {ACTIVATIONS[name].code for name in ELEMENTWISE} - {0}  # the identity is no stage
    kept = {row.code for row in ACTIVATIONS.values() if row.keeps_derivative}
    assert activations.VALUES.keys() >= codes
    assert activations.PAIRS.keys() == kept
    assert activations.DERIVATIVES.keys() >= codes - kept
    for registry in (activations.VALUES, activations.PAIRS, activations.DERIVATIVES):
        assert are_functions(registry.values())
    for row in LOSSES.values():
        for found in (losses.loss_kernel(row.code), losses.output_kernel(row.code)):
            if found is None:  # the output is the last pre-activation
                assert row.output_activation == "identity"
                continue
            name, bindings = found
            assert not definitions()[name][1]
            assert are_functions(value for value in bindings.values() if isinstance(value, str))
    assert optimizers.RULES.keys() == set(Rule)
    assert are_functions(optimizers.RULES.values())


@needs_numba_cuda
def test_fields_of_mixing_lie_as_columns_do():
    from fastnn._core.cuda import steps

    fields = range(steps.SHIFT, steps.BOX_STRIDE + 1)
    assert len(fields) == len(range(Column.MIX_SHIFT, Column.MIX_STRIDE + 1))
    assert min(steps.SCALE, steps.KEEP_SCALE) >= N_COEFFICIENTS


def test_import_needs_no_numba():
    """Check that the CPU needs no Numba either."""
    script = """if True:
        import sys
        import numpy as np
        from fastnn import MLPRegressor
        MLPRegressor(max_iter=1, early_stopping=True).fit(np.eye(20), np.arange(20.0))
        assert not {"cuda", "numba", "numba_cuda", "fastnn._core.cuda"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)
