/* Normally distributed noise from Philox's counters by the transform of Box and Muller (Annals of
 * Mathematical Statistics 29, 1958), as straight-line scalar code: a loop over it becomes vector
 * code.
 *
 * Of each word the upper 24 bits count, which both types hold exactly: float32 and float64 draw
 * the same numbers but for rounding. None is further from 0 than 5.8.
 *
 * The noise of (row, column) is that of word row % 4 of Philox at counter (column, row / 4, step,
 * stage), the one that a dropout mask would have there: recomputed wherever it is needed, never
 * stored.
 */
#ifndef FASTNN_NORMAL_H
#define FASTNN_NORMAL_H

#include "dropout.h"
#include "elementary.h"
#include "simd.h"

/* sin t = t + t^3 (SINES[0] + t^2 (SINES[1] + ..)), cos t = 1 + t^2 (COSINES[0] + ..): Taylor's
 * series, cut where the rest is below half a unit for |t| <= pi / 4. */
static const double SINES[] = {
    -1. / 6, 1. / 120, -1. / 5040, 1. / 362880, -1. / 39916800, 1. / 6227020800,
    -1. / 1307674368000, 1. / 355687428096000};
static const double COSINES[] = {
    -1. / 2, 1. / 24, -1. / 720, 1. / 40320, -1. / 3628800, 1. / 479001600, -1. / 87178291200,
    1. / 20922789888000, -1. / 6402373705728000};

/* Two independent normals from two words: r cos a and r sin a, with r = sqrt(-2 log u) for u of
 * (0, 1], and an angle a of the whole circle, that begins at -pi / 4. */
INLINE void two_normals(uint32_t word_0, uint32_t word_1, real *first, real *second)
{
    enum { SINE_TERMS = REAL(4, 8), COSINE_TERMS = REAL(5, 9), QUARTER = 1 << 22 };
    const int32_t radius = (int32_t)(word_0 >> 8), angle = (int32_t)(word_1 >> 8);
    const real u = ((real)radius + 1) * REAL(0x1p-24f, 0x1p-24);
    const real r = square_root(-2 * logarithm(u));
    const int32_t quarter = angle >> 22;
    const real t = ((real)((angle & (QUARTER - 1)) - QUARTER / 2) + REAL(.5f, .5))
        * (real)(1.5707963267948966 / QUARTER);
    const real square = t * t;
    real sine = (real)SINES[SINE_TERMS - 1], cosine = (real)COSINES[COSINE_TERMS - 1];
    UNROLL for (int i = SINE_TERMS - 2; i >= 0; i--) sine = fused(sine, square, (real)SINES[i]);
    UNROLL for (int i = COSINE_TERMS - 2; i >= 0; i--)
        cosine = fused(cosine, square, (real)COSINES[i]);
    sine = fused(sine * square, t, t);
    cosine = fused(cosine, square, 1);
    const real x = quarter & 1 ? sine : cosine, y = quarter & 1 ? cosine : sine;
    *first = quarter == 1 || quarter == 2 ? -r * x : r * x;
    *second = quarter >= 2 ? -r * y : r * y;
}

/* y = x + mask->rate * noise in the first n columns of rows first_row .. of a batch or a weight,
 * y = x in those behind; first_row is a multiple of MASK_ROWS. x and y may be the same. */
static void normal_noise(const Mask *mask, int64_t first_row, int64_t n_rows, int64_t n, int64_t ld,
                         const void *x_, void *y_)
{
    const real deviation = (real)mask->rate;
    uint32_t words[MASK_ROWS][MASK_COLUMNS] __attribute__((aligned(64)));
    real noise[MASK_ROWS][MASK_COLUMNS] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n_rows; i += MASK_ROWS)
        for (int64_t j = 0; j < ld; j += MASK_COLUMNS) {
            const int width = ld - j < MASK_COLUMNS ? PANEL : MASK_COLUMNS;
            const integer left = n - j < MASK_COLUMNS ? (integer)(n - j) : MASK_COLUMNS;
            mask_words(mask, (uint32_t)j, (uint32_t)((first_row + i) / MASK_ROWS), words);
            for (int w = 0; w < MASK_ROWS; w += 2)
                KEPT INDEPENDENT for (int p = 0; p < MASK_COLUMNS; p++)
                    two_normals(words[w][p], words[w + 1][p], &noise[w][p], &noise[w + 1][p]);
            for (int w = 0; w < MASK_ROWS && i + w < n_rows; w++) {
                const real *x = (const real *)x_ + (i + w) * ld + j;
                real *y = (real *)y_ + (i + w) * ld + j;
                for (int p = 0; p < width; p += PANEL)
                    KEPT INDEPENDENT for (int c = p; c < p + PANEL; c++) {
                        const real amount = c < left ? deviation : 0;
                        y[c] = fused(amount, noise[w][c], x[c]);
                    }
            }
        }
}

#endif
