/* A damaged sweep.h5 made anew beside the old one, and files that take the place of damaged ones. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "framework/base/atomic_file.h"
#include "framework/base/disk.h"
#include "framework/store/checkpoint.h"
#include "sweeps/verify/verify_private.h"

/* --- sweep.h5 ---------------------------------------------------------------------------------------------------- */

static vj_status system_fail(const char *path, int cause) {
  return cause ? vj_fail(VJ_IO, "%s: can't be written: %s; nothing was changed", path, vj_disk_reason(cause)) : VJ_OK;
}

/* As in a fresh file, where it waits. */
static int empty_trial(const vj_seal *seal, int descriptor, int results, int times, int64_t trial) {
  int cause = vj_seal_empty_row(seal, descriptor, results, trial);
  if (!cause) cause = vj_seal_empty_row(seal, descriptor, times, trial);
  if (!cause) cause = vj_seal_put_number(seal, descriptor, VJ_RECORD_STATUS, trial, VJ_TRIAL_WAITING);
  if (!cause) cause = vj_seal_put_number(seal, descriptor, VJ_RECORD_ATTEMPT, trial, 0);
  if (!cause) cause = vj_seal_put_number(seal, descriptor, VJ_RECORD_COMMITTED, trial, 0);
  return cause;
}

static vj_status empty_rows(const vj_verifier *v, int descriptor) {
  const int results = vj_seal_find(v->seal, VJ_RECORD_CHECKSUM), times = vj_seal_find(v->seal, VJ_RECORD_TIME_CHECKSUM);
  for (int64_t i = 0; i < v->trials; i++) {
    if (!v->is_lost[i] && !v->lost_times[i]) continue;
    const int cause = v->is_lost[i] ? empty_trial(v->seal, descriptor, results, times, i)
                                    : vj_seal_empty_row(v->seal, descriptor, times, i);
    VJ_TRY(system_fail(v->path, cause));
    if (v->is_lost[i]) VJ_TRY(vj_seal_put_sum(v->seal, v->rescued, descriptor, results, i));
    VJ_TRY(vj_seal_put_sum(v->seal, v->rescued, descriptor, times, i));
  }
  return VJ_OK;
}

static vj_status write_anew(const vj_verifier *v, int descriptor) {
  VJ_TRY(system_fail(v->path, vj_seal_copy_rows(v->seal, v->descriptor, descriptor)));
  VJ_TRY(system_fail(v->path, vj_seal_write(v->seal, descriptor)));
  VJ_TRY(empty_rows(v, descriptor));
  return system_fail(v->path, vj_disk_sync(descriptor));
}

/* Opened as any other it is compared with its seal, and its rows with their checksums. */
static vj_status check_rescued(const vj_verifier *v) {
  vj_sweep_file *file = NULL;
  VJ_TRY(vj_sweep_file_read_only(v->rescued, &file));
  const vj_status status = vj_sweep_file_check_rows(file);
  vj_sweep_file_close(&file);
  return status;
}

/* A trial that is emptied begins anew, not where its last attempt was. */
static vj_status remove_checkpoints(const vj_verifier *v) {
  for (int64_t i = 0; i < v->trials; i++) {
    const char *path =
        v->is_lost[i] ? vj_pool_format(v->pool, "%s/checkpoints/trial-%04lld", v->folder, (long long)i) : "";
    if (!path) return vj_fail(VJ_MEMORY, "%s: no memory for a path", v->folder);
    if (v->is_lost[i]) vj_checkpoint_remove(path);
  }
  return VJ_OK;
}

vj_status vj_rescue_file(vj_verifier *v) {
  vj_sweep_file_tidy(v->path);
  const char *fresh = vj_pool_format(v->pool, "%s.new-%ld", v->path, (long)getpid());
  if (!fresh) return vj_fail(VJ_MEMORY, "%s: no memory for a path", v->path);
  const int descriptor = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return system_fail(fresh, errno);
  v->rescued = fresh;
  vj_status status = write_anew(v, descriptor);
  close(descriptor);
  if (status == VJ_OK) status = check_rescued(v);
  return status == VJ_OK ? remove_checkpoints(v) : status;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

/* A second name for the file, so that it always has one. Where there are no links it loses the first. */
static vj_status keep_aside(vj_pool *pool, const char *path) {
  const char *kept = vj_pool_format(pool, "%s.damaged", path);
  for (int i = 2; kept && access(kept, F_OK) == 0; i++) kept = vj_pool_format(pool, "%s.damaged-%d", path, i);
  if (!kept) return vj_fail(VJ_MEMORY, "%s: no memory for a path", path);
  if (link(path, kept) == 0 || errno == ENOENT || rename(path, kept) == 0) return VJ_OK;
  return vj_fail(VJ_IO, "%s: can't be kept as %s: %s", path, kept, strerror(errno));
}

vj_status vj_repair_replace(vj_pool *pool, const char *path, const char *fresh, bool is_damaged) {
  if (is_damaged) VJ_TRY(keep_aside(pool, path));
  const int cause = vj_atomic_publish(fresh, path);
  return cause ? vj_fail(VJ_IO, "%s: can't be replaced: %s", path, vj_disk_reason(cause)) : VJ_OK;
}
