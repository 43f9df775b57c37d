"""Devices that the tests of the CUDA engine can run on, and functions that its twins leave out."""

import importlib.util
import os

#: Kernels run as Python: NUMBA_ENABLE_CUDASIM, as Numba reads it.
SIMULATES = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")
HAS_NUMBA_CUDA = importlib.util.find_spec("numba_cuda") is not None
CAN_COMPILE = HAS_NUMBA_CUDA and not SIMULATES


def find_device():
    """Return "gpu", "simulator", or None where there is neither, or no numba-cuda."""
    if SIMULATES or not HAS_NUMBA_CUDA:
        return "simulator" if HAS_NUMBA_CUDA else None
    from numba import cuda

    return "gpu" if cuda.is_available() else None


_SPARSE = "sparse rows come to the device as dense ones"
_BFLOAT16 = "there are no products of bfloat16"

#: Functions of ``cpu/ops.pyx`` that ``cuda/ops`` has not, each with the reason.
OPS_LEFT_OUT = {
    "transpose": "products read weights as they lie",
    "csr_matmul": _SPARSE,
    "csr_weight_gradient": _SPARSE,
    "dropout_csr": _SPARSE,
    "multiply": "an update multiplies what it reads",
    "mix_losses": "the loss of mixed rows is found at once: see test_losses_of_mixed_rows",
    "bfloat16_layouts": _BFLOAT16,
    "bfloat16_matmul": _BFLOAT16,
    "fma_chain": "measures a processor",
    "stage_bytes": "no struct is passed to kernels",
    "constants": "there is no second enumeration of codes",
}
