/* Losses with their output activation: they are canonical pairs, so that the gradient with respect
 * to the pre-activation z is (activation - target) * weight for each of them (McCullagh & Nelder,
 * "Generalized Linear Models", section 2.2). Loss values come from z, not from rounded
 * probabilities, so none can be log(0).
 */
#ifndef FASTNN_LOSSES_H
#define FASTNN_LOSSES_H

#include "activations.h"

/* Rows that go through a loss together, so that one loop does one thing to all of them. Sums run
 * over a row's outputs in their order, for all rows side by side. */
enum { LOSS_ROWS = 64 };

/* In place, at most LOSS_ROWS rows; log_sum receives log(sum(exp(z))) of each. Padding becomes 0. */
static void softmax(int64_t n_rows, int64_t n, int64_t ld, real *z, real *log_sum)
{
    real most[LOSS_ROWS], sum[LOSS_ROWS];
    for (int64_t i = 0; i < n_rows; i++) most[i] = z[i * ld], sum[i] = 0;
    for (int64_t j = 1; j < n; j++)
        for (int64_t i = 0; i < n_rows; i++) most[i] = maximum(most[i], z[i * ld + j]);
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t p = 0; p < ld; p += PANEL)
            for (int64_t j = p; j < p + PANEL; j++) {
                const real power = exponential(z[i * ld + j] - most[i]);
                z[i * ld + j] = j < n ? power : 0;
            }
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n_rows; i++) sum[i] += z[i * ld + j];
    for (int64_t i = 0; i < n_rows; i++) {
        log_sum[i] = most[i] + logarithm(sum[i]);
        sum[i] = 1 / sum[i];
    }
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < ld; j++) z[i * ld + j] *= sum[i];
}

/* z -> output activation, in place */
static void output(int loss, int64_t n_rows, int64_t n, int64_t ld, void *z_)
{
    real *z = z_, unused[LOSS_ROWS];
    switch (loss) {
    case LOSS_LOG:
        for (int64_t i = 0; i < n_rows; i += LOSS_ROWS)
            softmax(n_rows - i < LOSS_ROWS ? n_rows - i : LOSS_ROWS, n, ld, z + i * ld, unused);
        break;
    case LOSS_BINARY_LOG:
        activation(ACT_LOGISTIC, 0, n_rows * ld, z, z);
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
    const real y_log_y = y * logarithm(y > 0 ? y : 1);
    return y_log_y - y * z - y + exponential(z);
}

/* At most LOSS_ROWS rows: z becomes the activation, delta and row_loss are filled. row[i] is the
 * row of targets (int32 class codes for LOSS_LOG, else n reals) that belongs to row i. */
static void loss_block(int code, int64_t n_rows, int64_t n, int64_t ld, real *z,
                       const void *targets, const int64_t *row, const real *factor, real *delta,
                       real *row_loss)
{
    const int32_t *codes = targets;
    const real *y = targets;
    if (code == LOSS_LOG) {
        real chosen[LOSS_ROWS];
        for (int64_t i = 0; i < n_rows; i++) chosen[i] = z[i * ld + codes[row[i]]];
        softmax(n_rows, n, ld, z, row_loss);
        for (int64_t i = 0; i < n_rows; i++) row_loss[i] -= chosen[i];
        for (int64_t i = 0; i < n_rows; i++) {
            const int64_t target = i * ld + codes[row[i]];
            for (int64_t j = i * ld; j < (i + 1) * ld; j++) delta[j] = z[j] * factor[i];
            delta[target] = (z[target] - 1) * factor[i];
        }
        return;
    }
    memset(row_loss, 0, (size_t)n_rows * sizeof(real));
#define ADD(of_one)                             \
    for (int64_t j = 0; j < n; j++)             \
        for (int64_t i = 0; i < n_rows; i++)    \
            row_loss[i] += of_one(z[i * ld + j], y[row[i] * n + j]);
    switch (code) {
    case LOSS_SQUARED_ERROR: ADD(squared_error_loss) break;
    case LOSS_BINARY_LOG: ADD(binary_log_loss) break;
    case LOSS_POISSON: ADD(poisson_loss) break;
    }
    output(code, n_rows, n, ld, z);
    for (int64_t i = 0; i < n_rows; i++) {
        for (int64_t j = 0; j < n; j++) delta[i * ld + j] = (z[i * ld + j] - y[row[i] * n + j]) * factor[i];
        for (int64_t j = n; j < ld; j++) delta[i * ld + j] = 0;
    }
}

/* Row i of the batch has target and weight row order[i] (first_row + i where order is NULL) of
 * targets and weights (NULL for ones); scale is 1 / the sum of the batch's weights. */
static void loss(int code, int64_t n_rows, int64_t n, int64_t ld, void *z, const void *targets,
                 const int64_t *order, int64_t first_row, const void *weights_, double scale,
                 void *delta, void *row_loss)
{
    const real *weights = weights_;
    int64_t row[LOSS_ROWS];
    real factor[LOSS_ROWS];
    for (int64_t begin = 0; begin < n_rows; begin += LOSS_ROWS) {
        const int64_t rows = n_rows - begin < LOSS_ROWS ? n_rows - begin : LOSS_ROWS;
        for (int64_t i = 0; i < rows; i++) {
            row[i] = order ? order[begin + i] : first_row + begin + i;
            factor[i] = weights ? weights[row[i]] * (real)scale : (real)scale;
        }
        loss_block(code, rows, n, ld, (real *)z + begin * ld, targets, row, factor,
                   (real *)delta + begin * ld, (real *)row_loss + begin);
    }
}

#endif
