/* Pooling, sums and the bridges between batched and shared variables. */
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/base/lanes.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "framework/ops/product/bf16.h"

/* --- average_pool -------------------------------------------------------------------------------------------- */

typedef struct pool {
  int64_t images, height, width, channels, rows, columns;
} pool;

/* inputs x [..,H,W,C]; cells in the order of the image, so every pixel is read once and in order */
VJ_KERNEL(average_pool_run, (const vj_call *call), (call)) {
  const pool *p = call->node->attributes;
  const int64_t cell_height = p->height / p->rows, cell_width = p->width / p->columns;
  const vj_real scale = (vj_real)(1.0 / (double)(cell_height * cell_width));
  const vj_real *x = call->in[0];
  memset(call->out[0], 0, (size_t)(p->images * p->rows * p->columns * p->channels) * sizeof(vj_real));
  for (int64_t n = 0; n < p->images; n++)
    for (int64_t h = 0; h < p->height; h++)
      for (int64_t w = 0; w < p->width; w++, x += p->channels) {
        vj_real *restrict y =
            call->out[0] + ((n * p->rows + h / cell_height) * p->columns + w / cell_width) * p->channels;
        for (int64_t c = 0; c < p->channels; c++) y[c] += x[c];
      }
  const int64_t count = p->images * p->rows * p->columns * p->channels;
  for (int64_t i = 0; i < count; i++) call->out[0][i] *= scale;
}

static VJ_INLINE void spread(const vj_call *call, bool half) {
  const pool *p = call->node->attributes;
  const int64_t cell_height = p->height / p->rows, cell_width = p->width / p->columns;
  const vj_real scale = (vj_real)(1.0 / (double)(cell_height * cell_width));
  int64_t pixel = 0;
  for (int64_t n = 0; n < p->images; n++)
    for (int64_t h = 0; h < p->height; h++)
      for (int64_t w = 0; w < p->width; w++) {
        const vj_real *dy = call->in[0] + ((n * p->rows + h / cell_height) * p->columns + w / cell_width) * p->channels;
        void *dx = vj_room_from(call->out[0], half, pixel++ * p->channels);
        VJ_INDEPENDENT for (int64_t c = 0; c < p->channels; c++) vj_put_number(dx, half, c, dy[c] * scale);
      }
}

VJ_KERNEL(average_pool_gradient_run, (const vj_call *call), (call)) {
  if (call->node->outputs[0]->half)
    spread(call, true);
  else
    spread(call, false);
}

static unsigned average_pool_gradient_halves(const vj_node *node) {
  (void)node;
  return VJ_FIRST_OUTPUT;
}

const vj_op vj_op_average_pool_gradient = {.name = "average_pool_gradient",
                                           .summary = "each cell's gradient to all its pixels",
                                           .form = VJ_MAP,
                                           .run = average_pool_gradient_run,
                                           .halves = average_pool_gradient_halves};

static void average_pool_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0], *dy = node->outputs[0]->gradient;
  vj_gradient_by(graph, x, node, &vj_op_average_pool_gradient, (vj_var *[]){dy}, 1);
}

const vj_op vj_op_average_pool = {.name = "average_pool",
                                  .summary = "means over equal cells of [..,H,W,C]",
                                  .form = VJ_MAP,
                                  .run = average_pool_run,
                                  .gradient = average_pool_gradient};

vj_var *vj_average_pool(vj_graph *graph, vj_var *x, int64_t rows, int64_t columns) {
  if (!x) return NULL;
  const int rank = x->shape.rank;
  if (rank < 4 || rows < 1 || columns < 1 || x->shape.size[rank - 3] % rows || x->shape.size[rank - 2] % columns)
    return vj_graph_fail(graph, VJ_SHAPE, "average_pool: %s does not divide into %lld x %lld equal cells",
                         VJ_SHAPE_TEXT(&x->shape), (long long)rows, (long long)columns);
  const pool p = {vj_shape_count(&x->shape, 0, rank - 3),
                  x->shape.size[rank - 3],
                  x->shape.size[rank - 2],
                  x->shape.size[rank - 1],
                  rows,
                  columns};
  vj_shape shape = x->shape;
  shape.size[rank - 3] = rows;
  shape.size[rank - 2] = columns;
  vj_node *node = vj_node_create(graph, &vj_op_average_pool, (vj_var *[]){x}, 1, 1, &p, sizeof p);
  return vj_node_result(graph, node, &shape);
}

/* --- sum_features and repeat_features -------------------------------------------------------------------------- */

VJ_KERNEL(sum_features_run, (const vj_call *call), (call)) {
  const int64_t n = *(const int64_t *)call->node->attributes, rows = call->node->outputs[0]->count;
  for (int64_t r = 0; r < rows; r++) {
    const vj_real *x = call->in[0] + r * n;
    VJ_LANE_SUM(double, sum, i, n, (double)x[i]);
    call->out[0][r] = (vj_real)sum;
  }
}

static void repeat_features_run(const vj_call *call) {
  const int64_t n = *(const int64_t *)call->node->attributes, rows = call->node->inputs[0]->count;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < n; i++) call->out[0][r * n + i] = call->in[0][r];
}

static void sum_features_gradient(vj_graph *graph, vj_node *node) {
  const int64_t n = *(const int64_t *)node->attributes;
  vj_gradient_add(graph, node->inputs[0], vj_repeat_features(graph, node->outputs[0]->gradient, n));
}

static void repeat_features_gradient(vj_graph *graph, vj_node *node) {
  vj_gradient_add(graph, node->inputs[0], vj_sum_features(graph, node->outputs[0]->gradient));
}

const vj_op vj_op_sum_features = {.name = "sum_features",
                                  .summary = "sum over the last dimension",
                                  .form = VJ_MAP,
                                  .run = sum_features_run,
                                  .gradient = sum_features_gradient};
const vj_op vj_op_repeat_features = {.name = "repeat_features",
                                     .summary = "each number n times in a new last dimension",
                                     .form = VJ_MAP,
                                     .run = repeat_features_run,
                                     .gradient = repeat_features_gradient};

vj_var *vj_sum_features(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (x->shape.rank < (x->batched ? 2 : 1))
    return vj_graph_fail(graph, VJ_SHAPE, "sum_features: %s has no features to sum", VJ_SHAPE_TEXT(&x->shape));
  const int64_t n = x->shape.size[x->shape.rank - 1];
  vj_shape shape = x->shape;
  shape.rank--;
  vj_node *node = vj_node_create(graph, &vj_op_sum_features, (vj_var *[]){x}, 1, 1, &n, sizeof n);
  return vj_node_result(graph, node, &shape);
}

vj_var *vj_repeat_features(vj_graph *graph, vj_var *x, int64_t n) {
  if (!x) return NULL;
  vj_shape shape = x->shape;
  shape.size[shape.rank++] = n;
  vj_node *node = vj_node_create(graph, &vj_op_repeat_features, (vj_var *[]){x}, 1, 1, &n, sizeof n);
  return vj_node_result(graph, node, &shape);
}

/* --- sum_leading and broadcast --------------------------------------------------------------------------------- */

static int64_t columns_of(const vj_node *node) { return node->outputs[0]->count; }

static size_t column_bytes(const vj_node *node) { return (size_t)columns_of(node) * sizeof(vj_real); }

/* In vj_real over short blocks of rows, then in double; a single column in double throughout. */
static VJ_INLINE void sum_rows(const vj_call *call, bool half) {
  enum { BLOCK_ROWS = 64 };
  const int64_t columns = columns_of(call->node), rows = call->node->inputs[0]->count / columns;
  const void *x = call->in[0];
  if (columns == 1) {
    VJ_LANE_SUM(double, sum, i, rows, (double)vj_number(x, half, i));
    call->sums[0] += sum;
    return;
  }
  vj_real *restrict block = call->scratch;
  for (int64_t begin = 0; begin < rows; begin += BLOCK_ROWS) {
    const int64_t end = begin + BLOCK_ROWS < rows ? begin + BLOCK_ROWS : rows;
    memset(block, 0, (size_t)columns * sizeof *block);
    for (int64_t r = begin; r < end; r++)
      for (int64_t c = 0; c < columns; c++) block[c] += vj_number(x, half, r * columns + c);
    for (int64_t c = 0; c < columns; c++) call->sums[c] += (double)block[c];
  }
}

VJ_KERNEL(sum_leading_reduce, (const vj_call *call), (call)) {
  if (call->node->inputs[0]->half)
    sum_rows(call, true);
  else
    sum_rows(call, false);
}

static unsigned sum_leading_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0);
}

static void sum_leading_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_gradient_add(graph, x, vj_broadcast_to(graph, node->outputs[0]->gradient, x->batched, &x->shape));
}

const vj_op vj_op_sum_leading = {.name = "sum_leading",
                                 .summary = "sum over the global batch and leading dimensions",
                                 .form = VJ_SUM,
                                 .reduce = sum_leading_reduce,
                                 .finish = vj_finish_sums,
                                 .gradient = sum_leading_gradient,
                                 .sum_count = columns_of,
                                 .halves = sum_leading_halves,
                                 .scratch_bytes = column_bytes};

vj_var *vj_sum_leading(vj_graph *graph, vj_var *x, int kept) {
  if (!x) return NULL;
  if (kept < 0 || kept + (x->batched ? 1 : 0) > x->shape.rank)
    return vj_graph_fail(graph, VJ_SHAPE, "sum_leading: cannot keep %d dimensions of %s", kept,
                         VJ_SHAPE_TEXT(&x->shape));
  vj_shape shape = {.rank = kept};
  for (int i = 0; i < kept; i++) shape.size[i] = x->shape.size[x->shape.rank - kept + i];
  vj_node *node = vj_node_create(graph, &vj_op_sum_leading, (vj_var *[]){x}, 1, 1, NULL, 0);
  return vj_node_output(graph, node, false, &shape);
}

VJ_KERNEL(broadcast_run, (const vj_call *call), (call)) {
  const int64_t count = call->node->inputs[0]->count, copies = call->node->outputs[0]->count / count;
  for (int64_t r = 0; r < copies; r++)
    for (int64_t i = 0; i < count; i++) call->out[0][r * count + i] = call->in[0][i];
}

static void broadcast_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_gradient_add(graph, x, vj_sum_leading(graph, node->outputs[0]->gradient, x->shape.rank));
}

const vj_op vj_op_broadcast = {.name = "broadcast",
                               .summary = "a shared variable, once for every sample or leading index",
                               .form = VJ_MAP,
                               .run = broadcast_run,
                               .gradient = broadcast_gradient};

vj_var *vj_broadcast_to(vj_graph *graph, vj_var *x, bool batched, const vj_shape *shape) {
  if (!x) return NULL;
  vj_node *node = vj_node_create(graph, &vj_op_broadcast, (vj_var *[]){x}, 1, 1, NULL, 0);
  return vj_node_output(graph, node, batched, shape);
}

static vj_var *repeated(vj_graph *graph, vj_var *x, bool batched, int64_t times) {
  if (!x) return NULL;
  if (x->batched || x->shape.rank >= VJ_MAX_RANK)
    return vj_graph_fail(graph, VJ_SHAPE, "%s: %s is batched%s or has too many dimensions",
                         batched ? "broadcast" : "repeat_rows", VJ_SHAPE_TEXT(&x->shape), batched ? " already" : "");
  vj_shape shape = {.rank = x->shape.rank + 1, .size = {times}};
  for (int i = 0; i < x->shape.rank; i++) shape.size[i + 1] = x->shape.size[i];
  return vj_broadcast_to(graph, x, batched, &shape);
}

vj_var *vj_broadcast(vj_graph *graph, vj_var *x) { return repeated(graph, x, true, graph->options.shard_samples); }

vj_var *vj_repeat_rows(vj_graph *graph, vj_var *x, int64_t rows) { return repeated(graph, x, false, rows); }

vj_var *vj_sum_batch(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (!x->batched) return vj_graph_fail(graph, VJ_SHAPE, "sum_batch: %s is shared", VJ_SHAPE_TEXT(&x->shape));
  return vj_sum_leading(graph, x, x->shape.rank - 1);
}

vj_var *vj_mean_batch(vj_graph *graph, vj_var *x) {
  return vj_scale(graph, vj_sum_batch(graph, x), 1.0 / (double)vj_batch_samples(graph), 0);
}

vj_var *vj_mean_all(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  const double count = (double)x->count * (double)(x->batched ? graph->options.shards : 1);
  return vj_scale(graph, vj_sum_leading(graph, x, 0), 1.0 / count, 0);
}

/* --- gather_batch and scatter_batch ----------------------------------------------------------------------------- */

static void gather_batch_run(const vj_call *call) {
  const int64_t count = call->node->inputs[0]->count;
  memcpy(call->out[0] + call->shard * count, call->in[0], (size_t)count * sizeof(vj_real));
}

static void scatter_batch_run(const vj_call *call) {
  const int64_t count = call->node->outputs[0]->count;
  memcpy(call->out[0], call->in[0] + call->shard * count, (size_t)count * sizeof(vj_real));
}

static void scatter_batch_gradient(vj_graph *graph, vj_node *node) {
  vj_gradient_add(graph, node->inputs[0], vj_gather_batch(graph, node->outputs[0]->gradient));
}

const vj_op vj_op_scatter_batch = {.name = "scatter_batch",
                                   .summary = "shared [B,..] -> batched [b,..]: each shard its own samples",
                                   .form = VJ_MAP,
                                   .run = scatter_batch_run,
                                   .gradient = scatter_batch_gradient};

vj_var *vj_scatter_batch(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (x->batched || x->shape.rank < 1 || x->shape.size[0] != vj_batch_samples(graph))
    return vj_graph_fail(graph, VJ_SHAPE, "scatter_batch: %s does not start with the batch of %lld samples",
                         VJ_SHAPE_TEXT(&x->shape), (long long)vj_batch_samples(graph));
  vj_shape shape = x->shape;
  shape.size[0] = vj_shard_samples(graph);
  vj_node *node = vj_node_create(graph, &vj_op_scatter_batch, (vj_var *[]){x}, 1, 1, NULL, 0);
  return vj_node_output(graph, node, true, &shape);
}

static void gather_batch_gradient(vj_graph *graph, vj_node *node) {
  vj_gradient_add(graph, node->inputs[0], vj_scatter_batch(graph, node->outputs[0]->gradient));
}

const vj_op vj_op_gather_batch = {.name = "gather_batch",
                                  .summary = "batched [b,..] -> shared [B,..]: all samples in order",
                                  .form = VJ_GATHER,
                                  .run = gather_batch_run,
                                  .gradient = gather_batch_gradient};

vj_var *vj_gather_batch(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  if (!x->batched) return vj_graph_fail(graph, VJ_SHAPE, "gather_batch: %s is shared", VJ_SHAPE_TEXT(&x->shape));
  vj_shape shape = x->shape;
  shape.size[0] = vj_batch_samples(graph);
  vj_node *node = vj_node_create(graph, &vj_op_gather_batch, (vj_var *[]){x}, 1, 1, NULL, 0);
  return vj_node_output(graph, node, false, &shape);
}
