"""C declarations: codes, the records of program.h and the kernel table of kernels.h."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

include "codes.pxi"   # which setup.py makes of codes.py

cdef extern from "program.h" nogil:
    ctypedef struct Stage:
        int32_t kind, code
        int64_t n_in, n_out, ld_in, ld_out, x, y, dx, dy, other, weight, bias
        int64_t transposed, statistics, sums, n_sums, vectors, squares, groups, head, adds
        double rate, momentum, epsilon, parameter, weight_factor, bias_factor, loss_weight
        uint64_t function, derivative

    ctypedef struct Rows:
        int32_t dtype
        int64_t n_rows, n_cols
        const void *data
        int64_t row_stride, col_stride
        const int64_t *indptr
        const int32_t *indices

    ctypedef struct Mixing:
        double weight
        int64_t shift, first, run, n_runs, stride

    ctypedef struct Mask:
        uint64_t seed
        uint32_t step, stage
        double rate, scale

# Products of numbers, and of pairs of bfloat16.
ctypedef void (*Matmul)(
    int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a, int64_t lda,
    const int64_t *order, const void *b, int64_t ldb, const void *bias, void *c,
    int64_t ldc, int accumulate) noexcept nogil
ctypedef void (*MatmulTransposed)(
    int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a, int64_t lda,
    const int64_t *order, const void *b, int64_t ldb, void *c, int64_t ldc,
    int accumulate) noexcept nogil

cdef extern from "kernels.h" nogil:
    ctypedef struct Kernels:
        Matmul matmul
        MatmulTransposed matmul_transposed
        void (*transpose)(
            int64_t first, int64_t last, int64_t n_cols, const void *w, int64_t ldw, void *t,
            int64_t ldt) noexcept nogil
        void (*activation)(
            int code, double parameter, int64_t n, const void *x, void *y) noexcept nogil
        void (*activation_with_derivative)(
            int code, int64_t n, const void *x, void *y, void *d) noexcept nogil
        void (*activation_gradient)(
            int code, double parameter, int64_t n, const void *y, const void *d,
            void *gradient) noexcept nogil
        void (*dropout)(
            const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, const void *x,
            void *y) noexcept nogil
        void (*dropout_csr)(
            const Mask *mask, int64_t first_row, int64_t n_rows, const int64_t *offsets,
            const int32_t *columns, void *values) noexcept nogil
        void (*residual)(
            const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, const void *skip,
            const void *branch, void *y) noexcept nogil
        void (*scaled)(int64_t n, double factor, const void *x, void *y) noexcept nogil
        void (*rrelu)(
            const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, double middle,
            const void *x, void *y) noexcept nogil
        void (*rrelu_gradient)(
            const Mask *mask, int64_t first_row, int64_t n_rows, int64_t ld, double middle,
            const void *y, void *gradient) noexcept nogil
        void (*normal_noise)(
            const Mask *mask, int64_t first_row, int64_t n_rows, int64_t n, int64_t ld,
            const void *x, void *y) noexcept nogil
        void (*batchnorm_partial)(
            int64_t n_rows, int64_t ld, const void *x, void *partial) noexcept nogil
        void (*batchnorm_merge)(
            int64_t n_rows, int64_t ld, const void *partials, void *mean,
            void *variance) noexcept nogil
        void (*batchnorm_inverse_std)(
            int64_t ld, double epsilon, const void *variance, void *inverse) noexcept nogil
        void (*batchnorm)(
            int64_t n_rows, int64_t ld, const void *x, const void *mean, const void *inverse_std,
            const void *scale, const void *shift, void *y) noexcept nogil
        void (*batchnorm_gradient_partial)(
            int64_t n_rows, int64_t ld, const void *x, const void *mean, const void *inverse_std,
            const void *dy, void *partial) noexcept nogil
        void (*batchnorm_gradient_merge)(
            int64_t n_rows, int64_t ld, const void *partials, void *d_shift,
            void *d_scale) noexcept nogil
        void (*batchnorm_gradient)(
            int64_t n_rows, int64_t batch_rows, int64_t ld, const void *x, const void *mean,
            const void *inverse_std, const void *scale, const void *d_shift, const void *d_scale,
            int constant_statistics, void *dy) noexcept nogil
        void (*batchnorm_moving)(
            int64_t n_rows, int64_t ld, double momentum, double correction, const void *mean,
            const void *variance, void *moving_mean, void *moving_variance) noexcept nogil
        void (*column_sums)(
            int64_t n_rows, int64_t n, const void *partials, void *sums,
            int accumulate) noexcept nogil
        void (*rownorm)(
            int64_t n_rows, int64_t n, int64_t ld, int64_t groups, double epsilon, const void *x,
            const void *scale, const void *shift, int per_group, void *y,
            void *statistics) noexcept nogil
        void (*rownorm_gradient)(
            int64_t n_rows, int64_t n, int64_t ld, int64_t groups, const void *x,
            const void *statistics, const void *scale, int per_group, void *dy, void *partial,
            int64_t n_vector) noexcept nogil
        void (*prelu)(
            int64_t n_rows, int64_t ld, const void *x, const void *slope, int shared,
            void *y) noexcept nogil
        void (*prelu_gradient)(
            int64_t n_rows, int64_t ld, const void *x, const void *slope, int shared, void *dy,
            void *partial) noexcept nogil
        void (*maxout)(
            int64_t n_rows, int64_t k, int64_t n, int64_t ldx, int64_t ldy, const void *x,
            void *y) noexcept nogil
        void (*maxout_gradient)(
            int64_t n_rows, int64_t k, int64_t n, int64_t ldx, int64_t ldy, const void *x,
            const void *y, void *dy, void *dx) noexcept nogil
        void (*weightnorm_merge)(
            int64_t n_tasks, int64_t ld, const void *squares, const void *g, void *inverse,
            void *scale) noexcept nogil
        void (*weightnorm)(
            int64_t n_rows, int64_t ld, const void *x, const void *scale, const void *bias,
            void *y) noexcept nogil
        void (*weightnorm_gradient)(
            int64_t n_rows, int64_t ld, const void *x, const void *scale, void *dy,
            void *partial) noexcept nogil
        void (*weightnorm_vectors)(
            int64_t ld, const void *d_scale, const void *inverse, void *dg,
            int accumulate) noexcept nogil
        void (*weightnorm_correct)(
            int64_t n_rows, int64_t ld, const void *d_scale, const void *scale,
            const void *inverse, const void *v, void *dv) noexcept nogil
        void (*loss)(
            int code, double parameter, double smoothing, int64_t n_rows, int64_t n, int64_t ld,
            void *z, const void *targets, int64_t target_stride, const int64_t *order,
            int64_t first_row, const void *weights, double scale, void *delta,
            void *row_loss) noexcept nogil
        void (*loss_of_user)(
            uint64_t value, uint64_t derivative, int64_t n_rows, int64_t n, int64_t ld,
            const void *z, const void *targets, int64_t target_stride, const int64_t *order,
            int64_t first_row, const void *weights, double scale, void *delta,
            void *row_loss) noexcept nogil
        void (*output)(
            int loss, double parameter, int64_t n_rows, int64_t n, int64_t ld,
            void *z) noexcept nogil
        void (*head_weight)(
            double weight, double terms, const void *log_variance, double *numbers) noexcept nogil
        void (*log_variance_gradient)(
            double weight, double terms, double part, double factor, double loss,
            void *d_log_variance, int accumulate) noexcept nogil
        void (*optimize)(
            int code, int64_t n, const double *coefficients, double factor, double l2, double decay,
            void *w, void *g, void *slots, int64_t slot_stride, void *penalty) noexcept nogil
        void (*soft_threshold)(
            int code, int64_t n, const double *coefficients, double threshold, void *w, void *slots,
            int64_t slot_stride) noexcept nogil
        void (*finish_gradient)(
            int64_t n, double l2, double l1, double limit, const void *w, void *g, void *squares,
            void *magnitudes) noexcept nogil
        void (*gradient_squares)(
            int64_t n, double l2, double l1, const void *w, const void *g,
            void *sums) noexcept nogil
        void (*sum_squares)(int64_t n, const void *x, void *sums) noexcept nogil
        void (*multiply)(int64_t n, double factor, void *x) noexcept nogil
        void (*add_scaled)(int64_t n, double factor, const void *x, void *y) noexcept nogil
        void (*look_ahead)(
            int64_t n, double momentum, const void *w, const void *velocity,
            void *ahead) noexcept nogil
        void (*column_squares)(int64_t n_rows, int64_t ld, const void *w, void *sums) noexcept nogil
        void (*column_scales)(
            int64_t n_parts, int64_t ld, const void *parts, double most,
            void *scales) noexcept nogil
        void (*scale_columns)(
            int64_t n_rows, int64_t ld, const void *scales, void *w) noexcept nogil
        void (*average)(int64_t n, double weight, const void *w, void *average) noexcept nogil
        void (*gather)(
            const Rows *rows, const int64_t *order, int64_t first_row, int64_t n_rows, int64_t ld,
            void *x) noexcept nogil
        void (*mix_rows)(
            const Rows *rows, const int64_t *order, int64_t start, int64_t batch_rows,
            int64_t first_row, int64_t n_rows, int64_t ld, const Mixing *mixing,
            void *x) noexcept nogil
        void (*mix_losses)(
            int64_t n_rows, int64_t ld, double mix_weight, const void *weights,
            const int64_t *order, int64_t first_row, const void *other_delta,
            const void *other_loss, void *delta, void *row_loss) noexcept nogil
        void (*gather_csr)(
            const Rows *rows, const int64_t *order, int64_t first_row, int64_t n_rows,
            const int64_t *offsets, int32_t *columns, void *values,
            int *in_range) noexcept nogil
        void (*csr_matmul)(
            int64_t n_rows, int64_t ld, const int64_t *offsets, const int32_t *columns,
            const void *values, const void *w, const void *bias, void *z) noexcept nogil
        void (*csr_columns)(
            int64_t n_rows, int64_t first, int64_t last, const int64_t *offsets,
            const int32_t *columns, const void *values, int64_t *starts, int64_t *ends,
            int32_t *entry_rows, void *entry_values) noexcept nogil
        void (*csr_weight_gradient)(
            int64_t first, int64_t last, int64_t ld, const int64_t *starts, const int64_t *ends,
            const int32_t *entry_rows, const void *entry_values, const void *dz, void *dw,
            int accumulate) noexcept nogil
        void (*all_finite)(int64_t n, const void *values, int *finite) noexcept nogil
        void (*weighted_sum)(
            int64_t n, const void *values, const void *weights, const int64_t *order,
            int64_t first_row, double *sum) noexcept nogil
        void (*fma_chain)(int64_t n, int64_t *n_operations) noexcept nogil

    ctypedef struct Bfloat16Kernels:
        Matmul matmul
        MatmulTransposed matmul_transposed
        void (*matmul_converting)(
            int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a, int64_t a_row,
            const void *w, int64_t ldw, const void *bias, void *c, int64_t ldc) noexcept nogil
        void (*convert)(
            int64_t n_rows, int64_t n, const void *x, int64_t ld, const int64_t *order, void *rows,
            int64_t ld_rows, void *pairs, int64_t ld_pairs) noexcept nogil
        void (*transpose_pairs)(
            int64_t first, int64_t last, int64_t n_cols, const void *w, int64_t ldw, void *t,
            int64_t ldt) noexcept nogil
        void (*dot_chain)(int64_t n, int64_t *n_operations) noexcept nogil

    enum:
        ISA_BASELINE, ISA_AVX2, ISA_AVX512, ISA_AVX512_BF16, N_ISAS
    const char **fastnn_isa_names
    const Kernels *fastnn_kernels(int isa, int is_double)
    const Bfloat16Kernels *fastnn_bfloat16_kernels(int isa)
    bint fastnn_isa_compiled(int isa)

cdef extern from "processor.h" nogil:
    bint HAS_OPENMP
    int team_size()
    int most_threads()
    int64_t take_ticket(int64_t *counter)
    int64_t tickets_taken(const int64_t *counter)
    void claim_lines(char *memory, int64_t n_bytes)
    void add_to_shared(double *sum, double number)
    uint64_t flush_denormals()
    void restore_denormals(uint64_t mode)

cdef extern from "system.h" nogil:
    double seconds_now()
    void yield_processor()

cdef extern from "startable.h" nogil:
    int64_t team_kept()
    void keep_team(int64_t n_threads)
    int64_t startable_threads(int64_t n, int64_t stack_size)

cdef extern from "barrier.h" nogil:
    ctypedef enum Leave:
        STAY, LEAVE_AFTER_STEP, LEAVE_NOW
    ctypedef struct Barrier:
        pass
    void ask_to_leave(Barrier *barrier, Leave leave)
    Leave asked_to_leave(Barrier *barrier)
    Leave barrier_wait(Barrier *barrier, int team, double *waited)


cdef inline int64_t quotient_up(int64_t n, int64_t d) noexcept nogil:
    """n / d rounded up; with C's division, -(-n // d) would round down."""
    return (n + d - 1) // d
