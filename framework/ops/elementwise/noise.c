/* Random numbers, the same for a sample whatever the ranks: keyed by (seed, step, sample's place in the batch,
 * number of the node). Shared ones are drawn by every rank alike, with rows in place of samples. */
#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "vj/rng.h"

typedef struct stream {
  uint64_t which; /* number of the node */
  bool fixed;  /* in an evaluation graph, whose step is the batch: what it records must not depend on when it was run */
  double keep; /* 0: standard normal; else 1 / keep with this probability, else 0 */
} stream;

static void draw_normals(vj_rng *rng, int64_t count, vj_real *to) {
  enum { BLOCK = 256 };
  double numbers[BLOCK];
  for (int64_t begin = 0; begin < count; begin += BLOCK) {
    const int64_t size = begin + BLOCK < count ? BLOCK : count - begin;
    vj_rng_normals(rng, size, numbers);
    for (int64_t i = 0; i < size; i++) to[begin + i] = (vj_real)numbers[i];
  }
}

static void draw_mask(vj_rng *rng, int64_t count, double keep, vj_real *to) {
  for (int64_t i = 0; i < count; i++) to[i] = (vj_real)(vj_rng_uniform(rng) < keep ? 1 / keep : 0);
}

static void noise_run(const vj_call *call) {
  const vj_var *out = call->node->outputs[0];
  const int64_t rows = out->shape.size[0], width = out->count / rows, first = out->batched ? call->shard * rows : 0;
  const stream *s = call->node->attributes;
  const uint32_t step = s->fixed && !out->batched ? 0 : (uint32_t)call->step;
  for (int64_t r = 0; r < rows; r++) {
    vj_rng rng = vj_rng_stream(call->seed, VJ_RNG_NOISE, step, s->which << 32 | (uint64_t)(first + r));
    if (s->keep == 0)
      draw_normals(&rng, width, call->out[0] + r * width);
    else
      draw_mask(&rng, width, s->keep, call->out[0] + r * width);
  }
}

const vj_op vj_op_noise = {
    .name = "noise", .summary = "standard normal numbers, or which samples are kept", .form = VJ_MAP, .run = noise_run};

static vj_var *noise(vj_graph *graph, bool batched, const vj_shape *shape, double keep) {
  const stream s = {(uint64_t)graph->nodes.count, !vj_is_training(graph), keep};
  vj_node *node = vj_node_create(graph, &vj_op_noise, NULL, 0, 0, &s, sizeof s);
  return vj_node_output(graph, node, batched, shape);
}

vj_var *vj_noise(vj_graph *graph, const vj_shape *shape) {
  if (shape->rank < 1 || shape->size[0] != vj_shard_samples(graph))
    return vj_graph_fail(graph, VJ_SHAPE, "noise: %s does not start with the %lld samples of a shard",
                         VJ_SHAPE_TEXT(shape), (long long)vj_shard_samples(graph));
  return noise(graph, true, shape, 0);
}

vj_var *vj_directions(vj_graph *graph, int64_t count, int64_t width) {
  vj_var *normal = noise(graph, false, &VJ_SHAPE(count, width), 0);
  vj_var *inverse_length = vj_rsqrt(graph, vj_sum_features(graph, vj_square(graph, normal)));
  return vj_mul(graph, normal, vj_repeat_features(graph, inverse_length, width));
}

vj_var *vj_drop_path_mask(vj_graph *graph, double probability) {
  if (probability >= 1 || !vj_is_training(graph)) return NULL;
  return noise(graph, true, &VJ_SHAPE(vj_shard_samples(graph)), probability);
}
