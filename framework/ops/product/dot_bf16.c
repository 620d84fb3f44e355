/* The product in bf16 with the processor's own instruction, for shapes whose sums LIBXSMM splits: those of one vector
 * of columns and few rows, as in the gradients of convolutions of 16 channels. The instruction adds both products of a
 * pair of terms in the order of the definition, and takes what is denormal for zero. */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "framework/base/kernel.h"
#include "framework/ops/product/kernels.h"

#if defined(__x86_64__) && !defined(VJ_DOUBLE)

/* A vector of columns, and the rows whose sums registers hold: enough that none waits for the one before. */
enum { COLUMNS = 16, ROWS = 8 };

#define DOT __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

/* Rows row..row+rows-1 of the columns that `mask` has; `rows` is a constant wherever this is inlined. */
DOT static VJ_INLINE void block(const vj_product_shape *s, const vj_pairs *p, float *c, int64_t row, int64_t column,
                                __mmask16 mask, int64_t rows) {
  __m512 sum[ROWS];
  float *const to = c + row * s->c_pitch + column;
  for (int64_t i = 0; i < rows; i++)
    sum[i] = s->add ? _mm512_maskz_loadu_ps(mask, to + i * s->c_pitch) : _mm512_setzero_ps();
  for (int64_t e = 0; e < p->count; e++) {
    const char *a = (const char *)p->a + p->a_at[e] + row * s->a_pitch * 2;
    const char *b = (const char *)p->b + p->b_at[e] + column * 4;
    for (int64_t k = 0; k < s->depth / 2; k++) {
      const __m512bh right = (__m512bh)_mm512_maskz_loadu_epi32(mask, b + k * s->b_pitch * 4);
      for (int64_t i = 0; i < rows; i++) {
        int pair;
        __builtin_memcpy(&pair, a + i * s->a_pitch * 2 + k * 4, sizeof pair);
        sum[i] = _mm512_dpbf16_ps(sum[i], (__m512bh)_mm512_set1_epi32(pair), right);
      }
    }
  }
  for (int64_t i = 0; i < rows; i++) _mm512_mask_storeu_ps(to + i * s->c_pitch, mask, sum[i]);
}

DOT static void few_rows(const vj_product_shape *s, const vj_pairs *p, float *c, int64_t row, int64_t column,
                         __mmask16 mask) {
  switch (s->rows - row) {
    case 1:
      block(s, p, c, row, column, mask, 1);
      break;
    case 2:
      block(s, p, c, row, column, mask, 2);
      break;
    case 3:
      block(s, p, c, row, column, mask, 3);
      break;
    case 4:
      block(s, p, c, row, column, mask, 4);
      break;
    case 5:
      block(s, p, c, row, column, mask, 5);
      break;
    case 6:
      block(s, p, c, row, column, mask, 6);
      break;
    default:
      block(s, p, c, row, column, mask, 7);
      break;
  }
}

DOT static void multiply(const vj_product_shape *s, int64_t count, const void *a, const uint64_t *a_at, const void *b,
                         const uint64_t *b_at, vj_real *c) {
  const vj_pairs p = {count, a, b, a_at, b_at};
  for (int64_t column = 0; column < s->columns; column += COLUMNS) {
    const int64_t columns = s->columns - column;
    const __mmask16 mask = (__mmask16)(columns < COLUMNS ? (1u << columns) - 1 : 0xffff);
    int64_t row = 0;
    for (; row + ROWS <= s->rows; row += ROWS) block(s, &p, c, row, column, mask, ROWS);
    if (row < s->rows) few_rows(s, &p, c, row, column, mask);
  }
}

vj_general_kernel vj_product_fallback(const vj_product_shape *shape) {
  return shape->bf16 && vj_cpu_path() >= VJ_CPU_AVX512_BF16 ? multiply : vj_product_plain;
}

#else

vj_general_kernel vj_product_fallback(const vj_product_shape *shape) {
  (void)shape;
  return vj_product_plain;
}

#endif
