#include "sweeps/schedule/cost_model.h"

#include <math.h>

#include "sweeps/schedule/trial_schedule.h"

/* As comm.c cuts its sums. */
enum { SUM_PIECE = 8192, AGREEMENTS = 2 };

typedef struct group {
  const vj_cluster *cluster;
  int ranks, levels;
} group;

static group group_of(const vj_cluster *cluster, int ranks) {
  group g = {.cluster = cluster, .ranks = ranks};
  while (1 << g.levels < ranks) g.levels++;
  return g;
}

static double compute(const vj_cluster *c, const vj_work *work) {
  return work->flops / (1e9 * c->gflops) + work->bytes / (1e9 * c->memory_gb_s) +
         1e-6 * c->call_us * (double)work->calls;
}

/* --- messages -------------------------------------------------------------------------------------------------- */

/* Partners at distance 2^level lie in blocks of twice as many ranks. */
static const vj_link *link_at(const group *g, int level) {
  return (int64_t)2 << level <= g->cluster->ranks_per_node ? &g->cluster->inside : &g->cluster->between;
}

/* Bytes a second of one rank. All ranks of a node send at the same time. */
static double bandwidth_at(const group *g, int level) {
  const vj_link *link = link_at(g, level);
  const double sharing = link == &g->cluster->between ? fmin((double)g->cluster->ranks_per_node, g->ranks) : 1;
  return 1e9 * link->bandwidth_gb_s / sharing;
}

static double message(const group *g, int level, double bytes) {
  return 1e-6 * link_at(g, level)->latency_us + bytes / bandwidth_at(g, level);
}

/* Recursive doubling: the whole array at every distance, in pieces one after the other. */
static double sum_doubles(const group *g, int64_t count, vj_step_cost *cost) {
  double seconds = 0;
  const double pieces = ceil((double)count / SUM_PIECE), bytes = (double)count * sizeof(double);
  for (int level = 0; level < g->levels; level++) {
    seconds += message(g, level, bytes) + (pieces - 1) * message(g, level, 0);
    cost->messages += pieces;
    cost->bytes += bytes;
  }
  return seconds;
}

/* Doubling too, but what is sent doubles: at last half of everything. */
static double gather(const group *g, int64_t gathers, double all, vj_step_cost *cost) {
  double seconds = 0, mine = all / g->ranks;
  for (int level = 0; level < g->levels; level++, mine *= 2) {
    seconds += message(g, level, mine) + (double)(gathers - 1) * message(g, level, 0);
    cost->messages += (double)gathers;
    cost->bytes += mine;
  }
  return seconds;
}

/* Halving and doubling back: half of it at distance 1, a quarter at distance 2, ... Returns the seconds that
 * computation stands still for; the others are added to *hidden. */
static double exchange(const group *g, int64_t count, double *hidden, vj_step_cost *cost) {
  double seconds = 0, bytes = (double)count * sizeof(vj_real) / 2;
  for (int level = 0; level < g->levels; level++, bytes /= 2) {
    const double both_ways = 2 * message(g, level, bytes), share = link_at(g, level)->hidden;
    seconds += (1 - share) * both_ways;
    *hidden += share * both_ways;
    cost->messages += 2;
    cost->bytes += 2 * bytes;
  }
  return seconds;
}

/* --- a run ----------------------------------------------------------------------------------------------------- */

/* Two clocks: of the processor, and of exchanges that go on behind it, one after the other. */
typedef struct clocks {
  double now, exchanged;
} clocks;

static void wait_for_exchanges(clocks *c, vj_step_cost *cost) {
  const double seconds = fmax(0, c->exchanged - c->now);
  cost->weights += seconds;
  cost->hidden -= seconds;
  c->now += seconds;
}

static void run_segment(const group *g, const vj_segment_cost *s, int64_t shards, clocks *c, vj_step_cost *cost) {
  if (s->waits) wait_for_exchanges(c, cost);
  const double mine = compute(g->cluster, &s->shard) * (double)shards, alike = compute(g->cluster, &s->alike);
  double together = 0, visible = 0, hidden = 0;
  if (s->sums) together += sum_doubles(g, s->sums, cost);
  if (s->gathers) together += gather(g, s->gathers, s->gathered, cost);
  if (s->weight) visible = exchange(g, s->weight, &hidden, cost);
  cost->shards += mine;
  cost->alike += alike;
  cost->sums += together;
  cost->weights += visible;
  cost->hidden += hidden;
  c->now += mine + alike + together + visible;
  if (hidden > 0) c->exchanged = fmax(c->exchanged, c->now) + hidden;
}

vj_step_cost vj_cost_of_run(const vj_cluster *cluster, const vj_graph_cost *graph, int ranks) {
  const group g = group_of(cluster, ranks);
  vj_step_cost cost = {0};
  clocks c = {0};
  for (int s = 0; s < graph->segment_count; s++) run_segment(&g, &graph->segments[s], graph->shards / ranks, &c, &cost);
  wait_for_exchanges(&c, &cost);
  cost.seconds = c.now;
  return cost;
}

/* --- a trial --------------------------------------------------------------------------------------------------- */

vj_status vj_cost_of_model(vj_pool *pool, const vj_model *model, vj_model_cost *cost) {
  vj_graph_cost *counted[4] = {NULL};
  const vj_graph *const graphs[] = {model->train.graph, model->evaluate.graph, model->decode.graph,
                                    model->calibrate.graph};
  for (size_t i = 0; i < VJ_COUNT(graphs); i++)
    if (graphs[i]) VJ_TRY(vj_graph_cost_count(pool, graphs[i], &counted[i]));
  *cost = (vj_model_cost){counted[0], counted[1], counted[2], counted[3], (double)vj_model_parameter_count(model)};
  return VJ_OK;
}

/* AdamW reads and writes parameter and two moments and reads the gradient, which the norm has read before. */
static vj_work update_of(const vj_model_cost *model) {
  enum { PASSES = 8 };
  return (vj_work){.bytes = PASSES * sizeof(vj_real) * model->parameters, .calls = 2};
}

static vj_step_cost taught(const vj_cluster *cluster, const vj_model_cost *model, const vj_graph_cost *graph,
                           int ranks) {
  const group g = group_of(cluster, ranks);
  const vj_work update = update_of(model);
  vj_step_cost cost = vj_cost_of_run(cluster, graph, ranks);
  const double optimizer = compute(cluster, &update);
  double agreeing = 0;
  for (int level = 0; level < g.levels; level++) agreeing += AGREEMENTS * message(&g, level, 0);
  cost.alike += optimizer;
  cost.sums += agreeing;
  cost.seconds += optimizer + agreeing;
  return cost;
}

vj_step_cost vj_cost_of_step(const vj_cluster *cluster, const vj_model_cost *model, int ranks) {
  return taught(cluster, model, model->train, ranks);
}

double vj_cost_of_trial(const vj_cluster *cluster, const vj_model_cost *model, const vj_config *config, int ranks) {
  const vj_trial_runs runs = vj_trial_count_runs(config);
  double seconds = runs.train * vj_cost_of_step(cluster, model, ranks).seconds;
  seconds += runs.evaluate * vj_cost_of_run(cluster, model->evaluate, ranks).seconds;
  if (model->calibrate) seconds += runs.calibrate * vj_cost_of_run(cluster, model->calibrate, ranks).seconds;
  if (model->decode) seconds += runs.decode * taught(cluster, model, model->decode, ranks).seconds;
  return seconds;
}
