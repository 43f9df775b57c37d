/* AVX2 and FMA: 16 registers of 32 bytes. */
#include <immintrin.h>
#if defined(__clang__)
#define TARGET_PUSHED
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")
#endif
#define VECTOR_BYTES 32
#define VECTOR_FMA_F32(a, b, c) ((vector)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define VECTOR_FMA_F64(a, b, c) ((vector)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define VECTOR_MULTIPLY_U32(a, b) ((wide)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define SCALAR_HAS_FMA 1
#define TILE_PANELS 1
#define TILE_ROWS_1 6
