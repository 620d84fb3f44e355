#include "framework/graph/cost.h"

#include "framework/graph/plan.h"
#include "framework/ops/op.h"

static double bytes_of(const vj_var *var) {
  return var ? (double)var->count * (double)(var->half ? sizeof(vj_real) / 2 : sizeof(vj_real)) : 0;
}

/* A product's passes over memory are part of the rate at which products run. */
vj_work vj_node_work(const vj_node *node) {
  vj_work work = {0};
  if (vj_is_alias(node)) return work;
  work.calls = 1;
  work.flops = node->op->flops_done ? node->op->flops_done(node) : node->op->flops ? node->op->flops(node) : 0;
  if (work.flops > 0) return work;
  for (int k = 0; k < node->input_count; k++) work.bytes += bytes_of(node->inputs[k]);
  for (int k = 0; k < node->output_count; k++) work.bytes += bytes_of(node->outputs[k]);
  return work;
}

static void add(vj_work *sum, vj_work work) {
  sum->flops += work.flops;
  sum->bytes += work.bytes;
  sum->calls += work.calls;
}

static vj_segment_cost count_segment(const vj_plan *plan, const vj_segment *segment) {
  const bool of_shards = segment->kind == VJ_SEGMENT_SHARDS; /* others sum what every rank has */
  vj_segment_cost cost = {.sums = of_shards ? segment->sums : 0, .waits = vj_plan_waits(plan, segment)};
  for (int i = segment->begin; i < segment->end; i++) {
    const vj_node *node = plan->nodes[i];
    const vj_var *output = node->outputs[0];
    add(segment->kind == VJ_SEGMENT_ONCE ? &cost.alike : &cost.shard, vj_node_work(node));
    if (segment->kind == VJ_SEGMENT_WEIGHT) cost.weight = output->count;
    if (!of_shards || node->op->form != VJ_GATHER) continue;
    cost.gathers++;
    cost.gathered += bytes_of(output);
  }
  return cost;
}

vj_status vj_graph_cost_count(vj_pool *pool, const vj_graph *graph, vj_graph_cost **cost) {
  const vj_plan *plan = graph->plan;
  *cost = vj_pool_take(pool, sizeof **cost);
  if (!*cost) return vj_fail(VJ_MEMORY, "no memory to count what a graph costs");
  (*cost)->shards = graph->options.shards;
  (*cost)->segment_count = plan->segment_count;
  (*cost)->segments = vj_pool_take(pool, ((size_t)plan->segment_count + 1) * sizeof *(*cost)->segments);
  if (!(*cost)->segments) return vj_fail(VJ_MEMORY, "no memory to count what a graph costs");
  for (int s = 0; s < plan->segment_count; s++) (*cost)->segments[s] = count_segment(plan, &plan->segments[s]);
  return VJ_OK;
}
