/* A run of a sweep begins: its folder is made or looked at, and the files are opened. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/nodes.h"
#include "engine/driver_private.h"
#include "engine/folder.h"
#include "engine/layout.h"
#include "engine/room.h"
#include "engine/rows.h"

/* --- the folder ---------------------------------------------------------------------------------------------- */

/* The experiment as text, without what changes no number of it. */
static const char *measured_text(vj_pool *pool, const vj_yaml *root) {
  vj_yaml *measured = NULL;
  return vj_config_measured(pool, root, &measured) == VJ_OK ? vj_yaml_print(pool, measured) : NULL;
}

static vj_status is_same_sweep(vj_pool *pool, const vj_sweep_file *file, const char *path, const vj_yaml *root) {
  const char *known = vj_sweep_file_attribute(file, "sweep_yaml");
  vj_yaml *known_root = NULL;
  if (known) VJ_TRY(vj_yaml_read_text(pool, known, path, &known_root));
  const char *now = measured_text(pool, root), *then = known ? measured_text(pool, known_root) : "";
  if (!now || !then) return vj_fail(VJ_MEMORY, "%s: no memory to compare its configuration", path);
  if (strcmp(now, then) == 0) return VJ_OK;
  return vj_fail(VJ_CONFIG,
                 "%s was made from another configuration; resume with the same YAML and overrides, or choose "
                 "another folder with -o",
                 path);
}

static vj_status check_resumed(vj_pool *pool, const vj_driver *d, const char *path, const vj_yaml *root) {
  vj_sweep_file *file = NULL;
  VJ_TRY(vj_sweep_file_read_only(path, &file));
  vj_status status = is_same_sweep(pool, file, path, root);
  if (status == VJ_OK) status = vj_report_check_file(d->options->report, file);
  vj_sweep_file_close(&file);
  return status;
}

/* World rank 0: a new folder with a whole, empty sweep in it, or the one that is to be resumed. */
static vj_status prepare_folder(vj_pool *pool, const vj_driver *d, const vj_yaml *root, int group_size) {
  vj_folder folder;
  vj_sweep_layout *layout = NULL;
  VJ_TRY(vj_folder_look(pool, d->options->folder, &folder));
  const char *path = vj_folder_file(&folder, "sweep.h5");
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (folder.holds_sweep && !d->options->resume)
    return vj_fail(VJ_USAGE, "%s holds a sweep already; continue it with --resume or choose another folder with -o",
                   folder.path);
  vj_sweep_file_tidy(path);
  if (folder.holds_sweep) return check_resumed(pool, d, path, root);
  VJ_TRY(vj_sweep_layout_create(pool, root, d->space, group_size, &layout));
  VJ_TRY(vj_report_check_layout(d->options->report, &layout->file));
  const vj_room room = vj_room_for(layout, d->space->trial_count, d->world->size / group_size, d->options->folder);
  VJ_TRY(vj_room_check(&room));
  VJ_TRY(vj_judge_check(d->space, &layout->file, NULL, NULL));
  VJ_TRY(vj_folder_make(&folder, vj_yaml_print(pool, root)));
  const vj_status status = vj_sweep_file_create(path, &layout->file);
  if (status == VJ_OK) return VJ_OK;
  if (d->options->resume && access(path, F_OK) == 0) { /* another job, begun at the same time, was faster */
    vj_error_clear();
    return check_resumed(pool, d, path, root);
  }
  vj_folder_take_back(&folder);
  return status;
}

/* --- opening ------------------------------------------------------------------------------------------------- */

static vj_status read_axis(vj_sweep_file *file, const char *name, int64_t **values, int64_t *count) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no axis %s", name);
  vj_sweep_file_variable(file, variable, &info);
  *count = info.size[0];
  VJ_TRY(vj_allocate((size_t)*count, sizeof **values, "axis", values));
  return vj_sweep_file_read(file, variable, (int64_t[]){0}, count, *values);
}

static vj_status open_root(vj_driver *d) {
  VJ_TRY(vj_job_begin(d->options->folder, &d->job));
  VJ_TRY(read_axis(d->file, "step", &d->steps, &d->step_count));
  VJ_TRY(read_axis(d->file, "eval", &d->evals, &d->eval_count));
  return vj_ledger_open(vj_driver_path(d, "ledger"), d->space->trial_count, vj_job_name(d->job), &d->ledger);
}

static vj_status open_judge(vj_driver *d) {
  const vj_judge_parts parts = {.space = d->space,
                                .world = d->world,
                                .group = &d->group,
                                .file = d->file,
                                .ledger = d->ledger,
                                .steps = d->steps,
                                .step_count = d->step_count,
                                .evals = d->evals,
                                .eval_count = d->eval_count};
  return d->space->stopping ? vj_judge_open(d->pool, &parts, &d->judge) : VJ_OK;
}

vj_status vj_driver_open(vj_driver *d, const vj_yaml *root) {
  int group_size = 1;
  VJ_TRY(vj_sweep_group_size(d->space, d->world->size, d->options->ranks_per_trial, &group_size));
  const vj_status prepared = d->world->rank == 0 ? prepare_folder(d->pool, d, root, group_size) : VJ_OK;
  VJ_TRY(vj_comm_agree(d->world, prepared));
  VJ_TRY(vj_comm_split(d->world, d->world->rank / group_size, &d->group));
  d->is_root = d->group.rank == 0;
  VJ_TRY(vj_comm_split(d->world, d->is_root ? 0 : 1, &d->roots));
  vj_status opened = VJ_OK;
  if (d->is_root) opened = vj_sweep_file_open(&d->roots, vj_driver_path(d, "sweep.h5"), &d->file);
  VJ_TRY(vj_comm_agree(d->world, opened));
  if (d->is_root) opened = open_root(d);
  VJ_TRY(vj_comm_agree(d->world, opened));
  opened = open_judge(d);
  if (opened == VJ_OK && d->world->rank == 0) {
    opened = vj_job_lock(d->job); /* another job that joins now must not write rows of trials that already run */
    if (opened == VJ_OK) opened = vj_rows_complete(d->pool, d->file, d->space);
    vj_job_unlock(d->job);
    if (opened == VJ_OK) opened = vj_driver_take_over(d, true);
  }
  return vj_comm_agree(d->world, opened);
}
