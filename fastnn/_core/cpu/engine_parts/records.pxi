# What one call works on: its tasks, buffers and arguments, and what each thread has of it.

cdef enum Mode:
    TRAIN      # dropout, batch statistics, optimizer
    GRADIENT   # no dropout, batch statistics, gradients summed over the calls
    PREDICT    # no dropout, moving statistics, output written
    EVALUATE   # no dropout, moving statistics, loss only

# A block of parameters in an arena: `rows` rows of `columns` numbers, `stride` apart. All are whole
# rows so far, padding included, so that their numbers lie one after another.
cdef struct Span:
    int64_t offset, rows, columns, stride

# Weights of a stage, its biases, or its other vectors: scale and shift, slopes, the lengths of
# weight norm. These have no penalty and no decay.
cdef enum Group:
    WEIGHTS
    BIASES
    VECTORS

# Parameters that are updated together.
cdef struct Task:
    int32_t stage
    int32_t group
    Span span
    int64_t scratch         # of the gradient, in a thread's memory
    int64_t column_sums     # of sums over its rows, one for each column
    double cost

# Where a dense stage has its operands in pairs of bfloat16, in words of 32 bits: weights and, where
# there is an input gradient, transposed weights among all weights; rows and gradients of a batch
# among the buffers of batches, as elements of one row that lie before them.
cdef struct Operands:
    int64_t weight, transposed, x, dz

# Arenas of the network. Forward and backward read the parameters in `read`, which is another arena
# where they are shifted: by look-ahead, by noise.
cdef struct Arenas:
    int64_t n_parameters
    char *parameters
    char *read
    char *average       # NULL for none
    char *slots
    char *statistics
    char *transposed
    char *gradient

# Buffers that the threads of a step share, with room for max_batch rows.
cdef struct Buffers:
    int64_t max_batch
    char *values
    char *deltas
    char *partials
    char *squares       # of columns of weights, for each task of rows; for weight norm
    char *row_loss
    char *ones

# Sums of each task: a cache line of lanes each, and of column_squares a row.
cdef struct TaskSums:
    char *l2                # w^2 before the step, where it is penalised
    char *l1                # |w| likewise
    char *gradient_squares  # g^2; then, with LAMB, the squares of the direction
    char *weight_squares    # w^2, for LAMB
    char *norm_squares      # g^2 before anything is clipped, for grad_norms
    char *column_squares    # of w after the step, by column

# Memory of each thread, `size` bytes from `start` on. Vectors of normalisations and gradients of
# tasks come first. Further on are, at so many elements, value buffers (prediction) and the factors
# of columns that are limited (training), and at so many bytes rows in bfloat16.
cdef struct Scratch:
    char *start
    int64_t size, values, column_scales, bfloat16_rows

# Memory of each thread, `size` bytes, for rows that are mixed with others: their z, gradient and
# loss with the partners' targets; and ROW_BLOCK numbers of partners.
cdef struct MixingBuffers:
    bint is_used        # by this call
    char *memory
    int64_t size
    int64_t *partners

# Products in bfloat16.
cdef struct Bfloat16:
    const Bfloat16Kernels *kernels  # NULL where products are of the engine's type
    const Operands *operands
    uint32_t *weights               # NULL: convert them when they are read
    uint32_t *rows

# A batch of sparse rows, by rows and by columns.
cdef struct SparseBatch:
    int64_t n_entries
    int64_t *offsets
    int32_t *columns
    char *entries
    int64_t *starts
    int64_t *ends
    int32_t *entry_rows
    char *entry_values

# Targets of a head, those of the next row `stride` numbers further on.
cdef struct HeadTargets:
    const char *first
    int64_t stride

HEAD_TARGETS = np.dtype([("first", np.intp), ("stride", np.int64)], align=True)

# Arguments of the call.
cdef struct Call:
    const Rows *rows
    const HeadTargets *targets  # of each head
    const char *weights         # of rows; NULL for none
    const int64_t *order
    int64_t n_rows, batch_size, n_steps
    int64_t step                # number of the first
    double weight_sum           # of all rows
    double row_cost             # operations of a row, forward or back
    const double *coefficients
    double *losses              # of a step: data loss and penalty, and of each head if wanted
    int64_t n_losses
    double *grad_norms          # NULL for none
    char *out
    int64_t n_outputs
    bint both_classes           # of which the network has the second
    bint drops_units            # in a prediction, by the masks of `step`

# What an update consists of, as the table of the call asks for it.
cdef struct UpdatePlan:
    int optimizer
    bint changes_gradient       # penalties or clipping, before the optimizer has it
    bint clips_norm             # .. by the norm of all gradients
    bint uses_trust_ratio       # LAMB: the norm of a weight decides the length of its step
    bint limits_columns         # the norms of the columns of weights
    bint needs_all_gradients    # before the optimizer has one
    bint stores_gradient        # as the optimizer does not take it at once
    bint shifts_parameters      # which forward and backward read

cdef struct Progress:
    int64_t n_done              # steps
    int64_t n_taken             # blocks of rows
    bint is_over                # a loss was not finite
    double slice_end            # when the team leaves, by the clock
    double patience             # seconds for threads that do not run, before the team leaves
    double busy                 # seconds of this slice, of all threads together
    const int64_t *ended        # more than 0: a thread of another job ends this; NULL for none
    bint all_finite
    int in_range                # False: a sparse row has a column that there is not
    Barrier barrier

# All that the threads of a call share.
cdef struct Job:
    Mode mode
    const Kernels *kernels
    int64_t itemsize, panel     # bytes of a number; numbers of a cache line
    const Stage *stages
    int n_stages, n_heads       # heads: stages with a loss
    const Task *tasks
    int n_tasks
    uint64_t seed
    Arenas arenas
    Buffers buffers
    TaskSums sums
    Scratch scratch
    MixingBuffers mixing
    Bfloat16 bfloat16
    SparseBatch sparse
    Call call
    UpdatePlan update
    Progress progress

# Rows of a matrix, one after another or, where order is not NULL, those with the numbers order[0],
# order[1], ..
cdef struct MatrixRows:
    const char *first
    int64_t ld
    const int64_t *order

# Rows `first` .. of a batch in a stage, with the values that it reads and writes, and the gradient
# with respect to what it writes.
cdef struct Block:
    const Stage *stage
    int index
    int64_t first, n_rows
    int64_t ld              # of y and dy
    char *x
    char *y
    char *dy

# What a thread works on: a batch, and the rows of it that are its own.
cdef struct Worker:
    int thread, team        # its number, and how many there are
    int first_task, last_task
    int64_t n_rows          # of the batch
    int64_t rows_together   # that have to be the same thread's
    int64_t first, last     # own rows
    const int64_t *order    # row numbers of the batch, NULL: start, start + 1, ..
    int64_t start
    uint32_t step
    double scale            # 1 / sum of the batch's weights
    double smoothing        # of the labels
    double dropout          # factor of all dropout rates
    Mixing mixing
    bint reports_norm       # of the gradient of this step
    bint reads_in_place     # matrix products read the data where the user has it
    bint shares_columns     # of sparse rows; else the thread alone has tasks of its columns
    int64_t first_column, last_column
    char *values            # value buffers, with room for so many rows
    int64_t capacity
    MatrixRows input        # of the batch, gathered or where the user has them
    char *scratch           # its part of job.scratch, and of job.mixing
    char *mixed
    int64_t *partners
    bint checks_signals     # the thread that called
    double operations       # since it read the clock
    double next_check
    double began, waited    # by the clock; seconds for others that did not run
    uint64_t float_mode     # of floating-point numbers, outside

# What a thread does of a call.
ctypedef void (*Part)(Job *job, int thread, int n_threads) noexcept nogil
