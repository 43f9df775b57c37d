/* Batch normalisation (Ioffe & Szegedy, ICML 2015, algorithm 1 and the gradient of section 3).
 *
 * Statistics go by chunks of ROW_CHUNK rows, whatever the number of threads: a chunk's mean and
 * sum of squared deviations, then chunks are merged in order (Chan, Golub & LeVeque, 1983). The
 * last chunk may be shorter. Vectors are of one padded row, ld elements.
 */
#ifndef FASTNN_BATCHNORM_H
#define FASTNN_BATCHNORM_H

#include "program.h"
#include "simd.h"

/* partial[0:ld] = mean, partial[ld:2 ld] = sum of squared deviations of at most ROW_CHUNK rows */
static void batchnorm_partial(int64_t n_rows, int64_t ld, const void *x_, void *partial_)
{
    const real *restrict x = x_;
    real *restrict mean = partial_, *restrict square = mean + ld;
    const real inverse = 1 / (real)n_rows;
    for (int64_t j = 0; j < ld; j++) mean[j] = square[j] = 0;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < ld; j++) mean[j] += x[i * ld + j];
    for (int64_t j = 0; j < ld; j++) mean[j] *= inverse;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < ld; j++) {
            const real deviation = x[i * ld + j] - mean[j];
            square[j] = fused(deviation, deviation, square[j]);
        }
}

/* Mean and biased variance of the batch from its chunks. */
static void batchnorm_merge(int64_t n_rows, int64_t ld, const void *partials_, void *mean_,
                            void *variance_)
{
    const real *restrict partial = partials_;
    real *restrict mean = mean_, *restrict square = variance_;
    memcpy(mean, partial, (size_t)ld * sizeof(real));
    memcpy(square, partial + ld, (size_t)ld * sizeof(real));
    for (int64_t done = ROW_CHUNK; done < n_rows; done += ROW_CHUNK) {
        const int64_t more = n_rows - done < ROW_CHUNK ? n_rows - done : ROW_CHUNK;
        const real part = (real)more / (real)(done + more), weight = (real)done * part;
        partial += 2 * ld;
        for (int64_t j = 0; j < ld; j++) {
            const real difference = partial[j] - mean[j];
            mean[j] = fused(difference, part, mean[j]);
            square[j] += fused(difference * difference, weight, partial[ld + j]);
        }
    }
    for (int64_t j = 0; j < ld; j++) square[j] /= (real)n_rows;
}

static void batchnorm_inverse_std(int64_t ld, double epsilon, const void *variance_, void *inverse_)
{
    const real *restrict variance = variance_;
    real *restrict inverse = inverse_;
    const real least = maximum((real)epsilon, SMALLEST);
    for (int64_t j = 0; j < ld; j++) inverse[j] = 1 / square_root(variance[j] + least);
}

/* y = scale * (x - mean) * inverse_std + shift */
static void batchnorm(int64_t n_rows, int64_t ld, const void *x_, const void *mean_,
                      const void *inverse_std_, const void *scale_, const void *shift_, void *y_)
{
    const real *restrict x = x_, *restrict mean = mean_, *restrict inverse_std = inverse_std_;
    const real *restrict scale = scale_, *restrict shift = shift_;
    real *restrict y = y_;
    for (int64_t i = 0; i < n_rows; i++, x += ld, y += ld)
        for (int64_t j = 0; j < ld; j++)
            y[j] = fused((x[j] - mean[j]) * inverse_std[j], scale[j], shift[j]);
}

/* partial[0:ld] = sum of dy, partial[ld:2 ld] = sum of dy * normalised x, over one chunk */
static void batchnorm_gradient_partial(int64_t n_rows, int64_t ld, const void *x_, const void *mean_,
                                       const void *inverse_std_, const void *dy_, void *partial_)
{
    const real *restrict x = x_, *restrict mean = mean_, *restrict inverse_std = inverse_std_;
    const real *restrict dy = dy_;
    real *restrict sum = partial_, *restrict product = sum + ld;
    for (int64_t j = 0; j < ld; j++) sum[j] = product[j] = 0;
    for (int64_t i = 0; i < n_rows; i++, x += ld, dy += ld)
        for (int64_t j = 0; j < ld; j++) {
            sum[j] += dy[j];
            product[j] = fused(dy[j], (x[j] - mean[j]) * inverse_std[j], product[j]);
        }
}

/* The sums over all chunks: the gradients of shift and of scale. */
static void batchnorm_gradient_merge(int64_t n_rows, int64_t ld, const void *partials_,
                                     void *d_shift_, void *d_scale_)
{
    const real *restrict partial = partials_;
    real *restrict d_shift = d_shift_, *restrict d_scale = d_scale_;
    memset(d_shift, 0, (size_t)ld * sizeof(real));
    memset(d_scale, 0, (size_t)ld * sizeof(real));
    for (int64_t done = 0; done < n_rows; done += ROW_CHUNK, partial += 2 * ld)
        for (int64_t j = 0; j < ld; j++) {
            d_shift[j] += partial[j];
            d_scale[j] += partial[ld + j];
        }
}

/* dx = scale inverse_std (dy - mean dy - normalised x * mean (dy * normalised x)), in place of dy;
 * constant_statistics: dx = scale inverse_std dy */
static void batchnorm_gradient(int64_t n_rows, int64_t batch_rows, int64_t ld, const void *x_,
                               const void *mean_, const void *inverse_std_, const void *scale_,
                               const void *d_shift_, const void *d_scale_, int constant_statistics,
                               void *dy_)
{
    const real *restrict x = x_, *restrict mean = mean_, *restrict inverse_std = inverse_std_;
    const real *restrict scale = scale_, *restrict d_shift = d_shift_, *restrict d_scale = d_scale_;
    real *restrict dy = dy_;
    const real inverse = constant_statistics ? 0 : 1 / (real)batch_rows;
    for (int64_t i = 0; i < n_rows; i++, x += ld, dy += ld)
        for (int64_t j = 0; j < ld; j++) {
            const real normalised = (x[j] - mean[j]) * inverse_std[j];
            const real through_statistics = fused(normalised, d_scale[j], d_shift[j]) * inverse;
            dy[j] = scale[j] * inverse_std[j] * (dy[j] - through_statistics);
        }
}

/* moving = (1 - momentum) moving + momentum batch, with n / (n - correction) times its variance */
static void batchnorm_moving(int64_t n_rows, int64_t ld, double momentum_, double correction,
                             const void *mean_, const void *variance_, void *moving_mean_,
                             void *moving_variance_)
{
    const real *restrict mean = mean_, *restrict variance = variance_;
    real *restrict moving_mean = moving_mean_, *restrict moving_variance = moving_variance_;
    const real momentum = (real)momentum_;
    const real unbiased = (real)((double)n_rows / ((double)n_rows - correction));
    for (int64_t j = 0; j < ld; j++) {
        moving_mean[j] = fused(momentum, mean[j] - moving_mean[j], moving_mean[j]);
        moving_variance[j] =
            fused(momentum, fused(variance[j], unbiased, -moving_variance[j]), moving_variance[j]);
    }
}

#endif
