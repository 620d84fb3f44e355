/* Convolutions are their definition to 1e-12, with any tile of minimal filtering and without, in time and space.
 * precision: double */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "framework/ops/convolution/winograd.h"
#include "framework/ops/op.h"
#include "tests/support/alone.h"

enum { SAMPLES = 2 };

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

static double defined(const vj_convolution *c, const double *x, const double *w, const int64_t y[3], int64_t o) {
  double sum = 0;
  for (int64_t ky = 0; ky < c->kernel[0]; ky++)
    for (int64_t kx = 0; kx < c->kernel[1]; kx++) {
      const int64_t iy = y[1] + ky - c->padding[0], ix = y[2] + kx - c->padding[1];
      if (iy < 0 || iy >= c->height || ix < 0 || ix >= c->width) continue;
      for (int64_t i = 0; i < c->channels; i++)
        sum += x[((y[0] * c->height + iy) * c->width + ix) * c->channels + i] *
               w[((o * c->kernel[0] + ky) * c->kernel[1] + kx) * c->channels + i];
    }
  return sum;
}

static void compare(const vj_convolution *c, const double *x, const double *w, const double *bias, const double *got) {
  int64_t y[3];
  for (y[0] = 0; y[0] < c->images; y[0]++)
    for (y[1] = 0; y[1] < c->out_height; y[1]++)
      for (y[2] = 0; y[2] < c->out_width; y[2]++)
        for (int64_t o = 0; o < c->out; o++) {
          const double expected = bias[o] + defined(c, x, w, y, o);
          const double found = got[((y[0] * c->out_height + y[1]) * c->out_width + y[2]) * c->out + o];
          if (!(fabs(expected - found) <= 1e-11 * sqrt((double)c->channels)))
            fail_msg("%dx%d: y[%d,%d,%d,%d] is %.15g, not %.15g", (int)c->height, (int)c->width, (int)y[0], (int)y[1],
                     (int)y[2], (int)o, found, expected);
        }
}

/* With a tile of 0: not by minimal filtering. A width of taps of 0: in time, of `width` positions. */
static void agrees(int64_t height, int64_t width, int64_t taps, int64_t padding, int64_t channels, int64_t out,
                   int64_t tile) {
  const int64_t kw = taps ? taps : 1, side = taps ? padding : 0;
  const vj_convolution c = {SAMPLES,
                            height,
                            width,
                            channels,
                            height + 2 * padding - 2,
                            width + 2 * side - kw + 1,
                            out,
                            {3, kw},
                            {1, 1},
                            {padding, side},
                            {1, 1},
                            1,
                            false,
                            false,
                            false};
  int64_t chosen[2] = {0, 0};
  assert_int_equal(vj_winograd_tile(&c, chosen), tile > 0);
  assert_int_equal(chosen[0], tile);
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES, 1, 0, false}, parameters, &g));
  vj_var *x = vj_scatter_batch(g, normal(g, "x", VJ_SHAPE(SAMPLES, height, width, channels)));
  vj_var *w = taps ? normal(g, "w", VJ_SHAPE(out, 3, kw, channels)) : normal(g, "w", VJ_SHAPE(out, 3, channels));
  vj_var *b = normal(g, "b", VJ_SHAPE(out));
  vj_var *y =
      taps ? vj_conv2d(g, x, w, b, &(vj_conv2d_args){.padding = {padding, side}}) : vj_conv_time(g, x, w, b, padding);
  vj_graph_keep(x);
  vj_graph_keep(y);
  assert_ok(vj_graph_status(g));
  assert_int_equal(strcmp(y->producer->op->name, "minimal_convolution") == 0, tile > 0);
  assert_ok(vj_parameters_allocate(parameters));
  vj_parameters_initialise(parameters, 5);
  assert_ok(vj_graph_plan(g, 1));
  assert_ok(vj_graph_allocate(&g, 1, &alone));
  assert_ok(vj_graph_run(g));
  compare(&c, vj_graph_values(g, x, 0), vj_graph_values(g, w, 0), vj_graph_values(g, b, 0), vj_graph_values(g, y, 0));
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
}

static void in_time(void **state) {
  (void)state;
  agrees(4, 5, 0, 0, 64, 64, 2);
  agrees(3, 5, 0, 1, 64, 96, 3);
  agrees(6, 5, 0, 1, 96, 64, 3);
  agrees(12, 5, 0, 1, 64, 64, 4);
  agrees(7, 5, 0, 1, 64, 80, 4);
  agrees(9, 5, 0, 0, 64, 64, 4);
  agrees(9, 5, 0, 2, 64, 64, 4);
  agrees(12, 5, 0, 1, 16, 64, 0);
  agrees(2, 5, 0, 1, 64, 64, 0);
  agrees(8, 500, 0, 1, 64, 64, 4); /* lines in parts */
}

static void in_space(void **state) {
  (void)state;
  agrees(8, 8, 3, 1, 64, 64, 4);
  agrees(16, 9, 3, 1, 64, 96, 4);
  agrees(10, 30, 5, 2, 64, 64, 4);
  agrees(10, 8, 3, 0, 64, 64, 4);
  agrees(8, 500, 3, 1, 64, 64, 4);
  agrees(8, 8, 3, 1, 16, 64, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(in_time), cmocka_unit_test(in_space)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
