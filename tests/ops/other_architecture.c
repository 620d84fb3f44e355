/* Checksums of products, long sums, sums in lanes and elementary functions, for test_other_architecture.py. It is
 * compiled for any processor, from these sources alone: no libraries, no code made at run time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/lanes.h"
#include "framework/ops/product/kernels.h"
#include "framework/ops/product/long_sum.h"
#include "vj/elementary.h"

vj_generated vj_product_generate(const vj_product_shape *shape) {
  (void)shape;
  return NULL;
}

int64_t vj_product_columns_at_once(const vj_product_shape *shape) { return shape->columns; }

static uint32_t seed = 1;

static uint32_t draw(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

/* Exponents from -`range` to `range`. */
static float number(int range) {
  const float size = 1 + (float)draw() * 0x1p-24f;
  return (draw() & 1 ? size : -size) * (float)ldexp(1, (int)(draw() % (uint32_t)(2 * range + 1)) - range);
}

/* FNV-1a */
static void say(const char *what, const void *bytes, size_t count) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < count; i++) sum = (sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
  printf("%s %016" PRIx64 "\n", what, sum);
}

/* To bf16: the upper halves, one behind the other. */
static void cut(float *numbers, int count) {
  for (int i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &numbers[i], sizeof bits);
    const uint16_t upper = (uint16_t)(bits >> 16);
    memcpy((char *)numbers + (size_t)i * sizeof upper, &upper, sizeof upper);
  }
}

enum { COUNT = 40000, ROWS = 13, COLUMNS = 70, DEPTH = 1300 };

static float a[COUNT], b[DEPTH * COLUMNS], c[COUNT];

static void products(const char *what, bool bf16, bool transposed, int64_t depth, int range, float by) {
  const vj_product_shape s = {ROWS,       COLUMNS, depth, transposed ? ROWS : depth, COLUMNS, COLUMNS,
                              transposed, true,    bf16};
  const uint64_t a_at[2] = {8, 0}, b_at[2] = {0, 12};
  for (int i = 0; i < COUNT; i++) a[i] = number(range) * by;
  for (int i = 0; i < DEPTH * COLUMNS; i++) b[i] = number(range) * by;
  for (int i = 0; i < ROWS * COLUMNS; i++) c[i] = number(range) * by * by;
  if (bf16) {
    cut(a, COUNT);
    cut(b, DEPTH * COLUMNS);
  }
  const vj_product *product = vj_product_find(&s);
  if (!product) exit(1);
  vj_product_run(product, 2, a, a_at, b, b_at, c);
  say(what, c, ROWS * COLUMNS * sizeof *c);
}

static void long_sum(void) {
  static double scratch[2 * ROWS * COLUMNS];
  const vj_product_shape s = {ROWS, COLUMNS, DEPTH, DEPTH, COLUMNS, COLUMNS, false, false, false};
  vj_long_product product;
  for (int i = 0; i < ROWS * DEPTH; i++) a[i] = number(4);
  for (int i = 0; i < DEPTH * COLUMNS; i++) b[i] = number(4);
  if (!vj_long_product_find(&s, &product) || vj_long_product_scratch(&s) > sizeof scratch) exit(1);
  vj_long_product_run(&product, a, b, c, scratch);
  say("long sum", c, ROWS * COLUMNS * sizeof *c);
}

static void lanes(void) {
  for (int i = 0; i < COUNT; i++) a[i] = number(8);
  VJ_LANE_SUM(float, sum, i, COUNT - 5, a[i]);
  VJ_LANE_SUM(double, squares, i, COUNT - 3, (double)a[i] * (double)a[i]);
  say("sum in lanes", &sum, sizeof sum);
  say("sum of squares in lanes", &squares, sizeof squares);
}

static void functions(void) {
  static double x[COUNT], y[COUNT], z[COUNT];
  static double (*const of_one[])(double) = {vj_math_exp, vj_math_expm1, vj_math_log,  vj_math_log1p, vj_math_log10,
                                             vj_math_sin, vj_math_cos,   vj_math_tanh, vj_math_erf,   vj_math_erfc};
  for (int i = 0; i < COUNT; i++) x[i] = fabs((double)number(9));
  for (size_t f = 0; f < sizeof of_one / sizeof *of_one; f++) {
    for (int i = 0; i < COUNT; i++) y[i] = of_one[f](x[i]);
    char name[32];
    snprintf(name, sizeof name, "function %zu", f);
    say(name, y, sizeof y);
  }
  for (int i = 0; i < COUNT; i++) y[i] = vj_math_pow(x[i], x[COUNT - 1 - i] / 64);
  say("pow", y, sizeof y);
  vj_math_sin_cos_array(COUNT, x, y, z);
  say("sines", y, sizeof y);
  say("cosines", z, sizeof z);
  for (int i = 0; i < COUNT; i++) a[i] = number(7);
  for (int i = 0; i < COUNT; i++) c[i] = vj_math_expf(a[i]);
  say("expf", c, sizeof c);
  for (int i = 0; i < COUNT; i++) c[i] = vj_math_tanhf(a[i]);
  say("tanhf", c, sizeof c);
  for (int i = 0; i < COUNT; i++) c[i] = vj_math_normal_cdff(a[i], &b[i]);
  say("normal_cdff", c, sizeof c);
  for (int i = 0; i < COUNT; i++) c[i] = vj_math_logf(fabsf(a[i]));
  say("logf", c, sizeof c);
}

int main(void) {
  products("product", false, false, 65, 6, 1);
  products("product, a transposed", false, true, 64, 6, 1);
  products("product of small numbers", false, false, 33, 6, 0x1p-66f);
  products("product in bf16", true, false, 64, 6, 1);
  products("product in bf16 of small numbers", true, false, 64, 4, 0x1p-62f);
  long_sum();
  lanes();
  functions();
  return 0;
}
