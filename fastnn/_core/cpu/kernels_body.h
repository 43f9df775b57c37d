/* Every kernel for one instruction set and one type; included last by kernels_*.c, which say which. */
#include "average.h"
#include "batchnorm.h"
#include "dense.h"
#include "dropout.h"
#include "gradients.h"
#include "headweights.h"
#include "kernels.h"
#include "losses.h"
#include "maxout.h"
#include "mix.h"
#include "normal.h"
#include "optimizers.h"
#include "prelu.h"
#include "residual.h"
#include "rownorm.h"
#include "rows.h"
#include "rrelu.h"
#include "transpose.h"
#include "weightnorm.h"

/* Sum of values[i] * weights[order[i]] (first_row + i where order is NULL); NULL stands for ones. */
static void weighted_sum(int64_t n, const void *values_, const void *weights_, const int64_t *order,
                         int64_t first_row, double *sum)
{
    const real *values = values_, *weights = weights_;
    enum { WAYS = 8 }; /* independent sums: a chain of additions is slow */
    double sums[WAYS] = {0};
    for (int64_t i = 0; i < n; i++) {
        const double value = values ? (double)values[i] : 1;
        sums[i % WAYS] += weights ? value * (double)weights[order ? order[i] : first_row + i] : value;
    }
    for (int way = 1; way < WAYS; way++) sums[0] += sums[way];
    *sum = sums[0];
}

/* n rounds of independent fused multiply-adds: the most arithmetic that one core can do. */
static void fma_chain(int64_t n, int64_t *n_operations)
{
    enum { CHAINS = 12 };
    vector sums[CHAINS];
    const vector factor = broadcast(REAL(.5f, .5));
    UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = broadcast((real)i);
    for (int64_t k = 0; k < n; k++)
        UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = VECTOR_FMA(sums[i], factor, factor);
    UNROLL for (int i = 1; i < CHAINS; i++) sums[0] += sums[i];
    *n_operations = sums[0][0] > 0 ? 2 * n * CHAINS * LANES : 0; /* the sums are used: not removed */
}

#define ADDRESS(name, arguments) .name = name,
const Kernels KERNELS = {EACH_KERNEL(ADDRESS)};

#if defined(__clang__) && defined(TARGET_PUSHED)
#pragma clang attribute pop
#endif
