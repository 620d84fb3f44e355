/* A kernel that gives other bits than the definition is never used; where a kernel cannot be had for want of memory, no
 * other takes its place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "framework/ops/product/kernels.h"
#include "tests/support/alone.h"

/* --- what the linker puts before others (tests/CMakeLists.txt)
 * -------------------------------------------------------- */

typedef enum mistake { NONE, TERMS_BACKWARDS, PAIRS_BACKWARDS, ROUNDED_PRODUCTS, NOTHING_ADDED, LAST_NUMBER } mistake;

static bool mistakes_are_made;
static mistake made;
static vj_product_shape asked;
static int allocations_left = -1; /* the one after so many others has no memory */

vj_generated __real_vj_product_generate(const vj_product_shape *shape);
vj_generated __wrap_vj_product_generate(const vj_product_shape *shape);
vj_status __real_vj_allocate(size_t count, size_t size, const char *purpose, void *block);
vj_status __wrap_vj_allocate(size_t count, size_t size, const char *purpose, void *block);

vj_status __wrap_vj_allocate(size_t count, size_t size, const char *purpose, void *block) {
  if (allocations_left >= 0 && allocations_left-- == 0)
    return vj_fail(VJ_MEMORY, "%s: no memory, says a test", purpose);
  return __real_vj_allocate(count, size, purpose, block);
}

static float term(int64_t e, int64_t i, int64_t j, int64_t k, float sum, const char *a, const unsigned long long *a_at,
                  const char *b, const unsigned long long *b_at) {
  const float x = ((const float *)(const void *)(a + a_at[e]))[i * asked.a_pitch + k];
  const float y = ((const float *)(const void *)(b + b_at[e]))[k * asked.b_pitch + j];
  if (made != ROUNDED_PRODUCTS) return fmaf(x, y, sum);
  const float product = x * y;
  return product + sum;
}

static void mistaken(const void *b, const void *a, float *c, const unsigned long long *pairs,
                     const unsigned long long *b_at, const unsigned long long *a_at) {
  for (int64_t i = 0; i < asked.rows; i++)
    for (int64_t j = 0; j < asked.columns; j++) {
      float *at = &c[i * asked.c_pitch + j], sum = made == NOTHING_ADDED ? 0 : *at;
      for (int64_t step = 0, count = (int64_t)*pairs; step < count; step++)
        for (int64_t k = 0; k < asked.depth; k++)
          sum = term(made == PAIRS_BACKWARDS ? count - 1 - step : step, i, j,
                     made == TERMS_BACKWARDS ? asked.depth - 1 - k : k, sum, a, a_at, b, b_at);
      if (made == LAST_NUMBER && i == asked.rows - 1 && j == asked.columns - 1) sum = nextafterf(sum, INFINITY);
      *at = sum;
    }
}

vj_generated __wrap_vj_product_generate(const vj_product_shape *shape) {
  if (!mistakes_are_made) return __real_vj_product_generate(shape);
  asked = *shape;
  return mistaken;
}

/* --- mistakes -------------------------------------------------------------------------------------------------------
 */

static float *numbers(int64_t count) {
  float *block = malloc((size_t)count * sizeof *block);
  assert_non_null(block);
  for (int64_t i = 0; i < count; i++) block[i] = sinf((float)(i + 1)) * (i % 3 == 0 ? 50 : 1);
  return block;
}

static void is_its_definition(const vj_product_shape *s) {
  const uint64_t a_at[3] = {8, 0, 4}, b_at[3] = {0, 12, 4};
  const vj_product *product = vj_product_find(s);
  assert_non_null(product);
  float *a = numbers(s->rows * s->a_pitch + 2), *b = numbers(s->depth * s->b_pitch + 3);
  float *got = numbers(s->rows * s->columns), *defined = numbers(s->rows * s->columns);
  vj_product_run(product, 3, a, a_at, b, b_at, got);
  vj_product_reference(s, 3, a, a_at, b, b_at, defined);
  assert_memory_equal(got, defined, (size_t)(s->rows * s->columns) * sizeof *got);
  free(a);
  free(b);
  free(got);
  free(defined);
}

static int plain_ones(void) { return vj_product_count().plain; }

/* A shape of its own for each, since kernels are remembered; of few rows and of many. */
static void a_wrong_kernel_is_never_used(void **state) {
  static const int64_t rows[] = {1, 3, 21, 80};
  (void)state;
  mistakes_are_made = true;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    for (made = NONE; made <= LAST_NUMBER; made++) {
      const int64_t depth = 201 + (int64_t)made;
      const vj_product_shape s = {rows[r], 19, depth, depth, 19, 19, false, true, false};
      const int before = plain_ones();
      assert_non_null(vj_product_find(&s));
      if (plain_ones() - before != (made != NONE)) fail_msg("mistake %d, %d rows", (int)made, (int)rows[r]);
      is_its_definition(&s);
    }
  mistakes_are_made = false;
}

/* --- memory ---------------------------------------------------------------------------------------------------------
 */

static void without_memory_there_is_no_product(void **state) {
  (void)state;
  const vj_product_shape s = {7, 33, 44, 44, 33, 33, false, false, false};
  vj_product *const none = NULL;
  int failures = 0;
  for (;; failures++) {
    const vj_product_counts before = vj_product_count();
    allocations_left = failures;
    const vj_product *product = vj_product_find(&s);
    const bool refused = allocations_left < 0;
    allocations_left = -1;
    if (!refused) break;
    assert_ptr_equal(product, none);
    assert_non_null(strstr(vj_error_message(), "a kernel: no memory, says a test"));
    assert_int_equal(vj_product_count().all, before.all);
  }
  assert_true(failures > 1);
  is_its_definition(&s);
}

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

/* A graph, in both precisions, whose nth allocation after its variables fails; true where it did. */
static bool graph_refused(int nth, bool bf16) {
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, 2, 1, 0, bf16}, parameters, &g));
  vj_var *x = vj_scatter_batch(g, normal(g, "x", VJ_SHAPE(2, 11 + nth, 13, 16)));
  vj_var *w = normal(g, "w", VJ_SHAPE(16, 3, 3, 16)), *linear = normal(g, "linear", VJ_SHAPE(24, 16));
  allocations_left = nth;
  vj_var *y = vj_conv2d(g, x, w, NULL, &(vj_conv2d_args){.stride = {2, 2}, .padding = {1, 1}});
  vj_var *loss = vj_mean_all(g, vj_square(g, vj_linear(g, y, linear, NULL)));
  vj_graph_keep(loss);
  vj_graph_backward(g, loss);
  const bool refused = allocations_left < 0;
  allocations_left = -1;
  if (refused) {
    assert_int_equal(vj_graph_status(g), VJ_MEMORY);
    assert_non_null(strstr(vj_error_message(), "no memory, says a test"));
  } else {
    assert_ok(vj_graph_status(g));
  }
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
  return refused;
}

static void without_memory_for_a_kernel_the_graph_fails(void **state) {
  (void)state;
  for (int bf16 = 0; bf16 < 2; bf16++) {
    int nth = 0;
    while (graph_refused(nth, bf16)) nth++;
    assert_true(nth > 3);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrong_kernel_is_never_used),
      cmocka_unit_test(without_memory_there_is_no_product),
      cmocka_unit_test(without_memory_for_a_kernel_the_graph_fails),
  };
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
