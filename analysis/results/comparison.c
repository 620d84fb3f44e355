#include "analysis/results/comparison.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

#include "analysis/results/hidden_states.h"
#include "framework/store/ledger/ledger.h"

static bool is_done(const vj_results *o, int64_t trial) { return o->status[trial] == VJ_TRIAL_DONE; }

static int64_t count_done(const vj_results *o, const vj_trial_selector *s) {
  int64_t done = 0;
  for (int64_t i = 0; i < s->count; i++) done += is_done(o, s->trials[i]);
  return done;
}

/* --- settings -------------------------------------------------------------------------------------------------- */

typedef struct settings {
  const vj_comparison *c;
  vj_setting_difference *list;
  int64_t count, capacity;
} settings;

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

static const char *text_of(const settings *s, const vj_yaml *node) {
  if (!node) return "";
  const char *text = node->kind == VJ_YAML_SCALAR ? node->text : vj_yaml_print_line(s->c->results->pool, node);
  return text ? text : "";
}

static vj_status add_setting(settings *s, const char *key, const char *a, const char *b) {
  if (s->count == s->capacity) {
    const int64_t capacity = s->capacity ? 2 * s->capacity : 64;
    vj_setting_difference *fresh = vj_pool_take(s->c->results->pool, (size_t)capacity * sizeof *fresh);
    if (!fresh) return vj_fail(VJ_MEMORY, "no memory for a comparison");
    if (s->count) memcpy(fresh, s->list, (size_t)s->count * sizeof *fresh);
    s->list = fresh;
    s->capacity = capacity;
  }
  s->list[s->count++] = (vj_setting_difference){key, a, b};
  return VJ_OK;
}

/* The leaves of one tree against another. In the second walk (`is_back`) only what the first did not have. */
static vj_status walk(settings *s, const vj_yaml *node, const vj_yaml *other, const char *path, bool is_back) {
  vj_pool *pool = s->c->results->pool;
  for (int64_t i = 0; i < node->count; i++) {
    const char *key = vj_pool_format(pool, "%s%s%s", path, path[0] ? "." : "", node->keys[i]->text);
    if (!key) return vj_fail(VJ_MEMORY, "no memory for a comparison");
    const vj_yaml *mine = node->items[i], *theirs = NULL;
    for (int64_t k = 0; other && other->kind == VJ_YAML_MAP && k < other->count; k++)
      if (strcmp(other->keys[k]->text, node->keys[i]->text) == 0) theirs = other->items[k];
    if (mine->kind == VJ_YAML_MAP && (!theirs || theirs->kind == VJ_YAML_MAP)) {
      VJ_TRY(walk(s, mine, theirs, key, is_back));
      continue;
    }
    if (is_back && theirs) continue;
    const char *one = text_of(s, mine), *two = text_of(s, theirs);
    if (strcmp(one, two) != 0 && is_between(s->c, key))
      VJ_TRY(add_setting(s, key, is_back ? two : one, is_back ? one : two));
  }
  return VJ_OK;
}

/* Of the first pair, or the first of each. */
static vj_status compare_settings(vj_comparison *c) {
  const vj_results *o = c->results;
  settings s = {.c = c};
  vj_yaml *trees[2] = {NULL};
  int64_t trials[2] = {c->a.trials[0], c->b.trials[0]};
  for (int64_t i = c->a.count - 1; i >= 0; i--)
    if (c->partners[i] >= 0) trials[0] = c->a.trials[i], trials[1] = c->partners[i];
  for (int k = 0; k < 2; k++) {
    const char *text = vj_results_text(o, "config", trials[k]);
    if (text[0]) VJ_TRY(vj_yaml_read_text(o->pool, text, "config", &trees[k]));
    if (!trees[k] || trees[k]->kind != VJ_YAML_MAP) return VJ_OK; /* not begun with: nothing is known of it */
  }
  VJ_TRY(walk(&s, trees[0], trees[1], "", false));
  VJ_TRY(walk(&s, trees[1], trees[0], "", true));
  c->settings = s.list;
  c->setting_count = s.count;
  return VJ_OK;
}

/* --- outcome --------------------------------------------------------------------------------------------------- */

/* Welford's update. */
typedef struct tally {
  int64_t count;
  double mean, square;
} tally;

static void add(tally *t, double value) {
  const double from_old = value - t->mean;
  t->mean += from_old / (double)++t->count;
  t->square += from_old * (value - t->mean);
}

static double value_of(const vj_results *o, const char *quantity, int64_t trial) {
  const vj_report_column column = {.quantity = quantity, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  return is_done(o, trial) ? vj_results_number(o, &column, trial) : NAN;
}

static void add_all(const vj_results *o, const char *quantity, const vj_trial_selector *s, tally *t) {
  for (int64_t i = 0; i < s->count; i++) {
    const double value = value_of(o, quantity, s->trials[i]);
    if (isfinite(value)) add(t, value);
  }
}

/* Over pairs where there are any, else of all trials. `differs`: in any pair. */
static vj_result_difference compare_quantity(const vj_comparison *c, const vj_file_variable_info *info, bool *differs) {
  const vj_results *o = c->results;
  tally a = {0}, b = {0}, difference = {0};
  *differs = false;
  for (int64_t i = 0; i < c->a.count; i++) {
    const double one = value_of(o, info->name, c->a.trials[i]);
    const double other = c->partners[i] >= 0 ? value_of(o, info->name, c->partners[i]) : NAN;
    if (!isfinite(one) || !isfinite(other)) continue;
    add(&a, one);
    add(&b, other);
    add(&difference, other - one);
    *differs = *differs || one != other;
  }
  if (!difference.count) {
    add_all(o, info->name, &c->a, &a);
    add_all(o, info->name, &c->b, &b);
    *differs = a.count && b.count && a.mean != b.mean;
  }
  vj_result_difference d = {.quantity = info->name,
                            .units = info->units && strcmp(info->units, "1") != 0 ? info->units : "",
                            .pairs = difference.count,
                            .a_count = a.count,
                            .b_count = b.count,
                            .a = a.count ? a.mean : NAN,
                            .b = b.count ? b.mean : NAN,
                            .deviation = NAN,
                            .half = NAN};
  d.difference = difference.count ? difference.mean : d.b - d.a;
  if (d.pairs < 2) return d;
  const double freedom = (double)(d.pairs - 1);
  d.deviation = sqrt(difference.square / freedom);
  d.half = gsl_cdf_tdist_Pinv(0.975, freedom) * d.deviation / sqrt((double)d.pairs);
  return d;
}

static vj_status compare_outcomes(vj_comparison *c) {
  const vj_results *o = c->results;
  const int variables = vj_sweep_file_variable_count(o->file);
  vj_result_difference *list = vj_pool_take(o->pool, (size_t)variables * sizeof *list);
  if (!list) return vj_fail(VJ_MEMORY, "no memory for a comparison");
  for (int v = 0; v < variables; v++) {
    vj_file_variable_info info;
    bool differs;
    vj_sweep_file_variable(o->file, v, &info);
    if (info.rank != 2 || info.type != VJ_FILE_DOUBLE) continue;
    const vj_result_difference d = compare_quantity(c, &info, &differs);
    if (!d.a_count && !d.b_count) continue;
    if (differs || !d.a_count || !d.b_count)
      list[c->outcome_count++] = d;
    else
      c->same_count++;
  }
  c->outcomes = list;
  return VJ_OK;
}

/* --- hidden states --------------------------------------------------------------------------------------------- */

static int64_t place_in(const int64_t *list, int64_t count, int64_t trial) {
  for (int64_t i = 0; i < count; i++)
    if (list[i] == trial) return i;
  return -1;
}

static double mean_within(const vj_comparison *c, const vj_trial_selector *s, const vj_cka *matrix, int64_t *pairs) {
  tally t = {0};
  for (int64_t i = 0; i < s->count; i++)
    for (int64_t k = i + 1; k < s->count; k++) {
      const int64_t one = place_in(c->stated, c->stated_count, s->trials[i]);
      const int64_t other = place_in(c->stated, c->stated_count, s->trials[k]);
      if (one < 0 || other < 0) continue;
      const double value = matrix[one * c->stated_count + other].debiased;
      if (isfinite(value)) add(&t, value);
    }
  *pairs = t.count;
  return t.count ? t.mean : NAN;
}

/* Over pairs; without any, over every trial of one with every one of the other. */
static void mean_between(const vj_comparison *c, vj_view_likeness *v) {
  tally biased = {0}, debiased = {0};
  for (int64_t i = 0; i < c->a.count; i++)
    for (int64_t k = 0; k < c->b.count; k++) {
      const int64_t one = place_in(c->stated, c->stated_count, c->a.trials[i]);
      const int64_t other = place_in(c->stated, c->stated_count, c->b.trials[k]);
      if (one < 0 || other < 0 || (c->pair_count && c->partners[i] != c->b.trials[k])) continue;
      const vj_cka cka = v->matrix[one * c->stated_count + other];
      v->pairs++;
      if (isfinite(cka.biased)) add(&biased, cka.biased);
      if (isfinite(cka.debiased)) add(&debiased, cka.debiased);
    }
  v->between = (vj_cka){.biased = biased.count ? biased.mean : NAN, .debiased = debiased.count ? debiased.mean : NAN};
}

static vj_status compare_view(const vj_comparison *c, const char *view, vj_view_likeness *v) {
  const vj_results *o = c->results;
  const int64_t n = c->stated_count;
  const double **grams = vj_pool_take(o->pool, (size_t)n * sizeof *grams);
  int64_t *clips = vj_pool_take(o->pool, (size_t)n * sizeof *clips);
  vj_cka *matrix = vj_pool_take(o->pool, (size_t)(n * n) * sizeof *matrix);
  if (!grams || !clips || !matrix) return vj_fail(VJ_MEMORY, "no memory for a comparison");
  *v = (vj_view_likeness){.view = view, .matrix = matrix};
  for (int64_t i = 0; i < n; i++) {
    VJ_TRY(vj_hidden_states_gram(o, view, c->stated[i], &clips[i], &grams[i]));
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

static vj_status list_stated(vj_comparison *c) {
  const vj_results *o = c->results;
  const vj_trial_selector *const both[] = {&c->a, &c->b};
  int64_t *stated = vj_pool_take(o->pool, (size_t)(c->a.count + c->b.count) * sizeof *stated);
  if (!stated) return vj_fail(VJ_MEMORY, "no memory for a comparison");
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; i < both[k]->count; i++) {
      const int64_t trial = both[k]->trials[i];
      if (is_done(o, trial) && place_in(stated, c->stated_count, trial) < 0) stated[c->stated_count++] = trial;
    }
  c->stated = stated;
  return VJ_OK;
}

static vj_status compare_states(vj_comparison *c) {
  const vj_results *o = c->results;
  vj_view_likeness *views = vj_pool_take(o->pool, 3 * sizeof *views);
  if (!views) return vj_fail(VJ_MEMORY, "no memory for a comparison");
  VJ_TRY(list_stated(c));
  for (int i = 0; vj_hidden_state_views[i]; i++) {
    VJ_TRY(compare_view(c, vj_hidden_state_views[i], &views[c->view_count]));
    c->view_count += views[c->view_count].clips > 0;
  }
  c->views = views;
  return VJ_OK;
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

vj_status vj_compare(const vj_results *results, const char *a, const char *b, vj_comparison *c) {
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
  VJ_TRY(compare_outcomes(c));
  return compare_states(c);
}
