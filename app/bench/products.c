#include "app/bench/products.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/output/text_table.h"
#include "framework/base/threads.h"
#include "vj/memory.h"
#include "vj/param.h"

enum { MOST_SHAPES = 1024, PAIRS = 9, TRIES = 9 };
static const double seconds_a_try = 2e-3;

/* Whole numbers, which stay finite however often they are added up, also if read as pairs of bf16. */
static void fill(vj_real *numbers, int64_t count, int64_t values) {
  for (int64_t i = 0; i < count; i++) numbers[i] = (vj_real)(i % values - values / 2);
}

typedef struct factors {
  vj_real *a, *b, *c;
} factors;

static vj_status take(const vj_product_shape *s, factors *f) {
  const int64_t a = ((s->a_transposed ? s->depth : s->rows) + 1) * s->a_pitch + s->depth + s->rows;
  const int64_t b = s->depth * s->b_pitch + s->columns;
  VJ_TRY(vj_allocate((size_t)a, sizeof *f->a, "a product", &f->a));
  VJ_TRY(vj_allocate((size_t)b, sizeof *f->b, "a product", &f->b));
  fill(f->a, a, 7);
  fill(f->b, b, 5);
  return vj_allocate((size_t)(s->rows * s->c_pitch + s->columns), sizeof *f->c, "a product", &f->c);
}

static void leave(factors *f) {
  free(f->a);
  free(f->b);
  free(f->c);
}

/* GFLOP/s of one thread; the best of several tries. */
static double rate(const vj_product *product, const vj_product_shape *s, int64_t pairs, double seconds,
                   const factors *f) {
  static const uint64_t at[PAIRS] = {0};
  const double flops = 2.0 * (double)(s->rows * s->columns * s->depth * pairs);
  double best = INFINITY, limit = 0;
  int64_t repeats = 1;
  for (int k = 0; k < TRIES; k++) {
    const double start = omp_get_wtime();
    for (int64_t i = 0; i < repeats; i++) vj_product_run(product, pairs, f->a, at, f->b, at, f->c);
    limit = (omp_get_wtime() - start) / (double)repeats;
    if (k > 0) best = fmin(best, limit); /* the first finds out how often */
    if (k == 0) repeats = (int64_t)fmax(1, seconds / fmax(limit, 1e-9));
  }
  return flops / best / 1e9;
}

vj_status vj_products_rate(const vj_product_shape *shape, double seconds, double *gflops) {
  factors f = {0};
  vj_status status = take(shape, &f);
  const vj_product *product = status == VJ_OK ? vj_product_find(shape) : NULL;
  if (product) *gflops = rate(product, shape, 1, seconds, &f);
  if (status == VJ_OK && !product) status = VJ_MEMORY;
  leave(&f);
  return status;
}

static vj_status add_row(vj_table *table, const vj_product_shape *s, double peak) {
  factors f = {0};
  vj_status status = take(s, &f);
  const vj_product *product = status == VJ_OK ? vj_product_find(s) : NULL;
  if (product) {
    const double one = rate(product, s, 1, seconds_a_try, &f), nine = rate(product, s, PAIRS, seconds_a_try, &f);
    vj_table_cell(table, "%lld", (long long)s->rows);
    vj_table_cell(table, "%lld", (long long)s->columns);
    vj_table_cell(table, "%lld", (long long)s->depth);
    vj_table_cell(table, "%s%s%s", s->bf16 ? "bf16" : "fp32", s->a_transposed ? ", a'" : "", s->add ? ", add" : "");
    vj_table_cell(table, "%.1f", one);
    vj_table_cell(table, "%.0f%%", 100 * one / peak);
    vj_table_cell(table, "%.1f", nine);
    vj_table_cell(table, "%.0f%%", 100 * nine / peak);
  }
  leave(&f);
  return status;
}

static vj_status print_shapes(const vj_product_shape *shapes, int count, const vj_peak *peak) {
  static const char *const columns[] = {"rows", "columns", "depth", "kind", "GFLOP/s", "of peak", "9 pairs", "of peak"};
  const double threads = vj_threads();
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  vj_status status = VJ_OK;
  for (size_t i = 0; i < VJ_COUNT(columns); i++) vj_table_column(table, columns[i], i != 3);
  for (int i = count - 1; i >= 0 && status == VJ_OK; i--) /* in the order in which they were asked for */
    status = add_row(table, &shapes[i], (shapes[i].bf16 && peak->bf16 > 0 ? peak->bf16 : peak->fma) / threads);
  puts("");
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return status;
}

vj_status vj_products_print(const vj_peak *peak) {
  vj_product_shape *shapes = NULL;
  VJ_TRY(vj_allocate(MOST_SHAPES, sizeof *shapes, "products", &shapes));
  const int count = vj_product_shapes(shapes, MOST_SHAPES);
  const vj_status status = print_shapes(shapes, count < MOST_SHAPES ? count : MOST_SHAPES, peak);
  free(shapes);
  return status;
}
