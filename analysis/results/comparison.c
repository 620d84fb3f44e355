#include "analysis/results/comparison.h"

#include <math.h>
#include <string.h>

#include "analysis/results/hidden_states.h"
#include "analysis/statistics/difference.h"
#include "framework/config/config_diff.h"
#include "framework/store/ledger/ledger.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for a comparison"); }

static bool is_done(const vj_results *o, int64_t trial) { return o->status[trial] == VJ_TRIAL_DONE; }

static int64_t count_done(const vj_results *o, const vj_trial_selector *s) {
  int64_t done = 0;
  for (int64_t i = 0; i < s->count; i++) done += is_done(o, s->trials[i]);
  return done;
}

/* --- settings -------------------------------------------------------------------------------------------------- */

/* What varies within a selection, and the seed, is no difference between the two. */
static bool is_between(const vj_comparison *c, const char *key) {
  const vj_results *o = c->results;
  if (strcmp(key, "seed") == 0) return c->a.count == 1 && c->b.count == 1;
  for (int s = 0; s < o->setting_count; s++) {
    const char *set = vj_results_setting_key(o, s);
    const size_t length = strlen(set);
    if (strncmp(set, key, length) == 0 && (key[length] == '.' || !key[length]))
      return vj_trial_selector_is_constant(o, &c->a, &c->b, s);
  }
  return true;
}

static const char *text_of(vj_pool *pool, const vj_yaml *node) {
  return !node ? "" : node->kind == VJ_YAML_SCALAR ? node->text : vj_yaml_print_line(pool, node);
}

/* Of the first pair, or the first of each. */
static vj_status compare_settings(vj_comparison *c) {
  const vj_results *o = c->results;
  vj_yaml *trees[2] = {NULL};
  vj_config_diff found = {0};
  int64_t trials[2] = {c->a.trials[0], c->b.trials[0]};
  for (int64_t i = c->a.count - 1; i >= 0; i--)
    if (c->partners[i] >= 0) trials[0] = c->a.trials[i], trials[1] = c->partners[i];
  for (int k = 0; k < 2; k++) {
    const char *text = vj_results_text(o, VJ_RECORD_CONFIG, trials[k]);
    if (text[0]) VJ_TRY(vj_yaml_read_text(o->pool, text, "config", &trees[k]));
    if (!trees[k] || trees[k]->kind != VJ_YAML_MAP) return VJ_OK; /* not begun with: nothing is known of it */
  }
  VJ_TRY(vj_config_diff_find(o->pool, trees[0], trees[1], &found));
  vj_setting_difference *settings = vj_pool_take(o->pool, (size_t)(found.count + 1) * sizeof *settings);
  if (!settings) return no_memory();
  for (int64_t i = 0; i < found.count; i++) {
    const char *a = text_of(o->pool, found.at[i].before), *b = text_of(o->pool, found.at[i].after);
    if (!a || !b) return no_memory();
    if (is_between(c, found.at[i].key)) settings[c->setting_count++] = (vj_setting_difference){found.at[i].key, a, b};
  }
  c->settings = settings;
  return VJ_OK;
}

/* --- results --------------------------------------------------------------------------------------------------- */

static void add_all(const vj_results *o, const vj_report_column *column, const vj_trial_selector *s, vj_summary *to) {
  for (int64_t i = 0; i < s->count; i++) vj_summary_add(to, vj_results_final(o, column, s->trials[i]));
}

/* Over pairs where there are any, else of all trials. `differs`: in any pair. */
static vj_result_difference compare_quantity(const vj_comparison *c, const vj_file_variable_info *info, bool *differs) {
  const vj_results *o = c->results;
  const vj_report_column column = {.quantity = info->name, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  vj_summary a = VJ_SUMMARY_NONE, b = VJ_SUMMARY_NONE, difference = VJ_SUMMARY_NONE;
  *differs = false;
  for (int64_t i = 0; i < c->a.count; i++) {
    if (c->partners[i] < 0) continue;
    const double one = vj_results_final(o, &column, c->a.trials[i]);
    const double other = vj_results_final(o, &column, c->partners[i]);
    if (!isfinite(one) || !isfinite(other)) continue;
    vj_summary_add(&a, one);
    vj_summary_add(&b, other);
    vj_summary_add(&difference, other - one);
    *differs = *differs || one != other;
  }
  if (!difference.count) {
    add_all(o, &column, &c->a, &a);
    add_all(o, &column, &c->b, &b);
    *differs = a.count && b.count && a.mean != b.mean;
  }
  const vj_mean_difference tested = vj_paired_difference(&difference);
  return (vj_result_difference){.quantity = info->name,
                                .units = info->units && strcmp(info->units, "1") != 0 ? info->units : "",
                                .pairs = difference.count,
                                .a_count = a.count,
                                .b_count = b.count,
                                .a = a.mean,
                                .b = b.mean,
                                .difference = difference.count ? difference.mean : b.mean - a.mean,
                                .deviation = difference.deviation,
                                .low = tested.low,
                                .high = tested.high,
                                .p = tested.p,
                                .p_holm = tested.p};
}

static bool is_among(const char *list, const char *name) {
  const size_t length = strlen(name);
  for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
    if (strcspn(at, ",") == length && strncmp(at, name, length) == 0) return true;
  return false;
}

/* Each of them is recorded, or the sentence suggests what is. */
static vj_status check_names(const vj_results *o, const char *list) {
  for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
    const char *name = vj_pool_format(o->pool, "%.*s", (int)strcspn(at, ","), at);
    if (!name) return no_memory();
    VJ_TRY(vj_report_check_quantity(name, NULL, "--of", NULL, o->file));
  }
  return VJ_OK;
}

/* All tests that are shown are one family. */
static vj_status adjust_for_many(const vj_comparison *c) {
  double *p = vj_pool_take(c->results->pool, (size_t)(c->difference_count + 1) * sizeof *p);
  if (!p) return no_memory();
  for (int64_t i = 0; i < c->difference_count; i++) p[i] = c->differences[i].p;
  vj_holm(p, c->difference_count);
  for (int64_t i = 0; i < c->difference_count; i++) c->differences[i].p_holm = p[i];
  return VJ_OK;
}

static vj_status compare_results(vj_comparison *c, const char *of) {
  const vj_results *o = c->results;
  const int variables = vj_sweep_file_variable_count(o->file);
  vj_result_difference *list = vj_pool_take(o->pool, (size_t)variables * sizeof *list);
  if (!list) return no_memory();
  if (of) VJ_TRY(check_names(o, of));
  for (int v = 0; v < variables; v++) {
    vj_file_variable_info info;
    bool differs;
    vj_sweep_file_variable(o->file, v, &info);
    if (info.rank != 2 || info.type != VJ_FILE_DOUBLE || (of && !is_among(of, info.name))) continue;
    const vj_result_difference d = compare_quantity(c, &info, &differs);
    if (!d.a_count && !d.b_count) continue;
    if (differs || !d.a_count || !d.b_count)
      list[c->difference_count++] = d;
    else
      c->same_count++;
  }
  c->differences = list;
  return adjust_for_many(c);
}

/* --- hidden states --------------------------------------------------------------------------------------------- */

static int64_t place_in(const int64_t *list, int64_t count, int64_t trial) {
  for (int64_t i = 0; i < count; i++)
    if (list[i] == trial) return i;
  return -1;
}

static double mean_within(const vj_comparison *c, const vj_trial_selector *s, const vj_cka *matrix, int64_t *pairs) {
  vj_summary of_pairs = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < s->count; i++)
    for (int64_t k = i + 1; k < s->count; k++) {
      const int64_t one = place_in(c->compared, c->compared_count, s->trials[i]);
      const int64_t other = place_in(c->compared, c->compared_count, s->trials[k]);
      if (one < 0 || other < 0) continue;
      vj_summary_add(&of_pairs, matrix[one * c->compared_count + other].debiased);
    }
  *pairs = of_pairs.count;
  return of_pairs.mean;
}

/* Over pairs; without any, over every trial of one with every one of the other. */
static void mean_between(const vj_comparison *c, vj_view_similarity *v) {
  vj_summary biased = VJ_SUMMARY_NONE, debiased = VJ_SUMMARY_NONE;
  for (int64_t i = 0; i < c->a.count; i++)
    for (int64_t k = 0; k < c->b.count; k++) {
      const int64_t one = place_in(c->compared, c->compared_count, c->a.trials[i]);
      const int64_t other = place_in(c->compared, c->compared_count, c->b.trials[k]);
      if (one < 0 || other < 0 || (c->pair_count && c->partners[i] != c->b.trials[k])) continue;
      const vj_cka cka = v->matrix[one * c->compared_count + other];
      v->pairs++;
      vj_summary_add(&biased, cka.biased);
      vj_summary_add(&debiased, cka.debiased);
    }
  v->between = (vj_cka){.biased = biased.mean, .debiased = debiased.mean};
}

static vj_status compare_view(const vj_comparison *c, const char *view, vj_view_similarity *v) {
  const vj_results *o = c->results;
  const int64_t n = c->compared_count;
  const double **grams = vj_pool_take(o->pool, (size_t)n * sizeof *grams);
  int64_t *clips = vj_pool_take(o->pool, (size_t)n * sizeof *clips);
  vj_cka *matrix = vj_pool_take(o->pool, (size_t)(n * n) * sizeof *matrix);
  if (!grams || !clips || !matrix) return no_memory();
  *v = (vj_view_similarity){.view = view, .matrix = matrix};
  for (int64_t i = 0; i < n; i++) {
    VJ_TRY(vj_hidden_states_gram(o, view, c->compared[i], &clips[i], &grams[i]));
    if (clips[i] > v->clips) v->clips = clips[i];
  }
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < n; k++)
      matrix[i * n + k] = clips[i] == clips[k] && clips[i] > 0 ? vj_cka_of(clips[i], grams[i], grams[k])
                                                               : (vj_cka){.biased = NAN, .debiased = NAN};
  mean_between(c, v);
  v->within_a = mean_within(c, &c->a, matrix, &v->within_a_pairs);
  v->within_b = mean_within(c, &c->b, matrix, &v->within_b_pairs);
  return VJ_OK;
}

static vj_status list_compared(vj_comparison *c) {
  const vj_results *o = c->results;
  const vj_trial_selector *const both[] = {&c->a, &c->b};
  int64_t *compared = vj_pool_take(o->pool, (size_t)(c->a.count + c->b.count) * sizeof *compared);
  if (!compared) return no_memory();
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; i < both[k]->count; i++) {
      const int64_t trial = both[k]->trials[i];
      if (is_done(o, trial) && place_in(compared, c->compared_count, trial) < 0) compared[c->compared_count++] = trial;
    }
  c->compared = compared;
  return VJ_OK;
}

static vj_status compare_states(vj_comparison *c) {
  const vj_results *o = c->results;
  vj_view_similarity *views = vj_pool_take(o->pool, 3 * sizeof *views);
  if (!views) return no_memory();
  VJ_TRY(list_compared(c));
  for (int i = 0; vj_hidden_state_views[i]; i++) {
    VJ_TRY(compare_view(c, vj_hidden_state_views[i], &views[c->view_count]));
    c->view_count += views[c->view_count].clips > 0;
  }
  c->views = views;
  return VJ_OK;
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

vj_status vj_compare(const vj_results *results, const char *a, const char *b, const char *of, vj_comparison *c) {
  *c = (vj_comparison){.results = results};
  VJ_TRY(vj_trial_selector_read(results, "A", a, &c->a));
  VJ_TRY(vj_trial_selector_read(results, "B", b, &c->b));
  VJ_TRY(vj_trial_selector_pair(results, &c->a, &c->b, &c->partners));
  c->a_done = count_done(results, &c->a);
  c->b_done = count_done(results, &c->b);
  for (int64_t i = 0; i < c->a.count; i++) {
    c->pair_count += c->partners[i] >= 0;
    c->pairs_done += c->partners[i] >= 0 && is_done(results, c->a.trials[i]) && is_done(results, c->partners[i]);
  }
  VJ_TRY(compare_settings(c));
  VJ_TRY(compare_results(c, of));
  return compare_states(c);
}
