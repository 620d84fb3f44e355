#include "analysis/results/sweep_pool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/config/nodes.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the results of several sweeps"); }

int64_t vj_sweep_pool_count(const vj_sweep_pool *p, int64_t sweep, const char *key) {
  const vj_yaml *node = vj_yaml_get(vj_yaml_get(p->roots[sweep], "sweep"), key);
  return node && node->kind == VJ_YAML_SCALAR ? strtoll(node->text, NULL, 10) : 0;
}

/* Moves the last one to its place. */
static void sort_in(vj_sweep_pool *p) {
  for (int64_t i = p->count - 1; i > 0; i--) {
    if (vj_sweep_pool_count(p, i - 1, "skip") <= vj_sweep_pool_count(p, i, "skip")) return;
    vj_results *const results = p->at[i];
    vj_yaml *const root = p->roots[i];
    const char *const folder = p->folders[i];
    p->at[i] = p->at[i - 1], p->roots[i] = p->roots[i - 1], p->folders[i] = p->folders[i - 1];
    p->at[i - 1] = results, p->roots[i - 1] = root, p->folders[i - 1] = folder;
  }
}

static vj_status open_one(vj_sweep_pool *p, const char *folder) {
  const int64_t i = p->count;
  p->folders[i] = folder;
  VJ_TRY(vj_results_open(folder, &p->at[i]));
  p->count++;
  VJ_TRY(vj_results_experiment(p->at[i], folder, &p->roots[i]));
  if (!p->roots[i]) p->roots[i] = vj_yaml_new(p->pool, VJ_YAML_MAP, NULL); /* of an early version */
  if (!p->roots[i]) return no_memory();
  sort_in(p);
  return VJ_OK;
}

static vj_status open_all(const char *folders, vj_sweep_pool *p) {
  const char *whole = vj_pool_format(p->pool, "%s/sweep.h5", folders);
  const size_t most = strlen(folders) + 1;
  p->at = vj_pool_take(p->pool, most * sizeof *p->at);
  p->folders = vj_pool_take(p->pool, most * sizeof *p->folders);
  p->roots = vj_pool_take(p->pool, most * sizeof *p->roots);
  if (!whole || !p->at || !p->folders || !p->roots) return no_memory();
  if (access(whole, F_OK) == 0) return open_one(p, folders);
  for (const char *at = folders; *at; at += strcspn(at, ","), at += *at == ',') {
    const char *folder = vj_pool_format(p->pool, "%.*s", (int)strcspn(at, ","), at);
    if (!folder) return no_memory();
    for (int64_t i = 0; i < p->count; i++)
      if (strcmp(p->folders[i], folder) == 0) return vj_fail(VJ_USAGE, "%s: it is named twice", folder);
    if (*folder) VJ_TRY(open_one(p, folder));
  }
  return p->count ? VJ_OK : vj_fail(VJ_USAGE, "\"%s\": expected the folders of sweeps, with commas between", folders);
}

vj_status vj_sweep_pool_open(const char *folders, vj_sweep_pool *p) {
  *p = (vj_sweep_pool){0};
  VJ_TRY(vj_pool_create(&p->pool));
  return open_all(folders, p);
}

void vj_sweep_pool_close(vj_sweep_pool *p) {
  for (int64_t i = 0; i < p->count; i++) vj_results_close(&p->at[i]);
  if (p->pool) vj_pool_destroy(&p->pool);
  *p = (vj_sweep_pool){0};
}

/* --- settings ---------------------------------------------------------------------------------------------------- */

static int find_setting(const vj_results *o, const char *key) {
  for (int s = 0; s < o->setting_count; s++)
    if (strcmp(vj_results_setting_key(o, s), key) == 0) return s;
  return -1;
}

/* A trial's value as it was written; "" where it has none. */
static const char *value_of(const vj_results *o, int setting, int64_t trial) {
  const char *text = setting < 0 ? "" : vj_results_setting(o, setting, trial);
  return strcmp(text, "nan") == 0 ? "" : text;
}

static bool is_same(const vj_results *one, int s, int64_t trial, const vj_results *other, int t, int64_t other_trial) {
  if (s >= 0 && t >= 0 && vj_results_setting_is_number(one, s) && vj_results_setting_is_number(other, t)) {
    const double a = vj_results_setting_number(one, s, trial), b = vj_results_setting_number(other, t, other_trial);
    return a == b || (a != a && b != b);
  }
  return strcmp(value_of(one, s, trial), value_of(other, t, other_trial)) == 0;
}

bool vj_sweep_pool_same_setting(const vj_results *one, int64_t trial, const vj_results *other, int64_t other_trial) {
  if (strcmp(vj_results_text(one, VJ_RECORD_ARM, trial), vj_results_text(other, VJ_RECORD_ARM, other_trial)) != 0)
    return false;
  for (int s = 0; s < one->setting_count; s++)
    if (!is_same(one, s, trial, other, find_setting(other, vj_results_setting_key(one, s)), other_trial)) return false;
  for (int t = 0; t < other->setting_count; t++) {
    const int s = find_setting(one, vj_results_setting_key(other, t));
    if (s < 0 && !is_same(one, s, trial, other, t, other_trial)) return false;
  }
  return true;
}
