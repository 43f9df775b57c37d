/* Optimizers: one pass over a run of parameters, their gradient and slots. The formulas are
 * written per element; coefficients come from the row of the step in the table that Python made
 * (learning rates, bias corrections), so no optimizer computes one itself.
 *
 * Adam: Kingma & Ba, ICLR 2015, section 2, "efficient" form: the table's learning rate is
 * lr sqrt(1 - beta_2^t) / (1 - beta_1^t). Nesterov: Sutskever et al., ICML 2013, reformulated at the
 * look-ahead point as scikit-learn does.
 */
#ifndef FASTNN_OPTIMIZERS_H
#define FASTNN_OPTIMIZERS_H

#include "program.h"
#include "simd.h"

INLINE void sgd(const real *c, real *w, real g, real *s0, real *s1)
{
    (void)s0, (void)s1;
    *w = fused(-c[COEF_LEARNING_RATE], g, *w);
}

INLINE void momentum(const real *c, real *w, real g, real *velocity, real *s1)
{
    (void)s1;
    *velocity = fused(-c[COEF_LEARNING_RATE], g, c[COEF_OWN] * *velocity);
    *w += *velocity;
}

INLINE void nesterov(const real *c, real *w, real g, real *velocity, real *s1)
{
    (void)s1;
    *velocity = fused(-c[COEF_LEARNING_RATE], g, c[COEF_OWN] * *velocity);
    *w += fused(-c[COEF_LEARNING_RATE], g, c[COEF_OWN] * *velocity);
}

INLINE void adam(const real *c, real *w, real g, real *first, real *second)
{
    const real *own = c + COEF_OWN; /* beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon */
    *first = fused(own[1], g, own[0] * *first);
    *second = fused(own[3] * g, g, own[2] * *second);
    *w -= c[COEF_LEARNING_RATE] * *first / (square_root(*second) + maximum(own[4], SMALLEST));
}

/* g += l2 w, one step of the optimizer, and penalty[lane] += w^2 of the weights before it.
 * n is a multiple of PANEL; slots that an optimizer lacks may point anywhere. */
static void optimize(int code, int64_t n, const double *coefficients, double l2_, void *w_,
                     const void *g_, void *slot_0, void *slot_1, void *penalty_)
{
    real *w = w_, *s0 = slot_0, *s1 = slot_1;
    const real *g = g_;
    const real l2 = (real)l2_;
    real c[N_COEFS];
    vector square[VECTORS];
    for (int i = 0; i < N_COEFS; i++) c[i] = (real)coefficients[i];
    UNROLL for (int v = 0; v < VECTORS; v++) square[v] = *(vector *)((real *)penalty_ + v * LANES);
#define UPDATE(code, rule)                                                                  \
    case code:                                                                              \
        for (int64_t i = 0; i < n; i += PANEL) {                                            \
            UNROLL for (int v = 0; v < VECTORS; v++) {                                      \
                const vector old = *(vector *)(w + i + v * LANES);                          \
                square[v] = VECTOR_FMA(old, old, square[v]);                                \
            }                                                                               \
            INDEPENDENT for (int64_t j = i; j < i + PANEL; j++)                             \
                rule(c, w + j, fused(l2, w[j], g[j]), s0 + j, s1 + j);                      \
        }                                                                                   \
        break;
    switch (code) {
        UPDATE(OPT_SGD, sgd)
        UPDATE(OPT_MOMENTUM, momentum)
        UPDATE(OPT_NESTEROV, nesterov)
        UPDATE(OPT_ADAM, adam)
    }
    UNROLL for (int v = 0; v < VECTORS; v++) *(vector *)((real *)penalty_ + v * LANES) = square[v];
}

#endif
