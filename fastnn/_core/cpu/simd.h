/* The vector type of one instruction set, and what a kernel file defines before it is included:
 *
 *   REAL_IS_DOUBLE   0 or 1: the type of the arithmetic
 *   VECTOR_BYTES     64, 32 or 16
 *   VECTOR_FMA_F32, VECTOR_FMA_F64   (a, b, c) -> a * b + c, rounded once where there is FMA
 *   VECTOR_MULTIPLY_U32   the 64-bit products of the lower halves of 64-bit lanes
 *   SCALAR_HAS_FMA   0 or 1: the same for scalars, so that elementwise loops vectorise
 *   TILE_PANELS, TILE_ROWS_1 .. TILE_ROWS_4   register tiles, see dense.h
 *
 * Memory is laid out in panels of 64 bytes whatever the instruction set, hence the same sums in
 * the same order, hence the same bits, on every set that has FMA. Contraction of a * b + c is off
 * in the build: an FMA is one only where the code says so.
 */
#ifndef FASTNN_SIMD_H
#define FASTNN_SIMD_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if REAL_IS_DOUBLE
typedef double real;
typedef int64_t integer;
typedef uint64_t whole;
#define VECTOR_FMA VECTOR_FMA_F64
#define REAL(single, double_) (double_)
#else
typedef float real;
typedef int32_t integer;
typedef uint32_t whole;
#define VECTOR_FMA VECTOR_FMA_F32
#define REAL(single, double_) (single)
#endif

enum { PANEL = 64 / sizeof(real), LANES = VECTOR_BYTES / sizeof(real), VECTORS = PANEL / LANES };

typedef real vector __attribute__((vector_size(VECTOR_BYTES)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 64")
/* The loop that follows stays one: of those of few passes GCC makes straight code before it looks
 * for vectors, and then finds none. */
#define KEPT _Pragma("GCC unroll 1")
/* The passes of the loop that follows do not touch each other's memory. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

INLINE vector broadcast(real a) { return a - (vector){0}; }

INLINE real fused(real a, real b, real c)
{
#if SCALAR_HAS_FMA
    return REAL(__builtin_fmaf(a, b, c), __builtin_fma(a, b, c));
#else
    return a * b + c;
#endif
}

INLINE real square_root(real a) { return REAL(__builtin_sqrtf(a), __builtin_sqrt(a)); }
INLINE real copy_sign(real a, real b)
{
    return REAL(__builtin_copysignf(a, b), __builtin_copysign(a, b));
}
INLINE real maximum(real a, real b) { return a > b ? a : b; }
INLINE real minimum(real a, real b) { return a < b ? a : b; }

/* Denormals are zero here, so an epsilon that keeps a denominator from 0 is never smaller. */
static const real SMALLEST = REAL(FLT_MIN, DBL_MIN);

/* Bits of a number as an integer, and back. */
INLINE integer bits_of(real a) { integer i; memcpy(&i, &a, sizeof i); return i; }
INLINE real of_bits(integer i) { real a; memcpy(&a, &i, sizeof a); return a; }

#endif
