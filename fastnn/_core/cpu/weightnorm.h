/* Weight normalisation (Salimans & Kingma, "Weight normalization", 2016): a unit's weights are
 * w = g v / |v|, so that x w + b = (x v) scale + b with scale = g / |v|, a number for each column.
 *
 * The sums of squares of v go by tasks of TASK_ROWS rows, which who changes the rows writes.
 */
#ifndef FASTNN_WEIGHTNORM_H
#define FASTNN_WEIGHTNORM_H

#include "columns.h"

/* inverse = 1 / |v| and scale = g / |v|, from the squares of all tasks. Weights of zero stay finite. */
static void weightnorm_merge(int64_t n_tasks, int64_t ld, const void *squares_, const void *g_,
                             void *inverse_, void *scale_)
{
    const real *restrict squares = squares_, *restrict g = g_;
    real *restrict inverse = inverse_, *restrict scale = scale_;
    memset(inverse, 0, (size_t)ld * sizeof(real));
    for (int64_t task = 0; task < n_tasks; task++, squares += ld)
        for (int64_t j = 0; j < ld; j++) inverse[j] += squares[j];
    for (int64_t j = 0; j < ld; j++) {
        const real total = inverse[j];
        inverse[j] = 1 / square_root(maximum(total, SMALLEST));
        scale[j] = g[j] * inverse[j];
    }
}

/* y = x scale + bias */
static void weightnorm(int64_t n_rows, int64_t ld, const void *x_, const void *scale_,
                       const void *bias_, void *y_)
{
    const real *restrict x = x_, *restrict scale = scale_, *restrict bias = bias_;
    real *restrict y = y_;
    for (int64_t i = 0; i < n_rows; i++, x += ld, y += ld)
        for (int64_t j = 0; j < ld; j++) y[j] = fused(x[j], scale[j], bias[j]);
}

/* dx = dy scale in place of dy; partial[0:ld] = sum of dy x, the gradient of scale, and
 * partial[ld:2 ld] = sum of dy, of at most ROW_CHUNK rows */
static void weightnorm_gradient(int64_t n_rows, int64_t ld, const void *x_, const void *scale_,
                                void *dy_, void *partial_)
{
    const real *restrict x = x_, *restrict scale = scale_;
    real *restrict dy = dy_, *restrict d_scale = partial_, *restrict d_bias = d_scale + ld;
    memset(d_scale, 0, (size_t)(2 * ld) * sizeof(real));
    for (int64_t i = 0; i < n_rows; i++, x += ld, dy += ld)
        for (int64_t j = 0; j < ld; j++) {
            const real d = dy[j];
            d_scale[j] = fused(d, x[j], d_scale[j]);
            d_bias[j] += d;
            dy[j] = d * scale[j];
        }
}

/* dg (+)= d_scale / |v| */
static void weightnorm_vectors(int64_t ld, const void *d_scale_, const void *inverse_, void *dg_,
                               int accumulate)
{
    const real *restrict d_scale = d_scale_, *restrict inverse = inverse_;
    real *restrict dg = dg_;
    if (!accumulate) memset(dg, 0, (size_t)ld * sizeof(real));
    for (int64_t j = 0; j < ld; j++) dg[j] = fused(d_scale[j], inverse[j], dg[j]);
}

/* dv -= d_scale g / |v|^3 v, for some rows of v: what the norm takes out of the gradient */
static void weightnorm_correct(int64_t n_rows, int64_t ld, const void *d_scale_, const void *scale_,
                               const void *inverse_, const void *v_, void *dv_)
{
    const real *restrict d_scale = d_scale_, *restrict scale = scale_, *restrict inverse = inverse_;
    const real *restrict v = v_;
    real *restrict dv = dv_;
    for (int64_t i = 0; i < n_rows; i++, v += ld, dv += ld)
        for (int64_t j = 0; j < ld; j++) {
            const real along = d_scale[j] * scale[j] * inverse[j] * inverse[j];
            dv[j] = fused(-along, v[j], dv[j]);
        }
}

#endif
