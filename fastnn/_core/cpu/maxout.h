/* The largest of k linear pieces (Goodfellow et al., "Maxout networks", 2013, section 2). Piece p of
 * unit j is column p n + j. Of equal pieces the first counts. NaN passes through. */
#ifndef FASTNN_MAXOUT_H
#define FASTNN_MAXOUT_H

#include "simd.h"

static void maxout(int64_t n_rows, int64_t k, int64_t n, int64_t ldx, int64_t ldy, const void *x_,
                   void *y_)
{
    const real *x = x_;
    real *restrict y = y_;
    for (int64_t i = 0; i < n_rows; i++, x += ldx, y += ldy) {
        memcpy(y, x, (size_t)n * sizeof(real));
        memset(y + n, 0, (size_t)(ldy - n) * sizeof(real));
        for (int64_t p = 1; p < k; p++) {
            const real *restrict piece = x + p * n;
            for (int64_t j = 0; j < n; j++) {
                const real most = y[j], other = piece[j];
                y[j] = other > most || other != other ? other : most;
            }
        }
    }
}

/* dx, from dy, which is used up */
static void maxout_gradient(int64_t n_rows, int64_t k, int64_t n, int64_t ldx, int64_t ldy,
                            const void *x_, const void *y_, void *dy_, void *dx_)
{
    const real *x = x_, *restrict y = y_;
    real *restrict dy = dy_, *dx = dx_;
    for (int64_t i = 0; i < n_rows; i++, x += ldx, y += ldy, dy += ldy, dx += ldx)
        for (int64_t p = 0; p < k; p++) {
            const real *restrict piece = x + p * n;
            real *restrict d = dx + p * n;
            for (int64_t j = 0; j < n; j++) {
                const real left = dy[j];
                const real taken = piece[j] == y[j] ? left : 0;
                d[j] = taken;
                dy[j] = left - taken;
            }
        }
}

#endif
