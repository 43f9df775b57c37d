/* Weights of the losses of several heads by their uncertainty, which is trained (Kendall, Gal &
 * Cipolla, "Multi-task learning using uncertainty to weigh losses", 2018, section 3).
 *
 * A head with the loss L and the log variance s has w (exp(-s) L + n s / 2) in the loss of the
 * network: w is its constant weight, n the number of its `terms`. */
#ifndef FASTNN_HEADWEIGHTS_H
#define FASTNN_HEADWEIGHTS_H

#include "elementary.h"

/* numbers: the factor of the loss, and what is added to it */
static void head_weight(double weight, double terms, const void *log_variance, double *numbers)
{
    const real s = *(const real *)log_variance;
    numbers[0] = weight * (double)exponential(-s);
    numbers[1] = weight * terms / 2 * (double)s;
}

/* d_log_variance (+)= w n / 2 times the part of the rows' weight that is in this batch, minus
 * `factor` times the mean loss of the head. What belongs to the same cache line is padding. */
static void log_variance_gradient(double weight, double terms, double part, double factor,
                                  double loss, void *d_log_variance, int accumulate)
{
    real *gradient = d_log_variance;
    const real own = (real)(weight * terms / 2 * part - factor * loss);
    if (!accumulate) memset(gradient, 0, PANEL * sizeof(real));
    gradient[0] += own;
}

#endif
