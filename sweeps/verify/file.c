/* What is checked of sweep.h5. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweeps/verify/verify_private.h"

/* --- without a seal ---------------------------------------------------------------------------------------------- */

/* HDF5 may crash, or loop, on a damaged structure that nothing was compared with. So a child reads it first. */
static bool can_be_read(const char *path) {
  enum { SECONDS = 60 };
  const pid_t child = fork();
  int end = 0;
  if (child < 0) return true;
  if (child == 0) {
    vj_sweep_file *file = NULL;
    alarm(SECONDS);
    _exit(vj_sweep_file_read_only(path, &file) == VJ_OK ? 0 : 1);
  }
  while (waitpid(child, &end, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(end);
}

static const char gone[] = "restore it from elsewhere, or run the experiment anew in another folder";

/* What can still be read of it, values apart, must be what the other sweep's file begins with. */
static vj_status take_structure(vj_verifier *v) {
  const char *path = vj_pool_format(v->pool, "%s/sweep.h5", v->like);
  int copies = 0;
  vj_seal_difference d = {0};
  if (!path) return vj_fail(VJ_MEMORY, "%s: no memory for a path", v->like);
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  vj_status status = vj_seal_read(path, descriptor, true, &v->seal, &copies);
  close(descriptor);
  VJ_TRY(status);
  if (!v->seal) return vj_fail(VJ_DATA, "%s has no whole copy of its structure either; name another with --like", path);
  const int64_t end = v->size < v->seal->end ? v->size : v->seal->end;
  VJ_TRY(vj_seal_compare(v->seal, v->path, v->descriptor, end, &d));
  if (d.bytes == 0) return VJ_OK;
  return vj_fail(
      VJ_DATA,
      "%s is of another experiment or version: the structure of %s is another from byte %lld on; name another "
      "with --like",
      path, v->path, (long long)d.first);
}

static vj_status say_unreadable(vj_verifier *v, const char *why) {
  const char *remedy = vj_pool_format(
      v->pool,
      "restore it from elsewhere; or let --repair --like NEW take its structure from another sweep.h5 of the same "
      "experiment: an older copy, or one that `vjvcr sweep %s/sweep.yaml -o NEW --time-limit 1s` has begun",
      v->folder);
  close(v->descriptor);
  v->descriptor = -1;
  return vj_verify_add(v->found, VJ_VERDICT_DAMAGED, v->path, why, remedy);
}

static vj_status check_unsealed(vj_verifier *v) {
  if (!can_be_read(v->path)) return say_unreadable(v, "HDF5 crashes when it reads it");
  if (vj_sweep_file_read_only(v->path, &v->file) == VJ_OK) {
    vj_sweep_file_close(&v->file);
    return vj_verifier_note(v, v->path, "was made by a version without checksums: a changed byte can't be noticed",
                            "where trials are added to it, with --resume, it gets them");
  }
  if (vj_error_status() == VJ_MEMORY) return VJ_MEMORY;
  const char *why = vj_pool_text(v->pool, vj_error_message());
  vj_error_clear();
  return say_unreadable(v, why);
}

/* --- around rows ------------------------------------------------------------------------------------------------- */

static vj_status around(vj_verifier *v, const char *what) {
  v->needs_rescue = true;
  return vj_verifier_damage(v, v->path, what, "--repair restores it from its copy", "restored from its copy");
}

static vj_status check_size(vj_verifier *v) {
  const long long size = (long long)v->size, wanted = (long long)v->seal->file_bytes;
  if (size < wanted) return around(v, vj_pool_format(v->pool, "is cut off: it has %lld of %lld bytes", size, wanted));
  if (size > wanted) return around(v, vj_pool_format(v->pool, "has %lld bytes behind its end", size - wanted));
  return VJ_OK;
}

static vj_status check_structure(vj_verifier *v, int copies) {
  vj_seal_difference d;
  const int64_t end = v->size < v->seal->end ? v->size : v->seal->end;
  if (copies < VJ_SEAL_COPIES && v->size >= v->seal->file_bytes)
    VJ_TRY(around(
        v, copies ? "one of the two copies of its structure is damaged" : "neither copy of its structure is whole"));
  VJ_TRY(vj_seal_compare(v->seal, v->path, v->descriptor, end, &d));
  if (d.bytes == 0) return VJ_OK;
  return around(v, d.bytes == 1
                       ? vj_pool_format(v->pool, "byte %lld of its structure has changed", (long long)d.first)
                       : vj_pool_format(v->pool, "%lld bytes of its structure have changed, between %lld and %lld",
                                        (long long)d.bytes, (long long)d.first, (long long)d.last));
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Whether a row fits; one that is being written has no checksum, or another one when it is looked at again. */
static vj_status check_row(const vj_verifier *v, int holder, int64_t row, uint32_t sum, int64_t recorded, bool *fits) {
  int64_t now = recorded;
  *fits = recorded == -1 || recorded == sum;
  if (*fits) return VJ_OK;
  VJ_TRY(vj_seal_sums(v->seal, v->path, v->descriptor, holder, row, 1, &sum));
  VJ_TRY(vj_seal_recorded_sums(v->seal, v->path, v->descriptor, holder, row, 1, &now));
  *fits = now == sum || now != recorded;
  return VJ_OK;
}

static vj_status check_rows_of(vj_verifier *v, int holder, bool *is_bad) {
  const int64_t rows = v->trials;
  uint32_t *sums = vj_pool_take(v->pool, (size_t)rows * sizeof *sums);
  int64_t *recorded = vj_pool_take(v->pool, (size_t)rows * sizeof *recorded);
  if (!sums || !recorded) return vj_fail(VJ_MEMORY, "%s: no memory for its checksums", v->path);
  VJ_TRY(vj_seal_recorded_sums(v->seal, v->path, v->descriptor, holder, 0, rows, recorded));
  VJ_TRY(vj_seal_sums(v->seal, v->path, v->descriptor, holder, 0, rows, sums));
  for (int64_t i = 0; i < rows; i++) {
    bool fits;
    VJ_TRY(check_row(v, holder, i, sums[i], recorded[i], &fits));
    is_bad[i] = !fits || (recorded[i] == -1 && v->size < v->seal->end); /* what is cut off may be of any row */
    if (is_bad == v->is_lost) v->found->sealed += !is_bad[i] && recorded[i] != -1;
  }
  return VJ_OK;
}

/* One line for each run of trials with the same damage. */
static vj_status tell_rows(vj_verifier *v, const bool *is_bad, const char *what, const char *remedy,
                           const char *repair) {
  for (int64_t i = 0; i < v->trials; i++) {
    int64_t last = i;
    if (!is_bad[i]) continue;
    while (last + 1 < v->trials && is_bad[last + 1]) last++;
    const char *trials = last == i
                             ? vj_pool_format(v->pool, "trial %lld: %s", (long long)i, what)
                             : vj_pool_format(v->pool, "trials %lld to %lld: %s", (long long)i, (long long)last, what);
    v->needs_rescue = true;
    VJ_TRY(vj_verifier_damage(v, v->path, trials, remedy, repair));
    i = last;
  }
  return VJ_OK;
}

static vj_status check_rows(vj_verifier *v) {
  const int results = vj_seal_find(v->seal, VJ_RECORD_CHECKSUM), times = vj_seal_find(v->seal, VJ_RECORD_TIME_CHECKSUM);
  if (results < 0 || times < 0) return vj_fail(VJ_DATA, "%s is no file of a sweep: it has no checksums", v->path);
  v->trials = v->found->trials = v->seal->variables[results].rows;
  v->is_lost = vj_pool_take(v->pool, (size_t)v->trials * sizeof *v->is_lost);
  v->lost_times = vj_pool_take(v->pool, (size_t)v->trials * sizeof *v->lost_times);
  if (!v->is_lost || !v->lost_times) return vj_fail(VJ_MEMORY, "%s: no memory for its trials", v->path);
  VJ_TRY(check_rows_of(v, results, v->is_lost));
  VJ_TRY(check_rows_of(v, times, v->lost_times));
  for (int64_t i = 0; i < v->trials; i++) v->lost_times[i] = v->lost_times[i] && !v->is_lost[i];
  VJ_TRY(tell_rows(v, v->is_lost, "values are not those that were recorded",
                   "--repair makes room for them, and `vjvcr sweep --resume` computes them again, with the same bits",
                   "emptied: `vjvcr sweep --resume` computes them again, with the same bits"));
  return tell_rows(v, v->lost_times, "times or the number of attempts are not those that were recorded; results are",
                   "--repair empties them", "emptied");
}

vj_status vj_verify_file(vj_verifier *v) {
  int copies;
  struct stat about;
  v->descriptor = open(v->path, O_RDONLY | O_CLOEXEC);
  if (v->descriptor < 0 && errno == ENOENT)
    return vj_verify_add(v->found, VJ_VERDICT_DAMAGED, v->path, "there is no such file", gone);
  if (v->descriptor < 0) return vj_fail(VJ_IO, "%s: can't be opened: %s", v->path, strerror(errno));
  if (fstat(v->descriptor, &about) != 0) return vj_fail(VJ_IO, "%s: can't be examined: %s", v->path, strerror(errno));
  v->size = (int64_t)about.st_size;
  VJ_TRY(vj_seal_read(v->path, v->descriptor, true, &v->seal, &copies));
  if (!v->seal && v->like) VJ_TRY(take_structure(v));
  if (!v->seal) return check_unsealed(v);
  VJ_TRY(check_size(v));
  VJ_TRY(check_structure(v, copies));
  return check_rows(v);
}
