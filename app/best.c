/* `vjvcr best DIR METRIC`: the trials of a sweep in the order of one quantity, or with --group-seeds those that differ
 * in more than their seed, by the mean over it. */
#include <stdio.h>
#include <stdlib.h>

#include "analysis/results/setting_rows.h"
#include "analysis/results/objective.h"
#include "analysis/results/selection.h"
#include "analysis/results/trial_groups.h"
#include "analysis/output/row_writer.h"
#include "framework/store/ledger/ledger.h"
#include "analysis/output/text_table.h"
#include "app/best_select.h"
#include "app/verb.h"
#include "sweeps/space/criterion.h"

/* A trial, or with --group-seeds those that differ only in their seed. */
typedef struct entry {
  int64_t first, count; /* its first trial; trials */
  vj_summary of;        /* those with a number */
} entry;

typedef struct ranking {
  const vj_results *results;
  vj_report_column objective;
  bool grouped;
  entry *entries;
  int64_t count, unfinished, failed, stopped, without_number; /* entries; trials left out */
} ranking;

/* --- ranking --------------------------------------------------------------------------------------------------- */

static vj_status collect(ranking *r) {
  const vj_results *o = r->results;
  vj_trial_groups groups;
  VJ_TRY(vj_trial_groups_make(o, !r->grouped, &groups));
  r->entries = vj_pool_take(o->pool, (size_t)groups.count * sizeof *r->entries);
  if (!r->entries) return vj_fail(VJ_MEMORY, "no memory for %lld trials", (long long)o->trials);
  for (int64_t g = 0; g < groups.count; g++) {
    const vj_trial_group *group = &groups.at[g];
    const vj_summary s = vj_trial_group_summary(o, group, &r->objective);
    r->without_number += group->done_count - s.count;
    if (s.count) r->entries[r->count++] = (entry){group->trials[0], group->count, s};
  }
  for (int64_t i = 0; i < o->trials; i++) {
    r->failed += o->status[i] == VJ_TRIAL_FAILED;
    r->stopped += o->status[i] == VJ_TRIAL_PRUNED;
    r->unfinished += vj_results_state(o, i) < VJ_TRIAL_DONE;
  }
  return VJ_OK;
}

static int lower_first(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->of.mean != y->of.mean) return x->of.mean < y->of.mean ? -1 : 1;
  return (x->first > y->first) - (x->first < y->first);
}

static int higher_first(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->of.mean != y->of.mean) return x->of.mean > y->of.mean ? -1 : 1;
  return (x->first > y->first) - (x->first < y->first);
}

static void sort(ranking *r) {
  qsort(r->entries, (size_t)r->count, sizeof *r->entries,
        r->objective.best == VJ_BEST_HIGH ? higher_first : lower_first);
}

/* --- printing -------------------------------------------------------------------------------------------------- */

static void add_headings(const ranking *r, vj_table *table) {
  const vj_results *o = r->results;
  if (!r->grouped) vj_table_column(table, "trial", true);
  if (o->has_arms) vj_table_column(table, "arm", false);
  vj_table_column(table, r->grouped ? "seeds" : "seed", true);
  vj_table_column(table, r->objective.quantity, true);
  if (r->grouped) vj_table_column(table, "spread", true);
  if (o->setting_count) vj_table_column(table, "settings", false);
}

static void add_row(const ranking *r, vj_table *table, const entry *e) {
  const vj_results *o = r->results;
  if (!r->grouped) vj_table_cell(table, "%lld", (long long)e->first);
  if (o->has_arms) vj_table_cell(table, "%s", vj_results_text(o, VJ_RECORD_ARM, e->first));
  if (!r->grouped)
    vj_table_cell(table, "%lld", (long long)o->seed[e->first]);
  else
    vj_table_cell(table, e->of.count == e->count ? "%lld" : "%lld of %lld", (long long)e->of.count,
                  (long long)e->count);
  vj_table_cell(table, "%.6g", e->of.mean);
  if (r->grouped) vj_table_cell(table, e->of.count > 1 ? "%.2g" : "-", e->of.deviation);
  if (o->setting_count) vj_table_cell(table, "%s", vj_results_settings(o, e->first));
}

static void print_left_out(const ranking *r) {
  const int64_t counts[] = {r->unfinished, r->failed, r->stopped, r->without_number};
  static const char *const words[] = {"unfinished", "failed", "stopped early", "without a finite number"};
  const char *before = "left out: ";
  for (int i = 0; i < 4; i++) {
    if (!counts[i]) continue;
    printf("%s%lld %s", before, (long long)counts[i], words[i]);
    before = ", ";
  }
  if (before[0] == ',') putchar('\n');
}

/* The best of several is partly the luckiest, on the clips that it was found by. */
static void print_caution(const ranking *r) {
  const char *quantity = r->objective.quantity;
  if (r->count < 2) return;
  if (vj_is_of_test(quantity))
    puts("the best was found on the test clips that it is measured on; --select chooses on validation clips");
  else if (vj_is_of_validation(quantity))
    puts("the best was found on these validation clips, so its figure is too good; --select has that of test clips");
}

static void print_heading(const ranking *r, int64_t shown) {
  const char *what = !r->grouped ? "trials" : r->results->has_arms ? "arms" : "settings";
  printf("%lld of %lld %s, %s first", (long long)shown, (long long)r->count, what, vj_best_word(r->objective.best));
  if (r->objective.at != VJ_REPORT_LAST) printf("; after %lld steps", (long long)r->objective.at);
  if (r->objective.index != VJ_REPORT_SCALAR) printf("; number %lld", (long long)r->objective.index);
  putchar('\n');
}

static vj_status print_table(const ranking *r, int64_t shown, vj_format format) {
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  print_heading(r, shown);
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  add_headings(r, table);
  for (int64_t i = 0; i < shown; i++) add_row(r, table, &r->entries[i]);
  vj_table_end(&table, format, stdout);
  print_left_out(r);
  print_caution(r);
  return VJ_OK;
}

/* A trial's number and seed, or those of all trials behind a mean. */
static void name_columns(const ranking *r, vj_row_writer *records) {
  const vj_results *o = r->results;
  if (!r->grouped) vj_row_writer_column(records, VJ_NAME_TRIAL);
  if (o->has_arms) vj_row_writer_column(records, VJ_RECORD_ARM);
  if (!r->grouped) vj_row_writer_column(records, VJ_RECORD_SEED);
  vj_row_writer_setting_columns(records, o);
  vj_row_writer_column(records, r->objective.quantity);
  if (!r->grouped) return;
  const char *spread = vj_pool_format(o->pool, "%s_sd", r->objective.quantity);
  vj_row_writer_column(records, spread ? spread : "sd");
  vj_row_writer_column(records, "n");
  vj_row_writer_column(records, "trials");
}

static void add_record(const ranking *r, vj_row_writer *records, const entry *e) {
  const vj_results *o = r->results;
  if (!r->grouped) vj_row_writer_integer(records, e->first);
  if (o->has_arms) vj_row_writer_text(records, vj_results_text(o, VJ_RECORD_ARM, e->first));
  if (!r->grouped) vj_row_writer_integer(records, o->seed[e->first]);
  vj_row_writer_settings(records, o, e->first);
  vj_row_writer_number(records, e->of.mean);
  if (!r->grouped) return;
  vj_row_writer_number(records, e->of.deviation);
  vj_row_writer_integer(records, e->of.count);
  vj_row_writer_integer(records, e->count);
}

static vj_status print_records(const ranking *r, int64_t shown, vj_format format) {
  vj_row_writer *records = NULL;
  VJ_TRY(vj_row_writer_create(&records));
  name_columns(r, records);
  for (int64_t i = 0; i < shown; i++) add_record(r, records, &r->entries[i]);
  const vj_status status = vj_row_writer_print(records, format, stdout);
  vj_row_writer_destroy(&records);
  return status;
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static int asked_direction(const vj_command *command) {
  return vj_command_has(command, "--asc")    ? VJ_BEST_LOW
         : vj_command_has(command, "--desc") ? VJ_BEST_HIGH
                                             : VJ_BEST_NONE;
}

static vj_status choose(const vj_command *command, ranking *r) {
  const char *folder = vj_command_text(command, "DIR"), *metric = vj_command_text(command, "METRIC");
  const int asked = asked_direction(command);
  if (metric)
    VJ_TRY(vj_objective_by(r->results, folder, "METRIC", metric, &r->objective));
  else
    VJ_TRY(vj_objective_default(r->results, folder, &r->objective));
  if (!r->objective.quantity)
    return vj_fail(VJ_USAGE, "%s: neither a probe nor a column of a report says what is good; name a METRIC", folder);
  if (asked != VJ_BEST_NONE) r->objective.best = asked;
  if (r->objective.best != VJ_BEST_NONE) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: nothing says whether low or high is good; add --asc or --desc", r->objective.quantity);
}

static vj_status rank(const vj_command *command, ranking *r) {
  const int64_t most = vj_command_count(command, "-n");
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  VJ_TRY(choose(command, r));
  VJ_TRY(collect(r));
  sort(r);
  const int64_t shown = r->count < most ? r->count : most;
  return vj_format_is_exact(format) ? print_records(r, shown, format) : print_table(r, shown, format);
}

static vj_status best(vj_command *command) {
  vj_results *results = NULL;
  if (vj_command_has(command, "--asc") && vj_command_has(command, "--desc"))
    return vj_fail(VJ_USAGE, "--asc and --desc: expected one of them");
  if (vj_command_has(command, "--arms") && !vj_command_has(command, "--select"))
    return vj_fail(VJ_USAGE, "--arms is for a choice of settings: add --select");
  if (vj_command_has(command, "--select")) return vj_best_select(command, asked_direction(command));
  VJ_TRY(vj_results_open(vj_command_text(command, "DIR"), &results));
  ranking r = {.results = results, .grouped = vj_command_has(command, "--group-seeds")};
  const vj_status status = rank(command, &r);
  vj_results_close(&results);
  return status;
}

static const vj_verb_row rows[] = {
    {"DIR", VJ_VALUE_SWEEP, .doc = "the folder of a sweep; with --select also several, with commas between them"},
    {"METRIC", VJ_VALUE_METRIC, .optional = true,
     .otherwise = "the first column of the sweep's report that says what is best, else its first probe",
     .doc = "rank by this variable of sweep.h5, e.g. probe_speed_mse"},
    {"--asc", VJ_VALUE_FLAG, .doc = "low is good"},
    {"--desc", VJ_VALUE_FLAG, .doc = "high is good"},
    {"-n", VJ_VALUE_COUNT, .value = "K", .minimum = 1, .fallback = "10", .doc = "show so many"},
    {"--group-seeds", VJ_VALUE_FLAG, .doc = "rank settings by their mean over seeds, not single trials"},
    {"--select", VJ_VALUE_FLAG,
     .doc = "choose one setting for each arm by its mean on validation clips, and show it on test clips"},
    {"--arms", VJ_VALUE_TEXT, .value = "ARM,..", .otherwise = "every arm of the sweep",
     .doc = "with --select: arms that take all trials whose arm begins so"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_best = {
    .name = "best",
    .summary = "the best trials, or settings over their seeds",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "With --select METRIC is a figure of validation clips: a validation loss, a measure, or "
        "a probe's that ends in _validation. What is shown of the chosen settings is of test clips, and "
        "how many settings each arm was given stands beside it. Several folders, those of an experiment's tuning "
        "sweeps, are one pool of settings.\n",
    .reads = "DIR/sweep.h5.\n",
    .examples =
        "vjvcr best runs/demo --group-seeds\n"
        "vjvcr best runs/demo hx_rankme --desc -n 3\n"
        "vjvcr best runs/demo --select\n"
        "vjvcr best runs/tuning,runs/tuning-2 --select\n",
    .run = best};
