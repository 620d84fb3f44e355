#include "analysis/results/setting_rows.h"

#include <math.h>
#include <string.h>

void vj_row_writer_setting_columns(vj_row_writer *records, const vj_results *results) {
  vj_file_variable_info info;
  for (int s = 0; s < results->setting_count; s++) {
    vj_sweep_file_variable(results->file, results->settings[s], &info);
    vj_row_writer_column(records, info.name);
  }
}

void vj_row_writer_settings(vj_row_writer *records, const vj_results *results, int64_t trial) {
  for (int s = 0; s < results->setting_count; s++) {
    const char *text = vj_results_setting(results, s, trial);
    if (vj_results_setting_is_number(results, s))
      vj_row_writer_number(records, vj_results_setting_number(results, s, trial));
    else
      vj_row_writer_text(records, text[0] ? text : NULL);
  }
}

json_t *vj_json_settings(const vj_results *o, int64_t trial) {
  json_t *all = json_object();
  for (int i = 0; i < o->setting_count; i++) {
    const char *words = vj_results_setting(o, i, trial);
    const double exact = vj_results_setting_number(o, i, trial);
    if (!words[0] || strcmp(words, "nan") == 0) continue;
    json_object_set_new(all, vj_results_setting_key(o, i), isnan(exact) ? vj_json_text(words) : json_real(exact));
  }
  return all;
}
