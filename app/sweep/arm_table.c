#include "app/sweep/arm_table.h"

#include <stdio.h>
#include <string.h>

#include "analysis/output/text_table.h"
#include "analysis/results/tuned_text.h"
#include "framework/config/nodes.h"
#include "sweeps/space/arm_space.h"

/* Combinations of an arm: trials that differ only in their seed share their settings. */
static int64_t count_settings(const vj_space *space, const char *arm) {
  const vj_trial *last = NULL;
  int64_t count = 0;
  for (int64_t i = 0; i < space->trial_count; i++) {
    const vj_trial *trial = &space->trials[i];
    if (strcmp(trial->arm, arm) != 0) continue;
    count += !last || last->settings != trial->settings;
    last = trial;
  }
  return count;
}

static bool has_own_spaces(const vj_yaml *arms) {
  for (int64_t a = 0; arms && a < arms->count; a++)
    if (vj_yaml_get(arms->items[a], "parameters")) return true;
  return false;
}

vj_status vj_arm_table_print(vj_pool *pool, const vj_yaml *root, const vj_space *space) {
  const vj_yaml *arms = vj_yaml_find(root, "sweep.trials");
  const vj_tuned *tuned = NULL;
  vj_table *table = NULL;
  VJ_TRY(vj_tuned_read(pool, root, &tuned));
  if (tuned) putchar('\n');
  vj_tuned_print(pool, tuned, stdout);
  if (!has_own_spaces(arms)) return VJ_OK;
  VJ_TRY(vj_table_create(&table));
  vj_table_column(table, "arm", false);
  vj_table_column(table, "settings", true);
  vj_table_column(table, "space", false);
  for (int64_t a = 0; a < arms->count; a++) {
    const char *name = arms->keys[a]->text, *text = NULL;
    vj_yaml *map = NULL;
    vj_status status = vj_arm_space_read(pool, root, name, &map);
    if (status == VJ_OK) text = vj_arm_space_text(pool, map);
    vj_table_cell(table, "%s", name);
    vj_table_cell(table, "%lld", (long long)count_settings(space, name));
    vj_table_cell(table, "%s", !text ? "?" : text[0] ? text : "-");
    if (status != VJ_OK) vj_error_clear();
  }
  putchar('\n');
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}
