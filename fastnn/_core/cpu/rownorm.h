/* Normalisation within a row: of all units (Ba, Kiros & Hinton, "Layer normalization", 2016), of
 * groups of them (Wu & He, "Group normalization", 2018), or of channels that lie one after another
 * (Ulyanov, Vedaldi & Lempitsky, "Instance normalization", 2016).
 *
 * A group is `n / groups` consecutive columns. Scale and shift are NULL, or one for each column,
 * or one for each group. The gradient is that of batch norm, with the group in the batch's place.
 */
#ifndef FASTNN_ROWNORM_H
#define FASTNN_ROWNORM_H

#include "columns.h"

INLINE real mean_of(const real *x, int64_t n)
{
    vector sums[VECTORS] = {{0}};
    int64_t j = 0;
    for (; j + PANEL <= n; j += PANEL)
        UNROLL for (int v = 0; v < VECTORS; v++) sums[v] += *(const loose *)(x + j + v * LANES);
    real sum = sum_of_lanes(n, sums);
    for (; j < n; j++) sum += x[j];
    return sum / (real)n;
}

INLINE real variance_of(const real *x, int64_t n, real mean)
{
    const vector means = broadcast(mean);
    vector sums[VECTORS] = {{0}};
    int64_t j = 0;
    for (; j + PANEL <= n; j += PANEL)
        UNROLL for (int v = 0; v < VECTORS; v++) {
            const vector deviation = *(const loose *)(x + j + v * LANES) - means;
            sums[v] = VECTOR_FMA(deviation, deviation, sums[v]);
        }
    real sum = sum_of_lanes(n, sums);
    for (; j < n; j++) sum = fused(x[j] - mean, x[j] - mean, sum);
    return sum / (real)n;
}

/* y = scale * (x - mean) * inverse_std + shift; statistics receives both of each group, 2 groups
 * numbers a row */
static void rownorm(int64_t n_rows, int64_t n, int64_t ld, int64_t groups, double epsilon,
                    const void *x_, const void *scale_, const void *shift_, int per_group, void *y_,
                    void *statistics_)
{
    const real *x = x_, *scale = scale_, *shift = shift_;
    const real least = maximum((real)epsilon, SMALLEST);
    real *y = y_, *statistics = statistics_;
    const int64_t width = n / groups;
    for (int64_t i = 0; i < n_rows; i++, x += ld, y += ld, statistics += 2 * groups) {
        for (int64_t g = 0; g < groups; g++) {
            const real *restrict from = x + g * width;
            real *restrict to = y + g * width;
            const real mean = mean_of(from, width);
            const real inverse_std = 1 / square_root(variance_of(from, width, mean) + least);
            statistics[2 * g] = mean;
            statistics[2 * g + 1] = inverse_std;
            if (scale && !per_group) {
                const real *restrict own_scale = scale + g * width, *restrict own_shift = shift + g * width;
                for (int64_t j = 0; j < width; j++)
                    to[j] = fused((from[j] - mean) * inverse_std, own_scale[j], own_shift[j]);
            } else {
                const real one_scale = scale ? scale[g] : 1, one_shift = scale ? shift[g] : 0;
                for (int64_t j = 0; j < width; j++)
                    to[j] = fused((from[j] - mean) * inverse_std, one_scale, one_shift);
            }
        }
        for (int64_t j = n; j < ld; j++) y[j] = 0;
    }
}

/* One group of one row: dy becomes dx = inverse_std (q - mean q - h * mean (q h)), where h is the
 * normalised x and q = dy * scale. d_scale += dy h and d_shift += dy, where there are such. */
INLINE void rownorm_gradient_group(const int per_column, int64_t width, const real *restrict x,
                                   real mean, real inverse_std, const real *restrict scale,
                                   real *restrict dy, real *restrict d_scale, real *restrict d_shift)
{
    const vector means = broadcast(mean), inverse_stds = broadcast(inverse_std);
    vector sums[VECTORS] = {{0}}, products[VECTORS] = {{0}};
    int64_t j = 0;
    for (; j + PANEL <= width; j += PANEL)
        UNROLL for (int v = 0; v < VECTORS; v++) {
            const int64_t at = j + v * LANES;
            const vector h = (*(const loose *)(x + at) - means) * inverse_stds;
            vector q = *(const loose *)(dy + at);
            if (per_column) {
                *(loose *)(d_scale + at) = VECTOR_FMA(q, h, *(const loose *)(d_scale + at));
                *(loose *)(d_shift + at) += q;
                q *= *(const loose *)(scale + at);
            }
            sums[v] += q;
            products[v] = VECTOR_FMA(q, h, products[v]);
        }
    real sum = sum_of_lanes(width, sums), product = sum_of_lanes(width, products);
    for (; j < width; j++) {
        const real h = (x[j] - mean) * inverse_std;
        real q = dy[j];
        if (per_column) {
            d_scale[j] = fused(q, h, d_scale[j]);
            d_shift[j] += q;
            q *= scale[j];
        }
        sum += q;
        product = fused(q, h, product);
    }
    real factor = inverse_std;
    if (!per_column && scale) {
        *d_scale += product;
        *d_shift += sum;
        factor *= *scale;
    }
    const real q_mean = sum / (real)width, product_mean = product / (real)width;
    for (j = 0; j < width; j++) {
        const real h = (x[j] - mean) * inverse_std, q = per_column ? dy[j] * scale[j] : dy[j];
        dy[j] = factor * (q - fused(h, product_mean, q_mean));
    }
}

/* dx in place of dy; partial[0:n_vector] = sum of dy * normalised x and partial[n_vector: 2 n_vector]
 * = sum of dy, of at most ROW_CHUNK rows, for each column or for each group */
static void rownorm_gradient(int64_t n_rows, int64_t n, int64_t ld, int64_t groups, const void *x_,
                             const void *statistics_, const void *scale_, int per_group, void *dy_,
                             void *partial, int64_t n_vector)
{
    const real *x = x_, *statistics = statistics_, *scale = scale_;
    real *dy = dy_, *d_scale = partial, *d_shift = d_scale + n_vector;
    const int64_t width = n / groups;
    if (scale) memset(partial, 0, (size_t)(2 * n_vector) * sizeof(real));
    for (int64_t i = 0; i < n_rows; i++, x += ld, dy += ld, statistics += 2 * groups)
        for (int64_t g = 0; g < groups; g++) {
            const int64_t at = g * width;
            const real mean = statistics[2 * g], inverse_std = statistics[2 * g + 1];
            if (scale && !per_group)
                rownorm_gradient_group(1, width, x + at, mean, inverse_std, scale + at, dy + at,
                                       d_scale + at, d_shift + at);
            else if (scale)
                rownorm_gradient_group(0, width, x + at, mean, inverse_std, scale + g, dy + at,
                                       d_scale + g, d_shift + g);
            else
                rownorm_gradient_group(0, width, x + at, mean, inverse_std, NULL, dy + at, NULL, NULL);
        }
}

#endif
