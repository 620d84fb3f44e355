/* What sweeps that are to become one have of its trials. */
#include <string.h>
#include <sys/stat.h>

#include "framework/config/nodes.h"
#include "sweeps/run/jobs.h"
#include "sweeps/run/merge/merge.h"

static vj_status no_memory(const char *folder) { return vj_fail(VJ_MEMORY, "%s: no memory for its trials", folder); }

/* --- what can't be merged ---------------------------------------------------------------------------------------- */

static vj_status check_stopping(const char *name, const vj_yaml *root) {
  if (vj_yaml_is_null(vj_yaml_find(root, "sweep.stopping"))) return VJ_OK;
  return vj_fail(
      VJ_USAGE,
      "%s: it has sweep.stopping: which of its trials end early depends on what its groups knew of others, so "
      "that trials of several such sweeps are not those of one; merge sweeps that train all trials to their "
      "end",
      name);
}

static vj_status check_experiment(const vj_merge *m, const vj_merge_part *part) {
  const char *text = vj_sweep_file_attribute(part->file, VJ_ATTRIBUTE_SWEEP_YAML);
  vj_yaml *root = NULL;
  VJ_TRY(vj_yaml_read_text(m->pool, text ? text : "", part->path, &root));
  return check_stopping(part->folder, root);
}

/* Two names may be of one folder. */
static vj_status check_other(const vj_merge *m, int64_t k) {
  struct stat mine, other;
  if (stat(m->parts[k].path, &mine) != 0) return VJ_OK; /* opening it will tell */
  for (int64_t i = 0; i < k; i++)
    if (stat(m->parts[i].path, &other) == 0 && mine.st_dev == other.st_dev && mine.st_ino == other.st_ino)
      return vj_fail(VJ_USAGE, "%s and %s are the same folder", m->parts[i].folder, m->parts[k].folder);
  return VJ_OK;
}

static vj_status check_jobs(const char *folder) {
  char name[VJ_JOB_NAME_BYTES];
  if (!vj_job_is_at_work(folder, name)) return VJ_OK;
  return vj_fail(VJ_USAGE,
                 "%s: a job, %s, works on it; wait until it ends, or stop it, and try again; one of another machine "
                 "counts until it has been silent for five minutes",
                 folder, name);
}

/* --- one folder ----------------------------------------------------------------------------------------------------
 */

static vj_status read_numbers(const vj_merge *m, const vj_merge_part *part, const char *name, const int64_t **numbers) {
  vj_file_variable_info info;
  const int variable = vj_sweep_file_find(part->file, name);
  int64_t *values = vj_pool_take(m->pool, (size_t)part->trials * sizeof *values);
  if (variable < 0) return vj_fail(VJ_DATA, "%s: it has no variable %s", part->path, name);
  vj_sweep_file_variable(part->file, variable, &info);
  if (info.rank != 1 || info.type != VJ_FILE_INT64 || info.size[0] != part->trials)
    return vj_fail(VJ_DATA, "%s: %s is not a whole number for each trial", part->path, name);
  if (!values) return no_memory(part->folder);
  *numbers = values;
  return vj_sweep_file_read(part->file, variable, (int64_t[]){0}, &part->trials, values);
}

static vj_status read_part(vj_merge *m, vj_merge_part *part, const vj_match_terms *terms) {
  vj_resume_match match;
  VJ_TRY(vj_sweep_file_read_only(part->path, &part->file));
  VJ_TRY(vj_sweep_file_check_rows(part->file));
  VJ_TRY(check_experiment(m, part));
  VJ_TRY(vj_resume_match_trials(m->pool, part->file, part->path, m->space, terms, &match));
  for (int64_t i = 0; i < m->space->trial_count; i++)
    if (match.row[i] >= match.known) match.row[i] = -1;
  part->trials = match.known;
  part->row = match.row;
  VJ_TRY(read_numbers(m, part, VJ_RECORD_STATUS, &part->status));
  VJ_TRY(read_numbers(m, part, VJ_RECORD_ATTEMPT, &part->attempt));
  return read_numbers(m, part, VJ_RECORD_COMMITTED, &part->committed);
}

/* --- all of them ---------------------------------------------------------------------------------------------------
 */

/* No job works on the folder: what seems to run waits. */
vj_trial_state vj_merge_state_in(const vj_merge *m, int64_t part, int64_t trial) {
  const vj_merge_part *p = &m->parts[part];
  const int64_t status = p->row[trial] < 0 ? VJ_TRIAL_WAITING : p->status[p->row[trial]];
  return status == VJ_TRIAL_DONE || status == VJ_TRIAL_FAILED ? (vj_trial_state)status : VJ_TRIAL_WAITING;
}

vj_trial_state vj_merge_state(const vj_merge *m, int64_t trial) {
  return m->source[trial] < 0 ? VJ_TRIAL_WAITING : vj_merge_state_in(m, m->source[trial], trial);
}

static int64_t first_part(const vj_merge *m, int64_t trial, vj_trial_state state) {
  int64_t k = 0;
  while (k < m->count && vj_merge_state_in(m, k, trial) != state) k++;
  return k < m->count ? k : -1;
}

static vj_status find_sources(vj_merge *m) {
  m->source = vj_pool_take(m->pool, (size_t)m->space->trial_count * sizeof *m->source);
  if (!m->source) return no_memory(m->parts[0].folder);
  for (int64_t i = 0; i < m->space->trial_count; i++) {
    m->source[i] = first_part(m, i, VJ_TRIAL_DONE);
    if (m->source[i] < 0) m->source[i] = first_part(m, i, VJ_TRIAL_FAILED);
  }
  return VJ_OK;
}

vj_status vj_merge_open(vj_pool *pool, const vj_yaml *root, const vj_space *space, vj_text_list folders,
                        const vj_match_terms *terms, vj_merge *m) {
  *m = (vj_merge){.pool = pool, .root = root, .space = space};
  m->parts = vj_pool_take(pool, (size_t)folders.count * sizeof *m->parts);
  if (!m->parts) return no_memory(folders.at[0]);
  VJ_TRY(check_stopping("the experiment", root));
  for (int64_t k = 0; k < folders.count; k++) {
    vj_merge_part *part = &m->parts[k];
    part->folder = folders.at[k];
    part->path = vj_pool_format(pool, "%s/sweep.h5", folders.at[k]);
    if (!part->path) return no_memory(folders.at[k]);
    VJ_TRY(check_other(m, k));
    VJ_TRY(check_jobs(part->folder));
    m->count++;
    VJ_TRY(read_part(m, part, terms));
  }
  return find_sources(m);
}

void vj_merge_close(vj_merge *m) {
  for (int64_t k = 0; k < m->count; k++) vj_sweep_file_close(&m->parts[k].file);
  m->count = 0;
}
