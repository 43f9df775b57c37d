"""The only import of Numba's CUDA target, and what its users are told where it cannot run.

The target that is built into Numba is deprecated; the one used here is the package numba-cuda. With
NUMBA_ENABLE_CUDASIM=1 it runs kernels as Python, on any machine.
"""

import os

INSTALL = 'pip install "fastnn[cuda]"'

try:
    import numba
    import numba_cuda  # noqa: F401  (puts itself in the place of numba.cuda)
    from numba import cuda
except ImportError as error:
    raise ImportError(f"device='cuda' needs the package numba-cuda: {INSTALL}.") from error

#: Whether kernels run as Python.
SIMULATED = bool(numba.config.ENABLE_CUDASIM)

__all__ = ["INSTALL", "SIMULATED", "cuda", "numba", "os"]
