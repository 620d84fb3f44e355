/* Standard normal numbers, the same for a sample whatever the ranks: keyed by (seed, step, sample's place in the batch,
 * number of the node). */
#include "ops/build.h"
#include "ops/op.h"
#include "vj/rng.h"

static void noise_run(const vj_call *call) {
  const vj_var *out = call->node->outputs[0];
  const int64_t b = out->shape.size[0], width = out->count / b;
  const uint64_t which = *(const uint64_t *)call->node->attributes;
  for (int64_t s = 0; s < b; s++) {
    vj_rng rng =
        vj_rng_stream(call->seed, VJ_RNG_NOISE, (uint32_t)call->step, which << 32 | (uint64_t)(call->shard * b + s));
    for (int64_t i = 0; i < width; i++) call->out[0][s * width + i] = (vj_real)vj_rng_normal(&rng);
  }
}

const vj_op vj_op_noise = {.name = "noise", .summary = "standard normal numbers", .form = VJ_MAP, .run = noise_run};

vj_var *vj_noise(vj_graph *graph, const vj_shape *shape) {
  const uint64_t which = (uint64_t)graph->nodes.count;
  char text[128];
  if (shape->rank < 1 || shape->size[0] != vj_shard_samples(graph))
    return vj_graph_fail(graph, VJ_SHAPE, "noise: %s does not start with the %lld samples of a shard",
                         vj_shape_text(shape, text), (long long)vj_shard_samples(graph));
  vj_node *node = vj_node_create(graph, &vj_op_noise, NULL, 0, 0, &which, sizeof which);
  return vj_node_output(graph, node, true, shape);
}
