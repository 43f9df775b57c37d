# Losses.

def loss(z, targets, int code, order=None, weights=None, double scale=1.0, double parameter=0.0,
         double smoothing=0.0, isa=None, int repeat=1):
    """Compute output activation, gradient with respect to z, and loss of each row."""
    cdef const Kernels *k = choose_kernels(isa, z.dtype)
    cdef const int64_t *row_numbers = numbers_of(order)
    cdef const char *row_weights = optional(weights)
    cdef int _i
    rows = rows_of(z)
    delta, row_loss = np.zeros_like(rows), aligned_zeros(z.shape[0], z.dtype)
    cdef int64_t n_rows = z.shape[0], n = z.shape[1], ld = rows.shape[1]
    cdef char *z_data = data(rows)
    cdef const char *target_data = data(targets)
    cdef char *delta_data = data(delta)
    cdef char *loss_data = data(row_loss)
    cdef int64_t stride = targets.strides[0] // targets.itemsize
    for _i in range(repeat):
        k.loss(code, parameter, smoothing, n_rows, n, ld, z_data, target_data, stride, row_numbers,
               0, row_weights, scale, delta_data, loss_data)
    return rows[:, : z.shape[1]], delta[:, : z.shape[1]], row_loss


def loss_of_user(z, targets, uint64_t value, uint64_t derivative, order=None, weights=None,
                 double scale=1.0, isa=None):
    """Compute gradient and loss of each row by functions of the user, at these addresses."""
    cdef const Kernels *k = choose_kernels(isa, z.dtype)
    cdef const int64_t *row_numbers = numbers_of(order)
    cdef const char *row_weights = optional(weights)
    rows = rows_of(z)
    delta, row_loss = np.zeros_like(rows), aligned_zeros(z.shape[0], z.dtype)
    k.loss_of_user(value, derivative, z.shape[0], z.shape[1], rows.shape[1], data(rows),
                   data(targets), targets.strides[0] // targets.itemsize, row_numbers, 0,
                   row_weights, scale, data(delta), data(row_loss))
    return delta[:, : z.shape[1]], row_loss


def output(z, int code, double parameter=0.0, isa=None):
    """Compute the output activation that belongs to a loss."""
    cdef const Kernels *k = choose_kernels(isa, z.dtype)
    rows = rows_of(z)
    k.output(code, parameter, z.shape[0], z.shape[1], rows.shape[1], data(rows))
    return rows[:, : z.shape[1]]


def mix_losses(delta, row_loss, other_delta, other_loss, double mix_weight, weights=None,
               order=None, isa=None):
    """Mix gradients and losses of rows with those of other targets."""
    cdef const Kernels *k = choose_kernels(isa, delta.dtype)
    cdef const int64_t *row_numbers = numbers_of(order)
    cdef const char *row_weights = optional(weights)
    rows, other = rows_of(delta), rows_of(other_delta)
    own_loss = row_loss.copy()
    k.mix_losses(rows.shape[0], rows.shape[1], mix_weight, row_weights, row_numbers, 0, data(other),
                 data(other_loss), data(rows), data(own_loss))
    return rows[:, : delta.shape[1]], own_loss


def weighted_sum(values, weights=None, order=None, isa=None):
    """Sum values times weights[order] in float64."""
    cdef const Kernels *k = choose_kernels(isa, values.dtype)
    cdef const int64_t *row_numbers = numbers_of(order)
    cdef const char *row_weights = optional(weights)
    cdef double total
    k.weighted_sum(values.size, data(values), row_weights, row_numbers, 0, &total)
    return total


def head_weight(log_variance, double weight, double terms, isa=None):
    """Compute the factor of the loss of a head, and what is added to it."""
    cdef const Kernels *k = choose_kernels(isa, log_variance.dtype)
    numbers = np.empty(2)
    k.head_weight(weight, terms, data(log_variance), <double *> data(numbers))
    return numbers


def log_variance_gradient(gradient, double weight, double terms, double part, double factor,
                          double loss, bint accumulate=False, isa=None):
    """Compute the gradient of a log variance, or add to `gradient`; a cache line of numbers."""
    cdef const Kernels *k = choose_kernels(isa, gradient.dtype)
    rows = rows_of(gradient)
    k.log_variance_gradient(weight, terms, part, factor, loss, data(rows), accumulate)
    return rows[:, :1]
