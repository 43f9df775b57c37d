/* AVX-512 with AVX512_BF16: products of bfloat16. */
#include <immintrin.h>
#if defined(__clang__)
#define TARGET_PUSHED
#pragma clang attribute push( \
    __attribute__((target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2"))), \
    apply_to = function)
#else
#pragma GCC target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,prefer-vector-width=512")
#endif
#define VECTOR_BYTES 64
#define VECTOR_FMA_F32(a, b, c) ((vector)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define VECTOR_DOT_BF16(sum, a, b) \
    ((vector)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b)))
#define VECTOR_MULTIPLY_U32(a, b) ((wide)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define SCALAR_HAS_FMA 1
#define TILE_PANELS 4
#define TILE_ROWS_1 12
#define TILE_ROWS_2 12
#define TILE_ROWS_3 8
#define TILE_ROWS_4 6
