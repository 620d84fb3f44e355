/* Running a planned graph: segments over shards, sums in a fixed tree, exchanges behind the computation. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "framework/base/float_environment.h"
#include "framework/base/threads.h"
#include "framework/graph/cost.h"
#include "framework/graph/plan.h"
#include "framework/ops/op.h"

vj_real *vj_graph_values(const vj_graph *graph, const vj_var *var, int64_t shard) {
  const vj_plan *plan = graph->plan;
  const vj_parameters *parameters = graph->parameters;
  while (var->alias) var = var->alias;
  switch (var->role) {
    case VJ_ROLE_PARAMETER:
      return parameters->values + parameters->rows[var->parameter].offset;
    case VJ_ROLE_STATE:
      return parameters->states + parameters->rows[var->parameter].offset;
    case VJ_ROLE_GRADIENT:
      return parameters->gradients + parameters->rows[var->parameter].offset;
    default:
      break;
  }
  if (!var->storage || var->storage->first < 0) return NULL;
  if (!var->storage->batched) return plan->shared + var->storage->offset;
  return plan->batched + shard * plan->shard_numbers + var->storage->offset;
}

/* --- allocation ---------------------------------------------------------------------------------------------- */

/* Numbers, doubles and bytes of each block: enough for the largest of several graphs. */
typedef struct arena_sizes {
  size_t shared, batched, parts, sums, scratch;
} arena_sizes;

static size_t larger(size_t a, int64_t b) { return a > (size_t)b ? a : (size_t)b; }

static int thread_count(const vj_plan *plan) {
  const int threads = vj_threads();
  return threads > plan->local_shards ? (int)plan->local_shards : threads;
}

static arena_sizes sizes_of(vj_graph *const *graphs, int count) {
  arena_sizes sizes = {0};
  for (int i = 0; i < count; i++) {
    const vj_plan *plan = graphs[i]->plan;
    sizes.shared = larger(sizes.shared, plan->shared_numbers);
    sizes.batched = larger(sizes.batched, plan->shard_numbers * plan->local_shards);
    sizes.parts = larger(sizes.parts, plan->part_numbers * plan->local_shards);
    sizes.sums = larger(sizes.sums, plan->sum_numbers * plan->local_shards);
    sizes.scratch = larger(sizes.scratch, (int64_t)plan->scratch_bytes * thread_count(plan));
  }
  return sizes;
}

size_t vj_graph_memory(vj_graph *const *graphs, int count) {
  const arena_sizes sizes = sizes_of(graphs, count);
  return sizeof(vj_real) * (sizes.shared + sizes.batched + sizes.parts) + sizeof(double) * sizes.sums + sizes.scratch;
}

static vj_status allocate_exchanges(vj_plan *plan) {
  if (plan->comm->size == 1 || plan->exchange_count == 0) {
    plan->exchange_count = 0;
    return VJ_OK;
  }
  VJ_TRY(vj_allocate((size_t)plan->exchange_count, sizeof *plan->exchanges, "exchanges", &plan->exchanges));
  int next = 0;
  for (int i = 0; i < plan->node_count; i++)
    if (plan->nodes[i]->op->form == VJ_WEIGHT && plan->nodes[i]->batched) {
      const size_t half = (size_t)(plan->nodes[i]->outputs[0]->count + 1) / 2;
      VJ_TRY(vj_allocate(half, sizeof(vj_real), "gradient exchange", &plan->exchanges[next++].received));
    }
  return VJ_OK;
}

static vj_status allocate(vj_graph *const *graphs, int count) {
  const arena_sizes sizes = sizes_of(graphs, count);
  vj_plan *owner = graphs[0]->plan;
  owner->owns_arena = true;
  VJ_TRY(vj_allocate(sizes.shared, sizeof(vj_real), "shared variables", &owner->shared));
  VJ_TRY(vj_allocate(sizes.batched, sizeof(vj_real), "activations", &owner->batched));
  VJ_TRY(vj_allocate(sizes.parts, sizeof(vj_real), "weight gradients", &owner->parts));
  VJ_TRY(vj_allocate(sizes.sums, sizeof(double), "batch sums", &owner->sums));
  VJ_TRY(vj_allocate(sizes.scratch, 1, "scratch of kernels", &owner->scratch));
  for (int i = 0; i < count; i++) {
    vj_plan *plan = graphs[i]->plan;
    plan->shared = owner->shared;
    plan->batched = owner->batched;
    plan->parts = owner->parts;
    plan->sums = owner->sums;
    plan->scratch = owner->scratch;
    plan->threads = thread_count(plan);
    VJ_TRY(allocate_exchanges(plan));
  }
  return VJ_OK;
}

vj_status vj_graph_allocate(vj_graph *const *graphs, int count, const vj_comm *comm) {
  for (int i = 0; i < count; i++) graphs[i]->plan->comm = comm;
  return vj_comm_agree(comm, allocate(graphs, count));
}

/* --- one node ------------------------------------------------------------------------------------------------ */

static vj_call call_of(const vj_graph *graph, const vj_node *node, int64_t local_shard) {
  const vj_plan *plan = graph->plan;
  vj_call call = {.node = node,
                  .shard = plan->comm->rank * plan->local_shards + local_shard,
                  .seed = graph->options.seed,
                  .step = graph->step};
  for (int i = 0; i < node->input_count; i++)
    if (node->inputs[i]) call.in[i] = vj_graph_values(graph, node->inputs[i], local_shard);
  for (int i = 0; i < node->output_count; i++) call.out[i] = vj_graph_values(graph, node->outputs[i], local_shard);
  call.scratch = plan->scratch + (size_t)omp_get_thread_num() * plan->scratch_bytes;
  return call;
}

/* Seconds of threads: what a node alone occupies counts for all threads of the rank. */
static void profile_add(vj_node *node, double seconds) {
#pragma omp atomic
  node->seconds += seconds;
}

/* --- segments ------------------------------------------------------------------------------------------------ */

static void run_shard(vj_graph *graph, const vj_segment *segment, int64_t shard) {
  vj_float_environment();
  const vj_plan *plan = graph->plan;
  double *sums = plan->sums + shard * plan->sum_numbers;
  for (int i = segment->begin; i < segment->end; i++) {
    vj_node *node = plan->nodes[i];
    if (vj_is_alias(node)) continue;
    const double start = plan->profiling ? omp_get_wtime() : 0;
    vj_call call = call_of(graph, node, shard);
    if (node->op->form == VJ_SUM) {
      const int64_t count = node->op->sum_count(node);
      memset(sums, 0, (size_t)count * sizeof *sums);
      call.sums = sums;
      node->op->reduce(&call);
      sums += count;
    } else {
      node->op->run(&call);
    }
    if (plan->profiling) profile_add(node, omp_get_wtime() - start);
  }
}

/* Adds the parts of shards low..high-1 into that of `low`: the two halves first, then their sum. Halving meets every
 * rank's range of shards when the number of ranks is a power of two, so ranks only continue the same tree. */
static void tree_sum_double(double *parts, int64_t stride, int64_t count, int64_t low, int64_t high) {
  if (high - low < 2) return;
  const int64_t middle = low + (high - low) / 2;
  tree_sum_double(parts, stride, count, low, middle);
  tree_sum_double(parts, stride, count, middle, high);
  double *left = parts + low * stride;
  const double *right = parts + middle * stride;
  for (int64_t i = 0; i < count; i++) left[i] += right[i];
}

/* Notes the time since `start` as spent in collectives, at the end of segment `s` or, behind the last one, at the end
 * of the run. */
static void add_wait(vj_plan *plan, int64_t s, double start) {
  const double seconds = omp_get_wtime() - start;
  plan->waits[s] += seconds;
  plan->wait_seconds += seconds;
}

static vj_status finish_segment(vj_graph *graph, const vj_segment *segment) {
  vj_plan *plan = graph->plan;
  if (segment->sums) {
    tree_sum_double(plan->sums, plan->sum_numbers, segment->sums, 0, plan->local_shards);
    const double start = omp_get_wtime();
    VJ_TRY(vj_comm_sum_double(plan->comm, plan->sums, (size_t)segment->sums));
    add_wait(plan, segment - plan->segments, start);
  }
  double *total = plan->sums;
  for (int i = segment->begin; i < segment->end; i++) {
    const vj_node *node = plan->nodes[i];
    if (node->op->form == VJ_SUM) {
      vj_call call = call_of(graph, node, 0);
      call.sums = total;
      node->op->finish(&call);
      total += node->op->sum_count(node);
    } else if (node->op->form == VJ_GATHER) {
      const vj_var *all = node->outputs[0];
      const size_t bytes = (size_t)(all->count / plan->comm->size) * sizeof(vj_real);
      const double start = omp_get_wtime();
      VJ_TRY(vj_comm_gather_in_place(plan->comm, vj_graph_values(graph, all, 0), bytes));
      add_wait(plan, segment - plan->segments, start);
    }
  }
  return VJ_OK;
}

static vj_status run_shards(vj_graph *graph, const vj_segment *segment) {
  const vj_plan *plan = graph->plan;
#pragma omp parallel for schedule(static) num_threads(plan->threads)
  for (int64_t shard = 0; shard < plan->local_shards; shard++) run_shard(graph, segment, shard);
  return finish_segment(graph, segment);
}

/* What every rank computes for itself: weights are packed in less time than they would take from rank to rank. */
static void run_pieces(const vj_graph *graph, const vj_node *node) {
  const int64_t pieces = node->op->pieces ? node->op->pieces(node) : 1;
  const int most = graph->plan->threads, threads = pieces < most ? (int)pieces : most;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t i = 0; i < threads; i++) {
    vj_float_environment();
    vj_call call = call_of(graph, node, 0);
    call.begin = pieces * i / threads;
    call.end = pieces * (i + 1) / threads;
    node->op->run(&call);
  }
}

static void run_once(vj_graph *graph, vj_node *node) {
  const vj_plan *plan = graph->plan;
  if (vj_is_alias(node)) return;
  const double start = plan->profiling ? omp_get_wtime() : 0;
  if (node->op->form == VJ_SUM) { /* a sum over shared numbers only: every rank has them all */
    vj_call call = call_of(graph, node, 0);
    call.sums = plan->sums;
    memset(call.sums, 0, (size_t)node->op->sum_count(node) * sizeof *call.sums);
    node->op->reduce(&call);
    node->op->finish(&call);
  } else {
    run_pieces(graph, node);
  }
  if (plan->profiling) profile_add(node, (omp_get_wtime() - start) * plan->threads);
}

/* --- weight gradients ---------------------------------------------------------------------------------------- */

static void tree_sum_real(vj_real *parts, int64_t stride, int64_t count, int64_t low, int64_t high) {
  if (high - low < 2) return;
  const int64_t middle = low + (high - low) / 2;
  tree_sum_real(parts, stride, count, low, middle);
  tree_sum_real(parts, stride, count, middle, high);
  vj_real *restrict left = parts + low * stride;
  const vj_real *restrict right = parts + middle * stride;
#pragma omp simd
  for (int64_t i = 0; i < count; i++) left[i] += right[i];
}

static void sum_parts(const vj_plan *plan, vj_real *out, int64_t count) {
  enum { BLOCK = 4096 }; /* the parts of all shards for one block stay in the nearest cache */
#pragma omp parallel for schedule(static) num_threads(plan->threads)
  for (int64_t begin = 0; begin < count; begin += BLOCK) {
    const int64_t size = count - begin < BLOCK ? count - begin : BLOCK;
    tree_sum_real(plan->parts + begin, plan->part_numbers, size, 0, plan->local_shards);
    memcpy(out + begin, plan->parts + begin, (size_t)size * sizeof *out);
  }
}

static vj_status run_weight(vj_graph *graph, vj_node *node, int exchange) {
  vj_plan *plan = graph->plan;
  const double start = plan->profiling ? omp_get_wtime() : 0;
  const vj_shape *shape = &node->outputs[0]->shape;
  const int64_t rows = shape->size[0], row = vj_shape_count(shape, 1, shape->rank), range = vj_plan_rows(node);
  vj_real *out = vj_graph_values(graph, node->outputs[0], 0);
  for (int64_t begin = 0; begin < rows; begin += range) {
    const int64_t end = begin + range < rows ? begin + range : rows;
#pragma omp parallel for schedule(static) num_threads(plan->threads)
    for (int64_t shard = 0; shard < plan->local_shards; shard++) {
      vj_float_environment();
      vj_call call = call_of(graph, node, shard);
      call.part = plan->parts + shard * plan->part_numbers;
      call.begin = begin;
      call.end = end;
      node->op->reduce(&call);
    }
    sum_parts(plan, out + begin * row, (end - begin) * row);
  }
  if (plan->profiling) profile_add(node, (omp_get_wtime() - start) * plan->threads);
  if (plan->comm->size == 1) return VJ_OK;
  vj_exchange *entry = &plan->exchanges[exchange];
  return vj_exchange_start(entry, plan->comm, out, entry->received, rows * row, exchange);
}

/* Before segment `s`, or behind the last one. */
static vj_status wait_for_exchanges(vj_plan *plan, int count, int64_t s) {
  const double start = omp_get_wtime();
  for (int i = 0; i < count; i++) VJ_TRY(vj_exchange_wait(&plan->exchanges[i]));
  add_wait(plan, s, start);
  return VJ_OK;
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

/* By which a state becomes the mean of all values it has been given: of x and of y, where one encoder sees both. */
static double rate_of_mean(const vj_graph *graph, int index) {
  const vj_state_change *const *changes = (const vj_state_change *const *)graph->changes.at;
  int64_t before = 0, each_run = 0;
  for (int i = 0; i < graph->changes.count; i++) {
    if (changes[i]->state != changes[index]->state) continue;
    each_run++;
    before += i < index;
  }
  return 1 / (double)(graph->step * each_run + before + 1);
}

static double rate_of(const vj_graph *graph, int index) {
  const vj_state_change *change = graph->changes.at[index];
  return graph->calibrates ? rate_of_mean(graph, index) : change->averages ? 1 - graph->momentum : change->rate;
}

static void change_states(vj_graph *graph) {
  for (int i = 0; i < graph->changes.count; i++) {
    const vj_state_change *change = graph->changes.at[i];
    vj_real *state = vj_graph_values(graph, change->state, 0);
    const vj_real *value = vj_graph_values(graph, change->value, 0);
    const vj_real rate = (vj_real)rate_of(graph, i);
    for (int64_t k = 0; k < change->state->count; k++) state[k] = (1 - rate) * state[k] + rate * value[k];
  }
}

vj_status vj_graph_run(vj_graph *graph) {
  vj_plan *plan = graph->plan;
  int exchanges = 0;
  vj_float_environment();
  memset(plan->waits, 0, ((size_t)plan->segment_count + 1) * sizeof *plan->waits);
  for (int s = 0; s < plan->segment_count; s++) {
    const vj_segment *segment = &plan->segments[s];
    for (int i = 0; i < exchanges && plan->exchanges; i++) VJ_TRY(vj_exchange_progress(&plan->exchanges[i]));
    if (plan->exchanges && vj_plan_waits(plan, segment)) VJ_TRY(wait_for_exchanges(plan, exchanges, s));
    switch (segment->kind) {
      case VJ_SEGMENT_SHARDS:
        VJ_TRY(run_shards(graph, segment));
        break;
      case VJ_SEGMENT_ONCE:
        run_once(graph, plan->nodes[segment->begin]);
        break;
      case VJ_SEGMENT_WEIGHT:
        VJ_TRY(run_weight(graph, plan->nodes[segment->begin], exchanges++));
        break;
    }
  }
  if (plan->exchanges) VJ_TRY(wait_for_exchanges(plan, exchanges, plan->segment_count));
  change_states(graph);
  return VJ_OK;
}

/* --- measurements -------------------------------------------------------------------------------------------- */

void vj_graph_profile(vj_graph *graph, bool on) {
  graph->plan->profiling = on;
  for (int i = 0; i < graph->plan->node_count; i++) graph->plan->nodes[i]->seconds = 0;
}

static double node_flops(const vj_node *node) { return node->op->flops ? node->op->flops(node) : 0; }

static double node_flops_done(const vj_node *node) {
  return node->op->flops_done ? node->op->flops_done(node) : node_flops(node);
}

/* Of a product: both factors are bf16, of which the second is never anything else for another reason. */
static bool multiplies_half(const vj_node *node) {
  return node->input_count > 1 && node->inputs[1] && node->inputs[1]->half;
}

int vj_graph_profile_rows(const vj_graph *graph, vj_graph_profile_row *rows, int capacity) {
  const vj_plan *plan = graph->plan;
  int count = 0;
  for (int i = 0; i < plan->node_count && count < capacity; i++) {
    const vj_node *node = plan->nodes[i];
    const double shards = node->batched ? (double)plan->local_shards : 1;
    const vj_work work = vj_node_work(node);
    rows[count++] = (vj_graph_profile_row){.op = node->op->name,
                                           .scope = node->scope,
                                           .seconds = node->seconds,
                                           .flops = node_flops(node) * shards,
                                           .flops_done = node_flops_done(node) * shards,
                                           .bytes = work.bytes * shards,
                                           .calls = (double)work.calls * shards,
                                           .half = multiplies_half(node)};
  }
  return count;
}

static double sum_flops(const vj_graph *graph, double (*of)(const vj_node *)) {
  double flops = 0;
  for (int i = 0; i < graph->plan->node_count; i++) {
    const vj_node *node = graph->plan->nodes[i];
    flops += of(node) * (node->batched ? (double)graph->options.shards : 1);
  }
  return flops;
}

double vj_graph_flops(const vj_graph *graph) { return sum_flops(graph, node_flops); }

double vj_graph_flops_done(const vj_graph *graph) { return sum_flops(graph, node_flops_done); }

double vj_graph_wait_seconds(const vj_graph *graph) { return graph->plan->wait_seconds; }

int vj_graph_waits(const vj_graph *graph, const double **seconds) {
  *seconds = graph->plan->waits;
  return graph->plan->segment_count + 1;
}
