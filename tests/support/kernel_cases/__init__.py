"""Cases of kernels: what each computes, next to the reference.

A case yields calls of one kernel, what they should return and how far off they may be. It is given
the module of the kernels, `ops`, and a function `some` that chooses which of its shapes are tried.
To add one, write a function like its neighbours, decorated with `case`, in the module of its
subject.
"""

from support.kernel_cases import (  # noqa: F401 (importing them registers their cases)
    activations,
    losses,
    normalization,
    products,
    randomness,
    rows,
    updates,
)
from support.kernel_cases.registry import CASES, arrays, calls_of, check_against_the_reference

__all__ = ["CASES", "arrays", "calls_of", "check_against_the_reference"]
