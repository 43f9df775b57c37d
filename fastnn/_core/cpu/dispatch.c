#include "kernels.h"

#include <stdatomic.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

#if defined(__x86_64__)
/* The best set of this processor, from its flags and from what the system keeps of its registers.
 * __builtin_cpu_supports knows it too, but not every linker has the library that it needs. */
static int find_best_isa(void)
{
    const unsigned avx = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C, avx2 = bit_AVX2 | bit_BMI2;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    unsigned eax, ebx, ecx, edx, kept, most_subleaf;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & avx) != avx) return ISA_BASELINE;
    __asm__("xgetbv" : "=a"(kept), "=d"(edx) : "c"(0));
#if defined(__APPLE__)
    if ((kept & 0x6) == 0x6) kept |= 0xe0; /* macOS keeps the rest from its first use on */
#endif
    if (!__get_cpuid_count(7, 0, &most_subleaf, &ebx, &ecx, &edx) || (ebx & avx2) != avx2 ||
        (kept & 0x6) != 0x6)
        return ISA_BASELINE;
    if ((ebx & avx512) != avx512 || (kept & 0xe6) != 0xe6) return ISA_AVX2;
    if (most_subleaf < 1) return ISA_AVX512;
    __cpuid_count(7, 1, eax, ebx, ecx, edx);
    return eax & bit_AVX512BF16 ? ISA_AVX512_BF16 : ISA_AVX512;
}

/* The processor takes microseconds to answer, so it is asked once. */
static int best_isa(void)
{
    static atomic_int known = -1;
    int isa = atomic_load_explicit(&known, memory_order_relaxed);
    if (isa < 0) {
        isa = find_best_isa();
        atomic_store_explicit(&known, isa, memory_order_relaxed);
    }
    return isa;
}
#else
static int best_isa(void) { return ISA_BASELINE; }
#endif

const Kernels *fastnn_kernels(int isa, int is_double)
{
    if (isa > best_isa()) return NULL;
#if defined(__x86_64__)
    if (isa >= ISA_AVX512) return is_double ? &fastnn_kernels_avx512_f64 : &fastnn_kernels_avx512_f32;
    if (isa == ISA_AVX2) return is_double ? &fastnn_kernels_avx2_f64 : &fastnn_kernels_avx2_f32;
#endif
    return is_double ? &fastnn_kernels_baseline_f64 : &fastnn_kernels_baseline_f32;
}

const Bfloat16Kernels *fastnn_bfloat16_kernels(int isa)
{
    if (isa > best_isa()) return NULL;
#if defined(__x86_64__)
    if (isa == ISA_AVX512_BF16) return &fastnn_kernels_avx512bf16_bf16;
    if (isa == ISA_AVX512) return &fastnn_kernels_avx512_bf16;
    if (isa == ISA_AVX2) return &fastnn_kernels_avx2_bf16;
#endif
    return &fastnn_kernels_baseline_bf16;
}
