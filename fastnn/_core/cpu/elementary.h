/* exp, expm1, log as straight-line scalar code: a loop over them becomes vector code.
 *
 * Plain series with the error bounded by the reduced argument (Muller, "Elementary Functions",
 * ch. 5 and 11), every fused multiply-add written out, so that each instruction set with FMA
 * gives the same bits. NaN passes through; float32 is good to 2 ulp, float64 to 3.
 */
#ifndef FASTNN_ELEMENTARY_H
#define FASTNN_ELEMENTARY_H

#include "simd.h"

static const real LN2_HIGH = REAL(0.693359375f, 6.93147180369123816490e-01);
static const real LN2_LOW = REAL(-2.12194440e-4f, 1.90821492927058770002e-10);
enum { MANTISSA_BITS = REAL(23, 52), EXPONENT_BIAS = REAL(127, 1023) };

/* 1/2!, 1/3! .. : exp(r) - 1 = r + r^2 (1/2! + r (1/3! + ..)), |r| <= ln 2 / 2 */
static const double FACTORIAL_INVERSES[] = {
    1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880,
    1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};

INLINE real power_of_two(integer k) { return of_bits((k + EXPONENT_BIAS) << MANTISSA_BITS); }

/* exp(x) = 2^k (1 + p); x is at most the range of the type away from 0 */
INLINE real reduced_exp(real x, integer *k)
{
    const real to_integer = REAL(0x1.8p23f, 0x1.8p52);
    const real shifted = fused(x, REAL(1.44269504f, 1.4426950408889634), to_integer);
    const real n = shifted - to_integer;
    const real r = fused(n, -LN2_LOW, fused(n, -LN2_HIGH, x));
    enum { TERMS = REAL(6, 12) };
    real q = (real)FACTORIAL_INVERSES[TERMS - 1];
    UNROLL for (int i = TERMS - 2; i >= 0; i--) q = fused(q, r, (real)FACTORIAL_INVERSES[i]);
    *k = bits_of(shifted) - bits_of(to_integer);
    return fused(q * r, r, r);
}

/* Overflows to infinity and underflows to zero: two factors keep each power of two normal. */
INLINE real exponential(real x)
{
    const real low = REAL(-104.f, -746.), high = REAL(89.f, 710.);
    integer k;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const real p = reduced_exp(x, &k);
    const integer half = k >> 1;
    return (1 + p) * power_of_two(half) * power_of_two(k - half);
}

/* For 0 <= x <= 40, as tanh needs it: full relative precision near 0. */
INLINE real exponential_minus_1(real x)
{
    integer k;
    const real p = reduced_exp(x, &k), scale = power_of_two(k);
    return fused(p, scale, scale - 1);
}

/* log(x), x > 0 and normal; NaN and infinity give NaN, so that a diverged loss is seen: x = 2^k m, sqrt(1/2) <= m < sqrt(2), s = (m - 1) / (m + 1),
 * log m = 2 s + s R, R = 2 s^2 / 3 + 2 s^4 / 5 + .. */
INLINE real logarithm(real x)
{
    const integer sqrt_half = REAL(0x3f3504f3, 0x3fe6a09e667f3bcd);
    const integer one = bits_of((real)1);
    const integer i = bits_of(x) + (one - sqrt_half);
    const real k = (real)((i >> MANTISSA_BITS) - EXPONENT_BIAS);
    const real m = of_bits((i & (((integer)1 << MANTISSA_BITS) - 1)) + sqrt_half);
    const real f = m - 1, s = f / (2 + f), z = s * s, half_square = REAL(.5f, .5) * f * f;
    enum { TERMS = REAL(5, 11) };
    real series = REAL(2.f, 2.) / (2 * TERMS + 1);
    UNROLL for (int t = TERMS - 1; t >= 1; t--)
        series = fused(series, z, REAL(2.f, 2.) / (2 * t + 1));
    const real low = fused(s, half_square + z * series, fused(k, LN2_LOW, x - x));
    return fused(k, LN2_HIGH, f - (half_square - low));
}

#endif
