#include "analysis/results/trial_selector.h"

#include <stdlib.h>
#include <string.h>

#include "framework/config/nodes.h"

enum { ARM = -1 };

/* --- reading --------------------------------------------------------------------------------------------------- */

static vj_status collect(const vj_results *o, const char *word, const bool *chosen, vj_trial_selector *selection) {
  int64_t *trials = vj_pool_take(o->pool, (size_t)o->trials * sizeof *trials);
  if (!trials) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)o->trials);
  *selection = (vj_trial_selector){.word = word, .trials = trials};
  for (int64_t i = 0; i < o->trials; i++)
    if (chosen[i]) trials[selection->count++] = i;
  return VJ_OK;
}

static bool choose_arm(const vj_results *o, const char *arm, bool *chosen) {
  bool found = false;
  for (int64_t i = 0; i < o->trials; i++) {
    chosen[i] = chosen[i] && strcmp(vj_results_text(o, VJ_RECORD_ARM, i), arm) == 0;
    found = found || chosen[i];
  }
  return found;
}

static bool choose_number(const vj_results *o, const char *word, bool *chosen) {
  char *end = NULL;
  const long long number = strtoll(word, &end, 10);
  if (end == word || *end || number < 0 || number >= o->trials) return false;
  for (int64_t i = 0; i < o->trials; i++) chosen[i] = i == number;
  return true;
}

static bool has_value(const vj_results *o, int setting, int64_t trial, const char *value) {
  char *end = NULL;
  const double number = strtod(value, &end);
  if (vj_results_setting_is_number(o, setting))
    return end != value && !*end && number == vj_results_setting_number(o, setting, trial);
  return strcmp(value, vj_results_setting(o, setting, trial)) == 0;
}

static vj_status unknown_key(const vj_results *o, const char *place, const char *key) {
  char hint[VJ_SUGGESTION_BYTES];
  const char **names = vj_pool_take(o->pool, (size_t)(o->setting_count + 1) * sizeof *names);
  if (!names) return vj_fail(VJ_MEMORY, "no memory for the settings of a sweep");
  for (int s = 0; s < o->setting_count; s++) names[s] = vj_results_setting_key(o, s);
  names[o->setting_count] = VJ_RECORD_ARM;
  return vj_fail(VJ_USAGE, "%s: the sweep sets no \"%s\"%s", place, key,
                 vj_suggestion(key, "settings", names, o->setting_count + 1, hint));
}

static vj_status choose_setting(const vj_results *o, const char *place, const char *key, const char *value,
                                bool *chosen) {
  int setting = 0;
  if (strcmp(key, VJ_RECORD_ARM) == 0) {
    (void)choose_arm(o, value, chosen);
    return VJ_OK;
  }
  while (setting < o->setting_count && strcmp(vj_results_setting_key(o, setting), key) != 0) setting++;
  if (setting == o->setting_count) return unknown_key(o, place, key);
  for (int64_t i = 0; i < o->trials; i++) chosen[i] = chosen[i] && has_value(o, setting, i, value);
  return VJ_OK;
}

/* Where the next "key=" begins behind a comma, or the end: values may have commas, as lists do. */
static char *end_of_setting(char *text) {
  for (char *comma = text; (comma = strchr(comma, ',')); comma++) {
    const char *next = comma + 1 + strspn(comma + 1, " ");
    if (next[strcspn(next, ",=[{\"")] == '=') return comma;
  }
  return text + strlen(text);
}

static vj_status choose_settings(const vj_results *o, const char *place, const char *word, bool *chosen) {
  char *text = vj_pool_text(o->pool, word);
  if (!text) return vj_fail(VJ_MEMORY, "no memory for the settings of a trial");
  while (*text) {
    char *end = end_of_setting(text), *next = *end ? end + 1 : end;
    *end = '\0';
    text += strspn(text, " ");
    char *equals = strchr(text, '=');
    if (!equals) return vj_fail(VJ_USAGE, "%s: expected key=value, got \"%s\"", place, text);
    *equals = '\0';
    VJ_TRY(choose_setting(o, place, text, equals + 1, chosen));
    text = next;
  }
  return VJ_OK;
}

static vj_status nothing(const vj_results *o, const char *place, const char *word) {
  char hint[VJ_SUGGESTION_BYTES];
  int64_t count = 0;
  const char **names = vj_pool_take(o->pool, (size_t)o->trials * sizeof *names);
  if (!names) return vj_fail(VJ_MEMORY, "no memory for the arms of a sweep");
  for (int64_t i = 0; i < o->trials && o->has_arms; i++) {
    const char *arm = vj_results_text(o, VJ_RECORD_ARM, i);
    if (!count || strcmp(names[count - 1], arm) != 0) names[count++] = arm;
  }
  return vj_fail(VJ_USAGE, "%s: \"%s\" is no arm, no trial (0 to %lld) and no key=value%s", place, word,
                 (long long)o->trials - 1, count ? vj_suggestion(word, "arms", names, count, hint) : "");
}

vj_status vj_trial_selector_read(const vj_results *o, const char *place, const char *word,
                                 vj_trial_selector *selection) {
  bool *chosen = vj_pool_take(o->pool, (size_t)o->trials * sizeof *chosen);
  if (!chosen) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)o->trials);
  for (int64_t i = 0; i < o->trials; i++) chosen[i] = true;
  if (word[0] && choose_arm(o, word, chosen)) return collect(o, word, chosen, selection);
  if (choose_number(o, word, chosen)) return collect(o, word, chosen, selection);
  if (!strchr(word, '=')) return nothing(o, place, word);
  for (int64_t i = 0; i < o->trials; i++) chosen[i] = true;
  VJ_TRY(choose_settings(o, place, word, chosen));
  VJ_TRY(collect(o, word, chosen, selection));
  return selection->count ? VJ_OK : vj_fail(VJ_USAGE, "%s: no trial has %s", place, word);
}

vj_status vj_trial_selector_of_arm(const vj_results *o, const char *arm, int64_t setting_count,
                                   const vj_setting *settings, vj_trial_selector *selection) {
  bool *chosen = vj_pool_take(o->pool, (size_t)(o->trials + 1) * sizeof *chosen);
  if (!chosen) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)o->trials);
  for (int64_t i = 0; i < o->trials; i++) chosen[i] = true;
  (void)choose_arm(o, arm, chosen);
  for (int64_t k = 0; k < setting_count; k++) {
    const char *value = vj_yaml_value_text(o->pool, settings[k].value);
    int s = 0;
    if (!value) return vj_fail(VJ_MEMORY, "no memory for the value of %s", settings[k].key);
    while (s < o->setting_count && strcmp(vj_results_setting_key(o, s), settings[k].key) != 0) s++;
    for (int64_t i = 0; i < o->trials; i++) chosen[i] = chosen[i] && s < o->setting_count && has_value(o, s, i, value);
  }
  return collect(o, arm, chosen, selection);
}

/* --- pairs ----------------------------------------------------------------------------------------------------- */

static bool is_same(const vj_results *o, int setting, int64_t one, int64_t other) {
  if (setting == ARM)
    return strcmp(vj_results_text(o, VJ_RECORD_ARM, one), vj_results_text(o, VJ_RECORD_ARM, other)) == 0;
  return vj_results_same_setting(o, setting, one, other);
}

static bool is_one_value(const vj_results *o, const vj_trial_selector *s, int setting) {
  for (int64_t i = 1; i < s->count; i++)
    if (!is_same(o, setting, s->trials[0], s->trials[i])) return false;
  return true;
}

bool vj_trial_selector_is_constant(const vj_results *o, const vj_trial_selector *one, const vj_trial_selector *other,
                                   int setting) {
  return is_one_value(o, one, setting) && is_one_value(o, other, setting);
}

vj_status vj_trial_selector_pair(const vj_results *o, const vj_trial_selector *one, const vj_trial_selector *other,
                                 const int64_t **partners) {
  int64_t *found = vj_pool_take(o->pool, (size_t)one->count * sizeof *found);
  bool *taken = vj_pool_take(o->pool, (size_t)other->count * sizeof *taken);
  bool *varies = vj_pool_take(o->pool, (size_t)(o->setting_count + 1) * sizeof *varies);
  if (!found || !taken || !varies) return vj_fail(VJ_MEMORY, "no memory for pairs of trials");
  for (int s = ARM; s < o->setting_count; s++) varies[s - ARM] = !vj_trial_selector_is_constant(o, one, other, s);
  const bool alone = one->count == 1 && other->count == 1;
  for (int64_t i = 0; i < one->count; i++) {
    found[i] = -1;
    for (int64_t k = 0; k < other->count && found[i] < 0; k++) {
      const int64_t a = one->trials[i], b = other->trials[k];
      bool fits = !taken[k] && (alone || o->seed[a] == o->seed[b]);
      for (int s = ARM; s < o->setting_count && fits; s++) fits = !varies[s - ARM] || is_same(o, s, a, b);
      if (!fits) continue;
      found[i] = b;
      taken[k] = true;
    }
  }
  *partners = found;
  return VJ_OK;
}
