/* C (+)= A B + bias and C (+)= A' B: the matrix products of a dense layer.
 *
 *   matmul             forward          Z  (rows, out) = X  (rows, in)  W
 *                      input gradient   dX (rows, in)  = dZ (rows, out) W'
 *   matmul_transposed  weight gradient  dW (in, out)   = X' (in, rows)  dZ
 *                      bias gradient    db (1, out)    = 1' (1, rows)   dZ
 *
 * A is read by scalars, B and C are rows of whole 64-byte panels. The rows of A may be rows of the
 * user's data in any order, so that no batch is copied together.
 *
 * A tile of C stays in registers while k runs, each element of it summed by one accumulator in
 * the order of k: so tile shapes, threads and instruction sets do not change the bits. Weights
 * are plain padded rows, not packed panels: measured on Zen 5 the two differ by under 1 %, and
 * plain rows let the user's `coefs_`, the optimizer and sparse input share one layout.
 */
#ifndef FASTNN_DENSE_H
#define FASTNN_DENSE_H

#include "prefetch.h"
#include "program.h"
#include "simd.h"

/* Operands: numbers of the type, or pairs, which bfloat16.h puts in their place. */
#ifndef OPERAND_IS_PAIR
typedef real operand;
typedef vector operands;
INLINE operands spread(operand a) { return broadcast(a); }
INLINE vector multiply_add(operands a, operands b, vector sum) { return VECTOR_FMA(a, b, sum); }
#endif

/* Beyond this many k the tile is put down and picked up again, so that the rows of B in use stay
 * in the cache for the next tile of C. The sums go on where they stopped: same bits. Rows in any
 * order come from far away: they are asked for two tiles ahead, which must not be much at once. */
enum { K_BLOCK = 1024, K_BLOCK_FAR = 256, K_AHEAD = 16 };

/* Row k of A, which is read by columns, while one further on is asked for. */
INLINE const operand *row_of_transposed(const operand *a, int64_t lda, const int64_t *order,
                                        int64_t k, int64_t n_k)
{
    if (!order) return a + k * lda;
    __builtin_prefetch(a + order[k + K_AHEAD < n_k ? k + K_AHEAD : k] * lda);
    return a + order[k] * lda;
}

/* One tile of C. Where `order` is not NULL, row r of A lies in row order[r] of `a`. */
INLINE void tile(const int transposed, const int rows, const int panels, int64_t n_k,
                 const operand *a, int64_t lda, const int64_t *order, const operand *b, int64_t ldb,
                 const real *bias, real *c, int64_t ldc, int resume)
{
    enum { MOST_ROWS = 12, MOST = 24 * 4 };
    vector sum[MOST];
    const operand *row[MOST_ROWS];
    const int width = panels * VECTORS;
    UNROLL for (int i = 0; i < rows && !transposed; i++)
        row[i] = a + (order ? order[i] : i) * lda;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < width; v++)
            sum[i * width + v] = resume ? *(vector *)(c + i * ldc + v * LANES) : (vector){0};
    for (int64_t k = 0; k < n_k; k++, b += ldb) {
        const operand *column = transposed ? row_of_transposed(a, lda, order, k, n_k) : NULL;
        operands bv[4 * VECTORS];
        UNROLL for (int v = 0; v < width; v++) bv[v] = *(const operands *)(b + v * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            const operands av = spread(transposed ? column[i] : row[i][k]);
            UNROLL for (int v = 0; v < width; v++)
                sum[i * width + v] = multiply_add(av, bv[v], sum[i * width + v]);
        }
    }
    /* Addresses are computed anew: kept from above, they would take registers from the loop. */
    __asm__("" : "+r"(c), "+r"(ldc));
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < width; v++) {
            if (bias) sum[i * width + v] += *(const vector *)(bias + v * LANES);
            *(vector *)(c + i * ldc + v * LANES) = sum[i * width + v];
        }
}

typedef void tile_function(int64_t, const operand *, int64_t, const int64_t *, const operand *,
                           int64_t, const real *, real *, int64_t, int);

#define TILE_OF(name, transposed, rows, panels)                                                 \
    static void name##_##rows##x##panels(int64_t n_k, const operand *a, int64_t lda,            \
                                         const int64_t *order, const operand *b, int64_t ldb,   \
                                         const real *bias, real *c, int64_t ldc, int resume)    \
    {                                                                                           \
        tile(transposed, rows, panels, n_k, a, lda, order, b, ldb, bias, c, ldc, resume);       \
    }
#define TILE(rows, panels) TILE_OF(tile, 0, rows, panels) TILE_OF(tile_transposed, 1, rows, panels)
#define NAME(rows, panels) tile_##rows##x##panels,
#define NAME_TRANSPOSED(rows, panels) tile_transposed_##rows##x##panels,

/* EACH_n(F, p): F(1, p) F(2, p) .. F(n, p) */
#define EACH_2(F, p) F(1, p) F(2, p)
#define EACH_6(F, p) EACH_2(F, p) F(3, p) F(4, p) F(5, p) F(6, p)
#define EACH_8(F, p) EACH_6(F, p) F(7, p) F(8, p)
#define EACH_12(F, p) EACH_8(F, p) F(9, p) F(10, p) F(11, p) F(12, p)
#define EACH_(n) EACH_##n
#define EACH(n, F, p) EACH_(n)(F, p)

EACH(TILE_ROWS_1, TILE, 1)
static tile_function *const tiles_1[] = {EACH(TILE_ROWS_1, NAME, 1)};
static tile_function *const transposed_1[] = {EACH(TILE_ROWS_1, NAME_TRANSPOSED, 1)};
#if TILE_PANELS == 4
EACH(TILE_ROWS_2, TILE, 2)
EACH(TILE_ROWS_3, TILE, 3)
EACH(TILE_ROWS_4, TILE, 4)
static tile_function *const tiles_2[] = {EACH(TILE_ROWS_2, NAME, 2)};
static tile_function *const tiles_3[] = {EACH(TILE_ROWS_3, NAME, 3)};
static tile_function *const tiles_4[] = {EACH(TILE_ROWS_4, NAME, 4)};
static tile_function *const transposed_2[] = {EACH(TILE_ROWS_2, NAME_TRANSPOSED, 2)};
static tile_function *const transposed_3[] = {EACH(TILE_ROWS_3, NAME_TRANSPOSED, 3)};
static tile_function *const transposed_4[] = {EACH(TILE_ROWS_4, NAME_TRANSPOSED, 4)};
static tile_function *const *const tiles[2][4] = {
    {tiles_1, tiles_2, tiles_3, tiles_4},
    {transposed_1, transposed_2, transposed_3, transposed_4}};
static const int tile_rows[] = {TILE_ROWS_1, TILE_ROWS_2, TILE_ROWS_3, TILE_ROWS_4};
#else
static tile_function *const *const tiles[2][1] = {{tiles_1}, {transposed_1}};
static const int tile_rows[] = {TILE_ROWS_1};
#endif

/* The last columns of a weight gradient, if they are at most NARROW of a panel's: a vector holds
 * several rows of one column, so that it is not padding that is multiplied. */
enum { NARROW = 4, NARROW_VECTORS = (TASK_ROWS + LANES - 1) / LANES };

INLINE int is_narrow(int transposed, int64_t n_rows, int64_t n_cols)
{
    return transposed && NARROW_VECTORS * NARROW <= 12 && n_rows >= LANES && n_rows <= TASK_ROWS
           && n_cols % PANEL && n_cols % PANEL <= NARROW;
}

static void tile_narrow(int64_t n_rows, int64_t n_k, const operand *a, int64_t lda,
                        const int64_t *order, const operand *b, int64_t ldb, real *c, int64_t ldc,
                        int resume)
{
    typedef operands unaligned __attribute__((aligned(sizeof(operand))));
    int64_t first[NARROW_VECTORS]; /* the last vectors overlap rather than go beyond the rows */
    vector sum[NARROW_VECTORS][NARROW];
    UNROLL for (int v = 0; v < NARROW_VECTORS; v++) {
        first[v] = (v + 1) * LANES <= n_rows ? v * LANES : n_rows - LANES;
        UNROLL for (int j = 0; j < NARROW; j++) {
            sum[v][j] = (vector){0};
            if (resume)
                for (int i = 0; i < LANES; i++) sum[v][j][i] = c[(first[v] + i) * ldc + j];
        }
    }
    for (int64_t k = 0; k < n_k; k++, b += ldb) {
        const operand *column = row_of_transposed(a, lda, order, k, n_k);
        operands av[NARROW_VECTORS];
        UNROLL for (int v = 0; v < NARROW_VECTORS; v++)
            av[v] = *(const unaligned *)(column + first[v]);
        UNROLL for (int j = 0; j < NARROW; j++) {
            const operands bv = spread(b[j]);
            UNROLL for (int v = 0; v < NARROW_VECTORS; v++)
                sum[v][j] = multiply_add(av[v], bv, sum[v][j]);
        }
    }
    UNROLL for (int v = 0; v < NARROW_VECTORS; v++)
        for (int i = 0; i < LANES; i++) {
            real *row = c + (first[v] + i) * ldc;
            UNROLL for (int u = 0; u < VECTORS; u++) ((vector *)row)[u] = (vector){0};
            UNROLL for (int j = 0; j < NARROW; j++) row[j] = sum[v][j][i];
        }
}

/* Return the panels of the next tile of those left: no narrow one comes last (7 = 4 + 3). */
INLINE int tile_width(int64_t left)
{
    if (left <= TILE_PANELS) return (int)left;
    return TILE_PANELS == 4 && (left == 5 || left == 6 || left == 9) ? 3 : TILE_PANELS;
}

INLINE void product(const int transposed, int64_t n_rows, int64_t n_k, int64_t n_cols,
                    const operand *a, int64_t lda, const int64_t *order, const operand *b,
                    int64_t ldb, const real *bias, real *c, int64_t ldc, int accumulate)
{
    enum { SIZE = sizeof(operand) };
    const int narrow = is_narrow(transposed, n_rows, n_cols);
    const int64_t block = order && !transposed ? K_BLOCK_FAR : K_BLOCK;
    int64_t k = 0;
    do {
        const int64_t k_left = n_k - k, n = k_left < block ? k_left : block;
        const int last = n == k_left;
        int panels;
        int64_t p = 0;
        for (int64_t left = (n_cols + PANEL - 1) / PANEL - narrow; left; p += panels, left -= panels) {
            panels = tile_width(left);
            const int most = tile_rows[panels - 1];
            for (int64_t i = 0; i < n_rows; i += most) {
                const int64_t rows = n_rows - i < most ? n_rows - i : most;
                const int64_t first = transposed ? k : i; /* row of A */
                if (order && !transposed && p == 0)
                    prefetch_rows(a + k, lda * SIZE, order, i + 2 * most, i + 3 * most, n_rows,
                                  n * SIZE);
                tiles[transposed][panels - 1][rows - 1](
                    n, a + (order ? 0 : first * lda) + (transposed ? i : k), lda,
                    order ? order + first : NULL, b + k * ldb + p * PANEL, ldb,
                    bias && last ? bias + p * PANEL : NULL, c + i * ldc + p * PANEL, ldc,
                    accumulate || k);
            }
        }
        if (narrow)
            tile_narrow(n_rows, n, order ? a : a + k * lda, lda, order ? order + k : NULL,
                        b + k * ldb + p * PANEL, ldb, c + p * PANEL, ldc, accumulate || k);
        k += n;
    } while (k < n_k);
}

static void matmul(int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a, int64_t lda,
                   const int64_t *order, const void *b, int64_t ldb, const void *bias, void *c,
                   int64_t ldc, int accumulate)
{
    product(0, n_rows, n_k, n_cols, a, lda, order, b, ldb, bias, c, ldc, accumulate);
}

static void matmul_transposed(int64_t n_rows, int64_t n_k, int64_t n_cols, const void *a,
                              int64_t lda, const int64_t *order, const void *b, int64_t ldb,
                              void *c, int64_t ldc, int accumulate)
{
    product(1, n_rows, n_k, n_cols, a, lda, order, b, ldb, NULL, c, ldc, accumulate);
}

#endif
