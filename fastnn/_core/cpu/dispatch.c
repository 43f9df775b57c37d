#include "kernels.h"

#include <stddef.h>

const char *const fastnn_isa_names[N_ISAS] = {"baseline", "avx2", "avx512"};

extern const Kernels fastnn_kernels_baseline_f32, fastnn_kernels_baseline_f64;
#if defined(__x86_64__)
extern const Kernels fastnn_kernels_avx2_f32, fastnn_kernels_avx2_f64;
extern const Kernels fastnn_kernels_avx512_f32, fastnn_kernels_avx512_f64;
#endif

int fastnn_isa_compiled(int isa)
{
#if defined(__x86_64__)
    return isa < N_ISAS;
#else
    return isa == ISA_BASELINE;
#endif
}

const Kernels *fastnn_kernels(int isa, int is_double)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                         __builtin_cpu_supports("bmi2");
    if (isa == ISA_AVX512 && has_avx2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return is_double ? &fastnn_kernels_avx512_f64 : &fastnn_kernels_avx512_f32;
    if (isa == ISA_AVX2 && has_avx2)
        return is_double ? &fastnn_kernels_avx2_f64 : &fastnn_kernels_avx2_f32;
#endif
    if (isa == ISA_BASELINE)
        return is_double ? &fastnn_kernels_baseline_f64 : &fastnn_kernels_baseline_f32;
    return NULL;
}
