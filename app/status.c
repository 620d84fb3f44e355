/* `vjvcr status DIR`: how far a sweep is, who runs it, and whether it is alive; as text or as JSON. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/results/setting_rows.h"
#include "analysis/results/objective.h"
#include "analysis/output/terminal.h"
#include "analysis/output/row_writer.h"
#include "analysis/results/sweep_status.h"
#include "analysis/output/text_table.h"
#include "framework/train/trial.h"
#include "app/standard_files.h"
#include "app/verb.h"

static const char *const state_words[] = {[VJ_SWEEP_FINISHED] = "finished",
                                          [VJ_SWEEP_RUNNING] = "running",
                                          [VJ_SWEEP_INTERRUPTED] = "interrupted",
                                          [VJ_SWEEP_IDLE] = "idle"};

static double share(int64_t part, int64_t whole) { return whole > 0 ? 100 * (double)part / (double)whole : 100; }

/* --- text ------------------------------------------------------------------------------------------------------ */

static void print_counts(const vj_sweep_status *s) {
  const char *title = vj_sweep_file_attribute(s->results->file, VJ_ATTRIBUTE_TITLE);
  char stopped[40] = "";
  if (s->count[VJ_TRIAL_PRUNED])
    snprintf(stopped, sizeof stopped, " %lld stopped early,", (long long)s->count[VJ_TRIAL_PRUNED]);
  printf("%s: %s; %lld trial%s: %lld running, %lld done,%s %lld failed, %lld waiting; %.0f%% of all steps\n",
         title ? title : s->folder, state_words[s->whole], (long long)s->results->trials,
         s->results->trials == 1 ? "" : "s", (long long)s->count[VJ_TRIAL_RUNNING], (long long)s->count[VJ_TRIAL_DONE],
         stopped, (long long)s->count[VJ_TRIAL_FAILED], (long long)s->count[VJ_TRIAL_WAITING],
         floor(share(s->steps_done, s->steps)));
}

/* Today the time alone. */
static void since_cell(vj_table *table, double since, double now) {
  char text[32] = "-";
  struct tm local;
  const time_t seconds = (time_t)since;
  if (isfinite(since) && localtime_r(&seconds, &local))
    strftime(text, sizeof text, now - since < 12 * 3600 ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &local);
  vj_table_cell(table, "%s", text);
}

static void running_row(const vj_sweep_status *s, vj_table *table, int64_t trial) {
  const vj_results *o = s->results;
  const int64_t steps = vj_results_steps(o, trial), made = vj_results_steps_made(o, trial);
  const char *who = vj_sweep_status_who(s, trial);
  vj_table_cell(table, "%lld", (long long)trial);
  if (o->has_arms) vj_table_cell(table, "%s", vj_results_text(o, VJ_RECORD_ARM, trial));
  vj_table_cell(table, "%lld", (long long)o->seed[trial]);
  vj_table_cell(table, "%lld/%lld", (long long)made, (long long)steps);
  vj_table_cell(table, "%.0f%%", floor(share(made, steps)));
  vj_table_cell(table, "%s%s", who[0] ? who : "-", vj_claim_runner(who) == VJ_RUNNER_GONE ? " (gone)" : "");
  since_cell(table, vj_sweep_status_since(s, trial), s->now);
  if (o->setting_count) vj_table_cell(table, "%s", vj_results_settings(o, trial));
}

static vj_status print_running(const vj_sweep_status *s) {
  vj_table *table = NULL;
  if (s->count[VJ_TRIAL_RUNNING] == 0) return VJ_OK;
  VJ_TRY(vj_table_create(&table));
  vj_table_column(table, "trial", true);
  if (s->results->has_arms) vj_table_column(table, "arm", false);
  vj_table_column(table, "seed", true);
  vj_table_column(table, "step", true);
  vj_table_column(table, "", true);
  vj_table_column(table, "run by", false);
  vj_table_column(table, "since", false);
  if (s->results->setting_count) vj_table_column(table, "settings", false);
  for (int64_t i = 0; i < s->results->trials; i++)
    if (s->state[i] == VJ_TRIAL_RUNNING) running_row(s, table, i);
  putchar('\n');
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  putchar('\n');
  return VJ_OK;
}

static void print_name(const vj_sweep_status *s, int64_t trial) {
  const char *arm = vj_results_text(s->results, VJ_RECORD_ARM, trial),
             *settings = vj_results_settings(s->results, trial);
  printf("trial %lld %s%s(seed %lld%s%s)", (long long)trial, arm, arm[0] ? " " : "", (long long)s->results->seed[trial],
         settings[0] ? "; " : "", settings);
}

static void print_failures(const vj_sweep_status *s) {
  for (int64_t i = 0; i < s->results->trials; i++) {
    if (s->state[i] != VJ_TRIAL_FAILED) continue;
    print_name(s, i);
    printf(" failed: %s\n", vj_results_text(s->results, VJ_RECORD_FAILURE, i));
  }
}

static void print_best(const vj_sweep_status *s) {
  if (s->best < 0) return;
  printf("best%s by %s, %s: %.4g, ", s->whole == VJ_SWEEP_FINISHED ? "" : " so far", s->objective.quantity,
         vj_best_word(s->objective.best), s->best_value);
  print_name(s, s->best);
  putchar('\n');
}

static void print_pace(const vj_sweep_status *s) {
  char text[VJ_DURATION_BYTES];
  if (isfinite(s->steps_an_hour))
    printf("%.*f trials and %.0f steps an hour; about %s left\n", s->trials_an_hour < 100, s->trials_an_hour,
           s->steps_an_hour, vj_duration_text(s->seconds_left, text));
  printf("last change %s ago", vj_duration_text(s->now - s->changed, text));
  if (s->whole == VJ_SWEEP_INTERRUPTED) fputs("; who ran it is gone; go on with the same command and --resume", stdout);
  if (s->whole == VJ_SWEEP_IDLE) fputs("; nobody runs it; go on with the same command and --resume", stdout);
  putchar('\n');
  if (s->ledger.damaged)
    printf("%s/ledger: %lld damaged line%s passed over\n", s->folder, (long long)s->ledger.damaged,
           s->ledger.damaged == 1 ? " is" : "s are");
}

static vj_status print_text(const vj_sweep_status *s) {
  print_counts(s);
  VJ_TRY(print_running(s));
  print_failures(s);
  print_best(s);
  print_pace(s);
  return VJ_OK;
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *point_of_time(double unix_time) {
  char written[32];
  struct tm utc;
  const time_t seconds = isfinite(unix_time) ? (time_t)unix_time : 0;
  if (!isfinite(unix_time) || !gmtime_r(&seconds, &utc)) return json_null();
  strftime(written, sizeof written, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return json_string(written);
}

static json_t *trial_object(const vj_sweep_status *s, int64_t trial) {
  json_t *object = json_object();
  json_object_set_new(object, "trial", json_integer(trial));
  json_object_set_new(object, "arm", vj_json_text(vj_results_text(s->results, VJ_RECORD_ARM, trial)));
  json_object_set_new(object, "seed", json_integer(s->results->seed[trial]));
  json_object_set_new(object, "settings", vj_json_settings(s->results, trial));
  return object;
}

static json_t *running_object(const vj_sweep_status *s, int64_t trial) {
  const int64_t steps = vj_results_steps(s->results, trial), made = vj_results_steps_made(s->results, trial);
  const char *who = vj_sweep_status_who(s, trial);
  const vj_runner runner = vj_claim_runner(who);
  json_t *object = trial_object(s, trial);
  json_object_set_new(object, "step", json_integer(made));
  json_object_set_new(object, "steps", json_integer(steps));
  json_object_set_new(object, "percent", json_real(share(made, steps)));
  json_object_set_new(object, "run_by", who[0] ? vj_json_text(who) : json_null());
  json_object_set_new(object, "alive",
                      runner == VJ_RUNNER_UNKNOWN ? json_null() : json_boolean(runner == VJ_RUNNER_ALIVE));
  json_object_set_new(object, "since", point_of_time(vj_sweep_status_since(s, trial)));
  return object;
}

static json_t *best_object(const vj_sweep_status *s) {
  if (s->best < 0) return json_null();
  json_t *object = trial_object(s, s->best);
  json_object_set_new(object, "quantity", vj_json_text(s->objective.quantity));
  json_object_set_new(object, "is_best", json_string(vj_best_word(s->objective.best)));
  json_object_set_new(object, "value", json_real(s->best_value));
  return object;
}

static json_t *counts_object(const vj_sweep_status *s) {
  static const vj_trial_state states[] = {VJ_TRIAL_RUNNING, VJ_TRIAL_DONE, VJ_TRIAL_PRUNED, VJ_TRIAL_FAILED,
                                          VJ_TRIAL_WAITING};
  json_t *object = json_pack("{sI}", "all", (json_int_t)s->results->trials);
  for (size_t i = 0; i < VJ_COUNT(states); i++)
    json_object_set_new(object, vj_trial_state_word(states[i]), json_integer(s->count[states[i]]));
  return object;
}

static json_t *whole_object(const vj_sweep_status *s) {
  json_t *object = json_object(), *running = json_array(), *failed = json_array();
  for (int64_t i = 0; i < s->results->trials; i++) {
    if (s->state[i] == VJ_TRIAL_RUNNING) json_array_append_new(running, running_object(s, i));
    if (s->state[i] != VJ_TRIAL_FAILED) continue;
    json_t *one = trial_object(s, i);
    json_object_set_new(one, "reason", vj_json_text(vj_results_text(s->results, VJ_RECORD_FAILURE, i)));
    json_array_append_new(failed, one);
  }
  const char *title = vj_sweep_file_attribute(s->results->file, VJ_ATTRIBUTE_TITLE);
  json_object_set_new(object, "folder", vj_json_text(s->folder));
  json_object_set_new(object, "name", vj_json_text(title ? title : ""));
  json_object_set_new(object, "state", json_string(state_words[s->whole]));
  json_object_set_new(object, "trials", counts_object(s));
  json_object_set_new(object, "steps_done", json_integer(s->steps_done));
  json_object_set_new(object, "steps", json_integer(s->steps));
  json_object_set_new(object, "running", running);
  json_object_set_new(object, "failed", failed);
  json_object_set_new(object, "best", best_object(s));
  json_object_set_new(object, "trials_an_hour", vj_json_number(s->trials_an_hour));
  json_object_set_new(object, "steps_an_hour", vj_json_number(s->steps_an_hour));
  json_object_set_new(object, "seconds_left", vj_json_number(s->seconds_left));
  json_object_set_new(object, "last_change", point_of_time(s->changed));
  json_object_set_new(object, "seconds_since_change", vj_json_number(fmax(0, s->now - s->changed)));
  json_object_set_new(object, "damaged_ledger_lines", json_integer(s->ledger.damaged));
  return object;
}

/* Watched, each look is one line. */
static vj_status print_json(const vj_sweep_status *s, bool watched) {
  json_t *object = whole_object(s);
  return vj_json_print_as(object, watched ? JSON_COMPACT : JSON_INDENT(2), stdout);
}

/* --- the verb -------------------------------------------------------------------------------------------------- */

typedef struct request {
  const char *folder;
  double watch; /* seconds between two looks; 0: one look */
  bool json;
} request;

/* A terminal shows the newest look alone; in a file a blank line stands between two. */
static void begin_look(const request *r, int64_t looks) {
  static const char clear[] = "\033[H\033[2J";
  if (r->watch <= 0 || r->json) return;
  if (isatty(STDOUT_FILENO))
    fputs(clear, stdout);
  else if (looks)
    putchar('\n');
}

static vj_status look(const request *r, int64_t looks, bool *is_over) {
  vj_sweep_status standing;
  VJ_TRY(vj_sweep_status_read(r->folder, &standing));
  begin_look(r, looks);
  const vj_status status = r->json ? print_json(&standing, r->watch > 0) : print_text(&standing);
  *is_over = standing.whole == VJ_SWEEP_FINISHED;
  vj_sweep_status_close(&standing);
  return status == VJ_OK ? vj_standard_output_check() : status;
}

static vj_status status(vj_command *command) {
  const request r = {.folder = vj_command_text(command, "DIR"),
                     .watch = vj_command_number(command, "--watch"),
                     .json = strcmp(vj_command_text(command, "--format"), "json") == 0};
  bool is_over = false;
  for (int64_t looks = 0;; looks++) {
    VJ_TRY(look(&r, looks, &is_over));
    if (r.watch <= 0 || is_over) return VJ_OK;
    const struct timespec pause = {.tv_sec = (time_t)r.watch, .tv_nsec = (long)(1e9 * fmod(r.watch, 1))};
    nanosleep(&pause, NULL);
  }
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"--watch", VJ_VALUE_NUMBER, .value = "SECONDS", .minimum = 0.1, .maximum = 86400, .unit = "seconds",
     .otherwise = "look once", .doc = "look again and again, so often, until the sweep is finished"},
    VJ_ROW_TEXT_OR_JSON,
};

const vj_verb vj_verb_status = {.name = "status",
                                .summary = "how far a sweep is, who runs it, and whether it is alive",
                                .rows = rows,
                                .row_count = VJ_COUNT(rows),
                                .notes = "Watched as json, each look is one line.\n",
                                .reads = "DIR/sweep.h5 and DIR/ledger.\n",
                                .examples = "vjvcr status runs/demo --watch 5\n",
                                .run = status};
