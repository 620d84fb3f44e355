/* A run of a sweep begins: its folder is made, looked at or extended, and the files are opened. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/file_lock.h"
#include "framework/config/nodes.h"
#include "framework/config/config_diff.h"
#include "sweeps/run/driver_private.h"
#include "sweeps/run/resume/extend.h"
#include "sweeps/run/folder.h"
#include "sweeps/run/layout.h"
#include "sweeps/run/resume/resume_match.h"
#include "sweeps/run/disk_check.h"
#include "sweeps/run/trial_row.h"

/* What world rank 0 does with the folder before the others come to it. */
typedef struct startup {
  vj_driver *d;
  const vj_yaml *root;
  vj_folder folder;
  const char *path;      /* of sweep.h5 */
  vj_resume_match match; /* of an earlier run's file; row NULL: there is none */
  vj_space *space;       /* arranged as in that file */
  bool is_new_folder, is_larger;
} startup;

static vj_status make_layout(const startup *o, const vj_space *space, vj_sweep_layout **layout) {
  vj_trial_schedule *schedule = NULL;
  const vj_driver *d = o->d;
  VJ_TRY(vj_trial_schedule_create(d->pool, space, d->world->size, d->options->ranks_per_trial, &schedule));
  VJ_TRY(vj_sweep_layout_create(d->pool, o->root, space, schedule->of_trial, layout));
  VJ_TRY(vj_versions_record(d->pool, &d->options->versions, &(*layout)->file));
  VJ_TRY(vj_report_check_layout(d->options->report, &(*layout)->file));
  VJ_TRY(vj_question_check_layout(d->options->question, &(*layout)->file));
  VJ_TRY(vj_criterion_check(space->criterion, &(*layout)->file));
  return vj_pruner_check(space, &(*layout)->file, NULL, NULL);
}

static void note(const vj_driver *d, const char *sentence) {
  if (sentence && d->world->rank == 0 && d->options->noted) d->options->noted(d->options->context, sentence);
}

/* --- an earlier run's folder ------------------------------------------------------------------------------------ */

/* What was decided by one rule is not decided anew by another. */
static vj_status check_stopping(const startup *o, const vj_sweep_file *file) {
  vj_pool *pool = o->d->pool;
  vj_config_diff found = {0};
  vj_yaml *known = NULL, *before = vj_yaml_new(pool, VJ_YAML_MAP, NULL), *after = vj_yaml_new(pool, VJ_YAML_MAP, NULL);
  const char *text = vj_sweep_file_attribute(file, VJ_ATTRIBUTE_SWEEP_YAML);
  VJ_TRY(vj_yaml_read_text(pool, text ? text : "", o->path, &known));
  vj_yaml *was = vj_yaml_find(known, "sweep.stopping"), *is = vj_yaml_find(o->root, "sweep.stopping");
  if (!before || !after) return vj_fail(VJ_MEMORY, "no memory to compare configurations");
  if (!vj_yaml_is_null(was)) VJ_TRY(vj_yaml_set(pool, before, "sweep.stopping", was));
  if (!vj_yaml_is_null(is)) VJ_TRY(vj_yaml_set(pool, after, "sweep.stopping", is));
  VJ_TRY(vj_config_diff_find(pool, before, after, &found));
  if (found.count == 0) return VJ_OK;
  const char *change = vj_config_change_text(pool, &found.at[0]);
  return vj_fail(VJ_CONFIG, "%s: %s; --resume goes on by the same rule: undo that, or choose another folder with -o",
                 o->path, change ? change : "sweep.stopping");
}

static void note_other_versions(const startup *o, const vj_sweep_file *file) {
  const vj_driver *d = o->d;
  const char *changes = vj_versions_changes(d->pool, file, &d->options->versions);
  if (changes && changes[0])
    note(d, vj_pool_format(d->pool, "%s: trials from here on may have other bits: %s", o->path, changes));
}

static vj_status check_file(startup *o, const vj_sweep_file *file) {
  const vj_driver *d = o->d;
  VJ_TRY(vj_resume_match_trials(d->pool, file, o->path, d->space, &vj_terms_of_resume, &o->match));
  VJ_TRY(vj_space_arrange(d->pool, d->space, o->match.row, &o->space));
  VJ_TRY(check_stopping(o, file));
  note_other_versions(o, file);
  o->is_larger = o->match.known < o->space->trial_count || !vj_sweep_has_keys(d->pool, file, o->space);
  if (o->is_larger) return vj_sweep_file_check_rows(file); /* else they are when the ledger is open */
  VJ_TRY(vj_report_check_file(d->options->report, file));
  return vj_question_check_file(d->options->question, file);
}

/* The file first: it is what a later run goes by, and brings the ledger and sweep.yaml after it where a kill came
 * between. */
static vj_status extend(startup *o) {
  vj_driver *d = o->d;
  const int64_t added = o->space->trial_count - o->match.known;
  vj_sweep_layout *layout = NULL;
  const char *other = vj_job_other(d->job);
  if (other)
    return vj_fail(VJ_USAGE,
                   "%s: another job, %s, works on it, so nothing can be added; wait until it ends, or stop it, and try "
                   "again",
                   d->options->folder, other);
  VJ_TRY(make_layout(o, o->space, &layout));
  VJ_TRY(vj_sweep_extend(o->path, o->space, layout, o->match.known));
  if (added)
    note(d, vj_pool_format(d->pool, "%lld trial%s added to the %lld in %s", (long long)added,
                           added == 1 ? " is" : "s are", (long long)o->match.known, o->path));
  return VJ_OK;
}

/* Whether two experiments say the same apart from what changes no number. */
static bool says_the_same(vj_pool *pool, const vj_yaml *one, const vj_yaml *other) {
  vj_yaml *a = NULL, *b = NULL;
  if (vj_config_measured(pool, one, &a) != VJ_OK || vj_config_measured(pool, other, &b) != VJ_OK) return false;
  const char *text = vj_yaml_print(pool, a), *other_text = vj_yaml_print(pool, b);
  return text && other_text && strcmp(text, other_text) == 0;
}

/* sweep.yaml says what is in sweep.h5; a kill may have come between the two. */
static vj_status bring_yaml_up(const startup *o) {
  vj_pool *pool = o->d->pool;
  vj_sweep_file *file = NULL;
  vj_yaml *recorded = NULL;
  const char *path = vj_folder_file(&o->folder, "sweep.yaml"), *text = NULL;
  vj_yaml *now = NULL;
  VJ_TRY(vj_sweep_file_read_only(o->path, &file));
  const char *attribute = vj_sweep_file_attribute(file, VJ_ATTRIBUTE_SWEEP_YAML);
  if (attribute) text = vj_pool_text(pool, attribute);
  vj_sweep_file_close(&file);
  if (!text || !path) return VJ_OK;
  VJ_TRY(vj_yaml_read_text(pool, text, o->path, &recorded));
  if (!o->is_larger && vj_yaml_read_file(pool, path, &now) == VJ_OK && says_the_same(pool, now, recorded)) return VJ_OK;
  vj_error_clear();
  return vj_folder_replace_yaml(&o->folder, text);
}

static vj_status go_on_with(startup *o) {
  vj_sweep_file *file = NULL;
  VJ_TRY(vj_sweep_file_read_only(o->path, &file));
  const vj_status status = check_file(o, file);
  vj_sweep_file_close(&file);
  VJ_TRY(status);
  if (o->is_larger) VJ_TRY(extend(o));
  return bring_yaml_up(o);
}

/* With the lock until this job has joined: no other may add trials between our look at the file and our opening it. */
static vj_status go_on(startup *o) {
  vj_driver *d = o->d;
  VJ_TRY(vj_job_prepare(d->options->folder, &d->job));
  VJ_TRY(vj_job_lock(d->job));
  vj_status status = go_on_with(o);
  if (status == VJ_OK) status = vj_job_join(d->job);
  vj_job_unlock(d->job);
  return status;
}

/* --- a new folder ----------------------------------------------------------------------------------------------- */

typedef struct first_rows {
  const vj_driver *d;
  const vj_sweep_layout *layout;
} first_rows;

static vj_status fill_rows(void *context, vj_sweep_file *fresh) {
  const first_rows *f = context;
  return vj_trial_rows_write(f->d->pool, fresh, f->d->space, f->layout);
}

/* Videos that can't be read, of the first trial whose data has some: mostly all have the same. */
static void note_skipped(const startup *o, const vj_sweep_layout *layout) {
  int64_t i = 0;
  while (i < o->d->space->trial_count && layout->skipped[i] == 0) i++;
  if (i == o->d->space->trial_count) return;
  const long long skipped = (long long)layout->skipped[i], all = skipped + (long long)layout->videos[i];
  note(o->d, vj_pool_format(o->d->pool,
                            "%lld of the %lld listed videos can't be used and %s skipped; `vjvcr data inspect` names "
                            "%s",
                            skipped, all, skipped == 1 ? "is" : "are", skipped == 1 ? "it" : "them"));
}

static vj_status make_folder(startup *o) {
  vj_sweep_layout *layout = NULL;
  VJ_TRY(make_layout(o, o->d->space, &layout));
  const vj_disk_need need = vj_disk_need_of(layout, o->d->space->trial_count, o->d->world->size / o->d->schedule->least,
                                            o->d->options->folder);
  VJ_TRY(vj_disk_need_check(&need));
  note_skipped(o, layout);
  VJ_TRY(vj_folder_make(&o->folder, vj_yaml_print(o->d->pool, o->root)));
  first_rows rows = {o->d, layout};
  const vj_status status = vj_sweep_file_create(o->path, &layout->file, fill_rows, &rows);
  if (status == VJ_OK) return VJ_OK;
  if (o->d->options->resume && access(o->path, F_OK) == 0) { /* another job, begun at the same time, was faster */
    vj_error_clear();
    return go_on(o);
  }
  vj_folder_take_back(&o->folder);
  return status;
}

static vj_status prepare_folder(startup *o) {
  const vj_sweep_options *options = o->d->options;
  VJ_TRY(vj_folder_look(o->d->pool, options->folder, &o->folder));
  o->path = vj_folder_file(&o->folder, "sweep.h5");
  if (!o->path) return vj_fail(VJ_MEMORY, "no memory for a path");
  if (o->folder.holds_sweep && !options->resume)
    return vj_fail(VJ_USAGE, "%s holds a sweep already; continue it with --resume or choose another folder with -o",
                   o->folder.path);
  vj_sweep_file_tidy(o->path);
  return o->folder.holds_sweep ? go_on(o) : make_folder(o);
}

/* --- all ranks -------------------------------------------------------------------------------------------------- */

/* All ranks number the trials as the file does. */
static vj_status share_rows(startup *o) {
  vj_driver *d = o->d;
  const size_t trials = (size_t)d->space->trial_count;
  int64_t *row = o->match.row ? o->match.row : vj_pool_take(d->pool, trials * sizeof *row);
  vj_space *arranged = NULL;
  int found = o->match.row != NULL;
  VJ_TRY(vj_comm_agree(d->world, row ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for %zu trials", trials)));
  VJ_TRY(vj_comm_broadcast(d->world, &found, sizeof found, 0));
  if (!found) return VJ_OK;
  VJ_TRY(vj_comm_broadcast(d->world, row, trials * sizeof *row, 0));
  VJ_TRY(vj_comm_agree(d->world, vj_space_arrange(d->pool, d->space, row, &arranged)));
  d->space = arranged;
  return VJ_OK;
}

static vj_status read_axis(vj_sweep_file *file, const char *name, int64_t **values, int64_t *count) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no axis %s", name);
  vj_sweep_file_variable(file, variable, &info);
  *count = info.size[0];
  VJ_TRY(vj_allocate((size_t)*count, sizeof **values, "axis", values));
  return vj_sweep_file_read(file, variable, (int64_t[]){0}, count, *values);
}

/* The order in which trials are taken comes from the file, where all jobs find it; one of an earlier version does not
 * tell, and its trials keep their own. */
static vj_status read_order(vj_driver *d) {
  const int variable = vj_sweep_file_find(d->file, VJ_RECORD_WORK);
  double *work = NULL;
  VJ_TRY(vj_allocate((size_t)d->space->trial_count, sizeof *work, "the order of trials", &work));
  vj_status status = VJ_OK;
  if (variable >= 0) status = vj_sweep_file_read(d->file, variable, (int64_t[]){0}, &d->space->trial_count, work);
  if (status == VJ_OK) status = vj_trial_schedule_sort(d->schedule, d->space, work);
  free(work);
  return status;
}

/* Of a file in the sweep's folder; for those who open it, and can't go on without a name. */
static vj_status path_of(const vj_driver *d, const char *name, const char **path) {
  *path = vj_driver_path(d, name);
  return *path ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the path of %s", name);
}

static vj_status open_root(vj_driver *d) {
  const char *path;
  if (!d->job) VJ_TRY(vj_job_begin(d->options->folder, &d->job));
  VJ_TRY(read_axis(d->file, VJ_NAME_STEP, &d->steps, &d->step_count));
  VJ_TRY(read_axis(d->file, VJ_NAME_EVAL, &d->evals, &d->eval_count));
  VJ_TRY(read_order(d));
  VJ_TRY(path_of(d, "ledger", &path));
  return vj_ledger_open(path, d->space->trial_count, vj_job_name(d->job), &d->ledger);
}

/* Another job that joins now must not write rows of trials that already run. */
static vj_status complete_rows(vj_driver *d) {
  VJ_TRY(vj_job_lock(d->job));
  const vj_status status = vj_trial_rows_complete(d->pool, d->file, d->space);
  vj_job_unlock(d->job);
  return status;
}

static vj_status open_pruner(vj_driver *d) {
  const vj_pruner_parts parts = {.space = d->space,
                                 .world = d->world,
                                 .group = &d->group,
                                 .file = d->file,
                                 .ledger = d->ledger,
                                 .steps = d->steps,
                                 .step_count = d->step_count,
                                 .evals = d->evals,
                                 .eval_count = d->eval_count};
  return d->space->stopping ? vj_pruner_open(d->pool, &parts, &d->pruner) : VJ_OK;
}

/* All ranks take the way that keeps others out on all their machines. Without one nobody can share the ledger. */
static vj_status agree_on_locks(vj_driver *d, const char *file, bool leads) {
  unsigned ways = 0;
  VJ_TRY(vj_comm_any(d->world, leads ? 1u << vj_file_lock_probe(file) : 0, &ways));
  const bool none = ways & 1u << VJ_LOCK_NONE;
  vj_file_lock_use(none ? VJ_LOCK_NONE : ways & 1u << VJ_LOCK_FCNTL ? VJ_LOCK_FCNTL : VJ_LOCK_FLOCK);
  if (none && d->schedule->least < d->world->size)
    return vj_fail(VJ_IO,
                   "%s: its file system has no locks that keep processes out, which groups that share a ledger need; "
                   "train one trial at a time with --ranks-per-trial %d, or choose another folder",
                   d->options->folder, d->world->size);
  return VJ_OK;
}

/* Who can't be kept out must not be there. */
static vj_status be_alone(const vj_driver *d) {
  const char *other = vj_file_lock_way() == VJ_LOCK_NONE ? vj_job_other(d->job) : NULL;
  if (!other) return VJ_OK;
  return vj_fail(VJ_USAGE,
                 "%s: another job, %s, works on it, and its file system has no locks that keep jobs apart; wait until "
                 "that one has ended, or been silent for five minutes",
                 d->options->folder, other);
}

static vj_status open_files(vj_driver *d) {
  const bool leads = vj_trial_schedule_may_lead(d->schedule, d->world->rank);
  const char *path = NULL;
  vj_status opened = path_of(d, "sweep.h5", &path);
  VJ_TRY(vj_comm_agree(d->world, opened));
  VJ_TRY(agree_on_locks(d, path, leads));
  VJ_TRY(vj_comm_split(d->world, leads ? 0 : 1, &d->roots));
  if (leads) opened = vj_sweep_file_open(&d->roots, path, &d->file);
  VJ_TRY(vj_comm_agree(d->world, opened));
  if (leads) opened = open_root(d);
  VJ_TRY(vj_comm_agree(d->world, opened));
  opened = open_pruner(d);
  if (opened == VJ_OK && d->world->rank == 0) {
    opened = be_alone(d);
    if (opened == VJ_OK) opened = complete_rows(d);
    if (opened == VJ_OK) opened = vj_driver_recover(d, true);
  }
  return vj_comm_agree(d->world, opened);
}

vj_status vj_driver_open(vj_driver *d, const vj_yaml *root) {
  startup o = {.d = d, .root = root};
  const vj_sweep_options *options = d->options;
  /* What does not fit is said before anything is made. */
  VJ_TRY(vj_trial_schedule_create(d->pool, d->space, d->world->size, options->ranks_per_trial, &d->schedule));
  VJ_TRY(vj_comm_agree(d->world, d->world->rank == 0 ? prepare_folder(&o) : VJ_OK));
  VJ_TRY(share_rows(&o));
  VJ_TRY(vj_comm_agree(
      d->world, vj_trial_schedule_create(d->pool, d->space, d->world->size, options->ranks_per_trial, &d->schedule)));
  note(d, vj_trial_schedule_note(d->pool, d->schedule));
  return open_files(d);
}
