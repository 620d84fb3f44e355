#include "analysis/results/sweep_status.h"

#include <math.h>
#include <time.h>

#include "analysis/results/objective.h"
#include "framework/train/trial.h"

static const double an_hour = 3600;

const char *vj_sweep_status_state(const vj_sweep_status *s, int64_t trial) {
  return vj_trial_state_word(s->state[trial]);
}

const char *vj_sweep_status_who(const vj_sweep_status *s, int64_t trial) {
  return trial < s->ledger.count ? s->ledger.of[trial].who : "";
}

double vj_sweep_status_since(const vj_sweep_status *s, int64_t trial) {
  return trial < s->ledger.count && s->ledger.of[trial].is_newest ? s->ledger.changed : NAN;
}

/* Steps that a trial makes in all, as far as can be told. `share`: of its steps that one makes that waits. */
static int64_t expected_steps(const vj_sweep_status *s, int64_t trial, double share) {
  const int64_t steps = vj_results_steps(s->results, trial), made = s->results->committed[trial];
  if (s->state[trial] == VJ_TRIAL_FAILED || s->state[trial] == VJ_TRIAL_PRUNED)
    return vj_results_steps_made(s->results, trial);
  return s->state[trial] == VJ_TRIAL_WAITING && made <= 0 ? (int64_t)lround(share * (double)steps) : steps;
}

/* What those that ended well made of their steps: less than 1 where trials are stopped early. */
static double share_made(const vj_sweep_status *s) {
  double made = 0, steps = 0;
  if (s->count[VJ_TRIAL_PRUNED] == 0) return 1;
  for (int64_t i = 0; i < s->results->trials; i++) {
    if (s->state[i] != VJ_TRIAL_DONE && s->state[i] != VJ_TRIAL_PRUNED) continue;
    made += (double)s->results->committed[i];
    steps += (double)vj_results_steps(s->results, i);
  }
  return steps > 0 ? made / steps : 1;
}

static void find_states(vj_sweep_status *s) {
  const vj_results *o = s->results;
  for (int64_t i = 0; i < o->trials; i++) {
    s->state[i] = i < s->ledger.count ? s->ledger.of[i].state : vj_results_state(o, i);
    s->count[s->state[i]]++;
    s->steps_done += vj_results_steps_made(o, i);
  }
  const double share = share_made(s);
  for (int64_t i = 0; i < o->trials; i++) s->steps += expected_steps(s, i, share);
}

static vj_sweep_state whole_state(const vj_sweep_status *s) {
  int64_t gone = 0;
  if (s->count[VJ_TRIAL_RUNNING] == 0) return s->count[VJ_TRIAL_WAITING] ? VJ_SWEEP_IDLE : VJ_SWEEP_FINISHED;
  for (int64_t i = 0; i < s->results->trials; i++)
    gone += s->state[i] == VJ_TRIAL_RUNNING && vj_claim_runner(vj_sweep_status_who(s, i)) == VJ_RUNNER_GONE;
  return gone == s->count[VJ_TRIAL_RUNNING] ? VJ_SWEEP_INTERRUPTED : VJ_SWEEP_RUNNING;
}

/* Seconds that a group takes for a step, evaluations included: of the trials that are done; before there are any, of
 * one that runs for the first time and since a known time. NaN if there is no such trial. */
static double seconds_a_step(const vj_sweep_status *s) {
  const vj_results *o = s->results;
  double seconds = 0, steps = 0;
  for (int64_t i = 0; i < o->trials; i++) {
    const bool ended = s->state[i] == VJ_TRIAL_DONE || s->state[i] == VJ_TRIAL_PRUNED;
    const double took = ended ? vj_results_newest(o, VJ_RECORD_TIME_TOTAL, i) : NAN;
    if (!isfinite(took)) continue;
    seconds += took;
    steps += (double)o->committed[i];
  }
  for (int64_t i = 0; i < o->trials && steps <= 0; i++) {
    const double since = vj_sweep_status_since(s, i);
    if (s->state[i] != VJ_TRIAL_RUNNING || !isfinite(since) || s->ledger.of[i].attempts > 1) continue;
    seconds = s->changed - since;
    steps = (double)o->committed[i];
  }
  return steps > 0 && seconds > 0 ? seconds / steps : NAN;
}

/* Each running trial is one group's. What is left is shared out among the groups, but no trial is. */
static void find_rates(vj_sweep_status *s) {
  const vj_results *o = s->results;
  const double step = seconds_a_step(s), groups = (double)s->count[VJ_TRIAL_RUNNING];
  double longest = 0, steps = 0;
  s->trials_an_hour = s->steps_an_hour = s->seconds_left = NAN;
  if (s->whole != VJ_SWEEP_RUNNING || !isfinite(step)) return;
  for (int64_t i = 0; i < o->trials; i++) {
    const double mine = (double)vj_results_steps(o, i), made = fmax(0, (double)o->committed[i]);
    steps += mine;
    if (s->state[i] == VJ_TRIAL_RUNNING) longest = fmax(longest, mine - made);
    if (s->state[i] == VJ_TRIAL_WAITING) longest = fmax(longest, mine);
  }
  s->steps_an_hour = groups * an_hour / step;
  s->trials_an_hour = s->steps_an_hour * (double)o->trials / steps;
  s->seconds_left = step * fmax(longest, (double)(s->steps - s->steps_done) / groups);
}

static vj_status find_best(vj_sweep_status *s) {
  s->best = -1;
  s->best_value = NAN;
  VJ_TRY(vj_objective_default(s->results, s->folder, &s->objective));
  for (int64_t i = 0; i < s->results->trials && s->objective.quantity; i++) {
    const double value = vj_results_final(s->results, &s->objective, i);
    const bool better = s->objective.best == VJ_BEST_HIGH ? value > s->best_value : value < s->best_value;
    if (!isfinite(value) || (s->best >= 0 && !better)) continue;
    s->best = i;
    s->best_value = value;
  }
  return VJ_OK;
}

static vj_status look(const char *folder, vj_sweep_status *s) {
  VJ_TRY(vj_pool_create(&s->pool));
  const char *ledger = vj_pool_format(s->pool, "%s/ledger", folder);
  const char *path = vj_pool_format(s->pool, "%s/sweep.h5", folder);
  if (!ledger || !path) return vj_fail(VJ_MEMORY, "no memory for a path");
  VJ_TRY(vj_ledger_snapshot_read(s->pool, ledger, &s->ledger));
  VJ_TRY(vj_results_look(folder, &s->results));
  s->state = vj_pool_take(s->pool, (size_t)s->results->trials * sizeof *s->state);
  if (!s->state) return vj_fail(VJ_MEMORY, "no memory for the states of a sweep's trials");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  s->now = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  s->changed = fmax(vj_file_changed(path), s->ledger.changed); /* fmax passes over NaN */
  find_states(s);
  s->whole = whole_state(s);
  find_rates(s);
  return find_best(s);
}

vj_status vj_sweep_status_read(const char *folder, vj_sweep_status *s) {
  *s = (vj_sweep_status){.folder = folder};
  const vj_status status = look(folder, s);
  if (status != VJ_OK) vj_sweep_status_close(s);
  return status;
}

void vj_sweep_status_close(vj_sweep_status *s) {
  vj_results_close(&s->results);
  vj_pool_destroy(&s->pool);
}
