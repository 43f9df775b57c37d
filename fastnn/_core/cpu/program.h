/* What a network is to the engine: one record per stage, as program.py fills it.
 *
 * The same struct is the NumPy dtype `program.STAGE`; a test compares sizes and offsets.
 * Buffers are named by how many elements of one row lie before them, so that a table does not
 * depend on the batch size: buffer b of a batch of at most m rows starts at element b * m.
 */
#ifndef FASTNN_PROGRAM_H
#define FASTNN_PROGRAM_H

#include <stdint.h>

enum { STAGE_DENSE, STAGE_BN_STATISTICS, STAGE_BN_APPLY, STAGE_ACTIVATION, STAGE_DROPOUT,
       STAGE_OUTPUT, STAGE_FORK, STAGE_JOIN, STAGE_NOISE, STAGE_ROW_NORM, STAGE_PRELU,
       STAGE_MAXOUT, STAGE_WEIGHT_NORM };
enum { ACT_IDENTITY, ACT_LOGISTIC, ACT_TANH, ACT_RELU, ACT_SOFTMAX, ACT_EXP, ACT_HARDTANH,
       ACT_LEAKY_RELU, ACT_ELU, ACT_SELU, ACT_GELU, ACT_GELU_TANH, ACT_SILU, ACT_MISH, ACT_SOFTPLUS,
       ACT_SOFTSIGN, ACT_RRELU, ACT_THRESHOLD };
enum { LOSS_SQUARED_ERROR, LOSS_LOG, LOSS_BINARY_LOG, LOSS_POISSON, LOSS_ABSOLUTE_ERROR, LOSS_HUBER,
       LOSS_MINKOWSKI, LOSS_QUANTILE, LOSS_HINGE, LOSS_SQUARED_HINGE, LOSS_PERCEPTRON,
       LOSS_WESTON_WATKINS, LOSS_CRAMMER_SINGER, LOSS_SOFT_LOG };
enum { OPT_SGD, OPT_MOMENTUM, OPT_NESTEROV, OPT_ADAM, OPT_AVERAGED, OPT_ADAGRAD, OPT_ADADELTA,
       OPT_RMSPROP, OPT_RMSPROP_MOMENTUM, OPT_RMSPROP_CENTERED, OPT_RPROP, OPT_MOMENTS,
       OPT_AMSGRAD, OPT_LOOK_AHEAD, OPT_LAMB };
/* Whether what dropout keeps is made larger in training, or smaller in prediction. */
enum { DROPOUT_INVERTED, DROPOUT_ORIGINAL };
enum { ROWS_FLOAT32, ROWS_FLOAT64, ROWS_UINT8 };

/* Rows of a batch are handed to threads, and batch norm sums them, by chunks of this many; the rows
 * of a weight are handed out by tasks of TASK_ROWS. Neither depends on threads or instruction
 * set, nor do the sums. Both are multiples of every tile. */
enum { ROW_CHUNK = 8, TASK_ROWS = 24 };

/* Columns of the table that has a row for each step. The first are the optimizer's: those that all
 * share, then its own. The decay is the part of a weight that is taken away at the step, whatever
 * the gradient. Behind the optimizer's lies what else may change from step to step: a factor of
 * all dropout rates, the fields of Mixing, those of regularization.py, the smoothing of labels, the
 * weight that the new parameters get in their average, 0 for none, and 1 where the norm of the
 * gradient is to be told. */
enum { COEF_LEARNING_RATE, COEF_L2, COEF_DECAY, COEF_OWN, COEF_END_OF_OPTIMIZER = 10,
       COEF_DROPOUT = 10, COEF_MIX_WEIGHT, COEF_MIX_SHIFT, COEF_MIX_FIRST, COEF_MIX_RUN,
       COEF_MIX_N_RUNS, COEF_MIX_STRIDE, COEF_L1, COEF_BIAS_PENALTY, COEF_CLIP_VALUE,
       COEF_CLIP_NORM, COEF_MAX_NORM, COEF_WEIGHT_NOISE, COEF_SMOOTHING, COEF_AVERAGE,
       COEF_GRAD_NORM,
       N_COEFS = 32 };

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
    int64_t weight;     /* parameter arena: weight and bias, or scale and shift; -1 for none */
    int64_t bias;
    int64_t transposed; /* arena of transposed weights, -1 for none */
    int64_t statistics; /* moving mean, then moving variance */
    int64_t sums;       /* sums over a chunk of rows: where they are, and how many in one pass. For all
                         * stages but DENSE, they become the gradients of as many parameters */
    int64_t n_sums;
    int64_t vectors;    /* a thread's own vectors, of ld_out each */
    int64_t squares;    /* WEIGHT_NORM: sums of squares of the columns, for each task of rows */
    int64_t groups;     /* ROW_NORM: groups of a row; MAXOUT: pieces of a unit */
    int64_t head;       /* OUTPUT: which of several, each with targets of its own */
    int64_t adds;       /* DENSE: whether its input gradient is added to what is there, as of all
                         * heads but the last, the first of the backward pass */
    double rate;        /* dropout; standard deviation of noise; width of RReLU's slopes */
    double momentum;    /* batch norm */
    double epsilon;
    double parameter;   /* of the activation or loss, where it has one; dropout: factor of what is
                         * kept */
    double weight_factor; /* of the learning rate of weight and bias; scale and shift have the first */
    double bias_factor;
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
