/* `vjvcr show DIR TRIAL`: everything that is known of one trial. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "standing.h"
#include "table.h"
#include "train/trial.h"
#include "verbs.h"

static const char *const state_words[] = {"waiting", "running", "done", "failed", "stopped early"};

/* --- measures -------------------------------------------------------------------------------------------------- */

/* What a trial has of a quantity along its axis: NaN where it measured nothing. Owned by the outcome. */
typedef struct course {
  int64_t count;
  const double *values;
  const int64_t *places; /* training steps completed */
} course;

static vj_status read_course(const vj_outcome *o, int variable, int64_t trial, course *c) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, variable, &info);
  c->count = info.size[1];
  double *values = vj_pool_take(o->pool, (size_t)c->count * sizeof *values);
  int64_t *places = vj_pool_take(o->pool, (size_t)c->count * sizeof *places);
  if (!values || !places) return vj_fail(VJ_MEMORY, "no memory for %s", info.name);
  const int axis = vj_sweep_file_find(o->file, info.dimension[1]);
  VJ_TRY(vj_sweep_file_read(o->file, axis, (int64_t[]){0}, &c->count, places));
  VJ_TRY(vj_sweep_file_read(o->file, variable, (int64_t[]){trial, 0}, (int64_t[]){1, c->count}, values));
  c->values = values;
  c->places = places;
  return VJ_OK;
}

static void place_cells(vj_table *table, const course *c, int64_t row) {
  vj_table_cell(table, "%.5g", c->values[row]);
  vj_table_cell(table, "%lld", (long long)c->places[row]);
}

/* The first and the last number among the rows that are whole. */
static void add_course(const course *c, const vj_file_variable_info *info, int64_t committed, vj_table *table) {
  int64_t last = c->count - 1, first = 0;
  while (last >= 0 && (c->places[last] > committed || !isfinite(c->values[last]))) last--;
  if (last < 0) return;
  while (!isfinite(c->values[first])) first++;
  vj_table_cell(table, "%s", info->name);
  place_cells(table, c, first);
  place_cells(table, c, last);
  vj_table_cell(table, "%s", info->units && strcmp(info->units, "1") != 0 ? info->units : "");
}

static void print_lists(const vj_outcome *o) {
  const char *before = "more than a number each, in sweep.h5: ";
  for (int v = 0; v < vj_sweep_file_variable_count(o->file); v++) {
    vj_file_variable_info info;
    vj_sweep_file_variable(o->file, v, &info);
    if (info.rank < 3) continue;
    printf("%s%s", before, info.name);
    before = ", ";
  }
  if (before[0] == ',') putchar('\n');
}

static vj_status print_courses(const vj_outcome *o, int64_t trial) {
  static const char *const headings[] = {"measured", "start", "step", "end", "step", "unit"};
  vj_table *table = NULL;
  vj_status status = VJ_OK;
  if (o->committed[trial] <= 0) return VJ_OK;
  VJ_TRY(vj_table_create(&table));
  for (int i = 0; i < 6; i++) vj_table_column(table, headings[i], i > 0 && i < 5);
  for (int v = 0; v < vj_sweep_file_variable_count(o->file) && status == VJ_OK; v++) {
    vj_file_variable_info info;
    course c;
    vj_sweep_file_variable(o->file, v, &info);
    if (info.rank != 2 || info.type != VJ_FILE_DOUBLE) continue;
    status = read_course(o, v, trial, &c);
    if (status == VJ_OK) add_course(&c, &info, o->committed[trial], table);
  }
  putchar('\n');
  if (status == VJ_OK) vj_table_print(table, stdout);
  if (status == VJ_OK) print_lists(o);
  vj_table_destroy(&table);
  return status;
}

/* --- the rest -------------------------------------------------------------------------------------------------- */

static void print_state(const vj_standing *s, int64_t trial) {
  const vj_outcome *o = s->outcome;
  const char *who = vj_standing_who(s, trial);
  const int64_t attempts = trial < s->claims.count ? s->claims.of[trial].attempts : 0;
  printf("state     %s", state_words[s->state[trial]]);
  if (attempts) printf(", attempt %lld", (long long)attempts);
  if (who[0]) printf(", run by %s", who);
  if (s->state[trial] == VJ_TRIAL_RUNNING && vj_claim_runner(who) == VJ_RUNNER_GONE) fputs(" (gone)", stdout);
  const int64_t made = o->committed[trial] > 0 ? o->committed[trial] : 0;
  printf("\nsteps     %lld of %lld\n", (long long)made, (long long)vj_outcome_steps(o, trial));
}

static void print_times(const vj_outcome *o, int64_t trial) {
  const char *before = "times     ";
#define PRINT_TIME(field, name, doc)                                                                        \
  {                                                                                                         \
    const vj_report_column c = {.quantity = name, .at = VJ_REPORT_LAST, .index = VJ_REPORT_SCALAR};         \
    const double seconds = vj_outcome_number(o, &c, trial);                                                 \
    if (isfinite(seconds)) printf("%s%s %.4g s", before, (name) + strlen("time_"), seconds), before = ", "; \
  }
  VJ_RECORD_TIMES(PRINT_TIME)
#undef PRINT_TIME
  if (before[0] == ',') putchar('\n');
}

static vj_status print_trial(const vj_standing *s, int64_t trial) {
  const vj_outcome *o = s->outcome;
  const char *title = vj_sweep_file_attribute(o->file, "title"), *config = vj_outcome_text(o, "config", trial);
  const char *arm = vj_outcome_text(o, "arm", trial), *settings = vj_outcome_settings(o, trial);
  printf("trial     %lld of %lld (%s)\n", (long long)trial, (long long)o->trials, title ? title : s->folder);
  if (arm[0]) printf("arm       %s\n", arm);
  printf("seed      %lld\n", (long long)o->seed[trial]);
  if (settings[0]) printf("settings  %s\n", settings);
  print_state(s, trial);
  if (s->state[trial] == VJ_TRIAL_FAILED) printf("failure   %s\n", vj_outcome_text(o, VJ_RECORD_FAILURE, trial));
  if (s->state[trial] == VJ_TRIAL_STOPPED) printf("reason    %s\n", vj_outcome_text(o, VJ_RECORD_STOP_REASON, trial));
  print_times(o, trial);
  VJ_TRY(print_courses(o, trial));
  if (config[0]) printf("\n%s", config);
  return VJ_OK;
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static vj_status show(const char *folder, const char *word) {
  vj_standing s;
  char *end = NULL;
  VJ_TRY(vj_standing_look(folder, &s));
  const int64_t trial = strtoll(word, &end, 10), last = s.outcome->trials - 1;
  vj_status status = VJ_OK;
  if (end == word || *end || trial < 0 || trial > last)
    status = vj_fail(VJ_USAGE, "TRIAL: expected a number from 0 to %lld, got \"%s\"", (long long)last, word);
  if (status == VJ_OK) status = print_trial(&s, trial);
  vj_standing_close(&s);
  return status;
}

int vj_verb_show(int argc, char **argv) {
  const vj_status status =
      argc == 3 && argv[1][0] != '-' ? show(argv[1], argv[2]) : vj_fail(VJ_USAGE, "usage: vjvcr show DIR TRIAL");
  return status == VJ_OK ? 0 : vj_report_failure(status);
}
