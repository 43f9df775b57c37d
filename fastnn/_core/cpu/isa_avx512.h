/* AVX-512 (F, BW, DQ, VL): 32 registers of 64 bytes. */
#include <immintrin.h>
#if defined(__clang__)
#define TARGET_PUSHED
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,prefer-vector-width=512")
#endif
#define VECTOR_BYTES 64
#define VECTOR_FMA_F32(a, b, c) ((vector)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define VECTOR_FMA_F64(a, b, c) ((vector)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define VECTOR_MULTIPLY_U32(a, b) ((wide)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define SCALAR_HAS_FMA 1
#define TILE_PANELS 4
#define TILE_ROWS_1 12
#define TILE_ROWS_2 12
#define TILE_ROWS_3 8
#define TILE_ROWS_4 6
