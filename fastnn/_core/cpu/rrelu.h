/* Randomized leaky rectified units (Xu et al., "Empirical evaluation of rectified activations in
 * convolutional network", 2015, section 2.4): below zero, each element has in training a slope of
 * its own, drawn from an interval.
 *
 * The slope of (row, column) is made of the upper 24 bits of the word that a dropout mask would have
 * there, which both types hold exactly: recomputed wherever it is needed, never stored.
 */
#ifndef FASTNN_RRELU_H
#define FASTNN_RRELU_H

#include "dropout.h"

/* `each` for all elements: x and y are the same array for the gradient, which looks at the sign of
 * `of`. The interval is mask->rate wide, around `middle`. */
#define EACH_SLOPE(each)                                                                          \
    const real width = (real)mask->rate * REAL(0x1p-24f, 0x1p-24);                                \
    const real least = (real)(middle - .5 * mask->rate);                                          \
    uint32_t words[MASK_ROWS][MASK_COLUMNS] __attribute__((aligned(64)));                         \
    for (int64_t i = 0; i < n_rows; i += MASK_ROWS)                                               \
        for (int64_t j = 0; j < ld; j += MASK_COLUMNS) {                                          \
            mask_words(mask, (uint32_t)j, (uint32_t)((first_row + i) / MASK_ROWS), words);        \
            const int columns = ld - j < MASK_COLUMNS ? PANEL : MASK_COLUMNS;                     \
            for (int w = 0; w < MASK_ROWS && i + w < n_rows; w++) {                               \
                const real *of = (const real *)of_ + (i + w) * ld + j;                            \
                real *to = (real *)to_ + (i + w) * ld + j;                                        \
                for (int p = 0; p < columns; p += PANEL)                                          \
                    KEPT INDEPENDENT for (int c = p; c < p + PANEL; c++) {                        \
                        const real slope = fused((real)(int32_t)(words[w][c] >> 8), width, least); \
                        const real value = of[c];                                                 \
                        each                                                                      \
                    }                                                                             \
            }                                                                                     \
        }

/* y = x, or slope x below zero, for rows first_row .. of a batch; first_row is a multiple of
 * MASK_ROWS. x and y may be the same. */
static void rrelu(const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, double middle,
                  const void *of_, void *to_)
{
    EACH_SLOPE(const real below = slope * value; to[c] = value > 0 ? value : below;)
}

/* gradient *= 1, or the slope where the value y is not above zero */
static void rrelu_gradient(const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld,
                           double middle, const void *of_, void *to_)
{
    EACH_SLOPE(to[c] *= value > 0 ? 1 : slope;)
}

#endif
