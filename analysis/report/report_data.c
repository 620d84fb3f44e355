#include "analysis/report/report_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/results/objective.h"
#include "analysis/results/default_columns.h"
#include "vj/param.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for a report"); }

/* --- reading --------------------------------------------------------------------------------------------------- */

bool vj_report_data_has(const vj_report_data *data, const char *quantity, const char *axis) {
  vj_file_variable_info info;
  const int variable = quantity ? vj_sweep_file_find(data->results->file, quantity) : -1;
  if (variable < 0) return false;
  vj_sweep_file_variable(data->results->file, variable, &info);
  return info.rank == 2 && info.type == VJ_FILE_DOUBLE && strcmp(info.dimension[1], axis) == 0;
}

vj_status vj_report_data_course(const vj_report_data *data, int variable, int64_t trial, double *values) {
  vj_file_variable_info info;
  vj_sweep_file_variable(data->results->file, variable, &info);
  const int64_t *places = strcmp(info.dimension[1], VJ_NAME_STEP) == 0 ? data->steps : data->evals;
  const int64_t rows = info.size[1], width = info.rank > 2 ? info.size[2] : 1;
  VJ_TRY(
      vj_sweep_file_read(data->results->file, variable, (int64_t[]){trial, 0, 0}, (int64_t[]){1, rows, width}, values));
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = 0;
         k < width && (data->results->committed[trial] <= 0 || places[i] > data->results->committed[trial]); k++)
      values[i * width + k] = NAN;
  return VJ_OK;
}

/* --- what is good ------------------------------------------------------------------------------------------------ */

/* Losses can only be compared where their weights are. */
static bool sets_weights(const vj_report_data *data) {
  for (int s = 0; s < data->results->setting_count; s++) {
    const char *key = vj_results_setting_key(data->results, s);
    if (strcmp(key, "losses") == 0 || strncmp(key, "losses.", 7) == 0) return true;
  }
  return false;
}

static vj_status choose_objective(vj_report_data *data, const char *by) {
  if (by) return vj_objective_by(data->results, data->folder, "--by", by, &data->objective);
  VJ_TRY(vj_objective_default(data->results, data->folder, &data->objective));
  if (data->objective.quantity) return VJ_OK;
  const bool losses = !sets_weights(data);
  const char *quantity = losses ? VJ_RECORD_VAL_LOSS : VJ_NAME_OF_VIEW("hx", "rankme");
  if (vj_sweep_file_find(data->results->file, quantity) < 0) return VJ_OK;
  data->objective = (vj_report_column){.quantity = quantity,
                                       .title = losses ? "validation loss" : "RankMe of hx",
                                       .best = losses ? VJ_BEST_LOW : VJ_BEST_NONE,
                                       .at = VJ_REPORT_LAST,
                                       .index = VJ_REPORT_SCALAR};
  return VJ_OK;
}

static vj_status choose_report(vj_report_data *data) {
  const vj_report_spec *own = NULL;
  VJ_TRY(vj_results_report(data->results, data->folder, &own));
  data->has_own_report = own;
  if (!own) return vj_default_report(data->results, &data->report);
  VJ_TRY(vj_report_check_file(own, data->results->file));
  data->report = *own;
  return VJ_OK;
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

static vj_status make_groups(vj_report_data *data) {
  vj_trial_groups found;
  VJ_TRY(vj_trial_groups_make(data->results, false, &found));
  data->group_count = found.count;
  data->group_of = found.group_of;
  data->groups = vj_pool_take(data->pool, (size_t)found.count * sizeof *data->groups);
  data->ranked = vj_pool_take(data->pool, (size_t)found.count * sizeof *data->ranked);
  if (!data->groups || !data->ranked) return no_memory();
  for (int64_t g = 0; g < found.count; g++)
    data->groups[g] = (vj_group){.members = found.at[g], .color = -1, .rank = -1};
  return VJ_OK;
}

/* "with VCR, lr=0.01": what tells it from the others. */
static vj_status name_group(const vj_report_data *data, vj_group *g) {
  const int64_t trial = g->members.trials[0];
  const char *arm = vj_results_text(data->results, VJ_RECORD_ARM, trial), *name = arm;
  for (int i = 0; i < data->swept.count && name; i++) {
    const vj_swept_parameter *factor = &data->swept.list[i];
    if (factor->setting < 0 || factor->value_of[trial] < 0) continue;
    name = vj_pool_format(data->pool, "%s%s%s=%s", name,
                          !name[0]      ? ""
                          : name == arm ? ", "
                                        : " ",
                          factor->label, vj_swept_parameter_text(factor, factor->value_of[trial]));
  }
  if (name && !name[0]) name = vj_pool_text(data->pool, vj_results_settings(data->results, trial));
  if (name && !name[0]) name = data->results->trials > 1 ? "all trials" : "the trial";
  if (!name) return no_memory();
  g->name = name;
  return VJ_OK;
}

static vj_status name_groups(vj_report_data *data) {
  for (int64_t g = 0; g < data->group_count; g++) VJ_TRY(name_group(data, &data->groups[g]));
  return VJ_OK;
}

typedef struct ranked {
  double key; /* lower is better */
  int64_t group;
} ranked;

static int better_first(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->group > y->group) - (x->group < y->group);
}

static vj_status rank_groups(vj_report_data *data) {
  static const double signs[] = {[VJ_BEST_NONE] = 0, [VJ_BEST_LOW] = 1, [VJ_BEST_HIGH] = -1};
  ranked *order = vj_pool_take(data->pool, (size_t)data->group_count * sizeof *order);
  if (!order) return no_memory();
  for (int64_t g = 0; g < data->group_count; g++) {
    vj_summary *s = &data->groups[g].objective;
    *s = data->objective.quantity ? vj_trial_group_summary(data->results, &data->groups[g].members, &data->objective)
                                  : VJ_SUMMARY_NONE;
    if (s->count) order[data->ranked_count++] = (ranked){signs[data->objective.best] * s->mean, g};
  }
  qsort(order, (size_t)data->ranked_count, sizeof *order, better_first);
  for (int64_t i = 0; i < data->ranked_count; i++) {
    data->ranked[i] = order[i].group;
    data->groups[order[i].group].rank = i;
  }
  return VJ_OK;
}

static bool has_begun(const vj_report_data *data, const vj_group *g) {
  for (int64_t k = 0; k < g->members.count; k++)
    if (data->results->committed[g->members.trials[k]] > 0) return true;
  return false;
}

static void show(vj_report_data *data, int64_t group) {
  if (data->shown_count == VJ_MOST_SHOWN || data->groups[group].color >= 0) return;
  data->groups[group].color = (int)data->shown_count;
  data->shown[data->shown_count++] = group;
}

/* All that have begun; where they are many, of the ranked ones the best, the worst and some evenly between. */
static void choose_shown(vj_report_data *data) {
  int64_t begun = 0;
  for (int64_t g = 0; g < data->group_count; g++) begun += has_begun(data, &data->groups[g]);
  for (int64_t i = 0; i < VJ_MOST_SHOWN && begun > VJ_MOST_SHOWN && data->ranked_count > 0; i++)
    show(data, data->ranked[(i * (data->ranked_count - 1) + (VJ_MOST_SHOWN - 1) / 2) / (VJ_MOST_SHOWN - 1)]);
  for (int64_t g = 0; g < data->group_count; g++)
    if (has_begun(data, &data->groups[g])) show(data, g);
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static vj_status gather(vj_report_data *data, const char *by) {
  const char *title = vj_sweep_file_attribute(data->results->file, VJ_ATTRIBUTE_TITLE);
  data->title = title && title[0] ? title : data->folder;
  VJ_TRY(vj_results_axis(data->results, VJ_NAME_STEP, &data->steps, &data->steps_count));
  VJ_TRY(vj_results_axis(data->results, VJ_NAME_EVAL, &data->evals, &data->evals_count));
  VJ_TRY(choose_report(data));
  VJ_TRY(vj_answer_find(data->results, data->folder, NULL, &data->answer));
  VJ_TRY(choose_objective(data, by));
  VJ_TRY(make_groups(data));
  VJ_TRY(vj_swept_parameters_find(data->results, &data->swept));
  VJ_TRY(name_groups(data));
  VJ_TRY(rank_groups(data));
  choose_shown(data);
  return vj_swept_parameters_weigh(data->results, &data->objective, &data->swept);
}

vj_status vj_report_data_gather(vj_results *results, const char *folder, const char *by, vj_report_data **gathered) {
  vj_report_data *data = vj_pool_take(results->pool, sizeof *data);
  *gathered = data;
  if (!data) return no_memory();
  data->results = results;
  data->pool = results->pool;
  data->folder = folder;
  return gather(data, by);
}
