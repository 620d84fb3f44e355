/* `vjvcr sweep` and `vjvcr train`. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "framework/base/signals.h"
#include "analysis/output/terminal.h"
#include "app/blas_core.h"
#include "app/sweep/dry_run.h"
#include "app/experiment.h"
#include "app/sweep/tuning.h"
#include "app/sweep/progress.h"
#include "app/sweep/rows.h"
#include "app/versions.h"
#include "analysis/results/result_table.h"

extern const vj_verb vj_verb_train;
enum { SLURM_MARGIN = 120 }; /* seconds */

static void on_progress(void *context, const vj_sweep_progress *progress) { vj_progress_line_show(context, progress); }

static void on_failure(void *context, int64_t trial, const char *arm, const char *reason) {
  vj_progress_line_clear(context);
  fprintf(stderr, "trial %lld%s%s failed: %s\n", (long long)trial, arm[0] ? " " : "", arm, reason);
}

static void on_warning(void *context, int64_t trial, const char *arm, const char *sentence) {
  vj_progress_line_clear(context);
  fprintf(stderr, "trial %lld%s%s: %s\n", (long long)trial, arm[0] ? " " : "", arm, sentence);
}

static void on_note(void *context, const char *sentence) {
  vj_progress_line_clear(context);
  fprintf(stderr, "%s\n", sentence);
}

static void on_hang(void *context) {
  static const char sentence[] =
      "vjvcr: no step was finished within the hang limit, so a rank or a file is lost; go on with the same command and "
      "--resume, or allow more time with --hang-limit\n";
  (void)context;
  if (write(STDERR_FILENO, sentence, sizeof sentence - 1) < 0) _exit(1);
  _exit(vj_status_exit_code(VJ_INTERRUPTED));
}

/* The option's limit, or the end of the Slurm job that this is, if that is sooner. */
static void set_time_limit(const vj_command *command, vj_sweep_options *options) {
  const char *end = getenv("SLURM_JOB_END_TIME");
  options->time_limit = vj_command_number(command, "--time-limit");
  options->time_limit_name = "the time limit";
  if (!end) return;
  const double left = strtod(end, NULL) - (double)time(NULL);
  if (left <= 0) return; /* of a job that is over */
  const double usable = left > SLURM_MARGIN + 1 ? left - SLURM_MARGIN : 1;
  if (options->time_limit > 0 && options->time_limit < usable) return;
  options->time_limit = usable;
  options->time_limit_name = "the end of the Slurm job";
}

/* --- --print-config --------------------------------------------------------------------------------------------- */

static vj_status print_config(vj_experiment *e, const vj_space *space) {
  vj_yaml *tree = vj_yaml_copy(e->pool, space->trials[0].config->resolved);
  static const char *const kept[] = {"sweep", "question", "report"};
  for (size_t i = 0; i < VJ_COUNT(kept); i++) {
    vj_yaml *section = vj_yaml_find(e->root, kept[i]);
    if (section) VJ_TRY(vj_yaml_put(e->pool, tree, kept[i], section));
  }
  /* With a sweep, the first trial's settings would hide the file's own; those keys show what the file says. */
  for (int64_t i = 0; i < space->key_count; i++) {
    vj_yaml *base = vj_yaml_find(e->root, space->keys[i]);
    if (base) VJ_TRY(vj_yaml_put(e->pool, tree, space->keys[i], base));
  }
  fputs(vj_yaml_print(e->pool, tree), stdout);
  return VJ_OK;
}

/* --- running --------------------------------------------------------------------------------------------------- */

static vj_status run(vj_experiment *e, const vj_comm *world, const vj_space *space, const vj_report_spec *report,
                     const vj_question *question, vj_sweep_end *end) {
  vj_progress_line line;
  vj_progress_line_start(&line);
  const char *output = vj_command_text(e->command, "-o");
  const char *folder = output ? output : vj_pool_format(e->pool, "runs/%s", space->trials[0].config->name);
  VJ_TRY(vj_comm_agree(world, folder ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the name of a folder")));
  vj_sweep_options options = {.folder = folder,
                              .resume = vj_command_has(e->command, "--resume"),
                              .ranks_per_trial = (int)vj_command_count(e->command, "--ranks-per-trial"),
                              .max_attempts = vj_command_count(e->command, "--max-attempts"),
                              .report = report,
                              .question = question,
                              .progress = on_progress,
                              .failed = on_failure,
                              .warned = on_warning,
                              .noted = on_note,
                              .hung = on_hang,
                              .hang_limit = vj_command_number(e->command, "--hang-limit"),
                              .context = &line};
  set_time_limit(e->command, &options);
  VJ_TRY(vj_comm_agree(world, vj_versions_here(e->pool, &options.versions)));
  vj_signals_catch();
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_blas_self_check() : VJ_OK));
  if (world->rank == 0 && space->repeats) on_note(&line, space->repeats);
  if (world->rank == 0 && space->alike) on_note(&line, space->alike);
  const double start = MPI_Wtime();
  const vj_status status = vj_sweep_run(world, e->root, space, &options, end);
  vj_progress_line_end(&line);
  if (status != VJ_OK) return status;
  VJ_TRY(vj_comm_agree(
      world, world->rank == 0 ? vj_result_table_print(folder, report, question, VJ_FORMAT_TEXT, stdout) : VJ_OK));
  if (world->rank != 0) return VJ_OK;
  char took[VJ_DURATION_BYTES];
  if (end->elsewhere)
    printf("%lld trial%s still run%s in other jobs\n", (long long)end->elsewhere, end->elsewhere == 1 ? "" : "s",
           end->elsewhere == 1 ? "s" : "");
  printf("%lld trial%s in %s; everything measured is in %s/sweep.h5\n", (long long)space->trial_count,
         space->trial_count == 1 ? "" : "s", vj_duration_text(MPI_Wtime() - start, took), folder);
  return VJ_OK;
}

/* --- the verbs ------------------------------------------------------------------------------------------------- */

static vj_status with_space(vj_experiment *e, const vj_comm *world, vj_sweep_end *end) {
  vj_space *space = NULL;
  const vj_report_spec *report = NULL;
  const vj_question *question = NULL;
  VJ_TRY(vj_experiment_agree(e, world));
  VJ_TRY(vj_comm_agree(world, vj_space_create(e->pool, e->root, &space)));
  VJ_TRY(vj_comm_agree(world, vj_report_read(e->pool, e->root, &report)));
  VJ_TRY(vj_comm_agree(world, vj_question_read(e->pool, e->root, &question)));
  VJ_TRY(vj_comm_agree(world, vj_question_check_space(question, space)));
  const bool is_dry_run = vj_command_has(e->command, "--dry-run"),
             prints_config = vj_command_has(e->command, "--print-config");
  if (!is_dry_run && (vj_command_has(e->command, "--cluster") || vj_command_has(e->command, "--ranks")))
    return vj_fail(VJ_USAGE,
                   "--cluster and --ranks ask what a sweep would be like elsewhere; they belong to --dry-run");
  if (prints_config) return vj_comm_agree(world, world->rank == 0 ? print_config(e, space) : VJ_OK);
  return is_dry_run ? vj_dry_run(e, world, space, report, question) : run(e, world, space, report, question, end);
}

static vj_status sweep(vj_command *command) {
  vj_experiment e;
  vj_sweep_end end = {0};
  VJ_TRY(vj_comm_agree(command->world, vj_experiment_read(command, vj_command_has(command, "--quick"), &e)));
  bool has_trials = true;
  if (command->verb == &vj_verb_train) { /* a question and a report are about the arms of a sweep */
    vj_yaml_remove(e.root, "sweep");
    vj_yaml_remove(e.root, "question");
    vj_yaml_remove(e.root, "report");
  } else {
    VJ_TRY(vj_comm_agree(command->world, vj_experiment_tune(&e, &has_trials)));
  }
  if (!has_trials) return VJ_OK;
  const vj_status status = with_space(&e, command->world, &end);
  command->code = end.failed ? 1 : 0;
  return status;
}

static const vj_verb_row rows[] = {
    VJ_ROW_EXPERIMENT,
    VJ_ROW_SETTINGS,
    VJ_ROW_OUTPUT,
    VJ_ROW_QUICK,
    {"--resume", VJ_VALUE_FLAG,
     .doc =
         "go on with a sweep that is in DIR, or join other jobs that work on it; trials that FILE.yaml has more than "
         "DIR are added to it, changed ones are refused"},
    VJ_ROW_RANKS_PER_TRIAL,
    VJ_ROW_TIME_LIMIT,
    VJ_ROW_HANG_LIMIT,
    VJ_ROW_MAX_ATTEMPTS,
    {"--dry-run", VJ_VALUE_CHOICE, .choices = "list|timed", .bare = "list",
     .doc = "list the trials, check them, say what they need, and stop; timed: also try a few steps of each size of "
            "trial, and tell how long the sweep will take"},
    {"--cluster", VJ_VALUE_FILE, .value = "FILE.yaml",
     .doc = "with --dry-run: which --ranks-per-trial suits the machine that the file describes?"},
    {"--ranks", VJ_VALUE_COUNT, .value = "N", .minimum = 1, .unit = "ranks",
     .doc = "with --dry-run: the same for so many ranks of it, or of machines like this one"},
    {"--print-config", VJ_VALUE_FLAG, .doc = "print the configuration with every default, and stop"},
    VJ_ROW_SEED,
    VJ_ROW_ALONE,
    /* Of sweep alone: */
    VJ_ROW_TUNING,
    {"--extend", VJ_VALUE_TEXT, .value = "DIR[,DIR]",
     .doc = "with --tuning: where the best setting in DIR lies on the edge of its arm's space, extend that, and try as "
            "many settings again for every arm"},
    VJ_ROW_TUNED,
};
enum { ROWS_OF_SWEEP = 3 };

static const char notes[] =
    "SIGINT, SIGTERM, SIGUSR1 and the time limit save every running trial and stop within a step; --resume goes on. A "
    "second SIGINT ends at once. mpirun kills its ranks a second after a SIGTERM or SIGINT: send it SIGUSR1, which it "
    "only passes on. checkpoint: {minutes: 10} in the file says how often trials are saved without being asked.\n";
static const char reads[] =
    "FILE.yaml; the data set it names; with --resume what is in DIR, with --extend and --tuned sweep.h5 of those. "
    "SLURM_JOB_END_TIME of the environment.\n";
static const char writes[] =
    "DIR/sweep.h5, sweep.yaml, ledger and checkpoints/; weights/ with checkpoint.keep=weights; events with "
    "logging.tensorboard.\n";
static const vj_verb_exit exits[] = {{0, "all trials succeeded or were stopped early by the sweep's own rule"},
                                     {1, "some trials failed; or failure of files, data, memory"},
                                     {75, "stopped by a signal or a limit; --resume goes on"}};

const vj_verb vj_verb_sweep = {.name = "sweep",
                               .summary = "run every trial of an experiment",
                               .rows = rows,
                               .row_count = VJ_COUNT(rows),
                               .notes = notes,
                               .reads = reads,
                               .writes = writes,
                               .examples =
                                   "vjvcr sweep sweeps/demo.yaml optim.steps=200\n"
                                   "mpirun -n 2 vjvcr sweep sweeps/demo.yaml -o runs/demo --resume\n"
                                   "vjvcr sweep sweeps/demo.yaml --dry-run=timed\n"
                                   "vjvcr sweep x.yaml --tuning && vjvcr sweep x.yaml --tuned runs/x-tuning\n",
                               .exits = exits,
                               .exit_count = VJ_COUNT(exits),
                               .uses_mpi = true,
                               .run = sweep};

const vj_verb vj_verb_train = {.name = "train",
                               .summary = "run an experiment without its sweep: one trial",
                               .rows = rows,
                               .row_count = VJ_COUNT(rows) - ROWS_OF_SWEEP,
                               .notes = notes,
                               .reads = reads,
                               .writes = writes,
                               .examples = "vjvcr train sweeps/demo.yaml -o runs/one --seed 3\n",
                               .exits = exits,
                               .exit_count = VJ_COUNT(exits),
                               .uses_mpi = true,
                               .run = sweep};
