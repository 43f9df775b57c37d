#define REAL_IS_DOUBLE 0
#define KERNELS fastnn_kernels_baseline_bf16
#include "isa_baseline.h"
#include "kernels.h"
#include "bfloat16.h"
