/* `vjvcr show DIR TRIAL`: everything that is known of one trial. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/results/setting_rows.h"
#include "sweeps/run/layout.h"
#include "analysis/output/row_writer.h"
#include "analysis/results/sweep_status.h"
#include "analysis/output/text_table.h"
#include "framework/train/trial.h"
#include "app/verb.h"

/* --- measures -------------------------------------------------------------------------------------------------- */

/* What a trial has of a quantity along its axis: NaN where it measured nothing. Owned by the outcome. */
typedef struct course {
  int64_t count;
  const double *values;
  const int64_t *places; /* training steps completed */
} course;

static vj_status read_course(const vj_results *o, int variable, int64_t trial, course *c) {
  vj_file_variable_info info;
  vj_sweep_file_variable(o->file, variable, &info);
  VJ_TRY(vj_results_axis(o, info.dimension[1], &c->places, &c->count));
  double *values = vj_pool_take(o->pool, (size_t)c->count * sizeof *values);
  if (!values) return vj_fail(VJ_MEMORY, "no memory for %s", info.name);
  c->values = values;
  return vj_sweep_file_read(o->file, variable, (int64_t[]){trial, 0}, (int64_t[]){1, c->count}, values);
}

/* A quantity's first and last number among the rows that are whole. */
typedef struct measured {
  const char *name, *units;
  double start, end;
  int64_t start_step, end_step;
} measured;

static bool summarise(const course *c, const vj_file_variable_info *info, int64_t committed, measured *m) {
  int64_t last = c->count - 1, first = 0;
  while (last >= 0 && (c->places[last] > committed || !isfinite(c->values[last]))) last--;
  if (last < 0) return false;
  while (!isfinite(c->values[first])) first++;
  *m = (measured){info->name, info->units, c->values[first], c->values[last], c->places[first], c->places[last]};
  if (!m->units || strcmp(m->units, "1") == 0) m->units = "";
  return true;
}

/* Everything that is one number a step or an evaluation; owned by the outcome. */
static vj_status measure(const vj_results *o, int64_t trial, measured **list, int64_t *count) {
  const int variables = vj_sweep_file_variable_count(o->file);
  *count = 0;
  *list = vj_pool_take(o->pool, (size_t)variables * sizeof **list);
  if (!*list) return vj_fail(VJ_MEMORY, "no memory for what a trial measured");
  for (int v = 0; v < variables && o->committed[trial] > 0; v++) {
    vj_file_variable_info info;
    course c;
    vj_sweep_file_variable(o->file, v, &info);
    if (info.rank != 2 || info.type != VJ_FILE_DOUBLE) continue;
    VJ_TRY(read_course(o, v, trial, &c));
    *count += summarise(&c, &info, o->committed[trial], &(*list)[*count]);
  }
  return VJ_OK;
}

static void print_lists(const vj_results *o) {
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

static vj_status print_measured(const vj_results *o, int64_t trial, vj_format format) {
  static const char *const headings[] = {"measured", "start", "step", "end", "step", "unit"};
  measured *list;
  int64_t count;
  vj_table *table = NULL;
  VJ_TRY(measure(o, trial, &list, &count));
  if (o->committed[trial] <= 0) return VJ_OK;
  VJ_TRY(vj_table_create(&table));
  for (int i = 0; i < 6; i++) vj_table_column(table, headings[i], i > 0 && i < 5);
  for (int64_t i = 0; i < count; i++) {
    vj_table_cell(table, "%s", list[i].name);
    vj_table_cell(table, "%.5g", list[i].start);
    vj_table_cell(table, "%lld", (long long)list[i].start_step);
    vj_table_cell(table, "%.5g", list[i].end);
    vj_table_cell(table, "%lld", (long long)list[i].end_step);
    vj_table_cell(table, "%s", list[i].units);
  }
  putchar('\n');
  vj_table_end(&table, format, stdout);
  if (format == VJ_FORMAT_MARKDOWN) putchar('\n');
  print_lists(o);
  return VJ_OK;
}

/* --- the rest -------------------------------------------------------------------------------------------------- */

static void print_state(const vj_sweep_status *s, int64_t trial) {
  const vj_results *o = s->results;
  const char *who = vj_sweep_status_who(s, trial);
  const int64_t attempts = trial < s->ledger.count ? s->ledger.of[trial].attempts : 0;
  printf("state     %s%s", vj_sweep_status_state(s, trial), s->state[trial] == VJ_TRIAL_PRUNED ? " early" : "");
  if (attempts) printf(", attempt %lld", (long long)attempts);
  if (who[0]) printf(", run by %s", who);
  if (s->state[trial] == VJ_TRIAL_RUNNING && vj_claim_runner(who) == VJ_RUNNER_GONE) fputs(" (gone)", stdout);
  printf("\nsteps     %lld of %lld\n", (long long)vj_results_steps_made(o, trial),
         (long long)vj_results_steps(o, trial));
}

static void print_times(const vj_results *o, int64_t trial) {
  const char *before = "times     ";
#define PRINT_TIME(field, name)                                                                             \
  {                                                                                                         \
    const double seconds = vj_results_newest(o, name, trial);                                               \
    if (isfinite(seconds)) printf("%s%s %.4g s", before, (name) + strlen("time_"), seconds), before = ", "; \
  }
  VJ_TRIAL_TIMES(PRINT_TIME)
#undef PRINT_TIME
  if (before[0] == ',') putchar('\n');
}

/* What a trial of videos has to do with. */
static void print_videos(const vj_results *o, int64_t trial) {
  const int64_t used = vj_results_count(o, VJ_RECORD_VIDEOS, trial);
  const int64_t skipped = vj_results_count(o, VJ_RECORD_SKIPPED, trial);
  const int64_t damaged = vj_results_count(o, VJ_RECORD_DAMAGED, trial);
  if (used < 0) return;
  printf("videos    %lld in use", (long long)used);
  if (skipped > 0) printf(", %lld more can't be read and are skipped", (long long)skipped);
  if (damaged > 0)
    printf(", %lld of them damaged: %s", (long long)damaged, vj_results_text(o, VJ_RECORD_DAMAGED_NAMES, trial));
  putchar('\n');
}

static vj_status print_trial(const vj_sweep_status *s, int64_t trial, vj_format format) {
  const bool is_markdown = format == VJ_FORMAT_MARKDOWN;
  const vj_results *o = s->results;
  const char *title = vj_sweep_file_attribute(o->file, VJ_ATTRIBUTE_TITLE),
             *config = vj_results_text(o, VJ_RECORD_CONFIG, trial);
  const char *arm = vj_results_text(o, VJ_RECORD_ARM, trial), *settings = vj_results_settings(o, trial);
  if (is_markdown) puts("```");
  printf("trial     %lld of %lld (%s)\n", (long long)trial, (long long)o->trials, title ? title : s->folder);
  if (arm[0]) printf("arm       %s\n", arm);
  printf("seed      %lld\n", (long long)o->seed[trial]);
  if (settings[0]) printf("settings  %s\n", settings);
  print_state(s, trial);
  if (s->state[trial] == VJ_TRIAL_FAILED) printf("failure   %s\n", vj_results_text(o, VJ_RECORD_FAILURE, trial));
  if (s->state[trial] == VJ_TRIAL_PRUNED) printf("reason    %s\n", vj_results_text(o, VJ_RECORD_STOP_REASON, trial));
  print_videos(o, trial);
  print_times(o, trial);
  if (is_markdown) puts("```");
  VJ_TRY(print_measured(o, trial, format));
  if (config[0]) printf(is_markdown ? "\n```yaml\n%s```\n" : "\n%s", config);
  return VJ_OK;
}

/* --- for programs ---------------------------------------------------------------------------------------------- */

static vj_status make_records(const vj_results *o, int64_t trial, vj_row_writer *records) {
  static const char *const names[] = {"quantity", "start", "start_step", "end", "end_step", "units"};
  measured *list;
  int64_t count;
  VJ_TRY(measure(o, trial, &list, &count));
  for (int i = 0; i < 6; i++) vj_row_writer_column(records, names[i]);
  for (int64_t i = 0; i < count; i++) {
    vj_row_writer_text(records, list[i].name);
    vj_row_writer_number(records, list[i].start);
    vj_row_writer_integer(records, list[i].start_step);
    vj_row_writer_number(records, list[i].end);
    vj_row_writer_integer(records, list[i].end_step);
    vj_row_writer_text(records, list[i].units);
  }
  return VJ_OK;
}

static json_t *times_object(const vj_results *o, int64_t trial) {
  json_t *times = json_object();
#define ADD_TIME(field, name) json_object_set_new(times, name, vj_json_number(vj_results_newest(o, name, trial)));
  VJ_TRIAL_TIMES(ADD_TIME)
#undef ADD_TIME
  return times;
}

static json_t *count_or_null(const vj_results *o, const char *name, int64_t trial) {
  const int64_t count = vj_results_count(o, name, trial);
  return count < 0 ? json_null() : json_integer(count);
}

static json_t *videos_object(const vj_results *o, int64_t trial) {
  if (vj_results_count(o, VJ_RECORD_VIDEOS, trial) < 0) return json_null();
  json_t *videos = json_object();
  json_object_set_new(videos, "in_use", count_or_null(o, VJ_RECORD_VIDEOS, trial));
  json_object_set_new(videos, "skipped", count_or_null(o, VJ_RECORD_SKIPPED, trial));
  json_object_set_new(videos, "damaged", count_or_null(o, VJ_RECORD_DAMAGED, trial));
  json_object_set_new(videos, "damaged_names", vj_json_text(vj_results_text(o, VJ_RECORD_DAMAGED_NAMES, trial)));
  return videos;
}

static json_t *trial_object(const vj_sweep_status *s, int64_t trial, const vj_row_writer *measures) {
  const vj_results *o = s->results;
  const char *who = vj_sweep_status_who(s, trial), *reason = vj_results_reason(o, trial);
  json_t *object = json_object();
  json_object_set_new(object, "trial", json_integer(trial));
  json_object_set_new(object, "arm", vj_json_text(vj_results_text(o, VJ_RECORD_ARM, trial)));
  json_object_set_new(object, "seed", json_integer(o->seed[trial]));
  json_object_set_new(object, "settings", vj_json_settings(o, trial));
  json_object_set_new(object, "state", vj_json_text(vj_sweep_status_state(s, trial)));
  json_object_set_new(object, "attempts", json_integer(trial < s->ledger.count ? s->ledger.of[trial].attempts : 0));
  json_object_set_new(object, "run_by", who[0] ? vj_json_text(who) : json_null());
  json_object_set_new(object, "reason", reason[0] ? vj_json_text(reason) : json_null());
  json_object_set_new(object, "step", json_integer(vj_results_steps_made(o, trial)));
  json_object_set_new(object, "steps", json_integer(vj_results_steps(o, trial)));
  json_object_set_new(object, "videos", videos_object(o, trial));
  json_object_set_new(object, "times", times_object(o, trial));
  json_object_set_new(object, "measured", vj_row_writer_array(measures));
  json_object_set_new(object, "config", vj_json_text(vj_results_text(o, VJ_RECORD_CONFIG, trial)));
  return object;
}

/* CSV has what was measured alone. */
static vj_status print_exact(const vj_sweep_status *s, int64_t trial, vj_format format) {
  vj_row_writer *records = NULL;
  VJ_TRY(vj_row_writer_create(&records));
  vj_status status = make_records(s->results, trial, records);
  if (status == VJ_OK)
    status = format == VJ_FORMAT_JSON ? vj_json_print(trial_object(s, trial, records), stdout)
                                      : vj_row_writer_print(records, format, stdout);
  vj_row_writer_destroy(&records);
  return status;
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

static vj_status show(vj_command *command) {
  const vj_format format = (vj_format)vj_command_choice(command, "--format");
  vj_sweep_status s;
  int64_t trial;
  VJ_TRY(vj_sweep_status_read(vj_command_text(command, "DIR"), &s));
  vj_status status = vj_sweep_file_check_rows(s.results->file);
  if (status == VJ_OK) status = vj_command_trial(command, "TRIAL", s.results->trials, &trial);
  if (status == VJ_OK)
    status = vj_format_is_exact(format) ? print_exact(&s, trial, format) : print_trial(&s, trial, format);
  vj_sweep_status_close(&s);
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"TRIAL", VJ_VALUE_TRIAL, .doc = "the number of a trial, as ls lists them"},
    VJ_ROW_FORMAT,
};

const vj_verb vj_verb_show = {.name = "show",
                              .summary = "everything that is known of one trial",
                              .rows = rows,
                              .row_count = VJ_COUNT(rows),
                              .notes =
                                  "csv has what was measured alone; the others have settings, state, times and the "
                                  "configuration, too.\n",
                              .reads = "DIR/sweep.h5 and DIR/ledger.\n",
                              .examples = "vjvcr show runs/demo 3\n",
                              .run = show};
