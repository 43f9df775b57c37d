/* Losses with their output activation: they are canonical pairs, so that the gradient with respect
 * to the pre-activation z is (activation - target) * weight for each of them (McCullagh & Nelder,
 * "Generalized Linear Models", section 2.2). Loss values come from z, not from rounded
 * probabilities, so none can be log(0).
 */
#ifndef FASTNN_LOSSES_H
#define FASTNN_LOSSES_H

#include "activations.h"

/* In place; returns log(sum(exp(z))). Padding becomes 0. */
INLINE real softmax(int64_t n, int64_t ld, real *z)
{
    real most = z[0], sums[PANEL] = {0};
    for (int64_t j = 1; j < n; j++) most = maximum(most, z[j]);
    for (int64_t j = n; j < ld; j++) z[j] = -INFINITY;
    for (int64_t p = 0; p < ld; p += PANEL)
        for (int j = 0; j < PANEL; j++) {
            z[p + j] = exponential(z[p + j] - most);
            sums[j] += z[p + j];
        }
    const real sum = sum_panel(sums), inverse = 1 / sum;
    for (int64_t j = 0; j < ld; j++) z[j] *= inverse;
    for (int64_t j = n; j < ld; j++) z[j] = 0;
    return most + logarithm(sum);
}

/* z -> output activation, in place */
static void output(int loss, int64_t n_rows, int64_t n, int64_t ld, void *z_)
{
    real *z = z_;
    switch (loss) {
    case LOSS_LOG:
        for (int64_t i = 0; i < n_rows; i++) softmax(n, ld, z + i * ld);
        break;
    case LOSS_BINARY_LOG:
        activation(ACT_LOGISTIC, n_rows * ld, z);
        break;
    case LOSS_POISSON:
        for (int64_t i = 0; i < n_rows * ld; i++) z[i] = exponential(z[i]);
        break;
    }
}

/* Loss of one output; z is its pre-activation, y its target. */
INLINE real squared_error_loss(real z, real y) { return REAL(.5f, .5) * (z - y) * (z - y); }

INLINE real binary_log_loss(real z, real y)
{
    const real size = z < 0 ? -z : z;
    return logarithm(1 + exponential(-size)) + (z < 0 ? 0 : z) - z * y;
}

/* half the deviance: y log(y) - y z - y + exp(z), 0 log(0) = 0 */
INLINE real poisson_loss(real z, real y)
{
    return (y > 0 ? y * logarithm(y) : 0) - y * z - y + exponential(z);
}

/* The sum over one row's outputs by PANEL partial sums: the order that every set can keep. */
#define ROW_LOSS(of_one)                                                   \
    {                                                                      \
        real sums[PANEL] = {0};                                            \
        for (int64_t j = 0; j < n; j++) sums[j % PANEL] += of_one(z[j], y[j]); \
        row_loss[i] = sum_panel(sums);                                     \
    }

/* Rows of z become activations, delta and row_loss are filled. Targets of batch row i are row
 * order[i] (i where order is NULL) of targets: int32 class codes for LOSS_LOG, else n reals.
 * weights: of these rows, or NULL; scale: 1 / sum of the batch's weights. */
static void loss(int code, int64_t n_rows, int64_t n, int64_t ld, void *z_, const void *targets,
                 const int64_t *order, int64_t first_row, const void *weights_, double scale_,
                 void *delta_, void *row_loss_)
{
    const real *weights = weights_;
    real *row_loss = row_loss_;
    const real scale = (real)scale_;
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t row = order ? order[i] : first_row + i;
        real *z = (real *)z_ + i * ld, *delta = (real *)delta_ + i * ld;
        const real factor = weights ? weights[row] * scale : scale;
        if (code == LOSS_LOG) {
            const int32_t target = ((const int32_t *)targets)[row];
            const real chosen = z[target];
            row_loss[i] = softmax(n, ld, z) - chosen;
            for (int64_t j = 0; j < ld; j++) delta[j] = z[j] * factor;
            delta[target] = (z[target] - 1) * factor;
            continue;
        }
        const real *y = (const real *)targets + row * n;
        switch (code) {
        case LOSS_SQUARED_ERROR: ROW_LOSS(squared_error_loss) break;
        case LOSS_BINARY_LOG: ROW_LOSS(binary_log_loss) break;
        case LOSS_POISSON: ROW_LOSS(poisson_loss) break;
        }
        output(code, 1, n, ld, z);
        for (int64_t j = 0; j < n; j++) delta[j] = (z[j] - y[j]) * factor;
        for (int64_t j = n; j < ld; j++) delta[j] = 0;
    }
}

#endif
