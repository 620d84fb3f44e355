#include "analysis/report/report_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/results/objective.h"
#include "analysis/results/default_columns.h"
#include "analysis/report/swept_parameters.h"
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
  const int64_t *places = strcmp(info.dimension[1], "step") == 0 ? f->steps : f->evals;
  const int64_t rows = info.size[1], width = info.rank > 2 ? info.size[2] : 1;
  VJ_TRY(vj_sweep_file_read(f->results->file, variable, (int64_t[]){trial, 0, 0}, (int64_t[]){1, rows, width}, values));
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = 0; k < width && (f->results->committed[trial] <= 0 || places[i] > f->results->committed[trial]);
         k++)
      values[i * width + k] = NAN;
  return VJ_OK;
}

double vj_report_data_result(const vj_report_data *f, const vj_report_column *column, int64_t trial) {
  return f->results->status[trial] == VJ_TRIAL_DONE ? vj_results_number(f->results, column, trial) : NAN;
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

/* Losses are only alike where their weights are. */
static bool sets_weights(const vj_report_data *f) {
  for (int s = 0; s < f->results->setting_count; s++) {
    const char *key = vj_results_setting_key(f->results, s);
    if (strcmp(key, "losses") == 0 || strncmp(key, "losses.", 7) == 0) return true;
  }
  return false;
}

static vj_status choose_criterion(vj_report_data *f, const char *by) {
  if (by) return vj_objective_by(f->results, f->folder, "--by", by, &f->objective);
  VJ_TRY(vj_objective_default(f->results, f->folder, &f->objective));
  if (f->objective.quantity) return VJ_OK;
  const bool losses = !sets_weights(f);
  const char *quantity = losses ? "val_loss" : "hx_rankme";
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
  const vj_results *o = f->results;
  const int64_t *first;
  const size_t trials = (size_t)o->trials;
  int64_t *next = vj_pool_take(f->pool, 2 * trials * sizeof *next);
  f->groups = vj_pool_take(f->pool, trials * sizeof *f->groups);
  f->group_of = vj_pool_take(f->pool, trials * sizeof *f->group_of);
  f->ranked = vj_pool_take(f->pool, trials * sizeof *f->ranked);
  if (!next || !f->groups || !f->group_of || !f->ranked) return no_memory();
  VJ_TRY(vj_results_first_alike(o, &first));
  for (int64_t i = 0; i < o->trials; i++) {
    f->group_of[i] = first[i] == i ? f->group_count++ : f->group_of[first[i]];
    f->groups[f->group_of[i]].count++;
  }
  for (int64_t g = 0; g < f->group_count; g++) {
    f->groups[g].trials = next;
    f->groups[g].done = next + f->groups[g].count;
    next += 2 * f->groups[g].count;
    f->groups[g].count = 0;
  }
  for (int64_t i = 0; i < o->trials; i++) {
    vj_group *g = &f->groups[f->group_of[i]];
    ((int64_t *)g->trials)[g->count++] = i;
    if (o->status[i] == VJ_TRIAL_DONE) ((int64_t *)g->done)[g->done_count++] = i;
  }
  return VJ_OK;
}

/* "with VCR, lr=0.01": what tells it from the others. */
static vj_status name_group(const vj_report_data *f, vj_group *g) {
  const int64_t trial = g->trials[0];
  const char *arm = vj_results_text(f->results, "arm", trial), *name = arm;
  for (int i = 0; i < f->factor_count && name; i++) {
    const vj_swept_parameter *factor = &f->factors[i];
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

static vj_status measure_group(const vj_report_data *f, vj_group *g) {
  double *values;
  VJ_TRY(vj_allocate((size_t)g->done_count + 1, sizeof *values, "a group's results", &values));
  for (int64_t k = 0; k < g->done_count; k++) values[k] = vj_results_number(f->results, &f->objective, g->done[k]);
  g->objective = vj_summary_of(values, g->done_count);
  free(values);
  return VJ_OK;
}

static bool better(const vj_report_data *f, int64_t one, int64_t other) {
  const double a = f->groups[one].objective.mean, b = f->groups[other].objective.mean;
  if (f->objective.best == VJ_BEST_NONE || a == b) return one < other;
  return f->objective.best == VJ_BEST_HIGH ? a > b : a < b;
}

static void sift(const vj_report_data *f, int64_t *heap, int64_t at, int64_t count) {
  for (int64_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && better(f, heap[child], heap[child + 1])) child++;
    if (!better(f, heap[at], heap[child])) break;
    const int64_t moved = heap[at];
    heap[at] = heap[child];
    heap[child] = moved;
  }
}

static vj_status rank_groups(vj_report_data *f) {
  int64_t *ranked = f->ranked;
  for (int64_t g = 0; g < f->group_count; g++) {
    f->groups[g].rank = f->groups[g].color = -1;
    f->groups[g].objective = (vj_summary){0, NAN, NAN};
    if (f->objective.quantity) VJ_TRY(measure_group(f, &f->groups[g]));
    if (f->groups[g].objective.count) ranked[f->ranked_count++] = g;
  }
  for (int64_t i = f->ranked_count / 2 - 1; i >= 0; i--) sift(f, ranked, i, f->ranked_count);
  for (int64_t end = f->ranked_count - 1; end > 0; end--) {
    const int64_t worst = ranked[0];
    ranked[0] = ranked[end];
    ranked[end] = worst;
    sift(f, ranked, 0, end);
  }
  for (int64_t i = 0; i < f->ranked_count; i++) f->groups[ranked[i]].rank = i;
  return VJ_OK;
}

static bool has_begun(const vj_report_data *f, const vj_group *g) {
  for (int64_t k = 0; k < g->count; k++)
    if (f->results->committed[g->trials[k]] > 0) return true;
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
  const char *title = vj_sweep_file_attribute(f->results->file, "title");
  f->title = title && title[0] ? title : f->folder;
  VJ_TRY(read_axis(f, "step", &f->steps, &f->steps_count));
  VJ_TRY(read_axis(f, "eval", &f->evals, &f->evals_count));
  VJ_TRY(choose_report(f));
  VJ_TRY(choose_criterion(f, by));
  VJ_TRY(make_groups(f));
  VJ_TRY(vj_swept_parameters_find(f));
  VJ_TRY(name_groups(f));
  VJ_TRY(rank_groups(f));
  choose_shown(f);
  return vj_swept_parameters_weigh(f);
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
