/* The user's rows, read where they lie: a batch of dense rows is gathered into the engine's type,
 * a batch of sparse rows into a small CSR of its own. */
#ifndef FASTNN_ROWS_H
#define FASTNN_ROWS_H

#include "prefetch.h"
#include "program.h"
#include "row_types.h"
#include "simd.h"

/* Copies a row, and asks for the next one meanwhile: rows in random order come from far away. */
#define GATHER(type, convert)                                                        \
    {                                                                                \
        const type *source = (const type *)rows->data + row * rows->row_stride;      \
        if (stride == 1) {                                                           \
            if (order && i + 1 < n_rows)                                             \
                prefetch((const type *)rows->data + order[i + 1] * rows->row_stride, \
                         n * (int64_t)sizeof(type));                                 \
            for (int64_t j = 0; j < n; j++) x[j] = convert(source[j]);               \
        } else                                                                       \
            for (int64_t j = 0; j < n; j++) x[j] = convert(source[j * stride]);      \
    }

/* Rows order[0..n_rows) (first_row + i where order is NULL) -> x (n_rows, ld); padding is left. */
static void gather(const Rows *rows, const int64_t *order, int64_t first_row, int64_t n_rows,
                   int64_t ld, void *x_)
{
    const int64_t n = rows->n_cols, stride = rows->col_stride;
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t row = order ? order[i] : first_row + i;
        real *restrict x = (real *)x_ + i * ld;
        FOR_TYPE_OF(rows, GATHER)
    }
}

/* The same for CSR: element offsets[i] .. offsets[i + 1] of columns and values.
 *
 * The user's column numbers may be written while they are read, so it is the copies that are looked
 * at. Where one of a row is out of range, all of them become 0, and so does *in_range. */
static void gather_csr(const Rows *rows, const int64_t *order, int64_t first_row, int64_t n_rows,
                       const int64_t *offsets, int32_t *columns, void *values_, int *in_range)
{
    real *values = values_;
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t from = rows->indptr[order ? order[i] : first_row + i];
        const int64_t n = offsets[i + 1] - offsets[i], to = offsets[i];
        memcpy(columns + to, rows->indices + from, (size_t)n * sizeof *columns);
        uint32_t most = 0; /* a negative number becomes a large one */
        for (int64_t e = to; e < to + n; e++) {
            const uint32_t column = (uint32_t)columns[e];
            most = column > most ? column : most;
        }
        if (n && most >= rows->n_cols) {
            memset(columns + to, 0, (size_t)n * sizeof *columns);
            *in_range = 0;
        }
        if (rows->dtype == ROWS_FLOAT32)
            for (int64_t e = 0; e < n; e++) values[to + e] = (real)((const float *)rows->data)[from + e];
        else
            for (int64_t e = 0; e < n; e++) values[to + e] = (real)((const double *)rows->data)[from + e];
    }
}

/* Panels of a row that are summed in registers, and the prefetch distance in elements of their rows
 * of a weight, which may lie anywhere. */
enum { CSR_PANELS = 4, ELEMENTS_AHEAD = 8 };

/* Some panels of a row of z: w, bias and z begin at the first of them. The row has n elements, and
 * with those of the rows behind it n_left. */
INLINE void csr_panels(int n_panels, int64_t n, int64_t n_left, int64_t ld, const int32_t *columns,
                       const real *values, const real *w, const real *bias, real *z)
{
    vector sum[CSR_PANELS * VECTORS] = {0};
    for (int64_t e = 0; e < n; e++) {
        const vector *row = (const vector *)(w + columns[e] * ld);
        const vector value = broadcast(values[e]);
        if (e + ELEMENTS_AHEAD < n_left)
            prefetch(w + columns[e + ELEMENTS_AHEAD] * ld, n_panels * 64);
        UNROLL for (int v = 0; v < n_panels * VECTORS; v++)
            sum[v] = VECTOR_FMA(value, row[v], sum[v]);
    }
    UNROLL for (int v = 0; v < n_panels * VECTORS; v++)
        ((vector *)z)[v] = bias ? sum[v] + ((const vector *)bias)[v] : sum[v];
}

/* z = x w + bias for sparse rows */
static void csr_matmul(int64_t n_rows, int64_t ld, const int64_t *offsets, const int32_t *columns,
                       const void *values_, const void *w_, const void *bias_, void *z_)
{
    const real *values = values_, *w = w_, *bias = bias_;
    for (int64_t i = 0; i < n_rows; i++) {
        const int64_t from = offsets[i], n = offsets[i + 1] - from, n_left = offsets[n_rows] - from;
        const int32_t *own = columns + from;
        for (int64_t j = 0; j < ld;) {
            const real *at = bias ? bias + j : NULL;
            real *z = (real *)z_ + i * ld + j;
            if (ld - j >= CSR_PANELS * PANEL) {
                csr_panels(CSR_PANELS, n, n_left, ld, own, values + from, w + j, at, z);
                j += CSR_PANELS * PANEL;
            } else {
                csr_panels(1, n, n_left, ld, own, values + from, w + j, at, z);
                j += PANEL;
            }
        }
    }
}

/* Columns first..last of a batch of CSR rows as CSC: counting sort, so a column keeps the order of
 * its rows. starts[first..last], row and value are shared by threads that own different columns:
 * this thread's entries begin where the entries of the columns before it end. */
static void csr_columns(int64_t n_rows, int64_t first, int64_t last, const int64_t *offsets,
                        const int32_t *columns, const void *values_, int64_t *starts, int64_t *ends,
                        int32_t *entry_rows, void *entry_values_)
{
    const real *values = values_;
    real *entry_values = entry_values_;
    int64_t start = 0;
    for (int64_t c = first; c < last; c++) ends[c] = 0;
    for (int64_t e = offsets[0]; e < offsets[n_rows]; e++) {
        if (columns[e] < first) start++;
        else if (columns[e] < last) ends[columns[e]]++;
    }
    for (int64_t c = first; c < last; c++) {
        const int64_t count = ends[c];
        starts[c] = ends[c] = start;
        start += count;
    }
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t e = offsets[i]; e < offsets[i + 1]; e++) {
            const int32_t c = columns[e];
            if (c < first || c >= last) continue;
            entry_rows[ends[c]] = (int32_t)i;
            entry_values[ends[c]++] = values[e];
        }
}

/* dw[c] (+)= sum over the column's entries of value * dz[row], c = first .. last */
static void csr_weight_gradient(int64_t first, int64_t last, int64_t ld, const int64_t *starts,
                                const int64_t *ends, const int32_t *entry_rows,
                                const void *entry_values_, const void *dz_, void *dw_, int accumulate)
{
    const real *entry_values = entry_values_;
    for (int64_t c = first; c < last; c++) {
        real *restrict dw = (real *)dw_ + (c - first) * ld;
        if (!accumulate) memset(dw, 0, (size_t)ld * sizeof(real));
        for (int64_t e = starts[c]; e < ends[c]; e++) {
            const real *restrict dz = (const real *)dz_ + entry_rows[e] * ld;
            const real value = entry_values[e];
            for (int64_t j = 0; j < ld; j++) dw[j] = fused(value, dz[j], dw[j]);
        }
    }
}

/* Tell in `finite` whether all values are numbers, neither NaN nor infinite. */
static void all_finite(int64_t n, const void *values_, int *finite)
{
    const real *values = values_;
    const integer magnitude = REAL(0x7fffffff, 0x7fffffffffffffff), infinity = bits_of((real)INFINITY);
    integer most = 0;
    for (int64_t i = 0; i < n; i++) {
        const integer bits = bits_of(values[i]) & magnitude;
        most = bits > most ? bits : most;
    }
    *finite = most < infinity;
}

#endif
