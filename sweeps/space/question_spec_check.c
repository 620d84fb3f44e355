/* Whether what a question names is there: settings of the sweep, quantities that are recorded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/config/config.h"
#include "framework/config/nodes.h"
#include "sweeps/space/question_spec.h"

enum { PATH_BYTES = 512 };

static vj_status check_all(const vj_question *q, vj_status (*check)(const vj_question_claim *claim, const void *with),
                           const void *with) {
  for (int64_t i = 0; q && i < q->requirement_count; i++) VJ_TRY(check(&q->requirements[i], with));
  for (int64_t i = 0; q && i < q->claim_count; i++) VJ_TRY(check(&q->claims[i], with));
  return VJ_OK;
}

/* As numbers, where both are: 1.0 and 1e0 are the same. */
static bool is_same_value(vj_pool *pool, const vj_yaml *one, const vj_yaml *other) {
  const char *a = vj_yaml_value_text(pool, one), *b = vj_yaml_value_text(pool, other);
  char *end_of_a = NULL, *end_of_b = NULL;
  if (!a || !b) return false;
  const double x = strtod(a, &end_of_a), y = strtod(b, &end_of_b);
  const bool are_numbers = end_of_a != a && !*end_of_a && end_of_b != b && !*end_of_b;
  return are_numbers ? x == y : strcmp(a, b) == 0;
}

static bool has_settings(vj_pool *pool, const vj_trial *trial, const vj_question_claim *claim) {
  for (int64_t k = 0; k < claim->where_count; k++) {
    const vj_yaml *value = vj_yaml_find(trial->config->resolved, claim->where[k].key);
    if (!value || !is_same_value(pool, value, claim->where[k].value)) return false;
  }
  return true;
}

static vj_status check_arm_has(vj_pool *pool, const vj_space *space, const vj_question_claim *claim, const char *arm,
                               const char *path) {
  for (int64_t i = 0; i < space->trial_count; i++)
    if (strcmp(space->trials[i].arm, arm) == 0 && has_settings(pool, &space->trials[i], claim)) return VJ_OK;
  return vj_fail_node(vj_yaml_get(claim->column.node, "where"), path, "no trial%s%s has these settings",
                      arm[0] ? " of " : "", arm);
}

static vj_status check_where(vj_pool *pool, const vj_space *space, const vj_question_claim *claim) {
  const vj_yaml *where = vj_yaml_get(claim->column.node, "where");
  char own[PATH_BYTES + 16], hint[VJ_SUGGESTION_BYTES];
  snprintf(own, sizeof own, "%s.where", claim->path);
  for (int64_t i = 0; i < claim->where_count; i++) {
    int64_t k = 0;
    while (k < space->key_count && strcmp(space->keys[k], claim->where[i].key) != 0) k++;
    if (k == space->key_count)
      return vj_fail_node(where->keys[i], own, "the sweep sets no \"%s\"%s", claim->where[i].key,
                          vj_suggestion(claim->where[i].key, "settings", space->keys, space->key_count, hint));
  }
  if (claim->where_count) VJ_TRY(check_arm_has(pool, space, claim, claim->of, own));
  if (claim->where_count && claim->to[0] && claim->control == VJ_CONTROLS)
    VJ_TRY(check_arm_has(pool, space, claim, claim->to, own));
  return VJ_OK;
}

static vj_status check_claim_space(const vj_question_claim *claim, const void *with) {
  vj_pool *pool = NULL;
  VJ_TRY(vj_pool_create(&pool));
  const vj_status status = check_where(pool, with, claim);
  vj_pool_destroy(&pool);
  return status;
}

vj_status vj_question_check_space(const vj_question *question, const vj_space *space) {
  VJ_TRY(check_all(question, check_claim_space, space));
  return VJ_OK;
}

/* By the layout or by the file, of which one is given. */
typedef struct recorded_in {
  const vj_file_layout *layout;
  const vj_sweep_file *file;
} recorded_in;

static bool is_recorded(const void *in, const char *name) {
  return vj_report_is_recorded(name, ((const recorded_in *)in)->layout, ((const recorded_in *)in)->file);
}

static vj_status check_control(const vj_question_claim *claim, const recorded_in *in) {
  char own[PATH_BYTES + 16];
  vj_pool *pool = NULL;
  vj_report_column before = claim->column;
  before.at = 0;
  snprintf(own, sizeof own, "%s.to", claim->path);
  if (claim->control == VJ_CONTROL_UNTRAINED) return vj_report_check_column(&before, claim->path, in->layout, in->file);
  if (claim->control == VJ_CONTROLS || vj_control_is_probe((vj_control)claim->control)) return VJ_OK;
  VJ_TRY(vj_pool_create(&pool));
  const bool is_there = vj_control_guess_of(pool, (vj_control)claim->control, claim->column.quantity, is_recorded, in);
  vj_pool_destroy(&pool);
  if (is_there) return VJ_OK;
  return vj_fail_node(vj_yaml_get(claim->column.node, "to"), own, "nothing is recorded of what %s would have of %s",
                      claim->to, claim->column.quantity);
}

static vj_status check_claim_recorded(const vj_question_claim *claim, const void *with) {
  const recorded_in *in = with;
  VJ_TRY(vj_report_check_column(&claim->column, claim->path, in->layout, in->file));
  return check_control(claim, in);
}

vj_status vj_question_check_layout(const vj_question *question, const vj_file_layout *layout) {
  const recorded_in in = {.layout = layout};
  VJ_TRY(check_all(question, check_claim_recorded, &in));
  return VJ_OK;
}

vj_status vj_question_check_file(const vj_question *question, const vj_sweep_file *file) {
  const recorded_in in = {.file = file};
  VJ_TRY(check_all(question, check_claim_recorded, &in));
  return VJ_OK;
}
