/* Products are their definition to the bit: with every width of vectors that this processor has, and in plain C where
 * no code can be made. Each is a process of its own, since one is chosen once a process. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/cpu.h"
#include "framework/ops/product/kernels.h"
#include "framework/ops/product/long_sum.h"
#include "tests/support/forbid_code.h"
#include "tests/support/requirements.h"

enum { MOST_PAIRS = 5 };

static bool code_is_forbidden;

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static uint32_t seed;

static uint32_t draw(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static float power_of_two(int exponent) { return (float)ldexp(1, exponent); }

/* Of all sizes, so that another order of a sum shows; a zero of either sign now and then. */
static float any_number(void) {
  const float sign = draw(2) ? 1 : -1;
  return draw(17) == 0 ? sign * 0 : sign * (1 + (float)draw(1u << 23) * 0x1p-23f) * power_of_two((int)draw(12) - 6);
}

/* Around the smallest normal numbers, where products and their sums are denormal as often as not. */
static float small_number(void) {
  const float sign = draw(2) ? 1 : -1, size = 1 + (float)draw(1u << 23) * 0x1p-23f;
  switch (draw(8)) {
    case 0:
      return sign * size * 0x1p-130f;
    case 1:
      return sign * size * 0x1p-120f;
    default:
      return sign * size * power_of_two(-66 + (int)draw(8));
  }
}

/* Its last byte is the last of a page, behind which none can be read. */
typedef struct block {
  size_t bytes, mapped;
  char *page, *first;
} block;

static block block_of(size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped = (bytes + page - 1) / page * page + page;
  char *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(at != MAP_FAILED);
  assert_int_equal(mprotect(at + mapped - page, page, PROT_NONE), 0);
  return (block){bytes, mapped, at, at + mapped - page - bytes};
}

static void release(block *b) { munmap(b->page, b->mapped); }

static void fill(block *b, bool bf16, float (*number)(void)) {
  for (size_t i = 0; i < b->bytes / (bf16 ? 2 : 4); i++) {
    const float value = number();
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (bf16)
      ((uint16_t *)(void *)b->first)[i] = (uint16_t)(bits >> 16);
    else
      ((float *)(void *)b->first)[i] = value;
  }
}

/* --- a product against its definition ------------------------------------------------------------------------------
 */

/* Factors of several pairs, which lie apart, in no order and over each other. */
typedef struct factors {
  block a, b;
  uint64_t a_at[MOST_PAIRS], b_at[MOST_PAIRS];
} factors;

static factors factors_of(const vj_product_shape *s, int64_t pairs, float (*number)(void)) {
  const int64_t a_rows = s->a_transposed ? s->depth : s->rows, a_width = s->a_transposed ? s->rows : s->depth;
  const int64_t b_rows = s->bf16 ? s->depth / 2 : s->depth;
  const int64_t a_step = s->bf16 ? 2 : 1, a_number = s->bf16 ? 2 : 4; /* a pair of b has four bytes, as a float has */
  const int64_t a_count = (a_rows - 1) * s->a_pitch + a_width, b_count = (b_rows - 1) * s->b_pitch + s->columns;
  factors f = {.a = block_of((size_t)((a_count + 12 * a_step) * a_number)),
               .b = block_of((size_t)((b_count + 12) * 4))};
  for (int64_t e = 0; e < pairs; e++) {
    f.a_at[e] = e == 0 ? (uint64_t)(12 * a_step * a_number) : (uint64_t)(draw(13) * (uint32_t)(a_step * a_number));
    f.b_at[e] = e == 0 ? 12 * 4 : draw(13) * 4;
  }
  fill(&f.a, s->bf16, number);
  fill(&f.b, s->bf16, number);
  return f;
}

static bool equal_or_both_nan(float x, float y) { return memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y)); }

static void compare(const vj_product_shape *s, const char *how, const block *got, const block *defined) {
  const float *x = (const float *)(const void *)got->first, *y = (const float *)(const void *)defined->first;
  for (size_t i = 0; i < got->bytes / sizeof *x; i++)
    if (!equal_or_both_nan(x[i], y[i]))
      fail_msg("%s, %d x %d x %d%s%s%s, pitches %d, %d, %d: number %d of c is %a, not %a", how, (int)s->rows,
               (int)s->columns, (int)s->depth, s->a_transposed ? ", a transposed" : "", s->add ? ", added" : "",
               s->bf16 ? ", bf16" : "", (int)s->a_pitch, (int)s->b_pitch, (int)s->c_pitch, (int)i, (double)x[i],
               (double)y[i]);
}

/* Numbers between the rows of c stay; what stood in c has no say where nothing is added to it. */
static void is_its_definition(const vj_product_shape *s, int64_t pairs, float (*number)(void)) {
  const vj_product *product = vj_product_find(s);
  assert_non_null(product);
  factors f = factors_of(s, pairs, number);
  const size_t bytes = (size_t)((s->rows - 1) * s->c_pitch + s->columns) * sizeof(float);
  block c[3] = {block_of(bytes), block_of(bytes), block_of(bytes)};
  fill(&c[0], false, number);
  if (!s->add) ((float *)(void *)c[0].first)[0] = NAN;
  memcpy(c[1].first, c[0].first, bytes);
  memcpy(c[2].first, c[0].first, bytes);
  vj_product_reference(s, pairs, f.a.first, f.a_at, f.b.first, f.b_at, (float *)(void *)c[0].first);
  vj_product_run(product, pairs, f.a.first, f.a_at, f.b.first, f.b_at, (float *)(void *)c[1].first);
  vj_product_plain(s, pairs, f.a.first, f.a_at, f.b.first, f.b_at, (float *)(void *)c[2].first);
  compare(s, "a kernel", &c[1], &c[0]);
  compare(s, "plain C", &c[2], &c[0]);
  for (int i = 0; i < 3; i++) release(&c[i]);
  release(&f.a);
  release(&f.b);
}

static vj_product_shape shape_of(int64_t rows, int64_t columns, int64_t depth, bool transposed, bool add, bool bf16) {
  return (vj_product_shape){rows, columns, depth, transposed ? rows : depth, columns, columns, transposed, add, bf16};
}

static void apart(vj_product_shape *s, int64_t a, int64_t b, int64_t c) {
  s->a_pitch += s->bf16 ? 2 * a : a;
  s->b_pitch += b;
  s->c_pitch += c;
}

/* Sizes around the vectors and blocks of every kernel, primes, and 1. */
static void many_shapes(bool bf16, float (*number)(void)) {
  static const int64_t sizes[] = {1,  2,  3,  4,  5,  7,  8,  11, 13, 15, 16, 17, 23, 24, 29,
                                  31, 32, 33, 37, 47, 48, 49, 61, 63, 64, 65, 80, 96, 97, 128};
  enum { SIZES = sizeof sizes / sizeof *sizes, SHAPES = 220 };
  for (uint32_t i = 0; i < SHAPES; i++) {
    seed = i + 1;
    const int64_t rows = sizes[draw(SIZES)], columns = sizes[draw(SIZES)], depth = sizes[draw(SIZES)];
    vj_product_shape s = shape_of(rows, columns, bf16 ? (depth + 1) / 2 * 2 : depth, !bf16 && draw(2), draw(2), bf16);
    if (draw(2)) apart(&s, draw(9), draw(9), draw(9));
    is_its_definition(&s, 1 + draw(MOST_PAIRS), number);
  }
}

static void in_float(void **state) {
  (void)state;
  many_shapes(false, any_number);
  many_shapes(false, small_number); /* here denormal numbers are what they are */
}

static void in_bf16(void **state) {
  (void)state;
  many_shapes(true, any_number);
  many_shapes(true, small_number);
}

static void with_large_pitches(void **state) {
  (void)state;
  for (int kind = 0; kind < 8; kind++) {
    vj_product_shape s = shape_of(19, 40, 26, kind & 4 && !(kind & 2), kind & 1, kind & 2);
    apart(&s, 5000, 3001, 7003);
    is_its_definition(&s, 3, any_number);
  }
}

static void deep_sums(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    const vj_product_shape s = shape_of(9, 33, 3000, kind == 1, true, kind == 2);
    is_its_definition(&s, 2, any_number);
  }
}

/* With no pairs c is zeros, or stays. */
static void without_pairs(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    const vj_product_shape s = shape_of(5, 18, 8, false, kind & 1, kind & 2);
    is_its_definition(&s, 0, any_number);
  }
}

/* --- edges of bf16 ------------------------------------------------------------------------------------------------ */

static uint16_t bf16(double x) {
  const float value = (float)x;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  assert_int_equal(bits & 0xffff, 0);
  return (uint16_t)(bits >> 16);
}

/* One number of c, of which `first` and `second` are the terms. */
static float sum_in_bf16(const double first[2], const double second[2], float c) {
  const vj_product_shape s = shape_of(1, 1, 2, false, true, true);
  const vj_product *product = vj_product_find(&s);
  assert_non_null(product);
  const uint16_t a[2] = {bf16(first[0]), bf16(second[0])}, b[2] = {bf16(first[1]), bf16(second[1])};
  const uint64_t here[1] = {0};
  float got = c, plain = c, defined = c;
  vj_product_run(product, 1, a, here, b, here, &got);
  vj_product_plain(&s, 1, a, here, b, here, &plain);
  vj_product_reference(&s, 1, a, here, b, here, &defined);
  if (!equal_or_both_nan(got, defined)) fail_msg("a kernel gives %a, not %a", (double)got, (double)defined);
  if (!equal_or_both_nan(plain, defined)) fail_msg("plain C gives %a, not %a", (double)plain, (double)defined);
  return got;
}

static void what_is_denormal_is_zero_in_bf16(void **state) {
  (void)state;
  static const double none[2] = {0, 0};
  assert_true(sum_in_bf16((double[2]){0x1p-130, 0x1p100}, none, 1) == 1);        /* a factor */
  assert_true(sum_in_bf16((double[2]){0x1p100, 0x1p-130}, none, 1) == 1);        /* */
  assert_true(sum_in_bf16(none, none, 0x1p-130f) == 0);                          /* what is added to */
  assert_true(sum_in_bf16((double[2]){0x1p-70, 0x1p-70}, none, 0) == 0);         /* a sum */
  assert_true(sum_in_bf16((double[2]){0x1p-63, 0x1p-63}, none, 0) == 0x1p-126f); /* the smallest that is not */
  /* The second term goes first: its sum is lost before the other could lift it. */
  assert_true(sum_in_bf16((double[2]){0x1p-63, 0x1p-63}, (double[2]){0x1p-64, 0x1p-63}, 0) == 0x1p-126f);
  assert_true(sum_in_bf16((double[2]){0x1p-64, 0x1p-63}, (double[2]){0x1p-63, 0x1p-63}, 0) == 0x1.8p-126f);
  /* Denormal or not goes by the sum rounded to 24 digits, as if exponents had no end. */
  assert_true(sum_in_bf16((double[2]){-0x1.4p-75, 0x1p-76}, none, 0x1p-126f) == 0);
  assert_true(sum_in_bf16((double[2]){-0x1.4p-76, 0x1p-76}, none, 0x1p-126f) == 0x1p-126f);
}

static void infinities_and_nan_come_out(void **state) {
  (void)state;
  static const double none[2] = {0, 0}, one[2] = {1, 1};
  assert_true(isinf(sum_in_bf16((double[2]){(double)INFINITY, 2}, one, 1)));
  assert_true(isnan(sum_in_bf16((double[2]){(double)INFINITY, 0}, one, 1)));
  assert_true(isnan(sum_in_bf16(one, (double[2]){(double)NAN, 0}, 1)));
  assert_true(isnan(sum_in_bf16((double[2]){(double)INFINITY, 1}, (double[2]){-(double)INFINITY, 1}, 1)));
  assert_true(isinf(sum_in_bf16((double[2]){0x1p100, 0x1p100}, none, 1)));
}

/* --- long sums -----------------------------------------------------------------------------------------------------
 */

/* Blocks of VJ_SUM_TERMS terms, each a product, added in double. */
static void long_reference(const vj_product_shape *s, const float *a, const float *b, float *c) {
  for (int64_t i = 0; i < s->rows; i++)
    for (int64_t j = 0; j < s->columns; j++) {
      double total = 0;
      for (int64_t from = 0; from < s->depth; from += VJ_SUM_TERMS) {
        float part = 0;
        for (int64_t k = from; k < s->depth && k < from + VJ_SUM_TERMS; k++)
          part = fmaf(s->a_transposed ? a[k * s->a_pitch + i] : a[i * s->a_pitch + k], b[k * s->b_pitch + j], part);
        total += (double)part;
      }
      c[i * s->c_pitch + j] = (float)total;
    }
}

static void long_sums(void **state) {
  (void)state;
  static const int64_t depths[] = {1, 511, VJ_SUM_TERMS, 513, 1024, 1500, 4097};
  for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
    for (int transposed = 0; transposed < 2; transposed++) {
      vj_product_shape s = shape_of(6, 35, depths[d], transposed, false, false);
      apart(&s, 2, 1, 4);
      vj_long_product product;
      assert_true(vj_long_product_find(&s, &product));
      factors f = factors_of(&s, 1, any_number);
      const size_t bytes = (size_t)((s.rows - 1) * s.c_pitch + s.columns) * sizeof(float);
      block got = block_of(bytes), defined = block_of(bytes), scratch = block_of(vj_long_product_scratch(&s));
      const float *a = (const float *)(const void *)(f.a.first + f.a_at[0]);
      const float *b = (const float *)(const void *)(f.b.first + f.b_at[0]);
      vj_long_product_run(&product, a, b, (float *)(void *)got.first, scratch.first);
      long_reference(&s, a, b, (float *)(void *)defined.first);
      compare(&s, "a long sum", &got, &defined);
      block *const all[] = {&f.a, &f.b, &got, &defined, &scratch};
      for (int i = 0; i < 5; i++) release(all[i]);
    }
}

/* --- processes -------------------------------------------------------------------------------------------------------
 */

/* Else all of the above would compare plain C with itself. */
static void kernels_are_those_of_the_path(void **state) {
  (void)state;
  char library[128];
  vj_product_library(library);
  if (code_is_forbidden) {
    assert_string_equal(library, "plain C: this system forbids making code at run time");
  } else {
    assert_non_null(strstr(library, "LIBXSMM"));
    assert_non_null(strstr(library, vj_cpu_path_name(vj_cpu_path())));
  }
  static const int64_t columns[] = {50, 64, 68, 80, 196};
  for (int kind = 0; kind < 3; kind++)
    for (int i = 0; i < 5; i++) {
      const bool in_bf16 = kind == 2;
      const vj_product_shape s = shape_of(14, columns[i], 302, kind == 1, false, in_bf16);
      const int before = vj_product_count().plain;
      assert_non_null(vj_product_find(&s));
      const bool has_instruction = vj_cpu_path() >= VJ_CPU_AVX512_BF16;
      const bool plain = in_bf16 ? !has_instruction : code_is_forbidden;
      assert_int_equal(vj_product_count().plain - before, plain);
    }
}

static void the_processor_has_the_path(void **state) {
  (void)state;
  impossible("this processor has no such path");
}

static void the_system_has_filters(void **state) {
  (void)state;
  impossible("this system lets no process forbid itself to make code");
}

static int tests_of(const char *name, vj_cpu path, bool forbid) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_float),
      cmocka_unit_test(in_bf16),
      cmocka_unit_test(with_large_pitches),
      cmocka_unit_test(deep_sums),
      cmocka_unit_test(without_pairs),
      cmocka_unit_test(what_is_denormal_is_zero_in_bf16),
      cmocka_unit_test(infinities_and_nan_come_out),
      cmocka_unit_test(long_sums),
      cmocka_unit_test(kernels_are_those_of_the_path),
  };
  const struct CMUnitTest no_path[] = {cmocka_unit_test(the_processor_has_the_path)};
  const struct CMUnitTest no_filters[] = {cmocka_unit_test(the_system_has_filters)};
  if (path > vj_cpu_widest()) return cmocka_run_group_tests_name(name, no_path, NULL, NULL);
  if (forbid && !forbid_code()) return cmocka_run_group_tests_name(name, no_filters, NULL, NULL);
  code_is_forbidden = forbid;
  return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

static bool passes(const char *name, vj_cpu path, bool forbid) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    setenv("VJVCR_CPU", vj_cpu_path_name(path), 1);
    exit(tests_of(name, path, forbid) == 0 ? 0 : 1);
  }
  int ended = 0;
  if (waitpid(child, &ended, 0) != child) return false;
  if (WIFSIGNALED(ended)) fprintf(stderr, "%s: signal %d\n", name, WTERMSIG(ended));
  return WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}

int main(void) {
  bool good = passes("plain C", vj_cpu_widest(), true);
  for (vj_cpu path = VJ_CPU_AVX2; path <= VJ_CPU_AVX512_BF16; path++)
    good = passes(vj_cpu_path_name(path), path, false) && good;
  return good ? 0 : 1;
}
