"""Build of the native core; everything that is not native is declared in pyproject.toml.

Environment variables:

- ``FASTNN_DEBUG=1``           bounds checks, C assertions and debug symbols, little optimization
- ``FASTNN_REQUIRE_OPENMP=1``  fail where OpenMP is missing, instead of building for one thread
- ``FASTNN_NO_OPENMP=1``       build for one thread even where OpenMP works
"""

import os
import runpy
import shutil
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError
from setuptools.modified import newer_group

CPU = Path("fastnn/_core/cpu")
GENERATED = Path("build/generated")
MODULES = ("engine", "ops")
KERNELS = ["dispatch.c", *sorted(path.name for path in CPU.glob("kernels_*.c"))]


def flag(name):
    value = os.environ.get(name, "")
    if value not in ("", "0", "1"):
        raise SystemExit(f"{name} is 0 or 1, not {value!r}.")
    return value == "1"


DEBUG = flag("FASTNN_DEBUG")

# No -ffast-math and no contraction: kernels say where they fuse, so that the same seed gives the
# same bits on every instruction set with FMA. No -march: a kernel file opens its own target region.
COMPILE_ARGS = [
    "-std=c11",
    *(("-O1", "-g", "-UNDEBUG") if DEBUG else ("-O3", "-g0")),
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "freethreading_compatible": True,
}

SERIAL = ["-Wno-unknown-pragmas"], []
OPENMP_PROBE = """
#include <omp.h>
int count_threads(void) {
    int threads = 0;
    #pragma omp parallel reduction(+ : threads)
    threads += 1;
    return threads == omp_get_max_threads();
}
"""


def find_compiler(compiler):
    """Return the command of the C compiler, which is clang-cl where setuptools would take cl.

    cl lacks the vector extensions of GCC and clang. GCC for Windows has them, but aligns the stack
    to 16 bytes, too few for AVX (its bug 54412).
    """
    if compiler.compiler_type == "msvc":
        compiler.initialize()
        compiler.cc = shutil.which("clang-cl") or "clang-cl"
        command = [compiler.cc]
    else:
        command = compiler.compiler_so
    if shutil.which(command[0]) is None:
        raise SystemExit(
            f"fastnn is compiled from C, and the compiler {command[0]!r} is not found: install GCC "
            "or clang (on Debian and Ubuntu `apt install gcc`, on macOS `xcode-select --install`, "
            "on Windows LLVM and the build tools of Visual Studio), or name another by CC."
        )
    return command


def openmp_flags(compiler):
    """The (compile, link) flags of OpenMP, found by building a program; None if missing."""
    if compiler.compiler_type == "msvc":
        library = Path(compiler.cc).parents[1] / "lib" / "libomp.lib"
        candidates = [(["/openmp"], [str(library)])]
    else:
        candidates = [(["-fopenmp"], ["-fopenmp"])]
    if sys.platform == "darwin":  # Apple's clang, with libomp in the search path
        candidates.append((["-Xpreprocessor", "-fopenmp"], ["-lomp"]))
    for compile_args, link_args in candidates:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(OPENMP_PROBE)
            try:
                objects = compiler.compile(
                    [str(source)], output_dir=folder, extra_postargs=compile_args
                )
                compiler.link_shared_object(
                    objects, str(Path(folder, "probe.so")), extra_postargs=link_args
                )
            except (CompileError, LinkError):
                continue
        return compile_args, link_args
    return None


class BuildCore(build_ext):
    """Probes OpenMP, compiles the kernels once and links them into both extensions."""

    def build_extensions(self):
        command = find_compiler(self.compiler)
        compile_args, link_args = self.choose_openmp()
        is_msvc = self.compiler.compiler_type == "msvc"
        own_args = [f"/clang:{arg}" for arg in COMPILE_ARGS] if is_msvc else COMPILE_ARGS
        compile_args = own_args + compile_args
        for extension in self.extensions:
            extension.extra_compile_args += compile_args
            extension.extra_link_args += link_args
        # Timestamps do not tell a debug or serial build from a normal one in the same tree.
        flags = " ".join([*command, *compile_args])
        stamp = Path(self.build_temp, "flags")
        self.force = self.force or not stamp.exists() or stamp.read_text() != flags
        stamp.unlink(missing_ok=True)
        objects = self.compile_kernels(compile_args)
        for extension in self.extensions:
            extension.extra_objects += objects
        self.parallel = self.parallel or True
        super().build_extensions()
        stamp.write_text(flags)

    def choose_openmp(self):
        if flag("FASTNN_NO_OPENMP"):
            if flag("FASTNN_REQUIRE_OPENMP"):
                raise SystemExit("FASTNN_NO_OPENMP and FASTNN_REQUIRE_OPENMP exclude each other.")
            return SERIAL
        found = openmp_flags(self.compiler)
        if found is None:
            message = (
                "This C compiler cannot build OpenMP programs (gcc needs libgomp, clang libomp): "
                "fastnn would train on one thread only."
            )
            if flag("FASTNN_REQUIRE_OPENMP"):
                raise SystemExit(message)
            warnings.warn(message, stacklevel=1)
            return SERIAL
        return found

    def compile_kernels(self, flags):
        def compile_one(name):
            source = str(CPU / name)
            [target] = self.compiler.object_filenames([source], output_dir=self.build_temp)
            if self.force or newer_group([source, *HEADERS], target):
                self.compiler.compile(
                    [source],
                    output_dir=self.build_temp,
                    include_dirs=[str(GENERATED)],
                    extra_postargs=flags,
                    depends=HEADERS,
                )
            return target

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(compile_one, KERNELS))


def write_codes():
    """Write the codes of codes.py for C and Cython, and as a dictionary that a test reads."""
    constants = runpy.run_path("fastnn/_core/codes.py")["constants"]()
    values = "".join(f"    {name} = {code},\n" for name, code in constants.items())
    names = "".join(f"        {name}\n" for name in constants)
    entries = "".join(f'    "{name}": {name},\n' for name in constants)
    texts = {
        "codes.h": f"#pragma once\nenum {{\n{values}}};\n",
        "codes.pxi": f'cdef extern from "codes.h" nogil:\n    enum:\n{names}',
        "constants.pxi": f"CONSTANTS = {{\n{entries}}}\n",
    }
    GENERATED.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = GENERATED / name
        if not path.exists() or path.read_text() != text:  # what depends on it is built anew
            path.write_text(text)


write_codes()
HEADERS = sorted(str(path) for folder in (CPU, GENERATED) for path in folder.glob("*.h"))

extensions = [
    Extension(
        f"fastnn._core.cpu.{name}",
        [str(CPU / f"{name}.pyx")],
        include_dirs=[str(CPU), str(GENERATED), numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        depends=[*HEADERS, *(str(CPU / name) for name in KERNELS)],
    )
    for name in MODULES
    if (CPU / f"{name}.pyx").exists()
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives=DIRECTIVES,
        include_path=[str(GENERATED)],
    ),
    cmdclass={"build_ext": BuildCore},
)
