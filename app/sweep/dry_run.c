#include "app/sweep/dry_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/bench/precisions.h"
#include "app/blas_core.h"
#include "app/sweep/arm_table.h"
#include "sweeps/pruning/pruner.h"
#include "sweeps/run/layout.h"
#include "sweeps/schedule/makespan.h"
#include "sweeps/run/resume/resume_match.h"
#include "sweeps/run/disk_check.h"
#include "sweeps/schedule/trial_schedule.h"
#include "framework/base/machine_memory.h"
#include "analysis/output/terminal.h"
#include "app/sweep/rank_table.h"
#include "app/sweep/scale_warning.h"
#include "analysis/output/text_table.h"
#include "app/sweep/timed_dry_run.h"

typedef struct dry_run {
  vj_experiment *experiment;
  const vj_comm *world;
  const vj_space *space;
  const vj_report_spec *report;
  const vj_question *question;
  vj_trial_schedule *schedule;
  int ranks_here;                 /* ranks on this host */
  vj_sweep_layout *layout;        /* on world rank 0 */
  int64_t *like;                  /* as the layout's, on all ranks */
  vj_rank_question rank_question; /* on world rank 0 */
  vj_stopping_axis axis;          /* of the metric of early stopping; on world rank 0 */
} dry_run;

static const double mebibyte = 1048576, gibibyte = 1073741824;

/* --- the trials ------------------------------------------------------------------------------------------------ */

static const char *settings_text(vj_pool *pool, const vj_trial *trial) {
  const char *text = "";
  for (int64_t i = 0; i < trial->setting_count; i++) {
    const vj_yaml *value = trial->settings[i].value;
    text =
        vj_pool_format(pool, "%s%s%s=%s", text, i ? " " : "", trial->settings[i].key, vj_yaml_value_text(pool, value));
  }
  return text;
}

static void add_trial(vj_pool *pool, vj_table *table, const vj_trial *trial, const char *problem) {
  vj_table_cell(table, "%lld", (long long)trial->index);
  vj_table_cell(table, "%s", trial->arm);
  vj_table_cell(table, "%llu", (unsigned long long)trial->seed);
  vj_table_cell(table, "%lld", (long long)trial->config->optim.steps);
  vj_table_cell(table, "%s%s%s", settings_text(pool, trial), problem ? "  CAN'T RUN: " : "", problem ? problem : "");
}

/* One row for the trials from `first` up to `end`. */
static void add_others(vj_table *table, const vj_sweep_layout *layout, int64_t first, int64_t end) {
  int64_t problems = 0;
  for (int64_t i = first; i < end; i++) problems += layout->problems[i] != NULL;
  vj_table_cell(table, "...");
  for (int column = 1; column < 4; column++) vj_table_cell(table, "%s", "");
  if (problems)
    vj_table_cell(table, "%lld more, %lld of which CAN'T RUN", (long long)(end - first), (long long)problems);
  else
    vj_table_cell(table, "%lld more", (long long)(end - first));
}

static vj_status print_trials(vj_pool *pool, const vj_space *space, const vj_sweep_layout *layout) {
  enum { MOST_SHOWN = 40, AT_EACH_END = 10 };
  const int64_t count = space->trial_count;
  const int64_t first_left_out = count > MOST_SHOWN ? AT_EACH_END : count;
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  vj_table_column(table, "trial", true);
  vj_table_column(table, "arm", false);
  vj_table_column(table, "seed", true);
  vj_table_column(table, "steps", true);
  vj_table_column(table, "settings", false);
  for (int64_t i = 0; i < first_left_out; i++) add_trial(pool, table, &space->trials[i], layout->problems[i]);
  if (first_left_out < count) add_others(table, layout, first_left_out, count - AT_EACH_END);
  for (int64_t i = first_left_out < count ? count - AT_EACH_END : count; i < count; i++)
    add_trial(pool, table, &space->trials[i], layout->problems[i]);
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}

/* --- what they need -------------------------------------------------------------------------------------------- */

static const char *ending(int64_t count) { return count == 1 ? "" : "s"; }

static const char *results_folder(const dry_run *d) {
  const vj_experiment *e = d->experiment;
  const char *output = vj_command_text(e->command, "-o");
  return output ? output : vj_pool_format(e->pool, "runs/%s", d->space->trials[0].config->name);
}

enum { BYTES_TEXT = 32 };
static const char *bytes_text(double bytes, char text[BYTES_TEXT]) {
  const bool large = bytes >= gibibyte;
  snprintf(text, BYTES_TEXT, "%.*f %s", large || bytes < 10 * mebibyte ? 1 : 0, bytes / (large ? gibibyte : mebibyte),
           large ? "GiB" : "MiB");
  return text;
}

static bool fits_into_memory(const dry_run *d) {
  return d->ranks_here * (double)d->layout->memory_bytes <= vj_machine_memory(NULL);
}

static void print_memory(const dry_run *d) {
  const double rank = (double)d->layout->memory_bytes, there = vj_machine_memory(NULL);
  char of_rank[BYTES_TEXT], of_host[BYTES_TEXT];
  printf("memory: %d rank%s of %s on this host, which has %s", d->ranks_here, ending(d->ranks_here),
         bytes_text(rank, of_rank), bytes_text(there, of_host));
  if (rank > there)
    fputs(": DOES NOT FIT; use more ranks for a trial, or smaller trials", stdout);
  else if (!fits_into_memory(d))
    printf(": DOES NOT FIT; start at most %.0f rank%s on it", floor(there / rank), ending((int64_t)(there / rank)));
  putchar('\n');
}

/* Where the sweep uses bf16, and this processor is slow at it. */
static vj_status print_precision(const dry_run *d) {
  bool used = false;
  for (int64_t i = 0; i < d->space->trial_count; i++)
    used = used || d->space->trials[i].config->optim.precision == VJ_BF16;
  if (!used) return VJ_OK;
  vj_precisions found;
  char text[VJ_PRECISIONS_BYTES];
  VJ_TRY(vj_precisions_measure(&found));
  if (vj_precisions_advice(&found, text)[0]) printf("precision: %s\n", text);
  return VJ_OK;
}

/* With --resume: how many trials an earlier run's folder has already, or why it can't be gone on with. */
static vj_status print_added(const dry_run *d) {
  const vj_experiment *e = d->experiment;
  const char *folder = results_folder(d), *path = folder ? vj_pool_format(e->pool, "%s/sweep.h5", folder) : NULL;
  vj_sweep_file *file = NULL;
  vj_resume_match match;
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (!vj_command_has(e->command, "--resume") || access(path, F_OK) != 0) return VJ_OK;
  VJ_TRY(vj_sweep_file_read_only(path, &file));
  const vj_status status = vj_resume_match_trials(e->pool, file, path, d->space, &vj_terms_of_resume, &match);
  vj_sweep_file_close(&file);
  VJ_TRY(status);
  const int64_t added = d->space->trial_count - match.known;
  printf("%lld of them %s in %s already, %lld would be added\n", (long long)match.known,
         match.known == 1 ? "is" : "are", path, (long long)added);
  return VJ_OK;
}

/* What a sweep writes: its file and the ledger, and the checkpoints of the trials that run. */
static void print_disk(const dry_run *d) {
  const char *folder = results_folder(d);
  const vj_disk_need room =
      vj_disk_need_of(d->layout, d->space->trial_count, d->world->size / d->schedule->least, folder ? folder : ".");
  char records[BYTES_TEXT], checkpoints[BYTES_TEXT], there[BYTES_TEXT];
  printf("disk: %s for sweep.h5 and the ledger, up to %s for checkpoints", bytes_text(room.records, records),
         bytes_text(room.checkpoints, checkpoints));
  if (room.free >= 0) printf("; %s are free for %s", bytes_text(room.free, there), room.folder);
  if (!vj_disk_need_fits(&room)) fputs(": DOES NOT FIT; make room, or choose another folder with -o", stdout);
  putchar('\n');
}

/* "2 groups of 4 ranks", or "8 ranks: 2 on 4 ranks each, 10 on 1 rank" */
static const char *groups_text(const dry_run *d) {
  const vj_trial_schedule *s = d->schedule;
  vj_pool *pool = d->experiment->pool;
  const int groups = s->ranks / s->most;
  const char *text =
      s->most == s->least
          ? vj_pool_format(pool, "%d group%s of %d rank%s", groups, ending(groups), s->most, ending(s->most))
          : vj_pool_format(pool, "%d ranks: %s", s->ranks, vj_trial_schedule_text(pool, s));
  return text ? text : "";
}

enum { RUNGS_SHOWN = 12, RUNGS_TEXT = 16 * RUNGS_SHOWN };

/* "36, 108 steps": where the first trial that can end early is decided on. */
static const char *places_text(const vj_stopping *s, vj_stopping_axis axis, const vj_config *config,
                               char text[RUNGS_TEXT]) {
  int64_t shown = 0;
  text[0] = '\0';
  for (int64_t done = s->grace_steps; done < config->optim.steps; done++) {
    if (!vj_stopping_place(s, axis, config, done)) continue;
    const size_t used = strlen(text);
    snprintf(text + used, RUNGS_TEXT - used, shown == RUNGS_SHOWN - 1 ? ", .." : "%s%lld", shown ? ", " : "",
             (long long)done);
    if (++shown == RUNGS_SHOWN) break;
  }
  return text;
}

static double expected_share(const dry_run *d, int64_t trial) {
  if (!d->space->stopping) return 1;
  return vj_stopping_expected_share(d->space->stopping, d->axis, d->space->trials[trial].config);
}

static void print_stopping(const dry_run *d) {
  const vj_stopping *s = d->space->stopping;
  double made = 0, steps = 0;
  char text[RUNGS_TEXT] = "";
  if (!s) return;
  for (int64_t i = 0; i < d->space->trial_count; i++) {
    const vj_config *config = d->space->trials[i].config;
    made += expected_share(d, i) * (double)config->optim.steps;
    steps += (double)config->optim.steps;
    if (!text[0]) places_text(s, d->axis, config, text);
  }
  const bool is_asha = s->type == VJ_STOPPING_ASHA;
  printf("early stopping: %s by %s, %s first; %s after %s steps; about %.0f%% of all steps, if %s\n",
         is_asha ? "asha" : "median", s->metric, s->mode == VJ_STOPPING_MAX ? "highest" : "lowest",
         is_asha ? "rungs" : "decisions", text, 100 * made / steps,
         is_asha ? "trials come in no order of quality" : "half of the trials end at the first");
}

/* Of the first trial that there are videos for: clips of one video are no independent samples. */
static void print_videos(const dry_run *d) {
  int64_t i = 0;
  while (i < d->space->trial_count && d->layout->videos[i] == 0) i++;
  if (i == d->space->trial_count) return;
  const int64_t *const seen = d->layout->seen[i];
  printf("videos: %lld in use; losses and measures see %lld of validation", (long long)d->layout->videos[i],
         (long long)seen[VJ_SPLITS]);
  if (d->space->trials[i].config->eval.probe_count)
    printf(", probes %lld of training, %lld of validation, %lld of test", (long long)seen[VJ_TRAIN],
           (long long)seen[VJ_VALIDATION], (long long)seen[VJ_TEST]);
  putchar('\n');
}

/* What is asked, and what the answer will be taken from. */
static void print_question(const vj_question *q) {
  if (!q) return;
  printf("question: %s\n", q->asked);
  for (int64_t i = 0; i < q->claim_count; i++) printf("  claimed: %s\n", q->claims[i].text);
  for (int64_t i = 0; i < q->requirement_count; i++) printf("  required: %s\n", q->requirements[i].text);
}

static vj_status print_needs(const dry_run *d) {
  const int64_t trials = d->space->trial_count;
  VJ_TRY(print_trials(d->experiment->pool, d->space, d->layout));
  VJ_TRY(vj_arm_table_print(d->experiment->pool, d->experiment->root, d->space));
  printf("\n%lld trial%s on %s; %.2f million parameters\n", (long long)trials, ending(trials), groups_text(d),
         (double)d->layout->parameter_count / 1e6);
  print_question(d->question);
  VJ_TRY(print_added(d));
  if (d->space->repeats) printf("%s\n", d->space->repeats);
  if (d->space->alike) printf("%s\n", d->space->alike);
  print_videos(d);
  print_memory(d);
  print_disk(d);
  VJ_TRY(print_precision(d));
  print_stopping(d);
  fflush(stdout);
  return VJ_OK;
}

/* --- how many ranks for a trial --------------------------------------------------------------------------------- */

/* `measured`: times of each trial, or NULL. */
static vj_status print_advice(const dry_run *d, const vj_trial_time *measured) {
  vj_rank_question question = d->rank_question;
  const int64_t trials = d->space->trial_count;
  double *share = vj_pool_take(d->experiment->pool, (size_t)trials * sizeof *share);
  if (!share) return vj_fail(VJ_MEMORY, "no memory to compare numbers of ranks");
  for (int64_t i = 0; i < trials; i++) share[i] = expected_share(d, i);
  question.share = share;
  question.measured = measured;
  return vj_rank_table_print(d->experiment->pool, &question, measured != NULL);
}

/* --- how long they take ---------------------------------------------------------------------------------------- */

static void add_timing(vj_table *table, const dry_run *d, int64_t trial, const vj_timing *t) {
  int64_t alike = 0;
  for (int64_t i = 0; i < d->space->trial_count; i++) alike += d->like[i] == trial;
  char text[VJ_DURATION_BYTES];
  vj_table_cell(table, "%lld", (long long)trial);
  vj_table_cell(table, "%lld", (long long)alike);
  if (t->problem) {
    for (int column = 0; column < 2; column++) vj_table_cell(table, "-");
    vj_table_cell(table, "FAILS: %s", t->problem);
    return;
  }
  vj_table_cell(table, "%.4g ms", 1e3 * t->step);
  vj_table_cell(table, "%.3g s", t->last);
  vj_table_cell(table, "%s", vj_duration_text(vj_timing_of_trial(t, d->space->trials[trial].config), text));
}

static vj_status print_timings(const dry_run *d, const vj_timing *timings) {
  static const char *const headings[] = {"like trial", "trials", "step", "last evaluation", "whole trial"};
  vj_table *table = NULL;
  VJ_TRY(vj_table_create(&table));
  for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++) vj_table_column(table, headings[i], i < 4);
  for (int64_t i = 0; i < d->space->trial_count; i++)
    if (d->like[i] == i) add_timing(table, d, i, &timings[i]);
  putchar('\n');
  vj_table_end(&table, VJ_FORMAT_TEXT, stdout);
  return VJ_OK;
}

/* A trial that fails in its first steps takes no time. */
static vj_status print_estimate(const dry_run *d, const vj_timing *timings) {
  const int64_t trials = d->space->trial_count;
  char text[VJ_DURATION_BYTES];
  vj_pool *pool = d->experiment->pool;
  double seconds, *each = vj_pool_take(pool, (size_t)trials * sizeof *each);
  vj_trial_time *measured = vj_pool_take(pool, (size_t)trials * sizeof *measured);
  if (!each || !measured) return vj_fail(VJ_MEMORY, "no memory for the times of %lld trials", (long long)trials);
  VJ_TRY(print_timings(d, timings));
  for (int64_t i = 0; i < trials; i++) {
    const vj_timing *t = d->like[i] < 0 ? NULL : &timings[d->like[i]];
    if (!t || t->problem) continue;
    const double whole = vj_timing_of_trial(t, d->space->trials[i].config);
    each[i] = expected_share(d, i) * whole;
    measured[i] = (vj_trial_time){.step = t->step, .fixed = t->start};
    measured[i].shared = whole - t->start - (double)d->space->trials[i].config->optim.steps * t->step;
  }
  VJ_TRY(vj_makespan(d->schedule, each, &seconds));
  printf("\nthe whole sweep: about %s on %s%s\n", vj_duration_text(seconds, text), groups_text(d),
         d->space->stopping ? ", with early stopping" : "");
  return print_advice(d, measured);
}

static vj_status time_trials(const dry_run *d) {
  const int64_t trials = d->space->trial_count;
  vj_timing *timings = vj_pool_take(d->experiment->pool, (size_t)trials * sizeof *timings);
  int64_t sizes = 0, tried = 0;
  for (int64_t i = 0; i < trials; i++) sizes += d->like[i] == i;
  VJ_TRY(vj_comm_agree(d->world, timings ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for timings")));
  VJ_TRY(vj_comm_agree(d->world, d->world->rank == 0 ? vj_blas_self_check() : VJ_OK));
  for (int64_t i = 0; i < trials; i++) {
    if (d->like[i] != i) continue;
    if (d->world->rank == 0 && sizes > 1)
      fprintf(stderr, "trying size %lld of %lld\n", (long long)++tried, (long long)sizes);
    VJ_TRY(
        vj_timing_measure(d->experiment->pool, d->world, d->schedule->of_trial[i], &d->space->trials[i], &timings[i]));
  }
  return vj_comm_agree(d->world, d->world->rank == 0 ? print_estimate(d, timings) : VJ_OK);
}

/* --- whole ----------------------------------------------------------------------------------------------------- */

static vj_status count_ranks_here(dry_run *d) {
  MPI_Comm here;
  if (MPI_Comm_split_type(d->world->mpi, MPI_COMM_TYPE_SHARED, d->world->rank, MPI_INFO_NULL, &here) != MPI_SUCCESS)
    return vj_fail(VJ_COMM, "the ranks of this host can't be counted");
  MPI_Comm_size(here, &d->ranks_here);
  MPI_Comm_free(&here);
  return VJ_OK;
}

static bool is_timed(const dry_run *d) {
  return strcmp(vj_command_text(d->experiment->command, "--dry-run"), "timed") == 0;
}

static vj_status look(dry_run *d) {
  VJ_TRY(vj_sweep_layout_create(d->experiment->pool, d->experiment->root, d->space, d->schedule->of_trial, &d->layout));
  VJ_TRY(vj_report_check_layout(d->report, &d->layout->file));
  VJ_TRY(vj_question_check_layout(d->question, &d->layout->file));
  VJ_TRY(vj_criterion_check(d->space->criterion, &d->layout->file));
  VJ_TRY(vj_pruner_check(d->space, &d->layout->file, NULL, &d->axis));
  memcpy(d->like, d->layout->like, (size_t)d->space->trial_count * sizeof *d->like);
  VJ_TRY(vj_trial_schedule_sort(d->schedule, d->space, d->layout->work));
  d->rank_question = (vj_rank_question){
      .space = d->space, .like = d->layout->like, .work = d->layout->work, .measured_ranks = d->schedule->of_trial};
  VJ_TRY(vj_rank_table_machine(d->experiment, d->world->size, d->ranks_here, &d->rank_question));
  const char *note = vj_trial_schedule_note(d->experiment->pool, d->schedule);
  if (note) fprintf(stderr, "%s\n", note);
  const char *warning = vj_scale_warning(d->experiment->pool, d->space);
  if (warning) fprintf(stderr, "%s\n", warning);
  VJ_TRY(print_needs(d));
  if (!is_timed(d)) return print_advice(d, NULL);
  if (fits_into_memory(d)) return VJ_OK;
  return vj_fail(VJ_USAGE, "--dry-run=timed: the trials do not fit into this host's memory, so none is tried");
}

vj_status vj_dry_run(vj_experiment *experiment, const vj_comm *world, const vj_space *space,
                     const vj_report_spec *report, const vj_question *question) {
  dry_run d = {.experiment = experiment, .world = world, .space = space, .report = report, .question = question};
  const size_t bytes = (size_t)space->trial_count * sizeof *d.like;
  d.like = vj_pool_take(experiment->pool, bytes);
  VJ_TRY(vj_comm_agree(world, d.like ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for a dry run")));
  VJ_TRY(vj_trial_schedule_create(experiment->pool, space, world->size,
                                  (int)vj_command_count(experiment->command, "--ranks-per-trial"), &d.schedule));
  VJ_TRY(vj_comm_agree(world, count_ranks_here(&d)));
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? look(&d) : VJ_OK));
  if (!is_timed(&d)) return VJ_OK;
  VJ_TRY(vj_comm_broadcast(world, d.like, bytes, 0));
  return time_trials(&d);
}
