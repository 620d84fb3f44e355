/* The folder of a merged sweep. It is written beside its name and renamed when all of it lies on the disk; in it
 * sweep.h5 comes last, so that what a kill leaves looks like no sweep. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "framework/base/file_lock.h"
#include "framework/store/ledger/ledger_account.h"
#include "framework/train/model/weights.h"
#include "sweeps/run/folder.h"
#include "sweeps/run/jobs.h"
#include "sweeps/run/merge/merge.h"
#include "sweeps/run/rows_copy.h"
#include "sweeps/run/trial_row.h"
#include "sweeps/run/versions.h"
#include "sweeps/schedule/trial_schedule.h"

typedef struct output {
  const vj_merge *m;
  const vj_sweep_layout *layout;
  vj_folder beside;
  int lock; /* the folder itself, locked; -1: not yet */
} output;

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for the merged sweep"); }

/* --- its form ---------------------------------------------------------------------------------------------------- */

/* The files of those parts from which a trial is taken. */
static vj_status list_sources(const vj_merge *m, const vj_sweep_file ***files, int64_t *count) {
  *files = vj_pool_take(m->pool, (size_t)m->count * sizeof **files);
  *count = 0;
  if (!*files) return no_memory();
  for (int64_t k = 0; k < m->count; k++) {
    int64_t i = 0;
    while (i < m->space->trial_count && m->source[i] != k) i++;
    if (i < m->space->trial_count) (*files)[(*count)++] = m->parts[k].file;
  }
  return VJ_OK;
}

/* What was measured elsewhere has to have its place. */
static vj_status check_problems(const vj_merge *m, const vj_sweep_layout *layout) {
  for (int64_t i = 0; i < m->space->trial_count; i++)
    if (layout->problems[i] && vj_merge_state(m, i) == VJ_TRIAL_DONE)
      return vj_fail(layout->first_problem, "trial %lld, which is done in %s: %s", (long long)i,
                     m->parts[m->source[i]].folder, layout->problems[i]);
  return VJ_OK;
}

vj_status vj_merge_layout(const vj_merge *m, const vj_report_spec *report, const vj_question *question,
                          vj_sweep_layout **layout) {
  vj_trial_schedule *alone = NULL;
  const vj_sweep_file **files;
  int64_t count;
  VJ_TRY(vj_trial_schedule_create(m->pool, m->space, 1, 0, &alone));
  VJ_TRY(vj_sweep_layout_create(m->pool, m->root, m->space, alone->of_trial, layout));
  VJ_TRY(check_problems(m, *layout));
  VJ_TRY(list_sources(m, &files, &count));
  VJ_TRY(vj_versions_unite(m->pool, files, count, &(*layout)->file));
  VJ_TRY(vj_report_check_layout(report, &(*layout)->file));
  VJ_TRY(vj_question_check_layout(question, &(*layout)->file));
  return vj_criterion_check(m->space->criterion, &(*layout)->file);
}

/* --- what is in it ----------------------------------------------------------------------------------------------- */

static vj_status copy_part(const vj_merge *m, int64_t k, vj_sweep_file *fresh) {
  const int64_t trials = m->space->trial_count;
  int64_t *rows = vj_pool_take(m->pool, (size_t)trials * sizeof *rows), count = 0;
  int64_t *places = vj_pool_take(m->pool, (size_t)trials * sizeof *places);
  if (!rows || !places) return no_memory();
  for (int64_t i = 0; i < trials; i++) {
    if (m->source[i] != k) continue;
    rows[count] = m->parts[k].row[i];
    places[count++] = i;
  }
  const vj_rows_copy copy = {.from = m->parts[k].file,
                             .path = m->parts[k].path,
                             .to = fresh,
                             .count = count,
                             .rows = rows,
                             .places = places,
                             .leaves_config = true};
  return vj_rows_copy_all(&copy);
}

static vj_status fill(void *context, vj_sweep_file *fresh) {
  const output *o = context;
  VJ_TRY(vj_trial_rows_write(o->m->pool, fresh, o->m->space, o->layout));
  for (int64_t k = 0; k < o->m->count; k++) VJ_TRY(copy_part(o->m, k, fresh));
  return VJ_OK;
}

static vj_status list_facts(const vj_merge *m, vj_ledger_fact **facts) {
  *facts = vj_pool_take(m->pool, (size_t)m->space->trial_count * sizeof **facts);
  if (!*facts) return no_memory();
  for (int64_t i = 0; i < m->space->trial_count; i++) {
    vj_ledger_fact *fact = &(*facts)[i];
    fact->state = vj_merge_state(m, i);
    if (m->source[i] < 0) continue;
    const vj_merge_part *part = &m->parts[m->source[i]];
    fact->attempts = part->attempt[part->row[i]];
    if (fact->state == VJ_TRIAL_FAILED)
      VJ_TRY(vj_trial_row_get_text(m->pool, part->file, VJ_RECORD_FAILURE, part->row[i], &fact->reason));
  }
  return VJ_OK;
}

/* All ends at once, without claims: who ran them is known where they ran. */
static vj_status write_ledger(const output *o) {
  char name[VJ_JOB_NAME_BYTES], *text = NULL;
  const char *path = vj_folder_file(&o->beside, "ledger"), *fresh = vj_folder_file(&o->beside, "ledger.new");
  size_t bytes = 0;
  vj_ledger_fact *facts;
  vj_ledger_account none;
  if (!path || !fresh) return no_memory();
  VJ_TRY(list_facts(o->m, &facts));
  VJ_TRY(vj_ledger_account_read(o->m->pool, path, &none));
  VJ_TRY(vj_ledger_account_take_apart(&none, o->m->space->trial_count));
  vj_job_sign(name);
  VJ_TRY(vj_ledger_account_rewrite(&none, facts, name, &text, &bytes));
  const int cause = vj_atomic_write(path, fresh, &(struct iovec){text, bytes}, 1);
  free(text);
  return cause ? vj_fail(VJ_IO, "%s: can't be written: %s", path, vj_disk_reason(cause)) : VJ_OK;
}

/* Those of the part that the trial is taken from, or else of another that has it, too. */
static const char *find_weights(const vj_merge *m, int64_t trial) {
  for (int64_t i = 0; i < m->count; i++) {
    const int64_t k = i == 0 ? m->source[trial] : i <= m->source[trial] ? i - 1 : i;
    if (vj_merge_state_in(m, k, trial) != VJ_TRIAL_DONE) continue;
    const char *path = vj_weights_path(m->pool, m->parts[k].folder, m->parts[k].row[trial]);
    if (path && access(path, F_OK) == 0) return path;
  }
  return NULL;
}

static vj_status copy_weights(const output *o) {
  for (int64_t i = 0; i < o->m->space->trial_count; i++) {
    const char *from = vj_merge_state(o->m, i) == VJ_TRIAL_DONE ? find_weights(o->m, i) : NULL;
    const char *to = from ? vj_weights_path(o->m->pool, o->beside.path, i) : NULL;
    if (from && !to) return no_memory();
    if (from) VJ_TRY(vj_weights_copy(from, to, i));
  }
  return VJ_OK;
}

static vj_status write_all(output *o) {
  const char *path = vj_folder_file(&o->beside, "sweep.h5");
  if (!path) return no_memory();
  VJ_TRY(copy_weights(o));
  VJ_TRY(write_ledger(o));
  return vj_sweep_file_create(path, &o->layout->file, fill, o);
}

/* --- the folder -------------------------------------------------------------------------------------------------- */

/* Without slashes behind it. */
static const char *name_of(vj_pool *pool, const char *path) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  return vj_pool_format(pool, "%.*s", (int)length, path);
}

static bool is_empty(const char *path) {
  DIR *folder = opendir(path);
  bool empty = folder != NULL;
  for (const struct dirent *entry; folder && empty && (entry = readdir(folder));)
    empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
  if (folder) closedir(folder);
  return empty;
}

vj_status vj_merge_check_folder(vj_pool *pool, const char *path) {
  struct stat about;
  vj_folder folder;
  VJ_TRY(vj_folder_look(pool, path, &folder));
  if (folder.holds_sweep) return vj_fail(VJ_USAGE, "%s holds a sweep already; choose another folder with -o", path);
  if (lstat(path, &about) == 0 && !is_empty(path))
    return vj_fail(VJ_USAGE, "%s is there already and is no empty folder; choose another with -o", path);
  return VJ_OK;
}

/* Open, and locked unless the file system does not lock folders; -1: there is none. */
static vj_status lock_folder(const char *path, int *lock) {
  struct stat there, here;
  *lock = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (*lock < 0 && errno == ENOENT) return VJ_OK;
  if (*lock < 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  if (vj_file_lock(*lock, LOCK_EX | LOCK_NB) == EWOULDBLOCK) {
    close(*lock);
    *lock = -1;
    return vj_fail(VJ_USAGE, "%s: someone else merges into that folder now; wait until that has ended", path);
  }
  if (fstat(*lock, &here) == 0 && stat(path, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino)
    return VJ_OK;
  close(*lock); /* it got its name at this very moment */
  *lock = -1;
  return VJ_OK;
}

/* What a merge that was killed left is removed. */
static vj_status make_beside(output *o, const char *path, const char *yaml) {
  const char *beside = vj_pool_format(o->m->pool, "%s.merging", path);
  int old = -1;
  if (!beside || !yaml) return no_memory();
  VJ_TRY(lock_folder(beside, &old));
  if (old >= 0) vj_folder_remove(beside);
  if (old >= 0) close(old);
  VJ_TRY(vj_folder_look(o->m->pool, beside, &o->beside));
  VJ_TRY(vj_folder_make(&o->beside, yaml));
  return lock_folder(beside, &o->lock);
}

static vj_status publish(const output *o, const char *path) {
  const char *inside = vj_folder_file(&o->beside, "sweep.h5");
  if (!inside) return no_memory();
  int cause = vj_disk_sync_folder(inside);
  if (cause == 0 && rename(o->beside.path, path) != 0) cause = errno;
  if (cause == 0) cause = vj_disk_sync_folder(path);
  return cause ? vj_fail(VJ_IO, "%s: the folder can't be made: %s; choose another with -o", path, vj_disk_reason(cause))
               : VJ_OK;
}

vj_status vj_merge_write(const vj_merge *m, const vj_sweep_layout *layout, const char *path) {
  output o = {.m = m, .layout = layout, .lock = -1};
  const char *name = name_of(m->pool, path);
  if (!name) return no_memory();
  VJ_TRY(vj_merge_check_folder(m->pool, name));
  VJ_TRY(make_beside(&o, name, vj_yaml_print(m->pool, m->root)));
  vj_status status = write_all(&o);
  if (status == VJ_OK) status = publish(&o, name);
  if (status != VJ_OK) {
    vj_error_frame(__FILE__, __LINE__, __func__);
    vj_folder_remove(o.beside.path);
    vj_folder_take_back(&o.beside);
  }
  if (o.lock >= 0) close(o.lock);
  return status;
}
