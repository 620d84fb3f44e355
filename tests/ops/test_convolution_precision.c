/* Convolutions and linear maps against their definition in double: y, dx and dweight in float, and in bf16 those of the
 * rounded factors. In the float build, the only one that has bf16. */
#include <math.h>
#include <stdlib.h>

#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "framework/ops/product/bf16.h"
#include "tests/support/alone.h"

enum { SAMPLES = 2, SHARDS = 2 };

static vj_var *normal(vj_graph *g, const char *name, vj_shape shape) {
  return vj_parameter(g, &(vj_param_spec){name, shape, "", VJ_INIT_NORMAL, 1, false});
}

typedef struct geometry {
  int64_t height, width, channels, out, kernel, stride, padding, out_height, out_width;
} geometry;

static double factor(bool bf16, vj_real x) {
  if (!bf16) return (double)x;
  const uint32_t bits = (uint32_t)vj_round_bf16(x) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}

typedef void (*product)(int64_t x, int64_t w, int64_t y, void *sums);

/* All products of the convolution, by the places of their three numbers. */
static void for_all_products(const geometry *q, product use, void *sums) {
  for (int64_t n = 0; n < SAMPLES * SHARDS; n++)
    for (int64_t oy = 0; oy < q->out_height; oy++)
      for (int64_t ox = 0; ox < q->out_width; ox++)
        for (int64_t ky = 0; ky < q->kernel; ky++)
          for (int64_t kx = 0; kx < q->kernel; kx++) {
            const int64_t iy = oy * q->stride + ky - q->padding, ix = ox * q->stride + kx - q->padding;
            if (iy < 0 || iy >= q->height || ix < 0 || ix >= q->width) continue;
            for (int64_t o = 0; o < q->out; o++)
              for (int64_t c = 0; c < q->channels; c++)
                use(((n * q->height + iy) * q->width + ix) * q->channels + c,
                    ((o * q->kernel + ky) * q->kernel + kx) * q->channels + c,
                    ((n * q->out_height + oy) * q->out_width + ox) * q->out + o, sums);
          }
}

typedef struct expected {
  const vj_real *x, *w, *r; /* r: the loss is mean(y r), so dy = r / count */
  double *y, *dx, *dw, count;
  bool bf16;
} expected;

static void add_product(int64_t x, int64_t w, int64_t y, void *sums) {
  const expected *e = sums;
  const double left = factor(e->bf16, e->x[x]), weight = factor(e->bf16, e->w[w]);
  const double dy = factor(e->bf16, (vj_real)((double)e->r[y] / e->count));
  e->y[y] += left * weight;
  e->dx[x] += dy * weight;
  e->dw[w] += dy * left;
}

static void near(const char *what, const vj_real *got, const double *right, int64_t count, double tolerance) {
  double difference = 0, size = 0;
  for (int64_t i = 0; i < count; i++) {
    difference += ((double)got[i] - right[i]) * ((double)got[i] - right[i]);
    size += right[i] * right[i];
  }
  if (!(sqrt(difference) <= tolerance * sqrt(size)))
    fail_msg("%s is off by %.2e of its norm", what, sqrt(difference / size));
}

static vj_real *all_of(vj_graph *g, const vj_var *var) { /* of both shards, one behind the other */
  vj_real *copy = malloc((size_t)(SHARDS * var->count) * sizeof *copy);
  assert_non_null(copy);
  for (int64_t s = 0; s < SHARDS; s++)
    memcpy(copy + s * var->count, vj_graph_values(g, var, s), (size_t)var->count * sizeof *copy);
  return copy;
}

/* Channels come in pairs, and there are enough of them: other products stay in float. */
static bool rounds(const geometry *q) {
  return q->channels >= 16 && q->out >= 16 && q->channels % 2 == 0 && q->out % 2 == 0;
}

static void agrees(bool linear, bool bf16, geometry q, double tolerance) {
  q.out_height = (q.height + 2 * q.padding - q.kernel) / q.stride + 1;
  q.out_width = (q.width + 2 * q.padding - q.kernel) / q.stride + 1;
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES, SHARDS, 0, bf16}, parameters, &g));
  const int64_t batch = SAMPLES * SHARDS;
  vj_var *rows = normal(g, "x", VJ_SHAPE(batch, q.height, q.width, q.channels)), *x = vj_scatter_batch(g, rows);
  vj_var *w = linear ? normal(g, "w", VJ_SHAPE(q.out, q.channels))
                     : normal(g, "w", VJ_SHAPE(q.out, q.kernel, q.kernel, q.channels));
  vj_var *y = linear ? vj_linear(g, x, w, NULL)
                     : vj_conv2d(g, x, w, NULL,
                                 &(vj_conv2d_args){.stride = {q.stride, q.stride}, .padding = {q.padding, q.padding}});
  vj_var *readout = normal(g, "readout", VJ_SHAPE(batch, q.out_height, q.out_width, q.out));
  vj_var *r = vj_scatter_batch(g, readout);
  vj_var *loss = vj_mean_all(g, vj_mul(g, y, r));
  vj_graph_keep(loss);
  vj_graph_keep(x);
  vj_graph_keep(y);
  vj_graph_keep(r);
  vj_graph_backward(g, loss);
  assert_ok(vj_graph_status(g));
  assert_ok(vj_parameters_allocate(parameters));
  vj_parameters_initialise(parameters, 5);
  assert_ok(vj_graph_plan(g, SHARDS));
  assert_ok(vj_graph_allocate(&g, 1, &alone));
  assert_ok(vj_graph_run(g));
  vj_real *xs = all_of(g, x), *ys = all_of(g, y), *rs = all_of(g, r);
  expected e = {xs,
                vj_graph_values(g, w, 0),
                rs,
                calloc((size_t)(SHARDS * y->count), sizeof(double)),
                calloc((size_t)(SHARDS * x->count), sizeof(double)),
                calloc((size_t)w->count, sizeof(double)),
                (double)(SHARDS * y->count),
                bf16 && rounds(&q)};
  for_all_products(&q, add_product, &e);
  near("y", ys, e.y, SHARDS * y->count, tolerance);
  near("dx", vj_graph_values(g, rows->gradient, 0), e.dx, SHARDS * x->count, tolerance);
  near("dweight", vj_graph_values(g, w->gradient, 0), e.dw, w->count, tolerance);
  free(xs);
  free(ys);
  free(rs);
  free(e.y);
  free(e.dx);
  free(e.dw);
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
}

static const geometry convolutions[] = {
    {9, 7, 16, 32, 3, 2, 1, 0, 0},  {6, 6, 24, 20, 3, 1, 1, 0, 0}, {8, 8, 32, 16, 5, 3, 0, 0, 0},
    {7, 6, 1, 16, 3, 1, 1, 0, 0},   {6, 7, 16, 1, 3, 1, 1, 0, 0},  {6, 7, 32, 3, 3, 1, 1, 0, 0},
    {5, 5, 7, 13, 3, 1, 1, 0, 0},   {8, 8, 12, 12, 2, 2, 0, 0, 0}, {16, 16, 3, 24, 4, 4, 0, 0, 0},
    {4, 4, 100, 80, 1, 1, 0, 0, 0}, {9, 9, 8, 8, 7, 1, 3, 0, 0},
};
enum { CONVOLUTIONS = sizeof convolutions / sizeof *convolutions };

static void convolutions_in_float(void **state) {
  (void)state;
  for (int i = 0; i < CONVOLUTIONS; i++) agrees(false, false, convolutions[i], 1e-6);
}

static void convolutions_in_bf16(void **state) {
  (void)state;
  for (int i = 0; i < CONVOLUTIONS; i++) agrees(false, true, convolutions[i], 1e-6);
}

/* Minimal filtering takes differences of inputs and of weights, which rounds more. */
static void minimal_filtering(void **state) {
  (void)state;
  agrees(false, false, (geometry){8, 8, 64, 64, 3, 1, 1, 0, 0}, 5e-6);
  agrees(false, false, (geometry){6, 5, 96, 64, 3, 1, 1, 0, 0}, 5e-6);
  agrees(false, true, (geometry){8, 8, 64, 64, 3, 1, 1, 0, 0}, 5e-6);
}

static void linear_maps(void **state) {
  (void)state;
  for (int bf16 = 0; bf16 < 2; bf16++) {
    agrees(true, bf16, (geometry){1, 1, 40, 64, 1, 1, 0, 0, 0}, 1e-6);
    agrees(true, bf16, (geometry){8, 4, 40, 24, 1, 1, 0, 0, 0}, 1e-6);
    agrees(true, bf16, (geometry){1, 1, 7, 5, 1, 1, 0, 0, 0}, 1e-6);
    agrees(true, bf16, (geometry){3, 5, 1, 33, 1, 1, 0, 0, 0}, 1e-6);
  }
}

static void rounding_to_bf16(void **state) {
  (void)state;
  assert_int_equal(vj_round_bf16(1.0f), 0x3f80);
  assert_int_equal(vj_round_bf16(1.00390625f), 0x3f80); /* halfway: to even */
  assert_int_equal(vj_round_bf16(1.01171875f), 0x3f82);
  assert_int_equal(vj_round_bf16(1.00391f), 0x3f81);
  assert_int_equal(vj_round_bf16(-INFINITY), 0xff80);
  assert_int_equal(vj_round_bf16(3.4e38f), 0x7f80); /* past the largest */
  assert_true((vj_round_bf16(NAN) & 0x7fff) > 0x7f80);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(convolutions_in_float), cmocka_unit_test(convolutions_in_bf16),
                                     cmocka_unit_test(linear_maps), cmocka_unit_test(minimal_filtering),
                                     cmocka_unit_test(rounding_to_bf16)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
