# What one call works on: its tasks, buffers and arguments, and what each thread has of it.

cdef enum Mode:
    TRAIN      # dropout, batch statistics, optimizer
    GRADIENT   # no dropout, batch statistics, gradients summed over the calls
    PREDICT    # no dropout, moving statistics, output written
    EVALUATE   # no dropout, moving statistics, loss only

# Consecutive rows of one weight, or (last < 0) biases, or (last == 0) the vectors of a stage: scale
# and shift, slopes, the lengths of weight norm.
cdef struct Task:
    int32_t stage
    int64_t first, last
    int64_t scratch    # of this stage's gradient, in a thread's scratch
    int64_t columns    # of sums over its rows, one for each column
    double cost

# Where a dense stage has its operands in pairs of bfloat16, in words of 32 bits: weights and, where
# there is an input gradient, transposed weights among all weights; rows and gradients of a batch
# among the buffers of batches, as elements of one row that lie before them.
cdef struct Operands:
    int64_t weight, transposed, x, dz

cdef struct Job:
    Mode mode
    const Kernels *kernels
    int64_t itemsize, panel
    const Stage *stages
    int n_stages, n_heads       # heads: stages with a loss
    const Task *tasks
    int n_tasks
    int64_t max_batch, n_parameters, n_statistics
    # arenas; forward and backward read the parameters in another, where these are shifted
    char *parameters
    char *read
    char *average      # NULL for none
    char *slots
    char *statistics
    char *transposed
    char *gradient
    # buffers shared by the threads of a step
    char *values
    char *deltas
    char *partials
    char *squares
    char *row_loss
    # sums of each task: by lane, of w^2 and |w| before the step, of g^2 (then, with LAMB, of the
    # squares of the direction), of w^2 for LAMB, and of g^2 as it is told; by column, of w^2 after
    # the step
    char *penalties
    char *magnitudes
    char *gradient_squares
    char *weight_squares
    char *told_squares
    char *column_squares
    char *ones
    # buffers of each thread
    char *workers
    int64_t worker_size, worker_values, worker_scales
    bint mixes                  # rows of this call are mixed with each other
    char *mixed                 # then the loss of the partners' targets: z, gradient, loss ..
    int64_t *partners           # .. and their row numbers
    int64_t mixed_size
    # products in bfloat16; NULL where they are of the engine's type
    const Bfloat16Kernels *bfloat16
    const Operands *operands
    uint32_t *converted_weights     # NULL: convert them when they are read
    uint32_t *converted_rows
    int64_t worker_rows             # of a thread's memory, rows to multiply
    # a batch of sparse rows
    int64_t *offsets
    int64_t *starts
    int64_t *ends
    int64_t n_entries
    int32_t *columns
    int32_t *entry_rows
    char *entries
    char *entry_values
    # the call
    const Rows *rows
    const char *targets
    int64_t target_run          # bytes from the targets of one head to those of the next
    const char *weights
    const int64_t *order
    int64_t n_rows, batch_size, n_steps
    int64_t n_done, n_taken     # steps done, blocks of rows taken
    double row_cost             # operations of a row, forward or back
    const double *coefficients
    double *losses
    double *grad_norms          # NULL: nobody asks
    double weight_sum
    int optimizer
    bint finishes       # gradients are penalised or clipped before the optimizer has them
    bint clips_norm     # .. by the norm of all of them
    bint adapts         # LAMB: the norm of a weight decides the length of its step
    bint limits         # the norms of the columns of weights
    bint waits          # the optimizer has no gradient before all are there
    bint stores         # gradients, as the optimizer does not take them at once
    uint64_t seed
    int64_t step
    char *out
    int64_t n_outputs
    bint all_finite
    int in_range                # False: a sparse row has a column that there is not
    Barrier barrier

# Rows of a matrix, one after another or, where order is not NULL, those with the numbers order[0],
# order[1], ..
cdef struct MatrixRows:
    const char *first
    int64_t ld
    const int64_t *order

# What a thread works on: a batch, and the rows of it that are its own.
cdef struct Worker:
    int team                # number of threads
    int64_t n_rows          # of the batch
    int64_t first, last     # own rows
    const int64_t *order    # row numbers of the batch, NULL: start, start + 1, ..
    int64_t start
    uint32_t step
    double scale            # 1 / sum of the batch's weights
    double smoothing        # of the labels
    bint tells_norm         # of the gradient of this step
    char *values            # value buffers, and the number of rows that each has room for
    int64_t room
    MatrixRows input        # of the batch, gathered or where the user has them
    char *own               # vectors of normalisations, then the gradient of a task
    char *mixed             # its part of job.mixed, and of job.partners
    int64_t *partners
    Mixing mixing           # and what else the step has in the table
    double dropout
    bint looks              # for signals: the thread that called
    double cost             # operations since it saw the clock
    double next_look
    uint64_t mode           # of floating-point numbers, outside


# What Numba made of a user's function.
ctypedef void (*Elementwise)(int64_t n, const void *x, void *y) noexcept nogil
