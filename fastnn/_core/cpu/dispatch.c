#include "kernels.h"

#include <stddef.h>

const char *const fastnn_isa_names[N_ISAS] = {"baseline", "avx2", "avx512", "avx512_bf16"};

extern const Kernels fastnn_kernels_baseline_f32, fastnn_kernels_baseline_f64;
extern const Bfloat16Kernels fastnn_kernels_baseline_bf16;
#if defined(__x86_64__)
extern const Kernels fastnn_kernels_avx2_f32, fastnn_kernels_avx2_f64;
extern const Kernels fastnn_kernels_avx512_f32, fastnn_kernels_avx512_f64;
extern const Bfloat16Kernels fastnn_kernels_avx2_bf16, fastnn_kernels_avx512_bf16;
extern const Bfloat16Kernels fastnn_kernels_avx512bf16_bf16;
#endif

int fastnn_isa_compiled(int isa)
{
#if defined(__x86_64__)
    return isa < N_ISAS;
#else
    return isa == ISA_BASELINE;
#endif
}

static int has_isa(int isa)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                         __builtin_cpu_supports("bmi2");
    const int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                           __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (isa == ISA_AVX512_BF16) return has_avx512 && __builtin_cpu_supports("avx512bf16");
    if (isa == ISA_AVX512) return has_avx512;
    if (isa == ISA_AVX2) return has_avx2;
#endif
    return isa == ISA_BASELINE;
}

const Kernels *fastnn_kernels(int isa, int is_double)
{
    if (!has_isa(isa)) return NULL;
#if defined(__x86_64__)
    if (isa >= ISA_AVX512) return is_double ? &fastnn_kernels_avx512_f64 : &fastnn_kernels_avx512_f32;
    if (isa == ISA_AVX2) return is_double ? &fastnn_kernels_avx2_f64 : &fastnn_kernels_avx2_f32;
#endif
    return is_double ? &fastnn_kernels_baseline_f64 : &fastnn_kernels_baseline_f32;
}

const Bfloat16Kernels *fastnn_bfloat16_kernels(int isa)
{
    if (!has_isa(isa)) return NULL;
#if defined(__x86_64__)
    if (isa == ISA_AVX512_BF16) return &fastnn_kernels_avx512bf16_bf16;
    if (isa == ISA_AVX512) return &fastnn_kernels_avx512_bf16;
    if (isa == ISA_AVX2) return &fastnn_kernels_avx2_bf16;
#endif
    return &fastnn_kernels_baseline_bf16;
}
