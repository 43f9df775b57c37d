#define REAL_IS_DOUBLE 1
#define KERNELS fastnn_kernels_baseline_f64
#include "isa_baseline.h"
#include "kernels_body.h"
