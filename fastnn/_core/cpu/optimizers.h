/* Optimizers: one pass over a run of parameters, their gradient and slots. The formulas are
 * written per element; coefficients come from the row of the step in the table that Python made
 * (learning rates, bias corrections), so no optimizer computes one itself. Papers are named in
 * fastnn/optimizers, which also tells what each coefficient is.
 *
 * Where parameter, gradient and slots are 0, as in the padding of rows, every rule leaves them 0.
 */
#ifndef FASTNN_OPTIMIZERS_H
#define FASTNN_OPTIMIZERS_H

#include "program.h"
#include "simd.h"

INLINE void sgd(const real *c, real *w, real g)
{
    *w = fused(-c[COEF_LEARNING_RATE], g, *w);
}

INLINE void momentum(const real *c, real *w, real g, real *velocity)
{
    *velocity = fused(-c[COEF_LEARNING_RATE], g, c[COEF_OWN] * *velocity);
    *w += *velocity;
}

INLINE void nesterov(const real *c, real *w, real g, real *velocity)
{
    *velocity = fused(-c[COEF_LEARNING_RATE], g, c[COEF_OWN] * *velocity);
    *w += fused(-c[COEF_LEARNING_RATE], g, c[COEF_OWN] * *velocity);
}

/* scikit-learn's, which adds epsilon to the root before the bias is corrected. */
INLINE void adam(const real *c, real *w, real g, real *first, real *second)
{
    const real *own = c + COEF_OWN; /* beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon */
    *first = fused(own[1], g, own[0] * *first);
    *second = fused(own[3] * g, g, own[2] * *second);
    *w -= c[COEF_LEARNING_RATE] * *first / (square_root(*second) + maximum(own[4], SMALLEST));
}

INLINE void averaged(const real *c, real *w, real g, real *average)
{
    const real *own = c + COEF_OWN; /* beta, and the weight of the gradient */
    *average = fused(own[1], g, own[0] * *average);
    *w = fused(-c[COEF_LEARNING_RATE], *average, *w);
}

INLINE void nesterov_averaged(const real *c, real *w, real g, real *average)
{
    const real *own = c + COEF_OWN; /* beta, and the weight of the gradient */
    *average = fused(own[1], g, own[0] * *average);
    *w = fused(-c[COEF_LEARNING_RATE], fused(own[1], g, own[0] * *average), *w);
}

INLINE void adagrad(const real *c, real *w, real g, real *sum)
{
    *sum = fused(g, g, *sum);
    *w -= c[COEF_LEARNING_RATE] * g / (square_root(*sum) + maximum(c[COEF_OWN], SMALLEST));
}

/* `changes` is the mean square of the changes. */
INLINE void adadelta(const real *c, real *w, real g, real *square, real *changes)
{
    const real *own = c + COEF_OWN; /* rho, 1 - rho, epsilon */
    const real epsilon = maximum(own[2], SMALLEST);
    *square = fused(own[1] * g, g, own[0] * *square);
    const real change = square_root(*changes + epsilon) / square_root(*square + epsilon) * g;
    *changes = fused(own[1] * change, change, own[0] * *changes);
    *w = fused(-c[COEF_LEARNING_RATE], change, *w);
}

INLINE void rmsprop(const real *c, real *w, real g, real *square)
{
    const real *own = c + COEF_OWN; /* rho, 1 - rho, epsilon */
    *square = fused(own[1] * g, g, own[0] * *square);
    *w -= c[COEF_LEARNING_RATE] * g / (square_root(*square) + maximum(own[2], SMALLEST));
}

INLINE void rmsprop_momentum(const real *c, real *w, real g, real *square, real *velocity)
{
    const real *own = c + COEF_OWN; /* rho, 1 - rho, epsilon, momentum */
    *square = fused(own[1] * g, g, own[0] * *square);
    *velocity = fused(own[3], *velocity, g / (square_root(*square) + maximum(own[2], SMALLEST)));
    *w = fused(-c[COEF_LEARNING_RATE], *velocity, *w);
}

/* The mean square about the mean, which rounding may take below 0. */
INLINE void rmsprop_centered(const real *c, real *w, real g, real *square, real *velocity,
                             real *average)
{
    const real *own = c + COEF_OWN; /* rho, 1 - rho, epsilon, momentum */
    *square = fused(own[1] * g, g, own[0] * *square);
    *average = fused(own[1], g, own[0] * *average);
    const real variance = maximum(fused(-*average, *average, *square), 0);
    *velocity = fused(own[3], *velocity, g / (square_root(variance) + maximum(own[2], SMALLEST)));
    *w = fused(-c[COEF_LEARNING_RATE], *velocity, *w);
}

/* A step size of 0 is one that has not begun: it does with the first gradient, at the learning
 * rate. A gradient that turned, and whose product with the last is below the rule's last coefficient,
 * is forgotten, and the parameter stays for this step: the coefficient is 0, or minus infinity. What
 * is chosen from is read before, so that there are no branches. */
INLINE void rprop(const real *c, real *w, real g, real *previous, real *size)
{
    const real initial = c[COEF_LEARNING_RATE], eta_minus = c[COEF_OWN], eta_plus = c[COEF_OWN + 1];
    const real step_min = c[COEF_OWN + 2], step_max = c[COEF_OWN + 3], forgets = c[COEF_OWN + 4];
    const real turn = g * *previous, old = *size, begun = old > 0 ? old : initial;
    const real factor = turn > 0 ? eta_plus : turn < 0 ? eta_minus : 1;
    const real bounded = minimum(maximum(begun * factor, maximum(step_min, SMALLEST)), step_max);
    const real new = g == 0 ? old : bounded;
    const real remembered = turn < forgets ? 0 : g;
    *previous = remembered;
    *size = new;
    *w -= remembered == 0 ? 0 : copy_sign(new, remembered);
}

/* AdamW, NAdam and RAdam: they differ in their coefficients. The learning rate is the weight of
 * the first moment, divided by what corrects its bias. */
INLINE void moments(const real *c, real *w, real g, real *first, real *second)
{
    /* beta_1, 1 - beta_1, beta_2, 1 - beta_2, weights of the root, epsilon and the gradient */
    const real *own = c + COEF_OWN;
    *first = fused(own[1], g, own[0] * *first);
    *second = fused(own[3] * g, g, own[2] * *second);
    *w -= fused(own[6], g, c[COEF_LEARNING_RATE] * *first)
        / fused(own[4], square_root(*second), maximum(own[5], SMALLEST));
}

INLINE void amsgrad(const real *c, real *w, real g, real *first, real *second, real *largest)
{
    /* beta_1, 1 - beta_1, beta_2, 1 - beta_2, weight of the root, epsilon */
    const real *own = c + COEF_OWN;
    *first = fused(own[1], g, own[0] * *first);
    *second = fused(own[3] * g, g, own[2] * *second);
    *largest = maximum(*second, *largest);
    *w -= c[COEF_LEARNING_RATE] * *first
        / fused(own[4], square_root(*largest), maximum(own[5], SMALLEST));
}

/* The first half of LAMB: the direction of the step takes the place of the gradient. How far the
 * step goes depends on the norms of the whole layer. */
INLINE void lamb(const real *c, real decay, const real *w, real *g, real *first, real *second)
{
    /* beta_1, 1 - beta_1, beta_2, 1 - beta_2, weights of the root, epsilon and the first moment */
    const real *own = c + COEF_OWN;
    *first = fused(own[1], *g, own[0] * *first);
    *second = fused(own[3] * *g, *g, own[2] * *second);
    const real root = fused(own[4], square_root(*second), maximum(own[5], SMALLEST));
    *g = fused(decay, *w, own[6] * *first / root);
}

/* Prefetch distance of parameters and slots, if they are too many to be in the cache: where a task
 * ends the processor does not foresee that the next one follows it. */
enum { AHEAD = 4096 / sizeof(real), MANY = (4 << 20) / sizeof(real) };

/* g += l2 w, w -= decay w, one step of the optimizer at a learning rate times `factor`, and
 * penalty[lane] += w^2 of the weights before all that. n is a multiple of PANEL; slot i lies
 * i * slot_stride after the first. LAMB leaves w as it is, and g becomes the direction. */
static void optimize(int code, int64_t n, const double *coefficients, double factor, double l2_,
                     double decay_, void *w_, void *g_, void *slots, int64_t slot_stride,
                     void *penalty_)
{
    real *w = w_, *s0 = slots, *s1 = s0 + slot_stride, *s2 = s1 + slot_stride;
    real *g = g_;
    const real l2 = (real)l2_, decay = (real)decay_;
    real c[COEF_END_OF_OPTIMIZER];
    vector square[VECTORS];
    const int many = slot_stride > MANY; /* as many as all parameters */
    for (int i = 0; i < COEF_END_OF_OPTIMIZER; i++) c[i] = (real)coefficients[i];
    c[COEF_LEARNING_RATE] = (real)(coefficients[COEF_LEARNING_RATE] * factor);
    if (code == OPT_MOMENTS) /* the weight of the gradient is a learning rate too */
        c[COEF_OWN + 6] = (real)(coefficients[COEF_OWN + 6] * factor);
    UNROLL for (int v = 0; v < VECTORS; v++) square[v] = *(vector *)((real *)penalty_ + v * LANES);
#define UPDATE(code, n_slots, step)                                                         \
    case code:                                                                              \
        for (int64_t i = 0; i < n; i += PANEL) {                                            \
            if (many) {                                                                     \
                __builtin_prefetch(w + i + AHEAD, 1);                                       \
                if (n_slots > 0) __builtin_prefetch(s0 + i + AHEAD, 1);                     \
                if (n_slots > 1) __builtin_prefetch(s1 + i + AHEAD, 1);                     \
                if (n_slots > 2) __builtin_prefetch(s2 + i + AHEAD, 1);                     \
            }                                                                               \
            UNROLL for (int v = 0; v < VECTORS; v++) {                                      \
                const vector old = *(vector *)(w + i + v * LANES);                          \
                square[v] = VECTOR_FMA(old, old, square[v]);                                \
            }                                                                               \
            KEPT INDEPENDENT for (int64_t j = i; j < i + PANEL; j++) {                      \
                const real gradient = fused(l2, w[j], g[j]);                                \
                w[j] = fused(-decay, w[j], w[j]);                                           \
                step;                                                                       \
            }                                                                               \
        }                                                                                   \
        break;
    switch (code) {
        UPDATE(OPT_SGD, 0, sgd(c, w + j, gradient))
        UPDATE(OPT_MOMENTUM, 1, momentum(c, w + j, gradient, s0 + j))
        UPDATE(OPT_LOOK_AHEAD, 1, momentum(c, w + j, gradient, s0 + j))
        UPDATE(OPT_NESTEROV, 1, nesterov(c, w + j, gradient, s0 + j))
        UPDATE(OPT_ADAM, 2, adam(c, w + j, gradient, s0 + j, s1 + j))
        UPDATE(OPT_AVERAGED, 1, averaged(c, w + j, gradient, s0 + j))
        UPDATE(OPT_NESTEROV_AVERAGED, 1, nesterov_averaged(c, w + j, gradient, s0 + j))
        UPDATE(OPT_ADAGRAD, 1, adagrad(c, w + j, gradient, s0 + j))
        UPDATE(OPT_ADADELTA, 2, adadelta(c, w + j, gradient, s0 + j, s1 + j))
        UPDATE(OPT_RMSPROP, 1, rmsprop(c, w + j, gradient, s0 + j))
        UPDATE(OPT_RMSPROP_MOMENTUM, 2, rmsprop_momentum(c, w + j, gradient, s0 + j, s1 + j))
        UPDATE(OPT_RMSPROP_CENTERED, 3, rmsprop_centered(c, w + j, gradient, s0 + j, s1 + j, s2 + j))
        UPDATE(OPT_RPROP, 2, rprop(c, w + j, gradient, s0 + j, s1 + j))
        UPDATE(OPT_MOMENTS, 2, moments(c, w + j, gradient, s0 + j, s1 + j))
        UPDATE(OPT_AMSGRAD, 3, amsgrad(c, w + j, gradient, s0 + j, s1 + j, s2 + j))
    case OPT_LAMB:
        for (int64_t i = 0; i < n; i += PANEL) {
            UNROLL for (int v = 0; v < VECTORS; v++) {
                const vector at = *(vector *)(w + i + v * LANES);
                square[v] = VECTOR_FMA(at, at, square[v]);
            }
            KEPT INDEPENDENT for (int64_t j = i; j < i + PANEL; j++) {
                g[j] = fused(l2, w[j], g[j]);
                lamb(c, decay, w + j, g + j, s0 + j, s1 + j);
            }
        }
        break;
    }
#undef UPDATE
    UNROLL for (int v = 0; v < VECTORS; v++) *(vector *)((real *)penalty_ + v * LANES) = square[v];
}

/* Move each parameter towards 0 by `threshold`, divided by the root that its step was divided by, and
 * not beyond 0: what is left of a penalty of |w| after a step without it. A velocity of updates takes
 * part; of Nesterov's, a step contains 1 + momentum times the new update. */
static void soft_threshold(int code, int64_t n, const double *coefficients, double threshold_,
                           void *w_, void *slots, int64_t slot_stride)
{
    real *w = w_, *s0 = slots, *s1 = s0 + slot_stride;
    const real threshold = (real)threshold_;
#define SHRINK(code, set, most, follow)                                      \
    case code: {                                                             \
        set;                                                                 \
        INDEPENDENT for (int64_t j = 0; j < n; j++) {                        \
            const real limit = most;                                         \
            const real change = minimum(maximum(w[j], -limit), limit);       \
            w[j] -= change;                                                  \
            follow;                                                          \
        }                                                                    \
        return;                                                              \
    }
#define EPSILON(place) const real epsilon = maximum((real)coefficients[COEF_OWN + place], SMALLEST)
    switch (code) {
        SHRINK(OPT_ADAM, EPSILON(4), threshold / (square_root(s1[j]) + epsilon), )
        SHRINK(OPT_ADAGRAD, EPSILON(0), threshold / (square_root(s0[j]) + epsilon), )
        SHRINK(OPT_MOMENTUM, , threshold, s0[j] -= change)
        SHRINK(OPT_LOOK_AHEAD, , threshold, s0[j] -= change)
        SHRINK(OPT_NESTEROV, const real part = 1 / (1 + (real)coefficients[COEF_OWN]), threshold,
               s0[j] = fused(-part, change, s0[j]))
    default:
        SHRINK(OPT_SGD, , threshold, )
    }
#undef EPSILON
#undef SHRINK
}

#endif
