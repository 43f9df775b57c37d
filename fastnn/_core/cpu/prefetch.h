/* Asking for memory before it is needed: rows in random order come from far away. */
#ifndef FASTNN_PREFETCH_H
#define FASTNN_PREFETCH_H

#include <stdint.h>

#include "simd.h"

INLINE void prefetch(const void *memory, int64_t n_bytes)
{
    for (int64_t b = 0; b < n_bytes; b += 64) __builtin_prefetch((const char *)memory + b);
}

/* The first n_bytes of rows order[first..last), as far as there are any. */
INLINE void prefetch_rows(const void *rows, int64_t bytes_of_row, const int64_t *order,
                          int64_t first, int64_t last, int64_t n_rows, int64_t n_bytes)
{
    for (int64_t i = first; i < last && i < n_rows; i++)
        prefetch((const char *)rows + order[i] * bytes_of_row, n_bytes);
}

#endif
