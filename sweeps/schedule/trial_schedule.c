#include "sweeps/schedule/trial_schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/space/stopping.h"
#include "framework/train/evaluation/calibration.h"
#include "framework/train/evaluation/metrics.h"

/* --- sizes ------------------------------------------------------------------------------------------------------ */

static int default_size(const vj_space *space, int ranks, int ranks_per_trial) {
  int size = ranks_per_trial ? ranks_per_trial : 1;
  while (!ranks_per_trial && ranks / size > space->trial_count) size *= 2;
  return size;
}

/* Of trials that do not say it themselves, or of all. */
static vj_status check_size(const vj_space *space, int size, bool of_all) {
  if (size & (size - 1))
    return vj_fail(VJ_USAGE, "%d ranks for a trial: expected a power of two, so that sums keep their order", size);
  for (int64_t i = 0; i < space->trial_count; i++) {
    const vj_optim_config *optim = &space->trials[i].config->optim;
    if ((optim->ranks && !of_all) || optim->shards % size == 0) continue;
    return vj_fail(VJ_USAGE,
                   "%d ranks for a trial do not divide its %lld shard%s (optim.shards of trial %lld); use 1, 2, 4, .. "
                   "ranks for a trial, up to the number of shards",
                   size, (long long)optim->shards, optim->shards == 1 ? "" : "s", (long long)i);
  }
  return VJ_OK;
}

static vj_status check_multiple(int ranks, int size) {
  if (ranks % size == 0) return VJ_OK;
  return vj_fail(VJ_USAGE, "%d ranks cannot be split into groups of %d; start a multiple of %d", ranks, size, size);
}

static vj_status check_use(const vj_space *space, int ranks, int size) {
  const int64_t trials = space->trial_count;
  if (ranks / size <= trials) return VJ_OK;
  return vj_fail(VJ_USAGE, "%d ranks are more than can be used: %lld trial%s at %d rank%s each need %lld", ranks,
                 (long long)trials, trials == 1 ? "" : "s", size, size == 1 ? "" : "s", (long long)(trials * size));
}

vj_status vj_sweep_group_size(const vj_space *space, int ranks, int ranks_per_trial, int *group_size) {
  const int size = default_size(space, ranks, ranks_per_trial);
  VJ_TRY(check_size(space, size, true));
  VJ_TRY(check_multiple(ranks, size));
  VJ_TRY(check_use(space, ranks, size));
  *group_size = size;
  return VJ_OK;
}

/* What each trial gets; no more than the largest power of two that there is. */
static void choose_sizes(vj_trial_schedule *s, const vj_space *space, int size) {
  int64_t there = 1;
  while (2 * there <= s->ranks) there *= 2;
  for (int64_t i = 0; i < s->trial_count; i++) {
    const int64_t own = space->trials[i].config->optim.ranks, asked = own ? own : size;
    s->of_trial[i] = (int)(own > there ? there : asked);
    if (own > there) s->reduced++;
    if (own > s->asked) s->asked = own;
    if (s->of_trial[i] > s->most) s->most = s->of_trial[i];
    if (i == 0 || s->of_trial[i] < s->least) s->least = s->of_trial[i];
  }
}

static vj_status check_mixed(const vj_trial_schedule *s) {
  int64_t usable = 0;
  for (int64_t i = 0; i < s->trial_count; i++) usable += s->of_trial[i];
  if (s->ranks <= usable) return VJ_OK;
  return vj_fail(VJ_USAGE, "%d ranks are more than can be used: %lld trials need %lld together", s->ranks,
                 (long long)s->trial_count, (long long)usable);
}

static void order_by_size(vj_trial_schedule *s) {
  int64_t next = 0;
  for (int size = s->most; size >= s->least; size /= 2)
    for (int64_t i = 0; i < s->trial_count; i++)
      if (s->of_trial[i] == size) s->order[next++] = i;
}

vj_status vj_trial_schedule_create(vj_pool *pool, const vj_space *space, int ranks, int ranks_per_trial,
                                   vj_trial_schedule **schedule) {
  const size_t trials = (size_t)space->trial_count;
  const int size = default_size(space, ranks, ranks_per_trial);
  vj_trial_schedule *s = vj_pool_take(pool, sizeof *s);
  *schedule = s;
  if (s) *s = (vj_trial_schedule){.ranks = ranks, .trial_count = space->trial_count};
  if (s) s->of_trial = vj_pool_take(pool, trials * sizeof *s->of_trial);
  if (s) s->order = vj_pool_take(pool, trials * sizeof *s->order);
  if (!s || !s->of_trial || !s->order) return vj_fail(VJ_MEMORY, "no memory for the order of %zu trials", trials);
  VJ_TRY(check_size(space, size, false));
  choose_sizes(s, space, size);
  VJ_TRY(check_multiple(ranks, s->least));
  VJ_TRY(s->most == s->least ? check_use(space, ranks, s->most) : check_mixed(s));
  order_by_size(s);
  return VJ_OK;
}

/* --- order ------------------------------------------------------------------------------------------------------ */

typedef struct place {
  int64_t trial, sample;
  double work;
} place;

static int compare_places(const void *left, const void *right) {
  const place *a = left, *b = right;
  if (a->sample != b->sample) return a->sample < b->sample ? -1 : 1;
  if (a->work != b->work) return a->work > b->work ? -1 : 1;
  return a->trial < b->trial ? -1 : 1;
}

/* With early stopping it says nothing how long a trial would be, and the first to come are compared with none: so they
 * should not be the longest. A grid is shuffled. */
static vj_status order_for_stopping(const vj_trial_schedule *schedule, const vj_space *space, place *places) {
  const int64_t trials = schedule->trial_count;
  int64_t *order = NULL;
  if (!space->is_grid) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)trials, sizeof *order, "the order of trials", &order));
  vj_stopping_order(trials, order);
  for (int64_t i = 0; i < trials; i++) places[order[i]].sample = i;
  free(order);
  return VJ_OK;
}

vj_status vj_trial_schedule_sort(vj_trial_schedule *schedule, const vj_space *space, const double *work) {
  place *of = NULL, *sorted = NULL;
  vj_status status = vj_allocate((size_t)schedule->trial_count, sizeof *of, "the order of trials", &of);
  if (status == VJ_OK)
    status = vj_allocate((size_t)schedule->trial_count, sizeof *sorted, "the order of trials", &sorted);
  for (int64_t i = 0; i < schedule->trial_count && status == VJ_OK; i++)
    of[i] = (place){i, space->trials[i].sample, isfinite(work[i]) && !space->stopping ? work[i] : 0};
  if (status == VJ_OK && space->stopping) status = order_for_stopping(schedule, space, of);
  for (int size = schedule->most; size >= schedule->least && status == VJ_OK; size /= 2) {
    int64_t first, count;
    vj_trial_schedule_find(schedule, size, &first, &count);
    for (int64_t i = 0; i < count; i++) sorted[i] = of[schedule->order[first + i]];
    if (count) qsort(sorted, (size_t)count, sizeof *sorted, compare_places);
    for (int64_t i = 0; i < count; i++) schedule->order[first + i] = sorted[i].trial;
  }
  free(of);
  free(sorted);
  return status;
}

/* Times that a batch of the evaluation graph is run for these samples. */
static double batches(int64_t samples, int64_t batch) { return (double)((samples + batch - 1) / batch); }

vj_trial_runs vj_trial_count_runs(const vj_config *config) {
  const vj_eval_config *eval = &config->eval;
  const int64_t batch = config->optim.batch;
  const double evaluations = 2 + (double)((config->optim.steps - 1) / eval->every);
  const double probings = eval->probe_at == VJ_PROBE_ALL ? evaluations : eval->probe_at == VJ_PROBE_ENDS ? 2 : 1;
  const double for_probes =
      eval->probe_count ? batches(eval->probe_train + eval->probe_validation + eval->probe_test, batch) : 0;
  return (vj_trial_runs){.train = (double)config->optim.steps,
                         .evaluate = evaluations * batches(eval->samples, batch) + probings * for_probes,
                         .decode = (double)eval->decoder_steps,
                         .calibrate = VJ_CALIBRATION_BATCHES};
}

double vj_trial_work(const vj_config *config, const vj_model *model) {
  const vj_trial_runs runs = vj_trial_count_runs(config);
  double work = runs.train * vj_graph_flops(model->train.graph) + runs.evaluate * vj_graph_flops(model->evaluate.graph);
  if (model->calibrate.graph) work += runs.calibrate * vj_graph_flops(model->calibrate.graph);
  if (model->decode.graph) work += runs.decode * vj_graph_flops(model->decode.graph);
  return work;
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

void vj_trial_schedule_find(const vj_trial_schedule *schedule, int size, int64_t *first, int64_t *count) {
  *first = *count = 0;
  for (int64_t i = 0; i < schedule->trial_count; i++) {
    *first += schedule->of_trial[i] > size;
    *count += schedule->of_trial[i] == size;
  }
}

/* Groups of the largest size, and what is left over as smaller ones: 7 ranks are 4, 2 and 1. */
void vj_trial_schedule_block(const vj_trial_schedule *schedule, int rank, int *first, int *size) {
  *first = 0;
  *size = schedule->most;
  for (;;) {
    while (*size > schedule->ranks - *first) *size /= 2;
    if (rank < *first + *size) return;
    *first += *size;
  }
}

bool vj_trial_schedule_may_lead(const vj_trial_schedule *schedule, int rank) {
  int first, size;
  vj_trial_schedule_block(schedule, rank, &first, &size);
  return (rank - first) % schedule->least == 0;
}

/* --- words ------------------------------------------------------------------------------------------------------ */

const char *vj_trial_schedule_text(vj_pool *pool, const vj_trial_schedule *schedule) {
  const char *text = "";
  for (int size = schedule->most; text && size >= schedule->least; size /= 2) {
    int64_t first, count;
    vj_trial_schedule_find(schedule, size, &first, &count);
    if (count == 0) continue;
    text = vj_pool_format(pool, "%s%s%lld on %d rank%s%s", text, text[0] ? ", " : "", (long long)count, size,
                          size == 1 ? "" : "s", count == 1 || size == 1 ? "" : " each");
  }
  return text;
}

const char *vj_trial_schedule_note(vj_pool *pool, const vj_trial_schedule *schedule) {
  if (schedule->reduced == 0) return NULL;
  const bool one = schedule->reduced == 1;
  return vj_pool_format(pool,
                        "%lld trial%s for up to %lld ranks (optim.ranks) and %d %s started: %s on %d, with the same "
                        "numbers",
                        (long long)schedule->reduced, one ? " asks" : "s ask", (long long)schedule->asked,
                        schedule->ranks, schedule->ranks == 1 ? "is" : "are", one ? "it runs" : "they run",
                        schedule->most);
}
