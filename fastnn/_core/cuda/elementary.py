"""exp, log and what is made of them, safe at the ends of their range: twin of ``cpu/elementary.h``.

CUDA's own functions are good to 2 ulp, erfc to 5. Python's, which the simulator calls, raise errors
where those return infinity; and so arguments are kept inside.
"""

import math

from .kernels import IS_DOUBLE, device, real

SQRT_HALF = 0.70710678118654752


@device
def exponential(x):
    """exp(x), infinity above 88 (in float32) or 709."""
    if x > (real(709.7) if IS_DOUBLE else real(88.7)):
        return real(math.inf)
    return real(math.exp(x))


@device
def exponential_minus_1(x):
    """exp(x) - 1 with full relative precision near 0, for -80 <= x <= 80."""
    return real(math.expm1(x))


@device
def logarithm(x):
    """log(x), x > 0; NaN of all else, so that a diverged loss is seen."""
    if x > real(0) and x - x == real(0):
        return real(math.log(x))
    return real(math.nan)


@device
def logarithm_of_1_plus(x):
    """log(1 + x), 0 <= x <= 1."""
    return real(math.log1p(x))


@device
def normal_distribution(x):
    """P(Z <= x), Z standard normal, and e^(-x^2 / 2).

    Good to 6 ulp, and to that of the rounded x^2 where x is far below zero: the error is relative
    there too, for erfc does not cancel as 1 + erf would.
    """
    below = real(0.5) * real(math.erfc(-x * real(SQRT_HALF)))
    return below, exponential(real(-0.5) * x * x)


@device
def square_root(x):
    """sqrt(x), x >= 0; NaN of what is not."""
    if x >= real(0):
        return real(math.sqrt(x))
    return real(math.nan)


@device
def maximum(a, b):
    """The larger; b where a is NaN."""
    return a if a > b else b


@device
def minimum(a, b):
    """The smaller; b where a is NaN."""
    return a if a < b else b
