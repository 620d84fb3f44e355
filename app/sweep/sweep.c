/* `vjvcr sweep` and `vjvcr train`. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "framework/base/signals.h"
#include "analysis/output/terminal.h"
#include "app/blas_core.h"
#include "app/sweep/dry_run.h"
#include "app/experiment.h"
#include "app/sweep/progress.h"
#include "analysis/results/result_table.h"
#include "app/verbs.h"

static const char options_text[] =
    "usage: vjvcr sweep FILE.yaml [options] [key=value ...]\n"
    "  key=value            overrides one key of the file, e.g. optim.steps=500 model.encoder.channels=[16,32]\n"
    "  -o DIR               folder of the results (runs/<name>)\n"
    "  --quick              a smaller run: apply what stands under quick:, and add -quick to the name\n"
    "  --resume             go on with a sweep that is in DIR, or join other jobs that work on it; trials that "
    "FILE.yaml\n"
    "                       has more than DIR are added to it, changed ones are refused\n"
    "  --ranks-per-trial N  ranks that train one trial together: 1, 2, 4, ... (as few as keep all ranks busy); "
    "optim.ranks\n"
    "                       in the file, which arms and parameters can set, comes first\n"
    "  --time-limit 3h      stop by then; also 90m, 45s, 1h30m (two minutes before a Slurm job's end)\n"
    "  --hang-limit 30m     end when no step is finished for so long, as when a rank is lost (30m); 0: never\n"
    "  --max-attempts N     give a trial up when N runs in a row died in it and had saved nothing (3)\n"
    "  --dry-run            list the trials, check them, say what they need, and stop\n"
    "  --dry-run=timed      the same, and try a few steps of each size of trial: how long will the sweep take?\n"
    "  --cluster FILE       with --dry-run: which --ranks-per-trial suits the machine that FILE describes?\n"
    "  --ranks N            with --dry-run: the same for N ranks of it, or of machines like this one\n"
    "  --print-config       print the configuration with every default, and stop\n"
    "  --seed N             the same as seed=N\n"
    "SIGINT, SIGTERM, SIGUSR1 and the time limit save every running trial and stop within a step; --resume goes on.\n"
    "mpirun kills its ranks a second after a SIGTERM or SIGINT: send it SIGUSR1, which it only passes on. A second\n"
    "SIGINT ends at once. `checkpoint: {minutes: 10}` in the file: how often trials are saved without being asked.\n"
    "Exit codes: 0 all succeeded or were stopped early, 1 some trials failed, 2 usage or configuration, 75 stopped and "
    "can be resumed.\n";
enum { MAX_ATTEMPTS = 3, HANG_LIMIT = 1800, SLURM_MARGIN = 120 }; /* seconds */
static const char allowed[] =
    "-o --quick --resume --ranks-per-trial --time-limit --hang-limit --max-attempts --dry-run --dry-run=timed "
    "--cluster --ranks --print-config --seed";

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
static void set_time_limit(const vj_experiment *e, vj_sweep_options *options) {
  const char *end = getenv("SLURM_JOB_END_TIME");
  options->time_limit = e->time_limit > 0 ? e->time_limit : 0;
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
  static const char *const kept[] = {"sweep", "report"};
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
                     vj_sweep_end *end) {
  vj_progress_line line;
  vj_progress_line_start(&line);
  const char *folder = e->output ? e->output : vj_pool_format(e->pool, "runs/%s", space->trials[0].config->name);
  VJ_TRY(vj_comm_agree(world, folder ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the name of a folder")));
  vj_sweep_options options = {.folder = folder,
                              .resume = e->resume,
                              .ranks_per_trial = (int)e->ranks_per_trial,
                              .max_attempts = e->max_attempts ? e->max_attempts : MAX_ATTEMPTS,
                              .report = report,
                              .progress = on_progress,
                              .failed = on_failure,
                              .warned = on_warning,
                              .noted = on_note,
                              .hung = on_hang,
                              .hang_limit = e->hang_limit < 0 ? HANG_LIMIT : e->hang_limit,
                              .context = &line};
  set_time_limit(e, &options);
  vj_signals_catch();
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_blas_self_check() : VJ_OK));
  const double start = MPI_Wtime();
  const vj_status status = vj_sweep_run(world, e->root, space, &options, end);
  vj_progress_line_end(&line);
  if (status != VJ_OK) return status;
  VJ_TRY(
      vj_comm_agree(world, world->rank == 0 ? vj_result_table_print(folder, report, VJ_FORMAT_TEXT, stdout) : VJ_OK));
  if (world->rank != 0) return VJ_OK;
  char took[VJ_DURATION_BYTES];
  if (end->elsewhere)
    printf("%lld trial%s still run%s in other jobs\n", (long long)end->elsewhere, end->elsewhere == 1 ? "" : "s",
           end->elsewhere == 1 ? "s" : "");
  printf("%lld trial%s in %s; everything measured is in %s/sweep.h5\n", (long long)space->trial_count,
         space->trial_count == 1 ? "" : "s", vj_duration_text(MPI_Wtime() - start, took), folder);
  return VJ_OK;
}

static vj_status with_experiment(vj_experiment *e, const vj_comm *world, bool train, vj_sweep_end *end) {
  vj_space *space = NULL;
  const vj_report_spec *report = NULL;
  if (!e->file) return vj_fail(VJ_USAGE, "expected the YAML file of an experiment; see `vjvcr sweep --help`");
  if (train) { /* a report is about the arms of a sweep */
    vj_yaml_remove(e->root, "sweep");
    vj_yaml_remove(e->root, "report");
  }
  VJ_TRY(vj_experiment_agree(e, world));
  VJ_TRY(vj_comm_agree(world, vj_space_create(e->pool, e->root, &space)));
  VJ_TRY(vj_comm_agree(world, vj_report_read(e->pool, e->root, &report)));
  const bool only_look = e->dry_run || e->print_config;
  if (!e->dry_run && (e->cluster || e->ranks))
    return vj_fail(VJ_USAGE,
                   "--cluster and --ranks ask what a sweep would be like elsewhere; they belong to --dry-run");
  if (!only_look) return run(e, world, space, report, end);
  vj_status status = VJ_OK;
  if (!e->print_config) return vj_dry_run(e, world, space, report);
  if (world->rank == 0) status = print_config(e, space);
  return vj_comm_agree(world, status);
}

int vj_verb_sweep(int argc, char **argv) {
  vj_experiment e;
  vj_comm world = {0};
  vj_sweep_end end = {0};
  vj_status status = vj_mpi_start(&world);
  vj_status mine = vj_experiment_read(argc, argv, allowed, &e);
  if (mine == VJ_OK && e.help) {
    if (world.rank == 0) fputs(options_text, stdout);
  } else if (status == VJ_OK) {
    status = vj_comm_agree(&world, mine);
    if (status == VJ_OK) status = with_experiment(&e, &world, strcmp(argv[0], "train") == 0, &end);
  }
  int code = end.failed && status == VJ_OK ? 1 : vj_status_exit_code(status);
  if (status != VJ_OK && world.rank == 0) vj_print_failure(status);
  vj_experiment_free(&e);
  if (world.size) vj_comm_destroy(&world);
  MPI_Finalize();
  return code;
}
