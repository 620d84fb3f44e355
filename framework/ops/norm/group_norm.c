/* Normalisation of each sample by itself: group norm (Wu and He 2018) over an image's pixels and a group of channels,
 * and layer norm (Ba et al. 2016) over the last dimension, which is that of images of one pixel and one group.
 *
 * y = activation(weight[c] (x - mean) / sqrt(variance + epsilon) + bias[c]). The way back needs x, which the layer
 * below keeps anyway, and each group's mean and 1/deviation. */
#include <math.h>

#include "framework/base/lanes.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/norm/rows.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

typedef struct norm {
  int64_t images, pixels, channels, groups; /* of one shard */
  double epsilon;
  vj_activation activation;
} norm;

static const norm *norm_of(const vj_node *node) { return node->attributes; }

/* Pixels that are taken as one. */
static int64_t fold_of(const norm *n) { return vj_fold(n->pixels, n->channels); }

/* Four rows of folded channels, and three of doubles. */
static size_t scratch_bytes(const vj_node *node) {
  const norm *n = norm_of(node);
  return (size_t)(4 * fold_of(n) * n->channels) * sizeof(vj_real) + (size_t)(3 * n->channels) * sizeof(double);
}

static double *doubles_in(const vj_call *call, const norm *n) {
  return (void *)((char *)call->scratch + (size_t)(4 * fold_of(n) * n->channels) * sizeof(vj_real));
}

static int64_t group_width(const norm *n) { return n->channels / n->groups; }

/* --- images of many pixels --------------------------------------------------------------------------------------- */

enum { BLOCK_ROWS = 32 }; /* rows whose sum is taken in vj_real; blocks are added in double */

/* sum[c] += over the image of x[c] - centre[c], or its square; rows are folded pixels. */
static VJ_INLINE void sum_image(const vj_real *x, int64_t rows, int64_t width, const vj_real *centre, bool squared,
                                vj_real *block, int64_t channels, double *sum) {
  memset(sum, 0, (size_t)channels * sizeof *sum);
  for (int64_t begin = 0; begin < rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < rows ? begin + BLOCK_ROWS : rows;
    memset(block, 0, (size_t)width * sizeof *block);
    for (int64_t r = begin; r < end; r++) {
      const vj_real *row = x + r * width;
#pragma omp simd
      for (int64_t c = 0; c < width; c++) {
        const vj_real d = row[c] - centre[c];
        block[c] += squared ? d * d : d;
      }
    }
    for (int64_t f = 0; f < width; f += channels)
      for (int64_t c = 0; c < channels; c++) sum[c] += (double)block[f + c];
  }
}

/* The mean over each group of sums over an image's pixels, to every channel of each fold. */
static VJ_INLINE void spread_means(const norm *n, const double *sum, int64_t width, vj_real *mean) {
  const int64_t size = group_width(n);
  for (int64_t g = 0; g < n->groups; g++) {
    double total = 0;
    for (int64_t c = g * size; c < (g + 1) * size; c++) total += sum[c];
    total /= (double)(size * n->pixels);
    for (int64_t f = 0; f < width; f += n->channels)
      for (int64_t c = g * size; c < (g + 1) * size; c++) mean[f + c] = (vj_real)total;
  }
}

/* mean and 1/deviation of every channel's group, to each fold; and to `statistics` [groups,2] */
static VJ_INLINE void image_statistics(const norm *n, const vj_call *call, const vj_real *x, vj_real *mean,
                                       vj_real *inverse, vj_real *statistics) {
  const int64_t fold = fold_of(n), width = fold * n->channels, rows = n->pixels / fold;
  vj_real *block = (vj_real *)call->scratch + 2 * width;
  double *sum = doubles_in(call, n);
  memset(mean, 0, (size_t)width * sizeof *mean);
  sum_image(x, rows, width, mean, false, block, n->channels, sum);
  spread_means(n, sum, width, mean);
  sum_image(x, rows, width, mean, true, block, n->channels, sum);
  spread_means(n, sum, width, inverse);
  for (int64_t c = 0; c < width; c++) inverse[c] = (vj_real)(1 / sqrt((double)inverse[c] + n->epsilon));
  for (int64_t g = 0; g < n->groups; g++) {
    statistics[2 * g] = mean[g * group_width(n)];
    statistics[2 * g + 1] = inverse[g * group_width(n)];
  }
}

static VJ_INLINE void affine_image(const vj_real *x, vj_real *y, int64_t rows, int64_t width, const vj_real *scale,
                                   const vj_real *shift, vj_activation activation) {
  for (int64_t r = 0; r < rows; r++)
#pragma omp simd
    for (int64_t c = 0; c < width; c++)
      y[r * width + c] = vj_activated(activation, x[r * width + c] * scale[c] + shift[c]);
}

/* mean, inverse -> shift, scale: weight (x - mean) inverse + bias = x scale + shift */
static VJ_INLINE void to_affine(const norm *n, int64_t width, const vj_real *weight, const vj_real *bias, vj_real *mean,
                                vj_real *inverse) {
  for (int64_t f = 0; f < width; f += n->channels)
    for (int64_t c = 0; c < n->channels; c++) {
      const vj_real scale = inverse[f + c] * weight[c];
      inverse[f + c] = scale;
      mean[f + c] = bias[c] - mean[f + c] * scale;
    }
}

static VJ_INLINE void forward_image(const norm *n, const vj_call *call, int64_t image) {
  const int64_t fold = fold_of(n), width = fold * n->channels, size = n->pixels * n->channels;
  vj_real *shift = call->scratch, *scale = shift + width;
  image_statistics(n, call, call->in[0] + image * size, shift, scale, call->out[1] + image * 2 * n->groups);
  to_affine(n, width, call->in[1], call->in[2], shift, scale);
#define VJ_IMAGE(activation)                                                                                   \
  affine_image(call->in[0] + image * size, call->out[0] + image * size, n->pixels / fold, width, scale, shift, \
               activation)
  VJ_FOR_ACTIVATION(n->activation, VJ_IMAGE)
#undef VJ_IMAGE
}

/* g = dy activation'(u) to dx, and its sums: plain[c] of g, by_x[c] of g x */
static VJ_INLINE void slope_image(const norm *n, const vj_real *dy, const vj_real *x, vj_real *dx, const vj_real *scale,
                                  const vj_real *shift, vj_real *block, double *plain, double *by_x,
                                  vj_activation activation) {
  const int64_t fold = fold_of(n), width = fold * n->channels, rows = n->pixels / fold;
  vj_real *restrict sum = block, *restrict products = block + width;
  for (int64_t begin = 0; begin < rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < rows ? begin + BLOCK_ROWS : rows;
    memset(block, 0, (size_t)(2 * width) * sizeof *block);
    for (int64_t r = begin; r < end; r++)
#pragma omp simd
      for (int64_t c = 0; c < width; c++) {
        const vj_real v = x[r * width + c];
        const vj_real g = dy[r * width + c] * vj_activation_slope(activation, v * scale[c] + shift[c]);
        sum[c] += g;
        products[c] += g * v;
        dx[r * width + c] = g;
      }
    for (int64_t f = 0; f < width; f += n->channels)
      for (int64_t c = 0; c < n->channels; c++) {
        plain[c] += (double)sum[f + c];
        by_x[c] += (double)products[f + c];
      }
  }
}

/* Of y = weight n + bias, n = (x - mean) inverse, with h = g weight: dx = inverse (h - mean h - n mean(h n)). */
static VJ_INLINE void backward_image(const norm *n, const vj_call *call, int64_t image) {
  const int64_t fold = fold_of(n), width = fold * n->channels, size = n->pixels * n->channels, each = group_width(n);
  const vj_real *x = call->in[1] + image * size, *weight = call->in[2],
                *statistics = call->in[4] + image * 2 * n->groups;
  vj_real *dx = call->out[0] + image * size;
  vj_real *shift = call->scratch, *scale = shift + width, *block = scale + width;
  double *plain = doubles_in(call, n), *by_x = plain + n->channels;
  memset(plain, 0, (size_t)(2 * n->channels) * sizeof *plain);
  for (int64_t f = 0; f < width; f += n->channels)
    for (int64_t c = 0; c < n->channels; c++) {
      shift[f + c] = statistics[2 * (c / each)];
      scale[f + c] = statistics[2 * (c / each) + 1];
    }
  to_affine(n, width, weight, call->in[3], shift, scale);
#define VJ_IMAGE(activation) \
  slope_image(n, call->in[0] + image * size, x, dx, scale, shift, block, plain, by_x, activation)
  VJ_FOR_ACTIVATION(n->activation, VJ_IMAGE)
#undef VJ_IMAGE
  /* dx = g p[c] + x q[c] + r[c] */
  vj_real *p = scale, *q = block, *r = block + width;
  for (int64_t g = 0; g < n->groups; g++) {
    const double mean = (double)statistics[2 * g], inverse = (double)statistics[2 * g + 1];
    double h = 0, hn = 0;
    for (int64_t c = g * each; c < (g + 1) * each; c++) {
      const double dweight = (by_x[c] - mean * plain[c]) * inverse;
      call->sums[c] += dweight;
      call->sums[n->channels + c] += plain[c];
      h += (double)weight[c] * plain[c];
      hn += (double)weight[c] * dweight;
    }
    const double count = (double)(each * n->pixels), slope = -inverse * inverse * hn / count;
    for (int64_t f = 0; f < width; f += n->channels)
      for (int64_t c = g * each; c < (g + 1) * each; c++) {
        q[f + c] = (vj_real)slope;
        r[f + c] = (vj_real)(-inverse * h / count - slope * mean);
      }
  }
  for (int64_t i = 0; i < n->pixels / fold; i++)
#pragma omp simd
    for (int64_t c = 0; c < width; c++) dx[i * width + c] = dx[i * width + c] * p[c] + (x[i * width + c] * q[c] + r[c]);
}

/* --- rows: images of one pixel, one group ------------------------------------------------------------------------ */

static VJ_INLINE void forward_row(const norm *n, const vj_call *call, int64_t row, vj_activation activation) {
  const vj_real *x = call->in[0] + row * n->channels, *weight = call->in[1], *bias = call->in[2];
  vj_real *y = call->out[0] + row * n->channels;
  const vj_real share = (vj_real)(1.0 / (double)n->channels);
  VJ_LANE_SUM(vj_real, sum, c, n->channels, x[c]);
  const vj_real mean = sum * share;
  VJ_LANE_SUM(vj_real, square, c, n->channels, (x[c] - mean) * (x[c] - mean));
  const vj_real inverse = (vj_real)(1 / sqrt((double)(square * share) + n->epsilon));
#pragma omp simd
  for (int64_t c = 0; c < n->channels; c++)
    y[c] = vj_activated(activation, (x[c] - mean) * inverse * weight[c] + bias[c]);
  call->out[1][2 * row] = mean;
  call->out[1][2 * row + 1] = inverse;
}

static VJ_INLINE void backward_row(const norm *n, const vj_call *call, int64_t row, vj_real *dweight, vj_real *dbias,
                                   vj_activation activation) {
  const vj_real *dy = call->in[0] + row * n->channels, *x = call->in[1] + row * n->channels;
  const vj_real *weight = call->in[2], *bias = call->in[3];
  vj_real *dx = call->out[0] + row * n->channels;
  const vj_real mean = call->in[4][2 * row], inverse = call->in[4][2 * row + 1];
#pragma omp simd
  for (int64_t c = 0; c < n->channels; c++) {
    const vj_real normal = (x[c] - mean) * inverse;
    const vj_real g = dy[c] * vj_activation_slope(activation, normal * weight[c] + bias[c]);
    dweight[c] += g * normal;
    dbias[c] += g;
    dx[c] = g * weight[c];
  }
  VJ_LANE_SUM(vj_real, sum, c, n->channels, dx[c]);
  VJ_LANE_SUM(vj_real, by_normal, c, n->channels, dx[c] * ((x[c] - mean) * inverse));
  const vj_real share = (vj_real)(1.0 / (double)n->channels), h = sum * share, hn = by_normal * share;
#pragma omp simd
  for (int64_t c = 0; c < n->channels; c++) dx[c] = inverse * (dx[c] - h - (x[c] - mean) * inverse * hn);
}

static VJ_INLINE void backward_rows(const norm *n, const vj_call *call) {
  vj_real *dweight = call->scratch, *dbias = dweight + n->channels;
  for (int64_t begin = 0; begin < n->images; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < n->images ? begin + BLOCK_ROWS : n->images;
    memset(dweight, 0, (size_t)(2 * n->channels) * sizeof *dweight);
    for (int64_t row = begin; row < end; row++) {
#define ROW_OF(activation) backward_row(n, call, row, dweight, dbias, activation)
      VJ_FOR_ACTIVATION(n->activation, ROW_OF)
#undef ROW_OF
    }
    for (int64_t c = 0; c < n->channels; c++) {
      call->sums[c] += (double)dweight[c];
      call->sums[n->channels + c] += (double)dbias[c];
    }
  }
}

/* --- the ops ----------------------------------------------------------------------------------------------------- */

static bool by_rows(const norm *n) { return n->pixels == 1 && n->groups == 1; }

/* inputs x, weight, bias; outputs y, statistics */
VJ_KERNEL(group_norm_run, (const vj_call *call), (call)) {
  const norm *n = norm_of(call->node);
  for (int64_t i = 0; i < n->images; i++) {
    if (!by_rows(n)) {
      forward_image(n, call, i);
      continue;
    }
#define ROW_OF(activation) forward_row(n, call, i, activation)
    VJ_FOR_ACTIVATION(n->activation, ROW_OF)
#undef ROW_OF
  }
}

/* inputs dy, x, weight, bias, statistics; outputs dx, and shared dweight, dbias */
VJ_KERNEL(group_norm_gradient_reduce, (const vj_call *call), (call)) {
  const norm *n = norm_of(call->node);
  if (by_rows(n)) {
    backward_rows(n, call);
    return;
  }
  for (int64_t i = 0; i < n->images; i++) backward_image(n, call, i);
}

const vj_op vj_op_group_norm_gradient = {.name = "group_norm_gradient",
                                         .summary = "dx, dweight and dbias of a group or layer norm",
                                         .form = VJ_SUM,
                                         .in_place = 1,
                                         .reduce = group_norm_gradient_reduce,
                                         .finish = vj_finish_sums_behind_first,
                                         .sum_count = vj_count_behind_first,
                                         .scratch_bytes = scratch_bytes};

static void group_norm_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *weight = node->inputs[1], *bias = node->inputs[2];
  vj_var *inputs[] = {node->outputs[0]->gradient, x, weight, bias, node->outputs[1]};
  vj_node *back = vj_node_create(graph, &vj_op_group_norm_gradient, inputs, 5, 5, node->attributes, sizeof(norm));
  vj_gradient_add(graph, x, vj_node_output(graph, back, x->batched, &x->shape));
  vj_gradient_add(graph, weight, vj_node_output(graph, back, false, &weight->shape));
  vj_gradient_add(graph, bias, vj_node_output(graph, back, false, &bias->shape));
}

const vj_op vj_op_group_norm = {.name = "group_norm",
                                .summary = "each sample's groups to mean 0 and variance 1, then an affine map",
                                .form = VJ_MAP,
                                .run = group_norm_run,
                                .gradient = group_norm_gradient,
                                .scratch_bytes = scratch_bytes};

/* Over the last `dimensions` dimensions of x; makes its parameters. */
static vj_var *normalised(vj_graph *graph, vj_var *x, int dimensions, int64_t groups, double epsilon,
                          vj_activation activation) {
  const int rank = x->shape.rank;
  const vj_shape channels = VJ_SHAPE(x->shape.size[rank - 1]);
  vj_var *weight = vj_parameter(graph, &(vj_param_spec){"weight", channels, "C", VJ_INIT_ONE, 0, false});
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"bias", channels, "C", VJ_INIT_ZERO, 0, false});
  const norm n = {vj_shape_count(&x->shape, 0, rank - dimensions),
                  vj_shape_count(&x->shape, rank - dimensions, rank - 1),
                  channels.size[0],
                  groups,
                  epsilon,
                  activation};
  vj_node *node = vj_node_create(graph, &vj_op_group_norm, (vj_var *[]){x, weight, bias}, 3, 3, &n, sizeof n);
  vj_var *y = vj_node_output(graph, node, true, &x->shape);
  vj_node_output(graph, node, true,
                 &VJ_SHAPE(x->shape.size[0], n.images / x->shape.size[0] * groups * 2)); /* statistics */
  return y;
}

vj_var *vj_group_norm(vj_graph *graph, vj_var *x, int64_t groups, double epsilon, vj_activation activation) {
  if (!x) return NULL;
  const int rank = x->shape.rank;
  if (!x->batched || rank < 4 || groups < 1 || x->shape.size[rank - 1] % groups)
    return vj_graph_fail(graph, VJ_SHAPE, "group_norm: %s is not batched [b,..,H,W,C] with C a multiple of %lld groups",
                         VJ_SHAPE_TEXT(&x->shape), (long long)groups);
  return normalised(graph, x, 3, groups, epsilon, activation);
}

vj_var *vj_layer_norm(vj_graph *graph, vj_var *x, double epsilon, vj_activation activation) {
  if (!x) return NULL;
  if (!x->batched || x->shape.rank < 2)
    return vj_graph_fail(graph, VJ_SHAPE, "layer_norm: %s is not batched [b,..,C]", VJ_SHAPE_TEXT(&x->shape));
  return normalised(graph, x, 1, 1, epsilon, activation);
}
