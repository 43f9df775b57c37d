"""The only import of Numba's CUDA target, and the errors if it is not available.

The target that is built into Numba is deprecated; the one used here is the package numba-cuda. With
NUMBA_ENABLE_CUDASIM=1 it runs kernels as Python, on any machine.
"""

import os
from contextlib import contextmanager

import numpy as np

from ..._extras import pip_install

INSTALL = pip_install("cuda")

try:
    import numba
    import numba_cuda  # puts itself in the place of numba.cuda
    from numba import cuda
except ImportError as error:
    raise ImportError(
        f"device='cuda' needs the package numba-cuda, which cannot be imported ({error}): {INSTALL}"
    ) from error

#: Whether kernels run as Python.
SIMULATED = bool(numba.config.ENABLE_CUDASIM)
#: The oldest compute capability: Turing's, the oldest that CUDA 13 compiles for.
OLDEST_CARD = 7, 5
#: The oldest whose tensor cores multiply numbers of TF32: Ampere's.
OLDEST_WITH_TF32 = 8, 0

if not SIMULATED:
    from llvmlite import ir
    from numba.cuda.core import config
    from numba.cuda.extending import intrinsic

    # Small networks make small grids: no news to who trains one, and nothing that he could change.
    config.CUDA_LOW_OCCUPANCY_WARNINGS = 0

_OR_CPU = "Or choose device='cpu', or 'auto', which then uses the CPU."
# Whether CUDA has been started in this process, and whether in one that this was forked from.
_started = _forked = False


def _after_fork():
    global _started, _forked
    _started, _forked = False, _forked or _started


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def start(tf32=False):
    """Start CUDA, or say in a sentence why it cannot be; after the first time this costs nothing.

    Engines and predictions call it first, before anything else is done; `tf32` says whether they
    need products of that precision.
    """
    global _started
    if not _started and not SIMULATED:
        if _forked:
            raise RuntimeError(_FORKED)
        _check_numpy()
        _check_driver()
        _check_card()
    _started = True
    if tf32 and not SIMULATED:
        _check_tensor_cores()


_FORKED = (
    "device='cuda' does not work in a process that was forked from one that has used the GPU: let "
    "joblib start processes by its backend 'loky', or multiprocessing by its start method 'spawn'."
)


def _check_numpy():
    """Raise an error if numba-cuda compiles nothing beside this NumPy, of 2.5 or later."""
    if not hasattr(np, "row_stack"):
        raise ImportError(
            f"device='cuda' needs a NumPy before 2.5, for numba-cuda {numba_cuda.__version__} does "
            f"not work with NumPy {np.__version__}: pip install 'numpy<2.5'. {_OR_CPU}"
        )


def _check_driver():
    """Raise an error if there is no driver, no GPU that it knows, or no compiler for it."""
    driver = cuda.cudadrv.driver.driver
    try:
        available = driver.is_available
    except ImportError:  # a CudaSupportError, the first time; later its text is kept
        available = False
    if not available:
        raise RuntimeError(_why_no_driver(str(driver.initialization_error)))
    try:
        toolkit = cuda.runtime.get_version()
        has_compiler = cuda.cudadrv.nvvm.is_available()
    except (ImportError, RuntimeError):  # of cuda.bindings, where it finds no library
        has_compiler = False
    if not has_compiler:
        raise ImportError(
            f"device='cuda' needs the compiler libraries NVVM and NVRTC of CUDA, which are not "
            f"installed: {INSTALL}"
        )
    version = driver.get_version()
    if version < (toolkit[0], 0):
        raise RuntimeError(_old_driver(version, toolkit))


def _old_driver(version, toolkit):
    older = f'pip install "numba-cuda[cu{version[0]}]"'
    return (
        f"device='cuda' compiles by CUDA {_dotted(toolkit)} here, and the NVIDIA driver is one of "
        f"CUDA {_dotted(version)}, which is too old for that: update the driver, or install what "
        f"goes with it, by {older}. {_OR_CPU}"
    )


def _why_no_driver(text):
    """The sentence for what the driver, or numba-cuda, says."""
    if "NUMBA_DISABLE_CUDA" in text:
        return f"device='cuda' is switched off by NUMBA_DISABLE_CUDA=1: unset it. {_OR_CPU}"
    if "cannot be found" in text:
        return (
            "device='cuda' needs an NVIDIA GPU and its driver, and there is no driver here: "
            f"install it from https://www.nvidia.com/drivers. {_OR_CPU}"
        )
    if "NO_DEVICE" in text or "INVALID_DEVICE" in text:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        seen = "" if visible is None else f", with CUDA_VISIBLE_DEVICES={visible!r}"
        return (
            f"device='cuda' needs an NVIDIA GPU, and the driver sees none{seen}: look at what "
            f"nvidia-smi lists. {_OR_CPU}"
        )
    if "NOT_INITIALIZED" in text:  # another library has used the GPU before the fork
        return _FORKED
    text = " ".join(text.split())
    return (
        f"device='cuda' cannot start the NVIDIA driver ({text}): see whether nvidia-smi works, and "
        f"restart the machine if the driver has just been updated. {_OR_CPU}"
    )


def _check_card():
    """Raise an error if the GPU is too old."""
    card = cuda.get_current_device()
    if card.compute_capability < OLDEST_CARD:
        raise RuntimeError(
            f"device='cuda' needs a GPU of compute capability {_dotted(OLDEST_CARD)} (Turing, "
            f"2018) or later, and {_name(card)} has {_dotted(card.compute_capability)}: choose "
            f"another by CUDA_VISIBLE_DEVICES. {_OR_CPU}"
        )


def _check_tensor_cores():
    """Raise an error if they are too old for TF32."""
    card = cuda.get_current_device()
    if card.compute_capability < OLDEST_WITH_TF32:
        raise RuntimeError(
            f"precision='tf32' needs a GPU of compute capability {_dotted(OLDEST_WITH_TF32)} "
            f"(Ampere, 2020) or later, and {_name(card)} has {_dotted(card.compute_capability)}: "
            "choose precision='float32'. A network that was fitted in tf32 predicts with "
            "device='cpu' in float32."
        )


def _dotted(version):
    return ".".join(map(str, version))


def _name(card):
    return card.name.decode() if isinstance(card.name, bytes) else str(card.name)


def describe():
    """Versions, GPU and driver in a line, or why there is none."""
    line = f"numba-cuda {numba_cuda.__version__}"
    try:
        start()
    except (ImportError, RuntimeError) as error:
        return f"{line}. {error}"
    if SIMULATED:
        return f"{line}, simulated"
    driver = cuda.cudadrv.driver.driver.get_version()
    card = cuda.get_current_device()
    return (
        f"{line}, {_name(card)} (compute capability {_dotted(card.compute_capability)}), driver of "
        f"CUDA {_dotted(driver)}, compiler of CUDA {_dotted(cuda.runtime.get_version())}"
    )


@contextmanager
def device_errors(what="this network and these batches", n_bytes=None):
    """Say in a sentence what a user can do about an error of CUDA inside; others pass on.

    Parameters
    ----------
    what : str
        Purpose of the memory.
    n_bytes : int, default=None
        Size of the memory, if known.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        if "OUT_OF_MEMORY" in text:
            raise MemoryError(_no_memory(what, n_bytes)) from error
        if "UNSUPPORTED_PTX_VERSION" in text:
            version = cuda.cudadrv.driver.driver.get_version()
            raise RuntimeError(_old_driver(version, cuda.runtime.get_version())) from error
        raise


def _no_memory(what, n_bytes):
    asked = "" if n_bytes is None else f" ({n_bytes / 1e9:.3g} GB)"
    try:
        memory = cuda.current_context().get_memory_info()
        left = f": {memory.free / 1e9:.3g} of its {memory.total / 1e9:.3g} GB are free"
    except Exception:  # the card is asked while something has just gone wrong with it
        left = ""
    return (
        f"The GPU has not enough memory for {what}{asked}{left}. Choose a smaller batch_size or "
        "fewer units, free what other programs or arrays hold there, or use device='cpu'."
    )


def inline_ptx(text, results, arguments):
    """A function of float32 numbers for kernels that is one instruction of PTX.

    Parameters
    ----------
    text : str
        The instruction; $0, $1 .. are its results and then its arguments.
    results, arguments : str
        A letter for each: "f", or "r" where the instruction takes the bits.
    """
    real, n = numba.types.float32, len(results)
    result = real if n == 1 else numba.types.UniTuple(real, n)

    @intrinsic
    def instruction(typing_context, *types):
        def generate(context, builder, signature, values):
            kinds = {"f": ir.FloatType(), "r": ir.IntType(32)}
            given = [
                builder.bitcast(builder.extract_value(values[0], i), kinds[letter])
                for i, letter in enumerate(arguments)
            ]
            outs = [kinds[letter] for letter in results]
            returned = outs[0] if n == 1 else ir.LiteralStructType(outs)
            function = ir.FunctionType(returned, [value.type for value in given])
            constraints = ",".join([*(f"={letter}" for letter in results), *arguments])
            # With a side effect, for no thread of a warp may leave it out.
            out = builder.call(ir.InlineAsm(function, text, constraints, side_effect=True), given)
            parts = [out] if n == 1 else [builder.extract_value(out, i) for i in range(n)]
            parts = [builder.bitcast(part, kinds["f"]) for part in parts]
            return parts[0] if n == 1 else context.make_tuple(builder, result, parts)

        return result(numba.types.UniTuple(real, len(arguments))), generate

    return instruction


def four_at_once():
    """Functions for kernels that load and store four numbers of a row: see ``vectors.py``."""

    def place(context, builder, array_type, array, i, j):
        """A pointer to four numbers."""
        view = context.make_array(array_type)(context, builder, array)
        row = builder.mul(builder.extract_value(view.strides, 0), i)
        first = builder.gep(builder.bitcast(view.data, ir.IntType(8).as_pointer()), [row])
        element = context.get_data_type(array_type.dtype)
        number = builder.gep(builder.bitcast(first, element.as_pointer()), [j])
        return builder.bitcast(number, ir.VectorType(element, 4).as_pointer())

    @intrinsic
    def load(typing_context, array, i, j):
        result = numba.types.UniTuple(array.dtype, 4)

        def generate(context, builder, signature, values):
            numbers = builder.load(place(context, builder, array, *values))
            numbers.align = 16
            parts = [builder.extract_element(numbers, ir.IntType(32)(e)) for e in range(4)]
            return context.make_tuple(builder, result, parts)

        return result(array, numba.types.int64, numba.types.int64), generate

    @intrinsic
    def store(typing_context, array, i, j, numbers):
        def generate(context, builder, signature, values):
            *where, given = values
            vector = ir.VectorType(context.get_data_type(array.dtype), 4)(ir.Undefined)
            for e in range(4):
                part = builder.extract_value(given, e)
                vector = builder.insert_element(vector, part, ir.IntType(32)(e))
            builder.store(vector, place(context, builder, array, *where), align=16)
            return context.get_dummy_value()

        four = numba.types.UniTuple(array.dtype, 4)
        return numba.types.void(array, numba.types.int64, numba.types.int64, four), generate

    return load, store


def device_array(array):
    """An array on the GPU, of any library, as Numba's; nothing is copied.

    `array` has ``__cuda_array_interface__`` or ``__dlpack__``.
    """
    cuda.synchronize()  # what another library's stream writes into it is to be there
    if getattr(array, "__cuda_ndarray__", False):  # Numba's, and the simulator's
        return array
    if hasattr(array, "__cuda_array_interface__"):
        interface, owner = array.__cuda_array_interface__, array
    else:
        interface, owner = _of_dlpack(array)
    _check_current(interface["data"][0])
    return cuda.api.from_cuda_array_interface(interface, owner=owner)


def _of_dlpack(array):
    """The interface of what has only DLPack, and what keeps it alive."""
    from cuda.core.utils import StridedMemoryView

    view = StridedMemoryView.from_dlpack(array, stream_ptr=-1)  # no stream has to wait for it
    strides = view.strides and tuple(stride * view.dtype.itemsize for stride in view.strides)
    interface = {
        "shape": tuple(view.shape),
        "strides": strides,
        "typestr": view.dtype.str,
        "data": (view.ptr, view.readonly),
        "version": 3,
    }
    return interface, view


def _check_current(pointer):
    """Refuse what lies on another GPU than the one that computes."""
    if not pointer:  # of no elements
        return
    binding = cuda.cudadrv.driver.binding
    attribute = binding.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
    there = int(
        cuda.cudadrv.driver.driver.cuPointerGetAttribute(attribute, binding.CUdeviceptr(pointer))
    )
    here = cuda.get_current_device().id
    if there != here:
        raise ValueError(
            f"An array lies on GPU {there}, and fastnn computes on GPU {here}: copy it there, or "
            f"let CUDA_VISIBLE_DEVICES={there} choose that GPU."
        )


__all__ = [
    "INSTALL",
    "SIMULATED",
    "cuda",
    "describe",
    "device_array",
    "device_errors",
    "four_at_once",
    "inline_ptx",
    "numba",
    "start",
]
