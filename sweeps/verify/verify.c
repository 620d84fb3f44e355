#include "sweeps/verify/verify.h"

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/file_lock.h"
#include "sweeps/verify/verify_private.h"

static vj_status no_memory(void) { return vj_fail(VJ_MEMORY, "no memory for what was found"); }

vj_status vj_verify_add(vj_verification *found, vj_verdict verdict, const char *place, const char *what,
                        const char *remedy) {
  if (!place || !what || !remedy || !vj_pool_grow(found->pool, &found->at, found->count, sizeof *found->at))
    return no_memory();
  found->at[found->count++] = (vj_discovery){verdict, place, what, remedy};
  found->damages += verdict == VJ_VERDICT_DAMAGED;
  return VJ_OK;
}

vj_status vj_verifier_damage(vj_verifier *v, const char *place, const char *what, const char *remedy,
                             const char *repair) {
  return v->repairs ? vj_verify_add(v->found, VJ_VERDICT_REPAIRED, place, what, repair)
                    : vj_verify_add(v->found, VJ_VERDICT_DAMAGED, place, what, remedy);
}

const char *vj_verifier_path(const vj_verifier *v, const char *name) {
  return vj_pool_format(v->pool, "%s/%s", v->folder, name);
}

static vj_status check_folder(const vj_verifier *v) {
  struct stat about;
  const char *ledger = vj_verifier_path(v, "ledger");
  if (!v->path || !ledger) return no_memory();
  if (stat(v->folder, &about) != 0) return vj_fail(VJ_IO, "%s: there is no such folder", v->folder);
  if (access(v->path, F_OK) == 0 || access(ledger, F_OK) == 0) return VJ_OK;
  return vj_fail(VJ_DATA, "%s holds no sweep: there is neither a sweep.h5 nor a ledger", v->folder);
}

/* --- alone ------------------------------------------------------------------------------------------------------- */

static vj_status be_alone(vj_verifier *v) {
  vj_file_lock_use(vj_file_lock_probe(v->path));
  VJ_TRY(vj_job_prepare(v->folder, &v->job));
  VJ_TRY(vj_job_lock(v->job));
  const char *other = vj_job_other(v->job);
  if (!other) return VJ_OK;
  return vj_fail(VJ_USAGE, "%s: a job, %s, works on it; wait until it has ended, or stop it, and repair it then",
                 v->folder, other);
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static vj_status open_file(vj_verifier *v) {
  const char *path = v->rescued ? v->rescued : v->path;
  if (v->descriptor < 0 || (v->needs_rescue && !v->rescued)) return VJ_OK;
  if (vj_sweep_file_read_only(path, &v->file) == VJ_OK) return VJ_OK;
  if (vj_error_status() == VJ_MEMORY) return VJ_MEMORY;
  const char *why = vj_pool_text(v->pool, vj_error_message());
  vj_error_clear();
  return vj_verify_add(v->found, VJ_VERDICT_DAMAGED, v->path, why, "restore it from elsewhere");
}

/* The file goes last: with a ledger that calls trials open the next run takes no damaged file, and none that is whole
 * would be taken for done. */
static vj_status look(vj_verifier *v) {
  const char *ledger = vj_verifier_path(v, "ledger");
  if (!ledger) return no_memory();
  VJ_TRY(vj_ledger_account_read(v->pool, ledger, &v->ledger));
  VJ_TRY(vj_verify_file(v));
  if (v->needs_rescue && v->repairs) VJ_TRY(vj_rescue_file(v));
  VJ_TRY(open_file(v));
  if (!v->file) VJ_TRY(vj_verifier_note(v, v->folder, "sweep.yaml and the ledger were not compared with sweep.h5", ""));
  if (v->file) VJ_TRY(vj_verify_ledger(v));
  if (v->file) VJ_TRY(vj_verify_yaml(v));
  VJ_TRY(vj_verify_checkpoints(v));
  return v->rescued ? vj_repair_replace(v->pool, v->path, v->rescued, true) : VJ_OK;
}

vj_status vj_verify(vj_pool *pool, const char *folder, const char *like, bool repairs, vj_verification *found) {
  *found = (vj_verification){.pool = pool, .folder = folder};
  vj_verifier v = {.found = found, .pool = pool, .folder = folder, .like = like, .repairs = repairs, .descriptor = -1};
  v.path = vj_verifier_path(&v, "sweep.h5");
  vj_status status = check_folder(&v);
  if (status == VJ_OK && repairs) status = be_alone(&v);
  if (status == VJ_OK) status = look(&v);
  vj_sweep_file_close(&v.file);
  if (status != VJ_OK && v.rescued) unlink(v.rescued);
  vj_seal_free(&v.seal);
  if (v.descriptor >= 0) close(v.descriptor);
  if (v.job) vj_job_end(&v.job);
  return status;
}
