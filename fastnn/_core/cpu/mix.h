/* Rows of a batch mixed with other rows of it: mixup (Zhang et al., "mixup: beyond empirical risk
 * minimization", 2018, eq. 1) and CutMix (Yun et al., "CutMix", 2019, eq. 1).
 *
 * The partner of row i of a batch of n rows is row (i + shift) % n. It is read where the user has
 * it, so no thread waits for the rows of another.
 */
#ifndef FASTNN_MIX_H
#define FASTNN_MIX_H

#include "rows.h"

INLINE int64_t partner_of(int64_t row, int64_t shift, int64_t batch_rows)
{
    return row + shift < batch_rows ? row + shift : row + shift - batch_rows;
}

/* x = weight x + (1 - weight) partner; of a box, x = partner there and x elsewhere */
#define MIX(type, convert)                                                                         \
    {                                                                                              \
        const type *source = (const type *)rows->data + row * rows->row_stride;                    \
        if (stride == 1 && order && i + 1 < n_rows)                                                \
            prefetch((const type *)rows->data                                                      \
                         + order[partner_of(first_row + i + 1, mixing->shift, batch_rows)]         \
                               * rows->row_stride + begin,                                         \
                     length * (int64_t)sizeof(type));                                              \
        if (mixing->n_runs)                                                                        \
            for (int64_t r = 0; r < mixing->n_runs; r++)                                           \
                for (int64_t j = 0, c = begin + r * mixing->stride; j < mixing->run; j++, c++)     \
                    x[c] = convert(source[c * stride]);                                            \
        else if (stride == 1)                                                                      \
            for (int64_t j = 0; j < n; j++) x[j] = fused(weight, x[j], rest * convert(source[j])); \
        else                                                                                       \
            for (int64_t j = 0; j < n; j++)                                                        \
                x[j] = fused(weight, x[j], rest * convert(source[j * stride]));                    \
    }

/* x (n_rows, ld), rows first_row .. of a batch, gathered; row b of the batch is row order[b]
 * (start + b where order is NULL) of the data. */
static void mix_rows(const Rows *rows, const int64_t *order, int64_t start, int64_t batch_rows,
                     int64_t first_row, int64_t n_rows, int64_t ld, const Mixing *mixing, void *x_)
{
    const int64_t n = rows->n_cols, stride = rows->col_stride;
    const real weight = (real)mixing->weight, rest = (real)(1 - mixing->weight);
    const int64_t begin = mixing->n_runs ? mixing->first : 0;
    const int64_t length =
        mixing->n_runs ? (mixing->n_runs - 1) * mixing->stride + mixing->run : n;
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t partner = partner_of(first_row + i, mixing->shift, batch_rows);
        const int64_t row = order ? order[partner] : start + partner;
        real *restrict x = (real *)x_ + i * ld;
        FOR_TYPE_OF(rows, MIX)
    }
}

/* The loss of a mixed row is weight times that of its own target and 1 - weight times that of its
 * partner's, both of one prediction. `delta` and `row_loss` come with the first, unweighted, and
 * leave with the sum, `delta` times the row's own sample weight (NULL for ones). */
static void mix_losses(int64_t n_rows, int64_t ld, double mix_weight, const void *weights_,
                       const int64_t *order, int64_t first_row, const void *other_delta_,
                       const void *other_loss_, void *delta_, void *row_loss_)
{
    const real weight = (real)mix_weight, rest = (real)(1 - mix_weight), *weights = weights_;
    const real *other_loss = other_loss_;
    real *restrict row_loss = row_loss_;
    for (int64_t i = 0; i < n_rows; i++) {
        const real factor = weights ? weights[order ? order[i] : first_row + i] : 1;
        const real own = weight * factor, others = rest * factor;
        const real *other = (const real *)other_delta_ + i * ld;
        real *restrict delta = (real *)delta_ + i * ld;
        for (int64_t j = 0; j < ld; j++) delta[j] = fused(own, delta[j], others * other[j]);
        row_loss[i] = fused(weight, row_loss[i], rest * other_loss[i]);
    }
}

#endif
