/* A temporal convolution is its definition to 1e-12, with any tile of minimal filtering and without.
 * precision: double */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <mpi.h>
#include <stdlib.h>

#include "graph/graph.h"
#include "ops/build.h"
#include "ops/conv_time.h"

enum { SAMPLES = 2, POSITIONS = 5, TAPS = 3 };

static vj_comm alone;

static void check(vj_status status) {
  if (status != VJ_OK) fail_msg("%s", vj_error_message());
}

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

static double defined(const vj_conv_time_sizes *c, const double *x, const double *w, int64_t t, int64_t p, int64_t o) {
  double sum = 0;
  for (int64_t k = 0; k < TAPS; k++) {
    const int64_t frame = t + k - c->padding;
    if (frame < 0 || frame >= c->frames) continue;
    for (int64_t i = 0; i < c->channels; i++)
      sum += x[(frame * POSITIONS + p) * c->channels + i] * w[(o * TAPS + k) * c->channels + i];
  }
  return sum;
}

static void agrees(int64_t frames, int64_t padding, int64_t channels, int64_t out, int64_t tile) {
  const vj_conv_time_sizes c = {SAMPLES, frames, POSITIONS, channels, frames + 2 * padding - TAPS + 1,
                                out,     TAPS,   padding,   0};
  assert_int_equal(vj_conv_time_tile(&c), tile);
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  check(vj_parameters_create(&parameters));
  check(vj_graph_create(&(vj_graph_options){true, SAMPLES, 1, 0, false}, parameters, &g));
  vj_var *x = vj_scatter_batch(g, normal(g, "x", VJ_SHAPE(SAMPLES, frames, POSITIONS, channels)));
  vj_var *w = normal(g, "w", VJ_SHAPE(out, TAPS, channels)), *b = normal(g, "b", VJ_SHAPE(out));
  vj_var *y = vj_conv_time(g, x, w, b, padding);
  vj_graph_keep(x);
  vj_graph_keep(y);
  check(vj_graph_status(g));
  check(vj_parameters_allocate(parameters));
  vj_parameters_initialise(parameters, 5);
  check(vj_graph_plan(g, 1));
  check(vj_graph_allocate(&g, 1, &alone));
  check(vj_graph_run(g));
  const double *from = vj_graph_values(g, x, 0), *weight = vj_graph_values(g, w, 0), *bias = vj_graph_values(g, b, 0);
  const double *got = vj_graph_values(g, y, 0);
  for (int64_t s = 0; s < SAMPLES; s++)
    for (int64_t t = 0; t < c.out_frames; t++)
      for (int64_t p = 0; p < POSITIONS; p++)
        for (int64_t o = 0; o < out; o++) {
          const double expected = bias[o] + defined(&c, from + s * frames * POSITIONS * channels, weight, t, p, o);
          const double found = got[((s * c.out_frames + t) * POSITIONS + p) * out + o];
          if (fabs(expected - found) > 1e-12 * sqrt(3.0 * (double)channels) * 30)
            fail_msg("frames %d, padding %d: y[%d,%d,%d,%d] is %.15g, not %.15g", (int)frames, (int)padding, (int)s,
                     (int)t, (int)p, (int)o, found, expected);
        }
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
}

static void convolutions_are_their_definition(void **state) {
  (void)state;
  agrees(4, 0, 64, 64, 2);
  agrees(3, 1, 64, 96, 3);
  agrees(6, 1, 96, 64, 3);
  agrees(12, 1, 64, 64, 4);
  agrees(7, 1, 64, 80, 4);
  agrees(9, 0, 64, 64, 4);
  agrees(9, 2, 64, 64, 4);
  agrees(12, 1, 16, 64, 0);
  agrees(2, 1, 64, 64, 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (vj_comm_create(MPI_COMM_WORLD, &alone) != VJ_OK) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(convolutions_are_their_definition)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  vj_comm_destroy(&alone);
  MPI_Finalize();
  return failed;
}
