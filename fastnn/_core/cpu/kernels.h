/* The kernels of one instruction set and one type as a table, and the choice of a table.
 *
 * One list is the home of every kernel's signature: the table, the tables' initialisers and the
 * wrappers all follow it. Each kernel is described where it is defined. */
#ifndef FASTNN_KERNELS_H
#define FASTNN_KERNELS_H

#include "program.h"

/* Products of numbers, and of pairs of bfloat16. */
#define EACH_PRODUCT(F)                                                                         \
    F(matmul, (int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a, int64_t lda,         \
               const int64_t *order, const void *b, int64_t ldb, const void *bias, void *c,     \
               int64_t ldc, int accumulate))                                                    \
    F(matmul_transposed, (int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a,           \
                          int64_t lda, const int64_t *order, const void *b, int64_t ldb,        \
                          void *c, int64_t ldc, int accumulate))

#define EACH_KERNEL(F)                                                                          \
    EACH_PRODUCT(F)                                                                             \
    F(transpose, (int64_t first, int64_t last, int64_t n_cols, const void *w, int64_t ldw,      \
                  void *t, int64_t ldt))                                                        \
    F(activation, (int code, double parameter, int64_t n, const void *x, void *y))              \
    F(activation_with_derivative, (int code, int64_t n, const void *x, void *y, void *d))       \
    F(activation_gradient, (int code, double parameter, int64_t n, const void *y,               \
                            const void *d, void *gradient))                                     \
    F(dropout, (const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, const void *x, \
                void *y))                                                                       \
    F(dropout_csr, (const Mask *mask, int64_t first_row, int64_t n_rows,                        \
                    const int64_t *offsets, const int32_t *columns, void *values))              \
    F(residual, (const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld,               \
                 const void *skip, const void *branch, void *y))                                \
    F(scaled, (int64_t n, double factor, const void *x, void *y))                               \
    F(rrelu, (const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, double middle,   \
              const void *x, void *y))                                                          \
    F(rrelu_gradient, (const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld,         \
                       double middle, const void *y, void *gradient))                           \
    F(normal_noise, (const Mask *mask, int64_t first_row, int64_t n_rows, int64_t n, int64_t ld, \
                     const void *x, void *y))                                                   \
    F(batchnorm_partial, (int64_t n_rows, int64_t ld, const void *x, void *partial))            \
    F(batchnorm_merge, (int64_t n_rows, int64_t ld, const void *partials, void *mean,           \
                        void *variance))                                                        \
    F(batchnorm_inverse_std, (int64_t ld, double epsilon, const void *variance, void *inverse)) \
    F(batchnorm, (int64_t n_rows, int64_t ld, const void *x, const void *mean,                  \
                  const void *inverse_std, const void *scale, const void *shift, void *y))      \
    F(batchnorm_gradient_partial, (int64_t n_rows, int64_t ld, const void *x, const void *mean, \
                                   const void *inverse_std, const void *dy, void *partial))     \
    F(batchnorm_gradient_merge, (int64_t n_rows, int64_t ld, const void *partials,              \
                                 void *d_shift, void *d_scale))                                 \
    F(batchnorm_gradient, (int64_t n_rows, int64_t batch_rows, int64_t ld, const void *x,       \
                           const void *mean, const void *inverse_std, const void *scale,        \
                           const void *d_shift, const void *d_scale, int constant_statistics,   \
                           void *dy))                                                           \
    F(batchnorm_moving, (int64_t n_rows, int64_t ld, double momentum, double correction,        \
                         const void *mean, const void *variance, void *moving_mean,             \
                         void *moving_variance))                                                \
    F(column_sums, (int64_t n_rows, int64_t n, const void *partials, void *sums,                \
                    int accumulate))                                                            \
    F(rownorm, (int64_t n_rows, int64_t n, int64_t ld, int64_t groups, double epsilon,          \
                const void *x, const void *scale, const void *shift, int per_group, void *y,    \
                void *statistics))                                                              \
    F(rownorm_gradient, (int64_t n_rows, int64_t n, int64_t ld, int64_t groups, const void *x,  \
                         const void *statistics, const void *scale, int per_group, void *dy,    \
                         void *partial, int64_t n_vector))                                      \
    F(prelu, (int64_t n_rows, int64_t ld, const void *x, const void *slope, int shared,         \
              void *y))                                                                         \
    F(prelu_gradient, (int64_t n_rows, int64_t ld, const void *x, const void *slope,            \
                       int shared, void *dy, void *partial))                                    \
    F(maxout, (int64_t n_rows, int64_t k, int64_t n, int64_t ldx, int64_t ldy, const void *x,   \
               void *y))                                                                        \
    F(maxout_gradient, (int64_t n_rows, int64_t k, int64_t n, int64_t ldx, int64_t ldy,         \
                        const void *x, const void *y, void *dy, void *dx))                      \
    F(weightnorm_merge, (int64_t n_tasks, int64_t ld, const void *squares, const void *g,       \
                         void *inverse, void *scale))                                           \
    F(weightnorm, (int64_t n_rows, int64_t ld, const void *x, const void *scale,                \
                   const void *bias, void *y))                                                  \
    F(weightnorm_gradient, (int64_t n_rows, int64_t ld, const void *x, const void *scale,       \
                            void *dy, void *partial))                                           \
    F(weightnorm_vectors, (int64_t ld, const void *d_scale, const void *inverse, void *dg,      \
                           int accumulate))                                                     \
    F(weightnorm_correct, (int64_t n_rows, int64_t ld, const void *d_scale, const void *scale,  \
                           const void *inverse, const void *v, void *dv))                       \
    F(loss, (int code, double parameter, double smoothing, int64_t n_rows, int64_t n,           \
             int64_t ld, void *z, const void *targets, int64_t target_stride,                   \
             const int64_t *order, int64_t first_row, const void *weights, double scale,        \
             void *delta, void *row_loss))                   \
    F(loss_of_user, (uint64_t value, uint64_t derivative, int64_t n_rows, int64_t n, int64_t ld, \
                     const void *z, const void *targets, int64_t target_stride,                 \
                     const int64_t *order, int64_t first_row, const void *weights,              \
                     double scale, void *delta, void *row_loss))                                \
    F(output, (int loss, double parameter, int64_t n_rows, int64_t n, int64_t ld, void *z))     \
    F(head_weight, (double weight, double terms, const void *log_variance, double *numbers))    \
    F(log_variance_gradient, (double weight, double terms, double part, double factor,          \
                              double loss, void *d_log_variance, int accumulate))               \
    F(optimize, (int code, int64_t n, const double *coefficients, double factor, double l2,     \
                 double decay, void *w, void *g, void *slots, int64_t slot_stride,              \
                 void *penalty))                                                                \
    F(soft_threshold, (int code, int64_t n, const double *coefficients, double threshold,       \
                       void *w, void *slots, int64_t slot_stride))                              \
    F(finish_gradient, (int64_t n, double l2, double l1, double limit, const void *w, void *g,  \
                        void *squares, void *magnitudes))                                       \
    F(gradient_squares, (int64_t n, double l2, double l1, const void *w, const void *g,         \
                         void *sums))                                                           \
    F(sum_squares, (int64_t n, const void *x, void *sums))                                      \
    F(multiply, (int64_t n, double factor, void *x))                                            \
    F(add_scaled, (int64_t n, double factor, const void *x, void *y))                           \
    F(look_ahead, (int64_t n, double momentum, const void *w, const void *velocity,             \
                   void *ahead))                                                                \
    F(column_squares, (int64_t n_rows, int64_t ld, const void *w, void *sums))                  \
    F(column_scales, (int64_t n_parts, int64_t ld, const void *parts, double most,              \
                      void *scales))                                                            \
    F(scale_columns, (int64_t n_rows, int64_t ld, const void *scales, void *w))                 \
    F(average, (int64_t n, double weight, const void *w, void *average))                        \
    F(gather, (const Rows *rows, const int64_t *order, int64_t first_row, int64_t n_rows,       \
               int64_t ld, void *x))                                                            \
    F(mix_rows, (const Rows *rows, const int64_t *order, int64_t start, int64_t batch_rows,     \
                 int64_t first_row, int64_t n_rows, int64_t ld, const Mixing *mixing, void *x)) \
    F(mix_losses, (int64_t n_rows, int64_t ld, double mix_weight, const void *weights,          \
                   const int64_t *order, int64_t first_row, const void *other_delta,            \
                   const void *other_loss, void *delta, void *row_loss))                        \
    F(gather_csr, (const Rows *rows, const int64_t *order, int64_t first_row, int64_t n_rows,   \
                   const int64_t *offsets, int32_t *columns, void *values, int *in_range))      \
    F(csr_matmul, (int64_t n_rows, int64_t ld, const int64_t *offsets, const int32_t *columns,  \
                   const void *values, const void *w, const void *bias, void *z))               \
    F(csr_columns, (int64_t n_rows, int64_t first, int64_t last, const int64_t *offsets,        \
                    const int32_t *columns, const void *values, int64_t *starts, int64_t *ends, \
                    int32_t *entry_rows, void *entry_values))                                   \
    F(csr_weight_gradient, (int64_t first, int64_t last, int64_t ld, const int64_t *starts,     \
                            const int64_t *ends, const int32_t *entry_rows,                     \
                            const void *entry_values, const void *dz, void *dw, int accumulate)) \
    F(all_finite, (int64_t n, const void *values, int *finite))                                 \
    F(weighted_sum, (int64_t n, const void *values, const void *weights, const int64_t *order,  \
                     int64_t first_row, double *sum))                                           \
    F(fma_chain, (int64_t n, int64_t *n_operations))

/* The kernels of bfloat16.h, beside those of float32. */
#define EACH_BFLOAT16_KERNEL(F)                                                                 \
    EACH_PRODUCT(F)                                                                             \
    F(matmul_converting, (int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a,           \
                          int64_t a_row, const void *w, int64_t ldw, const void *bias, void *c, \
                          int64_t ldc))                                                         \
    F(convert, (int64_t n_rows, int64_t n, const void *x, int64_t ld, const int64_t *order,     \
                void *rows, int64_t ld_rows, void *pairs, int64_t ld_pairs))                    \
    F(transpose_pairs, (int64_t first, int64_t last, int64_t n_cols, const void *w,             \
                        int64_t ldw, void *t, int64_t ldt))                                     \
    F(dot_chain, (int64_t n, int64_t *n_operations))

typedef struct {
#define MEMBER(name, arguments) void(*name) arguments;
    EACH_KERNEL(MEMBER)
#undef MEMBER
} Kernels;

typedef struct {
#define MEMBER(name, arguments) void(*name) arguments;
    EACH_BFLOAT16_KERNEL(MEMBER)
#undef MEMBER
} Bfloat16Kernels;

/* Instruction sets, slowest first. The last is AVX-512 but for bfloat16, which others emulate. */
enum { ISA_BASELINE, ISA_AVX2, ISA_AVX512, ISA_AVX512_BF16, N_ISAS };
extern const char *const fastnn_isa_names[N_ISAS];

/* NULL where this build or this processor lacks the set. */
const Kernels *fastnn_kernels(int isa, int is_double);
const Bfloat16Kernels *fastnn_bfloat16_kernels(int isa);
int fastnn_isa_compiled(int isa);

#endif
