/* Losses of a row as functions of the pre-activation z of the output layer, each with its output
 * activation.
 *
 * A loss of single outputs has one line in the table below: its value in terms of z, its derivative
 * with respect to z in terms of the output. Where the two are canonical pairs, that is output minus
 * target (McCullagh & Nelder, "Generalized Linear Models", section 2.2). A loss that compares the
 * outputs of a row has a function. Values come from z, not from rounded probabilities, so none can
 * be log(0). NaN passes to the value: comparisons are written such that it is what remains.
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

/* z -> output activation, in place; the perceptron's parameter tells whether it has a threshold */
static void output(int loss, double parameter, int64_t n_rows, int64_t n, int64_t ld, void *z_)
{
    real *z = z_, unused[LOSS_ROWS];
    switch (loss) {
    case LOSS_LOG:
    case LOSS_SOFT_LOG:
        for (int64_t i = 0; i < n_rows; i += LOSS_ROWS)
            softmax(n_rows - i < LOSS_ROWS ? n_rows - i : LOSS_ROWS, n, ld, z + i * ld, unused);
        break;
    case LOSS_BINARY_LOG:
        activation(ACT_LOGISTIC, 0, n_rows * ld, z, z);
        break;
    case LOSS_POISSON:
        for (int64_t i = 0; i < n_rows * ld; i++) z[i] = exponential(z[i]);
        break;
    case LOSS_PERCEPTRON:
        if (parameter != 0)
            for (int64_t i = 0; i < n_rows * ld; i++) z[i] = z[i] > 0 ? 1 : 0;
        break;
    }
}

/* 1, -1, or 0 at 0 */
INLINE real sign(real x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
INLINE real magnitude(real x) { return x < 0 ? -x : x; }
INLINE real positive_part(real x) { return x < 0 ? 0 : x; }
/* 1 for the target 1, -1 for the target 0 */
INLINE real side(real y) { return 2 * y - 1; }

/* size^p, where size is not negative; 0 where it is denormal */
INLINE real power(real size, real p)
{
    const real positive = size < SMALLEST ? 1 : size;
    const real result = exponential(p * logarithm(positive));
    return size < SMALLEST ? 0 : result;
}

INLINE real squared_error_loss(real e) { return REAL(.5f, .5) * e * e; }

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

/* e^2 / 2, or a (|e| - a / 2) where |e| > a */
INLINE real huber_loss(real e, real a)
{
    const real bounded = within(a, e);
    return bounded * (e - REAL(.5f, .5) * bounded);
}

INLINE real minkowski_loss(real e, real p) { return power(magnitude(e), p) / p; }
INLINE real minkowski_derivative(real e, real p)
{
    return e > 0 || e < 0 ? copy_sign(power(magnitude(e), p - 1), e) : 0;
}

/* e is how much too high the output is */
INLINE real quantile_loss(real e, real q) { return e > 0 ? (1 - q) * e : -q * e; }
INLINE real quantile_derivative(real e, real q) { return e > 0 ? 1 - q : e < 0 ? -q : 0; }

INLINE real hinge_loss(real z, real y) { return positive_part(1 - side(y) * z); }
INLINE real hinge_derivative(real z, real y) { return 1 - side(y) * z > 0 ? -side(y) : 0; }

INLINE real squared_hinge_loss(real z, real y) { return hinge_loss(z, y) * hinge_loss(z, y); }
INLINE real squared_hinge_derivative(real z, real y) { return -2 * side(y) * hinge_loss(z, y); }

INLINE real perceptron_loss(real z, real y) { return positive_part(-side(y) * z); }
/* at 0 as if it were below: then the rule is Rosenblatt's, threshold minus target */
INLINE real perceptron_derivative(real z, real y) { return (z > 0 ? 1 : 0) - y; }

/* y is the target, a the loss's parameter. Values are of the pre-activation z, derivatives of the
 * output z. */
#define EACH_LOSS(F)                                                                      \
    F(LOSS_SQUARED_ERROR, squared_error_loss(z - y), z - y)                               \
    F(LOSS_BINARY_LOG, binary_log_loss(z, keep * y + rest), z - (keep * y + rest))        \
    F(LOSS_POISSON, poisson_loss(z, y), z - y)                                            \
    F(LOSS_ABSOLUTE_ERROR, magnitude(z - y), sign(z - y))                                 \
    F(LOSS_HUBER, huber_loss(z - y, a), within(a, z - y))                                 \
    F(LOSS_MINKOWSKI, minkowski_loss(z - y, a), minkowski_derivative(z - y, a))           \
    F(LOSS_QUANTILE, quantile_loss(z - y, a), quantile_derivative(z - y, a))              \
    F(LOSS_HINGE, hinge_loss(z, y), hinge_derivative(z, y))                               \
    F(LOSS_SQUARED_HINGE, squared_hinge_loss(z, y), squared_hinge_derivative(z, y))       \
    F(LOSS_PERCEPTRON, perceptron_loss(z, y), perceptron_derivative(z, y))                \
    F(LOSS_LINEAR, z * y, y)

/* Arguments of the functions below, for at most LOSS_ROWS rows. z becomes the activation. row[i] is
 * where the targets of row i begin, factor[i] what its gradient is multiplied by. Of cross-
 * entropies the target is (1 - smoothing) of what is given, and the rest spread over all classes. */
typedef struct {
    int64_t n_rows, n, ld;
    real *restrict z;
    const int64_t *restrict row;
    const real *restrict factor;
    real *restrict delta, *restrict row_loss;
    double smoothing;
} LossBlock;

/* Softmax cross-entropy of one class a row: log(sum(exp(z))) - z[class]. */
static void log_loss(const LossBlock *b, const int32_t *codes)
{
    const int64_t n_rows = b->n_rows, n = b->n, ld = b->ld;
    const real rest = (real)(b->smoothing / (double)n), keep = (real)(1 - b->smoothing);
    real *z = b->z, *delta = b->delta, *row_loss = b->row_loss, chosen[LOSS_ROWS];
    for (int64_t i = 0; i < n_rows; i++) chosen[i] = z[i * ld + codes[b->row[i]]];
    if (rest != 0) {
        real sum[LOSS_ROWS] = {0};
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < n_rows; i++) sum[i] += z[i * ld + j];
        for (int64_t i = 0; i < n_rows; i++) chosen[i] = keep * chosen[i] + rest * sum[i];
    }
    softmax(n_rows, n, ld, z, row_loss);
    for (int64_t i = 0; i < n_rows; i++) row_loss[i] -= chosen[i];
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t target = i * ld + codes[b->row[i]];
        for (int64_t j = i * ld; j < (i + 1) * ld; j++) delta[j] = z[j] * b->factor[i];
        if (rest != 0)
            for (int64_t j = 0; j < n; j++) delta[i * ld + j] = (z[i * ld + j] - rest) * b->factor[i];
        delta[target] = (z[target] - (keep + rest)) * b->factor[i];
    }
}

/* The same where the target is a row of probabilities: log(sum(exp(z))) - sum(y z). */
static void soft_log_loss(const LossBlock *b, const real *y)
{
    const int64_t n_rows = b->n_rows, n = b->n, ld = b->ld;
    const real rest = (real)(b->smoothing / (double)n), keep = (real)(1 - b->smoothing);
    real *z = b->z, *delta = b->delta, *row_loss = b->row_loss, sum[LOSS_ROWS] = {0};
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n_rows; i++)
            sum[i] += (keep * y[b->row[i] + j] + rest) * z[i * ld + j];
    softmax(n_rows, n, ld, z, row_loss);
    for (int64_t i = 0; i < n_rows; i++) row_loss[i] -= sum[i];
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) {
            const real target = keep * y[b->row[i] + j] + rest;
            delta[i * ld + j] = (z[i * ld + j] - target) * b->factor[i];
        }
}

/* Every other class that comes closer than 1 to the right one, or above it, counts by how much. */
static void weston_watkins(const LossBlock *b, const int32_t *codes)
{
    const int64_t n_rows = b->n_rows, n = b->n, ld = b->ld;
    const real *z = b->z;
    real *delta = b->delta, chosen[LOSS_ROWS], n_near[LOSS_ROWS] = {0};
    int64_t right[LOSS_ROWS];
    for (int64_t i = 0; i < n_rows; i++) {
        right[i] = codes[b->row[i]];
        chosen[i] = z[i * ld + right[i]];
        b->row_loss[i] = 0;
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n_rows; i++) {
            const real above = positive_part(1 + z[i * ld + j] - chosen[i]);
            const real counted = j == right[i] ? 0 : above;
            b->row_loss[i] += counted;
            n_near[i] += counted > 0 ? 1 : 0;
            delta[i * ld + j] = counted > 0 ? b->factor[i] : 0;
        }
    for (int64_t i = 0; i < n_rows; i++) delta[i * ld + right[i]] = -n_near[i] * b->factor[i];
}

/* Only the highest of the other classes counts; of equals the first. */
static void crammer_singer(const LossBlock *b, const int32_t *codes)
{
    const int64_t n_rows = b->n_rows, n = b->n, ld = b->ld;
    const real *z = b->z;
    real *delta = b->delta, most[LOSS_ROWS];
    int64_t right[LOSS_ROWS], rival[LOSS_ROWS];
    for (int64_t i = 0; i < n_rows; i++) {
        right[i] = rival[i] = codes[b->row[i]];
        most[i] = -INFINITY;
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n_rows; i++) {
            const real other = z[i * ld + j];
            /* a NaN is higher than all */
            const int stays = (j == right[i]) | (most[i] != most[i]) | (other <= most[i]);
            most[i] = stays ? most[i] : other;
            rival[i] = stays ? rival[i] : j;
            delta[i * ld + j] = 0;
        }
    for (int64_t i = 0; i < n_rows; i++) {
        const real above = positive_part(1 + most[i] - z[i * ld + right[i]]);
        const real slope = above > 0 ? b->factor[i] : 0;
        b->row_loss[i] = above;
        delta[i * ld + rival[i]] = slope;
        delta[i * ld + right[i]] = -slope;
    }
}

/* Sums over the outputs of a row. `packed`: of the one output there is, the rows lie side by side, as
 * their targets do. */
INLINE void elementwise(const int packed, int code, double parameter, const LossBlock *b,
                        const real *targets)
{
    const int64_t n_rows = b->n_rows, n = packed ? 1 : b->n, ld = packed ? 1 : b->ld;
    const real a = (real)parameter;
    const real keep = (real)(1 - b->smoothing), rest = (real)(b->smoothing / 2);
    real *restrict row_loss = b->row_loss, *restrict delta = b->delta;
    const int64_t *row = b->row;
    memset(row_loss, 0, (size_t)n_rows * sizeof(real));
    switch (code) {
#define VALUES(code, value, derivative)                                  \
    case code:                                                           \
        for (int64_t j = 0; j < n; j++)                                  \
            for (int64_t i = 0; i < n_rows; i++) {                       \
                const real z = b->z[i * ld + j];                         \
                const real y = targets[packed ? i : row[i] + j];         \
                row_loss[i] += value;                                    \
            }                                                            \
        break;
    EACH_LOSS(VALUES)
    }
    output(code, 0, n_rows, n, ld, b->z);
    switch (code) {
#define DERIVATIVES(code, value, derivative)                             \
    case code:                                                           \
        for (int64_t i = 0; i < n_rows; i++)                             \
            for (int64_t j = 0; j < n; j++) {                            \
                const real z = b->z[i * ld + j];                         \
                const real y = targets[packed ? i : row[i] + j];         \
                (void)z; /* one derivative is the target */              \
                delta[i * ld + j] = (derivative) * b->factor[i];         \
            }                                                            \
        break;
    EACH_LOSS(DERIVATIVES)
    }
}

static void elementwise_loss(int code, double parameter, const LossBlock *b, const real *targets)
{
    elementwise(0, code, parameter, b, targets);
}

/* The same of a single output: a vector holds it of several rows, rather than one and padding. */
static void single_loss(int code, double parameter, const LossBlock *b, const real *targets)
{
    real z[LOSS_ROWS] = {0}, y[LOSS_ROWS] = {0}, factor[LOSS_ROWS] = {0};
    real delta[LOSS_ROWS], row_loss[LOSS_ROWS];
    const int64_t n_rows = b->n_rows, ld = b->ld, whole = (n_rows + PANEL - 1) / PANEL * PANEL;
    for (int64_t i = 0; i < n_rows; i++) {
        z[i] = b->z[i * ld];
        y[i] = targets[b->row[i]];
        factor[i] = b->factor[i];
    }
    const LossBlock packed = {whole, 1, 1, z, NULL, factor, delta, row_loss, b->smoothing};
    elementwise(1, code, parameter, &packed, y);
    memcpy(b->row_loss, row_loss, (size_t)n_rows * sizeof(real));
    for (int64_t i = 0; i < n_rows; i++) {
        b->z[i * ld] = z[i];
        b->delta[i * ld] = delta[i];
    }
}

/* z becomes the activation; delta, the gradient with respect to z, and row_loss are filled. Row i of
 * the batch has target and weight row order[i] (first_row + i where order is NULL) of targets and
 * weights (NULL for ones); scale is 1 / the sum of the batch's weights. Targets are int32 class
 * codes, one a row, for the losses that compare classes, else n reals a row; those of the next row
 * begin target_stride numbers further on. */
static void loss(int code, double parameter, double smoothing, int64_t n_rows, int64_t n, int64_t ld,
                 void *z, const void *targets, int64_t target_stride, const int64_t *order,
                 int64_t first_row, const void *weights_, double scale, void *delta, void *row_loss)
{
    const real *weights = weights_;
    int64_t row[LOSS_ROWS];
    real factor[LOSS_ROWS];
    for (int64_t begin = 0; begin < n_rows; begin += LOSS_ROWS) {
        const int64_t rows = n_rows - begin < LOSS_ROWS ? n_rows - begin : LOSS_ROWS;
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = order ? order[begin + i] : first_row + begin + i;
            row[i] = at * target_stride;
            factor[i] = weights ? weights[at] * (real)scale : (real)scale;
        }
        const LossBlock block = {rows, n, ld, (real *)z + begin * ld, row, factor,
                                 (real *)delta + begin * ld, (real *)row_loss + begin, smoothing};
        switch (code) {
        case LOSS_LOG: log_loss(&block, targets); break;
        case LOSS_SOFT_LOG: soft_log_loss(&block, targets); break;
        case LOSS_WESTON_WATKINS: weston_watkins(&block, targets); break;
        case LOSS_CRAMMER_SINGER: crammer_singer(&block, targets); break;
        default: (n == 1 ? single_loss : elementwise_loss)(code, parameter, &block, targets);
        }
        for (int64_t i = 0; i < rows && code != LOSS_LOG; i++)  /* padding is 0 */
            for (int64_t j = n; j < ld; j++) block.delta[i * ld + j] = 0;
    }
}

/* y[j] is a function of the output z[j] and the target t[j], j = 0 .. n - 1. */
typedef void (*FunctionOfUser)(int64_t n, const void *z, const void *t, void *y);

/* The same for a loss that the user wrote, of the addresses of its value and derivative. Its targets
 * are n reals a row, target_stride apart, and it leaves z and the padding of delta as they are. */
static void loss_of_user(uint64_t value, uint64_t derivative, int64_t n_rows, int64_t n, int64_t ld,
                         const void *z_, const void *targets_, int64_t target_stride,
                         const int64_t *order, int64_t first_row, const void *weights_,
                         double scale, void *delta_, void *row_loss_)
{
    const FunctionOfUser find_value = (FunctionOfUser)(uintptr_t)value;
    const FunctionOfUser find_derivative = (FunctionOfUser)(uintptr_t)derivative;
    const real *targets = targets_, *weights = weights_;
    real *row_loss = row_loss_;
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t row = order ? order[i] : first_row + i;
        const real factor = weights ? weights[row] * (real)scale : (real)scale;
        const real *z = (const real *)z_ + i * ld, *target = targets + row * target_stride;
        real *delta = (real *)delta_ + i * ld, sum = 0;
        find_value(n, z, target, delta);
        for (int64_t j = 0; j < n; j++) sum += delta[j];
        row_loss[i] = sum;
        find_derivative(n, z, target, delta);
        for (int64_t j = 0; j < n; j++) delta[j] *= factor;
    }
}

#endif
