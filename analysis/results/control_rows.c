#include "analysis/results/control_rows.h"

#include <string.h>

/* What is got without looking is a variable of its own: probe_speed_mse -> probe_speed_baseline_mse, probe_psi_accuracy
 * -> probe_psi_majority_accuracy, probe_actions_map -> probe_actions_random_map. NULL if there is none. */
static const char *guess_of(const vj_results *o, const char *guess, const char *quantity) {
  for (const char *cut = vj_record_after(quantity, VJ_PROBE_RECORDS); cut && (cut = strchr(cut, '_')); cut++) {
    const char *name = vj_pool_format(o->pool, "%.*s_%s%s", (int)(cut - quantity), quantity, guess, cut);
    if (name && vj_sweep_file_find(o->file, name) >= 0) return name;
  }
  return NULL;
}

const char *vj_control_pixels(const vj_results *o, const char *quantity) {
  const char *text = vj_sweep_file_attribute(o->file, VJ_ATTRIBUTE_SWEEP_YAML);
  vj_yaml *root = NULL;
  if (!text || vj_yaml_read_text(o->pool, text, VJ_ATTRIBUTE_SWEEP_YAML, &root) != VJ_OK) return NULL;
  const char *name = vj_control_pixels_of(o->pool, root, quantity);
  return name && vj_sweep_file_find(o->file, name) >= 0 ? name : NULL;
}

/* False where there is no such thing. */
static bool find(const vj_results *o, vj_control control, const vj_report_column *column, vj_report_column *shown) {
  static const char *const guesses[VJ_CONTROLS] = {
      [VJ_CONTROL_MEAN] = "baseline", [VJ_CONTROL_MAJORITY] = "majority", [VJ_CONTROL_RANDOM] = "random"};
  *shown = *column;
  if (control == VJ_CONTROL_UNTRAINED) {
    if (column->at == VJ_REPORT_LAST) shown->at = 0;
    return shown->at == 0;
  }
  shown->quantity = control == VJ_CONTROL_PIXELS ? vj_control_pixels(o, column->quantity)
                                                 : guess_of(o, guesses[control], column->quantity);
  return shown->quantity != NULL;
}

bool vj_control_is_shown(const vj_results *o, const vj_report_spec *report, vj_control control) {
  bool has_probe = false, has_any = false;
  for (int64_t c = 0; c < report->column_count && report->controls[control]; c++) {
    vj_report_column shown;
    has_probe = has_probe || vj_record_is(report->columns[c].quantity, VJ_RECORD_PROBE);
    has_any = has_any || find(o, control, &report->columns[c], &shown);
  }
  return has_probe && has_any;
}

vj_summary vj_control_summary(const vj_results *o, const vj_report_column *column, vj_control control) {
  vj_report_column shown;
  vj_summary s = VJ_SUMMARY_NONE;
  if (!find(o, control, column, &shown)) return s;
  for (int64_t i = 0; i < o->trials; i++) vj_summary_add(&s, vj_results_number(o, &shown, i));
  return s;
}
