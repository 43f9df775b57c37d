/* exp, expm1, log, log1p and the normal distribution as straight-line scalar code: a loop over them
 * becomes vector code.
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

/* Unsigned, as the bits of a NaN overflow what is signed. */
INLINE real power_of_two(integer k)
{
    return of_bits((integer)(((whole)k + EXPONENT_BIAS) << MANTISSA_BITS));
}

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
    *k = (integer)((whole)bits_of(shifted) - (whole)bits_of(to_integer));
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

/* For -80 <= x <= 80, where 2^k is normal in both types: full relative precision near 0. */
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
    const integer i = (integer)((whole)bits_of(x) + (whole)(one - sqrt_half));
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

/* log(1 + f), 0 <= f <= 1, with full relative precision near 0: the series of logarithm() in
 * s = f / (2 + f) <= 1/3, without a reduction. */
INLINE real logarithm_of_1_plus(real f)
{
    const real s = f / (2 + f), z = s * s;
    enum { TERMS = REAL(7, 16) };
    real series = REAL(2.f, 2.) / (2 * TERMS + 1);
    UNROLL for (int t = TERMS - 1; t >= 1; t--)
        series = fused(series, z, REAL(2.f, 2.) / (2 * t + 1));
    return fused(s * z, series, 2 * s);
}

/* (u + 5) e^(u^2 / 2) P(Z > u), Z standard normal, as a polynomial in t = (u - 5) / (u + 5): a form
 * that is smooth up to infinity (Shepherd and Laframboise, Mathematics of Computation 36, 1981, for
 * erfc). Coefficients from interpolation at the Chebyshev points of 0 <= u <= 14.5 and of
 * 0 <= u <= 40 with 40 digits; relative error 2e-8 and 4e-17. */
static const float NORMAL_TAIL_F32[] = {
    0.769193040431697338f, -0.665382444186179284f, 0.495306554822240368f, -0.313535024909528541f,
    0.165004341923991777f, -0.0691088919135488515f, 0.0208915778543989386f,
    -0.00297105143872911455f, -0.00100366107526913849f, 0.000389281582376218219f};
static const double NORMAL_TAIL_F64[] = {
    0.769193049750062967, -0.665382502890056764, 0.495305615969973883, -0.313533156671299527,
    0.165020366170511145, -0.0691186387064043669, 0.0207950667974165969, -0.00299337677015935331,
    -0.000797869373946913757, 0.000544899070773315855, -5.93758678021216966e-5,
    -4.97628886802980786e-5, 1.66816944466908831e-5, 3.98127492314160308e-6,
    -2.77026489466599207e-6, -3.37631879564460744e-7, 4.34312430010471835e-7,
    4.38523607919232902e-8, -6.65400740125251116e-8, -1.0623937439932971e-8,
    7.57370245695260291e-9, 2.20618608579568861e-9};

/* P(Z <= x), and e^(-x^2 / 2). Good to 4 ulp, and to that of the rounded x^2 where x is far below
 * zero: the error is relative there too. */
INLINE real normal_distribution(real x, real *bell)
{
    const real most = 40, size = x < 0 ? -x : x, u = size > most ? most : size;
    const real q = 1 / (u + 5), t = (u - 5) * q;
    enum { TERMS = REAL(10, 22) };
    real p = REAL(NORMAL_TAIL_F32, NORMAL_TAIL_F64)[TERMS - 1];
    UNROLL for (int i = TERMS - 2; i >= 0; i--)
        p = fused(p, t, REAL(NORMAL_TAIL_F32, NORMAL_TAIL_F64)[i]);
    *bell = exponential(REAL(-.5f, -.5) * u * u);
    const real tail = p * q * *bell;
    return x < 0 ? tail : 1 - tail;
}

#endif
