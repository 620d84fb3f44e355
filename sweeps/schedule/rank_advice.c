#include "sweeps/schedule/rank_advice.h"

#include <math.h>
#include <string.h>

#include "sweeps/schedule/makespan.h"
#include "framework/train/loading/loader.h"

enum { LEVELS = 24 };
/* Fewer ranks for a trial are preferred while the sweep takes hardly longer; twice the ranks pay while they make a
 * trial so many times as fast. */
static const double hardly_longer = 1.02, still_pays = 1.25;

typedef struct adviser {
  vj_pool *pool;
  const vj_rank_question *q;
  vj_model_cost *costs;     /* of each trial that others are like */
  double (*memory)[LEVELS]; /* of these, for each number of ranks */
  int levels;               /* how many numbers of ranks there are */
  bool own;                 /* some trial names its own */
  double *seconds;          /* of each trial */
  vj_rank_row *rows;
  int row_count;
} adviser;

static const vj_config *config_of(const adviser *a, int64_t trial) { return a->q->space->trials[trial].config; }

/* What a trial gets when the others get `ranks`. */
static int ranks_of(const adviser *a, int64_t trial, int ranks) {
  const int64_t own = config_of(a, trial)->optim.ranks;
  int64_t there = 1;
  if (!own) return ranks;
  while (2 * there <= a->q->ranks) there *= 2;
  return (int)(own < there ? own : there);
}

/* Every number of ranks that divides the shards of all trials without their own. */
static void find_levels(adviser *a) {
  const vj_space *space = a->q->space;
  bool asks = false;
  for (int64_t i = 0; i < space->trial_count; i++) {
    a->own = a->own || config_of(a, i)->optim.ranks > 0;
    asks = asks || config_of(a, i)->optim.ranks == 0;
  }
  for (a->levels = 0; a->levels < LEVELS && (int64_t)1 << a->levels <= a->q->ranks; a->levels++) {
    const int64_t ranks = (int64_t)1 << a->levels;
    bool divides = asks || ranks == 1;
    for (int64_t i = 0; i < space->trial_count; i++)
      divides = divides && (config_of(a, i)->optim.ranks || config_of(a, i)->optim.shards % ranks == 0);
    if (!divides) break;
  }
}

/* --- models ---------------------------------------------------------------------------------------------------- */

/* Beside the model a rank of several has room for the halves of gradients that it receives. */
static double exchanged_bytes(const vj_graph_cost *graph) {
  double numbers = 0;
  for (int s = 0; s < graph->segment_count; s++) numbers += (double)graph->segments[s].weight;
  return numbers / 2 * sizeof(vj_real);
}

static vj_status look_at(adviser *a, const vj_clip_info *clip, int64_t trial) {
  const vj_config *config = config_of(a, trial);
  for (int level = 0; level < a->levels; level++) {
    const int ranks = ranks_of(a, trial, 1 << level);
    vj_model *model = NULL;
    VJ_TRY(vj_model_create(config, clip, ranks, &model));
    a->memory[trial][level] = (double)vj_model_memory(model);
    const vj_status status = level == 0 ? vj_cost_of_model(a->pool, model, &a->costs[trial]) : VJ_OK;
    vj_model_destroy(&model);
    VJ_TRY(status);
    if (ranks > 1) a->memory[trial][level] += exchanged_bytes(a->costs[trial].train);
  }
  return VJ_OK;
}

static vj_status look_at_sizes(adviser *a) {
  vj_loader loader = {.epoch = -1};
  const char *open = NULL;
  vj_status status = VJ_OK;
  for (int64_t i = 0; i < a->q->space->trial_count && status == VJ_OK; i++) {
    if (a->q->like[i] != i) continue;
    const char *text = vj_yaml_print(a->pool, vj_yaml_find(config_of(a, i)->resolved, "data"));
    if (!text) status = vj_fail(VJ_MEMORY, "no memory to compare sections of data");
    if (status == VJ_OK && (!open || strcmp(open, text) != 0)) {
      vj_loader_close(&loader);
      status = vj_loader_open(config_of(a, i), &loader);
      open = text;
    }
    if (status == VJ_OK) status = look_at(a, &loader.info, i);
  }
  vj_loader_close(&loader);
  return status;
}

/* --- rows ------------------------------------------------------------------------------------------------------ */

static const vj_trial_time *measured_of(const adviser *a, int64_t trial) {
  return a->q->measured && a->q->measured[trial].step > 0 ? &a->q->measured[trial] : NULL;
}

/* By the model, or what was measured, changed as the model's time does. */
static double step_of(const adviser *a, int64_t trial, int ranks) {
  const vj_model_cost *cost = &a->costs[a->q->like[trial]];
  const vj_trial_time *measured = measured_of(a, trial);
  const double step = vj_cost_of_step(a->q->cluster, cost, ranks).seconds;
  if (!measured) return step;
  return measured->step * step / vj_cost_of_step(a->q->cluster, cost, a->q->measured_ranks[trial]).seconds;
}

static double whole_of(const adviser *a, int64_t trial, int ranks) {
  const vj_rank_question *q = a->q;
  const vj_model_cost *cost = &a->costs[q->like[trial]];
  const vj_trial_time *measured = measured_of(a, trial);
  if (!measured) return vj_cost_of_trial(q->cluster, cost, config_of(a, trial), ranks);
  const double ratio = vj_cost_of_run(q->cluster, cost->evaluate, ranks).seconds /
                       vj_cost_of_run(q->cluster, cost->evaluate, q->measured_ranks[trial]).seconds;
  return (double)config_of(a, trial)->optim.steps * step_of(a, trial, ranks) + measured->shared * ratio +
         measured->fixed;
}

static double seconds_of(const adviser *a, int64_t trial, int ranks) {
  if (a->q->like[trial] < 0) return 0;
  return (a->q->share ? a->q->share[trial] : 1) * whole_of(a, trial, ranks);
}

static vj_status find_sweep(const adviser *a, vj_rank_row *row, bool *possible) {
  const vj_space *space = a->q->space;
  const int64_t groups = a->q->ranks / row->ranks_per_trial;
  vj_trial_schedule *schedule;
  row->ranks =
      a->own ? a->q->ranks : (groups < space->trial_count ? groups : space->trial_count) * row->ranks_per_trial;
  const vj_status status = vj_trial_schedule_create(a->pool, space, (int)row->ranks, row->ranks_per_trial, &schedule);
  *possible = status == VJ_OK;
  if (status == VJ_USAGE) return VJ_OK; /* so many ranks can't be split so */
  VJ_TRY(status);
  VJ_TRY(vj_trial_schedule_sort(schedule, space, a->q->work));
  return vj_makespan(schedule, a->seconds, &row->sweep);
}

static void find_longest(const adviser *a, int level, vj_rank_row *row) {
  for (int64_t i = 0; i < a->q->space->trial_count; i++) {
    const int64_t like = a->q->like[i];
    if (like < 0) continue;
    row->memory = fmax(row->memory, a->memory[like][level]);
    if (a->seconds[i] <= row->trial) continue;
    row->trial = a->seconds[i];
    row->step = step_of(a, i, ranks_of(a, i, row->ranks_per_trial));
  }
}

static vj_status add_row(adviser *a, int level) {
  vj_rank_row row = {.ranks_per_trial = 1 << level};
  const vj_cluster *c = a->q->cluster;
  double all = 0;
  bool possible;
  for (int64_t i = 0; i < a->q->space->trial_count; i++) {
    a->seconds[i] = seconds_of(a, i, ranks_of(a, i, row.ranks_per_trial));
    all += seconds_of(a, i, 1);
  }
  VJ_TRY(find_sweep(a, &row, &possible));
  if (!possible) return VJ_OK;
  find_longest(a, level, &row);
  const double on_a_node = fmin((double)row.ranks, (double)c->ranks_per_node);
  row.fits = on_a_node * row.memory <= c->memory_gib * 1073741824;
  row.efficiency = all / ((double)a->q->ranks * row.sweep);
  a->rows[a->row_count++] = row;
  return VJ_OK;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static int find_best(const adviser *a) {
  double least = INFINITY;
  for (int i = 0; i < a->row_count; i++)
    if (a->rows[i].fits) least = fmin(least, a->rows[i].sweep);
  for (int i = 0; i < a->row_count; i++)
    if (a->rows[i].fits && a->rows[i].sweep <= hardly_longer * least) return i;
  return -1;
}

static const char *reason_for(const adviser *a, int best) {
  const long long trials = a->q->space->trial_count, ranks = a->q->ranks;
  if (best < 0) return "no number of ranks for a trial fits into the memory of a node";
  const vj_rank_row *row = &a->rows[best];
  const vj_rank_row *fewer = best > 0 ? &a->rows[best - 1] : NULL;
  if (fewer && !fewer->fits) return vj_pool_format(a->pool, "on fewer ranks a trial does not fit into memory");
  if (fewer && fewer->ranks < ranks)
    return vj_pool_format(a->pool, "%lld trial%s on %d rank%s%s would leave %lld of %lld ranks idle", trials,
                          trials == 1 ? "" : "s", fewer->ranks_per_trial, fewer->ranks_per_trial == 1 ? "" : "s",
                          trials == 1 ? "" : " each", ranks - (long long)fewer->ranks, ranks);
  if (fewer) return "the last trials end sooner than on fewer ranks each, while others have none left";
  if (row->ranks == ranks)
    return vj_pool_format(a->pool, "%lld trials keep all ranks busy, and ranks that train apart wait for nobody",
                          trials);
  if (a->row_count > 1) return "several ranks would wait longer for each other than they save";
  return "the shards of a trial (optim.shards) can't be divided among more ranks";
}

static const char *limit_of(const adviser *a, int best) {
  const long long ranks = a->q->ranks;
  for (int i = 0; i + 1 < a->row_count; i++)
    if (a->rows[i].trial < still_pays * a->rows[i + 1].trial)
      return vj_pool_format(a->pool,
                            "twice as many ranks make a trial less than %g times as fast beyond %d: then rather more "
                            "trials side by side",
                            still_pays, a->rows[i].ranks_per_trial);
  if (best < 0 || a->rows[best].ranks == ranks || best + 1 < a->row_count) return NULL;
  return vj_pool_format(a->pool,
                        "%lld of %lld ranks have nothing to do; more shards (optim.shards) would let more of them "
                        "train a trial",
                        ranks - (long long)a->rows[best].ranks, ranks);
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

static vj_status make_room(adviser *a) {
  const size_t trials = (size_t)a->q->space->trial_count;
  a->costs = vj_pool_take(a->pool, trials * sizeof *a->costs);
  a->memory = vj_pool_take(a->pool, trials * sizeof *a->memory);
  a->seconds = vj_pool_take(a->pool, trials * sizeof *a->seconds);
  a->rows = vj_pool_take(a->pool, LEVELS * sizeof *a->rows);
  return a->costs && a->memory && a->seconds && a->rows ? VJ_OK
                                                        : vj_fail(VJ_MEMORY, "no memory to compare numbers of ranks");
}

vj_status vj_rank_advise(vj_pool *pool, const vj_rank_question *question, vj_rank_advice **advice) {
  adviser a = {.pool = pool, .q = question};
  VJ_TRY(make_room(&a));
  find_levels(&a);
  VJ_TRY(look_at_sizes(&a));
  for (int level = 0; level < a.levels; level++) VJ_TRY(add_row(&a, level));
  *advice = vj_pool_take(pool, sizeof **advice);
  if (!*advice) return vj_fail(VJ_MEMORY, "no memory to compare numbers of ranks");
  const int best = find_best(&a);
  **advice = (vj_rank_advice){a.row_count, a.rows, best, reason_for(&a, best), limit_of(&a, best)};
  return (*advice)->reason ? VJ_OK : vj_fail(VJ_MEMORY, "no memory to compare numbers of ranks");
}
