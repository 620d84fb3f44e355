/* What oneDNN computes for us is the definition: y, dx and dweight in float, and in bf16 that of the rounded factors.
 * In the float build, the only one that has it. Where there is no oneDNN, what takes its place is compared. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#ifdef VJ_ONEDNN
#include <dnnl.h>
#endif
#include <math.h>
#include <stdlib.h>

#include "framework/graph/graph.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/convolution/dnn.h"
#include "framework/ops/op.h"
#include "tests/support/alone.h"
#include "tests/support/requirements.h"

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

static void agrees(bool linear, bool bf16, geometry q, bool oneDNN_has_weight_gradient) {
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
  if (bf16 || vj_dnn_available()) assert_string_equal(y->producer->op->name, "dnn_convolution");
  assert_int_equal(strcmp(w->gradient->producer->op->name, "dnn_convolution_weight_gradient") == 0,
                   oneDNN_has_weight_gradient);
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
                bf16};
  for_all_products(&q, add_product, &e);
  near("y", ys, e.y, SHARDS * y->count, 1e-6);
  near("dx", vj_graph_values(g, rows->gradient, 0), e.dx, SHARDS * x->count, 1e-6);
  near("dweight", vj_graph_values(g, w->gradient, 0), e.dw, w->count,
       bf16 && !oneDNN_has_weight_gradient ? 1e-2 : 1e-6);
  free(xs);
  free(ys);
  free(rs);
  free(e.y);
  free(e.dx);
  free(e.dw);
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
}

static void convolutions_in_float(void **state) {
  (void)state;
  agrees(false, false, (geometry){9, 7, 16, 32, 3, 2, 1, 0, 0}, false);
  agrees(false, false, (geometry){6, 6, 24, 20, 3, 1, 1, 0, 0}, false);
  agrees(false, false, (geometry){8, 8, 32, 16, 5, 3, 0, 0, 0}, false);
}

static void convolutions_in_bf16(void **state) {
  (void)state;
  agrees(false, true, (geometry){9, 7, 16, 32, 3, 2, 1, 0, 0}, true);
  agrees(false, true, (geometry){6, 6, 24, 20, 3, 1, 1, 0, 0}, true);
}

static void linear_maps(void **state) {
  (void)state;
  agrees(true, false, (geometry){1, 1, 40, 64, 1, 1, 0, 0, 0}, false);
  agrees(true, false, (geometry){8, 4, 40, 24, 1, 1, 0, 0, 0}, false);
  agrees(true, true, (geometry){8, 4, 40, 24, 1, 1, 0, 0, 0}, true);
  agrees(true, true, (geometry){1, 1, 40, 64, 1, 1, 0, 0, 0}, false);
}

#ifdef VJ_ONEDNN
/* Stands before oneDNN's own: the one after `primitives_left` others has no memory. */
static int primitives_left = -1;

dnnl_status_t dnnl_primitive_create(dnnl_primitive_t *primitive, const_dnnl_primitive_desc_t desc) {
  if (primitives_left >= 0 && primitives_left-- == 0) return dnnl_out_of_memory;
  dnnl_status_t (*create)(dnnl_primitive_t *, const_dnnl_primitive_desc_t);
  *(void **)&create = dlsym(RTLD_NEXT, "dnnl_primitive_create");
  return create(primitive, desc);
}

/* Where a kernel cannot be made, the graph fails: another kernel in its place would give other bits. Later it can. */
static void without_memory_there_is_no_other_kernel(void **state) {
  (void)state;
  const vj_conv2d_args args = {.stride = {2, 2}, .padding = {1, 1}};
  for (int made = 0;; made++) {
    vj_parameters *parameters = NULL;
    vj_graph *g = NULL;
    assert_ok(vj_parameters_create(&parameters));
    assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES, SHARDS, 0, true}, parameters, &g));
    vj_var *x = vj_scatter_batch(g, normal(g, "x", VJ_SHAPE(SAMPLES * SHARDS, 11 + made, 13, 16)));
    primitives_left = made;
    vj_var *y = vj_conv2d(g, x, normal(g, "w", VJ_SHAPE(16, 3, 3, 16)), NULL, &args);
    const bool failed = primitives_left < 0;
    primitives_left = -1;
    if (failed) {
      assert_null(y);
      assert_error(vj_graph_status(g), VJ_MEMORY, "no memory for a kernel of oneDNN (its status: 1)");
    } else {
      assert_ok(vj_graph_status(g));
      assert_string_equal(y->producer->op->name, "dnn_convolution");
      assert_int_equal(made, 6); /* a kernel and its packing for each of three passes */
    }
    vj_graph_destroy(&g);
    vj_parameters_destroy(&parameters);
    if (!failed) return;
  }
}
#else
static void without_memory_there_is_no_other_kernel(void **state) {
  (void)state;
  impossible("this build has no oneDNN 2, so its kernels are not tested");
}
#endif

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

/* Rounded by an op of its own or by the one that makes it. */
static void is_its_rounding(vj_graph *g, const vj_var *x, const char *op) {
  assert_string_equal(x->rounded->producer->op->name, op);
  for (int64_t s = 0; s < SHARDS; s++) {
    const vj_real *exact = vj_graph_values(g, x, s);
    const uint16_t *rounded = (const uint16_t *)vj_graph_values(g, x->rounded, s);
    for (int64_t i = 0; i < x->count; i++) assert_int_equal(rounded[i], vj_round_bf16(exact[i]));
  }
}

static void ops_round_what_they_make(void **state) {
  (void)state;
  vj_parameters *parameters = NULL;
  vj_graph *g = NULL;
  assert_ok(vj_parameters_create(&parameters));
  assert_ok(vj_graph_create(&(vj_graph_options){true, SAMPLES, SHARDS, 0, true}, parameters, &g));
  vj_var *x = vj_scatter_batch(g, normal(g, "x", VJ_SHAPE(SAMPLES * SHARDS, 5, 7)));
  vj_var *relu = vj_batch_norm(g, x, 1e-5, VJ_RELU), *silu = vj_batch_norm(g, relu, 1e-5, VJ_SILU);
  vj_var *loss = vj_mean_all(g, vj_square(g, silu));
  vj_graph_keep(loss);
  vj_graph_backward(g, loss);
  vj_var *const kept[] = {x, relu, silu, x->gradient};
  for (int i = 0; i < 4; i++) {
    vj_graph_keep(kept[i]);
    vj_graph_keep(vj_bf16(g, kept[i]));
  }
  assert_ok(vj_graph_status(g));
  assert_ok(vj_parameters_allocate(parameters));
  vj_parameters_initialise(parameters, 5);
  assert_ok(vj_graph_plan(g, SHARDS));
  assert_ok(vj_graph_allocate(&g, 1, &alone));
  assert_ok(vj_graph_run(g));
  is_its_rounding(g, x, "round_bf16");
  is_its_rounding(g, relu, "channel_affine_bf16");
  is_its_rounding(g, silu, "channel_affine_bf16");
  is_its_rounding(g, x->gradient, "moments_gradient_bf16");
  vj_graph_destroy(&g);
  vj_parameters_destroy(&parameters);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolutions_in_float), cmocka_unit_test(convolutions_in_bf16),
      cmocka_unit_test(linear_maps),           cmocka_unit_test(without_memory_there_is_no_other_kernel),
      cmocka_unit_test(rounding_to_bf16),      cmocka_unit_test(ops_round_what_they_make)};
  return cmocka_run_group_tests(tests, start_alone, end_alone);
}
