/* `vjvcr compare-metrics DIR`: which measure that needs no label picks the trial that a probe would. */
#include <math.h>
#include <stdio.h>

#include "analysis/output/row_writer.h"
#include "analysis/output/text_table.h"
#include "analysis/results/metric_ranking.h"
#include "analysis/results/objective.h"
#include "app/verb.h"

static void number_cell(vj_table *table, const char *format, double value) {
  char text[64];
  snprintf(text, sizeof text, format, value);
  vj_table_cell(table, "%s", isfinite(value) ? text : "-");
}

static vj_status print_text(const vj_metric_ranking *r, vj_format format) {
  static const char *const headings[] = {"metric", "good", "rank correlation", "95% from", "to", "seeds", "hits"};
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  printf("%s, %s first: %lld trials of %lld seed%s\n", r->objective->quantity, vj_best_word(r->objective->best),
         (long long)r->trials, (long long)r->seeds, r->seeds == 1 ? "" : "s");
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  for (int i = 0; i < 7; i++) vj_table_column(table, headings[i], i > 1);
  vj_table_column(table, "picked", true);
  for (int64_t i = 0; i < r->count; i++) {
    const vj_metric_rank *m = &r->at[i];
    vj_table_cell(table, "%s", m->name);
    vj_table_cell(table, "%s", m->prefers);
    number_cell(table, "%+.2f", m->correlation);
    number_cell(table, "%+.2f", m->low);
    number_cell(table, "%+.2f", m->high);
    vj_table_cell(table, "%lld", (long long)m->seeds);
    vj_table_cell(table, "%lld", (long long)m->hits);
    number_cell(table, "%.4g", m->picked);
  }
  vj_table_end(&table, format, stdout);
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  printf("picked: %s of the trial that the metric likes best; of the best trial %.4g, of one drawn at random %.4g\n",
         r->objective->quantity, r->best, r->mean);
  puts(
      "rank correlation: Spearman's, over the trials of a seed, mean over seeds; 1: the order of the probe. Its "
      "interval "
      "is of\nStudent's t over seeds: there is none of one seed. hits: seeds in which the metric picks the best "
      "trial.");
  return VJ_OK;
}

static vj_status print_records(const vj_metric_ranking *r, vj_format format) {
  static const char *const names[] = {"metric", "good", "correlation", "low",  "high",
                                      "seeds",  "hits", "picked",      "best", "mean"};
  vj_row_writer *records = NULL;
  VJ_TRY(vj_row_writer_create(&records));
  for (size_t i = 0; i < VJ_COUNT(names); i++) vj_row_writer_column(records, names[i]);
  for (int64_t i = 0; i < r->count; i++) {
    const vj_metric_rank *m = &r->at[i];
    vj_row_writer_text(records, m->name);
    vj_row_writer_text(records, m->prefers);
    vj_row_writer_number(records, m->correlation);
    vj_row_writer_number(records, m->low);
    vj_row_writer_number(records, m->high);
    vj_row_writer_integer(records, m->seeds);
    vj_row_writer_integer(records, m->hits);
    vj_row_writer_number(records, m->picked);
    vj_row_writer_number(records, r->best);
    vj_row_writer_number(records, r->mean);
  }
  const vj_status status = vj_row_writer_print(records, format, stdout);
  vj_row_writer_destroy(&records);
  return status;
}

static vj_status choose(const vj_command *command, const vj_results *results, vj_report_column *objective) {
  const char *folder = vj_command_text(command, "DIR"), *metric = vj_command_text(command, "METRIC");
  if (metric)
    VJ_TRY(vj_objective_by(results, folder, "METRIC", metric, objective));
  else
    VJ_TRY(vj_objective_default(results, folder, objective));
  if (!objective->quantity)
    return vj_fail(VJ_USAGE, "%s: neither a probe nor a column of a report says what is good; name a METRIC", folder);
  if (objective->best == VJ_BEST_NONE)
    return vj_fail(VJ_USAGE, "METRIC: nothing says whether low or high is good of %s; name a probe's error or accuracy",
                   objective->quantity);
  return VJ_OK;
}

static vj_status rank(const vj_command *command, const vj_results *results) {
  static const char *const views[] = {"hx", "hy", "hy_pred"};
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  vj_report_column objective;
  vj_metric_ranking ranking;
  VJ_TRY(choose(command, results, &objective));
  VJ_TRY(vj_metric_ranking_make(results, &objective, views[vj_command_choice(command, "--view")], &ranking));
  if (!ranking.seeds)
    return vj_fail(VJ_DATA, "%s: no seed has three trials that are done and have %s; there is no order to compare",
                   vj_command_text(command, "DIR"), objective.quantity);
  return vj_format_is_exact(format) ? print_records(&ranking, format) : print_text(&ranking, format);
}

static vj_status compare_metrics(vj_command *command) {
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(vj_command_text(command, "DIR"), &results));
  const vj_status status = rank(command, results);
  vj_results_close(&results);
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"METRIC", VJ_VALUE_METRIC, .optional = true,
     .otherwise = "the first column of the sweep's report that says what is best, else its first probe",
     .doc = "what trials are judged by, a variable of sweep.h5, e.g. probe_speed_mse"},
    {"--view", VJ_VALUE_CHOICE, .choices = "hx|hy|hy_pred", .fallback = "hx", .doc = "whose measures are compared"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_compare_metrics = {
    .name = "compare-metrics",
    .summary = "which measure that needs no label picks the trial that a probe would",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "Measures are those of the last evaluation: RankMe, LiDAR, alpha-ReQ (near 1 is good), NESum, cluster "
        "learnability and intrinsic dimension, and CLID, the sum of both in standard deviations over the trials of a "
        "seed; beside them validation losses. docs/metrics.md has sources and limits.\n",
    .reads = "DIR/sweep.h5.\n",
    .examples = "vjvcr compare-metrics runs/tau\n",
    .run = compare_metrics};
