#if defined(__x86_64__)
#define REAL_IS_DOUBLE 0
#define KERNELS fastnn_kernels_avx512bf16_bf16
#include "isa_avx512bf16.h"
#include "kernels.h"
#include "bfloat16.h"
#else
typedef int nothing_for_this_architecture;
#endif
