/* Rectifiers whose slope below zero is trained (He, Zhang, Ren & Sun, "Delving deep into
 * rectifiers", 2015, section 2.1): one slope for each unit, or one that all share. */
#ifndef FASTNN_PRELU_H
#define FASTNN_PRELU_H

#include "columns.h"

static void prelu(int64_t n_rows, int64_t ld, const void *x_, const void *slope_, int shared, void *y_)
{
    const real *restrict x = x_, *restrict slope = slope_;
    real *restrict y = y_;
    const real all = slope[0];
    for (int64_t i = 0; i < n_rows; i++, x += ld, y += ld)
        if (shared)
            for (int64_t j = 0; j < ld; j++) y[j] = x[j] > 0 ? x[j] : all * x[j];
        else
            for (int64_t j = 0; j < ld; j++) {
                const real below = slope[j] * x[j];
                y[j] = x[j] > 0 ? x[j] : below;
            }
}

/* dx in place of dy; partial = sum of dy * x over the x that are not above zero, of at most
 * ROW_CHUNK rows: of each column, ld numbers, or of all, one number of a panel. dy is 0 in padding. */
static void prelu_gradient(int64_t n_rows, int64_t ld, const void *x_, const void *slope_, int shared,
                           void *dy_, void *partial)
{
    const real *restrict x = x_, *restrict slope = slope_;
    real *restrict dy = dy_, *restrict sums = partial;
    const real all = slope[0];
    memset(sums, 0, (size_t)(shared ? PANEL : ld) * sizeof(real));
    for (int64_t i = 0; i < n_rows; i++, x += ld, dy += ld)
        if (shared) {
            vector products[VECTORS] = {{0}};
            for (int64_t j = 0; j < ld; j += PANEL) {
                ALIGNED real below[PANEL];
                KEPT for (int64_t l = 0; l < PANEL; l++) {
                    const real value = x[j + l];
                    below[l] = value > 0 ? 0 : value;
                }
                UNROLL for (int v = 0; v < VECTORS; v++)
                    products[v] = VECTOR_FMA(*(const loose *)(dy + j + v * LANES),
                                             *(const vector *)(below + v * LANES), products[v]);
            }
            sums[0] += sum_of_lanes(ld, products);
            for (int64_t j = 0; j < ld; j++) dy[j] *= x[j] > 0 ? 1 : all;
        } else
            for (int64_t j = 0; j < ld; j++) {
                const real below = x[j] > 0 ? 0 : x[j], own = slope[j];
                sums[j] = fused(dy[j], below, sums[j]);
                dy[j] *= x[j] > 0 ? 1 : own;
            }
}

#endif
