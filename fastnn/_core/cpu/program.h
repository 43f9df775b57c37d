/* What a network is to the engine: one record per stage, as program.py fills it.
 *
 * The same struct is the NumPy dtype `program.STAGE`; a test compares sizes and offsets.
 * Buffers are named by how many elements of one row lie before them, so that a table does not
 * depend on the batch size: buffer b of a batch of at most m rows starts at element b * m.
 */
#ifndef FASTNN_PROGRAM_H
#define FASTNN_PROGRAM_H

#include <stdint.h>

#include "codes.h"

typedef struct {
    int32_t kind;
    int32_t code;       /* of an activation, of the OUTPUT stage's loss, or the form of dropout; of
                         * BN_* stages 1 where the statistics are settled after training; whether the
                         * columns share a slope (PRELU), those of a group a scale (ROW_NORM) */
    int64_t n_in;       /* widths */
    int64_t n_out;
    int64_t ld_in;      /* row strides of buffers and weights of these widths */
    int64_t ld_out;
    int64_t x;          /* value buffers: input and output (equal: in place) */
    int64_t y;
    int64_t dx;         /* gradient buffers, -1 where no gradient is needed */
    int64_t dy;
    int64_t other;      /* JOIN: values that skipped the block; FORK: gradient that did; ROW_NORM:
                         * mean and inverse standard deviation of each group of a row; ACTIVATION:
                         * buffer of the derivative, -1 for none */
    int64_t weight;     /* parameter arena: weight and bias, or scale and shift; -1 for none. OUTPUT:
                         * the log variance that weighs the loss, whose gradient needs no `sums` */
    int64_t bias;
    int64_t transposed; /* arena of transposed weights, -1 for none */
    int64_t statistics; /* moving mean, then moving variance */
    int64_t sums;       /* sums over a chunk of rows: where they are, and how many in one pass. For all
                         * stages but DENSE, they become the gradients of as many parameters */
    int64_t n_sums;
    int64_t vectors;    /* a thread's own vectors, of ld_out each */
    int64_t squares;    /* WEIGHT_NORM: sums of squares of the columns, for each task of rows */
    int64_t groups;     /* ROW_NORM: groups of a row; MAXOUT: pieces of a unit; OUTPUT: terms of the
                         * loss, half a log variance each; BN_*: 1 where scale and variance stay 1 */
    int64_t head;       /* OUTPUT: which of several, each with targets of its own */
    int64_t adds;       /* DENSE: whether its input gradient is added to what is there, as of all
                         * heads but the last, the first of the backward pass */
    double rate;        /* dropout; standard deviation of noise; width of RReLU's slopes */
    double momentum;    /* batch norm */
    double epsilon;
    double parameter;   /* of the activation or loss, where it has one; dropout: factor of what is
                         * kept; BN_*: 1 where the moving variance is unbiased */
    double weight_factor; /* of the learning rate of weight and bias; scale and shift have the first */
    double bias_factor;
    double loss_weight; /* OUTPUT: constant factor of the loss */
    uint64_t function;  /* of an activation that the user wrote: addresses of functions of (n, x, y);
                         * of such a loss of (n, z, target, y) */
    uint64_t derivative;
} Stage;

/* Rows of the user's data: dense (strides in elements), or CSR where indptr is not NULL. */
typedef struct {
    int32_t dtype;
    int64_t n_rows;
    int64_t n_cols;
    const void *data;
    int64_t row_stride;
    int64_t col_stride;
    const int64_t *indptr;
    const int32_t *indices;
} Rows;

/* How the rows of a batch are mixed with each other: each keeps `weight` of itself (1: all), the
 * rest comes from the row `shift` further on. Where n_runs > 0, the rest is a box: n_runs runs of
 * `run` neighbouring columns, the first from column `first`, the others `stride` columns apart. */
typedef struct {
    double weight;
    int64_t shift;
    int64_t first;
    int64_t run;
    int64_t n_runs;
    int64_t stride;
} Mixing;

/* What a dropout mask, and other noise, is drawn from, beside row and column. */
typedef struct {
    uint64_t seed;
    uint32_t step;
    uint32_t stage;
    double rate;
    double scale;       /* dropout: factor of what is kept */
} Mask;

#endif
