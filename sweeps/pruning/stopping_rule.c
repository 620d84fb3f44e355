/* Whether a trial ends early: the rules, as pure functions of what was reported. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/space/stopping.h"
#include "vj/memory.h"

static bool is_better(int mode, double a, double b) {
  if (isnan(a)) return false;
  if (isnan(b)) return true;
  return mode == VJ_STOPPING_MAX ? a > b : a < b;
}

/* NaN last. */
static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return is_better(VJ_STOPPING_MIN, y, x) - is_better(VJ_STOPPING_MIN, x, y);
}

static int descending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return is_better(VJ_STOPPING_MAX, y, x) - is_better(VJ_STOPPING_MAX, x, y);
}

static void sort_best_first(int mode, double *values, int64_t count) {
  qsort(values, (size_t)count, sizeof *values, mode == VJ_STOPPING_MAX ? descending : ascending);
}

/* --- asha ------------------------------------------------------------------------------------------------------ */

static vj_status ask_asha(const vj_stopping_question *q, const vj_ledger_measurement *earlier, int64_t count,
                          const vj_ledger_measurement *mine, vj_ledger_ruling *ruling) {
  const vj_stopping *s = q->stopping;
  double *values = NULL;
  int64_t reached = 0, ahead = 0;
  VJ_TRY(vj_allocate((size_t)count + 1, sizeof *values, "what a rung has seen", &values));
  for (int64_t i = 0; i < count; i++)
    if (earlier[i].place == mine->place && earlier[i].trial != mine->trial) values[reached++] = earlier[i].value;
  for (int64_t i = 0; i < reached; i++) ahead += !is_better(s->mode, mine->value, values[i]);
  const int64_t share = (reached + 1) / s->reduction_factor, places = share > 1 ? share : 1;
  sort_best_first(s->mode, values, reached);
  ruling->ends = ahead >= places;
  ruling->threshold = reached >= places ? values[places - 1] : NAN;
  free(values);
  snprintf(ruling->reason, sizeof ruling->reason,
           "%s %.6g after step %lld: number %lld of %lld at rung %lld so far, the best %lld go%s on", s->metric,
           mine->value, (long long)q->done, (long long)ahead + 1, (long long)reached + 1, (long long)mine->place,
           (long long)places, places == 1 ? "es" : "");
  return VJ_OK;
}

/* --- median ---------------------------------------------------------------------------------------------------- */

/* What a trial has reported up to a place. */
typedef struct course {
  double sum;
  int64_t count;
  bool is_there; /* at the place itself */
} course;

/* Means of the other trials that came so far; their number. */
static int64_t gather_means(const vj_ledger_measurement *earlier, int64_t count, const vj_ledger_measurement *mine,
                            course *courses, int64_t trials, double *means) {
  int64_t others = 0;
  for (int64_t i = 0; i < count; i++) {
    course *c = &courses[earlier[i].trial];
    if (earlier[i].place > mine->place || earlier[i].trial == mine->trial) continue;
    c->sum += earlier[i].value;
    c->count++;
    c->is_there = c->is_there || earlier[i].place == mine->place;
  }
  for (int64_t t = 0; t < trials; t++)
    if (courses[t].is_there) means[others++] = courses[t].sum / (double)courses[t].count;
  return others;
}

static double best_of(int mode, const vj_ledger_measurement *earlier, int64_t count,
                      const vj_ledger_measurement *mine) {
  double best = mine->value;
  for (int64_t i = 0; i < count; i++)
    if (earlier[i].trial == mine->trial && earlier[i].place <= mine->place && is_better(mode, earlier[i].value, best))
      best = earlier[i].value;
  return best;
}

static vj_status ask_median(const vj_stopping_question *q, const vj_ledger_measurement *earlier, int64_t count,
                            const vj_ledger_measurement *mine, vj_ledger_ruling *ruling) {
  const vj_stopping *s = q->stopping;
  int64_t trials = 0;
  for (int64_t i = 0; i < count; i++) trials = earlier[i].trial >= trials ? earlier[i].trial + 1 : trials;
  course *courses = NULL;
  double *means = NULL;
  VJ_TRY(vj_allocate((size_t)trials + 1, sizeof *courses, "what trials have reported", &courses));
  vj_status status = vj_allocate((size_t)trials + 1, sizeof *means, "what trials have reported", &means);
  if (status != VJ_OK) {
    free(courses);
    return status;
  }
  const int64_t others = gather_means(earlier, count, mine, courses, trials, means);
  const double best = best_of(s->mode, earlier, count, mine);
  sort_best_first(s->mode, means, others);
  const bool enough = others >= s->min_trials;
  ruling->threshold = enough ? (means[(others - 1) / 2] + means[others / 2]) / 2 : NAN;
  ruling->ends = enough && is_better(s->mode, ruling->threshold, best);
  free(means);
  free(courses);
  if (enough)
    snprintf(ruling->reason, sizeof ruling->reason,
             "%s at best %.6g up to step %lld; the median of %lld other trials' means is %.6g", s->metric, best,
             (long long)q->done, (long long)others, ruling->threshold);
  else
    snprintf(ruling->reason, sizeof ruling->reason,
             "%s at best %.6g up to step %lld; %lld other trial%s came so far, %lld are needed", s->metric, best,
             (long long)q->done, (long long)others, others == 1 ? "" : "s", (long long)s->min_trials);
  return VJ_OK;
}

bool vj_stopping_measured(const char *reason, vj_ledger_measurement *measured) {
  const char *metric = strchr(reason, ' '), *rung = strstr(reason, " at rung ");
  long long place;
  double value;
  const bool is_asha = metric && rung && sscanf(metric, " %lf after step %*d", &value) == 1 &&
                       sscanf(rung, " at rung %lld", &place) == 1;
  const bool is_median = metric && !rung && sscanf(metric, " at best %lf up to step %lld", &value, &place) == 2;
  if (is_asha || is_median) *measured = (vj_ledger_measurement){measured->trial, place, value};
  return is_asha || is_median;
}

vj_status vj_stopping_rule(const void *question, const vj_ledger_measurement *earlier, int64_t count,
                           const vj_ledger_measurement *mine, vj_ledger_ruling *ruling) {
  const vj_stopping_question *q = question;
  if (q->stopping->type == VJ_STOPPING_ASHA) return ask_asha(q, earlier, count, mine, ruling);
  return ask_median(q, earlier, count, mine, ruling);
}
