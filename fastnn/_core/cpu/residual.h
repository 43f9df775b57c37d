/* Residual connections, y = x + f(x) (He et al., "Deep residual learning", 2016), and stochastic
 * depth (Huang et al., "Deep networks with stochastic depth", 2016): in training a row goes without
 * f with a probability, and f is divided by the probability of keeping it.
 *
 * The random word of row i is word i % 4 of Philox at counter (0, i / 4, step, stage).
 */
#ifndef FASTNN_RESIDUAL_H
#define FASTNN_RESIDUAL_H

#include "dropout.h"

/* y = skip + factor * branch, skip NULL for zeros; the factor of a row is 0 or 1 / (1 - rate), and
 * 1 where mask is NULL. It is its own gradient: with respect to the branch without the skip. */
static void residual(const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld,
                     const void *skip_, const void *branch_, void *y_)
{
    for (int64_t i = 0; i < n_rows; i++) {
        const real *branch = (const real *)branch_ + i * ld, *skip = (const real *)skip_ + i * ld;
        real *restrict y = (real *)y_ + i * ld;
        real factor = 1;
        if (mask) {
            const uint32_t row = (uint32_t)(first_row + i);
            uint32_t word[4] = {0, row / MASK_ROWS, mask->step, mask->stage};
            philox(word, (uint32_t)mask->seed, (uint32_t)(mask->seed >> 32));
            factor = word[row % MASK_ROWS] >= keep_from(mask->rate) ? keep_scale(mask->rate) : 0;
        }
        if (skip_)
            for (int64_t j = 0; j < ld; j++) y[j] = fused(factor, branch[j], skip[j]);
        else
            for (int64_t j = 0; j < ld; j++) y[j] = factor * branch[j];
    }
}

#endif
