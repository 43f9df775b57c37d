/* Gradients before the optimizer has them, and weights after: penalties, clipping, limits of the
 * norm, and the point ahead of Nesterov's momentum. Elementwise, and sums by lane:
 * n is a multiple of PANEL, and lane l holds the sum over elements l, l + PANEL, .., whatever the
 * instruction set. Zeros, as in the padding of rows, stay zeros. */
#ifndef FASTNN_GRADIENTS_H
#define FASTNN_GRADIENTS_H

#include "simd.h"

INLINE vector absolute(vector a)
{
    typedef integer bits __attribute__((vector_size(VECTOR_BYTES)));
    return (vector)((bits)a & (integer)(~(whole)0 >> 1));
}

/* A gradient with those of the penalties. The subgradient of |w| at 0 is 0. */
INLINE real penalised(real g, real w, real l2, real l1)
{
    return fused(l2, w, g) + (w == 0 ? 0 : copy_sign(l1, w));
}

/* g += l2 w + l1 sign(w), then cut to -limit .. limit; squares[lane] += w^2 and magnitudes[lane] +=
 * |w|. NaN passes through. */
static void finish_gradient(int64_t n, double l2_, double l1_, double limit_, const void *w_,
                            void *g_, void *squares, void *magnitudes)
{
    const real *w = w_;
    real *g = g_;
    const real l2 = (real)l2_, l1 = (real)l1_, limit = (real)limit_;
    vector square[VECTORS], magnitude[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) {
        square[v] = ((vector *)squares)[v];
        magnitude[v] = ((vector *)magnitudes)[v];
    }
    for (int64_t i = 0; i < n; i += PANEL) {
        UNROLL for (int v = 0; v < VECTORS; v++) {
            const vector at = *(const vector *)(w + i + v * LANES);
            square[v] = VECTOR_FMA(at, at, square[v]);
            magnitude[v] += absolute(at);
        }
        KEPT INDEPENDENT for (int64_t j = i; j < i + PANEL; j++) {
            const real gradient = penalised(g[j], w[j], l2, l1);
            g[j] = gradient > limit ? limit : gradient < -limit ? -limit : gradient;
        }
    }
    UNROLL for (int v = 0; v < VECTORS; v++) {
        ((vector *)squares)[v] = square[v];
        ((vector *)magnitudes)[v] = magnitude[v];
    }
}

/* sums[lane] = sum of (g + l2 w + l1 sign(w))^2 */
static void gradient_squares(int64_t n, double l2_, double l1_, const void *w_, const void *g_,
                             void *sums)
{
    const real *w = w_, *g = g_;
    const real l2 = (real)l2_, l1 = (real)l1_;
    vector square[VECTORS] = {0};
    for (int64_t i = 0; i < n; i += PANEL) {
        vector gradient[VECTORS];
        real *own = (real *)gradient;
        KEPT INDEPENDENT for (int64_t j = 0; j < PANEL; j++)
            own[j] = penalised(g[i + j], w[i + j], l2, l1);
        UNROLL for (int v = 0; v < VECTORS; v++)
            square[v] = VECTOR_FMA(gradient[v], gradient[v], square[v]);
    }
    UNROLL for (int v = 0; v < VECTORS; v++) ((vector *)sums)[v] = square[v];
}

/* sums[lane] = sum of x^2 */
static void sum_squares(int64_t n, const void *x_, void *sums)
{
    const real *x = x_;
    vector square[VECTORS] = {0};
    for (int64_t i = 0; i < n; i += PANEL)
        UNROLL for (int v = 0; v < VECTORS; v++) {
            const vector at = *(const vector *)(x + i + v * LANES);
            square[v] = VECTOR_FMA(at, at, square[v]);
        }
    UNROLL for (int v = 0; v < VECTORS; v++) ((vector *)sums)[v] = square[v];
}

static void multiply(int64_t n, double factor_, void *x_)
{
    real *x = x_;
    const real factor = (real)factor_;
    INDEPENDENT for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

/* y += factor x */
static void add_scaled(int64_t n, double factor_, const void *x_, void *y_)
{
    const real *x = x_;
    real *y = y_;
    const real factor = (real)factor_;
    INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = fused(factor, x[i], y[i]);
}

/* ahead = w + momentum velocity */
static void look_ahead(int64_t n, double momentum_, const void *w_, const void *velocity_,
                       void *ahead_)
{
    const real *w = w_, *velocity = velocity_;
    real *ahead = ahead_;
    const real rate = (real)momentum_;
    INDEPENDENT for (int64_t i = 0; i < n; i++) ahead[i] = fused(rate, velocity[i], w[i]);
}

/* sums[column] = sum of w^2 over some rows of a weight */
static void column_squares(int64_t n_rows, int64_t ld, const void *w_, void *sums_)
{
    const real *w = w_;
    real *sums = sums_;
    for (int64_t j = 0; j < ld; j++) sums[j] = 0;
    for (int64_t i = 0; i < n_rows; i++)
        INDEPENDENT for (int64_t j = 0; j < ld; j++)
            sums[j] = fused(w[i * ld + j], w[i * ld + j], sums[j]);
}

/* Factors that take columns to a norm of at most `most`, from n_parts rows of sums of squares. */
static void column_scales(int64_t n_parts, int64_t ld, const void *parts_, double most_,
                          void *scales_)
{
    const real *parts = parts_;
    real *scales = scales_;
    const real most = (real)most_;
    for (int64_t j = 0; j < ld; j++) scales[j] = 0;
    for (int64_t i = 0; i < n_parts; i++)
        INDEPENDENT for (int64_t j = 0; j < ld; j++) scales[j] += parts[i * ld + j];
    INDEPENDENT for (int64_t j = 0; j < ld; j++) {
        const real norm = square_root(scales[j]), ratio = most / maximum(norm, SMALLEST);
        scales[j] = norm > most ? ratio : 1;
    }
}

static void scale_columns(int64_t n_rows, int64_t ld, const void *scales_, void *w_)
{
    const real *scales = scales_;
    real *w = w_;
    for (int64_t i = 0; i < n_rows; i++)
        INDEPENDENT for (int64_t j = 0; j < ld; j++) w[i * ld + j] *= scales[j];
}

#endif
