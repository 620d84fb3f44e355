/* Planning: dead nodes go, the rest is cut into segments, every variable gets its place in one arena. */
#include "framework/graph/plan.h"

#include <stdlib.h>
#include <string.h>

#include "framework/ops/op.h"

enum { WEIGHT_RANGE_NUMBERS = 256 * 1024 };

void vj_plan_destroy(vj_plan *plan) {
  if (!plan) return;
  for (int i = 0; i < plan->exchange_count && plan->exchanges; i++) free(plan->exchanges[i].received);
  free(plan->exchanges);
  if (!plan->owns_arena) return;
  free(plan->shared);
  free(plan->batched);
  free(plan->parts);
  free(plan->sums);
  free(plan->scratch);
}

/* --- which nodes --------------------------------------------------------------------------------------------- */

static void mark_needed(const vj_graph *graph) {
  for (int i = 0; i < graph->vars.count; i++) {
    vj_var *var = graph->vars.at[i];
    var->needed = var->keep || var->role == VJ_ROLE_GRADIENT;
  }
  for (int i = graph->nodes.count - 1; i >= 0; i--) {
    vj_node *node = graph->nodes.at[i];
    node->needed = false;
    for (int k = 0; k < node->output_count; k++) node->needed = node->needed || node->outputs[k]->needed;
    for (int k = 0; k < node->input_count && node->needed; k++)
      if (node->inputs[k]) node->inputs[k]->needed = true;
  }
}

/* Needed nodes in order, sums of parameter gradients last. */
static void order_nodes(const vj_graph *graph, vj_plan *plan) {
  for (int i = 0; i < graph->nodes.count; i++) { /* what follows from a late node is late */
    vj_node *node = graph->nodes.at[i];
    for (int k = 0; k < node->input_count; k++)
      if (node->inputs[k] && node->inputs[k]->producer && node->inputs[k]->producer->late) node->late = true;
  }
  for (int late = 0; late < 2; late++)
    for (int i = 0; i < graph->nodes.count; i++) {
      vj_node *node = graph->nodes.at[i];
      if (!node->needed || node->late != (late == 1)) continue;
      node->order = plan->node_count;
      plan->nodes[plan->node_count++] = node;
    }
}

/* --- segments ------------------------------------------------------------------------------------------------ */

static vj_segment_kind kind_of(const vj_node *node) {
  if (!node->batched) return VJ_SEGMENT_ONCE;
  return node->op->form == VJ_WEIGHT ? VJ_SEGMENT_WEIGHT : VJ_SEGMENT_SHARDS;
}

static bool uses_result_of(const vj_node *node, const vj_plan *plan, int begin, int end) {
  for (int i = begin; i < end; i++) {
    const vj_node *earlier = plan->nodes[i];
    if (earlier->op->form != VJ_SUM && earlier->op->form != VJ_GATHER) continue;
    for (int k = 0; k < node->input_count; k++)
      if (node->inputs[k] && !node->inputs[k]->batched && node->inputs[k]->producer == earlier) return true;
  }
  return false;
}

static void cut_segments(vj_plan *plan) {
  for (int i = 0; i < plan->node_count; i++) {
    const vj_node *node = plan->nodes[i];
    const vj_segment_kind kind = kind_of(node);
    vj_segment *last = plan->segment_count ? &plan->segments[plan->segment_count - 1] : NULL;
    const bool joins = last && kind == VJ_SEGMENT_SHARDS && last->kind == VJ_SEGMENT_SHARDS &&
                       !uses_result_of(node, plan, last->begin, i);
    if (!joins) {
      plan->segments[plan->segment_count] = (vj_segment){.kind = kind, .begin = i, .end = i};
      last = &plan->segments[plan->segment_count++];
    }
    last->end = i + 1;
    if (node->op->form == VJ_SUM) last->sums += node->op->sum_count(node);
    if (last->sums > plan->sum_numbers) plan->sum_numbers = last->sums;
  }
}

/* --- lives --------------------------------------------------------------------------------------------------- */

static vj_storage *storage_create(vj_plan *plan, const vj_var *var) {
  vj_storage *storage = &plan->storages[plan->storage_count++];
  *storage = (vj_storage){
      .count = var->half ? (var->count + 1) / 2 : var->count, .batched = var->batched, .first = -1, .last = -1};
  return storage;
}

static void extend_lifetime(vj_var *var, int node, int segment) {
  vj_storage *storage = var->storage;
  if (!storage) return; /* parameters, states and gradients have their own blocks */
  const int time = storage->batched ? node : segment;
  if (storage->first < 0 || time < storage->first) storage->first = time;
  if (time > storage->last) storage->last = time;
}

static int last_use(const vj_plan *plan, const vj_storage *storage) {
  int last = -1;
  for (int i = 0; i < plan->node_count; i++)
    for (int k = 0; k < plan->nodes[i]->input_count; k++)
      if (plan->nodes[i]->inputs[k] && plan->nodes[i]->inputs[k]->storage == storage) last = i;
  return last;
}

static bool is_kept(const vj_graph *graph, const vj_storage *storage) {
  for (int i = 0; i < graph->vars.count; i++) {
    const vj_var *var = graph->vars.at[i];
    if (var->storage == storage && (var->keep || var->role == VJ_ROLE_INPUT)) return true;
  }
  return false;
}

/* The output may take the storage of an input that nothing reads afterwards. */
static vj_storage *in_place_storage(const vj_graph *graph, const vj_plan *plan, const vj_node *node,
                                    const vj_var *output) {
  if (!node->op->in_place || !output->batched) return NULL;
  const vj_var *input = node->inputs[node->op->in_place - 1];
  if (!input || !input->batched || input->count != output->count || input->half != output->half || !input->storage)
    return NULL;
  for (int k = 0; k < node->input_count; k++) /* read at other places while it is written: not this op's promise */
    if (k != node->op->in_place - 1 && node->inputs[k] && node->inputs[k]->storage == input->storage) return NULL;
  if (last_use(plan, input->storage) != node->order || is_kept(graph, input->storage)) return NULL;
  return input->storage;
}

static void assign_storage(const vj_graph *graph, vj_plan *plan) {
  for (int i = 0; i < graph->vars.count; i++) {
    vj_var *var = graph->vars.at[i];
    var->storage = var->role == VJ_ROLE_INPUT && var->needed ? storage_create(plan, var) : NULL;
  }
  /* Reshapes first: the life of a storage must be known with all its names when in-place is decided. */
  for (int i = 0; i < plan->node_count; i++) {
    const vj_node *node = plan->nodes[i];
    for (int k = 0; k < node->output_count; k++) {
      vj_var *output = node->outputs[k];
      if (output->alias)
        output->storage = output->alias->storage;
      else if (output->role == VJ_ROLE_INTERMEDIATE)
        output->storage = storage_create(plan, output);
    }
  }
  for (int i = 0; i < plan->node_count; i++) {
    const vj_node *node = plan->nodes[i];
    if (node->output_count == 0 || node->outputs[0]->alias || !node->outputs[0]->storage) continue;
    vj_storage *reused = in_place_storage(graph, plan, node, node->outputs[0]);
    const vj_storage *before = node->outputs[0]->storage;
    if (!reused) continue;
    for (int v = 0; v < graph->vars.count; v++) {
      vj_var *var = graph->vars.at[v];
      if (var->storage == before) var->storage = reused;
    }
  }
}

static void find_lifetimes(const vj_graph *graph, vj_plan *plan) {
  for (int s = 0; s < plan->segment_count; s++)
    for (int i = plan->segments[s].begin; i < plan->segments[s].end; i++) {
      const vj_node *node = plan->nodes[i];
      for (int k = 0; k < node->input_count; k++)
        if (node->inputs[k]) extend_lifetime(node->inputs[k], i, s);
      for (int k = 0; k < node->output_count; k++) extend_lifetime(node->outputs[k], i, s);
    }
  for (int i = 0; i < graph->vars.count; i++) {
    vj_var *var = graph->vars.at[i];
    if (!var->storage) continue;
    if (var->role == VJ_ROLE_INPUT) var->storage->first = 0;
    if (var->keep) var->storage->last = plan->node_count;
  }
}

/* --- places -------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
  const vj_storage *left = *(vj_storage *const *)a, *right = *(vj_storage *const *)b;
  if (left->count != right->count) return left->count > right->count ? -1 : 1;
  return left < right ? -1 : left > right; /* the order of creation, so that plans are the same everywhere */
}

/* Largest first, each at the lowest place that is free during its life. Returns the size of the arena. */
static int64_t place(vj_storage **list, int count) {
  const int64_t step = VJ_ALIGNMENT / (int64_t)sizeof(vj_real);
  int64_t size = 0;
  qsort(list, (size_t)count, sizeof *list, by_size);
  for (int i = 0; i < count; i++) {
    const int64_t need = (list[i]->count + step - 1) / step * step;
    int64_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int k = 0; k < i; k++) {
        const int64_t taken = (list[k]->count + step - 1) / step * step;
        const bool together = list[k]->first <= list[i]->last && list[i]->first <= list[k]->last;
        if (together && offset < list[k]->offset + taken && list[k]->offset < offset + need) {
          offset = list[k]->offset + taken;
          moved = true;
        }
      }
    }
    list[i]->offset = offset;
    if (offset + need > size) size = offset + need;
  }
  return size;
}

static vj_status place_storages(vj_plan *plan) {
  vj_storage **list = NULL;
  VJ_TRY(vj_allocate((size_t)plan->storage_count + 1, sizeof *list, "memory plan", &list));
  for (int batched = 0; batched < 2; batched++) {
    int count = 0;
    for (int i = 0; i < plan->storage_count; i++)
      if (plan->storages[i].first >= 0 && plan->storages[i].batched == (batched == 1))
        list[count++] = &plan->storages[i];
    *(batched ? &plan->shard_numbers : &plan->shared_numbers) = place(list, count);
  }
  free(list);
  return VJ_OK;
}

int64_t vj_plan_rows(const vj_node *node) {
  const vj_shape *shape = &node->outputs[0]->shape;
  const int64_t row = vj_shape_count(shape, 1, shape->rank);
  if (!node->op->splits_rows || row * shape->size[0] <= WEIGHT_RANGE_NUMBERS) return shape->size[0];
  return row >= WEIGHT_RANGE_NUMBERS ? 1 : WEIGHT_RANGE_NUMBERS / row;
}

bool vj_plan_waits(const vj_plan *plan, const vj_segment *segment) {
  for (int i = segment->begin; i < segment->end; i++)
    for (int k = 0; k < plan->nodes[i]->input_count; k++) {
      const vj_var *input = plan->nodes[i]->inputs[k];
      if (input && input->producer && input->producer->op->form == VJ_WEIGHT && input->producer->batched) return true;
    }
  return false;
}

static void size_scratch(vj_plan *plan) {
  for (int i = 0; i < plan->node_count; i++) {
    const vj_node *node = plan->nodes[i];
    const size_t bytes = node->op->scratch_bytes ? node->op->scratch_bytes(node) : 0;
    if (bytes > plan->scratch_bytes) plan->scratch_bytes = bytes;
    if (node->op->form != VJ_WEIGHT) continue;
    const vj_shape *shape = &node->outputs[0]->shape;
    const int64_t numbers = vj_plan_rows(node) * vj_shape_count(shape, 1, shape->rank);
    if (numbers > plan->part_numbers) plan->part_numbers = numbers;
    plan->exchange_count++;
  }
  const size_t a = VJ_ALIGNMENT, per_line = a / sizeof(vj_real);
  plan->scratch_bytes = (plan->scratch_bytes + a - 1) / a * a;
  plan->part_numbers = (plan->part_numbers + (int64_t)per_line - 1) / (int64_t)per_line * (int64_t)per_line;
}

vj_status vj_graph_plan(vj_graph *graph, int64_t local_shards) {
  VJ_TRY(vj_graph_status(graph));
  const size_t nodes = (size_t)graph->nodes.count + 1;
  vj_plan *plan = vj_pool_take(graph->pool, sizeof *plan);
  if (!plan) return vj_fail(VJ_MEMORY, "no memory for a plan");
  plan->nodes = vj_pool_take(graph->pool, nodes * sizeof *plan->nodes);
  plan->segments = vj_pool_take(graph->pool, nodes * sizeof *plan->segments);
  plan->storages = vj_pool_take(graph->pool, ((size_t)graph->vars.count + 1) * sizeof *plan->storages);
  plan->waits = vj_pool_take(graph->pool, (nodes + 1) * sizeof *plan->waits);
  if (!plan->nodes || !plan->segments || !plan->storages || !plan->waits)
    return vj_fail(VJ_MEMORY, "no memory for a plan");
  plan->local_shards = local_shards;
  mark_needed(graph);
  VJ_TRY(vj_plan_choose_precision(graph));
  order_nodes(graph, plan);
  cut_segments(plan);
  assign_storage(graph, plan);
  find_lifetimes(graph, plan);
  size_scratch(plan);
  VJ_TRY(place_storages(plan));
  graph->plan = plan;
  return VJ_OK;
}
