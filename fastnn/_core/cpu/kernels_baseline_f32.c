#define REAL_IS_DOUBLE 0
#define KERNELS fastnn_kernels_baseline_f32
#include "isa_baseline.h"
#include "kernels_body.h"
