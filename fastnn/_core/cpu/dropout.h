/* Dropout (Srivastava et al., JMLR 15, 2014). Inverted (section 10), kept values are divided by the
 * probability of keeping: mask->scale is its inverse. In the original form (section 4) they stay,
 * and it is in prediction that all values are multiplied by that probability, by scaled().
 *
 * The mask of (row, column) is word row % 4 of Philox at counter (column, row / 4, step, stage):
 * recomputed wherever it is needed, forward, backward, on any device, never stored.
 */
#ifndef FASTNN_DROPOUT_H
#define FASTNN_DROPOUT_H

#include "philox.h"
#include "program.h"
#include "simd.h"

enum { MASK_ROWS = 4, MASK_COLUMNS = 16 };

INLINE uint32_t keep_from(double rate) { return (uint32_t)(rate * 4294967296.0 + 0.5); }
INLINE real keep_scale(double rate) { return (real)(1 / (1 - rate)); }

/* Philox at columns column .. column + MASK_COLUMNS: philox() on vectors, a 32-bit word in the
 * lower half of each 64-bit lane; what gathers in the upper halves is never looked at. */
INLINE void mask_words(const Mask *mask, uint32_t column, uint32_t row_group,
                       uint32_t words[MASK_ROWS][MASK_COLUMNS])
{
    typedef uint64_t wide __attribute__((vector_size(VECTOR_BYTES)));
    enum { WIDE = VECTOR_BYTES / 8 };
    typedef uint32_t narrow __attribute__((vector_size(VECTOR_BYTES / 2)));
    static const uint64_t lane[8] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7};
    const wide zero = {0};
    UNROLL for (int j = 0; j < MASK_COLUMNS; j += WIDE) {
        uint32_t key_0 = (uint32_t)mask->seed, key_1 = (uint32_t)(mask->seed >> 32);
        wide word[MASK_ROWS] = {*(const wide *)lane + (uint64_t)(column + (uint32_t)j),
                                zero + row_group, zero + mask->step, zero + mask->stage};
        UNROLL for (int round = 0; round < PHILOX_ROUNDS; round++) {
            const wide product_0 = VECTOR_MULTIPLY_U32(word[0], zero + PHILOX_MULTIPLIER_0);
            const wide product_1 = VECTOR_MULTIPLY_U32(word[2], zero + PHILOX_MULTIPLIER_1);
            word[0] = (product_1 >> 32) ^ word[1] ^ (zero + key_0);
            word[1] = product_1;
            word[2] = (product_0 >> 32) ^ word[3] ^ (zero + key_1);
            word[3] = product_0;
            key_0 += PHILOX_WEYL_0;
            key_1 += PHILOX_WEYL_1;
        }
        UNROLL for (int w = 0; w < MASK_ROWS; w++)
            *(narrow *)(words[w] + j) = __builtin_convertvector(word[w], narrow);
    }
}

/* Rows first_row .. of the batch; first_row is a multiple of MASK_ROWS. x and y may be the same. */
static void dropout(const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, const void *x_,
                    void *y_)
{
    const uint32_t from = keep_from(mask->rate);
    const real scale = (real)mask->scale;
    uint32_t words[MASK_ROWS][MASK_COLUMNS] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n_rows; i += MASK_ROWS)
        for (int64_t j = 0; j < ld; j += MASK_COLUMNS) {
            mask_words(mask, (uint32_t)j, (uint32_t)((first_row + i) / MASK_ROWS), words);
            const int width = ld - j < MASK_COLUMNS ? PANEL : MASK_COLUMNS;
            for (int w = 0; w < MASK_ROWS && i + w < n_rows; w++) {
                const real *x = (const real *)x_ + (i + w) * ld + j;
                real *y = (real *)y_ + (i + w) * ld + j;
                for (int p = 0; p < width; p += PANEL)
                    KEPT INDEPENDENT for (int l = 0; l < PANEL; l++) {
                        /* loaded whatever the mask says: GCC 12 masks the wrong half of a load
                         * of doubles that 32-bit words guard */
                        const real kept = x[p + l] * scale;
                        const integer keep = -(integer)(words[w][p + l] >= from);
                        y[p + l] = of_bits(bits_of(kept) & keep);
                    }
            }
        }
}

/* The same for the stored elements of sparse rows; offsets are of these rows' elements. */
static void dropout_csr(const Mask *mask, int64_t first_row, int64_t n_rows, const int64_t *offsets,
                        const int32_t *columns, void *values_)
{
    const uint32_t from = keep_from(mask->rate);
    const real scale = (real)mask->scale;
    real *values = values_;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t e = offsets[i]; e < offsets[i + 1]; e++) {
            const uint32_t row = (uint32_t)(first_row + i);
            uint32_t word[4] = {(uint32_t)columns[e], row / MASK_ROWS, mask->step, mask->stage};
            philox(word, (uint32_t)mask->seed, (uint32_t)(mask->seed >> 32));
            values[e] = word[row % MASK_ROWS] >= from ? values[e] * scale : 0;
        }
}

/* y = factor x; x and y may be the same */
static void scaled(int64_t n, double factor_, const void *x_, void *y_)
{
    const real *x = x_, factor = (real)factor_;
    real *y = y_;
    INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = factor * x[i];
}

#endif
