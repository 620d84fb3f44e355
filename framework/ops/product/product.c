#include "framework/ops/product/product.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "framework/ops/product/kernels.h"
#include "vj/memory.h"
#include "vj/status.h"

#ifdef VJ_DOUBLE
#define VJ_FMA fma
#else
#define VJ_FMA fmaf
#endif

struct vj_product {
  vj_product_shape shape;
  vj_generated generated,
      rest; /* NULL: `fallback`; of the columns behind the first `columns`: NULL if there are none */
  vj_general_kernel fallback;
  int64_t columns;
  vj_product *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vj_product *known; /* the newest first */
static vj_product_counts counts;

static vj_real number_at(const void *from, uint64_t bytes, int64_t index, bool bf16) {
  const char *at = (const char *)from + bytes;
  if (!bf16) return ((const vj_real *)(const void *)at)[index];
  uint32_t bits = (uint32_t)((const uint16_t *)(const void *)at)[index] << 16;
  if ((bits & 0x7f800000) == 0) bits &= 0x80000000; /* a denormal is zero */
  float value;
  memcpy(&value, &bits, sizeof value);
  return (vj_real)value;
}

static vj_real flushed(vj_real x) { return x != 0 && fabs((double)x) < 0x1p-126 ? (vj_real)copysign(0, (double)x) : x; }

/* fma of what bf16 has. A sum is denormal if it is with 24 digits, before a denormal number's fewer digits lift it to
 * 2^-126; so it is looked at a thousand times as large. */
static vj_real fma_flushing(vj_real x, vj_real y, vj_real sum) {
  const vj_real result = VJ_FMA(x, y, sum);
  if (!(fabs((double)result) <= 0x1p-126)) return result;
  return fabs((double)VJ_FMA(x * 1024, y, sum * 1024)) < 0x1p-116 ? (vj_real)copysign(0, (double)result) : result;
}

void vj_product_reference(const vj_product_shape *s, int64_t pairs, const void *a, const uint64_t *a_at, const void *b,
                          const uint64_t *b_at, vj_real *c) {
  const int64_t down = s->a_transposed ? 1 : s->a_pitch, along = s->a_transposed ? s->a_pitch : 1;
  for (int64_t i = 0; i < s->rows; i++)
    for (int64_t j = 0; j < s->columns; j++) {
      vj_real sum = s->add ? c[i * s->c_pitch + j] : 0;
      if (s->bf16) sum = flushed(sum);
      for (int64_t e = 0; e < pairs; e++)
        for (int64_t term = 0; term < s->depth; term++) {
          const int64_t k = s->bf16 ? term ^ 1 : term; /* 1, 0, 3, 2, .. */
          const int64_t b_index = s->bf16 ? (k / 2 * s->b_pitch + j) * 2 + k % 2 : k * s->b_pitch + j;
          const vj_real x = number_at(a, a_at[e], i * down + k * along, s->bf16);
          const vj_real y = number_at(b, b_at[e], b_index, s->bf16);
          sum = s->bf16 ? fma_flushing(x, y, sum) : VJ_FMA(x, y, sum);
        }
      c[i * s->c_pitch + j] = sum;
    }
}

/* --- a kernel against the definition ---------------------------------------------------------------------------- */

/* Numbers of all sizes and signs, so that another order of a sum gives other bits. */
static void fill(vj_real *numbers, int64_t count, uint32_t seed) {
  for (int64_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    numbers[i] = (vj_real)(int32_t)seed * (vj_real)0x1p-31 * (seed & 64 ? (vj_real)8 : (vj_real)0.125);
  }
}

/* Twice as many, in bf16; some are denormal. With eight digits, sums of numbers of one size are exact in any order. */
static void fill_bf16(vj_real *numbers, int64_t count, uint32_t seed) {
  uint16_t *rounded = (uint16_t *)(void *)numbers;
  for (int64_t i = 0; i < 2 * count; i++) {
    seed = seed * 1664525u + 1013904223u;
    const float whole = (float)ldexp((double)(int32_t)seed, (int)((seed >> 4) % 24) - 43);
    const float value = (seed >> 8) % 97 == 0 ? whole * 0x1p-128f : whole;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    rounded[i] = (uint16_t)(bits >> 16);
  }
}

static void run_generated(const vj_product *p, int64_t pairs, const void *a, const uint64_t *a_at, const void *b,
                          const uint64_t *b_at, vj_real *c) {
  const unsigned long long count = (unsigned long long)pairs;
  const unsigned long long *a_places = (const unsigned long long *)a_at;
  const unsigned long long *b_places = (const unsigned long long *)b_at;
  p->generated(b, a, c, &count, b_places, a_places);
  if (p->rest) p->rest((const vj_real *)b + p->columns, a, c + p->columns, &count, b_places, a_places);
}

/* Rows first..first+count-1 of both. */
static bool equal_rows(const vj_product_shape *s, int64_t first, int64_t count, int64_t pairs, const vj_real *a,
                       const uint64_t *a_at, const vj_real *b, const uint64_t *b_at, const vj_real *got,
                       vj_real *expected) {
  vj_product_shape part = *s;
  part.rows = count;
  const size_t number = s->bf16 ? sizeof(uint16_t) : sizeof(vj_real);
  const char *from = (const char *)a + (size_t)(first * (s->a_transposed ? 1 : s->a_pitch)) * number;
  vj_product_plain(&part, pairs, from, a_at, b, b_at, expected + first * s->c_pitch);
  for (int64_t i = first; i < first + count; i++)
    if (memcmp(got + i * s->c_pitch, expected + i * s->c_pitch, (size_t)s->columns * sizeof *got) != 0) return false;
  return true;
}

/* Two pairs, so that the order of pairs shows; the first and last rows, where blocks of rows end, and some between. */
static vj_status compare(const vj_product *product, bool *same) {
  enum { PAIRS = 2, ROWS_AT_ONCE = 7, STRETCHES = 5 };
  vj_status status = VJ_OK;
  const vj_product_shape *const s = &product->shape;
  const int64_t a_numbers = ((s->a_transposed ? s->depth : s->rows) + 1) * s->a_pitch + s->depth;
  const int64_t b_numbers = s->depth * s->b_pitch + s->columns, c_numbers = s->rows * s->c_pitch + s->columns;
  vj_real *a = NULL, *b = NULL, *got = NULL, *expected = NULL;
  *same = false;
  VJ_TRY_GOTO(status, vj_allocate((size_t)(a_numbers + 16), sizeof *a, "the check of a kernel", &a), cleanup);
  VJ_TRY_GOTO(status, vj_allocate((size_t)(b_numbers + 16), sizeof *b, "the check of a kernel", &b), cleanup);
  VJ_TRY_GOTO(status, vj_allocate((size_t)c_numbers, sizeof *got, "the check of a kernel", &got), cleanup);
  VJ_TRY_GOTO(status, vj_allocate((size_t)c_numbers, sizeof *expected, "the check of a kernel", &expected), cleanup);
  (s->bf16 ? fill_bf16 : fill)(a, a_numbers + 16, 1);
  (s->bf16 ? fill_bf16 : fill)(b, b_numbers + 16, 2);
  fill(got, c_numbers, 3);
  memcpy(expected, got, (size_t)c_numbers * sizeof *got);
  const uint64_t at[PAIRS] = {0, 16 * sizeof(vj_real)}, back[PAIRS] = {at[1], at[0]};
  run_generated(product, PAIRS, a, at, b, back, got);
  *same = true;
  for (int64_t i = 0, done = 0; i < STRETCHES && *same; i++) { /* each row once: it may be added to */
    const int64_t end = ROWS_AT_ONCE + (s->rows - ROWS_AT_ONCE) * i / (STRETCHES - 1), begin = end - ROWS_AT_ONCE;
    const int64_t first = begin > done ? begin : done, last = end < s->rows ? end : s->rows;
    if (last <= first) continue;
    *same = equal_rows(s, first, last - first, PAIRS, a, at, b, back, got, expected);
    done = last;
  }
cleanup:
  free(a);
  free(b);
  free(got);
  free(expected);
  return status;
}

/* --- kernels ----------------------------------------------------------------------------------------------------- */

static bool same_shape(const vj_product_shape *a, const vj_product_shape *b) {
  return a->rows == b->rows && a->columns == b->columns && a->depth == b->depth && a->a_pitch == b->a_pitch &&
         a->b_pitch == b->b_pitch && a->c_pitch == b->c_pitch && a->a_transposed == b->a_transposed &&
         a->add == b->add && a->bf16 == b->bf16;
}

static void generate(vj_product *product) {
  vj_product_shape part = product->shape;
  part.columns = product->columns = vj_product_columns_at_once(&part);
  product->generated = vj_product_generate(&part);
  part.columns = product->shape.columns - product->columns;
  if (part.columns == 0 || !product->generated) return;
  product->rest = vj_product_generate(&part);
  if (!product->rest) product->generated = NULL;
}

static vj_status create(const vj_product_shape *shape, vj_product **made) {
  vj_product *product = NULL;
  VJ_TRY(vj_allocate(1, sizeof *product, "a kernel", &product));
  product->shape = *shape;
  generate(product);
  bool same = false;
  const vj_status status = product->generated ? compare(product, &same) : VJ_OK;
  if (status != VJ_OK) {
    free(product);
    return status;
  }
  if (!same) product->generated = NULL;
  product->fallback = vj_product_fallback(shape);
  counts.all++;
  counts.plain += !product->generated && product->fallback == vj_product_plain;
  product->next = known;
  *made = known = product;
  return VJ_OK;
}

const vj_product *vj_product_find(const vj_product_shape *shape) {
  pthread_mutex_lock(&lock);
  vj_product *found = known;
  while (found && !same_shape(&found->shape, shape)) found = found->next;
  if (!found && create(shape, &found) != VJ_OK) found = NULL;
  pthread_mutex_unlock(&lock);
  return found;
}

void vj_product_run(const vj_product *product, int64_t pairs, const void *a, const uint64_t *a_at, const void *b,
                    const uint64_t *b_at, vj_real *c) {
  const vj_product_shape *s = &product->shape;
  if (product->generated && pairs > 0) {
    run_generated(product, pairs, a, a_at, b, b_at, c);
  } else {
    product->fallback(s, pairs, a, a_at, b, b_at, c);
  }
}

void vj_product_once(const vj_product *product, const void *a, const void *b, vj_real *c) {
  static const uint64_t here[1] = {0};
  vj_product_run(product, 1, a, here, b, here, c);
}

vj_product_counts vj_product_count(void) {
  pthread_mutex_lock(&lock);
  const vj_product_counts now = counts;
  pthread_mutex_unlock(&lock);
  return now;
}

int vj_product_shapes(vj_product_shape *shapes, int capacity) {
  int count = 0;
  pthread_mutex_lock(&lock);
  for (const vj_product *product = known; product; product = product->next, count++)
    if (count < capacity) shapes[count] = product->shape;
  pthread_mutex_unlock(&lock);
  return count;
}
