#include "framework/ops/convolution/implicit_gemm.h"

#include <stdbool.h>
#include <string.h>

typedef vj_real whole __attribute__((vector_size(VJ_LANES * sizeof(vj_real))));
typedef vj_real half __attribute__((vector_size(VJ_PRODUCT_WIDTH * sizeof(vj_real))));

/* ROWS rows of PAIR vectors of sums stay in registers. Nine, because patches of 3 x 3 are the rows of a weight's
 * gradient; more would leave no registers for the rows' addresses. Rows are taken in bands that find b's columns still
 * in the nearest cache. No register sums more than SPAN products. */
#if defined(__AVX512F__)
enum { ROWS = 9, PAIR = 2, BAND = 64 * ROWS, SPAN = 512 };
#else
enum { ROWS = 9, PAIR = 1, BAND = 64 * ROWS, SPAN = 512 };
#endif

/* A function for the block of rows first..end-1, up to ROWS, and `vectors` vectors of columns from `at` on, added to c
 * or to `start`. Rows past the last repeat it and are not kept. Not inlined, because its inner loop takes all of the
 * processor's address registers; a macro, because a vector's type cannot be an argument. */
#define VJ_DEFINE_BLOCK(name, vector, vectors)                                                                 \
  static __attribute__((noinline)) void name(const vj_implicit_gemm *p, bool adds, int64_t first, int64_t end, \
                                             int64_t at) {                                                     \
    enum { LANES = sizeof(vector) / sizeof(vj_real) };                                                         \
    const vj_real *a[ROWS], *b = p->b + at;                                                                    \
    const int64_t pitch = p->pitch;                                                                            \
    vector sum[ROWS][vectors] = {{{0}}}, before[vectors] = {{0}};                                              \
    for (int i = 0; i < ROWS; i++) a[i] = p->a + p->row[first + i < end ? first + i : end - 1];                \
    for (const int32_t *k = p->column, *stop = k + p->depth; k < stop; k++, b += pitch) {                      \
      const int64_t place = *k;                                                                                \
      vector right[vectors];                                                                                   \
      for (int v = 0; v < (vectors); v++) memcpy(&right[v], b + v * LANES, sizeof(vector));                    \
      for (int i = 0; i < ROWS; i++)                                                                           \
        for (int v = 0; v < (vectors); v++) sum[i][v] += a[i][place] * right[v];                               \
    }                                                                                                          \
    if (p->start) memcpy(before, p->start + at, sizeof before);                                                \
    for (int i = 0; i < ROWS && first + i < end; i++) {                                                        \
      vj_real *c = p->c + p->place[first + i] + at;                                                            \
      for (int v = 0; v < (vectors); v++) {                                                                    \
        if (adds) memcpy(&before[v], c + v * LANES, sizeof(vector));                                           \
        const vector total = before[v] + sum[i][v];                                                            \
        memcpy(c + v * LANES, &total, sizeof total);                                                           \
      }                                                                                                        \
    }                                                                                                          \
  }

VJ_DEFINE_BLOCK(run_pair, whole, PAIR)
VJ_DEFINE_BLOCK(run_whole, whole, 1)
VJ_DEFINE_BLOCK(run_half, half, 1)

static void run_band(const vj_implicit_gemm *p, bool adds, int64_t begin, int64_t end) {
  int64_t at = 0;
  for (; at + PAIR * VJ_LANES <= p->width; at += PAIR * VJ_LANES)
    for (int64_t row = begin; row < end; row += ROWS) run_pair(p, adds, row, end, at);
  for (; at + VJ_LANES <= p->width; at += VJ_LANES)
    for (int64_t row = begin; row < end; row += ROWS) run_whole(p, adds, row, end, at);
  for (; at < p->width; at += VJ_PRODUCT_WIDTH)
    for (int64_t row = begin; row < end; row += ROWS) run_half(p, adds, row, end, at);
}

void vj_implicit_gemm_run(const vj_implicit_gemm *product) {
  for (int64_t begin = 0; begin < product->rows; begin += BAND) {
    const int64_t end = begin + BAND < product->rows ? begin + BAND : product->rows;
    for (int64_t done = 0; done == 0 || done < product->depth; done += SPAN) {
      vj_implicit_gemm p = *product;
      p.column += done;
      p.b += done * p.pitch;
      p.depth = p.depth - done < SPAN ? p.depth - done : SPAN;
      run_band(&p, done > 0, begin, end);
    }
  }
}
