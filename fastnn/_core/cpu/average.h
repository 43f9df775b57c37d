/* Averages of the parameters that training goes through; averaging.py names the papers. */
#ifndef FASTNN_AVERAGE_H
#define FASTNN_AVERAGE_H

#include "simd.h"

/* average += weight (w - average). n is a multiple of PANEL. In this form the average of parameters
 * that stay comes to be these parameters, whatever the rounding of the weight. */
static void average(int64_t n, double weight_, const void *w_, void *average_)
{
    const real *w = w_;
    real *restrict a = average_;
    const real weight = (real)weight_;
    for (int64_t i = 0; i < n; i++) a[i] = fused(weight, w[i] - a[i], a[i]);
}

#endif
