/* The instruction set of every processor of the architecture: SSE2 on x86-64, NEON on AArch64. */
#define VECTOR_BYTES 16
#define TILE_PANELS 1
#if defined(__aarch64__)
#include <arm_neon.h>
#define VECTOR_FMA_F32(a, b, c) ((vector)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define VECTOR_FMA_F64(a, b, c) ((vector)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define VECTOR_MULTIPLY_U32(a, b) \
    ((wide)vmull_u32(vmovn_u64((uint64x2_t)(a)), vmovn_u64((uint64x2_t)(b))))
#define SCALAR_HAS_FMA 1
#define TILE_ROWS_1 6
#else
#include <emmintrin.h>
#define VECTOR_FMA_F32(a, b, c) ((a) * (b) + (c))
#define VECTOR_FMA_F64(a, b, c) ((a) * (b) + (c))
#define VECTOR_MULTIPLY_U32(a, b) ((wide)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#define SCALAR_HAS_FMA 0
#define TILE_ROWS_1 2
#endif
