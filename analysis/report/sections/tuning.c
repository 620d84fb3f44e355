/* How the settings of the arms were chosen before: each arm's space, what was tried, what was chosen. */
#include "analysis/report/section.h"
#include "analysis/results/tuned_text.h"
#include "sweeps/space/arm_space.h"

static bool applies(const vj_report_data *data) {
  const vj_tuned *tuned = NULL;
  if (vj_results_tuned(data->results, &tuned) == VJ_OK) return tuned != NULL;
  vj_error_clear();
  return false;
}

static void write_spaces(vj_page *page, const vj_tuned_arm *arm) {
  for (int64_t i = 0; i < arm->spaces->count; i++) {
    const char *text = vj_arm_space_text(page->data->pool, arm->spaces->items[i]);
    if (i) fputs("<br>then ", page->to);
    vj_html_text(page->to, "%s", text ? text : "");
  }
}

static void write_edges(vj_page *page, const vj_tuned_arm *arm) {
  for (int64_t i = 0; i < arm->edges.count; i++) vj_html_text(page->to, "%s%s", i ? ", " : "", arm->edges.at[i]);
  if (!arm->edges.count) fputs("no", page->to);
}

static vj_status write_arm(vj_page *page, const vj_tuned_arm *arm) {
  const char *chosen = vj_tuned_values_text(page->data->pool, arm->chosen);
  if (!chosen) return vj_fail(VJ_MEMORY, "no memory for a report");
  vj_html_row(page->to, "");
  vj_html_cell(page->to, false);
  vj_html_text(page->to, "%s", arm->name);
  fputs("<td class=\"w\">", page->to);
  write_spaces(page, arm);
  vj_html_cell(page->to, true);
  fprintf(page->to, "<data value=\"%lld\">%lld</data>", (long long)arm->settings, (long long)arm->settings);
  if (arm->measured < arm->settings) fprintf(page->to, ", %lld measured", (long long)arm->measured);
  fputs("<td class=\"w\">", page->to);
  vj_html_text(page->to, "%s", chosen);
  vj_html_cell(page->to, true);
  vj_html_number(page->to, arm->figure);
  fputs("<td class=\"w\">", page->to);
  write_edges(page, arm);
  return VJ_OK;
}

static vj_status write(vj_page *page) {
  const vj_tuned *tuned = NULL;
  VJ_TRY(vj_results_tuned(page->data->results, &tuned));
  const char *effort = vj_tuned_effort(page->data->pool, tuned);
  fputs("<p>", page->to);
  vj_html_text(page->to, "%s", effort ? effort : "");
  fputs(
      ", none of which is a seed of this sweep. The figure of the chosen setting is of validation clips, and too good "
      "for having been chosen by. An edge is the outer tenth of a range; where one was chosen, the space was extended "
      "on that side, and every arm got as many settings again.</p>\n",
      page->to);
  vj_html_table_begin(page->to, "tuned", "arm|space|#settings tried|chosen|#figure|on an edge?");
  fputs("<tbody>", page->to);
  for (int64_t i = 0; i < tuned->arm_count; i++) VJ_TRY(write_arm(page, &tuned->arms[i]));
  vj_html_table_end(page->to);
  return VJ_OK;
}

const vj_section vj_section_tuning = {
    .id = "tuning", .title = "How settings were chosen", .applies = applies, .write = write};
