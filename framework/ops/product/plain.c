/* The product in plain C: for shapes and systems that LIBXSMM makes no code for, and in double. */
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/ops/product/kernels.h"

#ifdef VJ_DOUBLE
#define VJ_FMA __builtin_fma
#else
#define VJ_FMA __builtin_fmaf
#endif

/* Sums that registers hold. */
enum { ROWS = 4, COLUMNS = 32 };

static VJ_INLINE const void *moved(const void *from, uint64_t bytes) { return (const char *)from + bytes; }

/* A block of c at (row, column). `rows` and `columns` are ROWS and COLUMNS wherever whole blocks fit, so that the
 * compiler knows them. */
static VJ_INLINE void block(const vj_product_shape *s, const vj_pairs *p, vj_real *c, int64_t row, int64_t column,
                            int64_t rows, int64_t columns) {
  const int64_t down = s->a_transposed ? 1 : s->a_pitch, along = s->a_transposed ? s->a_pitch : 1;
  vj_real sum[ROWS][COLUMNS];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) sum[i][j] = s->add ? c[(row + i) * s->c_pitch + column + j] : 0;
  for (int64_t e = 0; e < p->count; e++) {
    const vj_real *a = moved(p->a, p->a_at[e]), *b = moved(p->b, p->b_at[e]);
    a += row * down;
    b += column;
    for (int64_t k = 0; k < s->depth; k++, a += along, b += s->b_pitch)
      for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) sum[i][j] = VJ_FMA(a[i * down], b[j], sum[i][j]);
  }
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) c[(row + i) * s->c_pitch + column + j] = sum[i][j];
}

typedef void (*block_kernel)(const vj_product_shape *, const vj_pairs *, vj_real *, int64_t, int64_t, int64_t, int64_t);

/* `one` is a constant, so that the compiler has its loops here. */
static VJ_INLINE void all_blocks(const vj_product_shape *s, const vj_pairs *p, vj_real *c, block_kernel one) {
  for (int64_t column = 0; column < s->columns; column += COLUMNS) {
    const int64_t columns = s->columns - column < COLUMNS ? s->columns - column : COLUMNS;
    for (int64_t row = 0; row < s->rows; row += ROWS) {
      const int64_t rows = s->rows - row < ROWS ? s->rows - row : ROWS;
      if (rows == ROWS && columns == COLUMNS)
        one(s, p, c, row, column, ROWS, COLUMNS);
      else
        one(s, p, c, row, column, rows, columns);
    }
  }
}

VJ_KERNEL(multiply, (const vj_product_shape *s, const vj_pairs *p, vj_real *c), (s, p, c)) {
  all_blocks(s, p, c, block);
}

/* --- bf16 -------------------------------------------------------------------------------------------------------- */

/* The second and the first number of a pair, as they lie in the halves of a word. */
static VJ_INLINE float second_of(uint32_t pair) {
  const uint32_t bits = pair & 0xffff0000u;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static VJ_INLINE float first_of(uint32_t pair) {
  const uint32_t bits = pair << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static VJ_INLINE void block_bf16(const vj_product_shape *s, const vj_pairs *p, vj_real *c, int64_t row, int64_t column,
                                 int64_t rows, int64_t columns) {
  float sum[ROWS][COLUMNS];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) sum[i][j] = s->add ? (float)c[(row + i) * s->c_pitch + column + j] : 0;
  for (int64_t e = 0; e < p->count; e++) {
    const uint32_t *a = moved(p->a, p->a_at[e]), *b = moved(p->b, p->b_at[e]);
    a += row * s->a_pitch / 2;
    b += column;
    for (int64_t k = 0; k < s->depth / 2; k++, b += s->b_pitch)
      for (int64_t i = 0; i < rows; i++) {
        const float second = second_of(a[i * s->a_pitch / 2 + k]), first = first_of(a[i * s->a_pitch / 2 + k]);
        for (int64_t j = 0; j < columns; j++)
          sum[i][j] = __builtin_fmaf(first, first_of(b[j]), __builtin_fmaf(second, second_of(b[j]), sum[i][j]));
      }
  }
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) c[(row + i) * s->c_pitch + column + j] = (vj_real)sum[i][j];
}

VJ_KERNEL(multiply_bf16, (const vj_product_shape *s, const vj_pairs *p, vj_real *c), (s, p, c)) {
  all_blocks(s, p, c, block_bf16);
}

/* Denormal factors and sums are zero while it lasts. */
static void multiply_flushing(const vj_product_shape *s, const vj_pairs *p, vj_real *c) {
#if defined(__x86_64__)
  enum { FLUSH = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };
  const unsigned control = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(control | FLUSH | DENORMALS_ARE_ZERO);
  multiply_bf16(s, p, c);
  __builtin_ia32_ldmxcsr(control);
#else /* others find a number denormal before it is rounded, or not at all */
  vj_product_reference(s, p->count, p->a, p->a_at, p->b, p->b_at, c);
#endif
}

void vj_product_plain(const vj_product_shape *shape, int64_t count, const void *a, const uint64_t *a_at, const void *b,
                      const uint64_t *b_at, vj_real *c) {
  (shape->bf16 ? multiply_flushing : multiply)(shape, &(vj_pairs){count, a, b, a_at, b_at}, c);
}

VJ_KERNEL(add_row, (const vj_real *restrict row, int64_t rows, int64_t columns, vj_real *restrict c, int64_t pitch),
          (row, rows, columns, c, pitch)) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) c[i * pitch + j] += row[j];
}

void vj_add_row(const vj_real *row, int64_t rows, int64_t columns, vj_real *c, int64_t c_pitch) {
  add_row(row, rows, columns, c, c_pitch);
}
