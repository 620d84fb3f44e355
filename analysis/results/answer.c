#include "analysis/results/answer.h"

#include <math.h>
#include <string.h>

#include "analysis/results/control_rows.h"
#include "analysis/results/trial_selector.h"
#include "analysis/statistics/difference.h"
#include "framework/train/trial.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the answer to a question"); }

/* --- the numbers of a claim ------------------------------------------------------------------------------------ */

/* What one seed has: means over the settings that the claim does not tell apart. It counts when all are measured. */
typedef struct seed_numbers {
  int64_t seed, trials;
  double a, b;
} seed_numbers;

typedef struct claim_numbers {
  const vj_results *results;
  const vj_question_claim *claim;
  int64_t seed_count;
  seed_numbers *seeds;
  vj_summary error_of_a, error_of_b; /* standard errors over test clips, where these are clips of videos */
} claim_numbers;

static seed_numbers *seed_of(claim_numbers *n, int64_t seed) {
  int64_t i = 0;
  while (i < n->seed_count && n->seeds[i].seed != seed) i++;
  if (i == n->seed_count) n->seeds[n->seed_count++] = (seed_numbers){.seed = seed};
  return &n->seeds[i];
}

/* The column of the standard error by clips, "probe_speed_mse_se"; false where there is none, or where clips are not of
 * videos, and each is a draw of its own. */
static bool error_column(const vj_results *o, const vj_report_column *column, vj_report_column *error) {
  *error = *column;
  if (vj_sweep_file_find(o->file, VJ_RECORD_VIDEOS) < 0) return false;
  error->quantity = vj_pool_format(o->pool, "%s_se", column->quantity);
  return error->quantity && vj_sweep_file_find(o->file, error->quantity) >= 0;
}

static void add_trial(claim_numbers *n, int64_t trial, const vj_report_column *other_column, int64_t other) {
  const vj_results *o = n->results;
  const vj_report_column *own = &n->claim->column;
  vj_report_column error;
  seed_numbers *seed = seed_of(n, o->seed[trial]);
  seed->trials++;
  seed->a += vj_results_final(o, own, trial);
  if (error_column(o, own, &error)) vj_summary_add(&n->error_of_a, vj_results_final(o, &error, trial));
  if (!n->claim->to[0]) return;
  seed->b += other < 0 ? NAN : vj_results_final(o, other_column, other);
  if (other >= 0 && error_column(o, other_column, &error))
    vj_summary_add(&n->error_of_b, vj_results_final(o, &error, other));
}

/* Of arms trials of the same seed belong together; a control is that of the trial itself. */
static vj_status gather(claim_numbers *n) {
  const vj_results *o = n->results;
  const vj_question_claim *claim = n->claim;
  vj_trial_selector of, to;
  vj_report_column column = claim->column;
  const int64_t *partners = NULL;
  VJ_TRY(vj_trial_selector_of_arm(o, claim->of, claim->where_count, claim->where, &of));
  n->seeds = vj_pool_take(o->pool, (size_t)(of.count + 1) * sizeof *n->seeds);
  if (!n->seeds) return no_memory();
  if (claim->control != VJ_CONTROLS) {
    if (!vj_control_column(o, (vj_control)claim->control, &claim->column, &column)) return VJ_OK;
  } else if (claim->to[0]) {
    VJ_TRY(vj_trial_selector_of_arm(o, claim->to, claim->where_count, claim->where, &to));
    VJ_TRY(vj_trial_selector_pair(o, &of, &to, &partners));
  }
  for (int64_t i = 0; i < of.count; i++) add_trial(n, of.trials[i], &column, partners ? partners[i] : of.trials[i]);
  return VJ_OK;
}

/* --- its effect ------------------------------------------------------------------------------------------------ */

static vj_effect effect_of(const vj_question_claim *claim, const vj_two_means *means) {
  return claim->to[0] && !claim->is_difference ? vj_ratio_effect(means, claim->bound)
                                               : vj_difference_effect(means, claim->bound);
}

/* Seeds see the same test clips, and do not show what others would have said. Arms see the same, too: taken as if they
 * did not, the error is too large rather than too small. */
static void widen_by_clips(const claim_numbers *n, vj_claim_result *r) {
  if (!n->error_of_a.count && !n->error_of_b.count) return;
  const double a = n->error_of_a.count ? n->error_of_a.mean : 0, b = n->error_of_b.count ? n->error_of_b.mean : 0;
  const vj_two_means means = {
      .a = r->of, .b = r->claim->to[0] ? r->to : 0, .aa = a * a, .bb = b * b, .freedom = INFINITY};
  const vj_effect by_seeds = r->effect, by_clips = effect_of(r->claim, &means);
  r->effect = vj_effect_of_both(&by_seeds, &by_clips);
  r->by_clips = r->effect.low < by_seeds.low || r->effect.high > by_seeds.high;
}

static vj_verdict verdict_of(const vj_question_claim *claim, const vj_effect *e) {
  if (isnan(e->low)) return VJ_VERDICT_OPEN;
  if (claim->is_at_least ? e->low >= claim->bound : e->high <= claim->bound) return VJ_VERDICT_HOLDS;
  return (claim->is_at_least ? e->high < claim->bound : e->low > claim->bound) ? VJ_VERDICT_FAILS : VJ_VERDICT_OPEN;
}

static vj_status test_claim(const vj_results *o, const vj_question_claim *claim, vj_claim_result *r) {
  claim_numbers n = {.results = o, .claim = claim, .error_of_a = VJ_SUMMARY_NONE, .error_of_b = VJ_SUMMARY_NONE};
  VJ_TRY(gather(&n));
  double *a = vj_pool_take(o->pool, (size_t)(n.seed_count + 1) * sizeof *a);
  double *b = vj_pool_take(o->pool, (size_t)(n.seed_count + 1) * sizeof *b);
  if (!a || !b) return no_memory();
  *r = (vj_claim_result){.claim = claim, .seeds_of_sweep = n.seed_count};
  for (int64_t i = 0; i < n.seed_count; i++) {
    a[r->seeds] = n.seeds[i].a / (double)n.seeds[i].trials;
    b[r->seeds] = n.seeds[i].b / (double)n.seeds[i].trials;
    r->seeds += isfinite(a[r->seeds]) && isfinite(b[r->seeds]);
  }
  const vj_two_means means = vj_two_means_of(a, claim->to[0] ? b : NULL, r->seeds);
  r->of = means.a;
  r->to = claim->to[0] ? means.b : NAN;
  r->effect = effect_of(claim, &means);
  if (r->seeds >= 2) widen_by_clips(&n, r);
  r->p_holm = r->effect.p;
  r->verdict = verdict_of(claim, &r->effect);
  return VJ_OK;
}

static vj_status test_claims(const vj_results *o, const vj_question_claim *claims, int64_t count,
                             vj_claim_result **results) {
  vj_claim_result *r = vj_pool_take(o->pool, (size_t)(count + 1) * sizeof *r);
  if (!r) return no_memory();
  for (int64_t i = 0; i < count; i++) VJ_TRY(test_claim(o, &claims[i], &r[i]));
  *results = r;
  return VJ_OK;
}

/* The claims are one family of tests. */
static vj_status adjust_for_many(const vj_results *o, vj_claim_result *claims, int64_t count) {
  double *p = vj_pool_take(o->pool, (size_t)(count + 1) * sizeof *p);
  if (!p) return no_memory();
  for (int64_t i = 0; i < count; i++) p[i] = claims[i].effect.p;
  vj_holm(p, count);
  for (int64_t i = 0; i < count; i++) claims[i].p_holm = p[i];
  return VJ_OK;
}

/* --- the answer ------------------------------------------------------------------------------------------------ */

/* Of those with this verdict the one with the smallest p, or the largest; NULL without any. */
static const vj_claim_result *choose(const vj_claim_result *list, int64_t count, vj_verdict verdict, bool smallest) {
  const vj_claim_result *chosen = NULL;
  for (int64_t i = 0; i < count; i++) {
    if (list[i].verdict != verdict) continue;
    const double p = list[i].effect.p;
    if (!chosen || (smallest ? p < chosen->effect.p : p > chosen->effect.p)) chosen = &list[i];
  }
  return chosen;
}

/* The first that fewer than two seeds have measured. */
static const vj_claim_result *without_interval(const vj_claim_result *list, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (isnan(list[i].effect.low)) return &list[i];
  return NULL;
}

static bool is_unfinished(const vj_results *o) {
  for (int64_t i = 0; i < o->trials; i++) {
    const vj_trial_state state = vj_results_state(o, i);
    if (state == VJ_TRIAL_WAITING || state == VJ_TRIAL_RUNNING) return true;
  }
  return false;
}

/* The first requirement that is measured and is not known to hold. */
static const vj_claim_result *missed(const vj_answer *a) {
  for (int64_t i = 0; i < a->question->requirement_count; i++)
    if (a->requirements[i].verdict != VJ_VERDICT_HOLDS && !isnan(a->requirements[i].effect.low))
      return &a->requirements[i];
  return NULL;
}

/* Requirements come first: what one seed alone says of them leaves all open. Among claims one that fails decides,
 * whatever is open. Sets kind and decisive. */
static void decide(vj_answer *a) {
  const int64_t claims = a->question->claim_count, requirements = a->question->requirement_count;
  const struct {
    vj_answer_kind kind;
    const vj_claim_result *decisive;
  } order[] = {
      {VJ_ANSWER_CANNOT_TELL, missed(a)},
      {VJ_ANSWER_OPEN, without_interval(a->requirements, requirements)},
      {VJ_ANSWER_NO, choose(a->claims, claims, VJ_VERDICT_FAILS, true)},
      {VJ_ANSWER_OPEN, without_interval(a->claims, claims)},
      {VJ_ANSWER_OPEN, choose(a->claims, claims, VJ_VERDICT_OPEN, false)},
      {VJ_ANSWER_YES, choose(a->claims, claims, VJ_VERDICT_HOLDS, false)},
  };
  int i = 0;
  while (!order[i].decisive) i++; /* there is at least one claim, with one of these verdicts */
  a->kind = order[i].kind;
  a->decisive = order[i].decisive;
}

static const char *words_of(const vj_results *o, const vj_answer *a) {
  const vj_question *q = a->question;
  const char *so_far = a->is_so_far ? ", so far" : "";
  const char *word = a->kind == VJ_ANSWER_OPEN ? vj_verdict_word(a->decisive) : vj_answer_word(a->kind);
  const char *prose = a->kind == VJ_ANSWER_YES ? q->yes : a->kind == VJ_ANSWER_NO ? q->no : "";
  if (a->kind == VJ_ANSWER_CANNOT_TELL)
    return vj_pool_format(o->pool, "%s%s: %s, is required; %s%.3g", word, so_far, a->decisive->claim->text,
                          a->decisive->verdict == VJ_VERDICT_FAILS ? "it is " : "that is not certain by ",
                          a->decisive->effect.size);
  return vj_pool_format(o->pool, "%s%s%s%s", word, so_far, prose[0] ? ": " : "", prose);
}

const char *vj_verdict_word(const vj_claim_result *r) {
  if (r->verdict == VJ_VERDICT_HOLDS) return "holds";
  if (r->verdict == VJ_VERDICT_FAILS) return "fails";
  return r->seeds == 0 ? "open (not measured)" : r->seeds == 1 ? "open (one seed)" : "open";
}

const char *vj_answer_word(vj_answer_kind kind) {
  static const char *const words[] = {[VJ_ANSWER_OPEN] = "open",
                                      [VJ_ANSWER_YES] = "yes",
                                      [VJ_ANSWER_NO] = "no",
                                      [VJ_ANSWER_CANNOT_TELL] = "cannot tell"};
  return words[kind];
}

vj_status vj_answer_find(const vj_results *o, const char *folder, const vj_question *question,
                         const vj_answer **answer) {
  *answer = NULL;
  if (!question) VJ_TRY(vj_results_question(o, folder, &question));
  if (!question) return VJ_OK;
  VJ_TRY(vj_question_check_file(question, o->file));
  vj_answer *a = vj_pool_take(o->pool, sizeof *a);
  if (!a) return no_memory();
  a->question = question;
  a->is_so_far = is_unfinished(o);
  VJ_TRY(test_claims(o, question->requirements, question->requirement_count, &a->requirements));
  VJ_TRY(test_claims(o, question->claims, question->claim_count, &a->claims));
  VJ_TRY(adjust_for_many(o, a->claims, question->claim_count));
  decide(a);
  a->words = words_of(o, a);
  if (!a->words) return no_memory();
  *answer = a;
  return VJ_OK;
}
