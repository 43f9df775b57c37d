/* The transposed weights that the input gradient reads, rewritten by the rows that a step changed. */
#ifndef FASTNN_TRANSPOSE_H
#define FASTNN_TRANSPOSE_H

#include "simd.h"

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define HAS_SHUFFLE
#endif
#endif

#ifdef HAS_SHUFFLE
/* Numbers of two vectors by turns: those of their lower halves, those of their upper halves. */
#if VECTOR_BYTES == 16 * (4 + 4 * REAL_IS_DOUBLE)
#define LOWER_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VECTOR_BYTES == 8 * (4 + 4 * REAL_IS_DOUBLE)
#define LOWER_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#elif VECTOR_BYTES == 4 * (4 + 4 * REAL_IS_DOUBLE)
#define LOWER_HALVES 0, 4, 1, 5
#define UPPER_HALVES 2, 6, 3, 7
#elif VECTOR_BYTES == 2 * (4 + 4 * REAL_IS_DOUBLE)
#define LOWER_HALVES 0, 2
#define UPPER_HALVES 1, 3
#endif

/* LANES x LANES numbers. Taking turns between the first half of the rows and the second moves a bit
 * of the row's number to the column's; as many times as there are bits exchanges the two. */
INLINE void transpose_block(vector *rows)
{
    vector turns[LANES];
    UNROLL for (int bit = 1; bit < LANES; bit *= 2) {
        UNROLL for (int i = 0; i < LANES / 2; i++) {
            const vector a = rows[i], b = rows[i + LANES / 2];
            turns[2 * i] = __builtin_shufflevector(a, b, LOWER_HALVES);
            turns[2 * i + 1] = __builtin_shufflevector(a, b, UPPER_HALVES);
        }
        UNROLL for (int i = 0; i < LANES; i++) rows[i] = turns[i];
    }
}
#endif

/* The part of W' that rows first..last of W fill: w[first:last, :n_cols] -> t[:n_cols, first:last] */
static void transpose(int64_t first, int64_t last, int64_t n_cols, const void *w_, int64_t ldw,
                      void *t_, int64_t ldt)
{
    const real *w = w_;
    real *t = t_;
#ifdef HAS_SHUFFLE
    if (last - first >= LANES) {
        typedef vector unaligned __attribute__((aligned(sizeof(real))));
        for (int64_t i = first; i < last; i += LANES) {
            const int64_t begin = i + LANES <= last ? i : last - LANES; /* the last overlaps */
            for (int64_t j = 0; j < n_cols; j += LANES) {
                vector rows[LANES];
                UNROLL for (int r = 0; r < LANES; r++)
                    rows[r] = *(const vector *)(w + (begin + r) * ldw + j);
                transpose_block(rows);
                const int64_t n = n_cols - j < LANES ? n_cols - j : LANES;
                for (int64_t c = 0; c < n; c++)
                    *(unaligned *)(t + (j + c) * ldt + begin) = rows[c];
            }
        }
        return;
    }
#endif
    for (int64_t j = 0; j < n_cols; j++)
        for (int64_t i = first; i < last; i++) t[j * ldt + i] = w[i * ldw + j];
}

#endif
