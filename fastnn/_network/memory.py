"""Memory that training a network takes."""

import functools
import math
import os

from .architecture import describe


@functools.cache
def _memory():
    """Return the memory of this machine in bytes; infinity if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def check_memory(program, n_arrays, batch_size, is_sparse):
    """Raise a MemoryError, before anything is allocated, for a network that does not fit.

    `n_arrays` is how many of the size of all parameters there are beside them: slots and more.
    """
    # Two copies to go back to, transposed weights; rows, values and gradients of a batch.
    of_batch = program.n_values + program.n_gradients
    of_batch -= program.n_features if is_sparse else 0
    n_numbers = program.n_parameters * (3 + n_arrays) + batch_size * of_batch
    if program.bfloat16:  # two bytes for each operand
        n_numbers += (program.n_parameters + program.n_transposed + batch_size * of_batch) / 2
    else:
        n_numbers += program.n_transposed
    needed = n_numbers * program.dtype.itemsize
    available = _memory()
    if needed > available:
        raise MemoryError(
            f"A network of {describe(program)} units, trained on batches of {batch_size} "
            f"rows, needs about {needed / 1e9:.3g} GB of memory, and this machine has "
            f"{available / 1e9:.3g} GB: choose fewer units or a smaller batch_size."
        )
