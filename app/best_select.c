#include "app/best_select.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/output/row_writer.h"
#include "analysis/output/text_table.h"
#include "analysis/results/chosen_space.h"
#include "analysis/results/objective.h"
#include "analysis/results/selection.h"
#include "analysis/results/setting_rows.h"

/* Whether trials of this one's arm in the sweep differ in a setting. */
static bool varies_within(const vj_results *o, int64_t trial, int setting) {
  const char *arm = vj_results_text(o, VJ_RECORD_ARM, trial);
  for (int64_t i = 0; i < o->trials; i++)
    if (strcmp(vj_results_text(o, VJ_RECORD_ARM, i), arm) == 0 && !vj_results_same_setting(o, setting, i, trial))
      return true;
  return false;
}

/* Those of a trial's settings in which its arm varies; "" where it does not. */
static const char *own_settings(const vj_results *o, int64_t trial) {
  const char *all = "";
  for (int s = 0; s < o->setting_count && all; s++) {
    const char *value = vj_results_setting(o, s, trial);
    if (!varies_within(o, trial, s) || !value[0] || strcmp(value, "nan") == 0) continue;
    all = vj_pool_format(o->pool, "%s%s%s=%s", all, all[0] ? " " : "", vj_results_setting_key(o, s), value);
  }
  return all ? all : "";
}

/* What is shown of a choice, and from which sweeps. */
typedef struct choice {
  const vj_sweep_pool *sweeps;
  vj_selection selection;
  bool has_arms;
  const char **edges; /* of each arm: what of its setting is on the edge of its space, "" nothing */
} choice;

/* What tells the chosen setting from the arm's others. */
static const char *name_of(const vj_selected *s) {
  const vj_results *o = s->of;
  const char *own = vj_results_text(o, VJ_RECORD_ARM, s->chosen->trials[0]);
  const char *settings = own_settings(o, s->chosen->trials[0]);
  if (!settings[0]) return o->has_arms ? own : vj_results_settings(o, s->chosen->trials[0]);
  return strcmp(own, s->arm) == 0 ? settings : vj_pool_format(o->pool, "%s (%s)", own, settings);
}

static void number_cell(vj_table *table, const vj_summary *s) {
  if (!s->count)
    vj_table_cell(table, "-");
  else if (s->count < 2)
    vj_table_cell(table, "%.4g", s->mean);
  else
    vj_table_cell(table, "%.4g±%.1g", s->mean, s->deviation);
}

static bool has_clip_errors(const vj_selection *s) {
  for (int64_t i = 0; i < s->count; i++)
    if (isfinite(s->at[i].clip_error)) return true;
  return false;
}

/* Half of a 95 % interval, of many clusters of clips. */
static double reach(const vj_selected *s) { return 1.96 * s->clip_error; }

static void add_row(const choice *c, vj_table *table, const vj_selected *s) {
  const vj_selection *selection = &c->selection;
  if (c->has_arms) vj_table_cell(table, "%s", s->arm);
  vj_table_cell(table, s->measured == s->settings ? "%lld" : "%lld of %lld", (long long)s->measured,
                (long long)s->settings);
  vj_table_cell(table, "%lld", (long long)s->of_validation.count);
  number_cell(table, &s->of_validation);
  if (selection->test.quantity) number_cell(table, &s->of_test);
  if (has_clip_errors(selection)) vj_table_cell(table, isfinite(s->clip_error) ? "%.2g" : "-", reach(s));
  vj_table_cell(table, "%s", s->chosen ? name_of(s) : "none is measured");
}

static bool is_even(const vj_selection *s) {
  for (int64_t i = 1; i < s->count; i++)
    if (s->at[i].measured != s->at[0].measured) return false;
  return true;
}

static void print_edges(const choice *c) {
  bool any = false;
  for (int64_t i = 0; i < c->selection.count; i++) {
    if (!c->edges[i][0]) continue;
    printf("on an edge: %s%s%s\n", c->selection.at[i].arm, c->selection.at[i].arm[0] ? ": " : "", c->edges[i]);
    any = true;
  }
  if (any) puts("an edge is the outer tenth of a range: what lies behind it may be better");
}

static void print_notes(const choice *c) {
  const vj_selection *s = &c->selection;
  printf(
      "settings: those that %s was given and that are measured. Chosen by %s, %s, the mean over seeds on validation "
      "clips,\nwhose own figure is too good for that.",
      c->has_arms ? "an arm" : "the sweep", s->by.quantity, vj_best_word(s->by.best));
  if (s->test.quantity)
    printf(" %s: of test clips, which had no part in the choice.\n", s->test.quantity);
  else
    puts(" No probe measures on test clips.");
  if (has_clip_errors(s))
    puts(
        "±: standard deviation over seeds. clips ±95%: by which test clips there are, those of one video together; "
        "seeds "
        "do not show it.");
  if (!is_even(s))
    puts("arms were given different numbers of settings: the more, the better the best of them by chance");
  print_edges(c);
  if (s->unfinished) printf("left out: %lld trials that are not done\n", (long long)s->unfinished);
}

static vj_status print_table(const choice *c, vj_format format) {
  const vj_selection *s = &c->selection;
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  if (c->has_arms) vj_table_column(table, "arm", false);
  vj_table_column(table, "settings", true);
  vj_table_column(table, "seeds", true);
  vj_table_column(table, s->by.quantity, true);
  if (s->test.quantity) vj_table_column(table, s->test.quantity, true);
  if (has_clip_errors(s)) vj_table_column(table, "clips ±95%", true);
  vj_table_column(table, "chosen", false);
  for (int64_t i = 0; i < s->count; i++) add_row(c, table, &s->at[i]);
  vj_table_end(&table, format, stdout);
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  print_notes(c);
  return VJ_OK;
}

/* Where the chosen trial's number counts. */
static const char *folder_of(const choice *c, const vj_selected *s) {
  int64_t i = 0;
  while (c->sweeps->at[i] != s->of) i++;
  return c->sweeps->folders[i];
}

static void add_record(const choice *c, vj_row_writer *records, int64_t arm) {
  const vj_selection *selection = &c->selection;
  const vj_selected *s = &selection->at[arm];
  if (c->has_arms) vj_row_writer_text(records, s->arm);
  vj_row_writer_integer(records, s->settings);
  vj_row_writer_integer(records, s->measured);
  vj_row_writer_integer(records, s->of_validation.count);
  vj_row_writer_number(records, s->of_validation.mean);
  if (selection->test.quantity) {
    vj_row_writer_number(records, s->of_test.mean);
    vj_row_writer_number(records, s->of_test.deviation);
    vj_row_writer_number(records, reach(s));
  }
  vj_row_writer_integer(records, s->chosen ? s->chosen->trials[0] : -1);
  vj_row_writer_text(records, s->chosen ? name_of(s) : NULL);
  vj_row_writer_text(records, c->edges[arm]);
  if (c->sweeps->count > 1) vj_row_writer_text(records, s->chosen ? folder_of(c, s) : NULL);
}

static vj_status print_records(const choice *c, vj_format format) {
  const vj_selection *s = &c->selection;
  vj_row_writer *records = NULL;
  VJ_TRY(vj_row_writer_create(&records));
  if (c->has_arms) vj_row_writer_column(records, VJ_RECORD_ARM);
  vj_row_writer_column(records, "settings");
  vj_row_writer_column(records, "measured");
  vj_row_writer_column(records, "n");
  vj_row_writer_column(records, s->by.quantity);
  if (s->test.quantity) {
    const char *spread = vj_pool_format(c->sweeps->pool, "%s_sd", s->test.quantity);
    vj_row_writer_column(records, s->test.quantity);
    vj_row_writer_column(records, spread ? spread : "sd");
    vj_row_writer_column(records, "clips_95");
  }
  vj_row_writer_column(records, VJ_NAME_TRIAL);
  vj_row_writer_column(records, "chosen");
  vj_row_writer_column(records, "edges");
  if (c->sweeps->count > 1) vj_row_writer_column(records, "folder");
  for (int64_t i = 0; i < s->count; i++) add_record(c, records, i);
  const vj_status status = vj_row_writer_print(records, format, stdout);
  vj_row_writer_destroy(&records);
  return status;
}

static vj_status find_edges(choice *c) {
  const vj_selection *s = &c->selection;
  c->edges = vj_pool_take(c->sweeps->pool, (size_t)s->count * sizeof *c->edges);
  if (!c->edges) return vj_fail(VJ_MEMORY, "no memory for %lld arms", (long long)s->count);
  for (int64_t i = 0; i < s->count; i++) {
    vj_chosen_space space;
    c->edges[i] = "";
    if (!s->at[i].chosen) continue;
    VJ_TRY(vj_chosen_space_find(c->sweeps, &s->at[i], &space));
    c->edges[i] = vj_chosen_space_edges(c->sweeps, &space);
  }
  return VJ_OK;
}

static vj_status select_and_print(const vj_command *command, const vj_sweep_pool *sweeps, int best) {
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  choice c = {.sweeps = sweeps, .has_arms = sweeps->at[0]->has_arms};
  VJ_TRY(vj_select_settings(sweeps, vj_command_text(command, "METRIC"), best, vj_command_text(command, "--arms"),
                            &c.selection));
  VJ_TRY(find_edges(&c));
  return vj_format_is_exact(format) ? print_records(&c, format) : print_table(&c, format);
}

vj_status vj_best_select(const vj_command *command, int best) {
  vj_sweep_pool sweeps;
  vj_status status = vj_sweep_pool_open(vj_command_text(command, "DIR"), &sweeps);
  if (status == VJ_OK) status = select_and_print(command, &sweeps, best);
  vj_sweep_pool_close(&sweeps);
  return status;
}
