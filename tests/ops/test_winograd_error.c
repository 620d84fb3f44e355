/* What minimal filtering costs in float: the error of y against its definition in double, as a part of y's norm, is
 * below a bound, and not better than that by luck. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "framework/ops/convolution/winograd.h"
#include "framework/ops/op.h"
#include "tests/support/alone.h"

enum { CHANNELS = 256, SIDE = 12 };

static double defined(const vj_real *x, const vj_real *w, int64_t kw, int64_t oy, int64_t ox, int64_t o) {
  double sum = 0;
  for (int64_t ky = 0; ky < 3; ky++)
    for (int64_t kx = 0; kx < kw; kx++) {
      const int64_t iy = oy + ky - 1, ix = ox + kx - kw / 2;
      if (iy < 0 || iy >= SIDE || ix < 0 || ix >= SIDE) continue;
      for (int64_t i = 0; i < CHANNELS; i++)
        sum += (double)x[(iy * SIDE + ix) * CHANNELS + i] * (double)w[((o * 3 + ky) * kw + kx) * CHANNELS + i];
    }
  return sum;
}

/* |y - its definition| / |definition|, of a convolution of 3 x kw taps. */
static double error_of(int64_t kw, bool *minimal) {
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, 1, 1, 0, false}, parameters, &g));
  vj_var *x = vj_scatter_batch(
      g, vj_parameter(g, &(vj_param_spec){"x", VJ_SHAPE(1, SIDE, SIDE, CHANNELS), "", VJ_INIT_NORMAL, 1, false}));
  vj_var *w =
      vj_parameter(g, &(vj_param_spec){"w", VJ_SHAPE(CHANNELS, 3, kw, CHANNELS), "", VJ_INIT_NORMAL, 0.02, false});
  vj_var *y = vj_conv2d(g, x, w, NULL, &(vj_conv2d_args){.padding = {1, kw / 2}});
  vj_graph_keep(x);
  vj_graph_keep(y);
  assert_ok(vj_graph_status(g));
  *minimal = strcmp(y->producer->op->name, "minimal_convolution") == 0;
  assert_ok(vj_parameters_allocate(parameters));
  vj_parameters_initialise(parameters, 5);
  assert_ok(vj_graph_plan(g, 1));
  assert_ok(vj_graph_allocate(&g, 1, &alone));
  assert_ok(vj_graph_run(g));
  const vj_real *in = vj_graph_values(g, x, 0), *weight = vj_graph_values(g, w, 0), *out = vj_graph_values(g, y, 0);
  double error = 0, norm = 0;
  for (int64_t oy = 0; oy < SIDE; oy++)
    for (int64_t ox = 0; ox < SIDE; ox++)
      for (int64_t o = 0; o < CHANNELS; o += 16) {
        const double expected = defined(in, weight, kw, oy, ox, o);
        const double off = (double)out[(oy * SIDE + ox) * CHANNELS + o] - expected;
        error += off * off;
        norm += expected * expected;
      }
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
  return sqrt(error / norm);
}

static void errors_have_a_bound(void **state) {
  (void)state;
  bool minimal = false;
  const double along_one_side = error_of(1, &minimal);
  assert_true(minimal);
  const double along_both = error_of(3, &minimal);
  assert_true(minimal);
  print_message("tiles of 4: %.2g of the norm; of 4 x 2: %.2g\n", along_one_side, along_both);
  assert_true(along_one_side < 2e-6);
  assert_true(along_both < 2e-6);
  assert_true(along_one_side > 1e-8 && along_both > 1e-8);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(errors_have_a_bound)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
