"""Arrays on a GPU, of any library: detection, and wrapping as rows that stay there.

Nothing here needs CUDA: what looks into such arrays is the CUDA engine.
"""

import numpy as np

from .. import _core

# Devices of DLPack: memory of a GPU, and what the driver moves there and back.
_OF_CUDA = 2, 13
#: Types of rows that the kernels of a GPU read.
TYPES = "float32", "float64", "uint8"


def is_on_gpu(array):
    """Return whether this is an array in the memory of an NVIDIA GPU."""
    if array is None or isinstance(array, np.ndarray | list | tuple):
        return False
    if isinstance(array, DeviceRows) or getattr(array, "__cuda_ndarray__", False):  # Numba's
        return True
    # A class is asked before its objects are: what these answer may be an error of their own.
    if hasattr(type(array), "__dlpack_device__"):
        return int(array.__dlpack_device__()[0]) in _OF_CUDA
    return hasattr(array, "__cuda_array_interface__")


class DeviceRows:
    """Rows that lie on a GPU and stay there.

    Parameters
    ----------
    array : object
        Has ``__cuda_array_interface__`` or ``__dlpack__``.

    Attributes
    ----------
    array : object
    shape, ndim, dtype, size
        As of NumPy's arrays.
    """

    def __init__(self, array):
        if getattr(array, "requires_grad", False):
            array = array.detach()  # PyTorch hides the memory of what it differentiates
        self.array, self.shape = array, tuple(int(length) for length in array.shape)
        self.ndim = len(self.shape)
        name = str(array.dtype).rpartition(".")[2]  # torch.float32
        if self.ndim != 2 or name not in TYPES:
            raise ValueError(
                f"X on the GPU must be a matrix of {', '.join(TYPES[:-1])} or {TYPES[-1]}, and "
                f"this is of {name}, with the shape {self.shape}: convert it there."
            )
        self.dtype, self.size = np.dtype(name), self.shape[0] * self.shape[1]

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """A copy of the rows with these numbers; all rows (a slice) are not copied."""
        if isinstance(rows, slice):
            assert rows.indices(len(self)) == (0, len(self), 1)
            return self
        return DeviceRows(_core.take_rows(self, rows))


class PassingRows(np.ndarray):
    """Rows that are others in the next epoch: an engine need not keep a copy of them."""


def to_host(array):
    """An array of any kind, brought to the host where it is on the GPU."""
    if not is_on_gpu(array):
        return array
    if getattr(array, "requires_grad", False):
        array = array.detach()
    if hasattr(array, "cpu"):  # PyTorch
        return array.cpu().numpy()
    return array.get() if hasattr(array, "get") else _core.to_host(array)  # CuPy, others
