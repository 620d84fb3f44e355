#include "analysis/report/report_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/results/objective.h"
#include "analysis/results/default_columns.h"
#include "framework/store/ledger/ledger.h"
#include "vj/param.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for a report"); }

/* --- reading --------------------------------------------------------------------------------------------------- */

bool vj_report_data_has(const vj_report_data *f, const char *quantity, const char *axis) {
  vj_file_variable_info info;
  const int variable = quantity ? vj_sweep_file_find(f->results->file, quantity) : -1;
  if (variable < 0) return false;
  vj_sweep_file_variable(f->results->file, variable, &info);
  return info.rank == 2 && info.type == VJ_FILE_DOUBLE && strcmp(info.dimension[1], axis) == 0;
}

vj_status vj_report_data_course(const vj_report_data *f, int variable, int64_t trial, double *values) {
  vj_file_variable_info info;
  vj_sweep_file_variable(f->results->file, variable, &info);
  const int64_t *places = strcmp(info.dimension[1], VJ_NAME_STEP) == 0 ? f->steps : f->evals;
  const int64_t rows = info.size[1], width = info.rank > 2 ? info.size[2] : 1;
  VJ_TRY(vj_sweep_file_read(f->results->file, variable, (int64_t[]){trial, 0, 0}, (int64_t[]){1, rows, width}, values));
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = 0; k < width && (f->results->committed[trial] <= 0 || places[i] > f->results->committed[trial]);
         k++)
      values[i * width + k] = NAN;
  return VJ_OK;
}

static vj_status read_axis(const vj_report_data *f, const char *name, const int64_t **values, int64_t *count) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(f->results->file, name);
  if (variable < 0) return vj_fail(VJ_DATA, "the sweep file has no variable %s", name);
  vj_sweep_file_variable(f->results->file, variable, &info);
  int64_t *read = vj_pool_take(f->pool, (size_t)(info.size[0] + 1) * sizeof *read);
  if (!read) return no_memory();
  VJ_TRY(vj_sweep_file_read(f->results->file, variable, (int64_t[]){0}, info.size, read));
  *values = read;
  *count = info.size[0];
  return VJ_OK;
}

/* --- what is good ------------------------------------------------------------------------------------------------ */

/* Losses can only be compared where their weights are. */
static bool sets_weights(const vj_report_data *f) {
  for (int s = 0; s < f->results->setting_count; s++) {
    const char *key = vj_results_setting_key(f->results, s);
    if (strcmp(key, "losses") == 0 || strncmp(key, "losses.", 7) == 0) return true;
  }
  return false;
}

static vj_status choose_objective(vj_report_data *f, const char *by) {
  if (by) return vj_objective_by(f->results, f->folder, "--by", by, &f->objective);
  VJ_TRY(vj_objective_default(f->results, f->folder, &f->objective));
  if (f->objective.quantity) return VJ_OK;
  const bool losses = !sets_weights(f);
  const char *quantity = losses ? VJ_RECORD_VAL_LOSS : VJ_NAME_OF_VIEW("hx", "rankme");
  if (vj_sweep_file_find(f->results->file, quantity) < 0) return VJ_OK;
  f->objective = (vj_report_column){.quantity = quantity,
                                    .title = losses ? "validation loss" : "RankMe of hx",
                                    .best = losses ? VJ_BEST_LOW : VJ_BEST_NONE,
                                    .at = VJ_REPORT_LAST,
                                    .index = VJ_REPORT_SCALAR};
  return VJ_OK;
}

static vj_status choose_report(vj_report_data *f) {
  const vj_report_spec *own = NULL;
  VJ_TRY(vj_results_report(f->results, f->folder, &own));
  f->has_own_report = own;
  if (!own) return vj_default_report(f->results, &f->report);
  VJ_TRY(vj_report_check_file(own, f->results->file));
  f->report = *own;
  return VJ_OK;
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

static vj_status make_groups(vj_report_data *f) {
  vj_trial_groups found;
  VJ_TRY(vj_trial_groups_make(f->results, false, &found));
  f->group_count = found.count;
  f->group_of = found.group_of;
  f->groups = vj_pool_take(f->pool, (size_t)found.count * sizeof *f->groups);
  f->ranked = vj_pool_take(f->pool, (size_t)found.count * sizeof *f->ranked);
  if (!f->groups || !f->ranked) return no_memory();
  for (int64_t g = 0; g < found.count; g++) f->groups[g] = (vj_group){.members = found.at[g], .color = -1, .rank = -1};
  return VJ_OK;
}

/* "with VCR, lr=0.01": what tells it from the others. */
static vj_status name_group(const vj_report_data *f, vj_group *g) {
  const int64_t trial = g->members.trials[0];
  const char *arm = vj_results_text(f->results, VJ_RECORD_ARM, trial), *name = arm;
  for (int i = 0; i < f->swept.count && name; i++) {
    const vj_swept_parameter *factor = &f->swept.list[i];
    if (factor->setting < 0 || factor->value_of[trial] < 0) continue;
    name = vj_pool_format(f->pool, "%s%s%s=%s", name,
                          !name[0]      ? ""
                          : name == arm ? ", "
                                        : " ",
                          factor->label, vj_swept_parameter_text(factor, factor->value_of[trial]));
  }
  if (name && !name[0]) name = vj_pool_text(f->pool, vj_results_settings(f->results, trial));
  if (name && !name[0]) name = f->results->trials > 1 ? "all trials" : "the trial";
  if (!name) return no_memory();
  g->name = name;
  return VJ_OK;
}

static vj_status name_groups(vj_report_data *f) {
  for (int64_t g = 0; g < f->group_count; g++) VJ_TRY(name_group(f, &f->groups[g]));
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

static vj_status rank_groups(vj_report_data *f) {
  static const double signs[] = {[VJ_BEST_NONE] = 0, [VJ_BEST_LOW] = 1, [VJ_BEST_HIGH] = -1};
  ranked *order = vj_pool_take(f->pool, (size_t)f->group_count * sizeof *order);
  if (!order) return no_memory();
  for (int64_t g = 0; g < f->group_count; g++) {
    vj_summary *s = &f->groups[g].objective;
    *s = f->objective.quantity ? vj_trial_group_summary(f->results, &f->groups[g].members, &f->objective)
                               : VJ_SUMMARY_NONE;
    if (s->count) order[f->ranked_count++] = (ranked){signs[f->objective.best] * s->mean, g};
  }
  qsort(order, (size_t)f->ranked_count, sizeof *order, better_first);
  for (int64_t i = 0; i < f->ranked_count; i++) {
    f->ranked[i] = order[i].group;
    f->groups[order[i].group].rank = i;
  }
  return VJ_OK;
}

static bool has_begun(const vj_report_data *f, const vj_group *g) {
  for (int64_t k = 0; k < g->members.count; k++)
    if (f->results->committed[g->members.trials[k]] > 0) return true;
  return false;
}

static void show(vj_report_data *f, int64_t group) {
  if (f->shown_count == VJ_MOST_SHOWN || f->groups[group].color >= 0) return;
  f->groups[group].color = (int)f->shown_count;
  f->shown[f->shown_count++] = group;
}

/* All that have begun; where they are many, of the ranked ones the best, the worst and some evenly between. */
static void choose_shown(vj_report_data *f) {
  int64_t begun = 0;
  for (int64_t g = 0; g < f->group_count; g++) begun += has_begun(f, &f->groups[g]);
  for (int64_t i = 0; i < VJ_MOST_SHOWN && begun > VJ_MOST_SHOWN && f->ranked_count > 0; i++)
    show(f, f->ranked[(i * (f->ranked_count - 1) + (VJ_MOST_SHOWN - 1) / 2) / (VJ_MOST_SHOWN - 1)]);
  for (int64_t g = 0; g < f->group_count; g++)
    if (has_begun(f, &f->groups[g])) show(f, g);
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static vj_status gather(vj_report_data *f, const char *by) {
  const char *title = vj_sweep_file_attribute(f->results->file, VJ_ATTRIBUTE_TITLE);
  f->title = title && title[0] ? title : f->folder;
  VJ_TRY(read_axis(f, VJ_NAME_STEP, &f->steps, &f->steps_count));
  VJ_TRY(read_axis(f, VJ_NAME_EVAL, &f->evals, &f->evals_count));
  VJ_TRY(choose_report(f));
  VJ_TRY(choose_objective(f, by));
  VJ_TRY(make_groups(f));
  VJ_TRY(vj_swept_parameters_find(f->results, &f->swept));
  VJ_TRY(name_groups(f));
  VJ_TRY(rank_groups(f));
  choose_shown(f);
  return vj_swept_parameters_weigh(f->results, &f->objective, &f->swept);
}

vj_status vj_report_data_gather(vj_results *results, const char *folder, const char *by, vj_report_data **data) {
  vj_report_data *f = vj_pool_take(results->pool, sizeof *f);
  *data = f;
  if (!f) return no_memory();
  f->results = results;
  f->pool = results->pool;
  f->folder = folder;
  return gather(f, by);
}
