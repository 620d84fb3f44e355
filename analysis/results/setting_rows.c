#include "analysis/results/setting_rows.h"

#include <math.h>
#include <string.h>

void vj_records_setting_columns(vj_records *records, const vj_outcome *outcome) {
  for (int s = 0; s < outcome->setting_count; s++)
    vj_records_setting_column(records, vj_outcome_setting_key(outcome, s));
}

void vj_records_settings(vj_records *records, const vj_outcome *outcome, int64_t trial) {
  for (int s = 0; s < outcome->setting_count; s++) {
    const char *text = vj_outcome_setting(outcome, s, trial);
    if (vj_outcome_setting_is_number(outcome, s))
      vj_records_number(records, vj_outcome_setting_number(outcome, s, trial));
    else
      vj_records_text(records, text[0] ? text : NULL);
  }
}

json_t *vj_json_settings(const vj_outcome *o, int64_t trial) {
  json_t *all = json_object();
  for (int i = 0; i < o->setting_count; i++) {
    const char *words = vj_outcome_setting(o, i, trial);
    const double exact = vj_outcome_setting_number(o, i, trial);
    if (!words[0] || strcmp(words, "nan") == 0) continue;
    json_object_set_new(all, vj_outcome_setting_key(o, i), isnan(exact) ? vj_json_text(words) : json_real(exact));
  }
  return all;
}
