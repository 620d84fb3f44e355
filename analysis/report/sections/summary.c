/* The first screen: what was swept, what became of it, what is best, what mattered. */
#include <string.h>

#include "analysis/results/objective.h"
#include "analysis/report/section.h"
#include "framework/store/ledger/ledger.h"
#include "framework/train/trial.h"

enum { MOST_REASONS = 12 };

static void tile(vj_page *page, const char *what) { fprintf(page->to, "<div class=\"tile\"><span>%s</span><b>", what); }

static int64_t count_state(const vj_results *o, int64_t state) {
  int64_t count = 0;
  for (int64_t i = 0; i < o->trials; i++) count += o->status[i] == state;
  return count;
}

static void write_states_tile(vj_page *page) {
  const vj_results *o = page->data->results;
  const int64_t done = count_state(o, VJ_TRIAL_DONE), failed = count_state(o, VJ_TRIAL_FAILED);
  const int64_t running = count_state(o, VJ_TRIAL_RUNNING), stopped = count_state(o, VJ_TRIAL_PRUNED);
  tile(page, "trials");
  fprintf(
      page->to,
      "<data id=\"trials-done\" value=\"%lld\">%lld</data> of <data id=\"trials\" value=\"%lld\">%lld</data> done</b>",
      (long long)done, (long long)done, (long long)o->trials, (long long)o->trials);
  fputs("<span>", page->to);
  if (failed)
    fprintf(page->to, "<span class=\"bad\"><data id=\"trials-failed\" value=\"%lld\">%lld</data> failed</span>",
            (long long)failed, (long long)failed);
  if (stopped)
    fprintf(page->to, "<span><data id=\"trials-stopped\" value=\"%lld\">%lld</data> stopped early</span>",
            (long long)stopped, (long long)stopped);
  if (running) fprintf(page->to, "<span>%lld running, or left by a run that was ended</span>", (long long)running);
  if (o->trials - done - failed - running - stopped > 0)
    fprintf(page->to, "<span>%lld waiting</span>", (long long)(o->trials - done - failed - running - stopped));
  fputs("</span></div>\n", page->to);
}

static void write_swept_tile(vj_page *page) {
  const vj_report_data *data = page->data;
  int64_t most = 0;
  for (int64_t g = 0; g < data->group_count; g++)
    most = data->groups[g].members.count > most ? data->groups[g].members.count : most;
  tile(page, "swept");
  fprintf(page->to, "%lld setting%s</b><span>%lld seed%s of each%s, %lld training steps</span></div>\n",
          (long long)data->group_count, data->group_count == 1 ? "" : "s", (long long)most, most == 1 ? "" : "s",
          data->results->trials == most * data->group_count ? "" : " at most", (long long)data->results->steps);
}

/* Mostly all trials have the same videos; of several, the trial with the most trouble speaks. */
static int64_t most_troubled(const vj_results *o) {
  int64_t worst = 0, most = -1;
  for (int64_t i = 0; i < o->trials; i++) {
    const int64_t skipped = vj_results_count(o, VJ_RECORD_SKIPPED, i),
                  damaged = vj_results_count(o, VJ_RECORD_DAMAGED, i);
    const int64_t trouble = (skipped > 0 ? skipped : 0) + (damaged > 0 ? damaged : 0);
    if (trouble > most) most = trouble, worst = i;
  }
  return worst;
}

static void write_videos_tile(vj_page *page) {
  const vj_results *o = page->data->results;
  const int64_t trial = o->trials ? most_troubled(o) : 0;
  const int64_t used = o->trials ? vj_results_count(o, VJ_RECORD_VIDEOS, trial) : -1;
  if (used < 0) return;
  const int64_t skipped = vj_results_count(o, VJ_RECORD_SKIPPED, trial);
  const int64_t damaged = vj_results_count(o, VJ_RECORD_DAMAGED, trial);
  tile(page, "videos");
  fprintf(page->to, "<data id=\"videos\" value=\"%lld\">%lld</data></b><span>", (long long)used, (long long)used);
  if (skipped > 0)
    fprintf(page->to, "<span><data id=\"videos-skipped\" value=\"%lld\">%lld</data> more can't be read</span>",
            (long long)skipped, (long long)skipped);
  if (damaged > 0) {
    fprintf(page->to, "<span class=\"bad\"><data id=\"videos-damaged\" value=\"%lld\">%lld</data> damaged</span>",
            (long long)damaged, (long long)damaged);
    fputs("<span>", page->to);
    vj_html_text(page->to, "%s", vj_results_text(o, VJ_RECORD_DAMAGED_NAMES, trial));
    fputs("</span>", page->to);
  }
  fputs("</span></div>\n", page->to);
}

static void write_best_tile(vj_page *page) {
  const vj_report_data *data = page->data;
  if (!data->ranked_count || data->objective.best == VJ_BEST_NONE) return;
  const vj_group *best = &data->groups[data->ranked[0]];
  tile(page, "best");
  vj_page_group_name(page, best);
  fputs("</b><span id=\"best\">", page->to);
  vj_html_text(page->to, "%s ", vj_page_objective_title(page));
  vj_html_spread(page->to, best->objective.mean, best->objective.deviation);
  fprintf(page->to, ", %s of %lld; %lld seed%s</span></div>\n", vj_best_word(data->objective.best),
          (long long)data->ranked_count, (long long)best->objective.count, best->objective.count == 1 ? "" : "s");
}

static void write_importance_tile(vj_page *page) {
  const vj_report_data *data = page->data;
  if (!data->swept.has_importance) return;
  tile(page, "what mattered most");
  vj_html_text(page->to, "%s", data->swept.list[0].label);
  fputs("</b><span>", page->to);
  vj_html_percent(page->to, data->swept.importance.main[0].share);
  vj_html_text(page->to, " of the variance of %s between settings", vj_page_objective_title(page));
  fputs("</span></div>\n", page->to);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static void write_values(vj_page *page, const vj_swept_parameter *factor) {
  enum { MOST_VALUES = 8 };
  if (factor->is_number && factor->count > MOST_VALUES) {
    vj_html_text(page->to, "%s to %s, %lld values", factor->texts[0], factor->texts[factor->count - 1],
                 (long long)factor->count);
    return;
  }
  for (int64_t k = 0; k < factor->count && k < MOST_VALUES; k++)
    vj_html_text(page->to, "%s%s", k ? ", " : "", factor->texts[k]);
  if (factor->count > MOST_VALUES) vj_html_text(page->to, " and %lld more", (long long)(factor->count - MOST_VALUES));
}

static void write_swept_parameters(vj_page *page) {
  const vj_report_data *data = page->data;
  if (!data->swept.count) return;
  fputs("<h3>What was varied</h3>\n", page->to);
  vj_html_table_begin(page->to, "factors", "parameter|values|scale");
  fputs("<tbody>", page->to);
  for (int i = 0; i < data->swept.count; i++) {
    const vj_swept_parameter *factor = &data->swept.list[i];
    vj_html_row(page->to, "");
    vj_html_cell(page->to, false);
    vj_html_text(page->to, "%s", factor->key);
    fputs("<td class=\"w\">", page->to);
    write_values(page, factor);
    vj_html_cell(page->to, false);
    fputs(factor->is_log ? "logarithmic" : factor->is_number ? "linear" : "categories", page->to);
  }
  vj_html_table_end(page->to);
  if (data->swept.left_out)
    fprintf(page->to, "<p class=\"note\">%d more parameters are not looked at one by one.</p>\n", data->swept.left_out);
}

/* Failures that say the same apart from their numbers have one row: "step 7: loss variance is inf". */
static bool same_reason(const char *one, const char *other) {
  while (*one && *other) {
    const size_t a = strspn(one, "0123456789"), b = strspn(other, "0123456789");
    if ((a > 0) != (b > 0)) return false;
    if (a == 0 && *one != *other) return false;
    one += a ? a : 1;
    other += b ? b : 1;
  }
  return *one == *other;
}

static int64_t first_with_reason(const vj_results *o, int64_t trial) {
  const char *reason = vj_results_text(o, VJ_RECORD_FAILURE, trial);
  for (int64_t i = 0; i < trial; i++)
    if (o->status[i] == VJ_TRIAL_FAILED && same_reason(vj_results_text(o, VJ_RECORD_FAILURE, i), reason)) return i;
  return trial;
}

static void write_reason(vj_page *page, int64_t first) {
  enum { MOST_NUMBERS = 10 };
  const vj_results *o = page->data->results;
  int64_t count = 0;
  vj_html_row(page->to, "");
  fputs("<td class=\"w\">", page->to);
  vj_html_text(page->to, "%s", vj_results_text(o, VJ_RECORD_FAILURE, first));
  fputs("<td class=\"w\">", page->to);
  for (int64_t i = first; i < o->trials; i++) {
    if (o->status[i] != VJ_TRIAL_FAILED || first_with_reason(o, i) != first) continue;
    if (count++ < MOST_NUMBERS) fprintf(page->to, "%s%lld", count > 1 ? ", " : "", (long long)i);
  }
  if (count > MOST_NUMBERS) fputs(", ...", page->to);
  vj_html_cell(page->to, true);
  fprintf(page->to, "%lld", (long long)count);
}

static void write_failures(vj_page *page) {
  const vj_results *o = page->data->results;
  int64_t reasons = 0;
  for (int64_t i = 0; i < o->trials; i++) {
    if (o->status[i] != VJ_TRIAL_FAILED || first_with_reason(o, i) != i) continue;
    if (reasons++ == 0) {
      fputs("<h3>Why trials failed</h3>\n", page->to);
      vj_html_table_begin(page->to, "failures", "reason of the first|trials|#number");
      fputs("<tbody>", page->to);
    }
    if (reasons <= MOST_REASONS) write_reason(page, i);
  }
  if (reasons) vj_html_table_end(page->to);
  if (reasons > MOST_REASONS)
    fprintf(page->to, "<p class=\"note\">%lld more reasons.</p>\n", (long long)(reasons - MOST_REASONS));
}

static void explain_objective(vj_page *page) {
  const vj_report_column *c = &page->data->objective;
  fputs("<p class=\"note\">", page->to);
  if (!c->quantity)
    fputs("Nothing recorded says which trial is better.", page->to);
  else if (c->best == VJ_BEST_NONE)
    vj_html_text(page->to,
                 "Neither a probe nor the experiment's own report says what is good, and losses with different weights "
                 "can't be compared: settings are looked at by %s, but none is called best. --by names a quantity.",
                 c->quantity);
  else
    vj_html_text(page->to,
                 "Trials are compared by %s at the end of training (%s is best). ± is the standard deviation "
                 "over seeds.",
                 c->quantity, vj_best_word(c->best));
  fputs("</p>\n", page->to);
}

static vj_status write(vj_page *page) {
  const vj_report_data *data = page->data;
  fputs("<header>\n<h1>", page->to);
  vj_html_text(page->to, "%s%s%s", data->title, data->has_own_report && data->report.title[0] ? ": " : "",
               data->has_own_report ? data->report.title : "");
  fputs("</h1>\n<div class=\"tiles\">\n", page->to);
  write_states_tile(page);
  write_swept_tile(page);
  write_videos_tile(page);
  write_best_tile(page);
  write_importance_tile(page);
  fprintf(page->to, "</div>\n%s", page->contents);
  explain_objective(page);
  write_failures(page);
  write_swept_parameters(page);
  fputs("</header>\n", page->to);
  return VJ_OK;
}

const vj_section vj_section_summary = {.write = write};
