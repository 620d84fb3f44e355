/* Normalisation from two bridges: moments (batched -> shared) and a channel-wise affine map (shared -> batched).
 * Batch norm with statistics of the global batch, and its exact gradient, is their composition. */
#include <string.h>

#include "framework/ops/elementwise/activation.h"
#include "framework/ops/product/bf16.h"
#include "framework/ops/build.h"
#include "framework/ops/norm/affine.h"
#include "framework/ops/op.h"

/* --- channel_affine ------------------------------------------------------------------------------------------ */

extern const vj_op vj_op_channel_affine;

typedef struct affine {
  int64_t rows, channels;
  vj_activation activation;
} affine;

static const affine *affine_of(const vj_node *node) { return node->attributes; }

bool vj_affine_map_of(const vj_var *y, vj_affine_map *map) {
  const vj_node *node = y->producer;
  if (!node || node->op != &vj_op_channel_affine || !node->inputs[0]->batched || y->half) return false;
  const vj_activation activation = affine_of(node)->activation;
  *map = (vj_affine_map){node->inputs[0], node->inputs[1], node->inputs[2], activation};
  return activation == VJ_RELU || activation == VJ_IDENTITY;
}

/* y may be x. */
static inline __attribute__((always_inline)) void affine_rows(const affine *a, const vj_call *call,
                                                              vj_activation activation) {
  const vj_real *restrict scale = call->in[1], *restrict shift = call->in[2];
  for (int64_t r = 0; r < a->rows; r++) {
    const vj_real *x = call->in[0] + r * a->channels;
    vj_real *y = call->out[0] + r * a->channels;
#pragma omp simd
    for (int64_t c = 0; c < a->channels; c++) y[c] = vj_activated(activation, vj_affine(x[c], scale[c], shift[c]));
  }
}

/* inputs x, scale, shift */
static void channel_affine_run(const vj_call *call) {
  const affine *a = affine_of(call->node);
#define VJ_ROWS(activation) affine_rows(a, call, activation)
  VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
}

static inline __attribute__((always_inline)) void affine_rows_bf16(const affine *a, const vj_call *call,
                                                                   vj_activation activation) {
  const vj_real *restrict scale = call->in[1], *restrict shift = call->in[2];
  for (int64_t r = 0; r < a->rows; r++) {
    const vj_real *x = call->in[0] + r * a->channels;
    uint16_t *restrict y = vj_bf16_numbers(call->out[0]) + r * a->channels;
#pragma omp simd
    for (int64_t c = 0; c < a->channels; c++)
      y[c] = vj_round_bf16(vj_activated(activation, vj_affine(x[c], scale[c], shift[c])));
  }
}

/* The same, rounded. */
static void channel_affine_bf16_run(const vj_call *call) {
  const affine *a = affine_of(call->node);
#define VJ_ROWS(activation) affine_rows_bf16(a, call, activation)
  VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
}

static size_t channel_affine_gradient_scratch(const vj_node *node) {
  return (size_t)(2 * affine_of(node)->channels) * sizeof(vj_real);
}

/* Rows begin..end: g = dy activation'(u), dx = g scale, by_x += g x, plain += g; dx may be dy. */
static inline __attribute__((always_inline)) void affine_gradient_rows(const affine *a, const vj_call *call,
                                                                       int64_t begin, int64_t end, vj_real *by_x,
                                                                       vj_real *plain, vj_activation activation) {
  const vj_real *scale = call->in[2], *shift = call->in[3];
  for (int64_t r = begin; r < end; r++) {
    const vj_real *dy = call->in[0] + r * a->channels, *x = call->in[1] + r * a->channels;
    vj_real *dx = call->out[0] + r * a->channels;
#pragma omp simd
    for (int64_t c = 0; c < a->channels; c++) {
      const vj_real g = dy[c] * vj_activation_slope(activation, vj_affine(x[c], scale[c], shift[c]));
      by_x[c] += g * x[c];
      plain[c] += g;
      dx[c] = g * scale[c];
    }
  }
}

/* inputs dy, x, scale, shift; outputs dx (batched), dscale, dshift (shared), in one pass. Sums run in vj_real over
 * short blocks of rows, then in double. */
static void channel_affine_gradient_reduce(const vj_call *call) {
  enum { BLOCK_ROWS = 32 };
  const affine *a = affine_of(call->node);
  vj_real *by_x = call->scratch, *plain = by_x + a->channels;
  for (int64_t begin = 0; begin < a->rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < a->rows ? begin + BLOCK_ROWS : a->rows;
    memset(by_x, 0, (size_t)(2 * a->channels) * sizeof *by_x);
#define VJ_ROWS(activation) affine_gradient_rows(a, call, begin, end, by_x, plain, activation)
    VJ_FOR_ACTIVATION(a->activation, VJ_ROWS)
#undef VJ_ROWS
    for (int64_t c = 0; c < a->channels; c++) {
      call->sums[c] += (double)by_x[c];
      call->sums[a->channels + c] += (double)plain[c];
    }
  }
}

const vj_op vj_op_channel_affine_gradient = {.name = "channel_affine_gradient",
                                             .summary = "dx, dscale and dshift in one pass",
                                             .form = VJ_SUM,
                                             .in_place = 1,
                                             .reduce = channel_affine_gradient_reduce,
                                             .finish = vj_finish_sums_behind_first,
                                             .sum_count = vj_count_behind_first,
                                             .scratch_bytes = channel_affine_gradient_scratch};

static void channel_affine_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *scale = node->inputs[1], *shift = node->inputs[2];
  vj_node *back =
      vj_node_create(graph, &vj_op_channel_affine_gradient, (vj_var *[]){node->outputs[0]->gradient, x, scale, shift},
                     4, 4, node->attributes, sizeof(affine));
  vj_gradient_add(graph, x, vj_node_output(graph, back, x->batched, &x->shape));
  vj_gradient_add(graph, scale, vj_node_output(graph, back, false, &scale->shape));
  vj_gradient_add(graph, shift, vj_node_output(graph, back, false, &shift->shape));
}

const vj_op vj_op_channel_affine_bf16 = {.name = "channel_affine_bf16",
                                         .summary = "channel_affine, rounded to bf16",
                                         .form = VJ_MAP,
                                         .recompute = true,
                                         .run = channel_affine_bf16_run};

const vj_op vj_op_channel_affine = {.name = "channel_affine",
                                    .summary = "activation(x scale[c] + shift[c]) over the last dimension",
                                    .form = VJ_MAP,
                                    .in_place = 1,
                                    .run = channel_affine_run,
                                    .rounding = &vj_op_channel_affine_bf16,
                                    .recompute = true,
                                    .gradient = channel_affine_gradient};

vj_var *vj_channel_affine(vj_graph *graph, vj_var *x, vj_var *scale, vj_var *shift, vj_activation activation) {
  if (!x || !scale || !shift) return NULL;
  const int64_t channels = x->shape.rank ? x->shape.size[x->shape.rank - 1] : 0;
  if (scale->batched || shift->batched || scale->count != channels || shift->count != channels)
    return vj_graph_fail(graph, VJ_SHAPE, "channel_affine: x %s does not fit scale %s and shift %s",
                         VJ_SHAPE_TEXT(&x->shape), VJ_SHAPE_TEXT(&scale->shape), VJ_SHAPE_TEXT(&shift->shape));
  const affine args = {x->count / channels, channels, activation};
  vj_node *node = vj_node_create(graph, &vj_op_channel_affine, (vj_var *[]){x, scale, shift}, 3, 3, &args, sizeof args);
  return vj_node_result(graph, node, &x->shape);
}

/* --- moments ------------------------------------------------------------------------------------------------- */

typedef struct moments {
  int64_t rows, columns; /* of one shard */
  double all_rows;       /* of the global batch */
} moments;

static const moments *moments_of(const vj_node *node) { return node->attributes; }

static int64_t moments_sum_count(const vj_node *node) { return 2 * moments_of(node)->columns; }

/* Rows that are summed as one, where a row is shorter than the processor's vectors. */
static int64_t moments_fold(const moments *m) {
  int64_t fold = 1;
  while (2 * fold * m->columns <= 64 && m->rows % (2 * fold) == 0) fold *= 2;
  return fold;
}

static size_t moments_scratch(const vj_node *node) {
  const moments *m = moments_of(node);
  return (size_t)(2 * moments_fold(m) * m->columns) * sizeof(vj_real);
}

/* Sums of x and x^2 in double. Inside a short block of rows numbers are first centred by the block's own mean, in
 * vj_real: so a large mean does not eat the digits of a small variance. */
static void moments_reduce(const vj_call *call) {
  enum { BLOCK_ROWS = 64 };
  const moments *m = moments_of(call->node);
  const int64_t fold = moments_fold(m), columns = fold * m->columns, all = m->rows / fold;
  vj_real *restrict mean = call->scratch, *restrict square = mean + columns;
  double *restrict sum = call->sums, *restrict sum_square = call->sums + m->columns;
  for (int64_t begin = 0; begin < all; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < all ? begin + BLOCK_ROWS : all;
    const vj_real *block = call->in[0] + begin * columns;
    const vj_real inverse = (vj_real)(1.0 / (double)(end - begin));
    memset(mean, 0, (size_t)(2 * columns) * sizeof *mean);
    for (int64_t r = 0; r < end - begin; r++) {
      const vj_real *restrict x = block + r * columns;
#pragma omp simd
      for (int64_t c = 0; c < columns; c++) mean[c] += x[c];
    }
    for (int64_t c = 0; c < columns; c++) mean[c] *= inverse;
    for (int64_t r = 0; r < end - begin; r++) {
      const vj_real *restrict x = block + r * columns;
#pragma omp simd
      for (int64_t c = 0; c < columns; c++) {
        const vj_real d = x[c] - mean[c];
        square[c] += d * d;
      }
    }
    /* The block's mean is rounded; sum x^2 = M2 + 2 mean (sum x) - n mean^2 holds for any centre, and with
     * sum x = n mean up to that rounding this is M2 + n mean^2. */
    const double rows = (double)(end - begin);
    for (int64_t f = 0; f < columns; f += m->columns)
      for (int64_t c = 0; c < m->columns; c++) {
        const double centre = (double)mean[f + c];
        sum[c] += rows * centre;
        sum_square[c] += (double)square[f + c] + rows * centre * centre;
      }
  }
}

static void moments_finish(const vj_call *call) {
  const moments *m = moments_of(call->node);
  for (int64_t c = 0; c < m->columns; c++) {
    const double mean = call->sums[c] / m->all_rows;
    const double variance = call->sums[m->columns + c] / m->all_rows - mean * mean;
    call->out[0][c] = (vj_real)mean;
    call->out[1][c] = (vj_real)(variance > 0 ? variance : 0);
  }
}

/* inputs x, mean, dmean (may be NULL), dvariance (may be NULL), base (may be NULL: what other uses of x gave):
 * dx = base + dmean / N + dvariance 2 (x - mean) / N = base + x slope + offset */
static void moments_gradient_factors(const vj_call *call, vj_real *restrict slope, vj_real *restrict offset) {
  const moments *m = moments_of(call->node);
  const vj_real *mean = call->in[1], *dmean = call->in[2], *dvariance = call->in[3];
  const vj_real inverse = (vj_real)(1.0 / m->all_rows);
  for (int64_t c = 0; c < m->columns; c++) {
    slope[c] = dvariance ? 2 * inverse * dvariance[c] : 0;
    offset[c] = (dmean ? dmean[c] * inverse : 0) - slope[c] * mean[c];
  }
}

static void moments_gradient_run(const vj_call *call) {
  const moments *m = moments_of(call->node);
  const vj_real *base = call->in[4];
  vj_real *restrict slope = call->scratch, *restrict offset = slope + m->columns;
  moments_gradient_factors(call, slope, offset);
  for (int64_t r = 0; r < m->rows; r++) {
    const vj_real *x = call->in[0] + r * m->columns;
    vj_real *dx = call->out[0] + r * m->columns;
    if (base) {
      const vj_real *b = base + r * m->columns; /* may be dx itself */
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = b[c] + (x[c] * slope[c] + offset[c]);
    } else {
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = x[c] * slope[c] + offset[c];
    }
  }
}

static void moments_gradient_bf16_run(const vj_call *call) {
  const moments *m = moments_of(call->node);
  const vj_real *base = call->in[4];
  vj_real *restrict slope = call->scratch, *restrict offset = slope + m->columns;
  moments_gradient_factors(call, slope, offset);
  for (int64_t r = 0; r < m->rows; r++) {
    const vj_real *x = call->in[0] + r * m->columns, *b = base ? base + r * m->columns : NULL;
    uint16_t *restrict dx = vj_bf16_numbers(call->out[0]) + r * m->columns;
    if (b) {
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = vj_round_bf16(b[c] + (x[c] * slope[c] + offset[c]));
    } else {
#pragma omp simd
      for (int64_t c = 0; c < m->columns; c++) dx[c] = vj_round_bf16(x[c] * slope[c] + offset[c]);
    }
  }
}

const vj_op vj_op_moments_gradient_bf16 = {.name = "moments_gradient_bf16",
                                           .summary = "moments_gradient, rounded to bf16",
                                           .form = VJ_MAP,
                                           .run = moments_gradient_bf16_run,
                                           .scratch_bytes = moments_scratch};

const vj_op vj_op_moments_gradient = {.name = "moments_gradient",
                                      .summary = "dx of mean and variance, added to what x's other uses gave",
                                      .form = VJ_MAP,
                                      .in_place = 5,
                                      .run = moments_gradient_run,
                                      .rounding = &vj_op_moments_gradient_bf16,
                                      .scratch_bytes = moments_scratch};

static void moments_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_var *base = vj_gradient_take(x);
  vj_var *inputs[] = {x, node->outputs[0], node->outputs[0]->gradient, node->outputs[1]->gradient, base};
  vj_node *back = vj_node_create(graph, &vj_op_moments_gradient, inputs, 5, 2, node->attributes, sizeof(moments));
  vj_gradient_add(graph, x, vj_node_output(graph, back, x->batched, &x->shape));
}

const vj_op vj_op_moments = {.name = "moments",
                             .summary = "mean and biased variance over the global batch and leading dimensions",
                             .form = VJ_SUM,
                             .reduce = moments_reduce,
                             .finish = moments_finish,
                             .gradient = moments_gradient,
                             .sum_count = moments_sum_count,
                             .scratch_bytes = moments_scratch};

void vj_moments(vj_graph *graph, vj_var *x, int kept, vj_var **mean, vj_var **variance) {
  *mean = *variance = NULL;
  if (!x) return;
  if (kept < 1 || kept >= x->shape.rank) {
    vj_graph_fail(graph, VJ_SHAPE, "moments: cannot keep %d dimensions of %s", kept, VJ_SHAPE_TEXT(&x->shape));
    return;
  }
  vj_shape shape = {.rank = kept};
  for (int i = 0; i < kept; i++) shape.size[i] = x->shape.size[x->shape.rank - kept + i];
  const int64_t columns = vj_shape_count(&shape, 0, kept), rows = x->count / columns;
  const moments args = {rows, columns, (double)rows * (double)(x->batched ? graph->options.shards : 1)};
  vj_node *node = vj_node_create(graph, &vj_op_moments, (vj_var *[]){x}, 1, 1, &args, sizeof args);
  *mean = vj_node_output(graph, node, false, &shape);
  *variance = vj_node_output(graph, node, false, &shape);
}

/* --- batch norm ---------------------------------------------------------------------------------------------- */

vj_var *vj_batch_norm(vj_graph *graph, vj_var *x, double epsilon, vj_activation activation) {
  if (!x) return NULL;
  const double momentum = 0.1;
  const vj_shape channels = VJ_SHAPE(x->shape.size[x->shape.rank - 1]);
  vj_var *weight = vj_parameter(graph, &(vj_param_spec){"weight", channels, "C", VJ_INIT_ONE, 0, false});
  vj_var *bias = vj_parameter(graph, &(vj_param_spec){"bias", channels, "C", VJ_INIT_ZERO, 0, false});
  vj_var *running_mean = vj_state(graph, &(vj_param_spec){"running_mean", channels, "C", VJ_INIT_ZERO, 0, false});
  vj_var *running_variance =
      vj_state(graph, &(vj_param_spec){"running_variance", channels, "C", VJ_INIT_ONE, 0, false});
  vj_var *mean = running_mean, *variance = running_variance;
  if (vj_is_training(graph)) {
    const double rows = (double)(x->count / channels.size[0]) * (double)graph->options.shards;
    vj_moments(graph, x, 1, &mean, &variance);
    vj_state_update(graph, running_mean, mean, momentum);
    vj_state_update(graph, running_variance, vj_scale(graph, variance, rows > 1 ? rows / (rows - 1) : 1, 0), momentum);
  }
  vj_var *scale = vj_mul(graph, weight, vj_rsqrt(graph, vj_scale(graph, variance, 1, epsilon)));
  vj_var *shift = vj_sub(graph, bias, vj_mul(graph, mean, scale));
  return vj_channel_affine(graph, x, scale, shift, activation);
}
