#include "analysis/results/control_rows.h"

#include <string.h>

static bool is_recorded(const void *file, const char *name) { return vj_sweep_file_find(file, name) >= 0; }

const char *vj_control_probe(const vj_results *o, vj_control control, const char *quantity) {
  const char *text = vj_sweep_file_attribute(o->file, VJ_ATTRIBUTE_SWEEP_YAML);
  vj_yaml *root = NULL;
  if (!text || vj_yaml_read_text(o->pool, text, VJ_ATTRIBUTE_SWEEP_YAML, &root) != VJ_OK) return NULL;
  const char *name = vj_control_probe_of(o->pool, root, control, quantity);
  return name && vj_sweep_file_find(o->file, name) >= 0 ? name : NULL;
}

bool vj_control_column(const vj_results *o, vj_control control, const vj_report_column *column,
                       vj_report_column *shown) {
  *shown = *column;
  if (control == VJ_CONTROL_UNTRAINED) {
    if (column->at == VJ_REPORT_LAST) shown->at = 0;
    return shown->at == 0;
  }
  shown->quantity = vj_control_is_probe(control)
                        ? vj_control_probe(o, control, column->quantity)
                        : vj_control_guess_of(o->pool, control, column->quantity, is_recorded, o->file);
  return shown->quantity != NULL;
}

bool vj_control_is_shown(const vj_results *o, const vj_report_spec *report, vj_control control) {
  bool has_probe = false, has_any = false;
  for (int64_t c = 0; c < report->column_count && report->controls[control]; c++) {
    vj_report_column shown;
    has_probe = has_probe || vj_record_is(report->columns[c].quantity, VJ_RECORD_PROBE);
    has_any = has_any || vj_control_column(o, control, &report->columns[c], &shown);
  }
  return has_probe && has_any;
}

vj_summary vj_control_summary(const vj_results *o, const vj_report_column *column, vj_control control) {
  vj_report_column shown;
  vj_summary s = VJ_SUMMARY_NONE;
  if (!vj_control_column(o, control, column, &shown)) return s;
  for (int64_t i = 0; i < o->trials; i++) vj_summary_add(&s, vj_results_number(o, &shown, i));
  return s;
}
