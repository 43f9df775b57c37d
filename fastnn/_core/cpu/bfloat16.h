/* Products of dense layers in bfloat16: inputs of 8 bits, sums in float32.
 *
 * A bfloat16 is the upper half of a float32, rounded to nearest, ties to even; denormals are zero.
 * Operands come in pairs along the direction k that is summed over, a pair in a word of 32 bits,
 * even k in the lower half; where the number of k is odd, the last pair ends with a zero. A product
 * of matrices is then that of dense.h, with pairs in place of numbers, on three layouts:
 *
 *   rows        (rows, k / 2)    a row after the other             A of forward and input gradient
 *   pairs       (k / 2, columns) two rows of the source side by    B of forward, and A and B of the
 *                                side                              weight gradient
 *   transposed  (k / 2, columns) pairs of columns of the source    B of the input gradient
 *
 * What a pair adds to a sum is what the instruction VDPBF16PS adds: first the product of the odd
 * elements, then that of the even ones, each by a fused multiply-add in float32 (rounded to nearest
 * even, denormal inputs and results zero, whatever MXCSR says). Intel's manual says so, and a Zen 5
 * agreed on 1.2e8 random cases, near cancellation, underflow and overflow included. Two
 * multiply-adds in the engine's mode (flush_denormals) are therefore the same bits, and that is
 * what other instruction sets do. Where there is no FMA (SSE2), the product of two bfloat16, 16
 * bits long, is still exact, and so is the sum rounded once, unless the product alone is below
 * 2^-126, which counts as zero, or beyond the largest float32. NaN stays NaN, with other bits. */
#ifndef FASTNN_BFLOAT16_H
#define FASTNN_BFLOAT16_H

#include <stddef.h>

#include "prefetch.h"
#include "simd.h"

typedef uint32_t pair __attribute__((may_alias));
typedef uint32_t pairs __attribute__((vector_size(VECTOR_BYTES), may_alias));

/* For dense.h: what is multiplied. */
#define OPERAND_IS_PAIR
typedef pair operand;
typedef pairs operands;
static const uint32_t UPPER = 0xffff0000u;

INLINE operands spread(operand a) { return a - (operands){0}; }

INLINE vector multiply_add(operands a, operands b, vector sum)
{
#ifdef VECTOR_DOT_BF16
    return VECTOR_DOT_BF16(sum, a, b);
#else
    sum = VECTOR_FMA((vector)(a & UPPER), (vector)(b & UPPER), sum);
    return VECTOR_FMA((vector)(a << 16), (vector)(b << 16), sum);
#endif
}

#include "dense.h"

/* A number as bfloat16, in the upper half; the lower half is to be taken away. */
INLINE uint32_t nearest(real a)
{
    const uint32_t bits = (uint32_t)bits_of(a), sign = bits & 0x80000000u;
    const uint32_t up = bits + 0x7fffu + (bits >> 16 & 1);
    const uint32_t quiet = (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x400000u : up;
    return bits & 0x7f800000u ? quiet : sign;
}

#ifdef VECTOR_DOT_BF16
/* A panel of two rows, those numbers of it that are `inside`. */
INLINE void convert_panel(__mmask16 inside, const real *even, const real *odd, pair *even_row,
                          pair *odd_row, pair *both)
{
    uint16_t alternate[2 * PANEL]; /* the first, the first of the upper half, the second, .. */
    UNROLL for (int j = 0; j < 2 * PANEL; j++) alternate[j] = (uint16_t)(j / 2 + j % 2 * PANEL);
    const __m512i order = _mm512_loadu_si512(alternate);
    const __m512 lower = _mm512_maskz_loadu_ps(inside, even);
    const __m512 upper = odd ? _mm512_maskz_loadu_ps(inside, odd) : _mm512_setzero_ps();
    const __m512i two = (__m512i)_mm512_cvtne2ps_pbh(upper, lower);
    if (even_row) _mm256_storeu_si256((__m256i *)even_row, _mm512_castsi512_si256(two));
    if (odd_row) _mm256_storeu_si256((__m256i *)odd_row, _mm512_extracti64x4_epi64(two, 1));
    if (both) _mm512_storeu_si512(both, _mm512_permutexvar_epi16(order, two));
}
#endif

/* Two rows of n numbers, the second perhaps missing (NULL, which counts as zeros), as two rows, or as
 * one row of pairs, or both; there is room for whole panels. */
INLINE void convert_two(const real *even, const real *odd, int64_t n, pair *even_row,
                        pair *odd_row, pair *both)
{
#ifdef VECTOR_DOT_BF16
#define AT(row, j) ((row) ? (row) + (j) : NULL)
    int64_t j = 0;
    for (; j + PANEL <= n; j += PANEL)
        convert_panel(0xffff, even + j, AT(odd, j), AT(even_row, j / 2), AT(odd_row, j / 2),
                      AT(both, j));
    if (j < n)
        convert_panel((__mmask16)((1 << (n - j)) - 1), even + j, AT(odd, j), AT(even_row, j / 2),
                      AT(odd_row, j / 2), AT(both, j));
#undef AT
#else
    const uint32_t kept = odd ? UPPER : 0;
    const real *second = odd ? odd : even;
    if (both)
        INDEPENDENT for (int64_t j = 0; j < n; j++)
            both[j] = nearest(even[j]) >> 16 | (nearest(second[j]) & kept);
    for (int which = 0; which < 2; which++) {
        const real *from = which ? odd : even;
        pair *to = which ? odd_row : even_row;
        if (!to) continue;
        INDEPENDENT for (int64_t j = 0; j < n / 2; j++)
            to[j] = nearest(from[2 * j]) >> 16 | (nearest(from[2 * j + 1]) & UPPER);
        if (n % 2) to[n / 2] = nearest(from[n - 1]) >> 16;
    }
#endif
}

/* Some rows of n numbers, order[0..n_rows) of x unless that is NULL, as rows, as pairs, or both;
 * either may be NULL. */
static void convert(int64_t n_rows, int64_t n, const void *x_, int64_t ld, const int64_t *order,
                    void *rows_, int64_t ld_rows, void *pairs_, int64_t ld_pairs)
{
    const real *x = x_;
    pair *rows = rows_, *both = pairs_;
    for (int64_t i = 0; i < n_rows; i += 2) {
        const int two = i + 1 < n_rows;
        const real *even = x + (order ? order[i] : i) * ld;
        const real *odd = two ? x + (order ? order[i + 1] : i + 1) * ld : NULL;
        if (order)
            prefetch_rows(x, ld * (int64_t)sizeof(real), order, i + 2, i + 4, n_rows,
                          n * (int64_t)sizeof(real));
        pair *row = rows ? rows + i * ld_rows : NULL, *other = rows && two ? row + ld_rows : NULL;
        if (!rows) convert_two(even, odd, n, NULL, NULL, both + i / 2 * ld_pairs);
        else if (!both) convert_two(even, odd, n, row, other, NULL);
        else convert_two(even, odd, n, row, other, both + i / 2 * ld_pairs);
    }
}

/* Rows first..last of W as columns of pairs: w[i, 2 j], w[i, 2 j + 1] -> t[j, i]. */
static void transpose_pairs(int64_t first, int64_t last, int64_t n_cols, const void *w_,
                            int64_t ldw, void *t_, int64_t ldt)
{
    const real *w = w_;
    pair *t = t_;
    enum { ROWS = 24, PAIRS = 16 };
    pair block[ROWS * PAIRS];
    for (int64_t i = first; i < last; i += ROWS)
        for (int64_t j = 0; j < n_cols; j += 2 * PAIRS) {
            const int64_t n_rows = last - i < ROWS ? last - i : ROWS;
            const int64_t n = n_cols - j < 2 * PAIRS ? n_cols - j : 2 * PAIRS;
            convert(n_rows, n, w + i * ldw + j, ldw, NULL, block, PAIRS, NULL, 0);
            for (int64_t c = 0; c < (n + 1) / 2; c++)
                for (int64_t r = 0; r < n_rows; r++)
                    t[(j / 2 + c) * ldt + i + r] = block[r * PAIRS + c];
        }
}

/* C = A W + bias for W in float32, of which some pairs at a time are converted: for few rows, for
 * which it does not pay to convert all of W once. */
static void matmul_converting(int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a_,
                              int64_t a_row, const void *w_, int64_t ldw, const void *bias_,
                              void *c_, int64_t ldc)
{
    const pair *a = a_;
    const real *w = w_, *bias = bias_;
    real *c = c_;
    enum { PAIRS = 32 };
    pair block[PAIRS * TILE_PANELS * PANEL] __attribute__((aligned(64)));
    int panels;
    for (int64_t p = 0, left = (n_cols + PANEL - 1) / PANEL; left; p += panels, left -= panels) {
        panels = tile_width(left);
        const int most = tile_rows[panels - 1];
        for (int64_t k = 0; k < n_k; k += 2 * PAIRS) {
            const int64_t n = n_k - k < 2 * PAIRS ? n_k - k : 2 * PAIRS;
            convert(n, panels * PANEL, w + k * ldw + p * PANEL, ldw, NULL, NULL, 0, block,
                    panels * PANEL);
            for (int64_t i = 0; i < n_rows; i += most) {
                const int64_t rows = n_rows - i < most ? n_rows - i : most;
                tiles[0][panels - 1][rows - 1]((n + 1) / 2, a + i * a_row + k / 2, a_row, NULL,
                                               block, panels * PANEL,
                                               bias && k + n == n_k ? bias + p * PANEL : NULL,
                                               c + i * ldc + p * PANEL, ldc, k > 0);
            }
        }
    }
}

/* fma_chain for pairs: n rounds of independent additions of pairs. */
static void dot_chain(int64_t n, int64_t *n_operations)
{
    enum { CHAINS = VECTOR_BYTES == 64 ? 20 : 12 }; /* the instruction takes longer than an FMA */
    vector sums[CHAINS];
    const operands half = spread(0x3e803e80u);
    UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = broadcast((real)i);
    for (int64_t k = 0; k < n; k++)
        UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = multiply_add(half, half, sums[i]);
    UNROLL for (int i = 1; i < CHAINS; i++) sums[0] += sums[i];
    *n_operations = sums[0][0] > 0 ? 4 * n * CHAINS * LANES : 0; /* the sums are used: not removed */
}

#define ADDRESS_BFLOAT16(name, arguments) .name = name,
const Bfloat16Kernels KERNELS = {EACH_BFLOAT16_KERNEL(ADDRESS_BFLOAT16)};

#if defined(__clang__) && defined(TARGET_PUSHED)
#pragma clang attribute pop
#endif

#endif
