"""Dense layers, in float64 and with rounded products; dropout."""

from typing import NamedTuple

import numpy as np

from fastnn.layers import Dropout


def dense_forward(x, coef, intercept):
    """z = x W + b."""
    return x @ coef + intercept


def dense_backward(x, coef, dz):
    """Gradients with respect to x, W and b (Bishop 2006, section 5.3.1)."""
    return dz @ coef.T, x.T @ dz, dz.sum(axis=0)


def bfloat16(x):
    """The nearest number of 8 significant bits, ties to even; denormals of float32 are zero.

    Kalamkar et al., "A study of BFLOAT16 for deep learning training" (2019), section 2.
    """
    x = np.array(x, np.float32, ndmin=1)
    bits = x.view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + (bits >> 16 & 1) & np.uint32(0xFFFF0000)
    rounded[(bits & 0x7F800000) == 0] = 0
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32)).astype(float)


def tf32(x):
    """The nearest number of 11 significant bits, ties away from zero.

    NVIDIA, "Parallel Thread Execution ISA", ``cvt.rna.tf32.f32``.
    """
    x = np.array(x, np.float32, ndmin=1)
    rounded = x.view(np.uint32) + np.uint32(0x1000) & np.uint32(0xFFFFE000)
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32)).astype(float)


def rounded_forward(rounds, x, coef, intercept):
    """z = x W + b, as mixed-precision training has it (Kalamkar et al. 2019, section 3)."""
    return rounds(x) @ rounds(coef) + intercept


def rounded_backward(rounds, x, coef, dz):
    """The gradients of `dense_backward`, of rounded arguments; that of b is not a product."""
    dx, dw, _ = dense_backward(rounds(x), rounds(coef), rounds(dz))
    return dx, dw, dz.sum(axis=0)


def dropout(x, keep, rate):
    """Srivastava et al., "Dropout" (2014), section 4, inverted: scaled in training (section 10).

    It is linear in x, so that the backward pass is the same function of the gradient.
    """
    return np.where(keep, x / (1 - rate), 0.0)


class Kept(NamedTuple):
    """Mask of a dropout stage at a step, and the factor of what is kept."""

    mask: object
    factor: float

    def __call__(self, x):
        return np.where(self.mask, x * self.factor, 0.0)


def as_dropout(of):
    """The spec that a rate stands for."""
    return of if isinstance(of, Dropout) else Dropout(of)
