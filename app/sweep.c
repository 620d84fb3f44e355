/* `vjvcr sweep` and `vjvcr train`. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "blas_core.h"
#include "dry_run.h"
#include "experiment.h"
#include "progress.h"
#include "results.h"
#include "verbs.h"

static const char options_text[] =
    "usage: vjvcr sweep FILE.yaml [options] [key=value ...]\n"
    "  key=value            overrides one key of the file, e.g. optim.steps=500 model.encoder.channels=[16,32]\n"
    "  -o DIR               folder of the results (runs/<name>)\n"
    "  --quick              a smaller run: apply what stands under quick:, and add -quick to the name\n"
    "  --resume             go on with a sweep that is in DIR\n"
    "  --ranks-per-trial N  ranks that train one trial together: 1, 2, 4, ... (as few as keep all ranks busy)\n"
    "  --dry-run            list the trials, check them, say what they need, and stop\n"
    "  --dry-run=timed      the same, and try a few steps of each size of trial: how long will the sweep take?\n"
    "  --print-config       print the configuration with every default, and stop\n"
    "  --seed N             the same as seed=N\n"
    "Exit codes: 0 all succeeded, 1 some trials failed, 2 usage or configuration.\n";
static const char allowed[] = "-o --quick --resume --ranks-per-trial --dry-run --dry-run=timed --print-config --seed";

static void on_progress(void *context, const vj_sweep_progress *progress) { vj_progress_line_show(context, progress); }

static void on_failure(void *context, int64_t trial, const char *arm, const char *reason) {
  vj_progress_line_clear(context);
  fprintf(stderr, "trial %lld%s%s failed: %s\n", (long long)trial, arm[0] ? " " : "", arm, reason);
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
                     int64_t *failed) {
  vj_progress_line line;
  vj_progress_line_start(&line);
  const char *folder = e->output ? e->output : vj_pool_format(e->pool, "runs/%s", space->trials[0].config->name);
  const vj_sweep_options options = {.folder = folder,
                                    .resume = e->resume,
                                    .ranks_per_trial = (int)e->ranks_per_trial,
                                    .report = report,
                                    .progress = on_progress,
                                    .failed = on_failure,
                                    .context = &line};
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_blas_self_check() : VJ_OK));
  const double start = MPI_Wtime();
  const vj_status status = vj_sweep_run(world, e->root, space, &options, failed);
  vj_progress_line_end(&line);
  if (status != VJ_OK) return status;
  VJ_TRY(vj_comm_agree(world, world->rank == 0 ? vj_results_print(folder, report, stdout) : VJ_OK));
  if (world->rank != 0) return VJ_OK;
  char took[VJ_DURATION_BYTES];
  printf("%lld trial%s in %s; everything measured is in %s/sweep.h5\n", (long long)space->trial_count,
         space->trial_count == 1 ? "" : "s", vj_duration_text(MPI_Wtime() - start, took), folder);
  return VJ_OK;
}

static vj_status with_experiment(vj_experiment *e, const vj_comm *world, bool train, int64_t *failed) {
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
  if (!only_look) return run(e, world, space, report, failed);
  vj_status status = VJ_OK;
  if (!e->print_config) return vj_dry_run(e, world, space, report);
  if (world->rank == 0) status = print_config(e, space);
  return vj_comm_agree(world, status);
}

int vj_verb_sweep(int argc, char **argv) {
  vj_experiment e;
  vj_comm world = {0};
  int64_t failed = 0;
  vj_status status = vj_mpi_start(&world);
  vj_status mine = vj_experiment_read(argc, argv, allowed, &e);
  if (mine == VJ_OK && e.help) {
    if (world.rank == 0) fputs(options_text, stdout);
  } else if (status == VJ_OK) {
    status = vj_comm_agree(&world, mine);
    if (status == VJ_OK) status = with_experiment(&e, &world, strcmp(argv[0], "train") == 0, &failed);
  }
  int code = failed ? 1 : vj_status_exit_code(status);
  if (status != VJ_OK && world.rank == 0) vj_report_failure(status);
  vj_experiment_free(&e);
  if (world.size) vj_comm_destroy(&world);
  MPI_Finalize();
  return code;
}
