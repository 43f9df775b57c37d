/* Sums over the rows of a batch, and within a row, in an order that depends on nothing else.
 *
 * Sums over the rows go by chunks of ROW_CHUNK: a stage's backward pass leaves the sums of each
 * chunk, and whoever needs the total adds them in order. Within a row, lane i of a panel has the
 * sum of elements i, i + PANEL, ..; lanes are added by halves, then what fills no panel, one by one.
 */
#ifndef FASTNN_COLUMNS_H
#define FASTNN_COLUMNS_H

#include "program.h"
#include "simd.h"

/* A vector that may begin at any element. */
typedef real loose __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));

#define ALIGNED _Alignas(64)

/* Sum of n numbers that were added to lanes; fewer than a panel were not. */
INLINE real sum_of_lanes(int64_t n, const vector *sums)
{
    if (n < PANEL) return 0;
    ALIGNED real lane[PANEL];
    memcpy(lane, sums, sizeof lane);
    UNROLL for (int half = PANEL / 2; half; half /= 2)
        UNROLL for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* sums (+)= the partial sums of all chunks, n numbers each */
static void column_sums(int64_t n_rows, int64_t n, const void *partials_, void *sums_, int accumulate)
{
    const real *restrict partial = partials_;
    real *restrict sums = sums_;
    if (!accumulate) memset(sums, 0, (size_t)n * sizeof(real));
    for (int64_t done = 0; done < n_rows; done += ROW_CHUNK, partial += n)
        for (int64_t j = 0; j < n; j++) sums[j] += partial[j];
}

#endif
