/* Hidden activations: value and derivative, one line each in the table below. A derivative that is
 * written in terms of the value y lets a stage work in place. Where it cannot be, it is computed
 * along with the value and kept; the row in activations.py has `keeps_derivative`.
 *
 * NaN passes through, and so comparisons are written such that it is what remains. */
#ifndef FASTNN_ACTIVATIONS_H
#define FASTNN_ACTIVATIONS_H

#include "elementary.h"
#include "program.h"

INLINE real within(real most, real x)
{
    x = x > most ? most : x;
    return x < -most ? -most : x;
}

INLINE real logistic(real x) { return 1 / (1 + exponential(-x)); }
INLINE real logistic_derivative(real y) { return y * (1 - y); }

INLINE real hyperbolic_tangent(real x)
{
    const real size = x < 0 ? -x : x, most = 20, m = exponential_minus_1(2 * (size > most ? most : size));
    const real t = m / (m + 2);
    return x < 0 ? -t : t;
}
INLINE real tanh_derivative(real y) { return fused(-y, y, 1); }

INLINE real hardtanh(real x) { return within(1, x); }
INLINE real hardtanh_derivative(real y) { return y <= -1 || y >= 1 ? 0 : 1; }

/* not maximum(): NaN must pass */
INLINE real relu(real x) { return x < 0 ? 0 : x; }
INLINE real relu_derivative(real y) { return y > 0 ? 1 : 0; }

INLINE real leaky_relu(real x, real slope) { return x > 0 ? x : slope * x; }
INLINE real leaky_relu_derivative(real y, real slope) { return y > 0 ? 1 : slope; }

/* scale * (x, or alpha (e^x - 1) below zero) */
INLINE real elu(real x, real alpha, real scale)
{
    const real below = within(80, x > 0 ? 0 : x);
    return x > 0 ? scale * x : scale * alpha * exponential_minus_1(below);
}
INLINE real elu_derivative(real y, real alpha, real scale) { return y > 0 ? scale : fused(scale, alpha, y); }

/* the numbers that keep mean 0 and variance 1 (Klambauer et al. 2017) */
#define SELU_ALPHA REAL(1.67326324f, 1.6732632423543772)
#define SELU_SCALE REAL(1.05070099f, 1.0507009873554805)

/* x P(Z <= x), derivative P + x times the density */
INLINE real gelu(real x, real *derivative)
{
    const real density = REAL(.398942280f, .39894228040143268); /* 1 / sqrt(2 pi) */
    real bell;
    x = x < -40 ? -40 : x;
    const real below = normal_distribution(x, &bell), slope = fused(density * x, bell, below);
    *derivative = x > 40 ? 1 : slope;
    return x * below;
}

/* x s, s = logistic(x) = 1 / (1 + e), e = e^-x; derivative s (1 + x (1 - s)), 1 - s = e s. Far out
 * e or x is infinite, and the derivative what it tends to. */
INLINE real silu(real x, real *derivative)
{
    x = x < -800 ? -800 : x;
    const real e = exponential(-x), s = 1 / (1 + e), slope = s * fused(x * e, s, 1);
    *derivative = x > 80 ? 1 : x < -80 ? 0 : slope;
    return x * s;
}

/* (1 + tanh(w)) / 2 = logistic(2 w): 2 w = GELU_1 x + GELU_3 x^3 */
#define GELU_1 REAL(1.59576912f, 1.5957691216057308)    /* 2 sqrt(2 / pi) */
#define GELU_3 REAL(.0713548163f, .071354816272600244)  /* 0.044715 times that */
INLINE real gelu_tanh(real x, real *derivative)
{
    x = x < -40 ? -40 : x;
    const real square = x * x, e = exponential(-(x * fused(GELU_3 * x, x, GELU_1)));
    const real s = 1 / (1 + e);
    const real slope = s * fused(x * e * s, fused(3 * GELU_3, square, GELU_1), 1);
    *derivative = x > 8 ? 1 : x < -8 ? 0 : slope;
    return x * s;
}

/* x tanh(log(1 + e^x)) = x n / (n + 2), n = e^x (e^x + 2) */
INLINE real mish(real x, real *derivative)
{
    x = x < -800 ? -800 : x;
    const real e = exponential(x > 30 ? 30 : x), n = e * (e + 2), q = 1 / (n + 2);
    const real slope = fused(4 * x * e * q, (1 + e) * q, n * q);
    *derivative = x > 80 ? 1 : slope;
    return x * (n * q);
}

INLINE real softplus(real x)
{
    const real size = x < 0 ? -x : x;
    return logarithm_of_1_plus(exponential(-size)) + (x < 0 ? 0 : x);
}
/* logistic(x) = 1 - e^-y */
INLINE real softplus_derivative(real y) { return -exponential_minus_1(y > 80 ? -80 : -y); }

INLINE real softsign(real x)
{
    x = within(REAL(FLT_MAX, DBL_MAX), x);
    return x / (1 + (x < 0 ? -x : x));
}
INLINE real softsign_derivative(real y)
{
    const real rest = 1 - (y < 0 ? -y : y);
    return rest * rest;
}

/* a is the parameter of those that have one */
#define EACH_ACTIVATION(F)                                                             \
    F(ACT_LOGISTIC, logistic(x[i]), logistic_derivative(y[i]))                         \
    F(ACT_TANH, hyperbolic_tangent(x[i]), tanh_derivative(y[i]))                       \
    F(ACT_RELU, relu(x[i]), relu_derivative(y[i]))                                     \
    F(ACT_HARDTANH, hardtanh(x[i]), hardtanh_derivative(y[i]))                         \
    F(ACT_LEAKY_RELU, leaky_relu(x[i], a), leaky_relu_derivative(y[i], a))             \
    F(ACT_ELU, elu(x[i], a, 1), elu_derivative(y[i], a, 1))                            \
    F(ACT_SELU, elu(x[i], SELU_ALPHA, SELU_SCALE),                                     \
      elu_derivative(y[i], SELU_ALPHA, SELU_SCALE))                                    \
    F(ACT_SOFTPLUS, softplus(x[i]), softplus_derivative(y[i]))                         \
    F(ACT_SOFTSIGN, softsign(x[i]), softsign_derivative(y[i]))                         \
    /* as in prediction, with the middle of its slopes; in training: rrelu.h */         \
    F(ACT_RRELU, leaky_relu(x[i], a), leaky_relu_derivative(y[i], a))

/* those that compute value and derivative together, for the one cannot be had from the other */
#define EACH_ACTIVATION_WITH_DERIVATIVE(F) \
    F(ACT_GELU, gelu)                      \
    F(ACT_GELU_TANH, gelu_tanh)            \
    F(ACT_SILU, silu)                      \
    F(ACT_MISH, mish)

#define VALUE(code, value, derivative) \
    case code: INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = value; break;
#define VALUE_ONLY(code, function)                  \
    case code:                                      \
        INDEPENDENT for (int64_t i = 0; i < n; i++) \
        {                                           \
            real unused;                            \
            y[i] = function(x[i], &unused);         \
        }                                           \
        break;
#define VALUE_AND_DERIVATIVE(code, function)        \
    case code:                                      \
        INDEPENDENT for (int64_t i = 0; i < n; i++) \
        {                                           \
            real derivative;                        \
            y[i] = function(x[i], &derivative);     \
            d[i] = derivative;                      \
        }                                           \
        break;

/* x and y may be the same, hence the pragmas in place of `restrict` */
static void activation(int code, double parameter, int64_t n, const void *x_, void *y_)
{
    const real *x = x_, a = (real)parameter;
    real *y = y_;
    switch (code) {
    EACH_ACTIVATION(VALUE)
    EACH_ACTIVATION_WITH_DERIVATIVE(VALUE_ONLY)
    }
}

/* The derivative to be kept until the gradient comes; d may be x. */
static void activation_with_derivative(int code, int64_t n, const void *x_, void *y_, void *d_)
{
    const real *x = x_;
    real *y = y_, *d = d_;
    switch (code) {
    EACH_ACTIVATION_WITH_DERIVATIVE(VALUE_AND_DERIVATIVE)
    }
}

/* gradient *= derivative, from the value y or, where it was kept, from d */
static void activation_gradient(int code, double parameter, int64_t n, const void *y_, const void *d_,
                                void *gradient)
{
    const real *y = y_, *d = d_, a = (real)parameter;
    real *restrict g = gradient;
    switch (code) {
#define DERIVATIVE(code, value, derivative) \
    case code: INDEPENDENT for (int64_t i = 0; i < n; i++) g[i] *= derivative; break;
    EACH_ACTIVATION(DERIVATIVE)
    default: INDEPENDENT for (int64_t i = 0; i < n; i++) g[i] *= d[i];
    }
}

#endif
