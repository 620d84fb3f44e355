/* How to get it again: versions, command, seeds, the whole configuration. */

#include "analysis/report/section.h"
#include "sweeps/run/versions.h"

static void write_seeds(vj_page *page) {
  enum { MOST_SEEDS = 24 };
  const vj_results *o = page->data->results;
  int64_t written = 0;
  for (int64_t i = 0; i < o->trials; i++) {
    bool seen = o->seed[i] < 0; /* not begun with */
    for (int64_t k = 0; k < i && !seen; k++) seen = o->seed[k] == o->seed[i];
    if (seen) continue;
    if (written++ < MOST_SEEDS) fprintf(page->to, "%s%lld", written > 1 ? ", " : "", (long long)o->seed[i]);
  }
  if (written > MOST_SEEDS) fprintf(page->to, " and %lld more", (long long)(written - MOST_SEEDS));
}

static void write_fact(vj_page *page, const char *what, const char *text) {
  vj_html_row(page->to, "");
  vj_html_cell(page->to, false);
  fputs(what, page->to);
  fputs("<td class=\"w\">", page->to);
  vj_html_text(page->to, "%s", text);
}

static void write_text(vj_page *page, const char *summary, const char *id, const char *text) {
  vj_html_fold_begin(page->to, summary);
  fprintf(page->to, "<pre id=\"%s\" tabindex=\"0\">", id);
  vj_html_text(page->to, "%s", text);
  fputs("</pre>\n", page->to);
  vj_html_fold_end(page->to);
}

static vj_status write(vj_page *page) {
  const vj_report_data *data = page->data;
  const char *source = vj_sweep_file_attribute(data->results->file, VJ_ATTRIBUTE_SOURCE);
  const char *yaml = vj_sweep_file_attribute(data->results->file, VJ_ATTRIBUTE_SWEEP_YAML);
  const int64_t best =
      data->ranked_count && data->objective.best != VJ_BEST_NONE ? data->groups[data->ranked[0]].members.done[0] : 0;
  const char *command =
      vj_pool_format(data->pool, "mpirun -n 2 --bind-to none vjvcr sweep %s.yaml -o runs/%s", data->title, data->title);
  const char *config = vj_results_text(data->results, VJ_RECORD_CONFIG, best);
  const char *summary = vj_pool_format(data->pool, "Configuration of trial %lld%s, with every default", (long long)best,
                                       best || data->ranked_count ? ", one of the best" : "");
  const char *versions = vj_versions_text(data->pool, data->results->file);
  if (!command || !summary || !versions) return vj_fail(VJ_MEMORY, "no memory for a report");
  fputs(
      "<p>Save the experiment below as a file and run the command, on any number of ranks: with the same build "
      "and libraries the numbers are the same to the last bit on any x86-64 processor with AVX2 and FMA. Paths in it "
      "are "
      "those of the first run.</p>\n",
      page->to);
  vj_html_table_begin(page->to, "again", "what|");
  fputs("<tbody>", page->to);
  write_fact(page, "made by", source ? source : "unknown");
  if (versions[0]) write_fact(page, "trained with", versions);
  write_fact(page, "this report by", "vjvcr " VJ_VERSION);
  write_fact(page, "command", command);
  vj_html_row(page->to, "");
  vj_html_cell(page->to, false);
  fputs("seeds<td class=\"w\">", page->to);
  write_seeds(page);
  vj_html_table_end(page->to);
  if (yaml) write_text(page, "The experiment", "experiment", yaml);
  if (config[0]) write_text(page, summary, "configuration", config);
  return VJ_OK;
}

const vj_section vj_section_reproduce = {.id = "section-again", .title = "To get it again", .write = write};
