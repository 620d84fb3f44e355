#include "analysis/results/objective.h"

#include <string.h>

#include "analysis/results/default_columns.h"
#include "vj/param.h"

/* What is good of a quantity, told by the end of its name. */
static const struct {
  const char *end;
  vj_best best;
} known[] = {{"_loss", VJ_BEST_LOW},          {"_mse", VJ_BEST_LOW},  {"_error", VJ_BEST_LOW},
             {"_cross_entropy", VJ_BEST_LOW}, {"_r2", VJ_BEST_HIGH},  {"_accuracy", VJ_BEST_HIGH},
             {"_psnr", VJ_BEST_HIGH},         {"_map", VJ_BEST_HIGH}, {"_map_envelope", VJ_BEST_HIGH}};

static vj_best direction_of(const char *quantity) {
  const char *const validation = "_validation"; /* what is good of a figure is good of it on other clips */
  size_t length = strlen(quantity);
  if (length > strlen(validation) && strcmp(quantity + length - strlen(validation), validation) == 0)
    length -= strlen(validation);
  for (size_t i = 0; i < VJ_COUNT(known); i++) {
    const size_t end = strlen(known[i].end);
    if (end <= length && strncmp(quantity + length - end, known[i].end, end) == 0) return known[i].best;
  }
  return VJ_BEST_NONE;
}

vj_status vj_objective_default(const vj_results *results, const char *folder, vj_report_column *objective) {
  const vj_report_spec *report = NULL;
  vj_report_spec usual;
  *objective = (vj_report_column){0};
  VJ_TRY(vj_results_report(results, folder, &report));
  for (int64_t i = 0; report && i < report->column_count; i++) {
    *objective = report->columns[i];
    if (objective->best != VJ_BEST_NONE) return VJ_OK;
  }
  VJ_TRY(vj_default_report(results, &usual));
  for (int64_t i = 0; i < usual.column_count; i++) {
    *objective = usual.columns[i];
    objective->best = direction_of(objective->quantity);
    if (vj_record_is(objective->quantity, VJ_RECORD_PROBE) && objective->best != VJ_BEST_NONE) return VJ_OK;
  }
  *objective = (vj_report_column){0};
  return VJ_OK;
}

vj_status vj_objective_by(const vj_results *results, const char *folder, const char *place, const char *quantity,
                          vj_report_column *objective) {
  const vj_report_spec *report = NULL;
  VJ_TRY(vj_report_check_quantity(quantity, NULL, place, NULL, results->file));
  *objective =
      (vj_report_column){.quantity = quantity, .title = quantity, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};
  VJ_TRY(vj_results_report(results, folder, &report));
  const int64_t column = report ? vj_report_find(report, quantity) : -1;
  if (column >= 0) objective->best = report->columns[column].best;
  if (objective->best == VJ_BEST_NONE) objective->best = direction_of(quantity);
  return VJ_OK;
}

const char *vj_best_word(int best) { return best == VJ_BEST_HIGH ? "highest" : "lowest"; }
