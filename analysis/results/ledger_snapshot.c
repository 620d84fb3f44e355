#include "analysis/results/ledger_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CRC_CHARACTERS = 8, MOST_TRIALS = 1 << 24 };

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

/* Takes the checksum off the end of a line; false where it does not fit. */
static bool take_checksum(char *line) {
  char *last = strrchr(line, ' '), *end = NULL;
  if (!last) return false;
  const unsigned long written = strtoul(last + 1, &end, 16);
  const bool fits = *end == '\0' && end - last == CRC_CHARACTERS + 1 &&
                    (crc32(0, (const Bytef *)line, (uInt)(last - line)) & 0xffffffffUL) == written;
  *last = '\0';
  return fits;
}

/* --- records --------------------------------------------------------------------------------------------------- */

static vj_status read_header(vj_pool *pool, const char *line, const char *path, vj_ledger_snapshot *claims) {
  if (sscanf(line, "vjvcr ledger %*d trials %" SCNd64, &claims->count) != 1 || claims->count < 1 ||
      claims->count > MOST_TRIALS)
    return vj_fail(VJ_DATA, "%s: this is no ledger: its first line should begin with \"vjvcr ledger \"", path);
  claims->of = vj_pool_take(pool, (size_t)claims->count * sizeof *claims->of);
  return claims->of ? VJ_OK : vj_fail(VJ_MEMORY, "%s: no memory for %" PRId64 " trials", path, claims->count);
}

static const struct {
  const char *name;
  vj_trial_state state;
} events[] = {{"claim", VJ_TRIAL_RUNNING}, {"done", VJ_TRIAL_DONE},       {"failed", VJ_TRIAL_FAILED},
              {"ended", VJ_TRIAL_PRUNED},  {"release", VJ_TRIAL_WAITING}, {"stop", VJ_TRIAL_WAITING}};

/* Trials were added to the sweep. */
static vj_status read_extension(vj_pool *pool, const char *line, vj_ledger_snapshot *claims) {
  int64_t count = 0;
  if (sscanf(line, "%*d extend %" SCNd64, &count) != 1 || count <= claims->count || count > MOST_TRIALS) return VJ_OK;
  vj_claim *more = vj_pool_take(pool, (size_t)count * sizeof *more);
  if (!more) return vj_fail(VJ_MEMORY, "no memory for %" PRId64 " trials", count);
  memcpy(more, claims->of, (size_t)claims->count * sizeof *more);
  claims->of = more;
  claims->count = count;
  return VJ_OK;
}

/* Records of other kinds say nothing of who runs what, and are passed over. */
static void read_record(const vj_ledger_snapshot *claims, char *line, int64_t *newest) {
  char name[16] = "";
  int end = 0;
  int64_t trial = -1, attempt = 0;
  *newest = -1;
  if (sscanf(line, "%*d %15s %" SCNd64 " %" SCNd64 " %n", name, &trial, &attempt, &end) < 3 || !end) return;
  if (trial < 0 || trial >= claims->count) return;
  vj_claim *claim = &claims->of[trial];
  for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
    if (strcmp(events[i].name, name) != 0) continue;
    claim->state = events[i].state;
    if (attempt > claim->attempts) claim->attempts = attempt;
    if (claim->state != VJ_TRIAL_RUNNING) return;
    claim->who = line + end;
    char *pid = strchr(line + end, ':'), *start = pid ? strchr(pid + 1, ':') : NULL;
    if (start) *start = '\0'; /* host:pid:start; the start tells processes of one number apart */
    *newest = trial;
  }
}

vj_status vj_ledger_snapshot_read(vj_pool *pool, const char *folder, vj_ledger_snapshot *claims) {
  *claims = (vj_ledger_snapshot){0};
  const char *path = vj_pool_format(pool, "%s/ledger", folder);
  char *text = NULL, *end;
  int64_t newest = -1;
  char event[16] = "";
  if (!path) return vj_fail(VJ_MEMORY, "no memory for a path");
  claims->changed = vj_file_changed(path);
  VJ_TRY(read_file(pool, path, &text));
  for (char *line = text; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    if (!take_checksum(line))
      claims->damaged++;
    else if (!claims->count)
      VJ_TRY(read_header(pool, line, path, claims));
    else if (sscanf(line, "%*d %15s", event) == 1 && strcmp(event, "extend") == 0)
      VJ_TRY(read_extension(pool, line, claims));
    else
      read_record(claims, line, &newest);
  }
  for (int64_t i = 0; i < claims->count; i++)
    if (!claims->of[i].who) claims->of[i].who = "";
  if (newest >= 0) claims->of[newest].is_newest = true;
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
