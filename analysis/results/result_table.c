#include "analysis/results/result_table.h"

#include <math.h>
#include <string.h>

#include "analysis/output/terminal.h"
#include "analysis/results/answer_print.h"
#include "analysis/results/collapse.h"
#include "analysis/results/default_columns.h"
#include "analysis/results/result_table_rows.h"
#include "analysis/results/result_table_text.h"
#include "analysis/results/tuned_text.h"
#include "framework/train/trial.h"

/* --- below the table ------------------------------------------------------------------------------------------- */

/* NaN where a done trial of the arm has no number. */
static double arm_mean(const vj_results *o, const char *arm, const vj_report_column *column) {
  vj_summary s = VJ_SUMMARY_NONE;
  int64_t done = 0;
  for (int64_t i = 0; i < o->trials; i++) {
    if (o->status[i] != VJ_TRIAL_DONE || strcmp(vj_results_text(o, VJ_RECORD_ARM, i), arm) != 0) continue;
    vj_summary_add(&s, vj_results_number(o, column, i));
    done++;
  }
  return s.count == done ? s.mean : NAN;
}

/* "speed MSE, VJ-VCR / generative: 0.31; paper 0.27" */
static void print_ratio(const vj_result_rows *r, const vj_report_ratio *ratio, FILE *to) {
  const vj_report_column *column = &r->report->columns[ratio->column];
  const vj_report_value *paper_of = vj_result_rows_paper(r, ratio->of, ratio->column);
  const vj_report_value *paper_to = vj_result_rows_paper(r, ratio->to, ratio->column);
  const double quotient = arm_mean(r->results, ratio->of, column) / arm_mean(r->results, ratio->to, column);
  fprintf(to, "%s, %s / %s: ", column->title, ratio->of, ratio->to);
  fprintf(to, isfinite(quotient) ? "%.3g" : "-", quotient);
  if (paper_of && paper_to) fprintf(to, "; paper %.3g", paper_of->number / paper_to->number);
  fputc('\n', to);
}

static void print_legend(const vj_result_rows *r, FILE *to) {
  bool has_best = false;
  for (int64_t c = 0; c < r->report->column_count; c++)
    has_best = has_best || r->report->columns[c].best != VJ_BEST_NONE;
  fprintf(to, "±: standard deviation over seeds.%s\n",
          has_best ? " *: best mean of its column; ↓ lower, ↑ higher is better." : "");
  if (r->report->source[0]) fprintf(to, "paper: %s\n", r->report->source);
}

static void print_text(const char *text, FILE *to) {
  const size_t length = strlen(text);
  if (length) fprintf(to, "%s%s", text, text[length - 1] == '\n' ? "" : "\n");
}

static void print_progress(const vj_result_rows *r, FILE *to) {
  const vj_results *o = r->results;
  int64_t done = 0, failed = 0, running = 0;
  double seconds = 0;
  char took[VJ_DURATION_BYTES];
  for (int64_t i = 0; i < o->trials; i++) {
    done += o->status[i] == VJ_TRIAL_DONE;
    failed += o->status[i] == VJ_TRIAL_FAILED;
    running += o->status[i] == VJ_TRIAL_RUNNING;
    const double of_trial = vj_results_newest(o, VJ_RECORD_TIME_TOTAL, i);
    if ((o->status[i] == VJ_TRIAL_DONE || o->status[i] == VJ_TRIAL_PRUNED) && isfinite(of_trial)) seconds += of_trial;
  }
  fprintf(to, "%lld of %lld trials done, in %s of training", (long long)done, (long long)o->trials,
          vj_duration_text(seconds, took));
  if (running) fprintf(to, "; %lld unfinished", (long long)running);
  if (failed) fprintf(to, "; %lld failed", (long long)failed);
  fputc('\n', to);
}

/* Means over the seeds that were not stopped are means of the better ones. */
static void print_stopped(const vj_result_rows *r, FILE *to) {
  int64_t stopped = 0, mixed = 0;
  for (int64_t i = 0; i < r->count; i++) {
    stopped += r->at[i].pruned_count;
    mixed += r->at[i].pruned_count > 0 && r->at[i].done_count > 0;
  }
  if (!stopped) return;
  fprintf(to, "%lld of %lld trials were stopped early", (long long)stopped, (long long)r->results->trials);
  if (!r->by_trial) fputs("; rows of no others are left out, `vjvcr ls` lists all", to);
  fputs(mixed ? ". Where some seeds of a row were, its mean is of the rest, which did better.\n" : ".\n", to);
}

static void print_failures(const vj_result_rows *r, FILE *to) {
  const vj_results *o = r->results;
  for (int64_t i = 0; i < o->trials; i++) {
    const char *arm = vj_results_text(o, VJ_RECORD_ARM, i);
    if (o->status[i] == VJ_TRIAL_FAILED)
      fprintf(to, "trial %lld %s%s(seed %lld) failed: %s\n", (long long)i, arm, arm[0] ? " " : "",
              (long long)o->seed[i], vj_results_text(o, VJ_RECORD_FAILURE, i));
  }
}

static const char *note_of_verdict(const vj_result_rows *r) {
  const char *note = vj_collapse_note(r->results->pool);
  return note ? note : "";
}

static void print_below(const vj_result_rows *r, FILE *to) {
  if (r->is_default) {
    print_text(r->report->notes, to);
  } else {
    print_legend(r, to);
    for (int64_t i = 0; i < r->report->ratio_count; i++) print_ratio(r, &r->report->ratios[i], to);
    print_text(r->report->notes, to);
    if (r->report->verdict) print_text(note_of_verdict(r), to);
    print_progress(r, to);
  }
  print_stopped(r, to);
  print_failures(r, to);
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

/* Every table of a report says of which run it is: a quick one must not pass for the experiment. */
static void print_title(const vj_result_rows *r, FILE *to) {
  const vj_sweep_file *file = r->results->file;
  const char *name = vj_sweep_file_attribute(file, VJ_ATTRIBUTE_TITLE);
  if (r->is_default) return;
  fprintf(to, "%s%s(%s, %lld steps)\n", r->report->title, r->report->title[0] ? " " : "", name ? name : "",
          (long long)r->results->steps);
}

/* `answer`: NULL for none. */
static vj_status print_all(const vj_results *results, const vj_report_spec *report, bool is_default, bool by_trial,
                           const vj_answer *answer, vj_format format, FILE *to) {
  vj_result_rows rows;
  VJ_TRY(vj_result_rows_make(results, report, is_default, by_trial, &rows));
  if (vj_format_is_exact(format)) return vj_result_table_print_rows(&rows, answer, format, to);
  print_title(&rows, to);
  if (format == VJ_FORMAT_MARKDOWN && !is_default) fputc('\n', to);
  VJ_TRY(vj_result_table_print_text(&rows, format, to));
  if (format == VJ_FORMAT_MARKDOWN) fputc('\n', to);
  print_below(&rows, to);
  const vj_tuned *tuned = NULL;
  VJ_TRY(vj_results_tuned(results, &tuned));
  vj_tuned_print(results->pool, tuned, to);
  if (!answer) return VJ_OK;
  fputc('\n', to);
  return vj_answer_print(answer, format, to);
}

static vj_status print_default(const vj_results *results, bool by_trial, const vj_answer *answer, vj_format format,
                               FILE *to) {
  vj_report_spec report;
  VJ_TRY(vj_default_report(results, &report));
  return print_all(results, &report, true, by_trial, answer, format, to);
}

static vj_status print_outcome(const vj_results *results, const char *folder, const vj_report_spec *report,
                               const vj_question *question, vj_format format, FILE *to) {
  const vj_answer *answer = NULL;
  const bool by_trial = results->setting_count == 0 && results->trials <= 16;
  VJ_TRY(vj_answer_find(results, folder, question, &answer));
  if (!report) VJ_TRY(vj_results_report(results, folder, &report));
  if (!report) return print_default(results, by_trial, answer, format, to);
  VJ_TRY(vj_report_check_file(report, results->file));
  return print_all(results, report, false, false, answer, format, to);
}

vj_status vj_result_table_print(const char *folder, const vj_report_spec *report, const vj_question *question,
                                vj_format format, FILE *to) {
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(folder, &results));
  const vj_status status = print_outcome(results, folder, report, question, format, to);
  vj_results_close(&results);
  return status;
}

vj_status vj_results_list(const char *folder, vj_format format, FILE *to) {
  vj_results *results = NULL;
  VJ_TRY(vj_results_open(folder, &results));
  const vj_status status = print_default(results, true, NULL, format, to);
  vj_results_close(&results);
  return status;
}
