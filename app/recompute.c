/* `vjvcr recompute DIR TRIAL`: a recorded trial is trained again here, and its bits are compared. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/signals.h"
#include "analysis/results/same_bits.h"
#include "analysis/results/sweep_results.h"
#include "app/bits_print.h"
#include "app/blas_core.h"
#include "app/sweep/progress.h"
#include "app/verb.h"
#include "app/versions.h"
#include "sweeps/run/folder.h"
#include "sweeps/run/recompute.h"

typedef struct recomputation {
  const vj_command *command;
  vj_results *recorded; /* DIR's */
  int64_t number;       /* of the trial there */
  int64_t wanted;       /* steps to train */
  bool is_cut;          /* more are recorded */
  bool to_the_end;      /* of a trial that has ended */
  vj_recorded_trial trial;
  vj_versions versions;
  vj_progress_line line;
  char failure[VJ_FAILURE_BYTES]; /* of the training here; "" if there was none */
} recomputation;

/* --- training ---------------------------------------------------------------------------------------------------- */

/* By the number that the trial has in DIR, and with the steps that are trained. */
static void on_progress(void *context, const vj_sweep_progress *progress) {
  recomputation *r = context;
  vj_sweep_progress its = *progress;
  its.mine.trial = r->number;
  its.mine.steps = its.steps = r->wanted;
  vj_progress_line_show(&r->line, &its);
}

static void on_failure(void *context, int64_t trial, const char *arm, const char *reason) {
  recomputation *r = context;
  (void)trial, (void)arm;
  snprintf(r->failure, sizeof r->failure, "%s", reason);
}

static void on_warning(void *context, int64_t trial, const char *arm, const char *sentence) {
  recomputation *r = context;
  (void)trial, (void)arm;
  vj_progress_line_clear(&r->line);
  fprintf(stderr, "trial %lld: %s\n", (long long)r->number, sentence);
}

static void on_hang(void *context) {
  static const char sentence[] =
      "vjvcr: no step was finished within half an hour, so a rank or a file is lost; nothing was compared\n";
  (void)context;
  if (write(STDERR_FILENO, sentence, sizeof sentence - 1) < 0) _exit(1);
  _exit(vj_status_exit_code(VJ_INTERRUPTED));
}

static vj_status train(recomputation *r, const char *folder) {
  vj_sweep_end end = {0};
  const vj_sweep_options options = {.folder = folder,
                                    .steps = r->wanted > 0 ? r->wanted : 1,
                                    .hang_limit = 1800,
                                    .versions = r->versions,
                                    .progress = on_progress,
                                    .failed = on_failure,
                                    .warned = on_warning,
                                    .hung = on_hang,
                                    .context = r};
  vj_progress_line_start(&r->line);
  vj_signals_catch();
  const vj_status status = vj_recorded_trial_run(r->command->world, &r->trial, &options, &end);
  vj_progress_line_end(&r->line);
  if (status != VJ_INTERRUPTED) return status;
  return vj_fail(VJ_INTERRUPTED,
                 "stopped by a signal before trial %lld was trained as far as it is recorded; nothing "
                 "was compared, and nothing is left behind",
                 (long long)r->number);
}

/* --- what came of it --------------------------------------------------------------------------------------------- */

/* Whether it is the same. */
static bool print_comparison(const recomputation *r, const vj_bits_comparison *c, bool came_so_far) {
  printf("trial %lld: ", (long long)r->number);
  if (c->other_values) vj_bits_print(c, "recorded", "here");
  if (!came_so_far)
    printf("%strained again, it ended after %" PRId64 " of %" PRId64 " steps%s%s\n", c->other_values ? "and " : "",
           c->steps, r->wanted, r->failure[0] ? ": " : "", r->failure);
  if (c->other_values || !came_so_far) return false;
  if (c->values == 0) puts("nothing is recorded that could be compared");
  if (c->values == 0) return false;
  printf("same bits: %" PRId64 " values of %" PRId64 " variables, up to step %" PRId64 " (%s)\n", c->values,
         c->variables, c->steps, r->is_cut ? "of those recorded, as was asked" : "all that is recorded");
  return true;
}

static vj_status print_versions(const recomputation *r) {
  const vj_sweep_file *file = r->recorded->file;
  const char *changes = vj_versions_changes(r->command->pool, file, &r->versions);
  const char *known = vj_versions_text(r->command->pool, file);
  if (!changes || !known) return vj_fail(VJ_MEMORY, "no memory for versions of libraries");
  if (!known[0])
    puts("versions: not recorded, as the sweep is of an earlier version of vjvcr");
  else
    printf("versions: %s\n", changes[0] ? changes : "those it was trained with");
  return VJ_OK;
}

static vj_status compare(const recomputation *r, const char *folder, bool *is_same) {
  vj_results *fresh = NULL;
  vj_bits_comparison found = {0};
  VJ_TRY(vj_results_open(folder, &fresh));
  const vj_bits_row one = {r->recorded->file, r->number, r->recorded->committed[r->number], r->to_the_end};
  const vj_bits_row other = {fresh->file, 0, fresh->committed[0], true};
  vj_status status = vj_same_bits(&one, &other, &found);
  vj_results_close(&fresh);
  if (status != VJ_OK) return status;
  *is_same = print_comparison(r, &found, other.committed >= r->wanted);
  if (found.unknown)
    printf("not compared: %" PRId64 " variables that are measured here and not recorded there\n", found.unknown);
  return print_versions(r);
}

/* --- the verb ---------------------------------------------------------------------------------------------------- */

/* What a trial that still runs has recorded is what it had when we looked, on world rank 0. */
static vj_status choose_steps(recomputation *r) {
  const vj_comm *world = r->command->world;
  const vj_trial_state state = vj_results_state(r->recorded, r->number);
  int64_t chosen[2] = {r->recorded->committed[r->number], state == VJ_TRIAL_DONE || state == VJ_TRIAL_PRUNED};
  vj_status status = VJ_OK;
  if (chosen[0] <= 0 && state == VJ_TRIAL_WAITING)
    status = vj_fail(VJ_USAGE, "trial %lld has not been trained yet: nothing of it is recorded", (long long)r->number);
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? status : VJ_OK));
  const int64_t asked = vj_command_count(r->command, "--steps");
  if (chosen[0] < 0) chosen[0] = 0;
  VJ_TRY(vj_comm_broadcast(world, chosen, sizeof chosen, 0));
  r->is_cut = asked && asked < chosen[0];
  r->wanted = r->is_cut ? asked : chosen[0];
  r->to_the_end = chosen[1] && !r->is_cut;
  return VJ_OK;
}

static vj_status open_recorded(recomputation *r) {
  const vj_command *command = r->command;
  const char *folder = vj_command_text(command, "DIR");
  const char *path = vj_pool_format(command->pool, "%s/sweep.h5", folder);
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  VJ_TRY(vj_results_open(folder, &r->recorded));
  VJ_TRY(vj_command_trial(command, "TRIAL", r->recorded->trials, &r->number));
  VJ_TRY(vj_versions_here(command->pool, &r->versions));
  return vj_recorded_trial_read(command->pool, r->recorded->file, path, r->number, command->settings, &r->trial);
}

static vj_status recompute_with(recomputation *r, int64_t *is_same) {
  const vj_comm *world = r->command->world;
  const char *folder = "";
  bool same = false;
  VJ_TRY(vj_comm_agree(world, open_recorded(r)));
  VJ_TRY(choose_steps(r));
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_blas_self_check() : VJ_OK));
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_scratch_folder_make(r->command->pool, &folder) : VJ_OK));
  vj_status status = train(r, folder);
  if (status == VJ_OK) status = vj_comm_agree(world, world->rank == 0 ? compare(r, folder, &same) : VJ_OK);
  if (world->rank == 0) vj_folder_remove(folder);
  *is_same = same;
  return status == VJ_OK ? vj_comm_broadcast(world, is_same, sizeof *is_same, 0) : status;
}

static vj_status recompute(vj_command *command) {
  recomputation r = {.command = command};
  int64_t is_same = 0;
  const vj_status status = recompute_with(&r, &is_same);
  vj_results_close(&r.recorded);
  command->code = is_same ? 0 : 1;
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_SWEEP,
    {"TRIAL", VJ_VALUE_TRIAL, .doc = "the number of a trial, as ls lists them"},
    {"key=value", VJ_VALUE_SETTING, .optional = true,
     .doc = "where its data lie here, where that is elsewhere: data.root=/videos, data.pack=PACK.h5; nothing else"},
    {"--steps", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .otherwise = "all that it has recorded", .unit = "steps",
     .doc = "train the first N steps alone, and compare what is recorded of them"},
    VJ_ROW_ALONE,
};
static const vj_verb_exit exits[] = {
    {0, "the same bits"}, {1, "other bits; or failure of files, data, memory"}, {75, "stopped by a signal"}};

const vj_verb vj_verb_recompute = {
    .name = "recompute",
    .summary = "train a recorded trial again here, and compare its bits",
    .rows = rows,
    .row_count = VJ_COUNT(rows),
    .notes =
        "Every number that is recorded at a step or an evaluation is compared, bit by bit; seconds are not, nor rows "
        "that a kill left unfinished. Hidden states and sample frames are, if the trial has ended and is trained to "
        "its end. The trial may be one of a sweep that runs, and one that failed or was stopped early is compared as "
        "far as it came. With --steps training ends at the first row or evaluation from step N on.\n"
        "The number of ranks and threads is that of this call, whatever it was then: bits do not depend on it. They do "
        "depend on versions of libraries, those of which are named that are not what they were.\n",
    .reads =
        "DIR/sweep.h5; the data set of the trial. TMPDIR of the environment: where what is trained again lies "
        "until it is compared.\n",
    .examples =
        "vjvcr recompute runs/demo 3\nmpirun -n 2 vjvcr recompute runs/clevrer 0 --steps 20 data.root=/videos\n",
    .exits = exits,
    .exit_count = VJ_COUNT(exits),
    .uses_mpi = true,
    .run = recompute};
