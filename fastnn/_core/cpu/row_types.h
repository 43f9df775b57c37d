/* The types of the elements of rows, and how each becomes the engine's. */
#ifndef FASTNN_ROW_TYPES_H
#define FASTNN_ROW_TYPES_H

#include "program.h"
#include "simd.h"

/* A float16, exactly. No denormal number is computed with: they are zero here. */
INLINE float of_half(uint16_t half)
{
    const uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t from_2_to_minus_14 = magnitude + (113u << 23);
    uint32_t bits = magnitude + (112u << 23); /* the exponent has another bias */
    float tiny;
    memcpy(&tiny, &from_2_to_minus_14, sizeof tiny);
    tiny -= 0x1p-14f; /* of a float16 without a leading one */
    uint32_t tiny_bits;
    memcpy(&tiny_bits, &tiny, sizeof tiny_bits);
    bits = magnitude < 0x00800000 ? tiny_bits : bits;
    bits = magnitude >= 0x0f800000 ? magnitude + (224u << 23) : bits; /* infinity and NaN */
    bits |= sign;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* A number in the engine's type, as NumPy converts it by way of float64. */
#define AS_REAL(number) ((real)(number))
#define BY_DOUBLE(number) ((real)(double)(number))
#define BY_HALF(number) ((real)of_half(number))

/* DO(type, convert) for the type of rows. */
#define FOR_TYPE_OF(rows, DO)                        \
    switch ((rows)->dtype) {                         \
    case ROWS_FLOAT32: DO(float, AS_REAL) break;     \
    case ROWS_FLOAT64: DO(double, AS_REAL) break;    \
    case ROWS_UINT8: DO(uint8_t, AS_REAL) break;     \
    case ROWS_INT8: DO(int8_t, AS_REAL) break;       \
    case ROWS_INT16: DO(int16_t, AS_REAL) break;     \
    case ROWS_UINT16: DO(uint16_t, AS_REAL) break;   \
    case ROWS_INT32: DO(int32_t, AS_REAL) break;     \
    case ROWS_UINT32: DO(uint32_t, AS_REAL) break;   \
    case ROWS_INT64: DO(int64_t, BY_DOUBLE) break;   \
    case ROWS_UINT64: DO(uint64_t, BY_DOUBLE) break; \
    case ROWS_FLOAT16: DO(uint16_t, BY_HALF) break;  \
    }

#endif
