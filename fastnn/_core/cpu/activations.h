/* Hidden activations: value and derivative, one line each. The derivative is written in terms of
 * the value y, so a stage works in place and keeps nothing else. */
#ifndef FASTNN_ACTIVATIONS_H
#define FASTNN_ACTIVATIONS_H

#include "elementary.h"
#include "program.h"

INLINE real logistic(real x) { return 1 / (1 + exponential(-x)); }
INLINE real logistic_derivative(real y) { return y * (1 - y); }

INLINE real hyperbolic_tangent(real x)
{
    const real size = x < 0 ? -x : x, most = 20, m = exponential_minus_1(2 * (size > most ? most : size));
    const real t = m / (m + 2);
    return x < 0 ? -t : t;
}
INLINE real tanh_derivative(real y) { return fused(-y, y, 1); }

/* not maximum(): NaN must pass */
INLINE real relu(real x) { return x < 0 ? 0 : x; }
INLINE real relu_derivative(real y) { return y > 0 ? 1 : 0; }

#define EACH_ACTIVATION(F)                                   \
    F(ACT_LOGISTIC, logistic, logistic_derivative)           \
    F(ACT_TANH, hyperbolic_tangent, tanh_derivative)         \
    F(ACT_RELU, relu, relu_derivative)

static void activation(int code, int64_t n, void *values)
{
    real *restrict y = values;
    switch (code) {
#define VALUE(code, value, derivative) \
    case code: for (int64_t i = 0; i < n; i++) y[i] = value(y[i]); break;
    EACH_ACTIVATION(VALUE)
    }
}

/* gradient *= derivative */
static void activation_gradient(int code, int64_t n, const void *values, void *gradient)
{
    const real *restrict y = values;
    real *restrict d = gradient;
    switch (code) {
#define DERIVATIVE(code, value, derivative) \
    case code: for (int64_t i = 0; i < n; i++) d[i] *= derivative(y[i]); break;
    EACH_ACTIVATION(DERIVATIVE)
    }
}

#endif
