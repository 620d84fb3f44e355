#include "framework/store/ledger/ledger_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/store/ledger/ledger_private.h"

enum { MOST_TRIALS = 1 << 24 };

/* --- the file -------------------------------------------------------------------------------------------------- */

double vj_file_changed(const char *path) {
  struct stat about;
  if (stat(path, &about) != 0) return NAN;
  return (double)about.st_mtim.tv_sec + 1e-9 * (double)about.st_mtim.tv_nsec;
}

static vj_status read_file(vj_pool *pool, const char *path, char **text) {
  *text = NULL;
  FILE *file = fopen(path, "r");
  if (!file && errno == ENOENT) return VJ_OK;
  if (!file) return vj_fail(VJ_IO, "%s: can't be opened: %s", path, strerror(errno));
  struct stat about;
  const size_t bytes = fstat(fileno(file), &about) == 0 ? (size_t)about.st_size : 0;
  *text = vj_pool_take(pool, bytes + 1);
  if (*text) (*text)[fread(*text, 1, bytes, file)] = '\0';
  const bool failed = ferror(file) != 0;
  fclose(file);
  if (!*text) return vj_fail(VJ_MEMORY, "%s: no memory for it", path);
  return failed ? vj_fail(VJ_IO, "%s: can't be read", path) : VJ_OK;
}

/* --- records --------------------------------------------------------------------------------------------------- */

/* Trials that are there from the first line on, or were added to the sweep. */
static vj_status make_room(vj_pool *pool, int64_t count, vj_ledger_snapshot *snapshot) {
  vj_claim *larger = vj_pool_take(pool, (size_t)count * sizeof *larger);
  if (!larger) return vj_fail(VJ_MEMORY, "no memory for %" PRId64 " trials", count);
  for (int64_t i = 0; i < count; i++) larger[i] = i < snapshot->count ? snapshot->of[i] : (vj_claim){.who = ""};
  snapshot->of = larger;
  snapshot->count = count;
  return VJ_OK;
}

static vj_status read_first_line(vj_pool *pool, const char *line, const char *path, vj_ledger_snapshot *snapshot) {
  int version;
  int64_t trials;
  if (vj_ledger_read_header(line, &version, &trials) && trials >= 1 && trials <= MOST_TRIALS)
    return make_room(pool, trials, snapshot);
  return vj_fail(VJ_DATA, "%s: this is no ledger: its first line should begin with \"%s\"", path, VJ_LEDGER_HEADER);
}

/* "host:4242" of "host:4242:19ab3": the start tells processes of one number apart. */
static const char *process_of(vj_pool *pool, const char *signature) {
  const char *process = strchr(signature, ':'), *start = process ? strchr(process + 1, ':') : NULL;
  return vj_pool_format(pool, "%.*s", (int)(start ? start - signature : (long)strlen(signature)), signature);
}

/* Records of other kinds say nothing of who runs what, and are passed over. *newest: the trial, if this is a claim. */
static vj_status read_line(vj_pool *pool, const char *line, vj_ledger_snapshot *snapshot, int64_t *newest) {
  vj_ledger_line said;
  *newest = -1;
  if (!vj_ledger_read_record(line, &said)) return VJ_OK;
  if (said.event == EXTEND)
    return said.trial > snapshot->count && said.trial <= MOST_TRIALS ? make_room(pool, said.trial, snapshot) : VJ_OK;
  if (said.event == PASSED || said.event == SAVED || said.trial < 0 || said.trial >= snapshot->count) return VJ_OK;
  vj_claim *claim = &snapshot->of[said.trial];
  claim->state = vj_ledger_events[said.event].state;
  if (said.attempt > claim->attempts) claim->attempts = said.attempt;
  if (said.event != CLAIM) return VJ_OK;
  *newest = said.trial;
  claim->who = process_of(pool, said.text);
  return claim->who ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for the ledger");
}

vj_status vj_ledger_snapshot_read(vj_pool *pool, const char *path, vj_ledger_snapshot *snapshot) {
  char *text = NULL, *end;
  int64_t newest = -1;
  *snapshot = (vj_ledger_snapshot){.changed = vj_file_changed(path)};
  VJ_TRY(read_file(pool, path, &text));
  for (char *line = text; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    if (!vj_ledger_take_checksum(line, (size_t)(end - line)))
      snapshot->damaged++;
    else if (!snapshot->count)
      VJ_TRY(read_first_line(pool, line, path, snapshot));
    else
      VJ_TRY(read_line(pool, line, snapshot, &newest));
  }
  if (newest >= 0) snapshot->of[newest].is_newest = true;
  return VJ_OK;
}

/* --- processes ------------------------------------------------------------------------------------------------- */

/* A process that was killed keeps its number until its parent has noticed. */
static bool is_zombie(long process) {
  char path[64], state = '\0';
  snprintf(path, sizeof path, "/proc/%ld/stat", process);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const bool known = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
  fclose(file);
  return known && (state == 'Z' || state == 'X');
}

vj_runner vj_claim_runner(const char *who) {
  char host[256] = "";
  const char *colon = strrchr(who, ':');
  if (!colon || gethostname(host, sizeof host - 1) != 0) return VJ_RUNNER_UNKNOWN;
  const size_t length = (size_t)(colon - who);
  const long process = strtol(colon + 1, NULL, 10);
  if (strlen(host) != length || strncmp(host, who, length) != 0 || process <= 0) return VJ_RUNNER_UNKNOWN;
  if (kill((pid_t)process, 0) != 0 && errno == ESRCH) return VJ_RUNNER_GONE;
  return is_zombie(process) ? VJ_RUNNER_GONE : VJ_RUNNER_ALIVE;
}
